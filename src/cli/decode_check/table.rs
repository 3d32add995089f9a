//! A table of entries, as `xmc inspect --entries` or another decoder writes it: tab-separated, the
//! names of the columns in the first line, an empty cell where the entry has no such field.

use super::row::{FIELDS, Key, Row, Values, Written};
use super::source::{PacketRows, Side};
use crate::cli::CliError;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// No row of a table is longer.
const MAX_LINE_BYTES: u64 = 64 << 10;

/// Why a table cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The system.
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
    /// The first line names no columns of entries.
    #[error(
        "neither a capture nor a table of entries: its first line has no column `{0}`; \
         `xmc inspect CAPTURE --entries` writes one"
    )]
    Column(&'static str),
    /// A row has no such cell, or it is not what its column holds.
    #[error("line {line}: `{column}` is {cell:?}, which is no {wanted}")]
    Cell {
        /// Which line, from 1.
        line: u64,
        /// Which column.
        column: &'static str,
        /// What is there.
        cell: String,
        /// What must be.
        wanted: &'static str,
    },
    /// A line without an end.
    #[error("line {0} is longer than {MAX_LINE_BYTES} bytes")]
    Line(u64),
    /// Nothing below the names.
    #[error("the table has no rows")]
    Empty,
}

/// Which cell each column is.
#[derive(Clone, Debug)]
struct Columns {
    feed: usize,
    keys: [usize; 3],
    fields: [Option<usize>; FIELDS.len()],
}

/// A table whose columns are known.
pub struct Table {
    path: PathBuf,
    columns: Columns,
    letters: BTreeSet<char>,
}

const KEYS: [&str; 3] = ["seq", "msg_idx", "entry_idx"];

impl Columns {
    fn of_header(header: &str) -> Result<Self, TableError> {
        let names: Vec<&str> = header.split('\t').collect();
        let find = |name| names.iter().position(|known| *known == name);
        let need = |name| find(name).ok_or(TableError::Column(name));
        Ok(Self {
            feed: need("feed")?,
            keys: [need(KEYS[0])?, need(KEYS[1])?, need(KEYS[2])?],
            fields: FIELDS.map(|(name, _)| find(name)),
        })
    }
}

/// The lines of a table with their numbers.
struct Lines {
    file: BufReader<File>,
    line: String,
    number: u64,
}

impl Lines {
    fn open(path: &Path) -> io::Result<Self> {
        let file = BufReader::with_capacity(1 << 16, File::open(path)?);
        Ok(Self { file, line: String::new(), number: 0 })
    }

    /// Goes to the next line; false at the end.
    fn next(&mut self) -> Result<bool, TableError> {
        self.line.clear();
        self.number += 1;
        let read = io::Read::take(&mut self.file, MAX_LINE_BYTES).read_line(&mut self.line)?;
        if read as u64 == MAX_LINE_BYTES && !self.line.ends_with('\n') {
            return Err(TableError::Line(self.number));
        }
        let len = self.line.trim_end_matches(['\n', '\r']).len();
        self.line.truncate(len);
        Ok(read > 0)
    }
}

impl Table {
    /// Opens a table and goes through it once, to know its lines.
    ///
    /// # Errors
    /// See `TableError`.
    pub fn open(path: &Path) -> Result<Self, TableError> {
        let mut lines = Lines::open(path)?;
        lines.next()?;
        let columns = Columns::of_header(&lines.line)?;
        let mut table = Self { path: path.to_owned(), columns, letters: BTreeSet::new() };
        while lines.next()? {
            let parsed = parse(&table.columns, &lines.line, lines.number)?;
            table.letters.insert(parsed.letter);
        }
        if table.letters.is_empty() {
            return Err(TableError::Empty);
        }
        Ok(table)
    }

