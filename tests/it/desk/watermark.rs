//! The record ring's marks: above 50 % nothing opens, above 75 % no quote is taken, and fills,
//! cancels and repairs have room whatever came before.

use cross_market_connect::engine::memory::{DeskMemory, DeskSize};
use rtrb::RingBuffer;
use std::cell::Cell;
use std::sync::atomic::AtomicU64;
use xmc_hotpath::desk::Desk;
use xmc_hotpath::desk::stage::{DeskCounters, DeskStage, FeedLink, GatewayLink};
use xmc_hotpath::message::{
    ChannelState, ChannelUpdate, Control, GatewayIndex, GatewayNews, InstrumentIndex, OrderCommand,
    Quote, SessionState, SessionUpdate, StreamId,
};
use xmc_hotpath::record::frame::{self, Body, Image, Images, LOGIC_VERSION, Start};
use xmc_hotpath::record::ring::{self, Consumer, Producer};
use xmc_hotpath::record::{RecordSink, WORST_INPUT_LEN};
use xmc_hotpath::ring::{Receiver, Sender, ends};
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{Clock, MonoNs, Span, UnixNs};

use super::stand::{FEED, IDENTITY};

/// The smallest ring that a configuration may ask for, in words.
const CAPACITY: u64 = (1 << 18) / 8;

/// A clock that goes on by a microsecond each time it is read.
#[derive(Clone, Default)]
struct Counting(Cell<u64>);

impl Clock for Counting {
    fn now(&self) -> MonoNs {
        self.0.set(self.0.get() + 1_000);
        MonoNs(self.0.get())
    }
}

/// The other ends of a desk's rings.
struct Outside {
    quotes: Sender<Quote>,
    channels: Sender<ChannelUpdate>,
    news: Sender<GatewayNews>,
    _control: Sender<Control>,
    _commands: Receiver<OrderCommand>,
}

