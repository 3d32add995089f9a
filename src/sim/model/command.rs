//! Commands, and the states that the desk tells.

use xmc_hotpath::message::{
    AlertKind, Command, CommandKind, MAX_LEGS, SafeState, SpreadIndex, StateChange,
};

use super::Model;

impl Model {
    pub(super) fn command(&mut self, command: &Command) {
        let of_command = |row: &u32| command.spread.0 == *row || command.spread == SpreadIndex::ALL;
        let rows = self.spreads.iter_mut().filter(|(row, _)| of_command(row)).map(|(_, row)| row);
        match command.kind {
            CommandKind::Enable => {
                for row in rows.filter(|row| !row.is_halted) {
                    row.is_enabled = true;
                    row.is_reducing &= command.spread == SpreadIndex::ALL;
                }
            }
            CommandKind::Disable => {
                for row in rows.filter(|row| !row.is_halted) {
                    (row.is_enabled, row.is_reducing) = (false, false);
                }
            }
            CommandKind::ClearHalt => {
                for row in rows.filter(|row| row.is_halted && row.fire.is_none()) {
                    (row.is_halted, row.is_enabled) = (false, false);
                    row.residual = [0; MAX_LEGS];
                }
            }
            CommandKind::ClearDoubt => {
                let legs = rows.flat_map(|row| row.spec.legs).map(|leg| leg.instrument.0);
                let legs: Vec<_> = legs.collect();
                let is_all = command.spread == SpreadIndex::ALL;
                self.doubted.retain(|(row, _)| !is_all && !legs.contains(row));
            }
            CommandKind::Remove => self.remove(command.spread),
            CommandKind::Kill => self.is_killed = true,
            CommandKind::Arm | CommandKind::NoNew => {}
        }
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
        }
    }
}
