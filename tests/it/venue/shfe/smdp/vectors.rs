//! The byte vectors of the specification's appendix: decoded, encoded again to the same bytes, and
//! what they say compared with each other.

use super::plain;
use crate::shared;
use cross_market_connect::venue::shfe::smdp::decimal::e9_from_f64;
use cross_market_connect::venue::shfe::smdp::message::{Frame, Message, SnapshotField, first_len};
use cross_market_connect::venue::shfe::smdp::mirp::{LevelChange, MirpBuilder, PacketMark};
use std::collections::BTreeMap;
use xmc_hotpath::time::UnixNs;
use xmc_hotpath::venue::shfe::smdp::decode::{self, Field, Packet};
use xmc_hotpath::venue::shfe::smdp::layout::{MirpHeader, PriceKind};
use xmc_hotpath::wire::text;

/// All vectors by name, or `None` (said loudly) when the shared data is not there.
pub fn all() -> Option<BTreeMap<String, Vec<u8>>> {
    let file = shared::text("vectors/smdp_v2.txt")?;
    let lines = file.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let vectors: BTreeMap<_, _> = lines.map(vector).collect();
    assert_eq!(vectors.len(), 9, "one vector was lost on the way");
    Some(vectors)
}

fn vector(line: &str) -> (String, Vec<u8>) {
    let mut words = line.split_whitespace();
    let mut word = || words.next().expect("a line is a name, a length and hex digits");
    let (name, len, hex) = (word(), word(), word());
    let digits: Vec<_> = hex.chars().map(|c| c.to_digit(16).expect("a hex digit")).collect();
    let bytes: Vec<_> = digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect();
    assert_eq!(bytes.len().to_string(), len, "{name}");
    (name.to_owned(), bytes)
}

/// One vector.
pub fn one(name: &str) -> Option<Vec<u8>> {
    all().map(|mut vectors| vectors.remove(name).expect("a vector of that name"))
}

pub const MIRP: &str = "MirpRefreshInsideIncrResponse";

/// Builds a packet from what was decoded of it.
pub fn rebuild(packet: &Packet<'_>) -> Vec<u8> {
    let mark = mark(packet.header());
    let mut builder = MirpBuilder::new(mark);
    for framed in packet.fields() {
        builder = match framed.decode().expect("a sound field") {
            Field::CenterChange(change) => builder.center_change(&change),
            Field::Instrument(begun) => builder.instrument(begun.instrument_no, begun.change_no),
            Field::Level(level) => builder.level(&LevelChange {
                event: level.event.expect("a known event"),
                side: level.side.expect("a known side"),
                level: level.level,
                offset_ticks: level.offset_ticks,
                volume_lots: level.volume_lots,
            }),
            Field::Trade(trade) => builder.trade([
                trade.last_offset_ticks,
                trade.volume_change_lots,
                trade.turnover_offset,
                trade.open_interest_change_lots,
            ]),
            Field::Price { kind, offset_ticks } => builder.price(kind, offset_ticks),
            Field::Delta { bits } => builder.delta(f64::from_bits(bits)),
            Field::Unknown { id } => builder.field(id, framed.body),
        };
    }
    if packet.is_heartbeat() {
        mark.heartbeat()
    } else {
        builder.finish(packet.is_last_of_message())
    }
}

pub fn mark(header: &MirpHeader) -> PacketMark {
    PacketMark {
        topic: header.topic_id.get(),
        packet_no: header.packet_no.get(),
        snap_no: header.snap_no.get(),
        snap_seconds: header.snap_time.get(),
        snap_millis: header.snap_millisec.get(),
        comm_phase_no: header.comm_phase_no.get(),
        center_change_no: header.center_change_no,
    }
}

