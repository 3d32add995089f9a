//! Our side of one request: bytes and time in, bytes and the packets out.

use super::LENGTH_BYTES;
use super::text::{
    CHANNEL, FROM, LOGON, LOGOUT, MESSAGE_TYPE, PASSWORD, REQUEST, REQUEST_ID, TO, USER, message,
};
use crate::secret::Secret;
use xmc_hotpath::feed::{HELD_BYTES, SeqNo};
use xmc_hotpath::time::{MonoNs, Span};
use xmc_hotpath::venue::cme::mdp3::decode::{self, DecodeError, Message, Packet};
use xmc_hotpath::wire;

/// Packets of one request, at most.
pub const MOST_PACKETS: u32 = 2_000;

/// Who asks.
#[derive(Clone, Debug)]
pub struct Login {
    /// Tag 553.
    pub user: String,
    /// Tag 554.
    pub password: Secret,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Tag 1180: the channel.
    pub channel: i16,
    /// The first packet.
    pub from: SeqNo,
    /// The last packet.
    pub to: SeqNo,
}

impl Asked {
    /// How many packets that are.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.to.0.wrapping_sub(self.from.0).wrapping_add(1)
    }

    /// Whether it may be asked at all: 1 to 2,000 packets, none with number 0.
    #[must_use]
    pub const fn is_askable(&self) -> bool {
        self.from.0 > 0 && self.from.0 <= self.to.0 && self.count() <= MOST_PACKETS
    }
}

/// Why a request came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// A packet that is shorter than its headers, or longer than any.
    #[error("the replay sends a packet of {0} bytes, and none is so short or so long")]
    Size(usize),
    /// A packet, or a message of the session, that cannot be read.
    #[error("a packet of the replay cannot be read: {0:?}")]
    Damaged(DecodeError),
    /// The logon was answered with something else.
    #[error("the replay answers the logon with template {0}, and not with a logon")]
    NoLogon(u16),
    /// A packet that is not the next one.
    #[error("packet {0} of the replay is not the next one, {1}", got.0, expected.0)]
    Order {
        /// What came.
        got: SeqNo,
        /// What had to come.
        expected: SeqNo,
    },
    /// The exchange said no, or ended early.
    #[error("the replay logged out after {had} packets: {text}")]
    Refused {
        /// Its reason.
        text: String,
        /// Packets that had come.
        had: usize,
    },
    /// The connection ended early.
    #[error("the replay closed the connection after {had} packets")]
    Closed {
        /// Packets that had come.
        had: usize,
    },
    /// It takes too long.
    #[error("the replay has sent {had} packets within {ms} ms, and not all")]
    Slow {
        /// Packets that had come.
        had: usize,
        /// How long was waited.
        ms: u64,
    },
}

/// How far a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    LoggingOn,
    /// The number of the packet that is next.
    Receiving(SeqNo),
    Over,
}

/// One request on one connection.
#[derive(Debug)]
pub struct ReplayClient {
    asked: Asked,
    request_no: u32,
    step: Step,
    begun: MonoNs,
    patience: Span,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
    packets: Vec<Vec<u8>>,
    outcome: Option<Result<Vec<Vec<u8>>, ReplayError>>,
}

impl ReplayClient {
    /// Begins a request on a connection that was made; `request_no` tells it from others. It may
    /// take as long as `patience`.
    ///
    /// # Panics
    /// It may not be asked: see `Asked::is_askable`.
    #[must_use]
    pub fn connect(
        login: &Login,
        asked: Asked,
        request_no: u32,
        patience: Span,
        now: MonoNs,
    ) -> Self {
        assert!(asked.is_askable(), "a request is for 1 to {MOST_PACKETS} packets: {asked:?}");
        let outgoing = message(&[
            (MESSAGE_TYPE, LOGON),
            (USER, &login.user),
            (PASSWORD, login.password.reveal()),
        ]);
        Self {
            asked,
            request_no,
            step: Step::LoggingOn,
            begun: now,
            patience,
            outgoing,
            incoming: Vec::new(),
            packets: Vec::new(),
            outcome: None,
        }
    }

    /// The packets, or why there are none: once, as soon as it is known.
    pub fn take_outcome(&mut self) -> Option<Result<Vec<Vec<u8>>, ReplayError>> {
        self.outcome.take()
    }

