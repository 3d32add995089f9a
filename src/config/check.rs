//! Rules that need more than one section: what may be written alone and not together.
//!
//! Runs on what could be read; a section with a mistake in it is passed over, since its mistake
//! is reported already.

use super::decimal::{ONE_E9, show_e9};
use super::error::{Problem, Report, Rule};
use super::limit::{Bounds, Collar, InstrumentLimit, Limits};
use super::market::{Feed, Gateway, Instrument, Join};
use super::section::Written;
use super::source::Place;
use super::spread::{Leg, Spread};
use std::collections::HashMap;

/// What could be read, each at the position its name has.
pub(crate) struct Read<'r> {
    pub feeds: &'r [Option<Feed>],
    pub gateways: &'r [Option<Gateway>],
    pub instruments: &'r [Option<Instrument>],
    pub spreads: &'r [Option<Spread>],
    pub limits: Option<&'r Limits>,
    pub report: &'r Report,
}

impl Read<'_> {
    pub(crate) fn check(&self) {
        self.streams();
        for instrument in self.instruments.iter().flatten() {
            self.instrument(instrument);
        }
        self.securities();
        for spread in self.spreads.iter().flatten() {
            self.spread(spread);
        }
        if let Some(limits) = self.limits {
            self.limits(limits);
        }
    }

    fn streams(&self) {
        let feeds = self.feeds.iter().flatten().map(|feed| &feed.stream_id);
        let gateways = self.gateways.iter().flatten().map(|gateway| &gateway.stream_id);
        let mut first_use: HashMap<u16, &Place> = HashMap::new();
        for stream_id in feeds.chain(gateways) {
            if let Some(first) = first_use.insert(stream_id.value, &stream_id.place) {
                let message = format!("stream id {} is used twice", stream_id.value);
                self.report.add(
                    Problem::new(
                        Rule::StreamTwice,
                        message,
                        stream_id.place.clone(),
                        "used again here",
                    )
                    .also(first, "first used here")
                    .help("records tell streams apart by this id"),
                );
            }
        }
    }

    fn instrument(&self, instrument: &Instrument) {
        let feed = self.feeds.get(instrument.feed).and_then(Option::as_ref);
        let gateway = instrument.gateway.and_then(|index| self.gateways.get(index)?.as_ref());
        let ends = [
            ("feed", feed.map(|feed| (&feed.name, feed.venue))),
            ("gateway", gateway.map(|gateway| (&gateway.name, gateway.venue))),
        ];
        for (kind, end) in ends {
            let Some((name, venue)) = end else { continue };
            if venue != instrument.venue {
                self.report.add(
                    Problem::new(
                        Rule::VenueMismatch,
                        format!(
                            "instrument \"{}\" is of another venue than its {kind} \"{}\"",
                            instrument.name.value, name.value
                        ),
                        instrument.name.place.clone(),
                        "this instrument",
                    )
                    .also(&name.place, format!("its {kind}")),
                );
            }
        }
    }

    fn securities(&self) {
        let mut first_use: HashMap<(usize, i32), &Place> = HashMap::new();
        for instrument in self.instruments.iter().flatten() {
            let id = &instrument.security_id;
            if let Some(first) = first_use.insert((instrument.feed, id.value), &id.place) {
                let message = format!("security id {} is used twice on one feed", id.value);
                self.report.add(
                    Problem::new(Rule::SecurityTwice, message, id.place.clone(), "again here")
                        .also(first, "first used here"),
                );
            }
        }
    }

    fn spread(&self, spread: &Spread) {
        self.triggers(spread);
        self.reach(spread);
        self.directions(spread);
        self.balance(spread);
        let name = &spread.name.value;
        if spread.clip_units.value > spread.max_units.value {
            self.both(
                Rule::Clip,
                format!("one fire of spread \"{name}\" is larger than its largest position"),
                (&spread.clip_units.place, "a clip"),
                (&spread.max_units.place, "the most units"),
            );
        }
        if spread.max_quote_skew_ms.value > spread.max_quote_age_ms.value {
            self.both(
                Rule::Skew,
                format!("quotes of spread \"{name}\" may differ by more than either may be old"),
                (&spread.max_quote_skew_ms.place, "larger than the age"),
                (&spread.max_quote_age_ms.place, "the age"),
            );
        }
        for (leg, instrument) in self.traded(spread) {
            self.leg(leg, instrument);
        }
    }

    fn leg(&self, leg: &Leg, instrument: &Instrument) {
        let name = &instrument.name.value;
        if instrument.gateway.is_none() {
            self.both(
                Rule::NoGateway,
                format!("\"{name}\" is traded and has no gateway"),
                (&leg.instrument.place, "traded here"),
                (&instrument.name.place, "give it a `gateway`, or write trade = false"),
            );
        }
        if !leg.ratio.unsigned_abs().is_multiple_of(instrument.lot_step) {
            let step = instrument.lot_step;
            self.both(
                Rule::Ratio,
                format!("a ratio of {} is no multiple of the lot step {step}", leg.ratio.value),
                (&leg.ratio.place, "cannot be ordered"),
                (&instrument.name.place, "this instrument's step"),
            );
        }
    }

    /// `buy_open < buy_close`, `sell_close < sell_open`, `buy_open < sell_open`, and a hysteresis
    /// that fits between opening and closing.
    fn triggers(&self, spread: &Spread) {
        let triggers = &spread.triggers;
        if triggers.set().next().is_none() {
            let message = format!("spread \"{}\" has no trigger", spread.name.value);
            self.report.add(
                Problem::new(Rule::NoTrigger, message, spread.place.clone(), "would never trade")
                    .help("set at least one of buy_open, buy_close, sell_open, sell_close"),
            );
        }
        let (buy_open, buy_close) = (&triggers.buy_open_e9, &triggers.buy_close_e9);
        let (sell_open, sell_close) = (&triggers.sell_open_e9, &triggers.sell_close_e9);
        let rising = [
            (buy_open, "buy_open", buy_close, "buy_close", "would sell at or below what it paid"),
            (sell_close, "sell_close", sell_open, "sell_open", "would buy back at or above"),
            (buy_open, "buy_open", sell_open, "sell_open", "would open in both directions"),
        ];
        for (low, low_key, high, high_key, what) in rising {
            let (Some(low), Some(high)) = (low, high) else { continue };
            if low.value >= high.value {
                self.both(
                    Rule::TriggerOrder,
                    format!(
                        "spread \"{}\" {what}: {low_key} {} is not below {high_key} {}",
                        spread.name.value,
                        show_e9(low.value),
                        show_e9(high.value)
                    ),
                    (&high.place, high_key),
                    (&low.place, low_key),
                );
            } else if spread.hysteresis_e9.value >= high.value - low.value {
                self.both(
                    Rule::TriggerOrder,
                    format!(
                        "the hysteresis of spread \"{}\" spans {low_key} to {high_key}",
                        spread.name.value
                    ),
                    (&spread.hysteresis_e9.place, "must be less than the distance"),
                    (&high.place, high_key),
                );
            }
        }
    }

    /// Triggers must be values that the legs' sane prices can produce.
    fn reach(&self, spread: &Spread) {
        let Some((lowest, highest)) = self.reachable_e9(spread) else { return };
        for (key, level) in spread.triggers.set() {
            if !(lowest..=highest).contains(&i128::from(level.value)) {
                let show = |value: i128| show_e9(i64::try_from(value).unwrap_or(i64::MAX));
                self.report.add(
                    Problem::new(
                        Rule::TriggerOutOfReach,
                        format!(
                            "{key} {} of spread \"{}\" is out of reach",
                            show_e9(level.value),
                            spread.name.value
                        ),
                        level.place.clone(),
                        format!("values are from {} to {}", show(lowest), show(highest)),
                    )
                    .help(
                        "the range follows from the legs' min_price and max_price: check units \
                         and coefficients",
                    ),
                );
            }
        }
    }

    fn reachable_e9(&self, spread: &Spread) -> Option<(i128, i128)> {
        let mut range = (i128::from(spread.constant_e9), i128::from(spread.constant_e9));
        for leg in &spread.legs {
            let instrument = self.instruments.get(leg.instrument.value)?.as_ref()?;
            let at = |price: i64| (i128::from(price) * i128::from(leg.weight_q32)) >> 32;
            let (one, other) = (at(instrument.min_price_e9), at(instrument.max_price_e9));
            range = (range.0 + one.min(other), range.1 + one.max(other));
        }
        Some(range)
    }

    fn directions(&self, spread: &Spread) {
        let traded = || spread.legs.iter().filter(|leg| leg.is_traded);
        let buys = traded().any(|leg| leg.ratio.value > 0);
        let sells = traded().any(|leg| leg.ratio.value < 0);
        if !buys || !sells {
            let missing = if buys { "sold" } else { "bought" };
            self.report.add(
                Problem::new(
                    Rule::OneSided,
                    format!("buying spread \"{}\", nothing is {missing}", spread.name.value),
                    spread.place.clone(),
                    "a spread trades in both directions",
                )
                .help("give one traded leg a positive ratio and another a negative one"),
            );
        }
    }

    /// In one currency, the spread's value must move as the money of its legs does: the
    /// coefficients are to each other as ratio times multiplier. A wrong unit shows here.
    fn balance(&self, spread: &Spread) {
        let traded: Vec<_> = self.traded(spread).collect();
        let Some((first, base)) = traded.first() else { return };
        let same_money = traded.iter().skip(1).filter(|(_, other)| other.currency == base.currency);
        for (leg, instrument) in same_money {
            // Floats serve: this compares with a tolerance and keeps nothing.
            let money = |leg: &Leg, of: &Instrument| {
                f64::from(leg.ratio.value).abs() * of.multiplier_e9 as f64
            };
            let weight = |leg: &Leg| leg.coefficient.q32.unsigned_abs() as f64;
            let expected = weight(first) * money(leg, instrument) / money(first, base);
            let off = (weight(leg) / expected - 1.0).abs();
            if off > spread.balance_tolerance_e9 as f64 / ONE_E9 as f64 {
                let fitting = expected / (1_u64 << 32) as f64;
                self.report.add(
                    Problem::new(
                        Rule::Unbalanced,
                        format!(
                            "the legs of spread \"{}\" do not balance: by lots and multipliers, \
                             the coefficient of \"{}\" would be near {fitting:.6}",
                            spread.name.value, instrument.name.value
                        ),
                        leg.coefficient.place.clone(),
                        format!("off by {:.1} %", off * 100.0),
                    )
                    .also(&first.coefficient.place, "measured against this leg")
                    .help(
                        "check units, ratios and multipliers; set balance_tolerance if the \
                         weights differ on purpose",
                    ),
                );
            }
        }
    }

    fn limits(&self, limits: &Limits) {
        if limits.global.is_none() {
            self.report.add(Problem::nowhere(
                Rule::LimitMissing,
                "there is no [[limit]] with scope = \"global\"".to_owned(),
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
        let orders = u32::try_from(traded().count()).unwrap_or(u32::MAX);
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

    /// The legs that are traded and whose instruments could be read.
    fn traded<'s>(&'s self, spread: &'s Spread) -> impl Iterator<Item = (&'s Leg, &'s Instrument)> {
        let traded = spread.legs.iter().filter(|leg| leg.is_traded);
        traded.filter_map(|leg| Some((leg, self.instruments.get(leg.instrument.value)?.as_ref()?)))
    }

    fn both(&self, rule: Rule, message: String, here: (&Place, &str), there: (&Place, &str)) {
        let problem = Problem::new(rule, message, here.0.clone(), here.1);
        self.report.add(problem.also(there.0, there.1));
    }
}

/// Only a paper engine may take books to be empty.
pub(crate) fn joins(feeds: &[Option<Feed>], is_paper: bool, report: &Report) {
    for feed in feeds.iter().flatten() {
        if feed.join.value == Join::AssumeEmpty && !is_paper {
            report.add(
                Problem::new(
                    Rule::AssumeEmpty,
                    format!("feed \"{}\" would take its books to be empty", feed.name.value),
                    feed.join.place.clone(),
                    "only in paper mode",
                )
                .help("write join = \"recover\""),
            );
        }
    }
}
