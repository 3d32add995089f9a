//! Party details (for whom and by whom an order is sent): registered once at logon, named by a
//! number in every order.

use bytemuck::{Pod, Zeroable};

use super::block::{NULL_CHAR, NULL_U8, NULL_U64, ZERO_U16, ZERO_U32, ZERO_U64, wire_block};
use crate::wire::{U16Le, U32Le, U64Le};

wire_block! {
    /// Registers a set of party details that orders then name: `PartyDetailsDefinitionRequest518`.
    /// Groups `NoPartyDetails` and `NoTrdRegPublications` follow.
    pub struct PartyDetailsRequest: template 518, 147 bytes {
        /// Registered set of party details.
        0: party_details_id: U64Le = ZERO_U64, PartyDetailsListReqID(1505);
        /// When the message was sent, ns since 1970.
        8: sent_ns: U64Le = ZERO_U64, SendingTimeEpoch(5297);
        /// ASCII: `A` add, `D` delete.
        16: list_action: u8 = 0, ListUpdateAction(1324);
        /// Sequence number of this message within the session.
        17: seq_no: U32Le = ZERO_U32, SeqNum(9726);
        /// Free text, NUL padded.
        21: memo: [u8; 75] = [0; 75], Memo(5149);
        /// Average price group, NUL padded.
        96: average_group: [u8; 20] = [0; 20], AvgPxGroupID(1731);
        /// Orders with the same one do not match each other.
        116: smp_id: U64Le = NULL_U64, SelfMatchPreventionID(2362);
        /// ASCII: `G` give-up, `S` SGX offset.
        124: give_up: u8 = NULL_CHAR, CmtaGiveupCD(9708);
        /// CTI code of the customer, 1 to 4.
        125: customer_capacity: u8 = NULL_U8, CustOrderCapacity(582);
        /// 0 customer, 1 firm.
        126: clearing_account: u8 = NULL_U8, ClearingAccountType(1816);
        /// ASCII: `O` the oldest is cancelled, `N` the newest.
        127: smp_instruction: u8 = NULL_CHAR, SelfMatchPreventionInstruction(8000);
        /// 0 none, 1 to 3 kinds of average price groups.
        128: average_price: u8 = NULL_U8, AvgPxIndicator(819);
        /// 0 cleared at the price of execution, 1 at another one.
        129: clearing_price: u8 = NULL_U8, ClearingTradePriceType(1598);
        /// ASCII: where the order came from.
        130: handling: u8 = NULL_CHAR, CustOrderHandlingInst(1031);
        /// Short code of who executed it.
        131: executor: U64Le = NULL_U64, Executor(5290);
        /// Short code of who decided it.
        139: decision_maker: U64Le = NULL_U64, IDMShortCode(36023);
    }
}

wire_block! {
    /// Whether the set was registered: `PartyDetailsDefinitionRequestAck519`. The same groups
    /// follow.
    pub struct PartyDetailsAck: template 519, 159 bytes {
        /// Sequence number of this message within the session.
        0: seq_no: U32Le = ZERO_U32, SeqNum(9726);
        /// Identifies the FIXP session, chosen by us in Establish.
        4: uuid: U64Le = ZERO_U64, UUID(39001);
        /// Free text, NUL padded.
        12: memo: [u8; 75] = [0; 75], Memo(5149);
        /// Average price group, NUL padded.
        87: average_group: [u8; 20] = [0; 20], AvgPxGroupID(1731);
        /// Registered set of party details.
        107: party_details_id: U64Le = ZERO_U64, PartyDetailsListReqID(1505);
        /// When the message was sent, ns since 1970.
        115: sent_ns: U64Le = ZERO_U64, SendingTimeEpoch(5297);
        /// Orders with the same one do not match each other.
        123: smp_id: U64Le = NULL_U64, SelfMatchPreventionID(2362);
        /// 0 accepted.
        131: request_status: u8 = 0, PartyDetailRequestStatus(1878);
        /// CTI code of the customer, 1 to 4.
        132: customer_capacity: u8 = NULL_U8, CustOrderCapacity(582);
        /// 0 customer, 1 firm.
        133: clearing_account: u8 = NULL_U8, ClearingAccountType(1816);
        /// ASCII: `O` the oldest is cancelled, `N` the newest.
        134: smp_instruction: u8 = NULL_CHAR, SelfMatchPreventionInstruction(8000);
        /// 0 none, 1 to 3 kinds of average price groups.
        135: average_price: u8 = NULL_U8, AvgPxIndicator(819);
        /// 0 cleared at the price of execution, 1 at another one.
        136: clearing_price: u8 = NULL_U8, ClearingTradePriceType(1598);
        /// ASCII: `G` give-up, `S` SGX offset.
        137: give_up: u8 = NULL_CHAR, CmtaGiveupCD(9708);
        /// ASCII: where the order came from.
        138: handling: u8 = NULL_CHAR, CustOrderHandlingInst(1031);
        /// ASCII: `A` add, `D` delete.
        139: list_action: u8 = 0, ListUpdateAction(1324);
        /// 0 accepted.
        140: definition_status: u8 = 0, PartyDetailDefinitionStatus(1879);
        /// Short code of who executed it.
        141: executor: U64Le = NULL_U64, Executor(5290);
        /// Short code of who decided it.
        149: decision_maker: U64Le = NULL_U64, IDMShortCode(36023);
        /// 1 if sent again in answer to a retransmit request.
        157: poss_retrans: u8 = 0, PossRetransFlag(9765);
        /// 0 split, 1 out of order, 2 complete message delayed; null if none.
        158: split_msg: u8 = NULL_U8, SplitMsg(9553);
    }
}

wire_block! {
    /// One party: group `NoPartyDetails` of 518 and 519.
    pub struct PartyDetail: group 1671, 22 bytes {
        /// Name of the party, NUL padded.
        0: id: [u8; 20] = [0; 20], PartyDetailID(1691);
        /// What the party is to the order.
        20: role: U16Le = ZERO_U16, PartyDetailRole(1693);
    }
}

wire_block! {
    /// One regulatory publication: group `NoTrdRegPublications` of 518 and 519.
    pub struct Publication: group 2668, 2 bytes {
        /// Kind of publication.
        0: kind: u8 = 0, TrdRegPublicationType(2669);
        /// Why it may be waived.
        1: reason: u8 = 0, TrdRegPublicationReason(2670);
    }
}
