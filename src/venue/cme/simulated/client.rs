//! One client's session as the exchange keeps it: identity, numbers, signs of life.
//!
//! It outlives connections: a client that comes back with the same UUID goes on counting, one with
//! a new UUID starts at 1 both ways. What it decides are answers as bytes; who is connected and
//! what orders do is `gateway`'s and `orders`' business.
//!
//! Codes of refusals: CME's pages "Establishment Reject" (457227506) and "Terminate" (46440124).
//! UNPROVEN: that a UUID which is not above the last one is refused by 502 and its code.

use super::channel::utc;
use super::gateway::Definition;
use super::rules::{Excess, OrderRules, Rate};
use super::sent::{NotResent, Resending, SentMessages};
use crate::venue::cme::ilink3::signature::{EstablishText, NegotiateText, SecretKey};
use crate::venue::cme::ilink3::{NO_CREDENTIALS, PRIMARY, ReportWriter, frame_of, text};
use std::collections::BTreeMap;
use std::str;
use xmc_hotpath::message::AccountId;
use xmc_hotpath::time::{MonoNs, Span, UnixNs};
use xmc_hotpath::venue::cme::ilink3::layout::{
    Block, Establish, EstablishmentAck, EstablishmentReject, NEWEST_VERSION, Negotiate,
    NegotiationReject, NegotiationResponse, Retransmission, RetransmitReject, RetransmitRequest,
    Terminate,
};
use xmc_hotpath::wire::{self, U16Le, U32Le, U64Le};

/// Who may log on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    /// Tag 39006, three characters.
    pub session: String,
    /// Tag 39007, up to five characters.
    pub firm: String,
    /// Tag 39004, up to 20 characters.
    pub access_key_id: String,
    /// The secret key.
    pub key: SecretKey,
    /// Whose money.
    pub account: AccountId,
}

/// A request for a logon that is older is refused.
const OLDEST_REQUEST_NS: u64 = 5_000_000_000;

/// Why the exchange ends a session: tag 39012 of `Terminate507`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum End {
    Finished = 0,
    Unnegotiated = 2,
    NotEstablished = 3,
    AlreadyNegotiated = 4,
    AlreadyEstablished = 6,
    VolumeControls = 9,
    NextSeqNo = 10,
    MsgSeqNo = 11,
    Uuid = 13,
    Sofh = 18,
    Decoding = 19,
    Lapsed = 20,
}

/// Why a logon is refused: tag 39012 of 502 and 505.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
enum Refused {
    NotAuthenticated = 0,
    Uuid = 2,
    Timestamp = 3,
    Blocked = 10,
    KeepAlive = 11,
}

/// What a request for a logon leads to.
pub(super) enum Logon {
    /// Send this and go on.
    Done(Vec<u8>),
    /// Send this and go on, and say that so many messages are missing from that number on.
    Gap(Vec<u8>, u32, u32),
    /// Send this; nothing has changed.
    Refused(Vec<u8>),
    /// End the connection.
    End(End),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Negotiated,
    Established,
}

/// A client.
#[derive(Debug)]
pub(super) struct Client {
    pub settings: SessionSettings,
    state: State,
    /// 0 before the first.
    uuid: u64,
    version: u16,
    /// The number of its next business message.
    next_seq_no: u32,
    pub reports: ReportWriter,
    /// The session before, and the last number that was used in it.
    previous: (u64, u32),
    last_request_ns: u64,
    keep_alive: Span,
    /// When it was last heard, and when it was last told something.
    heard: MonoNs,
    said: MonoNs,
    /// It was told that it has been silent.
    is_warned: bool,
    /// What it was told, numbered, this week.
    sent: SentMessages,
    resending: Option<Resending>,
    /// Its connection was lost: its orders are cancelled then.
    cancel_at: Option<MonoNs>,
    orders: Rate,
    cancels: Rate,
    /// The party details that it has registered this week, by their ids.
    pub parties: BTreeMap<u64, Definition>,
}

