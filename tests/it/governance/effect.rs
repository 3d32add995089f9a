//! From when on, and until when, a version may be traded with; and which of several.

use super::rig::{Rig, at};
use cross_market_connect::governance::fold::Standing;

const LESS: [(&str, &str); 1] = [("max_position_lots = 20", "max_position_lots = 19")];

/// The version that is in effect so many minutes after noon.
fn version(rig: &Rig, minutes: i64) -> Option<u64> {
    rig.read().fold.in_effect(at(minutes)).map(|case| case.proposal.version)
}

#[test]
fn an_approval_is_worth_nothing_before_its_time_and_after_it() {
    let rig = Rig::new("govern_time");
    let proposal = rig.tried(0, &rig.config(&[]));
    rig.approve_from("olga", 2, proposal, (10, None)).expect("one");
    rig.approve_from("rita", 3, proposal, (20, Some(60))).expect("two");
    rig.approve_from("carl", 4, proposal, (5, Some(90))).expect("three");
    let standing = |minutes| {
        let register = rig.read();
        let case = register.fold.case(proposal).expect("it is there");
        register.fold.standing(case, at(minutes))
    };
    // Risk is rita's alone, so her times are those of the whole.
    for (minutes, wanted) in [
        (4, Standing::NotYet { from: at(20) }),
        (19, Standing::NotYet { from: at(20) }),
        (20, Standing::InEffect { from: at(20), until: Some(at(60)) }),
        (59, Standing::InEffect { from: at(20), until: Some(at(60)) }),
        (60, Standing::Ended { until: at(60) }),
        (95, Standing::Ended { until: at(90) }),
    ] {
        assert_eq!(standing(minutes), wanted, "{minutes}");
        let is_in_effect = matches!(wanted, Standing::InEffect { .. });
        assert_eq!(version(&rig, minutes), is_in_effect.then_some(1), "{minutes}");
    }
    let register = rig.read();
    let case = register.fold.case(proposal).expect("it is there");
    let worth = |minutes| case.approvals_at(at(minutes)).map(|one| &*one.by).collect::<Vec<_>>();
    assert_eq!(worth(4), Vec::<&str>::new());
    assert_eq!(worth(12), ["olga", "carl"]);
    assert_eq!(worth(60), ["olga", "carl"]);
    assert_eq!(worth(90), ["olga"]);
}

#[test]
fn an_approval_that_is_never_worth_anything_is_refused() {
    let rig = Rig::new("govern_never");
    let proposal = rig.tried(0, &rig.config(&[]));
    for (times, rule) in [
        ((10, Some(10)), "expired"),
        ((10, Some(9)), "expired"),
        ((2, Some(1)), "expired"),
        ((1, None), "backdated"),
    ] {
        let refused = rig.approve_from("olga", 2, proposal, times).expect_err("it is refused");
        assert_eq!(refused.rule(), rule, "{times:?}");
    }
}

#[test]
fn the_last_version_whose_time_has_come_is_in_effect() {
    let rig = Rig::new("govern_versions");
    rig.approved(0, &rig.config(&[]));
    let second = rig.tried(10, &rig.config(&LESS));
    for by in ["rita", "carl"] {
        rig.approve_from(by, 12, second, (30, Some(60))).expect("it is approved of");
    }
    let seen = [2, 29, 30, 59, 60].map(|minutes| version(&rig, minutes));
    assert_eq!(seen, [Some(1), Some(1), Some(2), Some(2), None], "the first is not back");
    let register = rig.read();
    let standing = register.fold.standing(&register.fold.cases()[0], at(40));
    assert_eq!(standing, Standing::Superseded { by: 2 });
}

#[test]
fn what_is_withdrawn_is_over_and_stays_so() {
    let rig = Rig::new("govern_withdrawn");
    let first = rig.approved(0, &rig.config(&[]));
    assert_eq!(version(&rig, 5), Some(1));
    rig.withdraw("rita", 6, first).expect("one is enough");
    assert_eq!(version(&rig, 6), None);
    for refused in
        [rig.withdraw("carl", 7, first), rig.approve("eve", 7, first), rig.attach("pat", 7, first)]
    {
        assert_eq!(refused.expect_err("it is over").rule(), "withdrawn");
    }
    // The same files again are another proposal, which asks for everything anew.
    let again = rig.tried(8, &rig.config(&[]));
    assert_eq!(version(&rig, 9), None);
    for by in ["olga", "rita", "carl"] {
        rig.approve(by, 10, again).expect("it is approved of");
    }
    assert_eq!(version(&rig, 10), Some(2));
}

