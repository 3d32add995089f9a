//! Lost requests: when the counter is asked, and what its answer means in each mode.

use super::rig::{MS, PACE, Rig, Told, answer, auth, auth_for, cancel, id, new, told};
use xmc_hotpath::gateway::{CannotEncode, OrderSession, SessionLost};
use xmc_hotpath::message::{OrderEventKind, SessionState};
use xmc_hotpath::time::{MonoNs, UnixNs};
use xmc_hotpath::venue::esunny::dstar::layout::{
    InsertReply, Key, KeyV3, ReqIdMode, UdpAuthReply, V3,
};
use xmc_hotpath::venue::esunny::dstar::session::Handover;
use xmc_hotpath::venue::esunny::dstar::simulated_counter::{Framed, Kind, Question};
use xmc_hotpath::wire::{I32Le, I64Le, U32Le};

fn reply(number: u32, order: u64, max: u32, error: i32) -> Vec<u8> {
    let body = InsertReply {
        seat: 1,
        account_no: [0; 21],
        client_req_id: U32Le::new(number),
        reference: I64Le::new(order.cast_signed()),
        max_client_req_id: U32Le::new(max),
        key: KeyV3::NONE,
        insert_time: [0; 20],
        error: I32Le::new(error),
    };
    bytemuck::bytes_of(&Framed::new(Kind::Insert, body)).to_vec()
}

fn taken(number: u32, turn: u32) -> Vec<u8> {
    reply(number, id(turn, 1).0, number, 0)
}

/// So long after a session has asked its first question.
fn at(ms: u64) -> MonoNs {
    MonoNs((1_000 + ms) * MS)
}

/// A session that has sent the orders of turns 1 to `count`, each in a slot of its own.
fn sent(mode: ReqIdMode, count: u32) -> Rig<V3> {
    let mut rig = Rig::up(mode);
    for turn in 1..=count {
        rig.send(&new(id(turn, 1), 1)).unwrap();
    }
    rig
}

fn order(kind: OrderEventKind, turn: u32) -> Told {
    Told::Order(kind, id(turn, 1))
}

#[test]
fn the_counter_is_asked_after_a_while_and_not_too_often() {
    let mut rig = sent(ReqIdMode::Increasing, 2);
    assert_eq!(rig.question(at(0)), None, "the watch begins");
    assert_eq!(rig.question(at(19)), None, "too early");
    let question = rig.question(at(20)).expect("is due");
    let expected = Framed::new(Kind::Question, Question::new(1));
    assert_eq!(question, bytemuck::bytes_of(&expected));
    assert_eq!(rig.question(at(119)), None, "the counter limits questions");
    assert!(rig.question(at(120)).is_some(), "no answer came");
    assert_eq!(rig.counters.questions.get(), 3, "the first was the session's own");
    assert_eq!(PACE.ask_after.0, 20 * MS);
}

#[test]
fn nothing_is_asked_when_everything_is_answered() {
    let mut rig = sent(ReqIdMode::Increasing, 2);
    rig.question(at(0));
    rig.events(&taken(1, 1));
    rig.events(&taken(2, 2));
    assert_eq!(rig.question(at(500)), None);
    // A third order has its own time.
    rig.send(&new(id(3, 1), 1)).unwrap();
    assert_eq!(rig.question(at(501)), None);
    assert_eq!(rig.question(at(520)), None);
    assert!(rig.question(at(521)).is_some());
}

/// Increasing numbers: one that was passed by can never be taken, one above the last still may.
#[test]
fn a_number_that_was_passed_by_is_lost_for_certain() {
    let mut rig = sent(ReqIdMode::Increasing, 4);
    rig.question(at(0));
    rig.events(&taken(1, 1));
    rig.events(&taken(3, 3));
    assert!(rig.question(at(20)).is_some());
    let news = rig.read(&answer(3)).unwrap();
    let expected = [order(OrderEventKind::NotSent, 2), order(OrderEventKind::Unknown, 4)];
    assert_eq!(told(&news), expected);
    assert_eq!(rig.counters.lost.get(), 2);
    // Each is told once, and nothing is sent again: the next order has the next number.
    assert_eq!(rig.read(&answer(3)), Ok(vec![]));
    let datagram = rig.send(&new(id(5, 1), 1)).unwrap();
    assert_eq!(datagram[4 + 44..4 + 48], [5, 0, 0, 0]);
}

