//! What `xmc run` and `xmc demo` have in common: open everything, trade, and say what it came to.

pub mod carried;
mod hour;
mod money;
pub mod onlooker;
pub mod summary;

pub use carried::CarriedOver;
use onlooker::WebScreen;
pub use onlooker::{Onlooker, Show};
pub use summary::Summary;

use super::metrics::refused;
use super::{CliError, Report};
use crate::audit;
use crate::clock::EngineClock;
use crate::config::Configuration;
use crate::engine::alerting::Alerting;
use crate::engine::capital::CapitalDesk;
use crate::engine::carry;
use crate::engine::controlling::Controlling;
use crate::engine::counters::Counters;
use crate::engine::interfaces::Interfaces;
use crate::engine::live::{self, Plan, moment};
use crate::engine::logon::LogonError;
use crate::engine::opening;
use crate::engine::recording::{Recording, Segments};
use crate::engine::replay;
use crate::engine::resyncing::Resyncing;
use crate::engine::witnessing::{self, Witnessing};
use crate::governance::{admission, beside};
use crate::journal::snapshot;
use crate::metrics::Exporter;
use crate::monitor::web::WebError;
use crate::monitor::words::Lang;
use crate::secret::Secret;
use crate::venue::simulated::Ledgers;
use jiff::Timestamp;
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use xmc_hotpath::message::Control;

/// How long a feed's books, or an answer of a gateway, may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A run that is wanted.
pub struct Wanted<'a> {
    /// The configuration.
    pub config: &'a Configuration,
    /// Where the record goes.
    pub directory: &'a Path,
    /// Where the secret of a gateway is, by its place in the configuration.
    pub secret: &'a (dyn Fn(usize) -> Result<Secret, LogonError> + Sync),
    /// How it is shown.
    pub show: Show,
    /// When it ends; `None`: when it is told to.
    pub seconds: Option<u64>,
    /// Threads are put on the cores that the topology names.
    pub is_pinned: bool,
    /// It goes on from what the last run in the directory held.
    pub goes_on: bool,
    /// What the account is known to hold when it begins, besides.
    pub held: Vec<Control>,
}

