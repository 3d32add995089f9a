//! A bad way from the engine to the domestic counter: datagrams that are lost, doubled, or joined
//! to one, in turn.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The address of this host that stands for the far end of the way.
pub const FRONT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// How long a datagram waits for others that it can be joined to.
const GATHERING: Duration = Duration::from_millis(3);
/// The vendor's limit.
const MOST_BYTES: usize = 1_024;

/// What has happened on the way.
#[derive(Debug, Default)]
pub struct Counts {
    pub came: AtomicU64,
    pub lost: AtomicU64,
    pub doubled: AtomicU64,
    pub joined: AtomicU64,
}

/// The way; it ends when this goes.
pub struct Relay {
    pub counts: Arc<Counts>,
    /// Nothing arrives any more.
    pub is_cut: Arc<AtomicBool>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// To the counter that takes requests at `back`. Every `lost`-th datagram is lost and every
    /// `doubled`-th comes twice; 0: none.
    pub fn open(back: SocketAddrV4, lost: u64, doubled: u64) -> Self {
        let front = UdpSocket::bind(SocketAddrV4::new(FRONT, back.port())).expect("it is free");
        front.set_read_timeout(Some(GATHERING)).expect("an option");
        let out = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let (is_cut, is_over) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let counts = Arc::<Counts>::default();
        let (counted, cut, over) = (Arc::clone(&counts), Arc::clone(&is_cut), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; MOST_BYTES];
            while !over.load(Ordering::Relaxed) {
                let mut messages: Vec<Vec<u8>> = Vec::new();
                let since = Instant::now();
                while since.elapsed() < GATHERING {
                    let Ok(len) = front.recv(&mut buffer) else { break };
                    let number = counted.came.fetch_add(1, Ordering::Relaxed) + 1;
                    let is_lost = lost > 0 && number % lost == 0;
                    if is_lost || cut.load(Ordering::Relaxed) {
                        counted.lost.fetch_add(1, Ordering::Relaxed);
                        continue;
                    }
                    messages.push(buffer[..len].to_vec());
                    if doubled > 0 && number % doubled == 0 {
                        counted.doubled.fetch_add(1, Ordering::Relaxed);
                        messages.push(buffer[..len].to_vec());
                    }
                }
                let mut datagram = Vec::new();
                for message in messages {
                    if datagram.len() + message.len() > MOST_BYTES {
                        let _ = out.send_to(&datagram, back);
                        datagram.clear();
                    }
                    counted.joined.fetch_add(u64::from(!datagram.is_empty()), Ordering::Relaxed);
                    datagram.extend(message);
                }
                if !datagram.is_empty() {
                    let _ = out.send_to(&datagram, back);
                }
            }
        });
        Self { counts, is_cut, is_over, thread: Some(thread) }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
