//! The generated channel against an independent reading of it: the hot path's decoder and books.

use cross_market_connect::config;
use cross_market_connect::sim::generator::{
    Generator, Instrument as Listed, LineFaults, Lines, Listing, MAX_PACKET_BYTES, Settings,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use xmc_hotpath::book::{
    self, Action, BookSide, Books, Change, Continuity, Instrument, Level, Slot, View,
};
use xmc_hotpath::message::{Quote, QuoteQuality};
use xmc_hotpath::port::Line;
use xmc_hotpath::venue::cme::mdp3::decode::{self, Message, TradeSummary, present};
use xmc_hotpath::venue::cme::mdp3::layout::{self, BookEntry, EntryKind, MatchEvent, Sequenced};

const SIDES: [BookSide; 4] =
    [BookSide::Bid, BookSide::Ask, BookSide::ImpliedBid, BookSide::ImpliedAsk];

fn listing(security_id: i32, tick_e9: i64, start_e9: i64, depth: u8) -> Listing {
    Listing {
        security_id,
        tick_e9,
        start_e9,
        min_price_e9: start_e9 - 2_000 * tick_e9,
        max_price_e9: start_e9 + 2_000 * tick_e9,
        depth,
        implied_depth: if depth == 10 { 2 } else { 0 },
        reach_ticks: 8,
    }
}

/// Deep and shallow books, a price around zero, a negative one.
fn settings(seed: u64) -> Settings {
    let listings = vec![
        listing(1001, 250_000_000, 500_000_000_000, 10),
        listing(1002, 250_000_000, 508_750_000_000, 10),
        listing(77, 10_000_000, 0, 5),
        listing(-5, 100_000_000, -40_000_000_000, 3),
        listing(900, 1_000_000, 1_500_000_000, 1),
    ];
    Settings::new(seed, listings)
}

/// A decoder that knows nothing of the generator but its bytes.
struct Reader<'a> {
    books: Books<'a>,
    open_event: bool,
    counts: BTreeMap<&'static str, u64>,
    volume_lots: BTreeMap<i32, i64>,
}

impl<'a> Reader<'a> {
    fn new(rows: &'a mut [Instrument], slots: &'a mut [Slot], listings: &[Listing]) -> Self {
        let mut books = Books::new(rows, slots).expect("the sizes are right");
        for listing in listings {
            let row = books.add(listing.security_id, None).expect("there is room");
            let instrument = books.get_mut(row).expect("it was just added");
            instrument.set_depth(listing.depth, listing.implied_depth);
            instrument.expect_after(0);
        }
        Self { books, open_event: false, counts: BTreeMap::new(), volume_lots: BTreeMap::new() }
    }

