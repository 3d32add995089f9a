//! `xmc alert test`: a marked message through the real ways.

use super::Of;
use crate::alert::message::{Message, now_ns};
use crate::alert::sink;
use crate::cli::plan::table::Align::{Left, Right};
use crate::cli::plan::table::Table;
use crate::cli::{CliError, Exit, Report};
use crate::engine::alerting::origin;
use serde_json::json;
use std::time::Instant;

/// Send a marked test message to each sink, by the way that alerts go, and show what it answers.
///
/// Addresses and secrets are read as the engine reads them, so this is to be run as its user. The
/// outbox of a running engine is not touched. Exit code 1 if a sink did not take it.
#[derive(Debug, clap::Args)]
pub struct TestArgs {
    #[command(flatten)]
    of: Of,
    /// Only to this sink.
    #[arg(long, value_name = "NAME")]
    sink: Option<String>,
}

pub fn run(args: &TestArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let config = args.of.load()?;
    let config = config.ok_or_else(|| CliError::usage("say which sinks: --config FILE"))?;
    let alerts = config.alerts.as_ref();
    let alerts = alerts.ok_or_else(|| CliError::usage("the configuration has no [alert]"))?;
    let is_meant = |name: &str| args.sink.as_ref().is_none_or(|wanted| wanted == name);
    let sinks: Vec<_> = alerts.sinks.iter().filter(|sink| is_meant(&sink.name)).collect();
    if sinks.is_empty() {
        let known: Vec<_> = alerts.sinks.iter().map(|sink| sink.name.as_str()).collect();
        return Err(CliError::usage(format!("no such sink; there are {}", known.join(", "))));
    }
    let directory = args.of.directory()?;
    std::fs::create_dir_all(&directory).map_err(CliError::could_not_run)?;
    let mut rows = Vec::new();
    for config_of in sinks {
        let message = Message::test(&config_of.name, origin(&config, alerts), now_ns());
        let since = Instant::now();
        let answer = match sink::open(config_of, &directory) {
            Ok(mut sink) => sink.send(&message).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        rows.push((config_of, answer, since.elapsed().as_secs_f64() * 1e3));
    }
    if out.is_json() {
        let rows: Vec<_> = rows
            .iter()
            .map(|(sink, answer, ms)| {
                let said = answer.as_ref().unwrap_or_else(|why| why);
                let kind = sink.kind.word();
                json!({
                    "sink": sink.name, "kind": kind, "is_taken": answer.is_ok(),
                    "answer": said, "took_ms": ms,
                })
            })
            .collect();
        out.json("xmc.alert.test", 1, &json!({ "sinks": rows }))?;
    } else {
        let columns =
            [("sink", Left), ("kind", Left), ("taken", Left), ("ms", Right), ("answer", Left)];
        let mut table = Table::new("TEST", &columns);
        for (sink, answer, ms) in &rows {
            let taken = if answer.is_ok() { "yes" } else { "NO" };
            table.row([
                sink.name.clone(),
                sink.kind.word().to_owned(),
                taken.to_owned(),
                format!("{ms:.1}"),
                answer.clone().unwrap_or_else(|why| why),
            ]);
        }
        table.write(out)?;
    }
    let all = rows.iter().all(|(_, answer, _)| answer.is_ok());
    Ok(if all { Exit::Ok } else { Exit::Finding })
}
