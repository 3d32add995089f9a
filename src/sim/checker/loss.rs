//! What a fire can lose at worst, asked again.

use xmc_hotpath::message::{Decision, MAX_LEGS, SpreadSpec};

use super::fire::legs;
use super::{Checker, Violation};
use crate::sim::model::cost;

impl Checker {
    /// Whichever leg is the only one that is not filled: trading the others back, at what their
    /// books show and a stress move worse, costs no more than a fire may lose.
    pub(super) fn loss(
        &self,
        spec: &SpreadSpec,
        decision: &Decision,
        planned_e9: &[i64; MAX_LEGS],
    ) -> Result<(), Violation> {
        if spec.loss.max_e9 == i64::MAX {
            return Ok(());
        }
        let part = |sum: i128, q32: u32| (sum.abs() * i128::from(q32)).div_euclid(1 << 32);
        let mut lost = Vec::new();
        for (number, leg) in legs(spec).enumerate().filter(|(_, leg)| leg.ratio_lots != 0) {
            let row = &self.model.instruments[&leg.instrument.0];
            let is_bought = (leg.ratio_lots > 0) == decision.intent.is_buy();
            let pay_up_e9 = if usize::from(decision.rests) == number { 0 } else { leg.pay_up_e9 };
            let pay = if is_bought { pay_up_e9 } else { -pay_up_e9 };
            let limit_e9 = planned_e9[number] + pay;
            let lots = leg.ratio_lots.unsigned_abs() * decision.units;
            let (depth, taken) = if is_bought {
                (&row.quote.bids, row.taken_bids)
            } else {
                (&row.quote.asks, row.taken_asks)
            };
            let Some((_, back)) = cost(depth, taken, lots) else {
                ensure!(self, "loss", false, "{decision:?}: {leg:?} cannot be traded back");
                return Ok(());
            };
            let paid = i128::from(limit_e9) * i128::from(lots);
            let apart = if is_bought { paid - back } else { back - paid };
            let fee_q32 = spec.repair.fee_q32[number];
            let fees = i128::from(spec.repair.fee_e9[number]) * i128::from(lots) * 2
                + part(paid, fee_q32)
                + part(back, fee_q32);
            let total = (apart + part(back, spec.loss.stress_q32) + fees).max(0);
            let of_one = leg.coefficient_q32 / i64::from(leg.ratio_lots);
            lost.push(total * i128::from(of_one).abs());
        }
        let worst = (0..lost.len()).map(|left| {
            let others = lost.iter().enumerate().filter(|(leg, _)| *leg != left);
            others.map(|(_, lost)| lost).sum::<i128>()
        });
        let value = worst.max().unwrap_or(0).div_euclid(1 << 32);
        let money = (value * i128::from(spec.repair.money_q32)).div_euclid(1 << 32);
        let most = i128::from(spec.loss.max_e9);
        ensure!(self, "loss", money <= most, "{decision:?} may lose {money}, {most} is allowed");
        Ok(())
    }
}
