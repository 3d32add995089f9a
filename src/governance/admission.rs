//! Whether an engine may start: its configuration has been approved of, and that is in effect.
//!
//! Looked at before the engine opens or writes anything; a demonstration has its simulated venues
//! by then. A record that was governed once stays so: it remembers the register that its last run
//! started under, and neither a shorter one, nor one that was written anew, nor none will do.

use super::beside::{self, Approver, Governed};
use super::draft::differs;
use super::fold::Standing;
use super::item;
use super::person::Person;
use super::refusal::Refusal;
use super::register::{Register, RegisterError};
use crate::config::Configuration;
use jiff::Timestamp;
use std::io;
use std::path::{Path, PathBuf};

/// Why an engine may not start.
#[derive(Debug, thiserror::Error)]
pub enum Barred {
    /// The register.
    #[error("{0}")]
    Register(#[from] RegisterError),
    /// What lies beside the record.
    #[error("what is governed cannot be told: {}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The record was governed, and this configuration is not.
    #[error(
        "run {run} of the record in {} was governed, and this configuration has no [governance]: \
         write it again, or record elsewhere",
        path.display()
    )]
    Ungoverned {
        /// The record.
        path: PathBuf,
        /// The last run of it that was.
        run: u16,
    },
    /// The register is not the one that the last run started under.
    #[error(
        "register {}, as run {run} saw it: {refusal}: take it from where else it is kept",
        path.display()
    )]
    RegisterChanged {
        /// The register.
        path: PathBuf,
        /// The run that saw it.
        run: u16,
        /// In what.
        refusal: Refusal,
    },
    /// Nobody has proposed it.
    #[error(
        "configuration {configuration} is not in register {}: nobody has proposed it: \
         `xmc govern propose {config} --key KEY --reason TEXT`",
        path.display()
    )]
    NotProposed {
        /// The register.
        path: PathBuf,
        /// The digest.
        configuration: String,
        /// The file.
        config: String,
    },
    /// The proposal says something else than the files.
    #[error(
        "the proposal in entry {proposal} is of this configuration by its digest, and says \
         something else of {item}: withdraw it with `xmc govern withdraw` and propose it anew"
    )]
    Misproposed {
        /// The proposal.
        proposal: u64,
        /// Of what.
        item: String,
    },
    /// It is not in effect.
    #[error(
        "configuration {configuration} (version {version}, entry {proposal}) is not in effect: \
         {}: {}",
        standing.in_words(),
        remedy(standing, config)
    )]
    NotInEffect {
        /// The digest.
        configuration: String,
        /// The proposal's version.
        version: u64,
        /// Its entry.
        proposal: u64,
        /// How it stands.
        standing: Standing,
        /// The file.
        config: String,
    },
}

/// The command that mends it.
fn remedy(standing: &Standing, config: &str) -> String {
    match standing {
        Standing::Waiting { .. } => format!(
            "have it approved: `xmc govern show {config}`, then `xmc govern approve {config} \
             --key KEY --reason TEXT` by each of them"
        ),
        Standing::NotYet { .. } => "start it then".to_owned(),
        Standing::Superseded { .. } => format!(
            "start that one (`xmc govern list {config}`), or propose this one again: `xmc govern \
             propose {config} --key KEY --reason TEXT`"
        ),
        Standing::Ended { .. }
        | Standing::Withdrawn { .. }
        | Standing::Overtaken { .. }
        | Standing::InEffect { .. } => {
            format!("propose it again: `xmc govern propose {config} --key KEY --reason TEXT`")
        }
    }
}

/// An engine that may start.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// Under what, but for the run, which has no number yet.
    pub governed: Governed,
    /// The register as it was read.
    pub register: String,
}

/// Whether an engine of `config` may start at `now` and record in `record`; `None` if nothing is
/// governed.
///
/// # Errors
/// See `Barred`.
pub fn admit(
    config: &Configuration,
    record: &Path,
    now: Timestamp,
) -> Result<Option<Admitted>, Barred> {
    let unread = |source| Barred::Io { path: record.to_owned(), source };
    let seen = beside::read(record).map_err(unread)?.into_iter().max_by_key(|seen| seen.run);
    let Some(governance) = &config.governance else {
        return match seen {
            None => Ok(None),
            Some(seen) => Err(Barred::Ungoverned { path: record.to_owned(), run: seen.run }),
        };
    };
    let register = Register::read_if_there(&governance.register)?.sound()?;
    if let Some(seen) = seen {
        register.holds(seen.entries, &seen.head).map_err(|refusal| Barred::RegisterChanged {
            path: register.path.clone(),
            run: seen.run,
            refusal,
        })?;
    }
    let configuration = config.digest();
    let file = config.sources.files().first();
    let file = file.map_or_else(String::new, |file| file.path.display().to_string());
    let fold = &register.fold;
    let is_it = |case: &&super::fold::Case| case.proposal.configuration == configuration;
    let in_effect = fold.in_effect(now).filter(is_it);
    let Some(case) = in_effect.or_else(|| fold.cases().iter().rev().find(is_it)) else {
        return Err(Barred::NotProposed { path: register.path, configuration, config: file });
    };
    let standing = fold.standing(case, now);
    let Standing::InEffect { from, until } = standing else {
        let (version, proposal) = (case.proposal.version, case.entry);
        return Err(Barred::NotInEffect {
            configuration,
            version,
            proposal,
            standing,
            config: file,
        });
    };
    let misproposed = |item| Barred::Misproposed { proposal: case.entry, item };
    let items = item::divide(&config.sources);
    let items = items.map_err(|error| misproposed(error.to_string()))?;
    let people = (Person::of(config) != case.proposal.people).then(|| "its people".to_owned());
    if let Some(item) = differs(&case.proposal, &items).or(people) {
        return Err(misproposed(item));
    }
    let governed = Governed {
        run: 0,
        at: now,
        configuration,
        proposal: case.entry,
        version: case.proposal.version,
        approved_by: case.approvals_at(now).map(Approver::from).collect(),
        from,
        until,
        entries: fold.count(),
        head: fold.head().to_owned(),
    };
    Ok(Some(Admitted { governed, register: register.text }))
}
