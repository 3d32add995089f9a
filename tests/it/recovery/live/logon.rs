//! Logons over real sockets: what is handed over, and every way to be refused.

use super::faulty::accept;
use super::{
    CME, SHFE, engine, find_cme, find_shfe, open_cme, open_shfe, requests_past_kernel, v4,
};
use cross_market_connect::config::{Configuration, Endpoint};
use cross_market_connect::engine::gateway::GatewayStart;
use cross_market_connect::engine::logon::{self, LoggedOn, LogonError};
use cross_market_connect::engine::sessions::{Attempt, CounterAgain};
use cross_market_connect::engine::sockets::GatewayPort;
use cross_market_connect::port::tcp::{Listener, TcpSettings};
use cross_market_connect::secret::Secret;
use cross_market_connect::venue::cme::ilink3::parties::{ClearingAccount, PartyDetails};
use cross_market_connect::venue::cme::simulated::shell::SIMULATED_KEY;
use cross_market_connect::venue::shell::VenueClock;
use cross_market_connect::venue::shfe::simulated::shell::SIMULATED_PASSWORD;
use std::fs::Permissions;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};
use xmc_hotpath::port::{SendError, StreamPort, TxPort};
use xmc_hotpath::venue::esunny::dstar::simulated_counter::{self, Kind};

const PATIENCE: Duration = Duration::from_secs(3);

fn log_on(config: &Configuration, gateway: usize, secret: &str) -> Result<LoggedOn, LogonError> {
    logon::log_on(
        config,
        gateway,
        &Secret::new(secret),
        &Attempt::FIRST,
        VenueClock::wall,
        PATIENCE,
    )
}

fn refused(config: &Configuration, gateway: usize, secret: &str) -> (LogonError, String) {
    let error = log_on(config, gateway, secret).expect_err("something is wrong");
    let (text, debug) = (error.to_string(), format!("{error:?}"));
    println!("{text}");
    assert!(!text.contains(secret) && !debug.contains(secret), "a secret is shown: {text}");
    assert!(text.contains(&config.gateways[gateway].name.value), "which gateway: {text}");
    (error, text)
}

#[test]
fn an_ilink3_session_is_handed_over() {
    let venue = open_cme();
    let mut config = engine();
    find_cme(&mut config, venue.addresses());
    let LoggedOn { start, .. } = log_on(&config, CME, SIMULATED_KEY).expect("it is let in");
    let GatewayStart::Ilink3(handover) = start else { panic!("{start:?}") };
    assert_eq!((handover.next_seq_no, handover.next_report_no), (1, 1));
    assert_eq!(handover.keep_alive.0, 5_000_000_000);
    // The same again: a later session has a higher number.
    let LoggedOn { start, .. } = log_on(&config, CME, SIMULATED_KEY).expect("it is let in");
    let GatewayStart::Ilink3(again) = start else { panic!("{start:?}") };
    assert!(again.uuid > handover.uuid);

    let (error, text) = refused(&config, CME, "c29tZXRoaW5nLWVsc2U");
    assert!(matches!(error, LogonError::Ilink3 { .. }) && text.contains("refused"), "{text}");
    assert!(text.contains("access_key_id"), "{text}");
    let (error, text) = refused(&config, CME, "no key at all!");
    assert!(matches!(error, LogonError::Key { .. }), "{text}");
    let session = config.gateways[CME].session.as_mut().unwrap();
    session.access_key_id = "stranger".to_owned();
    let (error, text) = refused(&config, CME, SIMULATED_KEY);
    assert!(matches!(error, LogonError::Ilink3 { .. }) && text.contains("refused"), "{text}");
}

