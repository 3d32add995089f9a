//! What we ask of the counter: to take our datagrams, to enter an order, to cancel one.

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::super::super::double::Double;
use super::generation::{KeyV2, KeyV3};
use crate::wire::{I32Le, I64Le, U16Le, U32Le};

/// Makes a UDP socket known to the counter: sent once, before any order.
///
/// 7 bytes, little-endian, the same in both generations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct UdpAuth {
    /// `AccountIndex`, as the logon gave it.
    pub account_index: U16Le,
    /// `UdpAuthCode`, as the logon gave it.
    pub udp_auth_code: U32Le,
    /// `ReqIdMode`: 0 unchecked, 1 must increase, 2 must be one more.
    pub req_id_mode: u8,
}
const _: () = assert!(size_of::<UdpAuth>() == 7 && align_of::<UdpAuth>() == 1);
const _: () = assert!(offset_of!(UdpAuth, req_id_mode) == 6);

/// Enters an order. `R` is the generation's reference.
///
/// 56 bytes in v2, 60 in v3, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, packed)]
pub struct OrderInsert<R> {
    /// `Direct`, ASCII: `B` buy, `S` sell.
    pub direct: u8,
    /// `Offset`, ASCII: `O` open, `C` close. No code for close-today is known.
    pub offset: u8,
    /// `Hedge`, ASCII: `T` speculate, `B` hedge.
    pub hedge: u8,
    /// `OrderType`, ASCII: `1` market, `2` limit, `3` exercise, `4` abandon, `5` enquiry,
    /// `6` offer.
    pub order_type: u8,
    /// `ValidType`, ASCII: `1` FOK, `2` IOC, `3` GFD.
    pub valid_type: u8,
    /// `SeatIndex`: 0 leaves it to the counter, in turn.
    pub seat: u8,
    /// `AccountIndex`, as the logon gave it.
    pub account_index: U16Le,
    /// `ContractIndex`, as the contract table gave it.
    pub contract_index: U32Le,
    /// `ContractNo`, NUL padded.
    pub contract_no: [u8; 16],
    /// `OrderQty`: lots.
    pub qty_lots: U32Le,
    /// `MinQty`: fill at least so many lots or none; 0 means not asked for.
    pub min_qty_lots: U32Le,
    /// `OrderPrice`: limit price in units of the quotation, a double.
    pub price: Double,
    /// `ClientReqId`: number of the request, as `ReqIdMode` asks.
    pub client_req_id: U32Le,
    /// `Reference`: our name of the order, not negative, echoed.
    pub reference: R,
    /// `UdpAuthCode`, as the logon gave it.
    pub udp_auth_code: U32Le,
}
const _: () =
    assert!(size_of::<OrderInsert<I32Le>>() == 56 && size_of::<OrderInsert<I64Le>>() == 60);
const _: () = assert!(align_of::<OrderInsert<I64Le>>() == 1);
const _: () = assert!(offset_of!(OrderInsert<I64Le>, account_index) == 6);
const _: () = assert!(offset_of!(OrderInsert<I64Le>, contract_index) == 8);
const _: () = assert!(offset_of!(OrderInsert<I64Le>, contract_no) == 12);
const _: () = assert!(offset_of!(OrderInsert<I64Le>, qty_lots) == 28);
const _: () = assert!(offset_of!(OrderInsert<I64Le>, min_qty_lots) == 32);
const _: () = assert!(offset_of!(OrderInsert<I64Le>, price) == 36);
const _: () = assert!(offset_of!(OrderInsert<I64Le>, client_req_id) == 44);
const _: () = assert!(offset_of!(OrderInsert<I64Le>, reference) == 48);
const _: () = assert!(offset_of!(OrderInsert<I32Le>, udp_auth_code) == 52);
const _: () = assert!(offset_of!(OrderInsert<I64Le>, udp_auth_code) == 56);

/// Cancels an order. `R` is the generation's reference, `K` its order key.
///
/// 36 bytes in v2, 48 in v3, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, packed)]
pub struct OrderDelete<R, K> {
    /// `AccountIndex`, as the logon gave it.
    pub account_index: U16Le,
    /// `ClientReqId`: number of the request, counted together with those of orders.
    pub client_req_id: U32Le,
    /// `UdpAuthCode`, as the logon gave it.
    pub udp_auth_code: U32Le,
    /// `Reference`: our name of the order.
    pub reference: R,
    /// `SeatIndex`: 0 leaves it to the counter.
    pub seat: u8,
    /// The counter's name of the order; all zero if it is not known yet. UNPROVEN: whether the
    /// counter then goes by the reference.
    pub key: K,
}
const _: () = assert!(size_of::<OrderDelete<I32Le, KeyV2>>() == 36);
const _: () = assert!(size_of::<OrderDelete<I64Le, KeyV3>>() == 48);
const _: () = assert!(offset_of!(OrderDelete<I64Le, KeyV3>, client_req_id) == 2);
const _: () = assert!(offset_of!(OrderDelete<I64Le, KeyV3>, udp_auth_code) == 6);
const _: () = assert!(offset_of!(OrderDelete<I64Le, KeyV3>, reference) == 10);
const _: () = assert!(offset_of!(OrderDelete<I32Le, KeyV2>, seat) == 14);
const _: () = assert!(offset_of!(OrderDelete<I32Le, KeyV2>, key) == 15);
const _: () = assert!(offset_of!(OrderDelete<I64Le, KeyV3>, seat) == 18);
const _: () = assert!(offset_of!(OrderDelete<I64Le, KeyV3>, key) == 19);
