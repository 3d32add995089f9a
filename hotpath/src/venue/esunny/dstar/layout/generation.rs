//! What differs between the two live generations: header, reference, order key, codes.

use core::fmt::Debug;

use bytemuck::{Pod, Zeroable};

use crate::message::OrderId;
use crate::wire::{I32Le, I64Le, U16Le, U64Le};

/// A generation of the protocol.
pub trait Generation: Copy + Debug + 'static {
    /// What stands in front of a message.
    type Header: Header;
    /// The client's name of an order.
    type Reference: Reference;
    /// The counter's name of an order.
    type Key: Key;
    /// Its number.
    const VERSION: u8;
    /// Code of `UdpAuth`.
    const UDP_AUTH: u16;
    /// Code of `OrderInsert`.
    const ORDER_INSERT: u16;
    /// Code of `OrderDelete`.
    const ORDER_DELETE: u16;
}

/// The generation of 2020-21.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct V2;

impl Generation for V2 {
    type Header = HeaderV2;
    type Reference = I32Le;
    type Key = KeyV2;
    const VERSION: u8 = 2;
    const UDP_AUTH: u16 = 0x0020;
    const ORDER_INSERT: u16 = 0x0030;
    const ORDER_DELETE: u16 = 0x0039;
}

/// The generation whose headers say `DSTAR_API_PROTOCOL_VERSION` 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct V3;

impl Generation for V3 {
    type Header = HeaderV3;
    type Reference = I64Le;
    type Key = KeyV3;
    const VERSION: u8 = 3;
    const UDP_AUTH: u16 = 0xEC00;
    const ORDER_INSERT: u16 = 0xEC01;
    const ORDER_DELETE: u16 = 0xEC03;
}

/// What stands in front of a message.
pub trait Header: Pod + Debug + PartialEq {
    /// The header of one body of `body_len` bytes.
    fn of_one(code: u16, body_len: u16) -> Self;

    /// Code, number of bodies and length of each; `None` if it is not of this generation.
    fn read(&self) -> Option<(u16, u16, u16)>;
}

/// The header of v2.
///
/// 8 bytes, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct HeaderV2 {
    /// Always `D`.
    pub magic: u8,
    /// Always 2.
    pub version: u8,
    /// Which message.
    pub code: U16Le,
    /// `FieldCount`: bodies that follow; up to 21 orders, on counters of a single account only.
    pub field_count: U16Le,
    /// `FieldSize`: length of each, bytes.
    pub field_size: U16Le,
}
const _: () = assert!(size_of::<HeaderV2>() == 8 && align_of::<HeaderV2>() == 1);
const _: () = assert!(core::mem::offset_of!(HeaderV2, code) == 2);
const _: () = assert!(core::mem::offset_of!(HeaderV2, field_size) == 6);

impl HeaderV2 {
    /// The first byte of every v2 datagram.
    pub const MAGIC: u8 = b'D';
}

impl Header for HeaderV2 {
    fn of_one(code: u16, body_len: u16) -> Self {
        Self {
            magic: Self::MAGIC,
            version: V2::VERSION,
            code: U16Le::new(code),
            field_count: U16Le::new(1),
            field_size: U16Le::new(body_len),
        }
    }

    fn read(&self) -> Option<(u16, u16, u16)> {
        let is_v2 = self.magic == Self::MAGIC && self.version == V2::VERSION;
        is_v2.then(|| (self.code.get(), self.field_count.get(), self.field_size.get()))
    }
}

/// The header of v3.
///
/// 4 bytes, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct HeaderV3 {
    /// Which message.
    pub code: U16Le,
    /// `DataLen`: length of the body, bytes.
    pub data_len: U16Le,
}
const _: () = assert!(size_of::<HeaderV3>() == 4 && align_of::<HeaderV3>() == 1);

impl Header for HeaderV3 {
    fn of_one(code: u16, body_len: u16) -> Self {
        Self { code: U16Le::new(code), data_len: U16Le::new(body_len) }
    }

    fn read(&self) -> Option<(u16, u16, u16)> {
        Some((self.code.get(), 1, self.data_len.get()))
    }
}

/// A header and one body, as they go over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, packed)]
pub struct Framed<H, B> {
    /// Which message, and how long.
    pub header: H,
    /// The message.
    pub body: B,
}

