//! Cancels many orders at once, in a session that has just been logged on: 529, and 562 in answer.
//!
//! Schema 8: without tag 6115 all orders of the session and firm are meant, both sides and every
//! kind, Day and GT; 9937 names the session and firm for which another session cancels. CME's page
//! "Submitting orders on behalf of" (46175626): within one firm, registered with CME beforehand.
//! UNPROVEN: that scope 7 (all) is taken for futures; whoever is refused asks by instrument.
//!
//! Here is one question and its answer; what to ask and whether again is `guard::cancel`'s.

use super::frame_of;
use super::logon::{LogonError, converse};
use super::text;
use crate::config::SessionIdentity;
use std::time::Duration;
use xmc_hotpath::port::StreamPort;
use xmc_hotpath::time::UnixNs;
use xmc_hotpath::venue::cme::ilink3::decode::{self, Report};
use xmc_hotpath::venue::cme::ilink3::layout::{Block, MassAction, NEWEST_VERSION};
use xmc_hotpath::venue::cme::ilink3::session::Handover;
use xmc_hotpath::wire::{self, I32Le, U32Le, U64Le};

/// Tag 1374: orders of one instrument.
const OF_INSTRUMENT: u8 = 1;
/// Tag 1374: all orders.
const ALL: u8 = 7;
/// Tag 1375: it was done.
const ACCEPTED: u8 = 1;

/// Whose orders are cancelled, and which.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Who asks.
    pub identity: &'a SessionIdentity,
    /// Tag 9937: the session and firm whose orders are meant; `None`: who asks.
    pub on_behalf_of: Option<&'a str>,
    /// Tag 48: the one instrument that is meant; `None`: all.
    pub security_id: Option<i32>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MassAnswer {
    /// So many orders were cancelled; 0: nothing was live.
    Cancelled(u32),
    /// It was refused: tag 1376 of 562 or tag 380 of 521, and what was said.
    Refused {
        /// The code.
        code: u16,
        /// Tag 58; empty for a 562, which has none.
        reason: String,
    },
}

impl Wanted<'_> {
    /// 529.
    #[must_use]
    pub fn request(&self, seq_no: u32, utc: UnixNs) -> Vec<u8> {
        let Self { identity, on_behalf_of, security_id } = *self;
        let blank = MassAction::BLANK;
        let block = MassAction {
            party_details_id: U64Le::new(identity.party_details_id),
            // Above all that were used before, unless the clock went back.
            request_id: U64Le::new(utc.0 / 1_000),
            seq_no: U32Le::new(seq_no),
            sender_id: text(&identity.sender_id),
            sent_ns: U64Le::new(utc.0),
            location: text(&identity.location),
            security_id: security_id.map_or(blank.security_id, I32Le::new),
            scope: if security_id.is_some() { OF_INSTRUMENT } else { ALL },
            orig_order_user: text(on_behalf_of.unwrap_or_default()),
            ..blank
        };
        frame_of(NEWEST_VERSION, &block, &[])
    }
}

/// Asks for it in the session of `handover`, under its next number, and waits at most `patience`
/// for all fragments of the answer. Other numbered messages are passed over.
///
/// # Errors
/// See `LogonError`. The connection is given up.
pub fn cancel<P: StreamPort>(
    port: &mut P,
    handover: &mut Handover,
    wanted: &Wanted<'_>,
    utc: UnixNs,
    patience: Duration,
) -> Result<MassAnswer, LogonError> {
    let seq_no = handover.next_seq_no;
    handover.next_seq_no = seq_no.saturating_add(1);
    let (request, asked) = (wanted.request(seq_no, utc), utc.0 / 1_000);
    converse(port, &request, "OrderMassActionReport", patience, |frame| {
        let template_id = frame.template_id;
        let report = decode::report(frame).map_err(|_| LogonError::Block { template_id })?;
        let words = |bytes: &[u8]| String::from_utf8_lossy(wire::text(bytes)).into_owned();
        Ok(match report {
            Some(Report::MassAction(block)) if block.request_id.get() == asked => {
                match block.response {
                    ACCEPTED if block.is_last == 0 => None,
                    ACCEPTED => Some(MassAnswer::Cancelled(block.affected_orders.get())),
                    _ => {
                        let code = block.reject_reason.into();
                        Some(MassAnswer::Refused { code, reason: String::new() })
                    }
                }
            }
            Some(Report::BusinessReject(block)) if block.ref_seq_no.get() == seq_no => {
                let (code, reason) = (block.reason.get(), words(&block.text));
                Some(MassAnswer::Refused { code, reason })
            }
            Some(Report::Terminate(block)) => {
                let (code, reason) = (block.error_code.get(), words(&block.reason));
                return Err(LogonError::Terminated { code, reason });
            }
            _ => None,
        })
    })
}
