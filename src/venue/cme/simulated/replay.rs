//! TCP replay at the simulated CME: the packets of its incremental feed, for whoever asks in time.
//!
//! What it refuses and how it fails is a script (`ReplayRules`). Simplified: it keeps the last
//! 65,536 packets, and of a start alone; its heartbeats never come, because its answers do at once.

use super::ConnectionId;
use crate::venue::cme::mdp3::replay::text::{
    CHANNEL, FROM, Fields, LOGON, LOGOUT, MESSAGE_TYPE, PASSWORD, REQUEST, TO, USER, take,
};
use crate::venue::cme::mdp3::{Generation, PacketBuilder};
use std::collections::{BTreeMap, VecDeque};
use xmc_hotpath::time::{MonoNs, Span};

/// Packets that are kept.
const MOST_KEPT: usize = 1 << 16;

/// What it answers, and what it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayRules {
    /// Packets of one request, at most.
    pub most_packets: u32,
    /// How far back it goes.
    pub reach: Span,
    /// Who may ask: user and password.
    pub login: (String, String),
    /// What goes wrong with every request.
    pub trouble: Option<ReplayTrouble>,
}

impl Default for ReplayRules {
    /// As CME has it. User and password are those that open clients have built in.
    fn default() -> Self {
        Self {
            most_packets: 2_000,
            reach: Span(24 * 3_600 * 1_000_000_000),
            login: ("CME".to_owned(), "CME".to_owned()),
            trouble: None,
        }
    }
}

/// What can go wrong with a request that would be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayTrouble {
    /// It says no, and why.
    Refuses(String),
    /// It takes the request and says nothing.
    Silent,
    /// It closes the connection after so many packets.
    HangsUpAfter(u32),
    /// It leaves out one packet, the one after so many.
    Skips(u32),
    /// One packet, the one after so many, is not whole.
    Damages(u32),
}

/// What it has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayCounts {
    /// Connections that were made.
    pub connections: u64,
    /// Requests that were answered whole.
    pub answered: u64,
    /// Packets in those.
    pub packets: u64,
    /// Logons and requests that were refused, or could not be read.
    pub refused: u64,
}

#[derive(Debug, Default)]
struct Connection {
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    is_in: bool,
    is_over: bool,
}

/// The service.
#[derive(Debug)]
pub(super) struct Replay {
    pub rules: ReplayRules,
    pub counts: ReplayCounts,
    channel: i16,
    utc_origin: u64,
    /// The packets with their numbers, without a gap, and when they were sent.
    kept: VecDeque<(MonoNs, u32, Vec<u8>)>,
    connections: BTreeMap<ConnectionId, Connection>,
}

impl Replay {
    pub fn new(channel: i16, utc_origin: u64) -> Self {
        Self {
            rules: ReplayRules::default(),
            counts: ReplayCounts::default(),
            channel,
            utc_origin,
            kept: VecDeque::new(),
            connections: BTreeMap::new(),
        }
    }

    /// A packet of the incremental feed leaves.
    pub fn keep(&mut self, now: MonoNs, seq_no: u32, packet: &[u8]) {
        if self.kept.len() == MOST_KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back((now, seq_no, packet.to_vec()));
    }

    pub fn connect(&mut self, id: ConnectionId) {
        self.counts.connections += 1;
        self.connections.insert(id, Connection::default());
    }

    pub fn disconnect(&mut self, id: ConnectionId) {
        self.connections.remove(&id);
    }

    pub fn take_bytes(&mut self, id: ConnectionId) -> Vec<u8> {
        self.connections.get_mut(&id).map(|of| std::mem::take(&mut of.outgoing)).unwrap_or_default()
    }

    /// Whether all was said; then the connection is forgotten.
    pub fn is_closed(&mut self, id: ConnectionId) -> bool {
        let is_over =
            self.connections.get(&id).is_some_and(|of| of.is_over && of.outgoing.is_empty());
        if is_over {
            self.connections.remove(&id);
        }
        is_over
    }

