//! What a SIMULATED venue says of an account: statements and drop copies, published from its own
//! ledger, which is asked over TCP and knows nothing of the engine.
//!
//! It publishes the two forms that a resync reads (`crate::resync`): a file that is replaced, or a
//! stream of lines with numbers. A fill is dated when it is first seen here.

use super::ledger::{LedgerClient, LedgerError};
use crate::replace::replace;
use crate::resync::source::stream::{Line, Resume};
use crate::resync::statement::{
    Exact, Fill, Moment, Money, OpenOrder, Position, SCHEMA, Side, Statement, VERSION,
};
use crate::sim::exchange::query::{FillRow, PositionRow, SideRow, StatementRow};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use xmc_hotpath::message::AccountId;
use xmc_hotpath::time::UnixNs;

/// How long the ledger may take to answer, and a reader to take what is written.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long whoever connects may take to say from where on.
const ASKING: Duration = Duration::from_millis(200);
/// What is said first is shorter.
const LONGEST_LINE: u64 = 256;
/// Between two looks at who has connected.
const NAP: Duration = Duration::from_millis(5);
/// Lines that are kept for who connects again.
const MOST_LINES: usize = 500_000;

/// What the sender's number of an order is in the venue's ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// The engine's own, as CME keeps `ClOrdID`.
    Ours,
    /// That of the counter in between.
    Counters,
}

/// Where it is published.
#[derive(Debug)]
pub enum Place {
    /// A file that is replaced.
    File(PathBuf),
    /// Whoever connects there.
    Stream(TcpListener),
}

/// Whose statements, and where.
#[derive(Debug)]
pub struct Settings {
    /// The venue's ledger.
    pub ledger: SocketAddr,
    /// The account there.
    pub of: AccountId,
    /// What the account is called in statements.
    pub account: String,
    /// What the venue is called in statements.
    pub venue: String,
    /// Whose numbers orders have.
    pub numbers: Numbers,
    /// Currencies by the venue's name of the instrument.
    pub currencies: BTreeMap<String, String>,
    /// Between two statements.
    pub every: Duration,
    /// Where.
    pub place: Place,
}

/// What is done to statements before they are published: for tests.
pub type Tamper = Box<dyn FnMut(&mut Statement) + Send>;

/// A publisher on a thread of its own; it ends when it is dropped.
#[derive(Debug)]
pub struct Publisher {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Publisher {
    /// Begins to publish; `tamper` falsifies statements on their way.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub fn start(settings: Settings, tamper: Option<Tamper>) -> Result<Self, LedgerError> {
        let ledger = LedgerClient::connect(settings.ledger, PATIENCE)?;
        let stop = Arc::new(AtomicBool::new(false));
        let work = Work {
            settings,
            ledger,
            tamper,
            fills: Vec::new(),
            last_fill: 0,
            sequence: 0,
            lines: Vec::new(),
            readers: Vec::new(),
        };
        let is_over = Arc::clone(&stop);
        let thread = std::thread::spawn(move || work.run(&is_over));
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Work {
    settings: Settings,
    ledger: LedgerClient,
    tamper: Option<Tamper>,
    fills: Vec<Fill>,
    last_fill: u64,
    sequence: u64,
    lines: Vec<Line>,
    readers: Vec<(TcpStream, u64)>,
}

impl Work {
    fn run(mut self, is_over: &AtomicBool) {
        let mut next = Instant::now();
        while !is_over.load(Ordering::Relaxed) {
            if Instant::now() >= next {
                next = Instant::now() + self.settings.every;
                // A venue that is away says nothing, and is asked again.
                match self.statement() {
                    Ok((statement, fresh)) => self.publish(statement, fresh),
                    Err(_) => {
                        if let Ok(again) = LedgerClient::connect(self.settings.ledger, NAP) {
                            self.ledger = again;
                        }
                    }
                }
            }
            self.serve();
            std::thread::sleep(NAP);
        }
    }

    /// The account now, and fills that are new.
    fn statement(&mut self) -> Result<(Statement, Vec<Fill>), LedgerError> {
        // Before it is asked: all that was booked by then is in the answer.
        let as_of = Moment(now());
        let row = self.ledger.statement(self.settings.of, self.last_fill)?;
        let StatementRow { positions, orders, fills } = row;
        self.last_fill = fills.last().map_or(self.last_fill, |fill| fill.fill_no);
        let fresh: Vec<_> = fills.iter().map(|row| self.fill(row, as_of)).collect();
        self.fills.extend(fresh.iter().cloned());
        self.sequence += 1;
        let open = orders.into_iter().map(|row| {
            let (order, venue_order) = self.numbers(row.client_id, row.order_no);
            let side = side(&row.side);
            let (instrument, lots) = (row.symbol, row.leaves_lots);
            OpenOrder { order, venue_order, instrument, side, lots }
        });
        let statement = Statement {
            schema: SCHEMA.to_owned(),
            version: VERSION,
            account: self.settings.account.clone(),
            venue: self.settings.venue.clone(),
            as_of,
            sequence: self.sequence,
            simulated: true,
            orders: Some(open.collect()),
            money: Some(self.money(&positions)),
            positions: Some(positions.into_iter().map(position).collect()),
            fills: Some(self.fills.clone()),
        };
        Ok((statement, fresh))
    }

