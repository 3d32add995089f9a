//! Numbers: what is missing on either side, and what is not ours.

use super::rig::{Fate, Options, Rig, rig};
use cross_market_connect::venue::cme::simulated::{OrderRules, OrderTrouble, Spot};
use xmc_hotpath::message::{SessionState, Side};
use xmc_hotpath::time::Span;

fn with(body: impl FnOnce(&mut Rig<'_>)) {
    rig(&Options::default(), |rig| {
        rig.until_up();
        body(rig);
    });
}

#[test]
fn o09_a_message_of_another_session_ends_this_one_and_is_asked_for_again() {
    with(|rig| {
        rig.fault(&[(Spot::Report, 1, OrderTrouble::Stranger)]);
        rig.lift(Side::Buy, 1);
        rig.until_resumed(1);
        assert_eq!(rig.figures().last_lost, Some("stranger"));
        rig.agree();
    });
}

#[test]
fn o17_a_number_that_was_used_before_stops_the_session_for_people() {
    with(|rig| {
        rig.lift(Side::Buy, 1);
        rig.agree();
        rig.fault(&[(Spot::Report, 1, OrderTrouble::Renumbered(-1))]);
        rig.lift(Side::Buy, 1);
        let figures = rig.until_stopped();
        assert_eq!((figures.last_lost, figures.resumed), (Some("seq_no"), 0));
        assert_eq!(rig.state(), Some(SessionState::Down));
    });
}

#[test]
fn o20_bytes_that_are_no_message_end_the_session_and_the_next_one_has_all() {
    with(|rig| {
        rig.fault(&[(Spot::Report, 2, OrderTrouble::Garbage)]);
        rig.lift(Side::Buy, 1);
        rig.lift(Side::Buy, 1);
        rig.until_resumed(1);
        assert_eq!(rig.figures().last_lost, Some("framing"));
        rig.agree();
    });
}

#[test]
fn o18_orders_that_never_arrived_are_said_not_to_have_been_sent() {
    with(|rig| {
        rig.fault(&[
            (Spot::Request, 2, OrderTrouble::Lost),
            (Spot::Request, 3, OrderTrouble::Lost),
        ]);
        let ids: Vec<_> = (0..5).map(|_| rig.lift(Side::Buy, 1)).collect();
        rig.agree();
        let fates = ids.iter().map(|id| rig.fate(*id)).collect::<Vec<_>>();
        let expected = [Fate::Over, Fate::NotSent, Fate::NotSent, Fate::Over, Fate::Over];
        assert_eq!(fates, expected);
        // And nothing of it was sent again.
        assert_eq!(rig.venue.counts().expect("it runs").gateway.messages, 3);
    });
}

#[test]
fn o19_an_end_in_order_is_followed_by_another_session() {
    for code in [0, 20] {
        with(|rig| {
            rig.fault(&[(Spot::Report, 1, OrderTrouble::End(code))]);
            rig.lift(Side::Buy, 1);
            rig.until_resumed(1);
            rig.agree();
        });
    }
}

#[test]
fn o23_a_session_that_falls_silent_with_an_order_under_way_leaves_nothing_open() {
    let options = Options { keep_alive_ms: 1_000, ..Options::default() };
    rig(&options, |rig| {
        rig.until_up();
        rig.fault(&[(Spot::Report, 1, OrderTrouble::Silence(Span(3_500_000_000)))]);
        for _ in 0..5 {
            rig.lift(Side::Buy, 1);
        }
        rig.until("the end of a silent session", |rig| rig.figures().lost > 0);
        rig.until_resumed(1);
        rig.agree();
    });
}

/// Reports that are not said, the first ones from now on.
fn lost(count: u64) -> Vec<(Spot, u64, OrderTrouble)> {
    (1..=count).map(|nth| (Spot::Report, nth, OrderTrouble::Lost)).collect()
}

#[test]
fn o02_a_new_session_within_the_week_asks_the_last_one_for_what_it_did_not_deliver() {
    with(|rig| {
        let mut faults = lost(2);
        faults.push((Spot::Report, 3, OrderTrouble::Drop));
        faults.push((Spot::Establish, 1, OrderTrouble::End(2)));
        rig.fault(&faults);
        let ids = [(); 3].map(|()| rig.lift(Side::Buy, 1));
        rig.until_resumed(1);
        // What was sent when the connection was lost may be nowhere, and no session tells of it.
        assert!(rig.agree_but_unknown() <= 1);
        assert_eq!([0, 1].map(|row: usize| rig.fate(ids[row])), [Fate::Over; 2]);
        let gateway = rig.venue.counts().expect("it runs").gateway;
        assert!(gateway.resent >= 3, "{gateway:?}");
    });
}

#[test]
fn o11_missing_reports_are_asked_for() {
    with(|rig| {
        rig.fault(&lost(1));
        let first = rig.lift(Side::Buy, 1);
        rig.lift(Side::Buy, 1);
        rig.agree();
        assert_eq!(rig.fate(first), Fate::Over);
        assert!(rig.states.contains(&SessionState::Gapped), "{:?}", rig.states);
        let gateway = rig.venue.counts().expect("it runs").gateway;
        assert_eq!((rig.figures().lost, gateway.resent), (0, 1), "{gateway:?}");
    });
}

#[test]
fn o12_what_is_missing_in_a_retransmission_is_asked_for_again() {
    with(|rig| {
        let mut faults = lost(4);
        faults.push((Spot::Resent, 2, OrderTrouble::Lost));
        rig.fault(&faults);
        for _ in 0..4 {
            rig.lift(Side::Buy, 1);
        }
        rig.agree();
        assert_eq!(rig.figures().lost, 0);
    });
}

#[test]
fn o13_live_messages_come_between_those_that_come_again() {
    with(|rig| {
        let (resent_at_once, resend_pause) = (1, Span(20_000_000));
        let rules = OrderRules { resent_at_once, resend_pause, ..OrderRules::default() };
        rig.venue.set_order_rules(rules);
        rig.fault(&lost(6));
        for _ in 0..4 {
            rig.lift(Side::Buy, 1);
        }
        for _ in 0..20 {
            rig.follow(5);
            rig.lift(Side::Sell, 1);
        }
        rig.agree();
        assert_eq!(rig.figures().lost, 0);
    });
}

#[test]
fn o15_a_refused_retransmission_does_not_stop_the_session() {
    with(|rig| {
        let mut faults = lost(1);
        faults.push((Spot::RetransmitRequest, 1, OrderTrouble::Refused(3)));
        faults.push((Spot::RetransmitRequest, 2, OrderTrouble::Refused(3)));
        rig.fault(&faults);
        rig.lift(Side::Buy, 1);
        rig.lift(Side::Buy, 1);
        rig.agree();
        assert_eq!(rig.figures().lost, 0);
    });
    // What the exchange will never say again stays missing; the session lives.
    with(|rig| {
        let mut faults = lost(1);
        faults.push((Spot::RetransmitRequest, 1, OrderTrouble::Refused(0)));
        rig.fault(&faults);
        rig.lift(Side::Buy, 1);
        let second = rig.lift(Side::Buy, 1);
        rig.until_fate(second, Fate::Over);
        rig.follow(1_000);
        assert_eq!((rig.state(), rig.figures().lost), (Some(SessionState::Gapped), 0));
    });
}

#[test]
fn o16_what_was_said_to_nobody_is_asked_for_after_the_logon() {
    with(|rig| {
        rig.fault(&lost(3));
        let first = rig.lift(Side::Buy, 1);
        rig.follow(50);
        rig.venue.cut_orders();
        rig.until("another session", |rig| rig.figures().resumed >= 1);
        rig.agree();
        assert_eq!(rig.fate(first), Fate::Over);
    });
}

#[test]
fn o16_a_connection_that_is_lost_within_a_message_misses_nothing() {
    for bytes in [0, 1, 11, 30, 200] {
        with(|rig| {
            rig.fault(&[(Spot::Report, 2, OrderTrouble::Torn(bytes))]);
            for _ in 0..3 {
                rig.lift(Side::Buy, 1);
            }
            rig.until_resumed(1);
            rig.agree();
        });
    }
}

#[test]
fn o03_what_happened_before_the_weeks_first_logon_is_asked_for_by_it() {
    with(|rig| {
        let cancel_after = Span(300_000_000);
        rig.venue.set_order_rules(OrderRules { cancel_after, ..OrderRules::default() });
        let resting = rig.rest();
        rig.until_fate(resting, Fate::Working);
        // Nobody logs on before the order is cancelled, in a week that has no session yet.
        let faults: Vec<_> =
            (1..=4).map(|nth| (Spot::Establish, nth, OrderTrouble::Drop)).collect();
        rig.fault(&faults);
        rig.venue.cut_orders();
        rig.venue.begin_week();
        rig.until_resumed(1);
        rig.until_fate(resting, Fate::Over);
        rig.agree();
    });
}
