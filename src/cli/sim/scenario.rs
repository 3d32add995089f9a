//! `xmc sim --scenario`: famous failures played again, and what the desk did.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use serde::Serialize;

use super::super::latency::commit;
use super::super::{CliError, Exit, Report};
use crate::sim::hall::{EndedSpread, LEFT_OUT, Played, Playing, SCENES, Scene};
use crate::sim::record;

/// What came of one scene.
#[derive(Debug, Serialize)]
struct Figures {
    commit: String,
    scenario: &'static str,
    then: &'static str,
    here: &'static str,
    inputs: u64,
    lasted_s: u64,
    sent_before: u64,
    sent_after: u64,
    lots_after: u64,
    requests_after: u64,
    worst_lots: u64,
    worst_money: u64,
    gates: BTreeMap<&'static str, u64>,
    alerts: BTreeMap<&'static str, u64>,
    desk: &'static str,
    spreads: Vec<String>,
    record: Option<String>,
    failure: Option<String>,
}

/// Plays the scene called `name`, or `all` of them; `list` says which there are.
///
/// # Errors
/// `Usage` if there is no such scene, `CouldNotRun` if the record cannot be written.
pub fn run(name: &str, record: Option<&Path>, out: &mut Report<'_>) -> Result<Exit, CliError> {
    if name == "list" {
        return list(out);
    }
    let scenes: Vec<&Scene> = match (name, Scene::named(name)) {
        ("all", _) => SCENES.iter().collect(),
        (_, Some(scene)) => vec![scene],
        (_, None) => {
            let what = format!("no scenario is called {name}: `--scenario list` names them");
            return Err(CliError::usage(what));
        }
    };
    let mut exit = Exit::Ok;
    for scene in scenes {
        let playing = scene.play(&mut |_, _| {});
        // Each is a run of its own, so each has a journal of its own.
        let directory = record.map(|directory| directory.join(scene.name));
        if let Some(directory) = &directory {
            record::write(directory, &playing.start, &playing.record).map_err(|error| {
                CliError::could_not_run(format!("{}: {error}", directory.display()))
            })?;
        }
        let figures = Figures::of(scene, &playing, directory.as_deref());
        if figures.failure.is_some() {
            exit = Exit::Finding;
        }
        figures.write(out)?;
    }
    Ok(exit)
}

#[derive(Serialize)]
struct Listed {
    scenarios: Vec<(&'static str, &'static str, &'static str)>,
    left_out: &'static [(&'static str, &'static str)],
}

fn list(out: &mut Report<'_>) -> Result<Exit, CliError> {
    if out.is_json() {
        let scenarios = SCENES.iter().map(|scene| (scene.name, scene.then, scene.here)).collect();
        out.json("xmc.sim.scenarios", 1, &Listed { scenarios, left_out: LEFT_OUT })?;
        return Ok(Exit::Ok);
    }
    for scene in SCENES {
        writeln!(out, "{}\n    then: {}\n    here: {}", scene.name, scene.then, scene.here)?;
    }
    writeln!(out, "\nnot played:")?;
    for (name, why) in LEFT_OUT {
        writeln!(out, "{name}\n    {why}")?;
    }
    Ok(Exit::Ok)
}

fn told(spread: &EndedSpread) -> String {
    let EndedSpread { state, units, residual_lots, is_firing } = spread;
    let left = if residual_lots.iter().all(|lots| *lots == 0) {
        "in ratio".to_owned()
    } else {
        format!("{residual_lots:?} lots beyond the ratio")
    };
    let firing = if *is_firing { ", a fire under way" } else { "" };
    format!("{state}, {units} units held, {left}{firing}")
}

impl Figures {
    fn of(scene: &Scene, playing: &Playing, record: Option<&Path>) -> Self {
        let Played { inputs, lasted_s, sent_before, sent_after, lots_after, .. } = playing.played;
        let Played { requests_after, worst_lots, worst_money, .. } = playing.played;
        let Played { gates, alerts, state, spreads, .. } = &playing.played;
        Self {
            commit: commit(),
            scenario: scene.name,
            then: scene.then,
            here: scene.here,
            inputs,
            lasted_s,
            sent_before,
            sent_after,
            lots_after,
            requests_after,
            worst_lots,
            worst_money,
            gates: gates.iter().map(|(gate, count)| (gate.word(), *count)).collect(),
            alerts: alerts.iter().map(|(kind, count)| (kind.word(), *count)).collect(),
            desk: state.map_or("", |state| state.word()),
            spreads: spreads.iter().map(told).collect(),
            record: record.map(|path| path.display().to_string()),
            failure: playing.failure.as_ref().map(ToString::to_string),
        }
    }

    fn write(&self, out: &mut Report<'_>) -> Result<(), CliError> {
        if out.is_json() {
            out.json("xmc.sim.scenario", 1, self)?;
            return Ok(());
        }
        writeln!(out, "{}", self.scenario)?;
        writeln!(out, "  then      {}", self.then)?;
        writeln!(out, "  here      {}", self.here)?;
        let Self { inputs, lasted_s, sent_before, sent_after, lots_after, .. } = self;
        writeln!(out, "  played    {inputs} inputs in {lasted_s} s of the scene")?;
        writeln!(out, "  orders    {sent_before} before the fault, {sent_after} after it")?;
        writeln!(
            out,
            "            ({lots_after} lots; {} cancels, questions)",
            self.requests_after
        )?;
        let Self { worst_lots, worst_money, desk, .. } = self;
        writeln!(out, "  open      {worst_lots} lots at worst, worth {worst_money}")?;
        for (title, rows) in [("gates", &self.gates), ("alerts", &self.alerts)] {
            let rows: Vec<_> = rows.iter().map(|(word, count)| format!("{word} {count}")).collect();
            let rows = if rows.is_empty() { "none".to_owned() } else { rows.join(", ") };
            writeln!(out, "  {title:<9} {rows}")?;
        }
        writeln!(out, "  ending    desk {desk}")?;
        for spread in &self.spreads {
            writeln!(out, "            spread {spread}")?;
        }
        if let Some(record) = &self.record {
            writeln!(out, "  record    {record} (xmc replay --verify)")?;
        }
        match &self.failure {
            Some(failure) => writeln!(out, "  FAILED    {failure}")?,
            None => writeln!(out, "  result    stopped, and every invariant held")?,
        }
        Ok(())
    }
}
