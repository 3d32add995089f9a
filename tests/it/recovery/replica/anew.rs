//! Numbers that begin anew, and numbers that only come again (M9): a new week, a venue that was
//! restarted on the same day, old packets on both lines. Whatever the numbers overlap, no quote is
//! usable that is not the venue's of now, and in the end all are.

use super::{cme, shfe};
use crate::venue::cme::simulated as cme_venue;
use crate::venue::shfe::simulated as shfe_venue;
use cross_market_connect::recovery::replica::Replica;
use cross_market_connect::venue::{cme::simulated as sim, shfe::simulated as sim_shfe};
use xmc_hotpath::feed::SeqNo;
use xmc_hotpath::time::Span;

const MS: u64 = 1_000_000;

fn settings(seed: u64) -> sim::Settings {
    let mut settings = cme_venue::settings(seed);
    let period = Span(10 * MS);
    (settings.channel.snapshots, settings.channel.definitions) = (period, period);
    settings
}

/// Steps of a millisecond. Two packets of both lines prove a new numbering: from then on nothing
/// may be usable that is not of now. Says for how many all was usable.
fn watch(rig: &mut cme::Rig<'_, '_, '_>, from: u64, to: u64) -> usize {
    (from..to)
        .filter(|at| {
            let is_usable = rig.step(at * MS);
            let last = rig.venue.last_seq_no();
            let usable = rig.hot.seen.usable();
            if last > 3 && !usable.is_empty() {
                let position = rig.hot.stage.feed().position();
                assert_eq!(position, Some(SeqNo(last)), "{usable:?} at {at} ms");
            }
            is_usable
        })
        .count()
}

/// A venue does not come back within a second: numbers that were there and that nobody remembers
/// are told by that.
const PAUSE_MS: u64 = 2_000;

/// M9. From few packets, all of which are known still, to more than any memory of them.
#[test]
fn m09_a_new_week_of_an_mdp3_channel_ends_with_its_own_books() {
    for (old_ms, seed) in [(40, 1), (70, 2), (120, 3), (400, 4), (2_000, 5), (9_000, 6)] {
        cme::with(settings(seed), seed, |rig| {
            let usable = watch(rig, 0, old_ms);
            let old = rig.venue.last_seq_no();
            assert!(usable > 5, "usable for {usable} of {old_ms} ms");
            let mut again = settings(seed + 100);
            let from = old_ms + PAUSE_MS;
            again.exchange.start = cme_venue::moment(from * MS);
            again.channel.first_seq_no = 1;
            rig.venue = sim::Venue::new(again);
            let usable = watch(rig, from, from + 1_000);
            let counters = rig.hot.counters;
            println!(
                "{old} packets before: usable for {usable} of 1000 ms, {} over, {} restarts, {} \
                 divergent",
                counters.resets.get(),
                counters.restarts.get(),
                counters.divergent.get()
            );
            assert!(usable > 800, "usable for {usable} ms after {old} packets");
        });
    }
}

/// M9. Old packets on both lines, as they were: the numbering goes on behind them.
#[test]
fn m09_old_packets_on_both_lines_are_no_new_week() {
    for (back, count) in [(20, 20), (400, 40), (2_000, 60), (2_000, 1)] {
        cme::with(settings(7), 7, |rig| {
            watch(rig, 0, 4_000);
            let sent = rig.sent.len();
            assert!(sent > 2_100, "{sent} packets");
            let old = rig.sent[sent - back..sent - back + count].to_vec();
            rig.send_again(&old, 4_000 * MS);
            let usable = watch(rig, 4_000, 4_500);
            let restarts = rig.hot.counters.restarts.get();
            println!("{count} of {back} packets ago: usable for {usable} ms, {restarts} restarts");
            assert!(usable > 400, "usable for {usable} ms");
            // What is remembered is known to be old.
            assert!(restarts == 0 || (back > 1_024 && count > 1));
        });
    }
}

/// M9. A venue that was restarted within the day numbers anew, and its small numbers were there.
#[test]
fn m09_a_topic_that_restarts_within_the_day_ends_with_its_own_books() {
    for (old_ms, seed) in [(2_000, 1), (6_000, 2), (40_000, 3)] {
        shfe::with(shfe_venue::settings(seed), seed, |rig| {
            let watch = |rig: &mut shfe::Rig<'_, '_, '_>, from: u64, to: u64| {
                (from / 10..to / 10).filter(|at| rig.step(at * 10 * MS)).count()
            };
            let usable = watch(rig, 0, old_ms);
            assert!(usable > 20, "usable for {usable} steps");
            let old = rig.hot.feed.position();
            let mut again = shfe_venue::settings(seed + 100);
            again.exchange.start = shfe_venue::moment(old_ms * MS);
            rig.venue = sim_shfe::Venue::new(again);
            rig.connection = None;
            rig.replica.disconnected();
            let usable = watch(rig, old_ms, old_ms + 10_000);
            let counters = rig.hot.counters;
            println!(
                "restarted after {old:?}: usable for {usable} of 1000 steps, {} restarts, {} \
                 divergent",
                counters.restarts.get(),
                counters.divergent.get()
            );
            assert!(usable > 500, "usable for {usable} steps");
        });
    }
}
