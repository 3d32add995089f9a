//! The canonical encoding: what is written is read, and nothing else is.

use super::arbitrary::{self, Arbitrary};
use proptest::prelude::*;
use xmc_hotpath::message::{DeskId, DeskIdentity, Detail, OrderCommand, Quote, SiteId};
use xmc_hotpath::record::frame::{
    self, Body, FULL_IMAGE_EVERY, FrameError, HEADER_LEN, Header, Image, Images, Kind, MAX_LEN,
    OwnedEvent, OwnedInput, Start, Writer,
};

/// Instruments in tests; the last has no row for its image, so it is always written in full.
const INSTRUMENTS: u32 = 4;
const ROWS: usize = 3;

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        6 => arbitrary::input(INSTRUMENTS).prop_map(Body::Input),
        1 => OrderCommand::any().prop_map(Body::Order),
        2 => Detail::any().prop_map(Body::Detail),
        1 => Start::any().prop_map(Body::Start),
    ]
}

/// Writes `body` as the record that `header` is of; the header's length and kind are not used.
fn encode(header: Header, body: &Body, images: &mut [Image]) -> Vec<u8> {
    let Header { site, desk, index, seq_no, .. } = header;
    let writer = Writer { identity: DeskIdentity { site, desk, run: 0 } };
    let mut buffer = [0; MAX_LEN];
    let len = match body {
        Body::Input(input) => {
            writer.input(seq_no, &input.as_input(), &mut Images::new(images), &mut buffer)
        }
        Body::Order(order) => writer.order(seq_no, index, order, &mut buffer),
        Body::Detail(detail) => writer.detail(seq_no, index, detail, &mut buffer),
        Body::Start(start) => writer.start(start, &mut buffer),
    };
    buffer[..len.expect("MAX_LEN takes any record")].to_vec()
}

fn decode(bytes: &[u8], images: &mut [Image]) -> Result<(Header, Body), FrameError> {
    let (header, body, rest) = frame::split(bytes)?;
    assert!(rest.is_empty());
    Ok((header, frame::decode(header, body, &mut Images::new(images))?))
}

/// A place that the kind of `body` can have.
fn header(body: &Body, index: u16, seq_no: u64) -> Header {
    let (kind, index, seq_no) = match body {
        Body::Input(_) => (Kind::Tick, 0, seq_no.max(1)),
        Body::Order(_) | Body::Detail(_) => (Kind::Order, index.max(1), seq_no.max(1)),
        Body::Start(_) => (Kind::Start, 0, 0),
    };
    Header { len: 0, kind, site: SiteId(3), desk: DeskId(4), index, seq_no }
}

/// The start names its site and desk in the header, so it can only be of this desk.
fn of_this_desk(body: Body) -> Body {
    match body {
        Body::Start(start) => {
            let identity =
                DeskIdentity { site: SiteId(3), desk: DeskId(4), run: start.identity.run };
            Body::Start(Start { identity, ..start })
        }
        other => other,
    }
}

