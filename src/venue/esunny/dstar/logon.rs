//! A client's logon at the SIMULATED counter: account, contracts, a socket that the counter knows.
//!
//! Sans-IO. When it is done the hot session takes over: what comes on the stream after the contract
//! table is the session's, the replies to what an earlier session had sent among it. So a logon
//! does not wait for the reply to `UdpAuth`; the session reads it, and a socket that the counter
//! refuses takes no orders.

use crate::secret::Secret;
use std::marker::PhantomData;
use std::mem::offset_of;
use zeroize::Zeroizing;

use xmc_hotpath::venue::esunny::dstar::encode::{self, Account};
use xmc_hotpath::venue::esunny::dstar::layout::{Generation, ReqIdMode};
use xmc_hotpath::venue::esunny::dstar::session::Handover;
use xmc_hotpath::venue::esunny::dstar::simulated_counter::{
    self, ContractRow, Frame, FrameError, FrameHeader, Framed, Kind, LogonReply,
};
use xmc_hotpath::wire;

/// Where the password stands in the message.
const PASSWORD: usize = size_of::<FrameHeader>() + offset_of!(simulated_counter::Logon, password);

/// Who logs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Account number, at most 21 characters.
    pub account_no: String,
    /// Password, at most 21 characters.
    pub password: Secret,
    /// Replies about orders that sessions of this run have read: the counter repeats the others.
    pub replies_seen: u32,
}

/// Why a logon did not come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogonError {
    /// A text does not fit its field.
    #[error("account number or password has {0} bytes and 21 fit: shorten it")]
    TooLong(usize),
    /// The counter refuses.
    #[error("the counter refuses the logon with error {0}: check account, password and version")]
    Refused(i32),
    /// The bytes are not of the simulated framing.
    #[error("what the counter sends is not the simulated framing ({0:?}): is it the simulator?")]
    Framing(FrameError),
    /// A message that has no place in a logon, or not its length.
    #[error("message {0:#06x} has no place in a logon: is it the simulator of this version?")]
    Unexpected(u16),
}

/// What the counter has granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// What requests must carry; `close_today` is the configuration's to fill in.
    pub account: Account,
    /// `ContractIndex` and `ContractNo` of all that can be traded.
    pub contracts: Vec<(u32, String)>,
    /// The first `ClientReqId` to use.
    pub next_client_req_id: u32,
    /// Where requests go, on the counter's address.
    pub udp_port: u16,
    /// Replies about orders that the counter does not repeat.
    pub replies_seen: u32,
}

impl Granted {
    /// For a session that goes on.
    #[must_use]
    pub fn handover(&self) -> Handover {
        Handover {
            account_index: self.account.index,
            udp_auth_code: self.account.udp_auth_code,
            next_client_req_id: self.next_client_req_id,
            replies_seen: self.replies_seen,
        }
    }
}

/// A logon under way.
#[derive(Debug)]
pub struct Logon<G> {
    granted: Option<Granted>,
    contracts_left: u16,
    generation: PhantomData<G>,
}

impl<G: Generation> Logon<G> {
    /// A logon, and the bytes that start it, which are overwritten when they are dropped.
    ///
    /// # Errors
    /// `TooLong`.
    pub fn start(credentials: &Credentials) -> Result<(Self, Zeroizing<Vec<u8>>), LogonError> {
        let message = simulated_counter::Logon::new(
            padded(&credentials.account_no)?,
            [0; 21],
            G::VERSION,
            credentials.replies_seen,
        );
        let mut bytes =
            Zeroizing::new(bytemuck::bytes_of(&Framed::new(Kind::Logon, message)).to_vec());
        // Written where it leaves from: nothing that is copied on the way has it.
        let password = credentials.password.reveal().as_bytes();
        let too_long = LogonError::TooLong(password.len());
        let field = bytes[PASSWORD..PASSWORD + 21].get_mut(..password.len());
        field.ok_or(too_long)?.copy_from_slice(password);
        Ok((Self { granted: None, contracts_left: 0, generation: PhantomData }, bytes))
    }

    /// Reads what has come. Says how many bytes of it belong to the logon, and what was granted
    /// when it is complete; the bytes behind are the session's.
    ///
    /// # Errors
    /// The logon has failed.
    pub fn read(&mut self, bytes: &[u8]) -> Result<(usize, Option<&Granted>), LogonError> {
        let mut rest = bytes;
        while !self.is_complete()
            && let Some((frame, after)) =
                simulated_counter::frame(rest).map_err(LogonError::Framing)?
        {
            self.on_frame(&frame)?;
            rest = after;
        }
        let granted = if self.is_complete() { self.granted.as_ref() } else { None };
        Ok((bytes.len() - rest.len(), granted))
    }

    fn is_complete(&self) -> bool {
        self.granted.is_some() && self.contracts_left == 0
    }

    fn on_frame(&mut self, frame: &Frame<'_>) -> Result<(), LogonError> {
        let unexpected = LogonError::Unexpected(frame.kind);
        match (Kind::from_wire(frame.kind), &mut self.granted) {
            (Some(Kind::LogonReply), None) => {
                let reply = body::<LogonReply>(frame).ok_or(unexpected)?;
                if reply.error.get() != 0 {
                    return Err(LogonError::Refused(reply.error.get()));
                }
                self.contracts_left = reply.contract_count.get();
                self.granted = Some(Granted {
                    account: Account {
                        index: reply.account_index.get(),
                        udp_auth_code: reply.udp_auth_code.get(),
                        close_today: None,
                    },
                    contracts: Vec::new(),
                    next_client_req_id: reply.max_client_req_id.get().saturating_add(1),
                    udp_port: reply.udp_port.get(),
                    replies_seen: reply.replies_seen.get(),
                });
                Ok(())
            }
            (Some(Kind::Contract), Some(granted)) => {
                let row = body::<ContractRow>(frame).ok_or(unexpected)?;
                let number = String::from_utf8_lossy(wire::text(&row.contract_no)).into_owned();
                granted.contracts.push((row.contract_index.get(), number));
                self.contracts_left -= 1;
                Ok(())
            }
            _ => Err(unexpected),
        }
    }
}

/// The datagram that makes the client's socket known. Sent before the first order; it may be sent
/// again when nothing came of it.
#[must_use]
pub fn udp_auth<G: Generation>(account: &Account, mode: ReqIdMode) -> Vec<u8> {
    bytemuck::bytes_of(&encode::udp_auth::<G>(account, mode)).to_vec()
}

fn body<'a, T: bytemuck::AnyBitPattern>(frame: &Frame<'a>) -> Option<&'a T> {
    wire::take(frame.body).ok().filter(|(_, rest)| rest.is_empty()).map(|(body, _)| body)
}

fn padded(text: &str) -> Result<[u8; 21], LogonError> {
    let mut out = [0; 21];
    let field = out.get_mut(..text.len()).ok_or(LogonError::TooLong(text.len()))?;
    field.copy_from_slice(text.as_bytes());
    Ok(out)
}
