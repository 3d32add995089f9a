//! Both markets side by side: the legs' books, how old they are, and whether to believe them.

use super::{bar, rule};
use crate::monitor::number;
use crate::monitor::setting::{InstrumentSetting, Market};
use crate::monitor::terminal::look::Look;
use crate::monitor::terminal::text::{Text, width};
use crate::monitor::view::{LegView, Level, PairView, View};
use crate::monitor::words::Label;
use ratatui::style::Style;
use xmc_hotpath::message::QuoteQuality;

/// Cells of a leg that only prices: it needs no depth.
const PRICING_CELLS: usize = 22;
/// Cells between two legs.
const BETWEEN: usize = 2;
/// Cells of a bar that shows how many lots there are, at most.
const BAR_CELLS: usize = 14;
/// Rows above the levels: the title and the age.
const HEAD_ROWS: usize = 2;
/// The longest bar stands for at least so many lots, or a few lots would look like a lot.
const FULL_BAR_LOTS: u32 = 20;

/// The legs of a pair in `height` rows: at least three.
pub fn legs(
    view: &View,
    pair: &PairView,
    row: usize,
    size: (usize, usize),
    look: &Look,
) -> Vec<Text> {
    let (cells, height) = size;
    let setting = &view.setting.spreads[row];
    let shown = setting.shown_legs(&view.setting.instruments);
    let traded = shown.iter().filter(|&&leg| setting.legs[leg].ratio_lots != 0).count();
    let pricing = shown.len() - traded;
    let for_pricing = if traded == 0 { cells } else { pricing * (PRICING_CELLS + BETWEEN) };
    let left = cells.saturating_sub(for_pricing + traded.saturating_sub(1) * BETWEEN);
    let mut rows = vec![Text::new(); height];
    for (place, &leg) in shown.iter().enumerate() {
        let wide = if pair.legs[leg].ratio_lots == 0 {
            PRICING_CELLS
        } else {
            // The first ones take what is left over.
            left / traded.max(1) + usize::from(place < left % traded.max(1))
        };
        if place > 0 {
            for (row, sign) in rows.iter_mut().zip(bar(look)) {
                row.put(sign, look.label());
            }
        }
        for (row, column) in rows.iter_mut().zip(column(view, &pair.legs[leg], wide, height, look))
        {
            row.append(column);
        }
    }
    rows
}

/// One leg: title, age, levels.
fn column(view: &View, leg: &LegView, cells: usize, height: usize, look: &Look) -> Vec<Text> {
    let instrument = &view.setting.instruments[leg.instrument];
    let mut rows = vec![title(instrument, leg, cells, look), age(instrument, leg, cells, look)];
    let levels = height.saturating_sub(HEAD_ROWS);
    let is_narrow = leg.ratio_lots == 0;
    if levels > 3 {
        rows.push(heading(cells, is_narrow, look));
    }
    let most = leg.bids.iter().chain(&leg.asks).map(|level| level.lots).max();
    let full = most.unwrap_or(0).max(FULL_BAR_LOTS);
    for depth in 0..levels - usize::from(levels > 3) {
        let sides = [leg.bids.get(depth), leg.asks.get(depth)];
        rows.push(level(sides, instrument, Wide { cells, is_narrow, full }, depth == 0, look));
    }
    for row in &mut rows {
        row.fill(cells);
    }
    rows
}

fn title(instrument: &InstrumentSetting, leg: &LegView, cells: usize, look: &Look) -> Text {
    let market = match instrument.market {
        Market::Domestic => Label::Domestic,
        Market::Overseas => Label::Overseas,
    };
    let role = if leg.ratio_lots == 0 { Label::PricesOnly } else { market };
    let role = look.word(role);
    let InstrumentSetting { name, venue, .. } = instrument;
    let ratio = number::signed(leg.ratio_lots.into());
    let whole = format!("{role} {name} {venue} {ratio} {}", look.word(Label::Lots));
    let some = format!("{role} {name}");
    let fits = |title: &str| width(title) + 4 <= cells;
    let title = match leg.ratio_lots {
        0 => some,
        _ if fits(&whole) => whole,
        _ => some,
    };
    let title = if fits(&title) { title } else { name.clone() };
    rule(&title, look.title(), cells, look)
}

