//! The engine's alert about its own guard.

use cross_market_connect::alert::gauge::{Gauges, Limits};
use cross_market_connect::alert::rule::Rule;
use cross_market_connect::alert::signal::Signal;

#[test]
fn a_guard_that_does_not_look_is_told_once_and_cleared_when_it_looks() {
    let mut gauges = Gauges::new(Limits::default(), Vec::new(), Vec::new());
    let limit = u64::try_from(Rule::GuardSilent.limit().expect("it has one").default).unwrap();
    // It is given as long to begin.
    assert_eq!(gauges.guard(None, limit, 1), None);
    assert_eq!(gauges.guard(Some(limit), 9 * limit, 2), None);
    let raised = gauges.guard(Some(limit + 1), 9 * limit, 3);
    let Some(Signal::Raise(raised)) = raised else { panic!("{raised:?}") };
    assert_eq!(raised.rule, Rule::GuardSilent);
    assert_eq!(gauges.guard(Some(limit + 500), 9 * limit, 4), None, "it is told");
    assert!(matches!(gauges.guard(Some(3), 9 * limit, 5), Some(Signal::Clear { .. })));
    // One that was never there.
    assert!(matches!(gauges.guard(None, limit + 1, 6), Some(Signal::Raise(_))));
}
