//! What one schedule is: everything drawn from its seed before it starts.
//!
//! Swarm testing: each schedule draws which faults it may have and how often, how many legs, which
//! ratios, limits and timeouts. A fault that is everywhere hides what happens without it.

use std::ops::RangeInclusive;

use xmc_hotpath::message::{
    AccountId, AccountLimits, BreakerAction, BreakerRule, Breakers, CloseFirst, GatewayIndex,
    GatewayLimits, HedgeFlag, HeldLots, InstrumentIndex, InstrumentSpec, LegSpec, LegsFirst,
    LossSpec, MAX_LEGS, Measure, OffsetRule, ProjectId, RepairEnd, RepairSpec, SpreadIndex,
    SpreadSpec, StrategyId, StreamId, TimeInForce, TriggerSpec, UserRule, WorkSpec,
};
use xmc_hotpath::price::ONE_Q32;
use xmc_hotpath::time::Span;

use super::fault::{Fault, Faults};
use super::network::Delay;
use super::rules;

pub mod answering;
mod inside;

/// The seed of a schedule and what is left out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed {
    /// Draws everything.
    pub seed: u64,
    /// Faults that may strike, `u64::MAX` for all that the seed draws.
    pub mask: u64,
    /// Ends the market after so many steps, if the seed would not end it earlier.
    pub most_steps: u32,
    /// What it draws from.
    pub regime: Regime,
}

/// What schedules are drawn from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Regime {
    /// All that can go wrong, in any mixture, and any configuration.
    #[default]
    Swarm,
    /// Venues answer, and books are live: see `answering`.
    Answering,
}

impl Regime {
    /// Its word in commands and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Swarm => "swarm",
            Self::Answering => "answering",
        }
    }
}

impl Seed {
    /// The whole schedule.
    pub fn whole(seed: u64) -> Self {
        Self { seed, mask: u64::MAX, most_steps: u32::MAX, regime: Regime::Swarm }
    }
}

/// One schedule.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where it comes from.
    pub seed: Seed,
    /// Contracts; the row is the instrument.
    pub instruments: Vec<InstrumentSpec>,
    /// Spreads; the row is the spread.
    pub spreads: Vec<SpreadSpec>,
    /// The account of most spreads, the other one, and the whole desk.
    pub accounts: [AccountLimits; 3],
    /// Gateways; the row is the gateway.
    pub gateways: Vec<GatewayLimits>,
    /// Feed channels.
    pub channels: u16,
    /// Rows of the order arena.
    pub orders: usize,
    /// Faults and their rates.
    pub faults: Faults,
    /// Steps of the market.
    pub steps: u32,
    /// Time between two steps.
    pub pace: Delay,
    /// One way to a venue.
    pub wire: Delay,
    /// From arrival to acknowledgement.
    pub ack: Delay,
    /// Venues cancel what lives when a session breaks.
    pub cancels_on_disconnect: bool,
    /// The common price in ticks at the start: may be near zero or below.
    pub common_ticks: i64,
    /// Operators change what is told in detail. Most seeds leave nothing out, so that all that is
    /// told is checked.
    pub leaves_out: bool,
    /// Operators tell hours. Most seeds do not, so that all of a schedule is traded.
    pub tells_hours: bool,
    /// Books are found to differ from the venue's, and clocks to be wrong. Most seeds do not, so
    /// that all of a schedule is traded.
    pub finds: bool,
    /// Operators remove spreads, and tell them again. Most seeds do not, so that all of a schedule
    /// is traded.
    pub removes: bool,
    /// Operators kill, or leave closing, what spreads have in common. Most seeds do not, so that
    /// all of a schedule is traded.
    pub scopes: bool,
    /// Of each spread; most have none, so that all of a schedule is traded.
    pub breakers: Vec<Option<Breakers>>,
    /// Rules of the user; most seeds have none, so that all of a schedule is traded.
    pub rules: Vec<UserRule>,
    /// The price step.
    pub tick_e9: i64,
    /// Lots at a level, at most.
    pub most_lots: u32,
}