#[test]
fn an_answer_judges_what_was_sent_before_the_question_only() {
    let mut rig = sent(ReqIdMode::Increasing, 1);
    rig.question(at(0));
    rig.send(&new(id(2, 1), 1)).unwrap();
    assert!(rig.question(at(20)).is_some());
    assert_eq!(told(&rig.read(&answer(0)).unwrap()), [order(OrderEventKind::Unknown, 1)]);
    assert_eq!(rig.read(&answer(0)), Ok(vec![]), "nobody asked for this one");
}

/// The counter says that it has taken the number, and has not said what it took: nobody can tell.
#[test]
fn a_number_that_was_taken_without_a_reply_is_unknown() {
    for mode in [ReqIdMode::Increasing, ReqIdMode::Consecutive] {
        let mut rig = sent(mode, 1);
        rig.question(at(0));
        assert!(rig.question(at(20)).is_some());
        assert_eq!(told(&rig.read(&answer(1)).unwrap()), [order(OrderEventKind::Unknown, 1)]);
        let datagram = rig.send(&new(id(2, 1), 1)).unwrap();
        assert_eq!(datagram[4 + 44..4 + 48], [2, 0, 0, 0]);
    }
}

#[test]
fn unchecked_numbers_prove_nothing() {
    let mut rig = sent(ReqIdMode::Unchecked, 2);
    rig.question(at(0));
    rig.events(&taken(2, 2));
    assert!(rig.question(at(20)).is_some());
    assert_eq!(told(&rig.read(&answer(2)).unwrap()), [order(OrderEventKind::Unknown, 1)]);
}

#[test]
fn a_lost_cancellation_comes_back_and_one_that_was_taken_does_not() {
    let mut rig = Rig::<V3>::up(ReqIdMode::Increasing);
    rig.send(&new(id(1, 1), 1)).unwrap();
    rig.send(&cancel(id(1, 1))).unwrap();
    rig.question(at(0));
    rig.events(&taken(1, 1));
    assert!(rig.question(at(20)).is_some());
    assert_eq!(told(&rig.read(&answer(1)).unwrap()), [order(OrderEventKind::CancelNotSent, 1)]);

    rig.send(&cancel(id(1, 1))).unwrap();
    rig.question(at(200));
    assert!(rig.question(at(220)).is_some());
    assert_eq!(rig.read(&answer(3)), Ok(vec![]), "its notice is to come");
}

/// Consecutive numbers: after a loss the counter refuses everything, so nothing new is sent until
/// the session has found the number that it waits for.
#[test]
fn a_counter_that_waits_for_a_lost_number_gets_it_with_the_next_order() {
    let mut rig = sent(ReqIdMode::Consecutive, 4);
    rig.question(at(0));
    rig.events(&taken(1, 1));
    let refused = rig.read(&reply(3, id(3, 1).0, 1, 6)).unwrap();
    let gapped = Told::Session(SessionState::Gapped);
    assert_eq!(told(&refused), [gapped, order(OrderEventKind::Rejected, 3)]);
    let refused = rig.read(&reply(4, id(4, 1).0, 1, 6)).unwrap();
    assert_eq!(told(&refused), [order(OrderEventKind::Rejected, 4)], "said once");
    assert!(rig.question(at(20)).is_some());
    let news = rig.read(&answer(1)).unwrap();
    let up = Told::Session(SessionState::Up);
    assert_eq!(told(&news), [order(OrderEventKind::Unknown, 2), up]);
    let datagram = rig.send(&new(id(5, 1), 1)).unwrap();
    assert_eq!(datagram[4 + 44..4 + 48], [2, 0, 0, 0], "the number that was lost");
    // A late reply about the lost order is news, and no answer to the new one.
    let late = rig.read(&reply(2, id(2, 1).0, 2, 0)).unwrap();
    assert_eq!(told(&late), [order(OrderEventKind::Accepted, 2)]);
    assert_eq!(rig.question(at(200)), None);
    assert!(rig.question(at(220)).is_some(), "the new one still waits");
}

