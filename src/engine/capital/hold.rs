//! What accounts that have too little do to spreads: closing only, closed at what the books give,
//! halted.
//!
//! A spread is held as tightly as the account among those of its traded legs that has least. What
//! is wanted is compared with what the desk's shadow shows, look by look, so that what somebody
//! undoes while it is still wanted is done again. It is let go when money is back; a spread that
//! anybody else has had a hand in meanwhile (an operator, a breaker) is left as they have it, and
//! one that was halted waits for a person.

use crate::capital::Stage;
use crate::config::Configuration;
use xmc_hotpath::desk::{Desk, SpreadState};
use xmc_hotpath::message::{
    Command, CommandKind, Control, InstrumentIndex, Scope, SpreadIndex, SpreadSpec, TriggerSpec,
};
use xmc_hotpath::time::{MonoNs, Span};

/// How long the shadow may take to show what was told, before it is told again.
const PATIENCE: Span = Span(250_000_000);

/// Spreads and what is done to them.
#[derive(Debug)]
pub struct Holds {
    rows: Vec<Row>,
    next_command: u64,
}

#[derive(Debug)]
struct Row {
    /// The accounts that its traded legs are held in.
    accounts: Vec<usize>,
    /// It closes only because of us.
    is_ours: bool,
    /// As its levels were before it was made to close.
    levels: Option<Levels>,
    /// When the desk was told something.
    told: Option<MonoNs>,
}

/// What of a spread is changed so that it closes at what the books give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Levels {
    buy_close_e9: i64,
    sell_close_e9: i64,
    hysteresis_e9: i64,
    cool_down: Span,
    close_hold: Span,
}

impl Levels {
    const fn of(spec: &SpreadSpec) -> Self {
        Self {
            buy_close_e9: spec.buy_close_e9,
            sell_close_e9: spec.sell_close_e9,
            hysteresis_e9: spec.hysteresis_e9,
            cool_down: spec.cool_down,
            close_hold: spec.trigger.close_hold,
        }
    }

    /// Those by which a spread closes whatever it is worth, as fast as it may fire.
    fn closing(spec: &SpreadSpec) -> Self {
        // One more than its window takes would halt it.
        let slowest = Span(spec.fire_window.0 / u64::from(spec.max_fires.max(1)) + 1_000_000);
        Self {
            buy_close_e9: i64::MIN,
            sell_close_e9: i64::MAX,
            hysteresis_e9: 0,
            cool_down: spec.cool_down.max(slowest),
            close_hold: Span(0),
        }
    }

    /// The spread with these; one that was disabled stays so.
    fn put(self, spec: &SpreadSpec, state: SpreadState) -> SpreadSpec {
        SpreadSpec {
            is_enabled: state != SpreadState::Disabled,
            buy_close_e9: self.buy_close_e9,
            sell_close_e9: self.sell_close_e9,
            hysteresis_e9: self.hysteresis_e9,
            cool_down: self.cool_down,
            trigger: TriggerSpec { close_hold: self.close_hold, ..spec.trigger },
            ..*spec
        }
    }
}

impl Holds {
    /// Nothing is held; `account_of` says where a row of the instrument table is held.
    #[must_use]
    pub fn new(
        config: &Configuration,
        account_of: impl Fn(usize) -> Option<usize>,
        first_command: u64,
    ) -> Self {
        let rows = config.spreads.iter().map(|spread| {
            let traded = spread.legs.iter().filter(|leg| leg.ratio.value != 0);
            Row {
                accounts: traded.filter_map(|leg| account_of(leg.instrument.value)).collect(),
                is_ours: false,
                levels: None,
                told: None,
            }
        });
        Self { rows: rows.collect(), next_command: first_command }
    }

    /// The number that the next command will have.
    #[must_use]
    pub fn next_command(&self) -> u64 {
        self.next_command
    }

    /// Somebody else had a hand in what `scope` means.
    pub fn touched(&mut self, scope: Scope, desk: &Desk<'_>) {
        let gateway_of = |instrument: InstrumentIndex| {
            let row = desk.instruments().get(instrument.0 as usize)?;
            row.spec.as_ref().map(|spec| spec.gateway)
        };
        for (row, spread) in self.rows.iter_mut().zip(desk.spreads()) {
            if spread.spec.as_ref().is_some_and(|spec| scope.holds(spec, gateway_of)) {
                row.is_ours = false;
            }
        }
    }

    /// What the desk has to be told now, by where each account stands.
    pub fn due(&mut self, desk: &Desk<'_>, stages: &[Stage], now: MonoNs) -> Vec<Control> {
        let mut out = Vec::new();
        let Self { rows, next_command } = self;
        for ((row, spread), at) in rows.iter_mut().zip(desk.spreads()).zip(0..) {
            let Some(spec) = &spread.spec else { continue };
            if row.told.is_some_and(|told| now.since(told) < PATIENCE) {
                continue;
            }
            let before = out.len();
            let stage = row.accounts.iter().map(|account| stages[*account]).max();
            let mut order = |kind, out: &mut Vec<Control>| {
                let scope = Scope::Spread(SpreadIndex(at));
                let command = Command { kind, scope, operator: 0, command_id: *next_command };
                *next_command += 1;
                out.push(Control::Command(command));
            };
            let is_enabled = spread.state == SpreadState::Enabled;
            let stage = stage.unwrap_or_default();
            if stage == Stage::Stop {
                if spread.state != SpreadState::Halted {
                    order(CommandKind::Kill, &mut out);
                }
            } else if stage >= Stage::ReduceOnly && is_enabled {
                order(CommandKind::NoNew, &mut out);
                row.is_ours = true;
            } else if stage < Stage::ReduceOnly && std::mem::take(&mut row.is_ours) {
                if spread.state == SpreadState::Reducing {
                    order(CommandKind::Enable, &mut out);
                }
            }
            let closes = is_enabled || spread.state == SpreadState::Reducing;
            match row.levels {
                None if stage == Stage::PairOff && closes && spread.position_units != 0 => {
                    row.levels = Some(Levels::of(spec));
                    out.push(Control::Spread(Levels::closing(spec).put(spec, spread.state)));
                }
                Some(levels) if stage < Stage::PairOff => {
                    row.levels = None;
                    out.push(Control::Spread(levels.put(spec, spread.state)));
                }
                _ => {}
            }
            if out.len() > before {
                row.told = Some(now);
            }
        }
        out
    }
}