/// The account that spreads trade for.
pub const ACCOUNT: AccountId = AccountId(7);

/// The account of some spreads where needs may be met inside: they never meet the others.
pub const OTHER_ACCOUNT: AccountId = AccountId(8);

/// The number of the stream of gateway 0's session; the others follow.
pub const FIRST_SESSION: u16 = 100;

impl Plan {
    /// Draws the schedule of `seed`.
    pub fn draw(seed: Seed) -> Self {
        match seed.regime {
            Regime::Swarm => Self::draw_swarm(seed),
            Regime::Answering => answering::draw(seed),
        }
    }

    fn draw_swarm(seed: Seed) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed.seed);
        let tick_e9 = *pick(&mut rng, &[1, 10_000_000, 250_000_000, 1_000_000_000]);
        let common_ticks = *pick(&mut rng, &[0, -5_000, 40, 10_000, 1_000_000]);
        let channels = rng.u16(1..=2);
        let gateways: Vec<_> = (0..rng.u8(1..=2)).map(|row| gateway(&mut rng, row)).collect();
        let instruments: Vec<_> = (0..rng.u32(2..=5))
            .map(|row| {
                let middle_e9 = common_ticks * tick_e9;
                instrument(&mut rng, row, channels, gateways.len(), tick_e9, middle_e9)
            })
            .collect();
        let spreads: Vec<_> = (0..rng.u32(1..=3))
            .map(|row| {
                let spec = spread(&mut rng, row, instruments.len(), tick_e9);
                // Takes no number of the plan, so that schedules stay what they were.
                let mut own = fastrand::Rng::with_seed(rng.clone().u64(..) ^ 0x7472_6967);
                conditions(spec, &mut own, tick_e9, common_ticks)
            })
            .collect();
        // Takes no number of the plan, so that schedules stay what they were.
        let removes = rng.clone().u8(..6) == 0;
        let mut own = fastrand::Rng::with_seed(rng.clone().u64(..) ^ 0x7363_6f70);
        let scopes = own.u8(..8) == 0;
        let mut own = fastrand::Rng::with_seed(rng.clone().u64(..) ^ 0x696e_7369);
        let mut faults = faults(&mut rng);
        faults.keep(seed.mask);
        let steps = rng.u32(20..=120).min(seed.most_steps);
        let scale = *pick(&mut rng, &[1_000, 20_000, 100_000]);
        let mut plan = Self {
            seed,
            instruments,
            spreads,
            accounts: accounts(&mut rng),
            gateways,
            channels,
            orders: *pick(&mut rng, &[6, 16, 64, 128]),
            faults,
            steps,
            pace: Delay { least_ns: 1_000, spread_ns: scale * rng.u64(1..=4) },
            wire: Delay { least_ns: rng.u64(500..=20_000), spread_ns: rng.u64(0..=20_000) },
            ack: Delay { least_ns: rng.u64(1_000..=30_000), spread_ns: rng.u64(0..=50_000) },
            cancels_on_disconnect: rng.bool(),
            common_ticks,
            tick_e9,
            most_lots: *pick(&mut rng, &[2, 10, 40]),
            leaves_out: rng.u8(..8) == 0,
            tells_hours: rng.u8(..8) == 0,
            finds: rng.u8(..8) == 0,
            removes,
            scopes,
            breakers: Vec::new(),
            rules: Vec::new(),
        };
        inside::inside(&mut own, &mut plan);
        let rows = plan.spreads.iter().map(|spec| spec.spread);
        // Takes no number of the plan, so that schedules stay what they were.
        let mut own = fastrand::Rng::with_seed(rng.clone().u64(..) ^ 0x7275_6c65);
        plan.breakers =
            rows.map(|row| (rng.u8(..4) == 0).then(|| breakers(&mut rng, row))).collect();
        if own.u8(..4) == 0 {
            for spec in &plan.spreads {
                let (row, legs, count) = (spec.spread, spec.leg_count, own.u8(0..=3));
                let rules = (0..count).map(|at| rules::rule(&mut own, row, at, legs, tick_e9));
                plan.rules.extend(rules);
            }
        }
        plan
    }

    /// The stream of a gateway's session.
    pub fn session(gateway: usize) -> StreamId {
        StreamId(FIRST_SESSION + u16::try_from(gateway).expect("there are a few gateways"))
    }
}

