//! TCP replay without sockets: the text as it is sent, the client against the simulated exchange,
//! and everything that may come instead of an answer.

use crate::venue::cme::simulated::{MS, moment, settings};
use cross_market_connect::secret::Secret;
use cross_market_connect::venue::cme::mdp3::replay::text::{TextError, message, take};
use cross_market_connect::venue::cme::mdp3::replay::{
    Asked, LENGTH_BYTES, Login, MOST_PACKETS, ReplayClient, ReplayError,
};
use cross_market_connect::venue::cme::mdp3::{Generation, PacketBuilder};
use cross_market_connect::venue::cme::simulated::{
    ConnectionId, Group, ReplayRules, ReplayTrouble, Venue,
};
use xmc_hotpath::feed::SeqNo;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::{MonoNs, Span};

const PATIENCE: Span = Span(1_000 * MS);

fn login() -> Login {
    Login { user: "CME".to_owned(), password: Secret::new("CME") }
}

fn client(from: u32, to: u32) -> ReplayClient {
    let asked = Asked { channel: 340, from: SeqNo(from), to: SeqNo(to) };
    ReplayClient::connect(&login(), asked, 7, PATIENCE, MonoNs(0))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\u{1}', "|")
}

/// The length counts from behind its own field to before tag 10, and the checksum is the sum of all
/// bytes before it: computed by hand.
#[test]
fn messages_have_their_length_and_checksum() {
    let logout = message(&[(35, "5")]);
    assert_eq!(text(&logout), "9=5|35=5|10=135|");
    let sum: u32 = b"9=5\x0135=5\x01".iter().map(|byte| u32::from(*byte)).sum();
    assert_eq!(sum % 256, 135);
    let mut client = client(5, 9);
    assert_eq!(text(client.outgoing()), "9=21|35=A|553=CME|554=CME|10=034|");
    client.written(client.outgoing().len());
    client.on_bytes(&framed(&logon()));
    assert_eq!(text(client.outgoing()), "9=38|35=V|1180=340|262=340-7|1182=5|1183=9|10=211|");
}

#[test]
fn text_is_taken_whole_or_refused_for_its_reason() {
    let whole = message(&[(35, "V"), (1182, "5"), (1183, "9")]);
    let two = [whole.clone(), message(&[(35, "5")])].concat();
    for len in 0..whole.len() {
        assert_eq!(take(&two[..len]), Ok(None), "{len} bytes");
    }
    let (fields, len) = take(&two).expect("sound").expect("whole");
    assert_eq!(len, whole.len());
    assert_eq!(
        (fields.number(1182), fields.number(1183), fields.get(35)),
        (Some(5), Some(9), Some("V"))
    );
    assert_eq!((fields.get(1180), fields.number(35)), (None, None));
    // Any one byte that differs is found.
    for at in 0..whole.len() {
        for flip in [1, 2, 8, 128] {
            let mut other = whole.clone();
            other[at] ^= flip;
            let read = take(&other);
            assert!(!matches!(read, Ok(Some(_))), "byte {at}: {read:?}");
        }
    }
    let broken = |text: &str| take(text.replace('|', "\u{1}").as_bytes()).expect_err("broken");
    assert_eq!(broken("8=FIX.4.2|9=5|35=5|10=000|"), TextError::Length);
    assert_eq!(broken("9=x|35=5|"), TextError::Length);
    assert_eq!(broken("9=99999|35=5|"), TextError::TooLong(99_999));
    assert_eq!(broken("9=99999999999999999999999|35=5|"), TextError::TooLong(usize::MAX));
    assert_eq!(broken("9=4|35=5|10=135|"), TextError::Trailer(8));
    assert_eq!(broken("9=5|35=5|10=999|"), TextError::Trailer(9));
    assert_eq!(broken("9=5|35=5|10=182|"), TextError::Checksum { said: 182, is: 135 });
    let odd = |body: &str| {
        let body = body.replace('|', "\u{1}");
        let head = format!("9={}\u{1}{body}", body.len());
        let sum = head.bytes().fold(0, |sum: u8, byte| sum.wrapping_add(byte));
        take(format!("{head}10={sum:03}\u{1}").as_bytes()).expect_err("odd")
    };
    assert_eq!(odd("35=5"), TextError::Field(0), "no SOH at the end");
    assert_eq!(odd("35=5|x|"), TextError::Field(1));
    assert_eq!(odd("35=5|x=1|"), TextError::Field(1));
}