    fn packet(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= MAX_PACKET_BYTES);
        let packet = decode::packet(bytes).expect("a whole packet");
        for framed in packet.messages() {
            assert_eq!(framed.version(), 13);
            match framed.decode().expect("a message that decodes") {
                Message::Book(update) => {
                    self.event(update.root.match_event);
                    self.count("book messages", 1);
                    update.entries.for_each(|entry| self.book_entry(entry));
                }
                Message::Trade(trade) => {
                    self.event(trade.root.match_event);
                    self.trade(&trade);
                }
                Message::Volume(volume) => {
                    self.event(volume.root.match_event);
                    for entry in volume.entries {
                        self.follow(entry);
                        let total = self.volume_lots[&entry.security_id()];
                        assert_eq!(i64::from(entry.size_lots.get()), total);
                        self.count("volumes", 1);
                    }
                }
                Message::SessionStatistics(statistics) => {
                    self.event(statistics.root.match_event);
                    for entry in statistics.entries {
                        self.follow(entry);
                    }
                    self.count("statistics", 1);
                }
                Message::Heartbeat => self.count("heartbeats", 1),
                other => panic!("not generated: {other:?}"),
            }
        }
    }

    fn count(&mut self, what: &'static str, by: u64) {
        *self.counts.entry(what).or_default() += by;
    }

    fn event(&mut self, bits: MatchEvent) {
        self.open_event = !bits.is_end_of_event();
        self.count("events", u64::from(!self.open_event));
    }

    fn follow(&mut self, entry: &dyn Sequenced) -> &mut Instrument {
        let row = self.books.find(entry.security_id()).expect("a listed instrument");
        let instrument = self.books.get_mut(row).expect("a row that was found");
        assert_eq!(instrument.follow(entry.rpt_seq()), Continuity::Whole);
        instrument
    }

    fn book_entry(&mut self, entry: &BookEntry) {
        let side = match EntryKind::from_wire(entry.kind).expect("a known kind") {
            EntryKind::Bid => BookSide::Bid,
            EntryKind::Offer => BookSide::Ask,
            EntryKind::ImpliedBid => BookSide::ImpliedBid,
            EntryKind::ImpliedOffer => BookSide::ImpliedAsk,
            other => panic!("not of a book: {other:?}"),
        };
        let (action, name) = match layout::Action::from_wire(entry.action).expect("known") {
            layout::Action::New => (Action::Insert, "new"),
            layout::Action::Change => (Action::Change, "change"),
            layout::Action::Delete => (Action::Delete, "delete"),
            other => panic!("not generated: {other:?}"),
        };
        let unsigned = |raw: i32| present(raw).map_or(0, |value| u32::try_from(value).unwrap());
        let change = Change {
            action,
            level: entry.level,
            price_e9: Some(entry.price.get()),
            lots: unsigned(entry.size_lots.get()),
            orders: unsigned(entry.order_count.get()),
        };
        let instrument = self.follow(entry);
        // `Vacant` and `OtherPrice` are errors: every entry must fit what was told before.
        assert_eq!(instrument.apply(side, &change), Ok(()), "{entry:?}");
        // Within an event the outright book has moved when the implied one has not yet.
        let mut quote = Quote::EMPTY;
        instrument.show(View::Outright, &mut quote);
        assert_eq!(quote.quality, QuoteQuality::Good, "{entry:?}: {quote:?}");
        self.count(name, 1);
    }

    fn trade(&mut self, trade: &TradeSummary<'_>) {
        let orders: Vec<_> = trade.orders().expect("the second group decodes").collect();
        let mut rest = orders.as_slice();
        for entry in trade.entries {
            self.follow(entry);
            let count = usize::try_from(entry.order_count.get()).expect("is positive");
            let (own, later) = rest.split_at(count);
            rest = later;
            let lots: i32 = own[1..].iter().map(|order| order.last_lots.get()).sum();
            assert_eq!((own[0].last_lots, lots), (entry.size_lots, entry.size_lots.get()));
            assert!(own.iter().all(|order| order.last_lots.get() > 0));
            let total = self.volume_lots.entry(entry.security_id()).or_default();
            *total += i64::from(entry.size_lots.get());
            self.count("trades", 1);
        }
        assert!(rest.is_empty(), "no orders are left over");
    }

    /// The books are the venue's.
    fn compare(&mut self, venue: &[Listed]) {
        for listed in venue {
            let id = listed.listing().security_id;
            let row = self.books.find(id).expect("a listed instrument");
            let read = self.books.get(row).expect("a row that was found");
            assert_eq!(read.change_seq_no(), Some(listed.rpt_seq()));
            for side in SIDES {
                let told: Vec<Level> = listed.levels(side).collect();
                assert_eq!(present_levels(read, side), told, "{id} {side:?}");
            }
            let mut quote = Quote::EMPTY;
            read.show(View::Consolidated, &mut quote);
            assert_eq!(quote.quality, QuoteQuality::Good, "{id}: {quote:?}");
        }
    }
}

fn present_levels(instrument: &Instrument, side: BookSide) -> Vec<Level> {
    let places: &[book::Level] = match side {
        BookSide::Bid => instrument.bids().levels(),
        BookSide::Ask => instrument.asks().levels(),
        BookSide::ImpliedBid => instrument.implied_bids().levels(),
        BookSide::ImpliedAsk => instrument.implied_asks().levels(),
    };
    places.iter().copied().filter(Level::is_present).collect()
}

fn bytes_of(settings: Settings, packets: usize) -> Vec<Vec<u8>> {
    let mut generator = Generator::new(settings);
    let mut out = Vec::new();
    (0..packets)
        .map(|_| {
            generator.next_packet(&mut out);
            out.clone()
        })
        .collect()
}

/// Whoever decodes the packets and keeps books has the venue's books after every event.
#[test]
fn a_decoder_builds_the_venue_s_books() {
    let settings = settings(7);
    let (mut rows, mut slots) = (vec![Instrument::EMPTY; 8], vec![Slot::FREE; 16]);
    let mut reader = Reader::new(&mut rows, &mut slots, &settings.listings);
    let mut generator = Generator::new(settings);
    let (mut out, mut bytes, mut spanning) = (Vec::new(), 0, 0);
    let mut last_ns = 0;
    for seq_no in 1..=100_000 {
        let sent = generator.next_packet(&mut out);
        assert_eq!(sent.seq_no, seq_no);
        assert!(sent.sent_ns > last_ns, "time goes on");
        last_ns = sent.sent_ns;
        reader.packet(&out);
        assert_eq!(sent.ends_event, !reader.open_event, "packet {seq_no}");
        if sent.ends_event {
            reader.compare(generator.instruments());
        } else {
            spanning += 1;
        }
        bytes += out.len();
    }
    println!("100000 packets, {bytes} bytes, {spanning} open ends: {:?}", reader.counts);
    for what in
        ["new", "change", "delete", "trades", "volumes", "statistics", "heartbeats", "events"]
    {
        assert!(reader.counts[what] > 50, "{what}");
    }
    assert!(spanning > 1_000);
}

