//! What the next session has to ask for, from where the last one stood.

use cross_market_connect::venue::cme::ilink3::logon::LogonError;
use cross_market_connect::venue::cme::ilink3::resume::{
    self, Course, Known, Previous, Resumed, resumed,
};
use xmc_hotpath::gateway::SessionLost;
use xmc_hotpath::time::Span;
use xmc_hotpath::venue::cme::ilink3::session::{Handover, Left, Missed};

const NOTHING: [Missed; 2] = [Missed::NONE; 2];

fn missed(uuid: u64, from: u32, count: u32) -> Missed {
    Missed { uuid, from, count }
}

fn known(uuid: u64, next_report_no: u32, last: u32) -> Known {
    Known { uuid, next_report_no, last }
}

/// What the logon says: the number that the exchange sends next.
fn acknowledged(uuid: u64, next_report_no: u32) -> Handover {
    Handover { uuid, next_seq_no: 1, next_report_no, keep_alive: Span(1), missed: NOTHING }
}

fn left(uuid: u64, next_report_no: u32, missing: [Missed; 2]) -> Left {
    let why = SessionLost::Closed;
    Left { uuid, next_seq_no: 4, next_report_no, missing, is_more_missing: false, why }
}

fn asked(known: &[Known], handover: &Handover, uuid: u64, seq_no: u32) -> ([Missed; 2], usize) {
    let Resumed { handover, unasked } = resumed(known, handover, Previous { uuid, seq_no });
    (handover.missed, unasked)
}

#[test]
fn the_same_session_asks_for_what_was_said_meanwhile() {
    let known = resume::ended(&left(7, 5, NOTHING));
    assert_eq!(known, [self::known(7, 5, 0)]);
    assert_eq!(asked(&known, &acknowledged(7, 5), 7, 4), (NOTHING, 0));
    let missed_two = [missed(0, 5, 2), Missed::NONE];
    assert_eq!(asked(&known, &acknowledged(7, 7), 7, 6), (missed_two, 0));
    // What was missing already is asked for with it.
    let known = resume::ended(&left(7, 5, [missed(0, 2, 1), Missed::NONE]));
    assert_eq!(asked(&known, &acknowledged(7, 7), 7, 6).0, [missed(0, 2, 5), Missed::NONE]);
}

#[test]
fn a_new_session_asks_for_the_end_of_the_last() {
    let known = resume::ended(&left(7, 5, NOTHING));
    let missed_three = [missed(7, 5, 3), Missed::NONE];
    assert_eq!(asked(&known, &acknowledged(9, 1), 7, 7), (missed_three, 0));
    assert_eq!(asked(&known, &acknowledged(9, 1), 7, 4), (NOTHING, 0));
    // The exchange knows of none: it was started anew, or a week begins.
    assert_eq!(asked(&known, &acknowledged(9, 1), 0, 0), (NOTHING, 0));
    // Something was sent to the new one before it was established.
    let both = [missed(0, 1, 2), Missed::NONE];
    assert_eq!(asked(&known, &acknowledged(9, 3), 9, 2), (both, 0));
    // The first session of all has nothing to ask for.
    assert_eq!(asked(&[], &acknowledged(9, 1), 7, 7), (NOTHING, 0));
}

/// Killed at any moment: what was written at the beginning is enough.
#[test]
fn a_session_that_was_not_seen_to_its_end_is_asked_for_from_its_beginning() {
    let first = acknowledged(7, 1);
    let known = resume::begun(&first);
    assert_eq!(known, [self::known(7, 1, 0)]);
    let (second, _) = asked(&known, &acknowledged(9, 1), 7, 60);
    assert_eq!(second, [missed(7, 1, 60), Missed::NONE]);
    // Killed again before it had any of it, and after the exchange had spoken.
    let known = resume::begun(&Handover { missed: second, ..acknowledged(9, 1) });
    assert_eq!(known, [self::known(7, 1, 60), self::known(9, 1, 0)]);
    let (third, unasked) = asked(&known, &acknowledged(11, 1), 9, 8);
    assert_eq!((third, unasked), ([missed(9, 1, 8), missed(7, 1, 60)], 0));
    // A third time: two ranges are asked for, the oldest is said to be missing.
    let known = resume::begun(&Handover { missed: third, ..acknowledged(11, 1) });
    let (fourth, unasked) = asked(&known, &acknowledged(13, 1), 11, 2);
    assert_eq!((fourth, unasked), ([missed(11, 1, 2), missed(9, 1, 8)], 1));
}

#[test]
fn a_session_that_nobody_wrote_down_is_asked_for_whole() {
    let known = [known(7, 5, 0)];
    let both = [missed(8, 1, 3), Missed::NONE];
    assert_eq!(asked(&known, &acknowledged(9, 1), 8, 3), (both, 0));
    // What the exchange sent before the week's first session has no number of its own.
    let before_all = [missed(Missed::BEFORE_ALL, 1, 3), Missed::NONE];
    assert_eq!(asked(&known, &acknowledged(9, 1), 0, 3), (before_all, 0));
}

#[test]
fn every_end_has_a_course() {
    for why in [
        SessionLost::Closed,
        SessionLost::Silent,
        SessionLost::Stranger,
        SessionLost::Framing,
        SessionLost::Unreadable,
        SessionLost::Terminated(0),
        SessionLost::Terminated(20),
    ] {
        assert_eq!(resume::after_loss(why), Course::Same, "{why:?}");
    }
    for why in [SessionLost::SeqNo, SessionLost::LoggedOut] {
        assert_eq!(resume::after_loss(why), Course::Stop, "{why:?}");
    }
    for code in 0..=u16::MAX {
        let expected = match code {
            0 | 4..=7 | 20 => Course::Same,
            1 | 2 | 3 | 10 | 13 => Course::New,
            _ => Course::Stop,
        };
        assert_eq!(resume::after_loss(SessionLost::Terminated(code)), expected, "{code}");
    }
}

#[test]
fn every_refusal_has_a_course() {
    let refused = |code| LogonError::Refused { what: "negotiation", code, reason: String::new() };
    let ended = |code| LogonError::Terminated { code, reason: String::new() };
    for course in [Course::Same, Course::New] {
        let after = |error| resume::after_refusal(course, &error);
        for code in [1, 15, 16, 17, 27, 28] {
            assert_eq!(after(refused(code)), course, "{code}");
        }
        assert_eq!([2, 3].map(|code| after(refused(code))), [Course::New; 2]);
        for code in [0, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 18, 29, u16::MAX] {
            assert_eq!(after(refused(code)), Course::Stop, "{code}");
        }
        assert_eq!([4, 6].map(|code| after(ended(code))), [course; 2]);
        assert_eq!([2, 10].map(|code| after(ended(code))), [Course::New; 2]);
        assert_eq!([8, 9, 11, 99].map(|code| after(ended(code))), [Course::Stop; 4]);
        assert_eq!(after(LogonError::Backup), course);
        assert_eq!(after(LogonError::Closed { awaited: "an answer" }), course);
    }
}
