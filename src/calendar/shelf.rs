//! All calendars of an engine, and which of them a product is in.

use super::{Calendar, CalendarError, Group, Timetable, load, of_text};
use crate::config::Invalid;
use std::io;
use std::path::{Path, PathBuf};

/// The calendars of `config/calendars`, as they lie there.
const SHIPPED: &[(&str, &str)] = &[
    ("cffex.toml", include_str!("../../config/calendars/cffex.toml")),
    ("comex.toml", include_str!("../../config/calendars/comex.toml")),
    ("dce.toml", include_str!("../../config/calendars/dce.toml")),
    ("hkex.toml", include_str!("../../config/calendars/hkex.toml")),
    ("ice_europe.toml", include_str!("../../config/calendars/ice_europe.toml")),
    ("ine.toml", include_str!("../../config/calendars/ine.toml")),
    ("lme.toml", include_str!("../../config/calendars/lme.toml")),
    ("nymex.toml", include_str!("../../config/calendars/nymex.toml")),
    ("sgx.toml", include_str!("../../config/calendars/sgx.toml")),
    ("shfe.toml", include_str!("../../config/calendars/shfe.toml")),
];

/// Why calendars cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// A file breaks a rule.
    #[error("{0}")]
    Invalid(#[from] Invalid),
    /// The folder.
    #[error("cannot read the calendars of {}: {source}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// One calendar with its hours laid out.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The calendar.
    pub calendar: Calendar,
    /// By the place of their group in it.
    pub timetables: Vec<Timetable>,
}

impl Kept {
    /// Lays out the hours of its groups.
    #[must_use]
    pub fn new(calendar: Calendar) -> Self {
        let groups = calendar.groups.iter();
        // Reading has refused windows that meet.
        let timetables = groups.filter_map(|group| Timetable::new(&calendar, group).ok()).collect();
        Self { calendar, timetables }
    }

    /// Every group with its hours.
    pub fn groups(&self) -> impl Iterator<Item = (&Group, &Timetable)> {
        self.calendar.groups.iter().zip(&self.timetables)
    }
}

/// All calendars.
#[derive(Clone, Debug)]
pub struct Shelf {
    kept: Vec<Kept>,
}

impl Shelf {
    /// The calendars that are part of this program.
    ///
    /// # Errors
    /// One breaks a rule, which a test would have seen.
    pub fn shipped() -> Result<Self, Invalid> {
        let read = |(name, text): &(&str, &str)| {
            of_text(&Path::new("config/calendars").join(name), text).map(Kept::new)
        };
        Ok(Self { kept: SHIPPED.iter().map(read).collect::<Result<_, _>>()? })
    }

    /// Those of a folder: every file that ends in `.toml`, by name.
    ///
    /// # Errors
    /// See `ShelfError`.
    pub fn of_folder(path: &Path) -> Result<Self, ShelfError> {
        let folder = |source| ShelfError::Folder { path: path.to_owned(), source };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(path).map_err(folder)? {
            let file = entry.map_err(folder)?.path();
            if file.extension().is_some_and(|extension| extension == "toml") {
                files.push(file);
            }
        }
        files.sort();
        let kept = files.iter().map(|file| Ok(Kept::new(load(file)?)));
        Ok(Self { kept: kept.collect::<Result<_, Invalid>>()? })
    }

    /// Every calendar.
    #[must_use]
    pub fn calendars(&self) -> &[Kept] {
        &self.kept
    }

    /// The hours of a product, by its venue and a symbol such as `cu2609` or `HGU6`.
    ///
    /// # Errors
    /// No calendar has it.
    pub fn find(&self, mic: &str, symbol: &str) -> Result<(&Kept, &Timetable), CalendarError> {
        let of_venue = self.kept.iter().filter(|kept| kept.calendar.mic == mic);
        let found = of_venue.filter_map(|kept| {
            let group = kept.calendar.group_of(symbol)?;
            let (_, table) = kept.groups().find(|(known, _)| known.name == group.name)?;
            Some((kept, table))
        });
        found.into_iter().next().ok_or_else(|| CalendarError::Unknown {
            mic: mic.to_owned(),
            symbol: symbol.to_owned(),
        })
    }
}
