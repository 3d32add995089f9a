//! The configuration: TOML files become one checked value, or every reason why not.
//!
//! `load` reads a file and what it includes, reads every section with types and bounds, and then
//! applies the rules that hold between sections. What it returns needs no further checking except
//! against the machine (`topology::host`). It starts nothing, reads no environment, and holds no
//! secrets: those are not in files.
//!
//! Called by every command that takes a configuration. The rules are in `error::Rule`, each with
//! a code that operators can search for.

pub mod capital;
pub mod decimal;
pub mod error;
mod fee;
pub mod rational;
pub mod source;

pub(crate) mod section;
pub(crate) mod spelling;
pub(crate) mod value;

mod access;
mod alert;
mod backtest;
mod breaker;
mod capital_watch;
mod check;
mod compliance;
mod control;
mod engine;
mod governance;
mod guard;
mod internal;
mod limit;
mod market;
pub(crate) mod names;
mod recovery;
mod rest;
mod resync;
mod rule;
mod spread;
mod term;
pub mod venue;
mod witness;

pub(crate) use access::request_ids_word;
pub use access::{CounterAccount, QueryLogin, SecretSource, SessionIdentity};
pub use alert::{AlertSink, AlertSinkKind, Alerts};
pub use backtest::{Backtest, BacktestVenue, Latency, QueueRule};
pub use breaker::Breaker;
pub use capital_watch::{CapitalLeg, CapitalWatch};
pub use compliance::{AccountGroup, Compliance, Level, OrderFee, Threshold, What};
pub use control::{Control, Operator};
pub use engine::{Engine, Logic, Mode};
pub use error::{Invalid, Problem, Rule};
pub use fee::LegFees;
pub use governance::Governance;
pub use guard::{Guard, GuardAct};
pub use internal::Internal;
pub use limit::{AccountLimit, Bounds, Collar, InstrumentLimit, Limits};
pub(crate) use market::CURRENCIES;
pub use market::{
    Endpoint, Feed, FeedIndex, FeedLine, FeedProtocol, Gateway, GatewayIndex, GatewayProtocol,
    Instrument, InstrumentIndex, Join, PortChoice, Rate, RequestPort, Venue, VenueIndex,
};
pub use rational::Rational;
pub use recovery::{Recovery, RecoveryLoops, RecoveryQuery, Replay};
pub use resync::{Resync, ResyncSource, StatementPlace, VenueWins};
pub use rule::UserRule;
pub use section::Written;
pub use source::{FileIndex, Place, SourceFile, Sources};
pub use spread::{HedgeFlag, Leg, Levels, MaxLoss, Repair, Spread, TimeInForce, Triggers};
pub use term::{Factor, PriceProduct, Term};
pub use value::{Coefficient, Exact};
pub use witness::{Checkpoints, Witness, WitnessPlace};

use crate::topology::check::{StageNames, Wiring};
use crate::topology::{self, Executor, Link, Stage};
use error::Report;
use names::{Names, Registry};
use section::{Document, Section, Shape};
use std::path::Path;
use toml::de::DeTable;

/// A configuration that keeps every rule that does not depend on the machine.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Who this engine is.
    pub engine: Engine,
    /// How its desk behaves.
    pub logic: Logic,
    /// Cores and what runs on them.
    pub executors: Vec<Executor>,
    /// Rings between stages.
    pub links: Vec<Link>,
    /// Exchanges.
    pub venues: Vec<Venue>,
    /// Market-data channels.
    pub feeds: Vec<Feed>,
    /// Order-entry sessions.
    pub gateways: Vec<Gateway>,
    /// What has a price; the position is the dense index that the hot path uses.
    pub instruments: Vec<Instrument>,
    /// What is traded together.
    pub spreads: Vec<Spread>,
    /// What may never be exceeded.
    pub limits: Limits,
    /// How the record is signed; `None`: it is not.
    pub checkpoints: Option<Checkpoints>,
    /// Who may command the engine while it runs; `None`: nobody.
    pub control: Option<Control>,
    /// What is told to people outside; `None`: nothing.
    pub alerts: Option<Alerts>,
    /// The money that its orders use; `None`: nobody watches it.
    pub capital: Option<CapitalWatch>,
    /// How an engine is watched from beside; `None`: it is not.
    pub guard: Option<Guard>,
    /// What the desk is compared with; `None`: nothing.
    pub resync: Option<Resync>,
    /// How venues answer in a backtest; `None`: as one without a word about it.
    pub backtest: Option<Backtest>,
    /// What exchanges and supervisors count of it; `None`: nobody watches that.
    pub compliance: Option<Compliance>,
    /// Which needs meet inside before a market does; `None`: none.
    pub internal: Option<Internal>,
    /// What people must have approved of before it trades; `None`: nothing is asked of anybody.
    pub governance: Option<Governance>,
    /// The files it was read from.
    pub sources: Sources,
}

