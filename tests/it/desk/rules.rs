//! Rules of the user: asked before quoting, before hedging and after hedging.
//!
//! The spread buys leg `a` at 100 and sells leg `b` at 100, at a level of 0.

use super::stand::{ACK_TIMEOUT, ONE_E9, Stand, instrument, spread};
use cross_market_connect::engine::memory::{DeskMemory, DeskSize};
use cross_market_connect::rule::compile;
use xmc_hotpath::desk::{Desk, SpreadState};
use xmc_hotpath::message::{
    AlertKind, ClockScale, CommandKind, Detail, Detailing, Event, FollowStep, Gate, OrderAction,
    OrderEventKind, RULE_NAME, RULES, RepairSpec, RepairWay, RuleAction, RulePoint, RuleStand,
    RuleStep, Ruling, SpreadIndex, SpreadSpec, UserRule, WorkSpec,
};
use xmc_hotpath::record::codec::{Decoder, Encoder};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

use RuleAction::{Alert, CloseOnly, CoolDown, HoldBack, Unwind};
use RulePoint::{After, Hedge, Quote};

pub fn rule(number: u8, point: RulePoint, when: &str, action: RuleAction) -> UserRule {
    let program = compile(when, point, &["a", "b"]).expect("an expression");
    UserRule {
        spread: SpreadIndex(0),
        rule: number,
        point,
        action,
        cool_down: Span(if action == CoolDown { 1_000 } else { 0 }),
        name: [0; RULE_NAME],
        numbers: program.numbers,
        steps: program.steps,
    }
}

fn stand_of(spec: &SpreadSpec, rules: &[UserRule]) -> Stand {
    let mut stand = Stand::with(&[instrument(0), instrument(1)], spec);
    for rule in rules {
        stand.tell(Event::Rule(rule));
        assert_eq!(stand.alerts(), vec![], "{rule:?}");
    }
    stand
}

fn stand(rules: &[UserRule]) -> Stand {
    stand_of(&spread(), rules)
}

fn rulings(stand: &Stand) -> Vec<Ruling> {
    let told = stand.outputs.details().filter_map(|detail| match detail {
        Detail::Ruling(ruling) => Some(*ruling),
        _ => None,
    });
    told.collect()
}

/// Which rule, how it stood, and both sides of what decided.
fn said(stand: &Stand) -> Vec<(u8, RuleStand, i64, i64)> {
    rulings(stand).iter().map(|of| (of.rule, of.stand, of.seen, of.limit)).collect()
}

fn state(stand: &Stand) -> SpreadState {
    stand.desk().spreads()[0].state
}

/// Books that meet the level, `lots` on each side.
fn meet(stand: &mut Stand, lots: u32) {
    stand.quote(1, 100, 101, lots);
    stand.quote(0, 99, 100, lots);
}

#[test]
fn a_rule_holds_a_fire_back_and_says_what_it_saw() {
    let mut stand = stand(&[rule(2, Quote, "opens and lots(b) < 5", HoldBack)]);
    meet(&mut stand, 4);
    let held = stand.decision().expect("the level is met");
    assert_eq!((held.gate, held.seen, held.limit), (Gate::UserRule, 4, 5));
    assert_eq!(said(&stand), [(2, RuleStand::Met, 4, 5)]);
    assert_eq!((stand.orders(), stand.alerts()), (vec![], vec![]), "it is a gate, not an alert");
    // The same again is counted, not told.
    stand.quote(0, 99, 100, 4);
    assert_eq!((stand.decision(), rulings(&stand)), (None, vec![]));
    stand.quote(1, 100, 101, 5);
    assert_eq!(stand.orders().len(), 2, "five are not fewer than five");
}

#[test]
fn another_rule_that_holds_back_is_told_as_well() {
    let rules =
        [rule(0, Quote, "bid_lots(b) < 5", HoldBack), rule(1, Quote, "ask_lots(a) < 5", HoldBack)];
    let mut stand = stand(&rules);
    meet(&mut stand, 4);
    assert_eq!(said(&stand), [(0, RuleStand::Met, 4, 5)]);
    stand.quote(1, 100, 101, 9);
    assert_eq!(said(&stand), [(1, RuleStand::Met, 4, 5)]);
}

