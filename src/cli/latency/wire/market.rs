//! The configuration of one turn: the latency run's own, with ports that lead out of the process.

use super::{CABLES, Way};
use crate::cli::CliError;
use crate::cli::latency::market::{Market, Outside};
use crate::config::Configuration;
use std::net::{Ipv4Addr, SocketAddrV4};

/// Where the two lines are sent.
pub(super) const GROUPS: [SocketAddrV4; 2] = [
    SocketAddrV4::new(Ipv4Addr::new(239, 78, 0, 1), 30_001),
    SocketAddrV4::new(Ipv4Addr::new(239, 78, 0, 2), 30_002),
];

/// The account at the paper counter.
pub(super) const ACCOUNT_NO: &str = "PAPER";
pub(super) const ACCOUNT_INDEX: u16 = 0;
/// What its requests carry.
pub(super) const UDP_AUTH_CODE: u32 = 0x51AE_0001;
/// Where the paper counter takes requests.
pub(super) const REQUESTS_PORT: u16 = 30_010;

/// The venue's address for orders.
pub(super) fn far_address(way: Way) -> Ipv4Addr {
    match way {
        Way::Loopback => Ipv4Addr::LOCALHOST,
        Way::Sockets | Way::PastKernel | Way::PastKernelBoth => {
            CABLES[2].far.1.parse().expect("it is an address")
        }
    }
}

/// The configuration of a turn.
pub(super) fn configuration(market: &Market, way: Way) -> Result<Configuration, CliError> {
    let [a, b] = match way {
        Way::Loopback => ["lo", "lo"],
        Way::Sockets | Way::PastKernel | Way::PastKernelBoth => {
            [CABLES[0].near.0, CABLES[1].near.0]
        }
    };
    let counter = (way == Way::PastKernelBoth).then(|| {
        let far = far_address(way);
        format!(
            "request_address = \"{far}:{REQUESTS_PORT}\"\nanswer_address = \"{far}:1\"\n\
             request_port = \"xdp\"\nrequest_interface = \"{}\"\naccount_no = \"{ACCOUNT_NO}\"\n\
             password_credential = \"none\"\n",
            CABLES[2].near.0
        )
    });
    let outside = Outside {
        lines: [(GROUPS[0], a), (GROUPS[1], b)],
        is_past_kernel: way.is_past_kernel(),
        counter,
    };
    market.outside(&outside)
}
