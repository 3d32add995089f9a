//! Rules of the user: asked before quoting, before hedging and after hedging.
//!
//! They come last, after every gate, so that they can only take away: a fire or an order that rests
//! is held back, a spread closes only or opens nothing for a while, of two ways out of a fire that
//! is out of ratio the one back is taken. No rule keeps a missing leg from being dealt with: before
//! hedging it chooses between ways that are both open, and has no say where one is. A rule that
//! cannot be reckoned counts as met.
//!
//! What a rule decides is told with the comparison that decided (`Ruling`), and as an alert if
//! somebody is to know. A spread without rules pays for the look at one byte.
//!
//! Called by `fire` and `work` (quote), `repair` (hedge) and `ending` (after). `crate::rule`
//! reckons.

use super::fire::{NO_BOOK, legs};
use super::gates::{Of, Reading};
use super::{Desk, Instrument, Outputs, Spread};
use crate::execute::{self, Fire, repair};
use crate::message::{
    Alert, AlertKind, Depth, Figure, Gate, Intent, MAX_LEGS, OrderId, RULES, RuleAction, RulePoint,
    RuleStand, Ruling, SpreadIndex, SpreadSpec, StreamId, UserRule,
};
use crate::record::codec::fields;
use crate::risk::Refusal;
use crate::rule::{self, Figures};
use crate::spread::{self, Trigger, takes_asks};
use crate::time::{MonoNs, Span};

/// Nanoseconds of a day.
const DAY_NS: u64 = 86_400_000_000_000;

/// What a spread knows of its rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// A bit for each point at which it has some, and one while it may have to cool down.
    asked: u8,
    /// The rule that held it back when that was told last.
    told: u8,
    /// The rule that has it cool down, and until when.
    cools: Option<(u8, MonoNs)>,
}

fields! {
    Rules {
        asked: u8,
        told: u8,
        cools: Option<(u8, MonoNs)>,
    }
}

impl Rules {
    /// There are none.
    pub(super) const NONE: Self = Self { asked: 0, told: u8::MAX, cools: None };
    /// The bit of `asked` while it may have to cool down.
    const COOLS: u8 = 1 << 7;

    const fn bit(point: RulePoint) -> u8 {
        1 << (point.code() & 3)
    }

    /// Whether rules have a say before anything is quoted.
    #[inline(always)]
    pub(super) const fn are_for_quotes(self) -> bool {
        self.asked & (Self::bit(RulePoint::Quote) | Self::COOLS) != 0
    }

    /// Whether there are rules for a point.
    #[inline(always)]
    pub(super) const fn are_at(self, point: RulePoint) -> bool {
        self.asked & Self::bit(point) != 0
    }
}

/// Rules of a spread that are met, each at its place.
pub(super) type Rulings = [Option<Ruling>; RULES];

/// What rules are asked about.
#[derive(Clone, Copy)]
pub(super) struct Asked<'f> {
    point: RulePoint,
    intent: Intent,
    units: u32,
    /// The fire that is out of ratio, or has ended.
    fire: Option<&'f Fire>,
    /// What completing and trading back would cost.
    costs_e9: [Option<i64>; 2],
}

impl<'f> Asked<'f> {
    /// A fire that is about to be made.
    pub(super) const fn of_trigger(trigger: &Trigger) -> Self {
        let Trigger { intent, units, .. } = *trigger;
        Self { point: RulePoint::Quote, intent, units, fire: None, costs_e9: [None; 2] }
    }

    /// What rests of a fire.
    pub(super) const fn of_resting(fire: &Fire) -> Self {
        let units = fire.units.saturating_sub(fire.followed_units);
        let intent = fire.intent;
        Self { point: RulePoint::Quote, intent, units, fire: None, costs_e9: [None; 2] }
    }

    const fn of_fire(point: RulePoint, fire: &'f Fire, costs_e9: [Option<i64>; 2]) -> Self {
        Self { point, intent: fire.intent, units: fire.units, fire: Some(fire), costs_e9 }
    }

    /// Whether a ruling holds back what is asked about.
    fn is_held_by(&self, ruling: &Ruling) -> bool {
        match ruling.action {
            RuleAction::HoldBack => true,
            RuleAction::CloseOnly | RuleAction::CoolDown => self.intent.is_open(),
            RuleAction::Alert | RuleAction::Unwind => false,
        }
    }
}

