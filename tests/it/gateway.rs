//! The gateway stage with a session of two-byte messages: what leaves, what comes, how it ends.

use cross_market_connect::sim::clock::VirtualClock;
use cross_market_connect::sim::wire::SimStream;
use rtrb::RingBuffer;
use xmc_hotpath::counter::{Counter, NoRecorder};
use xmc_hotpath::gateway::{
    CannotEncode, Door, Entry, GatewayCounters, GatewayStage, Leave, OrderSession, Reentry,
    SessionLost, Taken,
};
use xmc_hotpath::message::{
    AccountId, GatewayIndex, GatewayNews, HedgeFlag, InstrumentIndex, OrderAction, OrderCommand,
    OrderEvent, OrderEventKind, OrderId, PositionEffect, ProjectId, SessionState, Side,
    SpreadIndex, StrategyId, StreamId, TimeInForce,
};
use xmc_hotpath::ring::{Receiver, Sender, ends};
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

/// Message `n` of the venue is the bytes 0xAA and `n`; a command leaves as its order's number.
struct Toy {
    first: u8,
    frame: [u8; 8],
    /// What it has to say itself.
    own: Option<[u8; 3]>,
}

impl OrderSession for Toy {
    /// The first byte of every message of the session.
    type Handover = u8;
    type Left = (u8, SessionLost);

    fn left(&self, why: SessionLost) -> (u8, SessionLost) {
        (self.first, why)
    }

    fn resume(&mut self, first: &u8) {
        self.first = *first;
    }

    fn encode(&mut self, command: &OrderCommand, _utc: UnixNs) -> Result<&[u8], CannotEncode> {
        if command.action == OrderAction::Replace {
            return Err(CannotEncode::Replace);
        }
        self.frame = command.order_id.0.to_le_bytes();
        Ok(&self.frame)
    }

    fn sent(&mut self, _command: &OrderCommand) {}

    fn read(&mut self, bytes: &[u8], received: MonoNs) -> Result<Option<Taken>, SessionLost> {
        match bytes {
            [first, number, ..] if *first == self.first => {
                let event = event(OrderId((*number).into()), received);
                Ok(Some(Taken { len: 2, news: Some(GatewayNews::Order(event)) }))
            }
            [] | [_] => Ok(None),
            _ => Err(SessionLost::Framing),
        }
    }

    fn own_message(&mut self, _: MonoNs, _: UnixNs) -> Result<Option<&[u8]>, SessionLost> {
        Ok(self.own.as_ref().map(<[u8; 3]>::as_slice))
    }

    fn own_message_sent(&mut self, _now: MonoNs) {
        self.own = None;
    }
}

fn event(order_id: OrderId, received: MonoNs) -> OrderEvent {
    OrderEvent {
        kind: OrderEventKind::Accepted,
        order_id,
        venue_order_id: 0,
        exec_id: 0,
        stream: StreamId(1),
        seq_no: 0,
        side: Side::Buy,
        price_e9: 0,
        qty_lots: 0,
        cum_lots: 0,
        leaves_lots: 0,
        reason: 0,
        exchange: UnixNs(0),
        received,
    }
}

fn command(number: u64, action: OrderAction) -> OrderCommand {
    OrderCommand {
        action,
        order_id: OrderId(number),
        venue_order_id: 0,
        instrument: InstrumentIndex(0),
        security_id: 0,
        gateway: GatewayIndex(0),
        side: Side::Buy,
        time_in_force: TimeInForce::Day,
        effect: PositionEffect::Net,
        hedge: HedgeFlag::Hedge,
        price_e9: 0,
        qty_lots: 1,
        spread: SpreadIndex(0),
        leg: 0,
        strategy: StrategyId(0),
        account: AccountId(0),
        project: ProjectId(0),
        orders_left: 0,
        caused: MonoNs(0),
    }
}

/// What the desk is told, in a few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Session(SessionState),
    Order(OrderEventKind, u64),
}

type Rig<'a> = GatewayStage<'a, Toy, SimStream, &'a VirtualClock, NoRecorder>;

/// A stage whose news ring holds `room` messages.
fn rig(room: usize) -> (Rig<'static>, Sender<OrderCommand>, Receiver<GatewayNews>) {
    rig_of(Toy { first: 0xAA, frame: [0; 8], own: None }, room)
}

fn rig_of(toy: Toy, room: usize) -> (Rig<'static>, Sender<OrderCommand>, Receiver<GatewayNews>) {
    rig_at(Box::leak(Box::default()), toy, room)
}

