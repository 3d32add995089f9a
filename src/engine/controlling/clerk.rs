//! The thread of the operators' channel: serves the socket and decides what is taken.

use super::standing::{Counters, Standing};
use super::{Asked, Back, LastState, OperatorsDesk};
use crate::alert::ack::{self, Ack};
use crate::alert::outbox;
use crate::clock::EngineClock;
use crate::config::{self, Configuration};
use crate::control::client::STATUS;
use crate::control::judge::{Denied, Granted, Judge, unread};
use crate::control::kept::{Kept, KeptError};
use crate::control::reply::{Answer, Outcome};
use crate::control::scope::Register;
use crate::control::socket::{Reply, Socket, SocketError, Unread};
use crate::control::verb::Verb;
use crate::hex;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, PoisonError};
use std::thread::Thread;
use std::time::Duration;
use xmc_hotpath::message::{Control, Denial, DeskIdentity, Instruction, SafeState, Scope};

/// The socket's name beside the record.
const NAME: &str = "control.sock";
/// Between two tries with a socket that fails.
const AGAIN: Duration = Duration::from_millis(50);

/// Why there is no channel.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// What is remembered.
    #[error(transparent)]
    Kept(#[from] KeptError),
}

/// Where the socket of a configuration is, for an engine that records to `directory`.
#[must_use]
pub fn socket_path(control: &config::Control, directory: &Path) -> PathBuf {
    control.socket.clone().unwrap_or_else(|| directory.join(NAME))
}

/// A channel that is open, before the engine runs.
#[derive(Debug)]
pub struct Controlling {
    socket: Socket,
    judge: Judge,
    alerts: PathBuf,
}

/// The thread's end.
#[derive(Debug)]
pub struct Clerk {
    socket: Socket,
    judge: Judge,
    /// Where the engine's alerts lie.
    alerts: PathBuf,
    to: Sender<Asked>,
    state: Arc<LastState>,
    counters: Counters,
    /// The desk has been killed in this run.
    is_killed: bool,
    /// Who follows the journal is to look at once.
    watcher: Thread,
}

impl Controlling {
    /// Opens the channel of the engine `identity`, which records to `directory`.
    ///
    /// # Errors
    /// See `ControlError`.
    pub fn open(
        control: &config::Control,
        config: &Configuration,
        directory: &Path,
        identity: DeskIdentity,
    ) -> Result<Self, ControlError> {
        let kept = Kept::open(directory)?;
        let (register, valid_s) = (Register::of(config), control.valid_seconds.into());
        let operators = control.operators.clone();
        let judge = Judge::new(identity, operators, register, valid_s, kept);
        let socket = Socket::open(&socket_path(control, directory))?;
        Ok(Self { socket, judge, alerts: crate::alert::directory(directory) })
    }

    /// Where the socket is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.socket.path()
    }

    /// The engine does not arm itself: an operator of an earlier run has stopped the desk.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.judge.kept().is_held()
    }

    /// What the desk is told behind `told`, its configuration: limits that were lowered, and what
    /// was stopped and not allowed again.
    #[must_use]
    pub fn kept(&self, told: &[Control]) -> Vec<Control> {
        let (kept, register) = (self.judge.kept(), self.judge.register());
        let mut all = kept.lowered(register, told);
        all.extend(kept.controls(register));
        all
    }

    /// Both ends; who follows the journal is the calling thread.
    pub(in crate::engine) fn split(self) -> (Clerk, OperatorsDesk) {
        let Self { socket, judge, alerts } = self;
        let (to, asked) = channel();
        let operators = judge.operators().iter();
        let counters = operators.map(|one| (one.id, judge.kept().counter(one.id))).collect();
        let counters = Counters::new(std::sync::Mutex::new(counters));
        let state = Arc::new(LastState(SafeState::NoNew.code().into()));
        let standing = Standing::of(&judge, counters.clone());
        let (is_held, run) = (judge.kept().is_held(), judge.audience().run);
        let desk = OperatorsDesk::new(asked, standing, state.clone(), is_held, run);
        let watcher = std::thread::current();
        let clerk = Clerk { socket, judge, alerts, to, state, counters, is_killed: false, watcher };
        (clerk, desk)
    }
}

