//! The MDQP client: logs in, fetches snapshots and missed packets, logs out.
//!
//! Sans-IO: the caller brings bytes and times, writes what is `outgoing`, and reads events. One
//! request is under way at a time. A failed request leaves the session as it is; a stream that
//! cannot be read, or a venue that says nothing any more, ends it. Reconnecting is the caller's.
//!
//! A reply ends as its contents say, never by a flag: missed packets when all numbers are there.
//! The one exception is the snapshot, whose last message is the only thing that marks its end, and
//! whose vector has the flag.

mod task;

use super::layout::{
    LATEST_SNAP, LoginField, LoginSessionField, MdqpHeader, PacketRangeField, TopicField, UserField,
};
use super::message::{Frame, MdqpError, Message, first_len};
use super::snapshot::{Snapshot, SnapshotError};
use crate::secret::Secret;
use std::collections::{BTreeMap, VecDeque};
use std::mem::offset_of;
use task::{Reply, Task};
use thiserror::Error;
use xmc_hotpath::time::{MonoNs, Span};
use xmc_hotpath::venue::shfe::smdp::decode::DecodeError;
use xmc_hotpath::venue::shfe::smdp::layout::FieldHeader;
use xmc_hotpath::wire::{I16Le, I32Le};
use zeroize::Zeroizing;

/// How long a client waits, and how much it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientLimits {
    /// A request that is not answered whole within this has failed.
    pub reply_within: Span,
    /// A heartbeat is sent when nothing was for this long. The period of MDQP is not stated;
    /// MIRP's is 3 s.
    pub heartbeat_every: Span,
    /// A venue of which nothing came for this long is gone.
    pub silent_after: Span,
    /// Packets that may be asked for again; for a longer gap a snapshot is quicker.
    pub max_missing: u32,
    /// Fields that a snapshot may have. A stream that never says it is over must not eat memory.
    pub max_snapshot_fields: usize,
}

/// Why something did not come to pass.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ClientError {
    /// Asked while another request is under way, or without a session.
    #[error("cannot ask now: {why}")]
    NotNow {
        /// What is in the way.
        why: &'static str,
    },
    /// More packets are missing than are asked for.
    #[error("{missing} packets are missing, at most {max} are asked for: take a snapshot")]
    TooMany {
        /// How many.
        missing: u32,
        /// The limit.
        max: u32,
    },
    /// The last packet comes before the first one.
    #[error("packets {from} to {to}: the last must not come before the first")]
    Range {
        /// The first.
        from: i32,
        /// The last.
        to: i32,
    },
    /// The stream cannot be read.
    #[error(transparent)]
    Message(#[from] MdqpError),
    /// A snapshot came and cannot be used.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A snapshot goes on and on.
    #[error("snapshot has more than {max} fields: raise the limit if the topic is that large")]
    TooLong {
        /// The limit.
        max: usize,
    },
    /// The venue refuses.
    #[error("{what} refused by the venue: error {error_id}, {text}")]
    Refused {
        /// What was asked.
        what: &'static str,
        /// The venue's number of the reason.
        error_id: i32,
        /// The venue's text, GBK bytes escaped.
        text: String,
    },
    /// A granted login without what it grants.
    #[error("login granted without a session: field 0x0003 is not there")]
    NoSession,
    /// A missed packet that is none.
    #[error("a missed packet cannot be read ({error:?}): take a snapshot")]
    Packet {
        /// Why not.
        error: DecodeError,
    },
    /// Two answers for one missed packet.
    #[error("packet {packet_no} came twice, and the two differ: take a snapshot")]
    Divergent {
        /// Its number.
        packet_no: i32,
    },
    /// No answer, or not all of it.
    #[error("{what} not answered in time; {have} of {of} parts came")]
    TimedOut {
        /// What was asked.
        what: &'static str,
        /// What came.
        have: usize,
        /// What should have; 0 if that is not known.
        of: usize,
    },
    /// Nothing came for too long.
    #[error("venue silent for {ms} ms: connect again")]
    Silent {
        /// How long.
        ms: u64,
    },
}

/// What has come to pass, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The venue let the client in.
    LoggedIn(LoginSessionField),
    /// A snapshot, checked.
    Snapshot(Box<Snapshot>),
    /// The missed packets, in the order of their numbers: whole MIRP datagrams.
    Recovered(Vec<Vec<u8>>),
    /// The venue let the client go. Close the connection.
    LoggedOut,
    /// A request came to nothing; the session goes on.
    Failed(ClientError),
    /// The session is over. Close the connection.
    Closed(ClientError),
}

/// What a client counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientCounts {
    /// Heartbeats of the venue.
    pub heartbeats: u64,
    /// Messages that answer nothing that is under way: late ones, and what a client is never sent.
    pub strays: u64,
    /// Fields of unknown ids.
    pub unknown_fields: u64,
}

