//! How each pair stands, for those who look from outside: a view into counters.

use super::view::{PairView, View};
use crate::engine::counters::Counters;
use xmc_hotpath::desk::Desk;
use xmc_hotpath::message::SpreadIndex;

impl View {
    /// Shows how the pairs stand. `desk` is the one that the view is of; only the thread that takes
    /// views calls this.
    pub fn count_in(&self, counters: &Counters, desk: &Desk<'_>) {
        let told = &counters.told.pairs;
        let mut live_orders = vec![0_u64; told.len()];
        for order in desk.orders().rows().iter().filter(|order| order.is_live()) {
            let SpreadIndex(row) = order.spread;
            if let Some(count) = live_orders.get_mut(row as usize) {
                *count += 1;
            }
        }
        for ((pair, told), live_orders) in self.pairs.iter().zip(told).zip(live_orders) {
            let PairView { state, position_units, is_in_flight, fires, .. } = *pair;
            told.state.set(u64::from(state.code()));
            told.position.set(position_units.cast_unsigned());
            told.live_orders.set(live_orders);
            told.in_flight.set(u64::from(is_in_flight));
            told.fires.set(fires);
            told.round_trips.set(pair.round_trips);
            told.unhedged.set(pair.unhedged_for.map_or(0, |since| since.0));
            for (leg, told) in pair.legs.iter().zip(&told.legs) {
                told.residual.set(leg.unhedged_lots.cast_unsigned());
            }
        }
    }
}
