//! When statements are read, and what is remembered of what was found.

use super::statement;
use crate::journal::scratch::Scratch;
use cross_market_connect::resync::confirm::{Difference, Kind};
use cross_market_connect::resync::cycle::{Cause, Cycles, Outcome, Pace};
use cross_market_connect::resync::kept::{Kept, KeptError};
use cross_market_connect::resync::read::{Held, Reading};
use cross_market_connect::resync::statement::{Moment, Statement};
use std::fs;
use xmc_hotpath::time::UnixNs;

const PACE: Pace = Pace { settle_ns: 10, max_age_ns: 100, every_ns: 1_000 };

fn cycles() -> Cycles {
    Cycles::new("clearing", "cme", 0, PACE)
}

/// The venue has so many lots more than the desk.
fn ahead(statement: &Statement, lots: i64) -> Reading {
    let instrument = "hg".to_owned();
    Reading {
        as_of: statement.as_of.0,
        sequence: statement.sequence,
        seq_no: 1,
        has_fills: false,
        positions: Some(vec![Held { instrument, venue: lots, desk: 0, least: 0, most: 0 }]),
        off: Vec::new(),
        alone: None,
        money: None,
        orders: 0,
    }
}

#[test]
fn a_statement_is_read_when_the_desk_has_settled_and_stays_the_one() {
    let mut cycles = cycles();
    let at = UnixNs;
    let old = statement(1, 99);
    assert_eq!(cycles.poll(at(100), at(100), Some(&old), |_| unreachable!()), None, "too old");
    let chosen = statement(2, 105);
    assert_eq!(cycles.poll(at(106), at(106), Some(&chosen), |_| unreachable!()), None);
    // A newer one each time must not put it off for ever.
    let newer = statement(3, 116);
    let verdict = cycles.poll(at(117), at(115), Some(&newer), |read| {
        assert_eq!(read.sequence, 2);
        ahead(read, 0)
    });
    let verdict = verdict.expect("the desk is settled");
    assert_eq!((verdict.outcome, verdict.cause, verdict.cycle), (Outcome::Agree, Cause::Start, 1));
    assert_eq!(cycles.poll(at(200), at(200), Some(&newer), |_| unreachable!()), None, "not due");
}

#[test]
fn a_difference_takes_a_second_statement_of_when_all_has_settled() {
    let mut cycles = cycles();
    let at = UnixNs;
    let first = statement(1, 100);
    assert_eq!(cycles.poll(at(100), at(110), Some(&first), |read| ahead(read, 1)), None);
    // As of a moment before the first was read.
    let early = statement(2, 109);
    assert_eq!(cycles.poll(at(111), at(200), Some(&early), |_| unreachable!()), None);
    let second = statement(3, 111);
    let verdict = cycles.poll(at(112), at(121), Some(&second), |read| ahead(read, 1));
    let verdict = verdict.expect("both were read");
    let Outcome::Differ(found) = &verdict.outcome else { panic!("{verdict:?}") };
    assert_eq!(found[0].kind, Kind::Position);
    assert_eq!(verdict.statement.map(|one| one.sequence), Some(3));
}

#[test]
fn what_was_on_its_way_has_settled_by_the_second() {
    let mut cycles = cycles();
    let (first, second) = (statement(1, 100), statement(2, 120));
    let at = UnixNs;
    assert_eq!(cycles.poll(at(100), at(110), Some(&first), |read| ahead(read, 1)), None);
    let verdict = cycles.poll(at(121), at(130), Some(&second), |read| ahead(read, 0));
    assert_eq!(verdict.map(|verdict| verdict.outcome), Some(Outcome::Settled));
}

#[test]
fn a_statement_that_does_not_come_ends_the_cycle_and_a_session_begins_another() {
    let mut cycles = cycles();
    let at = UnixNs;
    let stale = statement(1, 1);
    assert_eq!(cycles.poll(at(100), at(100), Some(&stale), |_| unreachable!()), None);
    assert_eq!(cycles.poll(at(200), at(200), Some(&stale), |_| unreachable!()), None);
    let verdict = cycles.poll(at(201), at(201), Some(&stale), |_| unreachable!());
    assert_eq!(verdict.map(|verdict| verdict.outcome), Some(Outcome::Old));
    cycles.want(Cause::Reconnect);
    assert_eq!(cycles.poll(at(300), at(300), None, |_| unreachable!()), None);
    // It breaks off the one that runs: what is needed is a statement of after it.
    cycles.want(Cause::Reconnect);
    let before = statement(2, 320);
    assert_eq!(cycles.poll(at(350), at(400), Some(&before), |_| unreachable!()), None);
    let after = statement(3, 360);
    let verdict = cycles.poll(at(361), at(400), Some(&after), |read| ahead(read, 0));
    let verdict = verdict.expect("it is there");
    assert_eq!((verdict.cause, verdict.outcome), (Cause::Reconnect, Outcome::Agree));
}

