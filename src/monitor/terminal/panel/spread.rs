//! The spread: what it costs and brings, where that stands between its levels, what is held.

use super::{colon, labelled, part, rule};
use crate::monitor::gate::seen_and_limit;
use crate::monitor::number;
use crate::monitor::terminal::look::Look;
use crate::monitor::terminal::text::{Text, flow, flow_width};
use crate::monitor::view::{PairView, View};
use crate::monitor::words::Label;
use ratatui::style::Style;
use xmc_hotpath::desk::SpreadState;
use xmc_hotpath::message::{Decision, Gate, SpreadSpec};

/// The signs on the scale of what buying costs, and of what selling brings.
const BUYS: &str = ">";
const SELLS: &str = "<";

/// The levels of a spread: the sign on the scale, what it does, and which way.
#[derive(Clone, Copy, Debug)]
struct Threshold {
    sign: &'static str,
    label: Label,
    /// Where there is no room for more: the sign says for which side.
    short: Label,
    relation: &'static str,
    value_e9: i64,
}

/// The spread of a pair in `height` rows: at least four.
pub fn spread(
    view: &View,
    pair: &PairView,
    row: usize,
    size: (usize, usize),
    look: &Look,
) -> Vec<Text> {
    let (cells, height) = size;
    let setting = &view.setting.spreads[row];
    let title = format!("{} {}, {}", look.word(Label::Spread), setting.name, setting.unit);
    let mut rows = vec![rule(&title, look.title(), cells, look)];
    rows.push(flow(values(view, pair, row, look), cells));
    let levels = pair.spec.as_ref().map(thresholds).unwrap_or_default();
    rows.push(scale(pair, &levels, cells, look));
    let shown = |label: fn(&Threshold) -> Label| -> Vec<Text> {
        let each = levels.iter().map(|level| {
            let mut text = Text::new();
            text.put(level.sign, look.strong()).gap(1);
            text.put(look.word(label(level)), look.label()).gap(1);
            let value = number::e9(level.value_e9.into(), setting.digits);
            text.put(format!("{} {value}", level.relation), Style::new());
            text
        });
        each.collect()
    };
    let long = shown(|level| level.label);
    let is_long_fit = flow_width(&long) <= cells;
    rows.push(flow(if is_long_fit { long } else { shown(|level| level.short) }, cells));
    if height > rows.len() {
        rows.push(standing(view, pair, row, cells, look));
    }
    rows.truncate(height);
    rows
}

/// What it costs, what it brings, what is held.
fn values(view: &View, pair: &PairView, row: usize, look: &Look) -> Vec<Text> {
    let setting = &view.setting.spreads[row];
    let side = |sign: &str, label: Label, value: Option<i64>| {
        let value = value.map(|value| number::e9(value.into(), setting.digits));
        let mut text = part(sign, look.strong());
        let value = value.unwrap_or_else(|| "-".to_owned());
        text.gap(1).append(labelled(label, value, look.strong(), look));
        text
    };
    let most = pair.spec.as_ref().map_or(0, |spec| spec.max_units);
    let units = number::signed(pair.position_units);
    let mut position =
        labelled(Label::Position, units, look.signed(pair.position_units.into()), look);
    position.put(format!(" / {most} {}", look.word(Label::Units)), Style::new());
    let state = match pair.state {
        SpreadState::Enabled => Style::new(),
        SpreadState::Disabled | SpreadState::Halted | SpreadState::Reducing => look.warning(),
    };
    let (exposure, is_exposed) = exposure(view, pair, look);
    let mut parts = vec![
        side(BUYS, Label::BuyAt, pair.buy_e9),
        side(SELLS, Label::SellAt, pair.sell_e9),
        position,
    ];
    // What somebody must see comes first: a narrow line has no room for all.
    let last = parts.len();
    parts.insert(if is_exposed { 0 } else { last }, exposure);
    let is_enabled = pair.state == SpreadState::Enabled;
    parts.insert(if is_enabled { last + 1 } else { 0 }, part(look.word(pair.state), state));
    parts.push(labelled(Label::RoundTrips, number::count(pair.round_trips), Style::new(), look));
    parts.push(labelled(Label::Fires, number::count(pair.fires), Style::new(), look));
    parts
}

