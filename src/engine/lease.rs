//! The lease of a desk: one engine at a time trades under a site's and desk's number, and each
//! start has an epoch of its own, which is the run in every client order id.
//!
//! Two small files in a directory: one is locked for as long as the engine lives, the other says
//! the last epoch that was given, to whom, and where it records. The lock is the operating
//! system's and ends with the process, however that ends: a killed engine leaves nothing to remove.
//! An epoch is on the disk before it is used, and is above all that the lease and the journal know.
//!
//! A third file is a fence: who watches the desk (`guard`) has found its engine wedged or dead, and
//! none is let in until people lift it. It is looked at under the lock, and once more when the
//! counters of the run can be seen (`Lease::confirm`): an engine that has the lock has either seen
//! it or can be found, and is killed.
//!
//! Engines of one desk find each other if they have the same directory: by default that of the
//! record, so that two never write one journal; `lease_directory` makes it one for all records of
//! this host. It has to be a directory of this host: locks of network file systems are not relied
//! on. Not here: engines on other hosts, which a venue refuses or cuts off.
//!
//! Called by `recording` and `guard`.

use crate::journal::lock::Locked;
use crate::replace::replace;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write};
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
    /// Its guard has shut it.
    #[error(
        "site {site} desk {desk} is fenced ({fence}): see to its orders and positions at the \
         venues, then have it opened with `xmc guard lift CONFIG` ({})",
        path.display()
    )]
    Fenced {
        /// The site.
        site: u8,
        /// The desk.
        desk: u8,
        /// Since when and why.
        fence: String,
        /// The file.
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

/// Why no engine of a desk may start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fence {
    /// The run that was found.
    pub run: u16,
    /// Its process.
    pub process: u32,
    /// When, UTC in nanoseconds since 1970.
    pub at_ns: u64,
    /// What was found.
    pub why: String,
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, process, at_ns, why } = self;
        write!(f, "run {run}, process {process}: {why}; at {}", shown(*at_ns))
    }
}

impl Fence {
    /// Where the fence of a desk lies.
    #[must_use]
    pub fn path(directory: &Path, identity: DeskIdentity) -> PathBuf {
        name(directory, identity, "fence")
    }

    /// Lets no engine of the desk start from now on; it is on the disk when this returns.
    ///
    /// It has its name before it is on the disk, so that other processes see it while a disk makes
    /// this wait. What a power cut leaves of it then cannot be read, and is a fence as well.
    ///
    /// # Errors
    /// `Io`.
    ///
    /// # Panics
    /// Never: what is written can be.
    pub fn put(&self, directory: &Path, identity: DeskIdentity) -> Result<(), LeaseError> {
        fs::create_dir_all(directory).map_err(io("make the directory of", directory))?;
        let path = Self::path(directory, identity);
        let text = serde_json::to_vec(self).expect("numbers and a text are JSON");
        let unfinished = name(directory, identity, "fence.unfinished");
        let put = || {
            let mut file = File::create(&unfinished)?;
            file.write_all(&text)?;
            fs::rename(&unfinished, &path)?;
            file.sync_all()?;
            File::open(directory)?.sync_all()
        };
        put().map_err(io("write the fence of", &path))
    }

    /// The fence of a desk, if it has one. One that cannot be read is one.
    ///
    /// # Errors
    /// `Io`.
    pub fn of(directory: &Path, identity: DeskIdentity) -> Result<Option<Self>, LeaseError> {
        let path = Self::path(directory, identity);
        match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            read => {
                let text = read.map_err(io("read the fence of", &path))?;
                let unread = |error| Self {
                    run: 0,
                    process: 0,
                    at_ns: 0,
                    why: format!("the fence cannot be read ({error})"),
                };
                Ok(Some(serde_json::from_slice(&text).unwrap_or_else(unread)))
            }
        }
    }

    /// Lets engines of the desk start again.
    ///
    /// # Errors
    /// `Io`.
    pub fn lift(directory: &Path, identity: DeskIdentity) -> Result<(), LeaseError> {
        let path = Self::path(directory, identity);
        let lifted = fs::remove_file(&path).and_then(|()| File::open(directory)?.sync_all());
        lifted.map_err(io("lift the fence of", &path))
    }
}

/// A moment in UTC, to the millisecond.
fn shown(at_ns: u64) -> String {
    let at =
        i64::try_from(at_ns / 1_000_000).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    at.map_or_else(|| at_ns.to_string(), |at| at.to_string())
}

/// A file of a desk in the directory of leases.
fn name(directory: &Path, identity: DeskIdentity, what: &str) -> PathBuf {
    let (site, desk) = (identity.site.0, identity.desk.0);
    directory.join(format!("site_{site}_desk_{desk}.{what}"))
}

/// Whether an engine has the lease of a desk now, by its lock.
///
/// # Errors
/// `Io`.
pub fn is_held(directory: &Path, identity: DeskIdentity) -> Result<bool, LeaseError> {
    let path = name(directory, identity, "lock");
    let lock = match File::options().write(true).open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        opened => Locked::take(opened.map_err(io("open", &path))?),
    };
    match lock {
        Ok(_) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(LeaseError::Io { what: "lock", path, source }),
    }
}

/// The last epoch that was given to an engine of a desk; 0: none was.
///
/// # Errors
/// `Io`, `Shape`.
pub fn last_epoch(directory: &Path, identity: DeskIdentity) -> Result<u16, LeaseError> {
    read(&name(directory, identity, "lease")).map(|written| written.epoch)
}

/// The right to trade as a desk, for as long as this lives.
#[derive(Debug)]
pub struct Lease {
    directory: PathBuf,
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
    /// `Held` if another engine has it, `Fenced` if none may; else see `LeaseError`.
    pub fn take(directory: &Path, identity: DeskIdentity) -> Result<Self, LeaseError> {
        let (path, locked) =
            (name(directory, identity, "lease"), name(directory, identity, "lock"));
        fs::create_dir_all(directory).map_err(io("make the directory of", directory))?;
        let lock = File::options().write(true).create(true).truncate(false).open(&locked);
        let lock = Locked::take(lock.map_err(io("open", &locked))?);
        match lock {
            Ok(lock) => {
                unfenced(directory, identity)?;
                let (directory, written) = (directory.to_owned(), read(&path)?);
                Ok(Self { directory, identity, written, path, _lock: lock })
            }
            Err(TryLockError::WouldBlock) => {
                let (site, desk) = (identity.site.0, identity.desk.0);
                let holder = read(&path).unwrap_or_default().holder();
                Err(LeaseError::Held { site, desk, holder, path: locked })
            }
            Err(TryLockError::Error(source)) => {
                Err(LeaseError::Io { what: "lock", path: locked, source })
            }
        }
    }

    /// Looks at the fence again. Called once others can see the run: a guard that has put a fence
    /// after `take` had looked either finds that run, or is found here.
    ///
    /// # Errors
    /// `Fenced`, `Io`: nothing may be sent.
    pub fn confirm(&self) -> Result<(), LeaseError> {
        unfenced(&self.directory, self.identity)
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

fn unfenced(directory: &Path, identity: DeskIdentity) -> Result<(), LeaseError> {
    let Some(fence) = Fence::of(directory, identity)? else { return Ok(()) };
    let (fence, path) = (fence.to_string(), Fence::path(directory, identity));
    Err(LeaseError::Fenced { site: identity.site.0, desk: identity.desk.0, fence, path })
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
