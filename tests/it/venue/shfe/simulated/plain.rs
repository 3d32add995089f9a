//! The venue's packets read by the second decoder alone: its fields are the product's, and a book
//! of lists that follows them, from nothing but the snapshot's doubles, is the exchange's.

use super::{MS, Reader, TOPIC, moment, published, sent, settings};
use crate::venue::shfe::smdp::plain::{self, Field};
use cross_market_connect::sim::exchange::{Figures, ListingIndex};
use cross_market_connect::venue::shfe::simulated::Venue;
use std::collections::BTreeMap;
use xmc_hotpath::port::Line;
use xmc_hotpath::venue::shfe::smdp::decode::{self, Field as Product};

/// What the product says of a field, as the second decoder says it.
fn values(field: &Product) -> Vec<i128> {
    let numbers = |numbers: &[i64]| numbers.iter().map(|number| i128::from(*number)).collect();
    match field {
        Product::Instrument(one) => numbers(&[one.instrument_no.into(), one.change_no]),
        Product::Level(one) => {
            let letters = [one.event.unwrap().letter(), one.side.unwrap().letter()];
            let mut values = letters.map(i128::from).to_vec();
            let rest: Vec<_> = numbers(&[one.level, one.offset_ticks, one.volume_lots]);
            values.extend(rest);
            values
        }
        Product::Trade(one) => numbers(&[
            one.last_offset_ticks,
            one.volume_change_lots,
            one.turnover_offset,
            one.open_interest_change_lots,
        ]),
        Product::Price { offset_ticks, .. } => numbers(&[*offset_ticks]),
        Product::CenterChange(one) => {
            numbers(&[one.change_no.into(), one.snap_no.get().into(), one.packet_no.get().into()])
        }
        Product::Delta { .. } | Product::Unknown { .. } => panic!("it is not sent"),
    }
}

/// One instrument as the second decoder follows it; numbers as they are on the wire.
#[derive(Default)]
struct Followed {
    /// Offset and lots, best first; bids, asks.
    sides: [Vec<(i128, i128)>; 2],
    volume: i128,
    turnover_ticks: i128,
    interest: i128,
    last: Option<i128>,
    /// By the id of the field.
    prices: BTreeMap<u16, i128>,
}

impl Followed {
    fn apply(&mut self, field: &Field) {
        match (field.id, &field.values[..]) {
            (0x1001, &[event, side, level, offset, lots]) => {
                let side = &mut self.sides[usize::from(side == i128::from(b'1'))];
                let at = usize::try_from(level - 1).unwrap();
                match u8::try_from(event).unwrap() {
                    b'1' => side.insert(at, (offset, lots)),
                    b'2' => side[at] = (offset, lots),
                    b'3' => drop(side.remove(at)),
                    other => panic!("event {other}"),
                }
                side.truncate(5);
            }
            (0x1002, &[last, volume, turnover, interest]) => {
                self.last = Some(last);
                self.volume += volume;
                // The product of what is traded at the codec price is not part of it.
                self.turnover_ticks += turnover;
                self.interest += interest;
            }
            (0x1011..=0x1017, &[offset]) => drop(self.prices.insert(field.id, offset)),
            (id, values) => panic!("field {id:#06x} with {values:?}"),
        }
    }
}

