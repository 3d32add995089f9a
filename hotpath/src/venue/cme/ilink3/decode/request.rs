//! What a client says, for whoever plays the exchange: the simulated venue and the tests.

use super::Frame;
use crate::venue::cme::ilink3::layout::{
    Cancel, MassAction, MassStatusRequest, Message, NewOrder, PartyDetailsRequest, Replace,
    Sequence, StatusRequest, Terminate,
};
use crate::venue::cme::sbe::SbeError;

/// A message of a client after the logon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// 506: heartbeat, its request, or gap fill.
    Sequence(&'a Sequence),
    /// 507: the client ends the session.
    Terminate(&'a Terminate),
    /// 514: a new order.
    New(&'a NewOrder),
    /// 515: a change.
    Replace(&'a Replace),
    /// 516: a cancellation.
    Cancel(&'a Cancel),
    /// 518: party details are registered; what the block says, and its groups behind it.
    Parties(&'a PartyDetailsRequest, &'a [u8]),
    /// 529: many orders are cancelled.
    MassAction(&'a MassAction),
    /// 530: how many orders stand.
    MassStatus(&'a MassStatusRequest),
    /// 533: how one stands.
    Status(&'a StatusRequest),
}

/// Reads a frame as a request; `Ok(None)` if it is none of these.
///
/// # Errors
/// `BlockTooShort` if the sender's block is shorter than ours.
pub fn request<'a>(frame: &Frame<'a>) -> Result<Option<Request<'a>>, SbeError> {
    Ok(Some(match frame.template_id {
        Sequence::TEMPLATE_ID => Request::Sequence(frame.block()?.0),
        Terminate::TEMPLATE_ID => Request::Terminate(frame.block()?.0),
        NewOrder::TEMPLATE_ID => Request::New(frame.block()?.0),
        Replace::TEMPLATE_ID => Request::Replace(frame.block()?.0),
        Cancel::TEMPLATE_ID => Request::Cancel(frame.block()?.0),
        PartyDetailsRequest::TEMPLATE_ID => {
            let (block, groups) = frame.block()?;
            Request::Parties(block, groups)
        }
        MassAction::TEMPLATE_ID => Request::MassAction(frame.block()?.0),
        MassStatusRequest::TEMPLATE_ID => Request::MassStatus(frame.block()?.0),
        StatusRequest::TEMPLATE_ID => Request::Status(frame.block()?.0),
        _ => return Ok(None),
    }))
}