fn pick<'t, T>(rng: &mut fastrand::Rng, from: &'t [T]) -> &'t T {
    &from[rng.usize(..from.len())]
}

/// A limit: wide in most schedules, tight in one of eight, so that each gate closes somewhere and
/// all together do not keep every spread from trading.
fn limit<T: Copy>(rng: &mut fastrand::Rng, tight: &[T], wide: T) -> T {
    let tight = *pick(rng, tight);
    if rng.u8(..8) == 0 { tight } else { wide }
}

/// Each fault is on in a third of the schedules; a tenth of the schedules has none.
pub fn faults(rng: &mut fastrand::Rng) -> Faults {
    let mut faults = Faults::default();
    let is_calm = rng.u8(..10) == 0;
    for fault in Fault::ALL {
        // What ends a schedule's trading for good must stay rare, or nothing else is seen.
        let (odds, scale) = match fault {
            Fault::Kill => (9, 10),
            Fault::WrongSide | Fault::WorsePrice | Fault::Overfill | Fault::ForeignReport => (9, 1),
            _ => (3, 1),
        };
        let is_on = rng.u8(..odds) == 0;
        let rate_ppm = *pick(rng, &[2_000, 10_000, 50_000, 200_000]) / scale;
        if is_on && !is_calm {
            faults.set(*fault, rate_ppm);
        }
    }
    faults
}

fn gateway(rng: &mut fastrand::Rng, row: u8) -> GatewayLimits {
    GatewayLimits {
        gateway: GatewayIndex(row),
        max_messages: limit(rng, &[3, 8, 50], 1000),
        rate_window: Span(*pick(rng, &[10_000, 500_000, 5_000_000])),
        max_open_orders: limit(rng, &[2, 4], 100),
        // Takes no number of the plan, so that schedules stay what they were.
        asks_status: rng.clone().bool(),
    }
}

/// The other account has the limits of the first one: it takes no number of the plan, so that
/// schedules stay what they were.
fn accounts(rng: &mut fastrand::Rng) -> [AccountLimits; 3] {
    let [first, whole] = [ACCOUNT, AccountId::ALL].map(|id| account(rng, id));
    [first, AccountLimits { account: OTHER_ACCOUNT, ..first }, whole]
}

fn account(rng: &mut fastrand::Rng, account: AccountId) -> AccountLimits {
    AccountLimits {
        account,
        max_order_lots: limit(rng, &[1, 8], 1_000),
        max_position_lots: limit(rng, &[20], 1_000),
        max_open_orders: limit(rng, &[3], 100),
        max_messages: limit(rng, &[6, 500], 1_023),
        rate_window: Span(*pick(rng, &[100_000, 2_000_000])),
    }
}

fn instrument(
    rng: &mut fastrand::Rng,
    row: u32,
    channels: u16,
    gateways: usize,
    tick_e9: i64,
    middle_e9: i64,
) -> InstrumentSpec {
    let gateway = u8::try_from(rng.usize(..gateways)).expect("there are a few gateways");
    InstrumentSpec {
        instrument: InstrumentIndex(row),
        feed: StreamId(rng.u16(..channels)),
        gateway: GatewayIndex(gateway),
        is_tradable: rng.u8(..40) != 0,
        security_id: 1_000 + i32::try_from(row).expect("a few instruments"),
        tick_e9,
        multiplier_e9: *pick(rng, &[1_000_000_000, 5_000_000_000]),
        max_order_lots: limit(rng, &[2, 6, 20], 100),
        max_order_value: limit(rng, &[1_000, 1_000_000_000], i64::MAX),
        max_position_lots: *pick(rng, &[10, 30, 100]),
        min_price_e9: limit(rng, &[middle_e9, i64::MIN], i64::MIN),
        max_price_e9: limit(rng, &[middle_e9, i64::MAX], i64::MAX),
        collar_e9: tick_e9 * limit(rng, &[2, 8], 1_000),
        collar_fraction_e9: limit(rng, &[100_000, 1_000_000], i64::MAX),
        max_open_orders: limit(rng, &[1, 2], 50),
        max_messages: limit(rng, &[4, 40], 127),
        rate_window: Span(*pick(rng, &[20_000, 1_000_000])),
        offset_rule: *pick(rng, OffsetRule::ALL),
        close_first: *pick(rng, CloseFirst::ALL),
    }
}