    /// Bytes to be written.
    #[must_use]
    pub fn outgoing(&self) -> &[u8] {
        &self.outgoing
    }

    /// So many of them were.
    pub fn written(&mut self, len: usize) {
        self.outgoing.drain(..len.min(self.outgoing.len()));
    }

    /// Takes bytes of the exchange, cut anywhere.
    pub fn on_bytes(&mut self, bytes: &[u8]) {
        if self.step == Step::Over {
            return;
        }
        self.incoming.extend_from_slice(bytes);
        let incoming = std::mem::take(&mut self.incoming);
        let mut rest = incoming.as_slice();
        while self.step != Step::Over {
            let Some((length, behind)) = rest.split_first_chunk::<LENGTH_BYTES>() else { break };
            let len = usize::from(u16::from_le_bytes(*length));
            if len > HELD_BYTES {
                return self.fail(ReplayError::Size(len));
            }
            let Some((packet, behind)) = behind.split_at_checked(len) else { break };
            match decode::packet(packet) {
                Ok(read) => self.on_packet(&read, packet),
                Err(DecodeError::NoMessage) => self.fail(ReplayError::Size(len)),
                Err(error) => self.fail(ReplayError::Damaged(error)),
            }
            rest = behind;
        }
        self.incoming = rest.to_vec();
    }

    fn on_packet(&mut self, packet: &Packet<'_>, bytes: &[u8]) {
        let Some(framed) = packet.messages().next() else { return };
        // Only messages of the session are read here: all others are the feed's to judge.
        let message = match framed.template_id() {
            15 | 16 => match framed.decode() {
                Ok(message) => Some(message),
                Err(error) => return self.fail(ReplayError::Damaged(error)),
            },
            _ => None,
        };
        if let Some(Message::Logout(root)) = message {
            let text = String::from_utf8_lossy(wire::text(&root.text)).into_owned();
            return self.fail(ReplayError::Refused { text, had: self.packets.len() });
        }
        match self.step {
            Step::LoggingOn if message.is_some() => self.ask(),
            Step::LoggingOn => self.fail(ReplayError::NoLogon(framed.template_id())),
            Step::Receiving(expected) => {
                let got = SeqNo(packet.seq_no());
                if got == expected && message.is_none() {
                    self.take(expected, bytes);
                } else if framed.template_id() != HEARTBEAT {
                    self.fail(ReplayError::Order { got, expected });
                }
            }
            Step::Over => {}
        }
    }

    fn ask(&mut self) {
        let Asked { channel, from, to } = self.asked;
        let [channel, from_no, to_no] = [channel.to_string(), from.0.to_string(), to.0.to_string()];
        let id = format!("{channel}-{}", self.request_no);
        self.outgoing.extend_from_slice(&message(&[
            (MESSAGE_TYPE, REQUEST),
            (CHANNEL, &channel),
            (REQUEST_ID, &id),
            (FROM, &from_no),
            (TO, &to_no),
        ]));
        self.step = Step::Receiving(from);
    }

    fn take(&mut self, seq_no: SeqNo, bytes: &[u8]) {
        self.packets.push(bytes.to_vec());
        self.step = Step::Receiving(seq_no.next());
        if seq_no == self.asked.to {
            let packets = std::mem::take(&mut self.packets);
            self.end(Ok(packets));
        }
    }

    /// The exchange closed the connection.
    pub fn closed(&mut self) {
        if self.step != Step::Over {
            self.fail(ReplayError::Closed { had: self.packets.len() });
        }
    }

    /// Does what time alone demands.
    pub fn on_time(&mut self, now: MonoNs) {
        if self.step != Step::Over && now.since(self.begun) >= self.patience {
            let ms = self.patience.0 / 1_000_000;
            self.fail(ReplayError::Slow { had: self.packets.len(), ms });
        }
    }

    fn fail(&mut self, error: ReplayError) {
        self.end(Err(error));
    }

    fn end(&mut self, outcome: Result<Vec<Vec<u8>>, ReplayError>) {
        self.step = Step::Over;
        self.packets.clear();
        self.outcome = Some(outcome);
        self.outgoing.extend_from_slice(&message(&[(MESSAGE_TYPE, LOGOUT)]));
    }
}

/// Template 12: of the session, or a packet of the channel that had nothing else.
const HEARTBEAT: u16 = 12;
