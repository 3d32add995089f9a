//! The rules of a topology that hold on any machine.

use super::{Executor, Idle, Link, LinkKind, Sched, Stage};
use crate::config::error::{Problem, Report, Rule};
use crate::config::names::Registry;
use crate::config::section::{Section, Written};
use crate::config::source::Place;
use crate::config::spelling::nearest;
use crate::config::value::{Complaint, name, text_of};
use std::collections::HashMap;
use toml::de::DeValue;

/// The names that stages have in this configuration.
pub(crate) struct StageNames {
    known: Vec<(String, Stage)>,
}

impl StageNames {
    pub(crate) fn new(names: &Registry) -> Self {
        let feeds = names
            .feeds
            .positions()
            .map(|(index, name)| (format!("feed_{name}"), Stage::Feed(index)));
        let gateways = names
            .gateways
            .positions()
            .map(|(index, name)| (format!("gateway_{name}"), Stage::Gateway(index)));
        let fixed = Stage::FIXED.into_iter().map(|(name, stage)| (name.to_owned(), stage));
        Self { known: feeds.chain(fixed).chain(gateways).collect() }
    }

    /// What a stage is called.
    pub(crate) fn of(&self, stage: Stage) -> &str {
        self.known.iter().find(|(_, known)| *known == stage).map_or("?", |(name, _)| name)
    }

    pub(crate) fn resolve(
        &self,
        section: &Section<'_>,
        key: &str,
        written: &Written<String>,
    ) -> Option<Written<Stage>> {
        let found = self.known.iter().find(|(name, _)| *name == written.value);
        if let Some((_, stage)) = found {
            return Some(Written { value: *stage, place: written.place.clone() });
        }
        let known = || self.known.iter().map(|(name, _)| name.as_str());
        let help = match nearest(&written.value, known()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("stages here are: {}", known().collect::<Vec<_>>().join(", ")),
        };
        let message = format!(
            "`{key}` of {} names \"{}\", which is no stage",
            section.title(),
            written.value
        );
        section.fail(
            Problem::new(Rule::UnknownStage, message, written.place.clone(), "not a stage")
                .help(help),
        );
        None
    }

    pub(crate) fn required(&self, section: &Section<'_>, key: &'static str) -> Option<Stage> {
        let written = section.required(key, name);
        if written.value.is_empty() {
            return None;
        }
        self.resolve(section, key, &written).map(|stage| stage.value)
    }
}

/// Reads `other` or `fifo:N`.
pub(crate) fn sched(value: &DeValue<'_>) -> Result<Sched, Complaint> {
    let written = text_of(value)?;
    if written == "other" {
        return Ok(Sched::Other);
    }
    let priority = written.strip_prefix("fifo:").and_then(|priority| priority.parse().ok());
    priority.filter(|priority| (1..=98).contains(priority)).map(Sched::Fifo).ok_or_else(|| {
        Complaint {
            rule: Rule::UnknownWord,
            message: format!("is {written:?}, and must be \"other\" or \"fifo:1\" to \"fifo:98\""),
            label: "not a scheduling class".to_owned(),
            help: None,
        }
    })
}

/// A link's ends must be stages that speak its kind.
pub(crate) fn link_ends(section: &Section<'_>, link: &Link) {
    let fits = match link.kind {
        LinkKind::Quotes => matches!((link.from, link.to), (Stage::Feed(_), Stage::Desk)),
        LinkKind::Orders => matches!((link.from, link.to), (Stage::Desk, Stage::Gateway(_))),
        LinkKind::Events => matches!((link.from, link.to), (Stage::Gateway(_), Stage::Desk)),
    };
    if !fits {
        let wanted = match link.kind {
            LinkKind::Quotes => "quotes go from a feed to the desk",
            LinkKind::Orders => "orders go from the desk to a gateway",
            LinkKind::Events => "events go from a gateway to the desk",
        };
        section.fail(Problem::new(
            Rule::LinkEnds,
            format!("a link of {} joins stages that do not speak it", link.kind.word()),
            link.place.clone(),
            wanted,
        ));
    }
}

/// Two on one core of which one spins and the other polls as well.
fn spins_beside(one: &Executor, other: &Executor) -> bool {
    let idles = [one.idle.value, other.idle.value];
    idles.contains(&Idle::Spin) && !idles.contains(&Idle::Sleep)
}

/// Whether `other` never runs while a real-time `executor` of its core polls: it has a lower
/// priority, or the same one, and that executor gives way to nobody.
fn comes_after(other: &Executor, executor: &Executor) -> bool {
    let rank = |sched| match sched {
        Sched::Other => 0,
        Sched::Fifo(priority) => priority,
    };
    let (rank, rival) = (rank(executor.sched.value), rank(other.sched.value));
    rival < rank || (rival == rank && executor.idle.value == Idle::Spin)
}

/// Rules between executors, and between executors, links and what there is to run.
pub(crate) struct Wiring<'r> {
    pub executors: &'r [Option<Executor>],
    pub links: &'r [Option<Link>],
    pub names: &'r Registry,
    pub stages: &'r StageNames,
    pub report: &'r Report,
}

