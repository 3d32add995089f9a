//! What a simulated venue keeps over a restart: the start of its time, its clients' fills, what a
//! counter has told of orders, and how far its feed may have numbered. One file of JSON lines,
//! appended to.
//!
//! Fills and replies are appended together, before anybody is told of them, so a venue that is
//! killed has never told what it does not know when it comes back. Nothing is flushed to the disk:
//! what survives is the end of a process, not of power. A last line that was cut off is dropped;
//! anything else that does not read is an error, because half a ledger is worse than none.
//!
//! Called by the shells of the simulated venues.

use crate::hex;
use crate::sim::exchange::Booked;
use crate::sim::exchange::query::FillRow;
use crate::venue::esunny::dstar::counter::Told;
use crate::venue::esunny::dstar::reply::LONGEST_BYTES;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use xmc_hotpath::message::AccountId;
use xmc_hotpath::time::UnixNs;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system says no.
    #[error("{path} cannot be used: {source}; choose another file, or make its folder")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Two venues would write to it.
    #[error("{0} is used by a venue that runs: end it, or choose another file")]
    InUse(PathBuf),
    /// It is something else, or damaged.
    #[error("line {line} of {path} is not what a venue writes: move the file away to start anew")]
    Line {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// It is another venue's.
    #[error(
        "{path} was written by venue {venue} with instruments {symbols:?}, which are not those of \
         now: move the file away to start anew"
    )]
    OtherVenue {
        /// Which file.
        path: PathBuf,
        /// Who wrote it.
        venue: String,
        /// What it traded.
        symbols: Vec<String>,
    },
}

/// One line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// The first one.
    Venue {
        name: String,
        utc_origin_ns: u64,
        symbols: Vec<String>,
    },
    Fill(FillRow),
    Reply(ReplyRow),
    /// Numbers of the feed up to this one may have been used.
    ReservedTo(u64),
}

/// A reply of a counter, in text.
#[derive(Debug, Serialize, Deserialize)]
struct ReplyRow {
    account: u32,
    version: u8,
    /// Two hexadecimal digits for each byte.
    bytes: String,
}

impl ReplyRow {
    fn new(told: &Told) -> Self {
        let bytes = hex::show(&told.reply);
        Self { account: told.account.0, version: told.version, bytes }
    }

    fn told(&self) -> Option<Told> {
        let is_short = self.bytes.len() <= 2 * LONGEST_BYTES;
        let reply = hex::read(&self.bytes).filter(|_| is_short)?;
        Some(Told { account: AccountId(self.account), version: self.version, reply })
    }
}

/// What was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The venue's nanosecond zero in UTC.
    pub utc_origin: UnixNs,
    /// Fills of clients, the oldest first.
    pub fills: Vec<Booked>,
    /// What a counter has told of orders, the oldest first.
    pub told: Vec<Told>,
    /// Numbers of the feed up to this one may have been used; 0 for none.
    pub reserved_to: u64,
}

impl Kept {
    /// What a venue knows whose time starts at `utc_origin`.
    #[must_use]
    pub fn nothing(utc_origin: UnixNs) -> Self {
        Self { utc_origin, fills: Vec::new(), told: Vec::new(), reserved_to: 0 }
    }
}

/// The file, to be appended to.
#[derive(Debug)]
pub struct FillStore {
    path: PathBuf,
    file: File,
    symbols: Vec<String>,
}

impl FillStore {
    /// Opens the file of a venue that trades `symbols` (by `ListingIndex`), or begins one whose
    /// time starts at `utc_origin`.
    ///
    /// # Errors
    /// See `StoreError`.
    pub fn open(
        path: &Path,
        venue: &str,
        symbols: Vec<String>,
        utc_origin: UnixNs,
    ) -> Result<(Self, Kept), StoreError> {
        let failed = |source| StoreError::File { path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).open(path).map_err(failed)?;
        if file.try_lock().is_err() {
            return Err(StoreError::InUse(path.to_owned()));
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            let len = u64::try_from(whole).expect("a file is shorter");
            file.set_len(len).map_err(failed)?;
        }
        let mut store = Self { path: path.to_owned(), file, symbols };
        let kept = store.read(venue, &text[..whole], utc_origin)?;
        if whole == 0 {
            let (name, symbols) = (venue.to_owned(), store.symbols.clone());
            store.write(&[Line::Venue { name, utc_origin_ns: utc_origin.0, symbols }])?;
        }
        Ok((store, kept))
    }

    fn read(&self, venue: &str, text: &str, utc_origin: UnixNs) -> Result<Kept, StoreError> {
        let mut kept = Kept::nothing(utc_origin);
        for (place, line) in text.lines().enumerate() {
            let wrong = || StoreError::Line { path: self.path.clone(), line: place + 1 };
            match (place, serde_json::from_str(line).map_err(|_| wrong())?) {
                (0, Line::Venue { name, utc_origin_ns, symbols }) => {
                    if name != venue || symbols != self.symbols {
                        let path = self.path.clone();
                        return Err(StoreError::OtherVenue { path, venue: name, symbols });
                    }
                    kept.utc_origin = UnixNs(utc_origin_ns);
                }
                (1.., Line::Fill(row)) => {
                    kept.fills.push(row.booked(&self.symbols).ok_or_else(wrong)?);
                }
                (1.., Line::Reply(row)) => kept.told.push(row.told().ok_or_else(wrong)?),
                (1.., Line::ReservedTo(number)) => kept.reserved_to = number,
                _ => return Err(wrong()),
            }
        }
        Ok(kept)
    }

    /// Writes fills and replies about orders down, in one call of the system.
    ///
    /// # Errors
    /// `File`: then nobody may be told of them.
    pub fn append(&mut self, fills: &[Booked], told: &[Told]) -> Result<(), StoreError> {
        let row = |booked: &Booked| {
            let listing = usize::from(booked.fill.ticket.listing.0);
            Line::Fill(FillRow::new(&self.symbols[listing], booked))
        };
        let replies = told.iter().map(|told| Line::Reply(ReplyRow::new(told)));
        let lines: Vec<_> = fills.iter().map(row).chain(replies).collect();
        self.write(&lines)
    }

    /// Notes that numbers of the feed up to `number` may be used from now on.
    ///
    /// # Errors
    /// `File`: then they may not.
    pub fn reserve_to(&mut self, number: u64) -> Result<(), StoreError> {
        self.write(&[Line::ReservedTo(number)])
    }

    /// One call of the system, so that a line is there or is not.
    fn write(&mut self, lines: &[Line]) -> Result<(), StoreError> {
        let mut bytes = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut bytes, line).expect("rows are plain");
            bytes.push(b'\n');
        }
        let path = &self.path;
        let failed = |source| StoreError::File { path: path.clone(), source };
        self.file.write_all(&bytes).map_err(failed)
    }
}
