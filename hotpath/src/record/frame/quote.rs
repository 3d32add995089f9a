//! Quotes in the record: each as what changed since the last one of the same instrument.
//!
//! Every `FULL_IMAGE_EVERY`-th at the latest is a full image, so a reader that starts in the middle
//! finds its feet. Reader and writer keep the same `Images` to do so.

use super::super::codec::{Decoder, Encoder, Field, fields, put_rows, take_rows};
use crate::message::{Depth, InstrumentIndex, QUOTE_LEVELS, Quote, QuoteQuality, StreamId};
use crate::time::{MonoNs, UnixNs};

/// A full quote image is written at least this often, per instrument.
pub const FULL_IMAGE_EVERY: u16 = 256;

/// The last quote written or read of each instrument, and how many deltas ago its full image was.
#[derive(Debug)]
pub struct Images<'a> {
    rows: &'a mut [Image],
    /// A delta was read whose base was not.
    pub(super) is_missing: bool,
}

/// One row of `Images`.
#[derive(Clone, Copy, Debug)]
pub struct Image {
    quote: Quote,
    deltas: u16,
}

fields! {
    Image {
        quote: Quote,
        deltas: u16,
    }
}

impl Image {
    /// Nothing written or read yet.
    pub const EMPTY: Self = Self { quote: Quote::EMPTY, deltas: FULL_IMAGE_EVERY };
}

impl<'a> Images<'a> {
    /// Keeps images in `rows`, one per instrument. Instruments beyond are written in full.
    #[must_use]
    pub fn new(rows: &'a mut [Image]) -> Self {
        Self { rows, is_missing: false }
    }

    /// Forgets everything: the next quote of each instrument is a full image.
    pub fn clear(&mut self) {
        self.rows.fill(Image::EMPTY);
    }

    /// Writes them as state, for `load`.
    pub fn save(&self, out: &mut Encoder<'_>) {
        let Self { rows, is_missing: _ } = self;
        put_rows(rows, out);
    }

    /// Reads what `save` wrote of as many rows; `None` if it is something else.
    pub fn load(&mut self, input: &mut Decoder<'_>) -> Option<()> {
        self.is_missing = false;
        take_rows(self.rows, input)
    }

    #[inline]
    fn row(&mut self, instrument: InstrumentIndex) -> Option<&mut Image> {
        self.rows.get_mut(usize::try_from(instrument.0).ok()?)
    }
}

/// Set in a quote's mask when all levels follow and no earlier quote is needed. So it is whenever
/// all levels changed: a delta never carries all of them.
const FULL_IMAGE: u16 = 1 << 15;

#[inline]
pub(super) fn put(quote: &Quote, images: &mut Images<'_>, out: &mut Encoder<'_>) {
    quote.instrument.put(out);
    quote.stream.put(out);
    quote.quality.put(out);
    quote.received.put(out);
    quote.exchange.put(out);
    quote.epoch.put(out);
    quote.packet_seq_no.put(out);
    quote.skipped.put(out);
    let bid_count = level_count(&quote.bids);
    let ask_count = level_count(&quote.asks);
    bid_count.put(out);
    ask_count.put(out);
    let all = present(bid_count) | present(ask_count) << QUOTE_LEVELS;
    let mut mask = FULL_IMAGE | all;
    if let Some(row) = images.row(quote.instrument) {
        let mut deltas = 0;
        if row.deltas < FULL_IMAGE_EVERY {
            let changed = changed(&row.quote.bids, &quote.bids, bid_count)
                | changed(&row.quote.asks, &quote.asks, ask_count) << QUOTE_LEVELS;
            if changed != all {
                mask = changed;
                deltas = row.deltas.wrapping_add(1);
            }
        }
        *row = Image { quote: *quote, deltas };
    }
    mask.put(out);
    put_levels(&quote.bids, mask, out);
    put_levels(&quote.asks, mask >> QUOTE_LEVELS, out);
}