impl Configuration {
    /// What a stage is called: `feed_cme`, `desk`, `gateway_cme`.
    pub fn stage_name(&self, stage: Stage) -> String {
        match stage {
            Stage::Feed(index) => format!("feed_{}", self.feeds[index].name.value),
            Stage::Gateway(index) => format!("gateway_{}", self.gateways[index].name.value),
            fixed => {
                let known = Stage::FIXED.iter().find(|(_, stage)| *stage == fixed);
                known.map_or(String::new(), |(name, _)| (*name).to_owned())
            }
        }
    }

    /// SHA-256 of the files, as text: the identity under which it is recorded.
    pub fn digest(&self) -> String {
        crate::hex::show(&self.sources.digest())
    }
}

/// Reads and checks the configuration in `path` and in what it includes.
pub fn load(path: &Path) -> Result<Configuration, Invalid> {
    let report = Report::default();
    let sources = Sources::read(path, &report);
    check_sources(sources, report)
}

/// Like `load`, with `text` instead of the contents of `path`.
pub fn load_text(path: &Path, text: &str) -> Result<Configuration, Invalid> {
    let report = Report::default();
    let sources = Sources::of_text(path, text.to_owned(), &report);
    check_sources(sources, report)
}

/// Like `load`, of files that were read before, includes and all, in the order in which they were:
/// the disk is not looked at.
pub fn load_files(files: Vec<SourceFile>) -> Result<Configuration, Invalid> {
    check_sources(Sources::of_files(files), Report::default())
}

fn check_sources(sources: Sources, report: Report) -> Result<Configuration, Invalid> {
    let parts = read_all(&sources, &report);
    match parts {
        Some(mut configuration) if report.is_empty() => {
            configuration.sources = sources;
            Ok(configuration)
        }
        _ => Err(Invalid { sources, problems: report.into_problems() }),
    }
}

/// The files as tables; `None` if one is not TOML, which is reported.
pub(crate) fn parse<'s>(sources: &'s Sources, report: &Report) -> Option<Vec<DeTable<'s>>> {
    let mut tables = Vec::new();
    for (index, file) in sources.files().iter().enumerate() {
        let (table, errors) = DeTable::parse_recoverable(&file.text);
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let place = Place { file: FileIndex(index), span };
            report.add(Problem::new(Rule::Syntax, error.message(), place, "here"));
        }
        tables.push(table.into_inner());
    }
    // What could not be parsed would only be missed by everything else.
    report.is_empty().then_some(tables)
}

/// The sections of an engine's files.
const SHAPE: Shape = Shape {
    single: &[
        "engine",
        "logic",
        "defaults",
        "checkpoint",
        "control",
        "alert",
        "capital",
        "guard",
        "resync",
        "backtest",
        "compliance",
        "internal",
        "governance",
    ],
    repeated: &[
        "executor",
        "link",
        "venue",
        "feed",
        "gateway",
        "instrument",
        "spread",
        "limit",
        "witness",
        "operator",
    ],
};

fn read_all(sources: &Sources, report: &Report) -> Option<Configuration> {
    let tables = parse(sources, report)?;
    // A section of the wrong shape is missed by every reference to it.
    let document = Document::gather(SHAPE, &tables, report)?;
    read_document(document, sources, report)
}

