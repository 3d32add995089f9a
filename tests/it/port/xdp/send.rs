//! Datagrams that leave by AF_XDP, as the kernel of the other end receives them: it verifies their
//! checksums, and drops what is wrong.

use super::{A, NATIVE, attached, beside, cabled, eventually, named, next};
use crate::netns::{Beside, Namespace};
use cross_market_connect::port::udp::{JoinedSocket, LineSettings, ReceiveSettings};
use cross_market_connect::port::xdp::XdpError;
use cross_market_connect::port::xdp::frame::MAX_PAYLOAD_BYTES;
use cross_market_connect::port::xdp::send::{XdpSender, next_host};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::time::Duration;
use xmc_hotpath::port::{Line, SendError, TxPort};

/// A socket at the far end, and a neighbour whose link address is known.
fn listener(beside: &Beside) -> (UdpSocket, SocketAddrV4) {
    let far = SocketAddrV4::new(Ipv4Addr::new(10, 78, 1, 2), 0);
    let socket = beside.within(|_| UdpSocket::bind(far).expect("a free port"));
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("an option");
    let SocketAddr::V4(address) = socket.local_addr().expect("bound") else { unreachable!() };
    // The kernel asks for the link address of whom it sends something.
    let near = UdpSocket::bind("10.78.1.1:0").expect("a free port");
    near.send_to(b"who is there?", address).expect("the cable is plugged");
    let mut buffer = [0; 64];
    socket.recv(&mut buffer).expect("it came");
    (socket, address)
}

fn opened(target: SocketAddrV4) -> XdpSender {
    XdpSender::open(target, &named("near0"), 0).unwrap_or_else(|error| panic!("{error}"))
}

/// Sends when there is room.
fn sent(sender: &mut XdpSender, message: &[u8]) {
    eventually("room", || match sender.send(message) {
        Ok(()) => Some(()),
        Err(SendError::Busy) => None,
        Err(error) => panic!("{error:?}"),
    });
}

#[test]
fn datagrams_of_every_length_arrive_whole_and_in_order() {
    cabled(1, |_, beside| {
        let (socket, address) = listener(beside);
        let mut sender = opened(address);
        let mut buffer = [0; 2_048];
        let lens = (0..300_usize).chain([1_000, 1_471, MAX_PAYLOAD_BYTES]);
        for (number, len) in lens.enumerate() {
            let payload: Vec<u8> = (0..len).map(|at| (at ^ number) as u8).collect();
            sent(&mut sender, &payload);
            let (got, from) = socket.recv_from(&mut buffer).expect("it arrives");
            assert!(buffer[..got] == payload, "{len} bytes");
            assert_eq!(from.ip(), Ipv4Addr::new(10, 78, 1, 1));
        }
        let counters = sender.counters();
        assert_eq!((counters.oversize.get(), counters.stray.get()), (0, 0));
    });
}

/// Many more than there are frames: each comes back, and nothing stalls.
#[test]
fn frames_come_back_for_as_long_as_it_sends() {
    cabled(1, |_, beside| {
        let (socket, address) = listener(beside);
        let mut sender = opened(address);
        let mut buffer = [0; 64];
        for number in 0_u32..5_000 {
            sent(&mut sender, &number.to_le_bytes());
            // Within what the receive buffer holds.
            if number % 50 == 49 {
                for expected in number - 49..=number {
                    let len = socket.recv(&mut buffer).expect("it arrives");
                    assert_eq!(buffer[..len], expected.to_le_bytes());
                }
            }
        }
        assert_eq!(sender.counters().stray.get(), 0);
    });
}

#[test]
fn a_group_is_sent_to_without_asking_anybody() {
    cabled(1, |_, beside| {
        let line = LineSettings { group: A, source: None, interface: named("far0") };
        let socket =
            beside.within(|_| JoinedSocket::open(&line, &ReceiveSettings::default()).unwrap());
        let mut sender = opened(A);
        sent(&mut sender, b"to all");
        let mut buffer = [0; 16];
        let len = eventually("the datagram", || socket.receive(&mut buffer).ok());
        assert_eq!(&buffer[..len], b"to all");
    });
}

#[test]
fn af_xdp_talks_to_af_xdp() {
    cabled(1, |_, beside| {
        let mut port = attached(NATIVE);
        let mut sender = beside.within(|_| {
            XdpSender::open(A, &named("far0"), 0).unwrap_or_else(|error| panic!("{error}"))
        });
        for number in 0_u32..2_000 {
            sent(&mut sender, &number.to_le_bytes());
            let got = eventually("the datagram", || next(&mut port));
            assert_eq!(got, (Line::A, number.to_le_bytes().to_vec()));
        }
        assert_eq!(port.counters().by_socket.get(), 0);
    });
}

#[test]
fn a_message_that_is_too_long_is_refused_and_the_next_one_leaves() {
    cabled(1, |_, beside| {
        let (socket, address) = listener(beside);
        let mut sender = opened(address);
        let mut buffer = [0; 2_048];
        for _ in 0..200 {
            let long = sender.send(&[1; MAX_PAYLOAD_BYTES + 1]);
            assert_eq!(long, Err(SendError::Closed));
        }
        sent(&mut sender, b"short");
        assert_eq!(socket.recv(&mut buffer).expect("it arrives"), 5);
        assert_eq!(sender.counters().oversize.get(), 200);
    });
}