fn framed(packet: &[u8]) -> Vec<u8> {
    let len = u16::try_from(packet.len()).expect("short");
    [&len.to_le_bytes(), packet].concat()
}

fn packet(seq_no: u32) -> PacketBuilder {
    PacketBuilder::new(Generation::V13, seq_no, 1)
}

fn logon() -> Vec<u8> {
    packet(1).logon(30).finish()
}

/// What a client that asked for 5 to 9 makes of answers.
fn outcome(answers: &[Vec<u8>]) -> Option<Result<Vec<Vec<u8>>, ReplayError>> {
    let mut client = client(5, 9);
    answers.iter().for_each(|answer| client.on_bytes(&framed(answer)));
    client.take_outcome()
}

fn answers(numbers: &[u32]) -> Vec<Vec<u8>> {
    let packets = numbers.iter().map(|seq_no| packet(*seq_no).heartbeat().heartbeat().finish());
    std::iter::once(logon()).chain(packets).collect()
}

#[test]
fn what_is_no_answer_has_a_reason() {
    let whole = outcome(&answers(&[5, 6, 7, 8, 9])).expect("over").expect("all are there");
    assert_eq!(whole, answers(&[5, 6, 7, 8, 9])[1..]);
    assert_eq!(outcome(&answers(&[5, 6, 7, 8])), None, "more may come");
    // A heartbeat of the connection has a number of its own.
    let mut beaten = answers(&[5, 6, 7, 8, 9]);
    beaten.insert(3, packet(2).heartbeat().finish());
    assert_eq!(outcome(&beaten).map(|outcome| outcome.is_ok()), Some(true));
    let failed = |answers: &[Vec<u8>]| outcome(answers).expect("over").expect_err("no answer");
    let status = |seq_no| packet(seq_no).logon(1).finish();
    assert_eq!(failed(&answers(&[5])[1..]), ReplayError::NoLogon(12));
    assert_eq!(failed(&[logon(), status(5)]), order(5, 5));
    let reset = packet(7).reset(crate::feed::states::END, 340).finish();
    assert_eq!(failed(&[answers(&[5]), vec![reset]].concat()), order(7, 6));
    let text = "no".to_owned();
    let refused = packet(1).logout("no").finish();
    assert_eq!(
        failed(std::slice::from_ref(&refused)),
        ReplayError::Refused { text: text.clone(), had: 0 }
    );
    let early = [answers(&[5, 6]), vec![refused]].concat();
    assert_eq!(failed(&early), ReplayError::Refused { text, had: 2 });
    for bad in [vec![0; 11], vec![0; 12], vec![0; 13]] {
        let error = failed(&[logon(), bad]);
        assert!(matches!(error, ReplayError::Damaged(_) | ReplayError::Size(12)), "{error:?}");
    }
    let mut client = client(5, 9);
    client.on_bytes(&[0xff; LENGTH_BYTES]);
    assert_eq!(client.take_outcome(), Some(Err(ReplayError::Size(65_535))));
}

fn order(got: u32, expected: u32) -> ReplayError {
    ReplayError::Order { got: SeqNo(got), expected: SeqNo(expected) }
}

#[test]
fn an_answer_that_does_not_come_ends_in_time() {
    let mut client = client(5, 9);
    answers(&[5, 6]).iter().for_each(|answer| client.on_bytes(&framed(answer)));
    client.on_time(MonoNs(PATIENCE.0 - 1));
    assert_eq!(client.take_outcome(), None);
    client.on_time(MonoNs(PATIENCE.0));
    assert_eq!(client.take_outcome(), Some(Err(ReplayError::Slow { had: 2, ms: 1_000 })));
    client.closed();
    assert_eq!(client.take_outcome(), None, "it is told once");
    let mut client = self::client(5, 9);
    answers(&[5]).iter().for_each(|answer| client.on_bytes(&framed(answer)));
    client.closed();
    assert_eq!(client.take_outcome(), Some(Err(ReplayError::Closed { had: 1 })));
}

#[test]
fn only_so_much_may_be_asked() {
    let asked = |from, to| Asked { channel: 1, from: SeqNo(from), to: SeqNo(to) };
    assert!(asked(1, MOST_PACKETS).is_askable() && asked(u32::MAX, u32::MAX).is_askable());
    assert!(!asked(1, MOST_PACKETS + 1).is_askable());
    assert!(!asked(0, 5).is_askable() && !asked(6, 5).is_askable());
}

