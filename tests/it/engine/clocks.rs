//! Clocks that are wrong: found, told, and without any effect on timeouts.

use super::live::configuration;
use cross_market_connect::engine::clocks::Clocks;
use cross_market_connect::recovery::replica::ReplicaCounters;
use cross_market_connect::recovery::replica::clock::{ClockCounters, SendingClock, signed};
use xmc_hotpath::message::{ClockScale, Finding, FindingKind, StreamId};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

const SECOND: u64 = 1_000_000_000;
const HOUR: i64 = 3_600 * 1_000_000_000;
/// 2026-11-21.
const UTC: u64 = 1_795_000_000 * SECOND;

fn kinds(found: &[Finding]) -> Vec<(FindingKind, i64)> {
    found.iter().map(|finding| (finding.kind, finding.value)).collect()
}

/// An engine's clock and UTC, read once a second for so long. UTC gains `drift` nanoseconds per
/// second, and is set by `step` after `at` seconds. What is found, and the steps that were counted.
fn run(stops: bool, seconds: u64, drift: i64, (at, step): (u64, i64)) -> (Vec<Finding>, u64) {
    let mut config = configuration();
    config.engine.clock_steps_stop = stops;
    let mut clocks = Clocks::of(&config);
    let mut random = fastrand::Rng::with_seed(7);
    let mut found = Vec::new();
    for second in 0..seconds {
        // A reading is off by up to its own error.
        let error = random.u64(0..2_000);
        let noise = random.i64(0..=error as i64) - error as i64 / 2;
        let set = if second >= at { step } else { 0 };
        let utc = (UTC + second * SECOND).wrapping_add_signed(drift * second as i64 + set + noise);
        let scale =
            ClockScale { at: MonoNs(second * SECOND), utc: UnixNs(utc), error: Span(error) };
        found.extend(clocks.take(&scale, &[]));
    }
    assert_eq!(clocks.figures().readings, seconds);
    if seconds > 60 && step == 0 {
        assert!(clocks.figures().drift_ns_per_s.abs_diff(drift) < 100, "{:?}", clocks.figures());
    }
    (found, clocks.figures().steps)
}

/// Steps of an hour and of 150 us, either way; whatever the clocks drift by meanwhile.
#[test]
fn a_clock_that_is_set_is_found_once() {
    for stops in [false, true] {
        for drift in [0, 40_000, -40_000] {
            for step in [HOUR, -HOUR, 150_000, -150_000] {
                let (found, steps) = run(stops, 300, drift, (200, step));
                let [finding] = found[..] else { panic!("{drift} {step}: {found:?}") };
                assert_eq!((finding.kind, steps), (FindingKind::ClockStep, 1));
                assert!(finding.value.abs_diff(step) < 8_000, "{finding:?}, set by {step}");
                assert_eq!((finding.opens_nothing, finding.stream), (stops, StreamId::NONE));
            }
        }
    }
}

/// What a time daemon does, and steps below the limit, are none.
#[test]
fn a_clock_that_is_kept_is_left_alone() {
    for drift in [0, 90_000, -90_000] {
        assert_eq!(run(true, 300, drift, (200, 0)), (vec![], 0));
        let (found, _) = run(true, 300, drift, (200, 80_000));
        assert_eq!(found, [], "{drift}");
    }
}

/// A host that stands still reads the clocks seldom: what they drift meanwhile, before it has been
/// measured, is no step; an hour is one.
#[test]
fn a_reading_that_comes_late_is_no_step() {
    for (step, expected) in [(0, 0), (HOUR, 1), (-HOUR, 1)] {
        for drift in [60_000_i64, -60_000] {
            let mut clocks = Clocks::of(&configuration());
            let mut found = Vec::new();
            for (number, second) in [0_u64, 1, 2, 7, 8, 20, 21].into_iter().enumerate() {
                let set = if number >= 4 { step } else { 0 };
                let utc = (UTC + second * SECOND).wrapping_add_signed(drift * second as i64 + set);
                // As late as a loop is that sleeps.
                let at = MonoNs(second * SECOND + 3_000_000 * number as u64);
                let utc = UnixNs(utc + 3_000_000 * number as u64);
                found.extend(clocks.take(&ClockScale { at, utc, error: Span(900) }, &[]));
            }
            assert_eq!(found.len(), expected, "{drift} {step}: {found:?}");
            assert_eq!(clocks.figures().steps, expected as u64);
        }
    }
}

/// One rate is none of a clock that anybody keeps: told once.
#[test]
fn clocks_that_drift_apart_are_found() {
    let mut config = configuration();
    // So that the drift is not a step each second before it is known.
    config.engine.clock_step_us = 1_000_000;
    let mut clocks = Clocks::of(&config);
    let mut found = Vec::new();
    for second in 0..400_u64 {
        let utc = UnixNs(UTC + second * (SECOND + 800_000));
        let scale = ClockScale { at: MonoNs(second * SECOND), utc, error: Span(0) };
        found.extend(clocks.take(&scale, &[]));
    }
    assert_eq!(kinds(&found), [(FindingKind::ClockDrift, 800_000)]);
}

