//! How a session lives and ends: signs of life, ends, gaps of our own numbers, thresholds.

use super::peer::{
    DOWN, EARLIER, GAPPED, MS, Peer, SECOND, Said, Told, UP, UUID, accepted, again, framed,
    handover, live, not_applied, report, sequence,
};
use super::requests::IDENTITY;
use xmc_hotpath::gateway::{CannotEncode, OrderSession, SessionLost};
use xmc_hotpath::message::{GatewayIndex, OrderAction, OrderEventKind, SessionState, StreamId};
use xmc_hotpath::time::UnixNs;
use xmc_hotpath::venue::cme::ilink3::layout::{Block, BusinessReject, MassActionReport, Terminate};
use xmc_hotpath::venue::cme::ilink3::session::{
    Handover, MOST_CANCELS, MOST_ORDERS, Session, SessionCounters,
};
use xmc_hotpath::wire::{U16Le, U32Le, U64Le};

#[test]
fn o10_a_sign_of_life_leaves_in_time_and_when_it_is_asked_for() {
    let mut peer = Peer::up();
    assert_eq!(peer.after(4_900 * MS), []);
    assert_eq!(peer.after(100 * MS), [Said::Sequence(1, false)]);
    peer.hear(&[sequence(1, true)]);
    assert_eq!(peer.tick(), [Said::Sequence(1, false)]);
    assert_eq!(peer.tick(), []);
    peer.command(OrderAction::New, 1);
    peer.settle();
    assert_eq!(peer.said(), [Said::Order(1, 1)]);
    assert_eq!(peer.after(5 * SECOND), [Said::Sequence(2, false)]);
}

#[test]
fn o10_an_exchange_that_is_silent_is_asked_and_then_left() {
    let mut peer = Peer::up();
    peer.after(9_999 * MS);
    assert_eq!(peer.after(MS), [Said::Sequence(1, true)]);
    assert_eq!(peer.counters.lapses.get(), 1);
    // It answers in the last moment.
    assert_eq!(peer.after(9_900 * MS), [Said::Sequence(1, false)]);
    peer.hear(&[sequence(1, false)]);
    let said = peer.after(200 * MS);
    assert!(!said.contains(&Said::Sequence(1, true)), "{said:?}");
    assert_eq!(peer.stage.state(), SessionState::Up);
    peer.after(9_800 * MS);
    assert_eq!(peer.counters.lapses.get(), 2);
    peer.after(9_999 * MS);
    assert_eq!(peer.stage.state(), SessionState::Up);
    let said = peer.after(MS);
    assert_eq!(said, [Said::Terminate(20, peer.now())]);
    assert_eq!(peer.settle(), [DOWN]);
    assert_eq!(peer.door.left.pop().map(|left| left.why), Some(SessionLost::Silent));
}

/// A machine that stood still has not heard because it has not read.
#[test]
fn o10_a_core_that_stood_still_reads_before_it_gives_up() {
    let mut peer = Peer::up();
    peer.stage.port_mut().arrive(&live(1));
    assert_eq!(peer.after(60 * SECOND), [Said::Sequence(1, true)]);
    assert_eq!(peer.settle(), accepted([1]));
    peer.after(9 * SECOND);
    assert_eq!(peer.stage.state(), SessionState::Up);
}

#[test]
fn o17_a_number_that_has_been_used_ends_the_session() {
    for (name, message) in [("report", live(2)), ("sequence", sequence(2, false))] {
        let mut peer = Peer::up();
        peer.hear(&[live(1), live(2)]);
        assert_eq!(peer.hear(&[message, live(3)]), [DOWN], "{name}");
        assert_eq!(peer.said(), [Said::Terminate(11, peer.now())]);
        assert_eq!(peer.door.left.pop().map(|left| left.why), Some(SessionLost::SeqNo));
    }
}

#[test]
fn o9_another_sessions_number_ends_the_session_in_every_message() {
    let stranger = U64Le::new(EARLIER);
    let terminate = Terminate { uuid: stranger, ..Terminate::BLANK };
    let mut wrong: Vec<Vec<u8>> = vec![report(EARLIER, 1, false), report(EARLIER, 1, true)];
    wrong.push(framed(terminate));
    for mut message in [sequence(1, false), not_applied(1, 1)] {
        message[12..20].copy_from_slice(&EARLIER.to_le_bytes());
        wrong.push(message);
    }
    for message in wrong {
        let mut peer = Peer::up();
        assert_eq!(peer.hear(&[message, live(1)]), [DOWN]);
        assert_eq!(peer.said(), [Said::Terminate(13, peer.now())]);
        let left = peer.door.left.pop().expect("it has ended");
        assert_eq!((left.why, left.next_report_no), (SessionLost::Stranger, 1));
    }
}

