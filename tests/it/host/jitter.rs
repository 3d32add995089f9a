//! The loop that looks for gaps.

use cross_market_connect::clock::EngineClock;
use cross_market_connect::host::jitter::{OVER_NS, measure};
use cross_market_connect::topology::host::Host;
use std::time::{Duration, Instant};

#[test]
fn a_core_is_looked_at_for_as_long_as_was_asked() {
    let allowed = Host::here().expect("cores can be read").allowed;
    let core = *allowed.last().expect("the test runs somewhere");
    let span = Duration::from_millis(300);
    let begun = Instant::now();
    let all = measure(&[core], span, &EngineClock::start()).expect("it may be used");
    assert!(begun.elapsed() >= span);
    let [gaps] = all.as_slice() else { panic!("one core") };
    assert_eq!(gaps.core, core);
    assert!(u128::from(gaps.elapsed_ns) >= span.as_nanos() * 99 / 100, "{gaps:?}");
    assert!(gaps.threshold_ns >= 8 && gaps.stolen_ns <= gaps.elapsed_ns, "{gaps:?}");
    // Longer gaps are among the shorter ones.
    assert!(gaps.over.is_sorted_by(|shorter, longer| shorter >= longer), "{gaps:?}");
    assert!(OVER_NS.is_sorted());
    assert!(gaps.gaps.count >= gaps.over[2], "{gaps:?}");
    // Noting a gap is no gap, or one would bring the next for ever: a million in a second.
    assert!(gaps.per_second(gaps.gaps.count) < 200_000.0, "{gaps:?}");
}

#[test]
fn a_core_that_is_not_there_is_refused_and_nobody_waits_for_it() {
    let span = Duration::from_millis(20);
    let refused = measure(&[0, 1_023], span, &EngineClock::start()).expect_err("no such core");
    assert!(refused.to_string().contains("core 1023"), "{refused}");
}