fn rig_at(
    clock: &'static VirtualClock,
    toy: Toy,
    room: usize,
) -> (Rig<'static>, Sender<OrderCommand>, Receiver<GatewayNews>) {
    let (commands, commands_out) = ends(RingBuffer::new(64));
    let (news_in, news) = ends(RingBuffer::new(room));
    let stage = GatewayStage::new(
        toy,
        SimStream::new(1_000),
        clock,
        NoRecorder,
        GatewayIndex(0),
        StreamId(1),
        commands_out,
        news_in,
        Box::leak(Box::new([0; 256])),
        Box::leak(Box::<Counter>::default()),
        Box::leak(Box::<GatewayCounters>::default()),
    );
    (stage, commands, news)
}

/// Polls until nothing happens, and says what the desk is told.
fn settle(stage: &mut Rig<'_>, news: &mut Receiver<GatewayNews>) -> Vec<Told> {
    let mut told = Vec::new();
    for _ in 0..1_000 {
        let work = stage.poll();
        while let Some(one) = news.pop() {
            told.push(match one {
                GatewayNews::Session(update) => Told::Session(update.state),
                GatewayNews::Order(event) => Told::Order(event.kind, event.order_id.0),
            });
        }
        if work == Work::Idle {
            return told;
        }
    }
    panic!("the stage never comes to rest");
}

fn messages(count: u8) -> Vec<u8> {
    (0..count).flat_map(|number| [0xAA, number]).collect()
}

fn accepted(count: u8) -> Vec<Told> {
    (0..count).map(|number| Told::Order(OrderEventKind::Accepted, number.into())).collect()
}

#[test]
fn commands_leave_in_order_and_messages_come_in_any_pieces() {
    let (mut stage, mut commands, mut news) = rig(64);
    for number in 1..=3 {
        commands.push(command(number, OrderAction::New)).expect("there is room");
    }
    stage.port_mut().piece = 3;
    stage.port_mut().arrive(&messages(40));
    let told = settle(&mut stage, &mut news);
    assert_eq!(told[0], Told::Session(SessionState::Up));
    assert_eq!(told[1..], accepted(40));
    let sent = stage.port_mut().take_sent();
    assert_eq!(sent, [1_u64, 2, 3].map(|number| number.to_le_bytes().to_vec()));
}

#[test]
fn a_busy_port_keeps_commands_in_order() {
    let (mut stage, mut commands, mut news) = rig(64);
    commands.push(command(1, OrderAction::New)).expect("there is room");
    commands.push(command(2, OrderAction::New)).expect("there is room");
    stage.port_mut().busy = 3;
    assert_eq!(stage.poll(), Work::Blocked);
    settle(&mut stage, &mut news);
    assert_eq!(stage.port_mut().take_sent().len(), 2);
}

#[test]
fn a_session_that_can_send_no_more_still_tells_what_came() {
    let (mut stage, mut commands, mut news) = rig(8);
    settle(&mut stage, &mut news);
    // The news ring is small and a poll reads sixteen: this takes many polls.
    stage.port_mut().arrive(&messages(60));
    stage.port_mut().close();
    commands.push(command(7, OrderAction::New)).expect("there is room");
    commands.push(command(8, OrderAction::Cancel)).expect("there is room");
    let told = settle(&mut stage, &mut news);
    let mut expected =
        vec![Told::Order(OrderEventKind::NotSent, 7), Told::Session(SessionState::Down)];
    expected.extend(accepted(60));
    let rest: Vec<_> = told
        .iter()
        .filter(|one| **one != Told::Order(OrderEventKind::CancelNotSent, 8))
        .copied()
        .collect();
    assert_eq!(rest, expected);
    assert_eq!(rest.len() + 1, told.len(), "the cancel comes back once");
    assert_eq!(stage.poll(), Work::Idle);
}

#[test]
fn a_torn_message_is_unknown_and_ends_the_session() {
    let (mut stage, mut commands, mut news) = rig(64);
    settle(&mut stage, &mut news);
    stage.port_mut().tears = true;
    commands.push(command(5, OrderAction::New)).expect("there is room");
    let told = settle(&mut stage, &mut news);
    let expected = [Told::Order(OrderEventKind::Unknown, 5), Told::Session(SessionState::Down)];
    assert_eq!(told, expected);
}

