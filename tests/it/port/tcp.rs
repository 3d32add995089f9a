//! TCP over real sockets: messages whole and in order whatever the kernel takes, and what is said
//! when the connection ends.

use super::eventually;
use crate::netns;
use cross_market_connect::port::tcp::{Listener, TcpPort, TcpSettings};
use socket2::SockRef;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};
use xmc_hotpath::port::{SendError, StreamPort, TxPort};

const PATIENCE: Duration = Duration::from_secs(5);

fn listener() -> (Listener, SocketAddr) {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = Listener::open(any, TcpSettings::default()).expect("a free port");
    let address = listener.address().expect("it listens");
    (listener, address)
}

/// Both ends of a connection.
fn connection_with(settings: &TcpSettings) -> (TcpPort, TcpPort) {
    let (mut listener, address) = listener();
    assert!(listener.accept().is_none(), "nobody has connected");
    let client = TcpPort::connect(address, PATIENCE, settings).expect("it listens");
    let (server, _) = eventually("the connection", || listener.accept());
    (client, server)
}

fn connection() -> (TcpPort, TcpPort) {
    connection_with(&TcpSettings::default())
}

/// Both ends of a connection whose first end takes little before it is busy.
fn narrow() -> (TcpPort, TcpPort) {
    let (client, server) = connection();
    SockRef::from(&client).set_send_buffer_size(50_000).expect("less than the default");
    (client, server)
}

/// A message that is longer than what is left of the kernel's room, most of the time.
static LONG: [u8; 60_000] = [7; 60_000];

