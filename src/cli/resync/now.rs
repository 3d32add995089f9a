//! `xmc resync now`: a cycle of every source, at once.

use super::{Of, lines};
use crate::cli::{CliError, Exit, Report};
use crate::resync::{NOW, path};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Compare the desk with what venues say now, and show what comes of it.
///
/// Nothing is signed: it asks, and allows nothing. Exits with 1 if they differ, or if no statement
/// came.
#[derive(Debug, clap::Args)]
pub struct NowArgs {
    #[command(flatten)]
    of: Of,
    /// How long it is waited for, in seconds.
    #[arg(long, value_name = "N", default_value_t = 90,
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    wait: u64,
}

pub fn run(args: &NowArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let directory = args.of.directory()?;
    let before = lines(&directory).len();
    let asked = path(&directory, NOW);
    std::fs::write(&asked, b"").map_err(|error| {
        CliError::could_not_run(format!("cannot write {}: {error}", asked.display()))
    })?;
    let since = Instant::now();
    let mut found = BTreeMap::new();
    // All sources begin at once, so the first that is done says how many there are to come.
    while since.elapsed() < Duration::from_secs(args.wait) {
        std::thread::sleep(LOOK);
        let all = lines(&directory);
        let known: std::collections::BTreeSet<&str> =
            all.iter().filter_map(|line| line["source"].as_str()).collect();
        let fresh = all.iter().skip(before).filter(|line| line["cause"] == "asked");
        found = fresh
            .filter_map(|line| Some((line["source"].as_str()?, line.clone())))
            .map(own)
            .collect();
        if !found.is_empty() && known.iter().all(|name| found.contains_key(*name)) {
            break;
        }
    }
    if found.is_empty() {
        let _ = std::fs::remove_file(&asked);
        return Err(CliError::could_not_run(format!(
            "nothing was compared within {} s: does an engine with [resync] run there?",
            args.wait
        )));
    }
    let is_well =
        found.values().all(|line| line["outcome"] == "agree" || line["outcome"] == "settled");
    if out.is_json() {
        let cycles: Vec<_> = found.values().collect();
        out.json("xmc.resync.now", 1, &json!({ "cycles": cycles }))?;
    } else {
        for (source, line) in &found {
            writeln!(out, "{source}: {}", super::show::words(line))?;
        }
    }
    Ok(if is_well { Exit::Ok } else { Exit::Finding })
}

fn own((source, line): (&str, Value)) -> (String, Value) {
    (source.to_owned(), line)
}
