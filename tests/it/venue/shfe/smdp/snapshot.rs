//! What a snapshot says: the vector's contracts and states, days, and every contradiction.

use super::{kit, vectors};
use cross_market_connect::venue::shfe::smdp::contract::{
    Contract, ContractError, ContractState, bits,
};
use cross_market_connect::venue::shfe::smdp::day::{TradingDay, moment, told};
use cross_market_connect::venue::shfe::smdp::layout::LevelField;
use cross_market_connect::venue::shfe::smdp::message::{Frame, Message, SnapshotField};
use cross_market_connect::venue::shfe::smdp::snapshot::{Snapshot, SnapshotError, SnapshotLevel};
use xmc_hotpath::time::UnixNs;
use xmc_hotpath::venue::shfe::smdp::layout::CenterChange;
use xmc_hotpath::wire::{I16Le, I32Le, U64Le};

fn fields() -> Option<Vec<SnapshotField>> {
    let frame = Frame::decode(&vectors::one("SnapshotResponse")?).unwrap();
    let Message::SnapshotResponse(fields) = frame.message else { panic!("a snapshot") };
    Some(fields)
}

fn level(instrument_no: i32, side: u8, price_e9: Option<i64>, volume: i32) -> SnapshotField {
    SnapshotField::Level(LevelField {
        instrument_no: I32Le::new(instrument_no),
        side,
        price: bits(price_e9),
        volume: I32Le::new(volume),
    })
}

#[test]
fn the_vector_says_what_the_specification_shows() {
    let Some(fields) = fields() else { return };
    let snapshot = Snapshot::gather(1001, &fields).unwrap();
    assert_eq!((snapshot.topic, snapshot.snap_no, snapshot.packet_no), (1001, 1, 1));
    assert_eq!((snapshot.depth, snapshot.settlement_id), (1, 1));
    // 2012-01-11 21:00:07.500 in China.
    assert_eq!(snapshot.taken, UnixNs(1_326_286_807_500_000_000));
    assert_eq!(snapshot.settlement_group, "00000001");
    assert_eq!(snapshot.trading_day.comm_phase_no, 11_700);
    assert_eq!(snapshot.center_changes.len(), 2);
    assert_eq!(snapshot.center_change_no(), None, "both lie beyond packet 1");
    let expected = [("al1201", 18_000), ("al1202", 18_035), ("al1203", 17_340), ("al1204", 17_000)];
    for (place, (instrument, (id, codec))) in snapshot.instruments.iter().zip(expected).enumerate()
    {
        let contract = &instrument.contract;
        assert_eq!((&contract.instrument_id[..], &contract.underlying_id[..]), (id, "al"));
        assert_eq!(contract.instrument_no, place as i32);
        assert_eq!(contract.codec_price_e9, codec * 1_000_000_000);
        assert_eq!((contract.tick_e9, contract.volume_multiple), (5_000_000_000, 5));
        assert_eq!((contract.strike_e9, &contract.currency[..]), (None, "CNY"));
        assert!(contract.is_trading && instrument.bids.is_empty() && instrument.asks.is_empty());
        let state = instrument.state.as_ref().expect("the vector has a state of each");
        assert_eq!((state.instrument_no, state.change_no), (contract.instrument_no, 1));
        assert_eq!((state.day_e9, state.volume_lots), ([None; 5], 0));
        assert_eq!(state.pre_settlement_e9, Some(contract.codec_price_e9));
    }
    let state = snapshot.instruments[0].state.as_ref().unwrap();
    assert_eq!(state.upper_limit_e9, Some(18_720_000_000_000));
    assert!((state.open_interest - 1_000.0).abs() < f64::EPSILON);
}

/// Through the house's units and back: the bytes are the same.
#[test]
fn contracts_and_states_are_written_as_they_were_read() {
    let Some(fields) = fields() else { return };
    let mut count = 0;
    for field in &fields {
        match field {
            SnapshotField::Contract(record) => {
                assert_eq!(Contract::read(record).unwrap().write(), *record);
                count += 1;
            }
            SnapshotField::State(record) => {
                assert_eq!(ContractState::read(record).unwrap().write(), *record);
                count += 1;
            }
            _ => {}
        }
    }
    assert_eq!(count, 8);
}

#[test]
fn a_snapshot_is_sent_as_it_was_read() {
    let Some(fields) = fields() else { return };
    let frames = Snapshot::gather(1001, &fields).unwrap().frames(2);
    let bytes: Vec<_> = frames.iter().map(Frame::encode).collect();
    assert_eq!(bytes, [vectors::one("SnapshotResponse").unwrap()]);
}

