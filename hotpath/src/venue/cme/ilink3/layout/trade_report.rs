//! A fill of an outright order, the two groups that follow it, and its later cancellation.
//!
//! Exchange-listed spreads (526, 527, 549, 550) are not here: the desk makes its own.

use bytemuck::{Pod, Zeroable};

use super::ClOrdId;
use super::block::{
    Decimal64, NULL_CHAR, NULL_I64, NULL_U8, NULL_U16, NULL_U32, NULL_U64, ZERO_I32, ZERO_I64,
    ZERO_U32, ZERO_U64, wire_block,
};
use crate::wire::{I32Le, I64Le, U16Le, U32Le, U64Le};

wire_block! {
    /// A fill: `ExecutionReportTradeOutright525`. Constant ExecType `F`. Groups `NoFills` and
    /// `NoOrderEvents` follow.
    pub struct TradeOutright: template 525, 293 bytes {
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
        /// Price of this fill, units of 1e-9.
        100: last_e9: I64Le = ZERO_I64, LastPx(31);
        /// The order's name given by the exchange.
        108: order_id: U64Le = ZERO_U64, OrderID(37);
        /// Limit price, units of 1e-9.
        116: price_e9: I64Le = ZERO_I64, Price(44);
        /// Stop price, units of 1e-9.
        124: stop_e9: I64Le = NULL_I64, StopPx(99);
        /// When the exchange did it, ns since 1970.
        132: transact_ns: U64Le = ZERO_U64, TransactTime(60);
        /// When the message was sent, ns since 1970.
        140: sent_ns: U64Le = ZERO_U64, SendingTimeEpoch(5297);
        /// Name of the request, echoed in the report that answers it.
        148: request_id: U64Le = ZERO_U64, OrderRequestID(2422);
        /// Links the fills of a spread and of its legs.
        156: sec_exec_id: U64Le = ZERO_U64, SecExecID(527);
        /// Cross order it belongs to, ours.
        164: cross_id: U64Le = NULL_U64, CrossID(548);
        /// Cross order it belongs to, the exchange's.
        172: host_cross_id: U64Le = NULL_U64, HostCrossID(961);
        /// Where the sender sits, NUL padded.
        180: location: [u8; 5] = [0; 5], Location(9537);
        /// Instrument, as in market data.
        185: security_id: I32Le = ZERO_I32, SecurityID(48);
        /// Quantity of the order, contracts.
        189: qty_lots: U32Le = ZERO_U32, OrderQty(38);
        /// Quantity of this fill, contracts.
        193: last_lots: U32Le = ZERO_U32, LastQty(32);
        /// Filled so far, contracts.
        197: cum_lots: U32Le = ZERO_U32, CumQty(14);
        /// The same trade in market data.
        201: md_trade_id: U32Le = ZERO_U32, MDTradeEntryID(37711);
        /// Name of our side of the trade.
        205: side_trade_id: U32Le = ZERO_U32, SideTradeID(1506);
        /// BrokerTec workup it belongs to.
        209: trade_link_id: U32Le = NULL_U32, TradeLinkID(820);
        /// Still open, contracts.
        213: leaves_lots: U32Le = ZERO_U32, LeavesQty(151);
        /// Trading day, days since 1970.
        217: trade_date: U16Le = NULL_U16, TradeDate(75);
        /// Last day of a GTD order, days since 1970.
        219: expire_date: U16Le = NULL_U16, ExpireDate(432);
        /// 1 partially filled, 2 filled.
        221: ord_status: u8 = 0, OrdStatus(39);
        /// ASCII: `1` market with protection, `2` limit, `4` stop limit, `K` market to limit.
        222: ord_type: u8 = NULL_CHAR, OrdType(40);
        /// 1 buy, 2 sell, 7 undisclosed.
        223: side: u8 = 0, Side(54);
        /// 0 day, 1 GTC, 3 fill and kill, 4 fill or kill, 6 GTD, 99 session.
        224: tif: u8 = NULL_U8, TimeInForce(59);
        /// 0 automated, 1 manual.
        225: manual: u8 = 0, ManualOrderIndicator(1028);
        /// 1 if sent again in answer to a retransmit request.
        226: poss_retrans: u8 = 0, PossRetransFlag(9765);
        /// 1 if our order came in and matched a resting one.
        227: aggressor: u8 = 0, AggressorIndicator(1057);
        /// Kind of cross order.
        228: cross_type: u8 = NULL_U8, CrossType(549);
        /// Bit set: 0 all or none, 1 only best, 2 not held.
        229: exec_inst: u8 = 0, ExecInst(18);
        /// ASCII: `A` aggressive, `P` passive; NUL means aggressive.
        230: execution_mode: u8 = NULL_CHAR, ExecutionMode(5906);
        /// 1 for a market-making obligation (EU BrokerTec and EBS only).
        231: liquidity_flag: u8 = NULL_U8, LiquidityFlag(9373);
        /// 1 for a managed order.
        232: managed_order: u8 = NULL_U8, ManagedOrder(6881);
        /// MiFID: 0 long sale, 1 short, 2 exempt short, 3 undisclosed.
        233: short_sale_type: u8 = NULL_U8, ShortSaleType(5409);
        /// Owner of the private phase of a workup.
        234: ownership: u8 = 0, Ownership(7191);
        /// Price accepted beyond the displayed one, units of 1e-9.
        235: discretion_e9: I64Le = NULL_I64, DiscretionPrice(845);
        /// Set for a trade at a fixing price.
        243: trade_type: U16Le = NULL_U16, TrdType(828);
        /// Why the order changed unasked, as a code.
        245: restatement: u8 = NULL_U8, ExecRestatementReason(378);
        /// Settlement day, days since 1970.
        246: settle_date: U16Le = NULL_U16, SettlDate(64);
        /// Maturity, days since 1970.
        248: maturity_date: U16Le = NULL_U16, MaturityDate(541);
        /// Amount in the counter currency (spot FX).
        250: ccy_last_qty: Decimal64 = Decimal64::NULL, CalculatedCcyLastQty(1056);
        /// Amount in the base currency (spot FX).
        259: gross_trade_amount: Decimal64 = Decimal64::NULL, GrossTradeAmt(381);
        /// Fixing price, units of 1e-9.
        268: benchmark_e9: I64Le = NULL_I64, BenchmarkPrice(6262);
        /// Worst price accepted within the limit, units of 1e-9.
        276: reservation_e9: I64Le = NULL_I64, ReservationPrice(9562);
        /// Whether the order rests with large or standard size priority.
        284: priority: u8 = NULL_U8, PriorityIndicator(638);
        /// Price at which the other side is listed, units of 1e-9.
        285: display_limit_e9: I64Le = NULL_I64, DisplayLimitPrice(9264);
    }
}

