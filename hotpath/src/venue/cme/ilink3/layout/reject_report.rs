//! Refusals: of an order, of its cancellation or change, and of any message at all.

use bytemuck::{Pod, Zeroable};

use super::ClOrdId;
use super::block::{
    NULL_CHAR, NULL_I64, NULL_U8, NULL_U16, NULL_U32, NULL_U64, ZERO_I32, ZERO_U16, ZERO_U32,
    ZERO_U64, wire_block,
};
use crate::wire::{I32Le, I64Le, U16Le, U32Le, U64Le};

wire_block! {
    /// A message could not be taken at all: `BusinessReject521`.
    pub struct BusinessReject: template 521, 330 bytes {
        /// Sequence number of this message within the session.
        0: seq_no: U32Le = ZERO_U32, SeqNum(9726);
        /// Identifies the FIXP session, chosen by us in Establish.
        4: uuid: U64Le = ZERO_U64, UUID(39001);
        /// Explanation of the reject.
        12: text: [u8; 256] = [0; 256], Text(58);
        /// Operator of the session, NUL padded.
        268: sender_id: [u8; 20] = [0; 20], SenderID(5392);
        /// Registered set of party details.
        288: party_details_id: U64Le = NULL_U64, PartyDetailsListReqID(1505);
        /// When the message was sent, ns since 1970.
        296: sent_ns: U64Le = ZERO_U64, SendingTimeEpoch(5297);
        /// The business id of the refused message.
        304: ref_id: U64Le = NULL_U64, BusinessRejectRefID(379);
        /// Where the sender sits, NUL padded.
        312: location: [u8; 5] = [0; 5], Location(9537);
        /// Sequence number of the refused message.
        317: ref_seq_no: U32Le = NULL_U32, RefSeqNum(45);
        /// Tag of the field at fault.
        321: ref_tag: U16Le = NULL_U16, RefTagID(371);
        /// Why, as a code.
        323: reason: U16Le = ZERO_U16, BusinessRejectReason(380);
        /// FIX message type that was refused.
        325: ref_msg_type: [u8; 2] = [0; 2], RefMsgType(372);
        /// 1 if sent again in answer to a retransmit request.
        327: poss_retrans: u8 = 0, PossRetransFlag(9765);
        /// 0 automated, 1 manual.
        328: manual: u8 = NULL_U8, ManualOrderIndicator(1028);
        /// 0 split, 1 out of order, 2 complete message delayed; null if none.
        329: split_msg: u8 = NULL_U8, SplitMsg(9553);
    }
}

