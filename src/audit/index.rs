//! The index: where receipts lie by what they are about, and the day's running aggregates.
//!
//! One file of an embedded store, made from the journal and from nothing else, so it may be deleted
//! at any time and is never needed for truth. It grows by what the journal has grown by: it knows
//! the last block it has read and that block's hash, and when that is not there any more it is made
//! anew. It holds everything but quotes, ticks and clock readings; a query for those reads the
//! journal. One writer at a time; the journal is only read.

use super::CouldNotRun;
use super::day::{Folding, Part};
use super::facts::{self, Facts, Memory, Partner, is_indexed};
use super::labels::Runs;
use super::query::{Filter, Position, Receipt};
use super::scan::{At, Cursor, Damaged, Decoding, newest, scan_from};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use xmc_hotpath::message::{OrderAction, OrderCommand};
use xmc_hotpath::record::frame::{self, Body, Images, Kind};
use xmc_hotpath::time::{MonoNs, UnixNs};

/// The index's file, unless another is named: beside the journal's segments.
pub const NAME: &str = "index.redb";

/// Version of what is in it; another one is made anew.
const VERSION: u32 = 4;

/// What it knows of itself.
const STATE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("state");
/// Records by place: where they lie, when, what they are about, their bytes.
const RECORDS: TableDefinition<'_, u128, &[u8]> = TableDefinition::new("records");
/// Figures by hour since 1970.
const HOURS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("hours");
/// Places by what records are about: dimension, value, place.
const ABOUT: TableDefinition<'_, (u8, u64, u128), ()> = TableDefinition::new("about");

/// Records that are written in one transaction: this bounds memory.
const BATCH: usize = 100_000;

const SECOND_NS: u64 = 1_000_000_000;

/// What receipts are found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum By {
    Order = 1,
    Fill = 2,
    Spread = 3,
    Instrument = 4,
    Project = 5,
    Strategy = 6,
    Account = 7,
    Gate = 8,
    Kind = 9,
    /// By the second, in UTC.
    Second = 10,
}

/// Why an index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] CouldNotRun),
    /// The store.
    #[error("index {}: {source}; it can be deleted, the journal holds everything", path.display())]
    Store {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: Box<redb::Error>,
    },
}

/// How far the index has read, and what it needs to go on.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    version: u32,
    segment: u64,
    block: u64,
    hash: Vec<u8>,
    run: u16,
    /// The clock against UTC, and the last moment.
    scale: [u64; 2],
    now: u64,
    records: u64,
    /// The journal's newest segment when it was read: number, length, and when it was written.
    newest: Option<(u64, u64, u128)>,
    folding: Folding,
}

/// What bringing an index up to date came to.
#[derive(Clone, Debug, Default)]
pub struct Updated {
    /// Records of the journal that were read now.
    pub read: u64,
    /// Records of the journal in all.
    pub records: u64,
    /// It was made anew, because the journal is not the one that it knew.
    pub is_anew: bool,
    /// The journal is damaged: the index ends before that.
    pub damage: Option<(PathBuf, Damaged)>,
}

/// An index.
#[derive(Debug)]
pub struct Index {
    path: PathBuf,
    database: Database,
}

/// A store's errors are many types with one meaning here.
fn store<'p, E: Into<redb::Error>>(path: &'p Path) -> impl Fn(E) -> IndexError + 'p {
    move |error| IndexError::Store { path: path.to_owned(), source: Box::new(error.into()) }
}