wire_block! {
    /// A fill is taken back or corrected: `ExecutionReportTradeAddendumOutright548`, as far as
    /// version 8 knows it. Version 9 appends `MDTradeEntryID` and `ExecRefID`; two groups follow,
    /// which are not read.
    pub struct TradeAddendum: template 548, 222 bytes {
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
        /// Price of the fill, units of 1e-9.
        100: last_e9: I64Le = ZERO_I64, LastPx(31);
        /// The order's name given by the exchange.
        108: order_id: U64Le = ZERO_U64, OrderID(37);
        /// When the exchange did it, ns since 1970.
        116: transact_ns: U64Le = ZERO_U64, TransactTime(60);
        /// When the message was sent, ns since 1970.
        124: sent_ns: U64Le = ZERO_U64, SendingTimeEpoch(5297);
        /// Links the fills of a spread and of its legs.
        132: sec_exec_id: U64Le = ZERO_U64, SecExecID(527);
        /// `sec_exec_id` of the fill that is taken back or corrected.
        140: orig_sec_exec_id: U64Le = NULL_U64, OrigSecondaryExecutionID(9703);
        /// Where the sender sits, NUL padded.
        148: location: [u8; 5] = [0; 5], Location(9537);
        /// Instrument, as in market data.
        153: security_id: I32Le = ZERO_I32, SecurityID(48);
        /// Quantity of the fill, contracts.
        157: last_lots: U32Le = ZERO_U32, LastQty(32);
        /// Name of our side of the trade.
        161: side_trade_id: U32Le = ZERO_U32, SideTradeID(1506);
        /// `side_trade_id` of the fill that is taken back or corrected.
        165: orig_side_trade_id: U32Le = NULL_U32, OrigSideTradeID(1507);
        /// Trading day, days since 1970.
        169: trade_date: U16Le = NULL_U16, TradeDate(75);
        /// ASCII: `G` corrected, `H` taken back.
        171: ord_status: u8 = 0, OrdStatus(39);
        /// ASCII: `G` corrected, `H` taken back.
        172: exec_type: u8 = 0, ExecType(150);
        /// 1 buy, 2 sell, 7 undisclosed.
        173: side: u8 = 0, Side(54);
        /// 0 automated, 1 manual.
        174: manual: u8 = 0, ManualOrderIndicator(1028);
        /// 1 if sent again in answer to a retransmit request.
        175: poss_retrans: u8 = 0, PossRetransFlag(9765);
        /// Bit set: 0 all or none, 1 only best, 2 not held.
        176: exec_inst: u8 = 0, ExecInst(18);
        /// ASCII: `A` aggressive, `P` passive; NUL means aggressive.
        177: execution_mode: u8 = NULL_CHAR, ExecutionMode(5906);
        /// 1 for a market-making obligation (EU BrokerTec and EBS only).
        178: liquidity_flag: u8 = NULL_U8, LiquidityFlag(9373);
        /// 1 for a managed order.
        179: managed_order: u8 = NULL_U8, ManagedOrder(6881);
        /// MiFID: 0 long sale, 1 short, 2 exempt short, 3 undisclosed.
        180: short_sale_type: u8 = NULL_U8, ShortSaleType(5409);
        /// Price accepted beyond the displayed one, units of 1e-9.
        181: discretion_e9: I64Le = NULL_I64, DiscretionPrice(845);
        /// Set for a trade at a fixing price.
        189: trade_type: U16Le = NULL_U16, TrdType(828);
        /// Why the order changed unasked, as a code.
        191: restatement: u8 = NULL_U8, ExecRestatementReason(378);
        /// Settlement day, days since 1970.
        192: settle_date: U16Le = NULL_U16, SettlDate(64);
        /// Maturity, days since 1970.
        194: maturity_date: U16Le = NULL_U16, MaturityDate(541);
        /// Amount in the counter currency (spot FX).
        196: ccy_last_qty: Decimal64 = Decimal64::NULL, CalculatedCcyLastQty(1056);
        /// Amount in the base currency (spot FX).
        205: gross_trade_amount: Decimal64 = Decimal64::NULL, GrossTradeAmt(381);
        /// Fixing price, units of 1e-9.
        214: benchmark_e9: I64Le = NULL_I64, BenchmarkPrice(6262);
    }
}

