//! The memory that a simulated desk works in, owned.

use xmc_hotpath::desk::{Edge, Instrument, Spread, Storage, timers::Timer};
use xmc_hotpath::message::MAX_LEGS;
use xmc_hotpath::order::Order;

/// Arenas of a desk. Lend them to `Desk::new` with `lend`.
#[derive(Debug)]
pub struct Arenas {
    instruments: Vec<Instrument>,
    spreads: Vec<Spread>,
    edges: Vec<Edge>,
    dirty: Vec<u32>,
    timers: Vec<Timer>,
    orders: Vec<Order>,
    free_orders: Vec<u32>,
}

impl Arenas {
    /// Room for so many instruments, spreads and live orders.
    pub fn new(instruments: usize, spreads: usize, orders: usize) -> Self {
        Self {
            instruments: vec![Instrument::EMPTY; instruments],
            spreads: vec![Spread::EMPTY; spreads],
            edges: vec![Edge::EMPTY; spreads * MAX_LEGS],
            dirty: vec![0; spreads],
            timers: vec![Timer::EMPTY; spreads],
            orders: vec![Order::FREE; orders],
            free_orders: vec![0; orders],
        }
    }

    /// Lends all of it.
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
