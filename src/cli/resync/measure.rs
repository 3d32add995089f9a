//! `xmc resync measure`: from a lot that the venue's ledger has and the desk does not, to the pair
//! that is closed.

use crate::cli::demo::{self, Topology};
use crate::cli::sim::progress;
use crate::cli::{CliError, Exit, Report};
use crate::clock::EngineClock;
use crate::config::{Configuration, GatewayProtocol};
use crate::engine::counters::Counters;
use crate::engine::live::{self, Plan, Sight, Watch, moment};
use crate::engine::recording::Recording;
use crate::engine::resyncing::Resyncing;
use crate::engine::{carry, opening};
use crate::resync::{LOG, path, report};
use crate::sim::exchange::{Exchange, ListingIndex};
use crate::venue::simulated::{self, ACCOUNT, Venues};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use xmc_hotpath::desk::{Desk, SpreadState};
use xmc_hotpath::message::{Command, CommandKind, Scope, Side, SpreadSpec};
use xmc_hotpath::record::frame::{Body, Header, OwnedEvent};

/// How long a gateway's answer may take.
const LOGGING_ON: Duration = Duration::from_secs(10);
/// How long a trial waits for anything.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks at the log.
const LOOK: Duration = Duration::from_millis(200);
/// Cycles before a trial begins.
const BEFORE: usize = 4;
/// What a mismatch may take.
const AIM_CYCLES: usize = 1;

/// Measure how soon one lot too many at a SIMULATED venue closes its pairs.
///
/// Each trial runs the demonstration's engine, lets it trade, and puts one lot that nobody ordered
/// into a venue's own ledger: which instrument and side, and when, follows from the seed. Counted
/// are the cycles that began from then until the difference was found, and the time until the
/// record shows the command that closes a pair. Exits with 1 if
/// a trial took more than one cycle, or a cycle before it found something.
#[derive(Debug, clap::Args)]
pub struct MeasureArgs {
    /// What trials follow from.
    #[arg(long, value_name = "SEED", default_value_t = 42)]
    seed: u64,
    /// How many trials.
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u64).range(1..=1_000))]
    count: u64,
    /// Where records go; by default they are taken away again.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
}

/// What came of a trial.
struct Trial {
    seed: u64,
    instrument: String,
    lots: i64,
    /// Cycles of the source that began after it, to the one that found it; 1 at least.
    cycles: usize,
    found_ms: u64,
    closed_ms: u64,
    /// Cycles before it that found something.
    false_alarms: usize,
    agreed: usize,
}

pub fn run(args: &MeasureArgs, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let temporary = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let ns = since.unwrap_or_default().as_nanos();
        std::env::temp_dir().join(format!("xmc-resync-{}-{ns}", std::process::id()))
    };
    let place = args.record.clone().unwrap_or_else(temporary);
    let mut trials = Vec::new();
    let seeds = args.seed..args.seed.saturating_add(args.count);
    for seed in progress(args.count).wrap_iter(seeds) {
        let directory = place.join(seed.to_string());
        fs::create_dir_all(&directory).map_err(CliError::could_not_run)?;
        trials.push(trial(seed, &directory)?);
    }
    if args.record.is_none() {
        let _ = fs::remove_dir_all(&place);
    }
    let most = trials.iter().map(|trial| trial.cycles).max().unwrap_or(0);
    let false_alarms: usize = trials.iter().map(|trial| trial.false_alarms).sum();
    let agreed: usize = trials.iter().map(|trial| trial.agreed).sum();
    let mut closed: Vec<_> = trials.iter().map(|trial| trial.closed_ms).collect();
    closed.sort_unstable();
    let median = closed.get(closed.len() / 2).copied().unwrap_or(0);
    let worst = closed.last().copied().unwrap_or(0);
    if out.is_json() {
        let rows: Vec<_> = trials.iter().map(row).collect();
        let body = json!({
            "seed": args.seed, "count": args.count, "trials": rows, "most_cycles": most,
            "median_ms": median, "worst_ms": worst, "agreeing_cycles": agreed,
            "false_alarms": false_alarms, "venues": "SIMULATED",
        });
        out.json("xmc.resync.measure", 1, &body)?;
    } else {
        writeln!(out, "ONE LOT TOO MANY (simulated venues, loopback)")?;
        for trial in &trials {
            writeln!(
                out,
                "  seed {:<6} {:+} {:<4} found in cycle {} after it, {} ms; pairs closed {} ms; {} \
                 cycles agreed before",
                trial.seed,
                trial.lots,
                trial.instrument,
                trial.cycles,
                trial.found_ms,
                trial.closed_ms,
                trial.agreed
            )?;
        }
        writeln!(
            out,
            "  cycles at most {most} (aim {AIM_CYCLES}); closed after {median} ms, at worst \
             {worst} ms; {false_alarms} false alarms in {agreed} cycles"
        )?;
    }
    let is_met = most <= AIM_CYCLES && false_alarms == 0;
    Ok(if is_met { Exit::Ok } else { Exit::Finding })
}