/// How old the quote is, what it counts, and what its channel is worth.
fn age(instrument: &InstrumentSetting, leg: &LegView, cells: usize, look: &Look) -> Text {
    let mut text = Text::new();
    let Some(age) = leg.age else {
        text.left(look.word(Label::NoQuote), cells, look.warning());
        return text;
    };
    let (state, is_good) = match leg.quality {
        QuoteQuality::Good => (look.word(leg.channel), leg.channel.is_usable()),
        bad => (look.word(bad), false),
    };
    let style = if is_good { Style::new() } else { look.warning() };
    let label = look.word(Label::Age);
    let age = number::span(age);
    text.put(label, look.label()).gap(1).put(age, style).gap(1).put(state, style);
    if text.width() + 1 + width(&instrument.unit) <= cells {
        let rest = cells - text.width();
        text.right(&instrument.unit, rest, look.label());
    }
    text
}

/// How a level is laid out.
#[derive(Clone, Copy, Debug)]
struct Wide {
    cells: usize,
    is_narrow: bool,
    /// Lots that the longest bar stands for.
    full: u32,
}

impl Wide {
    /// Cells of a side's bar, its lots and its price.
    fn side(self) -> (usize, usize, usize) {
        let half = self.cells.saturating_sub(1) / 2;
        if self.is_narrow {
            return (0, 0, half);
        }
        let lots = if half >= 16 { 6 } else { 4 };
        let price = half.saturating_sub(lots).min(11);
        let bar = half.saturating_sub(lots + price + 1).min(BAR_CELLS);
        (bar, lots, price)
    }
}

fn heading(cells: usize, is_narrow: bool, look: &Look) -> Text {
    let (bar, lots, price) = Wide { cells, is_narrow, full: 1 }.side();
    let middle = (cells.saturating_sub(1) / 2).saturating_sub(bar + lots + price);
    let mut text = Text::new();
    text.gap(middle + bar);
    if lots > 0 {
        text.right(look.word(Label::BidLots), lots, look.label());
    }
    text.right(look.word(Label::Bid), price, look.label()).gap(1);
    text.right(look.word(Label::Ask), price, look.label());
    if lots > 0 {
        text.right(look.word(Label::AskLots), lots, look.label());
    }
    text
}

fn level(
    [bid, ask]: [Option<&Level>; 2],
    instrument: &InstrumentSetting,
    wide: Wide,
    is_best: bool,
    look: &Look,
) -> Text {
    let (bar, lots, price_cells) = wide.side();
    let middle = (wide.cells.saturating_sub(1) / 2).saturating_sub(bar + lots + price_cells);
    let weight = |style: Style| if is_best { style.patch(look.strong()) } else { style };
    let shown = |level: Option<&Level>| {
        level.map_or(("-".to_owned(), "-".to_owned(), 0), |level| {
            let lots = number::count(level.lots.into());
            (instrument.price(level.price_e9), lots, bar_cells(level.lots, bar, wide.full))
        })
    };
    let (bid_price, bid_lots, bid_bar) = shown(bid);
    let (ask_price, ask_lots, ask_bar) = shown(ask);
    let mut text = Text::new();
    text.gap(middle + bar - bid_bar).put("=".repeat(bid_bar), look.label());
    if lots > 0 {
        text.number(&bid_lots, lots, weight(Style::new()));
    }
    text.number(&bid_price, price_cells, weight(look.up())).gap(1);
    text.number(&ask_price, price_cells, weight(look.down()));
    if lots > 0 {
        text.number(&ask_lots, lots, weight(Style::new()));
        text.gap(bar.min(1)).put("=".repeat(ask_bar), look.label());
    }
    text
}

fn bar_cells(lots: u32, cells: usize, full: u32) -> usize {
    let part = u64::from(lots) * cells as u64 / u64::from(full.max(1));
    usize::try_from(part).unwrap_or(cells).min(cells)
}
