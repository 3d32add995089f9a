//! A book that the venue's snapshot contradicts, while the engine trades: a person is told, the
//! record says so, and nothing is opened with it any more.

use super::live::{configuration, market_for};
use crate::journal::scratch::Scratch;
use cross_market_connect::clock::EngineClock;
use cross_market_connect::config::{Configuration, Spread};
use cross_market_connect::engine::carry;
use cross_market_connect::engine::counters::Counters;
use cross_market_connect::engine::live::{Plan, Sight, Watch, moment, run};
use cross_market_connect::engine::recording::{Recording, Segments};
use cross_market_connect::engine::replay;
use cross_market_connect::engine::wire::{Ports, Starts};
use cross_market_connect::recovery::replica::audit::Difference;
use cross_market_connect::venue::cme::paper::PaperExchange;
use std::ops::ControlFlow;
use std::time::Duration;
use xmc_hotpath::book::BookSide;
use xmc_hotpath::desk::Desk;
use xmc_hotpath::feed::SeqNo;
use xmc_hotpath::message::{AlertKind, Detail, Gate, InstrumentIndex};
use xmc_hotpath::record::frame::{Body, Header, OwnedEvent};

/// How long there is something to trade on.
const MARKET: Duration = Duration::from_secs(6);

/// Plants a difference of an instrument as soon as something was opened, and sees what comes of it.
struct Seen {
    security_id: i32,
    is_planted: bool,
    found: Vec<(InstrumentIndex, bool)>,
    alerts: Vec<(AlertKind, i64)>,
    /// The spreads that it is a leg of.
    spreads: Vec<u32>,
    /// Fires that opened, before the desk was told and since.
    opened: [u64; 2],
    held_back: u64,
}

impl Watch for Seen {
    fn record(&mut self, _: &Header, body: &Body, _: &Desk<'_>) {
        match body {
            Body::Input(input) => {
                if let OwnedEvent::Finding(finding) = &input.event {
                    self.found.push((finding.instrument, finding.opens_nothing));
                }
            }
            Body::Detail(Detail::Alert(alert)) => self.alerts.push((alert.kind, alert.value)),
            Body::Detail(Detail::Decision(decision))
                if decision.intent.is_open() && self.spreads.contains(&decision.spread.0) =>
            {
                let is_told = !self.found.is_empty();
                self.opened[usize::from(is_told)] += u64::from(decision.gate == Gate::Passed);
                self.held_back += u64::from(is_told && decision.gate == Gate::Doubt);
            }
            _ => {}
        }
    }

    fn look(&mut self, sight: &Sight<'_, '_>) -> ControlFlow<()> {
        if !self.is_planted && self.opened[0] > 0 {
            self.is_planted = true;
            let audit = &sight.counters.replicas[0].audit;
            for place in 1..=2 {
                audit.differs(Difference {
                    security_id: self.security_id,
                    last: SeqNo(77),
                    side: BookSide::Bid,
                    place,
                    ours: Some((1, 2)),
                    theirs: None,
                });
            }
        }
        // Without the gate nothing is held back, and every further fire shows it.
        let is_over = self.held_back > 3 || self.opened[1] > 3 || sight.elapsed > MARKET;
        if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn trade(name: &str, config: &Configuration) -> Seen {
    let scratch = Scratch::new(name);
    let path = scratch.path("record");
    let clock = EngineClock::start();
    let ports = Ports {
        feeds: vec![market_for(MARKET, config, &clock)],
        gateways: vec![PaperExchange::new(1)],
    };
    let is_leg = |spread: &Spread| spread.legs.iter().any(|leg| leg.instrument.value == 0);
    let spreads = config.spreads.iter().zip(0..).filter(|(spread, _)| is_leg(spread));
    let mut seen = Seen {
        spreads: spreads.map(|(_, index)| index).collect(),
        security_id: config.instruments[0].security_id.value,
        is_planted: false,
        found: Vec::new(),
        alerts: Vec::new(),
        opened: [0; 2],
        held_back: 0,
    };
    let plan = Plan {
        config,
        clock: &clock,
        recording: Recording::open(&path, config, moment(&clock)).expect("a new directory"),
        ports,
        starts: Starts::nothing(config),
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
    assert_eq!(ended.difference, None, "whoever follows has seen the same");
    let segments = Segments::since(&path, 1).expect("it is there");
    let replayed = replay::verify(segments.payloads(), &[]).expect("it is whole");
    assert!(replayed.is_equal(), "{replayed:?}");
    assert!(seen.is_planted, "nothing was opened at all");
    let id = seen.security_id.into();
    assert_eq!(seen.alerts, [(AlertKind::BookDiffers, id)], "two levels of one book, one alert");
    seen
}

#[test]
fn a_book_that_the_venue_contradicts_opens_nothing() {
    let seen = trade("doubt", &configuration());
    assert_eq!(seen.found, [(InstrumentIndex(0), true)]);
    assert_eq!(seen.opened[1], 0, "nothing was opened since");
    assert!(seen.held_back > 0, "and something would have been");
}

#[test]
fn by_configuration_a_person_is_told_and_no_more() {
    let mut config = configuration();
    config.engine.differences_stop = false;
    let seen = trade("doubt_told", &config);
    assert_eq!((seen.found, seen.held_back), (vec![(InstrumentIndex(0), false)], 0));
    assert!(seen.opened[1] > 0, "it trades on");
}
