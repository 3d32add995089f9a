//! What became of an order, fills apart: entered, changed, cancelled, eliminated.
//!
//! Fills are in `trade_report`, refusals in `reject_report`.

use bytemuck::{Pod, Zeroable};

use super::ClOrdId;
use super::block::{
    NULL_CHAR, NULL_I64, NULL_U8, NULL_U16, NULL_U32, NULL_U64, ZERO_I32, ZERO_I64, ZERO_U32,
    ZERO_U64, wire_block,
};
use crate::wire::{I32Le, I64Le, U16Le, U32Le, U64Le};

wire_block! {
    /// The order is in the book: `ExecutionReportNew522`. Constant OrdStatus `0`, ExecType `0`.
    pub struct OrderNew: template 522, 226 bytes {
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
        /// Stop price, units of 1e-9.
        116: stop_e9: I64Le = NULL_I64, StopPx(99);
        /// When the exchange did it, ns since 1970.
        124: transact_ns: U64Le = ZERO_U64, TransactTime(60);
        /// When the message was sent, ns since 1970.
        132: sent_ns: U64Le = ZERO_U64, SendingTimeEpoch(5297);
        /// Name of the request, echoed in the report that answers it.
        140: request_id: U64Le = ZERO_U64, OrderRequestID(2422);
        /// Cross order it belongs to, ours.
        148: cross_id: U64Le = NULL_U64, CrossID(548);
        /// Cross order it belongs to, the exchange's.
        156: host_cross_id: U64Le = NULL_U64, HostCrossID(961);
        /// Where the sender sits, NUL padded.
        164: location: [u8; 5] = [0; 5], Location(9537);
        /// Instrument, as in market data.
        169: security_id: I32Le = ZERO_I32, SecurityID(48);
        /// Quantity of the order, contracts.
        173: qty_lots: U32Le = ZERO_U32, OrderQty(38);
        /// Fill at least so many or none, contracts.
        177: min_qty_lots: U32Le = NULL_U32, MinQty(110);
        /// Shown part of an iceberg, contracts.
        181: display_lots: U32Le = NULL_U32, DisplayQty(1138);
        /// Last day of a GTD order, days since 1970.
        185: expire_date: U16Le = NULL_U16, ExpireDate(432);
        /// Not used by the exchange.
        187: delay_duration: U16Le = NULL_U16, DelayDuration(5904);
        /// ASCII: `1` market with protection, `2` limit, `4` stop limit, `K` market to limit.
        189: ord_type: u8 = NULL_CHAR, OrdType(40);
        /// 1 buy, 2 sell, 7 undisclosed.
        190: side: u8 = 0, Side(54);
        /// 0 day, 1 GTC, 3 fill and kill, 4 fill or kill, 6 GTD, 99 session.
        191: tif: u8 = NULL_U8, TimeInForce(59);
        /// 0 automated, 1 manual.
        192: manual: u8 = 0, ManualOrderIndicator(1028);
        /// 1 if sent again in answer to a retransmit request.
        193: poss_retrans: u8 = 0, PossRetransFlag(9765);
        /// 0 split, 1 out of order, 2 complete message delayed; null if none.
        194: split_msg: u8 = NULL_U8, SplitMsg(9553);
        /// Kind of cross order.
        195: cross_type: u8 = NULL_U8, CrossType(549);
        /// Bit set: 0 all or none, 1 only best, 2 not held.
        196: exec_inst: u8 = 0, ExecInst(18);
        /// ASCII: `A` aggressive, `P` passive; NUL means aggressive.
        197: execution_mode: u8 = NULL_CHAR, ExecutionMode(5906);
        /// 1 for a market-making obligation (EU BrokerTec and EBS only).
        198: liquidity_flag: u8 = NULL_U8, LiquidityFlag(9373);
        /// 1 for a managed order.
        199: managed_order: u8 = NULL_U8, ManagedOrder(6881);
        /// MiFID: 0 long sale, 1 short, 2 exempt short, 3 undisclosed.
        200: short_sale_type: u8 = NULL_U8, ShortSaleType(5409);
        /// How long a split or late message was held, ns; see `split_msg`.
        201: delayed_ns: U64Le = NULL_U64, DelayToTime(7552);
        /// Price accepted beyond the displayed one, units of 1e-9.
        209: discretion_e9: I64Le = NULL_I64, DiscretionPrice(845);
        /// Worst price accepted within the limit, units of 1e-9.
        217: reservation_e9: I64Le = NULL_I64, ReservationPrice(9562);
        /// Whether the order rests with large or standard size priority.
        225: priority: u8 = NULL_U8, PriorityIndicator(638);
    }
}

