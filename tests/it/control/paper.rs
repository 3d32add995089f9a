//! An engine on paper arms itself when it starts, unless an operator has stopped it before.

use super::rig::{operators, text};
use crate::engine::live::{market_for, patient};
use crate::journal::scratch::Scratch;
use cross_market_connect::clock::EngineClock;
use cross_market_connect::config;
use cross_market_connect::control::kept::Kept;
use cross_market_connect::control::verb::Verb;
use cross_market_connect::engine::carry;
use cross_market_connect::engine::controlling::Controlling;
use cross_market_connect::engine::counters::Counters;
use cross_market_connect::engine::live::{Plan, Sight, Watch, moment, run};
use cross_market_connect::engine::recording::Recording;
use cross_market_connect::engine::wire::{Ports, Starts};
use cross_market_connect::venue::cme::paper::PaperExchange;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;
use xmc_hotpath::desk::Desk;
use xmc_hotpath::message::SafeState;
use xmc_hotpath::record::frame::{Body, Header};

const MARKET: Duration = Duration::from_millis(1_200);

/// The states that a desk was in after each record, and orders.
#[derive(Default)]
struct Seen {
    states: BTreeSet<SafeState>,
    orders: u64,
}

impl Watch for Seen {
    fn record(&mut self, _: &Header, body: &Body, desk: &Desk<'_>) {
        self.states.insert(desk.state());
        self.orders += u64::from(matches!(body, Body::Order(_)));
    }

    fn look(&mut self, sight: &Sight<'_, '_>) -> ControlFlow<()> {
        let is_over = sight.elapsed > MARKET;
        if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn ran(name: &str, stopped: Option<Verb>) -> Seen {
    let path = Path::new("config/generated.toml");
    let whole = std::fs::read_to_string(path).expect("a sample") + &operators();
    let whole = whole.replace("scopes = [\"spread=calendar\"]\n", "");
    let read = config::load_text(path, &whole);
    let config = patient(read.unwrap_or_else(|bad| panic!("{}", bad.render(false))));
    let scratch = Scratch::new(name);
    let directory = scratch.path("record");
    std::fs::create_dir_all(&directory).expect("a directory");
    if let Some(verb) = stopped {
        let mut kept = Kept::open(&directory).expect("nothing is there");
        kept.take(11, &text(1, verb, "all"), "").expect("it is written");
    }
    let clock = EngineClock::start();
    let recording = Recording::open(&directory, &config, moment(&clock)).expect("it is new");
    let control = config.control.as_ref().expect("it is configured");
    let control = Controlling::open(control, &config, &directory, recording.identity);
    let gateways = vec![PaperExchange::new(1)];
    let ports = Ports { feeds: vec![market_for(MARKET, &config, &clock)], gateways };
    let starts = Starts::nothing(&config);
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
        control: Some(control.expect("a socket")),
        alerting: None,
        capital: None,
        resync: None,
    };
    let mut seen = Seen::default();
    let ended = run(plan, &mut seen).unwrap_or_else(|error| panic!("{error}"));
    assert!(ended.difference.is_none(), "{:?}", ended.difference);
    seen
}

#[test]
fn an_engine_that_was_stopped_does_not_arm_itself() {
    let free = ran("control_free", None);
    assert!(free.states.contains(&SafeState::Normal) && free.orders > 0, "it trades");
    for (name, verb) in [("control_no_new", Verb::NoNew), ("control_killed", Verb::Kill)] {
        let held = ran(name, Some(verb));
        assert_eq!(held.states, BTreeSet::from([SafeState::NoNew]), "{verb}");
        assert_eq!(held.orders, 0, "{verb}");
    }
}
