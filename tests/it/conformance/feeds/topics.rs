//! SHFE's topics: the cases that hold for them too, and those that only they have.

use super::super::rig::{Market, Options, ShfeRig, shfe_rig};
use cross_market_connect::engine::limits::PriceBands;
use cross_market_connect::recovery::replica::ReplicaCounters;
use cross_market_connect::venue::cme::simulated::{LineFaults, LostPackets, Silence};
use xmc_hotpath::feed::{ArbiterLimits, SeqNo};
use xmc_hotpath::message::ChannelState;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::Span;

/// A slice each half second: less time would hold none.
const SLICE_MS: u64 = 550;

fn check_for(rig: &mut ShfeRig<'_, '_>, slices: u32) {
    for _ in 0..slices {
        rig.follow(SLICE_MS);
        rig.check();
    }
}

#[test]
fn m03_of_a_topic_one_line_is_enough() {
    shfe_rig(&Options::default(), |rig| {
        rig.until_usable();
        let asked = rig.counters.asked.get();
        for line in Line::BOTH {
            rig.venue().set_faults(line, LineFaults { lost_per_mille: 500, ..LineFaults::NONE });
            check_for(rig, 4);
            rig.venue().set_faults(line, LineFaults::NONE);
        }
        assert_eq!((rig.counters.gaps.get(), rig.counters.asked.get()), (0, asked));
    });
}

/// Packets that nobody got are asked for, as long as the exchange sends that many again; where it
/// does not, a snapshot is taken.
#[test]
fn m04_and_m06_of_a_topic_missed_packets_are_asked_for_within_the_limits() {
    shfe_rig(&Options::default(), |rig| {
        rig.until_usable();
        rig.check();
        for most in [4_096, 0] {
            rig.venue().with(move |shell, _| shell.venue_mut().set_most_resent(most));
            let gaps = rig.counters.gaps.get();
            let queries = |rig: &ShfeRig<'_, '_>| rig.venue().counts().expect("it runs").queries;
            let before = queries(rig);
            let next = u64::from(rig.venue().truth().0) + 1;
            rig.venue().lose(LostPackets { line: None, numbers: next..=next });
            rig.until("to miss it", |rig| rig.counters.gaps.get() > gaps);
            assert!(rig.desk.seen.usable().is_empty(), "{:?}", rig.state());
            rig.until_usable();
            check_for(rig, 2);
            let after = queries(rig);
            let resent = after.resent_packets - before.resent_packets;
            let (refused, taken) =
                (after.refused - before.refused, after.snapshots - before.snapshots);
            println!("of {most}: {resent} resent, {refused} refused, {taken} snapshots");
            assert_eq!(resent > 0, most > 0);
            assert!(most > 0 || taken > 0, "refused, so a snapshot is taken");
        }
    });
}

/// Another data centre publishes: nothing is believed until a new snapshot is there.
#[test]
fn m08_of_a_topic_a_centre_change_voids_the_books() {
    shfe_rig(&Options::default(), |rig| {
        rig.until_usable();
        for _ in 0..3 {
            check_for(rig, 1);
            let resets = rig.counters.resets.get();
            rig.venue().fail_over();
            rig.until("to be void", |rig| rig.counters.resets.get() > resets);
            assert!(!rig.state().is_usable());
            rig.until_usable();
            check_for(rig, 1);
        }
    });
}

