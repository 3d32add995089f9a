//! Limits that are changed by command: every slip of a figure, and what the desk is told.

use super::rig::{NOW_S, judge, request, signed, text};
use crate::journal::scratch::Scratch;
use cross_market_connect::control::limit::{Amount, Change, Field, Limited};
use cross_market_connect::control::text::Text;
use cross_market_connect::control::verb::Verb;
use cross_market_connect::engine::inputs;
use xmc_hotpath::message::{Denial, SafeState};

fn amount(text: &str) -> Amount {
    Amount::parse(text).expect("an amount")
}

fn change(scope: &str, field: Field, from: &str, to: &str) -> Text {
    let change = Change { field, from: amount(from), to: amount(to) };
    Text { change: Some(change), ..text(1, Verb::Limit, scope) }
}

fn denial(request: &str) -> (Denial, String) {
    let scratch = Scratch::new("control_limit");
    match judge(&scratch).decide(request.as_bytes(), NOW_S, SafeState::Normal) {
        Ok(granted) => (granted.instruction.denial, String::new()),
        Err(denied) => (denied.instruction.denial, denied.why),
    }
}

/// What everything in the sample that has limits is called, and its limits.
fn limited() -> Vec<(String, Limited, &'static str)> {
    let config = super::rig::configuration();
    let register = cross_market_connect::control::scope::Register::of(&config);
    let named: Vec<_> = register.limited().collect();
    let (controls, _) = inputs::controls(&config);
    let rows = named.into_iter().filter_map(|named| {
        let scope = register.resolve(&named)?;
        let currency = config.instruments[0].currency.clone().leak();
        Some((named.to_string(), Limited::told(&controls, scope)?, &*currency))
    });
    rows.collect()
}

#[test]
fn every_limit_of_everything_can_be_lowered_by_one_and_raised_by_two() {
    let mut fields = std::collections::BTreeSet::new();
    for (scope, limited, currency) in limited() {
        for (_, field) in Field::WORDS {
            let Some(figure) = limited.figure(*field) else { continue };
            fields.insert(*field);
            let unit = field.unit(currency);
            let of = |to: u64| {
                change(&scope, *field, &format!("{figure} {unit}"), &format!("{to} {unit}"))
            };
            if figure > 1 {
                let (denial, why) = denial(&request(&of(figure.div_ceil(2)), &["alice"]));
                assert_eq!(denial, Denial::Taken, "{scope} {field}: {why}");
            }
            let (alone, why) = denial(&request(&of(figure + 1), &["alice"]));
            let is_most = alone == Denial::Value && why.contains("can be 1 to");
            assert!(alone == Denial::SecondPerson || is_most, "{scope} {field}: {why}");
            let (both, why) = denial(&request(&of(figure + 1), &["alice", "bob"]));
            assert!(both == Denial::Taken || why.contains("can be 1 to"), "{scope} {field}: {why}");
            let told = limited.with(*field, figure + 1).expect("there is room");
            assert_eq!(told.figure(*field), Some(figure + 1));
            let back = told.with(*field, figure).expect("there is room");
            assert_eq!(format!("{back:?}"), format!("{limited:?}"), "nothing else has changed");
        }
    }
    assert_eq!(fields.len(), Field::WORDS.len(), "{fields:?}");
}

/// HanMag: no slip in a single figure gets through, whoever signs.
#[test]
fn every_slip_of_a_figure_is_refused() {
    let mut slips = 0;
    for (scope, limited, currency) in limited() {
        for (_, field) in Field::WORDS {
            let Some(figure) = limited.figure(*field) else { continue };
            let unit = field.unit(currency);
            let whole = change(
                &scope,
                *field,
                &format!("{figure} {unit}"),
                &format!("{} {unit}", figure + 1),
            );
            let written = whole.to_string();
            let to = format!("to: {} {unit}\n", figure + 1);
            let slip = |new: String, denials: &[Denial]| {
                let slipped = written.replacen(&to, &format!("to: {new}\n"), 1);
                assert_ne!(slipped, written, "{to}");
                let (denial, why) = denial(&signed(&slipped, &["alice", "bob"]));
                assert!(denials.contains(&denial), "{scope} {field} {new}: {denial:?} {why}");
            };
            let (form, value) = (&[Denial::Form][..], &[Denial::Value][..]);
            slip(format!("0 {unit}"), value);
            slip(format!("{figure} {unit}"), value);
            slip(format!("-{figure} {unit}"), form);
            slip(format!("{figure}0{figure}00 {unit}"), &[Denial::Step, Denial::Value]);
            slip(format!("{} {unit}", figure * 10 + 1), &[Denial::Step, Denial::Value]);
            slip(format!("{} {unit}", figure * 100), &[Denial::Step, Denial::Value]);
            slip(format!("NaN {unit}"), form);
            slip(format!("1e3 {unit}"), form);
            slip(format!("{figure}.5 {unit}"), form);
            slip(format!("0{figure} {unit}"), form);
            slip(figure.to_string(), form);
            slip(format!("{} {unit}", u128::from(u64::MAX) + 1), form);
            slip(format!("{} {unit}", u64::MAX), &[Denial::Step, Denial::Value]);
            let other = if unit == "lots" { "CNY" } else { "lots" };
            slip(format!("{} {other}", figure + 1), value);
            slip(format!("{} USDT", figure + 1), value);
            slips += 15;
        }
    }
    assert!(slips > 200, "{slips}");
}

#[test]
fn one_command_changes_a_figure_at_most_tenfold_either_way() {
    let of = |from: u64, to: u64| {
        let (from, to) = (format!("{from} units"), format!("{to} units"));
        denial(&request(&change("spread=calendar", Field::MaxUnits, &from, &to), &["alice", "bob"]))
    };
    let (yes, no) = (Denial::Taken, Denial::Step);
    let steps = [(10, 100), (10, 101), (100, 10), (100, 9), (1, 10), (1, 11)];
    assert_eq!(steps.map(|(from, to)| of(from, to).0), [yes, no, yes, no, yes, no]);
    assert!(of(10, 101).1.contains("change the configuration"));
}