/// Lots on one side only, in the colour that nothing else has, and whether there are any.
fn exposure(view: &View, pair: &PairView, look: &Look) -> (Text, bool) {
    let text = match pair.unhedged_for {
        Some(since) if pair.is_exposed() => {
            let legs = pair.legs.iter().filter(|leg| leg.unhedged_lots != 0);
            let lots: Vec<_> = legs
                .map(|leg| {
                    let name = &view.setting.instruments[leg.instrument].name;
                    format!("{name} {}", number::signed(leg.unhedged_lots))
                })
                .collect();
            let word = look.word(Label::Unhedged);
            let lots = lots.join(" ");
            part(&format!(" {word} {lots} ({}) ", number::span(since)), look.unhedged())
        }
        _ if pair.is_in_flight => part(look.word(Label::InFlight), look.strong()),
        _ => part(look.word(Label::Hedged), Style::new()),
    };
    (text, pair.is_exposed())
}

/// Where what it costs and brings stands between the levels.
///
/// `<` is what selling it brings, `>` what buying it costs; a level fires when the one that
/// belongs to it comes to its sign or goes beyond.
fn scale(pair: &PairView, levels: &[Threshold], cells: usize, look: &Look) -> Text {
    let values = levels.iter().map(|level| level.value_e9).chain(pair.buy_e9).chain(pair.sell_e9);
    let (Some(low), Some(high)) = (values.clone().min(), values.max()) else {
        return Text::new();
    };
    let last = cells.saturating_sub(1);
    let place = |value: i64| {
        let range = (i128::from(high) - i128::from(low)).max(1);
        let from_low = i128::from(value) - i128::from(low);
        usize::try_from(from_low * last as i128 / range).unwrap_or(0).min(last)
    };
    let mut signs = vec![("-", look.label()); cells];
    let seen = [(pair.sell_e9, SELLS), (pair.buy_e9, BUYS)];
    if let [Some(sell), Some(buy)] = [pair.sell_e9, pair.buy_e9] {
        let (from, to) = (place(sell.min(buy)), place(sell.max(buy)));
        signs[from..=to].fill(("=", Style::new()));
    }
    for level in levels {
        signs[place(level.value_e9)] = (level.sign, look.title());
    }
    for (value, sign) in seen {
        if let Some(value) = value {
            signs[place(value)] = (sign, look.strong());
        }
    }
    let mut text = Text::new();
    for (sign, style) in signs {
        text.put(sign, style);
    }
    text
}

fn thresholds(spec: &SpreadSpec) -> Vec<Threshold> {
    let never = [i64::MIN, i64::MAX];
    [
        ("L", Label::OpenLong, Label::Opens, "<=", spec.buy_open_e9),
        ("l", Label::CloseLong, Label::Closes, ">=", spec.buy_close_e9),
        ("s", Label::CloseShort, Label::Closes, "<=", spec.sell_close_e9),
        ("S", Label::OpenShort, Label::Opens, ">=", spec.sell_open_e9),
    ]
    .into_iter()
    .filter(|(.., value_e9)| !never.contains(value_e9))
    .map(|(sign, label, short, relation, value_e9)| Threshold {
        sign,
        label,
        short,
        relation,
        value_e9,
    })
    .collect()
}

/// What became of the last trigger.
fn standing(view: &View, pair: &PairView, row: usize, cells: usize, look: &Look) -> Text {
    let Some((age, decision)) = &pair.last_decision else {
        return Text::new();
    };
    let mut parts = vec![part(&number::span(*age), look.label())];
    parts.extend(told(view, row, decision, look));
    flow(parts, cells)
}

/// A decision in words.
pub fn told(view: &View, row: usize, decision: &Decision, look: &Look) -> Vec<Text> {
    let setting = &view.setting.spreads[row];
    let intent = look.word(decision.intent);
    let units = decision.units;
    let value = number::e9(decision.value_e9.into(), setting.digits);
    let what = format!("{intent} {units} {} @ {value}", look.word(Label::Units));
    if decision.gate == Gate::Passed {
        return vec![part(look.word(Label::Fired), look.strong()), part(&what, Style::new())];
    }
    let gate = look.word(decision.gate);
    let word = look.word(Label::Refused);
    let seen = seen_and_limit(&view.setting, decision, look.lang);
    let colon = colon(look.lang);
    vec![
        part(&format!("{word}{colon}{gate}"), look.warning()),
        part(&what, Style::new()),
        part(&seen, Style::new()),
    ]
}
