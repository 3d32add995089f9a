//! What a backtest is played on: the market of a record, run by run.
//!
//! A record holds what its desk was told. What the market did is taken from it as it stands:
//! quotes, channels, sessions, hours, findings, clocks and, if wanted, commands. Its orders, what
//! became of them and what was held from earlier are left out: the desk under test decides anew and
//! begins with nothing. What desk and pairs are is told as in the record, or as a configuration
//! says (`Setup`); then instruments and gateways are found by their feeds' and sessions' numbers.

use std::collections::BTreeMap;

use xmc_hotpath::message::{
    Command, CommandKind, Control, GatewayIndex, InstrumentIndex, Scope, StreamId,
};
use xmc_hotpath::record::frame::{
    self, Body, FrameError, Header, Image, Images, Kind, OwnedEvent, OwnedInput, Start,
};
use xmc_hotpath::time::MonoNs;
use xmc_hotpath::venue::cme::mdp3::view::EntryView;

use crate::config::Configuration;
use crate::engine::inputs;
use crate::engine::memory::DeskSize;
use crate::engine::replay::MAX_ARENA_ROWS;
use crate::engine::wire::desk_size;

/// Why a record cannot be played on.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum SourceError {
    /// Bytes that are no record.
    #[error(
        "record after input {after}: {fault:?}: run `xmc audit verify` to see where the damage is"
    )]
    Damaged {
        /// The last input that was read.
        after: u64,
        /// What is wrong.
        fault: FrameError,
    },
    /// Something comes before the first start.
    #[error("the record begins with input {0} and not with a start: give the journal's first file")]
    NoStart(u64),
    /// There is nothing in it.
    #[error("the record is empty: give the journal of a run, or a capture")]
    Empty,
    /// The start is damaged.
    #[error("the start names arenas of {0:?} rows: the record is damaged")]
    Arenas([u32; 3]),
    /// A configuration that does not fit.
    #[error(
        "instrument {0} of the configuration is traded, and the record has no quotes of it: its \
         feed's stream_id and security_id must be those of the record, see `xmc audit query`"
    )]
    NoQuotes(String),
    /// Runs that were configured differently, and nothing says which to play: names of pairs, rates
    /// and fees of one say nothing of another.
    #[error(
        "the runs of the record have {} configurations: {}. One figure would mix them: choose a \
         run with --run N, or have all of them set up and valued alike with --config FILE",
        .0.len(),
        listed(.0)
    )]
    Configurations(Vec<Vec<u16>>),
    /// A run that is not there.
    #[error("the record has no run {asked}: it has {}", numbers(.known))]
    NoRun {
        /// Which was asked for.
        asked: u16,
        /// Those that are there.
        known: Vec<u16>,
    },
}

/// `run 3`, `runs 1 to 3 and 5`: of runs in order.
fn numbers(runs: &[u16]) -> String {
    let mut spans: Vec<[u16; 2]> = Vec::new();
    for run in runs {
        match spans.last_mut() {
            Some([_, last]) if last.checked_add(1) == Some(*run) => *last = *run,
            _ => spans.push([*run; 2]),
        }
    }
    let span = |[first, last]: &[u16; 2]| match first == last {
        true => first.to_string(),
        false => format!("{first} to {last}"),
    };
    let word = if runs.len() == 1 { "run" } else { "runs" };
    format!("{word} {}", spans.iter().map(span).collect::<Vec<_>>().join(" and "))
}

fn listed(groups: &[Vec<u16>]) -> String {
    let groups: Vec<_> = groups.iter().map(|runs| format!("one of {}", numbers(runs))).collect();
    groups.join("; ")
}

/// A trade that the source tells of, which books do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print {
    /// When, on the clock of the run.
    pub at: MonoNs,
    /// The feed.
    pub feed: StreamId,
    /// The venue's number of the instrument.
    pub security_id: i32,
    /// The price.
    pub price_e9: i64,
    /// Lots.
    pub lots: u32,
}

/// Tag 279 of what is new. A trade that is changed or taken back was told before, when it moved
/// what it moved: its correction is no trade.
const NEW: u8 = 0;