/// What a message asks for, as messaging controls tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    Order,
    Cancel,
}

impl Client {
    pub fn new(settings: SessionSettings) -> Self {
        Self {
            settings,
            state: State::Idle,
            uuid: 0,
            version: NEWEST_VERSION,
            next_seq_no: 1,
            reports: ReportWriter::new(0, NEWEST_VERSION, 1),
            previous: (0, 0),
            last_request_ns: 0,
            keep_alive: Span(0),
            heard: MonoNs(0),
            said: MonoNs(0),
            is_warned: false,
            sent: SentMessages::new(),
            resending: None,
            cancel_at: None,
            orders: Rate::default(),
            cancels: Rate::default(),
            parties: BTreeMap::new(),
        }
    }

    /// A week begins: no session is known, and what is said before the first one has UUID 0.
    pub fn begin_week(&mut self) {
        let Self { settings, cancel_at, .. } = self;
        let (settings, cancel_at) = (settings.clone(), cancel_at.take());
        *self = Self { cancel_at, last_request_ns: self.last_request_ns, ..Self::new(settings) };
    }

    pub fn is_established(&self) -> bool {
        self.state == State::Established
    }

    /// Its connection is gone; the session may be established again on another one.
    pub fn disconnected(&mut self) {
        self.resending = None;
        if self.state == State::Established {
            self.state = State::Negotiated;
        }
    }

    /// Its orders are cancelled at that moment.
    pub fn cancel_at(&mut self, at: MonoNs) {
        self.cancel_at.get_or_insert(at);
    }

    /// Whether its orders are to be cancelled by now.
    pub fn take_cancel(&mut self, now: MonoNs) -> bool {
        self.cancel_at.take_if(|at| *at <= now).is_some()
    }

    /// Whether a message names the session of this client.
    pub fn is_of(&self, uuid: U64Le) -> Result<(), End> {
        if uuid.get() == self.uuid { Ok(()) } else { Err(End::Uuid) }
    }

    /// A numbered message of ours, whether it arrives or not.
    pub fn keep(&mut self, frame: &[u8]) {
        self.sent.push(frame);
    }

    /// Counts a message for the messaging controls.
    pub fn count(&mut self, now: MonoNs, what: Counted, rules: &OrderRules) -> Option<Excess> {
        match what {
            Counted::Order => self.orders.count(now, rules.orders),
            Counted::Cancel => self.cancels.count(now, rules.cancels),
        }
    }

    /// 508: what is said to it, and whether that is a refusal; the messages come with `resend`.
    pub fn retransmit(&mut self, block: &RetransmitRequest, now: MonoNs) -> (Vec<u8>, bool) {
        let last_uuid = block.last_uuid.get();
        let of = if last_uuid == u64::MAX { self.uuid } else { last_uuid };
        let (from, count) = (block.from_seq_no.get(), block.msg_count.get());
        let frames = match () {
            () if block.uuid.get() != self.uuid => Err(NotResent::Uuid),
            () if self.resending.is_some() => Err(NotResent::InProgress),
            () => self.sent.again(of, from, count),
        };
        match frames {
            Ok(frames) => {
                let count = u16::try_from(frames.len()).expect("it is limited");
                self.resending = Some(Resending::new(frames, now));
                let answer = Retransmission {
                    uuid: block.uuid,
                    last_uuid: block.last_uuid,
                    request_ns: block.request_ns,
                    from_seq_no: block.from_seq_no,
                    msg_count: U16Le::new(count),
                    ..Retransmission::BLANK
                };
                (frame_of(self.version, &answer, &[]), false)
            }
            Err(refused) => (self.retransmit_reject(block, refused as u16, refused.words()), true),
        }
    }

    /// 510.
    pub fn retransmit_reject(&self, block: &RetransmitRequest, code: u16, why: &str) -> Vec<u8> {
        let reject = RetransmitReject {
            reason: text(why),
            uuid: block.uuid,
            last_uuid: block.last_uuid,
            request_ns: block.request_ns,
            error_code: U16Le::new(code),
            ..RetransmitReject::BLANK
        };
        frame_of(self.version, &reject, &[])
    }