/// What was compared with a version that is not the last any more is proposed anew.
#[test]
fn a_proposal_that_was_overtaken_is_not_approved_of() {
    let rig = Rig::new("govern_overtaken");
    rig.approved(0, &rig.config(&[]));
    let slow = rig.tried(10, &rig.config(&LESS));
    let more = [("max_position_lots = 20", "max_position_lots = 18")];
    let fast = rig.tried(12, &rig.config(&more));
    rig.approve("rita", 14, fast).expect("one");
    rig.approve("rita", 14, slow).expect("nobody has overtaken it yet");
    rig.approve("carl", 15, fast).expect("two");
    let refused = rig.approve("carl", 16, slow).expect_err("it was overtaken");
    assert_eq!(refused.rule(), "overtaken");
    // A third may still join what is approved of.
    rig.approve("olga", 16, fast).expect("three");
    assert_eq!(version(&rig, 16), Some(3));
}

/// What a version was compared with and what it takes the place of are one: after a time that is
/// over, or was never to come before it, everything of it is new.
#[test]
fn what_is_not_in_effect_is_no_base() {
    let rig = Rig::new("govern_base");
    let first = rig.tried(0, &rig.config(&[]));
    for by in ["olga", "rita", "carl"] {
        rig.approve_from(by, 2, first, (2, Some(60))).expect("it is approved of");
    }
    let case = |entry| rig.read().fold.case(entry).expect("it is there").clone();
    // In effect when it is proposed, and not when it would be followed.
    let second = rig.tried(10, &rig.config(&LESS));
    assert_eq!(case(second).proposal.base, Some(first));
    assert_eq!(case(second).proposal.changed().count(), 1);
    let late = rig.approve_from("rita", 12, second, (60, None)).expect_err("it follows nothing");
    assert_eq!(late.rule(), "overtaken");
    rig.approve_from("rita", 12, second, (59, None)).expect("it follows the first");
    // The first is over: two people and no backtest are not enough for what it once was.
    let again = rig.propose("pat", 70, &rig.config(&[])).expect("it is proposed");
    assert_eq!(case(again).proposal.base, None);
    assert_eq!(case(again).proposal.changed().count(), case(again).proposal.items.len());
    assert_eq!(case(again).asks_for().len(), 3, "owner, risk and compliance");
    let untried = rig.approve("olga", 71, again).expect_err("no backtest");
    assert_eq!(untried.rule(), "no_evidence");
    rig.attach("pat", 71, again).expect("evidence");
    for by in ["olga", "carl"] {
        rig.approve(by, 72, again).expect("it is approved of");
    }
    assert_eq!(version(&rig, 72), None, "risk is missing");
    rig.approve("rita", 73, again).expect("it is approved of");
    assert_eq!(version(&rig, 73), Some(3));
}

/// What is to come is no base either: it may be withdrawn before.
#[test]
fn what_is_to_come_is_no_base() {
    let rig = Rig::new("govern_to_come");
    let first = rig.approved(0, &rig.config(&[]));
    let more = [("max_position_lots = 20", "max_position_lots = 18")];
    let second = rig.tried(10, &rig.config(&more));
    for by in ["rita", "carl"] {
        rig.approve_from(by, 12, second, (30, None)).expect("it is approved of");
    }
    // Eighteen lots are still a change, of which risk is asked.
    let third = rig.tried(15, &rig.config(&more));
    let register = rig.read();
    let proposal = &register.fold.case(third).expect("it is there").proposal;
    assert_eq!((proposal.base, proposal.changed().count()), (Some(first), 1));
    let refused = rig.approve_from("carl", 17, third, (31, None)).expect_err("it follows another");
    assert_eq!(refused.rule(), "overtaken");
    // Nor does the second begin once what it was compared with was withdrawn.
    rig.withdraw("rita", 20, first).expect("one is enough");
    assert_eq!([20, 30, 31].map(|minutes| version(&rig, minutes)), [None; 3]);
    let register = rig.read();
    let standing = register.fold.standing(register.fold.case(second).expect("it is there"), at(31));
    assert_eq!(standing, Standing::Overtaken { base: Some(first) });
}

/// One signature takes the limits of today away, and does not bring those of yesterday back.
#[test]
fn withdrawal_brings_nothing_back() {
    let rig = Rig::new("govern_back");
    let first = rig.approved(0, &rig.config(&[]));
    let second = rig.approved(10, &rig.config(&LESS));
    rig.withdraw("pat", 20, second).expect("one is enough");
    assert_eq!(version(&rig, 20), None);
    let standing = |entry, minutes| {
        let register = rig.read();
        register.fold.standing(register.fold.case(entry).expect("it is there"), at(minutes))
    };
    assert_eq!(standing(first, 20), Standing::Superseded { by: 2 });
    let refused = rig.approve("eve", 21, first).expect_err("it is over");
    assert_eq!(refused.rule(), "overtaken");
    let third = rig.approved(22, &rig.config(&[]));
    assert_eq!(version(&rig, 24), Some(3));
    // Withdrawn before its time, nothing has followed it.
    let fourth = rig.tried(30, &rig.config(&LESS));
    for by in ["rita", "carl"] {
        rig.approve_from(by, 32, fourth, (60, None)).expect("it is approved of");
    }
    rig.withdraw("rita", 40, fourth).expect("one is enough");
    assert_eq!(rig.read().fold.in_effect(at(61)).map(|case| case.entry), Some(third));
}