    /// Our number and the venue's of an order.
    const fn numbers(&self, client_id: u64, order_no: u64) -> (Option<u64>, Option<u64>) {
        match self.settings.numbers {
            Numbers::Ours if client_id == 0 => (None, Some(order_no)),
            Numbers::Ours => (Some(client_id), Some(order_no)),
            Numbers::Counters => (None, Some(client_id)),
        }
    }

    fn fill(&self, row: &FillRow, at: Moment) -> Fill {
        let (order, venue_order) = self.numbers(row.client_id, row.order_no);
        Fill {
            execution: row.fill_no.to_string(),
            order,
            venue_order,
            instrument: row.symbol.clone(),
            side: side(&row.side),
            lots: row.lots,
            price: Exact::of_e9(row.price_e9.into()),
            at,
        }
    }

    fn money(&self, rows: &[PositionRow]) -> Vec<Money> {
        let mut all: BTreeMap<&str, (i128, i128)> = BTreeMap::new();
        for row in rows {
            let Some(currency) = self.settings.currencies.get(&row.symbol) else { continue };
            let (cash, fees) = all.entry(currency).or_default();
            *cash += row.cash_e9;
            *fees += row.fees_e9;
        }
        let money = |(currency, (cash, fees)): (&str, (i128, i128))| Money {
            currency: currency.to_owned(),
            cash: Exact::of_e9(cash),
            fees: Some(Exact::of_e9(fees)),
        };
        all.into_iter().map(money).collect()
    }

    fn publish(&mut self, mut statement: Statement, fresh: Vec<Fill>) {
        if let Some(tamper) = &mut self.tamper {
            tamper(&mut statement);
        }
        match &self.settings.place {
            Place::File(path) => {
                // A disk that takes none of it is one from which nothing new comes.
                let bytes = serde_json::to_vec(&statement).unwrap_or_default();
                let _ = replace(path, &bytes);
            }
            Place::Stream(_) => {
                // Fills go before the statement that counts them.
                statement.fills = None;
                let mut seq = self.lines.last().map_or(0, |line| line.seq);
                let line = |seq| Line { seq, fill: None, statement: None, heartbeat: None };
                for fill in fresh {
                    seq += 1;
                    self.lines.push(Line { fill: Some(fill), ..line(seq) });
                }
                self.lines.push(Line { statement: Some(statement), ..line(seq + 1) });
                let excess = self.lines.len().saturating_sub(MOST_LINES);
                self.lines.drain(..excess);
            }
        }
    }

    /// Gives readers of the stream what they have not had.
    fn serve(&mut self) {
        let Place::Stream(listener) = &self.settings.place else { return };
        while let Ok((stream, _)) = listener.accept() {
            if let Some(after) = asked(&stream) {
                self.readers.push((stream, after));
            }
        }
        let lines = &self.lines;
        self.readers.retain_mut(|(stream, after)| {
            let from = lines.partition_point(|line| line.seq <= *after);
            let mut text = String::new();
            for line in &lines[from..] {
                text.push_str(&serde_json::to_string(line).unwrap_or_default());
                text.push('\n');
                *after = line.seq;
            }
            stream.write_all(text.as_bytes()).is_ok()
        });
    }
}

/// From where on somebody wants the stream.
fn asked(stream: &TcpStream) -> Option<u64> {
    stream.set_nonblocking(false).ok()?;
    stream.set_read_timeout(Some(ASKING)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST_LINE)).read_line(&mut line).ok()?;
    serde_json::from_str::<Resume>(&line).ok().map(|resume| resume.resume_after)
}

fn position(row: PositionRow) -> Position {
    let lots = |side: SideRow| Some(side.today + side.yesterday);
    Position {
        instrument: row.symbol,
        net: None,
        long: lots(row.long),
        short: lots(row.short),
        long_today: Some(row.long.today),
        short_today: Some(row.short.today),
    }
}

fn side(word: &str) -> Side {
    if word == xmc_hotpath::message::Side::Buy.word() { Side::Buy } else { Side::Sell }
}

fn now() -> UnixNs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixNs(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