wire_block! {
    /// The rest of an order that may not rest is gone: `ExecutionReportElimination524`. Constant
    /// OrdStatus `C`, ExecType `C`.
    pub struct OrderEliminated: template 524, 219 bytes {
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
        /// Stop price, units of 1e-9.
        116: stop_e9: I64Le = NULL_I64, StopPx(99);
        /// When the exchange did it, ns since 1970.
        124: transact_ns: U64Le = ZERO_U64, TransactTime(60);
        /// When the message was sent, ns since 1970.
        132: sent_ns: U64Le = ZERO_U64, SendingTimeEpoch(5297);
        /// Name of the request, echoed in the report that answers it.
        140: request_id: U64Le = ZERO_U64, OrderRequestID(2422);
        /// Cross order it belongs to, ours.
        148: cross_id: U64Le = NULL_U64, CrossID(548);
        /// Cross order it belongs to, the exchange's.
        156: host_cross_id: U64Le = NULL_U64, HostCrossID(961);
        /// Where the sender sits, NUL padded.
        164: location: [u8; 5] = [0; 5], Location(9537);
        /// Instrument, as in market data.
        169: security_id: I32Le = ZERO_I32, SecurityID(48);
        /// Filled so far, contracts.
        173: cum_lots: U32Le = ZERO_U32, CumQty(14);
        /// Quantity of the order, contracts.
        177: qty_lots: U32Le = ZERO_U32, OrderQty(38);
        /// Fill at least so many or none, contracts.
        181: min_qty_lots: U32Le = NULL_U32, MinQty(110);
        /// Shown part of an iceberg, contracts.
        185: display_lots: U32Le = NULL_U32, DisplayQty(1138);
        /// Last day of a GTD order, days since 1970.
        189: expire_date: U16Le = NULL_U16, ExpireDate(432);
        /// ASCII: `1` market with protection, `2` limit, `4` stop limit, `K` market to limit.
        191: ord_type: u8 = NULL_CHAR, OrdType(40);
        /// 1 buy, 2 sell, 7 undisclosed.
        192: side: u8 = 0, Side(54);
        /// 0 day, 1 GTC, 3 fill and kill, 4 fill or kill, 6 GTD, 99 session.
        193: tif: u8 = NULL_U8, TimeInForce(59);
        /// 0 automated, 1 manual.
        194: manual: u8 = 0, ManualOrderIndicator(1028);
        /// 1 if sent again in answer to a retransmit request.
        195: poss_retrans: u8 = 0, PossRetransFlag(9765);
        /// Kind of cross order.
        196: cross_type: u8 = NULL_U8, CrossType(549);
        /// Bit set: 0 all or none, 1 only best, 2 not held.
        197: exec_inst: u8 = 0, ExecInst(18);
        /// ASCII: `A` aggressive, `P` passive; NUL means aggressive.
        198: execution_mode: u8 = NULL_CHAR, ExecutionMode(5906);
        /// 1 for a market-making obligation (EU BrokerTec and EBS only).
        199: liquidity_flag: u8 = NULL_U8, LiquidityFlag(9373);
        /// 1 for a managed order.
        200: managed_order: u8 = NULL_U8, ManagedOrder(6881);
        /// MiFID: 0 long sale, 1 short, 2 exempt short, 3 undisclosed.
        201: short_sale_type: u8 = NULL_U8, ShortSaleType(5409);
        /// Price accepted beyond the displayed one, units of 1e-9.
        202: discretion_e9: I64Le = NULL_I64, DiscretionPrice(845);
        /// Worst price accepted within the limit, units of 1e-9.
        210: reservation_e9: I64Le = NULL_I64, ReservationPrice(9562);
        /// Whether the order rests with large or standard size priority.
        218: priority: u8 = NULL_U8, PriorityIndicator(638);
    }
}

