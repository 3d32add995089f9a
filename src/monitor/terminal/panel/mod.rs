//! What the parts of the screen say: each makes its lines for a width and a height.

mod engine;
mod legs;
mod orders;
mod profit;
mod spread;

pub use engine::engine;
pub use legs::legs;
pub use orders::{alerts, fills, gates};
pub use profit::profit;
pub use spread::spread;

use super::look::Look;
use super::text::{Text, width};
use crate::monitor::words::{Label, Lang};
use ratatui::style::Style;

/// A rule across `cells` with a title in it.
pub fn rule(title: &str, style: Style, cells: usize, look: &Look) -> Text {
    let mut text = Text::new();
    text.put(look.rule(), look.label());
    if !title.is_empty() && width(title) + 4 <= cells {
        text.gap(1).put(title, style).gap(1);
    }
    let rest = cells.saturating_sub(text.width());
    text.put(look.rule().repeat(rest), look.label());
    text
}

/// What stands between two parts side by side, row by row: both begin with a rule.
pub fn bar(look: &Look) -> impl Iterator<Item = &'static str> {
    std::iter::once(look.crossing()).chain(std::iter::repeat(look.bar()))
}

/// As many rows as fit into `height`; the last one says how many are left out.
pub fn fitted(mut rows: Vec<Text>, height: usize, look: &Look) -> Vec<Text> {
    if rows.len() > height {
        let left_out = rows.len() - height.saturating_sub(1);
        rows.truncate(height.saturating_sub(1));
        if height > 0 {
            let mut text = Text::new();
            text.put(format!("+{left_out} {}", look.word(Label::More)), look.label());
            rows.push(text);
        }
    }
    rows
}

/// A word of one style.
pub fn part(text: &str, style: Style) -> Text {
    let mut part = Text::new();
    part.put(text, style);
    part
}

/// A label and what it labels.
pub fn labelled(label: Label, value: impl Into<String>, style: Style, look: &Look) -> Text {
    let mut text = Text::new();
    text.put(look.word(label), look.label()).gap(1).put(value, style);
    text
}

/// Between a colon of the language and what follows.
pub const fn colon(lang: Lang) -> &'static str {
    match lang {
        Lang::En => ": ",
        Lang::Zh => ":",
    }
}
