//! The report as one HTML page that needs nothing else: no script, no font, no picture is fetched,
//! so it may be kept, printed and opened on an isolated host.

use super::{Head, tally};
use crate::audit::export::html::escaped;
use crate::conformance::book::Compared;
use crate::conformance::tape::Line;
use crate::conformance::{Judged, Ran, Verdict};
use std::fmt::Write as _;

const STYLE: &str = "body{font:14px/1.5 system-ui,'Noto Sans CJK SC','Microsoft YaHei',sans-serif;\
max-width:1100px;margin:2em auto;padding:0 1em;color:#1b1f24}h1{font-size:22px;margin:0}\
p{margin:.25em 0}p.sub{color:#57606a}.counts{margin:1.2em 0;display:flex;gap:.6em;flex-wrap:wrap}\
.v{display:inline-block;padding:0 .6em;border-radius:1em;font-size:12px;line-height:20px;\
white-space:nowrap;background:#eaeef2;color:#57606a}.v.passed{background:#dafbe1;color:#116329}\
.v.failed{background:#cf222e;color:#fff}.v.unprovoked{background:#fff8c5;color:#7d4e00}\
details.case{border-top:1px solid #d0d7de;padding:.45em 0}\
details.case>summary{display:grid;grid-template-columns:1.2em 3em 11em 9em 1fr;\
align-items:baseline;cursor:pointer;list-style:none}summary::-webkit-details-marker{display:none}\
details>summary::before{content:'\\25B8';color:#57606a}details[open]>summary::before\
{content:'\\25BE'}.num{font-weight:600}.took{color:#57606a;font-variant-numeric:tabular-nums}\
.body{margin:.4em 0 1em 4.2em}dl{display:grid;grid-template-columns:6em 1fr;margin:0 0 .6em}\
dt{color:#57606a}dd{margin:0}.scenario{margin:.9em 0;padding-left:.9em;\
border-left:3px solid #d0d7de}\
.scenario.failed{border-color:#cf222e}.scenario.passed{border-color:#2da44e}\
.why{font-weight:600;color:#a40e26}details.more>summary{cursor:pointer;color:#57606a;\
list-style:none;margin:.2em 0}table{border-collapse:collapse;margin:.3em 0 .8em;font-size:12.5px;\
font-variant-numeric:tabular-nums}th,td{padding:.1em .7em .1em 0;text-align:left;\
vertical-align:top}th{color:#57606a;font-weight:400;border-bottom:1px solid #d0d7de}\
td.n,th.n{text-align:right}td.t{white-space:nowrap;color:#57606a;text-align:right}\
tr td:last-child{white-space:pre-wrap}tr.step td{background:#fff8c5}\
tr.client td+td{color:#0550ae}tr.engine td+td{color:#6639ba}\
tr.line td+td{color:#57606a}@media print{body{max-width:none;margin:0}}";

/// Lines of one scenario's evidence on the page: the first and the last of them.
const MOST_LINES: usize = 400;

pub(super) fn page(head: &Head, judged: &[Judged]) -> String {
    let mut page = String::new();
    // Nothing refuses bytes in memory.
    let _ = write(head, judged, &mut page);
    page
}

fn write(head: &Head, judged: &[Judged], out: &mut String) -> std::fmt::Result {
    let title = escaped(&head.title());
    writeln!(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")?;
    writeln!(
        out,
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'unsafe-inline'\">"
    )?;
    writeln!(out, "<title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1>")?;
    for line in head.lines() {
        writeln!(out, "<p class=\"sub\">{}</p>", escaped(&line))?;
    }
    writeln!(out, "<div class=\"counts\">")?;
    for (verdict, count) in tally(judged).into_iter().filter(|(_, count)| *count > 0) {
        let class = class(verdict);
        writeln!(out, "<span class=\"v {class}\">{count} {}</span>", verdict.words())?;
    }
    writeln!(out, "</div>")?;
    for one in judged {
        case(one, out)?;
    }
    writeln!(out, "</body></html>")
}

const fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::NotProvoked => "unprovoked",
        Verdict::NotRun | Verdict::NotApplicable => "none",
    }
}

fn badge(verdict: Verdict) -> String {
    format!("<span class=\"v {}\">{}</span>", class(verdict), verdict.words())
}

