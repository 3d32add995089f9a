//! Tables for a terminal: columns as wide as what is in them, cells counted, not characters.

use super::Sheet;
use crate::monitor::Lang;
use crate::monitor::terminal::width;
use std::io::{self, Write};

/// Writes a sheet with its title.
///
/// # Errors
/// What the output says.
pub fn write(sheet: &Sheet, lang: Lang, out: &mut impl Write) -> io::Result<()> {
    let in_lang = usize::from(lang == Lang::Zh);
    writeln!(out, "\n{}", sheet.title[in_lang])?;
    // A sheet that names things in both languages shows one of them.
    let is_shown = |key: &str| match lang {
        Lang::En => !key.ends_with("_zh"),
        Lang::Zh => !sheet.columns.iter().any(|other| other.key == format!("{key}_zh")),
    };
    let places: Vec<usize> =
        (0..sheet.columns.len()).filter(|place| is_shown(sheet.columns[*place].key)).collect();
    if sheet.rows.is_empty() {
        return writeln!(out, "  -");
    }
    let mut lines: Vec<Vec<(String, bool)>> = Vec::new();
    let head = |place: &usize| {
        let is_number = sheet.rows[0][*place].is_number();
        (sheet.columns[*place].title[in_lang].to_owned(), is_number)
    };
    lines.push(places.iter().map(head).collect());
    for row in &sheet.rows {
        let cell = |place: &usize| (row[*place].shown(), row[*place].is_number());
        lines.push(places.iter().map(cell).collect());
    }
    let widest = |column: usize| lines.iter().map(|line| width(&line[column].0)).max();
    let columns: Vec<usize> = (0..places.len()).map(|place| widest(place).unwrap_or(0)).collect();
    for line in &lines {
        let mut text = String::new();
        for ((cell, is_number), cells) in line.iter().zip(&columns) {
            let pad = " ".repeat(cells - width(cell));
            text.push_str("  ");
            text.push_str(&if *is_number { pad + cell } else { cell.to_owned() + &pad });
        }
        writeln!(out, "{}", text.trim_end())?;
    }
    Ok(())
}
