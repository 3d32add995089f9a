//! The venue's end: sends market packets, reads orders off the wire, answers them with paper fills.

use super::market::{ACCOUNT_INDEX, ACCOUNT_NO, GROUPS, REQUESTS_PORT, UDP_AUTH_CODE, far_address};
use super::{CABLES, Place, Way};
use crate::cli::CliError;
use crate::clock::EngineClock;
use crate::port::interface::InterfaceChoice;
use crate::port::tcp::{Listener, TcpPort, TcpSettings};
use crate::port::udp::{MulticastSender, Reach};
use crate::port::xdp::requests::XdpRequests;
use crate::port::xdp::send::XdpSender;
use crate::venue::cme::mdp3::tape::Tape;
use crate::venue::cme::paper::PaperExchange;
use crate::venue::digest::OrderDigest;
use crate::venue::esunny::dstar::paper::{PaperAccount, PaperCounter};
use std::net::{SocketAddr, SocketAddrV4};
use std::time::{Duration, Instant};
use xmc_hotpath::port::{Line, RxPort, SendError, StreamPort, TxPort};
use xmc_hotpath::time::{Clock, MonoNs};
use xmc_hotpath::venue::cme::ilink3::decode::{self, Request};

/// How long the engine's connection may take to come.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes that are read at once.
const READ_BYTES: usize = 1 << 12;

/// One line's way out.
enum Out {
    Socket(MulticastSender),
    PastKernel(Box<XdpSender>),
}

impl Out {
    fn open(way: Way, row: usize) -> Result<Self, CliError> {
        let name = if way == Way::Loopback { "lo" } else { CABLES[row].far.0 };
        let on: InterfaceChoice = name.parse().expect("it is a name");
        Ok(if way.is_past_kernel() {
            let sender = XdpSender::open(GROUPS[row], &on, 0).map_err(CliError::could_not_run)?;
            Self::PastKernel(Box::new(sender))
        } else {
            let reach = if way == Way::Loopback { Reach::Host } else { Reach::Link };
            let sender = MulticastSender::open(GROUPS[row], &on, reach);
            Self::Socket(sender.map_err(CliError::could_not_run)?)
        })
    }

    #[inline]
    fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        match self {
            Self::Socket(sender) => sender.send(message),
            Self::PastKernel(sender) => sender.send(message),
        }
    }
}

/// How orders come, and who answers them.
#[derive(Debug)]
enum Orders {
    /// iLink 3 on one connection.
    Stream {
        exchange: Box<PaperExchange>,
        /// What has come, to the end of the last whole frame.
        inbox: Vec<u8>,
        /// How far it was looked through.
        seen: usize,
    },
    /// DSTAR: datagrams past the kernel, answered on the connection.
    Datagrams {
        counter: PaperCounter,
        requests: XdpRequests,
        /// What has come and is not answered.
        inbox: Vec<u8>,
        /// The length of each datagram in it.
        lens: Vec<usize>,
    },
}

/// New orders that came at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrived {
    pub orders: u64,
    /// When the call that read them had returned.
    pub at: MonoNs,
}

/// What waits for the engine to connect.
pub(super) struct Opening {
    lines: [Out; 2],
    listener: Listener,
    orders: Orders,
}

impl Opening {
    /// Opens the venue's sockets of a way, at its place.
    pub fn at(way: Way, place: &Place<'_>) -> Result<Self, CliError> {
        match place {
            Place::Loopback => Self::here(way),
            Place::Apart(beside) => {
                beside.within(|_| Self::here(way)).map_err(CliError::could_not_run)?
            }
        }
    }

    fn here(way: Way) -> Result<Self, CliError> {
        let address = SocketAddr::from((far_address(way), 0));
        let listener = Listener::open(address, TcpSettings::default());
        let orders = if way == Way::PastKernelBoth {
            let target = SocketAddrV4::new(far_address(way), REQUESTS_PORT);
            let on = CABLES[2].far.0.parse().expect("it is a name");
            let requests = XdpRequests::open(target, &on).map_err(CliError::could_not_run)?;
            let account = PaperAccount {
                index: ACCOUNT_INDEX,
                number: ACCOUNT_NO.to_owned(),
                udp_auth_code: UDP_AUTH_CODE,
            };
            let counter = PaperCounter::new(account);
            let (inbox, lens) = (Vec::with_capacity(READ_BYTES), Vec::with_capacity(READ_BYTES));
            Orders::Datagrams { counter, requests, inbox, lens }
        } else {
            let inbox = Vec::with_capacity(READ_BYTES);
            Orders::Stream { exchange: Box::new(PaperExchange::new(1)), inbox, seen: 0 }
        };
        Ok(Self {
            lines: [Out::open(way, 0)?, Out::open(way, 1)?],
            listener: listener.map_err(CliError::could_not_run)?,
            orders,
        })
    }

    /// Where the engine connects to.
    pub fn address(&self) -> Result<SocketAddr, CliError> {
        self.listener.address().map_err(CliError::could_not_run)
    }