impl Print {
    /// What an entry of a trade message of MDP 3.0 tells; `None` of one that is no new trade, or
    /// not whole.
    #[must_use]
    pub fn of_trade(at: MonoNs, feed: StreamId, entry: &EntryView) -> Option<Self> {
        if entry.action != Some(NEW) {
            return None;
        }
        let shift = u32::try_from(i32::from(entry.price_exponent?) + 9).ok()?;
        let price_e9 = entry.price_mantissa?.checked_mul(10_i64.checked_pow(shift)?)?;
        let lots = u32::try_from(entry.size_lots?).ok()?;
        Some(Self { at, feed, security_id: entry.security_id?, price_e9, lots })
    }
}

/// One run of a record.
#[derive(Clone, Debug)]
pub struct SourceRun<'s> {
    /// How it begins.
    pub start: Start,
    /// Its records behind the start, in order.
    parts: Vec<&'s [u8]>,
    /// Its first and its last input.
    pub span: [MonoNs; 2],
    /// Its inputs.
    pub inputs: u64,
    /// By row: what the instruments are.
    instruments: BTreeMap<InstrumentIndex, (StreamId, i32)>,
    /// By row: the sessions of its gateways.
    gateways: BTreeMap<GatewayIndex, StreamId>,
}

/// A record as a market.
#[derive(Clone, Debug, Default)]
pub struct Source<'s> {
    /// Its runs, in order.
    pub runs: Vec<SourceRun<'s>>,
    /// What traded, in order of time; only of a source of one run.
    pub prints: Vec<Print>,
    /// Whether the source tells of trades at all.
    pub has_trades: bool,
}

impl<'s> Source<'s> {
    /// The market of blocks of whole records, in order. Reads through them once.
    ///
    /// # Errors
    /// See `SourceError`.
    pub fn of_blocks(blocks: impl IntoIterator<Item = &'s [u8]>) -> Result<Self, SourceError> {
        let mut source = Self::default();
        for block in blocks {
            source.add(block)?;
        }
        if source.runs.iter().all(|run| run.inputs == 0) {
            return Err(SourceError::Empty);
        }
        Ok(source)
    }

    fn add(&mut self, block: &'s [u8]) -> Result<(), SourceError> {
        let mut rest = block;
        // Where what belongs to the run that is read begins.
        let mut mine = block;
        while !rest.is_empty() {
            let after = self.runs.last().map_or(0, |run| run.inputs);
            let (header, body, next) =
                frame::split(rest).map_err(|fault| SourceError::Damaged { after, fault })?;
            if header.kind == Kind::Start {
                let before = &mine[..mine.len() - rest.len()];
                if let Some(run) = self.runs.last_mut() {
                    run.parts.push(before);
                }
                self.runs.push(SourceRun::begin(header, body)?);
                mine = next;
            } else {
                let run = self.runs.last_mut().ok_or(SourceError::NoStart(header.seq_no))?;
                run.learn(header, body)?;
            }
            rest = next;
        }
        if let Some(run) = self.runs.last_mut()
            && !mine.is_empty()
        {
            run.parts.push(mine);
        }
        Ok(())
    }

    /// Keeps the run of that number alone, as the record counts its runs.
    ///
    /// # Errors
    /// `NoRun`, `Empty`.
    pub fn keep_run(&mut self, asked: u16) -> Result<(), SourceError> {
        let number = |run: &SourceRun<'_>| run.start.identity.run;
        if !self.runs.iter().any(|run| number(run) == asked) {
            let known = self.runs.iter().map(number).collect();
            return Err(SourceError::NoRun { asked, known });
        }
        self.runs.retain(|run| number(run) == asked);
        if self.inputs() == 0 { Err(SourceError::Empty) } else { Ok(()) }
    }

    /// The digest of the configuration that all runs had; zeros of a source without runs.
    ///
    /// # Errors
    /// `Configurations`.
    pub fn config_digest(&self) -> Result<[u8; 32], SourceError> {
        let mut groups: Vec<([u8; 32], Vec<u16>)> = Vec::new();
        // A run that saw nothing has no say in it.
        for SourceRun { start, .. } in self.runs.iter().filter(|run| run.inputs > 0) {
            match groups.iter_mut().find(|(digest, _)| *digest == start.config_digest) {
                Some((_, runs)) => runs.push(start.identity.run),
                None => groups.push((start.config_digest, vec![start.identity.run])),
            }
        }
        match &groups[..] {
            [] => Ok([0; 32]),
            [(digest, _)] => Ok(*digest),
            _ => Err(SourceError::Configurations(groups.into_iter().map(|one| one.1).collect())),
        }
    }

