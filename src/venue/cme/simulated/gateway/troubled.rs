//! The gateway while things go wrong on purpose: see `trouble`.

use super::{Connection, ConnectionId, Gateway, OTHER};
use crate::venue::cme::ilink3::Refusal;
use crate::venue::cme::simulated::client;
use crate::venue::cme::simulated::trouble::{OrderFaults, OrderTrouble, Spot, Troubles};
use xmc_hotpath::time::MonoNs;
use xmc_hotpath::venue::cme::ilink3::decode::Frame;
use xmc_hotpath::venue::cme::ilink3::layout::{
    Cancel, Establish, MassStatusRequest, Message, NEWEST_VERSION, Negotiate, NewOrder,
    PartyDetailsRequest, Replace, RetransmitRequest, StatusRequest,
};

/// Where the number and the UUID of a numbered message stand in its bytes.
const SEQ_NO_AT: usize = 12;
const UUID_AT: usize = 16;

impl Gateway {
    pub fn set_faults(&mut self, faults: OrderFaults, now: MonoNs) {
        self.troubles = Troubles::new(faults, now, self.troubles.count);
    }

    /// What happens by itself.
    pub(super) fn planned(&mut self, now: MonoNs) {
        while let Some(what) = self.troubles.take(now) {
            for id in self.ids() {
                if self.is_client(id) {
                    self.befall(now, id, what);
                }
            }
        }
        for connection in self.connections.values_mut() {
            connection.deaf_until = connection.deaf_until.filter(|until| now < *until);
            connection.mute_until = connection.mute_until.filter(|until| now < *until);
        }
    }

    /// Tells a client something that has a number, unless something goes wrong with it.
    pub(super) fn tell(&mut self, now: MonoNs, client: usize, frame: &[u8], spot: Spot) {
        let Some(what) = self.troubles.strike(spot) else {
            return self.say(now, client, frame);
        };
        let mut frame = frame.to_vec();
        match what {
            OrderTrouble::Lost | OrderTrouble::Drop => frame.clear(),
            OrderTrouble::Torn(len) => frame.truncate(len.into()),
            OrderTrouble::Twice => frame = frame.repeat(2),
            OrderTrouble::Renumbered(by) => {
                let field = &mut frame[SEQ_NO_AT..UUID_AT];
                let number = u32::from_le_bytes([field[0], field[1], field[2], field[3]]);
                field.copy_from_slice(&number.wrapping_add_signed(by).to_le_bytes());
            }
            OrderTrouble::Stranger => frame[UUID_AT] ^= 0xFF,
            OrderTrouble::Garbage => frame.splice(..0, [0xFF; 16]).for_each(drop),
            OrderTrouble::Split(_)
            | OrderTrouble::Silence(_)
            | OrderTrouble::Late(_)
            | OrderTrouble::End(_)
            | OrderTrouble::Refused(_) => {}
        }
        self.say(now, client, &frame);
        let connected = |one: &Connection| one.client == Some(client) && !one.is_ending;
        let connection = self.connections.iter().find(|(_, one)| connected(one));
        if let Some(id) = connection.map(|(id, _)| *id) {
            self.befall(now, id, what);
        }
    }

    /// What becomes of a connection.
    fn befall(&mut self, now: MonoNs, id: ConnectionId, what: OrderTrouble) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        match what {
            OrderTrouble::Drop | OrderTrouble::Torn(_) => self.disconnect(id),
            OrderTrouble::Split(len) => connection.piece = Some(usize::from(len.max(1))),
            OrderTrouble::Silence(lasts) => {
                connection.deaf_until = Some(now.after(lasts));
                connection.mute_until = connection.deaf_until;
            }
            OrderTrouble::Late(lasts) => connection.mute_until = Some(now.after(lasts)),
            OrderTrouble::End(code) => {
                let request_ns = self.utc_ns(now);
                self.end_with(id, code, request_ns);
            }
            OrderTrouble::Lost
            | OrderTrouble::Twice
            | OrderTrouble::Renumbered(_)
            | OrderTrouble::Stranger
            | OrderTrouble::Garbage
            | OrderTrouble::Refused(_) => {}
        }
    }

    /// A client's message, as something may go wrong with it; whether the gateway still hears it.
    pub(super) fn hears(&mut self, now: MonoNs, id: ConnectionId, frame: &Frame<'_>) -> bool {
        let spot = match frame.template_id {
            Negotiate::TEMPLATE_ID => Spot::Negotiate,
            Establish::TEMPLATE_ID => Spot::Establish,
            RetransmitRequest::TEMPLATE_ID => Spot::RetransmitRequest,
            NewOrder::TEMPLATE_ID
            | Replace::TEMPLATE_ID
            | Cancel::TEMPLATE_ID
            | StatusRequest::TEMPLATE_ID
            | MassStatusRequest::TEMPLATE_ID
            | PartyDetailsRequest::TEMPLATE_ID => Spot::Request,
            _ => return true,
        };
        let Some(what) = self.troubles.strike(spot) else { return true };
        self.befall(now, id, what);
        match what {
            OrderTrouble::Refused(code) => self.refused(now, id, frame, code),
            OrderTrouble::Lost
            | OrderTrouble::Drop
            | OrderTrouble::Torn(_)
            | OrderTrouble::End(_) => {}
            _ => return true,
        }
        false
    }

    fn refused(&mut self, now: MonoNs, id: ConnectionId, frame: &Frame<'_>, code: u16) {
        self.counters.refused += 1;
        let version = frame.version.min(NEWEST_VERSION);
        if let Ok((block, _)) = frame.block::<Negotiate>()
            && frame.template_id == Negotiate::TEMPLATE_ID
        {
            return self.push(id, &client::negotiation_refused(block, version, code));
        }
        if let Ok((block, _)) = frame.block::<Establish>()
            && frame.template_id == Establish::TEMPLATE_ID
        {
            return self.push(id, &client::establishment_refused(block, version, code));
        }
        let Some(client) = self.connections.get(&id).and_then(|one| one.client) else { return };
        if let Ok((block, _)) = frame.block::<RetransmitRequest>()
            && frame.template_id == RetransmitRequest::TEMPLATE_ID
        {
            let reject = self.clients[client].retransmit_reject(block, code, "as it was written");
            self.counters.not_resent += 1;
            return self.say(now, client, &reject);
        }
        // Its number is used up, as with any other refusal.
        let seq_no = self.clients[client].next_seq_no();
        let _ = self.clients[client].follow(seq_no);
        let refusal = Refusal {
            ref_seq_no: seq_no,
            ref_msg_type: "",
            reason: if code == 0 { OTHER } else { code },
            text: "as it was written",
            sent_ns: self.utc_ns(now),
        };
        self.refuse(now, client, &refusal);
    }
}