    /// Takes the connection.
    pub fn accept(mut self) -> Result<Far, CliError> {
        let start = Instant::now();
        loop {
            if let Some((connection, _)) = self.listener.accept() {
                let Self { lines, orders, .. } = self;
                return Ok(Far { lines, orders, connection, buffer: vec![0; READ_BYTES] });
            }
            if start.elapsed() > PATIENCE {
                return Err(CliError::could_not_run("the engine's end did not connect in 5 s"));
            }
        }
    }
}

/// The venue's end, connected.
pub(super) struct Far {
    lines: [Out; 2],
    orders: Orders,
    connection: TcpPort,
    buffer: Vec<u8>,
}

impl Far {
    /// Sends the next packet of the tape, and says when it began to.
    pub fn send(
        &mut self,
        tape: &mut Tape<EngineClock>,
        clock: &EngineClock,
    ) -> Result<MonoNs, CliError> {
        tape.admit();
        let lent = tape.peek().expect("one was just admitted");
        let line = match lent.line {
            Line::A => &mut self.lines[0],
            Line::B => &mut self.lines[1],
        };
        let began = clock.now();
        // A cable that has no room has it when the kernel has gone on.
        while let Err(error) = line.send(lent.payload) {
            if error != SendError::Busy {
                return Err(CliError::could_not_run("the market packet could not be sent"));
            }
        }
        tape.release();
        Ok(began)
    }

    /// Reads what has come with one call, and says which new orders were in it. They are answered
    /// by `answer`: nothing of the venue's own work is between two reads.
    #[inline]
    pub fn read(&mut self, clock: &EngineClock) -> Result<Option<Arrived>, CliError> {
        let (orders, at) = match &mut self.orders {
            Orders::Stream { inbox, seen, .. } => {
                let len = self.connection.read(&mut self.buffer).map_err(gone)?;
                if len == 0 {
                    return Ok(None);
                }
                let at = clock.now();
                inbox.extend_from_slice(&self.buffer[..len]);
                (new_orders(inbox, seen), at)
            }
            Orders::Datagrams { requests, inbox, lens, .. } => {
                let take = |datagram: &[u8]| {
                    let at = clock.now();
                    inbox.extend_from_slice(datagram);
                    lens.push(datagram.len());
                    (PaperCounter::new_orders(datagram), at)
                };
                let Some(taken) = requests.receive(take) else { return Ok(None) };
                taken
            }
        };
        Ok((orders > 0).then_some(Arrived { orders, at }))
    }

    /// Answers all that has come.
    pub fn answer(&mut self) -> Result<(), CliError> {
        let connection = &mut self.connection;
        match &mut self.orders {
            Orders::Stream { exchange, inbox, seen } => {
                hand_over(exchange, inbox);
                *seen = 0;
                loop {
                    let len = exchange.read(&mut self.buffer).map_err(gone)?;
                    if len == 0 {
                        return Ok(());
                    }
                    connection.send(&self.buffer[..len]).map_err(gone)?;
                }
            }
            Orders::Datagrams { counter, inbox, lens, .. } => {
                let mut rest = &inbox[..];
                for len in lens.drain(..) {
                    let (datagram, after) = rest.split_at(len);
                    counter.on_datagram(datagram);
                    rest = after;
                }
                inbox.clear();
                loop {
                    let len = connection.read(&mut self.buffer).map_err(gone)?;
                    if len == 0 {
                        break;
                    }
                    counter.on_stream(&self.buffer[..len]);
                }
                let replies = counter.take_replies();
                if replies.is_empty() { Ok(()) } else { connection.send(&replies).map_err(gone) }
            }
        }
    }

    /// The orders as they were read off the wire.
    pub fn orders(&self) -> OrderDigest {
        match &self.orders {
            Orders::Stream { exchange, .. } => exchange.orders(),
            Orders::Datagrams { counter, .. } => counter.orders(),
        }
    }
}

fn gone(error: SendError) -> CliError {
    let what = "the engine's end closed the order session, or takes no answer";
    CliError::could_not_run(format!("{what} ({error:?})"))
}

/// New orders in what follows `seen`, which goes on to the end of the last whole frame.
fn new_orders(inbox: &[u8], seen: &mut usize) -> u64 {
    let mut orders = 0;
    while let Ok(Some((frame, after))) = decode::frame(&inbox[*seen..]) {
        orders += u64::from(matches!(decode::request(&frame), Ok(Some(Request::New(_)))));
        *seen = inbox.len() - after.len();
    }
    orders
}

/// Hands whole frames over.
fn hand_over(exchange: &mut PaperExchange, inbox: &mut Vec<u8>) {
    let mut rest = &inbox[..];
    while let Ok(Some((_, after))) = decode::frame(rest)
        && exchange.send(&rest[..rest.len() - after.len()]).is_ok()
    {
        rest = after;
    }
    let read = inbox.len() - rest.len();
    inbox.drain(..read);
}
