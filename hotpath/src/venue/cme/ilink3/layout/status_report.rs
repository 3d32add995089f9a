//! How an order stands, and requests that wait at the exchange.

use bytemuck::{Pod, Zeroable};

use super::ClOrdId;
use super::block::{
    NULL_CHAR, NULL_I64, NULL_U8, NULL_U16, NULL_U32, NULL_U64, ZERO_I32, ZERO_I64, ZERO_U32,
    ZERO_U64, wire_block,
};
use crate::wire::{I32Le, I64Le, U16Le, U32Le, U64Le};

wire_block! {
    /// How an order stands, as it was asked: `ExecutionReportStatus532`. Constant ExecType `I`.
    pub struct OrderStatus: template 532, 513 bytes {
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
        /// Name of the status request.
        404: status_id: U64Le = NULL_U64, OrdStatusReqID(790);
        /// Name of the mass status request.
        412: mass_status_id: U64Le = NULL_U64, MassStatusReqID(584);
        /// Cross order it belongs to, ours.
        420: cross_id: U64Le = NULL_U64, CrossID(548);
        /// Cross order it belongs to, the exchange's.
        428: host_cross_id: U64Le = NULL_U64, HostCrossID(961);
        /// Where the sender sits, NUL padded.
        436: location: [u8; 5] = [0; 5], Location(9537);
        /// Instrument, as in market data.
        441: security_id: I32Le = ZERO_I32, SecurityID(48);
        /// Quantity of the order, contracts.
        445: qty_lots: U32Le = ZERO_U32, OrderQty(38);
        /// Filled so far, contracts.
        449: cum_lots: U32Le = ZERO_U32, CumQty(14);
        /// Still open, contracts.
        453: leaves_lots: U32Le = ZERO_U32, LeavesQty(151);
        /// Fill at least so many or none, contracts.
        457: min_qty_lots: U32Le = NULL_U32, MinQty(110);
        /// Shown part of an iceberg, contracts.
        461: display_lots: U32Le = NULL_U32, DisplayQty(1138);
        /// Last day of a GTD order, days since 1970.
        465: expire_date: U16Le = NULL_U16, ExpireDate(432);
        /// ASCII: `0` new, `1` partly filled, `2` filled, `4` cancelled, `5` replaced, `6` and `E`
        /// waiting for a cancel or a replace, `8` rejected, `C` expired, `U` undefined.
        467: ord_status: u8 = 0, OrdStatus(39);
        /// ASCII: `1` market with protection, `2` limit, `4` stop limit, `K` market to limit.
        468: ord_type: u8 = NULL_CHAR, OrdType(40);
        /// 1 buy, 2 sell, 7 undisclosed.
        469: side: u8 = 0, Side(54);
        /// 0 day, 1 GTC, 3 fill and kill, 4 fill or kill, 6 GTD, 99 session.
        470: tif: u8 = NULL_U8, TimeInForce(59);
        /// 0 automated, 1 manual.
        471: manual: u8 = 0, ManualOrderIndicator(1028);
        /// 1 if sent again in answer to a retransmit request.
        472: poss_retrans: u8 = 0, PossRetransFlag(9765);
        /// 1 in the last answer to a mass status request.
        473: is_last: u8 = NULL_U8, LastRptRequested(912);
        /// Kind of cross order.
        474: cross_type: u8 = NULL_U8, CrossType(549);
        /// Bit set: 0 all or none, 1 only best, 2 not held.
        475: exec_inst: u8 = 0, ExecInst(18);
        /// ASCII: `A` aggressive, `P` passive; NUL means aggressive.
        476: execution_mode: u8 = NULL_CHAR, ExecutionMode(5906);
        /// 1 for a market-making obligation (EU BrokerTec and EBS only).
        477: liquidity_flag: u8 = NULL_U8, LiquidityFlag(9373);
        /// 1 for a managed order.
        478: managed_order: u8 = NULL_U8, ManagedOrder(6881);
        /// MiFID: 0 long sale, 1 short, 2 exempt short, 3 undisclosed.
        479: short_sale_type: u8 = NULL_U8, ShortSaleType(5409);
        /// Price accepted beyond the displayed one, units of 1e-9.
        480: discretion_e9: I64Le = NULL_I64, DiscretionPrice(845);
        /// Worst price accepted within the limit, units of 1e-9.
        488: reservation_e9: I64Le = NULL_I64, ReservationPrice(9562);
        /// Whether the order rests with large or standard size priority.
        496: priority: u8 = NULL_U8, PriorityIndicator(638);
        /// Owner of an order cancelled on another's behalf.
        497: orig_order_user: [u8; 8] = [0; 8], OrigOrderUser(9937);
        /// Who cancelled on the owner's behalf.
        505: cancel_text: [u8; 8] = [0; 8], CancelText(2807);
    }
}

