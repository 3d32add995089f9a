//! Venues that are silent, somewhere else, or not what the configuration says: the start ends with
//! the reason and what to do.

use super::{CME, SHFE, engine, find_cme, find_shfe, open_cme, open_shfe};
use cross_market_connect::config::{Configuration, Recovery, SecretSource};
use cross_market_connect::port::tcp::{Listener, TcpSettings};
use cross_market_connect::recovery::{self, StartError};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::{Duration, Instant};
use xmc_hotpath::port::TxPort;

/// Long enough for loops of a second, short enough for a test.
const PATIENCE: Duration = Duration::from_secs(4);

fn refused(config: &Configuration, feed: usize) -> (StartError, String) {
    let error = recovery::find(config, feed, PATIENCE).expect_err("something is wrong");
    let text = error.to_string();
    println!("{text}");
    (error, text)
}

#[test]
fn a_cme_that_is_not_as_configured_is_named() {
    let venue = open_cme();
    let mut right = engine();
    find_cme(&mut right, venue.addresses());
    let nowhere = SocketAddrV4::new(Ipv4Addr::new(239, 192, 99, 1), 1);

    let mut config = right.clone();
    let Recovery::Loops(loops) = &mut config.feeds[CME].recovery else { panic!("loops") };
    loops.snapshots[1] = None;
    loops.snapshots[0].as_mut().unwrap().group = nowhere;
    let (error, text) = refused(&config, CME);
    assert!(matches!(error, StartError::Silent { .. }) && text.contains("snapshots_a"), "{text}");

    let Recovery::Loops(loops) = &mut config.feeds[CME].recovery else { panic!("loops") };
    loops.snapshots = [None, None];
    let (error, text) = refused(&config, CME);
    assert!(matches!(error, StartError::NoGroup { key: "snapshots_a", .. }), "{text}");

    let mut config = right.clone();
    config.feeds[CME].line_a.group = nowhere;
    config.feeds[CME].line_b.group = SocketAddrV4::new(*nowhere.ip(), 2);
    let (error, text) = refused(&config, CME);
    assert!(matches!(error, StartError::Silent { .. }) && text.contains("line_a"), "{text}");

    let of_cme = |config: &Configuration| {
        config.instruments.iter().position(|of| of.feed == CME).expect("the sample has some")
    };
    let mut config = right.clone();
    let row = of_cme(&config);
    config.instruments[row].tick_e9 *= 2;
    let since = Instant::now();
    let (error, text) = refused(&config, CME);
    assert!(matches!(error, StartError::Differs { .. }) && text.contains("tick_size"), "{text}");
    assert!(since.elapsed() < PATIENCE, "waiting longer changes nothing");

    let mut config = right.clone();
    (config.instruments[row].symbol, config.instruments[row].security_id.value) =
        ("ZZZ9".to_owned(), 9_999);
    let (error, text) = refused(&config, CME);
    assert!(matches!(error, StartError::NotDefined { .. }) && text.contains("ZZZ9"), "{text}");

    let mut config = right;
    config.feeds[CME].line_b.interface = None;
    let (error, text) = refused(&config, CME);
    assert!(matches!(error, StartError::NoInterface { key: "line_b", .. }), "{text}");
}

#[test]
fn an_shfe_that_is_not_as_configured_is_named() {
    let venue = open_shfe();
    let mut right = engine();
    find_shfe(&mut right, venue.addresses());
    let row = right.instruments.iter().position(|of| of.feed == SHFE).expect("some");

    let mut config = right.clone();
    config.instruments[row].multiplier_e9 *= 2;
    let (error, text) = refused(&config, SHFE);
    assert!(matches!(error, StartError::Differs { .. }) && text.contains("multiplier"), "{text}");

    let mut config = right.clone();
    config.instruments[row].symbol = "zz2609".to_owned();
    let (error, text) = refused(&config, SHFE);
    assert!(matches!(error, StartError::NotDefined { .. }) && text.contains("zz2609"), "{text}");

    let mut config = right.clone();
    query(&mut config).topic = 77;
    let (error, text) = refused(&config, SHFE);
    assert!(matches!(error, StartError::Query { .. }) && text.contains("topic"), "{text}");

    let mut config = right;
    query(&mut config).login.password = Some(SecretSource::Credential("XMC_NOT_SET".to_owned()));
    let (error, text) = refused(&config, SHFE);
    assert!(matches!(error, StartError::Secret { .. }) && text.contains("XMC_NOT_SET"), "{text}");
}

fn query(config: &mut Configuration) -> &mut cross_market_connect::config::RecoveryQuery {
    match &mut config.feeds[SHFE].recovery {
        Recovery::Query(query) => query,
        Recovery::Loops(_) => panic!("SMDP is asked"),
    }
}

/// A front that nobody is at, that says nothing, hangs up, or speaks something else.
#[test]
fn a_query_service_that_is_none_is_named() {
    let mut config = engine();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    for line in [0_u16, 1] {
        let feed = &mut config.feeds[SHFE];
        let group = SocketAddrV4::new(Ipv4Addr::new(239, 192, 98, 1), 1 + line);
        if line == 0 { feed.line_a.group = group } else { feed.line_b.group = group }
    }
    query(&mut config).address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1);
    let (error, text) = refused(&config, SHFE);
    assert!(matches!(error, StartError::Connect { .. }) && text.contains("mdqp"), "{text}");

    let served = |serve: fn(&mut Listener)| {
        let mut listener = Listener::open(any, TcpSettings::default()).expect("a free port");
        let mut config = config.clone();
        query(&mut config).address = super::v4(listener.address().expect("it listens"));
        std::thread::scope(|scope| {
            scope.spawn(move || serve(&mut listener));
            refused(&config, SHFE)
        })
    };
    let (error, text) = served(|listener| {
        let _connection = accept(listener);
        std::thread::sleep(PATIENCE + Duration::from_secs(1));
    });
    assert!(matches!(error, StartError::TimedOut { .. }), "{text}");
    let (error, text) = served(|listener| drop(accept(listener)));
    assert!(matches!(error, StartError::Closed { .. }), "{text}");
    let (error, text) = served(|listener| {
        let mut connection = accept(listener);
        connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("there is room");
        std::thread::sleep(Duration::from_secs(1));
    });
    assert!(matches!(error, StartError::Query { .. } | StartError::Closed { .. }), "{text}");
}

pub fn accept(listener: &mut Listener) -> cross_market_connect::port::tcp::TcpPort {
    let since = Instant::now();
    loop {
        if let Some((connection, _)) = listener.accept() {
            return connection;
        }
        assert!(since.elapsed() < PATIENCE, "nobody connects");
        std::thread::sleep(Duration::from_millis(1));
    }
}