wire_block! {
    /// The order was refused: `ExecutionReportReject523`. Constant OrdStatus `8`, ExecType `8`.
    pub struct OrderRejected: template 523, 483 bytes {
        /// Sequence number of this message within the session.
        0: seq_no: U32Le = ZERO_U32, SeqNum(9726);
        /// Identifies the FIXP session, chosen by us in Establish.
        4: uuid: U64Le = ZERO_U64, UUID(39001);
        /// Explanation of the reject.
        12: text: [u8; 256] = [0; 256], Text(58);
        /// Name of this execution message, unique per day.
        268: exec_id: [u8; 40] = [0; 40], ExecID(17);
        /// Operator of the session, NUL padded.
        308: sender_id: [u8; 20] = [0; 20], SenderID(5392);
        /// The order's name given by us.
        328: cl_ord_id: ClOrdId = ClOrdId::EMPTY, ClOrdID(11);
        /// Registered set of party details.
        348: party_details_id: U64Le = ZERO_U64, PartyDetailsListReqID(1505);
        /// The order's name given by the exchange.
        356: order_id: U64Le = ZERO_U64, OrderID(37);
        /// Limit price, units of 1e-9.
        364: price_e9: I64Le = NULL_I64, Price(44);
        /// Stop price, units of 1e-9.
        372: stop_e9: I64Le = NULL_I64, StopPx(99);
        /// When the exchange did it, ns since 1970.
        380: transact_ns: U64Le = ZERO_U64, TransactTime(60);
        /// When the message was sent, ns since 1970.
        388: sent_ns: U64Le = ZERO_U64, SendingTimeEpoch(5297);
        /// Name of the request, echoed in the report that answers it.
        396: request_id: U64Le = ZERO_U64, OrderRequestID(2422);
        /// Cross order it belongs to, ours.
        404: cross_id: U64Le = NULL_U64, CrossID(548);
        /// Cross order it belongs to, the exchange's.
        412: host_cross_id: U64Le = NULL_U64, HostCrossID(961);
        /// Where the sender sits, NUL padded.
        420: location: [u8; 5] = [0; 5], Location(9537);
        /// Instrument, as in market data.
        425: security_id: I32Le = ZERO_I32, SecurityID(48);
        /// Quantity of the order, contracts.
        429: qty_lots: U32Le = ZERO_U32, OrderQty(38);
        /// Fill at least so many or none, contracts.
        433: min_qty_lots: U32Le = NULL_U32, MinQty(110);
        /// Shown part of an iceberg, contracts.
        437: display_lots: U32Le = NULL_U32, DisplayQty(1138);
        /// Why, as a code.
        441: reject_reason: U16Le = ZERO_U16, OrdRejReason(103);
        /// Last day of a GTD order, days since 1970.
        443: expire_date: U16Le = NULL_U16, ExpireDate(432);
        /// Not used by the exchange.
        445: delay_duration: U16Le = NULL_U16, DelayDuration(5904);
        /// ASCII: `1` market with protection, `2` limit, `4` stop limit, `K` market to limit.
        447: ord_type: u8 = NULL_CHAR, OrdType(40);
        /// 1 buy, 2 sell, 7 undisclosed.
        448: side: u8 = 0, Side(54);
        /// 0 day, 1 GTC, 3 fill and kill, 4 fill or kill, 6 GTD, 99 session.
        449: tif: u8 = NULL_U8, TimeInForce(59);
        /// 0 automated, 1 manual.
        450: manual: u8 = 0, ManualOrderIndicator(1028);
        /// 1 if sent again in answer to a retransmit request.
        451: poss_retrans: u8 = 0, PossRetransFlag(9765);
        /// 0 split, 1 out of order, 2 complete message delayed; null if none.
        452: split_msg: u8 = NULL_U8, SplitMsg(9553);
        /// Kind of cross order.
        453: cross_type: u8 = NULL_U8, CrossType(549);
        /// Bit set: 0 all or none, 1 only best, 2 not held.
        454: exec_inst: u8 = 0, ExecInst(18);
        /// ASCII: `A` aggressive, `P` passive; NUL means aggressive.
        455: execution_mode: u8 = NULL_CHAR, ExecutionMode(5906);
        /// 1 for a market-making obligation (EU BrokerTec and EBS only).
        456: liquidity_flag: u8 = NULL_U8, LiquidityFlag(9373);
        /// 1 for a managed order.
        457: managed_order: u8 = NULL_U8, ManagedOrder(6881);
        /// MiFID: 0 long sale, 1 short, 2 exempt short, 3 undisclosed.
        458: short_sale_type: u8 = NULL_U8, ShortSaleType(5409);
        /// How long a split or late message was held, ns; see `split_msg`.
        459: delayed_ns: U64Le = NULL_U64, DelayToTime(7552);
        /// Price accepted beyond the displayed one, units of 1e-9.
        467: discretion_e9: I64Le = NULL_I64, DiscretionPrice(845);
        /// Worst price accepted within the limit, units of 1e-9.
        475: reservation_e9: I64Le = NULL_I64, ReservationPrice(9562);
    }
}

