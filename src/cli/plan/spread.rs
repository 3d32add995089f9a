//! A spread in words: its formula, what it trades, and when.

use crate::config::decimal::show_e9;
use crate::config::{Configuration, Leg, Spread};
use xmc_hotpath::message::{LegsFirst, Measure};

/// Labelled lines that say everything about one spread.
pub fn lines(configuration: &Configuration, spread: &Spread) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("value", format!("{} [{}]", formula(configuration, spread), spread.unit)),
        ("trades", trades(configuration, spread)),
    ];
    let triggers = &spread.triggers;
    let level = |level: &Option<crate::config::Written<i64>>| {
        level.as_ref().map(|level| show_e9(level.value))
    };
    let buy = [
        level(&triggers.buy_open_e9).map(|level| format!("open at {level} or below")),
        level(&triggers.buy_close_e9).map(|level| format!("close at {level} or above")),
    ];
    let sell = [
        level(&triggers.sell_open_e9).map(|level| format!("open at {level} or above")),
        level(&triggers.sell_close_e9).map(|level| format!("close at {level} or below")),
    ];
    if spread.measure == Measure::Ratio {
        lines.push(("levels", "the ratio of what is added to what is taken off".to_owned()));
    }
    if spread.is_after_fees() {
        let fees = "what is bought costs its fees more, what is sold brings them less";
        lines.push(("fees", fees.to_owned()));
    }
    for (label, triggers) in [("long", buy), ("short", sell)] {
        let triggers: Vec<_> = triggers.into_iter().flatten().collect();
        if !triggers.is_empty() {
            lines.push((label, triggers.join(", ")));
        }
    }
    lines.push(("size", size(spread)));
    lines.push(("quotes", quotes(spread)));
    lines.push(("repair", repair(spread)));
    lines
}

/// `+ 1 * near - 1 * far + 12.5`
pub fn formula(configuration: &Configuration, spread: &Spread) -> String {
    let mut terms: Vec<_> = spread.legs.iter().map(|leg| term(configuration, leg)).collect();
    if spread.constant_e9 != 0 {
        let sign = if spread.constant_e9 < 0 { '-' } else { '+' };
        let constant = show_e9(spread.constant_e9);
        terms.push(format!("{sign} {}", constant.trim_start_matches('-')));
    }
    terms.join(" ")
}

fn term(configuration: &Configuration, leg: &Leg) -> String {
    let sign = if leg.weight_q32 < 0 { '-' } else { '+' };
    let coefficient = leg.coefficient.text.trim_start_matches('-');
    format!("{sign} {coefficient} * {}", name(configuration, leg))
}

fn name<'c>(configuration: &'c Configuration, leg: &Leg) -> &'c str {
    &configuration.instruments[leg.instrument.value].name.value
}

fn trades(configuration: &Configuration, spread: &Spread) -> String {
    let traded = |leg: &Leg| {
        let lots = leg.ratio.unsigned_abs();
        let side = if leg.ratio.value > 0 { "buy" } else { "sell" };
        let pay_up = match leg.pay_up_ticks.value {
            0 => String::new(),
            1 => " (pay up 1 tick)".to_owned(),
            ticks => format!(" (pay up {ticks} ticks)"),
        };
        let rests = if leg.rest.is_some() { " (rests)" } else { "" };
        format!("{side} {lots} {}{pay_up}{}{rests}", name(configuration, leg), lean(leg))
    };
    let legs = spread.legs.iter().map(|leg| match leg.is_traded {
        true => traded(leg),
        false => format!("{} only prices{}", name(configuration, leg), lean(leg)),
    });
    legs.collect::<Vec<_>>().join(", ")
}

/// ` (leaning on 5 lots)`
fn lean(leg: &Leg) -> String {
    match leg.min_lean_lots {
        0 => String::new(),
        1 => " (leaning on 1 lot)".to_owned(),
        lots => format!(" (leaning on {lots} lots)"),
    }
}

fn size(spread: &Spread) -> String {
    let held = match (spread.open_hold_ms, spread.close_hold_ms) {
        (0, 0) => String::new(),
        (open, close) => format!("; met for {open} ms to open, {close} ms to close"),
    };
    format!(
        "{} a fire, at most {}; cool-down {} ms, hysteresis {}{held}",
        units(spread.clip_units.value),
        units(spread.max_units.value),
        spread.cool_down_ms,
        show_e9(spread.hysteresis_e9.value)
    )
}

fn units(units: u32) -> String {
    if units == 1 { "1 unit".to_owned() } else { format!("{units} units") }
}

fn repair(spread: &Spread) -> String {
    let Some(repair) = &spread.repair else {
        return "none: a fire out of ratio halts the spread".to_owned();
    };
    let most = match repair.max_cost_e9 {
        Some(cost_e9) => format!(", for {} at most", show_e9(cost_e9)),
        None => String::new(),
    };
    let tries = if repair.tries == 1 { "try" } else { "tries" };
    format!(
        "the cheaper of completing and trading back{most}: {} {tries}, as many again by what opens \
         nothing, in {} ms, then {}",
        repair.tries,
        repair.within_ms,
        repair.then_word()
    )
}

fn quotes(spread: &Spread) -> String {
    let order = match spread.legs_first {
        LegsFirst::Together => "",
        LegsFirst::LeastLiquid => ", the least liquid leg first",
    };
    format!(
        "at most {} ms old, {} ms apart; orders {}, flag {}{order}",
        spread.max_quote_age_ms.value,
        spread.max_quote_skew_ms.value,
        spread.time_in_force.word(),
        spread.hedge_flag.word()
    )
}
