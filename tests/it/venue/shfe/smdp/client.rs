//! The MDQP client: the session of the specification's appendix byte for byte, and whatever a venue
//! may do instead.

use super::vectors::{self, MIRP};
use cross_market_connect::secret::Secret;
use cross_market_connect::venue::shfe::smdp::client::{Client, ClientError, ClientLimits, Event};
use cross_market_connect::venue::shfe::smdp::layout::{LoginField, OutcomeField};
use cross_market_connect::venue::shfe::smdp::message::{Frame, MdqpError, Message, SnapshotField};
use cross_market_connect::venue::shfe::smdp::mirp::{MirpBuilder, PacketMark};
use cross_market_connect::venue::shfe::smdp::snapshot::SnapshotError;
use std::collections::BTreeMap;
use xmc_hotpath::time::{MonoNs, Span};
use xmc_hotpath::wire;
use xmc_hotpath::wire::I32Le;

const MS: u64 = 1_000_000;

const LIMITS: ClientLimits = ClientLimits {
    reply_within: Span(2_000 * MS),
    heartbeat_every: Span(3_000 * MS),
    silent_after: Span(9_000 * MS),
    max_missing: 100,
    max_snapshot_fields: 1_000,
};

/// The vectors and the login that they show.
struct Appendix {
    vectors: BTreeMap<String, Vec<u8>>,
    login: LoginField,
}

fn appendix() -> Option<Appendix> {
    let vectors = vectors::all()?;
    let frame = Frame::decode(&vectors["LoginRequest"]).unwrap();
    let Message::LoginRequest(login) = frame.message else { panic!("a login") };
    Some(Appendix { vectors, login })
}

/// What stands for a password in a login.
fn password_of(login: &LoginField) -> Secret {
    Secret::new(std::str::from_utf8(wire::text(&login.password)).expect("it is text"))
}

impl Appendix {
    fn connected(&self) -> Client {
        let mut client = Client::connect(self.login, &password_of(&self.login), LIMITS, MonoNs(0));
        assert_eq!(sent(&mut client), self.vectors["LoginRequest"]);
        client
    }

    fn logged_in(&self) -> Client {
        let mut client = self.connected();
        client.on_bytes(&self.vectors["LoginResponse"], MonoNs(MS));
        let Some(Event::LoggedIn(_)) = client.next_event() else { panic!("logged in") };
        assert!(client.is_in() && !client.is_waiting());
        client
    }

    /// Asked for packets `from` to `to`, which is the client's second request.
    fn asked(&self, from: i32, to: i32) -> Client {
        let mut client = self.logged_in();
        client.ask_missing(1001, from, to, MonoNs(MS)).unwrap();
        sent(&mut client);
        client
    }
}

fn sent(client: &mut Client) -> Vec<u8> {
    let bytes = client.outgoing().to_vec();
    client.written(bytes.len());
    bytes
}

fn events(client: &mut Client) -> Vec<Event> {
    std::iter::from_fn(|| client.next_event()).collect()
}

fn packet(topic: i16, packet_no: i32, offset: i64) -> Vec<u8> {
    let mark = PacketMark {
        topic,
        packet_no,
        snap_no: packet_no,
        snap_seconds: 1,
        snap_millis: 0,
        comm_phase_no: 1,
        center_change_no: 0,
    };
    let kind = xmc_hotpath::venue::shfe::smdp::layout::PriceKind::High;
    MirpBuilder::new(mark).instrument(1, 1).price(kind, offset).finish(true)
}

fn missed(request_id: i32, packets: &[Vec<u8>]) -> Vec<u8> {
    let message = Message::IncrementalResponse { outcome: None, packets: packets.to_vec() };
    Frame::new(request_id, message).encode()
}