/// Packets of a venue for so many seconds, 20 a second, each delayed by something; the venue's
/// clock drifts and is set after 100 seconds.
fn venue(seconds: u64, drift: i64, step: i64, pause_at: Option<u64>) -> ClockCounters {
    let counters = ClockCounters::default();
    let mut clock = SendingClock::default();
    let mut random = fastrand::Rng::with_seed(5);
    for packet in 0..seconds * 20 {
        let second = packet / 20;
        let now = packet * SECOND / 20 + 5 * SECOND;
        // Mostly little, sometimes long; this host may stand still for a second.
        let wait = random.i64(0..200_000) + if random.u8(..10) == 0 { 30_000_000 } else { 0 };
        let pause = if pause_at == Some(second) { 900_000_000 } else { 0 };
        let set = if second >= 100 { step } else { 0 };
        let drifted = drift * packet as i64 / 20;
        let sent = (UTC + now).wrapping_add_signed(drifted + set - wait - pause);
        clock.look(MonoNs(now - 400_000), &counters);
        clock.take(UnixNs(sent), MonoNs(now), &counters);
        clock.look(MonoNs(now + 400_000), &counters);
    }
    counters
}

/// Packets that come at once, 40 a second for 60 seconds, from a venue whose clock is set by `step`
/// after 40; from the 20th second on the host has other work and looks for them as late as `most`.
fn seldom_looked(step: i64, most: u64, seed: u64) -> u64 {
    let (counters, mut clock) = (ClockCounters::default(), SendingClock::default());
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut now, mut packet) = (5 * SECOND, 0);
    while packet < 60 * 40 {
        let second = packet / 40;
        // Some seconds are worse than others.
        let worst = if second < 20 { 500_000 } else { most / (1 + second % 3) };
        now += random.u64(worst / 2..=worst);
        clock.look(MonoNs(now), &counters);
        while packet * SECOND / 40 + 5 * SECOND <= now {
            let set = if packet / 40 >= 40 { step } else { 0 };
            let sent = (UTC + 5 * SECOND + packet * SECOND / 40).wrapping_add_signed(set);
            clock.take(UnixNs(sent), MonoNs(now), &counters);
            packet += 1;
        }
    }
    counters.steps.get()
}

/// A host that looks seldom finds packets late and knows it; an hour is a step all the same.
#[test]
fn packets_that_are_found_late_are_no_step_of_the_venue() {
    for seed in 0..50 {
        for most in [500_000, 8_000_000, 30_000_000, 200_000_000] {
            assert_eq!(seldom_looked(0, most, seed), 0, "{seed}: looks up to {most} ns apart");
            for step in [HOUR, -HOUR] {
                assert_eq!(seldom_looked(step, most, seed), 1, "{seed}: {most} ns, {step}");
            }
        }
    }
}

#[test]
fn a_venue_s_clock_is_followed_and_its_steps_are_found() {
    for drift in [0, 30_000, -30_000] {
        for (step, expected) in [(0, 0), (HOUR, 1), (-HOUR, 1), (5_000_000, 1), (300_000, 0)] {
            for pause_at in [None, Some(50), Some(150)] {
                let counters = venue(300, drift, step, pause_at);
                let case = format!("{drift} {step} {pause_at:?}");
                assert_eq!(counters.steps.get(), expected, "{case}");
                assert_eq!(counters.packets.get(), 6_000);
                if expected > 0 {
                    // A clock that is set forward makes the way look shorter.
                    let found = -signed(&counters.last_step_ns);
                    assert!(found.abs_diff(step) < 300_000, "{case}: {found}");
                }
                if step != 300_000 {
                    let rate = -signed(&counters.drift_ns_per_s);
                    assert!(rate.abs_diff(drift) < 4_000, "{case}: {rate}");
                }
            }
        }
    }
}

/// A venue's step is told with its stream, once.
#[test]
fn a_step_of_a_venue_is_told_with_its_stream() {
    let config = configuration();
    let mut clocks = Clocks::of(&config);
    let replicas = [ReplicaCounters::default()];
    let take = |clocks: &mut Clocks, second: u64| {
        let (at, utc) = (MonoNs(second * SECOND), UnixNs(UTC + second * SECOND));
        clocks.take(&ClockScale { at, utc, error: Span(100) }, &replicas)
    };
    assert_eq!(take(&mut clocks, 0), []);
    replicas[0].clock.last_step_ns.set((-HOUR).cast_unsigned());
    replicas[0].clock.steps.add(1);
    let found = take(&mut clocks, 1);
    assert_eq!(kinds(&found), [(FindingKind::ClockStep, -HOUR)]);
    assert_eq!(found[0].stream, StreamId(config.feeds[0].stream_id.value));
    assert!(!found[0].opens_nothing, "a person is told, and no more, unless it is configured");
    assert_eq!(take(&mut clocks, 2), []);
    assert_eq!(clocks.figures().steps, 0, "UTC was not set");
}
