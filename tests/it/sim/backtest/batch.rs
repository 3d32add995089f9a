//! Batches of quotes for a desk that does not have every instrument of the record.

use super::money::demo;
use super::play::{drawn, late, market, recorded};
use cross_market_connect::config::Configuration;
use cross_market_connect::sim::backtest::play::Terms;
use cross_market_connect::sim::backtest::source::{Print, Setup};
use xmc_hotpath::message::{InstrumentIndex, InstrumentSpec, StreamId};
use xmc_hotpath::record::frame::{
    self, Body, Image, Images, Kind, MAX_LEN, OwnedEvent, OwnedInput, Writer,
};
use xmc_hotpath::time::MonoNs;
use xmc_hotpath::venue::cme::mdp3::view::EntryView;

/// An instrument that no configuration here has.
const STRANGER: InstrumentIndex = InstrumentIndex(20);
const ROWS: usize = 64;

/// A record anew, its instruments those of the configuration; `each` says what becomes of a quote.
fn rewritten(
    bytes: &[u8],
    config: &Configuration,
    each: impl Fn(OwnedInput) -> Vec<OwnedInput>,
) -> Vec<u8> {
    let [mut read, mut written] = [vec![Image::EMPTY; ROWS], vec![Image::EMPTY; ROWS]];
    let (mut read, mut written) = (Images::new(&mut read), Images::new(&mut written));
    let (header, body, mut rest) = frame::split(bytes).expect("a start");
    let Ok(Body::Start(mut start)) = frame::decode(header, body, &mut read) else {
        panic!("a record begins with a start");
    };
    start.arenas[0] = start.arenas[0].max(ROWS as u32);
    let mut out = cross_market_connect::sim::backtest::sink::written(&start);
    let writer = Writer { identity: start.identity };
    let mut seq_no = 0;
    let mut put = |input: OwnedInput, out: &mut Vec<u8>| {
        let mut buffer = [0; MAX_LEN];
        seq_no += 1;
        let len = writer.input(seq_no, &input.as_input(), &mut written, &mut buffer);
        out.extend_from_slice(&buffer[..len.expect("it fits")]);
    };
    let mut has_all = false;
    while !rest.is_empty() {
        let (header, body, after) = frame::split(rest).expect("whole records");
        rest = after;
        if !header.kind.is_input() {
            continue;
        }
        let Ok(Body::Input(input)) = frame::decode(header, body, &mut read) else { continue };
        if header.kind == Kind::Quote {
            each(input).into_iter().for_each(|input| put(input, &mut out));
            continue;
        }
        let OwnedEvent::Instrument(spec) = input.event else {
            put(input, &mut out);
            continue;
        };
        if std::mem::replace(&mut has_all, true) {
            continue;
        }
        let mut tell = |spec: InstrumentSpec| {
            put(OwnedInput { event: OwnedEvent::Instrument(spec), ..input }, &mut out);
        };
        for (row, of) in (0..).zip(&config.instruments) {
            let feed = StreamId(config.feeds[of.feed].stream_id.value);
            let instrument = InstrumentIndex(row);
            tell(InstrumentSpec { instrument, feed, security_id: of.security_id.value, ..spec });
        }
        tell(InstrumentSpec { instrument: STRANGER, security_id: 999, ..spec });
    }
    out
}

/// A batch that ends with an instrument which the desk does not have ends with the last one that it
/// has, so it is decided on at once, and not when the next quote comes.
#[test]
fn a_batch_that_ends_with_a_stranger_is_decided_on_at_once() {
    let config = demo();
    let bytes = drawn(3, 5);
    let terms = Terms { setup: Some(Setup::of(&config)), ..late(1_000) };
    let plain = rewritten(&bytes, &config, |input| vec![input]);
    let with_strangers = rewritten(&bytes, &config, |input| {
        let OwnedEvent::Quote { quote, more: false } = input.event else { panic!("one by one") };
        let own = OwnedInput { event: OwnedEvent::Quote { quote, more: true }, ..input };
        let stranger = frame_of(input, STRANGER, true);
        vec![own, stranger, frame_of(input, STRANGER, false)]
    });
    assert!(with_strangers.len() > plain.len());
    let of = |bytes: &[u8]| recorded(&market(bytes), &terms);
    let ((plain, one), (mixed, other)) = (of(&plain), of(&with_strangers));
    assert!(one.events > 100, "{}", one.events);
    assert_eq!(one.events, other.events);
    assert!(behind_start(&plain) == behind_start(&mixed), "the desk is told the same");
}

fn frame_of(input: OwnedInput, instrument: InstrumentIndex, more: bool) -> OwnedInput {
    let OwnedEvent::Quote { mut quote, .. } = input.event else { panic!("a quote") };
    quote.instrument = instrument;
    OwnedInput { event: OwnedEvent::Quote { quote, more }, ..input }
}

fn behind_start(record: &[u8]) -> &[u8] {
    frame::split(record).expect("a start").2
}

/// Tag 279 of a trade: 0 is new; 1 and 2 correct one that was told before, and move nothing.
#[test]
fn a_trade_that_is_changed_or_taken_back_is_no_trade() {
    let entry = |action| EntryView {
        security_id: Some(7),
        rpt_seq: Some(1),
        price_mantissa: Some(12_345),
        price_exponent: Some(-2),
        size_lots: Some(4),
        order_count: None,
        level: None,
        action,
        kind: Some(b'2'),
        aggressor: None,
        open_close_settle: None,
    };
    let print = |action| Print::of_trade(MonoNs(5), StreamId(9), &entry(action));
    let (at, feed) = (MonoNs(5), StreamId(9));
    let whole = Print { at, feed, security_id: 7, price_e9: 123_450_000_000, lots: 4 };
    assert_eq!(print(Some(0)), Some(whole));
    for action in [Some(1), Some(2), Some(5), None] {
        assert_eq!(print(action), None, "{action:?}");
    }
}
