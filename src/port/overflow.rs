//! Datagrams that the kernel dropped because a socket's receive buffer had no room.
//!
//! The kernel counts them for each socket and lists the counts in a file, which the cold side reads
//! now and then: hot cores make no system calls but those that send and receive.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

/// Where the kernel counts what it dropped of one UDP socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow {
    inode: u64,
}

impl Overflow {
    /// That of `socket`. It may then go to another thread.
    ///
    /// # Errors
    /// What the system says.
    pub fn of(socket: &impl AsFd) -> io::Result<Self> {
        let descriptor = socket.as_fd().try_clone_to_owned()?;
        Ok(Self { inode: File::from(descriptor).metadata()?.ino() })
    }

    /// Datagrams dropped since the socket was opened; `None` if the kernel does not list it. The
    /// calling thread is in the socket's network namespace.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn dropped(self) -> io::Result<Option<u64>> {
        // Of the thread: another one may be in another namespace.
        let table = fs::read_to_string("/proc/thread-self/net/udp")?;
        // The tenth column is the inode, the last one the drops (proc_pid_net(5)).
        let row = table.lines().skip(1).find(|row| {
            let inode = row.split_ascii_whitespace().nth(9);
            inode.and_then(|inode| inode.parse().ok()) == Some(self.inode)
        });
        Ok(row.and_then(|row| row.split_ascii_whitespace().last()?.parse().ok()))
    }
}
