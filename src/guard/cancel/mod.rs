//! Cancels every order of a dead engine at one gateway, and says what the venue has confirmed.
//!
//! One attempt connects, logs on, asks, hears and leaves. It is made again until the venue has
//! answered or `GIVE_UP` has passed, since nothing is worse than an order that nobody watches.

mod dstar;
mod ilink3;

use super::disk::Disks;
use crate::config::{Configuration, GatewayIndex, GatewayProtocol, SessionIdentity};
use crate::secret::Secret;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a venue is tried for.
pub const GIVE_UP: Duration = Duration::from_secs(60);
/// The pause after a failed attempt; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Between two looks whether the end is asked for.
const NAP: Duration = Duration::from_millis(10);

/// Where secrets are read: by the identity that logs on, or the gateway's own.
pub type Secrets<'a> =
    dyn Fn(GatewayIndex, Option<&SessionIdentity>) -> Result<Secret, String> + Sync + 'a;

/// One gateway of a dead engine.
#[derive(Clone, Copy)]
pub struct Canceller<'a> {
    /// The configuration.
    pub config: &'a Configuration,
    /// The gateway.
    pub row: GatewayIndex,
    /// The guard's own session there; `None`: the engine's is taken over.
    pub own: Option<&'a SessionIdentity>,
    /// Where the engine's sessions are written down.
    pub record: &'a Path,
    /// Secrets.
    pub secrets: &'a Secrets<'a>,
    /// How long one answer is waited for.
    pub answer: Duration,
    /// What is read and written meanwhile.
    pub disks: &'a Disks,
    /// Whether people have lifted the fence: what lives then is another engine's.
    pub is_lifted: &'a (dyn Fn() -> bool + Sync),
}

/// What a venue has confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// Orders that were cancelled; 0: nothing was live.
    pub orders: u32,
    /// By which session.
    pub by: String,
}

/// When an attempt has to be over.
#[derive(Clone, Copy)]
struct Until<'a> {
    at: Instant,
    is_over: &'a AtomicBool,
}

impl Until<'_> {
    fn is_past(self) -> bool {
        Instant::now() >= self.at || self.is_over.load(Ordering::Relaxed)
    }
}

impl Canceller<'_> {
    /// Tries until the venue has confirmed, `GIVE_UP` has passed, or `is_over`.
    ///
    /// # Errors
    /// Why the last attempt failed.
    pub fn run(
        &self,
        is_over: &AtomicBool,
        mut failed: impl FnMut(&str),
    ) -> Result<Confirmed, String> {
        let (since, mut pause) = (Instant::now(), PAUSE);
        for tries in 0_u32.. {
            if (self.is_lifted)() {
                return Err("the fence was lifted: what lives now is another engine's".to_owned());
            }
            let until = Until { at: since + GIVE_UP, is_over };
            let why = match self.attempt(tries, until) {
                Ok(confirmed) => return Ok(confirmed),
                Err(why) => why,
            };
            failed(&why);
            let until = Instant::now() + pause;
            pause = (pause * 2).min(LONGEST_PAUSE);
            while Instant::now() < until {
                if is_over.load(Ordering::Relaxed) || since.elapsed() >= GIVE_UP {
                    return Err(why);
                }
                std::thread::sleep(NAP);
            }
        }
        Err("it was tried too often".to_owned())
    }

    fn attempt(&self, tries: u32, until: Until<'_>) -> Result<Confirmed, String> {
        match self.config.gateways[self.row].protocol {
            // Nothing of it is outside the engine.
            GatewayProtocol::Paper => Ok(Confirmed { orders: 0, by: "paper".to_owned() }),
            GatewayProtocol::CmeIlink3 => ilink3::cancel(self, tries),
            GatewayProtocol::EsunnyDstar => dstar::cancel(self, until),
        }
    }
}
