//! Numbers and stops outlive a restart.

use super::rig::{NOW_S, configuration, judge, request, text};
use crate::journal::scratch::Scratch;
use cross_market_connect::control::kept::Kept;
use cross_market_connect::control::limit::{Amount, Change, Field, Limited};
use cross_market_connect::control::scope::Register;
use cross_market_connect::control::text::Text;
use cross_market_connect::control::verb::Verb;
use cross_market_connect::engine::inputs;
use xmc_hotpath::message::{Command, CommandKind, Control, Denial, SafeState, Scope, SpreadIndex};

fn give(scratch: &Scratch, counter: u64, verb: Verb, scope: &str, by: &[&str]) -> Denial {
    let request = request(&text(counter, verb, scope), by);
    match judge(scratch).decide(request.as_bytes(), NOW_S, SafeState::NoNew) {
        Ok(granted) => granted.instruction.denial,
        Err(denied) => denied.instruction.denial,
    }
}

/// What the next run of the desk is told first, and whether it may arm itself.
fn stops(scratch: &Scratch) -> (Vec<(CommandKind, Scope, u32, u64)>, bool) {
    let kept = Kept::open(&scratch.path("kept")).expect("it reads");
    let controls = kept.controls(&Register::of(&configuration()));
    let told = controls.into_iter().map(|control| match control {
        Control::Command(Command { kind, scope, operator, command_id }) => {
            (kind, scope, operator, command_id)
        }
        other => panic!("{other:?}"),
    });
    (told.collect(), kept.is_held())
}

#[test]
fn a_number_that_was_used_is_not_taken_by_the_next_run() {
    let scratch = Scratch::new("control_kept");
    assert_eq!(give(&scratch, 3, Verb::NoNew, "all", &["alice"]), Denial::Taken);
    // As it was signed, under the digest that the record has.
    let digest = cross_market_connect::hex::show(&text(3, Verb::NoNew, "all").digest());
    let kept = scratch.path("kept").join("commands").join(format!("{digest}.note"));
    let signed = request(&text(3, Verb::NoNew, "all"), &["alice"]);
    assert_eq!(std::fs::read_to_string(kept).expect("it is kept"), signed);
    // Another judge reads what this one has written.
    assert_eq!(give(&scratch, 3, Verb::NoNew, "all", &["alice"]), Denial::Counter);
    assert_eq!(give(&scratch, 4, Verb::NoNew, "all", &["alice"]), Denial::Taken);
}

#[test]
fn what_was_stopped_stays_so_until_two_allow_it() {
    let scratch = Scratch::new("control_stops");
    let (calendar, all) = (Scope::Spread(SpreadIndex(0)), Scope::All);
    assert_eq!(give(&scratch, 1, Verb::Kill, "all", &["alice"]), Denial::Taken);
    assert_eq!(give(&scratch, 2, Verb::Disable, "spread=calendar", &["alice"]), Denial::Taken);
    let desk = (CommandKind::NoNew, all, 11, 1);
    let fires = (CommandKind::Disable, all, 11, 1);
    let spread = (CommandKind::Disable, calendar, 11, 2);
    assert_eq!(stops(&scratch), (vec![desk, fires, spread], true));
    assert_eq!(give(&scratch, 3, Verb::Arm, "all", &["alice"]), Denial::SecondPerson);
    assert_eq!(stops(&scratch), (vec![desk, fires, spread], true), "one is not enough");
    assert_eq!(give(&scratch, 3, Verb::Arm, "all", &["alice", "bob"]), Denial::Taken);
    assert_eq!(stops(&scratch), (vec![fires, spread], false), "spreads were not meant");
    let enabled = give(&scratch, 4, Verb::Enable, "all", &["alice", "bob"]);
    assert_eq!((enabled, stops(&scratch)), (Denial::Taken, (vec![], false)));
    assert_eq!(give(&scratch, 5, Verb::Kill, "spread=calendar", &["alice"]), Denial::Taken);
    let killed = (CommandKind::Disable, calendar, 11, 5);
    assert_eq!(stops(&scratch), (vec![killed], false));
}

