//! A replica on sockets of its own: its lines all day, recovery groups and the query service while
//! they are needed.
//!
//! Where the hot port takes the feed's frames before any socket hears them, it copies them for the
//! replica; sockets then bring what the port's program passes on.
//!
//! Polled by `engine::recovering` on the cold side. A group that cannot be joined and a service
//! that cannot be reached are tried again after a while; the last reason is kept for who asks.

use super::super::lines::{self, Group, Lines};
use super::super::{StartError, mdp3, smdp};
use super::{Needs, Replica};
use crate::config::{Feed, Recovery};
use crate::port::tcp::{TcpPort, TcpSettings};
use crate::secret::Secret;
use std::time::{Duration, Instant};
use xmc_hotpath::counter::Counter;
use xmc_hotpath::feed::Channel;
use xmc_hotpath::port::copies::CopyReceiver;
use xmc_hotpath::port::{SendError, StreamPort, TxPort};
use xmc_hotpath::time::MonoNs;

/// How long connecting may hold up the other replicas.
const CONNECTING: Duration = Duration::from_millis(200);
/// Between two attempts to join or to connect.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(500);
/// Datagrams of each group between two looks at everything else.
const DATAGRAMS_PER_POLL: u32 = 64;
/// Bytes of the query service in one poll.
const READ_BYTES: usize = 1 << 16;

/// A replica and its sockets.
pub struct Served<'m> {
    feed: &'m Feed,
    replica: Box<dyn Replica + Send + 'm>,
    lines: Option<Lines<Group>>,
    /// What only the hot port hears.
    copies: Option<CopyReceiver>,
    definitions: Option<Lines<Group>>,
    snapshots: Option<Lines<Group>>,
    stream: Option<TcpPort>,
    buffer: Vec<u8>,
    next_attempt: Instant,
    problem: Option<StartError>,
    /// How often an interface of the feed was there anew, and how often that was seen.
    renewed: Option<(&'m Counter, u64)>,
}

impl<'m> Served<'m> {
    /// A replica of `feed`; its sockets are opened by the first poll.
    #[must_use]
    pub fn new(feed: &'m Feed, replica: Box<dyn Replica + Send + 'm>) -> Self {
        Self {
            feed,
            replica,
            lines: None,
            copies: None,
            definitions: None,
            snapshots: None,
            stream: None,
            buffer: vec![0; READ_BYTES],
            next_attempt: Instant::now(),
            problem: None,
            renewed: None,
        }
    }

    /// With copies of what its sockets cannot hear.
    #[must_use]
    pub fn with_copies(self, copies: Option<CopyReceiver>) -> Self {
        Self { copies, ..self }
    }

    /// Opens its groups anew each time that `renewed` has grown: an interface was made again.
    #[must_use]
    pub fn renewed_by(self, renewed: &'m Counter) -> Self {
        Self { renewed: Some((renewed, renewed.get())), ..self }
    }

    /// The feed.
    #[must_use]
    pub fn feed(&self) -> &Feed {
        self.feed
    }

