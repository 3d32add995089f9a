//! Every gate, at its limit and one step beyond.
//!
//! A row makes the same desk twice. With 0 steps beyond the limit the spread fires; with 1 exactly
//! one thing is different, and exactly the gate of the row holds the fire back and says why.

mod account;
mod instrument;
mod quote;
mod standing;
mod window;

use xmc_hotpath::message::{
    AccountId, AccountLimits, ChannelState, ChannelUpdate, CommandKind, Decision, Event, Gate,
    GatewayLimits, InstrumentIndex, InstrumentSpec, LegSpec, OrderCommand, Quote, SessionState,
    SpreadIndex, SpreadSpec, StreamId,
};
use xmc_hotpath::price::ONE_Q32;
use xmc_hotpath::risk::NO_LEG;
use xmc_hotpath::time::{MonoNs, Span};

use super::stand::{FEED, ONE_E9, Stand, account, book, gateway, instrument, spread};

/// The channel of the second leg.
const OTHER_FEED: StreamId = StreamId(6);

/// One gate and what it says when it refuses.
struct Row {
    name: &'static str,
    gate: Gate,
    leg: u8,
    seen: i64,
    limit: i64,
    /// A desk and its decision, so many steps beyond the limit.
    decide: Box<dyn Fn(i64) -> (Stand, Decision)>,
}

fn row(
    name: &'static str,
    gate: Gate,
    leg: u8,
    (seen, limit): (i64, i64),
    decide: impl Fn(i64) -> (Stand, Decision) + 'static,
) -> Row {
    Row { name, gate, leg, seen, limit, decide: Box::new(decide) }
}

fn rows() -> Vec<Row> {
    let mut rows = standing::rows();
    rows.extend(window::rows());
    rows.extend(quote::rows());
    rows.extend(instrument::rows());
    rows.extend(account::rows());
    rows
}

