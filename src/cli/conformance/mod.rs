//! `xmc conformance`: the cases that an exchange asks of an order session, run one by one, with the
//! evidence of each.

mod json;
mod page;
mod text;

use super::demo::{self, Topology};
use super::latency::commit;
use super::{CliError, Exit, Report};
use crate::config::decimal::parse_e9;
use crate::config::{self, Configuration, Endpoint, GatewayProtocol};
use crate::conformance::{self, Bench, Case, Gateway, Judged, Resting, Verdict};
use std::io::{IsTerminal, Write};
use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Protocol {
    /// CME iLink 3.
    Ilink3,
    /// Esunny DSTAR, at a counter.
    Dstar,
}

impl Protocol {
    const fn of(self) -> GatewayProtocol {
        match self {
            Self::Ilink3 => GatewayProtocol::CmeIlink3,
            Self::Dstar => GatewayProtocol::EsunnyDstar,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Ilink3 => "CME iLink 3",
            Self::Dstar => "Esunny DSTAR",
        }
    }
}

/// Run the cases of an exchange's certification of order entry, O1 to O32, and show the evidence.
///
/// Without --against at a SIMULATED gateway of this program, which goes wrong on command. With
/// --against at a gateway that somebody else runs: only what a client can bring about by itself is
/// run (logons, one of them with a wrong key, silence, broken lines, the end; orders only with
/// --order), the rest is listed as not run. What passes is no exchange's certificate. Exit code 1
/// if a case failed, 2 if nothing could be brought about.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What is spoken.
    #[arg(value_enum)]
    protocol: Protocol,
    /// The address of a gateway that somebody else runs; of a counter, where it answers.
    #[arg(long, value_name = "ADDR", requires = "config")]
    against: Option<SocketAddrV4>,
    /// The engine's configuration; its gateway's session or account is used. By default the
    /// demonstration's.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Which gateway of the configuration; by default the first one that speaks the protocol.
    #[arg(long, value_name = "NAME")]
    gateway: Option<String>,
    /// The order that may be sent to somebody else's gateway: one lot is bid for at this price. It
    /// must rest; it is cancelled.
    #[arg(long, value_name = "INSTRUMENT@PRICE", value_parser = resting, requires = "against")]
    order: Option<Resting>,
    /// Only these cases: O7,O11.
    #[arg(long, value_name = "CASES", value_delimiter = ',')]
    only: Vec<String>,
    /// Show what passed over the connections of every scenario, not only of those that failed.
    #[arg(long)]
    trace: bool,
    /// Write the report with all evidence as one page that needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// What the simulated market follows from.
    #[arg(long, value_name = "SEED", default_value_t = 3, conflicts_with = "against")]
    seed: u64,
    /// Scenarios at a time; they wait most of theirs. Somebody else's gateway is asked one thing
    /// after the other.
    #[arg(long, value_name = "N", default_value_t = 4,
          value_parser = clap::value_parser!(u8).range(1..=32))]
    at_once: u8,
}

fn resting(text: &str) -> Result<Resting, String> {
    let shape = || format!("{text}: write it as INSTRUMENT@PRICE, hg@3.10");
    let (instrument, price) = text.split_once('@').ok_or_else(shape)?;
    let price_e9 = parse_e9(price).map_err(|error| format!("{price}: {error}"))?;
    if instrument.is_empty() {
        return Err(shape());
    }
    Ok(Resting { instrument: instrument.to_owned(), price_e9 })
}

/// What stands above a report.
struct Head {
    /// What is spoken.
    protocol: &'static str,
    /// Where it was run.
    at: String,
    /// Whether that is simulated.
    is_simulated: bool,
    commit: String,
}

impl Head {
    fn title(&self) -> String {
        format!("Conformance of order entry: {}", self.protocol)
    }

    /// What was run where, and what it is worth.
    fn lines(&self) -> [String; 3] {
        let worth = match self.is_simulated {
            true => "No exchange has seen this: the gateway and its market are simulated.",
            false => "This is no certificate: that is the exchange's to give.",
        };
        [format!("at {}", self.at), worth.to_owned(), format!("commit {}", self.commit)]
    }
}