    /// Messages of a retransmission that are due.
    pub fn resend(&mut self, now: MonoNs, rules: &OrderRules) -> Vec<Vec<u8>> {
        let Some(resending) = &mut self.resending else { return Vec::new() };
        let frames = resending.take(now, rules.resent_at_once, rules.resend_pause);
        if resending.is_done() {
            self.resending = None;
        }
        frames
    }

    /// What a message that is no logon means now.
    pub fn may_talk(&self) -> Result<(), End> {
        match self.state {
            State::Idle => Err(End::Unnegotiated),
            State::Negotiated => Err(End::NotEstablished),
            State::Established => Ok(()),
        }
    }

    fn is_timely(&self, request_ns: u64, utc_ns: u64) -> bool {
        request_ns > self.last_request_ns
            && request_ns.saturating_add(OLDEST_REQUEST_NS) >= utc_ns
            && request_ns <= utc_ns.saturating_add(OLDEST_REQUEST_NS)
    }

    /// 500. `utc_ns` is now.
    pub fn negotiate(&mut self, block: &Negotiate, version: u16, utc_ns: u64) -> Logon {
        if self.state == State::Established {
            return Logon::End(End::AlreadyNegotiated);
        }
        let (uuid, request_ns) = (block.uuid.get(), block.request_ns.get());
        let (session, firm) = (plain(&block.session), plain(&block.firm));
        let signed = NegotiateText { request_ns, uuid, session, firm };
        let is_key = plain(&block.access_key_id) == self.settings.access_key_id;
        let is_signed = self.settings.key.verifies(&signed.to_string(), &block.signature);
        let refused = match () {
            () if !is_key || !is_signed => Some(Refused::NotAuthenticated),
            () if uuid <= self.uuid => Some(Refused::Uuid),
            () if !self.is_timely(request_ns, utc_ns) => Some(Refused::Timestamp),
            () => None,
        };
        if let Some(refused) = refused {
            return Logon::Refused(negotiation_reject(block, version, refused));
        }
        self.last_request_ns = request_ns;
        self.previous = self.last_said();
        (self.state, self.uuid, self.version) = (State::Negotiated, uuid, version);
        self.next_seq_no = 1;
        self.reports = ReportWriter::new(uuid, version, 1);
        self.sent.begin(uuid);
        let (previous_uuid, previous_seq_no) = self.previous;
        let response = NegotiationResponse {
            uuid: block.uuid,
            request_ns: block.request_ns,
            fault_tolerance: PRIMARY,
            previous_seq_no: U32Le::new(previous_seq_no),
            previous_uuid: U64Le::new(previous_uuid),
            ..NegotiationResponse::BLANK
        };
        Logon::Done(frame_of(version, &response, &NO_CREDENTIALS))
    }

    /// Session and number of the last message to the client.
    fn last_said(&self) -> (u64, u32) {
        match self.reports.next_seq_no().wrapping_sub(1) {
            0 => self.previous,
            last => (self.uuid, last),
        }
    }

