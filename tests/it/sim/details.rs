//! What is told in detail may be left out, and nothing else changes: a twin of the simulator's desk
//! that leaves something out sends the same orders for the same inputs, byte for byte, and says all
//! else that the other one says.

use cross_market_connect::engine::memory::{DeskMemory, DeskSize};
use cross_market_connect::sim::plan::{Plan, Seed};
use cross_market_connect::sim::world::{self, IDENTITY};
use xmc_hotpath::desk::{Desk, Outputs};
use xmc_hotpath::message::{
    Credits, Decision, Detail, Detailing, Event, FollowStep, Gate, Input, Obstacle, RuleAction,
    RuleStand,
};
use xmc_hotpath::time::MonoNs;

const NONE: Detailing = Detailing { refusals: 0, endings: false };

/// How much was told, and how much of it was left out.
#[derive(Debug, Default)]
struct Told {
    orders: usize,
    kept: usize,
    left_out: usize,
}

/// Runs `seed` with a twin that is told `detailing` first.
fn with_a_twin(seed: Seed, detailing: Detailing, told: &mut Told) {
    let plan = Plan::draw(seed);
    let size = DeskSize {
        instruments: plan.instruments.len(),
        spreads: plan.spreads.len(),
        orders: plan.orders,
    };
    let mut arenas = DeskMemory::new(size);
    let mut twin = Desk::new(IDENTITY, arenas.lend());
    let mut outputs = Outputs::new();
    let event = Event::Detailing(detailing);
    twin.on(&Input { now: MonoNs(0), credits: Credits::FULL, event }, &mut outputs);
    let outcome = world::run_watched(seed, &mut |input: &Input<'_>, expected: &Outputs| {
        twin.on(input, &mut outputs);
        assert!(outputs.orders().eq(expected.orders()), "{seed:?} {input:?}");
        let kept: Vec<_> =
            expected.details().filter(|detail| is_kept(detail, detailing)).map(plain).collect();
        let found: Vec<_> = outputs.details().map(plain).collect();
        assert_eq!(found, kept, "{seed:?} {input:?}");
        told.orders += expected.order_count();
        told.kept += kept.len();
        told.left_out += expected.detail_count() - kept.len();
    });
    outcome.unwrap_or_else(|violation| panic!("{violation}"));
}

fn is_kept(detail: &Detail, detailing: Detailing) -> bool {
    match detail {
        Detail::Decision(decision) if decision.gate != Gate::Passed => {
            detailing.has_refusal(decision.gate)
        }
        Detail::Ending(ending) => detailing.endings || !ending.is_aligned,
        Detail::Follow(follow) if follow.step == FollowStep::HeldBack => {
            follow.obstacle != Obstacle::Gate || detailing.has_refusal(follow.gate)
        }
        Detail::Ruling(ruling)
            if ruling.action == RuleAction::HoldBack || ruling.stand == RuleStand::Cooling =>
        {
            detailing.has_refusal(Gate::UserRule)
        }
        Detail::Decision(_)
        | Detail::Alert(_)
        | Detail::State(_)
        | Detail::Repair(_)
        | Detail::Follow(_)
        | Detail::Internal(_)
        | Detail::Ruling(_) => true,
    }
}

/// Without the count that speaks of another decision, which may have been left out.
fn plain(detail: &Detail) -> Detail {
    match detail {
        Detail::Decision(decision) => Detail::Decision(Decision { repeated: 0, ..*decision }),
        other => *other,
    }
}

/// Schedules whose operators leave nothing out, so that the other desk says everything.
fn schedules() -> impl Iterator<Item = Seed> {
    (1..600).map(Seed::whole).filter(|seed| !Plan::draw(*seed).leaves_out)
}

#[test]
fn a_desk_that_leaves_everything_out_that_can_be_sends_the_same_orders() {
    let mut told = Told::default();
    for seed in schedules() {
        with_a_twin(seed, NONE, &mut told);
    }
    assert!(told.orders > 1_000 && told.kept > 1_000 && told.left_out > 1_000, "{told:?}");
}

#[test]
fn each_gate_is_left_out_by_itself() {
    let mut told = Told::default();
    for (seed, gate) in schedules().zip(Gate::ALL.iter().cycle()) {
        let refusals = !Detailing::bit(*gate);
        with_a_twin(seed, Detailing { refusals, endings: true }, &mut told);
    }
    assert!(told.orders > 1_000 && told.left_out > 200, "{told:?}");
}

#[test]
fn what_is_left_out_has_words() {
    assert_eq!(Detailing::ALL.left_out().count(), 0);
    let some = Detailing { refusals: !Detailing::bit(Gate::CoolDown), endings: false };
    assert_eq!(some.left_out().collect::<Vec<_>>(), ["endings", "cool_down"]);
}
