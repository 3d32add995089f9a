//! What a running process can be reached at, as the kernel says: every UDP socket and every TCP
//! listener that it has open.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};

/// State of a TCP socket that listens, in `/proc/net/tcp`.
const LISTENS: &str = "0A";

/// IPv4 sockets of a process.
#[derive(Debug, Default)]
pub struct Sockets {
    /// Local addresses of UDP sockets: of a multicast receiver the group.
    pub udp: Vec<SocketAddrV4>,
    /// Local addresses of TCP listeners.
    pub listeners: Vec<SocketAddrV4>,
}

impl Sockets {
    /// Those of process `pid`, which runs in this network namespace.
    pub fn of(pid: u32) -> Self {
        let inodes = inodes(pid);
        let mut all = Self::default();
        for row in rows(pid, "udp") {
            if inodes.contains(&row.inode) {
                all.udp.push(row.local);
            }
        }
        for row in rows(pid, "tcp") {
            if inodes.contains(&row.inode) && row.state == LISTENS {
                all.listeners.push(row.local);
            }
        }
        all
    }
}

/// Numbers of all sockets that the process has open.
fn inodes(pid: u32) -> BTreeSet<u64> {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let targets = open.filter_map(|entry| fs::read_link(entry.path()).ok());
    let inode = |target: std::path::PathBuf| {
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    };
    targets.filter_map(inode).collect()
}

struct Row {
    local: SocketAddrV4,
    state: String,
    inode: u64,
}

fn rows(pid: u32, protocol: &str) -> Vec<Row> {
    let text = fs::read_to_string(format!("/proc/{pid}/net/{protocol}")).unwrap_or_default();
    let row = |line: &str| {
        let words: Vec<_> = line.split_ascii_whitespace().collect();
        let (address, port) = words.get(1)?.split_once(':')?;
        // The address is shown as a number of this machine, the port as one of the network.
        let address = u32::from_str_radix(address, 16).ok()?.to_ne_bytes();
        let local = SocketAddrV4::new(Ipv4Addr::from(address), u16::from_str_radix(port, 16).ok()?);
        let (state, inode) = ((*words.get(3)?).to_owned(), words.get(9)?.parse().ok()?);
        Some(Row { local, state, inode })
    };
    text.lines().skip(1).filter_map(row).collect()
}
