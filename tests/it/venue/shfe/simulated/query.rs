//! The query service: who is let in, what is refused, what ends a connection.

use super::{LIMITS, MS, Reader, TOPIC, login, moment, quiet, sent, settings};
use crate::garbage::Garbage;
use cross_market_connect::secret::Secret;
use cross_market_connect::venue::shfe::simulated::{
    ConnectionId, QueryCounters, Service, Settings, Venue,
};
use cross_market_connect::venue::shfe::smdp::client::{Client, ClientError, Event};
use cross_market_connect::venue::shfe::smdp::contract::padded;
use cross_market_connect::venue::shfe::smdp::layout::{
    LoginField, PacketRangeField, TopicField, UserField,
};
use cross_market_connect::venue::shfe::smdp::message::{Frame, Message, SnapshotField, first_len};
use xmc_hotpath::message::{AccountId, Side};
use xmc_hotpath::wire::{I16Le, I32Le};

/// A venue and a connection to its query service on which nothing was said yet.
fn connected(settings: Settings) -> (Venue, ConnectionId) {
    let mut venue = Venue::new(settings);
    let id = ConnectionId(1);
    venue.connect(moment(0), id, Service::Query);
    (venue, id)
}

/// Says something and gives the whole messages that come back.
fn ask(venue: &mut Venue, id: ConnectionId, at: u64, message: Message) -> Vec<Frame> {
    venue.receive(moment(at), id, &Frame::new(5, message).encode());
    frames(&venue.take_bytes(id))
}

fn frames(mut bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let Some(len) = first_len(bytes).expect("it is MDQP") {
        frames.push(Frame::decode(&bytes[..len]).expect("it is sound"));
        bytes = &bytes[len..];
    }
    assert!(bytes.is_empty(), "messages are whole");
    frames
}

/// The number of the refusal, in whatever message it is told.
fn error(frames: &[Frame]) -> i32 {
    let [frame] = frames else { panic!("one message: {frames:?}") };
    assert_eq!(frame.request_id, 5);
    match &frame.message {
        Message::LoginResponse { outcome, .. } | Message::LogoutResponse { outcome, .. } => {
            outcome.error_id.get()
        }
        Message::IncrementalResponse { outcome: Some(outcome), packets } => {
            assert!(packets.is_empty());
            outcome.error_id.get()
        }
        Message::SnapshotResponse(fields) => {
            let [SnapshotField::Outcome(outcome)] = fields[..] else { panic!("{fields:?}") };
            assert!(frame.is_last);
            outcome.error_id.get()
        }
        other => panic!("{other:?} says no refusal"),
    }
}

fn snapshot_of(topic: i16, snap_no: i32) -> Message {
    let (topic_id, snap_no) = (I16Le::new(topic), I32Le::new(snap_no));
    Message::SnapshotRequest(TopicField { topic_id, snap_no })
}

fn range(topic: i16, first: i32, last: i32) -> Message {
    Message::IncrementalRequest(PacketRangeField {
        topic_id: I16Le::new(topic),
        start_packet_no: I32Le::new(first),
        end_packet_no: I32Le::new(last),
    })
}

#[test]
fn only_who_is_known_is_let_in() {
    let (mut venue, id) = connected(quiet(1));
    for (user, participant, password) in [
        ("reader", "0001", "wrong"),
        ("nobody", "0001", "opensesame"),
        ("reader", "2", "opensesame"),
    ] {
        let login = LoginField {
            user_id: padded(user),
            participant_id: padded(participant),
            password: padded(password),
            ..login()
        };
        assert_eq!(error(&ask(&mut venue, id, 0, Message::LoginRequest(login))), 1);
    }
    // What needs a session is refused without one.
    assert_eq!(error(&ask(&mut venue, id, 0, snapshot_of(TOPIC, -1))), 2);
    assert_eq!(error(&ask(&mut venue, id, 0, range(TOPIC, 1, 1))), 2);
    assert!(!venue.is_client(id));
    assert_eq!(error(&ask(&mut venue, id, 0, Message::LoginRequest(login()))), 0);
    assert!(venue.is_client(id));
    assert_eq!(error(&ask(&mut venue, id, 0, Message::LoginRequest(login()))), 3);
    let counters = QueryCounters { logins: 1, refused: 6, ..QueryCounters::default() };
    assert_eq!(venue.query_counters(), counters);
    assert!(!venue.is_closed(id));
}