    pub fn receive(&mut self, now: MonoNs, id: ConnectionId, bytes: &[u8]) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.incoming.extend_from_slice(bytes);
        loop {
            let Some(connection) = self.connections.get_mut(&id).filter(|of| !of.is_over) else {
                return;
            };
            match take(&connection.incoming) {
                Ok(Some((fields, len))) => {
                    connection.incoming.drain(..len);
                    self.answer(now, id, &fields);
                }
                Ok(None) => return,
                Err(error) => self.refuse(now, id, &error.to_string()),
            }
        }
    }

    fn answer(&mut self, now: MonoNs, id: ConnectionId, fields: &Fields) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        match fields.get(MESSAGE_TYPE) {
            Some(LOGON) if !connection.is_in => {
                let said = (fields.get(USER), fields.get(PASSWORD));
                let (user, password) = &self.rules.login;
                if said != (Some(user), Some(password)) {
                    return self.refuse(now, id, "user or password is wrong");
                }
                connection.is_in = true;
                self.say(now, id, |packet| packet.logon(30));
            }
            Some(REQUEST) if connection.is_in => match self.found(now, fields) {
                Ok(packets) => self.replay(now, id, &packets),
                Err(text) => self.refuse(now, id, &text),
            },
            Some(LOGOUT) => connection.is_over = true,
            _ => self.refuse(now, id, "this was not expected"),
        }
    }

    /// The packets of a request, or why there are none.
    fn found(&self, now: MonoNs, fields: &Fields) -> Result<Vec<Vec<u8>>, String> {
        if let Some(ReplayTrouble::Refuses(text)) = &self.rules.trouble {
            return Err(text.clone());
        }
        let channel = fields.get(CHANNEL).and_then(|text| text.parse::<i16>().ok());
        if channel != Some(self.channel) {
            return Err(format!("this is channel {}", self.channel));
        }
        let range = fields.number(FROM).zip(fields.number(TO));
        let Some((from, to)) = range.filter(|(from, to)| (1..=*to).contains(from)) else {
            return Err("1182 and 1183 are numbers from 1 on, in their order".to_owned());
        };
        if to - from >= self.rules.most_packets {
            return Err(format!("at most {} packets", self.rules.most_packets));
        }
        let is_asked = |seq_no: &u32| (from..=to).contains(seq_no);
        let asked = self.kept.iter().filter(|(_, seq_no, _)| is_asked(seq_no));
        let young = asked.filter(|(sent, _, _)| now.since(*sent) <= self.rules.reach);
        let packets: Vec<_> = young.map(|(_, _, packet)| packet.clone()).collect();
        let is_all = u32::try_from(packets.len()).is_ok_and(|len| len == to - from + 1);
        if is_all { Ok(packets) } else { Err("not all of these are there".to_owned()) }
    }

    fn replay(&mut self, now: MonoNs, id: ConnectionId, packets: &[Vec<u8>]) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let trouble = self.rules.trouble.clone();
        if trouble == Some(ReplayTrouble::Silent) {
            return;
        }
        for (packet, index) in packets.iter().zip(0..) {
            match trouble {
                Some(ReplayTrouble::HangsUpAfter(after)) if index == after => {
                    connection.is_over = true;
                    return;
                }
                Some(ReplayTrouble::Skips(after)) if index == after => {}
                Some(ReplayTrouble::Damages(after)) if index == after => {
                    frame(&packet[..packet.len() - 1], &mut connection.outgoing);
                }
                _ => frame(packet, &mut connection.outgoing),
            }
        }
        self.counts.answered += 1;
        self.counts.packets += u64::try_from(packets.len()).unwrap_or(0);
        self.say(now, id, |packet| packet.logout("all was sent"));
        self.end(id);
    }

    fn refuse(&mut self, now: MonoNs, id: ConnectionId, text: &str) {
        self.counts.refused += 1;
        self.say(now, id, |packet| packet.logout(text));
        self.end(id);
    }

    fn end(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.is_over = true;
        }
    }

    /// Says something of the session.
    fn say(
        &mut self,
        now: MonoNs,
        id: ConnectionId,
        write: impl FnOnce(PacketBuilder) -> PacketBuilder,
    ) {
        let sent_ns = self.utc_origin.wrapping_add(now.0);
        let packet = write(PacketBuilder::new(Generation::V13, 1, sent_ns)).finish();
        if let Some(connection) = self.connections.get_mut(&id) {
            frame(&packet, &mut connection.outgoing);
        }
    }
}

/// A packet behind its length.
fn frame(packet: &[u8], to: &mut Vec<u8>) {
    let len = u16::try_from(packet.len()).expect("a packet is below 65,536 bytes");
    to.extend_from_slice(&len.to_le_bytes());
    to.extend_from_slice(packet);
}