wire_block! {
    /// One part of the fill, by matching algorithm: group `NoFills` of 525.
    pub struct FillPart: group 1362, 15 bytes {
        /// Price of this part, units of 1e-9.
        0: price_e9: I64Le = ZERO_I64, FillPx(1364);
        /// Quantity of this part, contracts.
        8: qty_lots: U32Le = ZERO_U32, FillQty(1365);
        /// Appended to `exec_id` it names this part.
        12: fill_id: [u8; 2] = [0; 2], FillExecID(1363);
        /// Which matching algorithm gave this part.
        14: match_kind: u8 = 0, FillYieldType(1622);
    }
}

wire_block! {
    /// One counterparty of the fill: group `NoOrderEvents` of 525.
    pub struct FillEvent: group 1795, 41 bytes {
        /// Price against this counterparty, units of 1e-9.
        0: price_e9: I64Le = ZERO_I64, OrderEventPx(1799);
        /// Firm of the other side (BrokerTec EU bilateral only).
        8: counterparty: [u8; 5] = [0; 5], OrderEventText(1802);
        /// Names the match of the two orders.
        13: event_id: U32Le = ZERO_U32, OrderEventExecID(1797);
        /// Quantity against this counterparty, contracts.
        17: qty_lots: U32Le = ZERO_U32, OrderEventQty(1800);
        /// 4 partially filled, 5 filled.
        21: kind: u8 = NULL_U8, OrderEventType(1796);
        /// 100 for binary trade reporting.
        22: reason: u8 = 0, OrderEventReason(1798);
        /// Amount in the base currency with this counterparty.
        23: contra_gross_amount: Decimal64 = Decimal64::NULL, ContraGrossTradeAmt(5542);
        /// Amount in the counter currency with this counterparty.
        32: contra_ccy_qty: Decimal64 = Decimal64::NULL, ContraCalculatedCcyLastQty(5971);
    }
}
