//! Market data: cases M1 to M20 of the exchanges' certifications, over loopback multicast and TCP.
//!
//! A simulated venue with its sockets sends; the hot feed stage and its replica receive. In every
//! case the books that can be traded on are the venue's own, and nothing can be traded on while the
//! channel is not live (`rig`).
//!
//! | case | what | test |
//! |---|---|---|
//! | M1 | book build: add, change, delete, overlay, depths | `books::m01_..` |
//! | M2 | quotes at the end of an event only | `books::m02_..` |
//! | M3 | loss on A, on B, in turns: nothing is recovered | `lines::m03_..` |
//! | M4 | the same gap on both: all books suspect | `lines::m04_..` |
//! | M5 | recovery from the snapshot loop | `lines::m05_..` |
//! | M7 | a gap in an instrument's own numbers | `instruments::m07_..` |
//! | M8 | channel reset | `sequence::m08_..`, `day::m08_..` |
//! | M9 | a new week against old packets | `sequence::m09_..` |
//! | M10 | trading status of instruments and groups | `instruments::m10_..` |
//! | M11 | definitions during the day | `messages::m11_..` |
//! | M12 | implied against outright | `books::m12_..` |
//! | M13 | trades, busts, statistics, limits | `day::m13_..`, `topics::m13_..` |
//! | M14 | heartbeats only: quiet, frozen, dead | `sequence::m14_..` |
//! | M15 | unknown template, longer block | `messages::m15_..` |
//! | M16 | truncated, oversize, empty group | `messages::m16_..` |
//! | M17 | same number, other bytes | `lines::m17_..` |
//! | M18 | late joiner | `sequence::m18_..` |
//! | M19 | burst at line rate | `lines::m19_..` |
//! | M20 | other source addresses after a failover | `failover::m20_..` |
//!
//! M6, the TCP replay, is in `recovery::live::replay`; more of M9, numbers that begin anew, in
//! `recovery::replica::anew`. Those of them that SHFE's topics have too are in `topics`;
//! `schedules` draws all faults at once.

mod books;
mod day;
mod failover;
mod instruments;
mod lines;
mod messages;
mod schedules;
mod sequence;
mod topics;

use super::rig::CmeRig;
use cross_market_connect::venue::cme::mdp3::{BookChange, EventMark, Generation, PacketBuilder};
use cross_market_connect::venue::cme::simulated::Interjection;
use xmc_hotpath::venue::cme::mdp3::layout::{Action, BookEntry, EntryKind, Mantissa, MatchEvent};

/// Puts a packet of the test's own between the venue's, a copy for each line; its number.
fn interject(
    rig: &CmeRig<'_, '_>,
    fill: impl FnOnce(&mut Interjection<'_>) -> [Vec<u8>; 2] + Send + 'static,
) -> u32 {
    rig.with(|shell, now| {
        let mut number = 0;
        shell.venue_mut().interject(now, |packet| {
            number = packet.seq_no;
            fill(packet)
        });
        number
    })
}

/// The same packet on both lines.
fn interject_both(
    rig: &CmeRig<'_, '_>,
    fill: impl FnOnce(&mut Interjection<'_>, PacketBuilder) -> Vec<u8> + Send + 'static,
) -> u32 {
    interject(rig, |packet| {
        let builder = PacketBuilder::new(Generation::V13, packet.seq_no, packet.sent_ns);
        let bytes = fill(packet, builder);
        [bytes.clone(), bytes]
    })
}

/// Entries of one message, which is a whole event unless it goes on.
fn mark(goes_on: bool) -> EventMark {
    let match_event = if goes_on { MatchEvent::LAST_QUOTE } else { MatchEvent::END_OF_EVENT };
    EventMark { transact_ns: 1, match_event }
}

/// An entry of a book.
fn entry(
    (security_id, rpt_seq): (i32, u32),
    kind: EntryKind,
    (action, level): (Action, u8),
    (price_e9, lots): (i64, i32),
) -> BookEntry {
    BookEntry::from(BookChange {
        security_id,
        rpt_seq,
        kind,
        action,
        level,
        price: Mantissa::new(price_e9),
        size_lots: Some(lots),
        order_count: Some(1),
    })
}

/// Until the hot side has carried out packet `number`.
fn until_there(rig: &mut CmeRig<'_, '_>, number: u32) {
    rig.until("to be there", |rig| rig.position() >= number);
}
