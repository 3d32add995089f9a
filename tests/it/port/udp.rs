//! Multicast over real sockets: which datagrams come, on which line, and what keeps others out.

use super::{eventually, never};
use crate::netns;
use cross_market_connect::clock::EngineClock;
use cross_market_connect::port::interface::InterfaceChoice;
use cross_market_connect::port::overflow::Overflow;
use cross_market_connect::port::udp::{
    JoinedSocket, LineSettings, MAX_PAYLOAD_BYTES, MulticastPort, MulticastSender, Reach,
    ReceiveSettings, UdpError, Warning,
};
use socket2::{Domain, Socket, Type};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};
use xmc_hotpath::port::{Line, RxPort, TxPort};
use xmc_hotpath::time::Clock;

/// A group and port that no other test uses, in this process or another one.
pub fn group() -> SocketAddrV4 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let [high, low] = std::process::id().to_be_bytes()[2..] else { unreachable!("two bytes") };
    // The groups that organisations use within themselves (RFC 2365), told apart by port as well.
    let port = 20_000 + u16::from_be_bytes([high, low]) % 10_000;
    SocketAddrV4::new(Ipv4Addr::new(239, 192 | (number[0] & 3), low, number[1]), port)
}

pub fn on_loopback(group: SocketAddrV4) -> LineSettings {
    LineSettings { group, source: None, interface: InterfaceChoice::LOOPBACK }
}

fn named(name: &str) -> InterfaceChoice {
    name.parse().expect("it is a name")
}

fn sender(group: SocketAddrV4) -> MulticastSender {
    let opened = MulticastSender::open(group, &InterfaceChoice::LOOPBACK, Reach::Host);
    opened.expect("loopback takes multicast")
}

struct Both {
    port: MulticastPort<EngineClock>,
    a: MulticastSender,
    b: MulticastSender,
}

fn both() -> Both {
    let (a, b) = (group(), group());
    let receive = ReceiveSettings::default();
    let port =
        MulticastPort::open(EngineClock::start(), &on_loopback(a), &on_loopback(b), &receive);
    Both { port: port.expect("loopback takes joins"), a: sender(a), b: sender(b) }
}

impl Both {
    fn send(&mut self, line: Line, payload: &[u8]) {
        let sender = match line {
            Line::A => &mut self.a,
            Line::B => &mut self.b,
        };
        sender.send(payload).expect("loopback has room");
    }

    fn next(&mut self) -> Option<(Line, Vec<u8>)> {
        let lent = self.port.peek().map(|datagram| (datagram.line, datagram.payload.to_vec()))?;
        self.port.release();
        Some(lent)
    }
}

#[test]
fn both_lines_are_received_whole_and_told_apart() {
    let mut both = both();
    assert!(both.next().is_none(), "nothing was sent");
    let mut expected = [Vec::new(), Vec::new()];
    for number in 0_u32..200 {
        let line = if number % 3 == 0 { Line::A } else { Line::B };
        let payload = number.to_le_bytes().repeat(1 + usize::try_from(number).expect("small"));
        both.send(line, &payload);
        expected[usize::from(line == Line::B)].push(payload);
    }
    let mut received = [Vec::new(), Vec::new()];
    for _ in 0..200 {
        let (line, payload) = eventually("a datagram", || both.next());
        received[usize::from(line == Line::B)].push(payload);
    }
    assert!(received == expected, "each line brings its own, whole and in order");
    assert!(both.next().is_none(), "each comes once");
}

#[test]
fn a_datagram_is_lent_until_it_is_released() {
    let clock = EngineClock::start();
    let (a, b) = (group(), group());
    let receive = ReceiveSettings::default();
    let port = MulticastPort::open(&clock, &on_loopback(a), &on_loopback(b), &receive);
    let mut port = port.expect("loopback takes joins");
    let mut a = sender(a);
    let before = clock.now();
    a.send(b"first").unwrap();
    a.send(b"second").unwrap();
    let first = eventually("the first", || {
        port.peek().map(|lent| (lent.payload.to_vec(), lent.received, lent.line))
    });
    assert_eq!((&first.0[..], first.2), (&b"first"[..], Line::A));
    assert!(before < first.1 && first.1 < clock.now(), "the stamp is of the receipt");
    let again = port.peek().map(|lent| (lent.payload.to_vec(), lent.received, lent.line));
    assert_eq!(again, Some(first));
    port.release();
    let second = eventually("the second", || port.peek().map(|lent| lent.payload.to_vec()));
    assert_eq!(second, b"second");
}

#[test]
fn a_flood_on_one_line_does_not_keep_the_other_waiting() {
    let mut both = both();
    for _ in 0..50 {
        both.send(Line::A, b"flood");
    }
    eventually("the flood", || both.next());
    both.send(Line::B, b"one");
    let lines: Vec<_> = (0..2).map(|_| eventually("a datagram", || both.next()).0).collect();
    assert!(lines.contains(&Line::B), "{lines:?}");
}

