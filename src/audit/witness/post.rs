//! A witness on a thread of its own: one request is under way, and the answer waits to be taken.
//!
//! Nobody waits for the thread: a witness that hangs keeps only its own.

use super::{Request, Witness, WitnessError};
use crate::audit::note::SignatureLine;
use std::io;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::time::Duration;

/// What a witness said.
pub type Answer = Result<Vec<SignatureLine>, WitnessError>;

/// Requests go in here, answers come out.
#[derive(Debug)]
pub struct Post {
    requests: Sender<Request>,
    answers: Receiver<Answer>,
    is_waiting: bool,
}

impl Post {
    /// Starts the thread for `witness`; it ends with this value, or when the witness answers.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn start(name: &str, mut witness: Box<dyn Witness>) -> io::Result<Self> {
        let (requests, inbox) = mpsc::channel::<Request>();
        let (outbox, answers) = mpsc::channel();
        // The kernel keeps 15 characters.
        std::thread::Builder::new().name(format!("witness-{name}")).spawn(move || {
            for request in inbox {
                if outbox.send(witness.add(&request)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { requests, answers, is_waiting: false })
    }

    /// Whether the last request has been answered and taken.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        !self.is_waiting
    }

    /// Sends a request; does nothing while another is under way.
    pub fn send(&mut self, request: Request) {
        if self.is_idle() {
            self.is_waiting = self.requests.send(request).is_ok();
        }
    }

    /// The answer, if it has come.
    pub fn answer(&mut self) -> Option<Answer> {
        self.is_waiting.then(|| self.answers.try_recv()).and_then(|answer| match answer {
            Ok(answer) => Some(self.taken(answer)),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(self.taken(died())),
        })
    }

    /// The answer, if it comes within `patience`.
    pub fn wait(&mut self, patience: Duration) -> Option<Answer> {
        if !self.is_waiting {
            return None;
        }
        match self.answers.recv_timeout(patience) {
            Ok(answer) => Some(self.taken(answer)),
            Err(mpsc::RecvTimeoutError::Timeout) => None,
            Err(mpsc::RecvTimeoutError::Disconnected) => Some(self.taken(died())),
        }
    }

    fn taken(&mut self, answer: Answer) -> Answer {
        self.is_waiting = false;
        answer
    }
}

fn died() -> Answer {
    Err(WitnessError::Unreachable("its thread has died".to_owned()))
}
