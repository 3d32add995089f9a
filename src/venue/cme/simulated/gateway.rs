//! Connections of clients: bytes in, frames told apart, logons answered, the rest handed on.
//!
//! A business message becomes a `Demand`, one at a time, so that what the exchange answers to one
//! is on the stream before the next is looked at. Whatever breaks the protocol ends the connection
//! with `Terminate507` and its documented code, counts, and does nothing else.
//!
//! Every numbered message is kept by its client's session, whether anybody is connected or not, and
//! sent again when 508 asks for it.
//!
//! Simplified: one gateway, no backup; no penalty for split messages. UNPROVEN: that the message
//! which reveals a gap is done, as FIXP has it for idempotent flows.

use super::client::{self, Client, Counted, End, SessionSettings};
use super::rules::{Excess, OrderRules};
use super::trouble::{Spot, Troubles};
use crate::venue::cme::ilink3::Refusal;
use crate::venue::cme::ilink3::signature::SecretKey;
use std::collections::BTreeMap;
use xmc_hotpath::message::AccountId;
use xmc_hotpath::time::{MonoNs, Span, UnixNs};
use xmc_hotpath::venue::cme::ilink3::decode::{self, Frame, Request};
use xmc_hotpath::venue::cme::ilink3::layout::{
    Cancel, Establish, MassAction, MassStatusRequest, Message, NEWEST_VERSION, Negotiate, NewOrder,
    Replace, RetransmitRequest, Sequence, StatusRequest,
};
use xmc_hotpath::wire::{self, U32Le};

mod logon;
mod parties;
mod troubled;

pub(super) use parties::Definition;

/// A connection, as the shell numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// What the gateway counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GatewayCounters {
    /// Connections that came.
    pub connections: u64,
    /// Logons that stand.
    pub established: u64,
    /// Logons that were refused.
    pub refused: u64,
    /// Business messages.
    pub messages: u64,
    /// Connections that were ended because what came was no message, or out of turn.
    pub broken: u64,
    /// Connections that were ended for silence.
    pub lapsed: u64,
    /// Connections that clients ended in order.
    pub goodbyes: u64,
    /// Gaps in what clients sent.
    pub gaps: u64,
    /// Messages that were refused, and sessions that were ended, because too many came.
    pub throttled: u64,
    /// Messages that were sent again.
    pub resent: u64,
    /// Requests for messages that were refused.
    pub not_resent: u64,
    /// What went wrong on purpose.
    pub troubles: u64,
}

/// What a client wants of the exchange.
#[derive(Clone, Copy, Debug)]
pub(super) enum Demand {
    New(NewOrder),
    Replace(Replace),
    Cancel(Cancel),
    Status(StatusRequest),
    MassStatus(MassStatusRequest),
    MassAction(MassAction),
    /// It is gone: its orders are cancelled.
    Gone,
}

#[derive(Debug, Default)]
struct Connection {
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    client: Option<usize>,
    /// Nothing more is read; what is in the outbox is sent, then it is closed.
    is_ending: bool,
    /// The other side has gone without a word.
    is_lost: bool,
    /// Its client's orders are still to be cancelled.
    is_gone_told: bool,
    /// Nothing is heard and nothing said before these moments, and all in such pieces.
    deaf_until: Option<MonoNs>,
    mute_until: Option<MonoNs>,
    piece: Option<usize>,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Gateway {
    utc_origin: UnixNs,
    clients: Vec<Client>,
    connections: BTreeMap<ConnectionId, Connection>,
    pub rules: OrderRules,
    troubles: Troubles,
    counters: GatewayCounters,
}

impl Gateway {
    pub fn new(sessions: Vec<SessionSettings>, utc_origin: UnixNs) -> Self {
        Self {
            utc_origin,
            clients: sessions.into_iter().map(Client::new).collect(),
            connections: BTreeMap::new(),
            rules: OrderRules::default(),
            troubles: Troubles::default(),
            counters: GatewayCounters::default(),
        }
    }

