//! Money, by leg in its own currency, and added up in that of the spread.

use super::{fitted, labelled, part, rule};
use crate::monitor::number;
use crate::monitor::terminal::look::Look;
use crate::monitor::terminal::text::{Text, flow};
use crate::monitor::view::{PairView, View};
use crate::monitor::words::Label;
use ratatui::style::Style;

/// Cells of the columns behind the name: lots, realised, open, currency.
const LOTS: usize = 7;
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
    rows
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
    let money = |value: Option<i128>| {
        let text = value.map_or("-".to_owned(), |value| number::signed_e9(value, 2));
        (text, look.signed(value.unwrap_or(0)))
    };
    let (total, style) = money(pair.profit.total_e9);
    let mut parts = vec![labelled(Label::Total, total, style.patch(look.strong()), look)];
    parts.push(part(currency, look.label()));
    let has_rate = pair.legs.iter().any(|leg| {
        let instrument = &view.setting.instruments[leg.instrument];
        leg.ratio_lots != 0 && instrument.currency != *currency
    });
    if has_rate {
        let (fx, style) = money(pair.profit.fx_e9);
        parts.push(labelled(Label::Fx, fx, style, look));
    }
    parts
}
