//! The packets of the stress run: one instrument's best bid changes size in each.

use crate::cli::CliError;
use crate::cli::latency::market::configuration;
use crate::config::Configuration;
use crate::venue::cme::mdp3::tape::entry_numbers;
use crate::venue::cme::mdp3::{BookChange, EventMark, Generation, PacketBuilder};
use std::mem::offset_of;
use xmc_hotpath::venue::cme::mdp3::layout::{Action, BookEntry, EntryKind};

/// The first instrument.
const FIRST_ID: i32 = 1_000;
/// Bids and offers of all instruments, and what is shown there.
const PRICES_E9: [i64; 2] = [400_000_000_000, 400_250_000_000];
const LOTS: i32 = 100;
/// Sizes that a best bid takes in turn.
const SIZES: i32 = 50;
/// Room for what the journal's disk may be late with.
const RING_BYTES: u64 = 1 << 28;

/// What is sent, and a configuration under which each packet makes a spread fire.
#[derive(Debug)]
pub struct Market {
    /// Spreads whose levels are always met.
    pub config: Configuration,
    /// The first packet of each instrument: its bid and its offer.
    pub first: Vec<Vec<u8>>,
    /// What follows, again and again: of each instrument in turn, leg by leg.
    pub round: Vec<Change>,
}

/// A packet whose numbers and size are written anew each time.
#[derive(Clone, Debug)]
pub struct Change {
    /// The packet.
    pub bytes: Vec<u8>,
    /// Where the number of its entry stands.
    rpt_seq_at: usize,
    /// The number that it had last.
    rpt_seq: u32,
}

impl Change {
    /// Makes it the packet with that number.
    #[inline]
    pub fn renew(&mut self, packet_seq_no: u32) {
        self.rpt_seq = self.rpt_seq.wrapping_add(1);
        let lots = LOTS + i32::try_from(self.rpt_seq % SIZES.unsigned_abs()).unwrap_or(0);
        let size_at =
            self.rpt_seq_at - offset_of!(BookEntry, rpt_seq) + offset_of!(BookEntry, size_lots);
        self.bytes[..4].copy_from_slice(&packet_seq_no.to_le_bytes());
        self.bytes[self.rpt_seq_at..][..4].copy_from_slice(&self.rpt_seq.to_le_bytes());
        self.bytes[size_at..][..4].copy_from_slice(&lots.to_le_bytes());
    }
}

/// A market of that many spreads of two instruments each.
pub fn of(spreads: u16) -> Result<Market, CliError> {
    let count = 2 * i32::from(spreads);
    let ids: Vec<i32> = (FIRST_ID..FIRST_ID + count).collect();
    let mut config = configuration(&ids)?;
    config.engine.record_ring_bytes = RING_BYTES;
    let first = ids.iter().zip(1..).map(|(id, seq_no)| {
        let sides = [(EntryKind::Bid, 1, PRICES_E9[0]), (EntryKind::Offer, 2, PRICES_E9[1])];
        let entries = sides.map(|(kind, rpt_seq, price_e9)| {
            entry(*id, kind, Action::New, (rpt_seq, price_e9)).into()
        });
        packet(seq_no, &entries)
    });
    let first = first.collect();
    // Leg one of every spread, then leg two of every spread: what a fire took from a leg is there
    // again when it comes to it.
    let legs = ids.iter().step_by(2).chain(ids.iter().skip(1).step_by(2));
    let round = legs.map(|id| {
        let change = entry(*id, EntryKind::Bid, Action::Change, (2, PRICES_E9[0]));
        let bytes = packet(0, &[change.into()]);
        let (rpt_seq_at, _, rpt_seq) = entry_numbers(&bytes)[0];
        Change { bytes, rpt_seq_at, rpt_seq }
    });
    Ok(Market { config, first, round: round.collect() })
}

fn entry(
    security_id: i32,
    kind: EntryKind,
    action: Action,
    (rpt_seq, price_e9): (u32, i64),
) -> BookChange {
    let price = Generation::V13.mantissa(price_e9).expect("version 13 says any price");
    let size_lots = Some(LOTS);
    let order_count = Some(1);
    BookChange { security_id, rpt_seq, kind, action, level: 1, price, size_lots, order_count }
}

fn packet(seq_no: u32, entries: &[BookEntry]) -> Vec<u8> {
    PacketBuilder::new(Generation::V13, seq_no, 0).book(EventMark::end(0), entries, &[]).finish()
}
