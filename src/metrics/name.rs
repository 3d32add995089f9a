//! What a counter is called: `xmc_<owner>_<counter>_<unit>`, in base units, and its labels.
//!
//! - A part of a name that numbers things of a list (`lines.a`) is a label (`line="a"`).
//! - Times are seconds, shares are ratios, what only grows ends in `_total`.
//! - Counts by power of two (`leads.7`) are a histogram, and so is an owner of latencies.
//! - A moment is how old it is, a word is one series for each word that there could be: 1 or 0.

use crate::counters::{Owner, OwnerKind, Row};
use xmc_hotpath::counter::Kind;

/// What a family of metrics is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// It only grows, and begins with 0 when an engine does.
    Counter,
    /// How things stand.
    Gauge,
    /// Counts up to bounds, and a sum.
    Histogram,
}

impl Type {
    /// Its word in both formats.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// How a word of the file becomes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// As it is.
    One,
    /// The bits of an `i64`.
    Signed,
    /// Nanoseconds, or nanoseconds in a second, to the 1e-9th.
    Nanos,
    /// The bits of an `i64` in nanoseconds.
    SignedNanos,
    /// Hundredths.
    Percent,
    /// Ticks that were spent.
    Ticks,
    /// A tick, as its age.
    Moment,
    /// The place of a word.
    Word,
}

/// Part of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// So many are at most this long, ns.
    AtMost(u64),
    /// All.
    Count,
    /// Together so long.
    Sum,
    /// So many are above the bin before and below 2^n ns; the last bin has all above.
    Bin(u32),
}

/// What a counter is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// Without what its type adds.
    pub family: String,
    pub kind: Type,
    /// `seconds`, `bytes`, `ratio`, or empty.
    pub unit: &'static str,
    /// In order.
    pub labels: Vec<(&'static str, String)>,
    pub scale: Scale,
    /// Of a histogram.
    pub part: Option<Part>,
}

/// Lists of counters: what follows their name is a label. Their name in a metric, and the label's.
const LISTS: [(&str, &str, &str); 4] = [
    ("lines", "line", "line"),
    ("legs", "leg", "leg"),
    ("refused", "refused", "code"),
    ("book_errors", "book_errors", "error"),
];

/// What a counter of that owner is called.
pub(super) fn of(owner: &Owner, row: &Row) -> Named {
    let (prefix, mut labels) = of_owner(owner);
    if owner.kind == OwnerKind::Latency {
        return histogram(&owner.name, row);
    }
    let mut parts = vec![prefix];
    let mut rest = row.name.as_str();
    while !rest.is_empty() {
        let (part, after) = rest.split_once('.').unwrap_or((rest, ""));
        let list = LISTS.iter().find(|list| list.0 == part && !after.is_empty());
        let Some((_, word, label)) = list else {
            parts.push(part.to_owned());
            rest = after;
            continue;
        };
        // Instruments may have points in their names; nothing below a leg has.
        let split = match *label {
            "leg" => after.rsplit_once('.'),
            _ => after.split_once('.'),
        };
        let (value, after) = split.unwrap_or((after, ""));
        labels.push((label, value.to_owned()));
        parts.push((*word).to_owned());
        rest = after;
    }
    if let Some(part) = lead(row) {
        parts.truncate(parts.len() - part.1);
        let family = format!("xmc_{}_lead_seconds", clean(&parts.join("_")));
        let scale = if part.0 == Part::Sum { Scale::Nanos } else { Scale::One };
        let (kind, unit, part) = (Type::Histogram, "seconds", Some(part.0));
        return Named { family, kind, unit, labels, scale, part };
    }
    let (scale, unit) = scale(row);
    let name = clean(&parts.join("_"));
    let name = ["_ns_per_s", "_ns", "_pct", "_bytes"]
        .iter()
        .find_map(|end| name.strip_suffix(end).filter(|_| !unit.is_empty()))
        .unwrap_or(&name);
    let mut family = format!("xmc_{name}");
    // A moment without a unit of its own is told by its age.
    let words = match scale {
        Scale::Moment => ["age", unit],
        _ if row.unit == "ns since 1970" => ["timestamp", unit],
        _ => ["", unit],
    };
    for word in words.iter().filter(|word| !word.is_empty()) {
        family.push('_');
        family.push_str(word);
    }
    let kind = match row.kind {
        Kind::Count | Kind::Ticks => Type::Counter,
        Kind::Gauge | Kind::Signed | Kind::HighWater | Kind::Moment | Kind::Word => Type::Gauge,
    };
    Named { family, kind, unit, labels, scale, part: None }
}

