//! Garbage for sockets: datagrams and connections that nobody asked for, from one seed, at a rate.
//!
//! For every port of venues and engine: under a barrage counters move, and nothing else does. What
//! is sent is random, or a message of the protocol that was damaged; the latter may by chance still
//! be a good one, so a test that counts refusals picks samples that no damage can mend.

use cross_market_connect::port::interface::InterfaceChoice;
use cross_market_connect::port::udp::{MulticastSender, Reach};
use fastrand::Rng;
use std::io::Write;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use xmc_hotpath::port::TxPort;

/// The longest random message; longer than any port takes, shorter than UDP's limit.
const LONGEST: usize = 4_000;
/// Lengths at which readers change their minds.
const EDGES: [usize; 12] = [0, 1, 4, 7, 8, 12, 63, 64, 65, 1_024, 1_025, 2_049];

/// An endless row of messages that mean nothing: the same for the same seed.
pub struct Garbage {
    random: Rng,
    samples: Vec<Vec<u8>>,
    message: Vec<u8>,
}

impl Garbage {
    /// Random bytes only.
    pub fn new(seed: u64) -> Self {
        Self { random: Rng::with_seed(seed), samples: Vec::new(), message: Vec::new() }
    }

    /// Half of it damaged messages of these.
    pub fn near(mut self, samples: Vec<Vec<u8>>) -> Self {
        assert!(samples.iter().all(|sample| !sample.is_empty()), "samples are of some length");
        self.samples = samples;
        self
    }

    /// The next message.
    pub fn message(&mut self) -> &[u8] {
        self.message.clear();
        if !self.samples.is_empty() && self.random.bool() {
            self.damage();
        } else {
            let len = match self.random.choice(EDGES) {
                Some(edge) if self.random.bool() => edge,
                _ => self.random.usize(..LONGEST),
            };
            match self.random.u8(..4) {
                0 => self.message.resize(len, 0),
                1 => self.message.resize(len, 0xff),
                _ => self.message.extend(std::iter::repeat_with(|| self.random.u8(..)).take(len)),
            }
        }
        &self.message
    }

    /// A sample that was cut, lengthened, mixed with another, or has wrong bits or bytes.
    fn damage(&mut self) {
        let Self { random, samples, message } = self;
        let mut pick = || random.choice(&*samples).expect("there are some").clone();
        let (sample, other) = (pick(), pick());
        message.extend(&sample);
        match random.u8(..5) {
            0 => message.truncate(random.usize(..sample.len())),
            1 => message.extend(std::iter::repeat_with(|| random.u8(..)).take(40)),
            2 => {
                message.truncate(random.usize(..sample.len()));
                message.extend(&other[random.usize(..other.len())..]);
            }
            3 => message[random.usize(..sample.len())] ^= 1 << random.u8(..8),
            _ => message[random.usize(..sample.len())..].fill(random.u8(..)),
        }
    }
}

/// Where garbage goes.
#[derive(Clone, Debug)]
pub enum Target {
    /// To a group, on an interface, for this host.
    Multicast(SocketAddrV4, InterfaceChoice),
    /// To a group, on an interface, for the other end of its cable.
    Link(SocketAddrV4, InterfaceChoice),
    /// To a socket, by datagrams.
    Udp(SocketAddr),
    /// To a listener, over connections that come, talk and go in every way there is.
    Tcp(SocketAddr),
}

/// What was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fired {
    /// Datagrams that left.
    pub datagrams: u64,
    /// Connections that were made.
    pub connections: u64,
    /// Bytes that went over them.
    pub streamed_bytes: u64,
    /// What could not be sent or connected; a target that is not there is no failure.
    pub refused: u64,
}

/// Garbage that is being sent.
pub struct Barrage {
    stop: Arc<AtomicBool>,
    gunner: JoinHandle<Fired>,
}

impl Barrage {
    /// Sends so many messages a second to the targets in turn, in bursts of a millisecond, until it
    /// is stopped.
    pub fn start(garbage: Garbage, targets: &[Target], per_second: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let guns: Vec<_> = targets.iter().map(Gun::aim).collect();
        let stopped = Arc::clone(&stop);
        let gunner = thread::spawn(move || fire(garbage, guns, per_second, &stopped));
        Self { stop, gunner }
    }

