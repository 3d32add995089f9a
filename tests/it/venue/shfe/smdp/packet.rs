//! MIRP packets made at random and damaged on purpose: the plain decoder says the same, and what is
//! not sound is refused with a typed error.

use super::plain;
use super::vectors::{self, MIRP, rebuild};
use cross_market_connect::venue::shfe::smdp::mirp::{LevelChange, MirpBuilder, PacketMark};
use proptest::prelude::*;
use xmc_hotpath::venue::shfe::smdp::decode::{self, DecodeError, Field};
use xmc_hotpath::venue::shfe::smdp::layout::{
    CenterChange, LevelEvent, LevelSide, MirpHeader, PriceKind,
};
use xmc_hotpath::venue::shfe::smdp::varint::{self, VarintError};
use xmc_hotpath::wire::I32Le;

/// A packet as the plain decoder gives it, read by the product.
fn read(bytes: &[u8]) -> Result<(plain::Header, Vec<plain::Field>), DecodeError> {
    let packet = decode::packet(bytes)?;
    let mut fields = Vec::new();
    for framed in packet.fields() {
        let values = values(&framed.decode()?);
        fields.push(plain::Field { id: framed.id, values });
    }
    Ok((header(packet.header()), fields))
}

fn header(header: &MirpHeader) -> plain::Header {
    plain::Header {
        flag: header.flag,
        type_id: header.type_id,
        length: header.length.get(),
        packet_no: header.packet_no.get(),
        topic_id: header.topic_id.get(),
        snap_millisec: header.snap_millisec.get(),
        snap_no: header.snap_no.get(),
        snap_time: header.snap_time.get(),
        comm_phase_no: header.comm_phase_no.get(),
        center_change_no: header.center_change_no,
        reserved: header.reserved,
    }
}

fn values(field: &Field) -> Vec<i128> {
    let letter = |letter: Option<u8>| i128::from(letter.unwrap_or(0));
    match *field {
        Field::CenterChange(change) => {
            vec![
                change.change_no.into(),
                change.snap_no.get().into(),
                change.packet_no.get().into(),
            ]
        }
        Field::Instrument(begun) => vec![begun.instrument_no.into(), begun.change_no.into()],
        Field::Level(level) => vec![
            letter(level.event.map(LevelEvent::letter)),
            letter(level.side.map(LevelSide::letter)),
            level.level.into(),
            level.offset_ticks.into(),
            level.volume_lots.into(),
        ],
        Field::Trade(trade) => vec![
            trade.last_offset_ticks.into(),
            trade.volume_change_lots.into(),
            trade.turnover_offset.into(),
            trade.open_interest_change_lots.into(),
        ],
        Field::Price { kind: _, offset_ticks } => vec![offset_ticks.into()],
        Field::Delta { bits } => vec![bits.into()],
        Field::Unknown { id: _ } => Vec::new(),
    }
}

/// Numbers of every length, the ends of the range often.
fn number() -> impl Strategy<Value = i64> {
    prop_oneof![
        -70_i64..70,
        any::<i64>(),
        prop::sample::select(vec![i64::MIN, i64::MAX, -8_192, 8_191, 8_192, 0]),
        (0_u32..64).prop_map(|shift| i64::MIN >> shift),
    ]
}

fn side() -> impl Strategy<Value = LevelSide> {
    prop::sample::select(vec![LevelSide::Bid, LevelSide::Ask])
}

fn event() -> impl Strategy<Value = LevelEvent> {
    prop::sample::select(vec![LevelEvent::Add, LevelEvent::Modify, LevelEvent::Delete])
}

fn kind() -> impl Strategy<Value = PriceKind> {
    use PriceKind::{Close, High, Low, LowerLimit, Open, Settlement, UpperLimit};
    prop::sample::select(vec![High, Low, Open, Close, UpperLimit, LowerLimit, Settlement])
}