#[test]
fn what_cannot_be_reckoned_counts_as_met() {
    // Nobody has told the clock.
    let mut stand = stand(&[rule(0, Quote, "utc < 13:30", HoldBack)]);
    meet(&mut stand, 9);
    assert_eq!(said(&stand), [(0, RuleStand::Unknown, Ruling::UNKNOWN, 48_600_000_000_000)]);
    let told = |utc: u64| ClockScale { at: MonoNs(0), utc: UnixNs(utc), error: Span(1) };
    // Three days and half past one, less what has passed on the desk's clock.
    let half_past = (3 * 86_400 + 48_600) * 1_000_000_000;
    stand.tell(Event::Clock(told(half_past - 2_000)));
    stand.quote(0, 99, 100, 9);
    assert_eq!(stand.orders(), vec![]);
    stand.tell(Event::Clock(told(half_past)));
    stand.quote(0, 99, 100, 9);
    assert_eq!(stand.orders().len(), 2);
    // A product that no 64 bits hold.
    let mut stand = stand_of(&spread(), &[rule(0, Quote, "value * 4000000000 > 0", HoldBack)]);
    stand.quote(1, 100, 101, 9);
    stand.quote(0, 89, 90, 9);
    assert_eq!(said(&stand)[0].1, RuleStand::Unknown);
}

#[test]
fn a_rule_can_leave_the_spread_closing_only() {
    let mut stand = stand(&[rule(0, Quote, "position >= 3", CloseOnly)]);
    let [buy, sell] = stand.open(3);
    stand.fill(&buy, 1, 3, 3);
    stand.fill(&sell, 2, 3, 3);
    meet(&mut stand, 3);
    assert_eq!(stand.decision().map(|held| held.gate), Some(Gate::UserRule));
    assert_eq!((stand.alerts(), state(&stand)), (vec![AlertKind::RuleMet], SpreadState::Reducing));
    // It closes: that is told again, and goes out.
    stand.quote(1, 80, 81, 9);
    assert_eq!(stand.orders().len(), 2);
    assert_eq!(stand.alerts(), vec![AlertKind::RuleMet]);
}

#[test]
fn an_alert_goes_with_the_fire() {
    let mut stand = stand(&[rule(5, Quote, "size > 1 and not buys or skew < 1 ms", Alert)]);
    stand.open(2);
    assert_eq!(stand.alerts(), vec![AlertKind::RuleMet]);
    let [ruling] = rulings(&stand)[..] else { panic!("one ruling, not {:?}", stand.outputs) };
    assert_eq!((ruling.rule, ruling.limit), (5, 1_000_000));
}

#[test]
fn a_rule_after_a_fire_has_the_spread_cool_down() {
    let mut stand = stand(&[rule(0, After, "done < size", CoolDown)]);
    let [buy, sell] = stand.open(3);
    stand.news(&buy, OrderEventKind::Cancelled);
    stand.news(&sell, OrderEventKind::Cancelled);
    assert_eq!(stand.ending().map(|ending| ending.done_units), Some(0));
    assert_eq!(said(&stand), [(0, RuleStand::Met, 0, 3)]);
    assert_eq!(stand.alerts(), vec![AlertKind::RuleMet]);
    let ended = stand.now;
    meet(&mut stand, 3);
    let held = stand.decision().expect("the level is met");
    let left = i64::try_from(ended + 1_000 - stand.now).expect("a short time");
    assert_eq!((held.gate, held.seen, held.limit), (Gate::UserRule, left, 0));
    assert_eq!(rulings(&stand)[0].stand, RuleStand::Cooling);
    stand.now = ended + 998;
    stand.quote(0, 99, 100, 3);
    assert_eq!(stand.orders(), vec![], "a nanosecond is left");
    stand.quote(0, 99, 100, 3);
    assert_eq!(stand.orders().len(), 2);
}