/// A venue that has run for a second, and what it sent on line A.
fn venue() -> (Venue, Vec<Vec<u8>>) {
    let mut venue = Venue::new(settings(3));
    let mut sent = Vec::new();
    for at in 0..1_000 {
        venue.poll(moment(at * MS));
        while let Some(datagram) = venue.take_datagram() {
            if datagram.group == Group::Incremental(Line::A) {
                sent.push(datagram.bytes);
            }
        }
    }
    (venue, sent)
}

/// One request of a client, in pieces of random length.
fn request(
    venue: &mut Venue,
    (from, to): (u32, u32),
    rng: &mut fastrand::Rng,
) -> Result<Vec<Vec<u8>>, ReplayError> {
    let at = moment(1_000 * MS);
    let id = ConnectionId(rng.u64(..));
    let mut client = client(from, to);
    venue.replay_connect(id);
    for _ in 0..10 {
        let mut outgoing = client.outgoing().to_vec();
        client.written(outgoing.len());
        while !outgoing.is_empty() {
            let rest = outgoing.split_off(rng.usize(1..=outgoing.len()));
            venue.replay_receive(at, id, &outgoing);
            outgoing = rest;
        }
        let (mut bytes, is_over) = venue.replay_take_bytes(id);
        while !bytes.is_empty() {
            let rest = bytes.split_off(rng.usize(1..=bytes.len()));
            client.on_bytes(&bytes);
            bytes = rest;
        }
        if is_over {
            client.closed();
        }
        if let Some(outcome) = client.take_outcome() {
            return outcome;
        }
    }
    client.on_time(MonoNs(PATIENCE.0));
    client.take_outcome().expect("it is over in time")
}

#[test]
fn any_range_that_was_sent_is_replayed_as_it_was() {
    let (mut venue, sent) = venue();
    let last = venue.last_seq_no();
    assert_eq!(u32::try_from(sent.len()), Ok(last), "numbered from 1");
    let mut rng = fastrand::Rng::with_seed(5);
    for _ in 0..200 {
        let from = rng.u32(1..=last);
        let to = rng.u32(from..=last.min(from + MOST_PACKETS - 1));
        let replayed = request(&mut venue, (from, to), &mut rng).expect("all are there");
        let range = usize::try_from(from - 1).unwrap()..usize::try_from(to).unwrap();
        assert_eq!(replayed, sent[range]);
    }
    assert_eq!((venue.replay_counts().answered, venue.replay_counts().refused), (200, 0));
    let refused = request(&mut venue, (last, last + 1), &mut rng).expect_err("not sent yet");
    assert!(matches!(refused, ReplayError::Refused { had: 0, .. }), "{refused}");
}

#[test]
fn whatever_goes_wrong_there_ends_with_its_reason_here() {
    let (mut venue, _) = venue();
    let mut rng = fastrand::Rng::with_seed(6);
    let mut with = |rules: ReplayRules| {
        venue.set_replay_rules(rules);
        request(&mut venue, (5, 9), &mut rng).expect_err("it fails")
    };
    let trouble = |trouble| ReplayRules { trouble: Some(trouble), ..ReplayRules::default() };
    let refused = |text: &str| ReplayError::Refused { text: text.to_owned(), had: 0 };
    assert_eq!(with(trouble(ReplayTrouble::Refuses("no".to_owned()))), refused("no"));
    assert_eq!(with(trouble(ReplayTrouble::Silent)), ReplayError::Slow { had: 0, ms: 1_000 });
    assert_eq!(with(trouble(ReplayTrouble::HangsUpAfter(3))), ReplayError::Closed { had: 3 });
    assert_eq!(with(trouble(ReplayTrouble::Skips(1))), order(7, 6));
    let damaged = with(trouble(ReplayTrouble::Damages(1)));
    assert!(matches!(damaged, ReplayError::Damaged(_)), "{damaged:?}");
    let few = ReplayRules { most_packets: 4, ..ReplayRules::default() };
    assert_eq!(with(few), refused("at most 4 packets"));
    let young = ReplayRules { reach: Span(0), ..ReplayRules::default() };
    assert_eq!(with(young), refused("not all of these are there"));
    let login = ("CME".to_owned(), "other".to_owned());
    let closed = ReplayRules { login, ..ReplayRules::default() };
    assert_eq!(with(closed), refused("user or password is wrong"));
}
