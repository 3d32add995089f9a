//! What evidence was made from: which files, of which markets and time, and how good they are.
//!
//! The digest of data is that of its one file, or, of a journal, the SHA-256 of the list of its
//! segments as `sha256sum` prints it, in their order: `DIGEST`, two blanks, the name, an end of
//! line. What is good or not is counted from what the desk was told (`sim::backtest::source`), so
//! it is the same question of a journal and of a capture; nothing is judged here.

use super::entry::FileDigest;
use crate::config::Configuration;
use crate::hex;
use crate::journal::disk;
use crate::sim::backtest::source::{Source, SourceError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use xmc_hotpath::message::{QuoteQuality, StreamId};
use xmc_hotpath::record::frame::{Image, Images, OwnedEvent};

/// Data that a backtest was played on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lineage {
    /// The name of the file or directory, without the way to it.
    pub name: String,
    /// `journal` or `capture`.
    pub kind: String,
    /// The digest of all of it.
    pub digest: String,
    /// Its files.
    pub files: Vec<FileDigest>,
    /// The venues whose feeds are in it, as the proposed configuration calls them.
    pub venues: Vec<String>,
    /// When it begins, nanoseconds since 1970; 0 if it does not say.
    pub from_ns: u64,
    /// When it ends; 0 if it does not say.
    pub until_ns: u64,
    /// How good it is.
    pub quality: Quality,
}

/// How good data are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// Packets of the configured feeds, both lines; absent of a journal, which has none.
    pub packets: Option<u64>,
    /// Packets and messages of them that could not be decoded; absent of a journal.
    pub decode_errors: Option<u64>,
    /// Times that packets were lost on both lines, as the desk was told.
    pub gaps: u64,
    /// Those packets.
    pub missing_packets: u64,
    /// Quotes that the desk took.
    pub quotes: u64,
    /// Of them with the best bid at or above the best ask.
    pub crossed_books: u64,
    /// Of them not to be traded on: of a book with a gap, copies that differ, prices that cannot
    /// be.
    pub unsound_quotes: u64,
    /// Why reading ended early, if it did.
    pub damage: Option<String>,
}

impl Quality {
    /// Whether there is nothing that a reader should know.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let errors = self.decode_errors.unwrap_or(0);
        let bad = [errors, self.gaps, self.crossed_books, self.unsound_quotes];
        bad.iter().all(|count| *count == 0) && self.damage.is_none()
    }

    /// Counts what a market tells, and the streams in it.
    ///
    /// # Errors
    /// See `SourceError`.
    pub fn count(&mut self, market: &Source<'_>) -> Result<Vec<StreamId>, SourceError> {
        let mut streams = Vec::new();
        for run in &market.runs {
            let mut images = vec![Image::EMPTY; run.images()];
            let mut inputs = run.inputs(Images::new(&mut images));
            while let Some(input) = inputs.read()? {
                match input.event {
                    OwnedEvent::Quote { quote, .. } => {
                        self.quotes += 1;
                        let is_whole = quote.bids.count > 0 && quote.asks.count > 0;
                        let is_crossed = quote.bids.best_e9() >= quote.asks.best_e9();
                        self.crossed_books += u64::from(is_whole && is_crossed);
                        let is_sound =
                            matches!(quote.quality, QuoteQuality::Good | QuoteQuality::Halted);
                        self.unsound_quotes += u64::from(!is_sound);
                        if !streams.contains(&quote.stream) {
                            streams.push(quote.stream);
                        }
                    }
                    OwnedEvent::Channel(update) if update.missing > 0 => {
                        self.gaps += 1;
                        self.missing_packets += u64::from(update.missing);
                    }
                    _ => {}
                }
            }
        }
        streams.sort_unstable();
        Ok(streams)
    }
}

/// The venues of streams, as a configuration calls them; a stream that it does not have is told by
/// its number.
#[must_use]
pub fn venues(config: &Configuration, streams: &[StreamId]) -> Vec<String> {
    let name = |stream: &StreamId| {
        let feed = config.feeds.iter().find(|feed| feed.stream_id.value == stream.0);
        let venue = feed.and_then(|feed| config.venues.get(feed.venue));
        venue.map_or_else(|| format!("stream {}", stream.0), |venue| venue.name.value.clone())
    };
    let mut names: Vec<_> = streams.iter().map(name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// When a market begins and ends, nanoseconds since 1970; `None` if it does not say.
#[must_use]
pub fn span_ns(market: &Source<'_>) -> Option<[u64; 2]> {
    let mut runs = market.runs.iter().filter(|run| run.inputs > 0);
    let first = runs.next()?;
    let last = runs.next_back().unwrap_or(first);
    Some([market.utc_ns(first, 0)?, market.utc_ns(last, last.lasted_ns())?])
}

/// The digest of the data at `path`, and its files: of a directory the segments of its journal.
///
/// # Errors
/// Whatever the file system says; `NotFound` of a directory without a journal.
pub fn digest(path: &Path) -> io::Result<(String, Vec<FileDigest>)> {
    if !path.is_dir() {
        let file = digest_of_file(path)?;
        return Ok((file.sha256.clone(), vec![file]));
    }
    let segments = disk::segments(path)?.into_iter();
    let files = segments.map(|segment| digest_of_file(&segment.path));
    let files = files.collect::<io::Result<Vec<_>>>()?;
    if files.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "no journal segments there"));
    }
    let mut hash = Sha256::new();
    for file in &files {
        hash.update(format!("{}  {}\n", file.sha256, file.name));
    }
    Ok((hex::show(&hash.finalize()), files))
}

/// The digest of one file.
///
/// # Errors
/// Whatever the file system says.
pub fn digest_of_file(path: &Path) -> io::Result<FileDigest> {
    let mut file = File::open(path)?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok(FileDigest { name, sha256: hex::show(&hash.finalize()), bytes })
}