#[test]
fn a_datagram_that_is_too_long_is_refused_and_counted() {
    let mut both = both();
    both.send(Line::A, &[1; MAX_PAYLOAD_BYTES + 1]);
    both.send(Line::A, &[2; 60_000]);
    both.send(Line::A, &[3; MAX_PAYLOAD_BYTES]);
    both.send(Line::B, &[]);
    let mut lens = [0, 0].map(|_| {
        let (line, payload) = eventually("a datagram", || both.next());
        (line, payload.len())
    });
    lens.sort_unstable();
    assert_eq!(lens, [(Line::A, MAX_PAYLOAD_BYTES), (Line::B, 0)]);
    let counters = both.port.counters();
    let counted = Line::BOTH.map(|line| counters.line(line).oversize.get());
    assert_eq!(counted, [2, 0]);
    assert_eq!(Line::BOTH.map(|line| counters.line(line).errors.get()), [0, 0]);
}

#[test]
fn what_the_receive_buffer_has_no_room_for_is_counted_by_the_kernel() {
    let line = on_loopback(group());
    let settings = ReceiveSettings { buffer_bytes: 20_000, ..ReceiveSettings::default() };
    let [socket, other] = [0, 0].map(|_| JoinedSocket::open(&line, &settings).unwrap());
    let overflow = Overflow::of(&socket).unwrap();
    assert_ne!(overflow, Overflow::of(&other).unwrap());
    assert_eq!(overflow.dropped().unwrap(), Some(0));
    let mut sender = sender(line.group);
    for _ in 0..500 {
        sender.send(&[0; 100]).unwrap();
    }
    let (mut received, mut buffer) = (0, [0; 128]);
    eventually("all of them", || {
        received += u64::from(socket.receive(&mut buffer).is_ok());
        (received + overflow.dropped().unwrap().expect("it is listed") == 500).then_some(())
    });
    assert!((10..490).contains(&received), "{received} of 500 found room");
    drop(socket);
    // A child that another test is starting may still hold it for a moment.
    eventually("its end", || overflow.dropped().unwrap().is_none().then_some(()));
}

#[test]
fn a_smaller_receive_buffer_than_configured_is_said() {
    let most = std::fs::read_to_string("/proc/sys/net/core/rmem_max").expect("Linux has it");
    let most: usize = most.trim().parse().expect("it is a number");
    let line = on_loopback(group());
    let open = |buffer_bytes, is_buffer_required| {
        let settings =
            ReceiveSettings { buffer_bytes, is_buffer_required, ..ReceiveSettings::default() };
        JoinedSocket::open(&line, &settings)
    };
    let cut = open(most + 1, false).expect("less is enough");
    let warning = Warning::ReceiveBuffer { group: line.group, asked: most + 1, granted: most };
    assert_eq!(cut.warnings(), [warning]);
    let text = cut.warnings()[0].to_string();
    assert!(text.contains("net.core.rmem_max") && text.contains(&most.to_string()), "{text}");
    let error = open(most + 1, true).expect_err("it is required").to_string();
    assert!(error.contains("requires") && error.contains("rmem_max"), "{error}");
    assert_eq!(open(most.min(8_192), true).expect("that much is there").warnings(), []);
}

#[test]
fn what_cannot_be_joined_is_refused_with_what_to_do() {
    let refused = |line: &LineSettings| {
        JoinedSocket::open(line, &ReceiveSettings::default()).expect_err("it cannot be").to_string()
    };
    let unicast = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 1);
    let error = refused(&on_loopback(unicast));
    assert!(error.contains("10.0.0.1:1") && error.contains("224.0.0.0/4"), "{error}");
    let nowhere = LineSettings { interface: named("nosuch0"), ..on_loopback(group()) };
    let error = refused(&nowhere);
    assert!(error.contains("nosuch0") && error.contains("lo (127.0.0.1)"), "{error}");

    let holder = UdpSocket::bind(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)).expect("a free port");
    let port = holder.local_addr().expect("it is bound").port();
    let taken = SocketAddrV4::new(*group().ip(), port);
    let error = refused(&on_loopback(taken));
    assert!(error.contains(&taken.to_string()) && error.contains("SO_REUSEADDR"), "{error}");

    let odd = LineSettings { source: Some(*taken.ip()), ..on_loopback(group()) };
    let error = refused(&odd);
    assert!(error.contains(&taken.ip().to_string()) && error.contains("unicast"), "{error}");
}

