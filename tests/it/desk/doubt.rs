//! What turns out to be wrong after it was used: copies that differ, and the cold side's findings.

use super::stand::{FEED, ONE_E9, Stand, book, instrument, spread};
use xmc_hotpath::message::{
    Alert, AlertKind, ChannelState, ChannelUpdate, CommandKind, Detail, Event, Finding,
    FindingKind, InstrumentIndex, OrderCommand, OrderEventKind, OrderId, Quote, SafeState,
    SpreadIndex, StateChange, StreamId,
};
use xmc_hotpath::time::MonoNs;

/// The packet in the quotes that the fire is priced off.
const PACKETS: [u32; 2] = [70, 72];

/// A fire off quotes of the two packets; the second completes the decision.
fn fire(stand: &mut Stand, [first, second]: [u32; 2]) -> Vec<OrderCommand> {
    for (row, bid, ask, packet_seq_no) in [(1, 100, 101, first), (0, 99, 100, second)] {
        let received = MonoNs(stand.now);
        let quote = Quote { received, packet_seq_no, ..book(row, bid, ask, 5) };
        stand.tell(Event::Quote { quote: &quote, more: false });
    }
    assert_eq!(stand.orders().len(), 2, "{:?}", stand.outputs);
    stand.orders()
}

fn diverged(stand: &mut Stand, stream: StreamId, packet_seq_no: u32) -> Vec<Alert> {
    let state = ChannelState::Divergent;
    let update = ChannelUpdate { stream, state, epoch: 2, packet_seq_no, missing: 0 };
    stand.tell(Event::Channel(update));
    let alerts = stand.outputs.details().filter_map(|detail| match detail {
        Detail::Alert(alert) => Some(*alert),
        _ => None,
    });
    alerts.collect()
}

fn copies_differ(packet: u32) -> Alert {
    Alert {
        kind: AlertKind::CopiesDiffer,
        spread: SpreadIndex::ALL,
        order_id: OrderId::NONE,
        stream: FEED,
        value: packet.into(),
    }
}

/// The orders of a fire that is over, and of one that is not, if a quote of theirs has the packet
/// in it or may have; each once.
#[test]
fn orders_off_a_packet_whose_copies_differ_are_named() {
    for is_over in [false, true] {
        for (packet, is_named) in [(71, true), (72, true), (70, true), (73, false)] {
            let mut stand = Stand::new();
            let orders = fire(&mut stand, PACKETS);
            if is_over {
                orders.iter().for_each(|order| stand.news(order, OrderEventKind::Cancelled));
                assert!(stand.ending().is_some());
            }
            let named = orders.iter().filter(|_| is_named).map(|order| Alert {
                kind: AlertKind::OrderDoubted,
                spread: SpreadIndex(0),
                order_id: order.order_id,
                ..copies_differ(packet)
            });
            let expected: Vec<_> = [copies_differ(packet)].into_iter().chain(named).collect();
            assert_eq!(diverged(&mut stand, FEED, packet), expected, "{packet} {is_over}");
            let again = if is_named { 60 } else { 74 };
            assert_eq!(diverged(&mut stand, FEED, again), [copies_differ(again)]);
        }
    }
}

/// Another channel's packets, and numbers of another sequence, say nothing about it.
#[test]
fn orders_off_other_packets_are_not_named() {
    for (stream, packet) in [(StreamId(99), 70), (FEED, 70_u32.wrapping_sub(1 << 17))] {
        let mut stand = Stand::new();
        fire(&mut stand, PACKETS);
        assert_eq!(diverged(&mut stand, stream, packet).len(), 1, "{stream:?} {packet}");
    }
}

/// However many fires there were: no more is told than there is room for, and the desk goes on.
#[test]
fn many_fires_are_named_as_far_as_there_is_room() {
    let mut stand = Stand::new();
    for round in 0..40 {
        for order in fire(&mut stand, [round, round]) {
            stand.news(&order, OrderEventKind::Cancelled);
        }
    }
    let alerts = diverged(&mut stand, FEED, 0);
    assert_eq!(alerts.len(), 1 + 2 * 16, "the last sixteen fires");
    assert_eq!(stand.desk().state(), SafeState::Normal);
    stand.channel(ChannelState::Live, 3);
    for (row, bid, ask) in [(1, 100, 101), (0, 99, 100)] {
        let quote = Quote { received: MonoNs(stand.now), epoch: 3, ..book(row, bid, ask, 5) };
        stand.tell(Event::Quote { quote: &quote, more: false });
    }
    assert_eq!(stand.orders().len(), 2, "new books are evidence");
}