wire_block! {
    /// A cancel waits at the exchange: `ExecutionReportPendingCancel564`. Constant ExecType and
    /// OrdStatus `6`.
    pub struct PendingCancel: template 564, 219 bytes {
        /// Sequence number of this message within the session.
        0: seq_no: U32Le = ZERO_U32, SeqNum(9726);
        /// Identifies the FIXP session, chosen by us in Establish.
        4: uuid: U64Le = ZERO_U64, UUID(39001);
        /// Name of this execution message, unique per day.
        12: exec_id: [u8; 40] = [0; 40], ExecID(17);
        /// Operator of the session, NUL padded.
        52: sender_id: [u8; 20] = [0; 20], SenderID(5392);
        /// The order's name given by us.
        72: cl_ord_id: ClOrdId = ClOrdId::EMPTY, ClOrdID(11);
        /// Registered set of party details.
        92: party_details_id: U64Le = ZERO_U64, PartyDetailsListReqID(1505);
        /// The order's name given by the exchange.
        100: order_id: U64Le = ZERO_U64, OrderID(37);
        /// Limit price, units of 1e-9.
        108: price_e9: I64Le = ZERO_I64, Price(44);
        /// When the exchange did it, ns since 1970.
        116: transact_ns: U64Le = ZERO_U64, TransactTime(60);
        /// When the message was sent, ns since 1970.
        124: sent_ns: U64Le = ZERO_U64, SendingTimeEpoch(5297);
        /// Name of the request, echoed in the report that answers it.
        132: request_id: U64Le = ZERO_U64, OrderRequestID(2422);
        /// Where the sender sits, NUL padded.
        140: location: [u8; 5] = [0; 5], Location(9537);
        /// Instrument, as in market data.
        145: security_id: I32Le = ZERO_I32, SecurityID(48);
        /// Quantity of the order, contracts.
        149: qty_lots: U32Le = ZERO_U32, OrderQty(38);
        /// Filled so far, contracts.
        153: cum_lots: U32Le = ZERO_U32, CumQty(14);
        /// Still open, contracts.
        157: leaves_lots: U32Le = NULL_U32, LeavesQty(151);
        /// Fill at least so many or none, contracts.
        161: min_qty_lots: U32Le = NULL_U32, MinQty(110);
        /// Shown part of an iceberg, contracts.
        165: display_lots: U32Le = NULL_U32, DisplayQty(1138);
        /// Last day of a GTD order, days since 1970.
        169: expire_date: U16Le = NULL_U16, ExpireDate(432);
        /// ASCII: `1` market with protection, `2` limit, `4` stop limit, `K` market to limit.
        171: ord_type: u8 = NULL_CHAR, OrdType(40);
        /// 1 buy, 2 sell, 7 undisclosed.
        172: side: u8 = 0, Side(54);
        /// 0 day, 1 GTC, 3 fill and kill, 4 fill or kill, 6 GTD, 99 session.
        173: tif: u8 = NULL_U8, TimeInForce(59);
        /// 0 automated, 1 manual.
        174: manual: u8 = 0, ManualOrderIndicator(1028);
        /// 1 if sent again in answer to a retransmit request.
        175: poss_retrans: u8 = 0, PossRetransFlag(9765);
        /// 0 split, 1 out of order, 2 complete message delayed; null if none.
        176: split_msg: u8 = NULL_U8, SplitMsg(9553);
        /// 1 for a market-making obligation (EU BrokerTec and EBS only).
        177: liquidity_flag: u8 = NULL_U8, LiquidityFlag(9373);
        /// How long a split or late message was held, ns; see `split_msg`.
        178: delayed_ns: U64Le = NULL_U64, DelayToTime(7552);
        /// Price accepted beyond the displayed one, units of 1e-9.
        186: discretion_e9: I64Le = NULL_I64, DiscretionPrice(845);
        /// Worst price accepted within the limit, units of 1e-9.
        194: reservation_e9: I64Le = NULL_I64, ReservationPrice(9562);
        /// Whether the order rests with large or standard size priority.
        202: priority: u8 = NULL_U8, PriorityIndicator(638);
        /// Owner of an order cancelled on another's behalf.
        203: orig_order_user: [u8; 8] = [0; 8], OrigOrderUser(9937);
        /// Who cancelled on the owner's behalf.
        211: cancel_text: [u8; 8] = [0; 8], CancelText(2807);
    }
}

