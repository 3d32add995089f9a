//! A checked configuration as the inputs that a desk is told at its start.
//!
//! They go through the control ring and into the record like everything else, so a replay needs no
//! configuration file. Names (strategies, accounts, projects) become numbers here, in the order in
//! which they first appear; `Names` keeps them for reports.

use crate::config::{
    self, AccountLimit, Bounds, Collar, Configuration, GatewayProtocol, HedgeFlag, Instrument, Leg,
    LegFees, Rational, Spread, TimeInForce,
};
use xmc_hotpath::message::{
    self, AccountId, AccountLimits, BREAKERS, BreakerKind, BreakerRule, Breakers, Control,
    Detailing, GatewayLimits, InstrumentSpec, LegSpec, LossSpec, MAX_LEGS, ProjectId, RULE_NAME,
    RepairSpec, Sizing, SpreadIndex, SpreadSpec, StrategyId, StreamId, TriggerSpec, WorkSpec,
};
use xmc_hotpath::time::Span;

/// Names by the numbers that stand for them in records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// By `StrategyId`.
    pub strategies: Vec<String>,
    /// By `AccountId`.
    pub accounts: Vec<String>,
    /// By `ProjectId`.
    pub projects: Vec<String>,
}

/// The inputs of a configuration, in the order in which the desk needs them, and the names in them.
///
/// Nothing is checked: `config` has refused what the desk would.
#[must_use]
pub fn controls(config: &Configuration) -> (Vec<Control>, Names) {
    let mut names = Names::default();
    let mut controls = Vec::new();
    if config.engine.record_details != Detailing::ALL {
        controls.push(Control::Detailing(config.engine.record_details));
    }
    if config.logic.single_line_clip_percent < 100 {
        controls.push(Control::Sizing(sizing(config.logic.single_line_clip_percent)));
    }
    for (gateway, number) in config.gateways.iter().zip(0_u8..) {
        controls.push(Control::Gateway(GatewayLimits {
            gateway: message::GatewayIndex(number),
            max_messages: gateway.rate.messages,
            rate_window: milliseconds(gateway.rate.window_ms),
            max_open_orders: whole_desk_orders(config),
            asks_status: gateway.protocol == GatewayProtocol::CmeIlink3,
        }));
    }
    if let Some(bounds) = &config.limits.global {
        controls.push(Control::Account(account(AccountId::ALL, bounds)));
    }
    for AccountLimit { account: name, bounds } in &config.limits.accounts {
        let id = AccountId(number(&mut names.accounts, name));
        controls.push(Control::Account(account(id, bounds)));
    }
    for (instrument, row) in config.instruments.iter().zip(0..) {
        controls.push(Control::Instrument(instrument_spec(config, instrument, row)));
    }
    for (spread, row) in config.spreads.iter().zip(0..) {
        controls.push(Control::Spread(spread_spec(config, spread, row, &mut names)));
        controls.extend(breakers(spread, row).map(Control::Breakers));
        controls.extend(user_rules(spread, row).into_iter().map(Control::Rule));
    }
    (controls, names)
}

/// The breakers of a spread; `None` if it has none.
fn breakers(spread: &Spread, row: u32) -> Option<Breakers> {
    let mut told = Breakers {
        spread: SpreadIndex(row),
        slippage_e9: 0,
        latency: Span(0),
        rules: [BreakerRule::NONE; BREAKERS],
    };
    for breaker in &spread.breakers {
        match breaker.on.value {
            BreakerKind::Slippage => told.slippage_e9 = breaker.limit,
            BreakerKind::Latency => {
                told.latency = milliseconds(u32::try_from(breaker.limit).unwrap_or(u32::MAX));
            }
            BreakerKind::Rejects | BreakerKind::Unfilled => {}
        }
        told.rules[usize::from(breaker.on.value.code())] =
            BreakerRule { most: breaker.most, of: breaker.of.get(), action: breaker.then };
    }
    (!spread.breakers.is_empty()).then_some(told)
}

