//! SMDP joined in the middle: MDQP is asked for the topic's snapshot, and for the packets between
//! it and the first one that the multicast brought.
//!
//! The multicast is watched before anything is asked. A snapshot from after that moment goes on
//! with what came; one that is older (a front may answer with its last slice) is completed with
//! missed packets, or asked for again where those are too many.

use super::lines::{self, Lines};
use super::tail::{Kept, Noted, Tail};
use super::terms::{Comparison, Wanted};
use super::{NAP, StartError};
use crate::config::{Feed, RecoveryQuery, SecretSource};
use crate::port::tcp::{TcpPort, TcpSettings};
use crate::secret::Secret;
use crate::venue::shfe::smdp::client::{Client, ClientError, ClientLimits, Event};
use crate::venue::shfe::smdp::contract::{Contract, padded};
use crate::venue::shfe::smdp::layout::LoginField;
use crate::venue::shfe::smdp::seed::SeedError;
use crate::venue::shfe::smdp::snapshot::Snapshot;
use std::time::{Duration, Instant};
use xmc_hotpath::feed::{self, SeqNo};
use xmc_hotpath::message::InstrumentIndex;
use xmc_hotpath::port::{Datagram, Line, SendError, StreamPort, TxPort};
use xmc_hotpath::time::{MonoNs, Span};
use xmc_hotpath::venue::shfe::smdp::decode;
use xmc_hotpath::venue::shfe::smdp::feed::Smdp;

/// Silence of the multicast after which a snapshot is taken for the newest state: two slices of
/// 500 ms.
const QUIET: Duration = Duration::from_secs(1);

const SECOND: Span = Span(1_000_000_000);

/// What is asked for at most, and how often signs of life are sent: MIRP's own period.
pub(super) const LIMITS: ClientLimits = ClientLimits {
    reply_within: Span(5 * SECOND.0),
    heartbeat_every: Span(3 * SECOND.0),
    silent_after: Span(10 * SECOND.0),
    max_missing: 10_000,
    max_snapshot_fields: 1 << 20,
};

/// What a feed begins with.
#[derive(Clone, Debug)]
pub struct Start {
    wanted: Vec<Wanted>,
    snapshot: Snapshot,
    /// Whole packets from after the snapshot, in the order of their numbers.
    missed: Vec<Vec<u8>>,
    /// What the multicast brought after the snapshot.
    kept: Vec<Kept>,
}

impl Start {
    /// The snapshot: trading day, contracts, books.
    #[must_use]
    pub const fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Packets that were asked for again.
    #[must_use]
    pub fn missed_count(&self) -> usize {
        self.missed.len()
    }

    /// Fills `feed`, makes it live and gives it what was kept. What its sockets have comes next.
    ///
    /// # Errors
    /// See `SeedError`: no book of the feed is believed then.
    pub fn seed(&self, feed: &mut feed::Feed<'_, Smdp<'_>>, now: MonoNs) -> Result<(), SeedError> {
        self.snapshot.seed(feed, |contract| self.row(contract), now)?;
        for payload in &self.missed {
            feed.on_datagram(&Datagram { payload, received: now, line: Line::A });
        }
        Kept::give(&self.kept, feed, now);
        Ok(())
    }

    fn row(&self, contract: &Contract) -> Option<InstrumentIndex> {
        row_of(&self.wanted, contract)
    }
}

/// The desk's row of a contract, if it wants it.
pub(super) fn row_of(wanted: &[Wanted], contract: &Contract) -> Option<InstrumentIndex> {
    let of = wanted.iter().find(|wanted| wanted.symbol == contract.instrument_id);
    of.map(|wanted| wanted.row)
}

/// Asks for the state of a feed's topic.
///
/// # Errors
/// See `StartError`.
pub(super) fn find(
    feed: &Feed,
    query: &RecoveryQuery,
    wanted: Vec<Wanted>,
    drain: &mut dyn FnMut(),
    patience: Duration,
) -> Result<Start, StartError> {
    let (login, password) = (login(feed, query)?, password(feed, query)?);
    let lines = Lines::join(feed, lines::incremental(feed))?;
    let stream = TcpPort::connect(query.address.into(), patience, &TcpSettings::default())
        .map_err(|source| StartError::Connect { feed: feed.name.value.clone(), source })?;
    let mut asking = Asking {
        feed: feed.name.value.clone(),
        topic: query.topic,
        client: Client::connect(login, &password, LIMITS, MonoNs(0)),
        stream,
        lines,
        tail: Tail::default(),
        kept: Vec::new(),
        is_beating: false,
        since: Instant::now(),
        patience,
    };
    asking.run(wanted, drain)
}

