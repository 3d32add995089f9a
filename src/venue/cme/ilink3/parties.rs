//! Party details: for whom and by whom orders are sent, registered under the id that they name.
//!
//! 518 registers a set and 519 answers. The set stands for the week: CME's page "iLink 3 Binary
//! Order Entry - Business Layer" (457324477) has it registered once a week, at the Order Entry
//! Service Gateway. UNPROVEN: that an order session takes it too; that a set survives a new UUID;
//! which fields beside the three parties and the two account types CME insists on.
//!
//! `Registration` is sans-IO; `register` runs it on a session that has just been negotiated: the
//! order session before the stage takes it over, or one at the service gateway, which `leave` ends.
//! It is the first numbered message of ours. Numbered messages that come before the answer are not
//! read here: the hand-over has the stage ask for them again.
//!
//! Not here: sets that travel with each order (id 0), and taking a set back, which CME lists as to
//! be defined. Called by `engine::logon`.

use super::logon::{LogonError, converse};
use super::refused::{self, Outlook};
use super::{frame_of, text};
use std::time::Duration;
use xmc_hotpath::port::StreamPort;
use xmc_hotpath::time::UnixNs;
use xmc_hotpath::venue::cme::ilink3::decode::{self, Frame, Report};
use xmc_hotpath::venue::cme::ilink3::layout::{
    Block, Message, NEWEST_VERSION, PartyDetail, PartyDetailsAck, PartyDetailsRequest, Publication,
    Terminate,
};
use xmc_hotpath::venue::cme::ilink3::session::{Handover, Missed};
use xmc_hotpath::venue::cme::sbe::GroupSize;
use xmc_hotpath::wire::{self, U16Le, U32Le, U64Le};

/// Tag 1324: add.
const ADD: u8 = b'A';
/// Tag 1878 and 1879: accepted.
const ACCEPTED: u8 = 0;
/// Tag 380: the party details id is in use.
pub const ID_IN_USE: u16 = 108;

/// Tag 1693: what a party is to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Role {
    /// The firm that executes.
    ExecutingFirm = 1,
    /// The account that is cleared to.
    CustomerAccount = 24,
    /// The person who answers for the details.
    Operator = 118,
}

/// Tag 1816: where trades are cleared to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum ClearingAccount {
    /// A customer's account.
    #[default]
    Customer = 0,
    /// The firm's own.
    Firm = 1,
}

/// Tag 1031: where orders come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum OrderSource {
    /// A screen of the clearing member.
    FcmScreen = b'C',
    /// Another screen.
    OtherScreen = b'D',
    /// The clearing member's interface.
    FcmApi = b'G',
    /// A program that decides.
    #[default]
    AlgoEngine = b'H',
    /// A desk.
    Desk = b'W',
    /// A client.
    Client = b'Y',
}

/// Tag 8000: which of two own orders is cancelled when they would meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum SelfMatchCancels {
    /// The one that came last.
    Newest = b'N',
    /// The one that rests.
    #[default]
    Oldest = b'O',
}

/// For whom and by whom orders are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartyDetails {
    /// Party of role 1, up to 20 characters.
    pub executing_firm: String,
    /// Party of role 24, up to 20 characters.
    pub customer_account: String,
    /// Party of role 118, up to 20 characters.
    pub operator: String,
    /// Tag 582, the CFTC's customer type indicator: 1 a member for itself, 2 a member firm for its
    /// own account, 3 a member for another, 4 all others.
    pub customer_type: u8,
    /// Tag 1816.
    pub clearing_account: ClearingAccount,
    /// Tag 1031.
    pub order_source: Option<OrderSource>,
    /// Tags 2362 and 8000: own orders with the same number do not match each other.
    pub self_match: Option<(u64, SelfMatchCancels)>,
}

