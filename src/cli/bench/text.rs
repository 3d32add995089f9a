//! The verdict as text and as Markdown.

use super::{Judged, Row};
use crate::cli::plan::table::{Align, Table};
use std::fmt::Write as _;
use std::io::{self, Write};

/// Writes the text.
pub(super) fn write(judged: &Judged, out: &mut impl Write) -> io::Result<()> {
    for line in head(judged) {
        writeln!(out, "{line}")?;
    }
    let mut table = Table::new(
        "Quickest batch of each run, against a loop that never changes",
        &[
            ("bench", Align::Left),
            ("figure", Align::Left),
            ("old ns", Align::Right),
            ("new ns", Align::Right),
            ("change", Align::Right),
            ("95 of 100", Align::Right),
            ("verdict", Align::Left),
        ],
    );
    for row in &judged.rows {
        let [old, new, change, interval] = cells(row);
        let words = row.verdict.words().to_owned();
        table.row([row.bench.clone(), row.figure.clone(), old, new, change, interval, words]);
    }
    table.write(out)?;
    writeln!(out, "\n{}", judged.sentence())
}

/// The verdict as Markdown, for a page of a forge.
pub(super) fn markdown(judged: &Judged) -> String {
    let mut text = format!("# Latency: {}\n\n", judged.sentence());
    for line in head(judged) {
        // Nothing refuses bytes in memory.
        let _ = writeln!(text, "- {line}");
    }
    text.push_str(
        "\n| bench | figure | function | old ns | new ns | change | 95 of 100 | verdict |\n",
    );
    text.push_str("|---|---|---|---:|---:|---:|---:|---|\n");
    for row in &judged.rows {
        let [old, new, change, interval] = cells(row);
        let Row { bench, figure, function, verdict, .. } = row;
        let _ = writeln!(
            text,
            "| {bench} | {figure} | `{function}` | {old} | {new} | {change} | {interval} | {} |",
            verdict.words()
        );
    }
    text
}

/// Who was compared, where and how.
pub(super) fn head(judged: &Judged) -> Vec<String> {
    let side = |side: &super::Side| {
        let commit = side.commit.as_deref().unwrap_or("not said");
        format!("commit {commit}, {} bytes, {}", side.bytes, side.program)
    };
    let class = if judged.is_real_time { "in real-time class" } else { "not in real-time class" };
    vec![
        format!("old: {}", side(&judged.old)),
        format!("new: {}", side(&judged.new)),
        format!("{} rounds of old, new, new, old; {class}", judged.rounds),
        judged.machine.line(),
    ]
}

/// Old, new, change, interval.
pub(super) fn cells(row: &Row) -> [String; 4] {
    let nanoseconds = |value: Option<f64>| value.map_or_else(String::new, |ns| format!("{ns:.2}"));
    let percent = |value: f64| format!("{:+.1} %", value * 100.0);
    let change = row.effect.map_or_else(String::new, |effect| percent(effect.change));
    let interval = row.effect.map_or_else(String::new, |effect| {
        format!("{} {}", percent(effect.low), percent(effect.high))
    });
    [nanoseconds(row.old_ns), nanoseconds(row.new_ns), change, interval]
}