proptest! {
    #[test]
    fn every_record_is_read_as_it_was_written(
        bodies in prop::collection::vec((body(), u16::any(), u64::any()), 1..60),
    ) {
        let mut written = [Image::EMPTY; ROWS];
        let mut read = [Image::EMPTY; ROWS];
        for (body, index, seq_no) in bodies {
            let body = of_this_desk(body);
            let place = header(&body, index, seq_no);
            let bytes = encode(place, &body, &mut written);
            let (header, decoded) = decode(&bytes, &mut read).unwrap();
            prop_assert_eq!(decoded, body);
            prop_assert_eq!((header.index, header.seq_no), (place.index, place.seq_no));
            prop_assert_eq!(usize::from(header.len), bytes.len());
        }
    }

    /// No value has two encodings: whatever bytes decode are those that the value encodes to.
    #[test]
    fn a_changed_bit_is_refused_or_is_another_value(
        before in prop::collection::vec(arbitrary::quote(INSTRUMENTS), 0..6),
        body in body(),
        index in u16::any(),
        seq_no in u64::any(),
    ) {
        let mut images = [Image::EMPTY; ROWS];
        for quote in before {
            let event = OwnedEvent::Quote { quote, more: false };
            let body = Body::Input(OwnedInput { event, ..input() });
            encode(header(&body, 0, 1), &body, &mut images);
        }
        let body = of_this_desk(body);
        let bytes = encode(header(&body, index, seq_no), &body, &mut images.clone());
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            // A longer length than the bytes are, or a shorter one: `Truncated`, or a rest.
            match frame::split(&changed) {
                Ok((_, _, rest)) if !rest.is_empty() => {
                    let short = &changed[..changed.len() - rest.len()];
                    prop_assert!(decode(short, &mut images.clone()).is_err(), "bit {bit}");
                }
                Ok(_) => {
                    let Ok((header, decoded)) = decode(&changed, &mut images.clone()) else {
                        continue;
                    };
                    prop_assert_ne!(
                        (header.site, header.desk, header.index, header.seq_no, decoded),
                        (SiteId(3), DeskId(4), index, seq_no, body)
                    );
                    // A full image may stand where a delta would do; nothing else has two forms.
                    let in_full = encode(header, &decoded, &mut [Image::EMPTY; ROWS]);
                    if in_full != changed {
                        let again = encode(header, &decoded, &mut images.clone());
                        prop_assert_eq!(again, changed, "bit {}", bit);
                    }
                }
                Err(_) => {}
            }
        }
    }

    #[test]
    fn a_cut_record_is_truncated_and_nothing_else(body in body()) {
        let body = of_this_desk(body);
        let bytes = encode(header(&body, 1, 1), &body, &mut [Image::EMPTY; ROWS]);
        for len in 0..bytes.len() {
            prop_assert_eq!(frame::split(&bytes[..len]).unwrap_err(), FrameError::Truncated);
        }
        let (header, whole, _) = frame::split(&bytes).unwrap();
        let mut images = [Image::EMPTY; ROWS];
        for len in 0..whole.len() {
            let cut = frame::decode(header, &whole[..len], &mut Images::new(&mut images));
            prop_assert_eq!(cut.unwrap_err(), FrameError::BadBody);
        }
    }

    #[test]
    fn bytes_that_nobody_wrote_never_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 0..MAX_LEN + 8),
        kind in prop::sample::select(Kind::ALL),
        fix in any::<bool>(),
    ) {
        if fix && bytes.len() >= HEADER_LEN {
            let len = u16::try_from(bytes.len()).unwrap();
            bytes[..2].copy_from_slice(&len.to_le_bytes());
            (bytes[2], bytes[3]) = (kind.code(), frame::VERSION);
        }
        if let Ok((header, body, _)) = frame::split(&bytes) {
            let _ = frame::decode(header, body, &mut Images::new(&mut [Image::EMPTY; ROWS]));
        }
    }
}

fn input() -> OwnedInput {
    use xmc_hotpath::message::Credits;
    use xmc_hotpath::time::MonoNs;
    OwnedInput { now: MonoNs(1), credits: Credits::FULL, event: OwnedEvent::Tick }
}

fn quoted(quote: Quote) -> Body {
    Body::Input(OwnedInput { event: OwnedEvent::Quote { quote, more: false }, ..input() })
}

#[test]
fn an_unchanged_book_costs_no_levels_and_now_and_then_a_full_image() {
    let mut quote = Quote { instrument: xmc_hotpath::message::InstrumentIndex(1), ..Quote::EMPTY };
    quote.bids.price_e9 = [5, 4, 3, 2, 1];
    quote.bids.lots = [1; 5];
    quote.bids.count = 5;
    let body = quoted(quote);
    let mut images = [Image::EMPTY; ROWS];
    let mut lens = Vec::new();
    for _ in 0..=2 * u32::from(FULL_IMAGE_EVERY + 1) {
        lens.push(encode(header(&body, 0, 1), &body, &mut images).len());
    }
    let (full, delta) = (lens[0], lens[1]);
    assert_eq!(full - delta, 5 * 12);
    let period = usize::from(FULL_IMAGE_EVERY) + 1;
    for (at, len) in lens.into_iter().enumerate() {
        assert_eq!(len, if at % period == 0 { full } else { delta }, "quote {at}");
    }
}