#[test]
fn the_engines_client_sees_refusals_as_such() {
    let mut venue = Venue::new(quiet(1));
    let id = ConnectionId(1);
    venue.connect(moment(0), id, Service::Query);
    let wrong = Secret::new("wrong");
    let mut reader = Reader { id, client: Client::connect(login(), &wrong, LIMITS, moment(0)) };
    let told = reader.talk(&mut venue, 0);
    let Some(Event::Closed(ClientError::Refused { error_id: 1, text, .. })) = told else {
        panic!("{told:?}")
    };
    assert_eq!(text, "no such user, or another password");
    let mut reader = Reader::log_in(&mut venue, 2, 0);
    reader.client.ask_snapshot(7, moment(0)).unwrap();
    let told = reader.talk(&mut venue, 0);
    let is_told = |event: &Option<Event>, id| {
        matches!(event, Some(Event::Failed(ClientError::Refused { error_id, .. }) | Event::Failed(
            ClientError::Snapshot(
                cross_market_connect::venue::shfe::smdp::snapshot::SnapshotError::Refused {
                    error_id, ..
                },
            ),
        )) if *error_id == id)
    };
    assert!(is_told(&told, 4), "{told:?}");
    let told = Some(reader.missed(&mut venue, (1, 2), 0));
    assert!(is_told(&told, 6), "{told:?}");
    // And the session goes on.
    assert_eq!(reader.snapshot(&mut venue, 0).packet_no, 1);
    reader.client.log_out(moment(0)).unwrap();
    assert_eq!(reader.talk(&mut venue, 0), Some(Event::LoggedOut));
    assert!(venue.is_closed(reader.id));
}

#[test]
fn what_is_not_there_is_refused_and_the_session_goes_on() {
    let (mut venue, id) = connected(settings(2));
    ask(&mut venue, id, 0, Message::LoginRequest(login()));
    let now = 3_100 * MS;
    venue.poll(moment(now));
    venue.take_bytes(id);
    let last = venue.last_packet_no(TOPIC).unwrap();
    for (message, expected) in [
        (snapshot_of(7, -1), 4),
        (range(7, 1, 1), 4),
        (snapshot_of(TOPIC, 1), 5),
        (snapshot_of(TOPIC, -2), 5),
        (range(TOPIC, 0, 1), 6),
        (range(TOPIC, 1, last + 1), 6),
        (range(TOPIC, 2, 1), 6),
        (range(TOPIC, i32::MIN, i32::MAX), 6),
        (range(TOPIC, i32::MAX, i32::MIN), 6),
    ] {
        assert_eq!(error(&ask(&mut venue, id, now, message.clone())), expected, "{message:?}");
    }
    // The newest slice may be asked for by its number.
    let told = ask(&mut venue, id, now, snapshot_of(TOPIC, 7));
    assert_eq!(told, ask(&mut venue, id, now, snapshot_of(TOPIC, -1)));
    let Message::SnapshotResponse(fields) = &told[0].message else { panic!("a snapshot") };
    assert!(fields.len() > 3 * 12 && told[0].is_last);
    // Missed packets are not marked as the last, as in the vector.
    let told = ask(&mut venue, id, now, range(TOPIC, 1, last));
    assert!(told.iter().all(|frame| !frame.is_last));
    let user = UserField { user_id: padded("reader"), participant_id: padded("0001") };
    assert_eq!(error(&ask(&mut venue, id, now, Message::LogoutRequest(user))), 0);
    assert!(venue.is_closed(id));
}

