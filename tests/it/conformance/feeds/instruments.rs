//! What concerns one instrument, or one group of them, while the channel goes on.

use super::super::rig::{CmeRig, Options, cme_rig};
use super::{entry, interject_both, mark, until_there};
use cross_market_connect::sim::exchange::{ListingIndex, Phase};
use xmc_hotpath::message::{InstrumentIndex, QuoteQuality};
use xmc_hotpath::venue::cme::mdp3::layout::{
    Action, EntryKind, I32_NULL, MatchEvent, StatusRoot, TradingStatus, U16_NULL,
};
use xmc_hotpath::wire::{I32Le, U16Le, U64Le};

/// Copper, by its number and by its listing.
const COPPER: i32 = 5_001;
const FIRST: ListingIndex = ListingIndex(0);

fn row_of_copper(rig: &mut CmeRig<'_, '_>) -> InstrumentIndex {
    let channel = rig.stage.feed_mut().channel_mut();
    channel.instrument(COPPER).and_then(|of| of.index()).expect("the desk is told of it")
}

fn quality(rig: &CmeRig<'_, '_>, of: InstrumentIndex) -> Option<QuoteQuality> {
    let quote = rig.desk.seen.quotes.iter().find(|quote| quote.instrument == of);
    quote.map(|quote| quote.quality)
}

/// An entry of copper is missing inside a packet, for everybody: its quotes say so, all others go
/// on, and its next snapshot brings it back, without a new epoch.
#[test]
fn m07_a_gap_in_an_instrument_s_own_numbers_costs_that_instrument_alone() {
    cme_rig(&Options::default(), |rig| {
        rig.until_usable();
        rig.check();
        let copper = row_of_copper(rig);
        let (epoch, gaps) = (rig.desk.seen.state().1, rig.counters.gaps.get());
        for turn in 1..=5 {
            let best = *rig.stage.feed_mut().channel_mut().instrument(COPPER).expect("it is there");
            let best = best.bids().levels()[0];
            let lots = i32::try_from(best.lots).expect("few");
            let breaks = rig.counters.sequence_breaks.get();
            interject_both(rig, move |packet, builder| {
                packet.rpt_seq(COPPER).expect("it is copper");
                let rpt_seq = packet.rpt_seq(COPPER).expect("it is copper");
                let level = (best.price_e9, lots);
                let entry = entry((COPPER, rpt_seq), EntryKind::Bid, (Action::Change, 1), level);
                builder.book(mark(false), &[entry], &[]).finish()
            });
            rig.until("to find the gap", |rig| rig.counters.sequence_breaks.get() > breaks);
            rig.poll();
            assert_eq!(quality(rig, copper), Some(QuoteQuality::Gapped));
            let usable = rig.desk.seen.usable();
            assert!(usable.len() == 3 && !usable.contains(&copper), "{usable:?}");
            rig.until("to be mended", |rig| quality(rig, copper) == Some(QuoteQuality::Good));
            rig.check();
            assert!(rig.counters.mended.get() >= turn && rig.cold.feed.mended.get() >= turn);
        }
        assert_eq!((rig.desk.seen.state().1, rig.counters.gaps.get()), (epoch, gaps));
        assert_eq!(rig.counters.rejoined.get(), 1, "the channel was joined once");
    });
}

fn tell(rig: &mut CmeRig<'_, '_>, id: Option<i32>, family: [&str; 2], status: TradingStatus) {
    let [security_group, asset] = family.map(|text| {
        let mut padded = [0; 6];
        padded[..text.len()].copy_from_slice(text.as_bytes());
        padded
    });
    let number = interject_both(rig, move |_, builder| {
        let root = StatusRoot {
            transact_ns: U64Le::new(1),
            security_group,
            asset,
            security_id: I32Le::new(id.unwrap_or(I32_NULL)),
            trade_date: U16Le::new(U16_NULL),
            match_event: MatchEvent::END_OF_EVENT,
            trading_status: status.to_wire(),
            halt_reason: 0,
            trading_event: 0,
        };
        builder.status(&root).finish()
    });
    until_there(rig, number);
}

/// Pre-open, halt and close of an instrument, of a group and of a product: what is not traded
/// continuously is not to be opened on, and the others are.
#[test]
fn m10_only_what_is_open_can_be_traded_on() {
    cme_rig(&Options::default(), |rig| {
        rig.until_usable();
        rig.check();
        let copper = row_of_copper(rig);
        let halted = |rig: &CmeRig<'_, '_>| {
            assert_eq!(quality(rig, copper), Some(QuoteQuality::Halted));
            let usable = rig.desk.seen.usable();
            assert!(usable.len() == 3 && !usable.contains(&copper), "{usable:?}");
        };
        let open = |rig: &CmeRig<'_, '_>| assert_eq!(rig.desk.seen.usable().len(), 4);
        open(rig);
        // By the venue itself.
        rig.venue().set_phase(Some(FIRST), Phase::Halted);
        rig.until("to be halted", |rig| quality(rig, copper) == Some(QuoteQuality::Halted));
        halted(rig);
        rig.venue().set_phase(Some(FIRST), Phase::Open);
        rig.until("to be open", |rig| rig.desk.seen.usable().len() == 4);
        // One instrument, its group, its product, both.
        for (id, family) in
            [(Some(COPPER), ["", ""]), (None, ["HG", ""]), (None, ["", "HG"]), (None, ["HG", "HG"])]
        {
            for status in TradingStatus::ALL.iter().copied() {
                tell(rig, id, family, status);
                match status {
                    TradingStatus::ReadyToTrade => open(rig),
                    TradingStatus::NoChange => {}
                    _ => halted(rig),
                }
                tell(rig, id, family, TradingStatus::NoChange);
                let is_open = status == TradingStatus::ReadyToTrade;
                if is_open {
                    open(rig)
                } else if status != TradingStatus::NoChange {
                    halted(rig)
                }
            }
            tell(rig, id, family, TradingStatus::ReadyToTrade);
            open(rig);
        }
        // Nobody is meant.
        for family in [["", ""], ["ZZ", ""], ["HG", "GC"]] {
            tell(rig, None, family, TradingStatus::Close);
            open(rig);
        }
        rig.check();
        // Books that are handed over have it too.
        tell(rig, None, ["HG", ""], TradingStatus::PreOpen);
        rig.is_deaf.set(true);
        rig.follow(50);
        rig.is_deaf.set(false);
        rig.until("to lose packets", |rig| !rig.state().is_usable());
        rig.until_usable();
        rig.follow(20);
        halted(rig);
        tell(rig, None, ["HG", ""], TradingStatus::ReadyToTrade);
        open(rig);
        rig.check();
    });
}
