//! The memory that hot stages work in: made once, before anything runs, and lent to them.

use rtrb::RingBuffer;
use xmc_hotpath::desk::timers::Timer;
use xmc_hotpath::desk::{Edge, Instrument, Spread, Storage};
use xmc_hotpath::message::{MAX_LEGS, OrderId, RULES, UserRule};
use xmc_hotpath::order::Order;
use xmc_hotpath::record::frame::Image;
use xmc_hotpath::ring::{Receiver, Sender, ends};

/// What one desk works in.
#[derive(Debug)]
pub struct DeskMemory {
    instruments: Vec<Instrument>,
    spreads: Vec<Spread>,
    edges: Vec<Edge>,
    dirty: Vec<u32>,
    timers: Vec<Timer>,
    orders: Vec<Order>,
    free_orders: Vec<u32>,
    rules: Vec<Option<UserRule>>,
}

/// How many rows a desk's tables have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeskSize {
    /// Instruments.
    pub instruments: usize,
    /// Spreads.
    pub spreads: usize,
    /// Orders that can live at once; at most `OrderId::SLOTS` are used.
    pub orders: usize,
}

impl DeskSize {
    /// The rows as they are written into the record's first entry.
    #[must_use]
    pub fn arenas(self) -> [u32; 3] {
        [self.instruments, self.spreads, self.orders]
            .map(|rows| u32::try_from(rows).unwrap_or(u32::MAX))
    }

    /// The size that a record's first entry names.
    #[must_use]
    pub fn of_arenas(arenas: [u32; 3]) -> Self {
        let [instruments, spreads, orders] =
            arenas.map(|rows| usize::try_from(rows).unwrap_or(usize::MAX));
        Self { instruments, spreads, orders }
    }

    /// A desk for so many instruments and spreads, with as many orders as there can be.
    #[must_use]
    pub fn new(instruments: usize, spreads: usize) -> Self {
        let orders = usize::try_from(OrderId::SLOTS).expect("a few thousand");
        Self { instruments, spreads, orders }
    }
}

impl DeskMemory {
    /// Makes the tables.
    #[must_use]
    pub fn new(size: DeskSize) -> Self {
        Self {
            instruments: vec![Instrument::EMPTY; size.instruments],
            spreads: vec![Spread::EMPTY; size.spreads],
            edges: vec![Edge::EMPTY; size.spreads * MAX_LEGS],
            dirty: vec![0; 2 * size.spreads],
            timers: vec![Timer::EMPTY; size.spreads],
            orders: vec![Order::FREE; size.orders],
            free_orders: vec![0; size.orders],
            rules: vec![None; size.spreads * RULES],
        }
    }

    /// Lends them to a desk.
    pub fn lend(&mut self) -> Storage<'_> {
        Storage {
            instruments: &mut self.instruments,
            spreads: &mut self.spreads,
            edges: &mut self.edges,
            dirty: &mut self.dirty,
            timers: &mut self.timers,
            orders: &mut self.orders,
            free_orders: &mut self.free_orders,
            rules: &mut self.rules,
        }
    }
}

/// Rows of the last quotes written or read: one per instrument.
#[must_use]
pub fn images(instruments: usize) -> Vec<Image> {
    vec![Image::EMPTY; instruments]
}

/// A ring all of whose memory is there: `filler` was written to each slot, and is never read. Else
/// each page of it would come from the kernel when the ring first gets there, which is minutes
/// after the start where quotes are few, on the hot path, and looks like memory that grows.
#[must_use]
pub fn ring<T: Copy>(depth: usize, filler: T) -> (Sender<T>, Receiver<T>) {
    let (mut producer, consumer) = RingBuffer::new(depth);
    if let Ok(mut slots) = producer.write_chunk_uninit(depth) {
        let (first, second) = slots.as_mut_slices();
        for slot in first.iter_mut().chain(second) {
            slot.write(filler);
        }
    }
    ends((producer, consumer))
}
