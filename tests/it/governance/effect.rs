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
    assert_eq!(seen, [Some(1), Some(1), Some(2), Some(2), Some(1)]);
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
