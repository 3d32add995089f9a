//! Connections of clients: bytes in, frames told apart, logons answered, the rest handed on.
//!
//! A business message becomes a `Demand`, one at a time, so that what the exchange answers to one
//! is on the stream before the next is looked at. Whatever breaks the protocol ends the connection
//! with `Terminate507` and its documented code, counts, and does nothing else.
//!
//! Simplified: one gateway, no backup; nothing is retransmitted (508 is refused as a message that
//! is not understood); no throttles and no penalty for split messages. UNPROVEN: that the message
//! which reveals a gap is done, as FIXP has it for idempotent flows.

use super::client::{self, Client, End, Logon, SessionSettings};
use crate::venue::cme::ilink3::Refusal;
use std::collections::BTreeMap;
use xmc_hotpath::message::AccountId;
use xmc_hotpath::time::{MonoNs, UnixNs};
use xmc_hotpath::venue::cme::ilink3::decode::{self, Frame, Request};
use xmc_hotpath::venue::cme::ilink3::layout::{
    Cancel, Establish, Message, NEWEST_VERSION, Negotiate, NewOrder, Replace,
};
use xmc_hotpath::wire::{self, U32Le};

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
    /// Gaps in what clients sent.
    pub gaps: u64,
}

/// What a client wants of the exchange.
#[derive(Clone, Copy, Debug)]
pub(super) enum Demand {
    New(NewOrder),
    Replace(Replace),
    Cancel(Cancel),
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
    /// Its client's orders are still to be cancelled.
    is_gone_told: bool,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Gateway {
    utc_origin: UnixNs,
    clients: Vec<Client>,
    connections: BTreeMap<ConnectionId, Connection>,
    pub counters: GatewayCounters,
}

impl Gateway {
    pub fn new(sessions: Vec<SessionSettings>, utc_origin: UnixNs) -> Self {
        Self {
            utc_origin,
            clients: sessions.into_iter().map(Client::new).collect(),
            connections: BTreeMap::new(),
            counters: GatewayCounters::default(),
        }
    }

    pub fn utc_ns(&self, now: MonoNs) -> u64 {
        client::utc_ns(self.utc_origin, now)
    }

    pub fn account(&self, client: usize) -> AccountId {
        self.clients[client].settings.account
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
            connection.is_ending = true;
            connection.inbox.clear();
        }
    }

    /// What is to be sent on a connection.
    pub fn take_bytes(&mut self, id: ConnectionId) -> Vec<u8> {
        self.connections.get_mut(&id).map_or(Vec::new(), |one| std::mem::take(&mut one.outbox))
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
        self.clients.iter().map(Client::due_at).min().unwrap_or(MonoNs::NEVER)
    }

