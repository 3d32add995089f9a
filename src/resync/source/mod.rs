//! Where statements come from: each source is polled on the cold thread of the resync and says what
//! it has found.

pub mod file;
pub mod stream;

use super::statement::{Statement, StatementError, Wanted};
use xmc_hotpath::time::UnixNs;

/// What a source has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A new statement that can be.
    Statement(Box<Statement>),
    /// Something that is none; the same thing is told once.
    Refused(StatementError),
    /// The source cannot be read.
    Broken(String),
    /// The source can be read again.
    Mended,
    /// Numbers of a stream that nobody can give any more.
    Gap {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// A sign of life.
    Alive,
    /// A stream was read so far.
    Read(u64),
}

/// Something that is polled for statements. It never waits for long.
pub trait Source: Send {
    /// Looks once, at `now` in UTC.
    fn poll(&mut self, now: UnixNs, told: &mut Vec<Told>);
}

/// What all sources do with what they have read: checks it, and lets each number through once.
#[derive(Debug)]
struct Gate {
    wanted: Wanted,
    last: Option<u64>,
    refused: Option<StatementError>,
}

impl Gate {
    const fn new(wanted: Wanted) -> Self {
        Self { wanted, last: None, refused: None }
    }

    fn take(&mut self, read: Result<Statement, StatementError>, now: UnixNs, told: &mut Vec<Told>) {
        match read.and_then(|statement| self.check(statement, now)) {
            Ok(Some(statement)) => {
                self.refused = None;
                told.push(Told::Statement(Box::new(statement)));
            }
            Ok(None) => {}
            Err(error) if self.refused.as_ref() == Some(&error) => {}
            Err(error) => {
                self.refused = Some(error.clone());
                told.push(Told::Refused(error));
            }
        }
    }

    /// `None` of one that was let through before.
    fn check(
        &mut self,
        statement: Statement,
        now: UnixNs,
    ) -> Result<Option<Statement>, StatementError> {
        statement.check(&self.wanted, now)?;
        match self.last {
            Some(last) if statement.sequence == last => return Ok(None),
            Some(last) if statement.sequence < last => {
                return Err(StatementError::Back { found: statement.sequence, last });
            }
            _ => self.last = Some(statement.sequence),
        }
        Ok(Some(statement))
    }
}
