//! What is said of an instrument's day: the real capture against the oracle's entries, and made
//! packets, one kind at a time, of both generations.

use super::kit::{Bench, CHANNEL, Setup, bench, bench_with, capture, instruments, seq_no};
use super::states::{CORN, END, WHEAT, book, packet};
use crate::shared;
use cross_market_connect::recovery::replica::handover_ring;
use cross_market_connect::venue::cme::mdp3::{
    DailyFigure, EventMark, Generation, PacketBuilder, TradePrint, limits_entry, session_statistic,
    volume_entry,
};
use std::collections::{BTreeMap, HashMap};
use xmc_hotpath::book::{Books, Day, DayLots, Instrument, PriceLimits, Settlement, Slot, Traded};
use xmc_hotpath::feed::{Handed, Join, SeqNo};
use xmc_hotpath::message::{ChannelState, Side};
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::UnixNs;
use xmc_hotpath::venue::cme::mdp3::layout::{
    Action, AggressorSide, EntryKind, Mantissa, MatchEvent, SETTLE_BITS_NULL, StatusRoot,
    TradeEntry, TradingEvent, TradingStatus, U16_NULL,
};
use xmc_hotpath::wire::{I32Le, U16Le, U64Le};

fn setup() -> Setup {
    Setup::new(&[CORN, WHEAT])
}

fn day(bench: &mut Bench<'_>, security_id: i32) -> Day {
    *bench.stage.feed_mut().channel_mut().day(security_id).expect("it was seen")
}

/// An entry of the oracle that is no level: what the capture's own decoder wrote of it.
struct Said {
    security_id: i32,
    kind: String,
    price_e9: Option<i64>,
    lots: Option<u32>,
    aggressor: Option<Side>,
}

/// The entries of each packet that are no levels, in order, of the copy that came first.
fn oracle() -> Option<HashMap<u32, Vec<Said>>> {
    let text = shared::text("oracle/mdp3_v6_ch340.entries.tsv")?;
    let mut packets: HashMap<u32, (String, Vec<Said>)> = HashMap::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let seq = fields[2].parse().expect("a number");
        let (frame, said) = packets.entry(seq).or_insert((fields[0].to_owned(), Vec::new()));
        if frame != fields[0] || fields[5] == "32" {
            continue;
        }
        assert_eq!(fields[14], "0", "the capture takes nothing back");
        let scale = |exponent: &str| i64::from(exponent == "-7") * 100;
        said.push(Said {
            security_id: fields[6].parse().expect("a number"),
            kind: fields[15].to_owned(),
            price_e9: fields[8].parse::<i64>().ok().map(|mantissa| mantissa * scale(fields[9])),
            lots: fields[11].parse().ok(),
            aggressor: match fields[16] {
                "1" => Some(Side::Buy),
                "2" => Some(Side::Sell),
                _ => None,
            },
        });
    }
    Some(packets.into_iter().map(|(seq, (_, said))| (seq, said)).collect())
}

/// The day as the oracle's entries make it, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Model {
    last: Option<(i64, Option<u32>, Option<Side>)>,
    volume: Option<u32>,
    prices: BTreeMap<String, i64>,
}

impl Model {
    fn take(&mut self, said: &Said) {
        match said.kind.as_str() {
            "2" => self.last = said.price_e9.map(|price| (price, said.lots, said.aggressor)),
            "e" => self.volume = said.lots,
            kind => {
                self.prices.insert(kind.to_owned(), said.price_e9.expect("a statistic is a price"));
            }
        }
    }

    fn of(day: &Day) -> Self {
        let prices = [
            ("4", day.open_e9),
            ("7", day.high_e9),
            ("8", day.low_e9),
            ("N", day.high_bid_e9),
            ("O", day.low_ask_e9),
        ];
        let known = prices.into_iter().filter_map(|(kind, price)| Some((kind.to_owned(), price?)));
        Self {
            last: day.last.map(|last| (last.price_e9, last.lots, last.aggressor)),
            volume: day.volume_lots,
            prices: known.collect(),
        }
    }
}

