//! The query service: logins, snapshots and missed packets over MDQP.
//!
//! A request that can be read and not be granted is refused with a number and a text, and the
//! session goes on; a stream that cannot be read, or that holds what no client sends, is ended.
//! Both are counted. UNPROVEN: that refusals are told in the field that logins have for it; numbers
//! and texts are made up.

use super::contract::FeedSettings;
use super::topic::{NotKept, Topic, utc};
use crate::venue::shfe::smdp::contract::padded;
use crate::venue::shfe::smdp::day::told;
use crate::venue::shfe::smdp::layout::{
    LATEST_SNAP, LoginField, LoginSessionField, OutcomeField, PacketRangeField, TopicField,
    UserField,
};
use crate::venue::shfe::smdp::message::{Frame, Message, SnapshotField, first_len};
use xmc_hotpath::time::{MonoNs, Span};
use xmc_hotpath::wire::{self, I32Le};

/// Who may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryUser {
    /// At most 16 characters.
    pub user_id: String,
    /// At most 11 characters.
    pub participant_id: String,
    /// At most 41 characters. A simulation's: never a real one.
    pub password: String,
}

/// The query service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuerySettings {
    /// Who may log in, over as many connections as they like; nobody named: anybody may.
    pub users: Vec<QueryUser>,
    /// Silence of the service after which it says that it is there. Not stated for MDQP.
    pub heartbeat: Span,
    /// Silence of a client after which its connection is ended.
    pub silent_after: Span,
}

impl QuerySettings {
    /// Heartbeats as MIRP has them; a client may be silent for ten of them.
    #[must_use]
    pub fn new(users: Vec<QueryUser>) -> Self {
        Self { users, heartbeat: Span(3_000_000_000), silent_after: Span(30_000_000_000) }
    }
}

/// What the query service counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueryCounters {
    /// Logins that were granted.
    pub logins: u64,
    /// Snapshots that were sent.
    pub snapshots: u64,
    /// Packets that were sent again.
    pub resent_packets: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Connections that were ended because what came was no request.
    pub broken: u64,
    /// Connections that were ended for silence.
    pub lapsed: u64,
    /// Connections that were ended because nobody read what they had asked for.
    pub slow: u64,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
enum Refusal {
    Login = 1,
    NotLoggedIn = 2,
    LoggedInAlready = 3,
    Topic = 4,
    Slice = 5,
    Range = 6,
    TooMany = 7,
}

impl Refusal {
    fn words(self) -> &'static str {
        match self {
            Self::Login => "no such user, or another password",
            Self::NotLoggedIn => "log in first",
            Self::LoggedInAlready => "logged in already",
            Self::Topic => "no such topic",
            Self::Slice => "only the newest slice is kept: ask for -1",
            Self::Range => "not all of these packets are kept: take a snapshot",
            Self::TooMany => "too many packets at a time: take a snapshot",
        }
    }

    fn outcome(self) -> OutcomeField {
        outcome(self as i32, self.words())
    }
}

impl From<NotKept> for Refusal {
    fn from(reason: NotKept) -> Self {
        match reason {
            NotKept::Range => Self::Range,
            NotKept::TooMany => Self::TooMany,
        }
    }
}

fn outcome(error_id: i32, words: &str) -> OutcomeField {
    OutcomeField { error_id: I32Le::new(error_id), error_message: padded(words) }
}

/// The longest request is a login, of 163 bytes; fields that are not known have room here.
const LONGEST_REQUEST_BYTES: usize = 1_024;

/// Bytes that wait for a client.
const MOST_WAITING_BYTES: usize = 8 << 20;

/// Bytes of packets in one message of an answer; a message has at most 65,535.
const PACKETS_BYTES: usize = 48 * 1_024;

/// One connection.
#[derive(Debug)]
pub(super) struct QuerySession {
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    is_in: bool,
    /// Nothing more is read; what is in the outbox is sent, then it is closed.
    is_ending: bool,
    heard: MonoNs,
    said: MonoNs,
}

/// What a session answers from.
pub(super) struct Desk<'a> {
    pub settings: &'a QuerySettings,
    pub feed: &'a FeedSettings,
    pub topics: &'a [Topic],
    pub counters: &'a mut QueryCounters,
}

