//! Where the figures come from: the file of counters of one engine, whichever run it is of.

use super::family::{self, Family};
use crate::counters::{Attached, Look, Looker, ReadError};
use std::path::PathBuf;

/// The counters of an engine, running or dead, or of one that has not begun.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    looker: Looker,
    attached: Option<Attached>,
}

impl Source {
    /// The directory of a record, or a file of counters. It need not be there yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, looker: Looker::default(), attached: None }
    }

    /// All metrics as they are now; those of the engine alone while its counters cannot be read.
    pub fn families(&mut self) -> Vec<Family> {
        self.read().unwrap_or_else(|_| family::of_engine(None))
    }

    /// All metrics as they are now.
    ///
    /// # Errors
    /// The counters cannot be read.
    pub fn read(&mut self) -> Result<Vec<Family>, ReadError> {
        let (attached, look) = self.look()?;
        let mut families = family::of_engine(Some((attached, &look)));
        families.extend(family::of_counters(attached, &look));
        Ok(families)
    }

    /// Until the next run's counters stand whole, those of the last one are told.
    fn look(&mut self) -> Result<(&Attached, Look), ReadError> {
        let attached = match self.attached.take() {
            Some(old) if old.is_replaced() => self.open().unwrap_or(old),
            Some(attached) => attached,
            None => self.open()?,
        };
        let look = self.looker.look(&attached)?;
        Ok((self.attached.insert(attached), look))
    }

    fn open(&self) -> Result<Attached, ReadError> {
        match self.path.is_file() {
            true => Attached::open_file(&self.path),
            false => Attached::open(&self.path),
        }
    }
}