impl PartyDetails {
    /// 518: registers them under `id`.
    #[must_use]
    pub fn definition(&self, id: u64, seq_no: u32, utc: UnixNs) -> Vec<u8> {
        let self_match = self.self_match;
        let block = PartyDetailsRequest {
            party_details_id: U64Le::new(id),
            sent_ns: U64Le::new(utc.0),
            list_action: ADD,
            seq_no: U32Le::new(seq_no),
            smp_id: self_match.map_or(PartyDetailsRequest::BLANK.smp_id, |(id, _)| U64Le::new(id)),
            smp_instruction: self_match.map_or(0, |(_, cancels)| cancels as u8),
            customer_capacity: self.customer_type,
            clearing_account: self.clearing_account as u8,
            handling: self.order_source.map_or(0, |source| source as u8),
            ..PartyDetailsRequest::BLANK
        };
        let parties = [
            (&self.executing_firm, Role::ExecutingFirm),
            (&self.customer_account, Role::CustomerAccount),
            (&self.operator, Role::Operator),
        ];
        let entries =
            parties.map(|(id, role)| PartyDetail { id: text(id), role: U16Le::new(role as u16) });
        frame_of(NEWEST_VERSION, &block, &groups(&entries))
    }
}

/// The two groups of 518 and 519: parties, and no publications.
pub(crate) fn groups(entries: &[PartyDetail]) -> Vec<u8> {
    let size = |block_len: usize, count: usize| GroupSize {
        block_len: U16Le::new(u16::try_from(block_len).expect("a block is short")),
        count: u8::try_from(count).expect("a group is short"),
    };
    let mut tail = bytemuck::bytes_of(&size(size_of::<PartyDetail>(), entries.len())).to_vec();
    tail.extend_from_slice(bytemuck::cast_slice(entries));
    tail.extend_from_slice(bytemuck::bytes_of(&size(size_of::<Publication>(), 0)));
    tail
}

/// A registration that is awaited.
#[derive(Clone, Copy, Debug)]
pub struct Registration {
    id: u64,
    seq_no: u32,
    /// The number after the last message that is known of.
    next_report_no: u32,
    /// Messages that came and were not read, or did not come: the first and the one after the last.
    unread: Option<(u32, u32)>,
}

impl Registration {
    /// The registration that follows on `handover`, the next message of which it takes.
    #[must_use]
    pub fn new(id: u64, handover: &Handover) -> Self {
        let Handover { next_seq_no: seq_no, next_report_no, .. } = *handover;
        Self { id, seq_no, next_report_no, unread: None }
    }

    /// Reads what comes; whether the set is registered now.
    ///
    /// # Errors
    /// It is refused, or the session is over.
    pub fn on_frame(&mut self, frame: &Frame<'_>) -> Result<bool, LogonError> {
        let template_id = frame.template_id;
        let report = decode::report(frame).map_err(|_| LogonError::Block { template_id })?;
        let Some(report) = report else { return Ok(false) };
        if let Report::Terminate(block) = &report {
            let reason = String::from_utf8_lossy(wire::text(&block.reason)).into_owned();
            return Err(LogonError::Terminated { code: block.error_code.get(), reason });
        }
        let stamp = report.stamp();
        let Some(seq_no) = stamp.seq_no.filter(|_| !stamp.is_retransmitted) else {
            return Ok(false);
        };
        if let Report::BusinessReject(block) = &report
            && block.ref_seq_no.get() == self.seq_no
        {
            let reason = String::from_utf8_lossy(wire::text(&block.text)).into_owned();
            self.read(seq_no);
            return Err(LogonError::Parties { id: self.id, code: block.reason.get(), reason });
        }
        if template_id == PartyDetailsAck::TEMPLATE_ID {
            let (block, _) =
                frame.block::<PartyDetailsAck>().map_err(|_| LogonError::Block { template_id })?;
            if block.party_details_id.get() == self.id {
                self.read(seq_no);
                let status = (block.request_status, block.definition_status);
                if status != (ACCEPTED, ACCEPTED) {
                    return Err(LogonError::PartiesStatus { id: self.id, status });
                }
                return Ok(true);
            }
        }
        self.passed(seq_no.saturating_add(1));
        Ok(false)
    }

