//! The regime in which venues answer: what a desk meets on an ordinary day, so that whoever ends
//! out of ratio, or halted, was not stopped by a venue.
//!
//! Stated before anything was measured in it, and not fitted to what came out:
//!
//! - *Venues* are there all the time: sessions stay up, each message takes 0.1 to 2 ms one way, an
//!   order is answered 0.05 to 0.5 ms after it has come, reports come once and in order. A venue
//!   does what its rules allow: no bust, no fill beyond limit or lots or after a cancel.
//! - *Books* are live: each contract is quoted in each step, whole, in one epoch. A step takes 5 to
//!   50 ms, 50 to 200 ms, or half a second as domestic books do, by schedule; the market goes on
//!   until the last fire has ended. Between two steps all moves by some ticks.
//! - *Orders* meet a fate of their own, at rates that each schedule draws from the lists below:
//!   refused up to 3 % (beyond which the breaker of the README's sample halts a pair), nothing
//!   found up to 20 %, filled in part up to 20 %: an assumption, meant to be worse than what a
//!   desk should go on trading in. Repairs meet the same fates, whatever they pay.
//! - *Spreads* are those of the samples in `config/`: two legs in ratios of 1:1 to 8:9, some with
//!   one that only prices; three tries in 1.5 s, no bound of cost, pay-up beyond what a leg moves
//!   at once; what follows then is `halt` as in the samples that say nothing, or `flatten`, half
//!   and half. All legs together in two of three, one leg first or one that rests in the others.
//! - *Limits* are of the size of the samples': some gate is met now and then.
//! - *People* do nothing. Levels and limits stay; there are no rules and no breakers, which halt
//!   because somebody asked for it. At the end all spreads are disabled, which stops no fire.

use super::*;

/// How often an order is refused, ppm.
pub const REJECTS_PPM: [u32; 4] = [0, 5_000, 10_000, 30_000];

/// How often it finds nothing, and how often it is filled in part, ppm.
pub const MISSES_PPM: [u32; 4] = [10_000, 50_000, 100_000, 200_000];

/// From one step of the market to the next.
const PACES: [Delay; 3] = [
    Delay { least_ns: 5 * MS, spread_ns: 45 * MS },
    Delay { least_ns: 50 * MS, spread_ns: 150 * MS },
    Delay { least_ns: 495 * MS, spread_ns: 10 * MS },
];

const MS: u64 = 1_000_000;
const US: u64 = 1_000;

/// Lots of both legs, units at most, units of one fire.
const PAIRS: [([i32; 2], u32, u32); 4] =
    [([8, -9], 2, 1), ([2, -1], 4, 2), ([3, -1], 4, 2), ([1, -1], 6, 3)];

/// Draws the schedule of `seed`.
pub(super) fn draw(seed: Seed) -> Plan {
    let mut rng = fastrand::Rng::with_seed(seed.seed ^ 0x616e_7377);
    let tick_e9 = *pick(&mut rng, &[10_000_000, 1_000_000_000]);
    let common_ticks = *pick(&mut rng, &[5_000, 40_000]);
    let count = rng.u32(2..=4);
    let instruments: Vec<_> = (0..count).map(|row| instrument(&mut rng, row, tick_e9)).collect();
    let spreads: Vec<_> = (0..rng.u32(1..=3))
        .map(|row| spread(&mut rng, row, &instruments, tick_e9, common_ticks))
        .collect();
    let mut faults = Faults::default();
    faults.set(Fault::Reject, *pick(&mut rng, &REJECTS_PPM));
    for fault in [Fault::NoFill, Fault::PartialFill] {
        faults.set(fault, *pick(&mut rng, &MISSES_PPM));
    }
    // What a venue may do: fills one by one, or while a cancel is under way. Not `FillBeforeAck`,
    // which has no acknowledgement follow now and then: of an order that rests that is no answer.
    for fault in [Fault::ManyFills, Fault::FillDuringCancel] {
        faults.set(fault, 50_000);
    }
    faults.keep(seed.mask);
    let account = AccountLimits {
        account: ACCOUNT,
        max_order_lots: 9,
        max_position_lots: 44,
        max_open_orders: 16,
        max_messages: 300,
        rate_window: Span(3_000 * MS),
    };
    let whole = AccountLimits {
        account: AccountId::ALL,
        max_position_lots: 60,
        max_open_orders: 24,
        max_messages: 400,
        ..account
    };
    let gateway = |row| GatewayLimits {
        gateway: GatewayIndex(row),
        max_messages: 300,
        rate_window: Span(3_000 * MS),
        max_open_orders: 24,
        asks_status: row == 0,
    };
    let breakers = vec![None; spreads.len()];
    Plan {
        seed,
        instruments,
        spreads,
        accounts: [account, AccountLimits { account: OTHER_ACCOUNT, ..account }, whole],
        gateways: vec![gateway(0), gateway(1)],
        channels: 2,
        orders: 128,
        faults,
        steps: rng.u32(40..=200).min(seed.most_steps),
        pace: *pick(&mut rng, &PACES),
        wire: Delay { least_ns: 100 * US, spread_ns: 1_900 * US },
        ack: Delay { least_ns: 50 * US, spread_ns: 450 * US },
        cancels_on_disconnect: true,
        common_ticks,
        leaves_out: false,
        tells_hours: false,
        finds: false,
        removes: false,
        scopes: false,
        breakers,
        rules: Vec::new(),
        tick_e9,
        most_lots: *pick(&mut rng, &[10, 40]),
    }
}

