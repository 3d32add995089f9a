//! The part of the picture about days: what the venues say beside the books.

use crate::cli::day::DayView;
use crate::cli::plan::table::Align::{Left, Right};
use crate::cli::plan::table::Table;
use serde_json::{Value, json};
use std::io::{self, Write};
use xmc_hotpath::book::Day;
use xmc_hotpath::feed::Channel;

/// What is known of an instrument's day.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its name in the configuration.
    pub name: String,
    /// Nothing, where the venue's protocol tells no days.
    pub day: Day,
}

/// The days of a feed's instruments that have a row, by `name`, in the order of the rows.
pub fn of(channel: &Channel<'_>, name: impl Fn(usize) -> Option<String>) -> Vec<Known> {
    let books = channel.books();
    let known = books.rows().filter_map(|row| {
        let index = books.get(row)?.index()?;
        let index = usize::try_from(index.0).ok()?;
        Some((index, Known { name: name(index)?, day: *books.day(row)? }))
    });
    let mut known: Vec<_> = known.filter(|(_, known)| known.day != Day::UNKNOWN).collect();
    known.sort_by_key(|(index, _)| *index);
    known.into_iter().map(|(_, known)| known).collect()
}

/// What a picture has room for, by `COLUMNS` of the days.
const SHOWN: [(&str, usize); 11] = [
    ("last", 0),
    ("lots", 1),
    ("volume", 3),
    ("open", 4),
    ("high", 5),
    ("low", 6),
    ("settlement", 11),
    ("settled", 12),
    ("open interest", 13),
    ("limit low", 16),
    ("limit high", 17),
];

/// Writes the days, if anything is known of any.
///
/// # Errors
/// What the output says.
pub fn write(known: &[Known], out: &mut impl Write) -> io::Result<()> {
    if known.is_empty() {
        return Ok(());
    }
    let mut columns = vec![("instrument", Left)];
    columns.extend(SHOWN.iter().map(|(name, _)| (*name, Right)));
    let mut table = Table::new("DAYS", &columns);
    for of in known {
        let cells = DayView::of(&of.day).cells();
        table.row(std::array::from_fn::<_, { SHOWN.len() + 1 }, _>(|column| {
            match column.checked_sub(1) {
                None => of.name.clone(),
                Some(column) => cells[SHOWN[column].1].clone(),
            }
        }));
    }
    table.write(out)
}

/// The same as JSON.
pub fn as_json(known: &[Known]) -> Vec<Value> {
    known.iter().map(|of| json!({ "instrument": of.name, "day": DayView::of(&of.day) })).collect()
}