/// As many messages as it takes, and only the last one is marked as such.
#[test]
fn a_long_snapshot_is_sent_in_pieces() {
    for (count, pieces) in [(0, 1), (1, 1), (64, 1), (65, 2), (500, 8)] {
        let mut whole = kit::snapshot(count, 10, 7);
        for instrument in &mut whole.instruments {
            let level = |at: i64| SnapshotLevel { price_e9: kit::price(at), lots: 3 };
            instrument.bids = (1..=10).map(|at| level(-at)).collect();
            instrument.asks = (1..=10).map(level).collect();
        }
        let frames = whole.frames(9);
        assert_eq!(frames.len(), pieces);
        let last: Vec<_> = frames.iter().map(|frame| frame.is_last).collect();
        assert_eq!(last.iter().position(|is_last| *is_last), Some(pieces - 1));
        let read = frames.iter().map(|frame| Frame::decode(&frame.encode()).unwrap().message);
        let fields: Vec<_> = read
            .flat_map(|message| match message {
                Message::SnapshotResponse(fields) => fields,
                other => panic!("no snapshot: {other:?}"),
            })
            .collect();
        assert_eq!(Snapshot::gather(kit::TOPIC, &fields), Ok(whole));
    }
}

/// Chinese time and the number of milliseconds, there and back; what is no time is refused.
#[test]
fn moments_come_through() {
    for ms in (0..40).map(|step| 315_590_400_000 + step * 111_111_111_111) {
        let (date, time, millis) = told(UnixNs(ms * 1_000_000));
        assert_eq!(moment(&date, &time, millis), Ok(UnixNs(ms * 1_000_000)));
    }
    let at = |time: &str, ms| moment(b"20120111", time.as_bytes(), ms).is_ok();
    assert!(at("00:00:00", 0) && at("23:59:59", 999));
    for wrong in ["24:00:00", "1:00:00", "00:60:00", "00:00:60", "00:00", "00:00:00:00", ""] {
        assert!(!at(wrong, 0), "{wrong}");
    }
    assert!(!at("00:00:00", 1_000) && !at("00:00:00", -1));
}

#[test]
fn levels_are_sorted_best_first() {
    let Some(mut fields) = fields() else { return };
    for field in &mut fields {
        if let SnapshotField::Depth(depth) = field {
            depth.market_data_depth = I32Le::new(3);
        }
    }
    fields.extend([
        level(2, b'0', Some(-5), 1),
        level(2, b'0', Some(7), 2),
        level(2, b'1', Some(9), 3),
        level(2, b'1', Some(8), 4),
        level(2, b'0', Some(0), 5),
    ]);
    let snapshot = Snapshot::gather(1001, &fields).unwrap();
    let instrument = &snapshot.instruments[2];
    let levels = |levels: &[SnapshotLevel]| -> Vec<_> {
        levels.iter().map(|level| (level.price_e9, level.lots)).collect()
    };
    assert_eq!(levels(&instrument.bids), [(7, 2), (0, 5), (-5, 1)]);
    assert_eq!(levels(&instrument.asks), [(8, 4), (9, 3)]);
}

#[test]
fn the_centre_that_holds_is_the_newest_one_not_beyond_the_packet() {
    let Some(mut fields) = fields() else { return };
    let mut at = |packet_no: i32| {
        for field in &mut fields {
            if let SnapshotField::PacketNo(record) = field {
                record.packet_no = I32Le::new(packet_no);
            }
        }
        Snapshot::gather(1001, &fields).unwrap().center_change_no()
    };
    assert_eq!([at(5), at(6), at(7), at(1_000)], [None, Some(0), Some(1), Some(1)]);
}

#[test]
fn days_count_from_1980() {
    let day = |text: &str| TradingDay::read(text.as_bytes()).map(|day| day.comm_phase_no);
    for number in 1..=u16::MAX {
        let day = TradingDay { comm_phase_no: number };
        assert_eq!(TradingDay::read(&day.text()), Ok(day));
    }
    assert_eq!(day("19800101"), Ok(1));
    assert_eq!(day("19801231"), Ok(366));
    assert_eq!(day("20120112"), Ok(11_700));
    assert_eq!(day("20120112\0"), Ok(11_700));
    assert_eq!(day("20240229").unwrap() + 1, day("20240301").unwrap());
    assert_eq!(day("21000228").unwrap() + 1, day("21000301").unwrap());
    assert_eq!(day("20001231").unwrap() + 1, day("20010101").unwrap());
    for wrong in [
        "",
        "2012011",
        "201201121",
        "2012O112",
        "20121301",
        "20120001",
        "20120100",
        "20120132",
        "20230229",
        "21000229",
        "19791231",
        "99991231",
        " 2012011",
        "+2012011",
    ] {
        let error = day(wrong).expect_err(wrong);
        assert!(error.to_string().contains("YYYYMMDD"), "{error}");
    }
}

/// What is changed of a sound snapshot, and the error that it must give.
type Case = (fn(&mut Vec<SnapshotField>), SnapshotError);