    /// The answer has this number.
    fn read(&mut self, seq_no: u32) {
        self.passed(seq_no);
        self.next_report_no = seq_no.saturating_add(1);
    }

    /// All before `end` have been sent, and those that were not known of before are not read.
    fn passed(&mut self, end: u32) {
        if end > self.next_report_no {
            let (first, _) = self.unread.unwrap_or((self.next_report_no, end));
            self.unread = Some((first, end));
            self.next_report_no = end;
        }
    }

    /// Where the session stands behind it, and sessions before that nobody asks for, since a
    /// hand-over names two ranges.
    #[must_use]
    pub fn onto(&self, handover: &Handover) -> (Handover, usize) {
        let mut after = Handover {
            next_seq_no: self.seq_no.saturating_add(1),
            next_report_no: self.next_report_no,
            ..*handover
        };
        let Some((first, end)) = self.unread else { return (after, 0) };
        let is_own = |one: &&mut Missed| one.count > 0 && [0, handover.uuid].contains(&one.uuid);
        if let Some(own) = after.missed.iter_mut().find(is_own) {
            own.count = end.saturating_sub(own.from);
            return (after, 0);
        }
        let own = Missed { uuid: 0, from: first, count: end.saturating_sub(first) };
        let [earlier, dropped] = after.missed;
        after.missed = [own, earlier];
        (after, usize::from(dropped.count > 0))
    }
}

/// Registers `details` under `id` in the session of `handover`, and waits at most `patience` for
/// the answer. Gives what `Registration::onto` does.
///
/// With `stands_before` an id that is in use is taken as the same set, registered before.
///
/// # Errors
/// See `LogonError`. The connection is given up.
pub fn register<P: StreamPort>(
    port: &mut P,
    handover: &Handover,
    (id, details): (u64, &PartyDetails),
    stands_before: bool,
    utc: UnixNs,
    patience: Duration,
) -> Result<(Handover, usize), LogonError> {
    let mut registration = Registration::new(id, handover);
    let message = details.definition(id, handover.next_seq_no, utc);
    let awaited = "the answer to PartyDetailsDefinitionRequest";
    converse(port, &message, awaited, patience, |frame| match registration.on_frame(frame) {
        Ok(is_registered) => Ok(is_registered.then_some(())),
        Err(LogonError::Parties { code: ID_IN_USE, .. }) if stands_before => Ok(Some(())),
        Err(error) => Err(error),
    })?;
    Ok(registration.onto(handover))
}

/// Ends the session of `handover` in order, and waits at most `patience` for the answer.
///
/// # Errors
/// See `LogonError`. The connection is given up.
pub fn leave<P: StreamPort>(
    port: &mut P,
    handover: &Handover,
    utc: UnixNs,
    patience: Duration,
) -> Result<(), LogonError> {
    let goodbye = Terminate {
        uuid: U64Le::new(handover.uuid),
        request_ns: U64Le::new(utc.0),
        ..Terminate::BLANK
    };
    let message = frame_of(NEWEST_VERSION, &goodbye, &[]);
    converse(port, &message, "the answer to Terminate", patience, |frame| {
        Ok((frame.template_id == Terminate::TEMPLATE_ID).then_some(()))
    })
}

/// What a refusal says, in words.
pub(super) fn meaning(code: u16) -> &'static str {
    refused::BUSINESS
        .iter()
        .find(|meaning| meaning.code == code)
        .map_or("a code that nobody has written down", |meaning| meaning.words)
}

/// Whether a refusal speaks of the moment only.
pub(super) fn is_retryable(code: u16) -> bool {
    let mut all = refused::BUSINESS.iter();
    all.any(|meaning| meaning.code == code && meaning.outlook == Outlook::Retryable)
}

/// What to do about a refusal.
pub(super) fn advice(code: u16) -> &'static str {
    if code == ID_IN_USE {
        "take another party_details_id, or leave `parties` out if these were registered this week"
    } else {
        "correct `parties` of the gateway, or have them registered at the exchange and leave \
         `parties` out"
    }
}
