//! The second pass: a desk of the same logic is led through the run to the decision, and asked.

use super::{Block, Led, Leg, NoStory, Told};
use crate::audit::rows::put;
use crate::audit::scan::{Deadline, Decoding, Entry, Scale, scan};
use crate::engine::memory::{DeskMemory, DeskSize};
use crate::engine::replay::MAX_ARENA_ROWS;
use std::ops::ControlFlow;
use std::path::Path;
use xmc_hotpath::desk::gates::Reading;
use xmc_hotpath::desk::{Desk, Outputs};
use xmc_hotpath::message::{
    Decision, Gate, InstrumentSpec, MAX_LEGS, Quote, SpreadIndex, SpreadSpec, UserRule,
};
use xmc_hotpath::record::frame::{Body, Kind, LOGIC_VERSION, OwnedEvent, OwnedInput, Start};
use xmc_hotpath::spread::Trigger;

/// How things stood when it was decided.
#[derive(Debug)]
pub(super) struct Scene {
    pub scale: Scale,
    pub cause: Told<Kind>,
    pub spec: SpreadSpec,
    pub position_units: Option<i32>,
    pub legs: Vec<Leg>,
    pub trigger: Option<Trigger>,
    pub readings: Vec<Reading>,
    pub rules: Vec<(u8, UserRule)>,
    pub books_at_end: Vec<Option<Quote>>,
    /// Blocks of the quotes.
    pub blocks: Vec<Block>,
    logic_version: u16,
}

impl Scene {
    /// Whether the desk that was led here decided what is written.
    pub fn verdict(&self, written: Option<Decision>, has_orders: bool) -> Led {
        if self.logic_version != LOGIC_VERSION {
            return Led::OtherLogic(self.logic_version);
        }
        let held_back = self.readings.iter().find(|reading| !reading.is_open);
        let gate = held_back.map_or(Gate::Passed, |reading| reading.gate);
        let Some(trigger) = &self.trigger else {
            return Led::Differs("no level was met".to_owned());
        };
        let Some(written) = written else {
            return match gate {
                Gate::Passed if has_orders => Led::Agrees,
                _ => Led::Differs(format!("{} holds it back, and there are orders", gate.word())),
            };
        };
        let pairs = [
            ("intent", i64::from(written.intent.code()), i64::from(trigger.intent.code())),
            ("gate", i64::from(written.gate.code()), i64::from(gate.code())),
            ("units", i64::from(written.units), i64::from(trigger.units)),
            ("value", written.value_e9, trigger.value_e9),
            ("level", written.level_e9, trigger.level_e9),
            ("rests", i64::from(written.rests), i64::from(trigger.rests)),
        ];
        match pairs.iter().find(|(_, written, led)| written != led) {
            None => Led::Agrees,
            Some((what, written, led)) => {
                Led::Differs(format!("{what}: {written} is written, {led} follows"))
            }
        }
    }
}

/// Leads a desk through the run of `start` to input `seq_no`, and on to `until`, where it ended.
pub(super) fn lead(
    path: &Path,
    start: &Start,
    spread: SpreadIndex,
    seq_no: u64,
    until: u64,
    deadline: &mut Deadline,
) -> Result<Scene, NoStory> {
    let is_same_logic = start.logic_version == LOGIC_VERSION;
    let arenas = start.arenas.map(|rows| if is_same_logic { rows.min(MAX_ARENA_ROWS) } else { 0 });
    let mut memory = DeskMemory::new(DeskSize::of_arenas(arenas));
    let mut leading = Leading {
        start,
        spread,
        seq_no,
        until,
        desk: is_same_logic.then(|| Desk::new(start.identity, memory.lend())),
        outputs: Outputs::new(),
        decoding: Decoding::default(),
        quotes: Vec::new(),
        contracts: Vec::new(),
        spec: None,
        is_in_run: false,
        scene: None,
    };
    scan(path, |entry| {
        deadline.check()?;
        leading.take(&entry)
    })?;
    if deadline.is_over() {
        return Err(NoStory::TooLong);
    }
    let run = start.identity.run;
    leading.scene.ok_or(NoStory::NoDecision { run, seq_no })
}

struct Leading<'l, 'd> {
    start: &'l Start,
    spread: SpreadIndex,
    seq_no: u64,
    until: u64,
    desk: Option<Desk<'d>>,
    outputs: Outputs,
    decoding: Decoding,
    quotes: Vec<Option<(Told<Quote>, Block)>>,
    contracts: Vec<Option<InstrumentSpec>>,
    spec: Option<SpreadSpec>,
    is_in_run: bool,
    scene: Option<Scene>,
}