    /// The letters of the lines in it.
    pub fn letters(&self) -> impl Iterator<Item = char> + '_ {
        self.letters.iter().copied()
    }

    /// The entries of one line, from the beginning.
    ///
    /// # Errors
    /// `CouldNotRun` if the file is no longer there.
    pub fn side(&self, letter: char) -> Result<TableSide, CliError> {
        let open = || {
            let mut lines = Lines::open(&self.path)?;
            lines.next()?;
            Ok(lines)
        };
        let lines = open().map_err(|error: TableError| refused(&self.path, &error))?;
        let (path, columns) = (self.path.clone(), self.columns.clone());
        Ok(TableSide { path, lines, columns, letter, ahead: None })
    }
}

fn refused(path: &Path, error: &TableError) -> CliError {
    CliError::could_not_run(format!("{}: {error}", path.display()))
}

/// One row of a table.
#[derive(Clone, Copy, Debug)]
struct Parsed {
    letter: char,
    seq_no: u32,
    row: Row,
}

fn parse(columns: &Columns, line: &str, number: u64) -> Result<Parsed, TableError> {
    let cells: Vec<&str> = line.split('\t').collect();
    let cell = |index: usize| cells.get(index).copied().unwrap_or_default();
    let wrong = |column, index, wanted| {
        let cell = cell(index).to_owned();
        TableError::Cell { line: number, column, cell, wanted }
    };
    let mut keys = [0_u32; 3];
    for ((key, index), column) in keys.iter_mut().zip(columns.keys).zip(KEYS) {
        *key = cell(index).parse().map_err(|_| wrong(column, index, "number"))?;
    }
    let [seq_no, message, entry] = keys;
    let mut letters = cell(columns.feed).chars();
    let (Some(letter), None) = (letters.next(), letters.next()) else {
        return Err(wrong("feed", columns.feed, "letter"));
    };
    let mut values: Values = [None; FIELDS.len()];
    for ((value, index), (name, written)) in values.iter_mut().zip(columns.fields).zip(FIELDS) {
        let Some(index) = index.filter(|index| !cell(*index).is_empty()) else {
            continue;
        };
        *value = Some(match written {
            Written::Number => cell(index).parse().map_err(|_| wrong(name, index, "number"))?,
            Written::Letter => {
                let mut letters = cell(index).chars();
                match (letters.next(), letters.next()) {
                    (Some(letter), None) => i64::from(u32::from(letter)),
                    _ => return Err(wrong(name, index, "letter")),
                }
            }
        });
    }
    let row = Row { key: Key { message, entry: Some(entry) }, values };
    Ok(Parsed { letter, seq_no, row })
}

/// The entries of one line of a table, packet by packet.
pub struct TableSide {
    path: PathBuf,
    lines: Lines,
    columns: Columns,
    letter: char,
    /// The first row of the packet after the last.
    ahead: Option<Parsed>,
}

impl TableSide {
    /// The next row of the line.
    fn row(&mut self) -> Result<Option<Parsed>, CliError> {
        while self.lines.next().map_err(|error| refused(&self.path, &error))? {
            let parsed = parse(&self.columns, &self.lines.line, self.lines.number)
                .map_err(|error| refused(&self.path, &error))?;
            if parsed.letter == self.letter {
                return Ok(Some(parsed));
            }
        }
        Ok(None)
    }
}

impl Side for TableSide {
    fn next(&mut self, packet: &mut PacketRows) -> Result<bool, CliError> {
        packet.rows.clear();
        let first = match self.ahead.take() {
            Some(first) => Some(first),
            None => self.row()?,
        };
        let Some(first) = first else {
            return Ok(false);
        };
        packet.seq_no = first.seq_no;
        packet.frame = first.row.values[0].and_then(|frame| u64::try_from(frame).ok());
        packet.rows.push(first.row);
        while let Some(parsed) = self.row()? {
            // The same packet again has another frame, or begins again.
            let is_behind = packet.rows.last().is_none_or(|last| last.key < parsed.row.key);
            let is_same_frame = parsed.row.values[0] == first.row.values[0];
            if parsed.seq_no != packet.seq_no || !is_behind || !is_same_frame {
                self.ahead = Some(parsed);
                break;
            }
            packet.rows.push(parsed.row);
        }
        Ok(true)
    }

    fn has(&self, field: usize) -> bool {
        self.columns.fields.get(field).is_some_and(Option::is_some)
    }
}