/// A restart raises nothing: that takes two.
#[test]
fn a_limit_that_was_lowered_stays_so_until_two_raise_it() {
    let scratch = Scratch::new("control_lowered");
    let config = configuration();
    let (told, _) = inputs::controls(&config);
    let register = Register::of(&config);
    let spread = Scope::Spread(SpreadIndex(0));
    let before = Limited::told(&told, spread).expect("it has limits");
    let of = |field| before.figure(field).expect("a spread has one");
    let (units, fires) = (of(Field::MaxUnits), of(Field::MaxFires));
    let change = |counter, field, (from, to): (u64, u64), by: &[&str]| {
        let unit = if field == Field::MaxFires { "fires" } else { "units" };
        let amount = |figure| Amount { figure, unit: unit.to_owned() };
        let change = Some(Change { field, from: amount(from), to: amount(to) });
        let text = Text { change, ..text(counter, Verb::Limit, "spread=calendar") };
        match judge(&scratch).decide(request(&text, by).as_bytes(), NOW_S, SafeState::NoNew) {
            Ok(granted) => granted.instruction.denial,
            Err(denied) => denied.instruction.denial,
        }
    };
    // What the next run tells the desk behind its configuration: figures of units, clip and fires.
    let next = || {
        let kept = Kept::open(&scratch.path("kept")).expect("it reads");
        let lowered = kept.lowered(&register, &told);
        assert!(lowered.len() <= 1, "all of one spread at once: {lowered:?}");
        let limits = Limited::told(&lowered, spread)?;
        let figure = |field| limits.figure(field).expect("it has one");
        Some([Field::MaxUnits, Field::ClipUnits, Field::MaxFires].map(figure))
    };
    let clip = of(Field::ClipUnits);
    assert!(units > 4 && fires > 2, "{units} {fires}");
    assert_eq!(next(), None);
    assert_eq!(change(1, Field::MaxUnits, (units, 3), &["alice"]), Denial::Taken);
    assert_eq!(next(), Some([3, clip.min(3), fires]));
    assert_eq!(change(2, Field::MaxFires, (fires, fires - 1), &["alice"]), Denial::Taken);
    assert_eq!(next(), Some([3, clip.min(3), fires - 1]));
    assert_eq!(change(3, Field::MaxUnits, (3, 4), &["alice"]), Denial::SecondPerson);
    assert_eq!(next(), Some([3, clip.min(3), fires - 1]), "one is not enough");
    assert_eq!(change(3, Field::MaxUnits, (3, 4), &["alice", "bob"]), Denial::Taken);
    assert_eq!(next(), Some([4, clip.min(4), fires - 1]));
    // Above its configuration it is that again.
    for (counter, field, figures) in
        [(4, Field::MaxUnits, (4, units + 1)), (5, Field::MaxFires, (fires - 1, fires))]
    {
        assert_eq!(change(counter, field, figures, &["alice", "bob"]), Denial::Taken);
    }
    assert_eq!(next(), None);
}

#[test]
fn a_file_that_somebody_has_changed_is_not_believed() {
    let scratch = Scratch::new("control_changed");
    assert_eq!(give(&scratch, 1, Verb::NoNew, "all", &["alice"]), Denial::Taken);
    let file = scratch.path("kept").join("control.json");
    let text = std::fs::read_to_string(&file).expect("it was written");
    for wrong in [text.replace("counters", "counter"), String::new(), "{}".to_owned()] {
        std::fs::write(&file, wrong).expect("it is ours");
        let error = Kept::open(&scratch.path("kept")).expect_err("it is not what was written");
        assert!(error.to_string().contains("old commands could be given again"), "{error}");
    }
}

/// A command whose number cannot be kept is not done, but for one that stops: that is done, says
/// so, and is not taken twice.
#[test]
fn a_disk_that_refuses_stops_no_stop() {
    let scratch = Scratch::new("control_disk");
    let mut judge = judge(&scratch);
    std::fs::remove_dir_all(scratch.path("kept")).expect("it is ours");
    let mut give = |counter, verb, signers: &[&str]| {
        let request = request(&text(counter, verb, "all"), signers);
        judge.decide(request.as_bytes(), NOW_S, SafeState::Normal)
    };
    let denied = give(1, Verb::Arm, &["alice", "bob"]).expect_err("nowhere to write");
    assert_eq!(denied.instruction.denial, Denial::Disk);
    for (counter, verb) in [(1, Verb::Kill), (2, Verb::NoNew), (3, Verb::Disable)] {
        let granted = give(counter, verb, &["alice"]).expect("it only stops");
        assert!(granted.unkept.is_some_and(|why| why.contains("see to the disk")), "{verb}");
        let again = give(counter, verb, &["alice"]).expect_err("it is taken once");
        assert_eq!(again.instruction.denial, Denial::Counter, "{verb}");
    }
}

/// A number far ahead would leave none for later.
#[test]
fn numbers_do_not_run_away() {
    let scratch = Scratch::new("control_far");
    let mut judge = judge(&scratch);
    for (counter, denial) in
        [(u64::MAX, Denial::Counter), (1_001, Denial::Counter), (1_000, Denial::Taken)]
    {
        let request = request(&text(counter, Verb::Disable, "all"), &["alice"]);
        let decided = judge.decide(request.as_bytes(), NOW_S, SafeState::Normal);
        let found = decided.map_or_else(|no| no.instruction.denial, |_| Denial::Taken);
        assert_eq!(found, denial, "{counter}");
    }
}

/// What would be used up before a restart is not taken in HALT.
#[test]
fn what_a_desk_in_halt_cannot_do_waits_for_the_next_run() {
    let scratch = Scratch::new("control_halted");
    let mut judge = judge(&scratch);
    for verb in [Verb::Arm, Verb::Enable] {
        let request = request(&text(1, verb, "all"), &["alice", "bob"]);
        let denied = judge.decide(request.as_bytes(), NOW_S, SafeState::Halt);
        assert_eq!(denied.expect_err("in HALT").instruction.denial, Denial::State, "{verb}");
    }
}