/// What could not leave while the interface was down does not leave when it is up again.
#[test]
fn an_interface_that_goes_down_closes_the_port_and_nothing_leaves_later() {
    cabled(1, |namespace: &Namespace, beside| {
        let (socket, address) = listener(beside);
        let mut sender = opened(address);
        sent(&mut sender, b"before");
        let mut buffer = [0; 64];
        assert_eq!(socket.recv(&mut buffer).expect("it arrives"), 6);
        namespace.ip("link set near0 down");
        assert_eq!(sender.send(b"stale"), Err(SendError::Closed));
        assert_eq!(sender.send(b"stale"), Err(SendError::Closed), "and stays so");
        namespace.ip("link set near0 up");
        drop(socket);
        let (socket, address) = listener(beside);
        assert_eq!(sender.send(b"stale"), Err(SendError::Closed));
        let mut sender = opened(address);
        sent(&mut sender, b"after");
        let len = socket.recv(&mut buffer).expect("it arrives");
        assert_eq!(&buffer[..len], b"after", "the queue was free again, and nothing came between");
    });
}

/// The kernel drops what is to be sent without a carrier, and the next call finds nothing to send.
#[test]
fn a_message_that_the_kernel_drops_is_said_not_to_have_left() {
    cabled(1, |_, beside| {
        let (socket, address) = listener(beside);
        let mut sender = opened(address);
        sent(&mut sender, b"before");
        let mut buffer = [0; 64];
        assert_eq!(socket.recv(&mut buffer).expect("it arrives"), 6);
        beside.within(|there| there.ip("link set far0 down"));
        assert_eq!(sender.send(b"dropped"), Err(SendError::Closed));
        assert_eq!(sender.send(b"dropped"), Err(SendError::Closed), "and stays so");
        beside.within(|there| there.ip("link set far0 up"));
        drop(socket);
        let (socket, address) = listener(beside);
        let mut next = opened(address);
        assert_eq!(sender.send(b"dropped"), Err(SendError::Closed));
        sent(&mut next, b"after");
        let len = socket.recv(&mut buffer).expect("it arrives");
        assert_eq!(&buffer[..len], b"after", "nothing came between");
    });
}

/// While the sender is still there, as a stage has it until the next one comes.
#[test]
fn a_sender_that_is_closed_leaves_its_queue_to_the_next() {
    cabled(1, |_, beside| {
        let (socket, address) = listener(beside);
        let mut buffer = [0; 64];
        let mut closed = Vec::new();
        for number in 0..4_u8 {
            let mut sender = opened(address);
            sent(&mut sender, &[number]);
            assert_eq!(socket.recv(&mut buffer).expect("it arrives"), 1);
            assert_eq!(buffer[0], number);
            sender.close();
            assert_eq!(sender.send(b"late"), Err(SendError::Closed));
            closed.push(sender);
        }
        drop(closed);
        let _other = attached(NATIVE);
    });
}

/// A table as the kernel writes it, with what is to be passed over.
#[test]
fn the_next_host_is_that_of_the_best_row_of_the_interface() {
    let row =
        |interface: &str, to: [u8; 4], by: [u8; 4], flags: &str, metric: u32, mask: [u8; 4]| {
            let [to, by, mask] = [to, by, mask].map(u32::from_ne_bytes);
            format!(
                "{interface}\t{to:08X}\t{by:08X}\t{flags}\t0\t0\t{metric}\t{mask:08X}\t0\t0\t0\n"
            )
        };
    let (any, none) = ([0; 4], [0; 4]);
    let table = [
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
            .to_owned(),
        row("eth0", any, [10, 0, 0, 1], "0003", 100, none),
        row("eth1", any, [10, 1, 0, 9], "0003", 200, none),
        row("eth1", any, [10, 1, 0, 1], "0003", 100, none),
        row("eth1", any, [10, 1, 0, 2], "0003", 300, none),
        row("eth1", [10, 1, 0, 0], none, "0001", 100, [255, 255, 255, 0]),
        row("eth1", [10, 9, 0, 0], [10, 1, 0, 3], "0003", 500, [255, 255, 0, 0]),
        row("eth1", [10, 9, 9, 0], [10, 1, 0, 4], "0002", 0, [255, 255, 255, 0]),
        row("eth0", [10, 9, 9, 9], [10, 0, 0, 5], "0007", 0, [255; 4]),
        "eth1 is no row\n".to_owned(),
    ]
    .concat();
    let next =
        |interface: &str, target: [u8; 4]| next_host(&table, interface, target.into()).octets();
    assert_eq!(next("eth1", [192, 0, 2, 1]), [10, 1, 0, 1], "the lowest metric");
    assert_eq!(next("eth0", [192, 0, 2, 1]), [10, 0, 0, 1], "of this interface");
    assert_eq!(next("eth1", [10, 1, 0, 77]), [10, 1, 0, 77], "on the same cable");
    assert_eq!(next("eth1", [10, 9, 9, 9]), [10, 1, 0, 3], "the longest mask that is up");
    assert_eq!(next("eth2", [10, 9, 9, 9]), [10, 9, 9, 9], "no row");
}

#[test]
fn a_host_that_nobody_knows_is_refused_with_what_to_do() {
    cabled(1, |_, _| {
        let nobody = SocketAddrV4::new(Ipv4Addr::new(10, 78, 1, 99), 1);
        let refused = XdpSender::open(nobody, &named("near0"), 0).expect_err("nobody knows it");
        assert!(matches!(refused, XdpError::NoNeighbour { .. }), "{refused}");
        let text = refused.to_string();
        assert!(text.contains("10.78.1.99") && text.contains("ping"), "{text}");
    });
    beside(|_, _| {
        let refused = XdpSender::open(A, &named("near0"), 0).expect_err("there is no such cable");
        assert!(refused.to_string().contains("near0"), "{refused}");
    });
}
