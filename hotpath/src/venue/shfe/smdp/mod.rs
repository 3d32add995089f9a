//! SHFE and INE SMDP 2.0, the part that is pushed: MIRP, incremental slices over UDP multicast.
//!
//! `layout` is what lies on the wire, `varint` its numbers of variable length, `decode` walks a
//! packet, `feed` carries it out on the books. The query service over TCP (MDQP: logon, snapshot,
//! missed packets) and the making of packets are on the cold side.
//!
//! A topic is a periodic slice of the book (the sample: every 500 ms), not every order: between two
//! slices no book moves, whatever happens at the exchange.
//!
//! Source: SFIT, "second-generation market data platform interface specification" V1.21
//! (2020-01-06), contents and revision notes; the field table as two unrelated public decoders read
//! it; byte vectors of the specification's appendix. What no vector covers is marked SOURCED where
//! two decoders agree on it, and UNPROVEN where nothing says it:
//!
//! 1. UNPROVEN: how `TurnoverOffset` (field 0x1002) becomes a turnover. It is kept raw.
//! 2. UNPROVEN: the volume of a level (0x1001) is the quantity that rests there, the volume of a
//!    trade summary (0x1002) an increment.
//! 3. UNPROVEN: whether a heartbeat's `PacketNo` is the last number sent or the next one. Both
//!    readings are safe with one rule: only a number beyond the next one shows a gap.
//! 4. UNPROVEN: an added level pushes those below it down, a deleted one lets them move up, and a
//!    modified one takes the new price and volume at its place.

mod day;
pub mod decode;
pub mod feed;
pub mod layout;
pub mod varint;
