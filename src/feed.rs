//! The cold twin of `xmc_hotpath::feed`: makes the storage that a feed stage borrows.

use xmc_hotpath::book::{Day, Instrument, Row, Slot};
use xmc_hotpath::feed::{Digest, FeedStorage, Held};
use xmc_hotpath::ring::{QuoteSender, Sender, Waiting};

use xmc_hotpath::message::Quote;

/// How much a feed can keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedCapacity {
    /// Instruments of the channel, quoted or not; entries of more are counted and dropped.
    pub instruments: usize,
    /// Rows of the desk's instrument table.
    pub quoted: usize,
    /// Packets that can wait for one before them; rounded up to a power of two, at least 16.
    pub held: usize,
    /// Packets whose copies are compared; rounded up to a power of two, at least 16.
    pub digests: usize,
}

/// The storage of one feed. Allocated once, before the start.
#[derive(Debug)]
pub struct FeedMemory {
    instruments: Vec<Instrument>,
    days: Vec<Day>,
    slots: Vec<Slot>,
    touched: Vec<Row>,
    held: Vec<Held>,
    digests: Vec<Digest>,
    waiting: Vec<Waiting>,
    order: Vec<u32>,
}

impl FeedMemory {
    /// Storage for `capacity`.
    pub fn new(capacity: FeedCapacity) -> Self {
        let FeedCapacity { instruments, quoted, held, digests } = capacity;
        Self {
            instruments: vec![Instrument::EMPTY; instruments],
            days: vec![Day::UNKNOWN; instruments],
            slots: vec![Slot::FREE; (instruments * 2).next_power_of_two().max(2)],
            touched: vec![Row::NONE; instruments],
            held: vec![Held::FREE; held.next_power_of_two().max(16)],
            digests: vec![Digest::FREE; digests.next_power_of_two().max(16)],
            waiting: vec![Waiting::EMPTY; quoted],
            order: vec![0; quoted],
        }
    }

    /// Lends it to a feed, together with the writing end of its ring of quotes.
    pub fn lend(&mut self, quotes: Sender<Quote>) -> (FeedStorage<'_>, QuoteSender<'_>) {
        let storage = FeedStorage {
            instruments: &mut self.instruments,
            days: &mut self.days,
            slots: &mut self.slots,
            touched: &mut self.touched,
            held: &mut self.held,
            digests: &mut self.digests,
        };
        (storage, QuoteSender::new(quotes, &mut self.waiting, &mut self.order))
    }
}