#[test]
fn every_mdqp_vector_is_encoded_again_to_the_same_bytes() {
    let Some(vectors) = all() else { return };
    let names = vectors.iter().filter(|(name, _)| *name != MIRP);
    let mut count = 0;
    for (name, bytes) in names {
        let frame = Frame::decode(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(frame.encode(), *bytes, "{name}");
        assert_eq!(frame.unknown_fields, 0, "{name}");
        assert_eq!(first_len(bytes), Ok(Some(bytes.len())), "{name}");
        count += 1;
    }
    assert_eq!(count, 8);
}

#[test]
fn the_mirp_vector_is_encoded_again_to_the_same_bytes() {
    let Some(bytes) = one(MIRP) else { return };
    let packet = decode::packet(&bytes).expect("the vector is a packet");
    assert_eq!(rebuild(&packet), bytes);
    assert_eq!(packet.snap_ns(), UnixNs(1_326_286_446_500_000_000));
    assert!(!packet.is_heartbeat() && !packet.is_last_of_message());
    let header = packet.header();
    assert_eq!((header.packet_no.get(), header.topic_id.get()), (1, 1001));
    assert_eq!((header.comm_phase_no.get(), header.center_change_no), (11_700, 0));
}

#[test]
fn the_incremental_response_holds_the_mirp_vector() {
    let Some(vectors) = all() else { return };
    let frame = Frame::decode(&vectors["IncrResponse"]).expect("the vector is a message");
    let packets = vec![vectors[MIRP].clone()];
    assert_eq!(frame.message, Message::IncrementalResponse { outcome: None, packets });
}

#[test]
fn login_and_logout_say_who() {
    let Some(vectors) = all() else { return };
    let read = |name: &str| Frame::decode(&vectors[name]).expect("the vector is a message");
    let Message::LoginRequest(login) = read("LoginRequest").message else { panic!("a login") };
    assert_eq!((text(&login.user_id), text(&login.password)), (&b"0070c2c"[..], &b"1"[..]));
    assert_eq!(text(&login.user_product), b"SHFE APITESTER");
    let Message::LoginResponse { outcome, session: Some(session) } = read("LoginResponse").message
    else {
        panic!("a granted login")
    };
    assert_eq!(outcome.error_id.get(), 0);
    // GBK for "correct".
    assert_eq!(text(&outcome.error_message), [0xD5, 0xFD, 0xC8, 0xB7]);
    assert_eq!(text(&session.trading_system), b"SHFE Market Data Platform");
    assert_eq!(
        (text(&session.trading_day), text(&session.action_day)),
        (&b"20120112"[..], &b"20120111"[..])
    );
}

/// The limits that the multicast gives as offsets are those that the snapshot gives as prices.
#[test]
fn prices_of_the_multicast_equal_those_of_the_snapshot() {
    let Some(vectors) = all() else { return };
    let frame = Frame::decode(&vectors["SnapshotResponse"]).expect("the vector is a message");
    let Message::SnapshotResponse(fields) = frame.message else { panic!("a snapshot") };
    let (mut codecs, mut limits) = (BTreeMap::new(), BTreeMap::new());
    let price = |bits: u64| e9_from_f64(f64::from_bits(bits)).expect("a price");
    for field in fields {
        match field {
            SnapshotField::Contract(contract) => {
                let codec = price(contract.codec_price.get()).expect("a codec price");
                let tick = price(contract.price_tick.get()).expect("a tick");
                codecs.insert(contract.instrument_no.get(), (codec, tick));
            }
            SnapshotField::State(state) => {
                let no = state.instrument_no.get();
                limits.insert((no, true), price(state.upper_limit.get()));
                limits.insert((no, false), price(state.lower_limit.get()));
            }
            _ => {}
        }
    }
    let packet = decode::packet(&vectors[MIRP]).expect("the vector is a packet");
    let (mut current, mut compared) = (None, 0);
    for framed in packet.fields() {
        match framed.decode().expect("a sound field") {
            Field::Instrument(begun) => {
                current =
                    codecs.get(&begun.instrument_no).map(|codec| (begun.instrument_no, *codec))
            }
            Field::Price { kind, offset_ticks } => {
                let Some((no, (codec_e9, tick_e9))) = current else { continue };
                let price_e9 = codec_e9 + offset_ticks * tick_e9;
                let expected = limits[&(no, kind == PriceKind::UpperLimit)];
                assert_eq!(Some(price_e9), expected, "instrument {no}, {kind:?}");
                compared += 1;
            }
            other => panic!("the vector holds no {other:?}"),
        }
    }
    assert_eq!(compared, 8, "four instruments with two limits each");
    assert_eq!(limits[&(0, true)], Some(18_720_000_000_000));
    assert_eq!(limits[&(3, false)], Some(16_320_000_000_000));
}

#[test]
fn the_plain_decoder_reads_the_vector_alike() {
    let Some(bytes) = one(MIRP) else { return };
    let (header, fields) = plain::decode(&bytes).expect("the vector is a packet");
    assert_eq!((header.packet_no, header.topic_id, header.snap_millisec), (1, 1001, 500));
    assert_eq!(fields.len(), 36);
    assert_eq!((fields[1].id, &fields[1].values[..]), (0x1015, &[144][..]));
    assert_eq!((fields[2].id, &fields[2].values[..]), (0x1016, &[-144][..]));
}
