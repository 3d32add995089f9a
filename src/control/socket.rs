//! Where requests come in: a Unix stream socket that its owner alone may use.
//!
//! One connection, one request, one answer: the other end writes, shuts its writing half, and reads
//! until the end. Requests are bounded in size and time, connections in number; when there are more
//! the oldest that has not said all it wants is dropped, so that nobody who holds connections open
//! keeps a kill out. Who connects is asked of the kernel: another user than ours or root is turned
//! away, whatever the modes of directories say.
//!
//! One thread serves all connections and none of them waits for another: what an answer takes is
//! waited for between looks. Not here: what is asked, and what is answered.

use super::text::MOST_BYTES;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::socket_peercred;
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

/// Connections at once.
const MOST_CONNECTIONS: usize = 8;
/// How long a request may take to come, and its answer to go.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks whether the engine stops, while nobody asks.
const LOOK: Duration = Duration::from_millis(50);
/// Between two looks whether an answer is there.
const SOON: Duration = Duration::from_millis(1);
/// Only the owner reads and writes.
const OWNER_ONLY: u32 = 0o600;

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The system.
    #[error("cannot {what} the control socket {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Something else lies there.
    #[error("{} is there and no socket: name another path in [control]", path.display())]
    Taken {
        /// Where.
        path: PathBuf,
    },
    /// Another engine has it.
    #[error(
        "somebody listens at {}: no two engines share a socket; name another path in [control]",
        path.display()
    )]
    InUse {
        /// Where.
        path: PathBuf,
    },
}

/// What is answered: at once, or by whoever has the other end.
#[derive(Debug)]
pub enum Reply {
    /// Now.
    Now(Vec<u8>),
    /// When it comes.
    Later(Receiver<Vec<u8>>),
}

/// What came of a connection before it was a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It was made by another user.
    Peer,
    /// The request was too long or too slow, or there were too many.
    Busy,
}

/// The socket.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and number of the file that it has made.
    file: (u64, u64),
    owner: u32,
    connections: Vec<Connection>,
}

#[derive(Debug)]
struct Connection {
    stream: UnixStream,
    until: Instant,
    state: State,
}

#[derive(Debug)]
enum State {
    Reading(Vec<u8>),
    Waiting(Receiver<Vec<u8>>),
    Writing(Vec<u8>),
    Done,
}

impl Socket {
    /// Listens at `path`. A socket that an engine has left there is taken away: whoever opens this
    /// has the desk's lease.
    ///
    /// # Errors
    /// See `SocketError`.
    pub fn open(path: &Path) -> Result<Self, SocketError> {
        let io = |what| move |source| SocketError::Io { what, path: path.to_owned(), source };
        match fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => {
                return Err(SocketError::Taken { path: path.to_owned() });
            }
            Ok(_) if UnixStream::connect(path).is_ok() => {
                return Err(SocketError::InUse { path: path.to_owned() });
            }
            Ok(_) => fs::remove_file(path).map_err(io("replace"))?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(io("look at")(error)),
        }
        let listener = UnixListener::bind(path).map_err(io("make"))?;
        // Until here others may have connected; the kernel says who they are.
        fs::set_permissions(path, Permissions::from_mode(OWNER_ONLY)).map_err(io("close"))?;
        listener.set_nonblocking(true).map_err(io("use"))?;
        let owner = rustix::process::geteuid().as_raw();
        let file = file_of(path).map_err(io("look at"))?;
        Ok(Self { listener, path: path.to_owned(), file, owner, connections: Vec::new() })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Serves what there is and comes back within a moment. `ask` answers whole requests, `refuse`
    /// what was not even read.
    ///
    /// # Errors
    /// The listener. Connections that fail are dropped.
    pub fn serve(
        &mut self,
        mut ask: impl FnMut(&[u8]) -> Reply,
        mut refuse: impl FnMut(&[u8], Unread) -> Vec<u8>,
    ) -> io::Result<()> {
        self.wait()?;
        // Whoever has said all is heard before room is made for others.
        self.advance(&mut ask, &mut refuse);
        self.accept(&mut refuse)?;
        self.advance(&mut ask, &mut refuse);
        Ok(())
    }

    fn advance(
        &mut self,
        ask: &mut impl FnMut(&[u8]) -> Reply,
        refuse: &mut impl FnMut(&[u8], Unread) -> Vec<u8>,
    ) {
        let now = Instant::now();
        for connection in &mut self.connections {
            connection.advance(now, ask, refuse);
        }
        self.connections.retain(|connection| !matches!(connection.state, State::Done));
    }

