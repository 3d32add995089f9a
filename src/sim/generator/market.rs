//! One instrument of the venue: its books, its counters, and what an event does to them.

use super::Listing;
use super::book::{Edit, Rung, Side};
use super::event::Told;
use super::price::{Basis, Factor};
use crate::venue::cme::mdp3::{BookChange, TradePrint, volume_entry};
use xmc_hotpath::book::{BookSide, Level};
use xmc_hotpath::venue::cme::mdp3::layout::{
    Action, AggressorSide, BookEntry, EntryKind, Mantissa, SessionStatisticsEntry, TradeEntry,
    TradeOrderEntry, U8_NULL,
};
use xmc_hotpath::wire::{I32Le, U32Le, U64Le};

/// Levels that the venue knows beyond the shown ones.
const HIDDEN: usize = 4;
/// An outright side is filled up when it has fewer.
const FEW: usize = 3;

/// An instrument as the venue knows it. What a correct decoder has built after the last packet of
/// an event is exactly what this shows.
#[derive(Clone, Debug)]
pub struct Instrument {
    listing: Listing,
    basis: Basis,
    rpt_seq: u32,
    volume_lots: i32,
    /// Lowest and highest trade so far, in ticks.
    traded: Option<(i64, i64)>,
    bids: Side,
    asks: Side,
    implied_bids: Side,
    implied_asks: Side,
    edits: Vec<Edit>,
}

impl Instrument {
    pub(super) fn new(listing: Listing) -> Self {
        let (tick, depth) = (listing.tick_e9, listing.depth);
        assert!(tick > 0, "the tick of {} is above 0", listing.security_id);
        assert!((1..=10).contains(&depth), "a book shows 1 to 10 levels, not {depth}");
        assert!(listing.implied_depth <= 2, "an implied book shows at most 2 levels");
        // Room for a whole side between the fair price and the ends.
        let margin = 40;
        let bounds = (
            listing.min_price_e9.div_euclid(tick) + margin,
            listing.max_price_e9.div_euclid(tick) - margin,
        );
        assert!(bounds.0 < bounds.1, "{} has room for its prices", listing.security_id);
        let start = listing.start_e9.div_euclid(tick);
        Self {
            basis: Basis::new(start, bounds, listing.reach_ticks),
            rpt_seq: 0,
            volume_lots: 0,
            traded: None,
            bids: Side::new(EntryKind::Bid, depth, HIDDEN),
            asks: Side::new(EntryKind::Offer, depth, HIDDEN),
            implied_bids: Side::new(EntryKind::ImpliedBid, listing.implied_depth, 0),
            implied_asks: Side::new(EntryKind::ImpliedOffer, listing.implied_depth, 0),
            edits: Vec::new(),
            listing,
        }
    }

    /// What it was listed as.
    #[must_use]
    pub fn listing(&self) -> &Listing {
        &self.listing
    }

    /// Number of the last entry sent, of whatever kind; 0 before the first.
    #[must_use]
    pub fn rpt_seq(&self) -> u32 {
        self.rpt_seq
    }

