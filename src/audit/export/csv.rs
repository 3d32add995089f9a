//! CSV as RFC 4180 has it: keys in the first line, `\r\n` behind each.

use super::Sheet;
use std::io::{self, Write};

/// Writes a sheet, with the line of keys if `has_head`.
///
/// # Errors
/// What the output says.
pub fn write(sheet: &Sheet, has_head: bool, out: &mut impl Write) -> io::Result<()> {
    if has_head {
        let keys: Vec<_> = sheet.columns.iter().map(|column| quoted(column.key)).collect();
        write!(out, "{}\r\n", keys.join(","))?;
    }
    for row in &sheet.rows {
        let cells: Vec<_> = row.iter().map(|cell| quoted(&cell.plain())).collect();
        write!(out, "{}\r\n", cells.join(","))?;
    }
    Ok(())
}

/// Quoted if it must be. Text that a spreadsheet would take for a formula gets a quote in front.
fn quoted(text: &str) -> String {
    let is_formula = text.starts_with(['=', '@', '+'])
        || (text.starts_with('-') && text.parse::<f64>().is_err());
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn cells_survive_and_are_no_formulas() {
        for (text, cell) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("-1.5", "-1.5"),
            ("=1+1", "'=1+1"),
            ("-cmd", "'-cmd"),
            ("two\nlines", "\"two\nlines\""),
        ] {
            assert_eq!(quoted(text), cell);
        }
    }
}
