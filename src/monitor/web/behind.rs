//! What the page may ask of others than the newest moment: the record, and the control socket.
//!
//! Both block, so each question has a thread beside the one that serves, a few of them at most:
//! a search that finds no thread free is told so at once, a command waits for one a while, and
//! neither takes the other's. Without them (`Behind::default`) the page shows moments alone.

use super::words::Refusal;
use crate::monitor::words::Lang;
use serde_json::Value;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Searches that are answered at the same time.
const SEARCHES: usize = 2;
/// Questions to the control socket, and commands, at the same time.
const COMMANDS: usize = 2;
/// All of them.
pub const THREADS: usize = SEARCHES + COMMANDS;
/// How long a command waits for its turn.
const TURN: Duration = Duration::from_secs(15);
/// How long the record may be read for one question.
pub const READING: Duration = Duration::from_secs(5);

/// Why there are no receipts.
#[derive(Debug, thiserror::Error)]
pub enum NoReceipts {
    /// What was asked cannot be.
    #[error("{0}")]
    Question(String),
    /// The record cannot be read, or does not hold it.
    #[error("{0}")]
    Record(String),
    /// It takes longer than it may.
    #[error("the record was read for {0:?} and that was not enough")]
    TooLong(Duration),
}

/// Who reads the record.
pub trait Receipts: Send + Sync + fmt::Debug {
    /// Receipts by names and values, as an address has them, the newest first, read no longer than
    /// until `until`: as the JSON of the answer, which says if that was too short.
    ///
    /// # Errors
    /// See `NoReceipts`.
    fn find(&self, asked: &[(String, String)], until: Instant) -> Result<Value, NoReceipts>;

    /// The story of one order as a page of text.
    ///
    /// # Errors
    /// See `NoReceipts`.
    fn story(&self, order: &str, lang: Lang, until: Instant) -> Result<String, NoReceipts>;
}

/// The way to the engine for commands that are signed.
#[derive(Clone, Debug)]
pub struct Channel {
    /// The engine's control socket.
    pub socket: PathBuf,
    /// Where its alerts lie.
    pub alerts: PathBuf,
}

/// What there is behind the page.
#[derive(Clone, Debug, Default)]
pub struct Behind {
    /// `None`: the page only looks, and nothing leads back.
    pub channel: Option<Channel>,
    /// `None`: no record is searched.
    pub receipts: Option<Arc<dyn Receipts>>,
}

/// The threads for questions.
#[derive(Clone, Debug)]
pub struct Threads {
    searches: Arc<Semaphore>,
    commands: Arc<Semaphore>,
}

impl Threads {
    pub fn new() -> Self {
        let of = |places| Arc::new(Semaphore::new(places));
        Self { searches: of(SEARCHES), commands: of(COMMANDS) }
    }

    /// Has the record searched beside.
    ///
    /// # Errors
    /// `Busy`: no thread is free.
    pub async fn search<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let place = Arc::clone(&self.searches).try_acquire_owned();
        beside(place.map_err(|_| Refusal::Busy)?, work).await
    }

    /// Has the control socket asked beside.
    ///
    /// # Errors
    /// `Busy`: no thread was free for as long as a command waits.
    pub async fn command<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let place = timeout(TURN, Arc::clone(&self.commands).acquire_owned()).await;
        let place = place.ok().and_then(Result::ok).ok_or(Refusal::Busy)?;
        beside(place, work).await
    }
}

/// Does `work` on another thread; its place is free when it is done, whoever still waits for it.
async fn beside<T: Send + 'static>(
    place: OwnedSemaphorePermit,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(place);
        done
    });
    done.await.map_err(|_| Refusal::Busy)
}