/// Sends until a message has left in part only.
fn fill(client: &mut TcpPort, message: &[u8]) {
    let counters = client.counters();
    for _ in 0..100_000 {
        match client.send(message) {
            Ok(()) if counters.short.get() > 0 => return,
            Ok(()) | Err(SendError::Busy) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    panic!("no message was cut");
}

/// Reads to the end: what came, and how it ended.
fn read_out(port: &mut TcpPort) -> (Vec<u8>, SendError) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let end = eventually("the end", || match port.read(&mut buffer) {
        Ok(len) => {
            bytes.extend(&buffer[..len]);
            None
        }
        Err(error) => Some(error),
    });
    (bytes, end)
}

#[test]
fn what_is_sent_is_read_both_ways() {
    let (mut client, mut server) = connection();
    let mut buffer = [0; 16];
    assert_eq!(client.read(&mut buffer), Ok(0), "nothing was sent");
    client.send(b"order").unwrap();
    server.send(b"ack").unwrap();
    eventually("the order's arrival", || {
        SockRef::from(&server).peek(&mut [MaybeUninit::uninit()]).ok()
    });
    assert_eq!(server.read(&mut []), Ok(0), "no room is not the end");
    let read = |port: &mut TcpPort| {
        let mut buffer = [0; 16];
        let len = eventually("bytes", || match port.read(&mut buffer) {
            Ok(0) => None,
            read => Some(read.expect("the other side is there")),
        });
        buffer[..len].to_vec()
    };
    assert_eq!(read(&mut server), b"order");
    assert_eq!(read(&mut client), b"ack");
}

#[test]
fn a_connection_has_the_options_it_must_have() {
    let settings = TcpSettings {
        user_timeout: Duration::from_millis(1_500),
        keepalive_idle: Duration::from_secs(7),
        keepalive_interval: Duration::from_secs(3),
        ..TcpSettings::default()
    };
    let (client, server) = connection_with(&settings);
    let socket = SockRef::from(&client);
    assert!(socket.tcp_nodelay().unwrap());
    assert!(SockRef::from(&server).tcp_nodelay().unwrap(), "accepted ones as well");
    assert_eq!(socket.tcp_user_timeout().unwrap(), Some(settings.user_timeout));
    assert!(socket.keepalive().unwrap());
    assert_eq!(socket.tcp_keepalive_time().unwrap(), settings.keepalive_idle);
    assert_eq!(socket.tcp_keepalive_interval().unwrap(), settings.keepalive_interval);
}

/// A message is made anew for each attempt, as a session does with its time stamps: what arrives
/// are the attempts that were taken, whole, one after the other.
#[test]
fn messages_arrive_whole_and_in_order_through_a_narrow_connection() {
    let (mut client, mut server) = narrow();
    let counters = client.counters();
    let mut random = fastrand::Rng::with_seed(7);
    let (mut taken, mut arrived) = (Vec::<u8>::new(), Vec::<u8>::new());
    let (mut busy, mut attempt) = (0, 0_u64);
    let mut buffer = [0; 20_000];
    let start = Instant::now();
    while taken.len() < 30_000_000 || arrived.len() < taken.len() {
        assert!(start.elapsed() < 4 * PATIENCE, "{} of {} bytes", arrived.len(), taken.len());
        if taken.len() < 30_000_000 {
            attempt += 1;
            let message = attempt.to_le_bytes().repeat(random.usize(1..8_000));
            match client.send(&message) {
                Ok(()) => taken.extend(message),
                Err(SendError::Busy) => busy += 1,
                Err(error) => panic!("{error:?}"),
            }
        } else {
            assert_eq!(client.read(&mut buffer), Ok(0), "polling sends on what waits");
        }
        // A slow reader: now and then, and little at a time.
        if random.u8(..) < 64 || taken.len() >= 30_000_000 {
            let len = server.read(&mut buffer).expect("the sender is there");
            arrived.extend(&buffer[..len]);
        }
    }
    assert!(arrived == taken, "the bytes are those of the messages that were taken");
    let short = counters.short.get();
    assert!(busy > 100 && short > 20, "{busy} times busy, {short} times cut");
    assert_eq!(counters.torn.get(), 0);
}

#[test]
fn what_waits_goes_on_without_another_message() {
    let (mut client, mut server) = narrow();
    fill(&mut client, &LONG);
    let mut arrived = 0;
    let mut buffer = [0; 4096];
    eventually("the whole of the last message", || {
        assert_eq!(client.read(&mut buffer), Ok(0));
        arrived += server.read(&mut buffer).expect("the sender is there");
        (arrived > 0 && arrived % LONG.len() == 0).then_some(())
    });
}

#[test]
fn a_reset_after_part_of_a_message_is_torn() {
    let (mut client, mut server) = narrow();
    server.send(b"last words").unwrap();
    fill(&mut client, &LONG);
    server.reset();
    // Nothing of a new message has left, whatever became of the old one.
    let error =
        eventually("the reset", || client.send(b"new").err().filter(|e| *e != SendError::Busy));
    assert_eq!(error, SendError::Closed);
    assert_eq!(client.send(b"new"), Err(SendError::Closed));
    assert_eq!(read_out(&mut client), (b"last words".to_vec(), SendError::Torn));
    assert_eq!(client.read(&mut [0; 8]), Err(SendError::Torn), "and stays so");
    assert_eq!(client.counters().torn.get(), 1);
}

#[test]
fn a_reset_between_messages_is_not_torn() {
    let (mut client, mut server) = connection();
    client.send(b"order").unwrap();
    server.send(b"last words").unwrap();
    server.reset();
    assert_eq!(read_out(&mut client), (b"last words".to_vec(), SendError::Closed));
    assert_eq!(client.send(b"order"), Err(SendError::Closed));
    assert_eq!(client.counters().torn.get(), 0);
}

#[test]
fn an_end_in_order_is_told_after_everything_was_read() {
    let (mut client, mut server) = connection();
    for _ in 0..100 {
        server.send(&[1; 1_000]).unwrap();
    }
    drop(server);
    assert_eq!(read_out(&mut client), (vec![1; 100_000], SendError::Closed));
    assert_eq!(client.send(b"order"), Err(SendError::Closed), "a venue that closed is gone");
}

#[test]
fn nobody_there_is_said_with_the_address() {
    let (listener, address) = listener();
    drop(listener);
    // A child that another test is starting may still hold the listener for a moment.
    let error = eventually("its end", || {
        TcpPort::connect(address, PATIENCE, &TcpSettings::default()).err()
    });
    let error = error.to_string();
    assert!(error.contains(&address.to_string()) && error.contains("check the address"), "{error}");
    let (_listener, address) = self::listener();
    let error = Listener::open(address, TcpSettings::default()).expect_err("it is taken");
    assert!(error.to_string().contains("are free"), "{error}");
}

#[test]
fn a_venue_that_comes_back_takes_its_port_again() {
    let (mut listener, address) = listener();
    let mut client =
        TcpPort::connect(address, PATIENCE, &TcpSettings::default()).expect("it listens");
    let (server, _) = eventually("the connection", || listener.accept());
    drop((server, listener));
    assert_eq!(read_out(&mut client).1, SendError::Closed);
    let mut listener =
        eventually("the port to be free", || Listener::open(address, TcpSettings::default()).ok());
    TcpPort::connect(address, PATIENCE, &TcpSettings::default()).expect("it listens again");
    eventually("the connection", || listener.accept());
}

/// A connection that is accepted and gone before it is looked at is one that ends; nothing worse.
#[test]
fn connections_that_are_already_gone_do_no_harm() {
    let (mut listener, address) = listener();
    for _ in 0..20 {
        TcpPort::connect(address, PATIENCE, &TcpSettings::default()).expect("it listens").reset();
    }
    let mut gone = 0;
    let refused = listener.counters();
    eventually("all of them", || {
        if let Some((mut port, _)) = listener.accept() {
            assert_eq!(read_out(&mut port), (Vec::new(), SendError::Closed));
            gone += 1;
        }
        (gone + refused.refused.get() == 20).then_some(())
    });
}

/// The cable is cut: nothing says so but time.
#[test]
fn a_peer_that_answers_nothing_is_given_up_in_time() {
    netns::within(|namespace| {
        let user_timeout = Duration::from_millis(500);
        let (mut client, server) =
            connection_with(&TcpSettings { user_timeout, ..TcpSettings::default() });
        namespace.ip("link set lo down");
        let start = Instant::now();
        client.send(b"order").unwrap();
        assert_eq!(read_out(&mut client), (Vec::new(), SendError::Closed));
        let waited = start.elapsed();
        assert!(waited >= user_timeout, "{waited:?}");
        drop(server);
    });
}
