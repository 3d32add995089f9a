//! Spreads that are taken out while the desk runs, as the model has it.

use xmc_hotpath::message::{Keeper, SpreadIndex};

use super::{Model, ModelOrder};

impl Model {
    /// A spread goes that is flat and has nothing under way; its orders are of no spread then.
    pub(super) fn remove(&mut self, index: SpreadIndex) {
        let of_it = |order: &&ModelOrder| order.command.spread == index && !order.is_orphan;
        let is_live = self.live.iter().map(|id| &self.orders[id]).any(|order| of_it(&order));
        let keeper = match self.spreads.get(&index.0) {
            None => Some(Keeper::Nothing),
            Some(row) if row.fire.is_some() => Some(Keeper::Fire),
            Some(_) if is_live => Some(Keeper::Order),
            Some(row) if row.units != 0 => Some(Keeper::Position),
            Some(row) if row.residual.iter().any(|lots| *lots != 0) => Some(Keeper::Residual),
            Some(row) if row.is_halted || row.is_reducing => Some(Keeper::Halt),
            Some(_) => None,
        };
        if keeper.is_none() {
            self.spreads.remove(&index.0);
            self.rules.retain(|(row, _), _| *row != index.0);
            let orders = self.orders.values_mut();
            orders.filter(|order| order.command.spread == index).for_each(|order| {
                order.is_orphan = true;
            });
        }
        self.removals.push(keeper);
    }
}
