//! The report for a terminal, 100 columns wide: a row for each case, what went wrong below it, and
//! the evidence of what failed.

use super::{Head, tally};
use crate::cli::{CliError, Report};
use crate::conformance::book::Compared;
use crate::conformance::tape::Line;
use crate::conformance::{Judged, Ran, Verdict};
use std::io::{self, IsTerminal, Write};

const WIDTH: usize = 100;
/// Where what belongs to a case begins.
const INDENT: usize = 5;
/// Lines of evidence below a scenario that failed: the last ones.
const LAST_LINES: usize = 25;

pub(super) fn write(
    head: &Head,
    judged: &[Judged],
    is_traced: bool,
    out: &mut Report<'_>,
) -> Result<(), CliError> {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
    let ink = Ink { has_colour: io::stdout().is_terminal() && !no_colour };
    writeln!(out, "{}", ink.bold(&head.title()))?;
    for line in head.lines() {
        wrapped(&line, 0, out, str::to_owned)?;
    }
    let title = format!("\n{:<4} {:<21} {:<16}{}", "case", "verdict", "scenarios, time", "title");
    writeln!(out, "{}", ink.faint(&title))?;
    for case in judged {
        row(case, ink, out)?;
        for ran in &case.ran {
            let is_shown = is_traced && ran.verdict != Verdict::NotRun;
            if is_shown || matches!(ran.verdict, Verdict::Failed | Verdict::NotProvoked) {
                scenario(ran, is_traced, ink, out)?;
            }
        }
    }
    reasons(judged, ink, out)?;
    let counts = tally(judged).into_iter().filter(|(_, count)| *count > 0);
    let counts: Vec<_> = counts
        .map(|(verdict, count)| ink.verdict(verdict, &format!("{count} {}", verdict.words())))
        .collect();
    writeln!(out, "\n{} cases: {}", judged.len(), counts.join(", "))?;
    Ok(())
}

fn row(judged: &Judged, ink: Ink, out: &mut Report<'_>) -> io::Result<()> {
    let case = judged.case;
    let word = ink.verdict(judged.verdict, &format!("{:<21}", judged.verdict.words()));
    let ran = judged.ran.iter().filter(|ran| ran.verdict != Verdict::NotRun);
    let passed = judged.ran.iter().filter(|ran| ran.verdict == Verdict::Passed).count();
    let took: f64 = judged.ran.iter().map(|ran| ran.evidence.took.as_secs_f64()).sum();
    let figures = match judged.ran.len() {
        0 => String::new(),
        count if ran.count() == 0 => format!("0 of {count}"),
        count => format!("{passed} of {count} {took:>6.1} s"),
    };
    writeln!(out, "{:<4} {word} {figures:<16}{}", case.number, case.title)
}

/// Why something was not run, or cannot be, each reason once with the cases that it holds for.
fn reasons(judged: &[Judged], ink: Ink, out: &mut Report<'_>) -> io::Result<()> {
    let mut all: Vec<(&str, Vec<&str>)> = Vec::new();
    for case in judged {
        let obstacles = case.ran.iter().filter(|ran| ran.verdict == Verdict::NotRun);
        let none = case.ran.is_empty().then_some(case.case.note);
        for why in obstacles.filter_map(|ran| ran.why.as_deref()).chain(none) {
            let place = all.iter().position(|(known, _)| *known == why);
            let place = place.unwrap_or_else(|| {
                all.push((why, Vec::new()));
                all.len() - 1
            });
            all[place].1.push(case.case.number);
        }
    }
    for (why, mut cases) in all {
        cases.dedup();
        writeln!(out)?;
        wrapped(why, 0, out, |line| ink.bold(line))?;
        wrapped(&cases.join(", "), INDENT, out, str::to_owned)?;
    }
    Ok(())
}

