//! The truth: what a simulated venue booked, whether or not anybody was told.

use std::collections::BTreeMap;

use xmc_hotpath::message::{OrderId, Side};

/// One booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Booking {
    /// The execution id it is reported with.
    pub exec_id: u64,
    /// The order it belongs to.
    pub order_id: OrderId,
    /// What was traded, as the venue's side of the simulator names it.
    pub instrument: u32,
    /// The side that was booked; of a bust, that of the fill taken back.
    pub side: Side,
    /// Lots.
    pub lots: u32,
    /// Takes a fill back.
    pub is_bust: bool,
    /// The venue kept its own rules: the order was live, the lots were open, price and side right.
    pub is_honest: bool,
}

impl Booking {
    /// Lots that it adds to the position.
    pub fn signed(&self) -> i64 {
        let lots = i64::from(self.lots);
        if (self.side == Side::Buy) == self.is_bust { -lots } else { lots }
    }
}

/// All bookings of one venue, in order.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    bookings: Vec<Booking>,
    positions: BTreeMap<u32, i64>,
}

impl Ledger {
    /// Books.
    pub fn book(&mut self, booking: Booking) {
        *self.positions.entry(booking.instrument).or_default() += booking.signed();
        self.bookings.push(booking);
    }

    /// Everything booked, in order.
    pub fn bookings(&self) -> &[Booking] {
        &self.bookings
    }

    /// The net position in an instrument.
    pub fn position(&self, instrument: u32) -> i64 {
        self.positions.get(&instrument).copied().unwrap_or(0)
    }
}
