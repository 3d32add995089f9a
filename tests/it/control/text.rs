//! A command has one way to be written, and nothing else reads.

use super::rig::{NOW_S, US, judge, request, text};
use crate::journal::scratch::Scratch;
use cross_market_connect::control::limit::{Amount, Change, Field};
use cross_market_connect::control::text::{Text, TextError};
use cross_market_connect::control::verb::Verb;
use proptest::prelude::*;
use xmc_hotpath::message::SafeState;

const KILL: &str = "xmc-command/v1\naudience: site=1 desk=1 run=7\noperator: alice\ncounter: 12\n\
    issued: 2026-11-22T12:00:00Z\nexpires: 2026-11-22T12:02:00Z\ncommand: kill\nscope: all\n\
    reason: the feed looks wrong\n";

const RAISE: &str = "xmc-command/v1\naudience: site=1 desk=1 run=7\noperator: alice\ncounter: 13\n\
    issued: 2026-11-22T12:00:00Z\nexpires: 2026-11-22T12:02:00Z\ncommand: limit\n\
    scope: instrument=hg_front\nlimit: max_position_lots\nfrom: 10 lots\nto: 20 lots\n\
    reason: 换月需要\n";

const TAKEN: &str = "xmc-command/v1\naudience: site=1 desk=1 run=7\noperator: alice\ncounter: 14\n\
    issued: 2026-11-22T12:00:00Z\nexpires: 2026-11-22T12:02:00Z\ncommand: acknowledge\nscope: all\n\
    alert: 1a2b3c4d5e6f7a8b\nreason: the feed looks wrong\n";

fn taken() -> Text {
    let alert = Some("1a2b3c4d5e6f7a8b".to_owned());
    Text { alert, ..text(14, Verb::Acknowledge, "all") }
}

fn raise() -> Text {
    let lots = |figure| Amount { figure, unit: "lots".to_owned() };
    let (field, from, to) = (Field::MaxPositionLots, lots(10), lots(20));
    Text {
        change: Some(Change { field, from, to }),
        reason: "换月需要".to_owned(),
        ..text(13, Verb::Limit, "instrument=hg_front")
    }
}

#[test]
fn a_command_is_the_text_that_stands_here_and_reads_as_itself() {
    let kill = text(12, Verb::Kill, "all");
    for (written, command) in [(KILL, kill), (RAISE, raise()), (TAKEN, taken())] {
        assert_eq!(command.to_string(), written);
        assert_eq!(Text::parse(written), Ok(command));
    }
    let digest = "b03df32a7d58adb9706e951caa03d0f602696cc114183f130a0a246bd0269f50";
    let found = cross_market_connect::hex::show(&text(12, Verb::Kill, "all").digest());
    assert_eq!(found, digest);
    assert!(raise().needs_two() && !text(12, Verb::Kill, "all").needs_two());
}

#[test]
fn no_part_of_a_command_reads_and_no_changed_bit_is_taken() {
    for written in [KILL, RAISE, TAKEN] {
        for end in 0..written.len() {
            let part = written.get(..end);
            assert!(part.is_none_or(|part| Text::parse(part).is_err()), "{part:?}");
        }
    }
    let scratch = Scratch::new("control_bits");
    let mut judge = judge(&scratch);
    let whole = request(&text(12, Verb::Kill, "all"), &["alice"]).into_bytes();
    for end in 0..whole.len() {
        assert!(judge.decide(&whole[..end], NOW_S, SafeState::Normal).is_err(), "{end} bytes");
    }
    for bit in 0..whole.len() * 8 {
        let mut changed = whole.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(judge.decide(&changed, NOW_S, SafeState::Normal).is_err(), "bit {bit}");
    }
    assert!(judge.decide(&whole, NOW_S, SafeState::Normal).is_ok(), "as it was it is right");
}

#[test]
fn what_is_written_otherwise_is_refused_with_what_should_stand_there() {
    let cases: [(&str, &str, &str); 17] = [
        ("counter: 12", "counter: 012", "not how such a command is written"),
        ("counter: 12", "counter: +12", "not how such a command is written"),
        ("counter: 12", "counter: 0", "counter is \"0\""),
        ("counter: 12", "counter: -1", "counter is \"-1\""),
        ("site=1", "site=256", "audience is"),
        ("run=7\n", "run=7 \n", "not how such a command is written"),
        ("run=7\n", "run=seven\n", "audience is"),
        ("run=7\n", "run=7 room=2\n", "not how such a command is written"),
        ("12:00:00Z", "12:00:00.5Z", "issued is"),
        ("12:00:00Z", "20:00:00+08:00", "not how such a command is written"),
        ("command: kill", "command: Kill", "command is"),
        ("command: kill", "command: limit", "line 9 must be \"limit\""),
        ("scope: all", "scope: spread=", "scope is"),
        ("scope: all", "scope: all\nscope: all", "line 9 must be \"reason\""),
        ("reason: the", "reason:  the", "reason is"),
        ("wrong\n", "wrong\nreason: twice\n", "more behind the reason"),
        ("command: kill\n", "", "line 7 must be \"command\""),
    ];
    for (old, new, said) in cases {
        let changed = KILL.replacen(old, new, 1);
        assert_ne!(changed, KILL, "{old}");
        let error = Text::parse(&changed).expect_err(&changed).to_string();
        assert!(error.contains(said), "{changed}\n{error}");
    }
    for (old, new) in [("8b\n", "8\n"), ("1a2b", "1A2B"), ("alert: 1", "alert: g"), ("alert", "of")]
    {
        let changed = TAKEN.replacen(old, new, 1);
        assert_ne!(changed, TAKEN, "{old}");
        let error = Text::parse(&changed).expect_err(&changed).to_string();
        assert!(error.contains("alert"), "{changed}\n{error}");
    }
    for (verb, scope) in [
        (Verb::Arm, "spread=calendar"),
        (Verb::ClearHalt, "all"),
        (Verb::Remove, "gateway=cme"),
        (Verb::ClearDoubt, "strategy=one"),
    ] {
        let error = Text::parse(&text(1, verb, scope).to_string());
        assert!(matches!(error, Err(TextError::Scope { .. })), "{error:?}");
    }
}

proptest! {
    /// Whatever a person writes into a reason, and whichever numbers: it reads as itself, or it is
    /// not written at all.
    #[test]
    fn what_reads_is_what_was_written(
        reason in any::<String>(),
        counter in any::<u64>(),
        run in any::<u16>(),
        valid in 0_u64..10_000,
    ) {
        let audience = xmc_hotpath::message::DeskIdentity { run, ..US };
        let expires_s = NOW_S + valid;
        let command =
            Text { audience, reason, counter, expires_s, ..text(1, Verb::NoNew, "all") };
        match Text::parse(&command.to_string()) {
            Ok(read) => prop_assert_eq!(read, command),
            Err(_) => {
                let reason = &command.reason;
                let is_plain = !reason.chars().any(char::is_control) && reason.trim() == reason;
                let length = reason.chars().count();
                prop_assert!(!is_plain || length == 0 || length > 200 || counter == 0);
            }
        }
    }
}