/// A field, as what it does to a builder.
#[derive(Clone, Debug)]
enum Part {
    Instrument(i32, i64),
    Level(LevelChange),
    Trade([i64; 4]),
    Price(PriceKind, i64),
    Delta(u64),
    Center(i8, i32, i32),
    Unknown(u16, Vec<u8>),
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        (any::<i32>(), number()).prop_map(|(no, change)| Part::Instrument(no, change)),
        (event(), side(), number(), number(), number()).prop_map(
            |(event, side, level, offset_ticks, volume_lots)| {
                Part::Level(LevelChange { event, side, level, offset_ticks, volume_lots })
            }
        ),
        [number(), number(), number(), number()].prop_map(Part::Trade),
        (kind(), number()).prop_map(|(kind, offset)| Part::Price(kind, offset)),
        any::<u64>().prop_map(Part::Delta),
        any::<(i8, i32, i32)>().prop_map(|(no, snap, packet)| Part::Center(no, snap, packet)),
        (0x2000_u16..0x2010, prop::collection::vec(any::<u8>(), 0..12))
            .prop_map(|(id, body)| Part::Unknown(id, body)),
    ]
}

fn packet() -> impl Strategy<Value = Vec<u8>> {
    let header = (any::<(i16, i32, i32, u32)>(), any::<(u16, u16, i8)>());
    let mark = header.prop_map(|((topic, packet_no, snap_no, seconds), (millis, day, center))| {
        PacketMark {
            topic,
            packet_no,
            snap_no,
            snap_seconds: seconds,
            snap_millis: millis,
            comm_phase_no: day,
            center_change_no: center,
        }
    });
    let parts = prop::collection::vec(part(), 0..20);
    (mark, parts, any::<bool>()).prop_map(|(mark, parts, is_last)| {
        let add = |builder: MirpBuilder, part: &Part| match part {
            Part::Instrument(no, change) => builder.instrument(*no, *change),
            Part::Level(change) => builder.level(change),
            Part::Trade(numbers) => builder.trade(*numbers),
            Part::Price(kind, offset) => builder.price(*kind, *offset),
            Part::Delta(bits) => builder.delta(f64::from_bits(*bits)),
            Part::Center(change_no, snap, packet) => builder.center_change(&CenterChange {
                change_no: *change_no,
                snap_no: I32Le::new(*snap),
                packet_no: I32Le::new(*packet),
            }),
            Part::Unknown(id, body) => builder.field(*id, body),
        };
        parts.iter().fold(MirpBuilder::new(mark), add).finish(is_last)
    })
}

/// Both decoders say the same of `bytes`, or both refuse them.
fn compare(bytes: &[u8]) -> bool {
    let own = read(bytes);
    match plain::decode(bytes) {
        Ok((header, mut fields)) => {
            let is_number = |values: &[i128]| i32::try_from(values[0]).is_ok();
            if fields.iter().any(|field| field.id == 3 && !is_number(&field.values)) {
                assert_eq!(own, Err(DecodeError::BadNumber));
                return false;
            }
            // The product does not keep a letter that means nothing.
            for field in fields.iter_mut().filter(|field| field.id == 0x1001) {
                let is_known = [
                    b"123".contains(&(field.values[0] as u8)),
                    b"01".contains(&(field.values[1] as u8)),
                ];
                let mask = |value: i128, is_known| if is_known { value } else { 0 };
                field.values[0] = mask(field.values[0], is_known[0]);
                field.values[1] = mask(field.values[1], is_known[1]);
            }
            assert_eq!(own, Ok((header, fields)));
            true
        }
        Err(plain::Refused) => {
            assert!(own.is_err(), "the plain decoder refuses what the product reads: {own:?}");
            false
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever is built is read alike by both decoders and built again to the same bytes.
    #[test]
    fn any_packet_is_read_alike_and_built_again(bytes in packet()) {
        prop_assert!(compare(&bytes));
        prop_assert_eq!(rebuild(&decode::packet(&bytes).unwrap()), bytes);
    }

    /// One byte changed anywhere, and anything cut or added: both decoders still agree.
    #[test]
    fn any_damage_is_judged_alike(
        bytes in packet(),
        at in any::<prop::sample::Index>(),
        with in any::<u8>(),
        cut in 0_usize..3,
    ) {
        let mut changed = bytes;
        let index = at.index(changed.len());
        changed[index] ^= with;
        changed.truncate(changed.len() - cut);
        compare(&changed);
    }

    /// Every number has one shortest form, which reads as itself and leaves what follows.
    #[test]
    fn numbers_come_through(number in number(), rest in prop::collection::vec(any::<u8>(), 0..4)) {
        let mark = PacketMark {
            topic: 1, packet_no: 1, snap_no: 1, snap_seconds: 0, snap_millis: 0,
            comm_phase_no: 1, center_change_no: 0,
        };
        let built = MirpBuilder::new(mark).price(PriceKind::High, number).finish(true);
        let mut bytes = built[28..].to_vec();
        prop_assert!(bytes.len() <= 10);
        bytes.extend_from_slice(&rest);
        prop_assert_eq!(varint::take(&bytes), Ok((number, &rest[..])));
    }
}

#[test]
fn numbers_too_long_or_cut_are_refused() {
    let longest = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01];
    assert_eq!(varint::take(&longest), Ok((i64::MIN, &[][..])));
    let mut beyond = longest;
    beyond[9] = 0x02;
    assert_eq!(varint::take(&beyond), Err(VarintError::TooLong));
    assert_eq!(varint::take(&[0x80; 11]), Err(VarintError::TooLong));
    for len in 0..10 {
        assert_eq!(varint::take(&longest[..len]), Err(VarintError::Truncated), "{len}");
    }
    assert_eq!(varint::take(&[0x80, 0x00, 7]), Ok((0, &[7][..])));
}

/// A cut packet does not have the length that its header says; mended, it ends between two fields
/// or is refused.
#[test]
fn every_truncation_of_the_vector_is_refused() {
    let Some(bytes) = vectors::one(MIRP) else { return };
    let mut sound = 0;
    for cut in 0..bytes.len() {
        let expected = if cut < 24 { DecodeError::Truncated } else { DecodeError::BadLength };
        assert_eq!(decode::packet(&bytes[..cut]).map(drop), Err(expected), "cut at {cut}");
        if cut < 24 {
            continue;
        }
        let mut mended = bytes[..cut].to_vec();
        mended[2..4].copy_from_slice(&u16::try_from(cut - 24).unwrap().to_le_bytes());
        // All fields of the vector are six bytes long.
        let expected = if (cut - 24) % 6 == 0 { Ok(()) } else { Err(DecodeError::Truncated) };
        assert_eq!(decode::packet(&mended).map(drop), expected, "mended at {cut}");
        sound += usize::from(compare(&mended));
    }
    assert_eq!(sound, 36);
}

#[test]
fn every_flipped_bit_of_the_vector_is_judged_alike() {
    let Some(bytes) = vectors::one(MIRP) else { return };
    let (mut refused, mut read) = (0, 0);
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if compare(&flipped) { read += 1 } else { refused += 1 }
    }
    println!("{refused} flips refused, {read} read");
    assert!(refused > 500 && read > 500);
}

