//! A whole engine with its threads, on a generated market and paper fills.

use crate::journal::scratch::Scratch;
use cross_market_connect::audit;
use cross_market_connect::clock::EngineClock;
use cross_market_connect::config::{self, Configuration};
use cross_market_connect::engine::carry::{self, Carry};
use cross_market_connect::engine::counters::Counters;
use cross_market_connect::engine::live::{Ended, Plan, Sight, Watch, moment, run};
use cross_market_connect::engine::recording::{Recording, Segments};
use cross_market_connect::engine::replay;
use cross_market_connect::engine::wire::{Ports, Starts};
use cross_market_connect::journal::disk;
use cross_market_connect::journal::segment::SEAL_LEN;
use cross_market_connect::journal::snapshot::{self, Snapshot};
use cross_market_connect::port::memory::{MemoryPort, Pace};
use cross_market_connect::sim::generator::{Generator, LineFaults, Lines, Settings};
use cross_market_connect::venue::cme::paper::PaperExchange;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;
use xmc_hotpath::desk::Desk;
use xmc_hotpath::message::{Carried, CarriedUnits, Control, OrderEventKind};
use xmc_hotpath::record::frame::{self, Body, HEADER_LEN, Header, Kind, LOGIC_VERSION, OwnedEvent};
use xmc_hotpath::time::{Clock, MonoNs};

const MARKET: Duration = Duration::from_millis(1_500);

pub fn configuration() -> Configuration {
    let config = config::load(Path::new("config/generated.toml"));
    patient(config.unwrap_or_else(|bad| panic!("{}", bad.render(false))))
}

/// Other tests keep the disk busy for longer than an engine that trades would put up with.
pub fn patient(mut config: Configuration) -> Configuration {
    config.engine.record_late_ms = 20_000;
    config
}

/// The market of the demonstration on a port, from `clock`'s present on.
fn market(config: &Configuration, clock: &EngineClock) -> MemoryPort<EngineClock> {
    market_for(MARKET, config, clock)
}

/// The same for as long as `length`.
pub fn market_for(
    length: Duration,
    config: &Configuration,
    clock: &EngineClock,
) -> MemoryPort<EngineClock> {
    let settings = Settings::of(config, 0, 7);
    let first_ns = settings.start_ns;
    let whole = LineFaults {
        lost_per_mille: 0,
        duplicated_per_mille: 0,
        swapped_per_mille: 0,
        delay_ns: 0,
        skew_ns: 0,
    };
    let mut lines = Lines::new(Generator::new(settings), [whole, whole]);
    let mut port = MemoryPort::new(clock.clone(), Pace::Recorded);
    let (mut bytes, begin) = (Vec::new(), clock.now());
    loop {
        let arrival = lines.next_packet(&mut bytes);
        let after_ns = arrival.arrived_ns.saturating_sub(first_ns);
        if u128::from(after_ns) > length.as_nanos() {
            return port;
        }
        port.push(arrival.line, MonoNs(begin.0 + after_ns), &bytes);
    }
}

/// What was seen of a run.
#[derive(Default)]
struct Seen {
    records: u64,
    fills: u64,
    positions: Vec<i32>,
    looks: u32,
    is_over: bool,
    differs: bool,
}

impl Watch for Seen {
    fn record(&mut self, _: &Header, body: &Body, _: &Desk<'_>) {
        self.records += 1;
        if let Body::Input(input) = body
            && let OwnedEvent::Order(event) = &input.event
        {
            self.fills += u64::from(event.kind == OrderEventKind::Filled);
        }
    }

