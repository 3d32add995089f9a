//! Many orders at once: cancelled, or asked for.

use bytemuck::{Pod, Zeroable};

use super::ClOrdId;
use super::block::{
    NULL_CHAR, NULL_I32, NULL_U8, NULL_U16, NULL_U64, ZERO_U32, ZERO_U64, wire_block,
};
use crate::wire::{I32Le, U16Le, U32Le, U64Le};

wire_block! {
    /// Cancels many orders at once: `OrderMassActionRequest529`. Constant MassActionType 3.
    pub struct MassAction: template 529, 79 bytes {
        /// Registered set of party details.
        0: party_details_id: U64Le = ZERO_U64, PartyDetailsListReqID(1505);
        /// Name of the request, echoed in the report that answers it.
        8: request_id: U64Le = ZERO_U64, OrderRequestID(2422);
        /// 0 automated, 1 manual.
        16: manual: u8 = 0, ManualOrderIndicator(1028);
        /// Sequence number of this message within the session.
        17: seq_no: U32Le = ZERO_U32, SeqNum(9726);
        /// Operator of the session, NUL padded.
        21: sender_id: [u8; 20] = [0; 20], SenderID(5392);
        /// When the message was sent, ns since 1970.
        41: sent_ns: U64Le = ZERO_U64, SendingTimeEpoch(5297);
        /// Group of instruments, NUL padded.
        49: security_group: [u8; 6] = [0; 6], SecurityGroup(1151);
        /// Where the sender sits, NUL padded.
        55: location: [u8; 5] = [0; 5], Location(9537);
        /// Instrument, as in market data.
        60: security_id: I32Le = NULL_I32, SecurityID(48);
        /// 1 instrument, 7 all, 9 market segment, 10 instrument group.
        64: scope: u8 = 0, MassActionScope(1374);
        /// Matching engine's segment.
        65: market_segment: u8 = NULL_U8, MarketSegmentID(1300);
        /// 100 those of the sender, 101 of the account.
        66: cancel_scope: u8 = NULL_U8, MassCancelRequestType(6115);
        /// 1 buy, 2 sell, 7 undisclosed.
        67: side: u8 = NULL_U8, Side(54);
        /// ASCII: `1` market with protection, `2` limit, `4` stop limit, `K` market to limit.
        68: ord_type: u8 = NULL_CHAR, OrdType(40);
        /// 0 day, 1 GTC, 3 fill and kill, 4 fill or kill, 6 GTD, 99 session.
        69: tif: u8 = NULL_U8, TimeInForce(59);
        /// 1 for a market-making obligation (EU BrokerTec and EBS only).
        70: liquidity_flag: u8 = NULL_U8, LiquidityFlag(9373);
        /// Owner of an order cancelled on another's behalf.
        71: orig_order_user: [u8; 8] = [0; 8], OrigOrderUser(9937);
    }
}

wire_block! {
    /// What came of it: `OrderMassActionReport562`. Constant MassActionType 3. Group
    /// `NoAffectedOrders` follows.
    pub struct MassActionReport: template 562, 130 bytes {
        /// Sequence number of this message within the session.
        0: seq_no: U32Le = ZERO_U32, SeqNum(9726);
        /// Identifies the FIXP session, chosen by us in Establish.
        4: uuid: U64Le = ZERO_U64, UUID(39001);
        /// Operator of the session, NUL padded.
        12: sender_id: [u8; 20] = [0; 20], SenderID(5392);
        /// Registered set of party details.
        32: party_details_id: U64Le = ZERO_U64, PartyDetailsListReqID(1505);
        /// When the exchange did it, ns since 1970.
        40: transact_ns: U64Le = ZERO_U64, TransactTime(60);
        /// When the message was sent, ns since 1970.
        48: sent_ns: U64Le = ZERO_U64, SendingTimeEpoch(5297);
        /// Name of the request, echoed in the report that answers it.
        56: request_id: U64Le = ZERO_U64, OrderRequestID(2422);
        /// Name of the report; fragments share it.
        64: report_id: U64Le = ZERO_U64, MassActionReportID(1369);
        /// Group of instruments, NUL padded.
        72: security_group: [u8; 6] = [0; 6], SecurityGroup(1151);
        /// Where the sender sits, NUL padded.
        78: location: [u8; 5] = [0; 5], Location(9537);
        /// Instrument, as in market data.
        83: security_id: I32Le = NULL_I32, SecurityID(48);
        /// Not used by the exchange.
        87: delay_duration: U16Le = NULL_U16, DelayDuration(5904);
        /// 0 rejected, 1 accepted.
        89: response: u8 = 0, MassActionResponse(1375);
        /// 0 automated, 1 manual.
        90: manual: u8 = 0, ManualOrderIndicator(1028);
        /// 1 instrument, 7 all, 9 market segment, 10 instrument group.
        91: scope: u8 = 0, MassActionScope(1374);
        /// Orders that were affected, over all fragments.
        92: affected_orders: U32Le = ZERO_U32, TotalAffectedOrders(533);
        /// 1 in the last of the fragments.
        96: is_last: u8 = 0, LastFragment(893);
        /// Why it was rejected.
        97: reject_reason: u8 = NULL_U8, MassActionRejectReason(1376);
        /// Matching engine's segment.
        98: market_segment: u8 = NULL_U8, MarketSegmentID(1300);
        /// 100 those of the sender, 101 of the account.
        99: cancel_scope: u8 = NULL_U8, MassCancelRequestType(6115);
        /// 1 buy, 2 sell, 7 undisclosed.
        100: side: u8 = NULL_U8, Side(54);
        /// ASCII: `1` market with protection, `2` limit, `4` stop limit, `K` market to limit.
        101: ord_type: u8 = NULL_CHAR, OrdType(40);
        /// 0 day, 1 GTC, 3 fill and kill, 4 fill or kill, 6 GTD, 99 session.
        102: tif: u8 = NULL_U8, TimeInForce(59);
        /// 0 split, 1 out of order, 2 complete message delayed; null if none.
        103: split_msg: u8 = NULL_U8, SplitMsg(9553);
        /// 1 for a market-making obligation (EU BrokerTec and EBS only).
        104: liquidity_flag: u8 = NULL_U8, LiquidityFlag(9373);
        /// 1 if sent again in answer to a retransmit request.
        105: poss_retrans: u8 = 0, PossRetransFlag(9765);
        /// How long a split or late message was held, ns; see `split_msg`.
        106: delayed_ns: U64Le = NULL_U64, DelayToTime(7552);
        /// Owner of an order cancelled on another's behalf.
        114: orig_order_user: [u8; 8] = [0; 8], OrigOrderUser(9937);
        /// Who cancelled on the owner's behalf.
        122: cancel_text: [u8; 8] = [0; 8], CancelText(2807);
    }
}