impl QuerySession {
    pub fn new(now: MonoNs) -> Self {
        let (inbox, outbox) = (Vec::new(), Vec::new());
        Self { inbox, outbox, is_in: false, is_ending: false, heard: now, said: now }
    }

    /// Bytes have come, in pieces of any size.
    pub fn receive(&mut self, now: MonoNs, bytes: &[u8], desk: &mut Desk<'_>) {
        if self.is_ending {
            return;
        }
        self.inbox.extend_from_slice(bytes);
        let inbox = std::mem::take(&mut self.inbox);
        let mut rest = &inbox[..];
        while !self.is_ending {
            match first_len(rest) {
                Ok(Some(len)) if len <= LONGEST_REQUEST_BYTES => {
                    let (message, after) = rest.split_at(len);
                    rest = after;
                    match Frame::decode(message) {
                        Ok(frame) => self.on_frame(now, &frame, desk),
                        Err(_) => self.broken(desk),
                    }
                }
                Ok(None) if rest.len() <= LONGEST_REQUEST_BYTES => break,
                Ok(_) | Err(_) => self.broken(desk),
            }
            if self.outbox.len() > MOST_WAITING_BYTES {
                desk.counters.slow += 1;
                self.outbox.clear();
                self.is_ending = true;
            }
        }
        if !self.is_ending {
            self.inbox = rest.to_vec();
        }
    }

    /// The other side is gone.
    pub fn disconnect(&mut self) {
        self.end();
        self.outbox.clear();
    }

    /// Whether it is that of somebody who has logged in.
    pub fn is_in(&self) -> bool {
        self.is_in && !self.is_ending
    }

    /// Ends it from this side.
    pub fn end(&mut self) {
        self.is_ending = true;
        self.inbox.clear();
    }