fn case(judged: &Judged, out: &mut String) -> std::fmt::Result {
    let case = judged.case;
    // What has to be looked at stands open.
    let is_open = matches!(judged.verdict, Verdict::Failed | Verdict::NotProvoked);
    let open = if is_open { " open" } else { "" };
    let passed = judged.ran.iter().filter(|ran| ran.verdict == Verdict::Passed).count();
    let took: f64 = judged.ran.iter().map(|ran| ran.evidence.took.as_secs_f64()).sum();
    let figures = match judged.ran.len() {
        0 => String::new(),
        count if took == 0.0 => format!("0 of {count}"),
        count => format!("{passed} of {count}, {took:.1} s"),
    };
    writeln!(
        out,
        "<details class=\"case\"{open}><summary><span class=\"num\">{}</span><span>{}</span>\
         <span class=\"took\">{figures}</span><span>{}</span></summary><div class=\"body\"><dl>",
        case.number,
        badge(judged.verdict),
        escaped(case.title)
    )?;
    for (name, text) in [("rule", case.rule), ("source", case.source), ("note", case.note)] {
        if !text.is_empty() {
            writeln!(out, "<dt>{name}</dt><dd>{}</dd>", escaped(text))?;
        }
    }
    writeln!(out, "</dl>")?;
    for ran in &judged.ran {
        scenario(ran, out)?;
    }
    writeln!(out, "</div></details>")
}

fn scenario(ran: &Ran, out: &mut String) -> std::fmt::Result {
    let class = class(ran.verdict);
    writeln!(
        out,
        "<div class=\"scenario {class}\"><p>{} {}</p><p class=\"sub\">looked at: {}</p>",
        badge(ran.verdict),
        escaped(ran.scenario.name),
        escaped(ran.scenario.looks_at)
    )?;
    if let Some(why) = &ran.why {
        let class = if ran.verdict == Verdict::NotRun { "sub" } else { "why" };
        writeln!(out, "<p class=\"{class}\">{}</p>", escaped(why))?;
    }
    let open = if ran.verdict == Verdict::Failed { " open" } else { "" };
    if !ran.evidence.orders.is_empty() {
        let count = ran.evidence.orders.len();
        writeln!(
            out,
            "<details class=\"more\"{open}><summary> orders beside the ledger: {count}</summary>"
        )?;
        orders(&ran.evidence.orders, out)?;
        writeln!(out, "</details>")?;
    }
    let lines = &ran.evidence.lines;
    if !lines.is_empty() {
        let (count, ms) = (lines.len(), ran.evidence.took.as_millis());
        writeln!(
            out,
            "<details class=\"more\"{open}><summary> lines of evidence: {count}, over {ms} ms\
             </summary><table>"
        )?;
        if count <= MOST_LINES {
            lines.iter().try_for_each(|line| evidence(line, out))?;
        } else {
            let half = MOST_LINES / 2;
            lines[..half].iter().try_for_each(|line| evidence(line, out))?;
            let left = count - MOST_LINES;
            writeln!(out, "<tr><td></td><td></td><td>{left} lines that --json has</td></tr>")?;
            lines[count - half..].iter().try_for_each(|line| evidence(line, out))?;
        }
        writeln!(out, "</table></details>")?;
    }
    writeln!(out, "</div>")
}

fn evidence(line: &Line, out: &mut String) -> std::fmt::Result {
    let (ms, who) = (line.ms, line.who.word());
    let said = escaped(&line.said);
    writeln!(
        out,
        "<tr class=\"{who}\"><td class=\"t\">{ms:.3} ms</td><td>{who}</td><td>{said}</td></tr>"
    )
}

fn orders(rows: &[Compared], out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "<table><tr><th class=\"n\">order</th><th>what</th><th>fate here</th><th class=\"n\">filled\
         </th><th class=\"n\">by the ledger</th><th>live there</th></tr>"
    )?;
    for row in rows {
        let told = row.ledger_filled.map_or("-".to_owned(), |lots| lots.to_string());
        let live = row.ledger_live.map_or("-", |is_live| if is_live { "yes" } else { "no" });
        writeln!(
            out,
            "<tr><td class=\"n\">{}</td><td>{}</td><td>{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{told}</td><td>{live}</td></tr>",
            row.order,
            escaped(&row.what),
            row.fate.words(),
            row.filled
        )?;
    }
    writeln!(out, "</table>")
}