/// What a rule can look at.
struct View<'v> {
    row: &'v Spread,
    spec: &'v SpreadSpec,
    legs: &'v [Option<&'v Instrument>; MAX_LEGS],
    asked: Asked<'v>,
    now: MonoNs,
    /// Nanoseconds of the day.
    utc: Option<u64>,
}

impl View<'_> {
    fn value_e9(&self) -> Option<i64> {
        let books = self.legs.map(|leg| leg.map_or(NO_BOOK, Instrument::book));
        let is_buy = self.asked.intent.is_buy();
        let value = spread::value(self.spec, &books, is_buy, 1)?;
        // A ratio of which nothing can be said is not known.
        value.compare(self.spec, is_buy, 0)?;
        Some(value.measured_e9(self.spec, is_buy))
    }

    fn level_e9(&self) -> Option<i64> {
        let (level_e9, never_e9) = self.spec.level(self.asked.intent);
        (level_e9 != never_e9).then_some(level_e9)
    }

    fn gain_e9(&self) -> Option<i64> {
        let (value_e9, level_e9) = (self.value_e9()?, self.level_e9()?);
        if self.asked.intent.is_buy() {
            level_e9.checked_sub(value_e9)
        } else {
            value_e9.checked_sub(level_e9)
        }
    }

    fn ages(&self) -> impl Iterator<Item = Span> {
        self.legs.iter().flatten().map(|leg| self.now.since(leg.quote.received))
    }

    fn skew(&self) -> Option<i64> {
        let (oldest, youngest) = (self.ages().max()?, self.ages().min()?);
        ns(Span(oldest.0.saturating_sub(youngest.0)))
    }

    fn lots(&self, leg: &Instrument, number: u8) -> Option<i64> {
        let spec = self.spec.legs().get(usize::from(number))?;
        let book = leg.book();
        let (depth, taken) = if takes_asks(spec, self.asked.intent.is_buy()) {
            (book.asks, book.taken_ask_lots)
        } else {
            (book.bids, book.taken_bid_lots)
        };
        Some(i64::from(depth.best_lots().saturating_sub(taken)))
    }

    fn of_leg(&self, figure: Figure, number: u8) -> Option<i64> {
        let at = usize::from(number);
        let leg = self.legs.get(at).copied().flatten()?;
        let best = |depth: &Depth| (depth.best_lots() > 0).then(|| depth.best_e9());
        match figure {
            Figure::Age => ns(self.now.since(leg.quote.received)),
            Figure::Lots => self.lots(leg, number),
            Figure::Bid => best(&leg.quote.bids),
            Figure::Ask => best(&leg.quote.asks),
            Figure::BidLots => Some(i64::from(leg.quote.bids.best_lots())),
            Figure::AskLots => Some(i64::from(leg.quote.asks.best_lots())),
            Figure::Held => Some(leg.exposure.position_lots),
            Figure::Filled => Some(i64::from(*self.asked.fire?.filled_lots.get(at)?)),
            Figure::Residual => {
                let ending = self.asked.fire?.ending(self.spec.spread, self.spec, self.now);
                execute::residual_lots(&self.spec.legs, &ending).get(at).copied()
            }
            Figure::Value
            | Figure::Level
            | Figure::Gain
            | Figure::Position
            | Figure::Size
            | Figure::Skew
            | Figure::Fires
            | Figure::SinceFire
            | Figure::Opens
            | Figure::Buys
            | Figure::Utc
            | Figure::Done
            | Figure::Slippage
            | Figure::Took
            | Figure::Tries
            | Figure::Whole
            | Figure::CompleteCost
            | Figure::UnwindCost => None,
        }
    }

    fn slippage_e9(&self) -> Option<i64> {
        let fire = self.asked.fire?;
        let none = [0; MAX_LEGS];
        repair::cost_e9(self.spec, &self.row.lot_q32, fire, &[None; MAX_LEGS], 0, &none)
    }
}