    /// 503.
    pub fn establish(
        &mut self,
        block: &Establish,
        rules: &OrderRules,
        now: MonoNs,
        utc_ns: u64,
    ) -> Logon {
        match self.state {
            State::Idle => return Logon::End(End::Unnegotiated),
            State::Established => return Logon::End(End::AlreadyEstablished),
            State::Negotiated => {}
        }
        if block.uuid.get() != self.uuid {
            return Logon::End(End::Uuid);
        }
        if let Some(refused) = self.refuses(block, utc_ns) {
            let next_seq_no = self.reports.next_seq_no();
            return Logon::Refused(self.establishment_reject(block, refused, next_seq_no));
        }
        let said = block.next_seq_no.get();
        if said < self.next_seq_no {
            return Logon::End(End::NextSeqNo);
        }
        let missing = said - self.next_seq_no;
        let from = std::mem::replace(&mut self.next_seq_no, said);
        self.last_request_ns = block.request_ns.get();
        self.keep_alive = Span(u64::from(block.keep_alive_ms.get()) * 1_000_000);
        self.state = State::Established;
        self.heard(now);
        let (previous_uuid, previous_seq_no) = self.last_said();
        let ack = EstablishmentAck {
            uuid: block.uuid,
            request_ns: block.request_ns,
            next_seq_no: U32Le::new(self.reports.next_seq_no()),
            previous_seq_no: U32Le::new(previous_seq_no),
            previous_uuid: U64Le::new(previous_uuid),
            keep_alive_ms: block.keep_alive_ms,
            key_expires_days: U16Le::new(rules.key_expires_days.unwrap_or(u16::MAX)),
            fault_tolerance: PRIMARY,
            ..EstablishmentAck::BLANK
        };
        let ack = frame_of(self.version, &ack, &[]);
        if missing == 0 { Logon::Done(ack) } else { Logon::Gap(ack, from, missing) }
    }

    fn refuses(&self, block: &Establish, utc_ns: u64) -> Option<Refused> {
        let (request_ns, keep_alive_ms) = (block.request_ns.get(), block.keep_alive_ms.get());
        let signed = EstablishText {
            negotiate: NegotiateText {
                request_ns,
                uuid: block.uuid.get(),
                session: plain(&block.session),
                firm: plain(&block.firm),
            },
            system_name: plain(&block.system_name),
            system_version: plain(&block.system_version),
            system_vendor: plain(&block.system_vendor),
            next_seq_no: block.next_seq_no.get(),
            keep_alive_ms,
        };
        let is_key = plain(&block.access_key_id) == self.settings.access_key_id;
        let is_signed = self.settings.key.verifies(&signed.to_string(), &block.signature);
        match () {
            () if !is_key || !is_signed => Some(Refused::NotAuthenticated),
            () if !self.is_timely(request_ns, utc_ns) => Some(Refused::Timestamp),
            () if keep_alive_ms == 0 => Some(Refused::KeepAlive),
            () => None,
        }
    }

    fn establishment_reject(&self, block: &Establish, refused: Refused, next: u32) -> Vec<u8> {
        let reject = EstablishmentReject {
            reason: text(refused.words()),
            uuid: block.uuid,
            request_ns: block.request_ns,
            next_seq_no: U32Le::new(next),
            error_code: U16Le::new(refused as u16),
            fault_tolerance: PRIMARY,
            ..EstablishmentReject::BLANK
        };
        frame_of(self.version, &reject, &[])
    }

    /// A business message of this number has come. `Ok` says what is missing before it.
    pub fn follow(&mut self, seq_no: u32) -> Result<Option<(u32, u32)>, End> {
        let expected = self.next_seq_no;
        if seq_no < expected {
            return Err(End::MsgSeqNo);
        }
        self.next_seq_no = seq_no.wrapping_add(1);
        Ok((seq_no > expected).then(|| (expected, seq_no - expected)))
    }

    /// A Sequence506 has come: a higher number fills a gap, so that nobody asks for it.
    pub fn skip_to(&mut self, next_seq_no: u32) -> Result<(), End> {
        if next_seq_no < self.next_seq_no {
            return Err(End::NextSeqNo);
        }
        self.next_seq_no = next_seq_no;
        Ok(())
    }

    /// The number that its next business message must have.
    pub fn next_seq_no(&self) -> u32 {
        self.next_seq_no
    }

    pub fn heard(&mut self, now: MonoNs) {
        self.heard = now;
        self.is_warned = false;
    }

    pub fn said(&mut self, now: MonoNs) {
        self.said = now;
    }

    /// When time alone demands something.
    pub fn due_at(&self) -> MonoNs {
        let resend_at = self.resending.as_ref().map_or(MonoNs::NEVER, Resending::next_at);
        self.life_at().min(resend_at).min(self.cancel_at.unwrap_or(MonoNs::NEVER))
    }

