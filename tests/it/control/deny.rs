//! Who may order what, when, for whom: each rule by itself.

use super::rig::{NOW_S, US, judge, request, signed, text};
use crate::journal::scratch::Scratch;
use cross_market_connect::control::text::Text;
use cross_market_connect::control::verb::Verb;
use xmc_hotpath::message::{Denial, DeskIdentity, SafeState, Scope, SpreadIndex};

/// Why a fresh judge does not take it; `Taken` if it does.
fn denial(name: &str, request: &str) -> (Denial, String) {
    denial_in(name, request, NOW_S, SafeState::NoNew)
}

fn denial_in(name: &str, request: &str, now_s: u64, state: SafeState) -> (Denial, String) {
    let scratch = Scratch::new(&format!("control_{name}"));
    match judge(&scratch).decide(request.as_bytes(), now_s, state) {
        Ok(granted) => (granted.instruction.denial, String::new()),
        Err(denied) => (denied.instruction.denial, denied.why),
    }
}

#[test]
fn stopping_takes_one_person_and_allowing_two() {
    for (verb, scope) in [
        (Verb::Kill, "all"),
        (Verb::Kill, "gateway=cme_order"),
        (Verb::NoNew, "all"),
        (Verb::Disable, "spread=calendar"),
        (Verb::Remove, "spread=calendar"),
    ] {
        let (denial, why) = denial("one", &request(&text(1, verb, scope), &["alice"]));
        assert!(denial == Denial::Taken || denial == Denial::Scope, "{verb} {scope}: {why}");
    }
    for (verb, scope) in [
        (Verb::Arm, "all"),
        (Verb::Enable, "all"),
        (Verb::ClearHalt, "spread=calendar"),
        (Verb::ClearDoubt, "all"),
    ] {
        let command = text(1, verb, scope);
        let (first, why) = denial("alone", &request(&command, &["alice"]));
        assert_eq!(first, Denial::SecondPerson, "{verb}");
        assert!(why.contains("bob") && !why.contains("carol"), "{why}");
        let (both, why) = denial("both", &request(&command, &["alice", "bob"]));
        assert_eq!(both, Denial::Taken, "{verb}: {why}");
        for wrong in [&["alice", "alice"][..], &["bob", "alice"], &["bob"], &[]] {
            let (denial, why) = denial("wrong", &request(&command, wrong));
            let is_refused = matches!(denial, Denial::Signature | Denial::Form);
            assert!(is_refused, "{verb} by {wrong:?}: {denial:?} {why}");
        }
        let (third, why) = denial("three", &request(&command, &["alice", "bob", "carol"]));
        assert_eq!(third, Denial::Signature, "{why}");
        let (carol, why) = denial("carol", &request(&command, &["alice", "carol"]));
        assert_eq!(carol, Denial::Right, "{why}");
        let (nobody, why) = denial("nobody", &request(&command, &["alice", "mallory"]));
        assert_eq!(nobody, Denial::Operator, "{why}");
    }
}

#[test]
fn an_operator_orders_what_the_configuration_says_and_about_that() {
    let of_carol = |verb, scope| Text { operator: "carol".into(), ..text(1, verb, scope) };
    let kill = of_carol(Verb::Kill, "spread=calendar");
    assert_eq!(denial("right", &request(&kill, &["carol"])).0, Denial::Taken);
    for (verb, scope) in
        [(Verb::NoNew, "spread=calendar"), (Verb::Kill, "all"), (Verb::Kill, "spread=other")]
    {
        let (denial, why) = denial("right", &request(&of_carol(verb, scope), &["carol"]));
        assert_eq!(denial, Denial::Right, "{verb} {scope}: {why}");
    }
    // In the name of another.
    let forged = text(1, Verb::Kill, "all");
    assert_eq!(denial("name", &request(&forged, &["carol"])).0, Denial::Signature);
    let unknown = Text { operator: "mallory".into(), ..forged };
    assert_eq!(denial("name", &request(&unknown, &["mallory"])).0, Denial::Operator);
}

