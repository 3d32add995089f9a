//! The domestic counter is lost while the engine trades, and the engine logs on again by itself.
//! What the counter has booked afterwards is what the desk knows: see `markets`.

use super::markets::{Floor, Seen, Side, Step, after, in_market, sessions, traded};
use super::relay::{FRONT, Relay};
use cross_market_connect::engine::live::Sight;
use cross_market_connect::secret::Secret;
use cross_market_connect::venue::esunny::dstar::logon::{self, Credentials, Logon};
use cross_market_connect::venue::shfe::simulated::shell::ShfeShell;
use cross_market_connect::venue::shfe::simulated::{ConnectionId, Service};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering;
use std::time::Duration;
use xmc_hotpath::message::{AlertKind, SessionState};
use xmc_hotpath::time::MonoNs;
use xmc_hotpath::venue::esunny::dstar::encode::DeleteTemplate;
use xmc_hotpath::venue::esunny::dstar::layout::{Key, Reference, ReqIdMode, V3};

/// The engine has a session at the counter again, and not the first.
fn again(floor: &mut Floor, sight: &Sight<'_, '_>) {
    let figures = sessions(sight, "shfe");
    assert!(figures.lost >= 1 && figures.resumed == figures.lost, "{figures:?}");
    assert!(!figures.is_stopped, "{figures:?}");
    assert!(floor.shfe().counts().expect("it runs").counter.opened >= 1);
}

fn lost(name: &str, seed: u64, script: Vec<(Duration, Step)>) -> Seen {
    let seen = traded(name, seed, 1_500, script);
    assert!(seen.orders > 10 && seen.filled_lots > 20, "{seen:?}");
    println!("of {} orders {} are unknown", seen.orders, seen.unknown);
    assert_eq!(last(&seen), SessionState::Up, "it may trade there");
    seen
}

/// Something was fired from that second on, unless what was under way has halted spreads, which may
/// be all of them.
fn trades_on(seen: &Seen, second: usize) {
    let late: u32 = seen.fires.iter().skip(second).sum();
    let halting = [AlertKind::BrokenSpread, AlertKind::OrderUnknown];
    let is_any_halted = seen.alerts.iter().any(|kind| halting.contains(kind));
    assert!(late > 0 || is_any_halted, "nothing was fired after it: {seen:?}");
}

/// What the desk was told last of its session at the counter.
fn last(seen: &Seen) -> SessionState {
    const COUNTER: u16 = 11;
    let mut sessions = seen.sessions.iter().rev();
    sessions.find(|(stream, _)| *stream == COUNTER).expect("it has a state").1
}

#[test]
fn a_counter_that_is_killed_and_comes_back_is_logged_on_to_again() {
    let seen = lost(
        "counter_killed",
        8,
        vec![
            after(2_000, |floor, _| floor.kill(Side::Shfe)),
            after(1_000, |floor, _| floor.restart(Side::Shfe)),
            after(7_000, again),
        ],
    );
    // While there is no session nothing is fired.
    trades_on(&seen, 3);
}

/// What was sent while it hung is taken when it goes on: late, and not twice.
#[test]
fn a_counter_that_hangs_is_given_up_on_and_logged_on_to_when_it_goes_on() {
    lost(
        "counter_hangs",
        9,
        vec![
            after(2_000, |floor, _| floor.freeze(Side::Shfe)),
            after(8_000, |floor, sight| {
                let figures = sessions(sight, "shfe");
                assert_eq!((figures.lost, figures.last_lost), (1, Some("silent")), "{figures:?}");
                floor.thaw(Side::Shfe);
            }),
            after(9_000, again),
        ],
    );
}

/// A moment is no reason to give up.
#[test]
fn a_counter_that_hangs_for_a_moment_keeps_its_session() {
    lost(
        "counter_stumbles",
        10,
        vec![
            after(2_000, |floor, _| floor.freeze(Side::Shfe)),
            after(1_200, |floor, _| floor.thaw(Side::Shfe)),
            after(2_500, |_, sight| assert_eq!(sessions(sight, "shfe").lost, 0)),
        ],
    );
}

