//! What accounts that have too little do to spreads: closing only, closed at what the books give,
//! halted.
//!
//! A spread is held as tightly as the account among those of its traded legs that has least. What
//! is wanted is compared with what the desk's shadow shows, look by look, so that what somebody
//! undoes while it is still wanted is done again. It is let go when money is back; a spread that
//! anybody else has had a hand in meanwhile (an operator, a breaker) is left as they have it. One
//! that was halted waits for a person, who can clear it: until its account has risen anew it closes
//! only.

use crate::capital::Stage;
use crate::config::Configuration;
use xmc_hotpath::desk::{Desk, Spread, SpreadState};
use xmc_hotpath::message::{
    Command, CommandKind, Control, InstrumentIndex, Measure, Scope, SpreadSpec, TriggerSpec,
};
use xmc_hotpath::risk::FIRE_RATE_MAX;
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
    /// It was halted since its account came to its last level: once, and then people decide.
    is_stopped: bool,
    /// What its levels are to be again once it need not close any more.
    own: Option<Own>,
    /// When the desk was told something.
    told: Option<MonoNs>,
    /// It is not to open.
    is_held: bool,
}

/// What of a spread is changed so that it closes at what the books give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Levels {
    buy_close_e9: i64,
    sell_close_e9: i64,
    hysteresis_e9: i64,
    cool_down: Span,
    close_hold: Span,
    max_fires: u16,
}

/// What is put back, and what stands there meanwhile.
#[derive(Clone, Copy, Debug)]
struct Own {
    levels: Levels,
    /// What the desk was told last.
    put: Levels,
    /// Somebody has changed how often it may fire since it was made to close: nobody raises that.
    is_limited: bool,
}

impl Levels {
    const fn of(spec: &SpreadSpec) -> Self {
        Self {
            buy_close_e9: spec.buy_close_e9,
            sell_close_e9: spec.sell_close_e9,
            hysteresis_e9: spec.hysteresis_e9,
            cool_down: spec.cool_down,
            close_hold: spec.trigger.close_hold,
            max_fires: spec.max_fires,
        }
    }

    /// Those by which a spread that had these closes whatever it is worth, as fast as it may fire:
    /// so often as the desk can count, or as a person has said while it closed.
    fn closing(self, spec: &SpreadSpec, is_limited: bool) -> Self {
        let max_fires = if is_limited { self.max_fires } else { FIRE_RATE_MAX };
        // With all that it has fired before, it never comes to so many in its window: that would
        // halt it.
        let before = if is_limited { 0 } else { self.max_fires };
        let room = u64::from(max_fires.saturating_sub(before));
        let slowest = Span(spec.fire_window.0 / room.max(1) + 1_000_000);
        Self {
            // A ratio is above zero.
            buy_close_e9: if spec.trigger.measure == Measure::Ratio { 1 } else { i64::MIN },
            sell_close_e9: i64::MAX,
            hysteresis_e9: 0,
            cool_down: self.cool_down.max(slowest),
            close_hold: Span(0),
            max_fires,
        }
    }