    /// Until something can be done, or it is time to look.
    fn wait(&self) -> io::Result<()> {
        let mut ready = vec![PollFd::new(&self.listener, PollFlags::IN)];
        let mut patience = LOOK;
        for connection in &self.connections {
            match connection.state {
                State::Reading(_) => ready.push(PollFd::new(&connection.stream, PollFlags::IN)),
                State::Writing(_) => ready.push(PollFd::new(&connection.stream, PollFlags::OUT)),
                State::Waiting(_) | State::Done => patience = SOON,
            }
        }
        let nanos = i64::from(patience.subsec_nanos());
        let timeout = Timespec { tv_sec: 0, tv_nsec: nanos };
        match poll(&mut ready, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn accept(&mut self, refuse: &mut impl FnMut(&[u8], Unread) -> Vec<u8>) -> io::Result<()> {
        // No more than there is room for: what goes on connecting is served next time.
        for _ in 0..MOST_CONNECTIONS {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // The other end has gone, or the process has no descriptors left for now.
                Err(_) => return Ok(()),
            };
            if stream.set_nonblocking(true).is_err() {
                continue;
            }
            if self.connections.len() >= MOST_CONNECTIONS && !self.drop_oldest(refuse) {
                continue;
            }
            let peer = socket_peercred(&stream).map(|peer| peer.uid.as_raw());
            let is_ours = peer.is_ok_and(|uid| uid == self.owner || uid == 0);
            let state = if is_ours {
                State::Reading(Vec::new())
            } else {
                State::Writing(refuse(&[], Unread::Peer))
            };
            self.connections.push(Connection { stream, until: Instant::now() + PATIENCE, state });
        }
        Ok(())
    }

    /// Drops the connection that has been reading for the longest; `false` if there is none.
    fn drop_oldest(&mut self, refuse: &mut impl FnMut(&[u8], Unread) -> Vec<u8>) -> bool {
        let is_reading = |one: &Connection| matches!(one.state, State::Reading(_));
        let Some(oldest) = self.connections.iter().position(is_reading) else { return false };
        let mut dropped = self.connections.remove(oldest);
        if let State::Reading(read) = &dropped.state {
            let _ = dropped.stream.write(&refuse(read, Unread::Busy));
        }
        true
    }
}

fn file_of(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

impl Drop for Socket {
    fn drop(&mut self) {
        // A socket that stays is taken away by the next start; one of somebody else stays.
        if file_of(&self.path).is_ok_and(|found| found == self.file) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Connection {
    fn advance(
        &mut self,
        now: Instant,
        ask: &mut impl FnMut(&[u8]) -> Reply,
        refuse: &mut impl FnMut(&[u8], Unread) -> Vec<u8>,
    ) {
        let is_late = now >= self.until;
        let next = match std::mem::replace(&mut self.state, State::Done) {
            State::Reading(mut read) => match take(&mut self.stream, &mut read) {
                Taken::All => Some(self.asked(ask(&read))),
                Taken::Part if is_late => Some(State::Writing(refuse(&read, Unread::Busy))),
                Taken::Part => Some(State::Reading(read)),
                Taken::TooMuch => Some(State::Writing(refuse(&read, Unread::Busy))),
                Taken::Nothing => None,
            },
            State::Waiting(answer) => match answer.try_recv() {
                Ok(bytes) => Some(self.asked(Reply::Now(bytes))),
                Err(TryRecvError::Empty) => Some(State::Waiting(answer)),
                Err(TryRecvError::Disconnected) => None,
            },
            State::Writing(bytes) => Some(State::Writing(bytes)),
            State::Done => None,
        };
        self.state = match next {
            Some(State::Writing(bytes)) => match give(&mut self.stream, bytes) {
                Some(rest) if !rest.is_empty() && !is_late => State::Writing(rest),
                _ => State::Done,
            },
            Some(state) => state,
            None => State::Done,
        };
    }

    fn asked(&mut self, reply: Reply) -> State {
        match reply {
            Reply::Now(bytes) => {
                self.until = Instant::now() + PATIENCE;
                State::Writing(bytes)
            }
            Reply::Later(answer) => State::Waiting(answer),
        }
    }
}

enum Taken {
    All,
    Part,
    TooMuch,
    Nothing,
}

/// Reads what is there.
fn take(stream: &mut UnixStream, read: &mut Vec<u8>) -> Taken {
    let mut buffer = [0; 1_024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) if read.is_empty() => return Taken::Nothing,
            Ok(0) => return Taken::All,
            Ok(count) => read.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Taken::Part,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Taken::Nothing,
        }
        if read.len() > MOST_BYTES {
            return Taken::TooMuch;
        }
    }
}

/// Writes what goes; the rest, or `None` if the other end has gone.
fn give(stream: &mut UnixStream, bytes: Vec<u8>) -> Option<Vec<u8>> {
    match stream.write(&bytes) {
        Ok(count) => Some(bytes[count..].to_vec()),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Some(bytes),
        Err(error) if error.kind() == ErrorKind::Interrupted => Some(bytes),
        Err(_) => None,
    }
}