/// The rules of a spread, each at its place.
#[must_use]
pub fn user_rules(spread: &Spread, row: u32) -> Vec<message::UserRule> {
    let rules = spread.rules.iter().zip(0_u8..);
    rules.map(|(rule, number)| user_rule(rule, row, number)).collect()
}

fn user_rule(rule: &config::UserRule, row: u32, number: u8) -> message::UserRule {
    let mut name = [0; RULE_NAME];
    // No longer than that: `config` has refused it.
    for (slot, byte) in name.iter_mut().zip(rule.name.bytes()) {
        *slot = byte;
    }
    message::UserRule {
        spread: SpreadIndex(row),
        rule: number,
        point: rule.at,
        action: rule.then,
        cool_down: milliseconds(rule.cool_down_ms),
        name,
        numbers: rule.program.numbers,
        steps: rule.program.steps,
    }
}

/// A part in percent, rounded up to the next 2^-32: five percent of twenty units are one.
fn sizing(percent: u8) -> Sizing {
    let part = (u64::from(percent) << 32).div_ceil(100);
    Sizing { single_line_q32: u32::try_from(part - 1).unwrap_or(u32::MAX) }
}

/// Orders that any gateway may have open: the whole desk's limit, which every order passes too.
fn whole_desk_orders(config: &Configuration) -> u16 {
    let bounds = config.limits.global.as_ref();
    bounds.map_or(u16::MAX, |bounds| bounds.max_open_orders.value)
}

fn account(account: AccountId, bounds: &Bounds) -> AccountLimits {
    AccountLimits {
        account,
        max_order_lots: bounds.max_order_lots.value,
        max_position_lots: bounds.max_position_lots.value,
        max_open_orders: bounds.max_open_orders.value,
        max_messages: bounds.rate.messages,
        rate_window: milliseconds(bounds.rate.window_ms),
    }
}

fn instrument_spec(config: &Configuration, instrument: &Instrument, row: u32) -> InstrumentSpec {
    let index = usize::try_from(row).expect("a row of a vector");
    let limit = config.limits.of_instrument(index);
    let (collar_e9, collar_fraction_e9) = match limit.map(|limit| limit.collar.value) {
        Some(Collar::Ticks(ticks)) => (instrument.tick_e9.saturating_mul(ticks.into()), i64::MAX),
        Some(Collar::FractionE9(fraction_e9)) => (i64::MAX, fraction_e9),
        None => (0, 0),
    };
    InstrumentSpec {
        instrument: message::InstrumentIndex(row),
        feed: StreamId(config.feeds[instrument.feed].stream_id.value),
        gateway: message::GatewayIndex(
            u8::try_from(instrument.gateway.unwrap_or(0)).unwrap_or(u8::MAX),
        ),
        // What has no gateway or no limits only prices.
        is_tradable: instrument.gateway.is_some() && limit.is_some(),
        security_id: instrument.security_id.value,
        tick_e9: instrument.tick_e9,
        multiplier_e9: instrument.multiplier_e9,
        max_order_lots: limit.map_or(0, |limit| limit.bounds.max_order_lots.value),
        max_order_value: limit.map_or(0, |limit| limit.max_order_value.value),
        max_position_lots: limit.map_or(0, |limit| limit.bounds.max_position_lots.value),
        min_price_e9: instrument.min_price_e9,
        max_price_e9: instrument.max_price_e9,
        collar_e9,
        collar_fraction_e9,
        max_open_orders: limit.map_or(0, |limit| limit.bounds.max_open_orders.value),
        max_messages: limit.map_or(0, |limit| limit.bounds.rate.messages),
        rate_window: milliseconds(limit.map_or(0, |limit| limit.bounds.rate.window_ms)),
        offset_rule: instrument.offset_rule,
        close_first: instrument.close_first,
    }
}

