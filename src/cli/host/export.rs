//! `xmc host export`: what the checks want, for the tools that keep it over a boot.

use super::{About, Host};
use crate::cli::{CliError, Exit, Report};
use crate::host::export::{Target, export};
use crate::host::{self, Survey};
use serde::Serialize;
use std::io::Write;

/// Write what the checks want as a file of another tool.
///
/// The file's first line says how it is put to use. All settings are in it, also those that are so
/// already.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// For whom.
    #[arg(value_enum)]
    target: Target,
    #[command(flatten)]
    about: About,
}

#[derive(Serialize)]
struct Body {
    text: String,
}

pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let Host { tree, wanted, kernel } = args.about.host()?;
    let checks = host::checks(&Survey::new(&tree, &kernel, &wanted));
    let text = export(args.target, &checks, &wanted);
    if out.is_json() {
        out.json("xmc.host.export", 1, &Body { text })?;
    } else {
        out.write_all(text.as_bytes())?;
    }
    Ok(Exit::Ok)
}