#[test]
fn a_second_decoder_follows_the_venue_from_its_first_packet() {
    let mut settings = settings(31);
    settings.feed.max_packet_bytes = 150;
    let mut venue = Venue::new(settings);
    let snapshot = Reader::log_in(&mut venue, 1, 0).snapshot(&mut venue, 0);
    assert_eq!(snapshot.packet_no, 1);
    // Codec price and tick as doubles: what the wire has.
    let codecs: BTreeMap<i128, (f64, f64)> = snapshot
        .instruments
        .iter()
        .map(|one| {
            let written = one.contract.write();
            let double = |bits: xmc_hotpath::wire::U64Le| f64::from_bits(bits.get());
            let codec = (double(written.codec_price), double(written.price_tick));
            (one.contract.instrument_no.into(), codec)
        })
        .collect();
    let mut followed: BTreeMap<i128, Followed> = BTreeMap::new();
    let (mut packets, mut fields, mut slices) = (0, 0, 0);
    for slice in 0..240 {
        venue.poll(moment(slice * 500 * MS));
        let mut is_open = false;
        for datagram in sent(&mut venue).into_iter().filter(|one| one.group.line == Line::A) {
            let (header, plain) = plain::decode(&datagram.bytes).expect("it is a packet");
            let product = decode::packet(&datagram.bytes).expect("it is a packet");
            packets += 1;
            assert_eq!((header.packet_no, i32::from(header.topic_id)), (packets, TOPIC.into()));
            assert_eq!(u32::from(header.length) + 24, datagram.bytes.len() as u32);
            assert_eq!((header.type_id, header.center_change_no, header.reserved), (1, 0, 0));
            assert_eq!(header.comm_phase_no, 16_807, "2026-01-05 is that day from 1980 on");
            assert_eq!(u64::from(header.snap_time), 1_767_571_200 + slice / 2);
            assert_eq!(u64::from(header.snap_millisec), slice % 2 * 500);
            // The day's limits come before the first slice.
            let is_first = header.packet_no == 1;
            let expected = if is_first { 0 } else { i32::try_from(slice).unwrap() + 1 };
            assert_eq!(header.snap_no, expected);
            // No packet needs another one to be understood.
            let mut begun = None;
            let both: Vec<_> = product.fields().map(|field| field.decode().unwrap()).collect();
            assert_eq!(both.len(), plain.len());
            for (field, product) in plain.iter().zip(&both) {
                assert_eq!(field.values, values(product));
                fields += 1;
                if field.id == 3 {
                    begun = Some(field.values[0]);
                } else {
                    let number = begun.expect("an instrument was begun in this packet");
                    followed.entry(number).or_default().apply(field);
                }
            }
            is_open = header.flag & 0x10 == 0;
        }
        assert!(!is_open, "the last packet of a slice is marked");
        for (number, one) in &followed {
            let (codec, tick) = codecs[number];
            let index = u16::try_from(*number).unwrap();
            let price_e9 = |offset: i128| ((codec + offset as f64 * tick) * 1e9).round() as i64;
            let sides: super::Sides = one.sides.clone().map(|side| {
                let level = |(offset, lots): (i128, i128)| (price_e9(offset), lots as u32);
                side.into_iter().map(level).collect()
            });
            assert_eq!(sides, published(&venue, index), "instrument {number}, slice {slice}");
            compare_figures(one, venue.exchange().published(ListingIndex(index)).unwrap().1, {
                |offset| price_e9(offset)
            });
            let listing = venue.exchange().engine(ListingIndex(index)).unwrap().listing();
            let limits = [0x1015, 0x1016].map(|id| price_e9(one.prices[&id]));
            assert_eq!(limits, [listing.upper_e9, listing.lower_e9]);
            let turnover = venue.exchange().published(ListingIndex(index)).unwrap().1.turnover_e9;
            let at_codec = one.volume * i128::from(price_e9(0));
            let tick_e9 = i128::from(listing.tick_e9);
            assert_eq!(at_codec + one.turnover_ticks * tick_e9, turnover);
            slices += 1;
        }
    }
    println!("{packets} packets, {fields} fields, {slices} books compared");
    assert!(packets > 500 && fields > 5_000 && slices == 960);
}

fn compare_figures(one: &Followed, figures: &Figures, price_e9: impl Fn(i128) -> i64) {
    assert_eq!(one.volume, i128::from(figures.volume_lots));
    assert_eq!(one.interest, i128::from(figures.open_interest_lots()));
    assert_eq!(one.last.map(&price_e9), figures.last_e9);
    let told = [0x1011, 0x1012, 0x1013].map(|id| one.prices.get(&id).map(|at| price_e9(*at)));
    assert_eq!(told, [figures.high_e9, figures.low_e9, figures.open_e9]);
}
