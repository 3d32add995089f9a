//! Messages of the exchange that do not come: asked for again, and what becomes of that.

use super::peer::{
    DOWN, EARLIER, GAPPED, MS, Peer, SECOND, Said, UP, UUID, accepted, again, granted, handover,
    live, refused, report, sequence,
};
use xmc_hotpath::gateway::SessionLost;
use xmc_hotpath::message::SessionState;
use xmc_hotpath::venue::cme::ilink3::session::{Handover, Missed};

#[test]
fn o11_a_gap_is_told_then_asked_for_then_closed() {
    let mut peer = Peer::up();
    assert_eq!(
        peer.hear(&[live(1), live(4)]),
        [accepted([1]), vec![GAPPED], accepted([4])].concat()
    );
    assert_eq!(peer.tick(), [Said::Request(None, 2, 2)], "one request, and no second");
    assert_eq!(peer.hear(&[granted(2, 2), again(2), live(5)]), accepted([2, 5]));
    assert_eq!(peer.stage.state(), SessionState::Gapped);
    let told = peer.hear(&[again(3)]);
    assert_eq!(told, [accepted([3]), vec![UP]].concat());
    assert_eq!(peer.after(100 * MS), []);
    // The next gap is another.
    assert_eq!(peer.hear(&[live(7)]), [vec![GAPPED], accepted([7])].concat());
    assert_eq!(peer.tick(), [Said::Request(None, 6, 1)]);
    assert_eq!(peer.counters.gaps.get(), 2);
}

#[test]
fn o11_a_long_gap_is_asked_for_in_batches_one_at_a_time() {
    let mut peer = Peer::up();
    peer.hear(&[live(6_002)]);
    let mut next = 1;
    for count in [2_500, 2_500, 1_001] {
        assert_eq!(peer.tick(), [Said::Request(None, next, count)]);
        let mut messages = vec![granted(next, count)];
        for number in next..next + u32::from(count) {
            messages.push(again(number));
            if number % 500 == 0 {
                assert_eq!(peer.tick(), [], "one in flight");
            }
        }
        next += u32::from(count);
        let told = peer.hear(&messages);
        assert_eq!(told.len(), usize::from(count) + usize::from(next == 6_002));
        assert_eq!(told.last() == Some(&UP), next == 6_002);
    }
    assert_eq!(peer.tick(), []);
}

#[test]
fn o12_a_gap_inside_a_retransmission_is_asked_for_again() {
    let mut peer = Peer::up();
    peer.hear(&[live(7)]);
    assert_eq!(peer.tick(), [Said::Request(None, 1, 6)]);
    let told = peer.hear(&[granted(1, 6), again(1), again(3), again(4), again(6)]);
    assert_eq!(told, accepted([1, 3, 4, 6]));
    assert_eq!(peer.after(99 * MS), [], "what was overtaken may still come");
    assert_eq!(peer.after(MS), [Said::Request(None, 2, 1)]);
    assert_eq!(peer.hear(&[granted(2, 1), again(2)]), accepted([2]));
    assert_eq!(peer.tick(), [Said::Request(None, 5, 1)]);
    assert_eq!(peer.hear(&[granted(5, 1), again(5)]), [accepted([5]), vec![UP]].concat());
}

#[test]
fn o13_live_messages_and_messages_out_of_order_are_all_news() {
    let mut peer = Peer::up();
    let told = peer.hear(&[live(5)]);
    assert_eq!(told, [vec![GAPPED], accepted([5])].concat());
    peer.tick();
    let mixed = [granted(1, 4), again(3), live(6), again(1), sequence(7, false), again(2), live(7)];
    assert_eq!(peer.hear(&mixed), accepted([3, 6, 1, 2, 7]));
    assert_eq!(peer.hear(&[again(4), live(8)]), [accepted([4]), vec![UP], accepted([8])].concat());
    // What comes once more is told once more: executions have ids.
    assert_eq!(peer.hear(&[again(4), again(2)]), accepted([4, 2]));
    assert_eq!(peer.stage.state(), SessionState::Up);
}

#[test]
fn o14_a_sequence_that_is_ahead_shows_a_gap() {
    let mut peer = Peer::up();
    assert_eq!(peer.hear(&[sequence(1, false)]), []);
    assert_eq!(peer.hear(&[sequence(4, false)]), [GAPPED]);
    assert_eq!(peer.tick(), [Said::Request(None, 1, 3)]);
    let told = peer.hear(&[again(1), again(2), again(3), live(4)]);
    assert_eq!(told, [accepted([1, 2, 3]), vec![UP], accepted([4])].concat());
}

#[test]
fn o15_a_refused_retransmission_leaves_the_session_gapped_and_going() {
    for code in [0, 1, 2, 4, 5, 6, 7, 8, 9, 77] {
        let mut peer = Peer::up();
        peer.hear(&[live(3)]);
        assert_eq!(peer.tick(), [Said::Request(None, 1, 2)]);
        assert_eq!(peer.hear(&[refused(code), live(4)]), accepted([4]), "{code}");
        assert_eq!(peer.tick(), [], "{code}");
        assert_eq!(peer.counters.last_retransmit_reject.get(), u64::from(code));
        assert_eq!((peer.counters.given_up.get(), peer.stage.state()), (1, SessionState::Gapped));
        // Another gap is still asked for.
        peer.hear(&[live(6)]);
        assert_eq!(peer.tick(), [Said::Request(None, 5, 1)], "{code}");
        assert_eq!(peer.hear(&[granted(5, 1), again(5)]), accepted([5]));
        assert_eq!(peer.stage.state(), SessionState::Gapped);
        peer.stage.log_out();
        peer.stage.port_mut().close();
        peer.settle();
        let left = peer.door.left.pop().expect("it has ended");
        let own = Missed { uuid: UUID, from: 1, count: 2 };
        assert_eq!((left.missing, left.next_report_no), ([own, Missed::NONE], 7));
        assert!(!left.is_more_missing);
    }
}