    /// The levels that the market sees, best first.
    pub fn levels(&self, side: BookSide) -> impl Iterator<Item = Level> + '_ {
        let side = match side {
            BookSide::Bid => &self.bids,
            BookSide::Ask => &self.asks,
            BookSide::ImpliedBid => &self.implied_bids,
            BookSide::ImpliedAsk => &self.implied_asks,
        };
        side.shown().iter().map(|rung| Level {
            price_e9: self.price_e9(rung.ticks),
            lots: rung.lots,
            orders: rung.orders,
        })
    }

    /// A change of the books without a trade; never without an entry.
    pub(super) fn quote(&mut self, rng: &mut fastrand::Rng, factor: &Factor, told: &mut Told) {
        self.basis.step(rng);
        self.requote(rng, factor);
        if self.edits.is_empty() || rng.u32(..4) == 0 {
            self.stir(rng);
        }
        if self.edits.is_empty() {
            resize(rng, &mut self.bids, 0, &mut self.edits);
        }
        self.tell_outright(told);
        self.imply(rng, told);
    }

    /// A trade against one side; nothing happens if that side is nearly empty.
    pub(super) fn trade(&mut self, rng: &mut fastrand::Rng, factor: &Factor, told: &mut Told) {
        let is_buy = rng.bool();
        let resting = if is_buy { &mut self.asks } else { &mut self.bids };
        let mut prints = Vec::new();
        let levels = if rng.u32(..8) == 0 { 3 } else { 1 };
        for _ in 0..levels {
            if resting.rungs().len() < FEW {
                break;
            }
            let best = resting.rungs()[0];
            let (lots, orders) = take(rng, best);
            prints.push(Rung { lots, orders, ..best });
            if lots < best.lots {
                let orders = (best.orders - orders + 1).min(best.lots - lots);
                resting.put(Rung { lots: best.lots - lots, orders, ..best }, &mut self.edits);
                break;
            }
            resting.remove(0, &mut self.edits);
        }
        self.basis.push(if is_buy { 300 } else { -300 });
        prints.iter().for_each(|print| self.tell_trade(rng, is_buy, *print, told));
        if let Some(print) = prints.last() {
            self.tell_volume(told);
            self.requote(rng, factor);
            self.tell_outright(told);
            self.tell_extremes(print.ticks, told);
            self.imply(rng, told);
        } else {
            self.quote(rng, factor, told);
        }
    }

    /// Brings the best prices to where the fair price wants them. The side that gives way goes
    /// first, so that the book is not crossed between two entries either.
    fn requote(&mut self, rng: &mut fastrand::Rng, factor: &Factor) {
        let fair = self.basis.fair(factor);
        let width = if rng.u32(..8) == 0 { rng.i64(2..=3) } else { 1 };
        let bid = (fair - width * 500).div_euclid(1_000);
        let is_rising = self.bids.best().is_some_and(|best| bid > best);
        let edits = &mut self.edits;
        if is_rising {
            settle(rng, &mut self.asks, bid + width, edits);
            settle(rng, &mut self.bids, bid, edits);
        } else {
            settle(rng, &mut self.bids, bid, edits);
            settle(rng, &mut self.asks, bid + width, edits);
        }
    }

    /// Something happens away from the fair price: mostly at the best level, less often below.
    fn stir(&mut self, rng: &mut fastrand::Rng) {
        let side = if rng.bool() { &mut self.bids } else { &mut self.asks };
        let count = side.rungs().len();
        let place = if rng.bool() { 0 } else { rng.usize(..count) };
        match rng.u32(..8) {
            0 if place > 0 && count > FEW => side.remove(place, &mut self.edits),
            1 | 2 => {
                let rung = side.rungs()[place];
                let ticks = side.worse(rung.ticks, rng.i64(1..=2));
                side.put(draw(rng, ticks), &mut self.edits);
            }
            _ => resize(rng, side, place, &mut self.edits),
        }
    }

    /// The implied book follows: it is never better than the outright one, and may be absent.
    fn imply(&mut self, rng: &mut fastrand::Rng, told: &mut Told) {
        if self.listing.implied_depth == 0 {
            return;
        }
        let pairs = [(&mut self.implied_bids, &self.bids), (&mut self.implied_asks, &self.asks)];
        for (implied, outright) in pairs {
            let Some(best) = outright.best() else { continue };
            implied.retreat(best, &mut self.edits);
            if rng.u32(..3) > 0 {
                continue;
            }
            let far = implied.rungs().len() == implied.room() && rng.bool();
            if far {
                implied.remove(rng.usize(..implied.room()), &mut self.edits);
            } else {
                let ticks = outright.worse(best, rng.i64(0..=3));
                implied.put(Rung { ticks, lots: rng.u32(1..=20), orders: 0 }, &mut self.edits);
            }
        }
        let edits = std::mem::take(&mut self.edits);
        told.implied.extend(edits.iter().map(|edit| self.entry(*edit)));
        self.edits = edits;
        self.edits.clear();
    }

    fn tell_outright(&mut self, told: &mut Told) {
        let edits = std::mem::take(&mut self.edits);
        told.outright.extend(edits.iter().map(|edit| self.entry(*edit)));
        self.edits = edits;
        self.edits.clear();
    }

    fn entry(&mut self, edit: Edit) -> BookEntry {
        let is_implied = matches!(edit.kind, EntryKind::ImpliedBid | EntryKind::ImpliedOffer);
        BookEntry::from(BookChange {
            security_id: self.listing.security_id,
            rpt_seq: self.next_rpt_seq(),
            kind: edit.kind,
            action: edit.action,
            level: edit.level,
            price: Mantissa::new(self.price_e9(edit.rung.ticks)),
            size_lots: Some(signed(edit.rung.lots)),
            order_count: (!is_implied).then(|| signed(edit.rung.orders)),
        })
    }

    /// One price of a trade: the aggressor's order first, then those that rested.
    fn tell_trade(&mut self, rng: &mut fastrand::Rng, is_buy: bool, print: Rung, told: &mut Told) {
        self.volume_lots = self.volume_lots.wrapping_add(signed(print.lots));
        let rpt_seq = self.next_rpt_seq();
        told.trades.push(TradeEntry::from(TradePrint {
            security_id: self.listing.security_id,
            rpt_seq,
            price: Mantissa::new(self.price_e9(print.ticks)),
            size_lots: signed(print.lots),
            order_count: signed(print.orders + 1),
            aggressor: if is_buy { AggressorSide::Buy } else { AggressorSide::Sell },
            trade_id: rpt_seq,
        }));
        let mut order = |lots: u32| TradeOrderEntry {
            order_id: U64Le::new(rng.u64(1..1 << 40)),
            last_lots: I32Le::new(signed(lots)),
            pad: [0; 4],
        };
        told.trade_orders.push(order(print.lots));
        for resting in 1..=print.orders {
            let is_last = resting == print.orders;
            let lots = if is_last { print.lots - print.orders + 1 } else { 1 };
            told.trade_orders.push(order(lots));
        }
    }

    fn tell_volume(&mut self, told: &mut Told) {
        let rpt_seq = self.next_rpt_seq();
        told.volumes.push(volume_entry(self.listing.security_id, rpt_seq, self.volume_lots));
    }

    /// The session's highest and lowest trade, when there is a new one.
    fn tell_extremes(&mut self, ticks: i64, told: &mut Told) {
        let (low, high) = self.traded.unwrap_or((i64::MAX, i64::MIN));
        for (kind, is_new) in
            [(EntryKind::HighTrade, ticks > high), (EntryKind::LowTrade, ticks < low)]
        {
            if is_new {
                told.statistics.push(SessionStatisticsEntry {
                    price: Mantissa::new(self.price_e9(ticks)),
                    security_id: I32Le::new(self.listing.security_id),
                    rpt_seq: U32Le::new(self.next_rpt_seq()),
                    open_close_settle: U8_NULL,
                    action: Action::New.to_wire(),
                    kind: kind.to_wire(),
                    size_lots: I32Le::new(i32::MAX),
                    pad: [0; 1],
                });
            }
        }
        self.traded = Some((low.min(ticks), high.max(ticks)));
    }

    fn next_rpt_seq(&mut self) -> u32 {
        self.rpt_seq = self.rpt_seq.wrapping_add(1);
        self.rpt_seq
    }

    fn price_e9(&self, ticks: i64) -> i64 {
        ticks * self.listing.tick_e9
    }
}

