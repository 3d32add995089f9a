//! Limits that would hold nothing back: ten times what the spreads can use, or never met at all.
//!
//! A limit exists for the day when everything else is wrong; one with zeros too many does not.

use super::Read;
use crate::config::decimal::ONE_E9;
use crate::config::error::{Problem, Rule};
use crate::config::limit::{Bounds, InstrumentLimit, Limits};
use crate::config::source::Place;
use crate::config::spread::{Leg, Spread};

/// How far above the need a limit may stand.
const SLACK: u64 = 10;

/// What the spreads can use of a limit.
#[derive(Default)]
struct Need {
    /// The largest order.
    order_lots: u64,
    /// The position, all spreads at their most units.
    position_lots: u64,
    /// Orders of one fire of each spread.
    orders: u64,
}

impl Need {
    fn of<'s>(legs: impl Iterator<Item = (&'s Spread, &'s Leg)>) -> Self {
        let mut need = Self::default();
        for (spread, leg) in legs.filter(|(_, leg)| leg.is_traded) {
            let lots = u64::from(leg.ratio.unsigned_abs());
            need.order_lots = need.order_lots.max(u64::from(spread.clip_units.value) * lots);
            need.position_lots += u64::from(spread.max_units.value) * lots;
            need.orders += 1;
        }
        need
    }
}

impl Read<'_> {
    pub(super) fn loose(&self, limits: &Limits) {
        // A spread that could not be read has needs that are not known.
        if self.spreads.iter().any(Option::is_none) {
            return;
        }
        for limit in &limits.instruments {
            let of_this = |(_, leg): &(&Spread, &Leg)| leg.instrument.value == limit.instrument;
            let need = Need::of(self.legs().filter(of_this));
            self.near(&limit.bounds, &need);
            self.value_binds(limit);
        }
        for limit in &limits.accounts {
            let on_account = |(spread, _): &(&Spread, &Leg)| *spread.account == *limit.account;
            self.near(&limit.bounds, &Need::of(self.legs().filter(on_account)));
        }
        if let Some(bounds) = &limits.global {
            self.near(bounds, &Need::of(self.legs()));
        }
    }

    fn legs(&self) -> impl Iterator<Item = (&Spread, &Leg)> {
        let spreads = self.spreads.iter().flatten();
        spreads.flat_map(|spread| spread.legs.iter().map(move |leg| (spread, leg)))
    }

    fn near(&self, bounds: &Bounds, need: &Need) {
        let (order, position, open) =
            (&bounds.max_order_lots, &bounds.max_position_lots, &bounds.max_open_orders);
        let limits = [
            ("lots an order", u64::from(order.value), need.order_lots, &order.place),
            ("lots", u64::from(position.value), need.position_lots, &position.place),
            ("open orders", u64::from(open.value), need.orders, &open.place),
        ];
        for (what, limit, need, place) in limits {
            // What nothing uses is bounded by being unused.
            if need > 0 && limit > need.saturating_mul(SLACK) {
                self.is_loose(
                    format!("a limit of {limit} {what}, and the spreads can use {need}"),
                    place,
                );
            }
        }
    }

    /// An order's value is bounded by its lots at the highest sane price already.
    fn value_binds(&self, limit: &InstrumentLimit) {
        let instrument = self.instruments.get(limit.instrument).and_then(Option::as_ref);
        let Some(instrument) = instrument else { return };
        let price =
            instrument.min_price_e9.unsigned_abs().max(instrument.max_price_e9.unsigned_abs());
        let one = u128::from(ONE_E9.unsigned_abs());
        let lot_e9 = u128::from(price) * u128::from(instrument.multiplier_e9.unsigned_abs()) / one;
        let lots = limit.bounds.max_order_lots.value;
        let most = (lot_e9 * u128::from(lots)).div_ceil(one);
        if u128::from(limit.max_order_value.unsigned_abs()) > most {
            self.is_loose(
                format!(
                    "a limit of {} {}, and {lots} lots are never worth more than {most}",
                    limit.max_order_value.value, instrument.currency
                ),
                &limit.max_order_value.place,
            );
        }
    }

    fn is_loose(&self, message: String, place: &Place) {
        self.report.add(
            Problem::new(Rule::LimitLoose, message, place.clone(), "would hold nothing back")
                .help(format!("keep limits within {SLACK} times the need, and values in reach")),
        );
    }
}
