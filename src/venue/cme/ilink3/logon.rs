//! The client's logon: Negotiate, then Establish, each signed, until the gateway stage takes over.
//!
//! `Logon` is sans-IO: it says which bytes to send and reads the answers. `log_on` runs it on a
//! port and waits; it reads no byte beyond the last answer, so whatever follows is the stage's.
//!
//! Not here: which address, a session's days and weeks, and what it missed while it was down: that
//! follows from `Logon::previous` and `Handover::next_report_no`, which the exchange is about to
//! send (`resume`).
//!
//! Called by the cold side for each gateway, before its stage is made.

use super::resume::Previous;
use super::signature::{EstablishText, NegotiateText, SecretKey};
use super::{NO_CREDENTIALS, frame_of, parties, text};
use std::time::{Duration, Instant};
use xmc_hotpath::port::{SendError, StreamPort};
use xmc_hotpath::time::{Span, UnixNs};
use xmc_hotpath::venue::cme::ilink3::decode::{self, Frame, FrameError};
use xmc_hotpath::venue::cme::ilink3::layout::{
    Establish, EstablishmentAck, EstablishmentReject, Message, Negotiate, NegotiationReject,
    NegotiationResponse, Sofh, Terminate,
};
use xmc_hotpath::venue::cme::ilink3::session::{Handover, Missed};
use xmc_hotpath::venue::cme::sbe::SbeError;
use xmc_hotpath::wire::{self, U16Le, U32Le, U64Le};

/// How long nothing is asked of the port while an answer is awaited.
const NAP: Duration = Duration::from_micros(200);

/// Tag 39010: the connection is the backup of two, and orders go over the other one.
const BACKUP: u8 = 0;

/// Who logs on, and with what.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Three characters.
    pub session: String,
    /// One to five characters.
    pub firm: String,
    /// Names the key: up to 20 characters.
    pub access_key_id: String,
    /// The key.
    pub key: SecretKey,
}

/// What the exchange is told of our system.
#[derive(Clone, Debug)]
pub struct System {
    /// Up to 30 characters.
    pub name: String,
    /// Up to 10 characters.
    pub version: String,
    /// Up to 10 characters.
    pub vendor: String,
}

/// The session that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Its number: above all that were used before; CME recommends microseconds since 1970.
    pub uuid: u64,
    /// It exists already, so it is only established; its numbers go on.
    pub is_negotiated: bool,
    /// The number of our next message: 1 in a new session.
    pub next_seq_no: u32,
    /// The longest silence of either side; CME recommends 5 to 60 s.
    pub keep_alive_ms: u16,
    /// The schema version to write.
    pub schema_version: u16,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum LogonError {
    /// A text does not fit.
    #[error("{field} {text:?} must have {least} to {most} printable characters: write it so")]
    Text {
        /// Which.
        field: &'static str,
        /// What it says.
        text: String,
        /// Fewest characters.
        least: usize,
        /// Most characters.
        most: usize,
    },
    /// The exchange says no.
    #[error("{what} was refused with code {code}: {reason}")]
    Refused {
        /// What was asked for.
        what: &'static str,
        /// Tag 39012.
        code: u16,
        /// Tag 39011.
        reason: String,
    },
    /// The exchange ends it.
    #[error("the exchange ended the session with code {code}: {reason}")]
    Terminated {
        /// Tag 39012.
        code: u16,
        /// Tag 39011.
        reason: String,
    },
    /// An answer to something else.
    #[error("message {template_id} came when {awaited} was awaited: is that an iLink 3 gateway?")]
    Unexpected {
        /// What came.
        template_id: u16,
        /// What should have come.
        awaited: &'static str,
    },
    /// An answer that names another request.
    #[error("an answer names uuid {uuid} and request {request_ns}, which is not ours")]
    NotOurs {
        /// Tag 39001.
        uuid: u64,
        /// Tag 39002.
        request_ns: u64,
    },
    /// The parties of orders are refused.
    #[error(
        "party details {id} were refused with code {code} ({}): {reason}; {}",
        parties::meaning(*code),
        parties::advice(*code)
    )]
    Parties {
        /// Under which number.
        id: u64,
        /// Tag 380.
        code: u16,
        /// Tag 58.
        reason: String,
    },
    /// The parties of orders are not accepted.
    #[error(
        "party details {id} were not accepted (status {}, definition {}): have the exchange say \
         what they lack, and correct `parties` of the gateway",
        status.0,
        status.1
    )]
    PartiesStatus {
        /// Under which number.
        id: u64,
        /// Tags 1878 and 1879.
        status: (u8, u8),
    },
    /// It is a backup that has not taken over.
    #[error("the gateway is a backup that has not taken over: try the primary")]
    Backup,
    /// The bytes are no messages.
    #[error("the answer is no message of iLink 3 ({0:?}): check the address")]
    Framing(FrameError),
    /// A block is too short.
    #[error("message {template_id} is shorter than version 9 has it: write that version")]
    Block {
        /// Which.
        template_id: u16,
    },
    /// Nobody there any more.
    #[error("the connection ended while {awaited} was awaited")]
    Closed {
        /// What was awaited.
        awaited: &'static str,
    },
    /// No answer.
    #[error("{awaited} did not come within {ms} ms: try again, or the backup gateway")]
    TimedOut {
        /// What was awaited.
        awaited: &'static str,
        /// How long it was.
        ms: u128,
    },
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this, then read the answer.
    Send(Vec<u8>),
    /// The session stands.
    Done(Handover),
}

