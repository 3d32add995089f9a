//! What the words of a file of counters are: their owners, and for each word its name, its unit and
//! a sentence. Written into the file itself, as JSON behind the counters.

use super::memory::{LINE_BYTES, Memory, Placed};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use xmc_hotpath::book::BookError;
use xmc_hotpath::counter::{Counted, Kind, Shape};
use xmc_hotpath::port::Line;

/// Bytes before the first counter: the header of the file.
pub const HEADER_BYTES: usize = 2 * LINE_BYTES;

/// Room for all counters of an engine but those of its pairs: four feeds and seven gateways take
/// less than a quarter.
pub const MEMORY_BYTES: usize = 1 << 18;

/// What counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnerKind {
    /// The engine as a whole.
    Engine,
    /// A core that stages run on.
    Core,
    /// A thread of the cold side.
    Thread,
    /// The desk.
    Desk,
    /// A feed stage.
    Feed,
    /// A gateway stage.
    Gateway,
    /// The order session of a gateway.
    Session,
    /// A ring between stages.
    Ring,
    /// A port of a feed or of a gateway.
    Port,
    /// The cold side's own books of a feed.
    Replica,
    /// The journal.
    Journal,
    /// A pair: 套利对.
    Pair,
    /// A rule of alerts.
    Alert,
    /// A histogram of latencies.
    Latency,
    /// Something that engines of another build count, and this one does not know.
    #[serde(other)]
    Other,
}

impl OwnerKind {
    /// Its word in names and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Core => "core",
            Self::Thread => "thread",
            Self::Desk => "desk",
            Self::Feed => "feed",
            Self::Gateway => "gateway",
            Self::Session => "session",
            Self::Ring => "ring",
            Self::Port => "port",
            Self::Replica => "replica",
            Self::Journal => "journal",
            Self::Pair => "pair",
            Self::Alert => "alert",
            Self::Latency => "latency",
            Self::Other => "other",
        }
    }
}

/// Who counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// What it is.
    pub kind: OwnerKind,
    /// Its name; empty where there is one only.
    pub name: String,
    /// The stages of a core.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<String>,
    /// The core that its thread is pinned to, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core: Option<u16>,
    /// The name of its thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// How much a rule of alerts matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
}

impl Owner {
    /// One without a thread of its own.
    #[must_use]
    pub fn new(kind: OwnerKind, name: &str) -> Self {
        let name = name.to_owned();
        Self { kind, name, stages: Vec::new(), core: None, thread: None, severity: None }
    }

    /// The same with the name of its thread, and the core that it is pinned to.
    #[must_use]
    pub fn with_thread(self, thread: &str, core: Option<u16>) -> Self {
        Self { thread: Some(thread.to_owned()), core, ..self }
    }

    /// How it is called in front of its counters: `feed.shfe`.
    #[must_use]
    pub fn id(&self) -> String {
        match &self.name {
            name if name.is_empty() => self.kind.word().to_owned(),
            name => format!("{}.{}", self.kind.word(), name.replace(' ', "_")),
        }
    }
}

/// A word of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Whose, by place among the owners.
    pub owner: usize,
    /// Its name.
    pub name: String,
    /// What it is.
    #[serde(with = "kinds")]
    pub kind: Kind,
    /// What it counts.
    pub unit: String,
    /// What it says.
    pub about: String,
    /// Bytes of the file before it.
    pub offset: usize,
}

/// The words of the kinds of counters.
const KINDS: [(Kind, &str); 7] = [
    (Kind::Count, "count"),
    (Kind::Gauge, "gauge"),
    (Kind::Signed, "signed"),
    (Kind::HighWater, "high_water"),
    (Kind::Ticks, "time"),
    (Kind::Moment, "moment"),
    (Kind::Word, "word"),
];

/// The word of a kind.
#[must_use]
pub fn kind_word(kind: Kind) -> &'static str {
    KINDS.iter().find(|row| row.0 == kind).map_or("", |row| row.1)
}

mod kinds {
    use super::{KINDS, Kind, kind_word};
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub fn serialize<S: Serializer>(kind: &Kind, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(kind_word(*kind))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Kind, D::Error> {
        let word = String::deserialize(from)?;
        let kind = KINDS.iter().find(|row| row.1 == word).map(|row| row.0);
        kind.ok_or_else(|| D::Error::custom(format!("no kind of counter is called {word}")))
    }
}

/// What all words of a file are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Who counts.
    pub owners: Vec<Owner>,
    /// Every counter.
    pub rows: Vec<Row>,
}