#[test]
fn o15_another_retransmission_in_progress_is_waited_for() {
    let mut peer = Peer::up();
    peer.hear(&[live(3)]);
    peer.tick();
    peer.hear(&[refused(3)]);
    assert_eq!(peer.after(900 * MS), []);
    assert_eq!(peer.after(100 * MS), [Said::Request(None, 1, 2)]);
    peer.hear(&[refused(3)]);
    assert_eq!(peer.after(SECOND), [Said::Request(None, 1, 2)]);
    assert_eq!(peer.hear(&[again(1), again(2)]).last(), Some(&UP));
}

#[test]
fn a_silent_retransmission_is_asked_for_again_a_bounded_number_of_times() {
    let mut peer = Peer::up();
    peer.hear(&[live(3)]);
    let mut requests = 0;
    for _ in 0..200 {
        let said = peer.after(SECOND);
        requests += said.iter().filter(|one| **one == Said::Request(None, 1, 2)).count();
        let live_sign = peer.hear(&[sequence(4, false)]);
        assert_eq!(live_sign, []);
    }
    assert_eq!((requests, peer.counters.given_up.get()), (10, 1));
    assert_eq!(peer.stage.state(), SessionState::Gapped);
}

#[test]
fn a_retransmission_that_stops_half_way_goes_on_from_there() {
    let mut peer = Peer::up();
    peer.hear(&[live(6)]);
    peer.tick();
    peer.hear(&[granted(1, 5), again(1), again(2)]);
    assert!(peer.after(2 * SECOND).iter().all(|one| matches!(one, Said::Sequence(..))));
    let said = peer.after(SECOND);
    assert!(said.contains(&Said::Request(None, 3, 3)), "{said:?}");
    assert_eq!(peer.hear(&[again(3), again(4), again(5)]).last(), Some(&UP));
}

/// Messages of an earlier session are asked for by its number, whichever number they then name.
#[test]
fn o16_what_an_earlier_session_missed_is_asked_for_first() {
    for names in [UUID, EARLIER] {
        for (named, earlier) in [(EARLIER, EARLIER), (Missed::BEFORE_ALL, 0)] {
            let missed =
                [Missed { uuid: named, from: 41, count: 2 }, Missed { uuid: 0, from: 1, count: 1 }];
            let mut peer = Peer::new(&Handover { next_report_no: 2, missed, ..handover() });
            assert_eq!(peer.settle(), [GAPPED], "before anything else");
            let said = peer.tick();
            assert!(said.contains(&Said::Request(Some(earlier), 41, 2)), "{said:?}");
            let of = if names == UUID { UUID } else { earlier };
            peer.hear(&[granted(41, 2), report(of, 42, true), live(2), report(of, 41, true)]);
            assert_eq!(peer.tick(), [Said::Request(None, 1, 1)]);
            assert_eq!(peer.hear(&[again(1)]).last(), Some(&UP));
            // Late ones of that session are no strangers.
            assert_eq!(peer.hear(&[report(of, 42, true)]), accepted([42]));
        }
    }
}

#[test]
fn many_gaps_are_merged_and_nothing_is_forgotten() {
    let mut peer = Peer::up();
    let holes: Vec<u32> = (1..100).filter(|number| number % 3 != 0).collect();
    let lives: Vec<_> = (1..100).filter(|number| number % 3 == 0).map(live).collect();
    peer.hear(&lives);
    let mut came = Vec::new();
    for _ in 0..1_000 {
        let said = peer.tick();
        let Some(Said::Request(None, from, count)) = said.first().copied() else { break };
        let numbers = from..from + u32::from(count);
        came.extend(numbers.clone());
        let mut messages = vec![granted(from, count)];
        messages.extend(numbers.map(again));
        peer.hear(&messages);
    }
    assert_eq!(peer.stage.state(), SessionState::Up);
    assert!(holes.iter().all(|number| came.contains(number)));
}

#[test]
fn what_is_missing_when_the_session_ends_is_left_for_the_next() {
    let missed = [Missed { uuid: EARLIER, from: 41, count: 2 }, Missed::NONE];
    let mut peer = Peer::new(&Handover { missed, ..handover() });
    peer.settle();
    peer.hear(&[live(1), live(4), live(5), live(9)]);
    peer.stage.port_mut().close();
    assert_eq!(peer.settle(), [DOWN]);
    let left = peer.door.left.pop().expect("it has ended");
    assert_eq!(left.why, SessionLost::Closed);
    assert_eq!((left.uuid, left.next_seq_no, left.next_report_no), (UUID, 1, 10));
    let own = Missed { uuid: UUID, from: 2, count: 7 };
    assert_eq!(left.missing, [own, Missed { uuid: EARLIER, from: 41, count: 2 }]);
    assert!(!left.is_more_missing);
    let next = Handover { next_report_no: 10, missed: left.missing, ..handover() };
    assert_eq!(peer.enter(next), [GAPPED]);
    let said = peer.tick();
    assert!(said.contains(&Said::Request(Some(EARLIER), 41, 2)), "{said:?}");
}

#[test]
fn three_sessions_that_miss_messages_are_more_than_can_be_told() {
    let missed = [
        Missed { uuid: EARLIER, from: 41, count: 2 },
        Missed { uuid: EARLIER - 1, from: 3, count: 2 },
    ];
    let mut peer = Peer::new(&Handover { missed, ..handover() });
    peer.settle();
    peer.hear(&[live(3)]);
    peer.stage.port_mut().close();
    peer.settle();
    assert!(peer.door.left.pop().expect("it has ended").is_more_missing);
}
