//! Messages that are kept for fires until they end, for what follows in them and for their repairs.

use xmc_hotpath::desk::Desk;
use xmc_hotpath::message::{GatewayIndex, MAX_GATEWAYS, OrderCommand, SpreadSpec};

use super::{Checker, Violation};
use crate::sim::model::ModelFire;

impl ModelFire {
    /// Keeps room for what it may still need: for `later`, the orders that follow, and for as many
    /// orders as it has again if it may be repaired. Of what follows there is one for each leg,
    /// which may become several: so much at least is kept. For one that rests nothing is.
    pub(super) fn keep(
        &mut self,
        spec: &SpreadSpec,
        sent: &[&OrderCommand],
        later: &[OrderCommand],
    ) {
        if self.rests {
            return;
        }
        self.kept.extend(later);
        if spec.repair.tries > 0 {
            self.kept.extend(sent.iter().copied().chain(later));
        }
    }
}

impl Checker {
    /// What is kept, at least, for all fires that have not ended: of one that was broken off, or
    /// whose second deadline may have come, nothing.
    pub(super) fn kept(&self) -> Vec<&OrderCommand> {
        let fires = self.model.spreads.values().filter_map(|spread| spread.fire.as_ref());
        let is_in_time = |fire: &&ModelFire| {
            let is_broken_off = fire.is_broken_off || fire.was_broken_off;
            !is_broken_off && self.now < fire.started.after(fire.timeout).after(fire.timeout)
        };
        fires.filter(is_in_time).flat_map(|fire| &fire.kept).collect()
    }

    /// S2: nothing is kept once all fires have ended.
    pub(super) fn keeps_nothing(&self, desk: &Desk<'_>) -> Result<(), Violation> {
        if self.model.spreads.values().any(|spread| spread.fire.is_some()) {
            return Ok(());
        }
        let rows = (0..).take(MAX_GATEWAYS).filter_map(|row| desk.gateway(GatewayIndex(row)));
        let kept: u16 = rows.map(|gateway| gateway.kept_messages).sum();
        ensure!(self, "S2", kept == 0, "{kept} messages are kept, and no fire is under way");
        Ok(())
    }
}