    /// When its silence, or ours, has a consequence.
    fn life_at(&self) -> MonoNs {
        if !self.is_established() {
            return MonoNs::NEVER;
        }
        let since = self.heard.after(self.keep_alive);
        let limit = if self.is_warned { since.after(self.keep_alive) } else { since };
        limit.min(self.said.after(self.keep_alive))
    }

    /// What time alone demands: a sign of life, a warning, or the end.
    pub fn on_time(&mut self, now: MonoNs) -> Result<Option<Vec<u8>>, End> {
        if now < self.life_at() {
            return Ok(None);
        }
        let lapsed_at = self.heard.after(self.keep_alive);
        if self.is_warned && now >= lapsed_at.after(self.keep_alive) {
            return Err(End::Lapsed);
        }
        let has_lapsed = now >= lapsed_at && !self.is_warned;
        self.is_warned |= has_lapsed;
        Ok(Some(self.reports.frame(&self.reports.sequence(has_lapsed))))
    }

    /// 507.
    pub fn terminate(&self, code: u16, request_ns: u64) -> Vec<u8> {
        terminate(self.uuid, self.version, code, request_ns)
    }
}

/// 507 to a client of whatever session.
pub(super) fn terminate(uuid: u64, version: u16, code: u16, request_ns: u64) -> Vec<u8> {
    let block = Terminate {
        uuid: U64Le::new(uuid),
        request_ns: U64Le::new(request_ns),
        error_code: U16Le::new(code),
        ..Terminate::BLANK
    };
    frame_of(version, &block, &[])
}

impl Refused {
    fn words(self) -> &'static str {
        match self {
            Self::NotAuthenticated => "HMACNotAuthenticated",
            Self::Uuid => "InvalidUUID",
            Self::Timestamp => "InvalidTimestamp",
            Self::Blocked => "SessionBlocked",
            Self::KeepAlive => "InvalidKeepAliveInterval",
        }
    }
}

/// 502 with a code of its own.
pub(super) fn negotiation_refused(block: &Negotiate, version: u16, code: u16) -> Vec<u8> {
    let reject = NegotiationReject {
        reason: text("as it was written"),
        uuid: block.uuid,
        request_ns: block.request_ns,
        error_code: U16Le::new(code),
        fault_tolerance: PRIMARY,
        ..NegotiationReject::BLANK
    };
    frame_of(version, &reject, &[])
}

/// 505 with a code of its own.
pub(super) fn establishment_refused(block: &Establish, version: u16, code: u16) -> Vec<u8> {
    let reject = EstablishmentReject {
        reason: text("as it was written"),
        uuid: block.uuid,
        request_ns: block.request_ns,
        error_code: U16Le::new(code),
        fault_tolerance: PRIMARY,
        ..EstablishmentReject::BLANK
    };
    frame_of(version, &reject, &[])
}

fn negotiation_reject(block: &Negotiate, version: u16, refused: Refused) -> Vec<u8> {
    let reject = NegotiationReject {
        reason: text(refused.words()),
        uuid: block.uuid,
        request_ns: block.request_ns,
        error_code: U16Le::new(refused as u16),
        fault_tolerance: PRIMARY,
        ..NegotiationReject::BLANK
    };
    frame_of(version, &reject, &[])
}

/// 502 for a session and firm that nobody knows.
pub(super) fn unknown(block: &Negotiate, version: u16) -> Vec<u8> {
    negotiation_reject(block, version, Refused::Blocked)
}

/// The text of a field; what is no text is the text of nobody.
pub(super) fn plain(field: &[u8]) -> &str {
    str::from_utf8(wire::text(field)).unwrap_or("\u{0}")
}

/// A moment of the exchange as requests have it.
pub(super) fn utc_ns(origin: UnixNs, now: MonoNs) -> u64 {
    utc(origin, now)
}
