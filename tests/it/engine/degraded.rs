//! The record's disk fails while the engine trades: the record goes on in the second directory,
//! nothing more is opened, and nothing is lost.

use super::live::{configuration, market_for};
use crate::journal::scratch::Scratch;
use cross_market_connect::audit;
use cross_market_connect::clock::EngineClock;
use cross_market_connect::engine::carry;
use cross_market_connect::engine::counters::Counters;
use cross_market_connect::engine::live::{Plan, Sight, Watch, moment, run};
use cross_market_connect::engine::recording::{Recording, Segments};
use cross_market_connect::engine::replay;
use cross_market_connect::engine::wire::{Ports, Starts};
use cross_market_connect::journal::segment::MIN_SEGMENT;
use cross_market_connect::venue::cme::paper::PaperExchange;
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;
use xmc_hotpath::desk::Desk;
use xmc_hotpath::message::{CommandKind, Detail, Gate, SafeState};
use xmc_hotpath::record::frame::{Body, Header, OwnedEvent};

/// How long there is something to trade on.
const MARKET: Duration = Duration::from_secs(8);

/// Sees to it that the first directory refuses a segment, and what comes of it.
#[derive(Default)]
struct Seen {
    first: PathBuf,
    is_blocked: bool,
    is_told: bool,
    /// Decisions to open that fired, before the desk was told to open nothing, and since.
    opened: [u64; 2],
    /// Decisions to open that the safe state held back since then.
    held_back: u64,
    state: Option<SafeState>,
    was_degraded: bool,
}

impl Watch for Seen {
    fn record(&mut self, _: &Header, body: &Body, _: &Desk<'_>) {
        match body {
            Body::Input(input) => {
                if let OwnedEvent::Command(command) = &input.event {
                    // The engine's own first command at the end of a run has the number 2.
                    let is_of_record = command.command_id == 4;
                    self.is_told |= command.kind == CommandKind::NoNew && is_of_record;
                }
            }
            Body::Detail(Detail::Decision(decision)) if decision.intent.is_open() => {
                let fired = u64::from(decision.gate == Gate::Passed);
                self.opened[usize::from(self.is_told)] += fired;
                let is_held = self.is_told && decision.gate == Gate::SafeState;
                self.held_back += u64::from(is_held);
            }
            _ => {}
        }
    }

    fn look(&mut self, sight: &Sight<'_, '_>) -> ControlFlow<()> {
        let written = sight.journal.durable.segment;
        if !self.is_blocked && written > 0 && self.opened[0] > 0 {
            // No room can be made for a segment any more: something else has the name for that.
            let name = self.first.join("spare.new");
            let _ = fs::remove_file(&name);
            self.is_blocked = fs::create_dir(&name).is_ok();
        }
        if !sight.is_last {
            self.state = Some(sight.desk.state());
            self.was_degraded |= sight.journal.is_degraded();
        }
        // A busy machine takes longer to come to the next segment.
        let is_over = self.held_back > 5 || sight.elapsed > MARKET;
        if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

#[test]
fn a_disk_that_fails_while_the_engine_trades_stops_it_from_opening() {
    let scratch = Scratch::new("degraded");
    let (first, second) = (scratch.path("record"), scratch.path("second"));
    let mut config = configuration();
    config.engine.record_second = Some(second.clone());
    let clock = EngineClock::start();
    let ports = Ports {
        feeds: vec![market_for(MARKET, &config, &clock)],
        gateways: vec![PaperExchange::new(1)],
    };
    let starts = Starts::nothing(&config);
    let mut recording = Recording::open(&first, &config, moment(&clock)).expect("new directories");
    // Many segments in a short run.
    recording.options.segment_bytes = MIN_SEGMENT;
    let mut seen = Seen { first: first.clone(), ..Seen::default() };
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
    let ended = run(plan, &mut seen).unwrap_or_else(|error| panic!("{error}"));
    assert!(seen.is_blocked, "the record came to no further segment");
    assert_eq!((ended.journal.failures, seen.was_degraded), (1, true));
    assert!(seen.is_told, "the desk was told to open nothing");
    assert!(seen.opened[0] > 0, "it had opened before");
    assert_eq!(seen.opened[1], 0, "nothing was opened since");
    assert!(seen.held_back > 0, "and something would have been");
    assert_eq!(seen.state, Some(SafeState::NoNew));
    assert_eq!(ended.difference, None, "whoever follows reads on in the second directory");
    // Nothing is lost on the way from the one to the other.
    let report = audit::verify(&first).expect("both can be read");
    assert_eq!((report.finding, report.counts.records), (None, ended.journal.records));
    let in_second = fs::read_dir(&second).expect("it is there").flatten();
    let is_segment = |name: &std::ffi::OsString| name.to_string_lossy().ends_with(".xmj");
    assert!(in_second.map(|entry| entry.file_name()).any(|name| is_segment(&name)));
    let segments = Segments::since(&first, 1).expect("it is there");
    let replayed = replay::verify(segments.payloads(), &[]).expect("it is whole");
    assert_eq!((replayed.difference, replayed.unwritten), (None, 0));
}