#[test]
fn a_command_is_for_one_run_of_one_desk_and_for_a_while() {
    let at = |now_s| {
        let command = text(1, Verb::NoNew, "all");
        denial_in("time", &request(&command, &["alice"]), now_s, SafeState::Normal).0
    };
    let times = [NOW_S - 6, NOW_S - 5, NOW_S, NOW_S + 119, NOW_S + 120].map(at);
    let (yes, no) = (Denial::Taken, Denial::Time);
    assert_eq!(times, [no, yes, yes, yes, no]);
    for (expires_s, expected) in [(NOW_S, no), (NOW_S + 300, yes), (NOW_S + 301, no)] {
        let command = Text { expires_s, ..text(1, Verb::NoNew, "all") };
        assert_eq!(denial("valid", &request(&command, &["alice"])).0, expected);
    }
    let other = |audience| Text { audience, ..text(1, Verb::NoNew, "all") };
    for audience in [
        DeskIdentity { run: 6, ..US },
        DeskIdentity { run: 8, ..US },
        DeskIdentity { desk: xmc_hotpath::message::DeskId(2), ..US },
        DeskIdentity { site: xmc_hotpath::message::SiteId(2), ..US },
    ] {
        let (denial, why) = denial("audience", &request(&other(audience), &["alice"]));
        assert_eq!(denial, Denial::Audience, "{why}");
    }
}

#[test]
fn a_number_is_used_once_and_only_by_what_is_taken() {
    let scratch = Scratch::new("control_counter");
    let mut judge = judge(&scratch);
    let mut give = |counter: u64, by: &[&str], verb| {
        let scope = if verb == Verb::ClearHalt { "spread=calendar" } else { "all" };
        let request = request(&text(counter, verb, scope), by);
        match judge.decide(request.as_bytes(), NOW_S, SafeState::Normal) {
            Ok(granted) => (granted.instruction.denial, granted.instruction.second),
            Err(denied) => (denied.instruction.denial, denied.instruction.second),
        }
    };
    assert_eq!(give(5, &["alice"], Verb::NoNew), (Denial::Taken, 0));
    assert_eq!(give(5, &["alice"], Verb::NoNew).0, Denial::Counter, "again");
    assert_eq!(give(4, &["alice"], Verb::Kill).0, Denial::Counter, "an older one");
    // The second person signs what was refused for that alone.
    assert_eq!(give(6, &["alice"], Verb::Arm).0, Denial::SecondPerson);
    assert_eq!(give(6, &["alice", "bob"], Verb::Arm), (Denial::Taken, 12));
    assert_eq!(give(6, &["alice", "bob"], Verb::Arm).0, Denial::Counter);
    assert_eq!(give(u64::MAX, &["alice"], Verb::Kill).0, Denial::Counter, "far ahead");
    assert_eq!(give(1_006, &["alice"], Verb::Kill).0, Denial::Taken, "some left out");
    assert_eq!(give(1_006, &["alice"], Verb::Kill).0, Denial::Counter);
}

#[test]
fn a_name_that_nothing_has_is_refused_with_those_there_are() {
    let (denial, why) =
        denial("scope", &request(&text(1, Verb::Kill, "spread=calender"), &["alice"]));
    assert_eq!(denial, Denial::Scope);
    assert!(why.contains("calendar"), "{why}");
    let scratch = Scratch::new("control_named");
    let granted = judge(&scratch).decide(
        request(&text(1, Verb::Kill, "spread=calendar"), &["alice"]).as_bytes(),
        NOW_S,
        SafeState::Normal,
    );
    assert_eq!(granted.expect("it is right").scope, Scope::Spread(SpreadIndex(0)));
}

#[test]
fn a_desk_in_halt_is_not_armed_and_the_number_is_not_used_up() {
    let both = request(&text(1, Verb::Arm, "all"), &["alice", "bob"]);
    let (denial, why) = denial_in("halt", &both, NOW_S, SafeState::Halt);
    assert_eq!(denial, Denial::State);
    assert!(why.contains("start the engine again"), "{why}");
    let scratch = Scratch::new("control_halt");
    let mut judge = judge(&scratch);
    assert!(judge.decide(both.as_bytes(), NOW_S, SafeState::Halt).is_err());
    assert!(judge.decide(both.as_bytes(), NOW_S, SafeState::NoNew).is_ok());
}

#[test]
fn what_is_no_text_is_refused_by_its_form() {
    let long = "x".repeat(5_000);
    for odd in
        ["", "\n", "xmc-command/v1\n", "{}", "\u{0}", long.as_str(), &signed("x\n", &["bob"])]
    {
        let (denial, why) = denial("form", odd);
        assert_eq!(denial, Denial::Form, "{odd:?}: {why}");
    }
    let scratch = Scratch::new("control_bytes");
    let denied = judge(&scratch).decide(&[0xFF, 0xFE], NOW_S, SafeState::Normal);
    assert_eq!(denied.expect_err("no text").instruction.denial, Denial::Form);
}
