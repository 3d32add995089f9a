//! What a schedule came to: sums, so that those of several schedules add up.

use std::collections::BTreeMap;

use xmc_hotpath::message::{AlertKind, Gate, RepairWay};

use super::Ends;
use crate::sim::endings::{Cause, FireEnds};
use crate::sim::fault::Hits;

/// What a schedule came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Inputs that the desk took.
    pub inputs: u64,
    /// Orders that it sent.
    pub orders: u64,
    /// How often it asked how one stands.
    pub asks: u64,
    /// Fires that ended whole, with something done.
    pub traded: u64,
    /// Bookings of the venues.
    pub bookings: u64,
    /// Bytes of the record that was replayed.
    pub record_bytes: u64,
    /// Replays that went through a snapshot of the desk.
    pub snapshots: u64,
    /// Faults that struck.
    pub hits: Hits,
    /// Decisions by gate.
    pub gates: BTreeMap<Gate, u64>,
    /// Alerts by kind.
    pub alerts: BTreeMap<AlertKind, u64>,
    /// Repairs that were sent, by way.
    pub repairs: BTreeMap<RepairWay, u64>,
    /// Fires that ended in ratio after repairs.
    pub repaired: u64,
    /// Schedules in which they may meet inside; one or none of one schedule.
    pub may_meet: u64,
    /// Times that needs of two spreads met inside.
    pub inside: u64,
    /// Lots of these.
    pub inside_lots: u64,
    /// Spreads that were removed.
    pub removed: u64,
    /// Batches of legs that followed another one.
    pub followed: u64,
    /// Orders that rested and were taken back.
    pub pulled: u64,
    /// Rulings of the user's rules that were told.
    pub ruled: u64,
    /// How spreads have ended that may be repaired.
    pub ends: Ends,
    /// How fires have.
    pub fire_ends: FireEnds,
    /// Why those did that have left lots over.
    pub causes: BTreeMap<Cause, u64>,
}

impl Outcome {
    /// Adds what another schedule came to.
    pub fn add(&mut self, other: &Self) {
        self.inputs += other.inputs;
        self.orders += other.orders;
        self.asks += other.asks;
        self.traded += other.traded;
        self.bookings += other.bookings;
        self.record_bytes += other.record_bytes;
        self.snapshots += other.snapshots;
        self.hits.add(&other.hits);
        for (gate, count) in &other.gates {
            *self.gates.entry(*gate).or_default() += count;
        }
        for (kind, count) in &other.alerts {
            *self.alerts.entry(*kind).or_default() += count;
        }
        for (way, count) in &other.repairs {
            *self.repairs.entry(*way).or_default() += count;
        }
        self.repaired += other.repaired;
        self.may_meet += other.may_meet;
        self.inside += other.inside;
        self.inside_lots += other.inside_lots;
        self.removed += other.removed;
        self.followed += other.followed;
        self.pulled += other.pulled;
        self.ruled += other.ruled;
        self.ends.add(&other.ends);
        self.fire_ends.add(&other.fire_ends);
        for (cause, count) in &other.causes {
            *self.causes.entry(*cause).or_default() += count;
        }
    }
}