fn read_document<'a>(
    mut document: Document<'a>,
    sources: &Sources,
    report: &'a Report,
) -> Option<Configuration> {
    let [executors, links, venues, feeds, gateways, instruments, spreads, limits] =
        ["executor", "link", "venue", "feed", "gateway", "instrument", "spread", "limit"]
            .map(|kind| document.take_repeated(kind));
    let names = Registry {
        venues: Names::gather("venue", &venues, report),
        feeds: Names::gather("feed", &feeds, report),
        gateways: Names::gather("gateway", &gateways, report),
        instruments: Names::gather("instrument", &instruments, report),
    };
    let spread_names = Names::gather("spread", &spreads, report);
    for (kind, sections) in [
        ("executor", &executors),
        ("feed", &feeds),
        ("gateway", &gateways),
        ("instrument", &instruments),
        ("spread", &spreads),
    ] {
        if sections.is_empty() {
            missing_section(report, &format!("[[{kind}]]"));
        }
    }
    at_most(xmc_hotpath::desk::stage::MAX_FEEDS, "feeds", &feeds, "desk", report);
    at_most(xmc_hotpath::message::MAX_GATEWAYS, "gateways", &gateways, "desk", report);
    let stages = StageNames::new(&names);
    let engine = document.take_single("engine");
    let is_paper = engine
        .as_ref()
        .is_none_or(|section| section.peek("mode").is_none_or(|(mode, _)| mode == "paper"));
    let engine = single(engine, "[engine]", report, engine::engine);
    let logic = single(document.take_single("logic"), "[logic]", report, engine::logic);
    let defaults = document.take_single("defaults").map(engine::defaults);
    let defaults = defaults.flatten().unwrap_or_default();
    let (checkpoint, witnesses) =
        (document.take_single("checkpoint"), document.take_repeated("witness"));
    let checkpoints = witness::checkpoints(checkpoint, witnesses, engine.as_ref(), report);

    let (control, operators) =
        (document.take_single("control"), document.take_repeated("operator"));

    let venues = each(venues, market::venue);
    let feeds = each(feeds, |section| market::feed(section, &names));
    let gateways = each(gateways, |section| market::gateway(section, &names));
    let instruments = each(instruments, |section| market::instrument(section, &names));
    let spreads =
        each(spreads, |section| spread::spread(section, &names, &defaults, engine.as_ref()));
    let limits = limit::limits(limits, &names, report);
    let executors = each(executors, |section| topology::executor(section, &stages));
    let links = each(links, |section| topology::link(section, &stages));

    let guard = guard::guard(document.take_single("guard"), &names, &gateways);

    let alerts = alert::alerts(document.take_single("alert"), report);
    let capital = document.take_single("capital");
    let capital = capital_watch::capital(capital, &names, &instruments, report);
    let resync = resync::resync(document.take_single("resync"), &names, report);
    let backtest = backtest::backtest(document.take_single("backtest"), &names);

    let compliance = document.take_single("compliance");
    let compliance = compliance::compliance(
        compliance,
        &names,
        (&venues, &gateways),
        &instruments,
        &spreads,
        report,
    );
    let internal = internal::internal(document.take_single("internal"), &names, &spreads, report);

    let known = control::Known { names: &names, spread_names: &spread_names, spreads: &spreads };
    let control = control::control(control, operators, &known, report);

    let governance = document.take_single("governance");
    let governance = governance::governance(governance, &control, sources, report);

    check::joins(&feeds, is_paper, report);
    check::Read {
        venues: &venues,
        feeds: &feeds,
        gateways: &gateways,
        instruments: &instruments,
        spreads: &spreads,
        limits: limits.as_ref(),
        report,
    }
    .check();
    Wiring { executors: &executors, links: &links, names: &names, stages: &stages, report }.check();

    Some(Configuration {
        engine: engine?,
        logic: logic?,
        executors: all(executors)?,
        links: all(links)?,
        venues: all(venues)?,
        feeds: all(feeds)?,
        gateways: all(gateways)?,
        instruments: all(instruments)?,
        spreads: all(spreads)?,
        limits: limits?,
        checkpoints: checkpoints.ok()?,
        control: control.ok()?,
        alerts: alerts.ok()?,
        capital: capital.ok()?,
        guard: guard.ok()?,
        resync: resync.ok()?,
        backtest: backtest.ok()?,
        compliance: compliance.ok()?,
        internal: internal.ok()?,
        governance: governance.ok()?,
        sources: Sources::default(),
    })
}

fn single<'a, T>(
    section: Option<Section<'a>>,
    title: &str,
    report: &Report,
    read: fn(Section<'a>) -> Option<T>,
) -> Option<T> {
    if section.is_none() {
        missing_section(report, title);
    }
    section.and_then(read)
}

/// A desk has a fixed number of rings, a venue a bounded number of clients.
fn at_most(most: usize, what: &str, sections: &[Section<'_>], whose: &str, report: &Report) {
    if let Some(excess) = sections.get(most) {
        report.add(Problem::new(
            Rule::TooMany,
            format!("{} {what}, and one {whose} has room for {most}", sections.len()),
            excess.place().clone(),
            "one too many",
        ));
    }
}

/// Reads a file of its own: its sections become one checked value, or every reason why not.
///
/// The sources come back with the value, which may want to keep them.
pub(crate) fn checked<T>(
    sources: Sources,
    report: Report,
    shape: Shape,
    read: impl FnOnce(Document<'_>, &Report) -> Option<T>,
) -> Result<(T, Sources), Invalid> {
    let tables = parse(&sources, &report);
    let value = tables.as_ref().and_then(|tables| {
        let document = Document::gather(shape, tables, &report)?;
        read(document, &report)
    });
    drop(tables);
    match value {
        Some(value) if report.is_empty() => Ok((value, sources)),
        _ => Err(Invalid { sources, problems: report.into_problems() }),
    }
}

/// Reads sections of one kind: all of them, before one that is wrong ends it.
pub(crate) fn every<'a, T>(
    sections: Vec<Section<'a>>,
    read: impl Fn(Section<'a>) -> Option<T>,
) -> Option<Vec<T>> {
    all(each(sections, read))
}

pub(crate) fn missing_section(report: &Report, title: &str) {
    let message = format!("there is no {title} in any of the files");
    report.add(Problem::nowhere(Rule::MissingSection, message));
}

fn each<'a, T>(
    sections: Vec<Section<'a>>,
    read: impl Fn(Section<'a>) -> Option<T>,
) -> Vec<Option<T>> {
    sections.into_iter().map(read).collect()
}

fn all<T>(read: Vec<Option<T>>) -> Option<Vec<T>> {
    read.into_iter().collect()
}

/// The word that stands for `meant` in a file.
pub(crate) fn word_for<T: PartialEq>(words: &[(&'static str, T)], meant: T) -> &'static str {
    words.iter().find(|(_, value)| *value == meant).map_or("", |(word, _)| word)
}