    /// Ends it and all of its connections.
    pub fn stop(self) -> Fired {
        self.stop.store(true, Ordering::Relaxed);
        self.gunner.join().expect("garbage is always sent")
    }
}

fn fire(mut garbage: Garbage, mut guns: Vec<Gun>, per_second: u32, stop: &AtomicBool) -> Fired {
    let mut fired = Fired::default();
    let (start, mut shots) = (Instant::now(), 0_u64);
    while !stop.load(Ordering::Relaxed) {
        let due = u64::try_from(start.elapsed().as_micros()).expect("a short test")
            * u64::from(per_second)
            / 1_000_000;
        // After a pause nothing is made up for: the rate is what the receiver is promised.
        shots = shots.max(due.saturating_sub(u64::from(per_second) / 100));
        while shots < due {
            let gun = usize::try_from(shots).expect("a short test") % guns.len();
            guns[gun].shoot(&mut garbage, &mut fired);
            shots += 1;
        }
        thread::sleep(Duration::from_millis(1));
    }
    fired
}

/// One target and what it takes to reach it.
enum Gun {
    Multicast(MulticastSender),
    Udp(UdpSocket, SocketAddr),
    Tcp { address: SocketAddr, open: Vec<TcpStream> },
}

impl Gun {
    /// Connections that are open at once.
    const OPEN: usize = 8;
    const PATIENCE: Duration = Duration::from_millis(200);

    fn aim(target: &Target) -> Self {
        match target {
            Target::Multicast(group, interface) => Self::sender(*group, interface, Reach::Host),
            Target::Link(group, interface) => Self::sender(*group, interface, Reach::Link),
            Target::Udp(address) => {
                let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
                let socket = UdpSocket::bind(any).expect("a free port");
                socket.set_nonblocking(true).expect("an option");
                Self::Udp(socket, *address)
            }
            Target::Tcp(address) => Self::Tcp { address: *address, open: Vec::new() },
        }
    }

    fn sender(group: SocketAddrV4, interface: &InterfaceChoice, reach: Reach) -> Self {
        let sender = MulticastSender::open(group, interface, reach);
        Self::Multicast(sender.expect("the interface is there"))
    }

    fn shoot(&mut self, garbage: &mut Garbage, fired: &mut Fired) {
        match self {
            Self::Multicast(sender) => count(sender.send(garbage.message()).is_ok(), fired),
            Self::Udp(socket, address) => {
                count(socket.send_to(garbage.message(), *address).is_ok(), fired);
            }
            Self::Tcp { address, open } => disturb(*address, open, garbage, fired),
        }
    }
}

fn count(has_left: bool, fired: &mut Fired) {
    let counted = if has_left { &mut fired.datagrams } else { &mut fired.refused };
    *counted += 1;
}

/// Makes a connection, or does something to one: talks, closes one way or both, or breaks it.
fn disturb(
    address: SocketAddr,
    open: &mut Vec<TcpStream>,
    garbage: &mut Garbage,
    fired: &mut Fired,
) {
    if open.len() < Gun::OPEN && garbage.random.u8(..4) == 0 {
        match TcpStream::connect_timeout(&address, Gun::PATIENCE) {
            Ok(stream) => {
                stream.set_nonblocking(true).expect("an option");
                open.push(stream);
                fired.connections += 1;
            }
            Err(_) => fired.refused += 1,
        }
    }
    if open.is_empty() {
        return;
    }
    let at = garbage.random.usize(..open.len());
    match garbage.random.u8(..16) {
        0 => drop(open.swap_remove(at)),
        1 => {
            let stream = open.swap_remove(at);
            let reset = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            reset.expect("an option");
        }
        2 => drop(open[at].shutdown(Shutdown::Write)),
        _ => match open[at].write(garbage.message()) {
            Ok(len) => fired.streamed_bytes += len as u64,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => fired.refused += 1,
            // The other side has had enough.
            Err(_) => drop(open.swap_remove(at)),
        },
    }
}