#[test]
fn a_reader_in_the_middle_waits_for_a_full_image() {
    let quote = Quote { instrument: xmc_hotpath::message::InstrumentIndex(0), ..Quote::EMPTY };
    let mut changed = quote;
    (changed.bids.count, changed.bids.price_e9[0], changed.bids.lots[0]) = (1, 7, 7);
    (changed.asks.count, changed.asks.price_e9[0], changed.asks.lots[0]) = (1, 8, 7);
    let mut moved = changed;
    moved.bids.price_e9[0] = 6;
    let mut written = [Image::EMPTY; ROWS];
    let mut read = [Image::EMPTY; ROWS];
    encode(header(&quoted(quote), 0, 1), &quoted(quote), &mut written);
    encode(header(&quoted(changed), 0, 1), &quoted(changed), &mut written);
    let delta = encode(header(&quoted(moved), 0, 1), &quoted(moved), &mut written);
    assert_eq!(decode(&delta, &mut read).unwrap_err(), FrameError::NoImage);
    Images::new(&mut written).clear();
    let full = encode(header(&quoted(moved), 0, 1), &quoted(moved), &mut written);
    assert_eq!(decode(&full, &mut read).unwrap().1, quoted(moved));
}

#[test]
fn a_delta_that_repeats_a_level_is_refused() {
    let mut quote = Quote { instrument: xmc_hotpath::message::InstrumentIndex(0), ..Quote::EMPTY };
    (quote.bids.count, quote.asks.count) = (1, 1);
    (quote.bids.price_e9[0], quote.bids.lots[0]) = (6, 1);
    (quote.asks.price_e9[0], quote.asks.lots[0]) = (9, 1);
    let mut images = [Image::EMPTY; ROWS];
    encode(header(&quoted(quote), 0, 1), &quoted(quote), &mut images);
    quote.bids.price_e9[0] = 7;
    let mut delta = encode(header(&quoted(quote), 0, 1), &quoted(quote), &mut images.clone());
    assert_eq!(decode(&delta, &mut images.clone()).unwrap().1, quoted(quote));
    let at = delta.len() - 12;
    assert_eq!(delta[at], 7);
    delta[at] = 6;
    assert_eq!(decode(&delta, &mut images).unwrap_err(), FrameError::BadBody);
}

/// Every kind there is has been seen by the tests of this file, or they prove nothing of it.
#[test]
fn the_generators_know_every_kind() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut missing = Kind::ALL.to_vec();
    for _ in 0..2_000 {
        let body = of_this_desk(body().new_tree(&mut runner).unwrap().current());
        let bytes = encode(header(&body, 1, 1), &body, &mut [Image::EMPTY; ROWS]);
        let (header, _, _) = frame::split(&bytes).unwrap();
        missing.retain(|kind| *kind != header.kind);
    }
    assert_eq!(missing, []);
}

#[test]
fn a_buffer_that_is_too_short_takes_nothing() {
    let body = quoted(Quote::EMPTY);
    let Body::Input(input) = body else { unreachable!() };
    let whole = encode(header(&body, 0, 1), &body, &mut []);
    let writer = Writer { identity: DeskIdentity { site: SiteId(3), desk: DeskId(4), run: 0 } };
    for len in 0..whole.len() {
        let mut buffer = vec![0; len];
        let written = writer.input(1, &input.as_input(), &mut Images::new(&mut []), &mut buffer);
        assert_eq!(written, None, "{len} bytes");
    }
}
