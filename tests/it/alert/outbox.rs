//! The outbox: what was accepted survives, whatever the file ends with.

use super::{alert, firing};
use crate::journal::scratch::Scratch;
use cross_market_connect::alert::life::Notice;
use cross_market_connect::alert::outbox::{self, Cursor, How, Line, NAME, Outbox, State};
use cross_market_connect::alert::rule::{Rule, Severity};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

const CHILD: &str = "XMC_OUTBOX_CHILD";

fn notice(sink: &str, spread: &str, severity: Severity) -> Notice {
    firing(sink, alert(Rule::SpreadHalted, severity, spread))
}

fn done(sink: &str, seqs: &[u64], how: How) -> Line {
    Line::Done { sink: sink.to_owned(), seqs: seqs.to_vec(), how, at_ns: 9, why: None }
}

/// Some of everything.
fn filled(scratch: &Scratch) -> Outbox {
    let mut outbox = Outbox::open(&scratch.path("alerts"), 100, "e1").expect("a new one");
    for round in 0..4_u64 {
        let spread = format!("s{round}");
        let both = ["log", "chat"].map(|sink| notice(sink, &spread, Severity::Page));
        let cursor = Cursor { run: 1, seq_no: round, index: 0, segment: 1 };
        let kept = alert(Rule::SpreadHalted, Severity::Page, &spread);
        let lines = vec![Line::Alert { alert: Box::new(kept) }, Line::Read(cursor)];
        outbox.accept(both.to_vec(), lines, round);
        outbox.note(&[done("log", &[2 * round], How::Delivered)]);
    }
    outbox.note(&[done("chat", &[1], How::Dead)]);
    outbox.note(&[Line::Failed { sink: "chat".into(), at_ns: 5, why: "away".into() }]);
    outbox
}

/// The lines of an outbox, without the zeros behind them.
fn lines_of(scratch: &Scratch) -> Vec<u8> {
    let mut bytes = fs::read(scratch.path("alerts").join(NAME)).expect("it is there");
    assert!(bytes.ends_with(&[0]), "there is room ahead");
    let end = bytes.iter().rposition(|byte| *byte != 0).expect("there are lines");
    bytes.truncate(end + 1);
    bytes
}

/// What the whole lines of a file come to, by reading it line by line.
fn reference(bytes: &[u8]) -> State {
    let mut state = State::default();
    let text = String::from_utf8_lossy(bytes).into_owned();
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        state.apply(&Line::parse(line.trim_end().as_bytes()).expect("it is whole"));
    }
    state
}

#[test]
fn a_file_that_is_cut_off_at_any_byte_holds_all_whole_lines() {
    let scratch = Scratch::new("outbox_cut");
    drop(filled(&scratch));
    let bytes = lines_of(&scratch);
    assert!(bytes.len() > 4_000);
    for len in 0..=bytes.len() {
        let cut = &bytes[..len];
        let found = State::of_bytes(cut);
        let mut expected = reference(cut);
        // A last line without its end is whole if all of its text is there.
        let rest = cut.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        if let Some(line) = Line::parse(rest) {
            expected.apply(&line);
        }
        assert_eq!(found, expected, "{len} bytes");
        let zeros = [cut, &[0; 100]].concat();
        assert_eq!(State::of_bytes(&zeros), expected, "{len} bytes, and zeros behind");
    }
}

#[test]
fn an_outbox_goes_on_behind_a_cut_off_line() {
    let scratch = Scratch::new("outbox_on");
    drop(filled(&scratch));
    let path = scratch.path("alerts").join(NAME);
    let bytes = lines_of(&scratch);
    for cut in [1, 7, 40, 100] {
        fs::write(&path, &bytes[..bytes.len() - cut]).expect("it is ours");
        let mut outbox = Outbox::open(&scratch.path("alerts"), 100, "e2").expect("it opens");
        assert_eq!(outbox.state().epoch, "e1", "identities go on");
        let before = State::of_bytes(&bytes[..bytes.len() - cut]);
        assert_eq!(outbox.waiting("chat").len(), before.waiting_of("chat").count());
        let next = outbox.state().next;
        outbox.accept(vec![notice("chat", "new", Severity::Page)], Vec::new(), 7);
        assert!(outbox.waiting("chat").contains_key(&next));
        let read = outbox::read(&scratch.path("alerts")).expect("it can be read");
        assert_eq!(&read, outbox.state(), "from outside it looks the same");
        assert_eq!(read.damaged, 0);
    }
}

