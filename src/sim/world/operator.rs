//! The operator's side of a schedule: commands, and limits that change while the desk runs.

use super::*;
use crate::sim::rules;
use xmc_hotpath::message::{
    Detailing, Finding, FindingKind, GatewayIndex, Hours, Scope, Sizing, StrategyId,
};

impl World<'_> {
    pub(super) fn command(&self, kind: CommandKind, scope: Scope) -> Command {
        Command { kind, scope, operator: 1, command_id: self.commands }
    }

    pub(super) fn order(&mut self, at: MonoNs, kind: CommandKind, scope: Scope) {
        self.commands += 1;
        let command = self.command(kind, scope);
        self.push(at, Happening::Command(command));
    }

    pub(super) fn operate(&mut self) {
        let row = self.rng.usize(..self.spreads.len());
        let index = SpreadIndex(u32::try_from(row).expect("a few spreads"));
        let spread = Scope::Spread(index);
        let later = self.after(self.rng.clone().u64(10_000..1_000_000));
        if self.strikes(Fault::Kill) {
            self.order(self.now, CommandKind::Kill, Scope::All);
        }
        if self.strikes(Fault::NoNew) {
            self.order(self.now, CommandKind::NoNew, Scope::All);
            self.order(later, CommandKind::Arm, Scope::All);
        }
        if self.strikes(Fault::Toggle) {
            self.order(self.now, CommandKind::Disable, spread);
            self.order(later, CommandKind::Enable, spread);
        }
        if self.plan.scopes && self.rng.u8(..25) == 0 {
            let scope = self.scope(row);
            if self.rng.bool() {
                self.order(self.now, CommandKind::Kill, scope);
                self.order(later, CommandKind::ClearHalt, spread);
                self.order(later, CommandKind::Enable, scope);
            } else {
                self.order(self.now, CommandKind::NoNew, scope);
                self.order(later, CommandKind::Enable, spread);
            }
        }
        if self.strikes(Fault::ClearHalt) {
            self.order(self.now, CommandKind::ClearHalt, spread);
            self.order(later, CommandKind::Enable, Scope::All);
            self.order(later, CommandKind::Arm, Scope::All);
        }
        if self.strikes(Fault::Respecify) {
            self.respecify(row);
        }
        // Told again they begin anew, and may be others.
        if self.plan.breakers[row].is_some() && self.rng.u8(..60) == 0 {
            let breakers = plan::breakers(&mut self.rng, index);
            self.push(self.now, Happening::Specify(Box::new(Control::Breakers(breakers))));
        }
        if !self.plan.rules.is_empty() && self.rng.u8(..40) == 0 {
            let (legs, tick_e9) = (self.spreads[row].leg_count, self.plan.tick_e9);
            let number = self.rng.u8(..4);
            let rule = rules::rule(&mut self.rng, index, number, legs, tick_e9);
            let rule = if self.rng.u8(..3) == 0 { rules::none(rule) } else { rule };
            self.push(self.now, Happening::Specify(Box::new(Control::Rule(rule))));
        }
        if self.plan.finds && self.rng.u8(..40) == 0 {
            self.find();
            let cleared = if self.rng.bool() { spread } else { Scope::All };
            self.order(later, CommandKind::ClearDoubt, cleared);
        }
        if self.plan.removes && self.rng.u8(..12) == 0 {
            self.order(self.now, CommandKind::Remove, spread);
            let again = Control::Spread(self.spreads[row]);
            self.push(later, Happening::Specify(Box::new(again)));
        }
        if self.strikes(Fault::ClockStep) {
            let utc = UnixNs(self.rng.u64(..));
            let scale = ClockScale { at: self.now, utc, error: Span(self.rng.u64(..)) };
            self.push(self.now, Happening::Clock(scale));
        }
    }

    /// Something that a spread has in common with others, or has not.
    fn scope(&mut self, row: usize) -> Scope {
        let spec = self.spreads[row];
        let leg = spec.legs()[self.rng.usize(..spec.legs().len())].instrument;
        match self.rng.u8(..6) {
            0 => Scope::Spread(spec.spread),
            1 => Scope::Instrument(leg),
            2 => Scope::Gateway(GatewayIndex(self.rng.u8(..4))),
            3 => Scope::Account(spec.account),
            4 => Scope::Strategy(spec.strategy),
            _ => Scope::Strategy(StrategyId(self.rng.u32(..4))),
        }
    }

    /// The cold side finds something of an instrument, or of none that is traded; or that a clock
    /// is wrong. Sometimes less is opened with one line from then on.
    fn find(&mut self) {
        let instrument = self.rng.usize(..self.instruments.len());
        let (instrument, stream) =
            (self.instruments[instrument].instrument, self.instruments[instrument].feed);
        let rng = &mut self.rng;
        let kinds = FindingKind::ALL;
        let kind = kinds[rng.usize(..kinds.len())];
        let is_clock = matches!(kind, FindingKind::ClockStep | FindingKind::ClockDrift);
        let finding = Finding {
            kind,
            instrument: if is_clock || rng.u8(..4) == 0 {
                InstrumentIndex::NONE
            } else {
                instrument
            },
            stream: if is_clock { StreamId::NONE } else { stream },
            packet_seq_no: rng.u32(..),
            value: rng.i64(..),
            opens_nothing: rng.u8(..4) > 0,
        };
        let sizing = Sizing { single_line_q32: rng.u32(..) };
        if rng.u8(..4) == 0 {
            self.push(self.now, Happening::Specify(Box::new(Control::Sizing(sizing))));
        }
        self.push(self.now, Happening::Specify(Box::new(Control::Finding(finding))));
        let ns = self.rng.u64(10_000..1_000_000);
        let later = self.after(ns);
        self.order(later, CommandKind::Arm, Scope::All);
    }

    /// Limits and levels change, each in its own time.
    pub(super) fn respecify(&mut self, row: usize) {
        let instrument = self.rng.usize(..self.instruments.len());
        let gateway = self.rng.usize(..self.gateways.len());
        let rng = &mut self.rng;
        let kinds = 5 + u8::from(self.plan.leaves_out) + 2 * u8::from(self.plan.tells_hours);
        let control = match rng.u8(..kinds) {
            0 => {
                let spec = &mut self.instruments[instrument];
                spec.max_position_lots = rng.u32(5..60);
                spec.max_order_lots = rng.u32(3..60);
                Control::Instrument(*spec)
            }
            1 => {
                let limits = &mut self.gateways[gateway];
                limits.max_messages = rng.u16(2..200);
                Control::Gateway(*limits)
            }
            2 => {
                let most = rng.u32(20..500);
                let limits = AccountLimits { max_position_lots: most, ..self.plan.accounts[0] };
                Control::Account(limits)
            }
            3 => Control::Held(plan::held(rng, self.instruments[instrument].instrument)),
            5 if self.plan.leaves_out => {
                Control::Detailing(Detailing { refusals: rng.u64(..), endings: rng.bool() })
            }
            // Now or soon, for as long as a fire takes or for the rest of the schedule.
            5..=7 => {
                let mut later = |at: MonoNs, most| at.after(Span(rng.u64(..most)));
                let from = later(self.now, 200_000);
                let opening_until = later(from, 20_000_000);
                let until = later(opening_until, 1_000_000);
                let instrument = self.instruments[instrument].instrument;
                Control::Hours(Hours { instrument, from, opening_until, until })
            }
            _ => {
                let spec = &mut self.spreads[row];
                let measure = spec.trigger.measure;
                spec.buy_open_e9 = self.plan.level(measure, rng.i64(-6..=4));
                spec.sell_close_e9 = self.plan.level(measure, rng.i64(-6..=6));
                spec.clip_units = rng.u32(1..=5);
                spec.max_units = rng.u32(1..=20);
                spec.is_enabled = rng.u8(..8) != 0;
                spec.ack_timeout = Span(rng.u64(100_000..3_000_000));
                Control::Spread(*spec)
            }
        };
        self.push(self.now, Happening::Specify(Box::new(control)));
    }
}
