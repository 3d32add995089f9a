//! What came of a fire, against counting it out unit by unit.

use proptest::prelude::*;
use xmc_hotpath::execute::{self, Fire};
use xmc_hotpath::message::{
    AccountId, HedgeFlag, Intent, LegSpec, LegsFirst, LossSpec, MAX_LEGS, OrderId, ProjectId,
    RepairSpec, SpreadIndex, SpreadSpec, StrategyId, TimeInForce, TriggerSpec, WorkSpec,
};
use xmc_hotpath::time::{MonoNs, Span};

fn spec(ratios: [i32; MAX_LEGS]) -> SpreadSpec {
    SpreadSpec {
        spread: SpreadIndex(3),
        strategy: StrategyId(0),
        account: AccountId(0),
        project: ProjectId(0),
        is_enabled: true,
        leg_count: MAX_LEGS as u8,
        legs: ratios.map(|ratio_lots| LegSpec { ratio_lots, ..LegSpec::NONE }),
        constant_e9: 0,
        trigger: TriggerSpec::PLAIN,
        buy_open_e9: 0,
        buy_close_e9: 0,
        sell_open_e9: 0,
        sell_close_e9: 0,
        max_units: 1,
        clip_units: 1,
        hysteresis_e9: 0,
        cool_down: Span(0),
        max_fires: 1,
        fire_window: Span(1),
        max_quote_age: Span(0),
        max_quote_skew: Span(0),
        ack_timeout: Span(1),
        time_in_force: TimeInForce::FillAndKill,
        hedge: HedgeFlag::Arbitrage,
        repair: RepairSpec::NONE,
        loss: LossSpec::NONE,
        legs_first: LegsFirst::Together,
        work: WorkSpec::NONE,
    }
}

fn intent() -> impl Strategy<Value = Intent> {
    prop::sample::select(Intent::ALL)
}

proptest! {
    /// Units are taken out of the fills one by one for as long as every leg has enough.
    #[test]
    fn units_and_residual_are_what_counting_out_gives(
        ratios in [-4_i32..5, -4_i32..5, -4_i32..5, -4_i32..5]
            .prop_filter("one leg trades", |ratios| ratios.iter().any(|ratio| *ratio != 0)),
        filled in [0_u32..30, 0_u32..30, 0_u32..30, 0_u32..30],
        units in 0_u32..9,
        intent in intent(),
    ) {
        let spec = spec(ratios);
        let mut fire = Fire::new(intent, units, MonoNs(100));
        for (leg, lots) in (0_u8..).zip(filled) {
            fire.fill(leg, true, lots);
        }
        let ending = fire.ending(spec.spread, &spec, MonoNs(350));
        let mut left = filled;
        let mut done = 0;
        while done < units
            && left.iter().zip(ratios).all(|(left, ratio)| *left >= ratio.unsigned_abs())
        {
            left.iter_mut().zip(ratios).for_each(|(left, ratio)| *left -= ratio.unsigned_abs());
            done += 1;
        }
        prop_assert_eq!(ending.done_units, done);
        prop_assert_eq!(ending.is_aligned, left == [0; MAX_LEGS]);
        prop_assert_eq!((ending.filled_lots, ending.took), (filled, Span(250)));
        let signed = std::array::from_fn(|leg| {
            let is_bought = (ratios[leg] > 0) == intent.is_buy();
            if is_bought { i64::from(left[leg]) } else { -i64::from(left[leg]) }
        });
        prop_assert_eq!(execute::residual_lots(&spec.legs, &ending), signed);
    }

    /// The number of whole units does not depend on how large the numbers are.
    #[test]
    fn whole_units_are_found_at_any_size(
        ratio in 1_u32..=i32::MAX as u32,
        units in 0_u32..=u32::MAX,
        slack in 0_u32..3,
        most in any::<u32>(),
    ) {
        let exact = u64::from(ratio) * u64::from(units);
        let filled = u32::try_from(exact.saturating_add(slack.into())).unwrap_or(u32::MAX);
        let legs = spec([ratio as i32, 0, 0, 0]).legs;
        let found = execute::whole_units(&legs, &[filled, 0, 0, 0], most);
        prop_assert_eq!(found, (filled / ratio).min(most));
    }
}

#[test]
fn orders_are_counted_out_and_busts_only_as_far_as_they_were_counted_in() {
    let mut fire = Fire::new(Intent::OpenLong, 2, MonoNs(0));
    fire.add(0, OrderId(5), 2);
    fire.add(1, OrderId(6), 4);
    assert_eq!((fire.open_orders, fire.asked_lots), (2, [2, 4, 0, 0]));
    fire.fill(1, true, 3);
    assert_eq!(fire.bust(1, true, 1), 1);
    assert_eq!(fire.bust(1, true, 5), 2);
    assert_eq!((fire.filled_lots, fire.bust(7, true, 1)), ([0; MAX_LEGS], 0));
    fire.close_order();
    fire.close_order();
    fire.close_order();
    assert_eq!(fire.open_orders, 0);
}