/// Contracts at home and abroad in turn.
fn instrument(rng: &mut fastrand::Rng, row: u32, tick_e9: i64) -> InstrumentSpec {
    let venue = u8::try_from(row % 2).expect("0 or 1");
    let offset_rule = if venue == 0 { *pick(rng, OffsetRule::ALL) } else { OffsetRule::Net };
    InstrumentSpec {
        instrument: InstrumentIndex(row),
        feed: StreamId(venue.into()),
        gateway: GatewayIndex(venue),
        is_tradable: true,
        security_id: 1_000 + i32::try_from(row).expect("a few instruments"),
        tick_e9,
        multiplier_e9: *pick(rng, &[1_000_000_000, 5_000_000_000]),
        max_order_lots: 9,
        max_order_value: i64::MAX,
        max_position_lots: 20,
        min_price_e9: i64::MIN,
        max_price_e9: i64::MAX,
        collar_e9: 60 * tick_e9,
        collar_fraction_e9: i64::MAX,
        max_open_orders: 8,
        max_messages: 60,
        rate_window: Span(3_000 * MS),
        offset_rule,
        close_first: *pick(rng, CloseFirst::ALL),
    }
}

fn spread(
    rng: &mut fastrand::Rng,
    row: u32,
    instruments: &[InstrumentSpec],
    tick_e9: i64,
    common_ticks: i64,
) -> SpreadSpec {
    let (ratios, max_units, clip_units) = *pick(rng, &PAIRS);
    let mut rows: Vec<_> = instruments.iter().map(|spec| spec.instrument).collect();
    rng.shuffle(&mut rows);
    let mut legs = [LegSpec::NONE; MAX_LEGS];
    for ((leg, instrument), ratio_lots) in legs.iter_mut().zip(&rows).zip(ratios) {
        *leg = LegSpec {
            instrument: *instrument,
            ratio_lots,
            coefficient_q32: i64::from(ratio_lots.signum()) * ONE_Q32,
            pay_up_e9: 10 * tick_e9,
            min_lean_lots: 0,
        };
    }
    // A third one only prices, as a currency does: a hundredth of it, around what it is at first.
    let (mut leg_count, mut constant_e9) = (2, 0);
    if let (Some(instrument), true) = (rows.get(2), rng.u8(..3) == 0) {
        let coefficient_q32 = ONE_Q32 / 100;
        legs[2] = LegSpec { instrument: *instrument, coefficient_q32, ..LegSpec::NONE };
        (leg_count, constant_e9) = (3, -(common_ticks * tick_e9 / 100));
    }
    let (open_e9, close_e9) = (tick_e9 * rng.i64(3..=6), tick_e9 * rng.i64(0..=2));
    let how = rng.u8(..6);
    let work = WorkSpec {
        leg: rng.u8(..2),
        slop_e9: 0,
        lag_e9: tick_e9,
        improve_e9: tick_e9,
        behind_e9: 5 * tick_e9,
    };
    SpreadSpec {
        spread: SpreadIndex(row),
        strategy: StrategyId(row + 1),
        account: ACCOUNT,
        project: ProjectId(9),
        is_enabled: true,
        leg_count,
        legs,
        constant_e9,
        trigger: TriggerSpec::PLAIN,
        buy_open_e9: -open_e9,
        buy_close_e9: -close_e9,
        sell_open_e9: open_e9,
        sell_close_e9: close_e9,
        max_units,
        clip_units,
        hysteresis_e9: *pick(rng, &[0, tick_e9]),
        max_fires: 30,
        fire_window: Span(1_000 * MS),
        cool_down: Span(50 * MS),
        max_quote_age: Span(1_200 * MS),
        max_quote_skew: Span(1_200 * MS),
        ack_timeout: Span(1_000 * MS),
        time_in_force: TimeInForce::FillAndKill,
        hedge: HedgeFlag::Speculate,
        repair: RepairSpec {
            tries: 3,
            then: *pick(rng, RepairEnd::ALL),
            within: Span(1_500 * MS),
            money_q32: 5 * ONE_Q32,
            ..RepairSpec::NONE
        },
        legs_first: if how == 0 { LegsFirst::LeastLiquid } else { LegsFirst::Together },
        work: if how == 1 { work } else { WorkSpec::NONE },
        loss: LossSpec::NONE,
    }
}
