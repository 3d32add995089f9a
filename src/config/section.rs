//! Sections of the configuration, and how their keys are read.
//!
//! A section remembers which keys were asked for, so that `finish` can name the unknown ones; a
//! key that is missing or wrong is reported where it is read, and reading goes on with a
//! placeholder, so that one pass finds everything. What was read with a placeholder never leaves
//! `finish`.

use super::error::{Problem, Report, Rule};
use super::source::{FileIndex, Place};
use super::spelling::nearest;
use super::value::Complaint;
pub(crate) use super::value::kind_of;
use std::cell::{Cell, RefCell};
use std::ops::{Deref, Range};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value, and where it was written.
#[derive(Clone, Debug)]
pub struct Written<T> {
    /// The value.
    pub value: T,
    /// Where.
    pub place: Place,
}

impl<T> Deref for Written<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

pub(crate) struct Entry<'a> {
    key: &'a str,
    key_place: Place,
    value: &'a DeValue<'a>,
    place: Place,
}

/// One table of the configuration.
pub(crate) struct Section<'a> {
    title: String,
    place: Place,
    entries: Vec<Entry<'a>>,
    asked: RefCell<Vec<&'static str>>,
    broken: Cell<bool>,
    report: &'a Report,
}

impl<'a> Section<'a> {
    pub(crate) fn new(title: impl Into<String>, place: Place, report: &'a Report) -> Self {
        Self {
            title: title.into(),
            place,
            entries: Vec::new(),
            asked: RefCell::default(),
            broken: Cell::new(false),
            report,
        }
    }