/// An event that does not fit in one packet goes on in the next one.
#[test]
fn large_events_are_split() {
    let listings = (1..=40).map(|id| listing(id, 250_000_000, 500_000_000_000, 10)).collect();
    let settings = Settings { burst_one_in: 4, ..Settings::new(3, listings) };
    let (mut rows, mut slots) = (vec![Instrument::EMPTY; 40], vec![Slot::FREE; 128]);
    let mut reader = Reader::new(&mut rows, &mut slots, &settings.listings);
    let mut generator = Generator::new(settings);
    let (mut out, mut longest) = (Vec::new(), 0);
    for _ in 0..5_000 {
        let sent = generator.next_packet(&mut out);
        longest = longest.max(out.len());
        reader.packet(&out);
        assert_eq!(sent.ends_event, !reader.open_event);
        if sent.ends_event {
            reader.compare(generator.instruments());
        }
    }
    assert!(longest > 1_200, "packets get full, the longest has {longest} bytes");
}

#[test]
fn a_seed_is_a_channel() {
    let first = bytes_of(settings(1), 2_000);
    assert_eq!(first, bytes_of(settings(1), 2_000));
    assert_ne!(first, bytes_of(settings(2), 2_000));
}

/// Faults change what arrives, never what was sent; without faults both lines are whole.
#[test]
fn lines_carry_the_same_channel() {
    let wanted = bytes_of(settings(9), 6_000);
    let faulty = LineFaults {
        lost_per_mille: 20,
        duplicated_per_mille: 10,
        swapped_per_mille: 10,
        delay_ns: 10_000,
        skew_ns: 5_000,
    };
    let mut lines = Lines::new(Generator::new(settings(9)), [LineFaults::default(), faulty]);
    let mut out = Vec::new();
    let mut arrived: BTreeMap<Line, Vec<u32>> = BTreeMap::new();
    let mut last_ns = 0;
    for _ in 0..10_000 {
        let arrival = lines.next_packet(&mut out);
        assert!(arrival.arrived_ns >= last_ns.max(arrival.sent.sent_ns));
        last_ns = arrival.arrived_ns;
        let seq_no = arrival.sent.seq_no;
        assert_eq!(out, wanted[usize::try_from(seq_no).unwrap() - 1]);
        arrived.entry(arrival.line).or_default().push(seq_no);
    }
    let (a, b) = (&arrived[&Line::A], &arrived[&Line::B]);
    assert!(a.iter().copied().eq(1..=u32::try_from(a.len()).unwrap()), "line A is whole");
    let unique: BTreeSet<_> = b.iter().collect();
    let lost = a.len() - unique.len();
    let duplicated = b.len() - unique.len();
    let swapped = b.windows(2).filter(|pair| pair[0] > pair[1]).count();
    println!("line B of {}: {lost} lost, {duplicated} twice, {swapped} overtaken", a.len());
    assert!((50..200).contains(&lost) && duplicated > 20 && swapped > 20);
}

/// The demonstration's spreads begin between their levels, and meet each of them.
#[test]
fn the_spreads_of_a_configuration_open_and_close() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/generated.toml");
    let config = config::load(&path).expect("the demonstration's configuration is valid");
    let settings = Settings::of(&config, 0, 11);
    println!("{settings:?}");
    let mut generator = Generator::new(settings);
    let mut out = Vec::new();
    // Number of packets at which each level was met, by spread.
    let mut met: BTreeMap<String, [u64; 2]> = BTreeMap::new();
    for _ in 0..50_000 {
        if !generator.next_packet(&mut out).ends_event {
            continue;
        }
        for spread in &config.spreads {
            let price = |index: usize, side| {
                let listed = &generator.instruments()[index];
                listed.levels(side).next().map(|level| i128::from(level.price_e9))
            };
            let value = |is_buy: bool| {
                let legs = spread.legs.iter().map(|leg| {
                    let takes_asks = (leg.weight_q32 > 0) == is_buy;
                    let side = if takes_asks { BookSide::Ask } else { BookSide::Bid };
                    Some(price(leg.instrument.value, side)? * i128::from(leg.weight_q32))
                });
                legs.sum::<Option<i128>>().map(|sum| (sum >> 32) + i128::from(spread.constant_e9))
            };
            let (Some(buy), Some(sell)) = (value(true), value(false)) else { continue };
            let triggers = &spread.triggers;
            let at = |level: &Option<config::Written<i64>>| {
                level.as_ref().map(|level| i128::from(level.value))
            };
            let counts = met.entry(spread.name.value.clone()).or_default();
            counts[0] += u64::from(at(&triggers.sell_open_e9).is_some_and(|level| sell >= level));
            counts[1] += u64::from(at(&triggers.sell_close_e9).is_some_and(|level| buy <= level));
        }
    }
    println!("events at which (sell_open, sell_close) was met: {met:?}");
    for (name, counts) in &met {
        assert!(counts.iter().all(|count| *count > 50), "{name}: {counts:?}");
        assert!(counts.iter().all(|count| *count < 25_000), "{name}: {counts:?}");
    }
}