/// Runs the command.
///
/// # Errors
/// See `CliError`.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let bench = bench(args)?;
    let cases = chosen(args)?;
    let head = Head {
        protocol: args.protocol.name(),
        at: match args.against {
            Some(address) => format!("{address}, with the session of {}", name(&bench)),
            None => format!("the SIMULATED gateway of this program, seed {}", args.seed),
        },
        is_simulated: bench.is_simulated(),
        commit: commit(),
    };
    let count: usize = cases.iter().map(|case| case.scenarios.len()).sum();
    let (done, is_watched) = (AtomicUsize::new(0), std::io::stderr().is_terminal());
    let judged = conformance::run(&bench, &cases, args.at_once.into(), &|case, ran| {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if is_watched {
            eprint!("\r\x1b[K{done} of {count}  {} {}", case.number, ran.scenario.name);
        }
    });
    if is_watched {
        eprint!("\r\x1b[K");
    }
    if let Some(path) = &args.html {
        let page = page::page(&head, &judged);
        std::fs::write(path, page).map_err(|error| {
            CliError::could_not_run(format!("cannot write {}: {error}", path.display()))
        })?;
    }
    if out.is_json() {
        json::write(&head, &judged, out)?;
    } else {
        text::write(&head, &judged, args.trace, out)?;
        if let Some(path) = &args.html {
            writeln!(out, "the page with all evidence is {}", path.display())?;
        }
    }
    Ok(exit(&judged))
}

fn exit(judged: &[Judged]) -> Exit {
    let mut verdicts = judged.iter().map(|case| case.verdict);
    if verdicts.clone().any(|verdict| verdict == Verdict::Failed) {
        return Exit::Finding;
    }
    let is_any = verdicts.clone().any(|verdict| verdict == Verdict::NotProvoked);
    let has_passed = verdicts.any(|verdict| verdict == Verdict::Passed);
    if is_any && !has_passed { Exit::CouldNotRun } else { Exit::Ok }
}

/// How many cases ended how.
fn tally(judged: &[Judged]) -> Vec<(Verdict, usize)> {
    let count = |verdict| judged.iter().filter(|case| case.verdict == verdict).count();
    Verdict::ALL.into_iter().map(|verdict| (verdict, count(verdict))).collect()
}

fn name(bench: &Bench) -> &str {
    &bench.config.gateways[bench.row].name.value
}

fn bench(args: &Args) -> Result<Bench, CliError> {
    let mut config = match &args.config {
        Some(path) => config::load(path)?,
        None => demo::configuration(Topology::OneCore)?,
    };
    let row = row(args, &config)?;
    let gateway = match args.against {
        None => Gateway::Simulated { seed: args.seed },
        Some(address) => {
            let gateway = &mut config.gateways[row];
            gateway.endpoint = match gateway.endpoint {
                Some(Endpoint::Pair { requests, .. }) => {
                    Some(Endpoint::Pair { requests, answers: address })
                }
                _ => Some(Endpoint::Stream(address)),
            };
            // Nobody else is asked.
            gateway.backup = None;
            Gateway::Theirs { resting: args.order.clone() }
        }
    };
    if let Some(resting) = &args.order {
        let mut all = config.instruments.iter();
        let is_there =
            all.any(|one| one.name.value == resting.instrument && one.gateway == Some(row));
        if !is_there {
            let (name, gateway) = (&resting.instrument, &config.gateways[row].name.value);
            return Err(CliError::usage(format!(
                "--order names {name}, and gateway {gateway} has no such instrument: name one of \
                 its own"
            )));
        }
    }
    Ok(Bench { config, row, gateway })
}

fn row(args: &Args, config: &Configuration) -> Result<usize, CliError> {
    let protocol = args.protocol.of();
    let found = config.gateways.iter().position(|gateway| {
        gateway.protocol == protocol
            && args.gateway.as_ref().is_none_or(|name| *name == gateway.name.value)
    });
    found.ok_or_else(|| {
        let named = args.gateway.as_ref().map_or(String::new(), |name| format!(" named {name}"));
        CliError::usage(format!(
            "the configuration has no gateway{named} with protocol = \"{}\"",
            protocol.word()
        ))
    })
}

fn chosen(args: &Args) -> Result<Vec<&'static Case>, CliError> {
    let all = conformance::catalogue(args.protocol.of());
    let is = |case: &&Case, number: &String| case.number.eq_ignore_ascii_case(number.trim());
    for number in &args.only {
        if !all.iter().any(|case| is(&case, number)) {
            return Err(CliError::usage(format!("there is no case {number}: they are O1 to O32")));
        }
    }
    let is_chosen =
        |case: &&Case| args.only.is_empty() || args.only.iter().any(|number| is(case, number));
    Ok(all.iter().filter(is_chosen).collect())
}