    /// What has been counted.
    pub fn counters(&self) -> GatewayCounters {
        GatewayCounters { troubles: self.troubles.count, ..self.counters }
    }

    pub fn utc_ns(&self, now: MonoNs) -> u64 {
        client::utc_ns(self.utc_origin, now)
    }

    pub fn set_key(&mut self, session: &str, key: SecretKey) {
        let named = |one: &&mut Client| one.settings.session == session;
        if let Some(client) = self.clients.iter_mut().find(named) {
            client.settings.key = key;
        }
    }

    pub fn account(&self, client: usize) -> AccountId {
        self.clients[client].settings.account
    }

    /// The client that has this session and firm, if there is one.
    pub fn client_of(&self, sender: &[u8]) -> Option<usize> {
        let is_named = |one: &Client| {
            let SessionSettings { session, firm, .. } = &one.settings;
            sender == [session.as_bytes(), firm.as_bytes()].concat()
        };
        self.clients.iter().position(is_named)
    }

    /// The firm of a client.
    pub fn firm(&self, client: usize) -> &str {
        &self.clients[client].settings.firm
    }

    pub fn accounts(&self) -> impl Iterator<Item = AccountId> + '_ {
        self.clients.iter().map(|client| client.settings.account)
    }

    pub fn connect(&mut self, id: ConnectionId) {
        self.counters.connections += 1;
        self.connections.insert(id, Connection::default());
    }

    /// Bytes have come; `demand` says what they mean.
    pub fn receive(&mut self, id: ConnectionId, bytes: &[u8]) {
        if let Some(connection) = self.connections.get_mut(&id).filter(|one| !one.is_ending) {
            connection.inbox.extend_from_slice(bytes);
        }
    }

