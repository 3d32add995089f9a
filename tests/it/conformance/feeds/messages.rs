//! Messages and packets that are unusual, new, or none.

use super::super::rig::{CmeRig, Options, cme_rig};
use super::{entry, interject, interject_both, mark, until_there};
use cross_market_connect::sim::exchange::Phase;
use cross_market_connect::venue::cme::mdp3::{FutureTerms, Generation, PacketBuilder};
use xmc_hotpath::book::Instrument;
use xmc_hotpath::port::Line;
use xmc_hotpath::venue::cme::mdp3::layout::{Action, DefinitionAction, EntryKind, Mantissa};

fn refused(rig: &CmeRig<'_, '_>) -> u64 {
    rig.counters.refused.iter().map(|counter| counter.get()).sum()
}

fn copper(rig: &mut CmeRig<'_, '_>) -> Instrument {
    *rig.stage.feed_mut().channel_mut().instrument(5_001).expect("it is copper")
}

/// Halts the market, so that only the test speaks.
fn halt(rig: &mut CmeRig<'_, '_>) {
    rig.until_usable();
    rig.venue().set_phase(None, Phase::Halted);
    rig.check();
}

fn go_on(rig: &mut CmeRig<'_, '_>) {
    rig.check();
    rig.venue().set_phase(None, Phase::Open);
    rig.follow(100);
    rig.check();
}

/// An instrument is added, changed and removed while the market is open: the books of the others
/// do not notice, and its own is kept from its first entry on.
#[test]
fn m11_instruments_are_added_changed_and_removed_during_the_day() {
    cme_rig(&Options::default(), |rig| {
        rig.until_usable();
        rig.check();
        let terms = |action| FutureTerms {
            report_count: u32::MAX,
            action,
            channel: 360,
            market_segment: 70,
            exchange: "XCEC",
            security_group: "HG",
            asset: "HG",
            symbol: "HGZ9",
            security_id: 9_100,
            maturity: (2029, 12),
            currency: "USD",
            tick: Mantissa::new(500_000),
            display_factor: Mantissa::new(1_000_000_000),
            max_lots: 100,
            depths: (10, None),
            active_ns: (1, u64::MAX - 1),
        };
        let mut rpt_seq = 0;
        for action in [DefinitionAction::Add, DefinitionAction::Modify, DefinitionAction::Delete] {
            let definitions = rig.counters.definitions.get();
            let number =
                interject_both(rig, move |_, packet| packet.future(&terms(action)).finish());
            until_there(rig, number);
            assert_eq!(rig.counters.definitions.get(), definitions + 1, "{action:?}");
            rpt_seq += 1;
            let price = 4_000_000_000 + i64::from(rpt_seq);
            let number = interject_both(rig, move |_, packet| {
                let what = (if rpt_seq == 1 { Action::New } else { Action::Overlay }, 1);
                let entry = entry((9_100, rpt_seq), EntryKind::Bid, what, (price, 5));
                packet.book(mark(false), &[entry], &[]).finish()
            });
            until_there(rig, number);
            let channel = rig.stage.feed_mut().channel_mut();
            let own = *channel.instrument(9_100).expect("its book is kept");
            assert_eq!(own.bids().levels()[0].price_e9, price, "{action:?}");
            assert_eq!(own.index(), None, "nobody is told of it");
            rig.follow(20);
            rig.check();
        }
        assert_eq!((rig.counters.gaps.get(), refused(rig)), (0, 0));
    });
}

/// A message of a template that is not known, and one whose blocks are longer than today's, as a
/// newer schema would have them.
#[test]
fn m15_unknown_templates_and_longer_blocks_are_accepted() {
    cme_rig(&Options::default(), |rig| {
        halt(rig);
        let skipped = rig.counters.skipped.get();
        let number = interject_both(rig, |_, packet| {
            let mut bytes = packet.heartbeat().finish();
            // Size, block length, template, schema, version; then a block of 30 bytes.
            for field in [40_u16, 30, 999, 1, 99] {
                bytes.extend(field.to_le_bytes());
            }
            bytes.extend([0xA5; 30]);
            bytes
        });
        until_there(rig, number);
        assert_eq!((rig.counters.skipped.get(), refused(rig)), (skipped + 1, 0));

        let before = copper(rig);
        let best = before.bids().levels()[0];
        let lots = i32::try_from(best.lots).expect("few");
        for lots in [lots + 9, lots] {
            let number = interject_both(rig, move |packet, builder| {
                let rpt_seq = packet.rpt_seq(5_001).expect("it is copper");
                let level = (best.price_e9, lots);
                let entry = entry((5_001, rpt_seq), EntryKind::Bid, (Action::Change, 1), level);
                longer(&builder.book(mark(false), &[entry], &[]).finish())
            });
            until_there(rig, number);
            let now = copper(rig).bids().levels()[0];
            assert_eq!((now.price_e9, now.lots.cast_signed()), (best.price_e9, lots));
        }
        assert_eq!((refused(rig), rig.counters.gaps.get()), (0, 0));
        go_on(rig);
    });
}