#[test]
fn the_whole_capture_gives_the_oracle_s_days() {
    let (Some(shots), Some(oracle)) = (capture(), oracle()) else { return };
    bench(&Setup::new(&instruments(&shots)), |bench| {
        let mut models: BTreeMap<i32, Model> = BTreeMap::new();
        let (mut last_seq_no, mut compared, mut entries) = (None, 0, 0);
        // The oracle ends before the capture does.
        let newest = *oracle.keys().max().expect("it has packets");
        for shot in shots.iter().filter(|shot| seq_no(shot) <= newest) {
            bench.send(shot);
            if last_seq_no.replace(seq_no(shot)) == Some(seq_no(shot)) {
                continue;
            }
            for said in oracle.get(&seq_no(shot)).into_iter().flatten() {
                models.entry(said.security_id).or_default().take(said);
                entries += 1;
            }
            for said in oracle.get(&seq_no(shot)).into_iter().flatten() {
                let day = day(bench, said.security_id);
                assert_eq!(Model::of(&day), models[&said.security_id], "{}", seq_no(shot));
                compared += 1;
            }
        }
        let days: Vec<_> = models.keys().map(|id| (*id, day(bench, *id))).collect();
        for (id, day) in &days {
            assert_eq!(Model::of(day), models[id], "{id}");
            assert_eq!((day.busts, day.settlement, day.limits), (0, None, PriceLimits::UNKNOWN));
        }
        let traded = days.iter().filter(|(_, day)| day.last.is_some()).count();
        println!(
            "{entries} entries, {compared} compared, {} instruments, {traded} traded",
            days.len()
        );
        assert_eq!((entries, days.len(), traded), (734, 73, 26));
    });
}

fn print(rpt_seq: u32, action: Action, (price, lots): (i64, i32), trade_id: u32) -> TradeEntry {
    let print = TradePrint {
        security_id: CORN,
        rpt_seq,
        price: Mantissa::new(price),
        size_lots: lots,
        order_count: 2,
        aggressor: AggressorSide::Sell,
        trade_id,
    };
    TradeEntry { action: action.to_wire(), ..TradeEntry::from(print) }
}

fn settlement(price: i64, settle_bits: u8) -> DailyFigure {
    let (price, kind) = (Mantissa::new(price), EntryKind::SettlementPrice);
    DailyFigure { kind, price, lots: None, settle_bits, day: Some(17_000) }
}

/// What the two generations say of a price: units of 1e-9 in one of the wire's.
fn unit(generation: Generation) -> i64 {
    if generation == Generation::V6 { 100 } else { 1 }
}

const BOTH: [Generation; 2] = [Generation::V6, Generation::V13];

/// Fills the day of corn with everything that there is, with packets 1 to 5 and entries 1 to 11.
fn fill(bench: &mut Bench<'_>, generation: Generation) -> Day {
    let builder = |seq_no| PacketBuilder::new(generation, seq_no, 1);
    let corn = |rpt_seq| (CORN, rpt_seq);
    let trades = [print(1, Action::New, (400, 3), 11), print(2, Action::New, (402, 1), 12)];
    bench.both(1, &builder(1).trades(END, &trades, &[]).finish());
    bench.both(2, &builder(2).volumes(END, &[volume_entry(CORN, 3, 4)]).finish());
    let price = |rpt_seq, kind, price| {
        session_statistic(corn(rpt_seq), kind, Action::New, Mantissa::new(price))
    };
    let mut indicative = price(4, EntryKind::OpenPrice, 399);
    indicative.open_close_settle = 5;
    let statistics = [
        indicative,
        price(5, EntryKind::OpenPrice, 400),
        price(6, EntryKind::HighTrade, 402),
        price(7, EntryKind::LowTrade, -5),
    ];
    bench.both(3, &builder(3).session_statistics(END, &statistics).finish());
    let lots = |kind, lots| DailyFigure {
        kind,
        price: Mantissa::NULL,
        lots: Some(lots),
        settle_bits: SETTLE_BITS_NULL,
        day: None,
    };
    let daily = [
        settlement(398, 3).entry(corn(8), Action::New),
        lots(EntryKind::OpenInterest, 70).entry(corn(9), Action::New),
        lots(EntryKind::ClearedVolume, 0).entry(corn(10), Action::New),
    ];
    bench.both(4, &builder(4).daily_statistics(END, &daily).finish());
    let limits = [Mantissa::new(500), Mantissa::new(-300), Mantissa::NULL];
    bench.both(5, &builder(5).limits(END, &[limits_entry(corn(11), limits)]).finish());
    let unit = unit(generation);
    let day = |lots| Some(DayLots { lots, day: None });
    Day {
        volume_lots: Some(4),
        open_e9: Some(400 * unit),
        indicative_open_e9: Some(399 * unit),
        high_e9: Some(402 * unit),
        low_e9: Some(-5 * unit),
        settlement: Some(Settlement {
            price_e9: 398 * unit,
            is_final: true,
            is_intraday: false,
            day: Some(17_000),
        }),
        open_interest: day(70),
        cleared: day(0),
        limits: PriceLimits {
            high_e9: Some(500 * unit),
            low_e9: Some(-300 * unit),
            max_variation_e9: None,
        },
        ..trades_of(generation)
    }
}