wire_block! {
    /// The cancellation was refused: `OrderCancelReject535`. Constant OrdStatus `U`,
    /// CxlRejResponseTo `1`.
    pub struct CancelRejected: template 535, 409 bytes {
        /// Sequence number of this message within the session.
        0: seq_no: U32Le = ZERO_U32, SeqNum(9726);
        /// Identifies the FIXP session, chosen by us in Establish.
        4: uuid: U64Le = ZERO_U64, UUID(39001);
        /// Explanation of the reject.
        12: text: [u8; 256] = [0; 256], Text(58);
        /// Name of this execution message, unique per day.
        268: exec_id: [u8; 40] = [0; 40], ExecID(17);
        /// Operator of the session, NUL padded.
        308: sender_id: [u8; 20] = [0; 20], SenderID(5392);
        /// The order's name given by us.
        328: cl_ord_id: ClOrdId = ClOrdId::EMPTY, ClOrdID(11);
        /// Registered set of party details.
        348: party_details_id: U64Le = ZERO_U64, PartyDetailsListReqID(1505);
        /// The order's name given by the exchange.
        356: order_id: U64Le = ZERO_U64, OrderID(37);
        /// When the exchange did it, ns since 1970.
        364: transact_ns: U64Le = ZERO_U64, TransactTime(60);
        /// When the message was sent, ns since 1970.
        372: sent_ns: U64Le = ZERO_U64, SendingTimeEpoch(5297);
        /// Name of the request, echoed in the report that answers it.
        380: request_id: U64Le = ZERO_U64, OrderRequestID(2422);
        /// Where the sender sits, NUL padded.
        388: location: [u8; 5] = [0; 5], Location(9537);
        /// Why, as a code.
        393: reject_reason: U16Le = ZERO_U16, CxlRejReason(102);
        /// Not used by the exchange.
        395: delay_duration: U16Le = NULL_U16, DelayDuration(5904);
        /// 0 automated, 1 manual.
        397: manual: u8 = 0, ManualOrderIndicator(1028);
        /// 1 if sent again in answer to a retransmit request.
        398: poss_retrans: u8 = 0, PossRetransFlag(9765);
        /// 0 split, 1 out of order, 2 complete message delayed; null if none.
        399: split_msg: u8 = NULL_U8, SplitMsg(9553);
        /// 1 for a market-making obligation (EU BrokerTec and EBS only).
        400: liquidity_flag: u8 = NULL_U8, LiquidityFlag(9373);
        /// How long a split or late message was held, ns; see `split_msg`.
        401: delayed_ns: U64Le = NULL_U64, DelayToTime(7552);
    }
}

wire_block! {
    /// The change was refused: `OrderCancelReplaceReject536`. Constant OrdStatus `U`,
    /// CxlRejResponseTo `2`.
    pub struct ReplaceRejected: template 536, 409 bytes {
        /// Sequence number of this message within the session.
        0: seq_no: U32Le = ZERO_U32, SeqNum(9726);
        /// Identifies the FIXP session, chosen by us in Establish.
        4: uuid: U64Le = ZERO_U64, UUID(39001);
        /// Explanation of the reject.
        12: text: [u8; 256] = [0; 256], Text(58);
        /// Name of this execution message, unique per day.
        268: exec_id: [u8; 40] = [0; 40], ExecID(17);
        /// Operator of the session, NUL padded.
        308: sender_id: [u8; 20] = [0; 20], SenderID(5392);
        /// The order's name given by us.
        328: cl_ord_id: ClOrdId = ClOrdId::EMPTY, ClOrdID(11);
        /// Registered set of party details.
        348: party_details_id: U64Le = ZERO_U64, PartyDetailsListReqID(1505);
        /// The order's name given by the exchange.
        356: order_id: U64Le = ZERO_U64, OrderID(37);
        /// When the exchange did it, ns since 1970.
        364: transact_ns: U64Le = ZERO_U64, TransactTime(60);
        /// When the message was sent, ns since 1970.
        372: sent_ns: U64Le = ZERO_U64, SendingTimeEpoch(5297);
        /// Name of the request, echoed in the report that answers it.
        380: request_id: U64Le = ZERO_U64, OrderRequestID(2422);
        /// Where the sender sits, NUL padded.
        388: location: [u8; 5] = [0; 5], Location(9537);
        /// Why, as a code.
        393: reject_reason: U16Le = ZERO_U16, CxlRejReason(102);
        /// Not used by the exchange.
        395: delay_duration: U16Le = NULL_U16, DelayDuration(5904);
        /// 0 automated, 1 manual.
        397: manual: u8 = 0, ManualOrderIndicator(1028);
        /// 1 if sent again in answer to a retransmit request.
        398: poss_retrans: u8 = 0, PossRetransFlag(9765);
        /// 0 split, 1 out of order, 2 complete message delayed; null if none.
        399: split_msg: u8 = NULL_U8, SplitMsg(9553);
        /// 1 for a market-making obligation (EU BrokerTec and EBS only).
        400: liquidity_flag: u8 = NULL_U8, LiquidityFlag(9373);
        /// How long a split or late message was held, ns; see `split_msg`.
        401: delayed_ns: U64Le = NULL_U64, DelayToTime(7552);
    }
}