    /// Signs of life, warnings, ends.
    pub fn on_time(&mut self, now: MonoNs) {
        for id in self.ids() {
            let connection = &self.connections[&id];
            let Some(client) = connection.client.filter(|_| !connection.is_ending) else {
                continue;
            };
            let said = match self.clients[client].on_time(now) {
                Ok(None) => continue,
                Ok(Some(bytes)) => Some(bytes),
                Err(end) => {
                    self.counters.lapsed += 1;
                    self.end(id, end, self.utc_ns(now));
                    None
                }
            };
            if let Some(bytes) = said {
                self.say(now, client, &bytes);
            }
        }
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
                return self.gone(id);
            }
            let inbox = std::mem::take(&mut connection.inbox);
            let (taken, demand) = match decode::frame(&inbox) {
                Ok(None) => {
                    self.connections.get_mut(&id)?.inbox = inbox;
                    return None;
                }
                Ok(Some((frame, rest))) => (inbox.len() - rest.len(), self.frame(now, id, &frame)),
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

    fn gone(&mut self, id: ConnectionId) -> Option<(usize, Demand)> {
        let connection = self.connections.get_mut(&id)?;
        let client = connection.client.filter(|_| !connection.is_gone_told)?;
        connection.is_gone_told = true;
        self.clients[client].disconnected();
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

    fn negotiate(&mut self, now: MonoNs, id: ConnectionId, block: &Negotiate, version: u16) {
        let version = version.min(NEWEST_VERSION);
        let named = |client: &Client| {
            let settings = &client.settings;
            (&*settings.session, &*settings.firm)
                == (client::plain(&block.session), client::plain(&block.firm))
        };
        let Some(client) = self.clients.iter().position(named) else {
            self.counters.refused += 1;
            let refusal = client::unknown(block, version);
            return self.push(id, &refusal);
        };
        let utc_ns = self.utc_ns(now);
        let logon = self.clients[client].negotiate(block, version, utc_ns);
        self.logon(now, id, client, logon);
    }

    fn establish(&mut self, now: MonoNs, id: ConnectionId, block: &Establish) {
        let named = |client: &Client| {
            let settings = &client.settings;
            (&*settings.session, &*settings.firm)
                == (client::plain(&block.session), client::plain(&block.firm))
        };
        let Some(client) = self.clients.iter().position(named) else {
            return self.broken(now, id, End::Unnegotiated);
        };
        let utc_ns = self.utc_ns(now);
        let logon = self.clients[client].establish(block, now, utc_ns);
        let is_up = matches!(logon, Logon::Done(_) | Logon::Gap(..));
        self.logon(now, id, client, logon);
        if is_up {
            self.counters.established += 1;
        }
    }

    fn logon(&mut self, now: MonoNs, id: ConnectionId, client: usize, logon: Logon) {
        match logon {
            Logon::Done(answer) => self.bind(now, id, client, &answer),
            Logon::Gap(answer, from, count) => {
                self.bind(now, id, client, &answer);
                self.not_applied(now, client, from, count);
            }
            Logon::Refused(answer) => {
                self.counters.refused += 1;
                self.push(id, &answer);
            }
            Logon::End(end) => self.broken(now, id, end),
        }
    }

    /// From now on the connection is the client's.
    fn bind(&mut self, now: MonoNs, id: ConnectionId, client: usize, answer: &[u8]) {
        for connection in self.connections.values_mut() {
            if connection.client == Some(client) && !connection.is_ending {
                connection.client = None;
            }
        }
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.client = Some(client);
        }
        self.say(now, client, answer);
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
        let Ok(request) = decode::request(frame) else {
            self.broken(now, id, End::Decoding);
            return None;
        };
        let demand = match request {
            Some(Request::Sequence(sequence)) => {
                self.sequence(now, id, client, sequence.next_seq_no, sequence.lapsed);
                return None;
            }
            Some(Request::Terminate(terminate)) => {
                self.end(id, End::Finished, terminate.request_ns.get());
                return None;
            }
            Some(Request::New(order)) => (order.seq_no, Demand::New(*order)),
            Some(Request::Replace(change)) => (change.seq_no, Demand::Replace(*change)),
            Some(Request::Cancel(cancel)) => (cancel.seq_no, Demand::Cancel(*cancel)),
            None => {
                self.not_understood(now, client, frame);
                return None;
            }
        };
        let (seq_no, demand) = demand;
        match self.clients[client].follow(seq_no.get()) {
            Ok(missing) => {
                if let Some((from, count)) = missing {
                    self.not_applied(now, client, from, count);
                }
                self.counters.messages += 1;
                Some((client, demand))
            }
            Err(end) => {
                self.broken(now, id, end);
                None
            }
        }
    }

    fn sequence(
        &mut self,
        now: MonoNs,
        id: ConnectionId,
        client: usize,
        next_seq_no: U32Le,
        lapsed: u8,
    ) {
        if let Err(end) = self.clients[client].skip_to(next_seq_no.get()) {
            return self.broken(now, id, end);
        }
        if lapsed != 0 {
            let reports = &self.clients[client].reports;
            let beat = reports.frame(&reports.sequence(false));
            self.say(now, client, &beat);
        }
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
        let reject = one.reports.business_reject(&Refusal {
            ref_seq_no: seq_no,
            ref_msg_type: "",
            reason: UNSUPPORTED,
            text: "message type is not supported by the simulated gateway",
            sent_ns: utc_ns,
        });
        let frame = one.reports.frame(&reject);
        self.say(now, client, &frame);
    }

    /// What came breaks the protocol.
    fn broken(&mut self, now: MonoNs, id: ConnectionId, end: End) {
        self.counters.broken += 1;
        self.end(id, end, self.utc_ns(now));
    }

    fn end(&mut self, id: ConnectionId, end: End, request_ns: u64) {
        let client = self.connections.get(&id).and_then(|one| one.client);
        let terminate = match client {
            Some(client) => self.clients[client].terminate(end, request_ns),
            None => client::terminate(0, NEWEST_VERSION, end, request_ns),
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

/// Tag 380: unsupported message type.
const UNSUPPORTED: u16 = 3;
