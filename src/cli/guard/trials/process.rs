//! An engine and its guard as processes of a trial, ended when they are dropped. One whose trial is
//! killed ends with it (`--ends-with`).

use super::files::CREDENTIALS;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Between two looks whether one has ended.
const NAP: Duration = Duration::from_millis(2);

/// One of them.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// `xmc` with these words, the configuration and the record; what it says goes to files of that
    /// name.
    pub fn start(directory: &Path, name: &str, words: &[&str], config: &Path) -> io::Result<Self> {
        let mut command = ourselves()?;
        command.args(words).arg(config).arg("--record").arg(directory.join("record"));
        Self::begin(directory, name, command)
    }

    /// `xmc` with these words alone.
    pub fn alone(directory: &Path, name: &str, words: &[&str]) -> io::Result<Self> {
        let mut command = ourselves()?;
        command.args(words);
        Self::begin(directory, name, command)
    }

    fn begin(directory: &Path, name: &str, mut command: Command) -> io::Result<Self> {
        command.env("CREDENTIALS_DIRECTORY", directory.join(CREDENTIALS));
        let told =
            |what: &str| File::options().append(true).create(true).open(directory.join(what));
        command.stdin(Stdio::null()).stdout(told(&format!("{name}.out"))?);
        command.stderr(told(&format!("{name}.err"))?).spawn().map(Self)
    }

    /// The engine.
    pub fn engine(directory: &Path, config: &Path) -> io::Result<Self> {
        Self::start(directory, "engine", &["--json", "run", "--unpinned", "--config"], config)
    }

    /// A guard that goes on watching.
    pub fn standing_guard(directory: &Path, config: &Path) -> io::Result<Self> {
        Self::start(directory, "guard", &["--json", "guard"], config)
    }

    /// The guard of a trial, which ends once it has acted.
    pub fn guard(directory: &Path, config: &Path) -> io::Result<Self> {
        Self::start(directory, "guard", &["--json", "guard", "--until-acted"], config)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or(io::ErrorKind::NotFound)?;
        Ok(kill_process(pid, signal)?)
    }

    /// Whether it has ended, and with which code; `Some(None)`: by a signal.
    pub fn ended(&mut self) -> io::Result<Option<Option<i32>>> {
        Ok(self.0.try_wait()?.map(|status| status.code()))
    }

    /// Waits for its end.
    pub fn wait(&mut self, patience: Duration) -> io::Result<Option<Option<i32>>> {
        let since = Instant::now();
        loop {
            let ended = self.ended()?;
            if ended.is_some() || since.elapsed() >= patience {
                return Ok(ended);
            }
            std::thread::sleep(NAP);
        }
    }
}

/// This program, as a child that does not outlive this process.
fn ourselves() -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--ends-with").arg(std::process::id().to_string());
    Ok(command)
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