impl Figures for View<'_> {
    fn figure(&self, figure: Figure, leg: u8) -> Option<i64> {
        let [complete_e9, unwind_e9] = self.asked.costs_e9;
        let ending = || Some(self.asked.fire?.ending(self.spec.spread, self.spec, self.now));
        match figure {
            Figure::Value => self.value_e9(),
            Figure::Level => self.level_e9(),
            Figure::Gain => self.gain_e9(),
            Figure::Position => Some(i64::from(self.row.position_units)),
            Figure::Size => Some(i64::from(self.asked.units)),
            Figure::Skew => self.skew(),
            Figure::Fires => Some(i64::from(self.row.fires.count(self.now, self.spec.fire_window))),
            Figure::SinceFire if self.row.has_fired => ns(self.now.since(self.row.last_fired)),
            Figure::SinceFire => None,
            Figure::Opens => Some(i64::from(self.asked.intent.is_open())),
            Figure::Buys => Some(i64::from(self.asked.intent.is_buy())),
            Figure::Utc => i64::try_from(self.utc?).ok(),
            Figure::Done => Some(i64::from(ending()?.done_units)),
            Figure::Whole => Some(i64::from(ending()?.is_aligned)),
            Figure::Took => ns(ending()?.took),
            Figure::Slippage => self.slippage_e9(),
            Figure::Tries => Some(i64::from(self.asked.fire?.tries)),
            Figure::CompleteCost => complete_e9,
            Figure::UnwindCost => unwind_e9,
            Figure::Age
            | Figure::Lots
            | Figure::Bid
            | Figure::Ask
            | Figure::BidLots
            | Figure::AskLots
            | Figure::Held
            | Figure::Filled
            | Figure::Residual => self.of_leg(figure, leg),
        }
    }
}

fn ns(span: Span) -> Option<i64> {
    i64::try_from(span.0).ok()
}

