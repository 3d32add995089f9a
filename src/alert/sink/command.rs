//! A program that is run with each message: a siren, a text message, a pager.
//!
//! It is run as it stands in the configuration, without a shell, in a process group of its own; the
//! message comes as JSON on its standard input, and what it prints is thrown away. It has the
//! sink's time, then its group is killed. Exit code 0 means that it has taken the message.

use super::{SendError, Sink};
use crate::alert::message::Message;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(5);

/// Runs a program.
#[derive(Debug)]
pub struct Command {
    argv: Vec<String>,
    timeout: Duration,
}

impl Command {
    /// Runs `argv` for at most `timeout`.
    #[must_use]
    pub fn new(argv: &[String], timeout: Duration) -> Self {
        Self { argv: argv.to_vec(), timeout }
    }

    fn start(&self) -> std::io::Result<Child> {
        let (program, arguments) = self.argv.split_first().ok_or(std::io::ErrorKind::NotFound)?;
        std::process::Command::new(program)
            .args(arguments)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
    }
}

impl Sink for Command {
    fn send(&mut self, message: &Message) -> Result<String, SendError> {
        let program = self.argv.first().map_or("", String::as_str);
        let mut child = self
            .start()
            .map_err(|error| SendError::later(format!("cannot run {program}: {error}")))?;
        if let Some(mut input) = child.stdin.take() {
            let text = format!("{}\n", message.json());
            // A program that does not read ends this thread when it is killed.
            std::thread::spawn(move || input.write_all(text.as_bytes()));
        }
        let until = Instant::now() + self.timeout;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() < until => std::thread::sleep(LOOK),
                Ok(None) | Err(_) => {
                    if let Some(group) = Pid::from_raw(child.id().cast_signed()) {
                        let _ = kill_process_group(group, Signal::KILL);
                    }
                    let _ = child.wait();
                    let ms = self.timeout.as_millis();
                    return Err(SendError::later(format!("{program} took more than {ms} ms")));
                }
            }
        };
        if status.success() {
            return Ok(format!("{program} ended with 0"));
        }
        Err(SendError::later(format!("{program} ended with {status}")))
    }
}
