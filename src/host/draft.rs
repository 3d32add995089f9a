//! A check while it is made: readings, sentences and changes, and the verdict that they add up to.

use super::change::{Change, Want, selected};
use super::kernel::Silence;
use super::tree::Read;
use super::{Area, Check, Reading, Survey, Verdict, Weight};

/// Longest value that a report shows.
const MOST_CHARACTERS: usize = 120;

/// A check that is being made.
pub struct Draft<'s> {
    survey: &'s Survey<'s>,
    weight: Weight,
    check: Check,
    has_read: bool,
    is_blind: bool,
    has_fault: bool,
    is_told: bool,
}

impl<'s> Draft<'s> {
    pub fn new(
        survey: &'s Survey<'s>,
        (number, name, area): (u8, &'static str, Area),
        weight: Weight,
        want: impl Into<String>,
        why: &'static str,
    ) -> Self {
        let check = Check {
            number,
            name,
            area,
            verdict: Verdict::Ok,
            read: Vec::new(),
            want: want.into(),
            why,
            said: Vec::new(),
            changes: Vec::new(),
            settings: Vec::new(),
        };
        Self {
            survey,
            weight,
            check,
            has_read: false,
            is_blind: false,
            has_fault: false,
            is_told: false,
        }
    }

    /// Reads a file and notes what it said.
    pub fn read(&mut self, path: &str) -> Option<String> {
        match self.survey.tree.read(path) {
            Read::Text(text) => {
                self.saw(path, &text);
                Some(text)
            }
            Read::Absent => {
                self.note(path, "absent");
                None
            }
            Read::Unreadable(why) => {
                self.blind(path, &why);
                None
            }
        }
    }

    /// Notes what was read elsewhere, or a part of it.
    pub fn saw(&mut self, path: &str, value: &str) {
        self.has_read = true;
        self.note(path, value);
    }

    /// Notes why the kernel does not answer. What a driver does not have is absent.
    pub fn silent(&mut self, asked: &str, silence: &Silence) {
        match silence {
            Silence::Unsupported => self.note(asked, &silence.to_string()),
            Silence::Elsewhere | Silence::Refused(_) => self.blind(asked, &silence.to_string()),
        }
    }

    /// Notes that something cannot be read from here.
    pub fn blind(&mut self, path: &str, why: &str) {
        self.is_blind = true;
        self.note(path, why);
    }

    fn note(&mut self, path: &str, value: &str) {
        let first = value.lines().next().unwrap_or("");
        let mut value: String = first.chars().take(MOST_CHARACTERS).collect();
        if value.len() < first.len() {
            value.push_str("..");
        }
        if value.is_empty() {
            value.push_str("(empty)");
        }
        self.check.read.push(Reading { path: path.to_owned(), value });
    }

    /// Something is not as wanted.
    pub fn fault(&mut self, said: impl Into<String>) {
        self.has_fault = true;
        self.check.said.push(said.into());
    }

    /// Something is worth knowing.
    pub fn tell(&mut self, said: impl Into<String>) {
        self.is_told = true;
        self.check.said.push(said.into());
    }

    /// What would make it as wanted.
    pub fn change(&mut self, change: Change) {
        self.keep(change.clone());
        if !self.check.changes.contains(&change) {
            self.check.changes.push(change);
        }
    }

    /// What is wanted and is so already.
    pub fn keep(&mut self, setting: Change) {
        if !self.check.settings.contains(&setting) {
            self.check.settings.push(setting);
        }
    }

    /// A parameter of the kernel, which it may have been started with.
    pub fn boot(&mut self, is_given: bool, parameter: impl Into<String>) {
        let parameter = Change::Boot { parameter: parameter.into() };
        if is_given { self.keep(parameter) } else { self.change(parameter) }
    }

    /// The value of a file.
    pub fn write(&mut self, path: &str, value: impl Into<String>) {
        self.change(Change::Write { path: path.to_owned(), value: value.into() });
    }

    /// A command.
    pub fn run(&mut self, command: impl Into<String>) {
        self.change(Change::Run { command: command.into() });
    }

    /// What no command does.
    pub fn advise(&mut self, text: impl Into<String>) {
        self.change(Change::Advice { text: text.into() });
    }

    /// Reads a file that should say something.
    pub fn knob(&mut self, path: &str, want: &Want<'_>) {
        let Some(now) = self.read(path) else { return };
        // Settings of `sysctl` are known by their last word, others are called alike.
        let words = if path.starts_with("/proc/sys/") { 1 } else { 2 };
        let name = path.rmatch_indices('/').nth(words - 1).map_or(path, |(at, _)| &path[at + 1..]);
        match want.better(&now) {
            Ok(None) => {
                let value = selected(&now).to_owned();
                self.keep(Change::Write { path: path.to_owned(), value });
            }
            Ok(Some(value)) => {
                self.fault(format!("{name} is {}, wanted {}", shown(&now), want.said()));
                self.write(path, value);
            }
            Err(expected) => {
                self.is_blind = true;
                self.check.said.push(format!("{path} says {}, not {expected}", shown(&now)));
            }
        }
    }

    /// Whether the check has nothing against the machine so far.
    pub fn is_clean(&self) -> bool {
        !self.has_fault
    }

    /// The check. It is absent if nothing that it asked for is there.
    pub fn done(mut self) -> Check {
        self.check.verdict = if self.has_fault {
            self.weight.verdict(self.survey.wanted.profile)
        } else if self.is_blind && !self.is_told {
            Verdict::Unknown
        } else if !self.has_read && !self.is_told {
            Verdict::Absent
        } else if self.is_told {
            Verdict::Info
        } else {
            Verdict::Ok
        };
        self.check
    }
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "empty" } else { value }
}
