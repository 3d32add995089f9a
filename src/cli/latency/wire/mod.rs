//! `xmc latency --wire`: from a market packet that leaves a venue to the orders that reach it.
//!
//! The venue's end and the engine have a core and a network namespace each, and cables (veth)
//! between them: one for each line of the feed and one for orders. The venue's end sends a packet
//! of the tape, spins until the orders of its fire are there, answers them with paper fills over
//! the wire, waits until the engine has nothing left to do, and sends the next. The engine is the
//! whole hot path on one core with the ports that trade: feed, desk with every gate, gateway,
//! record.
//!
//! A sample begins before the call that sends the market packet and ends when the call that read
//! the order has returned, both on the venue's core: the venue's own sending and reading are in it,
//! its work on orders is not. Where the engine goes past the kernel both ways, so does the venue.
//! Ways that are compared take turns.

mod far;
mod market;
mod near;
mod report;

use super::Args;
use super::host::{Cores, Machine};
use super::market::Market;
use super::steps::Steps;
use crate::cli::{CliError, Exit, Report};
use crate::engine::latency::Latencies;
use crate::percentiles;
use crate::port::namespace::{self, Beside, Namespace};
use crate::port::xdp::bpf::Redirect;
use crate::port::xdp::host::Host;
use std::path::Path;
use std::time::Duration;

/// Fires of each way without a wish.
const FIRES: u64 = 20_000;

/// How packets come and orders leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Sockets and TCP over loopback.
    Loopback,
    /// Sockets and TCP over the cables.
    Sockets,
    /// AF_XDP in, TCP out.
    PastKernel,
    /// AF_XDP in, a datagram by AF_XDP out.
    PastKernelBoth,
}

impl Way {
    const ALL: [Self; 4] = [Self::Loopback, Self::Sockets, Self::PastKernel, Self::PastKernelBoth];

    /// For reports.
    fn name(self) -> &'static str {
        match self {
            Self::Loopback => "loopback: socket in, TCP out",
            Self::Sockets => "cable: socket in, TCP out",
            Self::PastKernel => "cable: AF_XDP in, TCP out",
            Self::PastKernelBoth => "cable: AF_XDP in, AF_XDP out",
        }
    }

    /// For names of files and JSON.
    fn word(self) -> &'static str {
        match self {
            Self::Loopback => "loopback_socket_tcp",
            Self::Sockets => "cable_socket_tcp",
            Self::PastKernel => "cable_xdp_tcp",
            Self::PastKernelBoth => "cable_xdp_xdp",
        }
    }

    /// What the first order is to come in, nanoseconds; `None`: nothing is asked of this way.
    fn target_ns(self) -> Option<u64> {
        match self {
            Self::Loopback | Self::Sockets => None,
            Self::PastKernel => Some(6_000),
            Self::PastKernelBoth => Some(4_000),
        }
    }

    fn is_past_kernel(self) -> bool {
        matches!(self, Self::PastKernel | Self::PastKernelBoth)
    }
}

/// What one way gave, over all its turns.
#[derive(Clone, Debug)]
struct Measured {
    way: Way,
    /// To the first order of a fire, and to its last one.
    first: Latencies,
    last: Latencies,
    /// The same of those that no gap of the host fell into.
    first_undisturbed: Latencies,
    last_undisturbed: Latencies,
    /// In the engine: from the receipt of the packet to the return of the call that sent the last
    /// order.
    inside: Latencies,
    /// The same by stages.
    steps: Steps,
    /// Market packets sent, both lines.
    packets: u64,
    /// Fires of which an order did not come.
    torn: u64,
    /// Turns of either loop that the host interrupted, and how long in all, nanoseconds.
    gaps: u64,
    gap_sum_ns: u64,
    /// The longest.
    gap_max_ns: u64,
    measured_ns: u64,
    allocations: u64,
    frames_equal_record: bool,
}

impl Measured {
    fn nothing(way: Way) -> Self {
        Self {
            way,
            first: Latencies::new(),
            last: Latencies::new(),
            first_undisturbed: Latencies::new(),
            last_undisturbed: Latencies::new(),
            inside: Latencies::new(),
            steps: Steps::default(),
            packets: 0,
            torn: 0,
            gaps: 0,
            gap_sum_ns: 0,
            gap_max_ns: 0,
            measured_ns: 0,
            allocations: 0,
            frames_equal_record: true,
        }
    }

    /// Takes another turn in.
    fn add(&mut self, turn: &Self) {
        self.first.add(&turn.first);
        self.last.add(&turn.last);
        self.first_undisturbed.add(&turn.first_undisturbed);
        self.last_undisturbed.add(&turn.last_undisturbed);
        self.inside.add(&turn.inside);
        self.steps.add(&turn.steps);
        self.packets += turn.packets;
        self.torn += turn.torn;
        self.gaps += turn.gaps;
        self.gap_sum_ns += turn.gap_sum_ns;
        self.gap_max_ns = self.gap_max_ns.max(turn.gap_max_ns);
        self.measured_ns += turn.measured_ns;
        self.allocations += turn.allocations;
        self.frames_equal_record &= turn.frames_equal_record;
    }
}

