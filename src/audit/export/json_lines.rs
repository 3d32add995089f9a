//! JSON Lines: one object a row, with the sheet's name in it. Money and prices are decimal text, so
//! that no reader rounds them.

use super::{Cell, Sheet};
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// Writes a sheet.
///
/// # Errors
/// What the output says.
pub fn write(sheet: &Sheet, out: &mut impl Write) -> io::Result<()> {
    for row in &sheet.rows {
        let mut object = Map::new();
        object.insert("sheet".to_owned(), json!(sheet.name));
        for (column, cell) in sheet.columns.iter().zip(row) {
            object.insert(column.key.to_owned(), value(cell));
        }
        serde_json::to_writer(&mut *out, &object)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// A cell as JSON.
#[must_use]
pub fn value(cell: &Cell) -> Value {
    match cell {
        Cell::None | Cell::Ratio(_, 0) | Cell::Times(_, 0) => Value::Null,
        Cell::Text(text) => json!(text),
        Cell::Int(value) => json!(value),
        Cell::Ns(ns) => json!(ns),
        Cell::E9(_) | Cell::Fixed(..) => json!(cell.plain()),
        Cell::Ratio(..) | Cell::Times(..) => {
            cell.plain().parse::<f64>().map_or(Value::Null, |fraction| json!(fraction))
        }
    }
}