#[test]
fn a_damaged_line_is_passed_over_and_counted_and_nothing_behind_it_is_lost() {
    let scratch = Scratch::new("outbox_bad");
    drop(filled(&scratch));
    let mut bytes = lines_of(&scratch);
    let second = bytes.iter().position(|byte| *byte == b'\n').expect("a line") + 30;
    bytes[second] ^= 1;
    let state = State::of_bytes(&bytes);
    assert_eq!((state.damaged, state.next), (1, 8));
}

#[test]
fn written_anew_it_holds_the_same() {
    let scratch = Scratch::new("outbox_anew");
    let outbox = filled(&scratch);
    let state = State::of_bytes(outbox.state().lines().as_bytes());
    assert_eq!(&state, outbox.state());
    assert_eq!(state.sinks["chat"].dead, 1);
    assert_eq!(state.dead.len(), 1);
    assert_eq!(state.sinks["chat"].why.as_deref(), Some("away"));
}

#[test]
fn a_full_outbox_drops_the_least_severe_and_oldest_and_counts_them() {
    let scratch = Scratch::new("outbox_full");
    let mut outbox = Outbox::open(&scratch.path("alerts"), 3, "e1").expect("a new one");
    let severities = [Severity::Info, Severity::Page, Severity::Info, Severity::Warning];
    for (place, severity) in severities.into_iter().enumerate() {
        let notice = notice("chat", &place.to_string(), severity);
        outbox.accept(vec![notice], Vec::new(), place as u64);
    }
    assert_eq!(outbox.waiting("chat").into_keys().collect::<Vec<_>>(), [1, 2, 3]);
    for place in 4..8 {
        let notice = notice("chat", &place.to_string(), Severity::Page);
        outbox.accept(vec![notice], Vec::new(), place);
    }
    let left = outbox.waiting("chat");
    assert!(left.values().all(|one| one.notice.alert.severity == Severity::Page));
    let sink = &outbox.state().sinks["chat"];
    assert_eq!((sink.dropped, sink.untold, left.len()), (5, 5, 3));
    let last = *left.keys().last().expect("three");
    outbox.note(&[done("chat", &[last], How::Delivered)]);
    let sink = &outbox.state().sinks["chat"];
    assert_eq!((sink.dropped, sink.untold), (5, 0), "the message has told of them");
}

/// The child: accepts notices as fast as it can, and says of each that it was accepted.
#[test]
fn child() {
    let Ok(directory) = std::env::var(CHILD) else { return };
    let mut outbox = Outbox::open(directory.as_ref(), 1_000_000, "e1").expect("it opens");
    for number in outbox.state().next.. {
        let notices = vec![notice("chat", &number.to_string(), Severity::Page)];
        outbox.accept(notices, Vec::new(), number);
        // The test harness does not use stderr of a test that passes.
        if writeln!(std::io::stderr(), "{number}").is_err() {
            return;
        }
    }
}

#[test]
fn nothing_that_was_accepted_is_lost_by_a_kill() {
    let scratch = Scratch::new("outbox_kill");
    let directory = scratch.path("alerts");
    let mut accepted = BTreeSet::new();
    for kill in 0..4_usize {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "alert::outbox::child", "--nocapture", "--test-threads=1"])
            .env(CHILD, &directory)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let said = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut lines = said.lines();
        for _ in 0..(20 + 30 * kill) {
            let line = lines.next().expect("it goes on").expect("UTF-8");
            accepted.extend(line.parse::<u64>());
        }
        child.kill().expect("it is ours");
        child.wait().expect("it ends");
        // What it had said before it died.
        accepted.extend(lines.map_while(Result::ok).filter_map(|line| line.parse::<u64>().ok()));
        let state = outbox::read(&directory).expect("it can be read");
        let lost: Vec<_> = accepted.iter().filter(|seq| !state.waiting.contains_key(seq)).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
    assert!(accepted.len() > 150, "{}", accepted.len());
}