/// Which answer is awaited, and to which request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Negotiation(u64),
    Establishment(u64),
}

/// One logon.
#[derive(Clone, Debug)]
pub struct Logon {
    credentials: Credentials,
    system: System,
    wish: Wish,
    awaited: Awaited,
    previous: Previous,
    key_expires_days: Option<u16>,
}

impl Logon {
    /// A logon that has not begun.
    ///
    /// # Errors
    /// A text does not fit its field.
    pub fn new(credentials: Credentials, system: System, wish: Wish) -> Result<Self, LogonError> {
        for (field, text, bounds) in [
            ("session", &credentials.session, 3..=3),
            ("firm", &credentials.firm, 1..=5),
            ("access key id", &credentials.access_key_id, 1..=20),
            ("system name", &system.name, 1..=30),
            ("system version", &system.version, 1..=10),
            ("system vendor", &system.vendor, 1..=10),
        ] {
            let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            if !bounds.contains(&text.len()) || !is_plain {
                let (least, most) = (*bounds.start(), *bounds.end());
                return Err(LogonError::Text { field, text: text.clone(), least, most });
            }
        }
        let (awaited, previous) = (Awaited::Negotiation(0), Previous::default());
        Ok(Self { credentials, system, wish, awaited, previous, key_expires_days: None })
    }

    /// What the exchange has sent before this logon, as its last answer says.
    #[must_use]
    pub fn previous(&self) -> Previous {
        self.previous
    }

    /// The first message.
    pub fn start(&mut self, utc: UnixNs) -> Vec<u8> {
        if self.wish.is_negotiated { self.establish(utc) } else { self.negotiate(utc) }
    }