fn difference(id: &str) -> Difference {
    Difference {
        id: id.to_owned(),
        source: "clearing".to_owned(),
        kind: Kind::Position,
        of: "hg".to_owned(),
        order: None,
        venue: super::exact("1"),
        desk: super::exact("0"),
        scope: "instrument=hg".to_owned(),
    }
}

fn ids(kept: &Kept) -> Vec<&str> {
    kept.open.iter().map(|open| open.difference.id.as_str()).collect()
}

#[test]
fn what_was_explained_closes_nothing_again_and_what_was_adopted_waits_for_it() {
    let (mut kept, at) = (Kept::default(), Moment(UnixNs(1)));
    let (one, two) = (difference("00000001"), difference("00000002"));
    let all = |_: Kind, _: Moment| true;
    let none = |_: Kind, _: Moment| false;
    kept.found("clearing", (1, at), &[one.clone(), two.clone()], (false, false), all);
    kept.found("clearing", (2, at), &[], (false, true), none);
    assert_eq!(ids(&kept).len(), 2, "nothing was compared");
    kept.found("clearing", (2, at), std::slice::from_ref(&one), (false, false), all);
    assert_eq!(ids(&kept), ["00000001"], "the other has gone by itself");
    kept.open[0].adopted = true;
    kept.found("clearing", (3, at), &[], (false, true), all);
    assert_eq!(ids(&kept), ["00000001"], "the desk was told: that is no reason");
    assert!(!kept.explain("00000002", vec![11, 12], String::new(), at), "it is not open");
    assert!(kept.explain("00000001", vec![11, 12], String::new(), at));
    kept.found("clearing", (4, at), &[one.clone(), two.clone()], (false, false), all);
    assert_eq!(ids(&kept), ["00000002"], "it is explained for as long as it lasts");
    kept.found("clearing", (5, at), &[], (false, false), all);
    kept.found("clearing", (6, at), std::slice::from_ref(&one), (false, false), all);
    assert_eq!(ids(&kept), Vec::<&str>::new(), "what is not seen for once is not over");
    kept.found("clearing", (5, at), &[], (false, true), all);
    kept.found("clearing", (6, at), &[two.clone(), one], (false, false), all);
    assert_eq!(ids(&kept), ["00000002", "00000001"], "the next one like it is a new one");
    assert!(kept.explain("00000001", vec![11, 12], String::new(), at));
    kept.open[0].adopted = true;
    kept.found("clearing", (7, at), std::slice::from_ref(&two), (false, false), all);
    assert!(!kept.open[0].adopted, "one that differs again was not taken");
    kept.open[0].adopted = true;
    kept.found("clearing", (8, at), &[], (true, true), all);
    assert_eq!(ids(&kept), Vec::<&str>::new(), "unless the configuration says so");
}

#[test]
fn what_is_remembered_outlives_the_run_and_is_not_made_up() {
    let scratch = Scratch::new("resync_kept");
    let directory = scratch.path("record");
    fs::create_dir_all(&directory).expect("a directory");
    assert_eq!(Kept::open(&directory).expect("nothing is there"), Kept::default());
    let mut kept = Kept::default();
    let at = Moment(UnixNs(1));
    kept.found("clearing", (1, at), &[difference("00000001")], (false, false), |_, _| true);
    kept.streams.insert("clearing".to_owned(), 7);
    let path = directory.join("resync.json");
    fs::write(&path, kept.bytes()).expect("ours");
    assert_eq!(Kept::open(&directory).expect("it reads"), kept);
    fs::write(&path, b"{}").expect("ours");
    assert!(matches!(Kept::open(&directory), Err(KeptError::Shape { .. })), "it was changed");
}