fn finding(instrument: InstrumentIndex) -> Finding {
    Finding {
        kind: FindingKind::BookDiffers,
        instrument,
        stream: FEED,
        packet_seq_no: 7,
        value: 100,
        opens_nothing: true,
    }
}

fn states(stand: &Stand) -> Vec<StateChange> {
    let states = stand.outputs.details().filter_map(|detail| match detail {
        Detail::State(change) => Some(*change),
        _ => None,
    });
    states.collect()
}

/// Every spread of the instrument is told to open nothing, once, and only those; the command that
/// clears it says the opposite.
#[test]
fn the_spreads_of_a_differing_book_are_told() {
    let instruments = [0, 1, 2, 3].map(instrument);
    let mut other = spread();
    other.spread = SpreadIndex(1);
    other.legs[0].instrument = InstrumentIndex(2);
    other.legs[1].instrument = InstrumentIndex(3);
    let mut third = spread();
    third.spread = SpreadIndex(2);
    third.legs[0].instrument = InstrumentIndex(0);
    third.legs[1].instrument = InstrumentIndex(2);
    third.buy_open_e9 = -50 * ONE_E9;
    let mut stand = Stand::with_spreads(&instruments, &[spread(), other, third]);
    stand.tell(Event::Finding(finding(InstrumentIndex(0))));
    let change = |spread| StateChange {
        spread: SpreadIndex(spread),
        from: SafeState::Normal,
        to: SafeState::NoNew,
        by_alert: true,
        cause: AlertKind::BookDiffers.code(),
    };
    assert_eq!(states(&stand), [change(2), change(0)]);
    stand.tell(Event::Finding(finding(InstrumentIndex(0))));
    assert_eq!((states(&stand), stand.alerts()), (vec![], vec![AlertKind::BookDiffers]));
    stand.command(CommandKind::ClearDoubt);
    let cleared = |spread| StateChange {
        from: SafeState::NoNew,
        to: SafeState::Normal,
        by_alert: false,
        cause: CommandKind::ClearDoubt.code(),
        ..change(spread)
    };
    assert_eq!(states(&stand), [cleared(2), cleared(0)]);
    stand.command(CommandKind::ClearDoubt);
    assert_eq!(stand.alerts(), [AlertKind::BadInput], "nothing was in doubt");
}

/// What names no instrument is about the whole desk; an instrument that is not there is refused.
#[test]
fn a_finding_about_no_instrument_stops_the_desk_from_opening() {
    let mut stand = Stand::new();
    let clock = Finding { kind: FindingKind::ClockStep, ..finding(InstrumentIndex::NONE) };
    stand.tell(Event::Finding(Finding { opens_nothing: false, ..clock }));
    assert_eq!(stand.desk().state(), SafeState::Normal);
    stand.tell(Event::Finding(clock));
    assert_eq!((stand.desk().state(), stand.alerts()[0]), (SafeState::NoNew, AlertKind::ClockStep));
    stand.tell(Event::Finding(finding(InstrumentIndex(77))));
    assert_eq!(stand.alerts(), [AlertKind::BookDiffers, AlertKind::BadInput]);
}

/// What moves again is believed only if nothing else is said against it.
#[test]
fn movement_is_no_evidence_against_a_snapshot() {
    let mut stand = Stand::new();
    let frozen = Finding { kind: FindingKind::Frozen, ..finding(InstrumentIndex(0)) };
    stand.tell(Event::Finding(frozen));
    assert_eq!((states(&stand).len(), stand.alerts()), (1, vec![AlertKind::FeedFrozen]));
    stand.tell(Event::Finding(finding(InstrumentIndex(0))));
    let moves = Finding { kind: FindingKind::Moves, opens_nothing: false, ..frozen };
    stand.tell(Event::Finding(moves));
    assert_eq!((states(&stand), stand.desk().instruments()[0].doubts), (vec![], 1));
    stand.command(CommandKind::ClearDoubt);
    stand.tell(Event::Finding(frozen));
    stand.tell(Event::Finding(moves));
    let [state] = states(&stand)[..] else { panic!("it may open again: {:?}", stand.outputs) };
    let expected = (SafeState::Normal, true, AlertKind::FeedFrozen.code());
    assert_eq!((state.to, state.by_alert, state.cause), expected);
}

/// A channel that was usable and is frozen is an alert.
#[test]
fn a_frozen_channel_is_told() {
    let mut stand = Stand::new();
    stand.channel(ChannelState::Frozen, 1);
    assert_eq!(stand.alerts(), [AlertKind::FeedFrozen]);
    stand.channel(ChannelState::Frozen, 1);
    stand.channel(ChannelState::Live, 1);
    assert_eq!(stand.alerts(), []);
}