impl Index {
    /// Opens the index in the file `path`, which is made if it is not there.
    ///
    /// # Errors
    /// `Store`: somebody else has it open, or it is no index.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        let mut builder = Database::builder();
        builder.set_cache_size(64 << 20);
        let database = builder.create(path).map_err(store(path))?;
        Ok(Self { path: path.to_owned(), database })
    }

    /// Reads what the journal at `journal` has grown by.
    ///
    /// # Errors
    /// See `IndexError`. Damage is no error: it is in what comes back.
    pub fn update(&self, journal: &Path) -> Result<Updated, IndexError> {
        let state = self.state()?.filter(|state| state.version == VERSION);
        // Looked at before it is read: what comes in between is read the next time.
        let newest = newest(journal)?;
        if let Some(state) = &state
            && newest.is_some()
            && state.newest == newest
        {
            return Ok(Updated { records: state.records, ..Updated::default() });
        }
        let is_known = state.is_some();
        let first = self.read_from(journal, state, newest)?;
        if is_known && matches!(first.damage, Some((_, Damaged::Gone))) {
            let anew = self.read_from(journal, None, newest)?;
            return Ok(Updated { is_anew: true, ..anew });
        }
        Ok(first)
    }

    fn read_from(
        &self,
        journal: &Path,
        state: Option<State>,
        newest: Option<(u64, u64, u128)>,
    ) -> Result<Updated, IndexError> {
        if state.is_none() {
            self.clear()?;
        }
        let from = state.as_ref().and_then(|state| {
            let hash = state.hash.as_slice().try_into().ok()?;
            Some(Cursor { segment: state.segment, block: state.block, hash })
        });
        let mut growing = Growing::of(self, journal, state.unwrap_or_default())?;
        let mut failed = None;
        let scanned = scan_from(journal, from, |entry| match growing.take(&entry) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        if let Some(end) = scanned.end {
            growing.state.segment = end.segment;
            growing.state.block = end.block;
            growing.state.hash = end.hash.to_vec();
        }
        growing.state.version = VERSION;
        growing.state.records += scanned.records;
        let records = growing.state.records;
        // Damage is told each time, so a damaged journal is looked at each time.
        growing.state.newest = newest.filter(|_| scanned.damage.is_none());
        growing.write(true)?;
        Ok(Updated { read: scanned.records, records, is_anew: false, damage: scanned.damage })
    }

    fn clear(&self) -> Result<(), IndexError> {
        let failed = &self.path;
        let write = self.database.begin_write().map_err(store(failed))?;
        write.delete_table(STATE).map_err(store(failed))?;
        write.delete_table(RECORDS).map_err(store(failed))?;
        write.delete_table(ABOUT).map_err(store(failed))?;
        write.delete_table(HOURS).map_err(store(failed))?;
        write.open_table(HOURS).map_err(store(failed))?;
        write.open_table(STATE).map_err(store(failed))?;
        write.open_table(RECORDS).map_err(store(failed))?;
        write.open_table(ABOUT).map_err(store(failed))?;
        write.commit().map_err(store(failed))
    }

    fn state(&self) -> Result<Option<State>, IndexError> {
        let failed = &self.path;
        let read = self.database.begin_read().map_err(store(failed))?;
        let table = match read.open_table(STATE) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(store(failed)(error)),
        };
        let found = table.get("state").map_err(store(failed))?;
        Ok(found.and_then(|bytes| serde_json::from_slice(bytes.value()).ok()))
    }

    /// Tells `visit` every receipt that `filter` takes, in order.
    ///
    /// # Errors
    /// `Store`.
    pub fn search(
        &self,
        filter: &Filter,
        mut visit: impl FnMut(&Receipt) -> ControlFlow<()>,
    ) -> Result<(), IndexError> {
        let failed = &self.path;
        let read = self.database.begin_read().map_err(store(failed))?;
        let records = read.open_table(RECORDS).map_err(store(failed))?;
        let about = read.open_table(ABOUT).map_err(store(failed))?;
        let after = filter.after.map_or(0, |after| after.key() + 1);
        let mut tell = |key: u128, bytes: &[u8]| match unpack(key, bytes) {
            Some(receipt) if filter.takes(&receipt) => visit(&receipt),
            _ => ControlFlow::Continue(()),
        };
        let Some((by, value)) = narrowest(filter) else {
            if filter.from.is_some() || filter.to.is_some() {
                // By the second; sorted, because a clock that went back put them out of order.
                let second = |utc: Option<UnixNs>, none| utc.map_or(none, |utc| utc.0 / SECOND_NS);
                let by = By::Second as u8;
                let range =
                    (by, second(filter.from, 0), 0)..=(by, second(filter.to, u64::MAX), u128::MAX);
                let mut places = Vec::new();
                for found in about.range(range).map_err(store(failed))? {
                    let (key, _) = found.map_err(store(failed))?;
                    places.push(key.value().2);
                }
                places.sort_unstable();
                for place in places.into_iter().filter(|place| *place >= after) {
                    let Some(bytes) = records.get(place).map_err(store(failed))? else { continue };
                    if tell(place, bytes.value()).is_break() {
                        break;
                    }
                }
                return Ok(());
            }
            for found in records.range(after..).map_err(store(failed))? {
                let (key, bytes) = found.map_err(store(failed))?;
                if tell(key.value(), bytes.value()).is_break() {
                    break;
                }
            }
            return Ok(());
        };
        let range = (by as u8, value, after)..=(by as u8, value, u128::MAX);
        for found in about.range(range).map_err(store(failed))? {
            let (key, ()) = found.map(|(key, _)| (key, ())).map_err(store(failed))?;
            let (_, _, place) = key.value();
            let Some(bytes) = records.get(place).map_err(store(failed))? else { continue };
            if tell(place, bytes.value()).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// What happened in these hours, by their number since 1970; hours of nothing are not there.
    ///
    /// # Errors
    /// `Store`.
    pub fn hours(&self, hours: Range<u32>) -> Result<BTreeMap<u32, Part>, IndexError> {
        let failed = &self.path;
        let read = self.database.begin_read().map_err(store(failed))?;
        let table = match read.open_table(HOURS) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(BTreeMap::new()),
            Err(error) => return Err(store(failed)(error)),
        };
        let mut found = BTreeMap::new();
        for row in table.range(hours).map_err(store(failed))? {
            let (hour, bytes) = row.map_err(store(failed))?;
            let part = serde_json::from_slice(bytes.value());
            found.extend(part.ok().map(|part| (hour.value(), part)));
        }
        Ok(found)
    }

    /// The orders that were sent last, as many as may still be heard of, oldest first.
    fn last_orders(&self) -> Result<Vec<OrderCommand>, IndexError> {
        let failed = &self.path;
        let read = self.database.begin_read().map_err(store(failed))?;
        let records = read.open_table(RECORDS).map_err(store(failed))?;
        let about = read.open_table(ABOUT).map_err(store(failed))?;
        let of_kind = |place| (By::Kind as u8, u64::from(Kind::Order.code()), place);
        let mut orders = Vec::new();
        for found in about.range(of_kind(0)..=of_kind(u128::MAX)).map_err(store(failed))?.rev() {
            let (key, _) = found.map_err(store(failed))?;
            let (_, _, place) = key.value();
            let bytes = records.get(place).map_err(store(failed))?;
            let receipt = bytes.and_then(|bytes| unpack(place, bytes.value()));
            if let Some(Receipt { body: Body::Order(order), .. }) = receipt
                && order.action == OrderAction::New
            {
                orders.push(order);
            }
            if orders.len() >= facts::KEPT {
                break;
            }
        }
        orders.reverse();
        Ok(orders)
    }

    /// Records of the journal that it has read.
    ///
    /// # Errors
    /// `Store`.
    pub fn records(&self) -> Result<u64, IndexError> {
        Ok(self.state()?.map_or(0, |state| state.records))
    }
}

