//! What an MDP 3.0 replica lacks, asked of the TCP replay: first of all where it is configured.
//!
//! A gap that neither line fills within a moment is asked for, one request after the other, each on
//! a connection of its own. Whatever goes wrong (too many packets, a refusal, silence, damage)
//! gives it up: the loop of snapshots heals it then, as it does without a replay.

use super::PATIENCE;
use crate::venue::cme::mdp3::replay::{Asked, Login, ReplayClient, ReplayError};
use xmc_hotpath::feed::SeqNo;
use xmc_hotpath::time::{MonoNs, Span};

/// How long a request may take, connecting included, before the loop is preferred.
const SLOW: Span = Span(500_000_000);

/// The TCP replay of a channel, as it is asked.
#[derive(Debug)]
pub(super) struct Asking {
    channel: i16,
    login: Login,
    request_no: u32,
    /// Since when something is missing.
    since: Option<MonoNs>,
    request: Option<(Asked, MonoNs)>,
    client: Option<ReplayClient>,
    is_given_up: bool,
    /// Why the last request came to nothing.
    problem: Option<ReplayError>,
}

/// What came of looking after it.
#[derive(Debug)]
pub(super) enum Told {
    /// Nothing.
    Nothing,
    /// The packets that were missing.
    Packets(Vec<Vec<u8>>),
    /// A request came to nothing.
    Failed,
}

impl Asking {
    pub fn new((channel, login): (i16, Login)) -> Self {
        Self {
            channel,
            login,
            request_no: 0,
            since: None,
            request: None,
            client: None,
            is_given_up: false,
            problem: None,
        }
    }

    /// Whether what is missing cannot be had here.
    pub fn is_given_up(&self) -> bool {
        self.is_given_up
    }

    /// Why the last request came to nothing.
    pub fn problem(&self) -> Option<&ReplayError> {
        self.problem.as_ref()
    }

    /// Whether a connection is wanted.
    pub fn needs_connection(&self) -> bool {
        self.request.is_some() && self.client.is_none()
    }

    /// Nothing is missing any more, whoever brought it.
    pub fn forget(&mut self) {
        (self.since, self.request, self.is_given_up) = (None, None, false);
    }

    /// Goes on with what is `missing`: the first and the last packet.
    pub fn go_on(&mut self, missing: Option<(SeqNo, SeqNo)>, now: MonoNs) -> Told {
        if let Some((_, begun)) = self.request {
            return self.wait(begun, now);
        }
        let Some((from, to)) = missing else {
            self.forget();
            return Told::Nothing;
        };
        let is_late = now.since(*self.since.get_or_insert(now)) >= PATIENCE;
        if is_late && !self.is_given_up {
            let asked = Asked { channel: self.channel, from, to };
            self.is_given_up = !asked.is_askable();
            self.client = None;
            self.request = (!self.is_given_up).then_some((asked, now));
        }
        Told::Nothing
    }

    fn wait(&mut self, begun: MonoNs, now: MonoNs) -> Told {
        let outcome = self.client.as_mut().and_then(|client| {
            client.on_time(now);
            client.take_outcome()
        });
        match outcome {
            Some(Ok(packets)) => {
                self.forget();
                Told::Packets(packets)
            }
            Some(Err(error)) => self.fail(error),
            None if now.since(begun) >= SLOW => {
                self.fail(ReplayError::Slow { had: 0, ms: SLOW.0 / 1_000_000 })
            }
            None => Told::Nothing,
        }
    }

    fn fail(&mut self, error: ReplayError) -> Told {
        (self.request, self.is_given_up, self.problem) = (None, true, Some(error));
        Told::Failed
    }

    pub fn connected(&mut self, now: MonoNs) {
        if let Some((asked, _)) = self.request {
            self.request_no = self.request_no.wrapping_add(1);
            self.client =
                Some(ReplayClient::connect(&self.login, asked, self.request_no, SLOW, now));
        }
    }

    pub fn disconnected(&mut self) {
        if let Some(client) = &mut self.client {
            client.closed();
        }
    }

    pub fn client(&mut self) -> Option<&mut ReplayClient> {
        self.client.as_mut()
    }

    pub fn outgoing(&self) -> &[u8] {
        self.client.as_ref().map_or(&[], ReplayClient::outgoing)
    }
}