#[test]
fn two_receivers_of_one_group_both_hear_it() {
    let line = on_loopback(group());
    let receive = ReceiveSettings::default();
    let sockets = [0, 0].map(|_| JoinedSocket::open(&line, &receive).expect("the port is shared"));
    sender(line.group).send(b"both").unwrap();
    for socket in sockets {
        let mut buffer = [0; 16];
        let len = eventually("the datagram", || socket.receive(&mut buffer).ok());
        assert_eq!(&buffer[..len], b"both");
    }
}

/// The same group on two interfaces, one of them joined by somebody else on this host. A socket
/// with the kernel's default hears both; ours hears its own interface only.
#[test]
fn a_group_that_others_joined_elsewhere_stays_out() {
    netns::within(|namespace| {
        namespace.add("near0", "10.77.1.1/24");
        namespace.add("far0", "10.77.2.1/24");
        let group = SocketAddrV4::new(Ipv4Addr::new(239, 1, 2, 3), 31_001);
        let receive = ReceiveSettings::default();
        let line = |name| LineSettings { group, source: None, interface: named(name) };
        let near = JoinedSocket::open(&line("near0"), &receive).unwrap();
        let far = JoinedSocket::open(&line("far0"), &receive).unwrap();

        let plain = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        plain.set_reuse_address(true).unwrap();
        plain.bind(&group.into()).unwrap();
        plain.join_multicast_v4(group.ip(), &Ipv4Addr::new(10, 77, 1, 1)).unwrap();
        plain.set_nonblocking(true).unwrap();
        let plain = UdpSocket::from(plain);

        let send = |name: &str, payload: &[u8]| {
            let mut sender = MulticastSender::open(group, &named(name), Reach::Host).unwrap();
            sender.send(payload).unwrap();
        };
        let mut buffer = [0; 16];
        send("far0", b"foreign");
        assert_eq!(eventually("far's own", || far.receive(&mut buffer).ok()), 7);
        // Without this the test would show nothing.
        assert_eq!(eventually("a plain socket hears it", || plain.recv(&mut buffer).ok()), 7);
        never("near hears far's", || near.receive(&mut buffer).ok());

        send("near0", b"own");
        assert_eq!(eventually("near's own", || near.receive(&mut buffer).ok()), 3);
        never("far hears near's", || far.receive(&mut buffer).ok());
    });
}

#[test]
fn a_source_specific_join_hears_one_sender() {
    netns::within(|namespace| {
        namespace.add("feed0", "10.77.1.1/24");
        namespace.ip("address add 10.77.1.2/24 dev feed0");
        let group = SocketAddrV4::new(Ipv4Addr::new(232, 1, 2, 3), 31_001);
        let at = |host| Ipv4Addr::new(10, 77, 1, host);
        let line = LineSettings { group, source: Some(at(1)), interface: named("feed0") };
        let socket = JoinedSocket::open(&line, &ReceiveSettings::default()).unwrap();
        assert_eq!(socket.interface().to_string(), "feed0 (10.77.1.1)");
        let mut buffer = [0; 16];
        for (host, payload) in [(2, "other"), (1, "ours"), (2, "other")] {
            let choice = InterfaceChoice::Address(at(host));
            let mut sender = MulticastSender::open(group, &choice, Reach::Host).unwrap();
            sender.send(payload.as_bytes()).unwrap();
        }
        let len = eventually("our sender", || socket.receive(&mut buffer).ok());
        assert_eq!(&buffer[..len], b"ours");
        never("another sender", || socket.receive(&mut buffer).ok());
    });
}

#[test]
fn an_interface_that_is_down_is_said() {
    netns::within(|namespace| {
        namespace.add("feed0", "10.77.1.1/24");
        namespace.ip("link set feed0 down");
        let line = LineSettings { interface: named("feed0"), ..on_loopback(group()) };
        let socket = JoinedSocket::open(&line, &ReceiveSettings::default()).unwrap();
        let [Warning::Down { interface, .. }] = socket.warnings() else {
            panic!("{:?}", socket.warnings());
        };
        assert_eq!(interface.name, "feed0");
    });
}

#[test]
fn an_interface_without_an_address_serves_joins_but_no_source_and_no_sender() {
    netns::within(|namespace| {
        namespace.add("feed0", "10.77.1.1/24");
        namespace.ip("address flush dev feed0");
        let group = group();
        let any = LineSettings { group, source: None, interface: named("feed0") };
        let receive = ReceiveSettings::default();
        JoinedSocket::open(&any, &receive).expect("its number is enough");
        let one = LineSettings { source: Some(Ipv4Addr::new(10, 77, 1, 9)), ..any };
        let error = JoinedSocket::open(&one, &receive).expect_err("it has no address").to_string();
        assert!(error.contains("feed0 (no address)"), "{error}");
        let sender = MulticastSender::open(group, &named("feed0"), Reach::Link);
        assert!(matches!(sender, Err(UdpError::NoAddress { .. })), "{sender:?}");
    });
}