    /// Adds a table's keys; one that is already there is an error that names both places.
    pub(crate) fn extend(&mut self, file: FileIndex, table: &'a DeTable<'a>) {
        for (key, value) in table {
            let place = |span: Range<usize>| Place { file, span };
            let entry = Entry {
                key: key.get_ref(),
                key_place: place(key.span()),
                value: value.get_ref(),
                place: place(value.span()),
            };
            match self.entry(entry.key) {
                Some(first) => self.report.add(
                    Problem::new(
                        Rule::SetTwice,
                        format!("`{}` of {} is set twice", entry.key, self.title),
                        entry.key_place,
                        "set again here",
                    )
                    .also(&first.key_place, "first set here")
                    .help("no file silently overrides another: keep one of them"),
                ),
                None => self.entries.push(entry),
            }
        }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// Says that something about this section is wrong; it will not leave `finish`.
    pub(crate) fn fail(&self, problem: Problem) {
        self.broken.set(true);
        self.report.add(problem);
    }

    /// Reads a key that must be there.
    pub(crate) fn required<T: Default>(
        &self,
        key: &'static str,
        read: impl Fn(&DeValue<'_>) -> Result<T, Complaint>,
    ) -> Written<T> {
        self.optional(key, read).unwrap_or_else(|| self.missing(key, ""))
    }

    /// Reads a key that must be there unless `[defaults]` has it.
    pub(crate) fn inherited<T: Default + Clone>(
        &self,
        key: &'static str,
        default: Option<&Written<T>>,
        read: impl Fn(&DeValue<'_>) -> Result<T, Complaint>,
    ) -> Written<T> {
        self.optional(key, read)
            .or_else(|| default.cloned())
            .unwrap_or_else(|| self.missing(key, ", and [defaults] does not have it either"))
    }

    /// Reads a key that may be absent.
    pub(crate) fn optional<T: Default>(
        &self,
        key: &'static str,
        read: impl Fn(&DeValue<'_>) -> Result<T, Complaint>,
    ) -> Option<Written<T>> {
        self.asked.borrow_mut().push(key);
        let entry = self.entry(key)?;
        let value = read(entry.value).unwrap_or_else(|complaint| {
            self.complain(key, entry, complaint);
            T::default()
        });
        Some(Written { value, place: entry.place.clone() })
    }

    /// Reads a list, item by item; an item that is wrong is reported and left out.
    pub(crate) fn list<T>(
        &self,
        key: &'static str,
        read: impl Fn(&DeValue<'_>) -> Result<T, Complaint>,
    ) -> Vec<Written<T>> {
        self.asked.borrow_mut().push(key);
        let Some(entry) = self.entry(key) else {
            self.missing::<u8>(key, "");
            return Vec::new();
        };
        let Some(items) = entry.value.as_array() else {
            self.wrong_kind(entry, "a list");
            return Vec::new();
        };
        let mut values = Vec::new();
        for item in items {
            let place = Place { file: entry.place.file, span: item.span() };
            match read(item.get_ref()) {
                Ok(value) => values.push(Written { value, place }),
                Err(complaint) => self.complain_at(key, place, complaint),
            }
        }
        values
    }

    /// The table under `key`, if there is one.
    pub(crate) fn table(&self, key: &'static str) -> Option<Section<'a>> {
        self.asked.borrow_mut().push(key);
        let entry = self.entry(key)?;
        let Some(table) = entry.value.as_table() else {
            self.wrong_kind(entry, "a table");
            return None;
        };
        let title = format!("`{key}` of {}", self.title);
        let mut section = Section::new(title, entry.key_place.clone(), self.report);
        section.extend(entry.place.file, table);
        Some(section)
    }

    /// The tables under `key`: `[[spread.leg]]` within a spread.
    pub(crate) fn tables(&self, key: &'static str) -> Vec<Section<'a>> {
        self.asked.borrow_mut().push(key);
        let Some(entry) = self.entry(key) else {
            return Vec::new();
        };
        let Some(items) = entry.value.as_array() else {
            self.wrong_kind(entry, "a list of tables");
            return Vec::new();
        };
        let mut sections = Vec::new();
        for item in items {
            match table_of(item, key, entry.place.file, self.report) {
                Some(section) => sections.push(section),
                None => self.broken.set(true),
            }
        }
        sections
    }

    /// The text under `key`, if it is text; whoever reads the section still reads it.
    pub(crate) fn peek(&self, key: &str) -> Option<(&'a str, Place)> {
        let entry = self.entry(key)?;
        Some((entry.value.as_str()?, entry.place.clone()))
    }

    /// Marks `key` as known where it may be absent.
    pub(crate) fn absent<T>(&self, key: &'static str) -> Option<T> {
        self.asked.borrow_mut().push(key);
        None
    }

    /// Marks the section as wrong, when what is wrong was reported elsewhere.
    pub(crate) fn spoil(&self) {
        self.broken.set(true);
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.broken.get()
    }

    /// Whether a key is written, read or not.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// Reports every key that nobody asked for; `value` if nothing of this section was wrong.
    pub(crate) fn finish<T>(self, value: T) -> Option<T> {
        let asked = self.asked.borrow();
        for entry in self.entries.iter().filter(|entry| !asked.contains(&entry.key)) {
            self.broken.set(true);
            let message = format!("unknown key `{}` in {}", entry.key, self.title);
            let known = || asked.iter().copied();
            let mut sorted: Vec<_> = known().collect();
            sorted.sort_unstable();
            sorted.dedup();
            let help = match nearest(entry.key, known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known keys: {}", sorted.join(", ")),
            };
            let problem =
                Problem::new(Rule::UnknownKey, message, entry.key_place.clone(), "not a key");
            self.report.add(problem.help(help));
        }
        (!self.broken.get()).then_some(value)
    }

    fn entry(&self, key: &str) -> Option<&Entry<'a>> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    fn missing<T: Default>(&self, key: &str, more: &str) -> Written<T> {
        let message = format!("{} has no `{key}`{more}", self.title);
        let label = format!("`{key}` is required");
        self.fail(Problem::new(Rule::MissingKey, message, self.place.clone(), label));
        Written { value: T::default(), place: self.place.clone() }
    }

    fn wrong_kind(&self, entry: &Entry<'_>, wanted: &str) {
        let found = kind_of(entry.value);
        self.fail(Problem::new(
            Rule::WrongType,
            format!("`{}` of {} must be {wanted}, not {found}", entry.key, self.title),
            entry.place.clone(),
            found,
        ));
    }

    fn complain(&self, key: &str, entry: &Entry<'_>, complaint: Complaint) {
        self.complain_at(key, entry.place.clone(), complaint);
    }

    fn complain_at(&self, key: &str, place: Place, complaint: Complaint) {
        let message = format!("`{key}` of {} {}", self.title, complaint.message);
        let mut problem = Problem::new(complaint.rule, message, place, complaint.label);
        problem.help = complaint.help;
        self.fail(problem);
    }
}

/// The section of one item of a list of tables.
fn table_of<'a>(
    item: &'a Spanned<DeValue<'a>>,
    key: &str,
    file: FileIndex,
    report: &'a Report,
) -> Option<Section<'a>> {
    let place = Place { file, span: item.span() };
    let Some(table) = item.get_ref().as_table() else {
        let found = kind_of(item.get_ref());
        let message = format!("`{key}` must be a table, not {found}");
        report.add(
            Problem::new(Rule::WrongType, message, place, found)
                .help(format!("write it as [[{key}]], with its keys below")),
        );
        return None;
    };
    let named = table.get("name").and_then(|name| name.get_ref().as_str());
    let title = match named {
        Some(name) => format!("{key} {name:?}"),
        None => format!("[[{key}]]"),
    };
    let mut section = Section::new(title, place, report);
    section.extend(file, table);
    Some(section)
}

/// All sections of all files, by kind.
pub(crate) struct Document<'a> {
    /// `[engine]`, `[logic]`, `[defaults]`: one each, possibly spread over files.
    single: Vec<(&'static str, Section<'a>)>,
    /// `[[instrument]]` and its like, in reading order.
    repeated: Vec<(&'static str, Section<'a>)>,
    /// A section is not the table, or the list of tables, that it must be.
    is_misshapen: bool,
}

/// Which sections a kind of file has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// `[engine]`: there is one of each.
    pub single: &'static [&'static str],
    /// `[[feed]]`: there may be several of each.
    pub repeated: &'static [&'static str],
}

