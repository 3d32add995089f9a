//! Who is answered, and that nobody holds up the others.

use super::client::{address, get, send};
use super::text::many_pairs;
use super::{PATIENCE, until, xmc};
use crate::counters::{scratch, shown};
use cross_market_connect::engine::counters::told::PAIRS;
use cross_market_connect::metrics::{CONNECTIONS, Exporter, MetricsError, Place, Source};
use socket2::{Domain, Socket, Type};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Instant;

fn exporter(record: &Path) -> (Exporter, SocketAddr) {
    let place = Place { address: "127.0.0.1:0".parse().expect("one"), is_open_to_others: false };
    let exporter = Exporter::open(place, "--open", Source::new(record.to_owned()), || {});
    let exporter = exporter.expect("loopback has room");
    let address = address(&exporter.url());
    (exporter, address)
}

#[test]
fn each_gets_the_format_that_it_accepts() {
    let (_scratch, record) = scratch("metrics_accept");
    let _counters = shown(&record, 1);
    let (_exporter, address) = exporter(&record);
    let plain = get(address, "/metrics", "").expect("an answer");
    assert!(plain.head.contains("content-type: text/plain; version=0.0.4"), "{}", plain.head);
    assert!(!plain.body.contains("# EOF"));
    let accept = "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n";
    let open = get(address, "/metrics", accept).expect("an answer");
    assert!(open.head.contains("content-type: application/openmetrics-text"), "{}", open.head);
    assert!(open.body.ends_with("# EOF\n"));
}

#[test]
fn strangers_names_other_paths_and_other_methods_are_refused() {
    let (_scratch, record) = scratch("metrics_refused");
    let _counters = shown(&record, 1);
    let (_exporter, address) = exporter(&record);
    for (request, status) in [
        ("GET /metrics HTTP/1.0\r\nHost: evil.example\r\n\r\n", 421),
        ("GET /metrics HTTP/1.0\r\n\r\n", 421),
        ("GET /metrics HTTP/1.0\r\nHost: localhost:1\r\n\r\n", 200),
        ("GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", 404),
        ("POST /metrics HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", 405),
    ] {
        let answer = send(address, request).expect("an answer");
        assert_eq!(answer.status, status, "{request}{answer:?}");
        assert_eq!(answer.body.contains("xmc_desk"), status == 200, "{request}");
    }
    let open = Place { address: "0.0.0.0:0".parse().expect("one"), is_open_to_others: false };
    let refused = Exporter::open(open, "--metrics-open", Source::new(record), || {});
    let refused = refused.expect_err("nobody said that others may");
    assert!(matches!(refused, MetricsError::Open(..)), "{refused}");
    assert!(refused.to_string().contains("--metrics-open"), "{refused}");
    let output = xmc(&["metrics", "nowhere", "--listen", "0.0.0.0:0"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
}

/// Connections that say nothing take up places and nothing else; they are let go.
#[test]
fn those_who_say_nothing_hold_up_nobody() {
    let (_scratch, record) = scratch("metrics_slow");
    let _counters = shown(&record, 1);
    let (_exporter, address) = exporter(&record);
    let connect = || TcpStream::connect(address).expect("it listens");
    let slow: Vec<_> = (1..CONNECTIONS).map(|_| connect()).collect();
    for mut stream in &slow {
        stream.write_all(b"GET /met").expect("it is taken");
    }
    let asked = Instant::now();
    let answer = get(address, "/metrics", "").expect("there is a place left");
    assert_eq!(answer.status, 200);
    assert!(asked.elapsed() < PATIENCE / 4, "{:?}", asked.elapsed());
    // All places are taken: the next one is closed without a word, until the slow ones are let go.
    let last = connect();
    until("one too many is not closed", || get(address, "/metrics", "").map_or(Some(()), |_| None));
    let answer = until("the slow ones are never let go", || get(address, "/metrics", ""));
    assert_eq!(answer.status, 200);
    drop((slow, last));
}

/// Those who ask and take nothing of a long answer are let go as well, and wait alone.
#[test]
fn those_who_take_nothing_hold_up_nobody() {
    let (_scratch, record) = scratch("metrics_taking");
    let _counters = many_pairs(&record, PAIRS);
    let (_exporter, address) = exporter(&record);
    let ask = || {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        // So little that the answer stays with the one who gives it.
        socket.set_recv_buffer_size(4_096).expect("the kernel takes it");
        socket.connect(&address.into()).expect("it listens");
        let mut stream = TcpStream::from(socket);
        let request = format!("GET /metrics HTTP/1.0\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it is taken");
        stream
    };
    let slow: Vec<_> = (1..CONNECTIONS).map(|_| ask()).collect();
    let asked = Instant::now();
    let answer = get(address, "/metrics", "").expect("there is a place left");
    assert!(answer.body.len() > 500_000, "{} bytes", answer.body.len());
    assert!(asked.elapsed() < PATIENCE / 4, "{:?}", asked.elapsed());
    let last = ask();
    until("one too many is not closed", || get(address, "/metrics", "").map_or(Some(()), |_| None));
    let answer = until("the slow ones are never let go", || get(address, "/metrics", ""));
    assert!(answer.body.len() > 500_000, "{} bytes", answer.body.len());
    drop((slow, last));
}

#[test]
fn counters_that_are_not_there_are_said_once_and_looked_for_again() {
    let (_scratch, record) = scratch("metrics_nobody");
    let path = record.to_str().expect("it is text");
    let output = xmc(&["metrics", path, "--once"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let (_exporter, address) = exporter(&record);
    let before = get(address, "/metrics", "").expect("an answer");
    assert!(before.body.contains("\nxmc_counters_readable 0\n"), "{}", before.body);
    let _counters = shown(&record, 1);
    let after = get(address, "/metrics", "").expect("an answer");
    assert!(after.body.contains("\nxmc_counters_readable 1\n"));
    assert!(after.body.contains("\nxmc_engine_up 1\n"));
}
