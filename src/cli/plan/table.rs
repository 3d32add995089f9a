//! Aligned columns, and lines that are folded before they get too long.

use std::io::{self, Write};

/// No line is longer.
const MOST_COLUMNS: usize = 100;
/// Sentences are folded here.
const FOLD_COLUMNS: usize = 80;
/// Before every row.
const INDENT: &str = "  ";

/// On which side of its column a cell stands.
#[derive(Clone, Copy)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// Rows of cells under a heading.
pub struct Table {
    heading: &'static str,
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Row>,
}

enum Row {
    Cells(Vec<String>),
    /// A line below a row, about it.
    Note(String),
}

impl Table {
    pub fn new(heading: &'static str, columns: &[(&'static str, Align)]) -> Self {
        Self { heading, columns: columns.to_vec(), rows: Vec::new() }
    }

    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(Row::Cells(cells.into()));
    }

    pub fn note(&mut self, text: impl Into<String>) {
        self.rows.push(Row::Note(text.into()));
    }

    /// Writes the heading, the names of the columns, and the rows; nothing if there are none.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{}", self.heading)?;
        let widths = self.widths();
        self.line(&self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>(), &widths, out)?;
        for row in &self.rows {
            match row {
                Row::Cells(cells) => {
                    self.line(&cells.iter().map(String::as_str).collect::<Vec<_>>(), &widths, out)?;
                }
                Row::Note(text) => folded(out, "      ", text)?,
            }
        }
        Ok(())
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<_> = self.columns.iter().map(|(name, _)| name.len()).collect();
        for row in &self.rows {
            if let Row::Cells(cells) = row {
                for (width, cell) in widths.iter_mut().zip(cells) {
                    *width = (*width).max(cell.chars().count());
                }
            }
        }
        widths
    }

    fn line(&self, cells: &[&str], widths: &[usize], out: &mut impl Write) -> io::Result<()> {
        let mut line = String::new();
        for ((cell, width), (_, align)) in cells.iter().zip(widths).zip(&self.columns) {
            line.push_str(INDENT);
            match align {
                Align::Left => line.push_str(&format!("{cell:<width$}")),
                Align::Right => line.push_str(&format!("{cell:>width$}")),
            }
        }
        writeln!(out, "{}", cut(line.trim_end()))
    }
}

/// A line that is too long ends in two points: the JSON report has it whole.
fn cut(line: &str) -> String {
    if line.chars().count() <= MOST_COLUMNS {
        return line.to_owned();
    }
    line.chars().take(MOST_COLUMNS - 2).chain("..".chars()).collect()
}

/// Writes `text` after `indent`, folded at blanks; further lines begin below the first word.
pub fn folded(out: &mut impl Write, indent: &str, text: &str) -> io::Result<()> {
    let mut line = indent.to_owned();
    let mut is_empty = true;
    for word in text.split(' ') {
        let wanted = line.chars().count() + 1 + word.chars().count();
        if !is_empty && wanted > FOLD_COLUMNS {
            writeln!(out, "{}", line.trim_end())?;
            line = " ".repeat(indent.chars().count());
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    writeln!(out, "{}", cut(&line))
}

/// Bytes as people read them; exact when they are a whole number of the unit.
pub fn bytes(bytes: u64) -> String {
    let units = [("GiB", 1_u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let unit = units.into_iter().find(|(_, size)| bytes >= *size);
    match unit {
        Some((name, size)) if bytes.is_multiple_of(size) => format!("{} {name}", bytes / size),
        Some((name, size)) => {
            let tenths = bytes * 10 / size;
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_folded_or_cut() {
        let mut written = Vec::new();
        folded(&mut written, "ab  ", &"word ".repeat(40)).unwrap();
        let text = String::from_utf8(written).unwrap();
        assert!(text.lines().count() > 1 && text.lines().all(|line| line.len() <= 80));
        assert!(text.lines().skip(1).all(|line| line.starts_with("    word")));
        assert_eq!(text.split_whitespace().count(), 41);
        assert_eq!(cut(&"x".repeat(101)).len(), 100);
    }

    #[test]
    fn bytes_are_shown_in_their_unit() {
        let shown = [0, 1_023, 1_024, 1_536, 786_432, 1 << 30].map(bytes);
        assert_eq!(shown, ["0 B", "1023 B", "1 KiB", "1.5 KiB", "768 KiB", "1 GiB"]);
    }
}
