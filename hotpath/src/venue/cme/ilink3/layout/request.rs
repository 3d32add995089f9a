//! What we ask of the exchange: enter, replace and cancel one order.
//!
//! Mass actions, cross orders and quotes are not here: the desk sends none.

use bytemuck::{Pod, Zeroable};

use super::ClOrdId;
use super::block::{
    NULL_CHAR, NULL_I64, NULL_U8, NULL_U16, NULL_U32, NULL_U64, ZERO_I32, ZERO_U32, ZERO_U64,
    wire_block,
};
use crate::wire::{I32Le, I64Le, U16Le, U32Le, U64Le};

wire_block! {
    /// A new order: `NewOrderSingle514`, from us.
    pub struct NewOrder: template 514, 132 bytes {
        /// Limit price, units of 1e-9.
        0: price_e9: I64Le = NULL_I64, Price(44);
        /// Quantity of the order, contracts.
        8: qty_lots: U32Le = ZERO_U32, OrderQty(38);
        /// Instrument, as in market data.
        12: security_id: I32Le = ZERO_I32, SecurityID(48);
        /// 1 buy, 2 sell, 7 undisclosed.
        16: side: u8 = 0, Side(54);
        /// Sequence number of this message within the session.
        17: seq_no: U32Le = ZERO_U32, SeqNum(9726);
        /// Operator of the session, NUL padded.
        21: sender_id: [u8; 20] = [0; 20], SenderID(5392);
        /// The order's name given by us.
        41: cl_ord_id: ClOrdId = ClOrdId::EMPTY, ClOrdID(11);
        /// Registered set of party details.
        61: party_details_id: U64Le = ZERO_U64, PartyDetailsListReqID(1505);
        /// Name of the request, echoed in the report that answers it.
        69: request_id: U64Le = ZERO_U64, OrderRequestID(2422);
        /// When the message was sent, ns since 1970.
        77: sent_ns: U64Le = ZERO_U64, SendingTimeEpoch(5297);
        /// Stop price, units of 1e-9.
        85: stop_e9: I64Le = NULL_I64, StopPx(99);
        /// Where the sender sits, NUL padded.
        93: location: [u8; 5] = [0; 5], Location(9537);
        /// Fill at least so many or none, contracts.
        98: min_qty_lots: U32Le = NULL_U32, MinQty(110);
        /// Shown part of an iceberg, contracts.
        102: display_lots: U32Le = NULL_U32, DisplayQty(1138);
        /// Last day of a GTD order, days since 1970.
        106: expire_date: U16Le = NULL_U16, ExpireDate(432);
        /// ASCII: `1` market with protection, `2` limit, `4` stop limit, `K` market to limit.
        108: ord_type: u8 = 0, OrdType(40);
        /// 0 day, 1 GTC, 3 fill and kill, 4 fill or kill, 6 GTD, 99 session.
        109: tif: u8 = NULL_U8, TimeInForce(59);
        /// 0 automated, 1 manual.
        110: manual: u8 = 0, ManualOrderIndicator(1028);
        /// Bit set: 0 all or none, 1 only best, 2 not held.
        111: exec_inst: u8 = 0, ExecInst(18);
        /// ASCII: `A` aggressive, `P` passive; NUL means aggressive.
        112: execution_mode: u8 = NULL_CHAR, ExecutionMode(5906);
        /// 1 for a market-making obligation (EU BrokerTec and EBS only).
        113: liquidity_flag: u8 = NULL_U8, LiquidityFlag(9373);
        /// 1 for a managed order.
        114: managed_order: u8 = NULL_U8, ManagedOrder(6881);
        /// MiFID: 0 long sale, 1 short, 2 exempt short, 3 undisclosed.
        115: short_sale_type: u8 = NULL_U8, ShortSaleType(5409);
        /// Price accepted beyond the displayed one, units of 1e-9.
        116: discretion_e9: I64Le = NULL_I64, DiscretionPrice(845);
        /// Worst price accepted within the limit, units of 1e-9.
        124: reservation_e9: I64Le = NULL_I64, ReservationPrice(9562);
    }
}