    /// Its books and state.
    #[must_use]
    pub fn channel(&self) -> &Channel<'_> {
        self.replica.channel()
    }

    /// Why something could not be opened when it was last tried.
    #[must_use]
    pub fn problem(&self) -> Option<&StartError> {
        self.problem.as_ref()
    }

    /// Opens what is needed, takes what there is, and lets the replica do its work. Whether
    /// anything came.
    pub fn poll(&mut self, now: MonoNs) -> bool {
        self.open(now);
        let mut is_any = false;
        let Self { replica, lines, copies, definitions, snapshots, buffer, .. } = self;
        if let Some(copies) = copies {
            for _ in 0..DATAGRAMS_PER_POLL {
                let Some((line, len)) = copies.receive(buffer) else { break };
                replica.on_datagram(Group::Incremental(line), &buffer[..len], now);
                is_any = true;
            }
        }
        for lines in [lines, definitions, snapshots].into_iter().flatten() {
            for _ in 0..DATAGRAMS_PER_POLL {
                if !lines.poll(|group, payload| replica.on_datagram(group, payload, now)) {
                    break;
                }
                is_any = true;
            }
        }
        is_any |= self.exchange(now);
        self.replica.on_time(now);
        is_any
    }

    /// Opens and closes sockets as the replica needs them.
    fn open(&mut self, now: MonoNs) {
        let Needs { definitions, snapshots, connection } = self.replica.needs();
        if let Some((renewed, seen)) = &mut self.renewed
            && renewed.get() != *seen
        {
            *seen = renewed.get();
            (self.lines, self.definitions, self.snapshots) = (None, None, None);
            self.next_attempt = Instant::now();
        }
        if !definitions {
            self.definitions = None;
        }
        if !snapshots {
            self.snapshots = None;
        }
        if connection {
            self.stream = None;
        }
        let is_missing = self.lines.is_none()
            || (definitions && self.definitions.is_none())
            || (snapshots && self.snapshots.is_none())
            || connection;
        if !is_missing || Instant::now() < self.next_attempt {
            return;
        }
        if let Err(problem) = self.try_open(now) {
            self.problem = Some(problem);
            self.next_attempt = Instant::now() + BETWEEN_ATTEMPTS;
        }
    }

    fn try_open(&mut self, now: MonoNs) -> Result<(), StartError> {
        let Needs { definitions, snapshots, connection } = self.replica.needs();
        let feed = self.feed;
        if self.lines.is_none() {
            let groups = lines::incremental(feed);
            let groups = groups.map(|(line, key, group)| (Group::Incremental(line), key, group));
            self.lines = Some(Lines::join(feed, groups)?);
        }
        match &feed.recovery {
            Recovery::Loops(loops) => {
                for (group, keys, of, is_needed, joined) in [
                    (
                        Group::Definitions,
                        mdp3::DEFINITIONS,
                        &loops.definitions,
                        definitions,
                        &mut self.definitions,
                    ),
                    (
                        Group::Snapshots,
                        mdp3::SNAPSHOTS,
                        &loops.snapshots,
                        snapshots,
                        &mut self.snapshots,
                    ),
                ] {
                    if is_needed && joined.is_none() {
                        *joined = Some(Lines::join(feed, mdp3::groups(feed, group, keys, of)?)?);
                    }
                }
                if let Some(replay) = loops.replay.as_ref().filter(|_| connection) {
                    let settings = TcpSettings::default();
                    let stream =
                        TcpPort::connect(replay.address.into(), CONNECTING, &settings).map_err(
                            |source| StartError::Replay { feed: feed.name.value.clone(), source },
                        )?;
                    self.stream = Some(stream);
                    self.replica.connected(now, &Secret::default());
                }
            }
            Recovery::Query(query) if connection => {
                let settings = TcpSettings::default();
                let password = smdp::password(feed, query)?;
                let stream =
                    TcpPort::connect(query.address.into(), CONNECTING, &settings).map_err(
                        |source| StartError::Connect { feed: feed.name.value.clone(), source },
                    )?;
                self.stream = Some(stream);
                self.replica.connected(now, &password);
            }
            Recovery::Query(_) => {}
        }
        Ok(())
    }

    /// Moves bytes between the replica and the query service.
    fn exchange(&mut self, now: MonoNs) -> bool {
        let Some(stream) = &mut self.stream else { return false };
        let outgoing = self.replica.outgoing();
        let sent = if outgoing.is_empty() { Ok(()) } else { stream.send(outgoing) };
        let len = outgoing.len();
        match sent {
            Ok(()) => self.replica.written(len),
            Err(SendError::Busy) => {}
            Err(_) => {
                self.hang_up();
                return true;
            }
        }
        match stream.read(&mut self.buffer) {
            Ok(0) => false,
            Ok(len) => {
                self.replica.on_bytes(&self.buffer[..len], now);
                true
            }
            Err(_) => {
                self.hang_up();
                true
            }
        }
    }

    fn hang_up(&mut self) {
        self.stream = None;
        self.replica.disconnected();
        // A replay closes what it has answered, and the next question is asked at once.
        if self.replica.needs().connection {
            self.next_attempt = Instant::now() + BETWEEN_ATTEMPTS;
        }
    }
}
