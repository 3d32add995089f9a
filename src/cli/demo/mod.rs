//! `xmc demo`: both sides of the border on this machine, and the engine between them.
//!
//! The venues are simulated, and named so; everything else is what trades: SMDP 2.0 and MDP 3.0 on
//! multicast lines A and B, orders by DSTAR and iLink 3, the record, and the ledgers asked at the
//! end over the wire. Nothing leaves this host.

mod balance;
mod basis;
mod book;
mod desk;
mod margin;
mod met;
mod operators;
mod scenario;
mod wedge;

use self::operators::Operators;
use self::scenario::{Scenario, folded};

use super::trade::{self, Show, Wanted};
use super::{CliError, Exit, Report};
use crate::alert::message::Tongue;
use crate::alert::rule::Severity;
use crate::audit::key::{self, KeyFileError};
use crate::audit::note::Purpose;
use crate::config::{
    self, AlertSink, AlertSinkKind, Alerts, Checkpoints, Configuration, SecretSource, Witness,
    WitnessPlace,
};
use crate::monitor::Lang;
use crate::topology::host::{self, Host};
use crate::venue::simulated::{self, Venues};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The demonstration's configuration, as it lies in `config/`.
const DEMO: &str = include_str!("../../../config/demo.toml");
/// What it includes, besides a topology.
const INCLUDED: [&str; 2] = [
    include_str!("../../../config/demo_market.toml"),
    include_str!("../../../config/demo_limits.toml"),
];

/// Between two statements of a SIMULATED venue.
pub(super) const STATEMENTS: Duration = Duration::from_millis(250);

/// The key in the record's directory that signs its checkpoints.
const KEY: &str = "checkpoint.key";

/// Which stages run on which cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Topology {
    /// All hot stages on one core.
    OneCore,
    /// A core for each hot stage.
    CorePerStage,
}

impl Topology {
    const fn text(self) -> &'static str {
        match self {
            Self::OneCore => include_str!("../../../config/topology_demo_one_core.toml"),
            Self::CorePerStage => {
                include_str!("../../../config/topology_demo_core_per_stage.toml")
            }
        }
    }
}

/// Watch the engine trade between two simulated venues: SHFE and INE here, CME there.
///
/// Needs no configuration and no root. Prices, orders and ledgers are simulated, from a seed; wire
/// formats, sockets, decisions and the record are real. The record can be verified and replayed
/// afterwards. Exits with 1 if the venues' ledgers and the desk's positions differ.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How long it runs.
    #[arg(long, value_name = "N", default_value_t = 20,
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// What the simulated world follows from.
    #[arg(long, value_name = "SEED", default_value_t = 42)]
    seed: u64,
    /// Which stages run on which cores.
    #[arg(long, value_name = "WHICH", value_enum, default_value_t = Topology::OneCore)]
    topology: Topology,
    /// Another configuration of an engine between the same venues.
    #[arg(long, value_name = "FILE", conflicts_with = "topology")]
    config: Option<PathBuf>,
    /// Something that goes wrong on purpose.
    #[arg(long, value_name = "WHAT", value_enum, conflicts_with = "config")]
    scenario: Option<Scenario>,
    /// Where the record goes; by default a new folder below the system's temporary one.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    #[command(flatten)]
    show: Show,
}

/// What a demonstration runs with.
pub(super) fn sample(topology: Topology) -> Result<Configuration, CliError> {
    let mut config = configuration(topology)?;
    config.alerts.get_or_insert_with(local_log);
    Ok(config)
}