#[test]
fn slippage_is_in_money_and_known_after_a_fire() {
    let when = |at: &str| format!("slippage {at} and whole and filled(a) == 2");
    for (compared, is_met) in [("> 1.999", true), ("> 2", false)] {
        let mut spec = spread();
        spec.legs[0].pay_up_e9 = ONE_E9;
        spec.repair.money_q32 = 1 << 32;
        let mut stand = stand_of(&spec, &[rule(0, After, &when(compared), Alert)]);
        let [buy, sell] = stand.open(2);
        // Decided on at 100, filled at 101: one more for each of two lots.
        stand.fill(&buy, 1, 2, 2);
        stand.fill(&sell, 2, 2, 2);
        assert_eq!(stand.alerts().contains(&AlertKind::RuleMet), is_met, "{compared}");
    }
}

fn repaired(rules: &[UserRule]) -> Stand {
    let repair = RepairSpec { tries: 2, within: ACK_TIMEOUT, ..RepairSpec::NONE };
    stand_of(&SpreadSpec { repair, ..spread() }, rules)
}

/// Leg `a` is filled, leg `b` refused, and its book gone to `bid`.
fn refused_at(stand: &mut Stand, bid: i64) -> RepairWay {
    let [buy, sell] = stand.open(5);
    stand.fill(&buy, 1, 5, 5);
    stand.quote(1, bid, bid + 1, 50);
    stand.news(&sell, OrderEventKind::Rejected);
    stand.repair().expect("it is looked at").way
}

#[test]
fn a_rule_before_hedging_takes_the_way_back_where_both_are_open() {
    let unwinds = rule(0, Hedge, "complete_cost >= 0 and lots(b) > 0", Unwind);
    assert_eq!(refused_at(&mut repaired(&[]), 100), RepairWay::Complete, "it costs nothing");
    let mut stand = repaired(&[unwinds]);
    assert_eq!(refused_at(&mut stand, 100), RepairWay::Unwind);
    assert_eq!(said(&stand), [(0, RuleStand::Met, 50, 0)]);
    assert_eq!(stand.orders().len(), 1, "the order goes out with it");
}

#[test]
fn no_rule_keeps_a_missing_leg_from_being_dealt_with() {
    let rules = [
        rule(0, Hedge, "complete_cost >= 0 or complete_cost < 0", Unwind),
        rule(1, Hedge, "opens", Alert),
    ];
    let mut stand = repaired(&rules);
    let [buy, sell] = stand.open(5);
    stand.fill(&buy, 1, 5, 5);
    stand.quote(1, 100, 101, 50);
    // Nobody buys leg `a` back: only completing is left.
    let mut one_sided = super::stand::book(0, 99, 100, 50);
    one_sided.bids.lots = [0; 5];
    stand.tell(Event::Quote { quote: &one_sided, more: false });
    stand.news(&sell, OrderEventKind::Rejected);
    assert_eq!(stand.repair().expect("it is looked at").way, RepairWay::Complete);
    assert_eq!(stand.orders().len(), 1);
    assert_eq!(stand.alerts(), vec![AlertKind::OrderRejected, AlertKind::RuleMet]);
}

/// Leg `a` rests: what a rule does not let rest is taken back, and does not come again.
#[test]
fn what_rests_is_taken_back_for_a_rule() {
    let work = WorkSpec { leg: 0, slop_e9: 0, lag_e9: 0, improve_e9: 0, behind_e9: 5 * ONE_E9 };
    let repair = RepairSpec { tries: 2, within: ACK_TIMEOUT, ..RepairSpec::NONE };
    let spec = SpreadSpec { work, repair, ..spread() };
    let mut stand = stand_of(&spec, &[rule(0, Quote, "bid_lots(b) < 5", HoldBack)]);
    stand.quote(1, 100, 101, 9);
    stand.quote(0, 99, 102, 9);
    let [rests] = stand.orders()[..] else { panic!("one rests, not {:?}", stand.outputs) };
    stand.news(&rests, OrderEventKind::Accepted);
    stand.quote(1, 100, 101, 4);
    let [cancel] = stand.orders()[..] else { panic!("it goes, not {:?}", stand.outputs) };
    assert_eq!((cancel.action, cancel.order_id), (OrderAction::Cancel, rests.order_id));
    let [pulled] = stand.follows()[..] else { panic!("it is told: {:?}", stand.outputs) };
    assert_eq!((pulled.step, pulled.gate), (FollowStep::Pulled, Gate::UserRule));
    assert_eq!(said(&stand), [(0, RuleStand::Met, 4, 5)]);
    stand.news(&rests, OrderEventKind::Cancelled);
    stand.quote(1, 100, 101, 4);
    assert_eq!(stand.orders(), vec![], "{:?}", stand.outputs);
    // Until its own market is quoted anew, what the book shows may be what has gone.
    stand.quote(1, 100, 101, 9);
    stand.quote(0, 99, 102, 9);
    assert_eq!(stand.orders().len(), 1, "and again when it may");
}