/// The simulated gateway is its own service gateway: what is registered stands for the week.
#[test]
fn party_details_are_registered_at_a_gateway_of_their_own() {
    let venue = open_cme();
    let mut config = engine();
    find_cme(&mut config, venue.addresses());
    let session = config.gateways[CME].session.as_mut().unwrap();
    session.party_details_id = 41;
    session.parties = Some(PartyDetails {
        executing_firm: "XMC".into(),
        customer_account: "77001".into(),
        operator: "desk-1".into(),
        customer_type: 2,
        clearing_account: ClearingAccount::Firm,
        order_source: None,
        self_match: None,
    });
    session.service_address = Some(v4(venue.addresses().orders));
    let LoggedOn { start, .. } = log_on(&config, CME, SIMULATED_KEY).expect("it is let in");
    let GatewayStart::Ilink3(handover) = start else { panic!("{start:?}") };
    assert_eq!((handover.next_seq_no, handover.next_report_no), (1, 1), "an untouched session");
    let counts = venue.counts().expect("it runs").gateway;
    assert_eq!((counts.established, counts.messages, counts.goodbyes), (2, 1, 1), "{counts:?}");
    // Others under the same id are refused there, and no order session is begun.
    let session = config.gateways[CME].session.as_mut().unwrap();
    session.parties.as_mut().unwrap().operator = "desk-2".into();
    let (error, text) = refused(&config, CME, SIMULATED_KEY);
    assert!(matches!(error, LogonError::Ilink3 { .. }) && text.contains("code 108"), "{text}");
    assert_eq!(venue.counts().expect("it runs").gateway.established, 3);
    // One that is not there is said to be so.
    let session = config.gateways[CME].session.as_mut().unwrap();
    session.service_address = Some(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1));
    let (error, text) = refused(&config, CME, SIMULATED_KEY);
    assert!(matches!(error, LogonError::Socket(_)), "{text}");
}

#[test]
fn a_session_at_the_counter_is_handed_over_with_every_byte_behind_it() {
    let venue = open_shfe();
    let mut config = engine();
    find_shfe(&mut config, venue.addresses());
    let logged_on = log_on(&config, SHFE, SIMULATED_PASSWORD).expect("it is let in");
    let LoggedOn { mut port, start, .. } = logged_on;
    let GatewayStart::Dstar(granted) = start else { panic!("{start:?}") };
    assert_eq!(granted.udp_port, venue.addresses().requests.port());
    assert!(granted.next_client_req_id >= 1);
    for instrument in config.instruments.iter().filter(|of| of.gateway == Some(SHFE)) {
        assert!(granted.contracts.iter().any(|(_, number)| *number == instrument.symbol));
    }
    is_known(&mut port);

    let (error, text) = refused(&config, SHFE, "opensesame");
    assert!(matches!(error, LogonError::Dstar { .. }) && text.contains("password"), "{text}");
    let mut other = config.clone();
    let answers = v4(venue.addresses().counter);
    let requests = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9);
    other.gateways[SHFE].endpoint = Some(Endpoint::Pair { requests, answers });
    let (error, text) = refused(&other, SHFE, SIMULATED_PASSWORD);
    assert!(matches!(error, LogonError::RequestPort { ours: 9, .. }), "{text}");
    let row = config.instruments.iter().position(|of| of.gateway == Some(SHFE)).unwrap();
    config.instruments[row].symbol = "zz2609".to_owned();
    let (error, text) = refused(&config, SHFE, SIMULATED_PASSWORD);
    assert!(matches!(error, LogonError::NotTraded { .. }) && text.contains("zz2609"), "{text}");
}

/// What comes first on the stream is the reply to our datagram, from its first byte on.
fn is_known(port: &mut GatewayPort) {
    let (mut said, mut buffer) = (Vec::new(), [0; 512]);
    let since = Instant::now();
    let kind = loop {
        let len = port.read(&mut buffer).expect("the counter is there");
        said.extend(&buffer[..len]);
        if let Some((frame, _)) = simulated_counter::frame(&said).expect("it is a frame") {
            break Kind::from_wire(frame.kind);
        }
        assert!(since.elapsed() < PATIENCE, "UdpAuth was not answered");
        std::thread::sleep(Duration::from_millis(1));
    };
    assert_eq!(kind, Some(Kind::UdpAuth));
}

/// A stage keeps the port of a session that has ended until the next one comes, and the interface
/// has one queue.
#[test]
fn a_session_whose_requests_leave_past_the_kernel_is_followed_by_another() {
    requests_past_kernel(|_, config| {
        let LoggedOn { port, start, .. } =
            log_on(config, SHFE, SIMULATED_PASSWORD).unwrap_or_else(|error| panic!("{error}"));
        let GatewayStart::Dstar(granted) = start else { panic!("{start:?}") };
        let again = CounterAgain {
            replies_seen: 0,
            next_client_req_id: granted.next_client_req_id,
            contracts: &granted.contracts,
        };
        let (secret, mut last) = (Secret::new(SIMULATED_PASSWORD), port);
        is_known(&mut last);
        for _ in 0..3 {
            last.end();
            let entered = logon::log_on_counter_again(config, SHFE, &secret, &again, PATIENCE);
            let mut next = entered.unwrap_or_else(|error| panic!("{error}")).port;
            is_known(&mut next);
            assert_eq!(last.send(b"late"), Err(SendError::Closed));
            last = next;
        }
    });
}