    /// These, but where `now` differs from what `put` has put there: that is somebody's who has
    /// changed it meanwhile, and stays.
    fn with_changes(self, now: Self, put: Self) -> Self {
        let pick = |own, now, put| if now == put { own } else { now };
        let pick_span = |own: Span, now: Span, put: Span| if now == put { own } else { now };
        Self {
            buy_close_e9: pick(self.buy_close_e9, now.buy_close_e9, put.buy_close_e9),
            sell_close_e9: pick(self.sell_close_e9, now.sell_close_e9, put.sell_close_e9),
            hysteresis_e9: pick(self.hysteresis_e9, now.hysteresis_e9, put.hysteresis_e9),
            cool_down: pick_span(self.cool_down, now.cool_down, put.cool_down),
            close_hold: pick_span(self.close_hold, now.close_hold, put.close_hold),
            max_fires: if now.max_fires == put.max_fires { self.max_fires } else { now.max_fires },
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
            max_fires: self.max_fires,
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
                is_stopped: false,
                own: None,
                told: None,
                is_held: false,
            }
        });
        Self { rows: rows.collect(), next_command: first_command }
    }

    /// Whether a row of the spread table is not to open.
    #[must_use]
    pub fn holds(&self, row: usize) -> bool {
        self.rows.get(row).is_some_and(|row| row.is_held)
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

    /// A command of ours about `scope`.
    pub fn order(&mut self, kind: CommandKind, scope: Scope) -> Control {
        let command_id = self.next_command;
        self.next_command += 1;
        Control::Command(Command { kind, scope, operator: 0, command_id })
    }

    /// What the desk has to be told now, by where each account stands. `is_caught_up`: the shadow
    /// shows all that the desk was told; if not, nothing is given back, since somebody else may
    /// have taken it meanwhile, and nothing is told twice. `is_free`: nobody else has a reason to
    /// keep a row closed.
    pub fn due(
        &mut self,
        desk: &Desk<'_>,
        stages: &[Stage],
        now: MonoNs,
        is_caught_up: bool,
        is_free: &dyn Fn(usize) -> bool,
    ) -> Vec<Control> {
        let mut out = Vec::new();
        for (at, spread) in (0..).zip(desk.spreads()).take(self.rows.len()) {
            let row = &mut self.rows[at];
            let stage = row.accounts.iter().map(|account| stages[*account]).max();
            row.is_held = stage >= Some(Stage::ReduceOnly);
            let Some(spec) = &spread.spec else { continue };
            if row.told.is_some_and(|told| now.since(told) < PATIENCE || !is_caught_up) {
                continue;
            }
            let scope = Scope::Spread(spec.spread);
            let before = out.len();
            if let Some(kind) =
                self.command(at, stage.unwrap_or_default(), spread, is_caught_up && is_free(at))
            {
                let told = self.order(kind, scope);
                out.push(told);
            }
            let row = &mut self.rows[at];
            if is_caught_up {
                out.extend(row.levels(stage.unwrap_or_default(), spread, spec));
            }
            if out.len() > before {
                row.told = Some(now);
            }
        }
        out
    }

    /// What is ordered of a row.
    fn command(
        &mut self,
        at: usize,
        stage: Stage,
        spread: &Spread,
        may_give: bool,
    ) -> Option<CommandKind> {
        let row = &mut self.rows[at];
        let fires = matches!(spread.state, SpreadState::Enabled | SpreadState::Reducing);
        row.is_stopped &= stage == Stage::Stop;
        if stage == Stage::Stop && !row.is_stopped && (fires || spread.fire.is_some()) {
            (row.is_stopped, row.is_ours) = (true, false);
            return Some(CommandKind::Kill);
        }
        if stage >= Stage::ReduceOnly && spread.state == SpreadState::Enabled {
            row.is_ours = true;
            return Some(CommandKind::NoNew);
        }
        if stage < Stage::ReduceOnly && may_give && std::mem::take(&mut row.is_ours) {
            return (spread.state == SpreadState::Reducing).then_some(CommandKind::Enable);
        }
        None
    }
}

impl Row {
    /// The levels that it should have now, if it has others.
    fn levels(&mut self, stage: Stage, spread: &Spread, spec: &SpreadSpec) -> Option<Control> {
        let fires = matches!(spread.state, SpreadState::Enabled | SpreadState::Reducing);
        let closes = stage == Stage::PairOff && fires && spread.position_units != 0;
        let now = Levels::of(spec);
        if let Some(own) = &mut self.own {
            // A change of another limit tells the levels that were before: they say nothing new.
            own.is_limited |= ![own.put.max_fires, own.levels.max_fires].contains(&now.max_fires);
            own.levels = own.levels.with_changes(now, own.put);
            own.put = now;
        }
        let wanted = if closes {
            let own = self.own.get_or_insert(Own { levels: now, put: now, is_limited: false });
            own.levels.closing(spec, own.is_limited)
        } else if stage < Stage::PairOff {
            self.own.take()?.levels
        } else {
            return None;
        };
        if let Some(own) = &mut self.own {
            own.put = wanted;
        }
        (now != wanted).then(|| Control::Spread(wanted.put(spec, spread.state)))
    }
}
