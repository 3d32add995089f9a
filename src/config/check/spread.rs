//! Rules of a spread against its instruments: order, reach, direction, balance.

use super::Read;
use crate::config::decimal::{ONE_E9, show_e9};
use crate::config::error::{Problem, Rule};
use crate::config::fee::LegFees;
use crate::config::market::{GatewayProtocol, Instrument, InstrumentIndex};
use crate::config::section::Written;
use crate::config::spread::{HedgeFlag, Leg, Spread};
use crate::config::value::Exact;
use xmc_hotpath::message::{Measure, OffsetRule};

impl Read<'_> {
    pub(super) fn spread(&self, spread: &Spread) {
        self.triggers(spread);
        self.reach(spread);
        self.directions(spread);
        self.balance(spread);
        self.fees(spread);
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
            self.leg(spread, leg, instrument);
        }
        for product in spread.legs.iter().filter_map(Leg::price_product) {
            self.reference(product.other.value, product.other_reference);
        }
        for leg in &spread.legs {
            if let Some(reference) = &leg.reference {
                self.reference(leg.instrument.value, reference);
            }
        }
    }

    /// A product of prices is made linear around prices that can be.
    fn reference(&self, instrument: InstrumentIndex, reference: &Written<Exact>) {
        let Some(instrument) = self.instruments.get(instrument).and_then(Option::as_ref) else {
            return;
        };
        let (min_e9, max_e9) = (instrument.min_price_e9, instrument.max_price_e9);
        let price_e9 = reference.exact.nearest_e9();
        if !price_e9.is_some_and(|price_e9| (min_e9..=max_e9).contains(&price_e9)) {
            let (lowest, highest) = (show_e9(min_e9), show_e9(max_e9));
            self.both(
                Rule::Terms,
                format!(
                    "the reference {} of \"{}\" is no sane price: from {lowest} to {highest}",
                    reference.text, instrument.name.value
                ),
                (&reference.place, "the reference"),
                (&instrument.name.place, "from its min_price to its max_price"),
            );
        }
    }

    fn leg(&self, spread: &Spread, leg: &Leg, instrument: &Instrument) {
        let name = &instrument.name.value;
        if instrument.gateway.is_none() {
            self.both(
                Rule::NoGateway,
                format!("\"{name}\" is traded and has no gateway"),
                (&leg.instrument.place, "traded here"),
                (&instrument.name.place, "give it a `gateway`, or write trade = false"),
            );
        }
        self.counter_words(spread, leg, instrument);
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

    /// A counter (`esunny/dstar`) that is not told whether an order opens, or is told of arbitrage,
    /// would be sent nothing at all.
    fn counter_words(&self, spread: &Spread, leg: &Leg, instrument: &Instrument) {
        let gateway = instrument.gateway.and_then(|index| self.gateways.get(index)?.as_ref());
        let Some(gateway) = gateway.filter(|of| of.protocol == GatewayProtocol::EsunnyDstar) else {
            return;
        };
        let (name, counter) = (&instrument.name, &gateway.name.value);
        if instrument.offset_rule == OffsetRule::Net {
            let problem = Problem::new(
                Rule::CounterWords,
                format!(
                    "counter \"{counter}\" is to be told whether an order opens or closes, and \
                     \"{}\" does not say how it closes",
                    name.value
                ),
                name.place.clone(),
                "traded at the counter",
            );
            let problem = problem.also(&leg.instrument.place, "here");
            let help = "write offset_rule = \"close\", or \"close_today\" where today's lots are \
                        closed by a word of their own";
            self.report.add(problem.help(help));
        }
        let first = self.traded(spread).find(|(_, one)| one.gateway == instrument.gateway);
        let is_first = first.is_some_and(|(first, _)| std::ptr::eq(first, leg));
        if spread.hedge_flag == HedgeFlag::Arbitrage && is_first {
            let problem = Problem::new(
                Rule::CounterWords,
                format!(
                    "counter \"{counter}\" has no word for arbitrage, and spread \"{}\" trades \
                     there",
                    spread.name.value
                ),
                spread.name.place.clone(),
                "its orders could not be sent",
            );
            let problem = problem.also(&leg.instrument.place, "its leg at the counter");
            self.report.add(problem.help("write hedge_flag = \"speculate\" or \"hedge\""));
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

    /// Levels after fees have fees, and fees that can be reckoned.
    fn fees(&self, spread: &Spread) {
        let Some(levels) = spread.levels.as_ref().filter(|_| spread.is_after_fees()) else {
            return;
        };
        let name = &spread.name.value;
        let fees: Vec<_> = self.traded(spread).map(|(leg, of)| LegFees::of(leg, of)).collect();
        if fees.contains(&None) {
            self.report.add(
                Problem::new(
                    Rule::Fees,
                    format!("the fees of spread \"{name}\" have too many digits to be reckoned"),
                    levels.place.clone(),
                    "are in these levels",
                )
                .help("round fee_per_lot and fee_fraction of its legs, or their coefficients"),
            );
        } else if fees.iter().all(|fees| *fees == Some(LegFees::NONE)) {
            self.report.add(
                Problem::new(
                    Rule::Fees,
                    format!("no instrument of spread \"{name}\" has a fee"),
                    levels.place.clone(),
                    "after nothing",
                )
                .help("write fee_per_lot or fee_fraction of the instruments that are traded"),
            );
        }
    }

    /// A ratio has a denominator that is above zero at all sane prices, and no leg on both sides.
    fn ratio(&self, spread: &Spread) {
        let name = &spread.name.value;
        for leg in spread.legs.iter().filter(|leg| !leg.is_traded) {
            let of_it = |of: &&Leg| {
                let product = of.price_product();
                product.is_some_and(|product| product.other.value == leg.instrument.value)
            };
            let mut sides = spread.legs.iter().filter(of_it).map(|of| of.ratio.value > 0);
            let first = sides.next();
            if sides.any(|side| Some(side) != first) {
                self.report.add(
                    Problem::new(
                        Rule::Terms,
                        format!("a price of spread \"{name}\" is on both sides of its ratio"),
                        leg.instrument.place.clone(),
                        "multiplies legs that are bought and legs that are sold",
                    )
                    .help("it stands for neither side; measure the difference"),
                );
            }
        }
        for (key, level) in spread.triggers.set().filter(|(_, level)| level.value <= 0) {
            self.report.add(Problem::new(
                Rule::TriggerOutOfReach,
                format!("{key} of spread \"{name}\" is no ratio"),
                level.place.clone(),
                "a ratio is above zero",
            ));
        }
        let Some((short, _)) = self.side_e9(spread, false) else { return };
        if short <= 0 {
            self.report.add(
                Problem::new(
                    Rule::TriggerOutOfReach,
                    format!("the ratio of spread \"{name}\" has no value at some sane prices"),
                    spread.place.clone(),
                    "what is taken off can be zero or less",
                )
                .help("raise the min_price of the legs that are sold, or measure the difference"),
            );
        }
    }

    /// The lowest and the highest that one side of a ratio can be.
    fn side_e9(&self, spread: &Spread, is_long: bool) -> Option<(i128, i128)> {
        let short = i128::from(spread.short_constant_e9);
        let own = if is_long { i128::from(spread.constant_e9) + short } else { short };
        let mut range = (own, own);
        for leg in spread.legs.iter().filter(|leg| (leg.weight_q32 > 0) == is_long) {
            let instrument = self.instruments.get(leg.instrument.value)?.as_ref()?;
            let weight = i128::from(leg.weight_q32.unsigned_abs());
            let at = |price: i64| (i128::from(price) * weight) >> 32;
            range = (range.0 + at(instrument.min_price_e9), range.1 + at(instrument.max_price_e9));
        }
        Some(range)
    }

    /// Triggers must be values that the legs' sane prices can produce.
    fn reach(&self, spread: &Spread) {
        if spread.measure == Measure::Ratio {
            self.ratio(spread);
        }
        let Some((lowest, highest)) = self.reachable_e9(spread) else { return };
        let is_ratio = spread.measure == Measure::Ratio;
        let is_judged = |level: &Written<i64>| !is_ratio || level.value > 0;
        for (key, level) in spread.triggers.set().filter(|(_, level)| is_judged(level)) {
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
        if spread.measure == Measure::Ratio {
            let (long, short) = (self.side_e9(spread, true)?, self.side_e9(spread, false)?);
            let ratio = |long: i128, short: i128| {
                (short > 0).then(|| (long * i128::from(ONE_E9)).div_euclid(short))
            };
            let ends = [ratio(long.0, short.0)?, ratio(long.0, short.1)?];
            let others = [ratio(long.1, short.0)?, ratio(long.1, short.1)?];
            return Some((ends[0].min(ends[1]), others[0].max(others[1])));
        }
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
    /// coefficients are to each other as ratio times multiplier. A wrong unit shows here. A leg
    /// whose price is multiplied with another one is money of that price's currency.
    fn balance(&self, spread: &Spread) {
        let traded: Vec<_> = self.traded(spread).collect();
        let Some((first, base)) = traded.first() else { return };
        // Floats serve: this compares with a tolerance and keeps nothing.
        let converted = |leg: &Leg| {
            let product = leg.price_product();
            product.map(|product| product.other_reference.exact.approximate())
        };
        let is_converted = converted(first).is_some();
        let same_money = traded.iter().skip(1).filter(|(leg, other)| {
            let is_same = other.currency == base.currency;
            if converted(leg).is_some() == is_converted { is_same } else { !is_same }
        });
        for (leg, instrument) in same_money {
            let money = |leg: &Leg, of: &Instrument| {
                let lots = f64::from(leg.ratio.value).abs();
                lots * of.multiplier_e9 as f64 * converted(leg).unwrap_or(1.0)
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
}
