//! What the page may ask of others than the newest moment: the record, and the control socket.
//!
//! Both block, so each question has a thread beside the one that serves, a few of them at most:
//! what finds no thread free is told so. Without them (`Behind::default`) the page shows moments
//! alone.

use super::words::Refusal;
use crate::monitor::words::Lang;
use serde_json::Value;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Questions that are answered at the same time.
pub const THREADS: usize = 2;
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
pub struct Threads(Arc<Semaphore>);

impl Threads {
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(THREADS)))
    }

    /// Has `work` done beside.
    ///
    /// # Errors
    /// `Busy`: no thread is free.
    pub async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let place = Arc::clone(&self.0).try_acquire_owned().map_err(|_| Refusal::Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        done.await.map_err(|_| Refusal::Busy)
    }
}
