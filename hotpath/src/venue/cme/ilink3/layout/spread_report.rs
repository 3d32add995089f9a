//! Fills of spreads that the exchange lists, and of their legs.
//!
//! The desk makes its own spreads; these are read so that nobody's fill is passed over.

use bytemuck::{Pod, Zeroable};

use super::ClOrdId;
use super::block::{
    Decimal32, Decimal64, NULL_CHAR, NULL_I64, NULL_U8, NULL_U16, NULL_U64, ZERO_I32, ZERO_I64,
    ZERO_U32, ZERO_U64, wire_block,
};
use crate::wire::{I32Le, I64Le, U16Le, U32Le, U64Le};

wire_block! {
    /// A fill of a spread that the exchange lists: `ExecutionReportTradeSpread526`. Constant
    /// ExecType `F`. Groups `NoFills`, `NoLegs` and `NoOrderEvents` follow.
    pub struct TradeSpread: template 526, 230 bytes {
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
        /// Still open, contracts.
        209: leaves_lots: U32Le = ZERO_U32, LeavesQty(151);
        /// Trading day, days since 1970.
        213: trade_date: U16Le = NULL_U16, TradeDate(75);
        /// Last day of a GTD order, days since 1970.
        215: expire_date: U16Le = NULL_U16, ExpireDate(432);
        /// 1 partially filled, 2 filled.
        217: ord_status: u8 = 0, OrdStatus(39);
        /// ASCII: `1` market with protection, `2` limit, `4` stop limit, `K` market to limit.
        218: ord_type: u8 = NULL_CHAR, OrdType(40);
        /// 1 buy, 2 sell, 7 undisclosed.
        219: side: u8 = 0, Side(54);
        /// 0 day, 1 GTC, 3 fill and kill, 4 fill or kill, 6 GTD, 99 session.
        220: tif: u8 = NULL_U8, TimeInForce(59);
        /// 0 automated, 1 manual.
        221: manual: u8 = 0, ManualOrderIndicator(1028);
        /// 1 if sent again in answer to a retransmit request.
        222: poss_retrans: u8 = 0, PossRetransFlag(9765);
        /// 1 if our order came in and matched a resting one.
        223: aggressor: u8 = 0, AggressorIndicator(1057);
        /// Kind of cross order.
        224: cross_type: u8 = NULL_U8, CrossType(549);
        /// Reports of legs that follow this one.
        225: leg_fills: u8 = 0, TotalNumSecurities(393);
        /// Bit set: 0 all or none, 1 only best, 2 not held.
        226: exec_inst: u8 = 0, ExecInst(18);
        /// ASCII: `A` aggressive, `P` passive; NUL means aggressive.
        227: execution_mode: u8 = NULL_CHAR, ExecutionMode(5906);
        /// 1 for a market-making obligation (EU BrokerTec and EBS only).
        228: liquidity_flag: u8 = NULL_U8, LiquidityFlag(9373);
        /// MiFID: 0 long sale, 1 short, 2 exempt short, 3 undisclosed.
        229: short_sale_type: u8 = NULL_U8, ShortSaleType(5409);
    }
}

wire_block! {
    /// A fill of one leg of such a spread: `ExecutionReportTradeSpreadLeg527`. Constant ExecType
    /// `F`. Groups `NoFills` and `NoOrderEvents` follow.
    pub struct TradeSpreadLeg: template 527, 219 bytes {
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
        /// Annual volatility, for options quoted in it.
        92: volatility: Decimal64 = Decimal64::NULL, Volatility(1188);
        /// Registered set of party details.
        101: party_details_id: U64Le = ZERO_U64, PartyDetailsListReqID(1505);
        /// Price of this fill, units of 1e-9.
        109: last_e9: I64Le = ZERO_I64, LastPx(31);
        /// The order's name given by the exchange.
        117: order_id: U64Le = ZERO_U64, OrderID(37);
        /// Price of the future behind an option, units of 1e-9.
        125: underlying_e9: I64Le = NULL_I64, UnderlyingPx(810);
        /// When the exchange did it, ns since 1970.
        133: transact_ns: U64Le = ZERO_U64, TransactTime(60);
        /// When the message was sent, ns since 1970.
        141: sent_ns: U64Le = ZERO_U64, SendingTimeEpoch(5297);
        /// Links the fills of a spread and of its legs.
        149: sec_exec_id: U64Le = ZERO_U64, SecExecID(527);
        /// Where the sender sits, NUL padded.
        157: location: [u8; 5] = [0; 5], Location(9537);
        /// Change of the option's price with that of the future.
        162: option_delta: Decimal32 = Decimal32::NULL, OptionDelta(811);
        /// Years to the expiration.
        167: time_to_expiration: Decimal32 = Decimal32::NULL, TimeToExpiration(1189);
        /// Short-term rate of interest.
        172: risk_free_rate: Decimal32 = Decimal32::NULL, RiskFreeRate(1190);
        /// Instrument, as in market data.
        177: security_id: I32Le = ZERO_I32, SecurityID(48);
        /// Quantity of this fill, contracts.
        181: last_lots: U32Le = ZERO_U32, LastQty(32);
        /// Filled so far, contracts.
        185: cum_lots: U32Le = ZERO_U32, CumQty(14);
        /// Name of our side of the trade.
        189: side_trade_id: U32Le = ZERO_U32, SideTradeID(1506);
        /// Trading day, days since 1970.
        193: trade_date: U16Le = NULL_U16, TradeDate(75);
        /// 1 partially filled, 2 filled.
        195: ord_status: u8 = 0, OrdStatus(39);
        /// ASCII: `1` market with protection, `2` limit, `4` stop limit, `K` market to limit.
        196: ord_type: u8 = NULL_CHAR, OrdType(40);
        /// 1 buy, 2 sell, 7 undisclosed.
        197: side: u8 = 0, Side(54);
        /// 1 if sent again in answer to a retransmit request.
        198: poss_retrans: u8 = 0, PossRetransFlag(9765);
        /// Settlement day, days since 1970.
        199: settle_date: U16Le = NULL_U16, SettlDate(64);
        /// Amount in the counter currency (spot FX).
        201: ccy_last_qty: Decimal64 = Decimal64::NULL, CalculatedCcyLastQty(1056);
        /// Amount in the base currency (spot FX).
        210: gross_trade_amount: Decimal64 = Decimal64::NULL, GrossTradeAmt(381);
    }
}

wire_block! {
    /// One leg of the fill: group `NoLegs` of 526.
    pub struct SpreadFillLeg: group 555, 29 bytes {
        /// Name of the leg's fill.
        0: leg_exec_id: U64Le = ZERO_U64, LegExecID(1893);
        /// Price of the leg, units of 1e-9.
        8: last_e9: I64Le = ZERO_I64, LegLastPx(637);
        /// The leg's instrument, as in market data.
        16: security_id: I32Le = ZERO_I32, LegSecurityID(602);
        /// Name of our side of the leg's trade.
        20: trade_id: U32Le = ZERO_U32, LegTradeID(1894);
        /// Quantity of the leg, contracts.
        24: last_lots: U32Le = ZERO_U32, LegLastQty(1418);
        /// 1 buy, 2 sell.
        28: side: u8 = 0, LegSide(624);
    }
}

wire_block! {
    /// One counterparty of the fill: group `NoOrderEvents` of 526.
    pub struct SpreadFillEvent: group 1795, 23 bytes {
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
    }
}