wire_block! {
    /// A replace waits at the exchange: `ExecutionReportPendingReplace565`. Constant ExecType and
    /// OrdStatus `E`.
    pub struct PendingReplace: template 565, 196 bytes {
        /// Sequence number of this message within the session.
        0: seq_no: U32Le = ZERO_U32, SeqNum(9726);
        /// Identifies the FIXP session, chosen by us in Establish.
        4: uuid: U64Le = ZERO_U64, UUID(39001);
        /// Name of this execution message, unique per day.
        12: exec_id: [u8; 40] = [0; 40], ExecID(17);
        /// Operator of the session, NUL padded.
        52: sender_id: [u8; 20] = [0; 20], SenderID(5392);
        /// The order's name given by us.
        72: cl_ord_id: ClOrdId = ClOrdId::EMPTY, ClOrdID(11);
        /// Registered set of party details.
        92: party_details_id: U64Le = ZERO_U64, PartyDetailsListReqID(1505);
        /// The order's name given by the exchange.
        100: order_id: U64Le = ZERO_U64, OrderID(37);
        /// Limit price, units of 1e-9.
        108: price_e9: I64Le = ZERO_I64, Price(44);
        /// When the exchange did it, ns since 1970.
        116: transact_ns: U64Le = ZERO_U64, TransactTime(60);
        /// When the message was sent, ns since 1970.
        124: sent_ns: U64Le = ZERO_U64, SendingTimeEpoch(5297);
        /// Name of the request, echoed in the report that answers it.
        132: request_id: U64Le = ZERO_U64, OrderRequestID(2422);
        /// Where the sender sits, NUL padded.
        140: location: [u8; 5] = [0; 5], Location(9537);
        /// Instrument, as in market data.
        145: security_id: I32Le = ZERO_I32, SecurityID(48);
        /// Quantity of the order, contracts.
        149: qty_lots: U32Le = ZERO_U32, OrderQty(38);
        /// Filled so far, contracts.
        153: cum_lots: U32Le = ZERO_U32, CumQty(14);
        /// Still open, contracts.
        157: leaves_lots: U32Le = ZERO_U32, LeavesQty(151);
        /// Fill at least so many or none, contracts.
        161: min_qty_lots: U32Le = NULL_U32, MinQty(110);
        /// Shown part of an iceberg, contracts.
        165: display_lots: U32Le = NULL_U32, DisplayQty(1138);
        /// Last day of a GTD order, days since 1970.
        169: expire_date: U16Le = NULL_U16, ExpireDate(432);
        /// ASCII: `1` market with protection, `2` limit, `4` stop limit, `K` market to limit.
        171: ord_type: u8 = NULL_CHAR, OrdType(40);
        /// 1 buy, 2 sell, 7 undisclosed.
        172: side: u8 = 0, Side(54);
        /// 0 day, 1 GTC, 3 fill and kill, 4 fill or kill, 6 GTD, 99 session.
        173: tif: u8 = NULL_U8, TimeInForce(59);
        /// 0 automated, 1 manual.
        174: manual: u8 = 0, ManualOrderIndicator(1028);
        /// 1 if sent again in answer to a retransmit request.
        175: poss_retrans: u8 = 0, PossRetransFlag(9765);
        /// 0 split, 1 out of order, 2 complete message delayed; null if none.
        176: split_msg: u8 = NULL_U8, SplitMsg(9553);
        /// 1 for a market-making obligation (EU BrokerTec and EBS only).
        177: liquidity_flag: u8 = NULL_U8, LiquidityFlag(9373);
        /// MiFID: 0 long sale, 1 short, 2 exempt short, 3 undisclosed.
        178: short_sale_type: u8 = NULL_U8, ShortSaleType(5409);
        /// How long a split or late message was held, ns; see `split_msg`.
        179: delayed_ns: U64Le = NULL_U64, DelayToTime(7552);
        /// Price accepted beyond the displayed one, units of 1e-9.
        187: discretion_e9: I64Le = NULL_I64, DiscretionPrice(845);
        /// Whether the order rests with large or standard size priority.
        195: priority: u8 = NULL_U8, PriorityIndicator(638);
    }
}