fn row(trial: &Trial) -> Value {
    json!({
        "seed": trial.seed, "instrument": trial.instrument, "lots": trial.lots,
        "cycles": trial.cycles, "found_ms": trial.found_ms, "closed_ms": trial.closed_ms,
        "agreeing_cycles": trial.agreed, "false_alarms": trial.false_alarms,
    })
}

fn trial(seed: u64, directory: &Path) -> Result<Trial, CliError> {
    let mut config = demo::configuration(Topology::OneCore)?;
    let venues = Venues::open(&config, seed, None).map_err(CliError::could_not_run)?;
    venues.address(&mut config);
    let statements = demo::statements(directory);
    let published = venues.publish(&config, &statements, demo::STATEMENTS, None);
    let (settings, publishers) = published.map_err(CliError::could_not_run)?;
    let clock = EngineClock::start();
    let recording = Recording::open(directory, &config, moment(&clock));
    let recording = recording.map_err(CliError::could_not_run)?;
    let resync = Resyncing::open(&settings, &config, directory, recording.identity);
    let secret = |row: usize| simulated::secret(&config, row);
    let opened = opening::open(&config, &clock, secret, None, LOGGING_ON);
    let opened = opened.map_err(CliError::could_not_run)?;
    let counters = Counters::new(&config);
    let gateways = &counters.gateway_ports;
    let sessions = opening::sessions(&config, &clock, &secret, directory, gateways);
    let plan = Plan {
        config: &config,
        clock: &clock,
        recording,
        ports: opened.ports,
        starts: opened.starts,
        carried: carry::nothing(),
        is_pinned: demo::has_cores(&config),
        counters,
        kernel: Vec::new(),
        interfaces: None,
        sessions: Some(sessions),
        witnessing: None,
        control: None,
        alerting: None,
        capital: None,
        resync: Some(resync.map_err(CliError::could_not_run)?),
    };
    let mut look = Look::new(seed, &config, &venues, directory);
    live::run(plan, &mut look).map_err(CliError::could_not_run)?;
    let trial = look.end()?;
    drop(publishers);
    venues.stop().map_err(CliError::could_not_run)?;
    let _ = fs::remove_dir_all(statements);
    Ok(trial)
}

/// What is done to a venue, and what follows from it.
struct Look<'l> {
    config: &'l Configuration,
    venues: &'l Venues,
    directory: &'l Path,
    row: usize,
    side: Side,
    seed: u64,
    pause: Duration,
    started: Instant,
    looked: Instant,
    ready: Option<Instant>,
    before: Vec<Value>,
    done: Option<(Instant, jiff::Timestamp)>,
    closed_ms: Option<u64>,
}

impl<'l> Look<'l> {
    fn new(seed: u64, config: &'l Configuration, venues: &'l Venues, directory: &'l Path) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let rows = config.instruments.iter().zip(0..);
        let traded: Vec<usize> =
            rows.filter(|(row, _)| row.gateway.is_some()).map(|(_, at)| at).collect();
        let now = Instant::now();
        Self {
            config,
            venues,
            directory,
            row: traded[random.usize(0..traded.len())],
            side: if random.bool() { Side::Buy } else { Side::Sell },
            seed,
            pause: Duration::from_millis(random.u64(0..2_000)),
            started: now,
            looked: now,
            ready: None,
            before: Vec::new(),
            done: None,
            closed_ms: None,
        }
    }

    fn cycles(&self) -> Vec<Value> {
        let text = fs::read_to_string(path(self.directory, LOG)).unwrap_or_default();
        report::lines(&text).into_iter().filter(|line| line["is"] == "cycle").collect()
    }

    /// Goes on to the next instrument until one has a pair that may open: what is halted already
    /// is not closed.
    fn choose(&mut self, desk: &Desk<'_>) {
        let count = self.config.instruments.len();
        let is_open = |row: usize| {
            let is_leg =
                |spec: &SpreadSpec| spec.legs().iter().any(|leg| leg.instrument.0 as usize == row);
            let mut spreads = desk.spreads().iter();
            self.config.instruments[row].gateway.is_some()
                && spreads.any(|spread| {
                    spread.state == SpreadState::Enabled && spread.spec.as_ref().is_some_and(is_leg)
                })
        };
        let mut rows = (0..count).map(|step| (self.row + step) % count);
        self.row = rows.find(|row| is_open(*row)).unwrap_or(self.row);
    }