    /// Inputs of all runs.
    #[must_use]
    pub fn inputs(&self) -> u64 {
        self.runs.iter().map(|run| run.inputs).sum()
    }

    /// How long all runs took together, in nanoseconds.
    #[must_use]
    pub fn lasted_ns(&self) -> u64 {
        self.runs.iter().map(SourceRun::lasted_ns).sum()
    }

    /// How long the runs had lasted at a moment in UTC, what lies between them left out; `None` if
    /// it is not within them.
    #[must_use]
    pub fn elapsed_ns(&self, utc_ns: u64) -> Option<u64> {
        let mut passed_ns = 0;
        for run in &self.runs {
            let first = run.start.utc.0.checked_sub(run.start.now.0)?.checked_add(run.first().0)?;
            let until = first.checked_add(run.lasted_ns())?;
            if run.start.utc.0 == 0 || utc_ns < first {
                return None;
            }
            if utc_ns <= until {
                return Some(passed_ns + (utc_ns - first));
            }
            passed_ns += run.lasted_ns();
        }
        None
    }

    /// The moment in UTC when a run had lasted so long; `None` if the run does not say when it was.
    #[must_use]
    pub fn utc_ns(&self, run: &SourceRun<'_>, after_ns: u64) -> Option<u64> {
        let start = Some(run.start.utc.0).filter(|utc_ns| *utc_ns > 0)?;
        start.checked_sub(run.start.now.0)?.checked_add(run.first().0)?.checked_add(after_ns)
    }

    /// The moment in UTC when the runs had lasted so long together: the reverse of `elapsed_ns`.
    #[must_use]
    pub fn utc_after(&self, elapsed_ns: u64) -> Option<u64> {
        let mut left_ns = elapsed_ns;
        for run in &self.runs {
            if left_ns <= run.lasted_ns() {
                return self.utc_ns(run, left_ns);
            }
            left_ns -= run.lasted_ns();
        }
        None
    }
}