wire_block! {
    /// The order was replaced: `ExecutionReportModify531`. Constant OrdStatus `5`, ExecType `5`.
    pub struct OrderModified: template 531, 226 bytes {
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
        /// Stop price, units of 1e-9.
        116: stop_e9: I64Le = NULL_I64, StopPx(99);
        /// When the exchange did it, ns since 1970.
        124: transact_ns: U64Le = ZERO_U64, TransactTime(60);
        /// When the message was sent, ns since 1970.
        132: sent_ns: U64Le = ZERO_U64, SendingTimeEpoch(5297);
        /// Name of the request, echoed in the report that answers it.
        140: request_id: U64Le = ZERO_U64, OrderRequestID(2422);
        /// Cross order it belongs to, ours.
        148: cross_id: U64Le = NULL_U64, CrossID(548);
        /// Cross order it belongs to, the exchange's.
        156: host_cross_id: U64Le = NULL_U64, HostCrossID(961);
        /// Where the sender sits, NUL padded.
        164: location: [u8; 5] = [0; 5], Location(9537);
        /// Instrument, as in market data.
        169: security_id: I32Le = ZERO_I32, SecurityID(48);
        /// Quantity of the order, contracts.
        173: qty_lots: U32Le = ZERO_U32, OrderQty(38);
        /// Filled so far, contracts.
        177: cum_lots: U32Le = ZERO_U32, CumQty(14);
        /// Still open, contracts.
        181: leaves_lots: U32Le = ZERO_U32, LeavesQty(151);
        /// Fill at least so many or none, contracts.
        185: min_qty_lots: U32Le = NULL_U32, MinQty(110);
        /// Shown part of an iceberg, contracts.
        189: display_lots: U32Le = NULL_U32, DisplayQty(1138);
        /// Last day of a GTD order, days since 1970.
        193: expire_date: U16Le = NULL_U16, ExpireDate(432);
        /// Not used by the exchange.
        195: delay_duration: U16Le = NULL_U16, DelayDuration(5904);
        /// ASCII: `1` market with protection, `2` limit, `4` stop limit, `K` market to limit.
        197: ord_type: u8 = NULL_CHAR, OrdType(40);
        /// 1 buy, 2 sell, 7 undisclosed.
        198: side: u8 = 0, Side(54);
        /// 0 day, 1 GTC, 3 fill and kill, 4 fill or kill, 6 GTD, 99 session.
        199: tif: u8 = NULL_U8, TimeInForce(59);
        /// 0 automated, 1 manual.
        200: manual: u8 = 0, ManualOrderIndicator(1028);
        /// 1 if sent again in answer to a retransmit request.
        201: poss_retrans: u8 = 0, PossRetransFlag(9765);
        /// 0 split, 1 out of order, 2 complete message delayed; null if none.
        202: split_msg: u8 = NULL_U8, SplitMsg(9553);
        /// Kind of cross order.
        203: cross_type: u8 = NULL_U8, CrossType(549);
        /// Bit set: 0 all or none, 1 only best, 2 not held.
        204: exec_inst: u8 = 0, ExecInst(18);
        /// ASCII: `A` aggressive, `P` passive; NUL means aggressive.
        205: execution_mode: u8 = NULL_CHAR, ExecutionMode(5906);
        /// 1 for a market-making obligation (EU BrokerTec and EBS only).
        206: liquidity_flag: u8 = NULL_U8, LiquidityFlag(9373);
        /// 1 for a managed order.
        207: managed_order: u8 = NULL_U8, ManagedOrder(6881);
        /// MiFID: 0 long sale, 1 short, 2 exempt short, 3 undisclosed.
        208: short_sale_type: u8 = NULL_U8, ShortSaleType(5409);
        /// How long a split or late message was held, ns; see `split_msg`.
        209: delayed_ns: U64Le = NULL_U64, DelayToTime(7552);
        /// Price accepted beyond the displayed one, units of 1e-9.
        217: discretion_e9: I64Le = NULL_I64, DiscretionPrice(845);
        /// Whether the order rests with large or standard size priority.
        225: priority: u8 = NULL_U8, PriorityIndicator(638);
    }
}

