//! Fills of listed spreads that are taken back or corrected, and what follows all such reports.

use bytemuck::{Pod, Zeroable};

use super::ClOrdId;
use super::block::{
    Decimal64, NULL_CHAR, NULL_U8, NULL_U16, NULL_U32, NULL_U64, ZERO_I32, ZERO_I64, ZERO_U32,
    ZERO_U64, wire_block,
};
use crate::wire::{I32Le, I64Le, U16Le, U32Le, U64Le};

wire_block! {
    /// A fill of a listed spread is taken back or corrected:
    /// `ExecutionReportTradeAddendumSpread549`, as far as version 8 knows it. Version 9 appends
    /// `ExecRefID`; groups `NoFills`, `NoLegs` and `NoOrderEvents` follow.
    pub struct SpreadAddendum: template 549, 187 bytes {
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
        /// The same trade in market data.
        157: md_trade_id: U32Le = ZERO_U32, MDTradeEntryID(37711);
        /// Quantity of this fill, contracts.
        161: last_lots: U32Le = ZERO_U32, LastQty(32);
        /// Name of our side of the trade.
        165: side_trade_id: U32Le = ZERO_U32, SideTradeID(1506);
        /// `side_trade_id` of the fill that is taken back or corrected.
        169: orig_side_trade_id: U32Le = NULL_U32, OrigSideTradeID(1507);
        /// Trading day, days since 1970.
        173: trade_date: U16Le = NULL_U16, TradeDate(75);
        /// 1 partially filled, 2 filled.
        175: ord_status: u8 = 0, OrdStatus(39);
        /// ASCII: `G` corrected, `H` taken back.
        176: exec_type: u8 = 0, ExecType(150);
        /// ASCII: `1` market with protection, `2` limit, `4` stop limit, `K` market to limit.
        177: ord_type: u8 = NULL_CHAR, OrdType(40);
        /// 1 buy, 2 sell, 7 undisclosed.
        178: side: u8 = 0, Side(54);
        /// 0 automated, 1 manual.
        179: manual: u8 = 0, ManualOrderIndicator(1028);
        /// 1 if sent again in answer to a retransmit request.
        180: poss_retrans: u8 = 0, PossRetransFlag(9765);
        /// Reports of legs that follow this one.
        181: leg_fills: u8 = 0, TotalNumSecurities(393);
        /// Bit set: 0 all or none, 1 only best, 2 not held.
        182: exec_inst: u8 = 0, ExecInst(18);
        /// ASCII: `A` aggressive, `P` passive; NUL means aggressive.
        183: execution_mode: u8 = NULL_CHAR, ExecutionMode(5906);
        /// 1 for a market-making obligation (EU BrokerTec and EBS only).
        184: liquidity_flag: u8 = NULL_U8, LiquidityFlag(9373);
        /// 1 for a managed order.
        185: managed_order: u8 = NULL_U8, ManagedOrder(6881);
        /// MiFID: 0 long sale, 1 short, 2 exempt short, 3 undisclosed.
        186: short_sale_type: u8 = NULL_U8, ShortSaleType(5409);
    }
}

wire_block! {
    /// A fill of a leg of one is taken back or corrected:
    /// `ExecutionReportTradeAddendumSpreadLeg550`, as far as version 8 knows it. Version 9 appends
    /// `ExecRefID`; groups `NoFills` and `NoOrderEvents` follow.
    pub struct SpreadLegAddendum: template 550, 196 bytes {
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
        /// Quantity of this fill, contracts.
        157: last_lots: U32Le = ZERO_U32, LastQty(32);
        /// Name of our side of the trade.
        161: side_trade_id: U32Le = ZERO_U32, SideTradeID(1506);
        /// `side_trade_id` of the fill that is taken back or corrected.
        165: orig_side_trade_id: U32Le = NULL_U32, OrigSideTradeID(1507);
        /// Trading day, days since 1970.
        169: trade_date: U16Le = NULL_U16, TradeDate(75);
        /// 1 partially filled, 2 filled.
        171: ord_status: u8 = 0, OrdStatus(39);
        /// ASCII: `G` corrected, `H` taken back.
        172: exec_type: u8 = 0, ExecType(150);
        /// 0 automated, 1 manual.
        173: manual: u8 = 0, ManualOrderIndicator(1028);
        /// 1 if sent again in answer to a retransmit request.
        174: poss_retrans: u8 = 0, PossRetransFlag(9765);
        /// 1 buy, 2 sell, 7 undisclosed.
        175: side: u8 = 0, Side(54);
        /// Settlement day, days since 1970.
        176: settle_date: U16Le = NULL_U16, SettlDate(64);
        /// Amount in the counter currency (spot FX).
        178: ccy_last_qty: Decimal64 = Decimal64::NULL, CalculatedCcyLastQty(1056);
        /// Amount in the base currency (spot FX).
        187: gross_trade_amount: Decimal64 = Decimal64::NULL, GrossTradeAmt(381);
    }
}

