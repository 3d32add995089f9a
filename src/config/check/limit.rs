//! Rules of limits: everything traded has them, and what a spread may send fits them.

use super::Read;
use crate::config::decimal::{ONE_E9, show_e9};
use crate::config::error::{Problem, Rule};
use crate::config::limit::{Bounds, Collar, InstrumentLimit, Limits};
use crate::config::market::Instrument;
use crate::config::section::Written;
use crate::config::spread::{Leg, Spread};

impl Read<'_> {
    pub(super) fn limits(&self, limits: &Limits) {
        if limits.global.is_none() {
            self.report.add(Problem::nowhere(
                Rule::LimitMissing,
                "there is no [[limit]] with scope = \"global\"".to_owned(),
            ));
        }
        let most = xmc_hotpath::desk::MAX_ACCOUNTS;
        if let Some(excess) = limits.accounts.get(most) {
            let count = limits.accounts.len();
            self.report.add(Problem::new(
                Rule::TooMany,
                format!("{count} accounts, and one desk has room for {most}"),
                excess.account.place.clone(),
                "one too many",
            ));
        }
        for limit in &limits.accounts {
            let account = &limit.account;
            let used = |spread: &Spread| *spread.account == **account;
            let all_read = self.spreads.iter().all(Option::is_some);
            if all_read && !self.spreads.iter().flatten().any(used) {
                self.report.add(Problem::new(
                    Rule::UnknownReference,
                    format!("no spread trades on account \"{}\"", account.value),
                    account.place.clone(),
                    "limits nothing",
                ));
            }
        }
        for limit in &limits.instruments {
            self.rate(limit);
            self.collar(limit);
        }
        for spread in self.spreads.iter().flatten() {
            self.limits_of(spread, limits);
        }
        self.loose(limits);
    }

    fn rate(&self, limit: &InstrumentLimit) {
        let instrument = self.instruments.get(limit.instrument).and_then(Option::as_ref);
        let gateway = instrument.and_then(|of| self.gateways.get(of.gateway?)?.as_ref());
        let Some(gateway) = gateway else { return };
        let (own, venue) = (limit.bounds.rate, gateway.rate);
        let own_scaled = u64::from(own.messages) * u64::from(venue.window_ms);
        if own_scaled > u64::from(venue.messages) * u64::from(own.window_ms) {
            self.both(
                Rule::RateAboveGateway,
                format!(
                    "{} messages in {} ms are more than gateway \"{}\" may send: {} in {} ms",
                    own.messages,
                    own.window_ms,
                    gateway.name.value,
                    venue.messages,
                    venue.window_ms
                ),
                (&limit.bounds.place, "this limit"),
                (&gateway.name.place, "the gateway"),
            );
        }
    }

    /// A collar as wide as all sane prices holds nothing back.
    fn collar(&self, limit: &InstrumentLimit) {
        let instrument = self.instruments.get(limit.instrument).and_then(Option::as_ref);
        let (Some(instrument), Collar::Ticks(ticks)) = (instrument, limit.collar.value) else {
            return;
        };
        let width = instrument.tick_e9.saturating_mul(i64::from(ticks));
        if width >= instrument.max_price_e9.saturating_sub(instrument.min_price_e9) {
            self.both(
                Rule::CollarTooWide,
                format!(
                    "a collar of {ticks} ticks is {} wide, as wide as all sane prices of \"{}\"",
                    show_e9(width),
                    instrument.name.value
                ),
                (&limit.collar.place, "would hold nothing back"),
                (&instrument.name.place, "from its min_price to its max_price"),
            );
        }
    }

    fn limits_of(&self, spread: &Spread, limits: &Limits) {
        let account = limits.of_account(&spread.account);
        if account.is_none() {
            let message = format!("account \"{}\" has no limit", spread.account.value);
            self.report.add(
                Problem::new(
                    Rule::LimitMissing,
                    message,
                    spread.account.place.clone(),
                    "trades without one",
                )
                .help("add a [[limit]] with scope = \"account\""),
            );
        }
        let wide = [account.map(|limit| &limit.bounds), limits.global.as_ref()];
        for (leg, instrument) in self.traded(spread) {
            let Some(limit) = limits.of_instrument(leg.instrument.value) else {
                let message = format!("\"{}\" is traded and has no limit", instrument.name.value);
                self.report.add(
                    Problem::new(
                        Rule::LimitMissing,
                        message,
                        leg.instrument.place.clone(),
                        "traded here",
                    )
                    .help("add a [[limit]] with scope = \"instrument\" and its price collar"),
                );
                continue;
            };
            let lots = leg.ratio.unsigned_abs();
            let clip = spread.clip_units.value.saturating_mul(lots);
            for bounds in wide.into_iter().flatten().chain([&limit.bounds]) {
                self.fits("clip", clip, &spread.clip_units, &bounds.max_order_lots);
            }
            let position = spread.max_units.value.saturating_mul(lots);
            self.fits("position", position, &spread.max_units, &limit.bounds.max_position_lots);
            self.value_fits(spread, clip, instrument, limit);
            self.pay_up_fits(leg, limit);
        }
        self.gross_fits(spread, &wide);
    }

    fn fits(&self, what: &str, lots: u32, from: &Written<u32>, limit: &Written<u32>) {
        if lots > limit.value {
            self.both(
                Rule::LimitTooSmall,
                format!("a {what} of {lots} lots exceeds its limit of {} lots", limit.value),
                (&from.place, "units of this spread"),
                (&limit.place, "the limit"),
            );
        }
    }

    fn gross_fits(&self, spread: &Spread, wide: &[Option<&Bounds>]) {
        let traded = || spread.legs.iter().filter(|leg| leg.is_traded);
        let unit: u32 = traded().map(|leg| leg.ratio.unsigned_abs()).sum();
        let gross = spread.max_units.value.saturating_mul(unit);
        let orders = u16::try_from(traded().count()).unwrap_or(u16::MAX);
        for bounds in wide.iter().flatten() {
            self.fits("gross position", gross, &spread.max_units, &bounds.max_position_lots);
            if orders > bounds.max_open_orders.value {
                self.both(
                    Rule::LimitTooSmall,
                    format!("one fire sends {orders} orders, more than may be open"),
                    (&spread.name.place, "this spread"),
                    (&bounds.max_open_orders.place, "the limit"),
                );
            }
        }
    }

    /// One clip must be worth no more than an order may be, at any sane price.
    fn value_fits(
        &self,
        spread: &Spread,
        clip_lots: u32,
        instrument: &Instrument,
        limit: &InstrumentLimit,
    ) {
        let price =
            instrument.min_price_e9.unsigned_abs().max(instrument.max_price_e9.unsigned_abs());
        let multiplier = instrument.multiplier_e9.unsigned_abs();
        // At most 2^50 * 2^50 / 2^29 * 2^24, by the bounds of each key.
        let worth = u128::from(price) * u128::from(multiplier) / u128::from(ONE_E9.unsigned_abs());
        let worth = worth * u128::from(clip_lots) / u128::from(ONE_E9.unsigned_abs());
        if worth > u128::from(limit.max_order_value.unsigned_abs()) {
            self.both(
                Rule::LimitTooSmall,
                format!(
                    "a clip of \"{}\" may be worth {worth} {}, more than an order may be",
                    instrument.name.value, instrument.currency
                ),
                (&limit.max_order_value.place, "the limit"),
                (&spread.clip_units.place, "the clip"),
            );
        }
    }

    fn pay_up_fits(&self, leg: &Leg, limit: &InstrumentLimit) {
        if let Collar::Ticks(collar) = limit.collar.value
            && leg.pay_up_ticks.value >= collar
        {
            self.both(
                Rule::LimitTooSmall,
                format!("a pay-up of {} ticks leaves the collar", leg.pay_up_ticks.value),
                (&leg.pay_up_ticks.place, "reaches as far"),
                (&limit.collar.place, "the collar"),
            );
        }
    }
}