    pub fn take_bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.outbox)
    }

    /// Whether it is over and all was taken.
    pub fn is_over(&self) -> bool {
        self.is_ending && self.outbox.is_empty()
    }

    /// When time alone demands something.
    pub fn due_at(&self, settings: &QuerySettings) -> MonoNs {
        if self.is_ending {
            return MonoNs::NEVER;
        }
        let lapses = self.heard.after(settings.silent_after);
        if self.is_in { lapses.min(self.said.after(settings.heartbeat)) } else { lapses }
    }

    /// A sign of life, or the end.
    pub fn on_time(&mut self, now: MonoNs, desk: &mut Desk<'_>) {
        if now < self.due_at(desk.settings) {
            return;
        }
        if now >= self.heard.after(desk.settings.silent_after) {
            desk.counters.lapsed += 1;
            self.is_ending = true;
        } else {
            self.say(now, &Frame::new(0, Message::Heartbeat));
        }
    }

    fn broken(&mut self, desk: &mut Desk<'_>) {
        desk.counters.broken += 1;
        self.is_ending = true;
    }

    fn say(&mut self, now: MonoNs, frame: &Frame) {
        self.outbox.extend_from_slice(&frame.encode());
        self.said = now;
    }

    fn on_frame(&mut self, now: MonoNs, frame: &Frame, desk: &mut Desk<'_>) {
        self.heard = now;
        let id = frame.request_id;
        match &frame.message {
            Message::Heartbeat => {}
            Message::LoginRequest(login) => self.log_in(now, id, login, desk),
            Message::LogoutRequest(user) => self.log_out(now, id, user, desk),
            Message::SnapshotRequest(topic) => self.snapshot(now, id, topic, desk),
            Message::IncrementalRequest(range) => self.missed(now, id, range, desk),
            Message::LoginResponse { .. }
            | Message::LogoutResponse { .. }
            | Message::SnapshotResponse(_)
            | Message::IncrementalResponse { .. } => self.broken(desk),
        }
    }

    fn log_in(&mut self, now: MonoNs, id: i32, login: &LoginField, desk: &mut Desk<'_>) {
        let is_named = |user: &QueryUser| {
            wire::text(&login.user_id) == user.user_id.as_bytes()
                && wire::text(&login.participant_id) == user.participant_id.as_bytes()
                && wire::text(&login.password) == user.password.as_bytes()
        };
        let users = &desk.settings.users;
        let is_known = users.is_empty() || users.iter().any(is_named);
        let refusal = match is_known {
            true if self.is_in => Some(Refusal::LoggedInAlready),
            true => None,
            false => Some(Refusal::Login),
        };
        if let Some(refusal) = refusal {
            desk.counters.refused += 1;
            let response = Message::LoginResponse { outcome: refusal.outcome(), session: None };
            return self.say(now, &Frame::new(id, response));
        }
        desk.counters.logins += 1;
        self.is_in = true;
        let (action_day, login_time, _) = told(utc(desk.feed.utc_origin, now));
        let day = desk.topics.first().map_or(desk.feed.trading_day, Topic::trading_day);
        let session = LoginSessionField {
            trading_day: day.text(),
            login_time,
            user_id: login.user_id,
            participant_id: login.participant_id,
            trading_system: padded("Simulated SHFE Market Data Platform"),
            action_day,
        };
        let response =
            Message::LoginResponse { outcome: outcome(0, "granted"), session: Some(session) };
        self.say(now, &Frame::new(id, response));
    }

    fn log_out(&mut self, now: MonoNs, id: i32, user: &UserField, desk: &mut Desk<'_>) {
        let (outcome, user) = if self.is_in {
            (outcome(0, "granted"), Some(*user))
        } else {
            desk.counters.refused += 1;
            (Refusal::NotLoggedIn.outcome(), None)
        };
        self.say(now, &Frame::new(id, Message::LogoutResponse { outcome, user }));
        self.is_ending = true;
    }

    fn topic<'t>(&self, number: i16, topics: &'t [Topic]) -> Result<&'t Topic, Refusal> {
        if !self.is_in {
            return Err(Refusal::NotLoggedIn);
        }
        let mut topics = topics.iter();
        topics.find(|topic| topic.settings.topic == number).ok_or(Refusal::Topic)
    }

    fn snapshot(&mut self, now: MonoNs, id: i32, asked: &TopicField, desk: &mut Desk<'_>) {
        let snapshot = self.topic(asked.topic_id.get(), desk.topics).and_then(|topic| {
            let snapshot = topic.snapshot();
            let is_newest = [LATEST_SNAP, snapshot.snap_no].contains(&asked.snap_no.get());
            if is_newest { Ok(snapshot) } else { Err(Refusal::Slice) }
        });
        match snapshot {
            Ok(snapshot) => {
                desk.counters.snapshots += 1;
                snapshot.frames(id).iter().for_each(|frame| self.say(now, frame));
            }
            Err(refusal) => {
                desk.counters.refused += 1;
                let fields = vec![SnapshotField::Outcome(refusal.outcome())];
                let frame = Frame::new(id, Message::SnapshotResponse(fields));
                self.say(now, &Frame { is_last: true, ..frame });
            }
        }
    }

    fn missed(&mut self, now: MonoNs, id: i32, asked: &PacketRangeField, desk: &mut Desk<'_>) {
        let (first, last) = (asked.start_packet_no.get(), asked.end_packet_no.get());
        let topic = self.topic(asked.topic_id.get(), desk.topics);
        let packets = topic.and_then(|topic| Ok(topic.packets(first, last)?));
        match packets {
            Ok(packets) => {
                let mut part: Vec<Vec<u8>> = Vec::new();
                for packet in packets {
                    desk.counters.resent_packets += 1;
                    let len: usize = part.iter().map(|packet| packet.len() + 4).sum();
                    if len + packet.len() > PACKETS_BYTES {
                        self.say_packets(now, id, std::mem::take(&mut part));
                    }
                    part.push(packet);
                }
                self.say_packets(now, id, part);
            }
            Err(refusal) => {
                desk.counters.refused += 1;
                let outcome = Some(refusal.outcome());
                let response = Message::IncrementalResponse { outcome, packets: Vec::new() };
                self.say(now, &Frame::new(id, response));
            }
        }
    }

    /// Not marked as the last, as the vector is not.
    fn say_packets(&mut self, now: MonoNs, id: i32, packets: Vec<Vec<u8>>) {
        let response = Message::IncrementalResponse { outcome: None, packets };
        self.say(now, &Frame::new(id, response));
    }
}