impl Desk<'_> {
    /// Whether rules have a say before a spread quotes anything.
    #[inline(always)]
    pub(super) fn is_ruled(&self, index: SpreadIndex) -> bool {
        self.table.spread(index).is_some_and(|row| row.rules.are_for_quotes())
    }

    /// A rule is told: it takes the place of the one before, or takes it away. What that one had
    /// begun is over.
    #[cold]
    #[inline(never)]
    pub(super) fn on_rule(&mut self, told: &UserRule, outputs: &mut Outputs) {
        let is_there = self.table.spread(told.spread).is_some_and(|row| row.spec.is_some());
        let is_none = told.steps().next().is_none();
        let slot = rows(told.spread).and_then(|first| {
            let place = usize::from(told.rule);
            self.rules.get_mut(first.checked_add(place)?).filter(|_| place < RULES)
        });
        match slot {
            Some(slot) if is_there && (is_none || rule::is_sane(told)) => {
                *slot = (!is_none).then_some(*told);
            }
            _ => return self.bad_input(told.spread, i64::from(told.rule), outputs),
        }
        let points = self.rules_of(told.spread).map(|(_, rule)| Rules::bit(rule.point));
        let mut asked = points.fold(0, |asked, bit| asked | bit);
        if let Some(row) = self.table.spread_mut(told.spread) {
            let cools = row.rules.cools.filter(|(by, _)| *by != told.rule);
            if cools.is_some() {
                asked |= Rules::COOLS;
            }
            row.rules = Rules { asked, cools, ..Rules::NONE };
        }
    }

    /// Takes the rules of a spread away.
    pub(super) fn forget_rules(&mut self, spread: SpreadIndex) {
        let of_it = rows(spread).and_then(|first| self.rules.get_mut(first..));
        of_it
            .into_iter()
            .flat_map(|of_it| of_it.iter_mut().take(RULES))
            .for_each(|rule| *rule = None);
    }

    /// The rules of a spread, each with its place.
    pub fn rules_of(&self, spread: SpreadIndex) -> impl Iterator<Item = (u8, &UserRule)> {
        let of_it = rows(spread).and_then(|first| self.rules.get(first..)).unwrap_or_default();
        (0_u8..).zip(of_it.iter().take(RULES)).filter_map(|(at, rule)| Some((at, rule.as_ref()?)))
    }

    /// Which rules of a spread are met at a point, each with what decided.
    fn met_rules(&self, index: SpreadIndex, asked: Asked<'_>) -> Rulings {
        let mut rulings = [None; RULES];
        let Some((row, spec)) =
            self.table.spread(index).and_then(|row| Some((row, row.spec.as_ref()?)))
        else {
            return rulings;
        };
        let Some(legs) = &legs(spec, self.table.instruments) else {
            return rulings;
        };
        let view = View { row, spec, legs, asked, now: self.now, utc: self.utc_of_day() };
        for (at, rule) in self.rules_of(index).filter(|(_, rule)| rule.point == asked.point) {
            let found = rule::reckon(rule, &view);
            let Some(slot) = rulings.get_mut(usize::from(at)).filter(|_| found.is_met()) else {
                continue;
            };
            *slot = Some(Ruling {
                spread: index,
                rule: at,
                point: asked.point,
                action: rule.action,
                intent: asked.intent,
                stand: found.stand,
                step: found.step,
                seen: found.seen,
                limit: found.limit,
            });
        }
        rulings
    }

    fn utc_of_day(&self) -> Option<u64> {
        let scale = self.clock?;
        let since = self.now.0.checked_sub(scale.at.0)?;
        Some(scale.utc.0.checked_add(since)? % DAY_NS)
    }

    /// The ruling that holds back what is about to be quoted: what cools down comes first.
    #[cold]
    #[inline(never)]
    pub(super) fn held_by_rule(&self, index: SpreadIndex, asked: Asked<'_>) -> Option<Ruling> {
        let cools = self.table.spread(index).and_then(|row| row.rules.cools);
        if let Some((by, until)) = cools
            && asked.intent.is_open()
            && self.now < until
        {
            return Some(Ruling {
                spread: index,
                rule: by,
                point: RulePoint::After,
                action: RuleAction::CoolDown,
                intent: asked.intent,
                stand: RuleStand::Cooling,
                step: Ruling::NO_STEP,
                seen: ns(until.since(self.now)).unwrap_or(i64::MAX),
                limit: 0,
            });
        }
        self.met_rules(index, asked).into_iter().flatten().find(|ruling| asked.is_held_by(ruling))
    }

    /// Passes what no rule holds back.
    pub(super) fn pass_rules(&self, index: SpreadIndex, asked: Asked<'_>) -> Result<(), Refusal> {
        match self.held_by_rule(index, asked) {
            Some(Ruling { seen, limit, .. }) => Err(Refusal::new(Gate::UserRule, seen, limit)),
            None => Ok(()),
        }
    }

    /// What rules have to say of a trigger that has passed the gates, or that one of them has held
    /// back. One that holds it back for the first time is told, whatever was told before.
    #[cold]
    #[inline(never)]
    pub(super) fn rulings_of(
        &mut self,
        index: SpreadIndex,
        trigger: &Trigger,
        held_by: Option<Gate>,
    ) -> Rulings {
        let asked = Asked::of_trigger(trigger);
        let mut rulings = [None; RULES];
        match held_by {
            None => self.met_rules(index, asked),
            Some(Gate::UserRule) => {
                let Some(ruling) = self.held_by_rule(index, asked) else {
                    return rulings;
                };
                if let Some(row) = self.table.spread_mut(index)
                    && (row.rules.told != ruling.rule || ruling.action == RuleAction::CloseOnly)
                {
                    row.rules.told = ruling.rule;
                    row.refused = None;
                }
                if let Some(slot) = rulings.first_mut() {
                    *slot = Some(ruling);
                }
                rulings
            }
            Some(_) => rulings,
        }
    }

    /// Tells rulings and does what follows from them. Without `is_told` one that only holds back is
    /// left out, as the decision is.
    #[cold]
    #[inline(never)]
    pub(super) fn tell_rulings(&mut self, rulings: &Rulings, is_told: bool, outputs: &mut Outputs) {
        for ruling in rulings.iter().flatten() {
            let only_holds = matches!(ruling.action, RuleAction::HoldBack | RuleAction::Unwind)
                || ruling.stand == RuleStand::Cooling;
            if only_holds && !is_told {
                outputs.leave_out();
                continue;
            }
            outputs.ruling(*ruling);
            if only_holds {
                continue;
            }
            outputs.alert(Alert {
                kind: AlertKind::RuleMet,
                spread: ruling.spread,
                order_id: OrderId::NONE,
                stream: StreamId::NONE,
                value: i64::from(ruling.rule),
            });
            match ruling.action {
                RuleAction::CloseOnly => {
                    self.reduce_spread(ruling.spread, AlertKind::RuleMet, outputs);
                }
                RuleAction::CoolDown => self.cool_down(ruling),
                RuleAction::Alert | RuleAction::HoldBack | RuleAction::Unwind => {}
            }
        }
    }

    /// The spread opens nothing for a time: what ends last counts.
    fn cool_down(&mut self, ruling: &Ruling) {
        let is_it = |(at, _): &(u8, &UserRule)| *at == ruling.rule;
        let cool_down = self.rules_of(ruling.spread).find(is_it).map(|(_, rule)| rule.cool_down);
        let until = self.now.after(cool_down.unwrap_or_default());
        if let Some(row) = self.table.spread_mut(ruling.spread)
            && row.rules.cools.is_none_or(|(_, before)| before < until)
        {
            row.rules.cools = Some((ruling.rule, until));
            row.rules.asked |= Rules::COOLS;
        }
        self.touch_resting(ruling.spread);
    }

    /// What rests is taken back for a rule: which one that is.
    pub(super) fn ruling_of_resting(&self, index: SpreadIndex) -> Rulings {
        let mut rulings = [None; RULES];
        let fire = self.table.spread(index).and_then(|row| row.fire.as_ref());
        if let (Some(slot), Some(fire)) = (rulings.first_mut(), fire) {
            *slot = self.held_by_rule(index, Asked::of_resting(fire));
        }
        rulings
    }

    /// What rules have to say before a fire out of ratio is brought back into ratio, and whether
    /// they want it traded back.
    #[cold]
    #[inline(never)]
    pub(super) fn rulings_on_hedge(
        &self,
        index: SpreadIndex,
        costs_e9: [i64; 2],
    ) -> (Rulings, bool) {
        let Some(fire) = self.table.spread(index).and_then(|row| row.fire.as_ref()) else {
            return ([None; RULES], false);
        };
        let costs_e9 = costs_e9.map(|cost_e9| Some(cost_e9).filter(|cost_e9| *cost_e9 != i64::MAX));
        let rulings = self.met_rules(index, Asked::of_fire(RulePoint::Hedge, fire, costs_e9));
        let mut actions = rulings.iter().flatten().map(|ruling| ruling.action);
        let unwinds = actions.any(|action| action == RuleAction::Unwind);
        (rulings, unwinds)
    }

    /// A fire has ended: what rules have to say of it.
    #[cold]
    #[inline(never)]
    pub(super) fn rules_after(&mut self, index: SpreadIndex, fire: &Fire, outputs: &mut Outputs) {
        let rulings = self.met_rules(index, Asked::of_fire(RulePoint::After, fire, [None; 2]));
        self.tell_rulings(&rulings, true, outputs);
    }

    /// Tells `visit` every rule that can hold back what a trigger asks for, and what holds it back
    /// since before.
    pub(super) fn read_rules(
        &self,
        index: SpreadIndex,
        trigger: &Trigger,
        visit: &mut dyn FnMut(Reading),
    ) {
        let asked = Asked::of_trigger(trigger);
        let cooling =
            self.held_by_rule(index, asked).filter(|ruling| ruling.stand == RuleStand::Cooling);
        if let Some(ruling) = cooling {
            visit(Reading::most(Gate::UserRule, Of::Rule(ruling.rule), 1, 0));
        }
        let met = self.met_rules(index, asked);
        for (at, rule) in self.rules_of(index) {
            let found = met.get(usize::from(at)).copied().flatten();
            let holds = found.is_some_and(|ruling| asked.is_held_by(&ruling));
            if rule.point == RulePoint::Quote && rule.action != RuleAction::Alert {
                visit(Reading::most(Gate::UserRule, Of::Rule(at), i64::from(holds), 0));
            }
        }
    }
}

/// Where the rules of a spread begin.
fn rows(spread: SpreadIndex) -> Option<usize> {
    usize::try_from(spread.0).ok()?.checked_mul(RULES)
}