/// What finds the fewest receipts, of what the filter says.
fn narrowest(filter: &Filter) -> Option<(By, u64)> {
    let kind = match filter.kinds.as_slice() {
        [one] => Some((By::Kind, u64::from(one.code()))),
        _ => None,
    };
    let instrument = match filter.instruments.as_deref() {
        Some([one]) => Some((By::Instrument, one.0.into())),
        _ => None,
    };
    let candidates = [
        filter.order.map(|id| (By::Order, id.0)),
        filter.fill.map(|id| (By::Fill, id)),
        filter.gate.map(|gate| (By::Gate, u64::from(gate.code()))),
        kind,
        filter.spread.map(|spread| (By::Spread, spread.0.into())),
        instrument,
        filter.strategy.map(|id| (By::Strategy, id.0.into())),
        filter.account.map(|id| (By::Account, id.0.into())),
        filter.project.map(|id| (By::Project, id.0.into())),
    ];
    candidates.into_iter().flatten().next()
}

/// Bytes before a record's own: segment, block, record, now, utc; then what it is about.
const FRONT: usize = 8 + 8 + 4 + 8 + 8 + FACTS;
const FACTS: usize = 8 + 8 + 4 + 4 + 4 + 4 + 4 + 4 + 4 + 4 + 2 + 1 + 2;