wire_block! {
    /// One leg of the fill: group `NoLegs` of 549.
    pub struct AddendumLeg: group 555, 41 bytes {
        /// Name of the leg's fill.
        0: leg_exec_id: U64Le = ZERO_U64, LegExecID(1893);
        /// Price of the leg, units of 1e-9.
        8: last_e9: I64Le = ZERO_I64, LegLastPx(637);
        /// `leg_exec_id` of the fill that is taken back or corrected.
        16: leg_exec_ref_id: U64Le = NULL_U64, LegExecRefID(1901);
        /// Name of our side of the leg's trade.
        24: trade_id: U32Le = ZERO_U32, LegTradeID(1894);
        /// `trade_id` of the fill that is taken back or corrected.
        28: trade_ref_id: U32Le = NULL_U32, LegTradeRefID(39023);
        /// The leg's instrument, as in market data.
        32: security_id: I32Le = ZERO_I32, LegSecurityID(602);
        /// Quantity of the leg, contracts.
        36: last_lots: U32Le = ZERO_U32, LegLastQty(1418);
        /// 1 buy, 2 sell.
        40: side: u8 = 0, LegSide(624);
    }
}

wire_block! {
    /// One counterparty of the fill: group `NoOrderEvents` of 549.
    pub struct AddendumEvent: group 1795, 27 bytes {
        /// Price against this counterparty, units of 1e-9.
        0: price_e9: I64Le = ZERO_I64, OrderEventPx(1799);
        /// Firm of the other side (BrokerTec EU bilateral only).
        8: counterparty: [u8; 5] = [0; 5], OrderEventText(1802);
        /// Names the match of the two orders.
        13: event_id: U32Le = ZERO_U32, OrderEventExecID(1797);
        /// Quantity against this counterparty, contracts.
        17: qty_lots: U32Le = ZERO_U32, OrderEventQty(1800);
        /// 4 partially filled, 5 filled.
        21: kind: u8 = 0, OrderEventType(1796);
        /// 100 for binary trade reporting.
        22: reason: u8 = 0, OrderEventReason(1798);
        /// `event_id` of the match that is taken back or corrected.
        23: original_event_id: U32Le = NULL_U32, OriginalOrderEventExecID(6555);
    }
}

wire_block! {
    /// One counterparty of the fill: group `NoOrderEvents` of 548 and 550.
    pub struct LegAddendumEvent: group 1795, 45 bytes {
        /// Price against this counterparty, units of 1e-9.
        0: price_e9: I64Le = ZERO_I64, OrderEventPx(1799);
        /// Firm of the other side (BrokerTec EU bilateral only).
        8: counterparty: [u8; 5] = [0; 5], OrderEventText(1802);
        /// Names the match of the two orders.
        13: event_id: U32Le = ZERO_U32, OrderEventExecID(1797);
        /// Quantity against this counterparty, contracts.
        17: qty_lots: U32Le = ZERO_U32, OrderEventQty(1800);
        /// 4 partially filled, 5 filled.
        21: kind: u8 = 0, OrderEventType(1796);
        /// 100 for binary trade reporting.
        22: reason: u8 = 0, OrderEventReason(1798);
        /// `event_id` of the match that is taken back or corrected.
        23: original_event_id: U32Le = NULL_U32, OriginalOrderEventExecID(6555);
        /// Amount in the base currency with this counterparty.
        27: contra_gross_amount: Decimal64 = Decimal64::NULL, ContraGrossTradeAmt(5542);
        /// Amount in the counter currency with this counterparty.
        36: contra_ccy_qty: Decimal64 = Decimal64::NULL, ContraCalculatedCcyLastQty(5971);
    }
}
