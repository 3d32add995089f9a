//! `xmc govern show`: one proposal with all that was said about it.

use super::diff::differences;
use super::{agrees, named, of, wanted};
use crate::cli::report::Utc;
use crate::cli::{CliError, Exit, Report};
use crate::config::decimal::show_e9;
use crate::governance::entry::{Evidence, PairResult, Sample};
use crate::governance::fold::{Case, Standing};
use crate::governance::lineage::Lineage;
use crate::governance::person::words;
use crate::governance::register::Register;
use jiff::Timestamp;
use serde_json::json;
use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;

/// Show one proposal: what it changes, its evidence, where the data came from, who has approved.
///
/// Exit code 1 if it is not in effect.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// The configuration, or the register.
    place: PathBuf,
    /// The entry of the proposal; by default the newest of the configuration, or of the register.
    #[arg(long, value_name = "N")]
    entry: Option<u64>,
    /// How it stands then, as 2026-11-23T01:00:00Z; by default now.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

pub fn run(args: &ShowArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let (config, register) = named(&args.place)?;
    let register = register.sound().map_err(of)?;
    let case = wanted(args.entry, config.as_ref(), &register, &args.place)?;
    if let Some(config) = &config
        && config.digest() == case.proposal.configuration
    {
        agrees(case, config)?;
    }
    let at = args.at.unwrap_or_else(Timestamp::now);
    let standing = register.fold.standing(case, at);
    if out.is_json() {
        let items = case.proposal.items.iter().map(|item| {
            let lines = (item.before != item.after).then(|| differences(&register.fold, item));
            json!({
                "kind": item.kind, "name": item.name, "version": item.version,
                "owner": item.owner, "before": item.before, "after": item.after,
                "difference": lines,
            })
        });
        let approvals = case.approvals.iter().map(|one| {
            json!({
                "entry": one.entry, "by": one.by, "roles": one.roles, "from": one.from,
                "until": one.until,
            })
        });
        let evidence = case
            .evidence
            .iter()
            .map(|(entry, evidence)| json!({ "entry": entry, "evidence": evidence }));
        let body = json!({
            "entry": case.entry, "proposed_version": case.proposal.version,
            "configuration": case.proposal.configuration, "base": case.proposal.base,
            "proposed_by": case.by, "at": case.at, "reason": case.reason,
            "files": case.proposal.files, "people": case.proposal.people,
            "items": items.collect::<Vec<_>>(), "asks_for": case.asks_for(),
            "evidence": evidence.collect::<Vec<_>>(),
            "approvals": approvals.collect::<Vec<_>>(),
            "standing": standing.word(), "in_words": standing.in_words(),
        });
        out.json("xmc.govern.show", 1, &body)?;
    } else {
        write!(out, "{}", text_of(&register, case, at))?;
    }
    let is_in_effect = matches!(standing, Standing::InEffect { .. });
    Ok(if is_in_effect { Exit::Ok } else { Exit::Finding })
}

/// A proposal for people: also what is said before somebody approves.
pub fn text_of(register: &Register, case: &Case, at: Timestamp) -> String {
    let mut text = String::new();
    // Writing to memory cannot fail.
    let _ = tell(register, case, at, &mut text);
    text
}

/// Evidence for people: what is said before it is attached.
pub fn evidence_text(entry: u64, evidence: &Evidence) -> String {
    let mut text = String::new();
    // Writing to memory cannot fail.
    let _ = tell_evidence(entry, evidence, &mut text);
    text
}