fn with_desk(test: impl FnOnce(&mut DeskStage<'_, Counting, Producer<'_>>, Outside, Consumer<'_>)) {
    let memory: Vec<_> = (0..ring::words(CAPACITY).unwrap()).map(|_| AtomicU64::new(0)).collect();
    ring::format(&memory, IDENTITY).unwrap();
    let (quotes, quotes_out) = ends(RingBuffer::new(4_096));
    let (channels, channels_out) = ends(RingBuffer::new(64));
    let (news, news_out) = ends(RingBuffer::new(4_096));
    let (commands_in, commands) = ends(RingBuffer::new(64));
    let (control, control_out) = ends(RingBuffer::new(64));
    let feed = FeedLink { quotes: quotes_out, channels: channels_out };
    let gateway = GatewayLink { commands: commands_in, news: news_out };
    let start = Start {
        identity: IDENTITY,
        logic_version: LOGIC_VERSION,
        now: MonoNs(1),
        utc: UnixNs(1),
        config_digest: [0; 32],
        arenas: [8, 8, 8],
    };
    let (mut arenas, mut images) = (
        DeskMemory::new(DeskSize { instruments: 8, spreads: 8, orders: 8 }),
        vec![Image::EMPTY; 8],
    );
    let counters = DeskCounters::default();
    let mut feeds = [const { None }; 4];
    feeds[0] = Some(feed);
    let mut gateways = [const { None }; xmc_hotpath::message::MAX_GATEWAYS];
    gateways[0] = Some(gateway);
    let mut stage = DeskStage::new(
        Desk::new(IDENTITY, arenas.lend()),
        Counting::default(),
        feeds,
        gateways,
        control_out,
        Producer::attach(&memory).unwrap(),
        Images::new(&mut images),
        &counters,
        &start,
    );
    let outside = Outside { quotes, channels, news, _control: control, _commands: commands };
    test(&mut stage, outside, Consumer::attach(&memory).unwrap());
}

fn quote(price_e9: i64) -> Quote {
    let mut quote = Quote { instrument: InstrumentIndex(0), ..Quote::EMPTY };
    quote.bids.price_e9[0] = price_e9;
    (quote.bids.lots[0], quote.bids.count) = (1, 1);
    quote
}

/// How full the record was for the last of the inputs that `consumer` has not read yet.
fn used_pct_told(consumer: &mut Consumer<'_>) -> u8 {
    let mut images = vec![Image::EMPTY; 8];
    let mut copied = vec![0; 1 << 16];
    let len = consumer.read(&mut copied).unwrap();
    let (mut rest, mut told) = (&copied[..len], None);
    while !rest.is_empty() {
        let (header, body, after) = frame::split(rest).unwrap();
        if let Ok(Body::Input(input)) = frame::decode(header, body, &mut Images::new(&mut images)) {
            told = Some(input.credits.record_used_pct);
        }
        rest = after;
    }
    told.expect("an input was recorded")
}

/// A disk that hangs, or a journal that is gone: long before the ring is full nothing is opened,
/// and as soon as the record gets on, all is as before.
#[test]
fn a_record_that_nobody_makes_safe_counts_as_too_full_to_open() {
    with_desk(|stage, mut outside, mut consumer| {
        stage.set_late_after(Span(20_000));
        let mut told = |stage: &mut DeskStage<'_, _, _>, consumer: &mut Consumer<'_>, number| {
            outside.news.push(session(number)).unwrap();
            assert_eq!(stage.poll(), Work::Busy);
            used_pct_told(consumer)
        };
        stage.housekeeping();
        assert_eq!(told(stage, &mut consumer, 0), 0);
        // What is waited for is a tail that moves, not an empty ring.
        for number in 0..40 {
            consumer.release(consumer.position());
            assert_eq!(told(stage, &mut consumer, number), 0, "the record gets on");
            stage.housekeeping();
        }
        for _ in 0..40 {
            stage.housekeeping();
        }
        let late = told(stage, &mut consumer, 41);
        assert!((51..=75).contains(&late), "{late} %: nothing opens, all else goes on");
        consumer.release(consumer.position());
        stage.housekeeping();
        assert_eq!(told(stage, &mut consumer, 42), 0, "it gets on again");
        consumer.release(consumer.position());
        // Nothing waits: a quiet desk is not late.
        for _ in 0..100 {
            stage.housekeeping();
        }
        assert_eq!(told(stage, &mut consumer, 43), 0);
    });
}

fn session(at: u32) -> GatewayNews {
    let state = if at.is_multiple_of(2) { SessionState::Up } else { SessionState::Down };
    let gateway = GatewayIndex(0);
    GatewayNews::Session(SessionUpdate { stream: StreamId(9), gateway, state })
}

#[test]
fn quotes_stop_at_the_mark_and_everything_else_goes_on() {
    with_desk(|stage, mut outside, mut consumer| {
        let mut taken = 0_u64;
        let mut used = 0;
        for number in 0.. {
            outside.quotes.push(quote(number)).unwrap();
            if stage.poll() == Work::Blocked {
                break;
            }
            taken += 1;
            used = stage.record_mut().used_pct();
        }
        assert!((75..=76).contains(&used), "{used} % is used");
        assert!(taken > 500, "{taken} quotes were taken before");
        // The same again: it does not creep on.
        for _ in 0..100 {
            assert_eq!(stage.poll(), Work::Blocked);
        }
        // What the quarter is for: news of orders and sessions, and the states of channels.
        let inputs = stage.counters().inputs.get();
        for number in 0..100 {
            outside.news.push(session(number)).unwrap();
            let state = ChannelState::Suspect;
            let (epoch, packet_seq_no, missing) = (number, number, 1);
            let stream = FEED;
            outside
                .channels
                .push(ChannelUpdate { stream, state, epoch, packet_seq_no, missing })
                .unwrap();
            stage.poll();
        }
        assert_eq!(stage.counters().inputs.get(), inputs + 200, "all of them were taken");
        assert_eq!(stage.counters().quotes.get(), taken);
        assert!(stage.record_mut().has_room(WORST_INPUT_LEN), "a repair of any size fits as well");
        // The journal catches up: the quotes that waited are taken.
        let mut copied = vec![0; 1 << 18];
        while consumer.read(&mut copied).unwrap() > 0 {}
        consumer.release(consumer.position());
        assert_eq!(stage.poll(), Work::Busy);
        assert_eq!(stage.counters().quotes.get(), taken + 1);
    });
}
