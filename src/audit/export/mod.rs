//! Tables in the forms that people and programs read: text, CSV, JSON Lines, HTML, Parquet.
//!
//! A sheet is plain data; each form is one file here. Numbers are exact integers until they are
//! written: money and prices in units of 1e-9, time in nanoseconds.

pub mod csv;
pub mod html;
pub mod json_lines;
pub mod parquet;
pub mod text;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in files.
    pub key: &'static str,
    /// Its title in English and Chinese.
    pub title: [&'static str; 2],
}

/// A column of that name, titled in English and Chinese.
#[must_use]
pub const fn column(key: &'static str, en: &'static str, zh: &'static str) -> Column {
    Column { key, title: [en, zh] }
}

/// The cell of a count.
#[must_use]
pub fn count(count: u64) -> Cell {
    Cell::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// There is none.
    None,
    /// Words.
    Text(String),
    /// A count.
    Int(i64),
    /// Money or a price, units of 1e-9.
    E9(i128),
    /// The same, of which people see so many digits, the last one rounded to the nearest.
    Fixed(i128, u8),
    /// Nanoseconds.
    Ns(u64),
    /// A part of a whole: files have it as a fraction, people see percent.
    Ratio(u64, u64),
    /// So many of one for each of the other.
    Times(u64, u64),
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// Its name in files.
    pub name: &'static str,
    /// Its title in English and Chinese.
    pub title: [&'static str; 2],
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, each with a cell for every column.
    pub rows: Vec<Vec<Cell>>,
}

/// There is no such column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sheet {sheet} has no column {wanted:?}; it has: {known}")]
pub struct NoColumn {
    sheet: &'static str,
    wanted: String,
    known: String,
}

impl Sheet {
    /// The same with only these columns, in this order; all of them if none is named.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn select(self, keys: &[String]) -> Result<Self, NoColumn> {
        if keys.is_empty() {
            return Ok(self);
        }
        let mut places = Vec::new();
        for key in keys {
            let place = self.columns.iter().position(|column| column.key == key);
            places.push(place.ok_or_else(|| {
                let known: Vec<_> = self.columns.iter().map(|column| column.key).collect();
                NoColumn { sheet: self.name, wanted: key.clone(), known: known.join(", ") }
            })?);
        }
        let pick = |row: &Vec<Cell>| places.iter().map(|place| row[*place].clone()).collect();
        Ok(Self {
            columns: places.iter().map(|place| self.columns[*place]).collect(),
            rows: self.rows.iter().map(pick).collect(),
            ..self
        })
    }
}

impl Cell {
    /// For files: decimals without separators; nothing where there is nothing.
    #[must_use]
    pub fn plain(&self) -> String {
        match self {
            Self::None => String::new(),
            Self::Text(text) => text.clone(),
            Self::Int(value) => value.to_string(),
            Self::E9(value) | Self::Fixed(value, _) => decimal(*value, 9),
            Self::Ns(ns) => ns.to_string(),
            Self::Ratio(part, whole) | Self::Times(part, whole) => match whole {
                0 => String::new(),
                _ => decimal(i128::from(*part) * 1_000_000_000 / i128::from(*whole), 9),
            },
        }
    }

    /// For people.
    #[must_use]
    pub fn shown(&self) -> String {
        use crate::monitor::number;
        use xmc_hotpath::time::Span;
        match self {
            Self::None => "-".to_owned(),
            Self::Text(text) => text.clone(),
            Self::Int(value) => number::figure(*value),
            Self::E9(value) => number::e9(*value, 4),
            Self::Fixed(value, digits) => {
                let digits = usize::from(*digits).min(9);
                let half = 10_i128.pow(9 - u32::try_from(digits).unwrap_or(9)) / 2;
                number::e9(value.saturating_add(half * value.signum()), digits)
            }
            Self::Ns(ns) => number::span(Span(*ns)),
            Self::Ratio(_, 0) | Self::Times(_, 0) => "-".to_owned(),
            Self::Ratio(part, whole) => number::percent(*part, *whole),
            Self::Times(part, whole) => {
                number::e9(i128::from(*part) * 1_000_000_000 / i128::from(*whole), 2)
            }
        }
    }

    /// Whether it is a number, and stands at the right edge of its column.
    #[must_use]
    pub fn is_number(&self) -> bool {
        !matches!(self, Self::Text(_))
    }
}

/// A value in units of 10^-`digits`, without zeros behind it.
fn decimal(value: i128, digits: usize) -> String {
    let one = 10_u128.pow(u32::try_from(digits).unwrap_or(0));
    let (whole, part) = (value.unsigned_abs() / one, value.unsigned_abs() % one);
    let sign = if value < 0 { "-" } else { "" };
    let text = format!("{sign}{whole}.{part:0digits$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
