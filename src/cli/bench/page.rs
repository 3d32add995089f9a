//! The verdict as one HTML page that needs nothing else.

use super::judge::{FAIL, Verdict, WARN};
use super::{Judged, Row, text};
use crate::audit::export::html::escaped;
use serde_json::Value;
use std::fmt::Write as _;

const STYLE: &str = "body{font:14px/1.5 system-ui,sans-serif;max-width:1100px;margin:2em auto;\
padding:0 1em;color:#1b1f24}h1{font-size:22px;margin:0}p{margin:.25em 0;color:#57606a}\
p.said{color:#1b1f24;font-weight:600;margin:1em 0}p.said.bad{color:#a40e26}\
table{border-collapse:collapse;margin:1em 0;font-variant-numeric:tabular-nums}\
th,td{padding:.25em .9em .25em 0;text-align:left;border-bottom:1px solid #eaeef2}\
th{color:#57606a;font-weight:400}td.n,th.n{text-align:right}tr.slower td{background:#ffebe9}\
tr.warned td{background:#fff8c5}code{font-size:12.5px}svg{display:block}\
.old{fill:#8c959f}.new{fill:#0969da}.slower .new{fill:#cf222e}.axis{stroke:#d0d7de}\
.warn{stroke:#d4a72c}.fail{stroke:#cf222e}.past{fill:none;stroke:#0969da}";

/// Half of what the strip of samples shows, as a share of the old median.
const REACH: f64 = 0.15;
/// Pixels of a strip.
const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 26.0;
/// Nights of the trend.
const MOST_NIGHTS: usize = 60;

/// What the history says of each figure: the changes of earlier nights on the same machine.
pub(super) struct Past(Vec<Value>);

impl Past {
    /// The lines of `history` that were measured on the same processor and kernel; a line that is
    /// none (a night that was killed while it wrote) is left out.
    pub(super) fn of(history: &str, judged: &Judged) -> Self {
        let machine = serde_json::to_value(&judged.machine).unwrap_or_default();
        let is_here = |night: &Value| {
            ["cpu", "kernel"].iter().all(|key| night["machine"][*key] == machine[*key])
        };
        let nights: Vec<Value> = history
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(is_here)
            .collect();
        Self(nights.into_iter().rev().take(MOST_NIGHTS).rev().collect())
    }

    /// Nanoseconds of the new program, night by night.
    fn of_row(&self, row: &Row) -> Vec<f64> {
        let night = |night: &Value| {
            night["rows"].as_array()?.iter().find(|past| {
                past["bench"] == row.bench.as_str() && past["figure"] == row.figure.as_str()
            })?["new_ns"]
                .as_f64()
        };
        self.0.iter().filter_map(night).chain(row.new_ns).collect()
    }
}

/// The page.
pub(super) fn page(judged: &Judged, past: &Past) -> String {
    let mut page = String::new();
    // Nothing refuses bytes in memory.
    let _ = write(judged, past, &mut page);
    page
}

fn write(judged: &Judged, past: &Past, out: &mut String) -> std::fmt::Result {
    writeln!(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")?;
    writeln!(
        out,
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'unsafe-inline'\">"
    )?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width\">")?;
    writeln!(out, "<title>Latency of two builds</title><style>{STYLE}</style></head><body>")?;
    writeln!(out, "<h1>Latency of two builds</h1>")?;
    for line in text::head(judged) {
        writeln!(out, "<p>{}</p>", escaped(&line))?;
    }
    let class = if judged.slower().next().is_some() { " bad" } else { "" };
    writeln!(out, "<p class=\"said{class}\">{}</p>", escaped(&judged.sentence()))?;
    writeln!(
        out,
        "<table><thead><tr><th>bench</th><th>figure</th><th>function</th><th class=\"n\">old ns\
         </th><th class=\"n\">new ns</th><th class=\"n\">change</th><th class=\"n\">95 of 100</th>\
         <th>verdict</th><th>runs: old above, new below</th><th>nights</th></tr></thead><tbody>"
    )?;
    for row in &judged.rows {
        let [old, new, change, interval] = text::cells(row).map(|cell| escaped(&cell));
        let class = match row.verdict {
            Verdict::Slower => "slower",
            Verdict::Warned | Verdict::NotRepeated | Verdict::ComputesOther => "warned",
            _ => "",
        };
        write!(
            out,
            "<tr class=\"{class}\"><td>{}</td><td>{}</td><td><code>{}</code></td>\
             <td class=\"n\">{old}</td><td class=\"n\">{new}</td><td class=\"n\">{change}</td>\
             <td class=\"n\">{interval}</td><td>{}</td><td>",
            escaped(&row.bench),
            escaped(&row.figure),
            escaped(&row.function),
            row.verdict.words()
        )?;
        strip(row, out)?;
        write!(out, "</td><td>")?;
        trend(&past.of_row(row), out)?;
        writeln!(out, "</td></tr>")?;
    }
    writeln!(out, "</tbody></table>")?;
    writeln!(
        out,
        "<p>Each dot is one run: its quickest batch beside a loop that never changes, by the old \
         median; the strip is {:.0} % to either side, with lines at {:.0} and {:.0} % slower. A \
         figure is slower when its medians differ by more than {:.0} %, the interval has no zero \
         in it, and a second pass says it again.</p></body></html>",
        REACH * 100.0,
        WARN * 100.0,
        FAIL * 100.0,
        FAIL * 100.0
    )
}

/// Where a share of the old median stands on the strip.
fn place(share: f64) -> f64 {
    ((share - 1.0).clamp(-REACH, REACH) / REACH + 1.0) * (WIDTH - 8.0) / 2.0 + 4.0
}

fn strip(row: &Row, out: &mut String) -> std::fmt::Result {
    if row.samples.iter().all(Vec::is_empty) {
        return Ok(());
    }
    write!(
        out,
        "<svg width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"runs of both\">"
    )?;
    for (class, share) in [("axis", 0.0), ("warn", WARN), ("fail", FAIL)] {
        let x = place(1.0 + share);
        write!(
            out,
            "<line class=\"{class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"0\" y2=\"{HEIGHT}\"/>"
        )?;
    }
    for (samples, class, y) in [(&row.samples[0], "old", 8.0), (&row.samples[1], "new", 18.0)] {
        for sample in samples {
            let x = place(*sample);
            write!(out, "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y}\" r=\"2.5\"/>")?;
        }
    }
    write!(out, "</svg>")
}

/// The nights as a line, from the least to the most of them.
fn trend(nights: &[f64], out: &mut String) -> std::fmt::Result {
    let [least, most] = nights
        .iter()
        .fold([f64::MAX, f64::MIN], |[least, most], one| [least.min(*one), most.max(*one)]);
    if nights.len() < 2 {
        return write!(out, "<p>first</p>");
    }
    write!(out, "<svg width=\"120\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"nights\">")?;
    write!(out, "<polyline class=\"past\" points=\"")?;
    let step = 112.0 / super::measure::lossy(nights.len() as u64 - 1);
    let mut x = 4.0;
    for night in nights {
        let height = if most > least { (night - least) / (most - least) } else { 0.5 };
        write!(out, "{x:.1},{:.1} ", HEIGHT - 4.0 - height * (HEIGHT - 8.0))?;
        x += step;
    }
    write!(out, "\"/></svg> {least:.2} to {most:.2} ns")
}