#[test]
fn every_gate_passes_at_its_limit_and_refuses_one_step_beyond() {
    let mut wrong = Vec::new();
    for Row { name, gate, leg, seen, limit, decide } in rows() {
        for (beyond, expected, orders) in
            [(0, (Gate::Passed, NO_LEG, 0, 0), 2), (1, (gate, leg, seen, limit), 0)]
        {
            let (stand, decision) = decide(beyond);
            let says = (decision.gate, decision.leg, decision.seen, decision.limit);
            if says != expected || stand.orders().len() != orders {
                wrong.push(format!("{name}, {beyond} beyond: {says:?}, expected {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_gate_has_a_row() {
    let rows = rows();
    let missing: Vec<_> = Gate::ALL
        .iter()
        .filter(|gate| **gate != Gate::Passed && rows.iter().all(|row| row.gate != **gate))
        .collect();
    assert!(missing.is_empty(), "gates without a row: {missing:?}");
}

/// What a desk is told before it trades. The first spread buys row 0 and sells row 1, each quoted
/// by a channel of its own; row 2 is for a second spread that shares a leg.
struct Setup {
    instruments: [InstrumentSpec; 3],
    spread: SpreadSpec,
    second: Option<SpreadSpec>,
    gateway: GatewayLimits,
    account: AccountLimits,
    whole: AccountLimits,
    order_rows: usize,
}

impl Setup {
    fn new() -> Self {
        let mut instruments = [instrument(0), instrument(1), instrument(2)];
        instruments[1].feed = OTHER_FEED;
        Self {
            instruments,
            spread: spread(),
            second: None,
            gateway: gateway(),
            account: account(AccountId(1)),
            whole: account(AccountId::ALL),
            order_rows: 16,
        }
    }

    /// The desk, armed, everything usable, no quotes.
    fn stand(&self) -> Stand {
        let mut stand = Stand::empty(self.instruments.len(), self.order_rows);
        stand.tell(Event::Gateway(self.gateway));
        stand.tell(Event::Account(self.account));
        stand.tell(Event::Account(self.whole));
        for spec in &self.instruments {
            stand.tell(Event::Instrument(spec));
        }
        for spec in [Some(&self.spread), self.second.as_ref()].into_iter().flatten() {
            stand.tell(Event::Spread(spec));
            assert_eq!(stand.alerts(), [], "the desk takes {spec:?}");
        }
        stand.session(SessionState::Up);
        channel(&mut stand, FEED, ChannelState::Live, 1);
        channel(&mut stand, OTHER_FEED, ChannelState::Live, 1);
        stand.command(CommandKind::Arm);
        stand
    }
}

/// A desk that differs from the usual one by `change`.
fn stand(change: impl FnOnce(&mut Setup)) -> Stand {
    let mut setup = Setup::new();
    change(&mut setup);
    setup.stand()
}

/// A second spread over rows `bought` and `sold`, which opens at the same level as the first.
fn second(bought: u32, sold: u32) -> SpreadSpec {
    let leg = |row, sign: i32| LegSpec {
        instrument: InstrumentIndex(row),
        ratio_lots: sign,
        coefficient_q32: i64::from(sign) * ONE_Q32,
        pay_up_e9: 0,
        min_lean_lots: 0,
    };
    let legs = [leg(bought, 1), leg(sold, -1), LegSpec::NONE, LegSpec::NONE];
    SpreadSpec { spread: SpreadIndex(1), legs, ..spread() }
}

fn channel(stand: &mut Stand, stream: StreamId, state: ChannelState, epoch: u32) {
    let update = ChannelUpdate { stream, state, epoch, packet_seq_no: 1, missing: 0 };
    stand.tell(Event::Channel(update));
}

fn command(stand: &mut Stand, kind: CommandKind) {
    stand.command(kind);
}

/// A quote received just now, of the channel that its row has.
fn fresh(stand: &Stand, row: u32, bid: i64, ask: i64, lots: u32) -> Quote {
    let stream = if row == 1 { OTHER_FEED } else { FEED };
    Quote { received: MonoNs(stand.now), stream, ..book(row, bid, ask, lots) }
}

/// Quotes at which the first spread opens long: it costs 0.
fn opening(stand: &Stand, lots: u32) -> [Quote; 2] {
    [fresh(stand, 1, 100, 101, lots), fresh(stand, 0, 99, 100, lots)]
}

/// Quotes at which it closes what it has bought: it brings 19.
fn closing(stand: &Stand, lots: u32) -> [Quote; 2] {
    [fresh(stand, 1, 100, 101, lots), fresh(stand, 0, 120, 121, lots)]
}

/// Tells quotes in one batch, and nothing of them before the last.
fn batch(stand: &mut Stand, quotes: &[Quote]) {
    for (left, quote) in (0..quotes.len()).rev().zip(quotes) {
        stand.tell(Event::Quote { quote, more: left > 0 });
    }
}

/// What the first spread makes of a batch of quotes.
fn decide(mut stand: Stand, quotes: &[Quote]) -> (Stand, Decision) {
    batch(&mut stand, quotes);
    let decision = stand.decision().expect("the quotes meet a level of the spread");
    (stand, decision)
}

/// What it makes of quotes at which it opens.
fn open(stand: Stand, lots: u32) -> (Stand, Decision) {
    let quotes = opening(&stand, lots);
    decide(stand, &quotes)
}

/// What it makes of quotes at which it closes.
fn close(stand: Stand, lots: u32) -> (Stand, Decision) {
    let quotes = closing(&stand, lots);
    decide(stand, &quotes)
}

/// The orders of a fire that opens so many units, which stay in flight.
fn fire(stand: &mut Stand, lots: u32) -> Vec<OrderCommand> {
    let quotes = opening(stand, lots);
    batch(stand, &quotes);
    assert_eq!(stand.orders().len(), 2, "{:?}", stand.outputs);
    stand.orders()
}

/// Opens so many units and fills them. Returns when the fire was.
fn trade(stand: &mut Stand, lots: u32) -> u64 {
    let orders = fire(stand, lots);
    let fired = stand.now;
    finish(stand, &orders);
    fired
}

/// Fills orders whole.
fn finish(stand: &mut Stand, orders: &[OrderCommand]) {
    for (order, exec_id) in orders.iter().zip(1..) {
        stand.fill(order, exec_id, order.qty_lots, order.qty_lots);
    }
}

/// Quotes at which the second spread fires alone, because the first has no book of row 1 yet.
fn fire_second(stand: &mut Stand, lots: u32) -> Vec<OrderCommand> {
    let (bid, ask) = if stand.desk().spreads()[1].spec.expect("it is there").legs[0].instrument
        == InstrumentIndex(0)
    {
        ((99, 100), (100, 101))
    } else {
        ((100, 101), (99, 100))
    };
    let quotes = [fresh(stand, 0, bid.0, bid.1, lots), fresh(stand, 2, ask.0, ask.1, lots)];
    batch(stand, &quotes);
    assert_eq!(stand.orders().len(), 2, "{:?}", stand.outputs);
    stand.orders()
}

/// So that the next input comes at `now`.
fn wait_until(stand: &mut Stand, now: u64) {
    assert!(now > stand.now, "time runs forward");
    stand.now = now - 1;
}

fn lots(number: i64) -> u32 {
    u32::try_from(number).expect("a number of lots")
}

fn span(number: i64) -> Span {
    Span(u64::try_from(number).expect("a length of time"))
}

/// One price unit, less so many of the smallest steps.
fn less(beyond: i64) -> i64 {
    ONE_E9 - beyond
}