/// Somebody who says nothing, hangs up, or speaks something else.
#[test]
fn a_gateway_that_is_none_is_named() {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let served = |gateway: usize, serve: fn(&mut Listener)| {
        let mut listener = Listener::open(any, TcpSettings::default()).expect("a free port");
        let address = v4(listener.address().expect("it listens"));
        let mut config = engine();
        config.gateways[gateway].endpoint = Some(match gateway {
            CME => Endpoint::Stream(address),
            _ => Endpoint::Pair { requests: address, answers: address },
        });
        std::thread::scope(|scope| {
            scope.spawn(move || serve(&mut listener));
            let since = Instant::now();
            let secret = if gateway == CME { SIMULATED_KEY } else { "opensesame" };
            let (error, text) = refused(&config, gateway, secret);
            assert!(since.elapsed() < 2 * PATIENCE, "{text}");
            (error, text)
        })
    };
    for gateway in [CME, SHFE] {
        let (error, text) = served(gateway, |listener| {
            let _connection = accept(listener);
            std::thread::sleep(PATIENCE + Duration::from_millis(500));
        });
        match error {
            LogonError::TimedOut { .. } | LogonError::Ilink3 { .. } => {
                assert!(text.contains("within 3000 ms"), "{text}");
            }
            _ => panic!("{text}"),
        }
        let (error, text) = served(gateway, |listener| drop(accept(listener)));
        match error {
            LogonError::Closed { .. } | LogonError::Ilink3 { .. } => {
                assert!(text.contains("closed") || text.contains("ended"), "{text}");
            }
            _ => panic!("{text}"),
        }
        let (error, text) = served(gateway, |listener| {
            let mut connection = accept(listener);
            connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("there is room");
            std::thread::sleep(Duration::from_secs(1));
        });
        assert!(
            matches!(error, LogonError::Ilink3 { .. } | LogonError::Dstar { .. }),
            "{gateway}: {text}"
        );
    }
    let mut config = engine();
    config.gateways[CME].endpoint =
        Some(Endpoint::Stream(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1)));
    let (error, text) = refused(&config, CME, SIMULATED_KEY);
    assert!(matches!(error, LogonError::Socket(_)), "{text}");
}

#[test]
fn secrets_are_read_where_the_configuration_says_and_never_shown() {
    let mut config = engine();
    let gateway = &mut config.gateways[CME];
    let session = gateway.session.as_mut().expect("an iLink 3 gateway");
    let path = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("start_key");
    session.key = cross_market_connect::config::SecretSource::File(path.clone());
    let _ = std::fs::remove_file(&path);
    let missing = logon::secret(gateway).expect_err("it is not there").to_string();
    assert!(missing.contains("start_key") && missing.contains("gateway cme"), "{missing}");
    std::fs::write(&path, "  hunter2\n").expect("a file for the test");
    let allow = |mode| std::fs::set_permissions(&path, Permissions::from_mode(mode));
    for open in [0o644, 0o640, 0o604, 0o660] {
        allow(open).expect("it is ours");
        let refused = logon::secret(gateway).expect_err("others may read it").to_string();
        assert!(refused.contains("chmod 600") && !refused.contains("hunter"), "{refused}");
    }
    allow(0o600).expect("it is ours");
    let secret = logon::secret(gateway).expect("it is there");
    assert_eq!((secret.reveal(), format!("{secret:?}").as_str()), ("hunter2", "Secret(..)"));
    for nothing in ["", " \n", "two\nlines", "\u{1}"] {
        std::fs::write(&path, nothing).expect("a file for the test");
        let refused = logon::secret(gateway).expect_err("no secret").to_string();
        assert!(refused.contains("one line"), "{refused}");
        assert!(!refused.contains("two"), "{refused}");
    }
}