/// The day of the two trades alone.
fn trades_of(generation: Generation) -> Day {
    let mut day = Day::UNKNOWN;
    for (price, lots, id) in [(400, 3, 11), (402, 1, 12)] {
        day.trade(Traded {
            price_e9: price * unit(generation),
            lots: Some(lots),
            aggressor: Some(Side::Sell),
            trade_id: (generation == Generation::V13).then_some(id),
        });
    }
    day
}

#[test]
fn everything_that_is_said_of_a_day_is_known_and_a_reset_empties_it() {
    for generation in BOTH {
        bench(&setup(), |bench| {
            let expected = fill(bench, generation);
            assert_eq!(day(bench, CORN), expected, "{generation:?}");
            assert_eq!(day(bench, WHEAT), Day::UNKNOWN);
            assert_eq!(bench.counters.sequence_breaks.get(), 0);
            let quotes = bench.seen.quotes.len();
            assert_eq!(quotes, 0, "nothing of a book follows from it");
            let reset = PacketBuilder::new(generation, 6, 1).reset(END, CHANNEL).finish();
            bench.both(6, &reset);
            assert_eq!(day(bench, CORN), Day::UNKNOWN);
            // What is sent again is known again, and nothing else.
            let resent = EventMark { transact_ns: 1, match_event: MatchEvent::RECOVERY };
            let volume = packet(7).volumes(resent, &[volume_entry(CORN, 1, 4)]).finish();
            bench.both(7, &volume);
            assert_eq!(day(bench, CORN), Day { volume_lots: Some(4), ..Day::UNKNOWN });
            assert_eq!(bench.state(), ChannelState::Recovering);
        });
    }
}

#[test]
fn what_is_taken_back_is_not_known_any_more() {
    for generation in BOTH {
        bench(&setup(), |bench| {
            let before = fill(bench, generation);
            let builder = |seq_no| PacketBuilder::new(generation, seq_no, 1);
            let bust = [print(12, Action::Delete, (402, 1), 12)];
            bench.both(6, &builder(6).trades(END, &bust, &[]).finish());
            let now = day(bench, CORN);
            let lots = now.last.and_then(|last| last.lots);
            assert_eq!((lots, now.busts), (Some(3), 1), "the one before is the last again");
            let other = [print(13, Action::Change, (401, 3), 11)];
            bench.both(7, &builder(7).trades(END, &other, &[]).finish());
            let price = day(bench, CORN).last.map(|last| last.price_e9);
            // Without a name a trade of another price is another trade.
            let expected = if generation == Generation::V13 { 401 } else { 400 };
            assert_eq!(price, Some(expected * unit(generation)));
            let statistic = |rpt_seq, kind| {
                session_statistic((CORN, rpt_seq), kind, Action::Delete, Mantissa::new(402))
            };
            let gone = [statistic(14, EntryKind::HighTrade), statistic(15, EntryKind::OpenPrice)];
            bench.both(8, &builder(8).session_statistics(END, &gone).finish());
            let gone = [settlement(398, 3).entry((CORN, 16), Action::Delete)];
            bench.both(9, &builder(9).daily_statistics(END, &gone).finish());
            bench.both(10, &builder(10).limits(END, &[limits_entry((CORN, 17), NONE)]).finish());
            let now = day(bench, CORN);
            assert_eq!((now.high_e9, now.open_e9, now.settlement), (None, None, None));
            assert_eq!(now.limits, PriceLimits::UNKNOWN);
            assert_eq!((now.low_e9, now.open_interest), (before.low_e9, before.open_interest));
            assert_eq!(bench.counters.sequence_breaks.get(), 0);
        });
    }
}

const NONE: [Mantissa; 3] = [Mantissa::NULL; 3];

/// A price beyond what units of 1e-9 can say is no statistic, and no reason to doubt a packet.
#[test]
fn a_price_that_cannot_be_said_is_not_known() {
    bench(&setup(), |bench| {
        let builder = PacketBuilder::new(Generation::V6, 1, 1);
        let vast = Mantissa::new(i64::MAX / 50);
        let entry = session_statistic((CORN, 1), EntryKind::HighTrade, Action::New, vast);
        bench.both(1, &builder.session_statistics(END, &[entry]).finish());
        assert_eq!(day(bench, CORN), Day::UNKNOWN);
        assert_eq!(bench.state(), ChannelState::Live);
    });
}

