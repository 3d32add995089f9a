//! Statements as JSON and as lines: what is told is read, and what cannot be is refused.

use super::{NOON, statement, wanted};
use cross_market_connect::resync::csv;
use cross_market_connect::resync::statement::{MOST_LOTS, Statement, StatementError};
use xmc_hotpath::time::UnixNs;

const CSV: &str = "statement,1,SIM-1,cme,2026-11-22T07:00:00Z,12
parts,positions,orders,fills,money
position,HGU6,net,-3
position,GCU6,gross,4,1,2,
order,17,,HGU6,sell,2
fill,E1,,99,HGU6,sell,3,5.0005,2026-11-22T06:59:58Z
money,USD,375037.5,4.5
end,5
";

fn checked(statement: &Statement) -> Result<(), StatementError> {
    statement.check(&wanted(), UnixNs(NOON))
}

fn json(change: impl Fn(&mut serde_json::Value)) -> Result<Statement, StatementError> {
    let mut value = serde_json::to_value(statement(12, NOON)).expect("it is plain");
    change(&mut value);
    let read = Statement::parse(value.to_string().as_bytes())?;
    checked(&read).map(|()| read)
}

#[test]
fn lines_and_json_say_the_same() {
    let lines = csv::parse(CSV.as_bytes()).expect("it is whole");
    assert_eq!(lines, statement(12, NOON));
    assert_eq!(json(|_| ()), Ok(lines));
}

#[test]
fn a_part_that_is_absent_is_not_told_and_one_without_rows_is_empty() {
    let text = "statement,1,SIM-1,cme,2026-11-22T07:00:00Z,12\nparts,orders\nend,0\n";
    let read = csv::parse(text.as_bytes()).expect("it is whole");
    assert_eq!((read.positions, read.orders, read.fills), (None, Some(Vec::new()), None));
}

#[test]
fn a_statement_that_was_cut_anywhere_is_refused() {
    let whole = serde_json::to_vec(&statement(12, NOON)).expect("it is plain");
    for len in 0..whole.len() {
        assert!(Statement::parse(&whole[..len]).is_err(), "{len} bytes of JSON");
    }
    for len in 0..CSV.len() {
        assert!(csv::parse(&CSV.as_bytes()[..len]).is_err(), "{len} bytes of lines");
    }
    let without = |line: &str| CSV.replace(line, "");
    assert!(csv::parse(without("money,USD,375037.5,4.5\n").as_bytes()).is_err(), "a line is gone");
}

#[test]
fn what_is_of_another_account_venue_time_or_form_is_refused() {
    type Change = fn(&mut serde_json::Value);
    let cases: [(&str, Change); 6] = [
        ("of account", |value| value["account"] = "SIM-2".into()),
        ("of venue", |value| value["venue"] = "shfe".into()),
        ("from now", |value| value["as_of"] = "2026-11-22T07:00:03Z".into()),
        ("not \"xmc.statement\"", |value| value["version"] = 2.into()),
        ("no whole statement", |value| value["more"] = 1.into()),
        ("no whole statement", |value| value["as_of"] = "yesterday".into()),
    ];
    for (what, change) in cases {
        let error = json(change).expect_err(what).to_string();
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn figures_that_cannot_be_are_refused() {
    type Change = fn(&mut serde_json::Value);
    let most = u64::from(MOST_LOTS);
    assert_eq!(most, 10_000_000);
    let cases: [(&str, Change); 11] = [
        ("NaN lots", |value| value["positions"][0]["net"] = "NaN".into()),
        ("a part of a lot", |value| value["positions"][0]["net"] = 1.5.into()),
        ("beyond any position", |value| value["positions"][0]["net"] = 10_000_001.into()),
        ("long below zero", |value| value["positions"][1]["long"] = (-4).into()),
        ("more today than held", |value| value["positions"][1]["long_today"] = 5.into()),
        ("net and gross", |value| value["positions"][1]["net"] = 3.into()),
        ("no lots filled", |value| value["fills"][0]["lots"] = 0.into()),
        ("a price that is NaN", |value| value["fills"][0]["price"] = "NaN".into()),
        ("a price that is a float", |value| value["fills"][0]["price"] = 5.0005.into()),
        ("a price beyond 1e-9", |value| value["fills"][0]["price"] = "5.0000000001".into()),
        ("money without a number", |value| value["money"][0]["cash"] = "1e9".into()),
    ];
    for (what, change) in cases {
        assert!(json(change).is_err(), "{what}");
    }
}

#[test]
fn what_stands_twice_or_is_not_traded_here_is_refused() {
    let twice = json(|value| {
        let first = value["fills"][0].clone();
        value["fills"].as_array_mut().expect("a list").push(first);
    });
    assert_eq!(twice, Err(StatementError::Twice { what: "fill", of: "E1".to_owned() }));
    let stranger = json(|value| value["positions"][0]["instrument"] = "SIU6".into());
    let wrong = StatementError::Instrument { symbol: "SIU6".to_owned(), lots: -3 };
    assert_eq!(stranger, Err(wrong));
    let flat = json(|value| {
        value["positions"][0]["instrument"] = "SIU6".into();
        value["positions"][0]["net"] = 0.into();
    });
    assert!(flat.is_ok(), "what is not held may be named: {flat:?}");
}