/// Where the two ends are.
enum Place<'p> {
    /// On one loopback.
    Loopback,
    /// At the two ends of the cables.
    Apart(&'p Beside),
}

/// A cable: the engine's interface and address, the venue's interface and address.
struct Cable {
    near: (&'static str, &'static str),
    far: (&'static str, &'static str),
}

/// One for line A, one for line B, one for orders.
const CABLES: [Cable; 3] = [
    Cable { near: ("near0", "10.78.0.1"), far: ("far0", "10.78.0.2") },
    Cable { near: ("near1", "10.78.1.1"), far: ("far1", "10.78.1.2") },
    Cable { near: ("near2", "10.78.2.1"), far: ("far2", "10.78.2.2") },
];

/// Measures every way that this host gives.
pub(super) fn run(args: &Args, out: &mut Report<'_>) -> Result<Exit, CliError> {
    let market = super::market::load(args.capture.as_deref(), args.spreads)?;
    let cores = super::host::cores(args.cores.as_deref())?;
    if cores.desk == cores.other {
        return Err(CliError::could_not_run(
            "venue and engine need a core each, and this process may use one: widen its affinity \
             mask, or measure without --wire",
        ));
    }
    let (measured, not_measured) = match namespace::within(|here| apart(args, &market, cores, here))
    {
        Ok(done) => done?,
        Err(error) => alone(args, &market, cores, &error)?,
    };
    if let Some(directory) = &args.out {
        keep(directory, &measured)?;
    }
    let machine = Machine::here(crate::clock::EngineClock::start().source().word());
    let report = report::Wire::new(&market, cores, machine, args.rounds, measured, not_measured);
    if out.is_json() {
        out.json("xmc.latency.wire", 1, &report)?;
    } else {
        report.write(out)?;
    }
    Ok(report.exit())
}

type Found = (Vec<Measured>, Vec<String>);

/// Loopback alone, and why.
fn alone(
    args: &Args,
    market: &Market,
    cores: Cores,
    error: &dyn std::error::Error,
) -> Result<Found, CliError> {
    let turns = turns(args, market, cores, &[Way::Loopback], &Place::Loopback)?;
    Ok((turns, vec![format!("no cable is measured: {error}")]))
}

/// Lays the cables and lets all ways take turns, loopback among them.
fn apart(args: &Args, market: &Market, cores: Cores, here: &Namespace) -> Result<Found, CliError> {
    let beside = here.beside().map_err(CliError::could_not_run)?;
    for Cable { near, far } in CABLES {
        let [at, peer] = [near.1, far.1].map(|address| format!("{address}/24"));
        if let Err(error) = here.cable(&beside, (near.0, &at), (far.0, &peer), 1) {
            return alone(args, market, cores, &error);
        }
    }
    let mut obstacles = Host::here().obstacles();
    // The root of a user namespace has every capability there, and bpf(2) still refuses.
    if obstacles.is_empty()
        && let Err(error) = Redirect::load(&[&[]], 1)
    {
        obstacles.push(error.to_string());
    }
    let ways: Vec<_> =
        Way::ALL.into_iter().filter(|way| obstacles.is_empty() || !way.is_past_kernel()).collect();
    let without: Vec<_> = match obstacles.as_slice() {
        [] => Vec::new(),
        some => vec![format!("AF_XDP is not measured: {}", some.join(", "))],
    };
    Ok((turns(args, market, cores, &ways, &Place::Apart(&beside))?, without))
}

/// All ways in turn, as many rounds as are asked for.
fn turns(
    args: &Args,
    market: &Market,
    cores: Cores,
    ways: &[Way],
    place: &Place<'_>,
) -> Result<Vec<Measured>, CliError> {
    let mut measured: Vec<_> = ways.iter().copied().map(Measured::nothing).collect();
    let fires = args.decisions.unwrap_or(FIRES).div_ceil(u64::from(args.rounds));
    for _ in 0..args.rounds {
        for sum in &mut measured {
            let place = match (sum.way, place) {
                (Way::Loopback, _) | (_, Place::Loopback) => &Place::Loopback,
                (_, apart @ Place::Apart(_)) => apart,
            };
            sum.add(&near::turn(sum.way, market, cores, place, fires)?);
        }
    }
    Ok(measured)
}

/// Writes the distributions of all ways.
fn keep(directory: &Path, measured: &[Measured]) -> Result<(), CliError> {
    std::fs::create_dir_all(directory).map_err(CliError::could_not_run)?;
    for one in measured {
        let took = Duration::from_nanos(one.measured_ns);
        for (name, latencies) in [
            ("first", &one.first),
            ("last", &one.last),
            ("first_undisturbed", &one.first_undisturbed),
            ("last_undisturbed", &one.last_undisturbed),
        ] {
            let path = directory.join(format!("wire_{}_{name}", one.way.word()));
            percentiles::keep(latencies.histogram(), &path, took)
                .map_err(CliError::could_not_run)?;
        }
    }
    Ok(())
}
