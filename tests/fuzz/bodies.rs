//! What is run on any bytes whatever: one function for each thing that reads what we did not write.
//!
//! None may panic, hang, or take memory that grows beyond what it was given, and what the desk
//! would trade on must be a book. `tests/it/fuzz.rs` runs them on changed samples with the other
//! tests; `tests/fuzz/targets` gives them to a fuzzer that sees which code it reaches.

use cross_market_connect::calendar;
use cross_market_connect::feed::{FeedCapacity, FeedMemory};
use cross_market_connect::port::capture::Capture;
use cross_market_connect::port::datagram::datagram;
use cross_market_connect::recovery::Wanted;
use cross_market_connect::recovery::mdp3::Gathering;
use cross_market_connect::secret::Secret;
use cross_market_connect::sim::exchange;
use cross_market_connect::venue::cme::channels;
use cross_market_connect::venue::cme::mdp3::replay::{Asked, Login, ReplayClient, text};
use cross_market_connect::venue::cme::simulated::Contract as Listed;
use cross_market_connect::venue::shfe::smdp::client::{Client, ClientLimits, Event};
use cross_market_connect::venue::shfe::smdp::contract::Contract;
use cross_market_connect::venue::shfe::smdp::day::TradingDay;
use cross_market_connect::venue::shfe::smdp::snapshot::{
    Snapshot, SnapshotInstrument, SnapshotLevel,
};
use std::path::Path;
use std::sync::OnceLock;
use xmc_hotpath::book::View;
use xmc_hotpath::feed::{
    ArbiterLimits, ChannelSettings, Feed, FeedCounters, Join, Protocol, SeqNo,
};
use xmc_hotpath::gateway::{OrderSession, SessionLost};
use xmc_hotpath::message::{
    ChannelUpdate, Depth, GatewayIndex, InstrumentIndex, OrderAction, OrderCommand, OrderId, Quote,
    QuoteQuality, SessionState, StreamId,
};
use xmc_hotpath::port::{Datagram, Line};
use xmc_hotpath::ring::{Receiver, ends};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};
use xmc_hotpath::venue::cme::ilink3::decode;
use xmc_hotpath::venue::cme::ilink3::encode::SessionIdentity;
use xmc_hotpath::venue::cme::ilink3::session::{Handover, Missed, Session, SessionCounters};
use xmc_hotpath::venue::cme::mdp3::feed::Mdp3;
use xmc_hotpath::venue::shfe::smdp::feed::{PriceCodec, Smdp};

/// Room of a feed: small, so that it is soon full.
const CAPACITY: FeedCapacity = FeedCapacity { instruments: 6, quoted: 4, held: 6, digests: 16 };

const LIMITS: ArbiterLimits = ArbiterLimits {
    hold_for: Span(1_000_000),
    line_reorder: 1,
    silent_after: Span(50_000_000),
    lossy_after: Span(20_000_000),
    stale_after: Span(1_000_000_000),
};

/// Bytes of each part of an input: which line or kind, and how much time has passed.
pub const PART_HEAD: usize = 4;

/// An input cut into parts, each behind a head: two bytes of length, the kind, the time.
pub fn parts(mut bytes: &[u8]) -> impl Iterator<Item = (u8, u8, &[u8])> {
    std::iter::from_fn(move || {
        let ([low, high, kind, time], rest) = bytes.split_first_chunk::<PART_HEAD>()?;
        let len = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (part, behind) = rest.split_at(len);
        bytes = behind;
        Some((*kind, *time, part))
    })
}

/// One part of an input.
pub fn part(kind: u8, time: u8, bytes: &[u8]) -> Vec<u8> {
    let len = u16::try_from(bytes.len()).expect("a part is a packet or so");
    [&len.to_le_bytes(), [kind, time].as_slice(), bytes].concat()
}

/// What a feed tells the desk.
struct Told {
    quotes: Receiver<Quote>,
    updates: Receiver<ChannelUpdate>,
}

impl Told {
    /// Takes what there is. A quote that may be traded on is a book: each side in order, no price
    /// without lots, and the sides do not cross.
    fn take(&mut self) {
        while self.updates.pop().is_some() {}
        while let Some(quote) = self.quotes.pop() {
            if quote.quality != QuoteQuality::Good {
                continue;
            }
            let [bids, asks] = [&quote.bids, &quote.asks].map(levels);
            assert!(bids.is_sorted_by(|one, next| one > next), "bids rise: {quote:?}");
            assert!(asks.is_sorted_by(|one, next| one < next), "asks fall: {quote:?}");
            if let (Some(bid), Some(ask)) = (bids.first(), asks.first()) {
                assert!(bid < ask, "it crosses: {quote:?}");
            }
            let has_lots = |side: &Depth| {
                let levels = side.lots.iter().take(side.count as usize);
                levels.copied().all(|lots| lots > 0)
            };
            assert!(has_lots(&quote.bids) && has_lots(&quote.asks), "no lots: {quote:?}");
        }
    }
}