#[test]
fn bytes_that_are_no_messages_end_the_session_and_nothing_after_them_is_read() {
    let (mut stage, _commands, mut news) = rig(64);
    settle(&mut stage, &mut news);
    stage.port_mut().arrive(&[0xAA, 1, 0x55, 0xAA, 2]);
    let told = settle(&mut stage, &mut news);
    let expected = [Told::Order(OrderEventKind::Accepted, 1), Told::Session(SessionState::Down)];
    assert_eq!(told, expected);
    stage.port_mut().arrive(&[0xAA, 3]);
    assert_eq!(settle(&mut stage, &mut news), []);
}

#[test]
fn a_command_that_the_protocol_lacks_comes_back_and_the_next_leaves() {
    let (mut stage, mut commands, mut news) = rig(64);
    settle(&mut stage, &mut news);
    commands.push(command(1, OrderAction::Replace)).expect("there is room");
    commands.push(command(2, OrderAction::New)).expect("there is room");
    let told = settle(&mut stage, &mut news);
    assert_eq!(told, [Told::Order(OrderEventKind::ReplaceRejected, 1)]);
    assert_eq!(stage.port_mut().take_sent(), [2_u64.to_le_bytes().to_vec()]);
    assert_eq!(stage.state(), SessionState::Up);
}

#[test]
fn what_the_session_has_to_say_leaves_in_housekeeping_and_once() {
    let (mut stage, _commands, mut news) =
        rig_of(Toy { first: 0xAA, frame: [0; 8], own: Some([7, 8, 9]) }, 64);
    settle(&mut stage, &mut news);
    assert_eq!(stage.port_mut().take_sent().len(), 0, "polls say nothing of their own");
    stage.port_mut().busy = 1;
    stage.housekeeping();
    assert_eq!(stage.port_mut().take_sent().len(), 0, "there was no room");
    stage.housekeeping();
    stage.housekeeping();
    assert_eq!(stage.port_mut().take_sent(), [vec![7, 8, 9]]);
}

#[test]
fn a_stream_that_takes_nothing_more_ends_the_session() {
    let (mut stage, _commands, mut news) =
        rig_of(Toy { first: 0xAA, frame: [0; 8], own: Some([7, 8, 9]) }, 64);
    settle(&mut stage, &mut news);
    stage.port_mut().tears = true;
    stage.housekeeping();
    assert_eq!(settle(&mut stage, &mut news), [Told::Session(SessionState::Down)]);
}

type Outside = Door<SimStream, u8, (u8, SessionLost)>;

/// A stage with a door, and the cold side of it.
fn rig_with_door(
    clock: &'static VirtualClock,
    room: usize,
) -> (Rig<'static>, Sender<OrderCommand>, Receiver<GatewayNews>, Outside) {
    let toy = Toy { first: 0xAA, frame: [0; 8], own: None };
    let (stage, commands, news) = rig_at(clock, toy, room);
    let (left_in, left) = ends(RingBuffer::new(1));
    let (entries, entries_out) = ends(RingBuffer::new(1));
    let (spent_in, spent) = ends(RingBuffer::new(1));
    let (leave, leave_out) = ends(RingBuffer::new(2));
    let inside = Reentry { left: left_in, entries: entries_out, spent: spent_in, leave: leave_out };
    (stage.with_reentry(inside), commands, news, Door { left, entries, spent, leave })
}

#[test]
fn the_next_session_comes_in_where_the_last_has_ended() {
    let (mut stage, mut commands, mut news, mut door) = rig_with_door(clock(), 64);
    settle(&mut stage, &mut news);
    for turn in 1..=3_u8 {
        assert!(door.left.pop().is_none(), "nothing has ended");
        stage.port_mut().arrive(&[0xA9 + turn, 1]);
        stage.port_mut().close();
        let told = settle(&mut stage, &mut news);
        let down = Told::Session(SessionState::Down);
        assert_eq!(told, [Told::Order(OrderEventKind::Accepted, 1), down]);
        assert_eq!(door.left.pop(), Some((0xA9 + turn, SessionLost::Closed)));
        // What is asked for meanwhile comes back, and does not leave later.
        commands.push(command(9, OrderAction::New)).expect("there is room");
        let entry = Entry { port: SimStream::new(1_000), handover: 0xAA + turn };
        door.entries.push(entry).expect("there is room");
        let told = settle(&mut stage, &mut news);
        let expected = [Told::Order(OrderEventKind::NotSent, 9), Told::Session(SessionState::Up)];
        assert_eq!(told, expected);
        assert!(stage.port_mut().take_sent().is_empty());
        assert!(door.spent.pop().is_some_and(|port| port.is_closed()), "the old one comes back");
        commands.push(command(10, OrderAction::New)).expect("there is room");
        settle(&mut stage, &mut news);
        assert_eq!(stage.port_mut().take_sent().len(), 1);
    }
}