/// What the venue's own figures say beside the books, and its limits, as one packet left them.
fn compare_days(rig: &mut ShfeRig<'_, '_>) {
    let figures = |rig: &ShfeRig<'_, '_>| {
        let told = rig.venue().with(|shell, _| {
            let exchange = shell.exchange();
            let days = exchange.listings().map(|(listing, engine)| {
                let (_, figures) = exchange.published(listing).expect("it is listed");
                (engine.listing().clone(), *figures)
            });
            days.collect::<Vec<_>>()
        });
        told.expect("it runs")
    };
    let (mut before, mut days) = (rig.venue().truth().0, figures(rig));
    loop {
        rig.until("to be there", |rig| {
            rig.state().is_usable() && SeqNo(rig.position()).beyond(SeqNo(before)) >= 0
        });
        // Nothing came between the two.
        let after = rig.venue().truth().0;
        if (before, before) == (rig.position(), after) {
            break;
        }
        before = after;
        days = figures(rig);
    }
    let channel = rig.stage.feed().channel();
    let mut count = 0;
    for row in channel.books().rows() {
        let instrument = channel.books().get(row).expect("its row");
        let Some(index) = instrument.index() else { continue };
        let symbol = &rig.config.instruments[usize::try_from(index.0).expect("a row")].symbol;
        let found = days.iter().find(|(listing, _)| listing.symbol == *symbol);
        let (listing, figures) = found.expect("it is listed");
        let day = channel.books().day(row).expect("days are kept");
        let last_e9 = day.last.map(|last| last.price_e9);
        assert_eq!(last_e9, figures.last_e9, "{symbol}");
        let prices = [figures.open_e9, figures.high_e9, figures.low_e9];
        assert_eq!([day.open_e9, day.high_e9, day.low_e9], prices, "{symbol}");
        assert_eq!(day.volume_lots.map(u64::from), Some(figures.volume_lots), "{symbol}");
        let interest = day.open_interest.map(|of| i64::from(of.lots));
        assert_eq!(interest, Some(figures.open_interest_lots()), "{symbol}");
        assert_eq!(day.limits.low_e9, Some(listing.lower_e9), "{symbol}");
        assert_eq!(day.limits.high_e9, Some(listing.upper_e9), "{symbol}");
        let settled = day.settlement.map(|of| of.price_e9);
        assert_eq!(settled, Some(listing.reference_e9), "{symbol}");
        count += 1;
    }
    assert_eq!(count, 4);
}

/// Trades, prices and limits of the day: from a snapshot, from changes, from a new centre, and
/// handed over.
#[test]
fn m13_of_a_topic_days_are_the_venue_s_own() {
    shfe_rig(&Options::default(), |rig| {
        rig.until_usable();
        for turn in 0..4 {
            for _ in 0..3 {
                rig.follow(SLICE_MS);
                compare_days(rig);
            }
            match turn {
                1 => {
                    rig.venue().fail_over();
                    rig.until("to be void", |rig| !rig.state().is_usable());
                }
                2 => {
                    rig.is_deaf.set(true);
                    rig.follow(2 * SLICE_MS);
                    rig.is_deaf.set(false);
                    rig.until("to lose packets", |rig| !rig.state().is_usable());
                }
                _ => {}
            }
            rig.until_usable();
        }
        let mut bands = PriceBands::of(rig.config);
        let told = bands.due([rig.cold, &ReplicaCounters::default()].into_iter());
        println!("{} instruments have narrower limits than the configuration", told.len());
        let known = rig.cold.limits.known();
        assert_eq!(known.len(), 4, "{known:?}");
    });
}

#[test]
fn m14_of_a_topic_heartbeats_keep_it_live_and_silence_does_not() {
    let limits = ArbiterLimits { stale_after: Span(4_000_000_000), ..Options::default().limits };
    shfe_rig(&Options { limits, ..Options::default() }, |rig| {
        rig.until_usable();
        check_for(rig, 1);
        rig.venue().set_silence(Silence::Frozen);
        rig.follow(6_500);
        assert!(rig.state().is_usable(), "a heartbeat each three seconds: {:?}", rig.state());
        rig.venue().set_silence(Silence::Off);
        check_for(rig, 1);
        rig.venue().set_silence(Silence::Total);
        rig.follow(5_000);
        assert_eq!(rig.state(), ChannelState::Stale);
        rig.venue().set_silence(Silence::Off);
        rig.until_usable();
        check_for(rig, 1);
        assert_eq!(rig.counters.gaps.get(), 0);
    });
}

/// One that comes back after a kill numbers on behind what it may have sent, from another centre.
#[test]
fn m18_and_m20_of_a_topic_a_venue_that_restarts_is_joined_again() {
    shfe_rig(&Options::default(), |rig| {
        rig.until_usable();
        check_for(rig, 2);
        rig.restart(700);
        rig.until("to be void", |rig| !rig.state().is_usable());
        rig.until_usable();
        check_for(rig, 2);
    });
}
