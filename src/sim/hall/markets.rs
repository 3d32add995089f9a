//! Scenes of markets that do what nobody thought of: prices below zero, one that closes before the
//! other, one that stands still, and a break.

use xmc_hotpath::message::{
    Event, Finding, FindingKind, Gate, Hours, InstrumentIndex, OrderEventKind, SessionState, Side,
    SpreadIndex, StreamId, TimeInForce,
};
use xmc_hotpath::time::{MonoNs, Span};

use super::table::{ABROAD, HOME, MS, ONE_E9, SECOND, Setting, TICK_E9, Table, spread};
use crate::sim::checker::Violation;

type Played = Result<(), Violation>;

const TEN_E9: i64 = 10 * ONE_E9;

pub fn negative_setting() -> Setting {
    let mut setting = Setting::pair();
    // Closed when it is worth 40 and more: at home still 10 or less, abroad below -30.
    setting.spreads[0].buy_close_e9 = 40 * ONE_E9;
    setting
}

/// Oil at -37.63, and a position that is closed there.
pub fn negative_price(table: &mut Table<'_, '_>) -> Played {
    table.quotes(TEN_E9, 11 * ONE_E9, 5)?;
    table.fill_all()?;
    // -37.63 is the ask that is bought from.
    let lowest_e9 = -3_764 * TICK_E9;
    let mut abroad_e9 = 11 * ONE_E9;
    let mut closed = Vec::new();
    while abroad_e9 > lowest_e9 && closed.is_empty() {
        abroad_e9 = (abroad_e9 - 7 * TICK_E9).max(lowest_e9);
        if abroad_e9 <= 0 && table.played.sent_after == 0 {
            table.goes_wrong();
        }
        table.wait(MS)?;
        table.quotes((TEN_E9 / 2).max(abroad_e9), abroad_e9, 5)?;
        closed = table.sent();
    }
    let bought = closed.iter().find(|sent| sent.order.side == Side::Buy);
    let price_e9 = bought.map_or(0, |sent| sent.order.price_e9);
    table.ensure(price_e9 < -30 * ONE_E9, || format!("closed at {price_e9}e-9"))?;
    for mut sent in closed {
        table.fill(&mut sent, u32::MAX)?;
    }
    let held = table.desk.spreads()[0].position_units;
    table.ensure(held == 0, || format!("{held} units are held at a price below zero"))
}

fn hours(row: u32, from: MonoNs, opening_until: MonoNs, until: MonoNs) -> Hours {
    Hours { instrument: InstrumentIndex(row), from, opening_until, until }
}

/// Home closes in two seconds, and opens nothing in the last one; abroad goes on.
pub fn one_market_closes_first(table: &mut Table<'_, '_>) -> Played {
    let start = table.now;
    let (guard, close) = (start.after(SECOND), start.after(Span(2 * SECOND.0)));
    table.tell(Event::Hours(hours(HOME, start, guard, close)))?;
    let night = start.after(Span(36_000 * SECOND.0));
    table.tell(Event::Hours(hours(ABROAD, start, night, night)))?;
    for _ in 0..3 {
        table.quotes(TEN_E9, 11 * ONE_E9, 5)?;
        table.fill_all()?;
    }
    let held = table.desk.spreads()[0].position_units;
    table.ensure(held == 3, || format!("{held} units, 3 were bought"))?;
    table.wait(guard.since(table.now))?;
    table.goes_wrong();
    // Nothing is opened that could not be closed.
    for _ in 0..50 {
        table.quotes(TEN_E9, 11 * ONE_E9, 5)?;
        table.wait(MS)?;
    }
    let opened = table.sent().len();
    table.ensure(opened == 0, || format!("{opened} orders open just before the close"))?;
    // But what is held can be closed.
    table.quotes(TEN_E9, 4 * ONE_E9, 5)?;
    table.fill_all()?;
    let held = table.desk.spreads()[0].position_units;
    table.ensure(held == 2, || format!("{held} units, one should be closed"))?;
    table.wait(close.since(table.now))?;
    // And then abroad moves, and nothing is sent to one market alone.
    let before = table.played.sent_after;
    for number in 0..3_600 {
        table.wait(SECOND)?;
        let abroad_e9 = if number % 2 == 0 { 11 * ONE_E9 } else { 4 * ONE_E9 };
        table.quotes(TEN_E9, abroad_e9, 5)?;
    }
    let after = table.played.sent_after - before;
    table.ensure(after == 0, || format!("{after} orders while one market is closed"))?;
    let is_named = table.played.gates.contains_key(&Gate::Hours);
    table.ensure(is_named, || "another gate than the hours held them back".to_owned())
}