fn pack(receipt: &Receipt, whole: &[u8]) -> Vec<u8> {
    let facts = &receipt.facts;
    let mut bytes = Vec::with_capacity(FRONT + whole.len());
    bytes.extend_from_slice(&receipt.at.segment.to_le_bytes());
    bytes.extend_from_slice(&receipt.at.block.to_le_bytes());
    bytes.extend_from_slice(&receipt.at.record.to_le_bytes());
    bytes.extend_from_slice(&receipt.now.0.to_le_bytes());
    bytes.extend_from_slice(&receipt.utc.0.to_le_bytes());
    let mut present = 0_u16;
    let mut bit = 1_u16;
    let mut mark = |is_there: bool| {
        present |= if is_there { bit } else { 0 };
        bit <<= 1;
    };
    mark(facts.order.is_some());
    mark(facts.fill.is_some());
    mark(facts.spread.is_some());
    mark(facts.instrument.is_some());
    mark(facts.project.is_some());
    mark(facts.strategy.is_some());
    mark(facts.account.is_some());
    mark(facts.stream.is_some());
    mark(facts.gate.is_some());
    let ([_, spread], [_, strategy], [_, project]) =
        (facts.spreads(), facts.strategies(), facts.projects());
    mark(spread.is_some());
    mark(strategy.is_some());
    mark(project.is_some());
    bytes.extend_from_slice(&present.to_le_bytes());
    bytes.extend_from_slice(&facts.order.map_or(0, |id| id.0).to_le_bytes());
    bytes.extend_from_slice(&facts.fill.unwrap_or(0).to_le_bytes());
    for row in [
        facts.spread.map(|id| id.0),
        facts.instrument.map(|id| id.0),
        facts.project.map(|id| id.0),
        facts.strategy.map(|id| id.0),
        facts.account.map(|id| id.0),
        spread.map(|id| id.0),
        strategy.map(|id| id.0),
        project.map(|id| id.0),
    ] {
        bytes.extend_from_slice(&row.unwrap_or(0).to_le_bytes());
    }
    bytes.extend_from_slice(&facts.stream.map_or(0, |id| id.0).to_le_bytes());
    bytes.push(facts.gate.map_or(0, |gate| gate.code()));
    bytes.extend_from_slice(whole);
    bytes
}