/// What was sent while the question was under way keeps the session waiting for the next answer.
#[test]
fn numbers_go_back_only_when_nothing_is_on_the_way() {
    let mut rig = sent(ReqIdMode::Consecutive, 2);
    rig.question(at(0));
    assert!(rig.question(at(20)).is_some());
    rig.read(&reply(2, id(2, 1).0, 0, 6)).unwrap();
    rig.send(&cancel(id(1, 1))).unwrap();
    let news = rig.read(&answer(0)).unwrap();
    assert_eq!(told(&news), [order(OrderEventKind::Unknown, 1)], "still gapped");
    rig.question(at(30));
    assert!(rig.question(at(120)).is_some());
    let news = rig.read(&answer(0)).unwrap();
    let up = Told::Session(SessionState::Up);
    assert_eq!(told(&news), [order(OrderEventKind::CancelNotSent, 1), up]);
    let datagram = rig.send(&new(id(3, 1), 1)).unwrap();
    assert_eq!(datagram[4 + 44..4 + 48], [1, 0, 0, 0]);
}

/// More requests than are remembered: nothing is asked of the old ones for ever.
#[test]
fn requests_beyond_what_is_kept_are_left_to_their_deadlines() {
    let mut rig = sent(ReqIdMode::Increasing, 3_000);
    rig.question(at(0));
    assert!(rig.question(at(20)).is_some());
    let news = rig.read(&answer(2_999)).unwrap();
    assert_eq!(news.len(), 1_024);
    assert_eq!(told(&news).last(), Some(&order(OrderEventKind::Unknown, 3_000)));
    assert_eq!(rig.question(at(500)), None);
    assert_eq!(size_of::<UdpAuthReply>(), 11);
}

/// Another logon of the rig's session, when the counter had taken all below `next`.
fn resumed(rig: &mut Rig<V3>, next: u32) {
    let replies_seen = rig.session.left(SessionLost::Closed).replies_seen;
    rig.session.resume(&Handover {
        account_index: 7,
        udp_auth_code: 0xABCD,
        next_client_req_id: next,
        replies_seen,
    });
    let gapped = rig.state_news().expect("it is another session");
    assert_eq!(told(&[gapped]), [Told::Session(SessionState::Gapped)]);
}

const UP: Told = Told::Session(SessionState::Up);

/// What was sent before is asked for at once, whatever the counter repeats comes first, and what it
/// leaves out is told as unknown and not sent again.
#[test]
fn a_session_that_goes_on_finds_out_what_became_of_every_request() {
    let mut rig = sent(ReqIdMode::Increasing, 4);
    rig.send(&cancel(id(1, 1))).unwrap();
    assert_eq!(told(&rig.read(&taken(1, 1)).unwrap()), [order(OrderEventKind::Accepted, 1)]);
    resumed(&mut rig, 5);
    assert_eq!(rig.session.left(SessionLost::Closed).replies_seen, 1);
    let question = rig.question(at(0)).expect("at once");
    assert_eq!(question, bytemuck::bytes_of(&Framed::new(Kind::Question, Question::new(7))));
    let told_again = [taken(2, 2), taken(4, 4), auth_for(0xABCD, 0), answer(4)].concat();
    let expected = [
        order(OrderEventKind::Accepted, 2),
        order(OrderEventKind::Accepted, 4),
        // The counter has taken a later one: it was passed by, if nothing was forgotten.
        order(OrderEventKind::Unknown, 3),
        order(OrderEventKind::CancelNotSent, 1),
        UP,
    ];
    let news = rig.read(&told_again).unwrap();
    assert_eq!(told(&news), expected);
    assert_eq!(rig.read(&answer(4)), Ok(vec![]), "each is told once");
    // The next request goes on above all numbers, for the account as it is called now.
    let datagram = rig.send(&new(id(6, 1), 1)).unwrap();
    assert_eq!(datagram[4 + 44..4 + 48], [6, 0, 0, 0]);
    assert_eq!(datagram[4 + 6..4 + 8], [7, 0]);
    assert_eq!(datagram[4 + 56..4 + 60], 0xABCD_u32.to_le_bytes());
    let datagram = rig.send(&cancel(id(6, 1))).unwrap();
    assert_eq!(datagram[4..4 + 10], [7, 0, 7, 0, 0, 0, 0xCD, 0xAB, 0, 0]);
}

