//! Where the counters of an engine are that `xmc top`, `dump` and `metrics` look at.

use super::CliError;
use crate::config::{self, Configuration};
use crate::counters::{Attached, ReadError};
use std::path::PathBuf;

/// Where they are.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// The directory of the engine's record, or a file of counters.
    #[arg(value_name = "DIRECTORY", required_unless_present = "config")]
    directory: Option<PathBuf>,
    /// The engine's configuration, which names the directory.
    #[arg(long, value_name = "FILE", conflicts_with = "directory")]
    config: Option<PathBuf>,
}

/// The counters belong to somebody else.
#[derive(Debug, thiserror::Error)]
#[error(
    "{} holds the counters of site {} desk {}, and the configuration is of site {} desk {}: name \
     the directory that is meant",
    path.display(), found.0, found.1, wanted.0, wanted.1
)]
struct OtherDesk {
    path: PathBuf,
    found: (u8, u8),
    wanted: (u8, u8),
}

impl Place {
    /// The configuration, if that names the directory.
    pub fn configuration(&self) -> Result<Option<Configuration>, CliError> {
        Ok(self.config.as_deref().map(config::load).transpose()?)
    }

    /// The directory or file that is named. `config` is what `configuration` gave.
    pub fn path(&self, config: Option<&Configuration>) -> Result<PathBuf, CliError> {
        match (&self.directory, config) {
            (Some(directory), _) => Ok(directory.clone()),
            (None, Some(config)) => Ok(config.engine.record_directory.clone()),
            (None, None) => Err(CliError::usage("name a directory, or --config FILE")),
        }
    }

    /// Opens them. `config` is what `configuration` gave.
    pub fn open(&self, config: Option<&Configuration>) -> Result<Attached, CliError> {
        let directory = self.path(config)?;
        let opened = match directory.is_file() {
            true => Attached::open_file(&directory),
            false => Attached::open(&directory),
        };
        let attached = opened.map_err(could_not)?;
        let identity = attached.run().identity;
        let found = (identity.site.0, identity.desk.0);
        let wanted = config.map(|config| (config.engine.site_id, config.engine.desk_id));
        match wanted {
            Some(wanted) if wanted != found => {
                let path = attached.path().to_owned();
                Err(CliError::could_not_run(OtherDesk { path, found, wanted }))
            }
            _ => Ok(attached),
        }
    }
}

/// As the command line says it.
pub(super) fn could_not(error: ReadError) -> CliError {
    CliError::could_not_run(error)
}