impl<H: Header, B: Pod> Framed<H, B> {
    const BODY_LEN: u16 = small(size_of::<B>());

    /// Puts the header of message `code` before `body`.
    pub fn new(code: u16, body: B) -> Self {
        Self { header: H::of_one(code, Self::BODY_LEN), body }
    }
}

/// A size that the 16-bit length fields can hold. The compiler refuses any that is larger.
#[expect(clippy::as_conversions, reason = "const; the assertion above it makes it lossless")]
const fn small(len: usize) -> u16 {
    assert!(len <= 0xFFFF);
    len as u16
}

/// `Reference`: the client's name of an order, echoed in every reply about it. Never negative.
pub trait Reference: Pod + Debug + PartialEq + Eq {
    /// None.
    const NONE: Self;

    /// The reference of one of our orders; `None` if its id has no room in it. `run` is the upper
    /// half of all ids of this desk and run.
    fn of_order(id: OrderId, run: u32) -> Option<Self>;

    /// The order behind it; `None` if it is none of ours.
    fn order(self, run: u32) -> Option<OrderId>;
}

/// v3: the whole id, as long as its top bit (that of the site) is not set.
impl Reference for I64Le {
    const NONE: Self = Self::new(0);

    #[inline(always)]
    fn of_order(id: OrderId, _run: u32) -> Option<Self> {
        i64::try_from(id.0).ok().map(Self::new)
    }

    #[inline(always)]
    fn order(self, _run: u32) -> Option<OrderId> {
        u64::try_from(self.get()).ok().filter(|id| *id != 0).map(OrderId)
    }
}

/// v2: turn and slot of the id, as long as the turn's top bit is not set.
///
/// Site, desk and run have no room, so an order of an earlier run cannot be told from one of this
/// run: whoever logs on makes sure that none is left.
impl Reference for I32Le {
    const NONE: Self = Self::new(0);

    #[inline(always)]
    fn of_order(id: OrderId, run: u32) -> Option<Self> {
        let (upper, lower) = halves(id);
        let reference = i32::try_from(lower?).ok()?;
        (upper? == run).then_some(Self::new(reference))
    }

    #[inline(always)]
    fn order(self, run: u32) -> Option<OrderId> {
        let lower = u32::try_from(self.get()).ok().filter(|lower| *lower != 0)?;
        Some(OrderId(u64::from(run) << 32 | u64::from(lower)))
    }
}

/// Site, desk and run of an order's id, then its turn and slot. Both always fit.
#[inline(always)]
fn halves(id: OrderId) -> (Option<u32>, Option<u32>) {
    (u32::try_from(id.0 >> 32).ok(), u32::try_from(id.0 & 0xFFFF_FFFF).ok())
}

/// The counter's name of an order, by which a cancellation names it.
pub trait Key: Pod + Debug + PartialEq + Eq {
    /// Not known (yet).
    const NONE: Self;

    /// Sixty-four bits that stand for it in records; 0 for `NONE`.
    fn number(&self) -> u64;
}

/// v2: text.
///
/// 21 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct KeyV2 {
    /// `OrderNo`, NUL padded; all NUL means not known.
    pub order_no: [u8; 21],
}
const _: () = assert!(size_of::<KeyV2>() == 21);

impl Key for KeyV2 {
    const NONE: Self = Self { order_no: [0; 21] };

    /// A digest: the text has no number of its own.
    #[inline(always)]
    fn number(&self) -> u64 {
        if *self == Self::NONE { 0 } else { crate::feed::digest(&self.order_no) }
    }
}

/// v3: a number and a text.
///
/// 29 bytes, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct KeyV3 {
    /// `OrderId`; 0 means not known.
    pub order_id: U64Le,
    /// `SystemNo`: the exchange's name of the order, NUL padded; all NUL means not known.
    pub system_no: [u8; 21],
}
const _: () = assert!(size_of::<KeyV3>() == 29);
const _: () = assert!(core::mem::offset_of!(KeyV3, system_no) == 8);

impl Key for KeyV3 {
    const NONE: Self = Self { order_id: U64Le::new(0), system_no: [0; 21] };

    #[inline(always)]
    fn number(&self) -> u64 {
        self.order_id.get()
    }
}