/// Trades as wanted, then verifies and replays the record that was written. `ask` asks the venues'
/// ledgers when it is over, while the venues are still there.
///
/// # Errors
/// See `CliError`.
pub fn trade(
    wanted: &Wanted<'_>,
    out: &mut Report<'_>,
    ask: impl FnOnce() -> Result<Option<Ledgers>, CliError>,
) -> Result<Summary, CliError> {
    let Wanted { config, directory, .. } = *wanted;
    let admitted = admission::admit(config, directory, Timestamp::now());
    let admitted = admitted.map_err(CliError::refused)?;
    let web = wanted.show.web(config, directory).map_err(|refused| match refused {
        WebError::Open(_) => CliError::refused(refused),
        WebError::NoControl => CliError::usage(refused),
        _ => CliError::could_not_run(refused),
    })?;
    let metrics = wanted.show.metrics(config, directory).map_err(refused)?;
    let clock = EngineClock::start();
    let witnessing = config.checkpoints.as_ref();
    let witnessing = witnessing.map(|checkpoints| Witnessing::open(checkpoints, directory));
    let witnessing = witnessing.transpose().map_err(CliError::could_not_run)?;
    let leases = config.engine.lease_directory.as_deref().unwrap_or(directory);
    let recording = Recording::open_under(leases, directory, config, moment(&clock))
        .map_err(CliError::could_not_run)?;
    let governed = admitted.map(|admitted| {
        beside::keep(directory, recording.identity.run, &admitted).map_err(|error| {
            let path = directory.display();
            CliError::could_not_run(format!("who has approved cannot be kept in {path}: {error}"))
        })
    });
    let governed = governed.transpose()?;
    let control = config
        .control
        .as_ref()
        .map(|control| Controlling::open(control, config, directory, recording.identity));
    let control = control.transpose().map_err(CliError::could_not_run)?;
    let alerting = config
        .alerts
        .as_ref()
        .map(|alerts| Alerting::open(alerts, config, directory, recording.identity));
    let alerting = alerting.transpose().map_err(CliError::could_not_run)?;
    let capital = config
        .capital
        .as_ref()
        .map(|watch| CapitalDesk::open(watch, config, directory, recording.left, clock.utc().utc));
    let capital = capital.transpose().map_err(CliError::refused)?;
    let resync = config.resync.as_ref();
    let resync =
        resync.map(|resync| Resyncing::open(resync, config, directory, recording.identity));
    let resync = resync.transpose().map_err(CliError::could_not_run)?;
    let carry = match &recording.left {
        Some(left) if wanted.goes_on => carry::read(directory, left, config),
        Some(_) | None => Ok(None),
    };
    let carry = carry.map_err(CliError::could_not_run)?;
    let carried = carry.as_ref().map_or_else(carry::nothing, |carry| carry.controls.clone());
    let carried = wanted.held.iter().cloned().chain(carried).collect();
    let carried_over = carry.as_ref().map(|carry| CarriedOver::new(carry, config));
    if let Some(over) = carried_over.as_ref().filter(|_| !out.is_json()) {
        over.write(wanted.show.lang(), out)?;
    }
    let earlier = carry.as_ref().map(|_| directory);
    let (is_pinned, identity) = (wanted.is_pinned, recording.identity);
    let counters = Counters::shown(config, is_pinned, directory, identity, &clock)
        .map_err(CliError::could_not_run)?;
    // Before anybody logs on, which puts out whoever cancels at a counter as this account.
    recording.lease.confirm().map_err(CliError::could_not_run)?;
    let mut opened = opening::open(config, &clock, wanted.secret, earlier, PATIENCE)
        .map_err(CliError::could_not_run)?;
    let kernel = opened.count_in(&counters);
    let interfaces = Some(Interfaces::new(config, &mut opened.ports.feeds));
    let word = if wanted.show.lang() == Lang::Zh { "注意" } else { "Warning" };
    let is_told = !out.is_json();
    for warning in opened.warnings.iter().filter(|_| is_told) {
        writeln!(out, "{word}: {warning}")?;
    }
    if is_told {
        if let Some(governed) = &governed {
            let word = if wanted.show.lang() == Lang::Zh { "治理" } else { "Governed" };
            writeln!(out, "{word}: {}", governed.in_words())?;
        }
        say_control(control.as_ref(), wanted.show.lang(), out)?;
    }
    let urls = [
        (["Screen", "网页"], web.as_ref().map(WebScreen::url)),
        (["Metrics", "指标"], metrics.as_ref().map(Exporter::url)),
    ];
    for (words, url) in urls {
        let word = words[usize::from(wanted.show.lang() == Lang::Zh)];
        match url {
            Some(url) if is_told => writeln!(out, "{word}: {url}").and_then(|()| out.flush())?,
            // The report has to stay one JSON object.
            Some(url) => writeln!(std::io::stderr(), "{word}: {url}")?,
            None => {}
        }
    }
    let sessions =
        opening::sessions(config, &clock, wanted.secret, directory, &counters.gateway_ports);
    // Opening took its time; from here on it beats.
    recording.lease.confirm().map_err(CliError::could_not_run)?;
    let plan = Plan {
        config,
        clock: &clock,
        recording,
        ports: opened.ports,
        starts: opened.starts,
        carried,
        is_pinned,
        counters,
        kernel,
        interfaces,
        sessions: Some(sessions),
        witnessing,
        control,
        alerting,
        capital,
        resync,
    };
    let until = wanted.seconds.map(Duration::from_secs);
    let mut onlooker = Onlooker::new(config, &wanted.show, web, until, out)?;
    let ended = live::run(plan, &mut onlooker).map_err(CliError::could_not_run)?;
    drop(metrics);
    let seen = onlooker.end()?;
    let ledgers = ask()?;
    let evidence = config.checkpoints.as_ref().map(|checkpoints| {
        witnessing::evidence(checkpoints, directory).map_err(CliError::CouldNotRun)
    });
    let evidence = evidence.transpose()?.flatten();
    let audited = audit::verify_against(directory, evidence.as_ref());
    let audited = audited.map_err(CliError::could_not_run)?;
    let unreadable = |error| {
        let path = directory.display();
        CliError::could_not_run(format!("cannot read back the journal {path}: {error}"))
    };
    let written = Segments::since(directory, ended.first_segment).map_err(unreadable)?;
    let snapshots = snapshot::since(directory, ended.first_segment).map_err(unreadable)?;
    let replayed = replay::verify(written.payloads(), &snapshots);
    let replayed = replayed.map_err(CliError::could_not_run)?;
    let histogram = summary::write_histogram(directory, &ended.latency, seen.elapsed)?;
    let mut summary = Summary::new(wanted, seen, ended, ledgers, &audited, &replayed, histogram);
    summary.carried = carried_over;
    Ok(summary)
}

/// Says where the engine can be commanded.
fn say_control(
    control: Option<&Controlling>,
    lang: Lang,
    out: &mut Report<'_>,
) -> std::io::Result<()> {
    let say = |en, zh| if lang == Lang::Zh { zh } else { en };
    let word = say("Control", "指令");
    let Some(control) = control else {
        let nobody = say("no socket, since the configuration has no [control]", "未配置 [control]");
        return writeln!(out, "{word}: {nobody}");
    };
    writeln!(out, "{word}: {}", control.path().display())?;
    if control.is_held() {
        let held = say(
            "the desk was stopped by an operator and stays so until `xmc arm` (after a kill also \
             `xmc enable`)",
            "席位已由操作员停止, 须以 xmc arm 解除 (一键停止之后还须 xmc enable)",
        );
        writeln!(out, "{word}: {held}")?;
    }
    Ok(())
}