impl Leading<'_, '_> {
    fn take(&mut self, entry: &Entry<'_>) -> ControlFlow<()> {
        let header = entry.header;
        if header.kind == Kind::Start {
            if self.is_in_run {
                return ControlFlow::Break(());
            }
            let read = self.decoding.read(header, entry.body);
            self.is_in_run =
                matches!(read, Some(Body::Start(start)) if start.identity == self.start.identity);
            return ControlFlow::Continue(());
        }
        if !self.is_in_run || !header.kind.is_input() {
            return ControlFlow::Continue(());
        }
        if header.seq_no > self.until {
            return ControlFlow::Break(());
        }
        let Some(Body::Input(input)) = self.decoding.read(header, entry.body) else {
            return ControlFlow::Continue(());
        };
        self.note(entry, &input);
        let told = input.as_input();
        if header.seq_no == self.seq_no {
            if let Some(desk) = &mut self.desk {
                desk.learn(&told, &mut self.outputs);
            }
            self.scene = self.scene(entry, &input);
            if let Some(desk) = &mut self.desk {
                desk.act(&told.credits, &mut self.outputs);
            }
        } else if let Some(desk) = &mut self.desk {
            desk.on(&told, &mut self.outputs);
        }
        if header.seq_no == self.until
            && let Some(scene) = &mut self.scene
        {
            let last = |leg: &Leg| quote_of(&self.quotes, leg).map(|(told, _)| told.what);
            scene.books_at_end = scene.legs.iter().map(last).collect();
        }
        ControlFlow::Continue(())
    }

    /// Keeps what the last word on each row is, which needs no desk.
    fn note(&mut self, entry: &Entry<'_>, input: &OwnedInput) {
        match &input.event {
            OwnedEvent::Quote { quote, .. } => {
                let block = Block {
                    segment: entry.at.segment,
                    offset: entry.at.block,
                    hash: *entry.hash,
                    records: 1,
                };
                let told = Told {
                    at: entry.at,
                    place: (entry.header.seq_no, 0),
                    now: input.now,
                    what: *quote,
                };
                put(&mut self.quotes, quote.instrument.0, (told, block));
            }
            OwnedEvent::Instrument(spec) => {
                put(&mut self.contracts, spec.instrument.0, *spec);
            }
            OwnedEvent::Spread(spec) if spec.spread == self.spread => self.spec = Some(*spec),
            _ => {}
        }
    }

    fn scene(&self, entry: &Entry<'_>, input: &OwnedInput) -> Option<Scene> {
        let spec = self.spec?;
        let count = usize::from(spec.leg_count).min(MAX_LEGS);
        let mut blocks = Vec::new();
        let mut legs = Vec::new();
        for leg in &spec.legs[..count] {
            let row = leg.instrument.0 as usize;
            let seen = self.quotes.get(row).copied().flatten();
            blocks.extend(seen.map(|(_, block)| block));
            let instrument = self.desk.as_ref().and_then(|desk| desk.instruments().get(row));
            legs.push(Leg {
                spec: *leg,
                contract: self.contracts.get(row).copied().flatten(),
                quote: seen.map(|(told, _)| told),
                taken_bid_lots: instrument.map_or(0, |row| row.taken_bid_lots),
                taken_ask_lots: instrument.map_or(0, |row| row.taken_ask_lots),
            });
        }
        let mut readings = Vec::new();
        let desk = self.desk.as_ref();
        let trigger = desk.and_then(|desk| {
            desk.read_gates(self.spread, &input.credits, &mut |reading| readings.push(reading))
        });
        let row = desk.and_then(|desk| desk.spreads().get(self.spread.0 as usize));
        let rules =
            desk.map(|desk| desk.rules_of(self.spread).map(|(at, rule)| (at, *rule)).collect());
        Some(Scene {
            scale: self.decoding.scale,
            cause: Told {
                at: entry.at,
                place: (entry.header.seq_no, 0),
                now: input.now,
                what: entry.header.kind,
            },
            spec,
            position_units: row.map(|row| row.position_units),
            legs,
            trigger,
            readings,
            rules: rules.unwrap_or_default(),
            books_at_end: Vec::new(),
            blocks,
            logic_version: self.start.logic_version,
        })
    }
}

fn quote_of<'q>(
    quotes: &'q [Option<(Told<Quote>, Block)>],
    leg: &Leg,
) -> Option<&'q (Told<Quote>, Block)> {
    quotes.get(leg.spec.instrument.0 as usize)?.as_ref()
}
