//! `xmc host check`: every check, findings first.

use super::{About, Host};
use crate::cli::plan::table::folded;
use crate::cli::{CliError, Exit, Report};
use crate::host::cores::{list, said};
use crate::host::measured::Measured;
use crate::host::{self, Area, Change, Check, Survey, Verdict};
use jiff::SignedDuration;
use serde::Serialize;
use std::io::{self, Write};
use std::time::Duration;

/// Changes of one check that are shown; `xmc host apply` shows all.
const MOST_CHANGES: usize = 3;
/// Before what belongs to a check.
const INDENT: &str = "            ";

/// Look at every setting of this machine that an engine depends on.
///
/// Exit code 0 if nothing is to be done, 1 if there are findings, 2 if it could not run.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    about: About,
    /// Look for so long whether counters move and the hot cores are quiet: `10s`.
    #[arg(long, value_name = "TIME", value_parser = span)]
    measure: Option<Duration>,
    /// Show also what is as it should be, and what was read.
    #[arg(long)]
    all: bool,
}

/// Reads `10s`; at most ten minutes.
fn span(text: &str) -> Result<Duration, String> {
    let span: SignedDuration = text.parse().map_err(|error| format!("{error}; write 10s"))?;
    let span = Duration::try_from(span).map_err(|_| "write 10s".to_owned())?;
    let is_fit = (Duration::from_millis(100)..=Duration::from_secs(600)).contains(&span);
    if is_fit { Ok(span) } else { Err("must be 100ms to 10m".to_owned()) }
}

#[derive(Serialize)]
struct Body<'a> {
    profile: host::Profile,
    hot_cores: String,
    hot_by: &'a str,
    interfaces: &'a [String],
    checks: &'a [Check],
}

pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let Host { tree, wanted, kernel } = args.about.host()?;
    if args.measure.is_some() && !tree.is_here() {
        return Err(CliError::usage("--measure is about this machine: leave --root out"));
    }
    let measured = args.measure.map(|span| {
        Measured::take(&tree, &wanted.hot, &wanted.interfaces, span)
            .map_err(CliError::could_not_run)
    });
    let measured = measured.transpose()?;
    let mut survey = Survey::new(&tree, &kernel, &wanted);
    survey.measured = measured.as_ref();
    let checks = host::checks(&survey);
    if out.is_json() {
        let body = Body {
            profile: wanted.profile,
            hot_cores: list(&wanted.hot),
            hot_by: wanted.hot_by,
            interfaces: &wanted.interfaces,
            checks: &checks,
        };
        out.json("xmc.host.check", 1, &body)?;
    } else {
        let page = Page { args, survey: &survey, checks: &checks };
        page.write(out)?;
    }
    let has_findings = checks.iter().any(|check| check.verdict.is_finding());
    Ok(if has_findings { Exit::Finding } else { Exit::Ok })
}

struct Page<'a> {
    args: &'a Args,
    survey: &'a Survey<'a>,
    checks: &'a [Check],
}

impl Page<'_> {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.heading(out)?;
        for area in Area::ALL {
            writeln!(out, "\n{}", area.title())?;
            let here: Vec<_> = self.checks.iter().filter(|check| check.area == area).collect();
            for verdict in Verdict::WORST_FIRST {
                let mut same = here.iter().filter(|check| check.verdict == verdict).peekable();
                if same.peek().is_none() {
                    continue;
                }
                if self.args.all || verdict.is_finding() {
                    same.try_for_each(|check| self.check(check, out))?;
                } else {
                    let names: Vec<_> =
                        same.map(|check| format!("{} {}", check.number, check.name)).collect();
                    folded(out, &format!("  {:<7} ", verdict.word()), &names.join(", "))?;
                }
            }
        }
        self.closing(out)
    }

    fn heading(&self, out: &mut impl Write) -> io::Result<()> {
        let wanted = self.survey.wanted;
        let root = self.survey.tree.root().display();
        let place = match self.survey.tree.is_here() {
            true => "this machine".to_owned(),
            false => format!("the machine below {root}"),
        };
        writeln!(out, "host check, profile {}: {place}", wanted.profile.word())?;
        let hint = if self.args.about.config.is_none() { "; --config FILE says which" } else { "" };
        let cards = match wanted.interfaces.as_slice() {
            [] => "no card (loopback has no settings that matter)".to_owned(),
            cards => cards.join(", "),
        };
        folded(out, "  ", &format!("hot: {} ({}{hint})", said(&wanted.hot), wanted.hot_by))?;
        folded(out, "  ", &format!("packets arrive on: {cards}"))
    }

    fn check(&self, check: &Check, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "  {:<7} {:>2} {}", check.verdict.word(), check.number, check.name)?;
        for said in &check.said {
            folded(out, INDENT, said)?;
        }
        if self.args.all {
            for reading in &check.read {
                folded(
                    out,
                    &format!("{INDENT}read: "),
                    &format!("{} = {}", reading.path, reading.value),
                )?;
            }
        }
        if self.args.all || check.verdict.is_finding() {
            folded(out, &format!("{INDENT}want: "), &check.want)?;
            folded(out, &format!("{INDENT}why:  "), check.why)?;
        }
        for change in check.changes.iter().take(MOST_CHANGES) {
            match change {
                // A command is copied: it stays whole.
                Change::Write { .. } | Change::Run { .. } => {
                    writeln!(out, "{INDENT}do:   {}", change.command())?;
                }
                Change::Boot { .. } | Change::Advice { .. } => {
                    folded(out, &format!("{INDENT}do:   "), &change.command())?;
                }
            }
        }
        let more = check.changes.len().saturating_sub(MOST_CHANGES);
        if more > 0 {
            writeln!(out, "{INDENT}      and {more} more: xmc host apply shows them")?;
        }
        Ok(())
    }

    fn closing(&self, out: &mut impl Write) -> io::Result<()> {
        let changes = self.checks.iter().filter(|check| check.verdict.is_finding());
        let parameters =
            changes.flat_map(|check| &check.changes).filter_map(|change| match change {
                Change::Boot { parameter } => Some(parameter.as_str()),
                _ => None,
            });
        let parameters: Vec<_> = parameters.collect();
        if !parameters.is_empty() {
            writeln!(out, "\nkernel parameters for the next boot (xmc host export grub)")?;
            folded(out, "  ", &parameters.join(" "))?;
        }
        let counts = Verdict::WORST_FIRST.map(|verdict| {
            let count = self.checks.iter().filter(|check| check.verdict == verdict).count();
            format!("{count} {}", verdict.word())
        });
        writeln!(out, "\n{} checks: {}", self.checks.len(), counts.join(", "))
    }
}