impl Clerk {
    /// Serves the socket until `stop`.
    pub fn run(self, clock: &EngineClock, stop: &AtomicBool) {
        let Self { mut socket, mut judge, alerts, to, state, counters, .. } = self;
        let Self { mut is_killed, watcher, .. } = self;
        let run = judge.audience().run;
        let post = |make: &dyn Fn(Back) -> Asked| {
            let (back, answer) = sync_channel(1);
            // Nobody takes it when the run is over: then there is no answer.
            let _ = to.send(make(back));
            watcher.unpark();
            Reply::Later(answer)
        };
        let denied = |denied: &Denied| post(&|back| Asked::Denied(Box::new(denied.clone()), back));
        while !stop.load(Ordering::Acquire) {
            let ask = |request: &[u8]| {
                if request == STATUS.as_bytes() {
                    return post(&Asked::Status);
                }
                let utc_ns = clock.utc().utc.0;
                let now_s = utc_ns / 1_000_000_000;
                let state = if is_killed { SafeState::Halt } else { state.get() };
                match judge.decide(request, now_s, state) {
                    Ok(granted) => {
                        let instruction = granted.instruction;
                        let mut counters = counters.lock().unwrap_or_else(PoisonError::into_inner);
                        counters.insert(instruction.operator, instruction.counter);
                        // Who arms the desk asks for them too: the disk must not be waited for.
                        drop(counters);
                        is_killed |= (granted.text.verb, granted.scope) == (Verb::Kill, Scope::All);
                        match acknowledge(&alerts, &granted, utc_ns) {
                            Ok(()) => post(&|back| Asked::Granted(Box::new(granted.clone()), back)),
                            Err(wrong) => denied(&wrong),
                        }
                    }
                    Err(wrong) => denied(&wrong),
                }
            };
            let refuse = |read: &[u8], what: Unread| {
                let (denial, why) = match what {
                    Unread::Peer => (Denial::Peer, "only this engine's user may command it"),
                    Unread::Busy => {
                        (Denial::Busy, "a request is at most 4096 bytes, at once: use xmc")
                    }
                };
                let wrong = unread(read, denial, why);
                // It is counted and recorded; what it says has nobody to wait for it.
                let _ = denied(&wrong);
                let answer = Answer {
                    outcome: Outcome::Refused,
                    denial: Some(denial.word().to_owned()),
                    why: Some(why.to_owned()),
                    state: String::new(),
                    changes: Vec::new(),
                    live_orders: 0,
                    positions: Vec::new(),
                    run,
                    input: None,
                    digest: hex::show(&wrong.instruction.digest),
                };
                serde_json::to_vec(&answer).unwrap_or_default()
            };
            if socket.serve(ask, refuse).is_err() {
                std::thread::sleep(AGAIN);
            }
        }
    }
}

/// Leaves word for the thread of the alerts, if `granted` takes one on.
fn acknowledge(alerts: &Path, granted: &Granted, utc_ns: u64) -> Result<(), Denied> {
    let Some(fingerprint) = &granted.text.alert else { return Ok(()) };
    let refuse = |denial, why: String| {
        let instruction = Instruction { denial, inputs: 0, ..granted.instruction };
        Err(Denied { instruction, why })
    };
    let fires = outbox::read(alerts).is_ok_and(|state| state.alerts.contains_key(fingerprint));
    if !fires {
        let why = format!("no alert {fingerprint} fires: look at `xmc alert list`");
        return refuse(Denial::Scope, why);
    }
    let (fingerprint, by) = (fingerprint.clone(), granted.text.operator.clone());
    let ack = Ack { fingerprint, by, at_ns: utc_ns };
    if !ack.is_plain() {
        let why = "the operator's name is not one that an acknowledgement can bear: letters, \
                   digits and . _ - @";
        return refuse(Denial::Operator, why.to_owned());
    }
    match ack::leave(alerts, &ack) {
        Ok(()) => Ok(()),
        Err(error) => refuse(Denial::Disk, format!("{error}: it was not left for the alerts")),
    }
}