#[derive(Debug)]
struct Pending {
    request_id: i32,
    deadline: MonoNs,
    task: Task,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Out,
    In,
    Over,
}

/// Where the password stands in the login.
const PASSWORD: usize =
    size_of::<MdqpHeader>() + size_of::<FieldHeader>() + offset_of!(LoginField, password);

/// A client of one connection.
#[derive(Debug)]
pub struct Client {
    login: LoginField,
    limits: ClientLimits,
    standing: Standing,
    pending: Option<Pending>,
    last_request_id: i32,
    inbox: Vec<u8>,
    /// What of the login has not been written yet; overwritten when it has.
    greeting: Zeroizing<Vec<u8>>,
    outbox: Vec<u8>,
    events: VecDeque<Event>,
    counts: ClientCounts,
    last_sent: MonoNs,
    last_heard: MonoNs,
}

impl Client {
    /// A client of a connection that was made at `now`; it asks to be let in at once.
    ///
    /// The password is copied to one place only, from where it leaves: what `login` has for one is
    /// left out.
    ///
    /// # Panics
    /// If the password has more than 40 bytes.
    pub fn connect(
        login: LoginField,
        password: &Secret,
        limits: ClientLimits,
        now: MonoNs,
    ) -> Self {
        let login = LoginField { password: [0; 41], ..login };
        let mut client = Self {
            login,
            limits,
            standing: Standing::Out,
            pending: None,
            last_request_id: 0,
            inbox: Vec::new(),
            greeting: Zeroizing::default(),
            outbox: Vec::new(),
            events: VecDeque::new(),
            counts: ClientCounts::default(),
            last_sent: now,
            last_heard: now,
        };
        client.begin(Task::Login, Message::LoginRequest(login), now);
        client.greeting = Zeroizing::new(std::mem::take(&mut client.outbox));
        let password = password.reveal().as_bytes();
        assert!(
            password.len() < login.password.len(),
            "whoever reads a password sees that it fits"
        );
        client.greeting[PASSWORD..][..password.len()].copy_from_slice(password);
        client
    }

    /// Whether the venue has let the client in, and the session stands.
    pub fn is_in(&self) -> bool {
        self.standing == Standing::In
    }

    /// Whether a request is under way.
    pub const fn is_waiting(&self) -> bool {
        self.pending.is_some()
    }

    /// What was counted.
    pub const fn counts(&self) -> ClientCounts {
        self.counts
    }

    /// Asks for the newest state of a topic.
    ///
    /// # Errors
    /// `NotNow`.
    pub fn ask_snapshot(&mut self, topic: i16, now: MonoNs) -> Result<(), ClientError> {
        self.may_ask()?;
        let (topic_id, snap_no) = (I16Le::new(topic), I32Le::new(LATEST_SNAP));
        let request = Message::SnapshotRequest(TopicField { topic_id, snap_no });
        self.begin(Task::Snapshot { topic, fields: Vec::new() }, request, now);
        Ok(())
    }

    /// Asks for the packets `from` to `to` of a topic again.
    ///
    /// # Errors
    /// `NotNow`; `Range`, `TooMany`: take a snapshot instead.
    pub fn ask_missing(
        &mut self,
        topic: i16,
        from: i32,
        to: i32,
        now: MonoNs,
    ) -> Result<(), ClientError> {
        self.may_ask()?;
        if to < from {
            return Err(ClientError::Range { from, to });
        }
        let (missing, max) = (to.abs_diff(from).saturating_add(1), self.limits.max_missing);
        if missing > max {
            return Err(ClientError::TooMany { missing, max });
        }
        let range = PacketRangeField {
            topic_id: I16Le::new(topic),
            start_packet_no: I32Le::new(from),
            end_packet_no: I32Le::new(to),
        };
        let task = Task::Missing { topic, from, to, packets: BTreeMap::new() };
        self.begin(task, Message::IncrementalRequest(range), now);
        Ok(())
    }

    /// Asks to be let go.
    ///
    /// # Errors
    /// `NotNow`.
    pub fn log_out(&mut self, now: MonoNs) -> Result<(), ClientError> {
        self.may_ask()?;
        let LoginField { user_id, participant_id, .. } = self.login;
        let request = Message::LogoutRequest(UserField { user_id, participant_id });
        self.begin(Task::Logout, request, now);
        Ok(())
    }

    /// Takes bytes from the venue, cut anywhere.
    pub fn on_bytes(&mut self, bytes: &[u8], now: MonoNs) {
        if self.standing == Standing::Over {
            return;
        }
        self.inbox.extend_from_slice(bytes);
        let mut read = 0;
        while self.standing != Standing::Over {
            let rest = self.inbox.get(read..).unwrap_or_default();
            let frame = match first_len(rest) {
                Ok(None) => break,
                Ok(Some(len)) => {
                    read += len;
                    Frame::decode(rest.get(..len).unwrap_or_default())
                }
                Err(error) => Err(error),
            };
            self.last_heard = now;
            match frame {
                Ok(frame) => self.on_frame(frame),
                Err(error) => self.close(error.into()),
            }
        }
        self.inbox.drain(..read);
    }

