//! Commands, and the states that they and alerts bring about: of the desk, and of each spread.

use super::breaker::is_breaker;
use super::{Desk, Outputs, SpreadState};
use crate::message::{
    Alert, AlertKind, Command, CommandKind, MAX_LEGS, OrderId, SafeState, SpreadIndex, StateChange,
    StreamId,
};

/// Why a safe state changed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cause {
    Command(CommandKind),
    Alert(AlertKind),
}

impl Desk<'_> {
    pub(super) fn on_command(&mut self, command: &Command, outputs: &mut Outputs) {
        let cause = Cause::Command(command.kind);
        match command.kind {
            CommandKind::Arm if self.state == SafeState::Halt => {
                self.bad_input(command.spread, i64::from(command.operator), outputs);
            }
            CommandKind::Arm => {
                self.set_state(SafeState::Normal, cause, outputs);
                self.settle_single(StreamId::NONE, outputs);
            }
            CommandKind::NoNew => {
                let state = self.state.max(SafeState::NoNew);
                self.set_state(state, cause, outputs);
            }
            CommandKind::Kill => {
                self.set_state(SafeState::Halt, cause, outputs);
                // Once more if it was in HALT already: cancels may have been refused.
                self.kill_cursor = Some(0);
                outputs.alert(Alert {
                    kind: AlertKind::Killed,
                    spread: SpreadIndex::ALL,
                    order_id: OrderId::NONE,
                    stream: StreamId(u16::MAX),
                    value: i64::from(command.operator),
                });
            }
            CommandKind::Enable => self.set_spread(command.spread, SpreadState::Enabled, outputs),
            CommandKind::Disable => self.set_spread(command.spread, SpreadState::Disabled, outputs),
            CommandKind::ClearHalt => self.clear_halt(command.spread, outputs),
            CommandKind::ClearDoubt => self.clear_doubt(command.spread, outputs),
            CommandKind::Remove => self.remove(command.spread, outputs),
        }
    }

    /// Enables or disables one spread or, with `SpreadIndex::ALL`, every one that is not halted.
    /// One that a breaker has left closing only is enabled by its own name alone.
    pub(super) fn set_spread(
        &mut self,
        spread: SpreadIndex,
        state: SpreadState,
        outputs: &mut Outputs,
    ) {
        if spread == SpreadIndex::ALL {
            for row in self.table.spreads.iter_mut() {
                let is_broken = row.state == SpreadState::Reducing && state == SpreadState::Enabled;
                if row.spec.is_some() && row.state != SpreadState::Halted && !is_broken {
                    row.state = state;
                }
            }
            return;
        }
        match self.table.spread_mut(spread) {
            Some(row) if row.spec.is_some() && row.state != SpreadState::Halted => {
                row.state = state
            }
            _ => self.bad_input(spread, 0, outputs),
        }
    }

    /// Takes a spread out of HALT. Its residual is taken as dealt with; a fire whose orders are not
    /// all accounted for keeps it there.
    pub(super) fn clear_halt(&mut self, spread: SpreadIndex, outputs: &mut Outputs) {
        match self.table.spread_mut(spread) {
            Some(row) if row.state == SpreadState::Halted && row.fire.is_none() => {
                row.state = SpreadState::Disabled;
                row.residual_lots = [0; MAX_LEGS];
                outputs.state(StateChange {
                    spread,
                    from: SafeState::Halt,
                    to: SafeState::NoNew,
                    by_alert: false,
                    cause: CommandKind::ClearHalt.code(),
                });
            }
            _ => self.bad_input(spread, 1, outputs),
        }
    }

    /// Halts one spread: it sends nothing until it is cleared by command. What is of no spread any
    /// more halts none: then the desk opens nothing.
    pub(super) fn halt_spread(
        &mut self,
        spread: SpreadIndex,
        kind: AlertKind,
        outputs: &mut Outputs,
    ) {
        if spread == SpreadIndex::ALL {
            let state = self.state.max(SafeState::NoNew);
            self.set_state(state, Cause::Alert(kind), outputs);
        }
        let Some(row) = self.table.spread_mut(spread) else {
            return;
        };
        if let Some(fire) = &mut row.fire {
            // What nobody could tell of an order is told in time; all else a person must look at.
            fire.may_repair &= kind == AlertKind::OrderUnknown || is_breaker(kind);
        }
        if row.state == SpreadState::Halted {
            return;
        }
        let from = match row.state {
            SpreadState::Enabled => SafeState::Normal,
            SpreadState::Disabled | SpreadState::Halted | SpreadState::Reducing => SafeState::NoNew,
        };
        row.state = SpreadState::Halted;
        let cause = kind.code();
        outputs.state(StateChange { spread, from, to: SafeState::Halt, by_alert: true, cause });
    }

    pub(super) fn set_state(&mut self, to: SafeState, cause: Cause, outputs: &mut Outputs) {
        let from = self.state;
        if from == to {
            return;
        }
        self.state = to;
        if to == SafeState::Halt {
            self.kill_cursor = Some(0);
        }
        let (by_alert, cause) = match cause {
            Cause::Command(kind) => (false, kind.code()),
            Cause::Alert(kind) => (true, kind.code()),
        };
        outputs.state(StateChange { spread: SpreadIndex::ALL, from, to, by_alert, cause });
    }
}
