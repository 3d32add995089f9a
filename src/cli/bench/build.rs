//! The programs of two commits: the baseline checked out beside, and what is here.

use super::measure::Program;
use crate::cli::CliError;
use serde::Deserialize;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the baseline file says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Baseline {
    /// The commit.
    commit: String,
    /// Why it is the one to compare with: whoever moves it says so.
    why: String,
}

/// Both programs, old first.
pub(super) struct Built {
    pub programs: [Program; 2],
    pub commits: [String; 2],
    /// Removed when the comparison is over.
    _worktrees: Vec<Worktree>,
}

/// A checkout beside this one; dropping it removes it.
struct Worktree {
    root: PathBuf,
    path: PathBuf,
}

impl Worktree {
    fn at(root: &Path, path: PathBuf, commit: &str) -> Result<Self, CliError> {
        // What an earlier run that was killed has left.
        drop(Self { root: root.to_owned(), path: path.clone() });
        let arguments = ["worktree", "add", "--force", "--detach"].map(OsStr::new);
        git(root, arguments.iter().copied().chain([path.as_os_str(), OsStr::new(commit)]))?;
        Ok(Self { root: root.to_owned(), path })
    }
}

impl Drop for Worktree {
    fn drop(&mut self) {
        if self.path.exists() {
            let arguments = ["worktree", "remove", "--force"].map(OsStr::new);
            // Nothing is lost if it stays: the next run removes it.
            let _ = git(&self.root, arguments.iter().copied().chain([self.path.as_os_str()]));
        }
    }
}

/// Builds both. `place` is where checkouts and what is built from them lie.
pub(super) fn both(file: &Path, patch: Option<&Path>, place: &Path) -> Result<Built, CliError> {
    let baseline = baseline(file)?;
    let here = std::env::current_dir().map_err(CliError::could_not_run)?;
    let root = PathBuf::from(git(&here, ["rev-parse", "--show-toplevel"].map(OsStr::new))?);
    let place = std::path::absolute(place).map_err(CliError::could_not_run)?;
    fs::create_dir_all(&place).map_err(CliError::could_not_run)?;
    let wanted = format!("{}^{{commit}}", baseline.commit);
    let commit = git(
        &root,
        ["rev-parse", "--verify", "--quiet", "--short=12", &wanted].map(OsStr::new),
    )
    .map_err(|_| {
        CliError::usage(format!(
            "`{}` names commit {} ({}), which this repository does not have: fetch the whole \
                 history (`git fetch --unshallow`) or name another one",
            file.display(),
            baseline.commit,
            baseline.why
        ))
    })?;
    let mut worktrees = vec![Worktree::at(&root, place.join("old"), &commit)?];
    let target = place.join("target");
    let old = program(&place.join("old"), &target.join("old"))?;
    let (new, name) = if let Some(patch) = patch {
        let patch = std::path::absolute(patch).map_err(CliError::could_not_run)?;
        let path = place.join("new");
        worktrees.push(Worktree::at(&root, path.clone(), &commit)?);
        git(&path, [OsStr::new("apply"), patch.as_os_str()]).map_err(|why| {
            CliError::usage(format!("`{}` does not fit commit {commit}: {why}", patch.display()))
        })?;
        (program(&path, &target.join("new"))?, format!("{commit}+"))
    } else {
        let is_changed = !git(&root, ["status", "--porcelain", "-uno"].map(OsStr::new))?.is_empty();
        let head = git(&root, ["rev-parse", "--short=12", "HEAD"].map(OsStr::new))?;
        let name = if is_changed { format!("{head}+") } else { head };
        (program(&root, &target.join("new"))?, name)
    };
    Ok(Built { programs: [old, new], commits: [commit, name], _worktrees: worktrees })
}

fn baseline(file: &Path) -> Result<Baseline, CliError> {
    let wrong = |why: String| {
        CliError::usage(format!(
            "`{}` is no baseline: {why}; it is to be {{\"commit\": \"..\", \"why\": \"..\"}}",
            file.display()
        ))
    };
    let text = fs::read_to_string(file).map_err(|why| wrong(why.to_string()))?;
    let baseline: Baseline = serde_json::from_str(&text).map_err(|why| wrong(why.to_string()))?;
    let is_hash = (7..=64).contains(&baseline.commit.len())
        && baseline.commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hash {
        return Err(wrong(format!("`{}` is no commit's hash", baseline.commit)));
    }
    if baseline.why.trim().is_empty() {
        return Err(wrong("`why` is empty: say why this commit is the one".to_owned()));
    }
    Ok(baseline)
}

/// Builds `examples/counts` of the checkout at `root`.
fn program(root: &Path, target: &Path) -> Result<Program, CliError> {
    let arguments = ["build", "--release", "--locked", "--quiet", "--example", "counts"];
    let mut cargo = Command::new("cargo");
    cargo.args(arguments).current_dir(root).env("CARGO_TARGET_DIR", target);
    said(cargo, "cargo build --release --example counts")?;
    Ok(Program { path: target.join("release/examples/counts"), root: root.to_owned() })
}

fn git<'a>(
    root: &Path,
    arguments: impl IntoIterator<Item = &'a OsStr>,
) -> Result<String, CliError> {
    let mut git = Command::new("git");
    git.args(arguments).current_dir(root);
    said(git, "git")
}

/// What a command printed, or why it failed.
fn said(mut command: Command, name: &str) -> Result<String, CliError> {
    let output = command
        .output()
        .map_err(|why| CliError::could_not_run(format!("cannot run `{name}`: {why}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.trim().lines().collect();
    let last = lines.iter().rev().take(8).rev().copied().collect::<Vec<_>>().join("\n");
    Err(CliError::could_not_run(format!("`{name}` failed: {last}")))
}
