//! The demonstration's engine while its order connection is lost: it logs on again by itself.

use crate::engine::markets::{Floor, after, in_market, sessions, traded};
use cross_market_connect::engine::live::Sight;
use cross_market_connect::venue::cme::simulated::{OrderFaults, OrderRate, OrderTrouble, Spot};
use std::time::{Duration, Instant};

/// An engine that ends as planned says so, and the exchange does not have to find out.
#[test]
fn o19_an_engine_that_ends_says_goodbye() {
    let counted = in_market("orders_goodbye", 6, |market| {
        market.run(500, Vec::new());
        let since = Instant::now();
        loop {
            let gateway = market.floor.cme().counts().expect("it runs").gateway;
            if gateway.goodbyes > 0 || since.elapsed() > Duration::from_secs(30) {
                return gateway;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    assert_eq!((counted.goodbyes, counted.lapsed, counted.broken), (1, 0, 0), "{counted:?}");
}

/// The overseas connection is lost while orders are under way.
#[test]
fn o08_an_engine_whose_connection_is_lost_logs_on_again_and_trades_on() {
    let seen = traded(
        "orders_cut",
        5,
        2_500,
        vec![
            after(2_000, |floor, _| floor.cme().cut_orders()),
            // A busy machine takes its time, and the venue is held again and again.
            after(8_000, |floor, sight| {
                let figures = sessions(sight, "cme");
                assert!(figures.lost >= 1 && figures.resumed == figures.lost, "{figures:?}");
                assert_eq!((figures.last_lost, figures.is_stopped), (Some("closed"), false));
                assert!(floor.cme().counts().expect("it runs").gateway.established >= 2);
            }),
        ],
    );
    let late: u32 = seen.fires.iter().skip(3).sum();
    assert!(late > 0, "nothing was fired after it: {seen:?}");
}

/// From a moment on nothing that the exchange says of orders arrives, and the run ends. The next
/// one asks the last session for what it did not hear, and nothing stays open.
#[test]
fn o08_a_run_that_goes_on_asks_the_last_session_for_what_it_did_not_hear() {
    in_market("orders_carried", 6, |market| {
        let lost = |spot| OrderRate { spot, per_mille: 1_000, what: OrderTrouble::Lost };
        let rates = vec![lost(Spot::Report), lost(Spot::Resent)];
        let faults = OrderFaults { rates, ..OrderFaults::default() };
        let fall_silent = move |floor: &mut Floor, _: &Sight<'_, '_>| {
            floor.cme().set_order_faults(faults);
        };
        let before = market.run(3_000, vec![after(2_000, fall_silent)]);
        assert!(before.unknown > 0, "nothing was on its way: {before:?}");
        market.floor.cme().set_order_faults(OrderFaults::default());
        let then = market.run(2_500, Vec::new());
        assert_eq!(then.lots, market.booked(), "nothing is filled twice or forgotten");
        assert_eq!(then.unknown, 0, "{then:?}");
    });
}