fn levels(side: &Depth) -> Vec<i64> {
    side.price_e9.iter().take(side.count as usize).copied().collect()
}

/// A feed of `protocol` on which `body` works.
fn feed<V: Protocol>(
    protocol: V,
    view: View,
    join: Join,
    body: impl FnOnce(&mut Feed<'_, V>, &mut Told),
) {
    let counters = FeedCounters::default();
    let mut memory = FeedMemory::new(CAPACITY);
    let (quote_sender, quotes) = ends(rtrb::RingBuffer::new(8));
    let (update_sender, updates) = ends(rtrb::RingBuffer::new(4));
    let (storage, quote_sender) = memory.lend(quote_sender);
    let settings = ChannelSettings { stream: StreamId(1), join, view };
    let feed =
        Feed::new(protocol, settings, LIMITS, storage, quote_sender, update_sender, &counters);
    let mut feed = feed.expect("the memory is sized by its own rules");
    body(&mut feed, &mut Told { quotes, updates });
}

/// Gives the parts of an input to a feed as packets of its lines.
fn deliver<V: Protocol>(bytes: &[u8], feed: &mut Feed<'_, V>, told: &mut Told) {
    let mut now = 1_000;
    for (kind, time, payload) in parts(bytes) {
        now += u64::from(time) * 100_000;
        let line = if kind & 1 == 0 { Line::A } else { Line::B };
        feed.on_datagram(&Datagram { payload, received: MonoNs(now), line });
        feed.on_time(MonoNs(now));
        told.take();
    }
    feed.on_time(MonoNs(now + 10_000_000_000));
    told.take();
}

/// Packets of an incremental feed of MDP 3.0, on both lines.
pub fn mdp3_packets(bytes: &[u8]) {
    let (view, rest) = match bytes {
        [first, rest @ ..] if first & 1 == 1 => (View::Consolidated, rest),
        [_, rest @ ..] => (View::Outright, rest),
        [] => return,
    };
    feed(Mdp3::new(Some(340)), view, Join::AssumeEmpty, |feed, told| {
        for (row, security_id) in (0..).zip(quoted()) {
            let books = feed.channel_mut().books_mut();
            books.add(security_id, Some(InstrumentIndex(row))).expect("there is room for them");
        }
        deliver(rest, feed, told);
    });
}

/// Instruments that are quoted: two of the shared capture, two of the simulated venue.
fn quoted() -> impl Iterator<Item = i32> {
    let simulated = wanted().iter().map(|wanted| wanted.security_id);
    CAPTURED.into_iter().chain(simulated.take(2))
}

const CAPTURED: [i32; 2] = [411_873, 336_491];

/// What the simulated venue lists, as a configuration would have it.
fn wanted() -> &'static [Wanted] {
    static WANTED: OnceLock<Vec<Wanted>> = OnceLock::new();
    WANTED.get_or_init(|| {
        let listings = exchange::Settings::cme(42, "U6").listings;
        let rows = Listed::cme((2026, 9)).into_iter().zip(listings).zip(0..);
        let wanted = rows.take(CAPACITY.quoted).map(|((contract, listing), row)| Wanted {
            row: InstrumentIndex(row),
            name: listing.symbol.to_lowercase(),
            symbol: listing.symbol.clone(),
            security_id: contract.security_id,
            tick_e9: listing.tick_e9,
            multiplier_e9: 1_000_000_000,
            display_factor_e9: 1_000_000_000,
        });
        wanted.collect()
    })
}

/// Packets of the snapshot and definition groups of MDP 3.0, and of the lines beside them; what
/// comes of them is put into a feed.
pub fn mdp3_recovery(bytes: &[u8]) {
    let mut gathering = Gathering::new(wanted().to_vec());
    for (kind, _, payload) in parts(bytes) {
        match kind % 4 {
            0 => gathering.on_definitions(payload),
            1 => gathering.on_snapshots(payload),
            2 => gathering.keep(Line::A, payload),
            _ => gathering.on_incremental(payload),
        }
    }
    if let Ok(start) = gathering.start() {
        feed(Mdp3::new(None), View::Consolidated, Join::Recover, |feed, told| {
            let _ = start.seed(feed, MonoNs(1));
            told.take();
            feed.on_time(MonoNs(2_000_000_000));
            told.take();
        });
    }
}