/// Runs the command.
///
/// # Errors
/// See `CliError`.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let directory = args
        .record
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join(format!("xmc-demo-{}", unique())));
    if args.scenario == Some(Scenario::Wedge) {
        if !out.is_json() {
            writeln!(out, "{}", Scenario::Wedge.told(args.show.lang()))?;
        }
        return wedge::run(args, &directory, out);
    }
    match args.scenario {
        Some(Scenario::Basis) => {
            if !out.is_json() {
                writeln!(out, "{}\n", Scenario::Basis.told(args.show.lang()))?;
            }
            return basis::run(args, &directory, out);
        }
        Some(Scenario::Balance) => return balance::run(args, &directory, out),
        Some(scenario @ (Scenario::Hedge | Scenario::Roll)) => {
            return desk::run(args, scenario, &directory, out);
        }
        _ => {}
    }
    let mut config = match &args.config {
        Some(path) => config::load(path)?,
        None => of_scenario(args.topology, args.scenario)?,
    };
    let venues = Venues::open(&config, args.seed, None).map_err(CliError::could_not_run)?;
    venues.address(&mut config);
    if config.checkpoints.is_none() {
        config.checkpoints = Some(witness(&config, &directory)?);
    }
    config.alerts.get_or_insert_with(local_log);
    let has_margin = args.scenario == Some(Scenario::Margin);
    let treasury = has_margin.then(|| margin::begin(&mut config, &directory));
    let _treasury = treasury.transpose().map_err(CliError::could_not_run)?;
    let operators = match args.scenario {
        Some(_) => Operators::appoint(&mut config, &directory).map_err(CliError::could_not_run)?,
        None => None,
    };
    // A configuration that has a resync of its own knows where its statements come from.
    let mut publishers = Vec::new();
    if config.resync.is_none() {
        let published = venues.publish(&config, &statements(&directory), STATEMENTS, None);
        let (resync, all) = published.map_err(CliError::could_not_run)?;
        (config.resync, publishers) = (Some(resync), all);
    }
    let is_pinned = has_cores(&config);
    if !out.is_json() {
        introduce(&config, is_pinned, args.show.lang(), out)?;
        if let Some(scenario) = args.scenario {
            writeln!(out, "{}", scenario.told(args.show.lang()))?;
            out.flush()?;
        }
    }
    let secret = |row: usize| simulated::secret(&config, row);
    let wanted = Wanted {
        config: &config,
        directory: &directory,
        secret: &secret,
        show: args.show,
        seconds: Some(args.seconds),
        is_pinned,
        // The venues are new, and know of nothing.
        goes_on: false,
        held: Vec::new(),
    };
    let is_over = AtomicBool::new(false);
    let summary = std::thread::scope(|scope| {
        let play = |scenario: Scenario| {
            scenario.play(&venues, operators.as_ref(), &is_over);
        };
        args.scenario.map(|scenario| scope.spawn(move || play(scenario)));
        let ledgers = || venues.ledgers().map(Some).map_err(CliError::could_not_run);
        let summary = trade::trade(&wanted, out, ledgers);
        is_over.store(true, Ordering::Relaxed);
        summary
    })?;
    drop(publishers);
    venues.stop().map_err(CliError::could_not_run)?;
    summary.write("xmc.demo", out)?;
    Ok(summary.exit())
}

/// Where the SIMULATED counter's statements lie, beside the record.
pub(super) fn statements(directory: &Path) -> PathBuf {
    let mut beside = directory.as_os_str().to_owned();
    beside.push("-statements");
    beside.into()
}

/// A witness beside the record, and a key that is made on the spot. In earnest the witness is on
/// another machine.
fn witness(config: &Configuration, directory: &Path) -> Result<Checkpoints, CliError> {
    let path = directory.join(KEY);
    let make = || -> Result<(), KeyFileError> {
        let in_directory = |source| KeyFileError::Io { path: directory.to_owned(), source };
        std::fs::create_dir_all(directory).map_err(in_directory)?;
        // The record of an earlier demonstration goes on under its key.
        if path.exists() {
            return Ok(());
        }
        let name =
            format!("demo.example/site{}/desk{}", config.engine.site_id, config.engine.desk_id);
        key::write(&path, &key::generate(&name, Purpose::Log)?).map(|_| ())
    };
    make().map_err(CliError::could_not_run)?;
    let mut beside = directory.as_os_str().to_owned();
    beside.push("-witness");
    let place = WitnessPlace::Directory(beside.into());
    Ok(Checkpoints {
        key: SecretSource::File(path),
        old_key: None,
        interval_ms: 1_000,
        every_records: 4_096,
        witnesses: vec![Witness { name: "beside".to_owned(), place }],
    })
}

