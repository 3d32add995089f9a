//! `xmc host`: whether this machine is fit to trade on, how quiet its cores are, and what would
//! make it fit.

mod apply;
mod check;
mod export;
mod jitter;

use super::{CliError, Exit, Report};
use crate::config;
use crate::host::kernel::Kernel;
use crate::host::{Profile, Tree, Wanted};
use clap::Subcommand;
use std::path::{Path, PathBuf};

/// See whether this machine is fit to trade on, and make it so.
///
/// Checks read files of /proc and /sys and need no privilege; only `apply --run` and `revert`
/// write.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    Jitter(jitter::Args),
    Apply(apply::Args),
    Revert(apply::RevertArgs),
    Export(export::Args),
}

/// Which machine is looked at, and what for.
#[derive(Debug, clap::Args)]
struct About {
    /// What the machine is for: a machine of one's own, a host beside the exchange, one that tests
    /// run on.
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    profile: Profile,
    /// Where the files of the machine are; system calls are about this machine only.
    #[arg(long, default_value = "/", value_name = "DIR")]
    root: PathBuf,
    /// The configuration that says which cores are hot and which cards have feeds.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// A machine that can be looked at.
struct Host {
    tree: Tree,
    wanted: Wanted,
    kernel: Kernel,
}

impl About {
    fn host(&self) -> Result<Host, CliError> {
        let tree = tree(&self.root)?;
        let wanted = match &self.config {
            Some(file) => Wanted::of_config(&config::load(file)?, self.profile),
            None => Wanted::of_machine(&tree, self.profile),
        };
        let kernel = match tree.is_here() {
            true => Kernel::here(&wanted.interfaces),
            false => Kernel::elsewhere(),
        };
        Ok(Host { tree, wanted, kernel })
    }
}

/// The machine below `root`.
fn tree(root: &Path) -> Result<Tree, CliError> {
    let tree = Tree::new(root);
    if tree.has("/sys/devices/system/cpu/online") {
        return Ok(tree);
    }
    let root = root.display();
    Err(CliError::could_not_run(format!(
        "{root} holds no sys/devices/system/cpu/online: it is not the root of a machine"
    )))
}

/// Runs the command.
///
/// # Errors
/// See `CliError`.
pub fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    match &args.command {
        Command::Check(args) => check::run(args, out),
        Command::Jitter(args) => jitter::run(args, out),
        Command::Apply(args) => apply::run(args, out),
        Command::Revert(args) => apply::revert(args, out),
        Command::Export(args) => export::run(args, out),
    }
}
