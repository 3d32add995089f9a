//! A stream of drop copies: cut and resumed, doubled, out of order, with a hole.

use super::{NOON, fill, statement, wanted};
use cross_market_connect::resync::source::stream::{Line, Resume, StreamSource};
use cross_market_connect::resync::source::{Source, Told};
use cross_market_connect::resync::statement::{Side, Statement};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use xmc_hotpath::time::UnixNs;

const PATIENCE: Duration = Duration::from_secs(20);

fn with(seq: u64) -> Line {
    Line { seq, fill: None, statement: None, heartbeat: None }
}

fn filled(seq: u64) -> Line {
    Line { fill: Some(fill(&format!("E{seq}"), "HGU6", Side::Sell, 1)), ..with(seq) }
}

fn said(seq: u64) -> Line {
    let statement = Statement { fills: None, ..statement(seq, NOON) };
    Line { statement: Some(statement), ..with(seq) }
}

/// Serves one connection after the other: each is given its lines and then cut. Tells from where
/// each wanted the stream.
fn serve(scripts: Vec<Vec<Line>>) -> (SocketAddr, Receiver<u64>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback listens");
    let address = listener.local_addr().expect("it has one");
    let (asked, wanted) = channel();
    let thread = std::thread::spawn(move || {
        for script in scripts {
            let (mut stream, _) = listener.accept().expect("somebody connects");
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).expect("it asks");
            let resume: Resume = serde_json::from_str(&line).expect("in the form");
            // Not every test wants to know.
            let _ = asked.send(resume.resume_after);
            for line in script {
                let text = serde_json::to_string(&line).expect("plain");
                // Whoever has gone has seen enough.
                let _ = stream.write_all(format!("{text}\n").as_bytes());
            }
        }
    });
    (address, wanted, thread)
}

/// Polls until `is_enough`.
fn polled(source: &mut StreamSource, is_enough: impl Fn(&[Told]) -> bool) -> Vec<Told> {
    let (mut told, since) = (Vec::new(), Instant::now());
    while !is_enough(&told) {
        assert!(since.elapsed() < PATIENCE, "{told:?}");
        source.poll(UnixNs(NOON + 1_000_000_000), &mut told);
    }
    told
}

fn statements(told: &[Told]) -> Vec<&Statement> {
    let mut found = Vec::new();
    for one in told {
        if let Told::Statement(statement) = one {
            found.push(&**statement);
        }
    }
    found
}

#[test]
fn a_stream_that_is_cut_goes_on_behind_what_was_read() {
    let first = vec![filled(1), filled(2), said(3), filled(4)];
    let (address, asked, thread) = serve(vec![first, vec![filled(5), said(6)]]);
    let mut source = StreamSource::new(address, wanted(), 0);
    let told = polled(&mut source, |told| statements(told).len() == 2);
    let counts: Vec<_> =
        statements(&told).iter().map(|one| one.fills.as_ref().map(Vec::len)).collect();
    assert_eq!(counts, [Some(2), Some(4)], "all fills, each once");
    assert_eq!([asked.recv(), asked.recv()], [Ok(0), Ok(4)]);
    assert!(!told.iter().any(|one| matches!(one, Told::Gap { .. })), "{told:?}");
    thread.join().expect("it served both");
}

#[test]
fn lines_that_come_twice_count_once_and_those_out_of_order_are_asked_for_again() {
    let disordered = vec![filled(1), filled(1), filled(3), filled(2), said(4)];
    let again = vec![filled(1), filled(2), filled(2), filled(3), said(4)];
    let (address, asked, thread) = serve(vec![disordered, again]);
    let mut source = StreamSource::new(address, wanted(), 0);
    let told = polled(&mut source, |told| !statements(told).is_empty());
    assert_eq!(statements(&told)[0].fills.as_ref().map(Vec::len), Some(3));
    assert_eq!([asked.recv(), asked.recv()], [Ok(0), Ok(1)], "what was missing is asked for");
    assert!(source.repeated >= 2 && !told.iter().any(|one| matches!(one, Told::Gap { .. })));
    thread.join().expect("it served both");
}

#[test]
fn a_hole_that_nobody_fills_is_told_and_fills_are_not_compared_from_then_on() {
    let holed = || vec![filled(1), filled(4), said(5)];
    let (address, _, thread) = serve(vec![holed(), holed()]);
    let mut source = StreamSource::new(address, wanted(), 0);
    let told = polled(&mut source, |told| !statements(told).is_empty());
    assert!(told.contains(&Told::Gap { from: 2, to: 3 }), "{told:?}");
    assert_eq!(statements(&told)[0].fills, None, "not all of them are known");
    thread.join().expect("it served both");
}

#[test]
fn a_stream_that_was_read_before_is_not_read_again() {
    let (address, asked, thread) = serve(vec![vec![filled(8), said(9)]]);
    let mut source = StreamSource::new(address, wanted(), 7);
    let told = polled(&mut source, |told| !statements(told).is_empty());
    assert_eq!(asked.recv(), Ok(7));
    assert!(told.contains(&Told::Read(9)), "{told:?}");
    thread.join().expect("it served");
}
