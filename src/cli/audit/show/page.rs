//! Text in columns, for a terminal of a hundred: cells are counted, not characters.

use crate::monitor::terminal::width;
use std::fmt::Write;

/// Cells of a page.
pub const CELLS: usize = 100;

/// One line that is put together from left to right.
#[derive(Debug, Default)]
pub struct Line(String);

impl Line {
    /// A line that begins so many cells in.
    pub fn indent(cells: usize) -> Self {
        Self(" ".repeat(cells))
    }

    /// `text` in a column of so many cells, from its left edge; one that is longer pushes the rest.
    pub fn left(mut self, text: &str, cells: usize) -> Self {
        let pad = cells.saturating_sub(width(text)).max(usize::from(cells > 0));
        let _ = write!(self.0, "{text}{}", " ".repeat(pad));
        self
    }

    /// `text` in a column of so many cells, to its right edge, and a blank behind.
    pub fn right(mut self, text: &str, cells: usize) -> Self {
        let pad = cells.saturating_sub(width(text) + 1);
        let _ = write!(self.0, "{}{text} ", " ".repeat(pad));
        self
    }

    /// `text` as it is.
    pub fn then(mut self, text: &str) -> Self {
        self.0.push_str(text);
        self
    }

    /// `text` so that it ends at the right edge of the page, or behind the rest.
    pub fn at_edge(mut self, text: &str) -> Self {
        let used = width(&self.0) + width(text);
        self.0.push_str(&" ".repeat(CELLS.saturating_sub(used).max(1)));
        self.0.push_str(text);
        self
    }

    /// The line, without blanks at its end.
    pub fn end(self) -> String {
        self.0.trim_end().to_owned()
    }
}

/// A heading with a rule to the right edge.
pub fn heading(number: usize, text: &str) -> String {
    let front = format!("-- {number} {text} ");
    let rest = CELLS.saturating_sub(width(&front));
    format!("\n{front}{}", "-".repeat(rest))
}
