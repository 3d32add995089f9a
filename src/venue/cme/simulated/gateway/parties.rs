//! Party details: registered by clients, and named by what they send.
//!
//! A set stands for the rest of the week, whatever session registers it; the same one may be
//! registered again. UNPROVEN: both, and that another set under a known id is refused with 108.

use super::{Demand, Gateway};
use crate::venue::cme::ilink3::Refusal;
use crate::venue::cme::ilink3::parties::ID_IN_USE;
use crate::venue::cme::simulated::rules::KnownParties;
use xmc_hotpath::time::MonoNs;
use xmc_hotpath::venue::cme::ilink3::layout::PartyDetailsRequest;
use xmc_hotpath::wire::{U32Le, U64Le};

/// Tag 380: the party details id of a business message is not known.
const UNKNOWN_ID: u16 = 1;

/// A set of party details as it was sent: 518.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    pub block: PartyDetailsRequest,
    /// Its groups, as they lie on the wire.
    pub groups: Vec<u8>,
}

impl Definition {
    pub fn new(block: &PartyDetailsRequest, groups: &[u8]) -> Self {
        Self { block: *block, groups: groups.to_vec() }
    }

    /// Whether it says the same, whenever it was sent.
    fn is_same(&self, other: &Self) -> bool {
        let plain = |one: &Self| PartyDetailsRequest {
            seq_no: U32Le::new(0),
            sent_ns: U64Le::new(0),
            ..one.block
        };
        (plain(self), &self.groups) == (plain(other), &other.groups)
    }
}

impl Gateway {
    /// 518: 519, or 521.
    pub(super) fn define(&mut self, now: MonoNs, client: usize, definition: Definition) {
        let sent_ns = self.utc_ns(now);
        let id = definition.block.party_details_id.get();
        let one = &mut self.clients[client];
        let is_other = one.parties.get(&id).is_some_and(|known| !known.is_same(&definition));
        if is_other {
            let refusal = Refusal {
                ref_seq_no: definition.block.seq_no.get(),
                ref_msg_type: "CX",
                reason: ID_IN_USE,
                text: "other party details are registered under this id",
                sent_ns,
            };
            return self.refuse(now, client, &refusal);
        }
        let ack = one.reports.parties_registered(&definition.block, sent_ns);
        let frame = one.reports.parties_frame(&ack, &definition.groups);
        one.parties.insert(id, definition);
        self.report(now, client, &frame);
    }

    /// Whether a message names party details that are known; if not, it is answered here.
    pub(super) fn is_registered(
        &mut self,
        now: MonoNs,
        client: usize,
        seq_no: u32,
        msg_type: &str,
        demand: &Demand,
    ) -> bool {
        let named = match demand {
            Demand::New(order) => order.party_details_id,
            Demand::Replace(change) => change.party_details_id,
            Demand::Cancel(cancel) => cancel.party_details_id,
            Demand::MassAction(ask) => ask.party_details_id,
            Demand::Status(_) | Demand::MassStatus(_) | Demand::Gone => {
                return true;
            }
        };
        let is_known = match self.rules.parties {
            KnownParties::Any => true,
            KnownParties::These(one) => {
                one == Some(named.get()) || self.clients[client].parties.contains_key(&named.get())
            }
        };
        if is_known {
            return true;
        }
        let refusal = Refusal {
            ref_seq_no: seq_no,
            ref_msg_type: msg_type,
            reason: UNKNOWN_ID,
            text: "the party details id is not registered",
            sent_ns: self.utc_ns(now),
        };
        self.refuse(now, client, &refusal);
        false
    }
}
