//! What comes before the stages run: sockets joined, books learnt, sessions logged on.
//!
//! The order matters. The hot sockets of every feed join first, so that nothing is lost while the
//! books that stood before are asked for. Sessions come after that, because a venue cuts off one
//! that says nothing for long. Frames are taken away from the kernel last: the books are learnt
//! from the same groups, and what comes before the first poll finds more room in the buffers of
//! sockets than there are frames. Called by the commands that trade, on the cold side.

use super::counters::{Counters, GatewayPortCounters};
use super::feed::FeedStart;
use super::logon::{self, LogonError};
use super::sessions::{Attempt, CounterAgain, Pace, SessionBook, Sessions, Weeks};
use super::sockets::{self, FeedPort, GatewayPort, KernelWatch, SocketError};
use super::wire::{Ports, Starts};
use crate::clock::EngineClock;
use crate::config::{Configuration, Join};
use crate::port::xdp::receive::XdpWarning;
use crate::recovery::{self, StartError};
use crate::secret::Secret;
use std::path::Path;
use std::time::Duration;

/// Why an engine cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OpeningError {
    /// A socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The books that a feed begins with.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A session.
    #[error(transparent)]
    Logon(#[from] LogonError),
}

/// Everything that the stages need of the outside.
#[derive(Debug)]
pub struct Opened {
    /// Where packets come from and orders go.
    pub ports: Ports<FeedPort<EngineClock>, GatewayPort>,
    /// Where the venues stand.
    pub starts: Starts,
    /// What of the feeds past the kernel works less well than it could, for people.
    pub warnings: Vec<String>,
}

impl Opened {
    /// Has all ports go on counting in `counters`, and says where the kernel's own counts of them
    /// are asked for, by feed.
    pub fn count_in(&mut self, counters: &Counters) -> Vec<KernelWatch> {
        for (port, counters) in self.ports.feeds.iter_mut().zip(&counters.feed_ports) {
            port.count_in(counters);
        }
        for (port, counters) in self.ports.gateways.iter_mut().zip(&counters.gateway_ports) {
            port.count_in(counters);
        }
        self.ports.feeds.iter().map(FeedPort::kernel_watch).collect()
    }
}

/// Opens everything that a configuration names outside this process. Books may
/// take `patience` per feed, answers of gateways as long each. `secret` finds the secret of a
/// gateway, by its place in the configuration. What sessions of earlier runs have told is known in
/// the directory `earlier`, if this run goes on from one.
///
/// # Errors
/// See `OpeningError`. What was opened is closed.
pub fn open(
    config: &Configuration,
    clock: &EngineClock,
    secret: impl Fn(usize) -> Result<Secret, LogonError>,
    earlier: Option<&Path>,
    patience: Duration,
) -> Result<Opened, OpeningError> {
    let feeds = config.feeds.iter().map(|feed| sockets::feed_port(feed, clock.clone()));
    let mut feeds = feeds.collect::<Result<Vec<_>, SocketError>>()?;
    let mut starts =
        Starts { feeds: Vec::new(), gateways: Vec::new(), key_expires_days: Vec::new() };
    for ((feed, port), index) in config.feeds.iter().zip(&mut feeds).zip(0..) {
        starts.feeds.push(match feed.join.value {
            Join::Recover => {
                FeedStart::Recovered(recovery::find_for(config, index, port, patience)?)
            }
            Join::AssumeEmpty => FeedStart::Nothing,
        });
    }
    let mut gateways = Vec::new();
    for row in 0..config.gateways.len() {
        let utc = || clock.utc().utc;
        let gateway = &config.gateways[row].name.value;
        let book = earlier.map(|directory| SessionBook::new(directory, gateway).read());
        let known = book
            .transpose()
            .map_err(|source| LogonError::Book { gateway: gateway.clone(), source })?;
        let known = known.unwrap_or_default();
        let attempt = Attempt { known: &known, ..Attempt::FIRST };
        let session = logon::log_on(config, row, &secret(row)?, &attempt, utc, patience)?;
        gateways.push(session.port);
        starts.gateways.push(session.start);
        starts.key_expires_days.push(session.key_expires_days);
    }
    sockets::attach(&config.feeds, &mut feeds)?;
    let warnings = warnings(config, &feeds);
    Ok(Opened { ports: Ports { feeds, gateways }, starts, warnings })
}

fn warnings(config: &Configuration, feeds: &[FeedPort<EngineClock>]) -> Vec<String> {
    let is_past_kernel = |port: &FeedPort<_>| matches!(port, FeedPort::Xdp(_));
    let feeds = config.feeds.iter().zip(feeds).filter(|(_, port)| is_past_kernel(port));
    let each = |feed: &str, of: Vec<XdpWarning>| {
        of.into_iter().map(|warning| format!("feed {feed}: {warning}")).collect::<Vec<_>>()
    };
    feeds.flat_map(|(feed, port)| each(&feed.name.value, port.warnings())).collect()
}

/// How long a gateway that is logged on to again may take for each answer.
const AGAIN: Duration = Duration::from_secs(2);

/// How the order sessions of a run go on: with a secret that is read anew each time, and with what
/// is known of them in `directory`.
pub fn sessions<'a>(
    config: &'a Configuration,
    clock: &'a EngineClock,
    secret: &'a (dyn Fn(usize) -> Result<Secret, LogonError> + Sync),
    directory: &Path,
    counters: &[GatewayPortCounters],
) -> Sessions<'a, GatewayPort> {
    let counted = counters.to_vec();
    let log_on = move |row: usize, attempt: &Attempt<'_>| {
        let gateway = &config.gateways[row];
        let utc = || clock.utc().utc;
        let mut entered = logon::log_on_again(gateway, &secret(row)?, attempt, utc, AGAIN)?;
        entered.entry.port.count_in(&counted[row]);
        Ok(entered)
    };
    let counted = counters.to_vec();
    let log_on_counter = move |row: usize, again: &CounterAgain<'_>| {
        let mut entry = logon::log_on_counter_again(config, row, &secret(row)?, again, AGAIN)?;
        entry.port.count_in(&counted[row]);
        Ok(entry)
    };
    Sessions {
        log_on: Box::new(log_on),
        log_on_counter: Box::new(log_on_counter),
        directory: directory.to_owned(),
        pace: Pace::ENGINE,
        weeks: Weeks::of(config, || clock.utc().utc),
    }
}