fn spread_spec(config: &Configuration, spread: &Spread, row: u32, names: &mut Names) -> SpreadSpec {
    let mut legs = [LegSpec::NONE; MAX_LEGS];
    for (slot, leg) in legs.iter_mut().zip(&spread.legs) {
        *slot = leg_spec(config, leg);
    }
    let level = |level: &Option<crate::config::Written<i64>>, never| {
        level.as_ref().map_or(never, |level| level.value)
    };
    let triggers = &spread.triggers;
    let rest = spread.legs.iter().find_map(|leg| leg.rest.as_ref());
    SpreadSpec {
        spread: SpreadIndex(row),
        strategy: StrategyId(number(&mut names.strategies, &spread.strategy)),
        account: AccountId(number(&mut names.accounts, &spread.account)),
        project: ProjectId(number(&mut names.projects, &spread.project)),
        is_enabled: spread.is_enabled,
        leg_count: u8::try_from(spread.legs.len()).expect("a spread has at most four legs"),
        legs,
        constant_e9: spread.constant_e9,
        trigger: TriggerSpec {
            measure: spread.measure,
            short_constant_e9: spread.short_constant_e9,
            open_hold: milliseconds(spread.open_hold_ms),
            close_hold: milliseconds(spread.close_hold_ms),
            ..fees(config, spread)
        },
        buy_open_e9: level(&triggers.buy_open_e9, i64::MIN),
        buy_close_e9: level(&triggers.buy_close_e9, i64::MAX),
        sell_open_e9: level(&triggers.sell_open_e9, i64::MAX),
        sell_close_e9: level(&triggers.sell_close_e9, i64::MIN),
        max_units: spread.max_units.value,
        clip_units: spread.clip_units.value,
        hysteresis_e9: spread.hysteresis_e9.value,
        cool_down: milliseconds(spread.cool_down_ms),
        max_fires: rest.map_or(config.logic.fires_per_window, |rest| rest.max_moves),
        fire_window: milliseconds(
            rest.map_or(config.logic.fire_window_ms, |rest| rest.moves_within_ms),
        ),
        max_quote_age: milliseconds(spread.max_quote_age_ms.value),
        max_quote_skew: milliseconds(spread.max_quote_skew_ms.value),
        ack_timeout: milliseconds(config.logic.ack_timeout_ms),
        time_in_force: match spread.time_in_force {
            TimeInForce::FillAndKill => message::TimeInForce::FillAndKill,
            TimeInForce::FillOrKill => message::TimeInForce::FillOrKill,
            TimeInForce::Day => message::TimeInForce::Day,
        },
        hedge: match spread.hedge_flag {
            HedgeFlag::Arbitrage => message::HedgeFlag::Arbitrage,
            HedgeFlag::Hedge => message::HedgeFlag::Hedge,
            HedgeFlag::Speculate => message::HedgeFlag::Speculate,
        },
        repair: repair_spec(config, spread),
        legs_first: spread.legs_first,
        work: work_spec(config, spread),
        loss: spread.max_loss.map_or(LossSpec::NONE, |loss| LossSpec {
            max_e9: loss.max_e9,
            stress_q32: loss.stress_q32,
        }),
    }
}

/// The fees that the levels count.
fn fees(config: &Configuration, spread: &Spread) -> TriggerSpec {
    let mut spec = TriggerSpec { is_after_fees: spread.is_after_fees(), ..TriggerSpec::PLAIN };
    for (fee_q32, leg) in spec.fee_q32.iter_mut().zip(&spread.legs) {
        if !spread.is_after_fees() {
            break;
        }
        let fees = LegFees::of(leg, &config.instruments[leg.instrument.value]);
        // What cannot be reckoned was refused, and what is too much keeps the spread from trading.
        let by_lot = fees.and_then(|fees| fees.by_lot.nearest_e9()).unwrap_or(i64::MAX);
        spec.fee_e9 = spec.fee_e9.saturating_add(by_lot);
        if leg.weight_q32 < 0 {
            spec.short_fee_e9 = spec.short_fee_e9.saturating_add(by_lot);
        }
        *fee_q32 = fees.and_then(|fees| fees.by_value.nearest_q32()).unwrap_or(i64::MAX);
    }
    spec
}

