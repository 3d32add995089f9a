//! The lease of a desk: one engine at a time trades under a site's and desk's number, and each
//! start has an epoch of its own, which is the run in every client order id.
//!
//! Two small files in a directory: one is locked for as long as the engine lives, the other says
//! the last epoch that was given, to whom, and where it records. The lock is the operating
//! system's and ends with the process, however that ends: a killed engine leaves nothing to remove.
//! An epoch is on the disk before it is used, and is above all that the lease and the journal know.
//!
//! Engines of one desk find each other if they have the same directory: by default that of the
//! record, so that two never write one journal; `lease_directory` makes it one for all records of
//! this host. It has to be a directory of this host: locks of network file systems are not relied
//! on. Not here: engines on other hosts, which a venue refuses or cuts off.
//!
//! Called by `recording`.

use crate::journal::lock::Locked;
use crate::replace::replace;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use xmc_hotpath::message::DeskIdentity;

/// Why a desk may not trade.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// The disk.
    #[error("cannot {what} the lease {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another engine has it.
    #[error(
        "site {site} desk {desk} is traded by {holder}: two engines under one number would give \
         their orders the same ids. Stop that one first; if it does not answer, kill it: its lease \
         ({}) ends with it, and nothing has to be removed",
        path.display()
    )]
    Held {
        /// The site.
        site: u8,
        /// The desk.
        desk: u8,
        /// Who, as far as it has said.
        holder: String,
        /// What is locked.
        path: PathBuf,
    },
    /// Nobody can tell which epochs have been used.
    #[error(
        "{} is no lease ({source}): see which run the journals of this desk have come to, and \
         write {{\"epoch\":N}} with that number into it",
        path.display()
    )]
    Shape {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Every epoch has been used.
    #[error(
        "site {site} desk {desk} has been started {} times, and order ids have no room for more: \
         give the desk another desk_id",
        u16::MAX
    )]
    Spent {
        /// The site.
        site: u8,
        /// The desk.
        desk: u8,
    },
}

/// What the last engine has written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Written {
    /// The last epoch that was given.
    epoch: u16,
    /// The process that has it.
    process: Option<u32>,
    /// Where it records.
    record: Option<PathBuf>,
}

impl Written {
    fn holder(&self) -> String {
        match (self.process, &self.record) {
            (Some(process), Some(record)) => {
                format!("process {process}, which records to {}", record.display())
            }
            _ => "another process, which is just starting".to_owned(),
        }
    }
}

/// The right to trade as a desk, for as long as this lives.
#[derive(Debug)]
pub struct Lease {
    identity: DeskIdentity,
    written: Written,
    path: PathBuf,
    /// Holds the lock; never read.
    _lock: Locked,
}

impl Lease {
    /// Takes the lease of `identity`'s site and desk in `directory`, making that if it is not
    /// there. No epoch is used yet.
    ///
    /// # Errors
    /// `Held` if another engine has it; else see `LeaseError`.
    pub fn take(directory: &Path, identity: DeskIdentity) -> Result<Self, LeaseError> {
        let (site, desk) = (identity.site.0, identity.desk.0);
        let name = |what: &str| directory.join(format!("site_{site}_desk_{desk}.{what}"));
        let (path, locked) = (name("lease"), name("lock"));
        fs::create_dir_all(directory).map_err(io("make the directory of", directory))?;
        let lock = File::options().write(true).create(true).truncate(false).open(&locked);
        let lock = Locked::take(lock.map_err(io("open", &locked))?);
        match lock {
            Ok(lock) => Ok(Self { identity, written: read(&path)?, path, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                let holder = read(&path).unwrap_or_default().holder();
                Err(LeaseError::Held { site, desk, holder, path: locked })
            }
            Err(TryLockError::Error(source)) => {
                Err(LeaseError::Io { what: "lock", path: locked, source })
            }
        }
    }

    /// A new epoch, for an engine that records to `record` and whose journal knows of run `last`;
    /// it is on the disk when this returns.
    ///
    /// # Errors
    /// `Spent`, `Io`. No epoch is used then.
    ///
    /// # Panics
    /// Never: what is written can be.
    pub fn begin(&mut self, last: Option<u16>, record: &Path) -> Result<DeskIdentity, LeaseError> {
        let (site, desk) = (self.identity.site.0, self.identity.desk.0);
        let before = self.written.epoch.max(last.unwrap_or(0));
        let epoch = before.checked_add(1).ok_or(LeaseError::Spent { site, desk })?;
        let record = Some(std::path::absolute(record).unwrap_or_else(|_| record.to_owned()));
        let written = Written { epoch, process: Some(std::process::id()), record };
        let text = serde_json::to_vec(&written).expect("a number and texts are JSON");
        replace(&self.path, &text).map_err(io("write", &self.path))?;
        self.written = written;
        Ok(DeskIdentity { run: epoch, ..self.identity })
    }
}

fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LeaseError {
    let path = path.to_owned();
    move |source| LeaseError::Io { what, path, source }
}

fn read(path: &Path) -> Result<Written, LeaseError> {
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Written::default()),
        read => serde_json::from_slice(&read.map_err(io("read", path))?)
            .map_err(|source| LeaseError::Shape { path: path.to_owned(), source }),
    }
}