#[test]
fn o20_what_is_no_message_ends_the_session_with_its_code() {
    let changed = |at: usize, byte: u8| {
        let mut message = live(1);
        message[at] = byte;
        message
    };
    let mut short = live(1);
    short.pop();
    short[0] -= 1;
    short[4] -= 1;
    for (name, message, why, code) in [
        ("encoding", changed(2, 0), SessionLost::Framing, 18),
        ("length", vec![3, 0, 0xFE, 0xCA], SessionLost::Framing, 18),
        ("schema", changed(8, 9), SessionLost::Unreadable, 19),
        ("version", changed(10, 7), SessionLost::Unreadable, 19),
        ("block length", changed(5, 0xFF), SessionLost::Unreadable, 19),
        ("short block", short, SessionLost::Unreadable, 19),
    ] {
        let mut peer = Peer::up();
        assert_eq!(peer.hear(&[message, live(1)]), [DOWN], "{name}");
        assert_eq!(peer.said(), [Said::Terminate(code, peer.now())], "{name}");
        assert_eq!(peer.door.left.pop().map(|left| left.why), Some(why), "{name}");
    }
}

#[test]
fn o19_the_exchanges_end_is_answered_with_its_own_time() {
    let mut peer = Peer::up();
    let (uuid, request_ns, error_code) = (U64Le::new(UUID), U64Le::new(77), U16Le::new(12));
    let end = framed(Terminate { uuid, request_ns, error_code, ..Terminate::BLANK });
    assert_eq!(peer.hear(&[live(1), end, live(2)]), [accepted([1]), vec![DOWN]].concat());
    assert_eq!(peer.said(), [Said::Terminate(0, 77)]);
    let left = peer.door.left.pop().expect("it has ended");
    assert_eq!((left.why, left.next_report_no), (SessionLost::Terminated(12), 2));
}

#[test]
fn a_planned_end_is_said_and_what_comes_until_the_answer_is_read() {
    let mut peer = Peer::up();
    peer.stage.log_out();
    assert_eq!(peer.said(), [Said::Terminate(0, peer.now())]);
    peer.command(OrderAction::New, 5);
    let told = peer.hear(&[live(1)]);
    assert_eq!(
        told,
        [vec![DOWN], vec![Told::Order(OrderEventKind::NotSent, 5)], accepted([1])].concat()
    );
    assert!(!peer.stage.is_over());
    let uuid = U64Le::new(UUID);
    assert_eq!(peer.hear(&[framed(Terminate { uuid, ..Terminate::BLANK })]), []);
    assert!(peer.stage.is_over());
    assert_eq!(peer.said(), [], "it is not answered twice");
    assert_eq!(peer.door.left.pop().map(|left| left.why), Some(SessionLost::LoggedOut));
}

#[test]
fn o18_what_was_not_applied_is_told_order_by_order_and_the_gap_is_filled() {
    let mut peer = Peer::up();
    for (action, order) in [
        (OrderAction::New, 11),
        (OrderAction::New, 12),
        (OrderAction::Cancel, 13),
        (OrderAction::Replace, 14),
        (OrderAction::New, 15),
    ] {
        peer.command(action, order);
    }
    peer.settle();
    assert_eq!(peer.said().len(), 5);
    // The exchange counts the message that showed the gap among them, and one that is not sent.
    let told = peer.hear(&[not_applied(2, 5), live(1)]);
    let not_done = [
        Told::Order(OrderEventKind::NotSent, 12),
        Told::Order(OrderEventKind::CancelNotSent, 13),
        Told::Order(OrderEventKind::ReplaceRejected, 14),
        Told::Order(OrderEventKind::NotSent, 15),
    ];
    assert_eq!(told, [&[GAPPED][..], &not_done, &accepted([1])].concat());
    assert_eq!(peer.counters.not_applied.get(), 4);
    // Nothing leaves before the exchange knows where we go on.
    peer.command(OrderAction::New, 16);
    assert_eq!(peer.settle(), [Told::Order(OrderEventKind::NotSent, 16)]);
    assert_eq!(peer.tick(), [Said::Sequence(6, false)]);
    assert_eq!(peer.settle(), [UP]);
    peer.command(OrderAction::New, 17);
    peer.settle();
    assert_eq!(peer.said(), [Said::Order(6, 17)], "none is sent twice");
    // Said once more, it is not told once more.
    assert_eq!(peer.hear(&[not_applied(2, 4)]), [GAPPED]);
    assert_eq!(peer.counters.forgotten.get(), 4);
}

#[test]
fn o18_whatever_numbers_are_not_applied_the_session_goes_on() {
    for (from, count) in [(0, 0), (1, 0), (0, u32::MAX), (u32::MAX, u32::MAX), (3, 1), (900, 9)] {
        let mut peer = Peer::up();
        for order in 0..1_500 {
            peer.command(OrderAction::Cancel, order + 1);
        }
        peer.settle();
        let told = peer.hear(&[not_applied(from, count)]);
        assert_eq!(told[0], GAPPED);
        let orders = told.len() - 1;
        let expected = match (from, count) {
            (0, u32::MAX) => 1_024,
            (900, 9) => 9,
            _ => 0,
        };
        assert_eq!(orders, expected, "{from} {count}");
        peer.tick();
        assert_eq!(peer.settle(), [UP]);
    }
}

