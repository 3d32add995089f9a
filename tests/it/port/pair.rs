//! A session of requests over UDP and answers over TCP, over real sockets.

use super::eventually;
use cross_market_connect::port::pair::{MAX_REQUEST_BYTES, PairPort, RequestSocket};
use cross_market_connect::port::tcp::{Listener, TcpPort, TcpSettings};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use xmc_hotpath::port::{SendError, StreamPort, TxPort};

struct Counter {
    requests: RequestSocket,
    answers: TcpPort,
}

fn session() -> (PairPort, Counter) {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut listener = Listener::open(any, TcpSettings::default()).expect("a free port");
    let address = listener.address().expect("it listens");
    let requests = RequestSocket::open(any).expect("a free port");
    let answers = TcpPort::connect(address, Duration::from_secs(5), &TcpSettings::default());
    let answers = answers.expect("it listens");
    let request_address = requests.address().expect("it is bound");
    let port = PairPort::new(request_address, answers).expect("it is bound");
    let (answers, _) = eventually("the connection", || listener.accept());
    (port, Counter { requests, answers })
}

#[test]
fn each_request_is_a_datagram_and_answers_are_a_stream() {
    let (mut port, mut counter) = session();
    let sent: Vec<Vec<u8>> = (1..=100_u8).map(|number| vec![number; number.into()]).collect();
    for message in &sent {
        port.send(message).expect("loopback has room");
    }
    let mut senders = Vec::new();
    for message in &sent {
        let (request, sender) = eventually("a request", || {
            counter.requests.receive().map(|(request, sender)| (request.to_vec(), sender))
        });
        assert_eq!(request, *message);
        senders.push(sender);
    }
    senders.dedup();
    assert_eq!(senders.len(), 1, "one session, one socket");

    port.send_on_stream(b"which came last?").expect("loopback has room");
    let mut asked = [0; 32];
    let len = eventually("the question", || {
        Some(counter.answers.read(&mut asked).expect("the client is there")).filter(|len| *len > 0)
    });
    assert_eq!(&asked[..len], b"which came last?", "by the stream, not as a request");
    assert!(counter.requests.receive().is_none());

    counter.answers.send(b"accepted").unwrap();
    drop(counter.answers);
    let mut read = Vec::new();
    let mut buffer = [0; 3];
    let end = eventually("the end", || match port.read(&mut buffer) {
        Ok(len) => {
            read.extend(&buffer[..len]);
            None
        }
        Err(error) => Some(error),
    });
    assert_eq!((&read[..], end), (&b"accepted"[..], SendError::Closed));
    assert_eq!(port.send(b"more"), Err(SendError::Closed), "no answers, no requests");
}

/// The first request finds nobody, which the next one is told.
#[test]
fn requests_that_nobody_takes_end_the_session() {
    let (mut port, counter) = session();
    drop(counter.requests);
    assert_eq!(port.send(b"lost"), Ok(()), "it left");
    let error = eventually("the refusal", || port.send(b"next").err());
    assert_eq!(error, SendError::Closed);
    assert_eq!(port.send(b"next"), Err(SendError::Closed), "and stays so");
}

#[test]
fn a_request_that_is_too_long_is_refused_and_counted() {
    let (mut port, mut counter) = session();
    port.send(&[1; MAX_REQUEST_BYTES + 1]).unwrap();
    port.send(&[2; MAX_REQUEST_BYTES]).unwrap();
    let len =
        eventually("a request", || counter.requests.receive().map(|(request, _)| request.len()));
    assert_eq!(len, MAX_REQUEST_BYTES);
    assert_eq!(counter.requests.counters().oversize.get(), 1);
}
