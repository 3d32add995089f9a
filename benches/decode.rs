//! Decoding MDP 3.0: the entries of packets alone, then the whole feed with books and quotes.

#[expect(dead_code, reason = "each bench uses a part of it")]
mod fixture;
#[expect(dead_code, reason = "each bench uses a part of it")]
mod measure;

use cross_market_connect::feed::{FeedCapacity, FeedMemory};
use measure::{Bench, Stopwatch, fold, fold_signed};
use rtrb::RingBuffer;
use std::collections::BTreeSet;
use xmc_hotpath::book::View;
use xmc_hotpath::feed::{ArbiterLimits, ChannelSettings, Feed, FeedCounters, Join};
use xmc_hotpath::message::{InstrumentIndex, Quote, StreamId};
use xmc_hotpath::port::{Datagram, Line};
use xmc_hotpath::ring::{Receiver, ends};
use xmc_hotpath::time::{MonoNs, Span};
use xmc_hotpath::venue::cme::mdp3::decode::{self, Message};
use xmc_hotpath::venue::cme::mdp3::feed::Mdp3;

/// Packets that are decoded: the recorded line.
const PACKETS: usize = 5_000;
/// Packets of one batch.
const BATCH: usize = 100;

/// All its figures.
pub fn main() {
    let mut bench = Bench::start("decode");
    let (packets, origin) = fixture::packets(PACKETS);
    let entries = entries_in(&packets);
    bench.note(&format!("{origin}; {entries} entries; figures are per entry"));

    let batches: Vec<_> = packets.chunks(BATCH).map(|chunk| (chunk, entries_in(chunk))).collect();
    let mut next = batches.iter().cycle();
    bench.parts("decode", |watch| {
        let (chunk, entries) = next.next().expect("there are packets");
        (*entries, watch.time(|| hot_decode(chunk)))
    });

    let mut memory = FeedMemory::new(capacity());
    let instruments = instruments(&packets);
    bench.note("feed: one line, arbitration, decoding, books and quotes; a batch is all packets");
    bench.parts("feed", |watch| {
        let digest = feed_pass(&packets, &instruments, &mut memory, watch);
        (entries, digest)
    });
}

fn entries_in(packets: &[Vec<u8>]) -> u64 {
    packets.iter().map(|packet| entries_of(packet)).sum()
}

fn entries_of(packet: &[u8]) -> u64 {
    let packet = decode::packet(packet).expect("a whole packet");
    let entries = packet.messages().map(|framed| {
        let message = framed.decode().expect("a message that decodes");
        message.entry_views().count() as u64
    });
    entries.sum()
}

/// Decodes packets and looks at everything that a book needs.
#[inline(never)]
fn hot_decode(packets: &[Vec<u8>]) -> u64 {
    let mut digest = 0;
    for bytes in packets {
        let Ok(packet) = decode::packet(bytes) else { continue };
        digest = fold(digest, u64::from(packet.seq_no()));
        for framed in packet.messages() {
            digest = match framed.decode() {
                Ok(Message::Book(book)) => book.entries.fold(digest, |digest, entry| {
                    let price = book.scale.price_e9(entry.price).ok().flatten().unwrap_or(0);
                    let place = [entry.level, entry.action, entry.kind, 0];
                    let digest = fold_signed(digest, price);
                    let digest = fold(digest, u64::from(u32::from_le_bytes(place)));
                    let lots = i64::from(entry.size_lots.get());
                    fold_signed(fold(digest, u64::from(entry.rpt_seq.get())), lots)
                }),
                Ok(Message::Trade(trade)) => trade
                    .entries
                    .fold(digest, |digest, entry| fold(digest, u64::from(entry.rpt_seq.get()))),
                Ok(Message::Volume(volume)) => volume
                    .entries
                    .fold(digest, |digest, entry| fold(digest, u64::from(entry.rpt_seq.get()))),
                Ok(Message::SessionStatistics(statistics)) => statistics
                    .entries
                    .fold(digest, |digest, entry| fold(digest, u64::from(entry.rpt_seq.get()))),
                Ok(_) => digest,
                Err(error) => fold(digest, 1 + error.index() as u64),
            };
        }
    }
    digest
}

fn capacity() -> FeedCapacity {
    FeedCapacity { instruments: 256, quoted: 256, held: 16, digests: 1024 }
}

/// Sends all packets through a feed that knows their instruments already.
fn feed_pass(
    packets: &[Vec<u8>],
    instruments: &BTreeSet<i32>,
    memory: &mut FeedMemory,
    watch: &mut Stopwatch<'_>,
) -> u64 {
    let counters = FeedCounters::default();
    let (quotes_in, mut quotes) = ends(RingBuffer::new(1 << 10));
    let (updates_in, _updates) = ends(RingBuffer::new(64));
    let (storage, quotes_in) = memory.lend(quotes_in);
    let settings =
        ChannelSettings { stream: StreamId(1), join: Join::AssumeEmpty, view: View::Outright };
    let limits = ArbiterLimits {
        hold_for: Span(1_000_000),
        line_reorder: 0,
        silent_after: Span(u64::MAX),
        lossy_after: Span(u64::MAX),
        stale_after: Span(u64::MAX),
    };
    let feed =
        Feed::new(Mdp3::new(None), settings, limits, storage, quotes_in, updates_in, &counters);
    let mut feed = feed.expect("the memory has the right size");
    for (security_id, row) in instruments.iter().zip(0..) {
        feed.channel_mut().books_mut().add(*security_id, Some(InstrumentIndex(row)));
    }
    let mut digest = 0;
    for chunk in packets.chunks(BATCH) {
        watch.time(|| hot_feed(&mut feed, chunk));
        digest = drain(&mut quotes, digest);
    }
    fold(digest, counters.applied.get())
}

/// Takes packets of line A.
#[inline(never)]
fn hot_feed(feed: &mut Feed<'_, Mdp3>, packets: &[Vec<u8>]) {
    for payload in packets {
        feed.on_datagram(&Datagram { payload, received: MonoNs(1), line: Line::A });
    }
}

fn drain(quotes: &mut Receiver<Quote>, mut digest: u64) -> u64 {
    while let Some(quote) = quotes.pop() {
        digest = fold_signed(digest, quote.bids.best_e9());
        digest = fold_signed(digest, quote.asks.best_e9());
    }
    digest
}

fn instruments(packets: &[Vec<u8>]) -> BTreeSet<i32> {
    let mut ids = BTreeSet::new();
    for packet in packets {
        for framed in decode::packet(packet).expect("a whole packet").messages() {
            let message = framed.decode().expect("a message that decodes");
            ids.extend(message.entry_views().filter_map(|view| view.security_id));
        }
    }
    ids
}
