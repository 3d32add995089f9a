//! What is followed from a record: fills and busts that come when their order is over, and nothing
//! judged before what was there has been read.

use crate::journal::scratch::Scratch;
use cross_market_connect::compliance::follow::Follow;
use cross_market_connect::compliance::watch::Watch;
use cross_market_connect::config::{Compliance, Level, Threshold, What};
use cross_market_connect::sim::record;
use cross_market_connect::sim::score::market::{MarketTerms, Path as Market};
use cross_market_connect::sim::score::play::{START, WIRE, play, spread};
use std::path::PathBuf;
use xmc_hotpath::message::Input;
use xmc_hotpath::message::{
    Credits, Event, InstrumentIndex, OrderAction, OrderCommand, OrderEvent, OrderEventKind,
    OrderId, Side,
};
use xmc_hotpath::record::frame::{Image, Images, MAX_LEN, Start, Writer};
use xmc_hotpath::time::{MonoNs, UnixNs};

/// A record that is made by hand.
struct Tape {
    start: Start,
    bytes: Vec<u8>,
    seq_no: u64,
}

impl Tape {
    /// It begins as that of a short score does.
    fn new() -> Self {
        let path = Market::draw(3, &MarketTerms { seconds: 1, life_ms: 500 }, START);
        let played = play(&path, &spread(), WIRE, None, 1).expect("every invariant holds");
        Self { start: played.start, bytes: Vec::new(), seq_no: 0 }
    }

    fn input(&mut self, event: Event<'_>) {
        self.seq_no += 1;
        let now = MonoNs(self.start.now.0 + self.seq_no * 1_000_000);
        let input = Input { now, credits: Credits::FULL, event };
        let (mut buffer, mut images) = ([0; MAX_LEN], [Image::EMPTY; 1]);
        let writer = Writer { identity: self.start.identity };
        let len = writer.input(self.seq_no, &input, &mut Images::new(&mut images), &mut buffer);
        self.bytes.extend_from_slice(&buffer[..len.expect("it fits")]);
    }

    /// Lots that are bought.
    fn order(&mut self, id: u64, qty_lots: u32) {
        self.input(Event::Tick);
        let order = OrderCommand {
            action: OrderAction::New,
            order_id: OrderId(id),
            instrument: InstrumentIndex(0),
            side: Side::Buy,
            qty_lots,
            ..OrderCommand::NONE
        };
        let mut buffer = [0; MAX_LEN];
        let writer = Writer { identity: self.start.identity };
        let len = writer.order(self.seq_no, 1, &order, &mut buffer);
        self.bytes.extend_from_slice(&buffer[..len.expect("it fits")]);
    }

    fn news(&mut self, id: u64, kind: OrderEventKind, exec_id: u64, qty_lots: u32) {
        let (order_id, side) = (OrderId(id), Side::Buy);
        let event = OrderEvent { kind, order_id, side, exec_id, qty_lots, ..OrderEvent::NONE };
        self.input(Event::Order(event));
    }

    fn written(&self, scratch: &Scratch) -> PathBuf {
        let directory = scratch.path("journal");
        record::write(&directory, &self.start, &self.bytes).expect("it is written");
        directory
    }
}

/// Five lots are filled, which is all of it, and two taken back, told twice; of another order two
/// of four are filled, the cancel is answered, and one more fill comes behind the answer.
#[test]
fn busts_and_late_fills_of_orders_that_are_over_move_the_position() {
    use OrderEventKind::{Busted, Cancelled, Filled};
    let mut tape = Tape::new();
    tape.order(1, 5);
    tape.order(2, 4);
    tape.news(1, Filled, 11, 5);
    for (exec_id, lots) in [(12, 2), (12, 2)] {
        tape.news(1, Busted, exec_id, lots);
    }
    tape.news(2, Filled, 21, 2);
    tape.news(2, Cancelled, 0, 0);
    tape.news(2, Filled, 22, 1);
    tape.news(2, Filled, 22, 1);
    let scratch = Scratch::new("compliance_late");
    let mut follow = Follow::new(&tape.written(&scratch), None).expect("a journal");
    while follow.poll(16).expect("it reads") {}
    let lots: Vec<_> = follow.meters().positions().values().copied().collect();
    assert_eq!(lots, [5 - 2 + 2 + 1]);
    let (_, meter) = follow.meters().rows().next().expect("a row");
    assert_eq!((meter.totals.orders, meter.totals.filled_orders), (2, 2));
}

/// Alerts wait for the end of what was there: half of a record is the count of no day.
#[test]
fn nothing_is_judged_while_history_is_read() {
    let mut tape = Tape::new();
    (1..=3_000).for_each(|id| tape.order(id, 1));
    let config = Compliance {
        warn_percent: 80,
        thresholds: vec![Threshold {
            what: What::OrdersPerDay,
            level: Level::Contract,
            venue: None,
            contract: None,
            limit_e9: 3_000_000_000_000,
            source: "a test".to_owned(),
            as_of: "2026-11-01".to_owned(),
            is_proven: false,
        }],
        groups: Vec::new(),
        fees: Vec::new(),
        filed: Vec::new(),
    };
    let scratch = Scratch::new("compliance_history");
    let mut watch = Watch::new(&tape.written(&scratch), &config).expect("a journal");
    let now = UnixNs(tape.start.utc.0 + 60_000_000_000);
    let mut waited = 0;
    let judged = loop {
        match watch.judged(now) {
            Some(judged) => break judged,
            None => waited += 1,
        }
        assert!(waited < 1_000 && !watch.is_lost());
        watch.poll(1);
    };
    assert!(waited > 3, "it takes some blocks: {waited}");
    assert_eq!(judged[0].value_e9, Some(3_000_000_000_000));
}