#[test]
fn a_snapshot_that_contradicts_itself_is_refused() {
    let Some(sound) = fields() else { return };
    let rule = |rule| SnapshotError::Level { instrument_no: 1, rule };
    let missing = |part| SnapshotError::Missing { part };
    let twice = |part| SnapshotError::Twice { part };
    let cases: Vec<Case> = vec![
        (|f| f.retain(|f| !matches!(f, SnapshotField::TradingDay(_))), missing("day")),
        (|f| f.retain(|f| !matches!(f, SnapshotField::Topic(_))), missing("topic")),
        (|f| f.retain(|f| !matches!(f, SnapshotField::Depth(_))), missing("depth")),
        (|f| f.retain(|f| !matches!(f, SnapshotField::SnapTime(_))), missing("time")),
        (|f| f.retain(|f| !matches!(f, SnapshotField::PacketNo(_))), missing("packet number")),
        (
            |f| {
                let SnapshotField::Topic(mut topic) = f[3] else { panic!("the topic") };
                topic.snap_no = I32Le::new(2);
                f.push(SnapshotField::Topic(topic));
            },
            twice("topic"),
        ),
        (
            |f| {
                let SnapshotField::Topic(topic) = &mut f[3] else { panic!("the topic") };
                topic.topic_id = I16Le::new(1002);
            },
            SnapshotError::Topic { topic: 1002, asked: 1001 },
        ),
        (
            |f| {
                let SnapshotField::Depth(depth) = &mut f[4] else { panic!("the depth") };
                depth.cipher = b'1';
            },
            SnapshotError::Cipher { cipher: '1' },
        ),
        (
            |f| {
                let SnapshotField::Depth(depth) = &mut f[4] else { panic!("the depth") };
                depth.market_data_depth = I32Le::new(0);
            },
            SnapshotError::Depth { depth: 0 },
        ),
        (
            |f| {
                let SnapshotField::Depth(depth) = &mut f[4] else { panic!("the depth") };
                depth.market_data_depth = I32Le::new(11);
            },
            SnapshotError::Depth { depth: 11 },
        ),
        (|f| f.push(f[7]), SnapshotError::Instrument { instrument_no: 0 }),
        (|f| f.push(f[8]), SnapshotError::Instrument { instrument_no: 0 }),
        (|f| _ = f.remove(7), SnapshotError::Stranger { instrument_no: 0, part: "state" }),
        (
            |f| f.push(level(9, b'0', Some(1), 1)),
            SnapshotError::Stranger { instrument_no: 9, part: "level" },
        ),
        (|f| f.push(level(1, b'2', Some(1), 1)), rule("the side of a level must be 0 or 1")),
        (|f| f.push(level(1, b'0', None, 1)), rule("a level must have a price")),
        (|f| f.push(level(1, b'0', Some(1), 0)), rule("a level must have lots")),
        (|f| f.push(level(1, b'0', Some(1), -1)), rule("a level must have lots")),
        (
            |f| f.extend([level(1, b'0', Some(1), 1), level(1, b'0', Some(2), 1)]),
            rule("a side must not have more levels than the topic"),
        ),
        (
            |f| f.extend([level(1, b'0', Some(1), 1), level(1, b'0', Some(1), 1)]),
            rule("two levels of one side must not have one price"),
        ),
        (
            |f| {
                let SnapshotField::Contract(contract) = &mut f[7] else { panic!("a contract") };
                contract.price_tick = bits(Some(0));
            },
            ContractError::Codec { instrument_no: 0 }.into(),
        ),
        (
            |f| {
                let SnapshotField::Contract(contract) = &mut f[7] else { panic!("a contract") };
                contract.codec_price = bits(None);
            },
            ContractError::Codec { instrument_no: 0 }.into(),
        ),
        (
            |f| {
                let SnapshotField::Contract(contract) = &mut f[7] else { panic!("a contract") };
                contract.currency = [0xD4, 0xAA, 0, 0];
            },
            ContractError::Code { text: "\\xd4\\xaa".to_owned() }.into(),
        ),
    ];
    assert!(Snapshot::gather(1001, &sound).is_ok());
    for (place, (change, error)) in cases.into_iter().enumerate() {
        let mut fields = sound.clone();
        change(&mut fields);
        assert_eq!(Snapshot::gather(1001, &fields), Err(error), "case {place}");
    }
    let mut fields = sound;
    let SnapshotField::State(state) = &mut fields[8] else { panic!("a state") };
    state.last = U64Le::new(f64::NAN.to_bits());
    let error = Snapshot::gather(1001, &fields).expect_err("no price").to_string();
    assert!(error.starts_with("instrument 0: NaN is no price"), "{error}");
}

/// The same centre change may be told in every message of a long snapshot.
#[test]
fn what_is_told_twice_alike_is_told_once() {
    let Some(sound) = fields() else { return };
    let mut fields = sound.clone();
    fields.extend_from_slice(&sound[..7]);
    assert_eq!(Snapshot::gather(1001, &fields), Snapshot::gather(1001, &sound));
    let changes = Snapshot::gather(1001, &fields).unwrap().center_changes;
    let change = |change_no, snap_no, packet_no| CenterChange {
        change_no,
        snap_no: I32Le::new(snap_no),
        packet_no: I32Le::new(packet_no),
    };
    assert_eq!(changes, [change(0, 1, 6), change(1, 2, 7)]);
}
