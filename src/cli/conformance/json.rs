//! The report as one JSON object, all evidence among it.

use super::{Head, tally};
use crate::cli::{CliError, Report};
use crate::conformance::book::Compared;
use crate::conformance::tape::Line;
use crate::conformance::{Judged, Ran, Verdict};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Body<'a> {
    protocol: &'a str,
    gateway: &'a str,
    is_simulated: bool,
    commit: &'a str,
    cases_by_verdict: BTreeMap<&'static str, usize>,
    cases: Vec<CaseRow<'a>>,
}

#[derive(Serialize)]
struct CaseRow<'a> {
    number: &'a str,
    title: &'a str,
    rule: &'a str,
    source: &'a str,
    note: &'a str,
    verdict: Verdict,
    scenarios: Vec<ScenarioRow<'a>>,
}

#[derive(Serialize)]
struct ScenarioRow<'a> {
    name: &'a str,
    looks_at: &'a str,
    verdict: Verdict,
    why: Option<&'a str>,
    ms: u64,
    orders: &'a [Compared],
    messages: &'a [Line],
    messages_left_out: u64,
}

pub(super) fn write(head: &Head, judged: &[Judged], out: &mut Report<'_>) -> Result<(), CliError> {
    let body = Body {
        protocol: head.protocol,
        gateway: &head.at,
        is_simulated: head.is_simulated,
        commit: &head.commit,
        cases_by_verdict: tally(judged)
            .into_iter()
            .map(|(verdict, count)| (key(verdict), count))
            .collect(),
        cases: judged.iter().map(case).collect(),
    };
    Ok(out.json("xmc.conformance", 1, &body)?)
}

const fn key(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotApplicable => "not_applicable",
        Verdict::NotRun => "not_run",
        Verdict::Passed => "passed",
        Verdict::NotProvoked => "not_provoked",
        Verdict::Failed => "failed",
    }
}

fn case(judged: &Judged) -> CaseRow<'_> {
    let case = judged.case;
    CaseRow {
        number: case.number,
        title: case.title,
        rule: case.rule,
        source: case.source,
        note: case.note,
        verdict: judged.verdict,
        scenarios: judged.ran.iter().map(scenario).collect(),
    }
}

fn scenario(ran: &Ran) -> ScenarioRow<'_> {
    ScenarioRow {
        name: ran.scenario.name,
        looks_at: ran.scenario.looks_at,
        verdict: ran.verdict,
        why: ran.why.as_deref(),
        ms: u64::try_from(ran.evidence.took.as_millis()).unwrap_or(u64::MAX),
        orders: &ran.evidence.orders,
        messages: &ran.evidence.lines,
        messages_left_out: ran.evidence.left_out,
    }
}