impl SourceRun<'_> {
    fn begin(header: Header, body: &[u8]) -> Result<Self, SourceError> {
        let mut none: [Image; 0] = [];
        let Ok(Body::Start(start)) = frame::decode(header, body, &mut Images::new(&mut none))
        else {
            return Err(SourceError::Damaged { after: 0, fault: FrameError::BadBody });
        };
        if start.arenas.iter().any(|rows| *rows > MAX_ARENA_ROWS) {
            return Err(SourceError::Arenas(start.arenas));
        }
        Ok(Self {
            start,
            parts: Vec::new(),
            span: [start.now; 2],
            inputs: 0,
            instruments: BTreeMap::new(),
            gateways: BTreeMap::new(),
        })
    }

    fn learn(&mut self, header: Header, body: &[u8]) -> Result<(), SourceError> {
        if !header.kind.is_input() {
            return Ok(());
        }
        self.inputs += 1;
        // Every input begins with its moment.
        let now = body.first_chunk().map(|bytes| MonoNs(u64::from_le_bytes(*bytes)));
        let damaged = |fault| SourceError::Damaged { after: header.seq_no, fault };
        let now = now.ok_or_else(|| damaged(FrameError::BadBody))?;
        let [first, last] = self.span;
        self.span = [if self.inputs == 1 { now } else { first }, last.max(now)];
        if !matches!(header.kind, Kind::Instrument | Kind::Session) {
            return Ok(());
        }
        let mut none: [Image; 0] = [];
        let body = frame::decode(header, body, &mut Images::new(&mut none)).map_err(damaged)?;
        if let Body::Input(input) = body {
            match input.event {
                OwnedEvent::Instrument(spec) => {
                    self.instruments.insert(spec.instrument, (spec.feed, spec.security_id));
                }
                OwnedEvent::Session(update) => {
                    self.gateways.insert(update.gateway, update.stream);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The inputs of the run, those that the market and the desk's setup are made of.
    pub fn inputs<'r>(&'r self, images: Images<'r>) -> Inputs<'r> {
        Inputs { parts: self.parts.iter(), rest: &[], images, after: 0 }
    }

    /// When it begins, on its own clock.
    #[must_use]
    pub fn first(&self) -> MonoNs {
        self.start.now.min(self.span[0])
    }

    /// From there to its last input, in nanoseconds.
    #[must_use]
    pub fn lasted_ns(&self) -> u64 {
        self.span[1].since(self.first()).0
    }

    /// Rows of its gateways.
    #[must_use]
    pub fn gateways(&self) -> usize {
        self.gateways.last_key_value().map_or(0, |(row, _)| usize::from(row.0) + 1)
    }

    /// Rows that its quotes may be of.
    #[must_use]
    pub fn images(&self) -> usize {
        DeskSize::of_arenas(self.start.arenas).instruments
    }

    /// The row of an instrument.
    #[must_use]
    pub fn instrument(&self, feed: StreamId, security_id: i32) -> Option<InstrumentIndex> {
        let mut rows = self.instruments.iter();
        rows.find(|(_, known)| **known == (feed, security_id)).map(|(row, _)| *row)
    }
}

/// Inputs of one run, in order.
pub struct Inputs<'r> {
    parts: std::slice::Iter<'r, &'r [u8]>,
    rest: &'r [u8],
    images: Images<'r>,
    after: u64,
}

impl Inputs<'_> {
    /// The next input; `None` at the end. What the desk said, what became of its orders, what was
    /// held from earlier and time alone are passed over, and what was not to be told in detail: the
    /// desk under test tells all.
    ///
    /// # Errors
    /// `Damaged`.
    #[inline]
    pub fn read(&mut self) -> Result<Option<OwnedInput>, SourceError> {
        loop {
            while self.rest.is_empty() {
                match self.parts.next() {
                    Some(part) => self.rest = part,
                    None => return Ok(None),
                }
            }
            let damaged = |fault| SourceError::Damaged { after: self.after, fault };
            let (header, body, rest) = frame::split(self.rest).map_err(damaged)?;
            self.rest = rest;
            let is_ours = matches!(
                header.kind,
                Kind::OrderEvent | Kind::Tick | Kind::Held | Kind::Carried | Kind::Detailing
            );
            if !header.kind.is_input() || is_ours {
                continue;
            }
            self.after = header.seq_no;
            let body = frame::decode(header, body, &mut self.images)
                .map_err(|fault| SourceError::Damaged { after: header.seq_no, fault })?;
            if let Body::Input(input) = body {
                return Ok(Some(input));
            }
        }
    }
}

/// What desk and pairs are, if not as the record has them.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What the desk is told first.
    pub controls: Vec<Control>,
    /// How large it is.
    pub size: DeskSize,
    /// Who it is by its files.
    pub digest: [u8; 32],
    /// By row: names, feeds' and venues' numbers of instruments, and whether they are traded.
    instruments: Vec<(String, StreamId, i32, bool)>,
    /// By row: the sessions of gateways.
    gateways: Vec<StreamId>,
}

impl Setup {
    /// As a configuration says.
    #[must_use]
    pub fn of(config: &Configuration) -> Self {
        let instruments = config.instruments.iter().map(|instrument| {
            let feed = StreamId(config.feeds[instrument.feed].stream_id.value);
            let name = instrument.name.value.clone();
            (name, feed, instrument.security_id.value, instrument.gateway.is_some())
        });
        let mut controls = inputs::controls(config).0;
        controls.retain(|control| !matches!(control, Control::Detailing(_)));
        Self {
            controls,
            size: desk_size(config),
            digest: config.sources.digest(),
            instruments: instruments.collect(),
            gateways: config.gateways.iter().map(|one| StreamId(one.stream_id.value)).collect(),
        }
    }
}

/// How the numbers of a record become those of the desk under test.
#[derive(Clone, Debug)]
pub struct Rows {
    /// By row of the record; `None`: as they are.
    mapped: Option<[Vec<Option<u32>>; 2]>,
    keeps_commands: bool,
}

