//! Where the parts of the screen stand, for any size that is large enough.

use super::look::Look;
use super::panel;
use super::text::{Text, flow, width};
use crate::monitor::number;
use crate::monitor::view::{PairView, View};
use crate::monitor::words::Label;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use xmc_hotpath::message::SafeState;

/// The smallest size that everything important fits into.
pub const SMALLEST: (u16, u16) = (80, 24);

/// What is shown, apart from the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The chosen pair, by row.
    pub pair: usize,
    /// The view is one of a while ago.
    pub is_paused: bool,
}

/// Rows of the parts, by the height of the screen.
struct Heights {
    legs: usize,
    spread: usize,
    money: usize,
    orders: usize,
    engine: usize,
}

impl Heights {
    /// Parts that always fit into `rows`; what is left over goes where it says most.
    fn of(rows: usize, traded_legs: usize, pairs: usize, feeds: usize) -> Self {
        let mut heights = Self { legs: 5, spread: 4, money: 5, orders: 3, engine: 4 };
        let fixed = 3;
        let mut left = rows.saturating_sub(fixed + 21);
        let mut grow = |height: &mut usize, to: usize| {
            let more = to.saturating_sub(*height).min(left);
            *height += more;
            left -= more;
        };
        grow(&mut heights.engine, feeds + 2);
        grow(&mut heights.spread, 5);
        grow(&mut heights.money, traded_legs + 3);
        grow(&mut heights.orders, 4);
        grow(&mut heights.legs, 8);
        grow(&mut heights.engine, feeds + 4);
        grow(&mut heights.orders, 6);
        grow(&mut heights.money, traded_legs + pairs + 4);
        grow(&mut heights.orders, 12);
        grow(&mut heights.money, 33);
        heights
    }
}

/// Writes the whole screen.
pub fn draw(view: &View, shown: Shown, look: &Look, area: Rect, buffer: &mut Buffer) {
    let (cells, rows) = (usize::from(area.width), usize::from(area.height));
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        return too_small(area, look, buffer);
    }
    let pair_row = shown.pair.min(view.pairs.len().saturating_sub(1));
    let mut lines = vec![top(view, shown, cells, look), tabs(view, pair_row, cells, look)];
    let Some(pair) = view.pairs.get(pair_row) else {
        lines.push(panel::part(look.word(Label::NoPair), look.warning()));
        return write(lines, area, buffer);
    };
    let traded = pair.legs.iter().filter(|leg| leg.ratio_lots != 0).count();
    let heights = Heights::of(rows, traded, view.pairs.len(), view.feeds.len());
    let put = |lines: &mut Vec<Text>, mut part: Vec<Text>, height: usize| {
        part.resize(height, Text::new());
        lines.extend(part);
    };
    let legs = panel::legs(view, pair, pair_row, (cells, heights.legs), look);
    put(&mut lines, legs, heights.legs);
    let spread = panel::spread(view, pair, pair_row, (cells, heights.spread), look);
    put(&mut lines, spread, heights.spread);
    let (left, right) = halves(cells, 47);
    let money = panel::profit(view, pair, pair_row, (left, heights.money), look);
    let fills = panel::fills(view, (right, heights.money), look);
    put(&mut lines, beside(money, fills, (left, heights.money), look), heights.money);
    let (left, right) = halves(cells, 0);
    let gates = panel::gates(view, (left, heights.orders), look);
    let alerts = panel::alerts(view, (right, heights.orders), look);
    put(&mut lines, beside(gates, alerts, (left, heights.orders), look), heights.orders);
    let engine = panel::engine(view, (cells, heights.engine), look);
    put(&mut lines, engine, heights.engine);
    lines.resize(rows - 1, Text::new());
    lines.push(panel::part(look.word(Label::Keys), look.label()));
    write(lines, area, buffer);
}

/// Two columns with a bar between: the left one has at least so many cells.
fn halves(cells: usize, least_left: usize) -> (usize, usize) {
    let left = (cells / 2 - 1).max(least_left);
    (left, cells - left - 2)
}

fn beside(left: Vec<Text>, right: Vec<Text>, size: (usize, usize), look: &Look) -> Vec<Text> {
    let (cells, height) = size;
    let mut lefts = left.into_iter();
    let mut rights = right.into_iter();
    panel::bar(look)
        .take(height)
        .map(|sign| {
            let mut text = lefts.next().unwrap_or_default();
            text.fill(cells).put(sign, look.label());
            text.append(rights.next().unwrap_or_default());
            text
        })
        .collect()
}

/// What this is, that it is simulated, the desk's state, the time.
fn top(view: &View, shown: Shown, cells: usize, look: &Look) -> Text {
    let bar = look.reversed();
    let state = match view.state {
        SafeState::Normal => bar,
        _ => look.warning().patch(bar),
    };
    let words = [
        (look.word(Label::Product).to_owned(), bar),
        (look.word(Label::Simulated).to_owned(), look.warning().patch(bar)),
        (look.word(view.state).to_owned(), state),
        (number::clock(view.running), bar),
    ];
    let mut text = Text::new();
    if shown.is_paused {
        text.put(format!(" {} ", look.word(Label::Paused)), look.warning().patch(bar));
    }
    for (word, style) in words {
        text.put(format!(" {word} "), style);
    }
    let rest = cells.saturating_sub(text.width());
    text.put(" ".repeat(rest), bar);
    text
}

/// All pairs with what they hold; the chosen one stands out.
fn tabs(view: &View, chosen: usize, cells: usize, look: &Look) -> Text {
    let tabs = view.pairs.iter().zip(&view.setting.spreads).zip(1..);
    let tabs = tabs.map(|((pair, setting), number)| tab(pair, &setting.name, number, chosen, look));
    flow(tabs.collect(), cells)
}

fn tab(pair: &PairView, name: &str, number: usize, chosen: usize, look: &Look) -> Text {
    let mut text = Text::new();
    let is_chosen = number == chosen + 1;
    let units = number::signed(pair.position_units);
    let style = if is_chosen { look.reversed() } else { Style::new() };
    let (open, close) = if is_chosen { ("[", "]") } else { (" ", " ") };
    text.put(format!("{open}{number} {name} {units}"), style);
    if pair.is_exposed() {
        text.put("!", look.unhedged());
    }
    text.put(close, style);
    text
}

fn too_small(area: Rect, look: &Look, buffer: &mut Buffer) {
    let (wide, high) = SMALLEST;
    let [needs, has] = [Label::Needs, Label::Has].map(|label| look.word(label));
    let lines = [
        look.word(Label::TooSmall).to_owned(),
        format!("{needs} {wide}x{high}"),
        format!("{has} {}x{}", area.width, area.height),
        "[q]".to_owned(),
    ];
    let lines = lines.into_iter().filter(|line| width(line) <= usize::from(area.width));
    let lines = lines.take(usize::from(area.height)).map(|line| panel::part(&line, look.warning()));
    write(lines.collect(), area, buffer);
}

fn write(lines: Vec<Text>, area: Rect, buffer: &mut Buffer) {
    for (line, row) in lines.into_iter().zip(area.y..area.bottom()) {
        debug_assert!(line.width() <= usize::from(area.width), "{line:?}");
        buffer.set_line(area.x, row, &line.line(), area.width);
    }
}
