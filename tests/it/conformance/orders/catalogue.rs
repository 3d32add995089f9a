//! The lists themselves: complete, and each scenario of them is a test.

use super::{bench, counter, logons, sequences, single};
use cross_market_connect::config::GatewayProtocol;
use cross_market_connect::conformance::case::must;
use cross_market_connect::conformance::{
    self, Bench, Case, Failure, Gateway, Ground, Needs, Outcome, Scenario, Verdict,
};

const PROTOCOLS: [GatewayProtocol; 2] = [GatewayProtocol::CmeIlink3, GatewayProtocol::EsunnyDstar];

#[test]
fn both_lists_have_all_cases_in_order() {
    for protocol in PROTOCOLS {
        let numbers = conformance::catalogue(protocol).iter().map(|case| case.number.to_owned());
        let expected: Vec<_> = (1..=32).map(|number| format!("O{number}")).collect();
        assert_eq!(numbers.collect::<Vec<_>>(), expected);
        for case in conformance::catalogue(protocol) {
            assert!(!case.title.is_empty() && !case.source.is_empty(), "{}", case.number);
            // What is not asked says why; what is, says what a client has to do.
            let said = if case.scenarios.is_empty() { case.note } else { case.rule };
            assert!(!said.is_empty(), "{} says nothing", case.number);
        }
    }
}

#[test]
fn every_scenario_is_a_test() {
    let ilink3 = [logons::TESTED, sequences::TESTED, single::TESTED].concat();
    for (protocol, tested) in PROTOCOLS.into_iter().zip([ilink3, counter::TESTED.to_vec()]) {
        let scenario = |case: &'static Case| {
            case.scenarios.iter().map(|scenario| (case.number, scenario.name))
        };
        let all: Vec<_> = conformance::catalogue(protocol).iter().flat_map(scenario).collect();
        for one in &all {
            assert_eq!(tested.iter().filter(|tested| *tested == one).count(), 1, "{one:?}");
        }
        assert_eq!(tested.len(), all.len(), "{protocol:?}");
    }
}

fn wrong(_: &Ground<'_>) -> Outcome {
    must(1 + 1 == 3, "one and one are not three")
}

fn absent(_: &Ground<'_>) -> Outcome {
    Err(Failure::not_provoked("there was nothing to look at"))
}

fn fine(_: &Ground<'_>) -> Outcome {
    Ok(())
}

const fn planted(needs: Needs, run: fn(&Ground<'_>) -> Outcome) -> Scenario {
    Scenario { name: "planted", looks_at: "nothing", needs, run }
}

const FINE: Scenario = planted(Needs::Session, fine);
const ABSENT: Scenario = planted(Needs::Session, absent);
const WRONG: Scenario = planted(Needs::Session, wrong);
const SCRIPTED: Scenario = planted(Needs::Script, fine);
const ORDER: Scenario = planted(Needs::Order, fine);

const fn case(scenarios: &'static [Scenario]) -> Case {
    let [title, rule, source, note] = ["planted"; 4];
    Case { number: "O0", title, rule, source, scenarios, note }
}

/// A case is what the worst of its scenarios is.
#[test]
fn a_case_is_judged_by_its_worst_scenario() {
    static CASES: [Case; 5] = [
        case(&[FINE, WRONG, ABSENT]),
        case(&[FINE, ABSENT]),
        case(&[FINE, SCRIPTED]),
        case(&[SCRIPTED, ORDER]),
        case(&[]),
    ];
    let mut bench = bench(GatewayProtocol::CmeIlink3, 3);
    let all: Vec<&'static Case> = CASES.iter().collect();
    let verdicts = |bench: &Bench| -> Vec<Verdict> {
        let judged = conformance::run(bench, &all, 4, &|_, _| {});
        judged.iter().map(|case| case.verdict).collect()
    };
    let simulated = [
        Verdict::Failed,
        Verdict::NotProvoked,
        Verdict::Passed,
        Verdict::Passed,
        Verdict::NotApplicable,
    ];
    assert_eq!(verdicts(&bench), simulated);
    bench.gateway = Gateway::Theirs { resting: None };
    let theirs = [
        Verdict::Failed,
        Verdict::NotProvoked,
        Verdict::Passed,
        Verdict::NotRun,
        Verdict::NotApplicable,
    ];
    assert_eq!(verdicts(&bench), theirs);
}
