//! Commands, and the states that the desk tells.

use std::collections::BTreeSet;
use xmc_hotpath::message::{
    AlertKind, Command, CommandKind, MAX_LEGS, SafeState, Scope, SpreadIndex, SpreadSpec,
    StateChange,
};

use super::{Model, ModelFire};

impl Model {
    pub(super) fn command(&mut self, command: &Command) {
        let meant = self.meant(command.scope);
        let rows = self.spreads.iter_mut().filter(|(row, _)| meant.contains(row));
        let rows = rows.map(|(_, row)| row);
        let is_one = matches!(command.scope, Scope::Spread(_));
        match command.kind {
            CommandKind::Enable => {
                for row in rows.filter(|row| !row.is_halted) {
                    row.is_enabled = true;
                    row.is_reducing &= !is_one;
                }
            }
            CommandKind::Disable => {
                for row in rows.filter(|row| !row.is_halted) {
                    (row.is_enabled, row.is_reducing) = (false, false);
                }
            }
            CommandKind::NoNew if command.scope != Scope::All => {
                for row in rows.filter(|row| !row.is_halted && row.is_enabled) {
                    row.is_reducing = true;
                }
            }
            CommandKind::Kill if command.scope != Scope::All => {
                for row in rows {
                    (row.is_halted, row.is_killed) = (true, true);
                    (row.is_enabled, row.is_reducing) = (false, false);
                    row.fire.iter_mut().for_each(|fire| fire.may_repair = false);
                }
            }
            CommandKind::ClearHalt if is_one => {
                for row in rows.filter(|row| row.is_halted && row.fire.is_none()) {
                    (row.is_halted, row.is_killed, row.is_enabled) = (false, false, false);
                    row.residual = [0; MAX_LEGS];
                }
            }
            CommandKind::ClearDoubt if is_one || command.scope == Scope::All => {
                let legs = rows.flat_map(|row| row.spec.legs).map(|leg| leg.instrument.0);
                let legs: Vec<_> = legs.collect();
                let is_all = command.scope == Scope::All;
                self.doubted.retain(|(row, _)| !is_all && !legs.contains(row));
            }
            CommandKind::Remove if is_one => self.remove(command.scope.spread()),
            CommandKind::Kill => self.is_killed = true,
            // Of the whole desk, which tells its states; what has no such scope does nothing.
            CommandKind::Arm
            | CommandKind::NoNew
            | CommandKind::ClearHalt
            | CommandKind::ClearDoubt
            | CommandKind::Remove => {}
        }
    }

    /// Rows of the spreads that a scope is about.
    fn meant(&self, scope: Scope) -> BTreeSet<u32> {
        let is_meant = |spec: &SpreadSpec| {
            let legs = &spec.legs[..usize::from(spec.leg_count)];
            match scope {
                Scope::All => true,
                Scope::Spread(index) => index == spec.spread,
                Scope::Instrument(index) => legs.iter().any(|leg| leg.instrument == index),
                Scope::Gateway(index) => legs.iter().any(|leg| {
                    let row = self.instruments.get(&leg.instrument.0);
                    leg.ratio_lots != 0 && row.is_some_and(|row| row.spec.gateway == index)
                }),
                Scope::Account(id) => id == spec.account,
                Scope::Strategy(id) => id == spec.strategy,
            }
        };
        let rows = self.spreads.iter().filter(|(_, row)| is_meant(&row.spec));
        rows.map(|(row, _)| *row).collect()
    }

    /// Takes in a change of state that the desk told.
    pub fn state(&mut self, change: &StateChange) {
        if change.spread == SpreadIndex::ALL {
            self.safe = Some(change.to);
        } else if change.to == SafeState::Halt
            && let Some(row) = self.spreads.get_mut(&change.spread.0)
        {
            (row.is_halted, row.is_enabled, row.is_reducing) = (true, false, false);
            let goes_on = change.cause == AlertKind::OrderUnknown.code()
                || change.cause >= AlertKind::SlippageBreaker.code()
                    && change.cause <= AlertKind::FillBreaker.code();
            row.fire.iter_mut().for_each(|fire| fire.may_repair &= goes_on);
            let stops = |fire: &ModelFire| fire.intent.is_open() || fire.rests;
            if row.fire.as_ref().is_some_and(stops) {
                self.stop_leading(change.spread.0);
            }
        }
    }
}