    /// Puts the lot into the venue's ledger.
    fn act(&self) -> bool {
        let instrument = &self.config.instruments[self.row];
        let (symbol, side) = (instrument.symbol.clone(), self.side);
        let of = move |exchange: &Exchange| {
            let place = exchange.listings().position(|(_, one)| one.listing().symbol == symbol)?;
            u16::try_from(place).ok().map(ListingIndex)
        };
        let gateway = instrument.gateway.map(|row| self.config.gateways[row].protocol);
        let done = if gateway == Some(GatewayProtocol::EsunnyDstar) {
            self.venues.shfe.with(move |shell, _| {
                let place = of(shell.exchange())?;
                shell.venue_mut().carry(ACCOUNT, place, side, 1);
                Some(())
            })
        } else {
            self.venues.cme.with(move |shell, _| {
                let place = of(shell.exchange())?;
                shell.venue_mut().carry(ACCOUNT, place, side, 1);
                Some(())
            })
        };
        done.flatten().is_some()
    }

    fn end(self) -> Result<Trial, CliError> {
        let none = |what: &str| CliError::could_not_run(format!("seed {}: {what}", self.seed));
        let (_, at) = self.done.ok_or_else(|| none("the engine did not trade and agree"))?;
        let closed_ms = self.closed_ms.ok_or_else(|| none("nothing was closed"))?;
        let name = &self.config.instruments[self.row].name.value;
        let all = self.cycles();
        let differs = |line: &Value| {
            let all = line["differences"].as_array();
            all.is_some_and(|all| all.iter().any(|one| one["of"] == name.as_str()))
        };
        let found =
            all.iter().find(|line| differs(line)).ok_or_else(|| none("it was not found"))?;
        let stamp = |line: &Value, key: &str| line[key].as_str()?.parse::<jiff::Timestamp>().ok();
        let from = |line: &&Value| {
            line["source"] == found["source"]
                && stamp(line, "begun").is_some_and(|begun| begun >= at)
        };
        let place = all.iter().filter(from).position(differs);
        let found_ms = stamp(found, "at").map_or(0, |found| found.duration_since(at).as_millis());
        let is_well = |line: &&Value| line["outcome"] == "agree" || line["outcome"] == "settled";
        Ok(Trial {
            seed: self.seed,
            instrument: name.clone(),
            lots: if self.side == Side::Buy { 1 } else { -1 },
            cycles: place.map_or(1, |place| place + 1),
            found_ms: u64::try_from(found_ms).unwrap_or(0),
            closed_ms,
            false_alarms: self.before.iter().filter(|line| line["outcome"] == "differ").count(),
            agreed: self.before.iter().filter(is_well).count(),
        })
    }
}

impl Watch for Look<'_> {
    fn record(&mut self, _: &Header, body: &Body, desk: &Desk<'_>) {
        let (Body::Input(input), Some((since, _))) = (body, self.done) else { return };
        let OwnedEvent::Command(Command { kind: CommandKind::NoNew, scope, operator: 0, .. }) =
            &input.event
        else {
            return;
        };
        let Scope::Spread(spread) = scope else { return };
        let spec = desk.spreads().get(spread.0 as usize).and_then(|row| row.spec);
        let is_ours = spec.is_some_and(|spec| {
            spec.legs().iter().any(|leg| leg.instrument.0 as usize == self.row)
        });
        if is_ours && self.closed_ms.is_none() {
            self.closed_ms = u64::try_from(since.elapsed().as_millis()).ok();
        }
    }

    fn look(&mut self, sight: &Sight<'_, '_>) -> ControlFlow<()> {
        if sight.is_last || self.looked.elapsed() < LOOK {
            return ControlFlow::Continue(());
        }
        self.looked = Instant::now();
        if self.closed_ms.is_some() || self.started.elapsed() > PATIENCE {
            return ControlFlow::Break(());
        }
        if self.done.is_none() {
            let lines = self.cycles();
            let is_traded = |line: &Value| line["compared"]["orders_with_fills"].as_u64() > Some(0);
            let is_enough = lines.len() >= BEFORE && lines.iter().any(is_traded);
            if is_enough && self.ready.is_none() {
                self.ready = Some(Instant::now());
            }
            if self.ready.is_some_and(|ready| ready.elapsed() >= self.pause) {
                self.before = lines;
                self.choose(sight.desk);
                let at = jiff::Timestamp::now();
                if self.act() {
                    self.done = Some((Instant::now(), at));
                }
            }
        }
        ControlFlow::Continue(())
    }
}
