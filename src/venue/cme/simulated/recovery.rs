//! The recovery feeds: definitions and snapshots, sent in loops.
//!
//! Each loop is numbered by itself from 1 (stated by CME for definitions; for snapshots this is how
//! everybody reads it) and says how many messages it has. A snapshot shows books as they were last
//! told and names the last packet of the incremental feed that is in it. Instruments without an
//! entry since the last reset have none.
//!
//! A loop leaves as one burst: three instruments do not need pacing.

use super::channel::Channel;
use super::day::DayAccount;
use super::lines::{Group, Lines};
use crate::sim::exchange::{Exchange, ListingIndex, Phase, Shown};
use crate::sim::generator::MAX_PACKET_BYTES;
use crate::venue::cme::mdp3::{
    FutureTerms, Generation, PacketBuilder, SnapshotMark, snapshot_level,
};
use crate::venue::lines::Silence;
use xmc_hotpath::message::Side;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::MonoNs;
use xmc_hotpath::venue::cme::mdp3::layout::{
    DefinitionAction, EntryKind, Mantissa, SnapshotEntry, SnapshotRoot, TradingStatus,
};

/// When the loops are next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loops {
    definitions_at: MonoNs,
    snapshots_at: MonoNs,
}

impl Loops {
    /// Both begin at once.
    pub fn new(start: MonoNs) -> Self {
        Self { definitions_at: start, snapshots_at: start }
    }

    pub fn next_at(&self) -> MonoNs {
        self.definitions_at.min(self.snapshots_at)
    }

    /// Sends the loops that are due. Books must be whole.
    ///
    /// A channel that does not tell what happens has no snapshots: they would know more than it.
    pub fn run(&mut self, now: MonoNs, channel: &Channel, exchange: &Exchange, lines: &mut Lines) {
        let silence = channel.silence();
        let is_due = self.definitions_at <= now;
        if is_due {
            self.definitions_at = now.after(channel.settings.definitions);
        }
        if is_due && silence != Silence::Total {
            let mut burst = Burst::new(Group::Definitions, channel.utc(now));
            definitions(channel, exchange, &mut burst);
            burst.finish(lines);
        }
        let is_due = self.snapshots_at <= now;
        if is_due {
            self.snapshots_at = now.after(channel.settings.snapshots);
        }
        if is_due && silence == Silence::Off {
            let mut burst = Burst::new(Group::Snapshots, channel.utc(now));
            snapshots(now, channel, exchange, &mut burst);
            burst.finish(lines);
        }
    }
}

/// The packets of one loop, as many messages in each as fit.
struct Burst {
    group: fn(Line) -> Group,
    sent_ns: u64,
    packets: Vec<PacketBuilder>,
}

impl Burst {
    fn new(group: fn(Line) -> Group, sent_ns: u64) -> Self {
        Self { group, sent_ns, packets: Vec::new() }
    }

    fn push(&mut self, write: impl Fn(PacketBuilder) -> PacketBuilder) {
        if let Some(last) = self.packets.last_mut() {
            let longer = write(last.clone());
            if longer.len() <= MAX_PACKET_BYTES {
                *last = longer;
                return;
            }
        }
        let seq_no = u32::try_from(self.packets.len() + 1).expect("a loop is short");
        self.packets.push(write(PacketBuilder::new(Generation::V13, seq_no, self.sent_ns)));
    }

    fn finish(self, lines: &mut Lines) {
        for packet in self.packets {
            lines.send_recovery(self.group, &packet.finish());
        }
    }
}

fn definitions(channel: &Channel, exchange: &Exchange, burst: &mut Burst) {
    let report_count = u32::try_from(channel.rows.len()).expect("instruments are few");
    for (row, (_, engine)) in channel.rows.iter().zip(exchange.listings()) {
        let (contract, listing) = (&row.contract, engine.listing());
        let depth = exchange.rules().depth;
        let terms = FutureTerms {
            report_count,
            action: DefinitionAction::Add,
            channel: channel.settings.channel,
            market_segment: channel.settings.market_segment,
            exchange: &contract.exchange,
            security_group: &contract.asset,
            asset: &contract.asset,
            symbol: &listing.symbol,
            security_id: contract.security_id,
            maturity: contract.maturity,
            currency: &contract.currency,
            tick: Mantissa::new(listing.tick_e9),
            display_factor: Mantissa::new(1_000_000_000),
            max_lots: listing.max_order_lots,
            depths: (i8::try_from(depth).expect("at most 10 levels"), None),
            active_ns: (channel.settings.utc_origin.0, u64::MAX - 1),
        };
        burst.push(|packet| packet.future(&terms));
    }
}

fn snapshots(now: MonoNs, channel: &Channel, exchange: &Exchange, burst: &mut Burst) {
    let active = || (0..).map(ListingIndex).zip(&channel.rows).filter(|(_, row)| row.rpt_seq > 0);
    let report_count = u32::try_from(active().count()).expect("instruments are few");
    for (listing, row) in active() {
        let Some((shown, _)) = exchange.published(listing) else { continue };
        let day = row.day.account();
        let [high_limit, low_limit, max_variation] = day.limits();
        let root = SnapshotRoot::from(SnapshotMark {
            last_seq_no: channel.last_seq_no(),
            report_count,
            security_id: row.contract.security_id,
            rpt_seq: row.rpt_seq,
            transact_ns: channel.utc(now),
            trading_status: match row.phase {
                Phase::PreOpen => TradingStatus::PreOpen,
                Phase::Open => TradingStatus::ReadyToTrade,
                Phase::Halted => TradingStatus::TradingHalt,
                Phase::Closed => TradingStatus::Close,
            }
            .to_wire(),
        });
        let root = SnapshotRoot { high_limit, low_limit, max_variation, ..root };
        let entries = entries(shown, &day);
        burst.push(|packet| packet.snapshot(&root, &entries));
    }
}

fn entries(shown: &Shown, day: &DayAccount) -> Vec<SnapshotEntry> {
    let signed = |count: u32| i32::try_from(count).unwrap_or(i32::MAX - 1);
    let mut entries = Vec::new();
    for (side, kind) in [(Side::Buy, EntryKind::Bid), (Side::Sell, EntryKind::Offer)] {
        for (rung, place) in shown.side(side).iter().zip(1..) {
            let price = Mantissa::new(rung.price_e9);
            let orders = Some(signed(rung.orders));
            entries.push(snapshot_level(kind, place, price, signed(rung.lots), orders));
        }
    }
    entries.extend(day.snapshot_entries());
    entries
}