/// The topic of the feed of SMDP.
pub const TOPIC: i16 = 1001;

fn smdp_start() -> Snapshot {
    let instrument = |no: i32| SnapshotInstrument {
        contract: Contract {
            instrument_id: format!("al{no}"),
            underlying_id: "al".to_owned(),
            product_class: b'1',
            strike_e9: None,
            options_type: b'0',
            volume_multiple: 5,
            underlying_multiple_e9: None,
            is_trading: true,
            currency: "CNY".to_owned(),
            tick_e9: 5_000_000_000,
            codec_price_e9: 18_000_000_000_000,
            instrument_no: no,
        },
        state: None,
        bids: vec![SnapshotLevel { price_e9: 17_995_000_000_000, lots: 10 }],
        asks: vec![SnapshotLevel { price_e9: 18_005_000_000_000, lots: 20 }],
    };
    Snapshot {
        topic: TOPIC,
        snap_no: 1,
        packet_no: 0,
        trading_day: TradingDay { comm_phase_no: 11_700 },
        settlement_group: String::new(),
        settlement_id: 1,
        depth: 5,
        taken: UnixNs(1),
        center_changes: Vec::new(),
        instruments: (0..4).map(instrument).collect(),
    }
}

/// Packets of a topic of SMDP's multicast, on both lines, behind a snapshot.
pub fn smdp_packets(bytes: &[u8]) {
    let mut codecs = vec![PriceCodec::NONE; CAPACITY.instruments];
    feed(Smdp::new(TOPIC, &mut codecs), View::Outright, Join::Recover, |feed, told| {
        let index = |of: &Contract| u32::try_from(of.instrument_no).ok().map(InstrumentIndex);
        smdp_start().seed(feed, index, MonoNs(1)).expect("it fits");
        told.take();
        deliver(bytes, feed, told);
    });
}

/// What an MDQP server may answer: a stream cut anywhere, to a client that asks whenever it may. A
/// snapshot that it takes is put into a feed.
pub fn mdqp_stream(bytes: &[u8]) {
    let limits = ClientLimits {
        reply_within: Span(1_000_000_000),
        heartbeat_every: Span(500_000_000),
        silent_after: Span(3_000_000_000),
        max_missing: 100,
        max_snapshot_fields: 64,
    };
    let mut now = 1_000;
    let mut client =
        Client::connect(bytemuck::Zeroable::zeroed(), &Secret::default(), limits, MonoNs(now));
    for (kind, time, chunk) in parts(bytes) {
        now += u64::from(time) * 10_000_000;
        client.on_bytes(chunk, MonoNs(now));
        client.on_time(MonoNs(now));
        while let Some(event) = client.next_event() {
            if let Event::Snapshot(snapshot) = event {
                snapshot_into_a_feed(&snapshot);
            }
        }
        let _ = match kind % 3 {
            0 => client.ask_snapshot(TOPIC, MonoNs(now)),
            1 => client.ask_missing(TOPIC, i32::from(kind), i32::from(kind) + 9, MonoNs(now)),
            _ => Ok(()),
        };
        client.written(client.outgoing().len());
    }
}

/// What the TCP replay of MDP 3.0 may answer, cut anywhere, and what it may be sent: text.
pub fn mdp3_replay(bytes: &[u8]) {
    let login = Login { user: "CME".to_owned(), password: Secret::new("CME") };
    let asked = Asked { channel: 360, from: SeqNo(2), to: SeqNo(6) };
    let mut client = ReplayClient::connect(&login, asked, 1, Span(1_000_000_000), MonoNs(0));
    let mut now = 0;
    for (kind, time, chunk) in parts(bytes) {
        now += u64::from(time) * 10_000_000;
        if kind & 1 == 0 {
            client.on_bytes(chunk);
            client.on_time(MonoNs(now));
        } else if let Ok(Some((_, len))) = text::take(chunk) {
            assert!(len <= chunk.len());
        }
        if let Some(Ok(packets)) = client.take_outcome() {
            assert_eq!(packets.len(), 5, "what was asked for, and nothing else");
        }
        client.written(client.outgoing().len());
    }
    client.closed();
}

