//! Open or close against a market that keeps a slip of paper for every single lot.

use proptest::prelude::*;
use xmc_hotpath::execute::offset::{self, Child, Children, Holding, Lots};
use xmc_hotpath::message::{CloseFirst, OffsetRule, PositionEffect, Side};

/// One lot that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slip {
    side: Side,
    is_today: bool,
    /// The live order that closes it.
    closed_by: Option<u32>,
}

/// The market of slips.
#[derive(Clone, Debug, Default)]
struct Slips(Vec<Slip>);

impl Slips {
    fn count(&self, is_counted: impl Fn(&Slip) -> bool) -> u32 {
        u32::try_from(self.0.iter().filter(|slip| is_counted(slip)).count()).unwrap()
    }

    /// Lot by lot: the first slip of the other side that may be closed, or a new one.
    fn split(
        &mut self,
        order: u32,
        side: Side,
        lots: u32,
        rule: OffsetRule,
        first: CloseFirst,
    ) -> Vec<Child> {
        let wishes = match (rule, first) {
            (OffsetRule::Net, _) => return one(PositionEffect::Net, lots),
            (OffsetRule::Close, _) => vec![(None, PositionEffect::Close)],
            (OffsetRule::CloseToday, CloseFirst::Yesterday) => {
                vec![
                    (Some(false), PositionEffect::CloseYesterday),
                    (Some(true), PositionEffect::CloseToday),
                ]
            }
            (OffsetRule::CloseToday, CloseFirst::Today) => {
                vec![
                    (Some(true), PositionEffect::CloseToday),
                    (Some(false), PositionEffect::CloseYesterday),
                ]
            }
        };
        let mut effects = Vec::new();
        for _ in 0..lots {
            let found = wishes.iter().find_map(|(is_today, effect)| {
                let slip = self.0.iter_mut().find(|slip| {
                    slip.side != side
                        && slip.closed_by.is_none()
                        && is_today.is_none_or(|is_today| slip.is_today == is_today)
                })?;
                slip.closed_by = Some(order);
                Some(*effect)
            });
            effects.push(found.unwrap_or(PositionEffect::Open));
        }
        let mut children: Vec<Child> = Vec::new();
        for effect in effects {
            match children.last_mut() {
                Some(last) if last.effect == effect => last.lots += 1,
                _ => children.push(Child { effect, lots: 1 }),
            }
        }
        children
    }

    fn fill(&mut self, order: u32, side: Side, effect: PositionEffect) {
        let is_wanted = |slip: &Slip| {
            slip.closed_by == Some(order)
                && match effect {
                    PositionEffect::CloseToday => slip.is_today,
                    PositionEffect::CloseYesterday => !slip.is_today,
                    _ => true,
                }
        };
        match effect {
            PositionEffect::Open => {
                self.0.push(Slip { side, is_today: true, closed_by: None });
            }
            _ => {
                let place = self.0.iter().position(is_wanted).expect("a frozen slip");
                self.0.remove(place);
            }
        }
    }

    fn thaw(&mut self, order: u32, effect: PositionEffect) {
        for slip in &mut self.0 {
            let is_of_effect = match effect {
                PositionEffect::CloseToday => slip.is_today,
                PositionEffect::CloseYesterday => !slip.is_today,
                PositionEffect::Close => true,
                PositionEffect::Open | PositionEffect::Net => false,
            };
            if slip.closed_by == Some(order) && is_of_effect {
                slip.closed_by = None;
            }
        }
    }
}

fn one(effect: PositionEffect, lots: u32) -> Vec<Child> {
    if lots == 0 { vec![] } else { vec![Child { effect, lots }] }
}

fn list(children: &Children) -> Vec<Child> {
    assert_eq!(usize::from(children.count()), children.iter().count());
    children.iter().copied().collect()
}