/// What the venue says is held in an instrument: nothing, often.
pub fn held(rng: &mut fastrand::Rng, instrument: InstrumentIndex) -> HeldLots {
    let mut lots = || if rng.bool() { 0 } else { rng.u32(..12) };
    HeldLots {
        instrument,
        long_today: lots(),
        long_yesterday: lots(),
        short_today: lots(),
        short_yesterday: lots(),
    }
}

fn spread(rng: &mut fastrand::Rng, row: u32, instruments: usize, tick_e9: i64) -> SpreadSpec {
    let count = rng.usize(2..=MAX_LEGS.min(instruments));
    let mut rows: Vec<_> = (0..instruments).collect();
    rng.shuffle(&mut rows);
    // Long legs first, then short ones: the coefficients of each kind sum to one.
    let long = rng.usize(1..count);
    let mut legs = [LegSpec::NONE; MAX_LEGS];
    for (number, (leg, instrument)) in legs.iter_mut().zip(rows).take(count).enumerate() {
        let is_long = number < long;
        let share = if is_long { long } else { count - long };
        let coefficient = ONE_Q32 / i64::try_from(share).expect("at most four");
        let ratio = *pick(rng, &[1, 1, 2, 3, 5]);
        // A leg that only prices, but never the first.
        let ratio = if number > 0 && count > 2 && rng.u8(..5) == 0 { 0 } else { ratio };
        *leg = LegSpec {
            instrument: InstrumentIndex(u32::try_from(instrument).expect("a few instruments")),
            ratio_lots: if is_long { ratio } else { -ratio },
            coefficient_q32: if is_long { coefficient } else { -coefficient },
            pay_up_e9: tick_e9 * *pick(rng, &[0, 0, 1, 5]),
            min_lean_lots: 0,
        };
    }
    let ticks = |rng: &mut fastrand::Rng, range: RangeInclusive<i64>| tick_e9 * rng.i64(range);
    let never = |rng: &mut fastrand::Rng, value: i64, absent: i64| {
        if rng.u8(..6) == 0 { absent } else { value }
    };
    let (buy_open, sell_open) = (ticks(rng, -6..=4), ticks(rng, -4..=6));
    let (buy_close, sell_close) = (ticks(rng, -2..=6), ticks(rng, -6..=2));
    SpreadSpec {
        spread: SpreadIndex(row),
        strategy: StrategyId(row + 1),
        account: ACCOUNT,
        project: ProjectId(9),
        is_enabled: true,
        leg_count: u8::try_from(count).expect("at most four"),
        legs,
        constant_e9: ticks(rng, -2..=2),
        trigger: TriggerSpec::PLAIN,
        buy_open_e9: never(rng, buy_open, i64::MIN),
        buy_close_e9: never(rng, buy_close, i64::MAX),
        sell_open_e9: never(rng, sell_open, i64::MAX),
        sell_close_e9: never(rng, sell_close, i64::MIN),
        max_units: *pick(rng, &[1, 3, 20]),
        clip_units: *pick(rng, &[1, 2, 10]),
        hysteresis_e9: tick_e9 * limit(rng, &[2, 5], 0),
        max_fires: limit(rng, &[3, 20], 63),
        fire_window: Span(*pick(rng, &[50_000, 1_000_000])),
        cool_down: Span(limit(rng, &[50_000, 400_000], 0)),
        max_quote_age: Span(*pick(rng, &[100_000, 2_000_000, 100_000_000])),
        max_quote_skew: Span(*pick(rng, &[200_000, 2_000_000, 100_000_000])),
        ack_timeout: Span(*pick(rng, &[150_000, 500_000, 3_000_000])),
        time_in_force: *pick(
            rng,
            &[TimeInForce::FillAndKill, TimeInForce::FillOrKill, TimeInForce::Day],
        ),
        hedge: HedgeFlag::Arbitrage,
        // Takes no number of the plan, so that schedules stay what they were.
        repair: repair(&mut fastrand::Rng::with_seed(rng.clone().u64(..)), tick_e9),
        legs_first: legs_first(rng),
        work: work(rng, &legs, tick_e9),
        loss: loss(&mut fastrand::Rng::with_seed(!rng.clone().u64(..)), tick_e9),
    }
}