fn repair_spec(config: &Configuration, spread: &Spread) -> RepairSpec {
    let mut spec = RepairSpec { money_q32: money_q32(config, spread), ..RepairSpec::NONE };
    let fees = spec.fee_e9.iter_mut().zip(&mut spec.fee_q32);
    for ((fee_e9, fee_q32), leg) in fees.zip(&spread.legs) {
        let instrument = &config.instruments[leg.instrument.value];
        let per_lot = Rational::from_e9(instrument.fee_per_lot_e9);
        let as_price = per_lot.over(Rational::from_e9(instrument.multiplier_e9));
        *fee_e9 = as_price.and_then(Rational::nearest_e9).unwrap_or(i64::MAX);
        let part = Rational::from_e9(instrument.fee_fraction_e9).nearest_q32();
        *fee_q32 = part.and_then(|part| u32::try_from(part).ok()).unwrap_or(u32::MAX);
    }
    if let Some(repair) = &spread.repair {
        spec.tries = repair.tries;
        spec.then = repair.then;
        spec.within = milliseconds(repair.within_ms);
        spec.max_cost_e9 = repair.max_cost_e9.unwrap_or(i64::MAX);
    }
    if let Some(internal) = &config.internal {
        let legs = (0..spread.legs.len()).filter(|leg| internal.has(spread, *leg));
        spec.inside_legs = legs.fold(0, |legs, leg| legs | 1 << leg);
        spec.inside_across = internal.across_strategies;
    }
    spec
}

/// Money of a value of 1 in one unit: lots times multiplier by the coefficient of the first traded
/// leg whose price is not converted, else of the first one at its reference.
fn money_q32(config: &Configuration, spread: &Spread) -> i64 {
    let traded = || spread.legs.iter().filter(|leg| leg.is_traded);
    let plain = traded().find(|leg| leg.price_product().is_none());
    let money = |leg: &Leg| {
        let multiplier = config.instruments[leg.instrument.value].multiplier_e9;
        let lots = Rational::whole(i64::from(leg.ratio.value).abs());
        let mut money = lots.times(Rational::from_e9(multiplier))?;
        if let Some(product) = leg.price_product() {
            money = money.times(product.other_reference.exact)?;
        }
        money.over(Rational::from_q32(leg.weight_q32).magnitude())?.nearest_q32()
    };
    plain.or_else(|| traded().next()).and_then(money).map_or(i64::MAX, |money| money.max(1))
}

/// The leg that rests, if one does.
fn work_spec(config: &Configuration, spread: &Spread) -> WorkSpec {
    let mut legs = spread.legs.iter().zip(0_u8..);
    let found = legs.find_map(|(leg, number)| Some((leg, leg.rest.as_ref()?, number)));
    let Some((leg, rest, number)) = found else {
        return WorkSpec::NONE;
    };
    let tick_e9 = config.instruments[leg.instrument.value].tick_e9;
    let distance = |ticks: u32| tick_e9.saturating_mul(ticks.into());
    WorkSpec {
        leg: number,
        slop_e9: distance(rest.slop_ticks),
        lag_e9: distance(rest.lag_ticks),
        improve_e9: distance(rest.improve_ticks),
        behind_e9: distance(rest.behind_ticks),
    }
}

fn leg_spec(config: &Configuration, leg: &Leg) -> LegSpec {
    let instrument = &config.instruments[leg.instrument.value];
    LegSpec {
        instrument: message::InstrumentIndex(
            u32::try_from(leg.instrument.value).expect("instruments are few"),
        ),
        ratio_lots: if leg.is_traded { leg.ratio.value } else { 0 },
        coefficient_q32: leg.weight_q32,
        pay_up_e9: instrument.tick_e9.saturating_mul(leg.pay_up_ticks.value.into()),
        min_lean_lots: leg.min_lean_lots,
    }
}

/// The number of a name: its place in the list, which it joins if it is new.
fn number(names: &mut Vec<String>, name: &str) -> u32 {
    let known = names.iter().position(|known| known == name);
    let index = known.unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    });
    u32::try_from(index).expect("names are few")
}

fn milliseconds(ms: u32) -> Span {
    Span(u64::from(ms) * 1_000_000)
}