impl Rows {
    /// Those of a run, for a desk that is set up as `setup` says, or as it was.
    ///
    /// # Errors
    /// `NoQuotes`.
    pub fn of(
        run: &SourceRun<'_>,
        setup: Option<&Setup>,
        keeps_commands: bool,
    ) -> Result<Self, SourceError> {
        let Some(setup) = setup else { return Ok(Self { mapped: None, keeps_commands }) };
        let is_there = |(_, feed, id, _): &&(String, StreamId, i32, bool)| {
            run.instrument(*feed, *id).is_some()
        };
        let missing = setup.instruments.iter().find(|row| row.3 && !is_there(row));
        if let Some((name, ..)) = missing {
            return Err(SourceError::NoQuotes(name.clone()));
        }
        let place = |found: Option<usize>| found.and_then(|row| u32::try_from(row).ok());
        let rows = run.instruments.last_key_value().map_or(0, |(row, _)| row.0 + 1);
        let instruments = (0..rows).map(|row| {
            let (feed, id) = run.instruments.get(&InstrumentIndex(row))?;
            place(setup.instruments.iter().position(|of| (of.1, of.2) == (*feed, *id)))
        });
        let gateways = (0..=u8::MAX).map(|row| {
            let stream = run.gateways.get(&GatewayIndex(row))?;
            place(setup.gateways.iter().position(|of| of == stream))
        });
        Ok(Self { mapped: Some([instruments.collect(), gateways.collect()]), keeps_commands })
    }

    /// Whether quotes of the record may be of instruments that the desk does not have.
    pub(super) const fn leaves_out(&self) -> bool {
        self.mapped.is_some()
    }

    /// An instrument's row.
    pub(super) fn instrument(&self, row: InstrumentIndex) -> Option<InstrumentIndex> {
        let Some([rows, _]) = &self.mapped else { return Some(row) };
        rows.get(row.0 as usize).copied().flatten().map(InstrumentIndex)
    }

    fn gateway(&self, row: GatewayIndex) -> Option<GatewayIndex> {
        let Some([_, rows]) = &self.mapped else { return Some(row) };
        let mapped = rows.get(usize::from(row.0)).copied().flatten()?;
        u8::try_from(mapped).ok().map(GatewayIndex)
    }

    /// What the desk under test is told of it; `None`: nothing.
    #[inline]
    #[must_use]
    pub fn told(&self, event: OwnedEvent) -> Option<OwnedEvent> {
        if self.mapped.is_none() && self.keeps_commands {
            return Some(event);
        }
        match event {
            OwnedEvent::Quote { mut quote, more } => {
                quote.instrument = self.instrument(quote.instrument)?;
                Some(OwnedEvent::Quote { quote, more })
            }
            event => self.told_rarely(event),
        }
    }

    #[cold]
    fn told_rarely(&self, event: OwnedEvent) -> Option<OwnedEvent> {
        let is_as_recorded = self.mapped.is_none();
        Some(match event {
            OwnedEvent::Command(_) | OwnedEvent::Instruction(_) if !self.keeps_commands => {
                return None;
            }
            OwnedEvent::Session(mut update) => {
                update.gateway = self.gateway(update.gateway)?;
                OwnedEvent::Session(update)
            }
            OwnedEvent::Hours(mut hours) => {
                hours.instrument = self.instrument(hours.instrument)?;
                OwnedEvent::Hours(hours)
            }
            OwnedEvent::Finding(mut finding) => {
                if finding.instrument != InstrumentIndex::NONE {
                    finding.instrument = self.instrument(finding.instrument)?;
                }
                OwnedEvent::Finding(finding)
            }
            OwnedEvent::Command(mut command) => {
                command.scope = match command.scope {
                    Scope::Instrument(row) => Scope::Instrument(self.instrument(row)?),
                    Scope::Gateway(row) => Scope::Gateway(self.gateway(row)?),
                    Scope::All => Scope::All,
                    // Pairs, accounts and strategies of another configuration are others.
                    _ if !is_as_recorded => return None,
                    scope => scope,
                };
                OwnedEvent::Command(command)
            }
            OwnedEvent::Instrument(_)
            | OwnedEvent::Spread(_)
            | OwnedEvent::Gateway(_)
            | OwnedEvent::Account(_)
            | OwnedEvent::Sizing(_)
            | OwnedEvent::Breakers(_)
            | OwnedEvent::Rule(_)
                if !is_as_recorded =>
            {
                return None;
            }
            event => event,
        })
    }
}

/// The command that lets a desk open, where those of the record are left out.
pub const ARM: Command =
    Command { kind: CommandKind::Arm, scope: Scope::All, operator: 0, command_id: 1 };