impl Plan {
    /// What a level of so many ticks of difference is for a spread of this measure: of ratios as
    /// much away from one, as a part of the common price.
    pub fn level(&self, measure: Measure, ticks: i64) -> i64 {
        level(measure, ticks, self.tick_e9, self.common_ticks)
    }
}

fn level(measure: Measure, ticks: i64, tick_e9: i64, common_ticks: i64) -> i64 {
    match measure {
        Measure::Difference => tick_e9 * ticks,
        Measure::Ratio => 1_000_000_000 + ticks * (1_000_000_000 / common_ticks.abs().max(40)),
    }
}

/// What a spread asks for besides its levels: in one of four each leg leans on some lots, in one
/// of four levels must have been met for a while, in one of four they are after fees.
fn conditions(spec: SpreadSpec, rng: &mut fastrand::Rng, tick_e9: i64, common: i64) -> SpreadSpec {
    let mut spec = measured(spec, rng, tick_e9, common);
    if rng.u8(..4) == 0 {
        spec.legs.iter_mut().for_each(|leg| leg.min_lean_lots = *pick(rng, &[0, 2, 5, 20]));
    }
    if rng.u8(..4) == 0 {
        let mut hold = || Span(*pick(rng, &[0, 5_000, 50_000, 400_000]));
        (spec.trigger.open_hold, spec.trigger.close_hold) = (hold(), hold());
    }
    charged(spec, rng, tick_e9)
}

/// The levels of a spread are after fees in one of four: at most two ticks, and a bit of the price.
fn charged(spec: SpreadSpec, rng: &mut fastrand::Rng, tick_e9: i64) -> SpreadSpec {
    let mut trigger = spec.trigger;
    if rng.u8(..4) == 0 {
        trigger.is_after_fees = true;
        trigger.fee_e9 = tick_e9 * rng.i64(0..=8) / 4;
        trigger.short_fee_e9 = trigger.fee_e9 / *pick(rng, &[1, 2, i64::MAX]);
        for (fee_q32, leg) in trigger.fee_q32.iter_mut().zip(&spec.legs) {
            let part = *pick(rng, &[0, 0, 1_000, 500_000]);
            let weight = if leg.ratio_lots == 0 { 0 } else { leg.coefficient_q32.abs() };
            *fee_q32 = (weight * part) >> 32;
        }
    }
    SpreadSpec { trigger, ..spec }
}

/// The levels of a spread become ratios in one of four.
fn measured(spec: SpreadSpec, rng: &mut fastrand::Rng, tick_e9: i64, common: i64) -> SpreadSpec {
    if rng.u8(..4) > 0 {
        return spec;
    }
    let as_ratio = |level_e9: i64, never: i64| {
        let ticks = level_e9 / tick_e9;
        if level_e9 == never { never } else { level(Measure::Ratio, ticks, tick_e9, common) }
    };
    SpreadSpec {
        trigger: TriggerSpec {
            measure: Measure::Ratio,
            short_constant_e9: tick_e9 * rng.i64(-2..=2),
            ..TriggerSpec::PLAIN
        },
        buy_open_e9: as_ratio(spec.buy_open_e9, i64::MIN),
        buy_close_e9: as_ratio(spec.buy_close_e9, i64::MAX),
        sell_open_e9: as_ratio(spec.sell_open_e9, i64::MAX),
        sell_close_e9: as_ratio(spec.sell_close_e9, i64::MIN),
        hysteresis_e9: as_ratio(spec.hysteresis_e9, 0).saturating_sub(1_000_000_000).max(0),
        ..spec
    }
}