/// A query under way.
struct Asking {
    feed: String,
    topic: i16,
    client: Client,
    stream: TcpPort,
    lines: Lines<Line>,
    tail: Tail,
    kept: Vec<Kept>,
    /// A heartbeat came: the multicast is there.
    is_beating: bool,
    since: Instant,
    patience: Duration,
}

impl Asking {
    fn run(&mut self, wanted: Vec<Wanted>, drain: &mut dyn FnMut()) -> Result<Start, StartError> {
        self.event("the answer to the MDQP login", |event| matches!(event, Event::LoggedIn(_)))?;
        loop {
            let snapshot = self.snapshot()?;
            check(&self.feed, &wanted, &snapshot)?;
            self.listen("a packet of lines A and B")?;
            drain();
            self.hear_all();
            let last = SeqNo(snapshot.packet_no.cast_unsigned());
            if let Some(missed) = self.missed(last)? {
                let kept = Kept::after(&self.kept, last);
                // Whether the venue heard it changes nothing: the connection ends here.
                let _ = self.client.log_out(self.now());
                let _ = self.exchange("");
                return Ok(Start { wanted, snapshot, missed, kept });
            }
        }
    }

    fn now(&self) -> MonoNs {
        MonoNs(u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn snapshot(&mut self) -> Result<Snapshot, StartError> {
        let asked = self.client.ask_snapshot(self.topic, self.now());
        asked.map_err(|source| self.refused(source))?;
        match self.event("the snapshot", |event| matches!(event, Event::Snapshot(_)))? {
            Event::Snapshot(snapshot) => Ok(*snapshot),
            _ => unreachable!("only a snapshot was waited for"),
        }
    }

    /// Waits until the multicast has said something, or has been quiet for so long that nothing can
    /// be missing.
    fn listen(&mut self, awaited: &'static str) -> Result<(), StartError> {
        let since = Instant::now();
        while self.tail.newest().is_none() && !self.is_beating && since.elapsed() < QUIET {
            if !self.exchange(awaited)? {
                std::thread::sleep(NAP);
            }
        }
        Ok(())
    }

    /// The packets between a snapshot and what the lines brought; `None` if another snapshot has to
    /// be asked for.
    fn missed(&mut self, last: SeqNo) -> Result<Option<Vec<Vec<u8>>>, StartError> {
        let Some(first) = self.tail.first().filter(|_| !self.tail.goes_on_from(last)) else {
            return Ok(Some(Vec::new()));
        };
        let (from, to) = (last.next().0.cast_signed(), first.before().0.cast_signed());
        match self.client.ask_missing(self.topic, from, to, self.now()) {
            Ok(()) => {}
            Err(ClientError::TooMany { .. } | ClientError::Range { .. }) => return Ok(None),
            Err(source) => return Err(self.refused(source)),
        }
        let awaited = "the missed packets";
        match self
            .event(awaited, |event| matches!(event, Event::Recovered(_) | Event::Failed(_)))?
        {
            Event::Recovered(packets) => Ok(Some(packets)),
            _ => Ok(None),
        }
    }

    fn refused(&self, source: ClientError) -> StartError {
        StartError::Query { feed: self.feed.clone(), source }
    }

    /// Waits for an event; others that end the query are errors.
    fn event(
        &mut self,
        awaited: &'static str,
        is_awaited: impl Fn(&Event) -> bool,
    ) -> Result<Event, StartError> {
        loop {
            while let Some(event) = self.client.next_event() {
                match event {
                    event if is_awaited(&event) => return Ok(event),
                    Event::Failed(source) | Event::Closed(source) => {
                        return Err(self.refused(source));
                    }
                    _ => {}
                }
            }
            if self.since.elapsed() > self.patience {
                let (feed, ms) = (self.feed.clone(), self.patience.as_millis());
                return Err(StartError::TimedOut { feed, awaited, ms });
            }
            if !self.exchange(awaited)? {
                std::thread::sleep(NAP);
            }
        }
    }

    /// Takes all packets that there are.
    fn hear_all(&mut self) {
        let Self { lines, tail, kept, is_beating, topic, .. } = self;
        lines.poll_all(|line, payload| hear(*topic, (tail, kept, is_beating), line, payload));
    }

    /// Moves bytes and packets, and says whether there were any.
    fn exchange(&mut self, awaited: &'static str) -> Result<bool, StartError> {
        let Self { lines, tail, kept, is_beating, topic, .. } = self;
        let mut is_any =
            lines.poll(|line, payload| hear(*topic, (tail, kept, is_beating), line, payload));
        let closed = |feed: &str| StartError::Closed { feed: feed.to_owned(), awaited };
        let outgoing = self.client.outgoing();
        if !outgoing.is_empty() {
            match self.stream.send(outgoing) {
                Ok(()) => self.client.written(outgoing.len()),
                Err(SendError::Busy) => {}
                Err(_) => return Err(closed(&self.feed)),
            }
        }
        let mut buffer = [0; 4_096];
        let len = self.stream.read(&mut buffer).map_err(|_| closed(&self.feed))?;
        let now = self.now();
        self.client.on_bytes(&buffer[..len], now);
        self.client.on_time(now);
        is_any |= len > 0;
        Ok(is_any)
    }
}

/// Takes a packet of the multicast.
fn hear(
    topic: i16,
    (tail, kept, is_beating): (&mut Tail, &mut Vec<Kept>, &mut bool),
    line: Line,
    payload: &[u8],
) {
    let Ok(packet) = decode::packet(payload) else { return };
    let header = packet.header();
    if header.topic_id.get() != topic {
        return;
    }
    if packet.is_heartbeat() {
        *is_beating = true;
        return;
    }
    let seq_no = SeqNo(header.packet_no.get().cast_unsigned());
    if tail.note(seq_no) == Noted::Anew {
        kept.clear();
    }
    kept.push(Kept { line, seq_no, payload: payload.to_vec() });
}

fn check(feed: &str, wanted: &[Wanted], snapshot: &Snapshot) -> Result<(), StartError> {
    let feed = feed.to_owned();
    let (mut undefined, mut differences) = (Vec::new(), Vec::new());
    for wanted in wanted {
        let contracts = snapshot.instruments.iter().map(|instrument| &instrument.contract);
        match contracts.into_iter().find(|of| of.instrument_id == wanted.symbol) {
            Some(contract) => {
                let mut comparison = Comparison::new(wanted);
                comparison.e9("tick_size", wanted.tick_e9, Some(contract.tick_e9));
                let multiplier_e9 = i64::from(contract.volume_multiple) * 1_000_000_000;
                comparison.e9("multiplier", wanted.multiplier_e9, Some(multiplier_e9));
                differences.extend(comparison.finish());
            }
            None => undefined.push(wanted.to_string()),
        }
    }
    if !undefined.is_empty() {
        return Err(StartError::NotDefined { feed, instruments: undefined });
    }
    if differences.is_empty() { Ok(()) } else { Err(StartError::Differs { feed, differences }) }
}

/// The password of whoever asks, read anew; an empty one if none is needed.
///
/// # Errors
/// It cannot be read, or does not fit its field.
pub fn password(feed: &Feed, query: &RecoveryQuery) -> Result<Secret, StartError> {
    let name = || feed.name.value.clone();
    let read = |lies: &SecretSource| {
        Secret::read(lies).map_err(|source| StartError::Secret { feed: name(), source })
    };
    let password = query.login.password.as_ref().map(read).transpose()?.unwrap_or_default();
    match password.reveal().len() {
        0..=40 => Ok(password),
        bytes => Err(StartError::Text { feed: name(), key: "mdqp_password_file", bytes, most: 40 }),
    }
}

/// What MDQP is told of who asks, but for the password.
///
/// # Errors
/// A text does not fit its field.
pub fn login(feed: &Feed, query: &RecoveryQuery) -> Result<LoginField, StartError> {
    let login = &query.login;
    Ok(LoginField {
        user_id: field(feed, "mdqp_user", &login.user_id)?,
        participant_id: field(feed, "mdqp_participant", &login.participant_id)?,
        password: [0; 41],
        // As in the only vector there is.
        language: b'0',
        user_product: padded(PRODUCT),
        interface_product: padded(PRODUCT),
    })
}

/// What the venue is told of our program.
const PRODUCT: &str = concat!("cross_market_connect ", env!("CARGO_PKG_VERSION"));

/// A text that leaves room for the NUL behind it.
fn field<const N: usize>(
    feed: &Feed,
    key: &'static str,
    text: &str,
) -> Result<[u8; N], StartError> {
    if text.len() < N {
        return Ok(padded(text));
    }
    let (feed, bytes, most) = (feed.name.value.clone(), text.len(), N - 1);
    Err(StartError::Text { feed, key, bytes, most })
}
