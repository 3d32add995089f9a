//! Logging on at the simulated counter: granted, refused, cut in pieces, after another.

use super::rig::{CONTRACTS, MS};
use super::venue::{Venue, credentials, settings, socket};
use cross_market_connect::secret::Secret;
use cross_market_connect::venue::esunny::dstar::counter::Counter;
use cross_market_connect::venue::esunny::dstar::logon::{Credentials, Logon, LogonError};
use cross_market_connect::venue::esunny::dstar::wish::CounterError;
use xmc_hotpath::time::MonoNs;
use xmc_hotpath::venue::esunny::dstar::layout::{ReqIdMode, V2, V3};
use xmc_hotpath::venue::esunny::dstar::simulated_counter::{self, Framed, Kind, Question};

#[test]
fn a_logon_gives_what_requests_must_carry() {
    let mut venue = Venue::open();
    let (_, granted, behind) = venue.log_on::<V3>(&credentials(), socket(5), ReqIdMode::Increasing);
    assert_eq!((granted.account.index, granted.account.close_today), (1, None));
    assert_ne!(granted.account.udp_auth_code, 0);
    assert_eq!((granted.next_client_req_id, granted.udp_port), (1, 4_242));
    let contracts: Vec<&str> = granted.contracts.iter().map(|(_, number)| &number[..]).collect();
    assert_eq!(contracts, CONTRACTS);
    let (frame, rest) = simulated_counter::frame(&behind).unwrap().unwrap();
    assert_eq!((frame.kind, rest.len()), (Kind::UdpAuth.to_wire(), 0));
    assert_eq!(frame.body[7..], [0; 4], "no error");
}

#[test]
fn a_logon_is_refused_for_its_reason() {
    let refused = |change: fn(&mut Credentials)| {
        let mut credentials = credentials();
        change(&mut credentials);
        let mut counter = Counter::new(settings());
        let link = counter.connect();
        let (mut logon, first) = Logon::<V2>::start(&credentials)?;
        counter.on_stream(MonoNs(0), link, &first);
        logon.read(&counter.take_replies(link).unwrap()).map(|_| ())
    };
    let logon_error = LogonError::Refused(CounterError::Logon.code());
    assert_eq!(refused(|_| ()), Ok(()));
    assert_eq!(refused(|one| one.password = Secret::new("guess")), Err(logon_error));
    assert_eq!(refused(|one| one.account_no = String::new()), Err(logon_error));
    assert_eq!(refused(|one| one.account_no = "x".repeat(22)), Err(LogonError::TooLong(22)));
}

/// One generation per account and day: the references of the other could not be told.
#[test]
fn the_other_generation_is_refused_afterwards() {
    let mut venue = Venue::open();
    venue.log_on::<V3>(&credentials(), socket(5), ReqIdMode::Increasing);
    let link = venue.counter.connect();
    let (mut logon, first) = Logon::<V2>::start(&credentials()).unwrap();
    venue.counter.on_stream(MonoNs(0), link, &first);
    let said = venue.counter.take_replies(link).unwrap();
    let expected = LogonError::Refused(CounterError::Version.code());
    assert_eq!(logon.read(&said).err(), Some(expected));
}

#[test]
fn a_logon_in_pieces_is_the_same_logon() {
    let mut counter = Counter::new(settings());
    let link = counter.connect();
    let (mut logon, first) = Logon::<V3>::start(&credentials()).unwrap();
    for byte in first.iter() {
        assert_eq!(counter.take_replies(link), Some(vec![]));
        counter.on_stream(MonoNs(0), link, &[*byte]);
    }
    let said = counter.take_replies(link).unwrap();
    let mut waiting = Vec::new();
    let mut granted = None;
    for byte in said {
        waiting.push(byte);
        let (read, done) = logon.read(&waiting).unwrap();
        granted = done.cloned();
        waiting.drain(..read);
    }
    assert_eq!(granted.expect("is complete").contracts.len(), 2);
    assert!(waiting.is_empty());
}

/// The last one to log on has the account; the one before is told by the end of its connection.
#[test]
fn a_second_logon_ends_the_first() {
    let mut venue = Venue::open();
    let (first, ..) = venue.log_on::<V3>(&credentials(), socket(5), ReqIdMode::Increasing);
    let (second, ..) = venue.log_on::<V3>(&credentials(), socket(6), ReqIdMode::Increasing);
    assert_eq!(venue.counter.take_replies(first), None);
    assert_eq!(venue.counter.take_replies(second), Some(vec![]));
}

#[test]
fn streams_of_something_else_end_and_questions_are_limited() {
    let mut venue = Venue::open();
    let (link, ..) = venue.log_on::<V3>(&credentials(), socket(5), ReqIdMode::Increasing);
    let question = Framed::new(Kind::Question, Question::new(1));
    let mut ask = |ms: u64| {
        venue.counter.on_stream(MonoNs(ms * MS), link, bytemuck::bytes_of(&question));
        venue.counter.take_replies(link).unwrap().len()
    };
    assert_eq!([ask(0), ask(49), ask(50), ask(99), ask(100)], [12, 0, 12, 0, 12]);
    assert_eq!(venue.counter.counts().early_questions, 2);
    let other = Framed::new(Kind::Question, Question::new(0));
    venue.counter.on_stream(MonoNs(999 * MS), link, bytemuck::bytes_of(&other));
    assert_eq!(venue.counter.take_replies(link), Some(vec![]), "another's account");
    assert_eq!(venue.counter.counts().strangers, 1);

    venue.counter.on_stream(MonoNs(0), link, b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(venue.counter.take_replies(link), None);
    assert_eq!(venue.counter.counts().bad_streams, 1);
}

#[test]
fn a_logon_that_meets_another_server_says_so() {
    let (mut logon, _) = Logon::<V3>::start(&credentials()).unwrap();
    let error = logon.read(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap_err();
    assert!(matches!(error, LogonError::Framing(_)), "{error}");
    let question = Framed::new(Kind::Question, Question::new(1));
    let error = logon.read(bytemuck::bytes_of(&question)).unwrap_err();
    assert_eq!(error, LogonError::Unexpected(Kind::Question.to_wire()));
}
