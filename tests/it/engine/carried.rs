//! A run that ends with orders of which nobody can tell, and the next one, which is told of them.

use super::markets::{Side, after, in_market};
use super::relay::{FRONT, Relay};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use xmc_hotpath::message::AlertKind;

/// The way to the domestic counter is lost, and the venue is killed, with orders on the way. The
/// engine logs on where it is back, and so does the next run: the counter tells what it knows of
/// its day, which is nothing new, and of those orders it says nothing. They stay reserved, and no
/// order of the day is an alert.
#[test]
fn what_a_counter_tells_again_is_not_news_and_what_it_does_not_tell_stays_reserved() {
    in_market("carried_orders", 3, |market| {
        let relay = Relay::open(market.reroute(FRONT), 0, 0);
        let (cut, mend) = (Arc::clone(&relay.is_cut), Arc::clone(&relay.is_cut));
        let script = vec![
            after(2_000, move |_, _| cut.store(true, Ordering::Relaxed)),
            after(1_500, |floor, _| floor.kill(Side::Shfe)),
            after(1_000, move |floor, _| {
                mend.store(false, Ordering::Relaxed);
                floor.restart(Side::Shfe);
            }),
        ];
        let before = market.run(700, script);
        assert!(before.unknown > 0 && before.orders > 4, "nothing was on its way: {before:?}");
        let then = market.run(2_500, Vec::new());
        assert_eq!(then.unknown, before.unknown, "{then:?}");
        // Of each spread with such an order, that it is halted.
        assert!(then.alerts.iter().all(|kind| *kind == AlertKind::CarriedHalt), "{then:?}");
        assert!(then.alerts.len() <= before.unknown as usize, "{then:?}");
        assert_eq!(then.lots, market.booked(), "nothing is filled twice or forgotten");
    });
}