/// The same session on another connection remembers what it sent; a new one has sent nothing.
#[test]
fn what_was_sent_is_remembered_as_long_as_the_session() {
    for uuid in [UUID, UUID + 1] {
        let mut peer = Peer::up();
        peer.command(OrderAction::New, 21);
        peer.settle();
        peer.stage.port_mut().close();
        peer.settle();
        let left = peer.door.left.pop().expect("it has ended");
        let next = Handover { uuid, next_seq_no: left.next_seq_no, ..handover() };
        assert_eq!(peer.enter(next), [UP]);
        let mut message = not_applied(1, 1);
        message[12..20].copy_from_slice(&uuid.to_le_bytes());
        let told = peer.hear(&[message]);
        let is_told = told.contains(&Told::Order(OrderEventKind::NotSent, 21));
        assert_eq!(is_told, uuid == UUID, "{told:?}");
    }
}

#[test]
fn a_message_that_was_refused_as_a_whole_is_the_orders() {
    let mut peer = Peer::up();
    peer.command(OrderAction::New, 31);
    peer.command(OrderAction::Cancel, 32);
    peer.settle();
    let reject = |seq_no: u32, ref_seq_no: u32| {
        framed(BusinessReject {
            uuid: U64Le::new(UUID),
            seq_no: U32Le::new(seq_no),
            ref_seq_no: U32Le::new(ref_seq_no),
            ..BusinessReject::BLANK
        })
    };
    let told = peer.hear(&[reject(1, 2), reject(2, 1), reject(3, 0), reject(4, 9)]);
    let kinds = [(OrderEventKind::CancelRejected, 32), (OrderEventKind::Rejected, 31)];
    assert_eq!(told, kinds.map(|(kind, order)| Told::Order(kind, order)));
}

#[test]
fn the_answer_to_a_mass_action_counts_and_tells_nothing() {
    let mut peer = Peer::up();
    let (uuid, seq_no) = (U64Le::new(UUID), U32Le::new(1));
    let mass = framed(MassActionReport { uuid, seq_no, ..MassActionReport::BLANK });
    assert_eq!(peer.hear(&[mass, live(2)]), accepted([2]));
    assert_eq!((peer.stage.state(), peer.counters.ignored.get()), (SessionState::Up, 1));
}

/// However orders are spread, no window of three seconds has more than 80 % of the threshold, and
/// a session that waits may send again.
#[test]
fn no_three_seconds_have_more_messages_than_the_exchange_takes() {
    for (action, most) in [(OrderAction::New, MOST_ORDERS), (OrderAction::Cancel, MOST_CANCELS)] {
        for pause_us in [1_u64, 100, 900, 2_000, 3_500] {
            let counters = SessionCounters::default();
            let (row, stream) = (GatewayIndex(0), StreamId(1));
            let session = Session::take_over(row, stream, &IDENTITY, &handover(), &counters);
            let mut session = session.expect("sound");
            let (mut sent, mut now) = (Vec::new(), 1_790_000_000 * SECOND);
            let command = super::peer::command(action, 1);
            for turn in 0..12_000_u64 {
                now += pause_us * 1_000 * (1 + turn % 3);
                match session.encode(&command, UnixNs(now)) {
                    Ok(_) => {
                        session.sent(&command);
                        sent.push(now);
                    }
                    Err(error) => assert_eq!(error, CannotEncode::Throttle),
                }
            }
            let most = usize::try_from(most).expect("small");
            for window in sent.windows(most + 1) {
                assert!(window[most] - window[0] >= 3 * SECOND, "{pause_us} us");
            }
            let refused = 12_000 - sent.len();
            assert_eq!(counters.throttled.get(), refused as u64);
            // Somewhat later all of it is free again.
            for _ in 0..most {
                assert!(session.encode(&command, UnixNs(now + 4 * SECOND)).is_ok());
                session.sent(&command);
            }
            let other =
                if action == OrderAction::New { OrderAction::Cancel } else { OrderAction::New };
            let other = super::peer::command(other, 2);
            assert!(session.encode(&other, UnixNs(now + 4 * SECOND)).is_ok(), "its own budget");
            assert!(session.encode(&command, UnixNs(now + 4 * SECOND)).is_err());
        }
    }
}

#[test]
fn a_session_without_a_logon_checks_no_numbers_and_says_no_goodbye() {
    let mut peer = Peer::new(&Handover {
        uuid: 0,
        next_report_no: 0,
        keep_alive: xmc_hotpath::time::Span(0),
        ..handover()
    });
    assert_eq!(peer.settle(), [UP]);
    assert_eq!(peer.hear(&[live(9), again(3), live(9)]), accepted([9, 3, 9]));
    assert_eq!(peer.after(3_600 * SECOND), []);
    peer.stage.log_out();
    assert_eq!(peer.said(), []);
}
