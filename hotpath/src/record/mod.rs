//! The record: what the desk was told and what it did, in order, as bytes.
//!
//! `codec` is the canonical encoding of fields, `frame` that of whole records, `ring` the
//! shared-memory ring that outlives the process. Writing them to disk, chaining, sealing and
//! verifying is the cold side's work (`cross_market_connect::journal`, `::audit`).

pub mod codec;
pub mod frame;
pub mod ring;

/// Where a desk's records go. Nothing is dropped: the desk takes no input for whose records there
/// may not be room. In production it is the `ring::Producer` of a shared-memory file.
pub trait RecordSink {
    /// Whether `bytes` bytes of records can be staged now.
    fn has_room(&mut self, bytes: usize) -> bool;

    /// How full it is, in percent.
    fn used_pct(&mut self) -> u8;

    /// Up to where the reader has given room back, in a unit of its own; `None` if it has all. So a
    /// reader that does not get on with it shows.
    fn released(&mut self) -> Option<u64> {
        None
    }

    /// Adds one whole record to what the next `publish` makes visible.
    ///
    /// # Errors
    /// `NoRoom` if it does not fit; nothing was added.
    fn stage(&mut self, record: &[u8]) -> Result<(), NoRoom>;

    /// Makes everything staged visible to the journal writer, at once. From then on it outlives
    /// this process.
    fn publish(&mut self);

    /// Fetches the memory of the next records ahead of time. Changes nothing that is seen.
    fn warm(&mut self) {}

    /// An input is about to be written: gets back what the reader has touched. Changes nothing that
    /// is seen.
    fn reclaim(&mut self) {}
}

impl RecordSink for ring::Producer<'_> {
    #[inline]
    fn has_room(&mut self, bytes: usize) -> bool {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.free_bytes(bytes) >= bytes
    }

    #[inline]
    fn used_pct(&mut self) -> u8 {
        ring::Producer::used_pct(self)
    }

    fn released(&mut self) -> Option<u64> {
        ring::Producer::released(self)
    }

    #[inline]
    fn stage(&mut self, record: &[u8]) -> Result<(), NoRoom> {
        ring::Producer::stage(self, record).map_err(|_| NoRoom)
    }

    #[inline]
    fn publish(&mut self) {
        ring::Producer::publish(self);
    }

    #[inline]
    fn warm(&mut self) {
        ring::Producer::warm(self);
    }

    #[inline]
    fn reclaim(&mut self) {
        ring::Producer::reclaim(self);
    }
}

/// The record did not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom;

/// The most bytes that one input and all that it can cause take in the record.
pub const WORST_INPUT_LEN: usize =
    frame::MAX_LEN * (1 + crate::desk::ORDERS_MAX + crate::desk::DETAILS_MAX);
