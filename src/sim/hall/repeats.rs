//! Scenes of orders that come too often or too large: what is sent again because nobody counted,
//! and what was typed wrong.

use xmc_hotpath::message::{AlertKind, Event, Gate, OrderEventKind, Side};
use xmc_hotpath::time::Span;

use super::table::{ABROAD, HOME, MS, ONE_E9, SECOND, Setting, Table, spread};
use crate::sim::checker::Violation;

type Played = Result<(), Violation>;

const TEN_E9: i64 = 10 * ONE_E9;

/// Nothing of what the orders do is told, and the level is met for ever.
pub fn knight(table: &mut Table<'_, '_>) -> Played {
    table.goes_wrong();
    table.quotes(TEN_E9, 11 * ONE_E9, 5)?;
    let mut parents = table.fired()?;
    for _ in 0..10_000 {
        table.wait(MS)?;
        table.quotes(TEN_E9, 11 * ONE_E9, 5)?;
    }
    let again = table.sent();
    table.ensure(again.is_empty(), || format!("{} orders were sent again", again.len()))?;
    let told = table.played.alerts.get(&AlertKind::OrderUnknown).copied().unwrap_or(0);
    table.ensure(told > 0, || "nobody was told that orders are not answered".to_owned())?;
    // The venue had traded all the time.
    for parent in &mut parents {
        table.fill(parent, u32::MAX)?;
    }
    table.quotes(TEN_E9, 11 * ONE_E9, 5)?;
    let again = table.sent();
    table.ensure(again.is_empty(), || "it fires again, and nobody has looked".to_owned())
}

pub fn everbright_setting() -> Setting {
    let mut setting = Setting::pair();
    setting.spreads[0].clip_units = 171;
    setting.spreads[0].max_units = 171;
    setting
}

/// 24 of 171 lots are missing, and whatever is sent for them is refused.
pub fn everbright(table: &mut Table<'_, '_>) -> Played {
    table.quotes(TEN_E9, 11 * ONE_E9, 200)?;
    let [mut home, mut abroad] = table.fired()?;
    table.fill(&mut home, 171)?;
    table.fill(&mut abroad, 147)?;
    let early = table.sent();
    table
        .ensure(early.is_empty(), || "24 lots may still be filled, and more is sent".to_owned())?;
    table.goes_wrong();
    table.news(&abroad, OrderEventKind::Cancelled)?;
    let mut tries = 0;
    for _ in 0..1_000 {
        for sent in table.sent() {
            tries += 1;
            let (lots, side) = (sent.order.qty_lots, sent.order.side);
            // Sold abroad to complete, or sold at home to trade back: 24 lots either way.
            let is_right = lots == 24 && side == Side::Sell;
            table.ensure(is_right, || format!("{lots} lots ({side:?}) for 24 that are missing"))?;
            table.news(&sent, OrderEventKind::Rejected)?;
        }
        table.wait(MS)?;
        table.quotes(TEN_E9, 11 * ONE_E9, 200)?;
    }
    // Three by the cheaper way, and as many by the one that opens nothing.
    table.ensure(tries <= 6, || format!("{tries} tries, 6 are allowed"))?;
    let told = table.played.alerts.get(&AlertKind::RepairFailed).copied().unwrap_or(0);
    table.ensure(told == 1, || "nobody was told that the repair failed".to_owned())
}

pub fn hanmag_setting() -> Setting {
    let mut setting = Setting::pair();
    setting.spreads[0].max_fires = 5;
    setting.spreads[0].fire_window = Span(10 * SECOND.0);
    setting
}

