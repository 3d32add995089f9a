//! CME MDP 3.0: market data over UDP multicast, Simple Binary Encoding.
//!
//! `layout` is what lies on the wire, `decode` walks a packet, `feed` and `day` say what it does to
//! books and beside them, `view` shows any entry in one shape for people. Nothing here keeps state:
//! sequence numbers, A/B arbitration and books belong to `crate::feed` and `book`, which call
//! `decode::packet`. Packets are built on the cold side.
//!
//! Two generations are read. Version 6 to 9 (templates 27 to 44) carry prices with exponent -7,
//! version 9 to 13 (templates 46 to 56) with exponent -9; the entries are otherwise the same bytes,
//! so both share one layout and `PriceScale` tells them apart.
//!
//! Sources: CME's `templates_FixBinary.xml`, schema 1, versions 6, 9 and 13; pages 46214795 (SBE
//! technical headers), 457325932 (message header), 46112755 (packet structure), 46476679 and
//! 47284250 (match event indicator) of the exchange's client wiki.

pub mod day;
pub mod decode;
mod definition;
pub mod feed;
pub mod layout;
pub mod view;