#[test]
fn statistics_restart_for_whom_the_venue_says_and_what_is_said_once_a_day_stays() {
    for (id, asset, is_meant) in [
        (Some(CORN), "", true),
        (Some(WHEAT), "", false),
        (None, "ZC", true),
        (None, "ZW", false),
        (None, "", false),
    ] {
        bench(&setup(), |bench| {
            let full = fill(bench, Generation::V13);
            let mut name = [0; 6];
            name[..asset.len()].copy_from_slice(asset.as_bytes());
            let channel = bench.stage.feed_mut().channel_mut();
            let row = channel.row(CORN).expect("it is quoted");
            let corn = channel.books_mut().get_mut(row).expect("its row");
            let family = xmc_hotpath::book::Family { group: *b"ZC\0\0\0\0", asset: *b"ZC\0\0\0\0" };
            corn.set_family(family);
            let status = StatusRoot {
                transact_ns: U64Le::new(1),
                security_group: [0; 6],
                asset: name,
                security_id: I32Le::new(id.unwrap_or(i32::MAX)),
                trade_date: U16Le::new(U16_NULL),
                match_event: MatchEvent::END_OF_EVENT,
                trading_status: TradingStatus::NoChange.to_wire(),
                halt_reason: 0,
                trading_event: TradingEvent::ResetStatistics.to_wire(),
            };
            bench.both(6, &packet(6).status(&status).finish());
            let Day { settlement, open_interest, cleared, limits, .. } = full;
            let restarted = Day { settlement, open_interest, cleared, limits, ..Day::UNKNOWN };
            let expected = if is_meant { restarted } else { full };
            assert_eq!(day(bench, CORN), expected, "{id:?} {asset}");
        });
    }
}

/// A feed that lost packets has the days that are handed over, and goes on from them; a row that
/// had not been seen then has none.
#[test]
fn days_are_handed_over_with_their_books() {
    let (mut handing, handed) = handover_ring();
    let setup = Setup { join: Join::Recover, tail: 32, ..setup() };
    let full = bench(&self::setup(), |bench| fill(bench, Generation::V13));
    bench_with(&setup, Some(handed), |bench| {
        // What came before is not in the hand-over.
        bench.both(8, &packet(8).volumes(END, &[volume_entry(WHEAT, 3, 1)]).finish());
        assert_eq!(day(bench, WHEAT).volume_lots, Some(1));
        while bench.stage.poll() != Work::Idle {}
        let asked = bench.counters.request.asked().expect("its books are not known");
        let (generation, last, exchange) = (asked.generation, SeqNo(8), UnixNs(1));
        let begin = Handed::Begin { generation, last, exchange, course: (), is_anew: false };
        handing.push(begin).expect("there is room");
        for (security_id, day) in [(CORN, full), (WHEAT, Day::UNKNOWN)] {
            let mut instrument = row(security_id);
            instrument.expect_after(11);
            handing.push(Handed::Row { instrument, day, terms: () }).expect("there is room");
        }
        handing.push(Handed::End { generation, count: 2 }).expect("there is room");
        while bench.stage.poll() != Work::Idle {}
        assert_eq!(bench.state(), ChannelState::Live);
        assert_eq!([CORN, WHEAT].map(|id| day(bench, id)), [full, Day::UNKNOWN]);
        bench.both(9, &packet(9).volumes(END, &[volume_entry(CORN, 12, 5)]).finish());
        assert_eq!(day(bench, CORN), Day { volume_lots: Some(5), ..full });
        assert_eq!(bench.counters.sequence_breaks.get(), 0);
    });
}

/// A row of the desk's table as it is before anything came.
fn row(security_id: i32) -> Instrument {
    let (mut rows, mut slots) = ([Instrument::EMPTY], [Slot::FREE; 2]);
    let mut books = Books::new(&mut rows, &mut slots).expect("sizes are right");
    let index = xmc_hotpath::message::InstrumentIndex(u32::from(security_id == WHEAT));
    let row = books.add(security_id, Some(index)).expect("there is room");
    *books.get(row).expect("it was added")
}

/// Days are kept where somebody lends them, one for each row.
#[test]
fn a_feed_without_days_follows_all_the_same() {
    let (mut rows, mut slots) = ([Instrument::EMPTY; 2], [Slot::FREE; 4]);
    let mut few = [Day::UNKNOWN; 1];
    let books = Books::new(&mut rows, &mut slots).expect("sizes are right");
    assert!(books.with_days(&mut few).is_err());
    let mut books = Books::new(&mut rows, &mut slots).expect("sizes are right");
    let row = books.add(CORN, None).expect("there is room");
    assert_eq!(books.day(row), None);
    assert_eq!(books.day_mut(row), None);
    let mut books = books.with_days(&mut []).expect("none is enough");
    assert_eq!(books.put(&self::row(CORN), &Day::UNKNOWN), Some(row));
    // A book message is as it was.
    bench(&setup(), |bench| {
        bench.both(1, &book(1, END, &[]));
        assert_eq!(bench.state(), ChannelState::Live);
    });
}