/// Levels of a side, as many as there are at most.
#[inline(always)]
fn level_count(depth: &Depth) -> u8 {
    u8::try_from(depth.count).unwrap_or(u8::MAX).min(5)
}

/// A bit for each of the first `count` levels.
#[inline(always)]
fn present(count: u8) -> u16 {
    (1_u16 << (count & 7)).wrapping_sub(1)
}

/// A bit for each of the first `count` levels that differ.
#[inline(always)]
fn changed(old: &Depth, new: &Depth, count: u8) -> u16 {
    let mut mask = 0_u16;
    let mut bit = 1_u16;
    let old_levels = old.price_e9.iter().zip(&old.lots);
    let new_levels = new.price_e9.iter().zip(&new.lots);
    for (old_level, new_level) in old_levels.zip(new_levels) {
        if old_level != new_level {
            mask |= bit;
        }
        bit <<= 1;
    }
    mask & present(count)
}

#[inline(always)]
fn put_levels(depth: &Depth, mask: u16, out: &mut Encoder<'_>) {
    let mut bits = mask;
    for (price_e9, lots) in depth.price_e9.iter().zip(&depth.lots) {
        if bits & 1 != 0 {
            price_e9.put(out);
            lots.put(out);
        }
        bits >>= 1;
    }
}

pub(super) fn take(input: &mut Decoder<'_>, images: &mut Images<'_>) -> Option<Quote> {
    let instrument = InstrumentIndex::take(input)?;
    let stream = StreamId::take(input)?;
    let quality = QuoteQuality::take(input)?;
    let received = MonoNs::take(input)?;
    let exchange = UnixNs::take(input)?;
    let epoch = u32::take(input)?;
    let packet_seq_no = u32::take(input)?;
    let skipped = u32::take(input)?;
    let bid_count = u8::take(input)?;
    let ask_count = u8::take(input)?;
    let mask = u16::take(input)?;
    let is_full = mask & FULL_IMAGE != 0;
    let all = present(bid_count) | present(ask_count) << QUOTE_LEVELS;
    let is_canonical =
        if is_full { mask == FULL_IMAGE | all } else { mask != all && mask & !all == 0 };
    if usize::from(bid_count.max(ask_count)) > QUOTE_LEVELS || !is_canonical {
        return None;
    }
    let (bids, asks) = match images.row(instrument) {
        _ if is_full => (Depth::NO_BIDS, Depth::NO_ASKS),
        Some(row) if row.deltas < FULL_IMAGE_EVERY => (row.quote.bids, row.quote.asks),
        _ => {
            images.is_missing = true;
            return None;
        }
    };
    let quote = Quote {
        received,
        exchange,
        instrument,
        epoch,
        packet_seq_no,
        skipped,
        stream,
        quality,
        bids: take_levels(&bids, Depth::NO_BIDS, bid_count, mask, is_full, input)?,
        asks: take_levels(&asks, Depth::NO_ASKS, ask_count, mask >> QUOTE_LEVELS, is_full, input)?,
    };
    if let Some(row) = images.row(instrument) {
        let deltas = if is_full { 0 } else { row.deltas.wrapping_add(1) };
        *row = Image { quote, deltas };
    }
    Some(quote)
}

fn take_levels(
    base: &Depth,
    absent: Depth,
    count: u8,
    mask: u16,
    is_full: bool,
    input: &mut Decoder<'_>,
) -> Option<Depth> {
    let mut depth = absent;
    depth.count = u32::from(count);
    let mut bits = mask;
    let levels = depth.price_e9.iter_mut().zip(&mut depth.lots);
    let bases = base.price_e9.iter().zip(&base.lots);
    for ((price_e9, lots), was) in levels.zip(bases).take(usize::from(count)) {
        if bits & 1 == 0 {
            (*price_e9, *lots) = (*was.0, *was.1);
        } else {
            *price_e9 = i64::take(input)?;
            *lots = u32::take(input)?;
            if !is_full && (&*price_e9, &*lots) == was {
                return None;
            }
        }
        bits >>= 1;
    }
    Some(depth)
}