#[test]
fn a_counter_that_refuses_twice_is_asked_a_third_time() {
    let seen = lost(
        "counter_refuses",
        11,
        vec![
            after(2_000, |floor, _| floor.shfe().cut_orders(2)),
            after(6_000, |floor, sight| {
                again(floor, sight);
                let figures = sessions(sight, "shfe");
                // A busy machine may be late with an answer besides.
                assert!(figures.failed >= 2 && figures.last_error.is_some(), "{figures:?}");
            }),
        ],
    );
    trades_on(&seen, 3);
}

/// Whoever tries on with a wrong password is shut out.
#[test]
fn a_counter_that_refuses_a_third_time_is_left_to_people() {
    let seen = traded(
        "counter_refuses_on",
        12,
        500,
        vec![
            after(1_500, |floor, _| floor.shfe().cut_orders(100)),
            after(5_000, |_, sight| {
                let figures = sessions(sight, "shfe");
                assert_eq!((figures.failed, figures.is_stopped), (3, true), "{figures:?}");
            }),
        ],
    );
    assert!(seen.orders > 0 && last(&seen) == SessionState::Down, "{seen:?}");
}

/// The connection is cut while datagrams are lost, doubled and joined on the way.
#[test]
fn no_order_is_lost_or_doubled_on_a_bad_way_to_a_counter_that_cuts_the_connection() {
    let counts = in_market("counter_bad_way", 13, |market| {
        let relay = Relay::open(market.reroute(FRONT), 17, 3);
        let cut = |floor: &mut Floor, _: &Sight<'_, '_>| floor.shfe().cut_orders(0);
        let seen =
            market.run(2_000, vec![after(2_000, cut), after(3_000, cut), after(4_000, again)]);
        assert_eq!(last(&seen), SessionState::Up);
        println!("of {} orders {} are unknown", seen.orders, seen.unknown);
        [&relay.counts.came, &relay.counts.lost, &relay.counts.doubled, &relay.counts.joined]
            .map(|count| count.load(Ordering::Relaxed))
    });
    assert!(counts.iter().all(|count| *count > 0), "came, lost, doubled, joined: {counts:?}");
}

/// Somebody else logs on with the engine's account and sends a request: a cancellation of nothing,
/// which takes a number and trades nothing.
fn intrude(shell: &mut ShfeShell, now: MonoNs) {
    let venue = shell.venue_mut();
    let (id, from) = (ConnectionId(u64::MAX), SocketAddr::from((Ipv4Addr::LOCALHOST, 9)));
    let password = Secret::new("simulated");
    let who = Credentials { account_no: "88001".to_owned(), password, replies_seen: 0 };
    let (mut logon, first) = Logon::<V3>::start(&who).expect("it fits");
    venue.connect(now, id, Service::Counter);
    venue.receive(now, id, &first);
    let said = venue.take_bytes(id);
    let (_, granted) = logon.read(&said).expect("he is let in");
    let account = granted.expect("all of it has come").account;
    let mode = ReqIdMode::Increasing;
    venue.request(now, from, &logon::udp_auth::<V3>(&account, mode));
    let mut cancel = DeleteTemplate::<V3>::new(&account);
    venue.request(now, from, cancel.patch(1_000_000, Reference::NONE, Key::NONE));
}

/// Two engines with one account would put each other out for ever.
#[test]
fn an_account_that_somebody_else_trades_with_is_left_to_people() {
    let seen = traded(
        "counter_shared",
        14,
        500,
        vec![
            after(2_000, |floor, _| {
                floor.shfe().with(intrude).expect("it runs");
            }),
            after(4_000, |_, sight| {
                let figures = sessions(sight, "shfe");
                let tried = (figures.lost, figures.failed, figures.is_stopped);
                assert_eq!(tried, (1, 1, true), "{figures:?}");
                let error = figures.last_error.as_ref().expect("it is said");
                let said = ["request 1000000", "somebody else trades with it"];
                assert!(said.iter().all(|words| error.contains(words)), "{error}");
            }),
        ],
    );
    assert!(seen.orders > 0 && last(&seen) == SessionState::Down, "{seen:?}");
}