wire_block! {
    /// One order that was cancelled: group `NoAffectedOrders` of 562.
    pub struct AffectedOrder: group 534, 32 bytes {
        /// The order's name given by us.
        0: orig_cl_ord_id: ClOrdId = ClOrdId::EMPTY, OrigCIOrdID(41);
        /// The order's name given by the exchange.
        20: order_id: U64Le = ZERO_U64, AffectedOrderID(535);
        /// Quantity that was cancelled, contracts.
        28: cancelled_lots: U32Le = ZERO_U32, CxlQuantity(84);
    }
}

wire_block! {
    /// Asks how many orders stand: `OrderMassStatusRequest530`.
    pub struct MassStatusRequest: template 530, 68 bytes {
        /// Registered set of party details.
        0: party_details_id: U64Le = ZERO_U64, PartyDetailsListReqID(1505);
        /// Name of the mass status request.
        8: mass_status_id: U64Le = ZERO_U64, MassStatusReqID(584);
        /// 0 automated, 1 manual.
        16: manual: u8 = 0, ManualOrderIndicator(1028);
        /// Sequence number of this message within the session.
        17: seq_no: U32Le = ZERO_U32, SeqNum(9726);
        /// Operator of the session, NUL padded.
        21: sender_id: [u8; 20] = [0; 20], SenderID(5392);
        /// When the message was sent, ns since 1970.
        41: sent_ns: U64Le = ZERO_U64, SendingTimeEpoch(5297);
        /// Group of instruments, NUL padded.
        49: security_group: [u8; 6] = [0; 6], SecurityGroup(1151);
        /// Where the sender sits, NUL padded.
        55: location: [u8; 5] = [0; 5], Location(9537);
        /// Instrument, as in market data.
        60: security_id: I32Le = NULL_I32, SecurityID(48);
        /// 1 instrument, 3 instrument group, 7 all, 100 market segment.
        64: scope: u8 = 0, MassStatusReqType(585);
        /// Whose orders are asked for.
        65: order_scope: u8 = NULL_U8, OrdStatusReqType(5000);
        /// 0 day, 1 GTC, 3 fill and kill, 4 fill or kill, 6 GTD, 99 session.
        66: tif: u8 = NULL_U8, TimeInForce(59);
        /// Matching engine's segment.
        67: market_segment: u8 = NULL_U8, MarketSegmentID(1300);
    }
}

wire_block! {
    /// Asks how one order stands: `OrderStatusRequest533`.
    pub struct StatusRequest: template 533, 62 bytes {
        /// Registered set of party details.
        0: party_details_id: U64Le = ZERO_U64, PartyDetailsListReqID(1505);
        /// Name of the status request.
        8: status_id: U64Le = ZERO_U64, OrdStatusReqID(790);
        /// 0 automated, 1 manual.
        16: manual: u8 = 0, ManualOrderIndicator(1028);
        /// Sequence number of this message within the session.
        17: seq_no: U32Le = ZERO_U32, SeqNum(9726);
        /// Operator of the session, NUL padded.
        21: sender_id: [u8; 20] = [0; 20], SenderID(5392);
        /// The order's name given by the exchange.
        41: order_id: U64Le = ZERO_U64, OrderID(37);
        /// When the message was sent, ns since 1970.
        49: sent_ns: U64Le = ZERO_U64, SendingTimeEpoch(5297);
        /// Where the sender sits, NUL padded.
        57: location: [u8; 5] = [0; 5], Location(9537);
    }
}