#[test]
fn more_packets_than_are_sent_at_a_time_are_refused() {
    let mut settings = settings(3);
    settings.feed.max_packet_bytes = 40;
    let (mut venue, id) = connected(settings);
    ask(&mut venue, id, 0, Message::LoginRequest(login()));
    let now = 120_000 * MS;
    venue.poll(moment(now));
    sent(&mut venue);
    venue.take_bytes(id);
    let last = venue.last_packet_no(TOPIC).unwrap();
    assert!(last > 4_200, "{last} packets");
    venue.connect(moment(now), ConnectionId(2), Service::Query);
    let id = ConnectionId(2);
    ask(&mut venue, id, now, Message::LoginRequest(login()));
    assert_eq!(error(&ask(&mut venue, id, now, range(TOPIC, 1, 4_097))), 7);
    let told = ask(&mut venue, id, now, range(TOPIC, 1, 4_096));
    assert!(told.len() > 1, "in several messages");
    let packets: Vec<_> = told
        .into_iter()
        .flat_map(|frame| match frame.message {
            Message::IncrementalResponse { outcome: None, packets } => packets,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(packets.len(), 4_096);
}

/// A venue that sends few packets again, keeps few, or none at all: a fault like any other.
#[test]
fn limits_of_what_is_sent_again_can_be_set() {
    let mut settings = settings(3);
    settings.feed.kept_packets = 20;
    let (mut venue, id) = connected(settings);
    ask(&mut venue, id, 0, Message::LoginRequest(login()));
    let now = 20_000 * MS;
    venue.poll(moment(now));
    venue.take_bytes(id);
    let last = venue.last_packet_no(TOPIC).unwrap();
    assert!(last > 30, "{last} packets");
    let missed = |venue: &mut Venue, count: i32| {
        let told = ask(venue, id, now, range(TOPIC, last - count + 1, last));
        match &told[0].message {
            Message::IncrementalResponse { outcome: None, packets } => packets.len(),
            _ => usize::MAX - usize::try_from(error(&told)).unwrap(),
        }
    };
    assert_eq!((missed(&mut venue, 20), missed(&mut venue, 21)), (20, usize::MAX - 6));
    venue.set_most_resent(5);
    assert_eq!((missed(&mut venue, 5), missed(&mut venue, 6)), (5, usize::MAX - 7));
    venue.set_most_resent(0);
    assert_eq!(missed(&mut venue, 1), usize::MAX - 7);
}

#[test]
fn what_is_no_request_ends_the_connection() {
    let response = Frame::new(1, Message::SnapshotResponse(Vec::new())).encode();
    let mut unknown = Frame::new(1, Message::Heartbeat).encode();
    unknown[1] = 0x77;
    let mut version = unknown.clone();
    version[0] = 2;
    let mut long = Frame::new(1, Message::Heartbeat).encode();
    long[2..4].copy_from_slice(&2_000_u16.to_le_bytes());
    let mut longer = long.clone();
    longer.resize(1_100, 0);
    let mut whole = long.clone();
    whole.resize(2_008, 0);
    for (bytes, ends) in [
        (response, true),
        (unknown, true),
        (version, true),
        // Its end may still come.
        (long.clone(), false),
        (longer, true),
        (whole, true),
        (Frame::new(1, Message::Heartbeat).encode(), false),
    ] {
        let (mut venue, id) = connected(quiet(4));
        venue.receive(moment(0), id, &bytes);
        assert_eq!(venue.query_counters().broken, u64::from(ends), "{:?}", &bytes[..4]);
        // Nothing more is read.
        let login = Frame::new(9, Message::LoginRequest(login())).encode();
        if ends {
            venue.receive(moment(0), id, &login);
            assert!(venue.take_bytes(id).is_empty());
        }
        assert_eq!(venue.is_closed(id), ends);
    }
}

#[test]
fn who_is_silent_is_let_go_and_who_beats_stays() {
    let (mut venue, id) = connected(quiet(5));
    let silent = ConnectionId(2);
    venue.connect(moment(0), silent, Service::Query);
    ask(&mut venue, id, 0, Message::LoginRequest(login()));
    let (mut beats, mut at) = (0, 0);
    while at < 40_000 * MS {
        at = venue.next_at().0;
        venue.poll(moment(at));
        beats += frames(&venue.take_bytes(id)).len();
        venue.receive(moment(at), id, &Frame::new(0, Message::Heartbeat).encode());
    }
    assert_eq!(venue.query_counters().lapsed, 1);
    assert!(venue.is_closed(silent) && !venue.is_closed(id));
    assert!((12..=14).contains(&beats), "{beats} heartbeats in 40 s");
}

/// Who asks and asks and never reads is let go before it costs more than a few megabytes.
#[test]
fn who_does_not_read_is_let_go() {
    let (mut venue, id) = connected(settings(9));
    ask(&mut venue, id, 0, Message::LoginRequest(login()));
    let request = Frame::new(1, snapshot_of(TOPIC, -1)).encode();
    let mut requests = 0;
    while venue.query_counters().slow == 0 {
        venue.receive(moment(0), id, &request.repeat(10));
        requests += 10;
        assert!(requests < 100_000, "it is let go at last");
    }
    assert!(requests > 1_000, "{requests} requests");
    assert!(venue.take_bytes(id).is_empty() && venue.is_closed(id));
}

#[test]
fn garbage_moves_counters_and_nothing_else() {
    let mut venue = Venue::new(settings(6));
    let mut twin = Venue::new(settings(6));
    let samples = [
        Frame::new(1, Message::LoginRequest(login())),
        Frame::new(1, snapshot_of(TOPIC, -1)),
        Frame::new(1, range(TOPIC, 1, 3)),
    ];
    let mut garbage = Garbage::new(7).near(samples.iter().map(Frame::encode).collect());
    let (mut next, mut ends) = (100, 0);
    let mut reader = Reader::log_in(&mut venue, 1, 0);
    let mut ids: Vec<ConnectionId> = Vec::new();
    for at in (0..3_000).map(|at| at * MS) {
        while ids.len() < 8 {
            next += 1;
            ids.push(ConnectionId(next));
            venue.connect(moment(at), ConnectionId(next), Service::Query);
        }
        for id in &ids {
            venue.receive(moment(at), *id, garbage.message());
            venue.take_bytes(*id);
        }
        let before = ids.len();
        ids.retain(|id| !venue.is_closed(*id));
        ends += before - ids.len();
        twin.poll(moment(at));
        assert_eq!(sent(&mut venue), sent(&mut twin));
    }
    let counters = venue.query_counters();
    println!("{counters:?}");
    assert!(ends > 5_000 && counters.broken > 5_000);
    assert_eq!(reader.snapshot(&mut venue, 3_000 * MS).instruments.len(), 4);
}

/// Lots that were brought along are part of the open interest.
#[test]
fn a_snapshot_says_what_was_brought_along() {
    let mut settings = quiet(8);
    let listing = cross_market_connect::sim::exchange::ListingIndex(1);
    settings.carried = vec![(AccountId(10), listing, Side::Buy, 7)];
    let mut venue = Venue::new(settings);
    let snapshot = Reader::log_in(&mut venue, 1, 0).snapshot(&mut venue, 0);
    let state = snapshot.instruments[1].state.clone().unwrap();
    assert_eq!((state.open_interest, state.pre_open_interest), (7.0, 7.0));
    assert_eq!((state.volume_lots, state.turnover, state.last_e9), (0, 0.0, None));
    let engine = venue.exchange().engine(listing).unwrap();
    assert_eq!(state.upper_limit_e9, Some(engine.listing().upper_e9));
    let contract = &snapshot.instruments[1].contract;
    assert_eq!((&*contract.instrument_id, &*contract.underlying_id), ("bc2607", "bc"));
    assert_eq!(contract.tick_e9, engine.listing().tick_e9);
}