/// Makes `best` the best price of a side, and fills the side up if it is thin.
fn settle(rng: &mut fastrand::Rng, side: &mut Side, best: i64, edits: &mut Vec<Edit>) {
    side.retreat(best, edits);
    if side.best() != Some(best) {
        side.put(draw(rng, best), edits);
    }
    if side.rungs().len() < FEW {
        while side.rungs().len() < side.room() - 2 {
            let worst = side.rungs()[side.rungs().len() - 1].ticks;
            let distance = if rng.u32(..4) == 0 { 2 } else { 1 };
            side.put(draw(rng, side.worse(worst, distance)), edits);
        }
    }
}

/// Gives a level other lots.
fn resize(rng: &mut fastrand::Rng, side: &mut Side, place: usize, edits: &mut Vec<Edit>) {
    let old = side.rungs()[place];
    let drawn = draw(rng, old.ticks);
    let lots = if drawn.lots == old.lots { old.lots + 1 } else { drawn.lots };
    side.put(Rung { lots, ..drawn }, edits);
}

/// A level: mostly few lots, sometimes many.
fn draw(rng: &mut fastrand::Rng, ticks: i64) -> Rung {
    let lots = if rng.u32(..8) == 0 { rng.u32(20..=300) } else { rng.u32(1..20) };
    Rung { ticks, lots, orders: rng.u32(1..=lots.min(12)) }
}

/// What a trade takes from a level, and from how many orders.
fn take(rng: &mut fastrand::Rng, rung: Rung) -> (u32, u32) {
    if rng.u32(..3) == 0 {
        return (rung.lots, rung.orders);
    }
    let lots = rng.u32(1..=rung.lots);
    if lots == rung.lots { (lots, rung.orders) } else { (lots, rng.u32(1..=rung.orders.min(lots))) }
}

fn signed(value: u32) -> i32 {
    i32::try_from(value).expect("lots and orders are few")
}
