//! The memory that hot stages work in: made once, before anything runs, and lent to them.

use xmc_hotpath::desk::timers::Timer;
use xmc_hotpath::desk::{Edge, Instrument, Spread, Storage};
use xmc_hotpath::message::{MAX_LEGS, OrderId};
use xmc_hotpath::order::Order;
use xmc_hotpath::record::frame::Image;

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
            dirty: vec![0; size.spreads],
            timers: vec![Timer::EMPTY; size.spreads],
            orders: vec![Order::FREE; size.orders],
            free_orders: vec![0; size.orders],
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
        }
    }
}

/// Rows of the last quotes written or read: one per instrument.
#[must_use]
pub fn images(instruments: usize) -> Vec<Image> {
    vec![Image::EMPTY; instruments]
}