/// A live child order.
#[derive(Clone, Copy, Debug)]
struct Live {
    order: u32,
    side: Side,
    effect: PositionEffect,
    lots: u32,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Order { side: Side, lots: u32 },
    Fill { which: usize, lots: u32 },
    End { which: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    prop::collection::vec(
        prop_oneof![
            4 => (side, 0_u32..12).prop_map(|(side, lots)| Step::Order { side, lots }),
            6 => (any::<usize>(), 1_u32..12).prop_map(|(which, lots)| Step::Fill { which, lots }),
            2 => any::<usize>().prop_map(|which| Step::End { which }),
        ],
        1..80,
    )
}

/// What the slips say of one side, as the holding would.
fn agrees(held: &Lots, slips: &Slips, side: Side, rule: OffsetRule) {
    let count = |is_today: bool, is_frozen: bool| {
        slips.count(|slip| {
            slip.side == side
                && slip.is_today == is_today
                && (!is_frozen || slip.closed_by.is_some())
        })
    };
    if rule == OffsetRule::CloseToday {
        let expected = Lots {
            today: count(true, false),
            yesterday: count(false, false),
            frozen_today: count(true, true),
            frozen_yesterday: count(false, true),
        };
        assert_eq!(*held, expected);
    } else {
        // Which slip the market takes is not said.
        assert_eq!(held.held(), count(true, false) + count(false, false));
        assert_eq!(held.frozen_yesterday, count(true, true) + count(false, true));
        assert_eq!(held.frozen_today, 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Orders, fills and ends in any order: the same children, the same lots held and frozen, and
    /// no fill that closes what is not held.
    #[test]
    fn lots_are_the_slips_of_the_market(
        carried in (0_u32..10, 0_u32..10),
        steps in steps(),
        rule in prop_oneof![Just(OffsetRule::Close), Just(OffsetRule::CloseToday)],
        first in prop_oneof![Just(CloseFirst::Yesterday), Just(CloseFirst::Today)],
    ) {
        let lots = |yesterday| Lots { yesterday, ..Lots::default() };
        let mut held = Holding { long: lots(carried.0), short: lots(carried.1) };
        let mut slips = Slips::default();
        for (side, count) in [(Side::Buy, carried.0), (Side::Sell, carried.1)] {
            let slip = Slip { side, is_today: false, closed_by: None };
            slips.0.extend((0..count).map(|_| slip));
        }
        let mut live: Vec<Live> = Vec::new();
        let mut net = held.net();
        for (step, order) in steps.iter().zip(0..) {
            match *step {
                Step::Order { side, lots } => {
                    let children = list(&offset::split(side, lots, &held, rule, first));
                    prop_assert_eq!(&children, &slips.split(order, side, lots, rule, first));
                    prop_assert_eq!(children.iter().map(|child| child.lots).sum::<u32>(), lots);
                    for Child { effect, lots } in children {
                        held.freeze(side, effect, lots);
                        live.push(Live { order, side, effect, lots });
                    }
                }
                Step::Fill { which, lots } if !live.is_empty() => {
                    let place = which % live.len();
                    let Live { order, side, effect, lots: left } = live[place];
                    let lots = lots.min(left);
                    held.thaw(side, effect, lots);
                    prop_assert_eq!(held.fill(side, effect, lots), 0, "all of it was held");
                    (0..lots).for_each(|_| slips.fill(order, side, effect));
                    net += if side == Side::Buy { i64::from(lots) } else { -i64::from(lots) };
                    live[place].lots -= lots;
                    if live[place].lots == 0 {
                        live.remove(place);
                    }
                }
                Step::End { which } if !live.is_empty() => {
                    let Live { order, side, effect, lots } = live.remove(which % live.len());
                    held.thaw(side, effect, lots);
                    slips.thaw(order, effect);
                }
                Step::Fill { .. } | Step::End { .. } => {}
            }
            agrees(&held.long, &slips, Side::Buy, rule);
            agrees(&held.short, &slips, Side::Sell, rule);
            prop_assert_eq!(held.net(), net, "whatever it closes, the net is the same");
        }
    }

    /// Any figures at all, frozen beyond what is held among them: never more or less than asked.
    #[test]
    fn children_are_exact_at_the_ends_of_the_numbers(
        lots in edge(),
        numbers in [edge(), edge(), edge(), edge()],
        rule in prop::sample::select(OffsetRule::ALL),
        first in prop::sample::select(CloseFirst::ALL),
        is_buy in any::<bool>(),
    ) {
        let [today, yesterday, frozen_today, frozen_yesterday] = numbers;
        let one = Lots { today, yesterday, frozen_today, frozen_yesterday };
        let (side, held) = if is_buy {
            (Side::Buy, Holding { short: one, ..Holding::NONE })
        } else {
            (Side::Sell, Holding { long: one, ..Holding::NONE })
        };
        let children = list(&offset::split(side, lots, &held, rule, first));
        let sum: u64 = children.iter().map(|child| u64::from(child.lots)).sum();
        prop_assert_eq!(sum, u64::from(lots));
        prop_assert!(children.iter().all(|child| child.lots > 0));
        // What is held on its own side is never touched.
        let own = if is_buy { held.long } else { held.short };
        prop_assert_eq!(own, Lots::default());
    }

    /// A bust undoes its fill.
    #[test]
    fn a_bust_undoes_a_fill(
        numbers in [1_u32..100, 1..100, 1..100, 1..100],
        effect in prop::sample::select(PositionEffect::ALL),
        is_buy in any::<bool>(),
        lots in 1_u32..50,
    ) {
        let held = |today: u32, yesterday: u32| {
            Lots { today: today + 50, yesterday: yesterday + 50, ..Lots::default() }
        };
        let before = Holding {
            long: held(numbers[0], numbers[1]),
            short: held(numbers[2], numbers[3]),
        };
        let side = if is_buy { Side::Buy } else { Side::Sell };
        let mut after = before;
        prop_assert_eq!(after.fill(side, effect, lots), 0);
        prop_assert_eq!(after == before, effect == PositionEffect::Net);
        prop_assert_eq!(after.bust(side, effect, lots), 0);
        prop_assert_eq!(after, before);
    }
}

fn edge() -> impl Strategy<Value = u32> {
    prop_oneof![0_u32..5, any::<u32>(), (u32::MAX - 5)..=u32::MAX]
}

/// The sentence of the rule, said once by hand: five lots sold, two carried over and one of today's
/// held, of which one is being closed already.
#[test]
fn the_rule_in_one_example() {
    let long = Lots { today: 1, yesterday: 3, frozen_today: 0, frozen_yesterday: 1 };
    let held = Holding { long, ..Holding::NONE };
    let split = |rule, first| {
        let children = offset::split(Side::Sell, 5, &held, rule, first);
        children.iter().map(|child| (child.effect, child.lots)).collect::<Vec<_>>()
    };
    use PositionEffect::{Close, CloseToday, CloseYesterday, Net, Open};
    let yesterday = split(OffsetRule::CloseToday, CloseFirst::Yesterday);
    assert_eq!(yesterday, [(CloseYesterday, 2), (CloseToday, 1), (Open, 2)]);
    let today = split(OffsetRule::CloseToday, CloseFirst::Today);
    assert_eq!(today, [(CloseToday, 1), (CloseYesterday, 2), (Open, 2)]);
    assert_eq!(split(OffsetRule::Close, CloseFirst::Today), [(Close, 3), (Open, 2)]);
    assert_eq!(split(OffsetRule::Net, CloseFirst::Today), [(Net, 5)]);
    let bought = offset::split(Side::Buy, 5, &held, OffsetRule::CloseToday, CloseFirst::Today);
    assert_eq!(list(&bought), one(Open, 5), "a long position is not closed by buying");
}

#[test]
fn a_close_of_lots_that_are_not_known_is_said() {
    let mut held = Holding { long: Lots { today: 2, ..Lots::default() }, ..Holding::NONE };
    assert_eq!(held.fill(Side::Sell, PositionEffect::CloseToday, 5), 3);
    assert_eq!(held.long.held(), 0);
    assert_eq!(held.fill(Side::Sell, PositionEffect::CloseYesterday, 1), 1);
}