    /// What is awaited, for people.
    #[must_use]
    pub fn awaits(&self) -> &'static str {
        match self.awaited {
            Awaited::Negotiation(_) => "the answer to Negotiate",
            Awaited::Establishment(_) => "the answer to Establish",
        }
    }

    fn negotiate_text(&self, request_ns: u64) -> NegotiateText<'_> {
        let Credentials { session, firm, .. } = &self.credentials;
        NegotiateText { request_ns, uuid: self.wish.uuid, session, firm }
    }

    fn negotiate(&mut self, utc: UnixNs) -> Vec<u8> {
        self.awaited = Awaited::Negotiation(utc.0);
        let Credentials { session, firm, access_key_id, key } = &self.credentials;
        let block = Negotiate {
            signature: key.sign(&self.negotiate_text(utc.0).to_string()),
            access_key_id: text(access_key_id),
            uuid: U64Le::new(self.wish.uuid),
            request_ns: U64Le::new(utc.0),
            session: text(session),
            firm: text(firm),
        };
        frame_of(self.wish.schema_version, &block, &NO_CREDENTIALS)
    }

    fn establish(&mut self, utc: UnixNs) -> Vec<u8> {
        self.awaited = Awaited::Establishment(utc.0);
        let Credentials { session, firm, access_key_id, key } = &self.credentials;
        let Wish { uuid, next_seq_no, keep_alive_ms, .. } = self.wish;
        let signed = EstablishText {
            negotiate: self.negotiate_text(utc.0),
            system_name: &self.system.name,
            system_version: &self.system.version,
            system_vendor: &self.system.vendor,
            next_seq_no,
            keep_alive_ms,
        };
        let block = Establish {
            signature: key.sign(&signed.to_string()),
            access_key_id: text(access_key_id),
            system_name: text(&self.system.name),
            system_version: text(&self.system.version),
            system_vendor: text(&self.system.vendor),
            uuid: U64Le::new(uuid),
            request_ns: U64Le::new(utc.0),
            next_seq_no: U32Le::new(next_seq_no),
            session: text(session),
            firm: text(firm),
            keep_alive_ms: U16Le::new(keep_alive_ms),
        };
        frame_of(self.wish.schema_version, &block, &NO_CREDENTIALS)
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// See `LogonError`.
    pub fn on_frame(&mut self, frame: &Frame<'_>, utc: UnixNs) -> Result<Step, LogonError> {
        let template_id = frame.template_id;
        let too_short = |_: SbeError| LogonError::Block { template_id };
        match (template_id, self.awaited) {
            (NegotiationResponse::TEMPLATE_ID, Awaited::Negotiation(request_ns)) => {
                let block: NegotiationResponse = answer(frame).map_err(too_short)?;
                self.check(block.uuid, block.request_ns, request_ns)?;
                Ok(Step::Send(self.establish(utc)))
            }
            (EstablishmentAck::TEMPLATE_ID, Awaited::Establishment(request_ns)) => {
                let block: EstablishmentAck = answer(frame).map_err(too_short)?;
                self.check(block.uuid, block.request_ns, request_ns)?;
                if block.fault_tolerance == BACKUP {
                    return Err(LogonError::Backup);
                }
                let (uuid, seq_no) = (block.previous_uuid.get(), block.previous_seq_no.get());
                self.previous = Previous { uuid, seq_no };
                self.key_expires_days = known(block.key_expires_days.get());
                Ok(Step::Done(Handover {
                    uuid: self.wish.uuid,
                    next_seq_no: self.wish.next_seq_no,
                    next_report_no: block.next_seq_no.get(),
                    keep_alive: Span(u64::from(block.keep_alive_ms.get()) * 1_000_000),
                    missed: [Missed::NONE; 2],
                }))
            }
            (NegotiationReject::TEMPLATE_ID, Awaited::Negotiation(_)) => {
                let block: NegotiationReject = answer(frame).map_err(too_short)?;
                let (code, reason) = (block.error_code.get(), words(&block.reason));
                Err(LogonError::Refused { what: "negotiation", code, reason })
            }
            (EstablishmentReject::TEMPLATE_ID, Awaited::Establishment(_)) => {
                let block: EstablishmentReject = answer(frame).map_err(too_short)?;
                let (code, reason) = (block.error_code.get(), words(&block.reason));
                Err(LogonError::Refused { what: "establishment", code, reason })
            }
            (Terminate::TEMPLATE_ID, _) => {
                let (block, _) = frame.block::<Terminate>().map_err(too_short)?;
                let (code, reason) = (block.error_code.get(), words(&block.reason));
                Err(LogonError::Terminated { code, reason })
            }
            _ => Err(LogonError::Unexpected { template_id, awaited: self.awaits() }),
        }
    }

    fn check(&self, uuid: U64Le, request_ns: U64Le, asked_ns: u64) -> Result<(), LogonError> {
        let (uuid, request_ns) = (uuid.get(), request_ns.get());
        let is_ours = (uuid, request_ns) == (self.wish.uuid, asked_ns);
        if is_ours { Ok(()) } else { Err(LogonError::NotOurs { uuid, request_ns }) }
    }
}