#[test]
fn the_session_of_the_appendix_byte_for_byte() {
    let Some(appendix) = appendix() else { return };
    let vectors = &appendix.vectors;
    let mut client = appendix.logged_in();
    client.ask_snapshot(1001, MonoNs(2 * MS)).unwrap();
    assert_eq!(sent(&mut client), vectors["SnapshotRequest"]);
    client.on_bytes(&vectors["SnapshotResponse"], MonoNs(3 * MS));
    let Some(Event::Snapshot(snapshot)) = client.next_event() else { panic!("a snapshot") };
    assert_eq!((snapshot.packet_no, snapshot.instruments.len()), (1, 4));

    client.ask_missing(1001, 1, 10, MonoNs(4 * MS)).unwrap();
    assert_eq!(sent(&mut client), vectors["IncrRequest"]);
    // The appendix answers with one packet of ten: the rest is waited for, not the flag.
    client.on_bytes(&vectors["IncrResponse"], MonoNs(5 * MS));
    assert!(client.is_waiting() && client.next_event().is_none());
    let rest: Vec<_> = (2..=10).rev().map(|no| packet(1001, no, 5)).collect();
    client.on_bytes(&missed(3, &rest[..4]), MonoNs(6 * MS));
    assert_eq!(client.next_event(), None);
    client.on_bytes(&missed(3, &rest[4..]), MonoNs(6 * MS));
    let Some(Event::Recovered(packets)) = client.next_event() else { panic!("recovered") };
    assert_eq!((packets.len(), &packets[0]), (10, &vectors[MIRP]));
    assert!(packets.iter().skip(1).eq(rest.iter().rev()), "in the order of their numbers");

    client.log_out(MonoNs(7 * MS)).unwrap();
    assert_eq!(sent(&mut client), vectors["LogoutRequest"]);
    client.on_bytes(&vectors["LogoutResponse"], MonoNs(8 * MS));
    assert_eq!(client.next_event(), Some(Event::LoggedOut));
    assert!(!client.is_in());
    assert_eq!(client.next_deadline(), MonoNs::NEVER);
    assert_eq!(client.counts(), Default::default());
}

#[test]
fn bytes_may_be_cut_anywhere() {
    let Some(appendix) = appendix() else { return };
    let mut random = fastrand::Rng::with_seed(5);
    for round in 0..200 {
        let mut client = appendix.connected();
        let mut pieces = |client: &mut Client, bytes: &[u8]| {
            let mut rest = bytes;
            while !rest.is_empty() {
                let len = if round == 0 { 1 } else { random.usize(1..=rest.len()) };
                client.on_bytes(&rest[..len], MonoNs(MS));
                rest = &rest[len..];
            }
        };
        pieces(&mut client, &appendix.vectors["LoginResponse"]);
        client.ask_snapshot(1001, MonoNs(MS)).unwrap();
        pieces(&mut client, &appendix.vectors["SnapshotResponse"]);
        let seen = events(&mut client);
        assert!(matches!(seen[..], [Event::LoggedIn(_), Event::Snapshot(_)]), "{seen:?}");
    }
}

/// A long snapshot comes in several messages; only the last one has the flag.
#[test]
fn a_snapshot_in_pieces_is_one_snapshot() {
    let Some(appendix) = appendix() else { return };
    let whole = Frame::decode(&appendix.vectors["SnapshotResponse"]).unwrap();
    let Message::SnapshotResponse(fields) = &whole.message else { panic!("a snapshot") };
    let mut one = appendix.logged_in();
    one.ask_snapshot(1001, MonoNs(MS)).unwrap();
    one.on_bytes(&whole.encode(), MonoNs(MS));
    let expected = events(&mut one);
    for cut in 0..=fields.len() {
        let mut client = appendix.logged_in();
        client.ask_snapshot(1001, MonoNs(MS)).unwrap();
        let (first, second) = fields.split_at(cut);
        let mut frame = Frame::new(2, Message::SnapshotResponse(first.to_vec()));
        client.on_bytes(&frame.encode(), MonoNs(MS));
        assert_eq!(client.next_event(), None);
        frame = Frame::new(2, Message::SnapshotResponse(second.to_vec()));
        frame.is_last = true;
        client.on_bytes(&frame.encode(), MonoNs(MS));
        assert_eq!(events(&mut client), expected, "cut at {cut}");
    }
}

#[test]
fn nothing_is_asked_out_of_turn() {
    let Some(appendix) = appendix() else { return };
    let not_now = |result: Result<(), ClientError>| {
        assert!(matches!(result, Err(ClientError::NotNow { .. })), "{result:?}");
    };
    let mut client = appendix.connected();
    not_now(client.ask_snapshot(1001, MonoNs(0)));
    not_now(client.log_out(MonoNs(0)));
    let mut client = appendix.logged_in();
    client.ask_snapshot(1001, MonoNs(MS)).unwrap();
    not_now(client.ask_snapshot(1001, MonoNs(MS)));
    not_now(client.ask_missing(1001, 1, 2, MonoNs(MS)));
    let mut client = appendix.logged_in();
    let range = client.ask_missing(1001, 5, 4, MonoNs(MS));
    assert_eq!(range, Err(ClientError::Range { from: 5, to: 4 }));
    let many = client.ask_missing(1001, 1, 101, MonoNs(MS));
    assert_eq!(many, Err(ClientError::TooMany { missing: 101, max: 100 }));
    let all = client.ask_missing(1001, i32::MIN, i32::MAX, MonoNs(MS));
    assert_eq!(all, Err(ClientError::TooMany { missing: u32::MAX, max: 100 }));
    assert!(client.outgoing().is_empty() && !client.is_waiting());
    client.ask_missing(1001, 1, 100, MonoNs(MS)).unwrap();
}