fn snapshot_into_a_feed(snapshot: &Snapshot) {
    let mut codecs = vec![PriceCodec::NONE; CAPACITY.instruments];
    feed(Smdp::new(TOPIC, &mut codecs), View::Outright, Join::Recover, |feed, told| {
        let index = |of: &Contract| u32::try_from(of.instrument_no).ok().map(InstrumentIndex);
        let index = |of: &Contract| index(of).filter(|index| index.0 < 4);
        let _ = snapshot.seed(feed, index, MonoNs(1));
        told.take();
    });
}

/// A file of captured frames.
pub fn capture(bytes: &[u8]) {
    let Ok(capture) = Capture::from_bytes(bytes.to_vec()) else { return };
    for frame in capture.frames() {
        let Ok(frame) = frame else { return };
        assert!(frame.bytes.len() <= bytes.len());
        if let Ok(Some(found)) = datagram(frame.link, frame.bytes) {
            assert!(found.payload.len() <= frame.bytes.len());
        }
    }
}

/// The exchange's `config.xml`.
pub fn config_xml(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Err(error) = channels::read(text)
    {
        assert!(!error.to_string().is_empty());
    }
}

/// A calendar's file.
pub fn calendar_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match calendar::of_text(Path::new("fuzz.toml"), text) {
        Ok(calendar) => {
            let _ = calendar::Kept::new(calendar);
        }
        Err(invalid) => assert!(!invalid.render(false).is_empty()),
    }
}

/// The numbers of the fuzzed order session, and of one before it.
pub const SESSION: u64 = 7_000;
pub const EARLIER: u64 = 6_000;
const ORDER_IDENTITY: SessionIdentity<'_> =
    SessionIdentity { sender_id: "XMC", location: "US", party_details_id: 1, schema_version: 9 };

/// What an exchange says on an order session, in pieces, between commands and the session's own
/// messages. A session that ends goes on with the next one.
pub fn ilink3_session(bytes: &[u8]) {
    let missed = [Missed { uuid: EARLIER, from: 3, count: 2 }, Missed::NONE];
    let keep_alive = Span(1_000_000_000);
    let handover =
        Handover { uuid: SESSION, next_seq_no: 1, next_report_no: 1, keep_alive, missed };
    let counters = SessionCounters::default();
    let (row, stream) = (GatewayIndex(0), StreamId(1));
    let session = Session::take_over(row, stream, &ORDER_IDENTITY, &handover, &counters);
    let mut session = session.expect("the identity is sound");
    let (mut now, mut inbox) = (MonoNs(1), Vec::new());
    for (kind, time, piece) in parts(bytes) {
        now = now.after(Span(u64::from(time) * 20_000_000));
        let utc = UnixNs(now.0);
        if let Some(action) = OrderAction::from_code(kind & 7) {
            let command = OrderCommand { action, order_id: OrderId(now.0), ..OrderCommand::NONE };
            if let Ok(message) = session.encode(&command, utc) {
                assert!(decode::frame(message).is_ok_and(|frame| frame.is_some()));
                session.sent(&command);
            }
        }
        inbox.extend_from_slice(piece);
        let end = order_bytes(&mut session, &mut inbox, now).and_then(|()| {
            for _ in 0..3 {
                let Some(message) = session.own_message(now, utc)? else { break };
                assert!(decode::frame(message).is_ok_and(|frame| frame.is_some()));
                session.own_message_sent(now);
            }
            Ok(())
        });
        let left = session.left(SessionLost::Closed);
        let is_whole = left.missing == [Missed::NONE; 2] && !left.is_more_missing;
        assert!(is_whole || session.state() != SessionState::Up, "up, and {left:?}");
        if let Err(why) = end {
            let goodbye = session.farewell(why, utc).expect("it says why");
            assert!(decode::frame(goodbye).is_ok_and(|frame| frame.is_some()));
            inbox.clear();
            let (next_seq_no, next_report_no) = (left.next_seq_no, left.next_report_no.max(1));
            let next = Handover { next_seq_no, next_report_no, missed: left.missing, ..handover };
            session.resume(&next);
        }
    }
}

/// Reads what has come, as a gateway does.
fn order_bytes(
    session: &mut Session<'_>,
    inbox: &mut Vec<u8>,
    now: MonoNs,
) -> Result<(), SessionLost> {
    let (mut first, mut again) = (0, 0);
    while let Some(taken) = session.read(&inbox[first..], now)? {
        again = if taken.len == 0 { again + 1 } else { 0 };
        assert!(again < 1_100, "it comes to an end with every message");
        first += taken.len;
    }
    inbox.drain(..first);
    Ok(())
}