fn scenario(ran: &Ran, is_traced: bool, ink: Ink, out: &mut Report<'_>) -> io::Result<()> {
    writeln!(out)?;
    let title = format!("{}: {}", ran.verdict.words(), ran.scenario.name);
    wrapped(&title, INDENT, out, |line| ink.verdict(ran.verdict, line))?;
    wrapped(&format!("looked at: {}", ran.scenario.looks_at), INDENT, out, str::to_owned)?;
    if let Some(why) = &ran.why {
        wrapped(why, INDENT, out, |line| ink.bold(line))?;
    }
    let lines = &ran.evidence.lines;
    let first = if is_traced { 0 } else { lines.len().saturating_sub(LAST_LINES) };
    if first > 0 {
        let before = format!("{first} lines of evidence before these: --trace, --html or --json");
        wrapped(&before, INDENT, out, |line| ink.faint(line))?;
    }
    for line in &lines[first..] {
        evidence(line, out)?;
    }
    if !ran.evidence.orders.is_empty() {
        orders(&ran.evidence.orders, is_traced, ink, out)?;
    }
    writeln!(out)
}

fn evidence(line: &Line, out: &mut Report<'_>) -> io::Result<()> {
    let head = format!("{:>12.3} ms  {:<8}", line.ms, line.who.word());
    let mut rest = line.said.as_str();
    let room = WIDTH - INDENT - head.len();
    let mut is_first = true;
    loop {
        let (now, later) = cut(rest, room);
        let head = if is_first { head.clone() } else { " ".repeat(head.len()) };
        writeln!(out, "{:INDENT$}{head}{now}", "")?;
        is_first = false;
        rest = later;
        if rest.is_empty() {
            return Ok(());
        }
    }
}

fn orders(rows: &[Compared], is_traced: bool, ink: Ink, out: &mut Report<'_>) -> io::Result<()> {
    let title = format!(
        "{:>14}  {:<32} {:<11} {:>7} {:>12}  {}",
        "order", "what", "fate here", "filled", "by ledger", "live there"
    );
    writeln!(out, "{:INDENT$}{}", "", ink.faint(&title))?;
    let most = if is_traced { rows.len() } else { LAST_LINES };
    for row in rows.iter().take(most) {
        let told = row.ledger_filled.map_or("-".to_owned(), |lots| lots.to_string());
        let live = row.ledger_live.map_or("-", |is_live| if is_live { "yes" } else { "no" });
        writeln!(
            out,
            "{:INDENT$}{:>14}  {:<32} {:<11} {:>7} {told:>12}  {live}",
            "",
            row.order,
            row.what,
            row.fate.words(),
            row.filled,
        )?;
    }
    if rows.len() > most {
        let more = format!("and {} more", rows.len() - most);
        wrapped(&more, INDENT, out, |line| ink.faint(line))?;
    }
    Ok(())
}

/// As much of a text as has room, cut at a space if there is one, and the rest.
fn cut(text: &str, room: usize) -> (&str, &str) {
    let Some((end, _)) = text.char_indices().nth(room) else { return (text, "") };
    let at = text[..end].rfind(' ').filter(|at| *at > 0).unwrap_or(end);
    (text[..at].trim_end(), text[at..].trim_start())
}

/// A text over as many lines as it takes, each in its ink.
fn wrapped(
    text: &str,
    indent: usize,
    out: &mut Report<'_>,
    ink: impl Fn(&str) -> String,
) -> io::Result<()> {
    let mut rest = text;
    while !rest.is_empty() {
        let (now, later) = cut(rest, WIDTH - indent);
        writeln!(out, "{:indent$}{}", "", ink(now))?;
        rest = later;
    }
    Ok(())
}

/// How words are told apart. No colour says anything that a word beside it does not.
#[derive(Clone, Copy)]
struct Ink {
    has_colour: bool,
}

impl Ink {
    fn with(self, code: &str, text: &str) -> String {
        if self.has_colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    fn faint(self, text: &str) -> String {
        self.with("2", text)
    }

    fn verdict(self, verdict: Verdict, text: &str) -> String {
        let code = match verdict {
            Verdict::Passed => "32",
            Verdict::Failed => "1;31",
            Verdict::NotProvoked => "33",
            Verdict::NotRun | Verdict::NotApplicable => "2",
        };
        self.with(code, text)
    }
}