    fn look(&mut self, sight: &Sight<'_, '_>) -> ControlFlow<()> {
        self.looks += 1;
        self.is_over |= sight.is_last;
        self.differs |= sight.difference.is_some();
        self.positions = sight.desk.spreads().iter().map(|row| row.position_units).collect();
        if sight.elapsed > MARKET + Duration::from_millis(300) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

fn ran(config: &Configuration, directory: &Path) -> (Ended, Seen) {
    let clock = EngineClock::start();
    let ports =
        Ports { feeds: vec![market(config, &clock)], gateways: vec![PaperExchange::new(1)] };
    let starts = Starts::nothing(config);
    let mut seen = Seen::default();
    let recording = Recording::open(directory, config, moment(&clock)).expect("a new directory");
    let plan = Plan {
        config,
        clock: &clock,
        recording,
        ports,
        starts,
        carried: carry::nothing(),
        is_pinned: false,
        counters: Counters::new(config),
        kernel: Vec::new(),
        interfaces: None,
        sessions: None,
        witnessing: None,
        control: None,
        alerting: None,
        capital: None,
        resync: None,
    };
    let ended = run(plan, &mut seen).unwrap_or_else(|error| panic!("{error}"));
    (ended, seen)
}

#[test]
fn an_engine_runs_records_and_is_followed() {
    let config = configuration();
    let scratch = Scratch::new("live");
    let directory = scratch.path("record");
    for first_segment in [1, 2] {
        let (ended, seen) = ran(&config, &directory);
        assert_eq!(ended.first_segment, first_segment);
        assert!(seen.is_over && seen.looks > 10, "{} looks", seen.looks);
        assert!(!seen.differs && ended.difference.is_none());
        assert_eq!(ended.live_orders, 0);
        assert_eq!(seen.records + 1, ended.journal.records, "all but the start were followed");
        assert!(seen.fills > 0, "nothing was traded");
        let report = audit::verify(&directory).expect("it can be read");
        assert_eq!(report.finding, None);
        let segments = Segments::since(&directory, first_segment).expect("it is there");
        let replayed = replay::verify(segments.payloads(), &[]).expect("it is whole");
        assert_eq!(replayed.difference, None);
        assert_eq!(ended.latency.count(), replayed.fires, "each fire was measured");
        assert_eq!(replayed.unwritten, 0);
    }
}

/// Two runs, of which the first says that an older program made it: what it decided otherwise is
/// told and nobody's fault, and the second is compared all the same.
#[test]
fn a_run_of_another_logic_is_explained_and_the_next_is_compared() {
    let config = configuration();
    let scratch = Scratch::new("live_logic");
    let directory = scratch.path("record");
    ran(&config, &directory);
    ran(&config, &directory);
    let segments = Segments::open(&directory).expect("it is there");
    let mut blocks: Vec<_> = segments.payloads().map(<[u8]>::to_vec).collect();
    let snapshots = snapshot::list(&directory).expect("it is there");
    let verify = |blocks: &[Vec<u8>]| {
        replay::verify(blocks.iter().map(Vec::as_slice), &snapshots).expect("it can be read")
    };
    let plain = verify(&blocks);
    assert!(plain.is_equal() && plain.other_logic.is_empty() && plain.runs == 2);

    // The version lies behind the run's number.
    let version = HEADER_LEN + 2;
    blocks[0][version..version + 2].copy_from_slice(&(LOGIC_VERSION - 1).to_le_bytes());
    let old = verify(&blocks);
    let [run] = &old.other_logic[..] else { panic!("{:?}", old.other_logic) };
    assert_eq!((run.run, run.logic_version, &run.difference), (1, LOGIC_VERSION - 1, &None));
    assert!(old.is_equal() && old.inputs == plain.inputs, "it decided the same");

    // That the desk was armed, which is in every run.
    let (block, offset) = place_of(&blocks, Kind::State);
    blocks[block][offset + HEADER_LEN] ^= 1;
    let old = verify(&blocks);
    let [run] = &old.other_logic[..] else { panic!("{:?}", old.other_logic) };
    let difference = run.difference.as_ref().expect("an output was changed");
    assert!(difference.recorded.is_some() && difference.replayed.is_some());
    assert!(!old.is_equal() && old.difference.is_none() && old.runs == 2);
    assert!(old.inputs > 0 && old.inputs < plain.inputs, "the second run was compared");

    // The same in a run of this logic is a finding.
    blocks[0][version..version + 2].copy_from_slice(&LOGIC_VERSION.to_le_bytes());
    let found = verify(&blocks);
    assert!(found.difference.is_some() && found.other_logic.is_empty());
}

/// Block and offset of the first record of a kind.
fn place_of(blocks: &[Vec<u8>], kind: Kind) -> (usize, usize) {
    for (number, block) in blocks.iter().enumerate() {
        let mut rest = &block[..];
        while !rest.is_empty() {
            let (header, _, behind) = frame::split(rest).expect("it is a record");
            if header.kind == kind {
                return (number, block.len() - rest.len());
            }
            rest = behind;
        }
    }
    panic!("no {kind:?}")
}

#[test]
fn a_stage_that_no_core_runs_is_refused_by_name() {
    let mut config = configuration();
    for executor in &mut config.executors {
        let stages = std::mem::take(&mut executor.stages);
        executor.stages =
            stages.into_iter().filter(|stage| config_name(stage.value) != "gateway").collect();
    }
    let scratch = Scratch::new("live_not_run");
    let clock = EngineClock::start();
    let ports =
        Ports { feeds: vec![market(&config, &clock)], gateways: vec![PaperExchange::new(1)] };
    let starts = Starts::nothing(&config);
    let directory = &scratch.path("record");
    let recording = Recording::open(directory, &config, moment(&clock)).expect("a new directory");
    let plan = Plan {
        config: &config,
        clock: &clock,
        recording,
        ports,
        starts,
        carried: carry::nothing(),
        is_pinned: false,
        counters: Counters::new(&config),
        kernel: Vec::new(),
        interfaces: None,
        sessions: None,
        witnessing: None,
        control: None,
        alerting: None,
        capital: None,
        resync: None,
    };
    let error = run(plan, &mut Seen::default()).expect_err("nobody would send orders");
    assert!(error.to_string().contains("gateway_cme"), "{error}");
}

fn config_name(stage: cross_market_connect::topology::Stage) -> &'static str {
    match stage {
        cross_market_connect::topology::Stage::Gateway(_) => "gateway",
        _ => "another",
    }
}

/// What the next run would be told.
fn left(config: &Configuration, directory: &Path) -> (Carry, Vec<CarriedUnits>) {
    let clock = EngineClock::start();
    let recording = Recording::open(directory, config, moment(&clock)).expect("it is ours");
    let left = recording.left.expect("there was a run");
    let carry = carry::read(directory, &left, config).unwrap_or_else(|error| panic!("{error}"));
    let carry = carry.expect("it had begun");
    let units = carry.controls.iter().filter_map(|control| match control {
        Control::Carried(Carried::Units(units)) => Some(*units),
        _ => None,
    });
    let units = units.collect();
    (carry, units)
}

#[test]
fn the_next_run_is_told_what_this_one_held() {
    let mut config = configuration();
    // What was opened is still held at the end, whenever that comes.
    for spread in &mut config.spreads {
        (spread.triggers.buy_close_e9, spread.triggers.sell_close_e9) = (None, None);
    }
    let scratch = Scratch::new("carry");
    let directory = scratch.path("record");
    let (ended, seen) = ran(&config, &directory);
    assert_eq!(ended.live_orders, 0);
    // A start that came to nothing in between changes nothing.
    left(&config, &directory);
    let (carry, units) = left(&config, &directory);
    assert!(carry.is_whole && carry.unknown_orders.is_empty() && carry.halted.is_empty());
    let mut positions = vec![0; seen.positions.len()];
    for told in &units {
        positions[told.spread.0 as usize] = told.position_units;
    }
    assert_eq!(positions, seen.positions);
    assert!(positions.iter().any(|units| *units != 0), "nothing is held of {} fills", seen.fills);
}

/// Snapshots are taken while the engine runs: whichever is left, the next run is told the same.
#[test]
fn the_next_run_is_told_the_same_from_every_snapshot_and_from_none() {
    let mut config = configuration();
    config.engine.record_snapshot_ms = 100;
    let scratch = Scratch::new("carry_snapshot");
    let directory = scratch.path("record");
    let (ended, _) = ran(&config, &directory);
    let figures = &ended.snapshots;
    assert!(figures.written > 5 && figures.failures == 0, "{figures:?}");
    let segments = Segments::open(&directory).expect("it is there");
    let replay = || {
        let snapshots = snapshot::list(&directory).expect("it is there");
        replay::verify(segments.payloads(), &snapshots).expect("it is whole")
    };
    let all = snapshot::list(&directory).expect("it is there");
    // The newest three, and the first of the segment.
    assert_eq!((replay().snapshots, all.len()), (4, 4));

    let (at_the_end, _) = left(&config, &directory);
    assert_eq!(at_the_end.followed_inputs, 0, "the last snapshot is that of the end");
    let mut followed = vec![0];
    for path in all.iter().rev().map(|snapshot| &snapshot.path) {
        std::fs::remove_file(path).expect("it is there");
        let (carry, _) = left(&config, &directory);
        followed.push(carry.followed_inputs);
        let same = Carry { followed_inputs: 0, ..carry };
        assert_eq!(same, at_the_end, "{} inputs were followed", followed[followed.len() - 1]);
    }
    assert!(followed.is_sorted_by(|before, after| before < after), "{followed:?}");
    assert_eq!(followed.last(), Some(&at_the_end.last_seq_no), "without any, all are");
}

/// A disk that takes no snapshot costs time at the next start, and nothing else.
#[test]
fn snapshots_that_cannot_be_written_are_counted_and_said() {
    let mut config = configuration();
    config.engine.record_snapshot_ms = 100;
    let scratch = Scratch::new("carry_no_snapshot");
    let directory = scratch.path("record");
    // Where the file would be made.
    std::fs::create_dir_all(directory.join("snapshot.new")).expect("it is ours");
    let (ended, seen) = ran(&config, &directory);
    let figures = &ended.snapshots;
    assert!(figures.written == 0 && figures.failures > 5, "{figures:?}");
    assert!(figures.fault.is_some() && ended.difference.is_none() && seen.fills > 0);
    let (carry, _) = left(&config, &directory);
    assert_eq!(carry.followed_inputs, carry.last_seq_no, "all of them");
}

#[test]
fn a_snapshot_of_another_journal_or_of_what_never_was_is_not_gone_on_from_unseen() {
    let mut config = configuration();
    config.engine.record_snapshot_ms = 100;
    let scratch = Scratch::new("carry_snapshot_wrong");
    let directory = scratch.path("record");
    ran(&config, &directory);
    let (known, _) = left(&config, &directory);
    let all = snapshot::list(&directory).expect("it is there");
    let [first, .., last] = &all[..] else { panic!("{} snapshots", all.len()) };
    let old = snapshot::read(&first.path).expect("it is whole");
    let newest = snapshot::read(&last.path).expect("it is whole");

    // Torn, as by a loss of power.
    let bytes = std::fs::read(&last.path).expect("it is there");
    std::fs::write(&last.path, &bytes[..bytes.len() / 2]).expect("it is ours");
    let (carry, _) = left(&config, &directory);
    assert!(carry.followed_inputs > 0);
    assert_eq!(Carry { followed_inputs: 0, ..carry }, known);
    let segments = Segments::open(&directory).expect("it is there");
    let replay = || {
        let snapshots = snapshot::list(&directory).expect("it is there");
        replay::verify(segments.payloads(), &snapshots).expect("it is whole")
    };
    assert_eq!((replay().unreadable_snapshots, replay().is_equal()), (1, true));

    // Taken over other records.
    let other = Snapshot { tree_root: [7; 32], ..newest.clone() };
    snapshot::write(&directory, &other).expect("it is ours");
    let (carry, _) = left(&config, &directory);
    assert!(carry.followed_inputs > 0);
    assert_eq!(Carry { followed_inputs: 0, ..carry }, known);

    // Taken in a segment that is not there.
    let far = Snapshot { segment: 99, ..newest.clone() };
    snapshot::write(&directory, &far).expect("it is ours");
    let (carry, _) = left(&config, &directory);
    assert_eq!(Carry { followed_inputs: 0, ..carry }, known);
    let places = snapshot::since(&directory, 99).expect("it is there");
    places.iter().for_each(|place| std::fs::remove_file(&place.path).expect("it is ours"));

    // Another state under the same place: only working it out again shows that.
    let forged = Snapshot { state: old.state, ..newest };
    snapshot::write(&directory, &forged).expect("it is ours");
    assert_eq!(replay().wrong_snapshots, std::slice::from_ref(&last.path));
    assert!(!replay().is_equal() && replay().difference.is_none());
}

/// The power goes: the end of the journal is not there, and the host has another boot.
#[test]
fn a_record_that_is_cut_short_halts_everything_in_the_next_run() {
    let config = configuration();
    let scratch = Scratch::new("carry_gap");
    let directory = scratch.path("record");
    ran(&config, &directory);
    let segments = disk::segments(&directory).expect("it is ours");
    let last = &segments.last().expect("one").path;
    let mut bytes = std::fs::read(last).expect("it is ours");
    // It was not sealed: what was not written yet is zeros.
    let end = bytes.len();
    bytes[end - SEAL_LEN..].fill(0);
    bytes.resize(64 << 20, 0);
    std::fs::write(last, bytes).expect("it is ours");
    std::fs::write(directory.join("boot_id"), "another").expect("it is ours");
    let (first, _) = left(&config, &directory);
    assert!(!first.is_whole, "this host has been off since");
    // Now it has been on, and the journal is finished: what was missing still is.
    let (carry, units) = left(&config, &directory);
    assert!(!carry.is_whole, "and is not whole by being looked at");
    let rows: Vec<_> = (0..config.spreads.len()).collect();
    let mut halted = carry.halted.clone();
    halted.sort_unstable();
    assert_eq!(halted, rows, "somebody has to look");
    assert!(units.len() == rows.len() && units.iter().all(|units| units.is_halted));
    let Some(Control::Carried(Carried::Run(run))) = carry.controls.last() else {
        panic!("the run is told last")
    };
    assert!(!run.is_whole && run.run == 1 && run.last_seq_no > 0, "{run:?}");
}