wire_block! {
    /// The order was cancelled, by us or by the exchange (`restatement` says why):
    /// `ExecutionReportCancel534`. Constant OrdStatus `4`, ExecType `4`.
    pub struct OrderCancelled: template 534, 247 bytes {
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
        /// Stop price, units of 1e-9.
        116: stop_e9: I64Le = NULL_I64, StopPx(99);
        /// When the exchange did it, ns since 1970.
        124: transact_ns: U64Le = ZERO_U64, TransactTime(60);
        /// When the message was sent, ns since 1970.
        132: sent_ns: U64Le = ZERO_U64, SendingTimeEpoch(5297);
        /// Name of the request, echoed in the report that answers it.
        140: request_id: U64Le = ZERO_U64, OrderRequestID(2422);
        /// Cross order it belongs to, ours.
        148: cross_id: U64Le = NULL_U64, CrossID(548);
        /// Cross order it belongs to, the exchange's.
        156: host_cross_id: U64Le = NULL_U64, HostCrossID(961);
        /// Where the sender sits, NUL padded.
        164: location: [u8; 5] = [0; 5], Location(9537);
        /// Instrument, as in market data.
        169: security_id: I32Le = ZERO_I32, SecurityID(48);
        /// Quantity of the order, contracts.
        173: qty_lots: U32Le = ZERO_U32, OrderQty(38);
        /// Filled so far, contracts.
        177: cum_lots: U32Le = ZERO_U32, CumQty(14);
        /// Fill at least so many or none, contracts.
        181: min_qty_lots: U32Le = NULL_U32, MinQty(110);
        /// Shown part of an iceberg, contracts.
        185: display_lots: U32Le = NULL_U32, DisplayQty(1138);
        /// Last day of a GTD order, days since 1970.
        189: expire_date: U16Le = NULL_U16, ExpireDate(432);
        /// Not used by the exchange.
        191: delay_duration: U16Le = NULL_U16, DelayDuration(5904);
        /// ASCII: `1` market with protection, `2` limit, `4` stop limit, `K` market to limit.
        193: ord_type: u8 = NULL_CHAR, OrdType(40);
        /// 1 buy, 2 sell, 7 undisclosed.
        194: side: u8 = 0, Side(54);
        /// 0 day, 1 GTC, 3 fill and kill, 4 fill or kill, 6 GTD, 99 session.
        195: tif: u8 = NULL_U8, TimeInForce(59);
        /// 0 automated, 1 manual.
        196: manual: u8 = 0, ManualOrderIndicator(1028);
        /// 1 if sent again in answer to a retransmit request.
        197: poss_retrans: u8 = 0, PossRetransFlag(9765);
        /// 0 split, 1 out of order, 2 complete message delayed; null if none.
        198: split_msg: u8 = NULL_U8, SplitMsg(9553);
        /// Why the order changed unasked, as a code.
        199: restatement: u8 = NULL_U8, ExecRestatementReason(378);
        /// Kind of cross order.
        200: cross_type: u8 = NULL_U8, CrossType(549);
        /// Bit set: 0 all or none, 1 only best, 2 not held.
        201: exec_inst: u8 = 0, ExecInst(18);
        /// ASCII: `A` aggressive, `P` passive; NUL means aggressive.
        202: execution_mode: u8 = NULL_CHAR, ExecutionMode(5906);
        /// 1 for a market-making obligation (EU BrokerTec and EBS only).
        203: liquidity_flag: u8 = NULL_U8, LiquidityFlag(9373);
        /// 1 for a managed order.
        204: managed_order: u8 = NULL_U8, ManagedOrder(6881);
        /// MiFID: 0 long sale, 1 short, 2 exempt short, 3 undisclosed.
        205: short_sale_type: u8 = NULL_U8, ShortSaleType(5409);
        /// How long a split or late message was held, ns; see `split_msg`.
        206: delayed_ns: U64Le = NULL_U64, DelayToTime(7552);
        /// Price accepted beyond the displayed one, units of 1e-9.
        214: discretion_e9: I64Le = NULL_I64, DiscretionPrice(845);
        /// Worst price accepted within the limit, units of 1e-9.
        222: reservation_e9: I64Le = NULL_I64, ReservationPrice(9562);
        /// Whether the order rests with large or standard size priority.
        230: priority: u8 = NULL_U8, PriorityIndicator(638);
        /// Owner of an order cancelled on another's behalf.
        231: orig_order_user: [u8; 8] = [0; 8], OrigOrderUser(9937);
        /// Who cancelled on the owner's behalf.
        239: cancel_text: [u8; 8] = [0; 8], CancelText(2807);
    }
}