/// Home moves, abroad stands still, and its channel says that it lives.
pub fn frozen_feed(table: &mut Table<'_, '_>) -> Played {
    table.quotes(TEN_E9, 9 * ONE_E9, 5)?;
    table.goes_wrong();
    let mut bid_e9 = TEN_E9;
    for _ in 0..1_000 {
        table.wait(Span(100 * MS.0))?;
        // Cheap enough against a price of long ago only after its age has run out.
        bid_e9 = (bid_e9 - TICK_E9).max(8 * ONE_E9);
        table.quote(HOME, bid_e9, 5)?;
    }
    let sent = table.played.sent_after;
    table.ensure(sent == 0, || format!("{sent} orders off a price that stands still"))?;
    let is_named = table.played.gates.contains_key(&Gate::QuoteAge);
    table.ensure(is_named, || "another gate than the age held them back".to_owned())?;
    // Found to be frozen: a fresh copy of the old price changes nothing.
    let finding = Finding {
        kind: FindingKind::Frozen,
        instrument: InstrumentIndex(ABROAD),
        stream: StreamId(1 + u16::try_from(ABROAD).expect("two feeds")),
        packet_seq_no: 0,
        value: 0,
        opens_nothing: true,
    };
    table.tell(Event::Finding(finding))?;
    for _ in 0..100 {
        table.wait(MS)?;
        table.quotes(8 * ONE_E9, 9 * ONE_E9, 5)?;
    }
    let sent = table.played.sent_after;
    table.ensure(sent == 0, || format!("{sent} orders off a leg that is known to be frozen"))?;
    let is_named = table.played.gates.contains_key(&Gate::Doubt);
    table.ensure(is_named, || "another gate than the doubt held them back".to_owned())
}

pub fn lunch_setting() -> Setting {
    let mut setting = Setting::pair();
    setting.spreads = (0..3).map(spread).collect();
    for spec in &mut setting.spreads {
        spec.time_in_force = TimeInForce::Day;
        spec.ack_timeout = Span(10 * SECOND.0);
    }
    setting
}

/// A break: all resting orders are cancelled by their venues, and that is told again and again.
pub fn lunch_break(table: &mut Table<'_, '_>) -> Played {
    let start = table.now;
    let noon = start.after(SECOND);
    for row in [HOME, ABROAD] {
        table.tell(Event::Hours(hours(row, start, noon, noon)))?;
    }
    table.quotes(TEN_E9, 11 * ONE_E9, 50)?;
    for _ in 0..5 {
        table.tell(Event::Tick)?;
    }
    let resting = table.sent();
    table.ensure(resting.len() == 6, || format!("{} orders of 3 spreads", resting.len()))?;
    for sent in &resting {
        table.news(sent, OrderEventKind::Accepted)?;
    }
    table.wait(noon.since(table.now))?;
    table.goes_wrong();
    for _ in 0..1_000 / resting.len() {
        for sent in &resting {
            table.news(sent, OrderEventKind::Cancelled)?;
        }
    }
    for row in [0, 1] {
        table.session(row, SessionState::Down)?;
    }
    for _ in 0..5_400 {
        table.wait(SECOND)?;
        table.quotes(TEN_E9, 11 * ONE_E9, 50)?;
    }
    let (sent, requests) = (table.played.sent_after, table.played.requests_after);
    table.ensure(sent + requests == 0, || {
        format!("{sent} orders and {requests} requests in the break")
    })?;
    for spread in table.desk.spreads() {
        let is_clean = spread.fire.is_none() && spread.residual_lots == [0; 4];
        table.ensure(is_clean, || format!("{spread:?} is not as it was"))?;
    }
    // The afternoon.
    for row in [0, 1] {
        table.session(row, SessionState::Up)?;
    }
    let evening = table.now.after(Span(5_400 * SECOND.0));
    for row in [HOME, ABROAD] {
        table.tell(Event::Hours(hours(row, table.now, evening, evening)))?;
    }
    table.quotes(TEN_E9, 11 * ONE_E9, 50)?;
    table.fill_all()?;
    let held = table.desk.spreads().iter().map(|row| row.position_units).sum::<i32>();
    let index = SpreadIndex(0);
    table.ensure(held > 0, || format!("{index:?} and the others do not trade after the break"))?;
    for _ in 0..5 {
        table.tell(Event::Tick)?;
        table.fill_all()?;
    }
    Ok(())
}