    /// The other side is gone.
    pub fn disconnect(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.is_lost = !connection.is_ending;
            connection.is_ending = true;
            connection.inbox.clear();
        }
    }

    /// A week begins: sessions of the one before are ended and not known any more.
    pub fn begin_week(&mut self) {
        self.clients.iter_mut().for_each(Client::begin_week);
    }

    /// Clients whose orders are to be cancelled by now, since their connections were lost.
    pub fn take_cancels(&mut self, now: MonoNs) -> Vec<usize> {
        let clients = self.clients.iter_mut().enumerate();
        clients.filter_map(|(row, one)| one.take_cancel(now).then_some(row)).collect()
    }

    /// What is to be sent on a connection.
    pub fn take_bytes(&mut self, id: ConnectionId) -> Vec<u8> {
        let Some(connection) = self.connections.get_mut(&id) else { return Vec::new() };
        if connection.mute_until.is_some() {
            return Vec::new();
        }
        let len = connection.outbox.len();
        connection.outbox.drain(..connection.piece.unwrap_or(len).min(len)).collect()
    }

    /// Forgets a connection that has ended and said all; says whether it has.
    pub fn close(&mut self, id: ConnectionId) -> bool {
        let is_over = self.connections.get(&id).is_none_or(|one| {
            one.is_ending && one.outbox.is_empty() && (one.is_gone_told || one.client.is_none())
        });
        if is_over {
            self.connections.remove(&id);
        }
        is_over
    }

    /// Whether a connection is a client's.
    pub fn is_client(&self, id: ConnectionId) -> bool {
        let connection = self.connections.get(&id);
        connection.is_some_and(|one| one.client.is_some() && !one.is_ending)
    }

    /// Ends every connection that is a client's.
    pub fn end_all(&mut self, now: MonoNs) {
        for id in self.ids() {
            if self.is_client(id) {
                self.end(id, End::Finished, self.utc_ns(now));
            }
        }
    }

    /// All connections there are.
    pub fn ids(&self) -> Vec<ConnectionId> {
        self.connections.keys().copied().collect()
    }

    /// When time alone demands something.
    pub fn due_at(&self) -> MonoNs {
        let clients = self.clients.iter().map(Client::due_at);
        let connections = self.connections.values();
        let waits = connections.flat_map(|one| [one.deaf_until, one.mute_until]).flatten();
        let due = clients.chain(waits).min().unwrap_or(MonoNs::NEVER);
        due.min(self.troubles.next_at())
    }

    /// Signs of life, warnings, ends.
    pub fn on_time(&mut self, now: MonoNs) {
        self.planned(now);
        for id in self.ids() {
            let connection = &self.connections[&id];
            let Some(client) = connection.client.filter(|_| !connection.is_ending) else {
                continue;
            };
            match self.clients[client].on_time(now) {
                Ok(None) => {}
                Ok(Some(bytes)) => self.say(now, client, &bytes),
                Err(end) => {
                    self.counters.lapsed += 1;
                    self.end(id, end, self.utc_ns(now));
                }
            }
            self.resend(now, client);
        }
    }

    /// Tells a client something that has a number: it may ask for it again.
    pub fn report(&mut self, now: MonoNs, client: usize, frame: &[u8]) {
        self.clients[client].keep(frame);
        self.tell(now, client, frame, Spot::Report);
    }

    /// Writes to a client, if it is connected.
    pub fn say(&mut self, now: MonoNs, client: usize, bytes: &[u8]) {
        let mut connections = self.connections.values_mut();
        let connected = connections.find(|one| one.client == Some(client) && !one.is_ending);
        if let Some(connection) = connected {
            connection.outbox.extend_from_slice(bytes);
            self.clients[client].said(now);
        }
    }

    /// The client's writer of reports.
    pub fn reports(&mut self, client: usize) -> &mut crate::venue::cme::ilink3::ReportWriter {
        &mut self.clients[client].reports
    }

    /// What a connection wants next; `None` when all of it was looked at.
    pub fn demand(&mut self, now: MonoNs, id: ConnectionId) -> Option<(usize, Demand)> {
        loop {
            let connection = self.connections.get_mut(&id)?;
            if connection.is_ending {
                return self.gone(now, id);
            }
            if connection.deaf_until.is_some() {
                return None;
            }
            let inbox = std::mem::take(&mut connection.inbox);
            let (taken, demand) = match decode::frame(&inbox) {
                Ok(None) => {
                    self.connections.get_mut(&id)?.inbox = inbox;
                    return None;
                }
                Ok(Some((frame, rest))) => {
                    let demand = match self.hears(now, id, &frame) {
                        true => self.frame(now, id, &frame),
                        false => None,
                    };
                    (inbox.len() - rest.len(), demand)
                }
                Err(_) => {
                    self.broken(now, id, End::Sofh);
                    (inbox.len(), None)
                }
            };
            let connection = self.connections.get_mut(&id)?;
            if !connection.is_ending {
                connection.inbox = inbox[taken..].to_vec();
            }
            if demand.is_some() {
                return demand;
            }
        }
    }

    fn gone(&mut self, now: MonoNs, id: ConnectionId) -> Option<(usize, Demand)> {
        let connection = self.connections.get_mut(&id)?;
        let client = connection.client.filter(|_| !connection.is_gone_told)?;
        connection.is_gone_told = true;
        self.clients[client].disconnected();
        if connection.is_lost && self.rules.cancel_after > Span(0) {
            self.clients[client].cancel_at(now.after(self.rules.cancel_after));
            return None;
        }
        Some((client, Demand::Gone))
    }

    fn frame(
        &mut self,
        now: MonoNs,
        id: ConnectionId,
        frame: &Frame<'_>,
    ) -> Option<(usize, Demand)> {
        match frame.template_id {
            Negotiate::TEMPLATE_ID => {
                match frame.block::<Negotiate>() {
                    Ok((block, _)) => self.negotiate(now, id, block, frame.version),
                    Err(_) => self.broken(now, id, End::Decoding),
                }
                None
            }
            Establish::TEMPLATE_ID => {
                match frame.block::<Establish>() {
                    Ok((block, _)) => self.establish(now, id, block),
                    Err(_) => self.broken(now, id, End::Decoding),
                }
                None
            }
            _ => self.talk(now, id, frame),
        }
    }

    fn not_applied(&mut self, now: MonoNs, client: usize, from: u32, count: u32) {
        self.counters.gaps += 1;
        let reports = &self.clients[client].reports;
        let frame = reports.frame(&reports.not_applied(from, count));
        self.say(now, client, &frame);
    }

    /// A message that is no logon.
    fn talk(
        &mut self,
        now: MonoNs,
        id: ConnectionId,
        frame: &Frame<'_>,
    ) -> Option<(usize, Demand)> {
        let Some(client) = self.connections.get(&id)?.client else {
            self.broken(now, id, End::Unnegotiated);
            return None;
        };
        if let Err(end) = self.clients[client].may_talk() {
            self.broken(now, id, end);
            return None;
        }
        self.clients[client].heard(now);
        if frame.template_id == RetransmitRequest::TEMPLATE_ID {
            match frame.block::<RetransmitRequest>() {
                Ok((block, _)) => self.retransmit(now, client, block),
                Err(_) => self.broken(now, id, End::Decoding),
            }
            return None;
        }
        let Ok(request) = decode::request(frame) else {
            self.broken(now, id, End::Decoding);
            return None;
        };
        let demand = match request {
            Some(Request::Sequence(sequence)) => {
                self.sequence(now, id, client, sequence);
                return None;
            }
            Some(Request::Terminate(terminate)) => {
                match self.clients[client].is_of(terminate.uuid) {
                    Ok(()) => {
                        self.counters.goodbyes += 1;
                        self.end(id, End::Finished, terminate.request_ns.get());
                    }
                    Err(end) => self.broken(now, id, end),
                }
                return None;
            }
            Some(Request::Parties(block, groups)) => {
                if self.follows(now, id, client, block.seq_no.get()) {
                    self.define(now, client, Definition::new(block, groups));
                }
                return None;
            }
            Some(Request::New(order)) => (order.seq_no, Demand::New(*order)),
            Some(Request::Replace(change)) => (change.seq_no, Demand::Replace(*change)),
            Some(Request::Cancel(cancel)) => (cancel.seq_no, Demand::Cancel(*cancel)),
            Some(Request::Status(ask)) => (ask.seq_no, Demand::Status(*ask)),
            Some(Request::MassAction(ask)) => (ask.seq_no, Demand::MassAction(*ask)),
            Some(Request::MassStatus(ask)) => (ask.seq_no, Demand::MassStatus(*ask)),
            None => {
                self.not_understood(now, client, frame);
                return None;
            }
        };
        let (seq_no, demand) = (demand.0.get(), demand.1);
        let is_taken = self.follows(now, id, client, seq_no)
            && self.within_limits(now, id, client, seq_no, &demand);
        is_taken.then_some((client, demand))
    }

    /// Whether a business message has a number that can follow; if not, the session is over.
    fn follows(&mut self, now: MonoNs, id: ConnectionId, client: usize, seq_no: u32) -> bool {
        match self.clients[client].follow(seq_no) {
            Ok(missing) => {
                if let Some((from, count)) = missing {
                    self.not_applied(now, client, from, count);
                }
                self.counters.messages += 1;
                true
            }
            Err(end) => {
                self.broken(now, id, end);
                false
            }
        }
    }

    fn sequence(&mut self, now: MonoNs, id: ConnectionId, client: usize, block: &Sequence) {
        let one = &mut self.clients[client];
        let skipped = one.is_of(block.uuid).and_then(|()| one.skip_to(block.next_seq_no.get()));
        if let Err(end) = skipped {
            return self.broken(now, id, end);
        }
        if block.lapsed != 0 {
            let reports = &self.clients[client].reports;
            let beat = reports.frame(&reports.sequence(false));
            self.say(now, client, &beat);
        }
    }

    /// 508: 509 and the messages, or 510.
    fn retransmit(&mut self, now: MonoNs, client: usize, block: &RetransmitRequest) {
        let (answer, is_refused) = self.clients[client].retransmit(block, now);
        self.counters.not_resent += u64::from(is_refused);
        self.say(now, client, &answer);
        self.resend(now, client);
    }

    fn resend(&mut self, now: MonoNs, client: usize) {
        for frame in self.clients[client].resend(now, &self.rules) {
            self.counters.resent += 1;
            self.tell(now, client, &frame, Spot::Resent);
        }
    }

    /// Whether messaging controls let a message pass; if not, it is answered here.
    fn within_limits(
        &mut self,
        now: MonoNs,
        id: ConnectionId,
        client: usize,
        seq_no: u32,
        demand: &Demand,
    ) -> bool {
        let (what, msg_type) = match demand {
            Demand::New(_) => (Counted::Order, "D"),
            Demand::Replace(_) => (Counted::Order, "G"),
            Demand::Cancel(_) => (Counted::Cancel, "F"),
            // Counted as one cancel: what CME counts it as is UNPROVEN.
            Demand::MassAction(_) => (Counted::Cancel, "CA"),
            // Counted as orders are: what CME counts a question as is UNPROVEN.
            Demand::Status(_) => (Counted::Order, "H"),
            Demand::MassStatus(_) => (Counted::Order, "AF"),
            Demand::Gone => return true,
        };
        let Some(excess) = self.clients[client].count(now, what, &self.rules) else {
            return self.is_registered(now, client, seq_no, msg_type, demand);
        };
        self.counters.throttled += 1;
        match excess {
            Excess::Refused => self.refuse(
                now,
                client,
                &Refusal {
                    ref_seq_no: seq_no,
                    ref_msg_type: msg_type,
                    reason: OTHER,
                    text: "messaging controls: too many messages in three seconds",
                    sent_ns: self.utc_ns(now),
                },
            ),
            Excess::Ended => self.end(id, End::VolumeControls, self.utc_ns(now)),
        }
        false
    }

    /// 521.
    fn refuse(&mut self, now: MonoNs, client: usize, refusal: &Refusal<'_>) {
        let reports = &mut self.clients[client].reports;
        let reject = reports.business_reject(refusal);
        let frame = reports.frame(&reject);
        self.report(now, client, &frame);
    }

    /// 521, reason 3: a message type that this gateway does not know.
    fn not_understood(&mut self, now: MonoNs, client: usize, frame: &Frame<'_>) {
        // All business messages of clients but one have their number here.
        let numbered = frame.body.get(17..).and_then(|rest| wire::take::<U32Le>(rest).ok());
        let seq_no = numbered.map_or(0, |(seq_no, _)| seq_no.get());
        let (one, utc_ns) = (&mut self.clients[client], client::utc_ns(self.utc_origin, now));
        if seq_no == one.next_seq_no() {
            let followed = one.follow(seq_no);
            debug_assert_eq!(followed, Ok(None), "it is the expected one");
        }
        let refusal = Refusal {
            ref_seq_no: seq_no,
            ref_msg_type: "",
            reason: UNSUPPORTED,
            text: "message type is not supported by the simulated gateway",
            sent_ns: utc_ns,
        };
        self.refuse(now, client, &refusal);
    }

    /// What came breaks the protocol.
    fn broken(&mut self, now: MonoNs, id: ConnectionId, end: End) {
        self.counters.broken += 1;
        self.end(id, end, self.utc_ns(now));
    }

    fn end(&mut self, id: ConnectionId, end: End, request_ns: u64) {
        self.end_with(id, end as u16, request_ns);
    }

    fn end_with(&mut self, id: ConnectionId, code: u16, request_ns: u64) {
        let client = self.connections.get(&id).and_then(|one| one.client);
        let terminate = match client {
            Some(client) => self.clients[client].terminate(code, request_ns),
            None => client::terminate(0, NEWEST_VERSION, code, request_ns),
        };
        self.push(id, &terminate);
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.is_ending = true;
        }
    }

    fn push(&mut self, id: ConnectionId, bytes: &[u8]) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.outbox.extend_from_slice(bytes);
        }
    }
}

/// Tag 380: none of those that are listed.
const OTHER: u16 = 0;
/// Tag 380: unsupported message type.
const UNSUPPORTED: u16 = 3;
