//! An instrument that has stopped moving, told from one that is quiet: by what it did before, by
//! the other leg, and by its hours.

use super::live::configuration;
use cross_market_connect::config::Configuration;
use cross_market_connect::engine::inputs;
use cross_market_connect::engine::memory::DeskMemory;
use cross_market_connect::engine::quiet::QuietInstruments;
use cross_market_connect::engine::wire::{desk_size, identity};
use xmc_hotpath::desk::{Desk, Outputs};
use xmc_hotpath::message::{
    ChannelState, ChannelUpdate, Credits, Depth, Event, Finding, FindingKind, Hours, Input,
    InstrumentIndex, Quote, QuoteQuality, StreamId,
};
use xmc_hotpath::time::{MonoNs, UnixNs};

const MS: u64 = 1_000_000;

/// A desk with two legs of one spread, and whoever looks at them.
struct Bench {
    config: Configuration,
    desk: Desk<'static>,
    outputs: Outputs,
    quiet: QuietInstruments,
    hours: Vec<Hours>,
    legs: [u32; 2],
    at: u64,
    found: Vec<(FindingKind, u32, u64)>,
}

impl Bench {
    fn new() -> Self {
        let config = configuration();
        let memory = Box::leak(Box::new(DeskMemory::new(desk_size(&config))));
        let mut bench = Self {
            desk: Desk::new(identity(&config, 1), memory.lend()),
            outputs: Outputs::new(),
            quiet: QuietInstruments::of(&config),
            hours: Vec::new(),
            legs: [0, 1].map(|leg| config.spreads[0].legs[leg].instrument.value as u32),
            at: 1_000 * MS,
            found: Vec::new(),
            config,
        };
        for control in inputs::controls(&bench.config).0 {
            bench.tell(control.as_event());
        }
        bench.channels(ChannelState::Live);
        bench
    }

    fn tell(&mut self, event: Event<'_>) {
        let input = Input { now: MonoNs(self.at), credits: Credits::FULL, event };
        self.desk.on(&input, &mut self.outputs);
    }

    fn channels(&mut self, state: ChannelState) {
        let streams: Vec<u16> = self.config.feeds.iter().map(|feed| feed.stream_id.value).collect();
        for stream in streams.into_iter().map(StreamId) {
            let update = ChannelUpdate { stream, state, epoch: 1, packet_seq_no: 1, missing: 0 };
            self.tell(Event::Channel(update));
        }
    }

    fn quote(&mut self, leg: usize) {
        let row = self.legs[leg];
        let feed = self.config.instruments[row as usize].feed;
        let stream = StreamId(self.config.feeds[feed].stream_id.value);
        let quote = Quote {
            received: MonoNs(self.at),
            exchange: UnixNs(0),
            instrument: InstrumentIndex(row),
            epoch: 1,
            packet_seq_no: 1,
            skipped: 0,
            stream,
            quality: QuoteQuality::Good,
            bids: Depth::NO_BIDS,
            asks: Depth::NO_ASKS,
        };
        self.tell(Event::Quote { quote: &quote, more: false });
    }

    /// So many milliseconds in which the legs move so often; 0: not at all. One look in each
    /// ten milliseconds.
    fn run(&mut self, ms: u64, every_ms: [u64; 2]) {
        for _ in 0..ms / 10 {
            self.at += 10 * MS;
            for (leg, every) in every_ms.into_iter().enumerate() {
                if every > 0 && (self.at / MS).is_multiple_of(every) {
                    self.quote(leg);
                }
            }
            let found = self.quiet.look(&self.desk, self.hours.iter());
            for Finding { kind, instrument, opens_nothing, .. } in found {
                assert_eq!(opens_nothing, kind == FindingKind::Frozen);
                self.found.push((kind, instrument.0, self.at / MS));
            }
        }
    }

    fn kinds(&self) -> Vec<(FindingKind, u32)> {
        self.found.iter().map(|(kind, row, _)| (*kind, *row)).collect()
    }
}

/// It stops while the other leg goes on: found after four of its longest pauses, told once, and
/// again when it moves.
#[test]
fn a_leg_that_stops_while_the_other_moves_is_frozen() {
    for (every, least, most) in [(100, 5_000, 5_400), (2_000, 7_000, 8_400)] {
        let mut bench = Bench::new();
        bench.run(100_000, [every, 50]);
        assert_eq!(bench.found, [], "it moves every {every} ms");
        let stopped = bench.at / MS;
        bench.run(30_000, [0, 50]);
        let frozen = bench.legs[0];
        let [(FindingKind::Frozen, row, when)] = bench.found[..] else {
            panic!("one finding: {:?}", bench.found)
        };
        assert_eq!(row, frozen);
        assert!((least..=most).contains(&(when - stopped)), "{every}: after {}", when - stopped);
        bench.run(4_000, [every, 50]);
        assert_eq!(bench.kinds(), [(FindingKind::Frozen, frozen), (FindingKind::Moves, frozen)]);
    }
}

/// Both legs are quiet; or it was never lively; or its channel is not believed anyway.
#[test]
fn a_quiet_leg_is_not_frozen() {
    let mut both = Bench::new();
    both.run(100_000, [100, 50]);
    both.run(60_000, [0, 0]);
    // What comes first after a pause of both is no movement of the others alone.
    both.run(500, [100, 50]);
    assert_eq!(both.found, []);
    let mut slow = Bench::new();
    slow.run(200_000, [10_000, 50]);
    slow.run(35_000, [0, 50]);
    assert_eq!(slow.found, [], "six movements a minute say nothing");
    let mut lost = Bench::new();
    lost.run(100_000, [100, 50]);
    lost.channels(ChannelState::Suspect);
    lost.run(30_000, [0, 50]);
    assert_eq!(lost.found, [], "the desk knows");
}

/// Lunch: the other market goes on. Half an hour later trading goes on, or does not.
#[test]
fn a_leg_whose_market_is_shut_is_not_frozen() {
    for resumes in [true, false] {
        let mut bench = Bench::new();
        bench.run(100_000, [100, 50]);
        let (opens, shuts) = (bench.at + 1_800_000 * MS, bench.at);
        let instrument = InstrumentIndex(bench.legs[0]);
        let window = |from, until| {
            let [from, opening_until, until] = [from, until, until].map(MonoNs);
            Hours { instrument, from, opening_until, until }
        };
        bench.hours = vec![window(0, shuts)];
        bench.run(900_000, [0, 100]);
        // The next window is told when the last one has ended.
        bench.hours = vec![window(opens, u64::MAX)];
        bench.run(900_000, [0, 100]);
        assert_eq!(bench.found, [], "at lunch");
        bench.run(20_000, [if resumes { 100 } else { 0 }, 100]);
        let expected = if resumes { vec![] } else { vec![(FindingKind::Frozen, instrument.0)] };
        assert_eq!(bench.kinds(), expected);
    }
}