/// Each way of being unsound has its own error.
#[test]
fn errors_are_told_apart() {
    let Some(bytes) = vectors::one(MIRP) else { return };
    let with = |at: usize, value: u8| {
        let mut changed = bytes.clone();
        changed[at] = value;
        read(&changed).map(drop)
    };
    assert_eq!(with(0, 0x02), Err(DecodeError::WrongVersion));
    assert_eq!(with(0, 0x11), Ok(()));
    assert_eq!(with(1, 2), Err(DecodeError::UnknownType));
    assert_eq!(with(2, 0xD7), Err(DecodeError::BadLength));
    // The size of the last field, the first number of the first, the only one of the second.
    assert_eq!(with(236, 3), Err(DecodeError::Truncated));
    assert_eq!(with(28, 0x80), Err(DecodeError::BadFieldSize));
    assert_eq!(with(35, 0x80), Err(DecodeError::BadFieldSize));
    assert_eq!(with(34, 0x20), Err(DecodeError::BadFieldSize));
    let mark = vectors::mark(decode::packet(&bytes).unwrap().header());
    let far = MirpBuilder::new(mark).field(3, &[0x80, 0x80, 0x80, 0x80, 0x10, 2]).finish(true);
    assert_eq!(read(&far).map(drop), Err(DecodeError::BadNumber));
    let short = MirpBuilder::new(mark).field(0x0032, &[0; 8]).finish(true);
    assert_eq!(read(&short).map(drop), Err(DecodeError::BadFieldSize));
    let long = MirpBuilder::new(mark).field(0x1018, &[0; 9]).finish(true);
    assert_eq!(read(&long).map(drop), Err(DecodeError::BadFieldSize));
    let bare = MirpBuilder::new(mark).field(0x1001, b"1").finish(true);
    assert_eq!(read(&bare).map(drop), Err(DecodeError::BadFieldSize));
}

/// The counters' order is the variants' order, without a hole.
#[test]
fn every_error_has_its_counter() {
    for (place, error) in DecodeError::ALL.into_iter().enumerate() {
        assert_eq!(error.index(), place);
    }
}