impl Wiring<'_> {
    pub(crate) fn check(&self) {
        self.cores();
        self.real_time();
        self.placed_once();
        self.linked_once();
        // What seems to be missing may be in a section that could not be read.
        if self.executors.iter().all(Option::is_some) {
            self.placed();
        }
        if self.links.iter().all(Option::is_some) {
            self.linked();
        }
    }

    /// A spinning executor starves whatever else polls on its core.
    fn cores(&self) {
        let executors: Vec<_> = self.executors.iter().flatten().collect();
        for (position, executor) in executors.iter().enumerate() {
            let rival = executors[..position].iter().find(|first| {
                first.core.value == executor.core.value && spins_beside(first, executor)
            });
            if let Some(first) = rival {
                let core = executor.core.value;
                self.report.add(
                    Problem::new(
                        Rule::CoreTwice,
                        format!("core {core} is given to two busy-polling executors"),
                        executor.core.place.clone(),
                        "a pinned spinning thread must own its core",
                    )
                    .also(&first.core.place, "first used here")
                    .help(
                        "give one of them another core, or all stages one executor: polling in \
                         turn costs nothing",
                    ),
                );
            }
        }
    }

    /// A real-time executor that polls leaves nothing of its core to one that comes after it, not
    /// even to one that sleeps: what has woken never runs.
    fn real_time(&self) {
        let executors: Vec<_> = self.executors.iter().flatten().collect();
        for executor in &executors {
            let is_real_time = matches!(executor.sched.value, Sched::Fifo(_));
            if !is_real_time || executor.idle.value == Idle::Sleep {
                continue;
            }
            let starved = executors.iter().find(|other| {
                other.core.value == executor.core.value
                    && other.core.place != executor.core.place
                    && comes_after(other, executor)
                    && !spins_beside(other, executor)
            });
            if let Some(starved) = starved {
                let core = executor.core.value;
                self.report.add(
                    Problem::new(
                        Rule::FifoOnHousekeeping,
                        format!("a real-time thread polls on core {core}, which others need"),
                        executor.sched.place.clone(),
                        "would never let them run",
                    )
                    .also(&starved.core.place, "needs it")
                    .help("give one of them another core, or write sched = \"other\""),
                );
            }
        }
    }

    fn placed_once(&self) {
        let mut first_use: HashMap<Stage, &Place> = HashMap::new();
        for stage in self.executors.iter().flatten().flat_map(|executor| &executor.stages) {
            if let Some(first) = first_use.insert(stage.value, &stage.place) {
                let name = self.stages.of(stage.value);
                self.report.add(
                    Problem::new(
                        Rule::StageTwice,
                        format!("stage \"{name}\" is placed twice"),
                        stage.place.clone(),
                        "placed again here",
                    )
                    .also(first, "first placed here")
                    .help("a stage is one value with one owner: keep one of the two"),
                );
            }
        }
    }

    fn placed(&self) {
        let placed = |stage: Stage| {
            let mut all = self.executors.iter().flatten().flat_map(|executor| &executor.stages);
            all.any(|placed| placed.value == stage)
        };
        for (kind, name, place, stage) in self.needed() {
            if !placed(stage) {
                let message = format!("stage \"{name}\" is on no executor");
                let label = format!("this {kind} would not run");
                let problem = match place {
                    Some(place) => Problem::new(Rule::StageUnplaced, message, place.clone(), label),
                    None => Problem::nowhere(Rule::StageUnplaced, message),
                };
                self.report
                    .add(problem.help(format!("add \"{name}\" to the stages of an [[executor]]")));
            }
        }
    }

    fn linked_once(&self) {
        let mut first_use: HashMap<(LinkKind, Stage, Stage), &Place> = HashMap::new();
        for link in self.links.iter().flatten() {
            let ends = (link.kind, link.from, link.to);
            if let Some(first) = first_use.insert(ends, &link.place) {
                let (kind, from, to) =
                    (link.kind.word(), self.stages.of(link.from), self.stages.of(link.to));
                self.report.add(
                    Problem::new(
                        Rule::LinkTwice,
                        format!("the link of {kind} from \"{from}\" to \"{to}\" is written twice"),
                        link.place.clone(),
                        "again here",
                    )
                    .also(first, "first written here"),
                );
            }
        }
    }

    fn linked(&self) {
        for (_, name, place, stage) in self.needed() {
            let ends: &[_] = match stage {
                Stage::Feed(_) => &[(LinkKind::Quotes, stage, Stage::Desk)],
                Stage::Gateway(_) => &[
                    (LinkKind::Orders, Stage::Desk, stage),
                    (LinkKind::Events, stage, Stage::Desk),
                ],
                _ => &[],
            };
            for (kind, from, to) in ends {
                let mut links = self.links.iter().flatten();
                let known =
                    links.any(|link| (link.kind, link.from, link.to) == (*kind, *from, *to));
                if let (false, Some(place)) = (known, place) {
                    let (kind, from, to) =
                        (kind.word(), self.stages.of(*from), self.stages.of(*to));
                    self.report.add(
                        Problem::new(
                            Rule::LinkMissing,
                            format!("\"{name}\" has no link of {kind}"),
                            place.clone(),
                            "would be cut off",
                        )
                        .help(format!(
                            "add [[link]] kind = \"{kind}\", from = \"{from}\", to = \"{to}\""
                        )),
                    );
                }
            }
        }
    }

    /// Every stage that must run: kind, name, where it comes from, and itself.
    fn needed(&self) -> Vec<(&'static str, &str, Option<&Place>, Stage)> {
        let feeds = self.names.feeds.places().map(|(index, place)| {
            ("feed", self.stages.of(Stage::Feed(index)), Some(place), Stage::Feed(index))
        });
        let gateways = self.names.gateways.places().map(|(index, place)| {
            let stage = Stage::Gateway(index);
            ("gateway", self.stages.of(stage), Some(place), stage)
        });
        feeds.chain([("desk", "desk", None, Stage::Desk)]).chain(gateways).collect()
    }
}