/// A leg rests in a quarter of the spreads. Takes no number of the plan either.
fn work(rng: &fastrand::Rng, legs: &[LegSpec; MAX_LEGS], tick_e9: i64) -> WorkSpec {
    let mut rng = fastrand::Rng::with_seed(rng.clone().u64(..).rotate_left(29));
    let traded: Vec<u8> =
        (0..).zip(legs).filter(|(_, leg)| leg.ratio_lots != 0).map(|(at, _)| at).collect();
    if rng.u8(..4) > 0 || traded.len() < 2 {
        return WorkSpec::NONE;
    }
    let mut ticks = |of: &[i64]| tick_e9 * *pick(&mut rng, of);
    WorkSpec {
        slop_e9: ticks(&[0, 0, 1, 3]),
        lag_e9: ticks(&[0, 1, 3]),
        improve_e9: ticks(&[0, 1, 5]),
        behind_e9: ticks(&[0, 1, 5, 20]),
        leg: *pick(&mut rng, &traded),
    }
}

/// One leg first in a third of the spreads. Takes no number of the plan either.
fn legs_first(rng: &fastrand::Rng) -> LegsFirst {
    let number = rng.clone().u64(..).rotate_left(17);
    if number.is_multiple_of(3) { LegsFirst::LeastLiquid } else { LegsFirst::Together }
}

/// What a fire may lose at worst: bounded in a sixth of the schedules.
pub fn loss(rng: &mut fastrand::Rng, tick_e9: i64) -> LossSpec {
    if rng.u8(..6) > 0 {
        return LossSpec::NONE;
    }
    let lots = *pick(rng, &[0, 5, 20, 100, 1_000]);
    LossSpec { max_e9: tick_e9 * lots, stress_q32: *pick(rng, &[0, 0, 1 << 12, 1 << 24]) }
}

/// Some watch closely, some at ease, some not at all.
pub fn breakers(rng: &mut fastrand::Rng, spread: SpreadIndex) -> Breakers {
    let rule = |rng: &mut fastrand::Rng| {
        let of = *pick(rng, &[0, 1, 2, 4, 16, 64]);
        let action = *pick(rng, BreakerAction::ALL);
        BreakerRule { most: if of == 0 { 0 } else { rng.u8(..of) }, of, action }
    };
    Breakers {
        spread,
        slippage_e9: *pick(rng, &[0, 1_000, 1_000_000, 100_000_000]),
        latency: Span(*pick(rng, &[20_000, 60_000, 200_000, 2_000_000])),
        rules: core::array::from_fn(|_| rule(rng)),
    }
}

/// What is done about fires out of ratio: nothing in a third of the schedules.
pub fn repair(rng: &mut fastrand::Rng, tick_e9: i64) -> RepairSpec {
    let tries = if rng.u8(..3) == 0 { 0 } else { rng.u8(1..=4) };
    let mut fee_e9 = [0; MAX_LEGS];
    fee_e9.fill_with(|| tick_e9 * *pick(rng, &[0, 0, 1, 3]));
    let mut fee_q32 = [0; MAX_LEGS];
    fee_q32.fill_with(|| *pick(rng, &[0, 0, 100_000, 20_000_000]));
    RepairSpec {
        tries,
        then: *pick(rng, RepairEnd::ALL),
        within: Span(*pick(rng, &[200_000, 2_000_000, 20_000_000])),
        max_cost_e9: limit(rng, &[0, tick_e9, 20 * tick_e9], i64::MAX),
        money_q32: *pick(rng, &[ONE_Q32, ONE_Q32 / 3, 1_000 * ONE_Q32]),
        fee_e9,
        fee_q32,
        ..RepairSpec::NONE
    }
}