impl Table {
    /// The whole name of a counter: `feed.shfe.lines.a.packets`.
    #[must_use]
    pub fn id(&self, row: &Row) -> String {
        format!("{}.{}", self.owners[row.owner].id(), row.name)
    }

    fn owner(&mut self, owner: Owner) -> usize {
        let known = self.owners.iter().position(|known| *known == owner);
        known.unwrap_or_else(|| {
            self.owners.push(owner);
            self.owners.len() - 1
        })
    }
}

/// Gives counters their places, each struct on lines of its own.
#[derive(Debug)]
pub struct Placer {
    memory: Arc<Memory>,
    end: usize,
    table: Table,
}

impl Placer {
    /// In so many bytes that no other process sees.
    #[must_use]
    pub fn alone(bytes: usize) -> Self {
        Self::new(Memory::anonymous(bytes))
    }

    /// In the front of a file that is long enough.
    pub(super) fn new(memory: Memory) -> Self {
        Self { memory: Arc::new(memory), end: HEADER_BYTES, table: Table::default() }
    }

    /// What has been placed so far.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// A place for the counters of `owner`.
    ///
    /// # Panics
    /// There is none left: a fault in the program.
    pub fn place<T: Counted>(&mut self, owner: &Owner) -> Placed<T> {
        self.place_parts(|name| Some((owner.clone(), name.to_owned())))
    }

    /// A place for counters of several owners that one core writes: `owner_of` says whose the
    /// counter of a name is, and what they call it; those of nobody are not shown.
    ///
    /// # Panics
    /// There is none left: a fault in the program.
    pub fn place_parts<T: Counted>(
        &mut self,
        mut owner_of: impl FnMut(&str) -> Option<(Owner, String)>,
    ) -> Placed<T> {
        let begin = self.end;
        let placed = Placed::at(&self.memory, begin);
        self.end = (begin + size_of::<T>()).next_multiple_of(LINE_BYTES);
        for word in words::<T>() {
            if let Some((owner, name)) = owner_of(&word.name) {
                let owner = self.table.owner(owner);
                let Word { kind, unit, about, offset, .. } = word;
                let (unit, offset) = (unit.to_owned(), begin + offset);
                self.table.rows.push(Row { owner, name, kind, unit, about, offset });
            }
        }
        placed
    }

    /// What was placed, and where it ends.
    pub(super) fn end(self) -> (Arc<Memory>, usize, Table) {
        (self.memory, self.end, self.table)
    }
}

/// One counter of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its name: those of the fields around it, with `.` between them.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// What it counts.
    pub unit: &'static str,
    /// What it says.
    pub about: String,
    /// Bytes of the type before it.
    pub offset: usize,
}

/// All counters of a type, in the order in which they are declared.
#[must_use]
pub fn words<T: Counted>() -> Vec<Word> {
    let mut all = Vec::new();
    gather(T::SHAPE, &Word::NONE, "", &mut all);
    all
}

impl Word {
    /// What is known outside of the first field.
    const NONE: Self =
        Self { name: String::new(), kind: Kind::Count, unit: "", about: String::new(), offset: 0 };
}

/// Adds the counters of `shape`, which lies in the `field` that `around` describes.
fn gather(shape: Shape, around: &Word, field: &str, all: &mut Vec<Word>) {
    let named = |name: &str| match around.name.as_str() {
        "" => name.to_owned(),
        before => format!("{before}.{name}"),
    };
    match shape {
        Shape::Counter => all.push(around.clone()),
        Shape::List(of, count, stride) => {
            for index in 0..count {
                let name = named(&label(field, index));
                let word = Word { name, offset: around.offset + index * stride, ..around.clone() };
                gather(*of, &word, field, all);
            }
        }
        Shape::Fields(fields) => {
            for of in fields {
                let (kind, unit) = of.unit.unwrap_or((around.kind, around.unit));
                let about = of.about.trim().to_owned();
                let offset = around.offset + of.offset;
                let word = Word { name: named(of.name), kind, unit, about, offset };
                gather(of.shape, &word, of.name, all);
            }
        }
    }
}

/// What element `index` of a list is called.
fn label(field: &str, index: usize) -> String {
    let known = match field {
        "lines" => Line::BOTH.get(index).map(|line| line.letter().to_string()),
        "book_errors" => BookError::ALL.get(index).map(|error| format!("{error:?}")),
        _ => None,
    };
    known.map_or_else(|| index.to_string(), |name| name.to_lowercase())
}
