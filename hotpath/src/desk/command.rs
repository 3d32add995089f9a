//! Commands, and the states that they and alerts bring about: of the desk, and of each spread.

use super::breaker::is_breaker;
use super::table::Table;
use super::{Desk, Outputs, Spread, SpreadState};
use crate::execute::Fire;
use crate::message::{
    Alert, AlertKind, Command, CommandKind, Denial, Instruction, InstrumentIndex, MAX_LEGS,
    OrderId, SafeState, Scope, SpreadIndex, StateChange, StreamId,
};

/// Why a safe state changed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cause {
    Command(CommandKind),
    Alert(AlertKind),
}

impl Desk<'_> {
    /// What was asked for and not taken is told; what was taken is only recorded: its effect comes
    /// as inputs of its own.
    #[cold]
    #[inline(never)]
    pub(super) fn on_instruction(&mut self, asked: &Instruction, outputs: &mut Outputs) {
        if asked.denial != Denial::Taken {
            outputs.alert(Alert {
                kind: AlertKind::CommandDenied,
                spread: SpreadIndex::ALL,
                order_id: OrderId::NONE,
                stream: StreamId::NONE,
                value: i64::from(asked.denial.code()),
            });
        }
    }

    pub(super) fn on_command(&mut self, command: &Command, outputs: &mut Outputs) {
        let Command { kind, scope, operator, .. } = *command;
        let cause = Cause::Command(kind);
        match (kind, scope) {
            (CommandKind::Arm, Scope::All) if self.state < SafeState::Halt => {
                self.set_state(SafeState::Normal, cause, outputs);
                self.settle_single(StreamId::NONE, outputs);
            }
            (CommandKind::NoNew, Scope::All) => {
                let state = self.state.max(SafeState::NoNew);
                self.set_state(state, cause, outputs);
            }
            (CommandKind::NoNew, _) => self.set_spreads(scope, SpreadState::Reducing, outputs),
            (CommandKind::Kill, _) => {
                if scope == Scope::All {
                    self.set_state(SafeState::Halt, cause, outputs);
                } else {
                    self.kill_spreads(scope, outputs);
                }
                // Once more if it was in HALT already: cancels may have been refused.
                self.kill_cursor = Some(0);
                outputs.alert(Alert {
                    kind: AlertKind::Killed,
                    spread: scope.spread(),
                    order_id: OrderId::NONE,
                    stream: StreamId::NONE,
                    value: i64::from(operator),
                });
            }
            (CommandKind::Enable, _) => self.set_spreads(scope, SpreadState::Enabled, outputs),
            (CommandKind::Disable, _) => self.set_spreads(scope, SpreadState::Disabled, outputs),
            (CommandKind::ClearHalt, Scope::Spread(spread)) => self.clear_halt(spread, outputs),
            (CommandKind::Remove, Scope::Spread(spread)) => self.remove(spread, outputs),
            (CommandKind::ClearDoubt, Scope::All | Scope::Spread(_)) => {
                self.clear_doubt(scope.spread(), outputs);
            }
            (
                CommandKind::Arm
                | CommandKind::ClearHalt
                | CommandKind::Remove
                | CommandKind::ClearDoubt,
                _,
            ) => self.bad_input(scope.spread(), i64::from(operator), outputs),
        }
    }

    /// Does `change` to each spread that is meant; how many there are.
    fn with_spreads(&mut self, scope: Scope, mut change: impl FnMut(&mut Spread)) -> usize {
        let Table { instruments, spreads, .. } = &mut self.table;
        let gateway_of = |instrument: InstrumentIndex| {
            let row = instruments.get(usize::try_from(instrument.0).ok()?)?;
            row.spec.as_ref().map(|spec| spec.gateway)
        };
        let mut count = 0_usize;
        for row in spreads.iter_mut() {
            if row.spec.as_ref().is_some_and(|spec| scope.holds(spec, gateway_of)) {
                change(row);
                count = count.saturating_add(1);
            }
        }
        count
    }

    /// Enables, disables or leaves closing only what is meant and not halted. Among several, what
    /// closes only is not enabled: that takes its own name. What may not fire is not made to close.
    fn set_spreads(&mut self, scope: Scope, state: SpreadState, outputs: &mut Outputs) {
        if let Scope::Spread(spread) = scope
            && self.table.spread(spread).is_some_and(|row| row.state == SpreadState::Halted)
        {
            return self.bad_input(spread, 0, outputs);
        }
        let is_one = matches!(scope, Scope::Spread(_));
        let found = self.with_spreads(scope, |row| {
            let stays = match (row.state, state) {
                (SpreadState::Halted, _) | (SpreadState::Disabled, SpreadState::Reducing) => true,
                (SpreadState::Reducing, SpreadState::Enabled) => !is_one,
                _ => false,
            };
            if !stays {
                row.state = state;
            }
        });
        if found == 0 && scope != Scope::All {
            self.bad_input(scope.spread(), 0, outputs);
        }
    }

    /// Halts what is meant, for good until a person has looked: what rests of it is cancelled, and
    /// nothing is repaired.
    #[cold]
    #[inline(never)]
    fn kill_spreads(&mut self, scope: Scope, outputs: &mut Outputs) {
        let found = self.with_spreads(scope, |row| {
            (row.state, row.is_killed) = (SpreadState::Halted, true);
            if let Some(fire) = &mut row.fire {
                fire.may_repair = false;
            }
        });
        if found == 0 {
            self.bad_input(scope.spread(), 0, outputs);
        }
    }

    /// Takes a spread out of HALT. Its residual is taken as dealt with; a fire whose orders are not
    /// all accounted for keeps it there.
    pub(super) fn clear_halt(&mut self, spread: SpreadIndex, outputs: &mut Outputs) {
        match self.table.spread_mut(spread) {
            Some(row) if row.state == SpreadState::Halted && row.fire.is_none() => {
                (row.state, row.is_killed) = (SpreadState::Disabled, false);
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
        let stops = |fire: &Fire| fire.is_led() && (fire.intent.is_open() || fire.rests);
        if row.fire.as_ref().is_some_and(stops) {
            self.stop_leading(spread);
        }
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
        self.doubt_resting();
        let (by_alert, cause) = match cause {
            Cause::Command(kind) => (false, kind.code()),
            Cause::Alert(kind) => (true, kind.code()),
        };
        outputs.state(StateChange { spread: SpreadIndex::ALL, from, to, by_alert, cause });
    }
}