/// A packet of one book message with one entry, as a newer schema would send it: its root and its
/// entries have more fields behind those that are known.
fn longer(packet: &[u8]) -> Vec<u8> {
    const HEADER: usize = 12;
    const MORE: [u8; 6] = [0xEE; 6];
    let word = |at: usize| usize::from(u16::from_le_bytes([packet[at], packet[at + 1]]));
    let (root_at, root_len) = (HEADER + 10, word(HEADER + 2));
    let group_at = root_at + root_len;
    let (entry_at, entry_len) = (group_at + 3, word(group_at));
    let mut bytes = packet[..group_at].to_vec();
    bytes.extend(MORE);
    bytes.extend(&packet[group_at..entry_at + entry_len]);
    bytes.extend(MORE);
    bytes.extend(&packet[entry_at + entry_len..]);
    let mut set = |at: usize, value: usize| {
        let value = u16::try_from(value).expect("a packet is short").to_le_bytes();
        bytes[at..at + 2].copy_from_slice(&value);
    };
    set(HEADER, word(HEADER) + 2 * MORE.len());
    set(HEADER + 2, root_len + MORE.len());
    set(HEADER + 8, 99);
    set(group_at + MORE.len(), entry_len + MORE.len());
    bytes
}

/// On one line the other's copy is used; on both the packet is lost, which shows. A group without
/// entries is a message like any other.
#[test]
fn m16_truncated_and_oversize_packets_and_empty_groups_change_no_book() {
    type Damage = fn(Vec<u8>) -> Vec<u8>;
    let cut_short: Damage = |mut bytes| {
        bytes.truncate(bytes.len() - 7);
        bytes
    };
    let oversize: Damage = |mut bytes| {
        bytes.extend([0x55; 1_900]);
        bytes
    };
    let declares_more: Damage = |mut bytes| {
        bytes[12] = bytes[12].wrapping_add(40);
        bytes
    };
    let no_message: Damage = |bytes| bytes[..12].to_vec();
    let nothing: Damage = |_| Vec::new();
    cme_rig(&Options::default(), |rig| {
        halt(rig);
        let number = interject_both(rig, |_, packet| packet.book(mark(false), &[], &[]).finish());
        until_there(rig, number);
        assert_eq!((refused(rig), rig.counters.gaps.get()), (0, 0), "an empty group is sound");
        rig.check();
        for damage in [cut_short, oversize, declares_more, no_message, nothing] {
            for bad in [Some(Line::A), Some(Line::B), None] {
                let (gaps, before) = (rig.counters.gaps.get(), refused(rig));
                let number = interject(rig, move |packet| {
                    let builder =
                        PacketBuilder::new(Generation::V13, packet.seq_no, packet.sent_ns);
                    let sound = builder.book(mark(false), &[], &[]).finish();
                    let damaged = damage(sound.clone());
                    Line::BOTH.map(|line| {
                        let is_bad = bad.is_none_or(|bad| bad == line);
                        if is_bad { damaged.clone() } else { sound.clone() }
                    })
                });
                // The market is halted: where no copy is left, a heartbeat shows the gap.
                until_there(rig, number);
                assert_eq!(rig.state().is_usable(), bad.is_some(), "{bad:?}");
                // The copy that comes last may be the bad one.
                rig.follow(5);
                assert_eq!(rig.counters.gaps.get() - gaps, u64::from(bad.is_none()));
                assert!(refused(rig) > before, "it is counted");
                rig.until_usable();
                rig.check();
            }
        }
        go_on(rig);
    });
}