/// The first part of the names of an owner's counters, and the labels that tell it from others.
fn of_owner(owner: &Owner) -> (String, Vec<(&'static str, String)>) {
    let kind = owner.kind;
    let name = || owner.name.clone();
    let labels = match kind {
        OwnerKind::Engine | OwnerKind::Desk | OwnerKind::Journal | OwnerKind::Latency => vec![],
        OwnerKind::Core => vec![("core", name())],
        OwnerKind::Thread => vec![("thread", name())],
        OwnerKind::Feed | OwnerKind::Replica => vec![("feed", name())],
        OwnerKind::Gateway | OwnerKind::Session => vec![("gateway", name())],
        OwnerKind::Ring => vec![("ring", name())],
        OwnerKind::Other => vec![("name", name())],
        OwnerKind::Pair => vec![("pair", name())],
        OwnerKind::Alert => {
            vec![("code", name()), ("severity", owner.severity.clone().unwrap_or_default())]
        }
        OwnerKind::Port => {
            return match owner.name.split_once(' ') {
                Some(("feed", feed)) => ("feed_port".to_owned(), vec![("feed", feed.to_owned())]),
                Some(("gateway", gateway)) => {
                    ("gateway_port".to_owned(), vec![("gateway", gateway.to_owned())])
                }
                _ => ("port".to_owned(), vec![("port", name())]),
            };
        }
    };
    (kind.word().to_owned(), labels)
}

/// How its values become those of a base unit, and which.
fn scale(row: &Row) -> (Scale, &'static str) {
    let unit = match row.unit.as_str() {
        "ns" | "ns since 1970" => "seconds",
        "bytes" => "bytes",
        "percent" | "ns/s" => "ratio",
        _ => "",
    };
    match row.kind {
        Kind::Ticks => (Scale::Ticks, "seconds"),
        Kind::Moment => (Scale::Moment, "seconds"),
        Kind::Word => (Scale::Word, ""),
        Kind::Signed if matches!(row.unit.as_str(), "ns" | "ns/s") => (Scale::SignedNanos, unit),
        Kind::Signed => (Scale::Signed, unit),
        Kind::Count | Kind::Gauge | Kind::HighWater => match unit {
            "seconds" => (Scale::Nanos, unit),
            "ratio" => (Scale::Percent, unit),
            _ => (Scale::One, unit),
        },
    }
}

/// Which part of the leads of a line a counter is, and how many parts of its name say so.
fn lead(row: &Row) -> Option<(Part, usize)> {
    if row.name.ends_with(".lead_ns") {
        return Some((Part::Sum, 1));
    }
    let (_, bin) = row.name.rsplit_once(".leads.")?;
    Some((Part::Bin(bin.parse().ok()?), 2))
}

fn histogram(name: &str, row: &Row) -> Named {
    let bound = row.name.strip_prefix("at_most.").and_then(|bound| bound.parse().ok());
    let (part, scale) = match (row.name.as_str(), bound) {
        (_, Some(bound)) => (Part::AtMost(bound), Scale::One),
        ("sum", None) => (Part::Sum, Scale::Nanos),
        _ => (Part::Count, Scale::One),
    };
    Named {
        family: format!("xmc_{}_seconds", clean(name)),
        kind: Type::Histogram,
        unit: "seconds",
        labels: Vec::new(),
        scale,
        part: Some(part),
    }
}

/// As a name of a metric may be.
fn clean(name: &str) -> String {
    let clean = |char: char| match char {
        'a'..='z' | '0'..='9' | '_' => char,
        'A'..='Z' => char.to_ascii_lowercase(),
        _ => '_',
    };
    name.chars().map(clean).collect()
}