fn unpack(key: u128, bytes: &[u8]) -> Option<Receipt> {
    use xmc_hotpath::message::{
        AccountId, Gate, InstrumentIndex, OrderId, ProjectId, SpreadIndex, StrategyId, StreamId,
    };
    let (front, whole) = bytes.split_at_checked(FRONT)?;
    let mut rest = front;
    let mut take = |count: usize| -> u64 {
        let (taken, after) = rest.split_at(count);
        rest = after;
        taken.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
    };
    let at = At { segment: take(8), block: take(8), record: u32::try_from(take(4)).ok()? };
    let (now, utc) = (MonoNs(take(8)), UnixNs(take(8)));
    let mut present = take(2);
    let mut is_there = || {
        let is = present & 1 != 0;
        present >>= 1;
        is
    };
    let flags: [bool; 12] = std::array::from_fn(|_| is_there());
    let [order, fill] = [take(8), take(8)];
    let mut row = || u32::try_from(take(4)).unwrap_or(u32::MAX);
    let [spread, instrument, project, strategy, account] = [row(), row(), row(), row(), row()];
    let [by, their_strategy, their_project] = [row(), row(), row()];
    let partner = Partner {
        spread: SpreadIndex(by),
        strategy: flags[10].then_some(StrategyId(their_strategy)),
        project: flags[11].then_some(ProjectId(their_project)),
    };
    let stream = u16::try_from(take(2)).ok()?;
    let gate = Gate::from_code(u8::try_from(take(1)).ok()?);
    let facts = Facts {
        order: flags[0].then_some(OrderId(order)),
        fill: flags[1].then_some(fill),
        spread: flags[2].then_some(SpreadIndex(spread)),
        instrument: flags[3].then_some(InstrumentIndex(instrument)),
        project: flags[4].then_some(ProjectId(project)),
        strategy: flags[5].then_some(StrategyId(strategy)),
        account: flags[6].then_some(AccountId(account)),
        stream: flags[7].then_some(StreamId(stream)),
        gate: gate.filter(|_| flags[8]),
        partner: flags[9].then_some(partner),
    };
    let (header, body, _) = frame::split(whole).ok()?;
    let body = frame::decode(header, body, &mut Images::new(&mut [])).ok()?;
    let position = Position::of_key(key);
    Some(Receipt { position, at, now, utc, kind: header.kind, facts, body })
}

/// An index that takes in records.
struct Growing<'i> {
    index: &'i Index,
    state: State,
    decoding: Decoding,
    memory: Memory,
    runs: Runs,
    records: Vec<(u128, Vec<u8>)>,
    about: Vec<(u8, u64, u128)>,
}

impl<'i> Growing<'i> {
    fn of(index: &'i Index, journal: &Path, state: State) -> Result<Self, IndexError> {
        let mut runs = Runs::new(journal);
        let mut decoding = Decoding::default();
        decoding.scale.at = MonoNs(state.scale[0]);
        decoding.scale.utc = UnixNs(state.scale[1]);
        decoding.now = MonoNs(state.now);
        let mut memory = Memory::default();
        if state.records > 0 {
            let starts = Filter { kinds: vec![Kind::Start], ..Filter::default() };
            index.search(&starts, |receipt| {
                runs.learn(receipt);
                ControlFlow::Continue(())
            })?;
            // What spreads and instruments are, and the orders that may still be heard of, is in
            // the index.
            let mut recall = |kinds: &[Kind]| {
                let filter = Filter {
                    kinds: kinds.to_vec(),
                    after: Some(Position { run: state.run, ..Position::default() }),
                    ..Filter::default()
                };
                index.search(&filter, |receipt| {
                    memory.take(&receipt.body);
                    ControlFlow::Continue(())
                })
            };
            recall(&[Kind::Instrument])?;
            recall(&[Kind::Spread])?;
            for order in index.last_orders()? {
                memory.remember(order);
            }
        }
        Ok(Self { index, state, decoding, memory, runs, records: Vec::new(), about: Vec::new() })
    }