/// Alerts into a file beside the record; in earnest they go to people.
fn local_log() -> Alerts {
    let sink = AlertSink {
        name: "log".to_owned(),
        kind: AlertSinkKind::Log { path: None },
        least: Severity::Info,
        after_s: 0,
        group_ms: 0,
        per_minute: 60_000,
        timeout_ms: 0,
        heartbeat_s: 0,
        proxy: None,
    };
    Alerts {
        tongue: Tongue::Both,
        repeat_s: 3_600,
        quiet_s: 600,
        outbox: 5_000,
        severities: Default::default(),
        limits: Default::default(),
        sinks: vec![sink],
    }
}

/// A name that no earlier process had: process ids come again, seconds do not.
fn unique() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    format!("{}-{}", since.map_or(0, |since| since.as_secs()), std::process::id())
}

/// The configuration, whole: a list of includes needs files beside it, and the program may be run
/// anywhere.
pub(super) fn configuration(topology: Topology) -> Result<Configuration, CliError> {
    of_scenario(topology, None)
}

/// The same, with what a scenario asks of its spreads.
fn of_scenario(topology: Topology, of: Option<Scenario>) -> Result<Configuration, CliError> {
    Ok(config::load_text(Path::new("config/demo.toml"), &text_of(topology, of))?)
}

/// All its files as one.
pub(super) fn text(topology: Topology) -> String {
    text_of(topology, None)
}

/// All its files as one, with what a scenario asks of its spreads.
fn text_of(topology: Topology, of: Option<Scenario>) -> String {
    let (spread, leg) = ("\n[[spread]]\n", "\n[[spread.leg]]\ninstrument = \"");
    let breakers = of.map_or("", Scenario::breakers);
    let mut spreads = DEMO.split(spread);
    let head = spreads.next().unwrap_or_default().to_owned();
    let demo = spreads.fold(head, |text, one| format!("{text}{spread}{one}{breakers}"));
    let mut legs = demo.split(leg);
    let head = legs.next().unwrap_or_default().to_owned();
    let demo = legs.fold(head, |text, one| {
        let (instrument, rest) = one.split_once("\"\n").unwrap_or((one, ""));
        let more = of.map_or("", |of| of.leg(instrument));
        format!("{text}{leg}{instrument}\"\n{more}{rest}")
    });
    let own = demo.lines().filter(|line| !line.starts_with("include"));
    let text: Vec<&str> = own.chain([topology.text()]).chain(INCLUDED).collect();
    text.join("\n")
}

/// Whether this machine can run the topology.
pub(super) fn has_cores(config: &Configuration) -> bool {
    Host::here().is_ok_and(|host| host::check(config, &host).is_ok())
}

fn introduce(
    config: &Configuration,
    is_pinned: bool,
    lang: Lang,
    out: &mut Report<'_>,
) -> Result<(), CliError> {
    let say = |en, zh| if lang == Lang::Zh { zh } else { en };
    let simulated = say(
        "Two SIMULATED venues on this host; nothing here is a real market.",
        "本机上的两个模拟交易场所; 以下均非真实市场。",
    );
    writeln!(out, "{simulated}")?;
    for feed in &config.feeds {
        let (name, protocol) = (&feed.name.value, feed.protocol.word());
        writeln!(out, "  feed    {name:<6} {protocol:<13} A {}", feed.line_a)?;
        writeln!(out, "{:>31} B {}", "", feed.line_b)?;
    }
    for gateway in &config.gateways {
        let (name, protocol) = (&gateway.name.value, gateway.protocol.word());
        if let Some(endpoint) = gateway.endpoint {
            writeln!(out, "  gateway {name:<6} {protocol:<13} {endpoint}")?;
        }
    }
    if !is_pinned {
        let unpinned = say(
            "  This machine cannot run the topology as it is: threads are not pinned, and \
             latencies say nothing.",
            "  本机无法按此拓扑运行: 线程未绑核, 延迟数字没有意义。",
        );
        writeln!(out, "{}", folded("  ", unpinned.trim_start()))?;
    }
    out.flush()?;
    Ok(())
}
