//! The thread of a venue: polls its shell, naps when nothing happens, does errands, and ends when
//! it is told to.

use super::{ShellError, VenueClock};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use xmc_hotpath::time::{Clock, MonoNs};

/// The longest nap: how late a client's request may be looked at.
const NAP: Duration = Duration::from_micros(200);

/// How long what was said last may take to leave.
const FAREWELL: Duration = Duration::from_millis(200);

/// A venue with its sockets.
pub trait Shell: Send + 'static {
    /// Does what there is to do, a bounded amount of it, and says whether there was anything.
    ///
    /// # Errors
    /// The venue cannot go on, and its thread ends.
    fn poll(&mut self, now: MonoNs) -> Result<bool, ShellError>;

    /// When there is something to do though nobody asks.
    fn next_at(&self) -> MonoNs;

    /// It is about to end: says so to its clients.
    fn part(&mut self, now: MonoNs);

    /// Whether something that was said still waits to be sent.
    fn is_waiting(&self) -> bool;
}

type Errand<S> = Box<dyn FnOnce(&mut S, MonoNs) + Send>;

enum Order<S> {
    Do(Errand<S>),
    Part,
}

/// A venue that runs. Dropped, it ends as by a kill: nobody is told, connections break.
#[derive(Debug)]
pub struct Running<S> {
    /// `None` when it is ending.
    orders: Option<Sender<Order<S>>>,
    thread: Option<JoinHandle<Result<S, ShellError>>>,
}

/// Gives a shell a thread of this name.
///
/// # Errors
/// `System`: there is no thread to be had.
pub fn run<S: Shell>(name: &str, clock: VenueClock, shell: S) -> Result<Running<S>, ShellError> {
    let (orders, todo) = channel();
    let body = move || {
        let ended = catch_unwind(AssertUnwindSafe(|| serve(shell, &clock, &todo)));
        ended.unwrap_or_else(|panic| Err(ShellError::Panicked(words(&*panic))))
    };
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(body);
    let thread = thread.map_err(|source| ShellError::System { what: "a thread", source })?;
    Ok(Running { orders: Some(orders), thread: Some(thread) })
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let fixed = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    fixed.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

fn serve<S: Shell>(
    mut shell: S,
    clock: &VenueClock,
    todo: &Receiver<Order<S>>,
) -> Result<S, ShellError> {
    loop {
        match todo.try_recv() {
            Ok(Order::Do(errand)) => errand(&mut shell, clock.now()),
            Ok(Order::Part) => return part(shell, clock),
            Err(TryRecvError::Disconnected) => return Ok(shell),
            Err(TryRecvError::Empty) => {
                if !shell.poll(clock.now())? {
                    let ns = shell.next_at().since(clock.now()).0;
                    std::thread::sleep(NAP.min(Duration::from_nanos(ns)));
                }
            }
        }
    }
}

fn part<S: Shell>(mut shell: S, clock: &VenueClock) -> Result<S, ShellError> {
    shell.part(clock.now());
    let since = Instant::now();
    loop {
        shell.poll(clock.now())?;
        if !shell.is_waiting() || since.elapsed() > FAREWELL {
            return Ok(shell);
        }
        std::thread::sleep(NAP);
    }
}

impl<S: Shell> Running<S> {
    /// Does something with the shell between two polls and waits for what comes of it; `None` if
    /// the venue has ended.
    pub fn with<T: Send + 'static>(
        &self,
        errand: impl FnOnce(&mut S, MonoNs) -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = channel();
        self.post(move |shell, now| {
            // Whoever asked waits for it.
            let _ = answer.send(errand(shell, now));
        });
        answered.recv().ok()
    }

    /// Has something done with the shell and goes on at once; `false` if the venue has ended.
    pub fn post(&self, errand: impl FnOnce(&mut S, MonoNs) + Send + 'static) -> bool {
        let orders = self.orders.as_ref();
        orders.is_some_and(|orders| orders.send(Order::Do(Box::new(errand))).is_ok())
    }

    /// Whether its thread still goes.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Tells the clients, ends, and hands out what is left: sockets are open until that is dropped.
    ///
    /// # Errors
    /// Why it had ended before.
    pub fn stop(mut self) -> Result<S, ShellError> {
        if let Some(orders) = self.orders.take() {
            // One that has ended by itself says why below.
            let _ = orders.send(Order::Part);
        }
        self.join()
    }

    /// Ends without a word, as when a process is killed: all of its sockets are closed.
    ///
    /// # Errors
    /// Why it had ended before.
    pub fn kill(mut self) -> Result<(), ShellError> {
        self.condemn();
        self.join().map(drop)
    }

    /// Has it do nothing any more once what it does now is over; `kill` then waits for its end.
    pub fn condemn(&mut self) {
        self.orders = None;
    }
}

impl<S> Running<S> {
    fn join(&mut self) -> Result<S, ShellError> {
        let thread = self.thread.take().expect("it is joined once");
        thread.join().unwrap_or_else(|panic| Err(ShellError::Panicked(words(&*panic))))
    }
}

impl<S> Drop for Running<S> {
    fn drop(&mut self) {
        self.orders = None;
        if self.thread.is_some() {
            // Nobody is there to be told.
            let _ = self.join();
        }
    }
}