#[test]
fn a_rule_is_replaced_taken_away_and_goes_with_its_spread() {
    let held = rule(0, Quote, "opens", HoldBack);
    let mut stand = stand(&[held]);
    meet(&mut stand, 3);
    assert_eq!(stand.orders(), vec![]);
    let none = UserRule { steps: [RuleStep::NONE; 32], ..held };
    stand.tell(Event::Rule(&none));
    assert_eq!(stand.desk().rules_of(SpreadIndex(0)).count(), 0);
    stand.tell(Event::Rule(&held));
    stand.command(CommandKind::Remove);
    stand.tell(Event::Spread(&spread()));
    assert_eq!(stand.desk().rules_of(SpreadIndex(0)).count(), 0, "another spread has none");
    stand.quote(0, 99, 100, 3);
    assert_eq!(stand.orders().len(), 2);
}

#[test]
fn a_rule_that_cannot_be_done_is_refused() {
    let sound = rule(0, Quote, "position > 1 and opens", HoldBack);
    let mut stack = sound;
    stack.steps[1] = RuleStep::NONE;
    let [_, _, _, figure, and, ..] = sound.steps;
    let mut truths = sound;
    truths.steps[..3].copy_from_slice(&[figure, sound.steps[0], and]);
    let wrongs = [
        UserRule { spread: SpreadIndex(7), ..sound },
        UserRule { rule: 6, ..sound },
        UserRule { action: CoolDown, ..sound },
        UserRule { action: Unwind, ..sound },
        UserRule { cool_down: Span(1), ..sound },
        // Of a fire that there is not yet.
        UserRule { point: Quote, ..rule(0, After, "whole", Alert) },
        stack,
        truths,
    ];
    assert_eq!(RULES, 6, "the one above is one too many");
    for wrong in &wrongs {
        let mut stand = stand(&[]);
        stand.tell(Event::Rule(wrong));
        assert_eq!(stand.alerts(), vec![AlertKind::BadInput], "{wrong:?}");
        stand.open(1);
    }
}

#[test]
fn refusals_that_are_left_out_leave_their_rulings_out() {
    let mut stand = stand(&[rule(0, Quote, "opens", HoldBack)]);
    let refusals = !Detailing::bit(Gate::UserRule);
    stand.tell(Event::Detailing(Detailing { refusals, endings: true }));
    meet(&mut stand, 3);
    assert_eq!((stand.outputs.detail_count(), stand.outputs.order_count()), (0, 0));
}

#[test]
fn a_desk_from_a_snapshot_has_its_rules() {
    let rules = [rule(1, After, "done < size", CoolDown), rule(4, Quote, "opens", Alert)];
    let mut stand = stand(&rules);
    let [buy, sell] = stand.open(3);
    stand.news(&buy, OrderEventKind::Cancelled);
    stand.news(&sell, OrderEventKind::Cancelled);
    let mut bytes = vec![0; 1 << 20];
    let mut out = Encoder::new(&mut bytes);
    stand.desk().save(&mut out);
    let len = out.written().expect("it fits");
    let size = DeskSize { instruments: 2, spreads: 2, orders: 16 };
    let mut memory = DeskMemory::new(size);
    let mut input = Decoder::new(&bytes[..len]);
    let restored = Desk::restore(stand.desk().identity(), memory.lend(), &mut input);
    let restored = restored.expect("it is the state of such a desk");
    let told: Vec<_> = restored.rules_of(SpreadIndex(0)).map(|(at, rule)| (at, *rule)).collect();
    assert_eq!(told, [(1, rules[0]), (4, rules[1])]);
    let mut again = vec![0; 1 << 20];
    let mut out = Encoder::new(&mut again);
    restored.save(&mut out);
    assert_eq!(out.written(), Some(len));
    assert!(again[..len] == bytes[..len], "equal states are equal bytes");
}
