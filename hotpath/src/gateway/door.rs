//! Where a session that has ended leaves the stage, and the next one comes in.
//!
//! A few rings of one or two places. Nothing waits here: a stage whose cold side does not answer
//! stays down.

use crate::ring::{Receiver, Sender};

/// What a session goes on with: a connection that is logged on, and where the logon left it.
#[derive(Debug)]
pub struct Entry<P, H> {
    /// The connection; nothing of it has been read beyond the logon.
    pub port: P,
    /// The session.
    pub handover: H,
}

/// What the cold side asks of a session that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// Nothing new is sent on it any more; what lives may still be cancelled and asked for.
    Quiesce,
    /// It is ended in order, because its week is over.
    LogOut,
}

/// The stage's ends of the rings by which sessions end and begin again.
#[derive(Debug)]
pub struct Reentry<P, H, L> {
    /// Takes where a session stood, when all that came of it has been read.
    pub left: Sender<L>,
    /// Brings the next connection. It is not looked at before the desk knows that the last session
    /// is down.
    pub entries: Receiver<Entry<P, H>>,
    /// Takes the last connection when the next one has come: closing it may take its time.
    pub spent: Sender<P>,
    /// Brings what is asked of the session that stands.
    pub leave: Receiver<Leave>,
}

/// The cold side's ends of those rings.
#[derive(Debug)]
pub struct Door<P, H, L> {
    /// Brings where a session stood.
    pub left: Receiver<L>,
    /// Takes the next connection.
    pub entries: Sender<Entry<P, H>>,
    /// Brings the last one back; while it is not taken, no other is let in.
    pub spent: Receiver<P>,
    /// Takes what is asked of the session that stands.
    pub leave: Sender<Leave>,
}
