//! A spread is taken out of the table while the desk runs; its row may be told another one.
//!
//! Only one that is flat and at rest: no fire, no order that may fill, no units, no lots left over,
//! not halted nor left closing only. What keeps it is said. Its legs' instruments stay, and so does
//! what they hold.
//!
//! Orders that it has sent are over, but a venue may still tell of them: a late fill, a bust. They
//! are of no spread from then on, so that nothing of it is counted to whatever takes the row next:
//! instruments and accounts count the lots, and the desk opens nothing until somebody has looked.
//! Numbers of fires go on in the row, and order ids are the desk's own: none comes twice.
//!
//! Every row of the order arena is looked at, which is nothing for a busy moment.

use super::{Desk, Outputs, Spread, SpreadState};
use crate::message::{Alert, AlertKind, Keeper, OrderId, SpreadIndex, StreamId};

impl Desk<'_> {
    /// Removes a spread, or says what keeps it.
    #[cold]
    #[inline(never)]
    pub(super) fn remove(&mut self, spread: SpreadIndex, outputs: &mut Outputs) {
        if let Some(keeper) = self.keeper(spread) {
            outputs.alert(Alert {
                kind: AlertKind::RemoveRefused,
                spread,
                order_id: OrderId::NONE,
                stream: StreamId::NONE,
                value: i64::from(keeper.code()),
            });
            return;
        }
        for order in self.orders.rows_mut().iter_mut().filter(|order| order.spread == spread) {
            order.spread = SpreadIndex::ALL;
        }
        self.timers.clear(spread.0);
        self.forget_rules(spread);
        self.table.remove_spread(spread);
    }

    fn keeper(&self, spread: SpreadIndex) -> Option<Keeper> {
        let Some(row) = self.table.spread(spread).filter(|row| row.spec.is_some()) else {
            return Some(Keeper::Nothing);
        };
        let mut orders = self.orders.rows().iter();
        if row.fire.is_some() {
            Some(Keeper::Fire)
        } else if orders.any(|order| order.spread == spread && order.is_live()) {
            Some(Keeper::Order)
        } else if row.position_units != 0 {
            Some(Keeper::Position)
        } else if row.residual_lots.iter().any(|lots| *lots != 0) {
            Some(Keeper::Residual)
        } else if matches!(row.state, SpreadState::Halted | SpreadState::Reducing) {
            Some(Keeper::Halt)
        } else {
            None
        }
    }
}

impl Spread {
    /// The row without its spread. What is queued stays queued.
    pub(super) fn without_spec(&self) -> Self {
        let Self { fires_made, is_dirty, has_later, marked, .. } = *self;
        Self { fires_made, is_dirty, has_later, marked, ..Self::EMPTY }
    }
}
