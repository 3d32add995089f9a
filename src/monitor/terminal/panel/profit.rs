//! Money, by leg in its own currency, and added up in that of the spread.

use super::{fitted, labelled, rule};
use crate::monitor::number;
use crate::monitor::terminal::look::Look;
use crate::monitor::terminal::text::{Text, flow};
use crate::monitor::view::{PairView, View};
use crate::monitor::words::Label;
use ratatui::style::Style;

/// Cells of the columns behind the name: lots, realised, open, currency.
const LOTS: usize = 9;
const MONEY: usize = 14;
const CURRENCY: usize = 4;
/// Rows that are not legs: the rule and the total.
const FIXED_ROWS: usize = 2;

/// The money of a pair in `height` rows.
pub fn profit(
    view: &View,
    pair: &PairView,
    row: usize,
    size: (usize, usize),
    look: &Look,
) -> Vec<Text> {
    let (cells, height) = size;
    let title = format!("{} ({})", look.word(Label::Profit), look.word(Label::BeforeFees));
    let mut rows = vec![rule(&title, look.title(), cells, look)];
    let name_cells = cells.saturating_sub(LOTS + 2 * MONEY + CURRENCY).min(16);
    let setting = &view.setting.spreads[row];
    let mut legs: Vec<Text> = setting
        .shown_legs(&view.setting.instruments)
        .into_iter()
        .filter(|&leg| setting.legs[leg].ratio_lots != 0)
        .map(|leg| leg_row(view, pair, leg, name_cells, look))
        .collect();
    if height > legs.len() + FIXED_ROWS {
        legs.insert(0, heading(name_cells, look));
    }
    rows.extend(fitted(legs, height.saturating_sub(FIXED_ROWS), look));
    rows.push(flow(total(view, pair, row, look), cells));
    rows.extend(overview(view, name_cells, height.saturating_sub(rows.len()), look));
    rows
}

/// All pairs, if there is more than one and there is room: a heading, then a row each.
fn overview(view: &View, name_cells: usize, height: usize, look: &Look) -> Vec<Text> {
    if view.pairs.len() < 2 || height < 2 {
        return Vec::new();
    }
    let mut heading = Text::new();
    heading.left(look.word(Label::Pair), name_cells, look.label());
    heading.right(look.word(Label::Position), LOTS, look.label());
    heading.right(look.word(Label::RoundTrips), MONEY, look.label());
    heading.right(look.word(Label::Total), MONEY, look.label());
    let mut rows = vec![heading];
    let pairs = view.pairs.iter().zip(&view.setting.spreads).map(|(pair, setting)| {
        let mut text = Text::new();
        text.left(&setting.name, name_cells, Style::new());
        let units = i128::from(pair.position_units);
        text.number(&number::signed(pair.position_units), LOTS, look.signed(units));
        text.number(&number::count(pair.round_trips), MONEY, Style::new());
        let (total, style) = money(pair.profit.total_e9, look);
        text.number(&total, MONEY, style);
        text.right(&setting.currency, CURRENCY, look.label());
        text
    });
    rows.extend(fitted(pairs.collect(), height - 1, look));
    rows
}

/// Money with its sign, and how that looks.
fn money(value_e9: Option<i128>, look: &Look) -> (String, Style) {
    let text = value_e9.map_or("-".to_owned(), |value| number::signed_e9(value, 2));
    (text, look.signed(value_e9.unwrap_or(0)))
}

fn heading(name_cells: usize, look: &Look) -> Text {
    let mut text = Text::new();
    text.left(look.word(Label::Leg), name_cells, look.label());
    text.right(look.word(Label::Position), LOTS, look.label());
    text.right(look.word(Label::Realised), MONEY, look.label());
    text.right(look.word(Label::Open), MONEY, look.label());
    text
}

fn leg_row(view: &View, pair: &PairView, leg: usize, name_cells: usize, look: &Look) -> Text {
    let made = &pair.profit.legs[leg];
    let instrument = &view.setting.instruments[pair.legs[leg].instrument];
    let mut text = Text::new();
    text.left(&instrument.name, name_cells, Style::new());
    let lots = number::signed(made.position_lots);
    text.number(&lots, LOTS, look.signed(made.position_lots.into()));
    let realised_e9 = made.realised_e18 / 1_000_000_000;
    text.number(&number::signed_e9(realised_e9, 2), MONEY, look.signed(realised_e9));
    match made.open_e18.map(|open| open / 1_000_000_000) {
        Some(open_e9) => text.number(&number::signed_e9(open_e9, 2), MONEY, look.signed(open_e9)),
        None => text.number("-", MONEY, look.label()),
    };
    text.right(&instrument.currency, CURRENCY, look.label());
    text
}

fn total(view: &View, pair: &PairView, row: usize, look: &Look) -> Vec<Text> {
    let currency = &view.setting.spreads[row].currency;
    let (total, style) = money(pair.profit.total_e9, look);
    let mut sum = labelled(Label::Total, total, style.patch(look.strong()), look);
    sum.gap(1).put(currency.clone(), look.label());
    let mut parts = vec![sum];
    let has_rate = pair.legs.iter().any(|leg| {
        let instrument = &view.setting.instruments[leg.instrument];
        leg.ratio_lots != 0 && instrument.currency != *currency
    });
    if has_rate {
        let (fx, style) = money(pair.profit.fx_e9, look);
        parts.push(labelled(Label::Fx, fx, style, look));
    }
    parts
}
