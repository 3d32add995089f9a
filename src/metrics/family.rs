//! Families of metrics: what has one name, with its sentence and its series.

use super::name::{self, Named, Part, Scale, Type};
use crate::counters::picture::{Look, meaning, span};
use crate::counters::{Attached, EngineState, Row, Table};
use serde::{Serialize, Serializer};
use std::collections::HashMap;

/// What has one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Family {
    /// Its name, as queries have it: counters with `_total`.
    pub name: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Type,
    /// `seconds`, `bytes` or `ratio`; empty: a plain number.
    pub unit: &'static str,
    /// The labels of its series, besides those of a histogram.
    pub labels: Vec<&'static str>,
    /// What it says, in a sentence.
    pub about: String,
    /// Its series.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
}

/// A series and its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// What is behind the family's name: `_bucket`, `_sum` and `_count` of a histogram.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub suffix: &'static str,
    /// Labels with their values, as they are: not escaped.
    #[serde(serialize_with = "as_map")]
    pub labels: Vec<(&'static str, String)>,
    /// A decimal number.
    pub value: String,
}

impl Sample {
    fn new(labels: &[(&'static str, String)], value: impl ToString) -> Self {
        Self { suffix: "", labels: labels.to_vec(), value: value.to_string() }
    }
}

fn as_map<S: Serializer>(labels: &[(&'static str, String)], out: S) -> Result<S::Ok, S::Error> {
    out.collect_map(labels.iter().map(|(label, value)| (label, value)))
}

/// The states of an engine's process, in the words of `xmc top`.
const STATES: [EngineState; 4] = [
    EngineState::Running,
    EngineState::Stopped,
    EngineState::Ended(xmc_hotpath::time::UnixNs(0)),
    EngineState::Gone,
];

/// What is known of the engine besides its counters; `None`: its file cannot be read.
pub(super) fn of_engine(seen: Option<(&Attached, &Look)>) -> Vec<Family> {
    let gauge = |name: &str, unit, labels: &[&'static str], about: &str, samples| Family {
        name: name.to_owned(),
        kind: Type::Gauge,
        unit,
        labels: labels.to_vec(),
        about: about.to_owned(),
        samples,
    };
    let state = seen.map(|(_, look)| meaning(look.engine()).0);
    let version = ("version", env!("CARGO_PKG_VERSION").to_owned());
    let run = seen.map(|(attached, _)| *attached.run());
    let identity = run.map(|run| {
        [
            ("site", run.identity.site.0.to_string()),
            ("desk", run.identity.desk.0.to_string()),
            ("run", run.identity.run.to_string()),
            ("pid", run.pid.to_string()),
        ]
    });
    let states = STATES.iter().map(|of| {
        let word = meaning(*of).0;
        Sample::new(&[("state", word.to_owned())], u8::from(state == Some(word)))
    });
    vec![
        gauge(
            "xmc_build_info",
            "",
            &["version"],
            "Always 1: the version of the xmc that exports.",
            vec![Sample::new(&[version], 1)],
        ),
        gauge(
            "xmc_counters_readable",
            "",
            &[],
            "Whether the engine's file of counters can be read: without it nothing but this is \
             known.",
            vec![Sample::new(&[], u8::from(seen.is_some()))],
        ),
        gauge(
            "xmc_engine_up",
            "",
            &[],
            "Whether the engine's process is there and is not held still.",
            vec![Sample::new(&[], u8::from(state == Some("running")))],
        ),
        gauge(
            "xmc_engine_process",
            "",
            &["state"],
            "What has become of the engine's process: 1 for the state that it is in; gone means \
             that it did not end in order.",
            states.collect(),
        ),
        gauge(
            "xmc_engine_info",
            "",
            &["site", "desk", "run", "pid"],
            "Always 1: whose the counters are, and which start of the engine.",
            identity.iter().map(|labels| Sample::new(labels, 1)).collect(),
        ),
        gauge(
            "xmc_engine_start_time_seconds",
            "seconds",
            &[],
            "When the run began, since 1970.",
            run.iter().map(|run| Sample::new(&[], nanos(run.started.0.into()))).collect(),
        ),
    ]
}

/// What all metrics of a table are, without a value.
#[must_use]
pub fn catalogue(table: &Table) -> Vec<Family> {
    let mut families = of_engine(None);
    families.iter_mut().for_each(|family| family.samples.clear());
    families.extend(of_table(table, |_, _| Vec::new()));
    families
}

/// What an engine counts.
pub(super) fn of_counters(attached: &Attached, look: &Look) -> Vec<Family> {
    let table = attached.table();
    let values = look.values();
    let mut families = of_table(table, |place, named| {
        let value = values.get(place).copied().unwrap_or(0);
        samples(attached, look, &table.rows[place], named, value)
    });
    for family in families.iter_mut().filter(|family| family.kind == Type::Histogram) {
        family.samples = whole_histogram(std::mem::take(&mut family.samples));
    }
    families
}

/// What is behind the name of a bin, until it is added to those before it.
const BIN: &str = "_bin";

/// With bounds that hold all that is below, the last of them everything, and how many that is.
fn whole_histogram(samples: Vec<Sample>) -> Vec<Sample> {
    let with = |labels: &[(&'static str, String)]| {
        let infinite = ("le", "+Inf".to_owned());
        labels.iter().cloned().chain([infinite]).collect()
    };
    let mut all = Vec::with_capacity(samples.len() + 2);
    let mut bins: Option<u64> = None;
    for sample in samples {
        match (sample.suffix, bins) {
            (BIN, before) => {
                // It wraps as the counters do.
                let up_to = before.unwrap_or(0).wrapping_add(sample.value.parse().unwrap_or(0));
                bins = Some(up_to);
                all.push(Sample { suffix: "_bucket", value: up_to.to_string(), ..sample });
            }
            ("_sum", Some(count)) => {
                // The last bin has no bound of its own.
                all.pop();
                let value = count.to_string();
                let labels = sample.labels.clone();
                let suffix = "_bucket";
                all.push(Sample { suffix, labels: with(&labels), value: value.clone() });
                all.push(sample);
                all.push(Sample { suffix: "_count", labels, value });
                bins = None;
            }
            ("_count", None) => {
                let (labels, value) = (with(&sample.labels), sample.value.clone());
                all.push(Sample { suffix: "_bucket", labels, value });
                all.push(sample);
            }
            _ => all.push(sample),
        }
    }
    all
}

/// The families of a table in its order; `samples` gives the series of a row.
fn of_table(table: &Table, samples: impl Fn(usize, &Named) -> Vec<Sample>) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (place, row) in table.rows.iter().enumerate() {
        let named = name::of(&table.owners[row.owner], row);
        let total = if named.kind == Type::Counter { "_total" } else { "" };
        let name = format!("{}{total}", named.family);
        let samples = samples(place, &named);
        let is_new = !places.contains_key(&name);
        let at = *places.entry(name.clone()).or_insert(families.len());
        if is_new {
            let mut labels: Vec<_> = named.labels.iter().map(|label| label.0).collect();
            labels.extend((named.scale == Scale::Word).then_some("state"));
            let about = match named.kind {
                Type::Histogram => histogram_about(&name, row),
                Type::Counter | Type::Gauge => row.about.clone(),
            };
            let (kind, unit) = (named.kind, named.unit);
            families.push(Family { name, kind, unit, labels, about, samples });
            continue;
        }
        let family = &mut families[at];
        // Sessions of two protocols may mean two things by a word.
        if named.kind != Type::Histogram && !family.about.contains(&row.about) {
            family.about = format!("{} {}", family.about, row.about);
        }
        family.samples.extend(samples);
    }
    families
}

/// What a histogram says; bins say how they are made behind a colon.
fn histogram_about(name: &str, row: &Row) -> String {
    match (name, row.about.split_once(':')) {
        ("xmc_tick_to_order_seconds", _) => {
            "From the packet to the last order of each fire, by the engine's clock.".to_owned()
        }
        (_, Some((about, _))) => format!("{about}."),
        (_, None) => row.about.clone(),
    }
}

/// The series of a counter.
fn samples(attached: &Attached, look: &Look, row: &Row, named: &Named, value: u64) -> Vec<Sample> {
    let labels = &named.labels;
    if let Some(part) = named.part {
        let with = |bound: u64| {
            let bound = ("le", bound_text(bound));
            labels.iter().cloned().chain([bound]).collect()
        };
        let (suffix, labels) = match part {
            Part::AtMost(bound) => ("_bucket", with(bound)),
            Part::Bin(bin) => (BIN, with((1_u64 << bin.min(63)) - 1)),
            Part::Count => ("_count", labels.clone()),
            Part::Sum => ("_sum", labels.clone()),
        };
        let value = match named.scale {
            Scale::Nanos => nanos(value.into()),
            _ => value.to_string(),
        };
        return vec![Sample { suffix, labels, value }];
    }
    let one = |value: String| vec![Sample::new(labels, value)];
    match named.scale {
        Scale::One => one(value.to_string()),
        Scale::Signed => one(value.cast_signed().to_string()),
        Scale::Nanos => one(nanos(value.into())),
        Scale::SignedNanos => one(nanos(value.cast_signed().into())),
        Scale::Percent => one(nanos(i128::from(value) * 10_000_000)),
        Scale::Ticks => one(nanos(span(attached, value).0.into())),
        Scale::Moment => {
            look.age(attached, value).map_or_else(Vec::new, |age| one(nanos(age.0.into())))
        }
        Scale::Word => {
            let words = row.unit.split('|').zip(0_u64..);
            let told = words.map(|(word, place)| {
                let mut labels = labels.clone();
                labels.push(("state", word.to_owned()));
                Sample::new(&labels, u8::from(place == value))
            });
            told.collect()
        }
    }
}

/// Nanoseconds as seconds, exactly.
fn nanos(ns: i128) -> String {
    const NS: u128 = 1_000_000_000;
    let (sign, ns) = (if ns < 0 { "-" } else { "" }, ns.unsigned_abs());
    let text = format!("{sign}{}.{:09}", ns / NS, ns % NS);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A bound as the formats want it: with a point.
fn bound_text(bound_ns: u64) -> String {
    let text = nanos(bound_ns.into());
    if text.contains('.') { text } else { format!("{text}.0") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_exact() {
        for (ns, text) in [
            (0, "0"),
            (1, "0.000000001"),
            (-1_500_000_000, "-1.5"),
            (1_731_000_000_123_456_789, "1731000000.123456789"),
            (u64::MAX.into(), "18446744073.709551615"),
            (10_000_000_000, "10"),
        ] {
            assert_eq!(nanos(ns), text);
        }
        assert_eq!(
            (bound_text(1_000_000_000).as_str(), bound_text(250).as_str()),
            ("1.0", "0.00000025")
        );
    }
}