    /// Does what time alone demands.
    pub fn on_time(&mut self, now: MonoNs) {
        if self.standing == Standing::Over {
            return;
        }
        if self.pending.as_ref().is_some_and(|pending| now >= pending.deadline) {
            self.timed_out();
        }
        let silence = now.since(self.last_heard);
        if self.standing == Standing::In && silence >= self.limits.silent_after {
            self.close(ClientError::Silent { ms: silence.0 / 1_000_000 });
        }
        let is_quiet = now.since(self.last_sent) >= self.limits.heartbeat_every;
        if self.standing == Standing::In && is_quiet {
            self.send(&Frame::new(0, Message::Heartbeat), now);
        }
    }

    /// When `on_time` has something to do.
    pub fn next_deadline(&self) -> MonoNs {
        let reply = self.pending.as_ref().map_or(MonoNs::NEVER, |pending| pending.deadline);
        match self.standing {
            Standing::Over => MonoNs::NEVER,
            Standing::Out => reply,
            Standing::In => reply
                .min(self.last_heard.after(self.limits.silent_after))
                .min(self.last_sent.after(self.limits.heartbeat_every)),
        }
    }

    /// Bytes to be written to the venue.
    pub fn outgoing(&self) -> &[u8] {
        if self.greeting.is_empty() { &self.outbox } else { &self.greeting }
    }

    /// Says that the first `len` bytes of `outgoing` were written.
    pub fn written(&mut self, len: usize) {
        if !self.greeting.is_empty() {
            let len = len.min(self.greeting.len());
            self.greeting.drain(..len);
            if self.greeting.is_empty() {
                // Dropped, and with it whatever was moved within it.
                self.greeting = Zeroizing::default();
            }
            return;
        }
        self.outbox.drain(..len.min(self.outbox.len()));
    }

    /// The next thing that came to pass.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn may_ask(&self) -> Result<(), ClientError> {
        match (self.standing, &self.pending) {
            (Standing::In, None) => Ok(()),
            (Standing::In, Some(_)) => {
                Err(ClientError::NotNow { why: "another request is under way" })
            }
            (Standing::Out, _) => Err(ClientError::NotNow { why: "not logged in yet" }),
            (Standing::Over, _) => Err(ClientError::NotNow { why: "the session is over" }),
        }
    }

    fn begin(&mut self, task: Task, message: Message, now: MonoNs) {
        self.last_request_id = self.last_request_id.wrapping_add(1).max(1);
        let request_id = self.last_request_id;
        let deadline = now.after(self.limits.reply_within);
        self.pending = Some(Pending { request_id, deadline, task });
        self.send(&Frame::new(request_id, message), now);
    }

    fn send(&mut self, frame: &Frame, now: MonoNs) {
        self.outbox.extend_from_slice(&frame.encode());
        self.last_sent = now;
    }

    fn close(&mut self, error: ClientError) {
        self.standing = Standing::Over;
        self.pending = None;
        self.events.push_back(Event::Closed(error));
    }

    fn timed_out(&mut self) {
        let Some(Pending { task, .. }) = self.pending.take() else { return };
        let (have, of) = task.progress();
        let error = ClientError::TimedOut { what: task.what(), have, of };
        match task {
            Task::Login | Task::Logout => self.close(error),
            Task::Snapshot { .. } | Task::Missing { .. } => {
                self.events.push_back(Event::Failed(error));
            }
        }
    }

    fn on_frame(&mut self, frame: Frame) {
        self.counts.unknown_fields += frame.unknown_fields as u64;
        if frame.message == Message::Heartbeat {
            self.counts.heartbeats += 1;
            return;
        }
        let is_ours = |pending: &mut Pending| pending.request_id == frame.request_id;
        let Some(mut pending) = self.pending.take_if(is_ours) else {
            self.counts.strays += 1;
            return;
        };
        match pending.task.on_reply(frame, &self.limits) {
            Ok(Reply::More) => self.pending = Some(pending),
            Ok(Reply::Other) => {
                self.counts.strays += 1;
                self.pending = Some(pending);
            }
            Ok(Reply::Done(event)) => self.done(event),
            Err(error) => match pending.task {
                Task::Login => self.close(error),
                Task::Snapshot { .. } | Task::Missing { .. } | Task::Logout => {
                    self.events.push_back(Event::Failed(error));
                }
            },
        }
    }

    fn done(&mut self, event: Event) {
        match event {
            Event::LoggedIn(_) => self.standing = Standing::In,
            Event::LoggedOut => self.standing = Standing::Over,
            _ => {}
        }
        self.events.push_back(event);
    }
}
