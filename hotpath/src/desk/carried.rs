//! What an earlier run left: taken at the start, before anything has fired.

use super::Desk;
use super::outputs::Outputs;
use crate::message::{
    AccountId, AccountLots, Alert, AlertKind, Carried, CarriedOrder, CarriedRun, CarriedUnits,
    MAX_LEGS, OrderId, SpreadIndex, StreamId, UnknownLots,
};

impl Desk<'_> {
    #[cold]
    #[inline(never)]
    pub(super) fn on_carried(&mut self, carried: &Carried, outputs: &mut Outputs) {
        let refused = match carried {
            Carried::Run(run) => {
                self.known_run = if run.is_whole { run.run } else { 0 };
                run_gap(run, outputs);
                None
            }
            Carried::Units(units) => {
                (!self.carry_units(units, outputs)).then_some((units.spread, units.spread.0))
            }
            Carried::Unknown(lots) => {
                (!self.carry_unknown(lots)).then_some((SpreadIndex::ALL, lots.instrument.0))
            }
            Carried::Account(lots) => {
                (!self.carry_account(lots)).then_some((SpreadIndex::ALL, lots.account.0))
            }
            Carried::Order(order) => {
                (!self.carry_order(order)).then_some((order.spread, order.instrument.0))
            }
        };
        if let Some((spread, row)) = refused {
            self.bad_input(spread, i64::from(row), outputs);
        }
    }

    fn carry_units(&mut self, units: &CarriedUnits, outputs: &mut Outputs) -> bool {
        match self.table.spread_mut(units.spread) {
            Some(row) if row.spec.is_some() && row.fire.is_none() => {
                row.position_units = units.position_units;
                row.residual_lots = units.residual_lots;
            }
            _ => return false,
        }
        if units.is_halted {
            outputs.alert(Alert {
                kind: AlertKind::CarriedHalt,
                spread: units.spread,
                order_id: OrderId::NONE,
                stream: StreamId(u16::MAX),
                value: i64::from(units.position_units),
            });
            self.halt_spread(units.spread, AlertKind::CarriedHalt, outputs);
        }
        true
    }

    /// They count as live, because they may be.
    fn carry_unknown(&mut self, lots: &UnknownLots) -> bool {
        let Some(row) = self.table.instrument_mut(lots.instrument) else {
            return false;
        };
        if row.spec.is_none() {
            return false;
        }
        let more = |is: u32, was: u32| i64::from(is).saturating_sub(i64::from(was));
        let exposure = &mut row.exposure;
        let (buy, sell) = (
            more(lots.buy_lots, row.unknown_buy_lots),
            more(lots.sell_lots, row.unknown_sell_lots),
        );
        exposure.live_buy_lots = exposure.live_buy_lots.saturating_add(buy);
        exposure.live_sell_lots = exposure.live_sell_lots.saturating_add(sell);
        (row.unknown_buy_lots, row.unknown_sell_lots) = (lots.buy_lots, lots.sell_lots);
        true
    }

    /// It has all that a new order takes, but for the account's lots: those are told by themselves.
    fn carry_order(&mut self, carried: &CarriedOrder) -> bool {
        let is_leg = self.table.spread(carried.spread).is_some_and(|row| row.spec.is_some())
            && usize::from(carried.leg) < MAX_LEGS;
        let Some(row) = self.table.instrument_mut(carried.instrument) else {
            return false;
        };
        let Some(gateway) = self.gateways.get_mut(usize::from(carried.gateway.0)) else {
            return false;
        };
        if !is_leg || row.spec.is_none() || !self.orders.adopt(carried) {
            return false;
        }
        let lots = carried.qty_lots.saturating_sub(carried.filled_lots);
        row.exposure.reserve(carried.side, lots);
        row.holding.freeze(carried.side, carried.effect, lots);
        gateway.open_orders = gateway.open_orders.saturating_add(1);
        self.with_accounts(carried.account, |row| {
            row.open_orders = row.open_orders.saturating_add(1);
        });
        true
    }

    fn carry_account(&mut self, lots: &AccountLots) -> bool {
        let row = if lots.account == AccountId::ALL {
            Some(&mut self.whole)
        } else {
            let rows = self.accounts.iter_mut().flatten();
            rows.into_iter().find(|row| row.limits.account == lots.account)
        };
        row.map(|row| row.gross_lots = lots.gross_lots.max(0)).is_some()
    }

    /// Lots of an account (`ALL`: of all) that are kept for legs which have not followed theirs.
    /// They end with the run.
    #[must_use]
    pub fn waiting_lots(&self, account: AccountId) -> i64 {
        let rows = self.table.spreads.iter().filter_map(|row| Some((row.spec?, row.fire?)));
        let ours = rows.filter(|(spec, fire)| {
            fire.intent.is_open() && (account == AccountId::ALL || spec.account == account)
        });
        let lots = ours.map(|(spec, fire)| {
            let legs = spec.legs.iter().zip(0_u8..);
            legs.map(|(leg, number)| i64::from(fire.kept_lots(leg, number))).sum::<i64>()
        });
        lots.sum()
    }

    /// The use of account limits: the whole desk's first.
    pub fn account_lots(&self) -> impl Iterator<Item = AccountLots> {
        let whole = AccountLots { account: AccountId::ALL, gross_lots: self.whole.gross_lots };
        let rows = self.accounts.iter().flatten();
        core::iter::once(whole).chain(
            rows.map(|row| AccountLots { account: row.limits.account, gross_lots: row.gross_lots }),
        )
    }
}

fn run_gap(run: &CarriedRun, outputs: &mut Outputs) {
    if !run.is_whole {
        outputs.alert(Alert {
            kind: AlertKind::RecordGap,
            spread: SpreadIndex::ALL,
            order_id: OrderId::NONE,
            stream: StreamId(u16::MAX),
            value: i64::try_from(run.last_seq_no).unwrap_or(i64::MAX),
        });
    }
}