fn tell(
    register: &Register,
    case: &Case,
    at: Timestamp,
    text: &mut String,
) -> Result<(), std::fmt::Error> {
    let proposal = &case.proposal;
    writeln!(text, "version {} (entry {})", proposal.version, case.entry)?;
    writeln!(text, "  configuration  {}", proposal.configuration)?;
    writeln!(text, "  proposed       by {} at {}: {}", case.by, case.at, case.reason)?;
    for (number, file) in proposal.files.iter().enumerate() {
        let title = if number == 0 { "files" } else { "" };
        writeln!(text, "  {title:<14} {} {} bytes {}", file.sha256, file.bytes, file.name)?;
    }
    for (number, person) in proposal.people.iter().enumerate() {
        let title = if number == 0 { "people" } else { "" };
        writeln!(text, "  {title:<14} {}", person.in_words())?;
    }
    let unchanged = proposal.items.len() - proposal.changed().count();
    for item in proposal.changed() {
        let (kind, asked) = (item.kind.word(), item.kind.asks_for().word());
        writeln!(
            text,
            "  {kind:<14} {}: version {}, owner {}, asks for {asked}",
            item.name, item.version, item.owner
        )?;
        let lines = differences(&register.fold, item);
        // All of the first is new.
        let most = if proposal.version > 1 { lines.len() } else { 0 };
        for line in lines.iter().take(most) {
            writeln!(text, "  {:<14}   {line}", "")?;
        }
    }
    writeln!(text, "  unchanged      {unchanged} items")?;
    for (entry, evidence) in &case.evidence {
        tell_evidence(*entry, evidence, text)?;
    }
    for one in &case.approvals {
        let until = one.until.map_or(String::new(), |until| format!(" until {until}"));
        writeln!(
            text,
            "  approved       by {} ({}), entry {}, from {}{until}",
            one.by,
            words(&one.roles),
            one.entry,
            one.from
        )?;
    }
    writeln!(text, "  stands         {}", register.fold.standing(case, at).in_words())
}

fn tell_evidence(
    entry: u64,
    evidence: &Evidence,
    text: &mut String,
) -> Result<(), std::fmt::Error> {
    writeln!(text, "  evidence       entry {entry}: a backtest at SIMULATED venues")?;
    let samples = [("in sample", &evidence.in_sample), ("out of sample", &evidence.out_of_sample)];
    for (word, sample) in samples {
        let Sample { from_ns, until_ns, seed, command, .. } = sample;
        writeln!(text, "    {word:<13} {} to {}, seed {seed}", Utc(*from_ns), Utc(*until_ns))?;
        writeln!(text, "      {command}")?;
        writeln!(text, "      report {}, data {}", sample.report, sample.source)?;
        for PairResult { name, currency, fires, profit_e9, drawdown_e9 } in &sample.pairs {
            let money = |e9: i128| i64::try_from(e9).map_or_else(|_| format!("{e9}e-9"), show_e9);
            writeln!(
                text,
                "      {name}: {fires} fires, profit {} {currency}, worst drawdown {}",
                money(*profit_e9),
                money(*drawdown_e9)
            )?;
        }
    }
    evidence.lineage.iter().try_for_each(|data| tell_lineage(data, text))
}

fn tell_lineage(data: &Lineage, text: &mut String) -> Result<(), std::fmt::Error> {
    let quality = &data.quality;
    let venues = data.venues.join(", ");
    writeln!(
        text,
        "    data          {} {} of {venues}, {} to {}",
        data.kind,
        data.name,
        Utc(data.from_ns),
        Utc(data.until_ns)
    )?;
    let count =
        |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
    writeln!(
        text,
        "      {}: {} packets, {} decode errors, {} gaps ({} packets), {} quotes, {} crossed, {} \
         unsound",
        if quality.is_clean() { "clean" } else { "NOT CLEAN" },
        count(quality.packets),
        count(quality.decode_errors),
        quality.gaps,
        quality.missing_packets,
        quality.quotes,
        quality.crossed_books,
        quality.unsound_quotes
    )?;
    if let Some(damage) = &quality.damage {
        writeln!(text, "      read only up to there: {damage}")?;
    }
    for file in &data.files {
        writeln!(text, "      {} {} bytes {}", file.sha256, file.bytes, file.name)?;
    }
    Ok(())
}