impl<'a> Document<'a> {
    /// `None` if a section has the wrong shape, which is reported.
    pub(crate) fn gather(
        shape: Shape,
        tables: &'a [DeTable<'a>],
        report: &'a Report,
    ) -> Option<Self> {
        let mut document = Self { single: Vec::new(), repeated: Vec::new(), is_misshapen: false };
        for (index, table) in tables.iter().enumerate() {
            let mut keys: Vec<_> = table.iter().collect();
            keys.sort_by_key(|(key, _)| key.span().start);
            for (key, value) in keys {
                document.add(shape, FileIndex(index), key, value, report);
            }
        }
        (!document.is_misshapen).then_some(document)
    }

    fn add(
        &mut self,
        shape: Shape,
        file: FileIndex,
        key: &'a Spanned<std::borrow::Cow<'a, str>>,
        value: &'a Spanned<DeValue<'a>>,
        report: &'a Report,
    ) {
        let name: &str = key.get_ref();
        let place = Place { file, span: key.span() };
        if name == "include" {
            return;
        }
        let Shape { single, repeated } = shape;
        if let Some(known) = single.iter().find(|known| **known == name) {
            self.add_single(known, place, value, report);
        } else if let Some(known) = repeated.iter().find(|known| **known == name) {
            self.add_repeated(known, place, value, report);
        } else {
            let known = || single.iter().chain(repeated).copied().chain(["include"]);
            let help = match nearest(name, known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known are: {}", known().collect::<Vec<_>>().join(", ")),
            };
            let message = format!("unknown section or key `{name}`");
            report.add(Problem::new(Rule::UnknownKey, message, place, "not known").help(help));
        }
    }

    fn add_single(
        &mut self,
        name: &'static str,
        place: Place,
        value: &'a Spanned<DeValue<'a>>,
        report: &'a Report,
    ) {
        let file = place.file;
        let Some(table) = value.get_ref().as_table() else {
            let message = format!("there is one [{name}], written as a table");
            report.add(
                Problem::new(Rule::WrongType, message, place, kind_of(value.get_ref()))
                    .help(format!("write [{name}]")),
            );
            self.is_misshapen = true;
            return;
        };
        let position = self.single.iter().position(|(known, _)| *known == name);
        let position = position.unwrap_or_else(|| {
            self.single.push((name, Section::new(format!("[{name}]"), place, report)));
            self.single.len() - 1
        });
        self.single[position].1.extend(file, table);
    }

    fn add_repeated(
        &mut self,
        name: &'static str,
        place: Place,
        value: &'a Spanned<DeValue<'a>>,
        report: &'a Report,
    ) {
        let Some(items) = value.get_ref().as_array() else {
            let message = format!("there may be several of `{name}`, so each is a [[{name}]]");
            report.add(
                Problem::new(Rule::WrongType, message, place, kind_of(value.get_ref()))
                    .help(format!("write [[{name}]]")),
            );
            self.is_misshapen = true;
            return;
        };
        for item in items {
            match table_of(item, name, place.file, report) {
                Some(section) => self.repeated.push((name, section)),
                None => self.is_misshapen = true,
            }
        }
    }

    /// Takes the one section of this name out.
    pub(crate) fn take_single(&mut self, name: &str) -> Option<Section<'a>> {
        let position = self.single.iter().position(|(known, _)| *known == name)?;
        Some(self.single.remove(position).1)
    }

    /// Takes all sections of this name out, in reading order.
    pub(crate) fn take_repeated(&mut self, name: &str) -> Vec<Section<'a>> {
        let (taken, rest) =
            std::mem::take(&mut self.repeated).into_iter().partition(|(known, _)| *known == name);
        self.repeated = rest;
        let taken: Vec<(&str, Section<'a>)> = taken;
        taken.into_iter().map(|(_, section)| section).collect()
    }
}
