//! Instants and the scale of a tick counter, against arithmetic in 128 bits.

use proptest::prelude::*;
use xmc_hotpath::time::{MonoNs, Span, TickScale};

/// The scale of a counter of that many ticks in a second, rounded to nearest.
fn scale(origin_ticks: u64, hz: u64) -> TickScale {
    let ns_per_tick_q32 = ((1_000_000_000_u128 << 32) + u128::from(hz) / 2) / u128::from(hz);
    TickScale { origin_ticks, ns_per_tick_q32: u64::try_from(ns_per_tick_q32).unwrap() }
}

fn edge() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(1), Just(u64::MAX), Just(u64::MAX - 1), any::<u64>(), 0_u64..1 << 40]
}

proptest! {
    /// Up to a year after the origin the scale agrees with division, within its documented error.
    #[test]
    fn ticks_become_nanoseconds(
        origin in 0_u64..1 << 62,
        hz in prop_oneof![Just(1_000_000_000), 500_000_000_u64..6_000_000_000],
        seconds in 0_u64..365 * 86_400,
        rest in any::<u64>(),
    ) {
        let elapsed = seconds * hz + rest % hz;
        let exact = u128::from(elapsed) * 1_000_000_000 / u128::from(hz);
        let found = u128::from(scale(origin, hz).at(origin + elapsed).0);
        // Half a unit of 2^-32 ns in each tick, and one for rounding down.
        let allowed = (u128::from(elapsed) >> 33) + 1;
        prop_assert!(found.abs_diff(exact) <= allowed, "{found} {exact} {allowed}");
    }

    /// Wherever the product fits, the result is the product, whole.
    #[test]
    fn the_product_is_exact(origin in edge(), ticks in edge(), ns_per_tick_q32 in edge()) {
        let elapsed = u128::from(ticks.saturating_sub(origin));
        let exact = (elapsed * u128::from(ns_per_tick_q32)) >> 32;
        let Ok(exact) = u64::try_from(exact) else { return Ok(()) };
        let scale = TickScale { origin_ticks: origin, ns_per_tick_q32 };
        prop_assert_eq!(scale.at(ticks), MonoNs(exact));
    }

    /// Later ticks never give an earlier moment, so no two stamps of one core cross.
    #[test]
    fn time_does_not_go_back(
        origin in 0_u64..1 << 50, a in 0_u64..1 << 60, b in 0_u64..1 << 60,
        hz in 500_000_000_u64..6_000_000_000,
    ) {
        let scale = scale(origin, hz);
        prop_assert!(scale.at(a.min(b)) <= scale.at(a.max(b)));
    }

    #[test]
    fn spans_end_at_the_edges(a in edge(), b in edge()) {
        let exact = i128::from(a) - i128::from(b);
        let since = u64::try_from(exact.max(0)).unwrap();
        prop_assert_eq!(MonoNs(a).since(MonoNs(b)), Span(since));
        let after = u64::try_from(u128::from(a) + u128::from(b)).unwrap_or(u64::MAX);
        prop_assert_eq!(MonoNs(a).after(Span(b)), MonoNs(after));
    }
}

/// What the documentation of `TickScale` promises for 2.6 GHz.
#[test]
fn a_day_is_off_by_less_than_fifty_microseconds() {
    let hz = 2_600_000_000;
    let day = scale(7, hz).at(7 + hz * 86_400).0;
    assert!(day.abs_diff(86_400_000_000_000) < 50_000, "{day}");
}

#[test]
fn what_never_comes_stays_away() {
    assert_eq!(MonoNs::NEVER.after(Span(1)), MonoNs::NEVER);
    assert!(MonoNs(u64::MAX - 1) < MonoNs::NEVER);
    assert_eq!(MonoNs(5).after(Span(u64::MAX)), MonoNs::NEVER);
}