/// Tag 39032 `EnvironmentIndicator`, which since version 9 ends the block of every answer that is
/// awaited here.
const ENVIRONMENT_BYTES: usize = 1;

/// The block of an answer to a logon; of a gateway of version 8 the environment is absent.
fn answer<M: Message>(frame: &Frame<'_>) -> Result<M, SbeError> {
    let theirs = frame.body.get(..usize::from(frame.block_len)).ok_or(SbeError::Truncated)?;
    if theirs.len() < size_of::<M>() - ENVIRONMENT_BYTES {
        return Err(SbeError::BlockTooShort);
    }
    let mut block = M::BLANK;
    let ours = bytemuck::bytes_of_mut(&mut block);
    let len = ours.len().min(theirs.len());
    ours[..len].copy_from_slice(&theirs[..len]);
    Ok(block)
}

/// A number that may be absent.
fn known(number: u16) -> Option<u16> {
    (number != u16::MAX).then_some(number)
}

fn words(text: &[u8]) -> String {
    String::from_utf8_lossy(wire::text(text)).into_owned()
}

/// What the gateway stage takes over: the connection and where the session stands.
#[derive(Debug)]
pub struct Established<P> {
    /// The connection; nothing of it has been read beyond the logon.
    pub port: P,
    /// The session; what it missed before is not in it yet.
    pub handover: Handover,
    /// What the exchange has sent before.
    pub previous: Previous,
    /// In how many days the key expires with which it was logged on; `None`: it was not said.
    pub key_expires_days: Option<u16>,
}

/// Logs on over `port`, waiting at most `patience` for each answer.
///
/// # Errors
/// See `LogonError`. The connection is given up.
pub fn log_on<P: StreamPort>(
    mut port: P,
    mut logon: Logon,
    utc: impl Fn() -> UnixNs,
    patience: Duration,
) -> Result<Established<P>, LogonError> {
    let mut message = logon.start(utc());
    loop {
        let awaited = logon.awaits();
        let answer = |frame: &Frame<'_>| logon.on_frame(frame, utc()).map(Some);
        match converse(&mut port, &message, awaited, patience, answer)? {
            Step::Send(next) => message = next,
            Step::Done(handover) => {
                let (previous, key_expires_days) = (logon.previous(), logon.key_expires_days);
                return Ok(Established { port, handover, previous, key_expires_days });
            }
        }
    }
}

/// Sends a message and hands each one that comes to `answer`, until that has what it waits for.
/// No byte is read beyond that message. All of it may take `patience`.
pub(super) fn converse<P: StreamPort, T>(
    port: &mut P,
    message: &[u8],
    awaited: &'static str,
    patience: Duration,
    mut answer: impl FnMut(&Frame<'_>) -> Result<Option<T>, LogonError>,
) -> Result<T, LogonError> {
    let since = Instant::now();
    let wait = || {
        if since.elapsed() > patience {
            return Err(LogonError::TimedOut { awaited, ms: patience.as_millis() });
        }
        std::thread::sleep(NAP);
        Ok(())
    };
    loop {
        match port.send(message) {
            Ok(()) => break,
            Err(SendError::Busy) => wait()?,
            Err(_) => return Err(LogonError::Closed { awaited }),
        }
    }
    let mut bytes = Vec::new();
    loop {
        if let Some((frame, _)) = decode::frame(&bytes).map_err(LogonError::Framing)? {
            if let Some(answered) = answer(&frame)? {
                return Ok(answered);
            }
            bytes.clear();
        }
        let have = bytes.len();
        bytes.resize(want(&bytes), 0);
        let read = port.read(&mut bytes[have..]);
        let read = read.map_err(|_| LogonError::Closed { awaited })?;
        bytes.truncate(have + read);
        if read == 0 {
            wait()?;
        }
    }
}

/// How many bytes of a message are known to come.
fn want(bytes: &[u8]) -> usize {
    match wire::take::<Sofh>(bytes) {
        Ok((sofh, _)) => usize::from(sofh.frame_len.get()),
        Err(_) => size_of::<Sofh>(),
    }
}
