//! Who is called what: every name of every kind, with the place that defines it.
//!
//! Names are gathered before the sections are read, so that a reference to a section with a
//! mistake in it is not a second mistake.

use super::error::{Problem, Report, Rule};
use super::section::{Section, Written};
use super::source::Place;
use super::spelling::nearest;
use super::value;

/// The names of one kind of section; the position is the index everywhere else.
pub(crate) struct Names {
    kind: &'static str,
    known: Vec<(String, Place)>,
}

impl Names {
    /// Reads the names of `sections`. One that has none keeps its position.
    pub(crate) fn gather(kind: &'static str, sections: &[Section<'_>], report: &Report) -> Self {
        let mut names = Self { kind, known: Vec::new() };
        for section in sections {
            let (name, place) = section.peek("name").unwrap_or(("", section.place().clone()));
            if let Some((_, first)) = names.known.iter().find(|(known, _)| known == name)
                && !name.is_empty()
            {
                report.add(
                    Problem::new(
                        Rule::NameTwice,
                        format!("two of [[{kind}]] are called \"{name}\""),
                        place.clone(),
                        "used again here",
                    )
                    .also(first, "first used here"),
                );
            }
            names.known.push((name.to_owned(), place));
        }
        names
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.known.iter().position(|(known, _)| known == name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.known.iter().map(|(name, _)| name.as_str()).filter(|name| !name.is_empty())
    }

    /// Every name with its position.
    pub(crate) fn positions(&self) -> impl Iterator<Item = (usize, &str)> {
        self.known.iter().enumerate().map(|(index, (name, _))| (index, name.as_str()))
    }

    /// Where every name is defined, with its position.
    pub(crate) fn places(&self) -> impl Iterator<Item = (usize, &Place)> {
        self.known.iter().enumerate().map(|(index, (_, place))| (index, place))
    }

    /// Reads a key that holds a name of this kind, as that name's position.
    pub(crate) fn resolve(&self, section: &Section<'_>, key: &'static str) -> Written<usize> {
        let wanted = section.required(key, value::name);
        let position = self.position(&wanted.value).unwrap_or_else(|| {
            // An empty name is one that could not be read, which is reported already.
            if !wanted.value.is_empty() {
                section.fail(self.unknown(section.title(), key, &wanted));
            }
            0
        });
        Written { value: position, place: wanted.place }
    }

    fn unknown(&self, title: &str, key: &str, wanted: &Written<String>) -> Problem {
        let help = match nearest(&wanted.value, self.iter()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None if self.known.is_empty() => format!("there is no [[{}]] at all", self.kind),
            None => format!("defined are: {}", self.iter().collect::<Vec<_>>().join(", ")),
        };
        Problem::new(
            Rule::UnknownReference,
            format!(
                "`{key}` of {title} is \"{}\", and no [[{}]] has that name",
                wanted.value, self.kind
            ),
            wanted.place.clone(),
            "not defined",
        )
        .help(help)
    }
}

/// All names that sections refer to.
pub(crate) struct Registry {
    pub venues: Names,
    pub feeds: Names,
    pub gateways: Names,
    pub instruments: Names,
}