/// A pay-up a thousand times too large, then a level that every price meets.
pub fn hanmag(table: &mut Table<'_, '_>) -> Played {
    table.goes_wrong();
    let right = spread(0);
    let mut wrong = hanmag_setting().spreads[0];
    for (leg, right) in wrong.legs.iter_mut().zip(&right.legs) {
        leg.pay_up_e9 = 1_000 * right.pay_up_e9;
    }
    table.tell(Event::Spread(&wrong))?;
    for _ in 0..10_000 {
        table.wait(MS)?;
        table.quotes(TEN_E9, 11 * ONE_E9, 5)?;
    }
    let sent = table.sent().len();
    table.ensure(sent == 0, || format!("{sent} orders a thousand steps beyond the book"))?;
    let mut wrong = hanmag_setting().spreads[0];
    wrong.constant_e9 = -100 * ONE_E9;
    // A position is closed as soon as it is opened: nothing but the fire rate stands in the way.
    wrong.buy_close_e9 = -200 * ONE_E9;
    table.tell(Event::Spread(&wrong))?;
    for _ in 0..10_000 {
        table.quotes(TEN_E9, 11 * ONE_E9, 5)?;
        table.fill_all()?;
        table.wait(MS)?;
    }
    let sent = table.played.sent_after;
    table.ensure(sent <= 10, || format!("{sent} orders, 5 fires are allowed"))
}

pub fn citi_setting() -> Setting {
    let mut setting = Setting::pair();
    // Nothing but the value of an order stands in the way.
    setting.spreads[0].max_units = 1_000_000;
    for row in &mut setting.instruments {
        (row.max_order_lots, row.max_position_lots) = (1_000_000, 1_000_000);
    }
    for row in &mut setting.accounts {
        (row.max_order_lots, row.max_position_lots) = (1_000_000, 2_000_000);
    }
    setting
}

/// 444,000 units instead of 58.
pub fn citi(table: &mut Table<'_, '_>) -> Played {
    table.goes_wrong();
    let mut wrong = citi_setting().spreads[0];
    wrong.clip_units = 444_000;
    table.tell(Event::Spread(&wrong))?;
    for _ in 0..1_000 {
        table.wait(MS)?;
        table.quotes(TEN_E9, 11 * ONE_E9, 500_000)?;
    }
    let sent = table.played.sent_after;
    table.ensure(sent == 0, || format!("{sent} orders of such a value"))?;
    let is_named = table.played.gates.contains_key(&Gate::OrderValue);
    table.ensure(is_named, || "another gate than the value held it back".to_owned())
}

/// Messages of the account in a second.
const MOST_MESSAGES: u16 = 21;

pub fn infinium_setting() -> Setting {
    let mut setting = Setting::pair();
    let spec = &mut setting.spreads[0];
    // Neither the spread's own rate nor its tries hold it back.
    (spec.max_fires, spec.fire_window, spec.repair.tries) = (63, MS, 0);
    setting.accounts[0].max_messages = MOST_MESSAGES;
    setting
}

/// 6,767 quotes in three seconds, each of which opens or closes.
pub fn infinium_rate(table: &mut Table<'_, '_>) -> Played {
    table.goes_wrong();
    let start = table.now;
    for number in 0..6_767_i64 {
        let abroad_e9 = if number % 2 == 0 { 11 * ONE_E9 } else { 4 * ONE_E9 };
        table.quotes(TEN_E9, abroad_e9, 5)?;
        table.fill_all()?;
        let due = start.after(Span(number.unsigned_abs() * 3 * SECOND.0 / 6_767));
        table.wait(due.since(table.now))?;
    }
    // Seconds that were begun.
    let most = 4 * u64::from(MOST_MESSAGES);
    let sent = table.played.sent_after;
    table.ensure(sent <= most, || format!("{sent} orders, {most} are allowed"))?;
    let is_named = table.played.gates.contains_key(&Gate::AccountRate);
    table.ensure(is_named && sent > 0, || "another gate than the rate held it back".to_owned())?;
    let [home, abroad] = [HOME, ABROAD].map(|row| table.desk.instruments()[row as usize]);
    let net = home.exposure.position_lots + abroad.exposure.position_lots;
    table.ensure(net == 0, || format!("{net} lots are not hedged"))
}