    fn take(&mut self, entry: &super::scan::Entry<'_>) -> Result<(), IndexError> {
        let header = entry.header;
        self.decoding.read_moment(header, entry.body);
        if !is_indexed(header.kind) {
            if header.kind == Kind::Clock {
                self.decoding.read(header, entry.body);
            }
            let instrument = Decoding::quoted(header.kind, entry.body);
            let utc = self.decoding.utc();
            let labels = self.runs.of(self.state.run);
            self.state.folding.count(header.kind, utc, instrument, labels);
            return Ok(());
        }
        let Some(body) = self.decoding.read(header, entry.body) else { return Ok(()) };
        let facts = self.memory.take(&body);
        if let Body::Start(start) = &body {
            self.state.folding.settle(self.runs.of(self.state.run));
            self.state.run = start.identity.run;
        }
        let position = Position { run: self.state.run, input: header.seq_no, index: header.index };
        let (now, utc) = (self.decoding.now, self.decoding.utc());
        let receipt = Receipt { position, at: entry.at, now, utc, kind: header.kind, facts, body };
        let key = position.key();
        self.records.push((key, pack(&receipt, entry.whole)));
        self.about(&receipt, key);
        self.runs.learn(&receipt);
        let labels = self.runs.of(self.state.run);
        self.state.folding.take(&receipt, &self.memory, labels);
        // Transactions end between records, and the state says where the last whole one ended.
        if self.records.len() >= BATCH { self.write(false) } else { Ok(()) }
    }

    fn about(&mut self, receipt: &Receipt, key: u128) {
        let facts = &receipt.facts;
        let mut add = |by: By, value: Option<u64>| {
            self.about.extend(value.map(|value| (by as u8, value, key)));
        };
        add(By::Order, facts.order.map(|id| id.0));
        add(By::Fill, facts.fill);
        facts.spreads().into_iter().for_each(|of| add(By::Spread, of.map(|id| id.0.into())));
        add(By::Instrument, facts.instrument.map(|id| id.0.into()));
        facts.projects().into_iter().for_each(|of| add(By::Project, of.map(|id| id.0.into())));
        facts.strategies().into_iter().for_each(|of| add(By::Strategy, of.map(|id| id.0.into())));
        add(By::Account, facts.account.map(|id| id.0.into()));
        add(By::Gate, facts.gate.map(|gate| gate.code().into()));
        add(By::Kind, Some(receipt.kind.code().into()));
        let starts_second = receipt.utc.0 != 0;
        add(By::Second, starts_second.then_some(receipt.utc.0 / SECOND_NS));
    }

    /// Writes what has been gathered; with `is_end` also how far the index has come. Until then a
    /// crash leaves rows that are written again, the same.
    fn write(&mut self, is_end: bool) -> Result<(), IndexError> {
        let failed = &self.index.path;
        let write = self.index.database.begin_write().map_err(store(failed))?;
        {
            let mut records = write.open_table(RECORDS).map_err(store(failed))?;
            for (key, bytes) in self.records.drain(..) {
                records.insert(key, bytes.as_slice()).map_err(store(failed))?;
            }
            let mut about = write.open_table(ABOUT).map_err(store(failed))?;
            // In order, so that a page is touched once.
            self.about.sort_unstable();
            for key in self.about.drain(..) {
                about.insert(key, ()).map_err(store(failed))?;
            }
            if is_end {
                self.state.folding.settle(self.runs.of(self.state.run));
                let mut hours = write.open_table(HOURS).map_err(store(failed))?;
                for (hour, part) in std::mem::take(&mut self.state.folding.hours) {
                    let known = hours.get(hour).map_err(store(failed))?;
                    let known = known.and_then(|known| serde_json::from_slice(known.value()).ok());
                    let mut whole: Part = known.unwrap_or_default();
                    whole.merge(&part);
                    let bytes = serde_json::to_vec(&whole).unwrap_or_default();
                    hours.insert(hour, bytes.as_slice()).map_err(store(failed))?;
                }
                self.state.scale = [self.decoding.scale.at.0, self.decoding.scale.utc.0];
                self.state.now = self.decoding.now.0;
                let bytes = serde_json::to_vec(&self.state).unwrap_or_default();
                let mut state = write.open_table(STATE).map_err(store(failed))?;
                state.insert("state", bytes.as_slice()).map_err(store(failed))?;
            }
        }
        write.commit().map_err(store(failed))
    }
}
