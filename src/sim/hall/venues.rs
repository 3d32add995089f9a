//! Scenes of venues: trades that are taken back, limits that are lifted, a venue that dies.

use xmc_hotpath::message::{AlertKind, Event, Gate, OrderEventKind, SessionState};
use xmc_hotpath::time::Span;

use super::table::{ABROAD, MS, ONE_E9, SECOND, Setting, Table};
use crate::sim::checker::Violation;

type Played = Result<(), Violation>;

const TEN_E9: i64 = 10 * ONE_E9;

/// The fill of one leg is taken back: while the other leg works, and when all was over.
pub fn bust_one_leg(table: &mut Table<'_, '_>) -> Played {
    table.goes_wrong();
    table.quotes(TEN_E9, 11 * ONE_E9, 5)?;
    let [mut home, mut abroad] = table.fired()?;
    table.fill(&mut home, 1)?;
    table.bust(&mut home, 1)?;
    table.fill(&mut abroad, 1)?;
    // One lot is sold and nothing is bought: it is completed or bought back.
    let repair = table.sent();
    let lots: u32 = repair.iter().map(|sent| sent.order.qty_lots).sum();
    table.ensure(lots == 1, || format!("{lots} lots to mend one that was taken back"))?;
    for mut sent in repair {
        table.fill(&mut sent, 1)?;
    }
    let mended = table.desk.spreads()[0];
    let is_mended = mended.fire.is_none() && mended.residual_lots == [0; 4];
    table.ensure(is_mended, || format!("{mended:?} is out of ratio still"))?;
    // All was over, and a person has not been told yet.
    table.quotes(TEN_E9, 11 * ONE_E9, 5)?;
    let [mut home, mut abroad] = table.fired()?;
    table.fill(&mut home, 1)?;
    table.fill(&mut abroad, 1)?;
    table.bust(&mut abroad, 1)?;
    let before = table.played.sent_after;
    for _ in 0..1_000 {
        table.wait(MS)?;
        table.quotes(TEN_E9, 11 * ONE_E9, 5)?;
    }
    let after = table.played.sent_after - before;
    table.ensure(after == 0, || format!("{after} orders of a spread that is broken"))?;
    let told = table.played.alerts.get(&AlertKind::BrokenSpread).copied().unwrap_or(0);
    table.ensure(told > 0, || "nobody was told that it is broken".to_owned())
}

/// Lots that the account may hold in both legs together.
const ACCOUNT_LOTS: u32 = 40;

pub fn limit_setting() -> Setting {
    let mut setting = Setting::pair();
    setting.accounts[0].max_position_lots = ACCOUNT_LOTS;
    setting
}

/// Whoever may lift the limits of instruments and spreads has lifted those alone.
pub fn limit_raise(table: &mut Table<'_, '_>) -> Played {
    table.goes_wrong();
    let setting = limit_setting();
    for spec in &setting.instruments {
        let mut spec = *spec;
        (spec.max_order_lots, spec.max_position_lots) = (200_000, 500_000);
        (spec.collar_e9, spec.max_order_value) = (i64::MAX, i64::MAX);
        table.tell(Event::Instrument(&spec))?;
    }
    let mut spec = setting.spreads[0];
    (spec.max_units, spec.clip_units) = (10_000, 7);
    table.tell(Event::Spread(&spec))?;
    for _ in 0..1_000 {
        table.wait(Span(20 * MS.0))?;
        table.quotes(TEN_E9, 11 * ONE_E9, 50)?;
        table.fill_all()?;
    }
    let held = table.played.lots_after;
    let most = u64::from(ACCOUNT_LOTS);
    table.ensure(held <= most, || format!("{held} lots, the account may hold {most}"))?;
    let is_named = table.played.gates.contains_key(&Gate::AccountPosition);
    table.ensure(is_named, || "another gate than the account's held them back".to_owned())
}

/// One leg is filled, the other's venue dies before it answers.
pub fn venue_dead_10h(table: &mut Table<'_, '_>) -> Played {
    table.quotes(TEN_E9, 11 * ONE_E9, 5)?;
    let [mut home, mut abroad] = table.fired()?;
    table.fill(&mut home, 1)?;
    table.goes_wrong();
    let abroad_venue = u8::try_from(ABROAD).expect("two venues");
    table.session(abroad_venue, SessionState::Down)?;
    for second in 0..36_000_i64 {
        table.wait(SECOND)?;
        // Home goes on, up and down.
        table.quote(0, TEN_E9 + second % 7 * ONE_E9, 5)?;
    }
    let (sent, requests) = (table.played.sent_after, table.played.requests_after);
    table.ensure(sent + requests == 0, || {
        format!("{sent} orders and {requests} requests in ten hours")
    })?;
    let told = table.played.alerts.get(&AlertKind::OrderUnknown).copied().unwrap_or(0);
    table.ensure(told == 1, || format!("{told} times told that an order is not known"))?;
    let reserved = table.desk.instruments()[ABROAD as usize].exposure.live_sell_lots;
    table.ensure(reserved == 1, || format!("{reserved} lots reserved for one that may be sold"))?;
    // It is back, is asked, and says what it did in the last second of its life.
    table.session(abroad_venue, SessionState::Up)?;
    let asked = table.played.requests_after;
    table.ensure(asked == 1, || format!("asked {asked} times"))?;
    table.fill(&mut abroad, 1)?;
    table.news(&abroad, OrderEventKind::Accepted)?;
    let spread = table.desk.spreads()[0];
    let is_right = spread.position_units == 1 && spread.residual_lots == [0; 4];
    table.ensure(is_right, || format!("{spread:?} after one unit was traded"))?;
    table.quotes(TEN_E9, 11 * ONE_E9, 5)?;
    let sent = table.sent().len();
    table.ensure(sent == 0, || "it fires again, and nobody has looked".to_owned())
}
