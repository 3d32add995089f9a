//! Rows of a CSV file by date: prices of days.
//!
//! `date,name,name,..` in the first line, then one line a day, days ascending, every cell filled
//! with a decimal in the one spelling of the configuration. No quoting, no blanks. What is wrong is
//! told with file and line. Called by `ratio` and `effect`.

use crate::config::Rational;
use jiff::civil::Date;
use std::path::Path;
use thiserror::Error;

/// A larger file is a mistake.
const MOST_BYTES: u64 = 1 << 24;

/// Prices by day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// What the columns are called, without the date's.
    pub names: Vec<String>,
    /// A price for every column.
    pub rows: Vec<(Date, Vec<Rational>)>,
}

/// Why a file was refused.
#[derive(Debug, Error)]
pub enum SeriesError {
    /// It cannot be read.
    #[error("{file}: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
    /// A line is not what it must be.
    #[error("{file}:{line}: {why}")]
    Line {
        /// The file.
        file: String,
        /// Its line, from 1.
        line: usize,
        /// Why.
        why: String,
    },
    /// There is no such column.
    #[error("{file}: there is no column \"{name}\"")]
    NoColumn {
        /// The file.
        file: String,
        /// The column.
        name: String,
    },
}

/// The text of a file of this kind.
///
/// # Errors
/// If it cannot be read, or is absurdly large.
pub fn text_of(path: &Path) -> Result<String, SeriesError> {
    let refuse = |why: String| SeriesError::Unreadable { file: path.display().to_string(), why };
    let size = std::fs::metadata(path).map_err(|error| refuse(error.to_string()))?.len();
    if size > MOST_BYTES {
        return Err(refuse(format!("{size} bytes are no file of prices")));
    }
    std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))
}

/// Lines that are not blank, each with its number from 1, split at commas.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, Vec<&str>)> {
    let numbered = text.lines().enumerate().filter(|(_, line)| !line.is_empty());
    numbered.map(|(at, line)| (at + 1, line.split(',').collect()))
}

impl Series {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it, with the line.
    pub fn read(path: &Path) -> Result<Self, SeriesError> {
        Self::of_text(&path.display().to_string(), &text_of(path)?)
    }

    /// Reads a text as if it stood in `file`.
    ///
    /// # Errors
    /// What is wrong with it, with the line.
    pub fn of_text(file: &str, text: &str) -> Result<Self, SeriesError> {
        let refuse =
            |line: usize, why: String| SeriesError::Line { file: file.to_owned(), line, why };
        let mut lines = lines(text);
        let Some((at, head)) = lines.next() else {
            return Err(refuse(1, "the file is empty".to_owned()));
        };
        let [first, names @ ..] = head.as_slice() else {
            return Err(refuse(at, "the first line names no column".to_owned()));
        };
        if *first != "date" || names.is_empty() {
            let why = "the first line is \"date\" and the names of the prices, with commas between";
            return Err(refuse(at, why.to_owned()));
        }
        if let Some(name) = names.iter().enumerate().find_map(|(place, name)| {
            (name.is_empty() || names[..place].contains(name)).then_some(name)
        }) {
            return Err(refuse(at, format!("\"{name}\" names no column, or two")));
        }
        let mut rows: Vec<(Date, Vec<Rational>)> = Vec::new();
        for (at, cells) in lines {
            let day = day(cells[0]).ok_or_else(|| {
                refuse(at, format!("{:?} is no day: write it as 2026-01-31", cells[0]))
            })?;
            if rows.last().is_some_and(|(before, _)| *before >= day) {
                return Err(refuse(at, format!("{day} does not follow the day before it")));
            }
            if cells.len() != names.len() + 1 {
                let why = format!("{} prices for {} columns", cells.len() - 1, names.len());
                return Err(refuse(at, why));
            }
            let prices = cells[1..]
                .iter()
                .map(|cell| price(cell).map_err(|why| refuse(at, format!("{cell:?}: {why}"))))
                .collect::<Result<Vec<_>, _>>()?;
            rows.push((day, prices));
        }
        Ok(Self { names: names.iter().map(|name| (*name).to_owned()).collect(), rows })
    }

    /// The place of a column.
    #[must_use]
    pub fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// The part from one day to another, both included.
    #[must_use]
    pub fn between(&self, from: Option<Date>, until: Option<Date>) -> Self {
        let is_in = |day: Date| {
            from.is_none_or(|from| day >= from) && until.is_none_or(|until| day <= until)
        };
        let rows = self.rows.iter().filter(|(day, _)| is_in(*day)).cloned().collect();
        Self { names: self.names.clone(), rows }
    }
}

/// A day in the one spelling.
pub(super) fn day(text: &str) -> Option<Date> {
    text.parse().ok().filter(|_| text.len() == 10)
}

/// A price within what prices can be.
pub(crate) fn price(text: &str) -> Result<Rational, String> {
    let price = Rational::parse(text).map_err(|error| error.to_string())?;
    let most = Rational::whole(1_000_000_000);
    if most.is_below(price.magnitude()) {
        return Err("no price is so large".to_owned());
    }
    Ok(price)
}