/// A request that is not answered fails and the session goes on; a late answer is a stray.
#[test]
fn an_answer_that_does_not_come_in_time_is_not_waited_for() {
    let Some(appendix) = appendix() else { return };
    let mut client = appendix.logged_in();
    client.ask_snapshot(1001, MonoNs(10 * MS)).unwrap();
    assert_eq!(client.next_deadline(), MonoNs(2_010 * MS));
    client.on_time(MonoNs(2_010 * MS - 1));
    assert_eq!(client.next_event(), None);
    client.on_time(MonoNs(2_010 * MS));
    let failed = ClientError::TimedOut { what: "snapshot", have: 0, of: 0 };
    assert_eq!(events(&mut client), [Event::Failed(failed)]);
    client.on_bytes(&appendix.vectors["SnapshotResponse"], MonoNs(2_011 * MS));
    assert_eq!((client.next_event(), client.counts().strays), (None, 1));

    client.ask_missing(1001, 1, 10, MonoNs(2_100 * MS)).unwrap();
    client.on_bytes(&appendix.vectors["IncrResponse"], MonoNs(2_101 * MS));
    client.on_time(MonoNs(4_100 * MS));
    let failed = ClientError::TimedOut { what: "missed packets", have: 1, of: 10 };
    assert_eq!(events(&mut client), [Event::Failed(failed)]);
    assert!(client.is_in());

    let mut client = appendix.connected();
    client.on_time(MonoNs(2_000 * MS));
    let failed = ClientError::TimedOut { what: "login", have: 0, of: 1 };
    assert_eq!(events(&mut client), [Event::Closed(failed)]);
}

#[test]
fn silence_ends_the_session_and_heartbeats_prevent_it() {
    let Some(appendix) = appendix() else { return };
    let mut client = appendix.logged_in();
    let heartbeat = Frame::new(0, Message::Heartbeat).encode();
    sent(&mut client);
    let mut beats = 0;
    for at in (0..30_000).step_by(500).map(|ms| MonoNs(ms * MS)) {
        if at.0 % (2_500 * MS) == 0 {
            client.on_bytes(&heartbeat, at);
        }
        client.on_time(at);
        let bytes = sent(&mut client);
        assert!(bytes.is_empty() || bytes == heartbeat);
        beats += bytes.len() / 8;
    }
    assert_eq!((beats, client.counts().heartbeats), (9, 12));
    assert!(client.is_in() && client.next_event().is_none());
    client.on_time(MonoNs(36_499 * MS));
    assert_eq!(client.next_event(), None);
    client.on_time(MonoNs(36_500 * MS));
    assert_eq!(events(&mut client), [Event::Closed(ClientError::Silent { ms: 9_000 })]);
    client.on_bytes(&heartbeat, MonoNs(36_501 * MS));
    client.on_time(MonoNs(50_000 * MS));
    assert_eq!(client.next_event(), None);
    assert!(matches!(client.ask_snapshot(1, MonoNs(0)), Err(ClientError::NotNow { .. })));
}

#[test]
fn refusals_are_told_with_the_venues_words() {
    let Some(appendix) = appendix() else { return };
    let mut outcome = OutcomeField { error_id: I32Le::new(7), error_message: [0; 81] };
    outcome.error_message[..6].copy_from_slice(b"no\xB4\xED 3");
    let refused = |what| {
        let text = "no\\xb4\\xed 3".to_owned();
        ClientError::Refused { what, error_id: 7, text }
    };
    let mut client = appendix.connected();
    let answer = Message::LoginResponse { outcome, session: None };
    client.on_bytes(&Frame::new(1, answer).encode(), MonoNs(MS));
    assert_eq!(events(&mut client), [Event::Closed(refused("login"))]);

    let mut client = appendix.asked(1, 2);
    let answer = Message::IncrementalResponse { outcome: Some(outcome), packets: vec![] };
    client.on_bytes(&Frame::new(2, answer).encode(), MonoNs(MS));
    assert_eq!(events(&mut client), [Event::Failed(refused("missed packets"))]);
    assert!(client.is_in());

    client.ask_snapshot(1001, MonoNs(MS)).unwrap();
    let fields = vec![SnapshotField::Outcome(outcome)];
    let mut answer = Frame::new(3, Message::SnapshotResponse(fields));
    answer.is_last = true;
    client.on_bytes(&answer.encode(), MonoNs(MS));
    let text = "no\\xb4\\xed 3".to_owned();
    let error = SnapshotError::Refused { error_id: 7, text };
    assert_eq!(events(&mut client), [Event::Failed(ClientError::Snapshot(error))]);

    let mut client = appendix.connected();
    outcome.error_id = I32Le::new(0);
    let answer = Message::LoginResponse { outcome, session: None };
    client.on_bytes(&Frame::new(1, answer).encode(), MonoNs(MS));
    assert_eq!(events(&mut client), [Event::Closed(ClientError::NoSession)]);
}

