//! Output that nobody reads holds up nobody, and none of it is lost once somebody does.

use cross_market_connect::aside::Aside;
use std::io::{self, Read, Write};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// More than any pipe holds.
const LINES: usize = 100_000;

fn line(number: usize) -> String {
    format!("line {number:>8} of what an engine tells\n")
}

#[test]
fn nobody_waits_for_a_reader_and_nothing_is_lost() {
    let (mut reader, writer) = io::pipe().expect("a pipe");
    let mut aside = Aside::new("test", writer).expect("a thread");
    let behind = aside.behind();
    for number in 0..LINES {
        aside.write_all(line(number).as_bytes()).expect("it is only handed over");
    }
    aside.flush().expect("it is not waited for");
    assert!(behind.bytes() > LINES, "nobody has read it");
    assert!(!behind.settle(Duration::from_millis(1)));
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).map(|_| text)
    });
    drop(aside);
    assert!(behind.settle(Duration::ZERO), "dropping it waits");
    let text = reading.join().expect("no panic").expect("UTF-8");
    assert!(text.lines().map(|line| format!("{line}\n")).eq((0..LINES).map(line)));
    behind.check().expect("all went well");
}

#[test]
fn a_reader_that_went_away_is_told_once() {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    let mut aside = Aside::new("test", writer).expect("a thread");
    aside.write_all(b"who reads this").expect("it is only handed over");
    assert!(aside.behind().settle(PATIENCE), "what cannot be written is given up");
    let told = aside.flush().expect_err("nobody reads");
    assert_eq!(told.kind(), io::ErrorKind::BrokenPipe);
    aside.flush().expect("it was told");
}
