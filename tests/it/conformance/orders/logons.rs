//! Sessions that begin, end, and begin again.

use super::rig::{Options, Rig, rig};
use cross_market_connect::config::Endpoint;
use cross_market_connect::engine::opening;
use cross_market_connect::engine::sessions::Attempt;
use cross_market_connect::secret::Secret;
use cross_market_connect::venue::cme::ilink3::signature::SecretKey;
use cross_market_connect::venue::cme::simulated::shell::SIMULATED_KEY;
use cross_market_connect::venue::cme::simulated::{OrderTrouble, Spot};
use std::sync::atomic::Ordering;
use std::time::Duration;
use xmc_hotpath::message::{SessionState, Side};
use xmc_hotpath::time::Span;

fn with(body: impl FnOnce(&mut Rig<'_>)) {
    rig(&Options::default(), |rig| {
        rig.until_up();
        body(rig);
    });
}

/// What a refusal leads to: another session, or nothing by itself.
fn refused(spot: Spot, codes: &[(u16, bool)]) {
    for &(code, goes_on) in codes {
        with(|rig| {
            rig.lift(Side::Buy, 1);
            rig.agree();
            let mut faults = vec![(spot, 1, OrderTrouble::Refused(code))];
            if spot == Spot::Negotiate {
                // The session is not known any more: another one is negotiated.
                faults.push((Spot::Establish, 1, OrderTrouble::End(2)));
            }
            rig.fault(&faults);
            rig.venue.cut_orders();
            if goes_on {
                rig.until_resumed(1);
                rig.lift(Side::Sell, 1);
                rig.agree();
            } else {
                let figures = rig.until_stopped();
                let error = figures.last_error.expect("it is said");
                assert!(error.contains(&format!("code {code}")), "{error}");
                assert_eq!(rig.state(), Some(SessionState::Down), "nothing is opened there");
            }
        });
    }
}

#[test]
fn o01_a_week_begins_with_another_session_and_number_one() {
    with(|rig| {
        rig.lift(Side::Buy, 1);
        rig.agree();
        assert!(rig.events.last().expect("it was filled").seq_no > 1);
        rig.venue.begin_week();
        rig.until_resumed(1);
        let before = rig.events.len();
        rig.lift(Side::Sell, 1);
        rig.agree();
        assert_eq!(rig.events[before].seq_no, 1);
    });
}

#[test]
fn o04_an_establish_without_an_answer_is_said_again() {
    with(|rig| {
        rig.fault(&[(Spot::Establish, 1, OrderTrouble::Lost)]);
        rig.venue.cut_orders();
        rig.until_resumed(1);
        let figures = rig.figures();
        assert!(figures.failed >= 1, "{figures:?}");
        rig.lift(Side::Buy, 1);
        rig.agree();
    });
}

#[test]
fn o05_every_negotiation_reject_is_mapped() {
    refused(Spot::Negotiate, &[(1, true), (3, true), (15, true), (28, true), (0, false)]);
    refused(Spot::Negotiate, &[(10, false), (14, false), (99, false)]);
}

#[test]
fn o06_every_establishment_reject_is_mapped() {
    refused(Spot::Establish, &[(1, true), (3, true), (0, false), (11, false), (99, false)]);
}

#[test]
fn o07_a_reject_that_a_terminate_follows_is_survived() {
    with(|rig| {
        rig.fault(&[
            (Spot::Establish, 1, OrderTrouble::Refused(1)),
            (Spot::Establish, 2, OrderTrouble::End(3)),
        ]);
        rig.venue.cut_orders();
        rig.until_resumed(1);
        rig.lift(Side::Buy, 1);
        rig.agree();
    });
}

#[test]
fn o08_a_lost_connection_comes_back_under_its_number() {
    with(|rig| {
        for round in 1..=3 {
            rig.lift(Side::Buy, 1);
            rig.agree();
            rig.venue.cut_orders();
            rig.until_resumed(round);
            assert_eq!(rig.figures().last_lost, Some("closed"));
        }
        rig.lift(Side::Sell, 2);
        rig.agree();
        // The numbers of the exchange went on: it is one session.
        let numbers: Vec<_> = rig.events.iter().map(|event| event.seq_no).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    });
}

#[test]
fn o10_signs_of_life_keep_a_quiet_session() {
    let options = Options { keep_alive_ms: 1_500, ..Options::default() };
    rig(&options, |rig| {
        rig.until_up();
        rig.follow(6_000);
        assert_eq!(rig.figures().lost, 0);
        rig.lift(Side::Buy, 1);
        rig.agree();
    });
}

#[test]
fn o10_two_silent_intervals_end_a_session_and_the_next_one_is_whole() {
    let options = Options { keep_alive_ms: 1_000, ..Options::default() };
    rig(&options, |rig| {
        rig.until_up();
        rig.fault(&[(Spot::Report, 1, OrderTrouble::Silence(Span(4_000_000_000)))]);
        rig.lift(Side::Buy, 1);
        rig.until("the end of a silent session", |rig| rig.figures().lost == 1);
        rig.until_resumed(1);
        rig.agree();
    });
}

#[test]
fn o19_an_end_that_no_logon_mends_is_left_to_people() {
    for code in [8, 9, 18, 77] {
        with(|rig| {
            rig.fault(&[(Spot::Report, 1, OrderTrouble::End(code))]);
            rig.lift(Side::Buy, 1);
            let figures = rig.until_stopped();
            assert_eq!(figures.last_lost, Some("terminated"));
            assert_eq!(rig.state(), Some(SessionState::Down));
        });
    }
}

#[test]
fn o21_the_backup_address_goes_on_with_the_sequence() {
    with(|rig| {
        rig.lift(Side::Buy, 1);
        rig.agree();
        rig.is_primary_dead.store(true, Ordering::Relaxed);
        rig.venue.cut_orders();
        rig.until_resumed(1);
        assert!(rig.figures().failed >= 1, "the primary was tried first");
        rig.lift(Side::Buy, 1);
        rig.agree();
        let numbers: Vec<_> = rig.events.iter().map(|event| event.seq_no).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    });
}

#[test]
fn o22_a_second_connection_is_refused_and_the_first_stands() {
    with(|rig| {
        let clock = cross_market_connect::clock::EngineClock::start();
        let secret = |_: usize| Ok(Secret::new(SIMULATED_KEY));
        let mut config = rig.config.clone();
        let addresses = rig.venue.addresses();
        config.gateways[1].endpoint =
            Some(Endpoint::Stream(crate::recovery::live::rig::v4(addresses.orders)));
        let nowhere = std::path::Path::new("nowhere");
        let sessions = opening::sessions(&config, &clock, &secret, nowhere);
        let second = (sessions.log_on)(1, &Attempt::FIRST).expect_err("it stands already");
        assert!(second.to_string().contains("code 4"), "{second}");
        rig.lift(Side::Buy, 1);
        rig.agree();
        assert_eq!(rig.figures().lost, 0);
    });
}

#[test]
fn o31_a_key_is_changed_while_the_session_stands() {
    const NEXT: &str = "dGhlLW5leHQta2V5LW9mLXRoZS1zZXNzaW9u";
    with(|rig| {
        rig.lift(Side::Buy, 1);
        rig.agree();
        let key = SecretKey::from_base64url(NEXT).expect("it is one");
        rig.venue.with(move |shell, _| shell.venue_mut().set_key("XM1", key));
        *rig.key.lock().expect("nobody panics with it") = NEXT.to_owned();
        rig.venue.cut_orders();
        rig.until_resumed(1);
        rig.lift(Side::Sell, 1);
        rig.agree();
        // A wrong one is refused, once: who tries on is shut out.
        *rig.key.lock().expect("nobody panics with it") = SIMULATED_KEY.to_owned();
        rig.venue.cut_orders();
        let figures = rig.until_stopped();
        assert_eq!(figures.failed, 1, "{figures:?}");
        let error = figures.last_error.expect("it is said");
        assert!(error.contains("code 0") && !error.contains(SIMULATED_KEY), "{error}");
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(rig.figures().failed, 1);
    });
}