/// Somebody else has traded for the account meanwhile.
#[test]
fn numbers_go_on_above_those_that_others_have_used() {
    let mut rig = sent(ReqIdMode::Increasing, 1);
    resumed(&mut rig, 5_000);
    assert!(rig.question(at(0)).is_some());
    let news = rig.read(&[auth_for(0xABCD, 0), answer(4_999)].concat()).unwrap();
    assert_eq!(told(&news), [order(OrderEventKind::Unknown, 1), UP]);
    let datagram = rig.send(&new(id(2, 1), 1)).unwrap();
    assert_eq!(datagram[4 + 44..4 + 48], 5_000_u32.to_le_bytes());
}

/// Consecutive numbers: which one the counter wants is known when it has answered.
#[test]
fn nothing_is_sent_with_a_number_that_may_be_the_wrong_one() {
    let mut rig = sent(ReqIdMode::Consecutive, 3);
    rig.events(&taken(1, 1));
    resumed(&mut rig, 2);
    assert_eq!(rig.send(&cancel(id(1, 1))), Err(CannotEncode::Unfilled));
    assert_eq!(rig.send(&new(id(4, 1), 1)), Err(CannotEncode::Unfilled));
    assert!(rig.question(at(0)).is_some());
    let news = rig.read(&[auth_for(0xABCD, 0), answer(1)].concat()).unwrap();
    let unknown = |turn| order(OrderEventKind::Unknown, turn);
    assert_eq!(told(&news), [unknown(2), unknown(3), UP]);
    let datagram = rig.send(&new(id(4, 1), 1)).unwrap();
    assert_eq!(datagram[4 + 44..4 + 48], [2, 0, 0, 0]);
    // A counter that has been used by others, or has forgotten.
    resumed(&mut rig, 90);
    rig.question(at(1_000)).expect("is due");
    rig.read(&[auth_for(0xABCD, 0), answer(89)].concat()).unwrap();
    let datagram = rig.send(&new(id(5, 1), 1)).unwrap();
    assert_eq!(datagram[4 + 44..4 + 48], [90, 0, 0, 0]);
}

/// The datagram that makes the socket known is lost like any other.
#[test]
fn a_session_whose_socket_is_not_known_is_over() {
    let mut rig = sent(ReqIdMode::Increasing, 1);
    resumed(&mut rig, 1);
    assert!(rig.question(at(0)).is_some());
    assert_eq!(rig.session.state(), SessionState::Gapped);
    // Other news come all the same, and what was said of the socket before.
    rig.read(&auth(0)).unwrap();
    rig.read(&taken(1, 1)).unwrap();
    assert_eq!(rig.read(&answer(1)), Err(SessionLost::Silent));
}

#[test]
fn a_counter_that_does_not_answer_is_given_up_on() {
    let mut rig = sent(ReqIdMode::Increasing, 1);
    rig.question(at(0));
    assert!(rig.question(at(20)).is_some());
    let ask = |rig: &mut Rig<V3>, ms| rig.session.own_message(at(ms), UnixNs(0)).map(drop);
    assert_eq!(ask(&mut rig, 20), Ok(()));
    assert_eq!(ask(&mut rig, 5_019), Ok(()));
    // Whatever it says, it is there.
    rig.read(&auth(0)).unwrap();
    assert_eq!(ask(&mut rig, 5_020), Ok(()));
    assert_eq!(ask(&mut rig, 10_019), Ok(()));
    assert_eq!(ask(&mut rig, 10_020), Err(SessionLost::Silent));
}

/// The network has doubled a datagram: the counter refuses the second for its number, and the order
/// lives.
#[test]
fn the_refusal_of_a_copy_says_nothing_of_the_order() {
    for mode in [ReqIdMode::Increasing, ReqIdMode::Consecutive] {
        let mut rig = sent(mode, 1);
        let both = [taken(1, 1), reply(1, id(1, 1).0, 1, 6)].concat();
        assert_eq!(told(&rig.read(&both).unwrap()), [order(OrderEventKind::Accepted, 1)]);
        assert_eq!(rig.counters.copies.get(), 1);
        // One that was never taken is refused.
        rig.send(&new(id(2, 1), 1)).unwrap();
        let refused = rig.read(&reply(2, id(2, 1).0, 1, 8)).unwrap();
        assert_eq!(told(&refused), [order(OrderEventKind::Rejected, 2)]);
    }
}