wire_block! {
    /// A change of price or quantity: `OrderCancelReplaceRequest515`, from us.
    pub struct Replace: template 515, 133 bytes {
        /// Limit price, units of 1e-9.
        0: price_e9: I64Le = NULL_I64, Price(44);
        /// Quantity of the order, contracts.
        8: qty_lots: U32Le = ZERO_U32, OrderQty(38);
        /// Instrument, as in market data.
        12: security_id: I32Le = ZERO_I32, SecurityID(48);
        /// 1 buy, 2 sell, 7 undisclosed.
        16: side: u8 = 0, Side(54);
        /// Sequence number of this message within the session.
        17: seq_no: U32Le = ZERO_U32, SeqNum(9726);
        /// Operator of the session, NUL padded.
        21: sender_id: [u8; 20] = [0; 20], SenderID(5392);
        /// The order's name given by us.
        41: cl_ord_id: ClOrdId = ClOrdId::EMPTY, ClOrdID(11);
        /// Registered set of party details.
        61: party_details_id: U64Le = ZERO_U64, PartyDetailsListReqID(1505);
        /// The order's name given by the exchange.
        69: order_id: U64Le = NULL_U64, OrderID(37);
        /// Stop price, units of 1e-9.
        77: stop_e9: I64Le = NULL_I64, StopPx(99);
        /// Name of the request, echoed in the report that answers it.
        85: request_id: U64Le = ZERO_U64, OrderRequestID(2422);
        /// When the message was sent, ns since 1970.
        93: sent_ns: U64Le = ZERO_U64, SendingTimeEpoch(5297);
        /// Where the sender sits, NUL padded.
        101: location: [u8; 5] = [0; 5], Location(9537);
        /// Fill at least so many or none, contracts.
        106: min_qty_lots: U32Le = NULL_U32, MinQty(110);
        /// Shown part of an iceberg, contracts.
        110: display_lots: U32Le = NULL_U32, DisplayQty(1138);
        /// Last day of a GTD order, days since 1970.
        114: expire_date: U16Le = NULL_U16, ExpireDate(432);
        /// ASCII: `1` market with protection, `2` limit, `4` stop limit, `K` market to limit.
        116: ord_type: u8 = 0, OrdType(40);
        /// 0 day, 1 GTC, 3 fill and kill, 4 fill or kill, 6 GTD, 99 session.
        117: tif: u8 = NULL_U8, TimeInForce(59);
        /// 0 automated, 1 manual.
        118: manual: u8 = 0, ManualOrderIndicator(1028);
        /// 1: `qty_lots` is what stays open, whatever was filled in flight.
        119: ofm_override: u8 = 0, OFMOverride(9768);
        /// Bit set: 0 all or none, 1 only best, 2 not held.
        120: exec_inst: u8 = 0, ExecInst(18);
        /// ASCII: `A` aggressive, `P` passive; NUL means aggressive.
        121: execution_mode: u8 = NULL_CHAR, ExecutionMode(5906);
        /// 1 for a market-making obligation (EU BrokerTec and EBS only).
        122: liquidity_flag: u8 = NULL_U8, LiquidityFlag(9373);
        /// 1 for a managed order.
        123: managed_order: u8 = NULL_U8, ManagedOrder(6881);
        /// MiFID: 0 long sale, 1 short, 2 exempt short, 3 undisclosed.
        124: short_sale_type: u8 = NULL_U8, ShortSaleType(5409);
        /// Price accepted beyond the displayed one, units of 1e-9.
        125: discretion_e9: I64Le = NULL_I64, DiscretionPrice(845);
    }
}

wire_block! {
    /// The withdrawal of an order: `OrderCancelRequest516`, from us.
    pub struct Cancel: template 516, 96 bytes {
        /// The order's name given by the exchange.
        0: order_id: U64Le = NULL_U64, OrderID(37);
        /// Registered set of party details.
        8: party_details_id: U64Le = ZERO_U64, PartyDetailsListReqID(1505);
        /// 0 automated, 1 manual.
        16: manual: u8 = 0, ManualOrderIndicator(1028);
        /// Sequence number of this message within the session.
        17: seq_no: U32Le = ZERO_U32, SeqNum(9726);
        /// Operator of the session, NUL padded.
        21: sender_id: [u8; 20] = [0; 20], SenderID(5392);
        /// The order's name given by us.
        41: cl_ord_id: ClOrdId = ClOrdId::EMPTY, ClOrdID(11);
        /// Name of the request, echoed in the report that answers it.
        61: request_id: U64Le = ZERO_U64, OrderRequestID(2422);
        /// When the message was sent, ns since 1970.
        69: sent_ns: U64Le = ZERO_U64, SendingTimeEpoch(5297);
        /// Where the sender sits, NUL padded.
        77: location: [u8; 5] = [0; 5], Location(9537);
        /// Instrument, as in market data.
        82: security_id: I32Le = ZERO_I32, SecurityID(48);
        /// 1 buy, 2 sell, 7 undisclosed.
        86: side: u8 = 0, Side(54);
        /// 1 for a market-making obligation (EU BrokerTec and EBS only).
        87: liquidity_flag: u8 = NULL_U8, LiquidityFlag(9373);
        /// Owner of an order cancelled on another's behalf.
        88: orig_order_user: [u8; 8] = [0; 8], OrigOrderUser(9937);
    }
}