#[test]
fn the_desk_knows_that_a_session_is_down_before_the_next_comes_in() {
    let (mut stage, _commands, mut news, mut door) = rig_with_door(clock(), 1);
    assert!(stage.poll() != Work::Blocked && news.pending() == 1, "that it is up");
    stage.port_mut().close();
    let entry = Entry { port: SimStream::new(1_000), handover: 0xAB };
    door.entries.push(entry).expect("there is room");
    for _ in 0..100 {
        stage.poll();
    }
    assert!(door.left.pop().is_none() && door.entries.push(spare()).is_err(), "it waits");
    let mut told = Vec::new();
    for _ in 0..100 {
        told.extend(settle(&mut stage, &mut news));
    }
    let told_states = [SessionState::Up, SessionState::Down, SessionState::Up].map(Told::Session);
    assert_eq!(told, told_states);
    assert!(door.left.pop().is_some() && door.spent.pop().is_some());
}

fn clock() -> &'static VirtualClock {
    Box::leak(Box::default())
}

fn spare() -> Entry<SimStream, u8> {
    Entry { port: SimStream::new(1_000), handover: 0 }
}

#[test]
fn a_connection_that_nobody_ends_is_not_read_for_ever() {
    let clock = clock();
    let (mut stage, _commands, mut news, mut door) = rig_with_door(clock, 64);
    settle(&mut stage, &mut news);
    stage.log_out();
    stage.port_mut().arrive(&[0xAA, 1, 0xAA]);
    let told = settle(&mut stage, &mut news);
    let accepted = Told::Order(OrderEventKind::Accepted, 1);
    assert_eq!(told, [Told::Session(SessionState::Down), accepted]);
    assert!(!stage.is_over() && door.left.pop().is_none());
    clock.advance(Span(2_000_000_000));
    stage.housekeeping();
    assert!(stage.is_over());
    settle(&mut stage, &mut news);
    assert_eq!(door.left.pop(), Some((0xAA, SessionLost::LoggedOut)));
}

/// The planned end: nothing new first, then the goodbye.
#[test]
fn a_session_that_is_to_end_sends_nothing_new_and_still_cancels() {
    let (mut stage, mut commands, mut news, mut door) = rig_with_door(clock(), 64);
    settle(&mut stage, &mut news);
    door.leave.push(Leave::Quiesce).expect("there is room");
    stage.housekeeping();
    for (id, action) in [(7, OrderAction::New), (8, OrderAction::Cancel), (9, OrderAction::Replace)]
    {
        commands.push(command(id, action)).expect("there is room");
    }
    let told = settle(&mut stage, &mut news);
    let expected = [
        Told::Session(SessionState::Gapped),
        Told::Order(OrderEventKind::NotSent, 7),
        Told::Order(OrderEventKind::ReplaceRejected, 9),
    ];
    assert_eq!(told, expected);
    assert_eq!(stage.port_mut().take_sent().len(), 1, "the cancel");
    stage.port_mut().arrive(&[0xAA, 1]);
    assert_eq!(settle(&mut stage, &mut news), [Told::Order(OrderEventKind::Accepted, 1)]);
    door.leave.push(Leave::LogOut).expect("there is room");
    stage.housekeeping();
    stage.port_mut().close();
    assert_eq!(settle(&mut stage, &mut news), [Told::Session(SessionState::Down)]);
    assert_eq!(door.left.pop(), Some((0xAA, SessionLost::WeekOver)));

    // What was asked of that session is not asked of the next.
    door.leave.push(Leave::Quiesce).expect("there is room");
    door.entries.push(Entry { port: SimStream::new(1_000), handover: 0xAB }).expect("room");
    assert_eq!(settle(&mut stage, &mut news), [Told::Session(SessionState::Up)]);
    stage.housekeeping();
    assert_eq!(settle(&mut stage, &mut news), []);
    commands.push(command(10, OrderAction::New)).expect("there is room");
    settle(&mut stage, &mut news);
    assert_eq!(stage.port_mut().take_sent().len(), 1, "the next session takes orders");
}