/// Copies, other topics and numbers outside the gap do not end it early; two copies that differ,
/// and what is no packet, do end it.
#[test]
fn missed_packets_are_those_that_were_asked_for() {
    let Some(appendix) = appendix() else { return };
    let mut client = appendix.asked(5, 6);
    let others = [packet(1001, 4, 0), packet(1002, 6, 0), packet(1001, 5, 0), packet(1001, 5, 0)];
    client.on_bytes(&missed(2, &others), MonoNs(MS));
    assert!(client.is_waiting() && client.next_event().is_none());
    client.on_bytes(&missed(9, &[packet(1001, 6, 0)]), MonoNs(MS));
    assert_eq!((client.is_waiting(), client.counts().strays), (true, 1));
    client.on_bytes(&missed(2, &[packet(1001, 6, 0), packet(1001, 7, 0)]), MonoNs(MS));
    let expected = vec![packet(1001, 5, 0), packet(1001, 6, 0)];
    assert_eq!(events(&mut client), [Event::Recovered(expected)]);

    let mut client = appendix.asked(5, 6);
    client.on_bytes(&missed(2, &[packet(1001, 5, 0), packet(1001, 5, 1)]), MonoNs(MS));
    let divergent = ClientError::Divergent { packet_no: 5 };
    assert_eq!(events(&mut client), [Event::Failed(divergent)]);

    let mut client = appendix.asked(5, 6);
    client.on_bytes(&missed(2, &[vec![1, 2, 3]]), MonoNs(MS));
    let seen = events(&mut client);
    assert!(matches!(seen[..], [Event::Failed(ClientError::Packet { .. })]), "{seen:?}");
    assert!(client.is_in(), "the session goes on");
}

#[test]
fn a_snapshot_without_an_end_does_not_eat_memory() {
    let Some(appendix) = appendix() else { return };
    let whole = Frame::decode(&appendix.vectors["SnapshotResponse"]).unwrap();
    let mut client = appendix.logged_in();
    client.ask_snapshot(1001, MonoNs(MS)).unwrap();
    let more = Frame::new(2, whole.message).encode();
    for _ in 0..66 {
        client.on_bytes(&more, MonoNs(MS));
        assert!(client.is_waiting());
    }
    client.on_bytes(&more, MonoNs(MS));
    let error = ClientError::TooLong { max: 1_000 };
    assert_eq!(events(&mut client), [Event::Failed(error)]);
}

/// Damage on the stream ends the session or fails the request, or it changes what is said.
#[test]
fn every_flipped_bit_of_a_snapshot_is_refused_or_changes_what_it_says() {
    let Some(appendix) = appendix() else { return };
    let good = &appendix.vectors["SnapshotResponse"];
    let mut clean = appendix.logged_in();
    clean.ask_snapshot(1001, MonoNs(MS)).unwrap();
    clean.on_bytes(good, MonoNs(MS));
    let clean = clean.next_event().expect("a snapshot");
    let (mut closed, mut failed, mut waiting) = (0, 0, 0);
    let (mut changed, mut same) = (0, 0);
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let mut client = appendix.logged_in();
        client.ask_snapshot(1001, MonoNs(MS)).unwrap();
        client.on_bytes(&bytes, MonoNs(MS));
        match client.next_event() {
            None => waiting += 1,
            Some(Event::Closed(_)) => closed += 1,
            Some(Event::Failed(_)) => failed += 1,
            Some(event) if event != clean => changed += 1,
            // Padding after a text, the cipher's key, bits of the flag that mean nothing, and
            // parts that no snapshot needs.
            Some(_) => same += 1,
        }
    }
    println!(
        "{closed} closed, {failed} failed, {waiting} waiting, {changed} changed, {same} the same"
    );
    assert!(closed > 100 && failed > 500 && waiting > 10);
    let error = ClientError::Message(MdqpError::Version { version: 0 });
    let mut client = appendix.logged_in();
    client.on_bytes(&[0; 40], MonoNs(MS));
    assert_eq!(events(&mut client), [Event::Closed(error)]);
}
