//! Both lines received past the kernel, over cables of virtual interfaces: what comes, in which
//! order, and what the kernel still gets.

use super::{
    A, B, GENERIC, NATIVE, attach, attached, beside, cabled, eventually, far_sender, far_wire,
    frame_to, next, on, prepared,
};
use crate::port::never;
use cross_market_connect::port::udp::{JoinedSocket, LineSettings, ReceiveSettings};
use cross_market_connect::port::xdp::receive::{XdpSettings, XdpWarning};
use cross_market_connect::port::xdp::socket::Drops;
use cross_market_connect::port::xdp::{Mode, ModeChoice, XdpError};
use std::net::{Ipv4Addr, SocketAddrV4};
use xmc_hotpath::port::{Line, RxPort, TxPort};

const COUNT: u32 = 1_000;

/// Wanted datagrams come in order and whole; another group, and another port, are the kernel's.
fn divides(mode: ModeChoice) {
    cabled(1, |_, beside| {
        let mut port = attached(mode);
        let other_group = SocketAddrV4::new(Ipv4Addr::new(239, 1, 2, 9), A.port());
        let other_port = SocketAddrV4::new(*A.ip(), 31_009);
        let receive = ReceiveSettings::default();
        let others =
            [other_group, other_port].map(|of| JoinedSocket::open(&on(of, "near0"), &receive));
        let others = others.map(|opened| opened.expect("the groups are joined"));
        let [mut a, mut b, mut group, mut other] =
            [A, B, other_group, other_port].map(|of| far_sender(beside, of, "far0"));
        let mut buffer = [0; 2_048];
        for number in 0..COUNT {
            let payload = number.to_le_bytes().repeat(1 + number as usize % 368);
            let line = if number % 3 == 0 { Line::B } else { Line::A };
            for sender in [&mut group, if line == Line::A { &mut a } else { &mut b }, &mut other] {
                sender.send(&payload).expect("the cable has room");
            }
            let (on_line, got) = eventually("a datagram", || next(&mut port));
            assert!(on_line == line && got == payload, "number {number}");
            for socket in &others {
                let len = eventually("the kernel's", || socket.receive(&mut buffer).ok());
                assert!(buffer[..len] == payload, "number {number}");
            }
        }
        assert!(next(&mut port).is_none(), "each comes once");
        let counters = port.counters();
        let refused = [&counters.malformed, &counters.foreign, &counters.stray];
        assert_eq!(refused.map(|counter| counter.get()), [0; 3]);
        assert_eq!(counters.by_socket.get(), 0, "none came through the kernel");
        assert_eq!(port.drop_watch().drops().expect("it is open"), Some(Drops::default()));
        let ModeChoice::Only(mode) = mode else { unreachable!("one of two") };
        assert_eq!(port.modes().collect::<Vec<_>>(), [mode], "one interface, one program");
    });
}

#[test]
fn native_mode_takes_the_lines_and_leaves_the_rest() {
    divides(NATIVE);
}

#[test]
fn generic_mode_takes_the_lines_and_leaves_the_rest() {
    divides(GENERIC);
}

/// Nothing is lost, doubled or moved when the program is attached in the middle of a stream.
#[test]
fn what_came_before_the_program_comes_first() {
    cabled(1, |_, beside| {
        let lines = [on(A, "near0"), on(B, "near0")];
        let mut port = prepared(lines, XdpSettings::default()).expect("it may");
        let mut sender = far_sender(beside, A, "far0");
        for number in 0..COUNT {
            if number == COUNT / 2 {
                attach(&mut port);
                port.attach().expect("once is enough, and again is no fault");
            }
            sender.send(&number.to_le_bytes()).expect("the cable has room");
        }
        for number in 0..COUNT {
            let (_, got) = eventually("a datagram", || next(&mut port));
            assert_eq!(got, number.to_le_bytes());
        }
        assert_eq!(port.counters().by_socket.get(), u64::from(COUNT / 2));
    });
}

#[test]
fn a_datagram_is_lent_until_it_is_released() {
    cabled(1, |_, beside| {
        let mut port = attached(NATIVE);
        let mut sender = far_sender(beside, A, "far0");
        sender.send(b"first").expect("room");
        sender.send(b"second").expect("room");
        let look = |port: &mut super::XdpPort<_>| {
            port.peek().map(|lent| (lent.payload.to_vec(), lent.received))
        };
        let first = eventually("the first", || look(&mut port));
        assert_eq!(first.0, b"first");
        assert_eq!(look(&mut port), Some(first.clone()));
        port.release();
        let second = eventually("the second", || look(&mut port));
        assert!(second.0 == b"second" && second.1 >= first.1);
    });
}

/// The lines on a cable each, and four queues on one of them, which share its memory: every
/// datagram on its line.
#[test]
fn lines_on_two_interfaces_and_several_queues_bring_their_own() {
    beside(|namespace, beside| {
        namespace.cable(beside, ("near0", "10.78.1.1/24"), ("far0", "10.78.1.2/24"), 4);
        namespace.cable(beside, ("near1", "10.79.1.1/24"), ("far1", "10.79.1.2/24"), 1);
        for mode in [NATIVE, GENERIC] {
            let settings = XdpSettings { mode, ..XdpSettings::default() };
            let lines = [on(A, "near0"), on(B, "near1")];
            let mut port = prepared(lines, settings).expect("it may");
            attach(&mut port);
            assert_eq!(port.modes().count(), 2);
            // Each sender has a port of its own, by which the kernel picks the queue.
            let mut a: Vec<_> = (0..8).map(|_| far_sender(beside, A, "far0")).collect();
            let mut b = far_sender(beside, B, "far1");
            let (mut got, mut sent) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
            for number in 0_u32..4_000 {
                let line = usize::from(number % 3 == 0);
                let sender = if line == 0 { &mut a[number as usize % 8] } else { &mut b };
                sender.send(&number.to_le_bytes()).expect("the cable has room");
                sent[line].push(number.to_le_bytes().to_vec());
                if number % 100 == 99 {
                    while got[0].len() + got[1].len() <= number as usize {
                        let (line, payload) = eventually("a datagram", || next(&mut port));
                        got[usize::from(line == Line::B)].push(payload);
                    }
                }
            }
            got[0].sort_by_key(|bytes| u32::from_le_bytes(*bytes.first_chunk().expect("four")));
            assert!(got == sent, "{mode:?}: each line brings its own");
            assert_eq!(port.counters().by_socket.get(), 0);
            assert_eq!(port.drop_watch().drops().expect("it is open"), Some(Drops::default()));
        }
    });
}

/// What the program does not take, and the kernel makes a datagram of, comes all the same.
#[test]
fn fragments_and_options_come_through_the_kernel_and_other_networks_do_not() {
    cabled(1, |_, beside| {
        let mut port = attached(ModeChoice::Best);
        let wire = far_wire(beside, "far0");

        // Two halves of a datagram: 24 bytes of UDP, and the rest.
        let whole = frame_to(A, b"a datagram that came in two fragments");
        let half = |from: usize, to: usize, flags: u16| {
            let mut frame = whole[..34].to_vec();
            frame.extend(&whole[34 + from..34 + to]);
            let len = u16::try_from(20 + to - from).expect("short");
            frame[16..18].copy_from_slice(&len.to_be_bytes());
            frame[18..20].copy_from_slice(&[0, 7]);
            frame[20..22].copy_from_slice(&(flags | (from / 8) as u16).to_be_bytes());
            checked(&mut frame, 20);
            frame
        };
        let udp_len = whole.len() - 34;
        assert!(wire.send(&half(0, 24, 0x2000)) && wire.send(&half(24, udp_len, 0)));
        let got = eventually("both fragments", || next(&mut port));
        assert_eq!(got, (Line::A, b"a datagram that came in two fragments".to_vec()));

        // Four bytes of options that do nothing.
        let mut frame = frame_to(A, b"with options");
        frame.splice(34..34, [1, 1, 1, 0]);
        frame[14] = 0x46;
        let len = u16::try_from(frame.len() - 14).expect("short");
        frame[16..18].copy_from_slice(&len.to_be_bytes());
        checked(&mut frame, 24);
        assert!(wire.send(&frame));
        let got = eventually("the one with options", || next(&mut port));
        assert_eq!(got, (Line::A, b"with options".to_vec()));

        // Of another network, which nobody here has joined.
        let mut frame = frame_to(B, b"with a tag");
        frame.splice(12..12, [0x81, 0, 0, 100]);
        assert!(wire.send(&frame));
        never("the tagged one", || next(&mut port));
        assert_eq!(port.counters().by_socket.get(), 2);

        assert!(wire.send(&frame_to(A, b"plain")));
        assert_eq!(eventually("the plain one", || next(&mut port)).1, b"plain");
        assert_eq!(port.counters().by_socket.get(), 2, "that one came past the kernel");
        assert_eq!(port.counters().foreign.get(), 0);
    });
}

/// Puts the checksum of an IPv4 header of so many bytes into a frame.
fn checked(frame: &mut [u8], header_bytes: usize) {
    frame[24..26].fill(0);
    let words = frame[14..14 + header_bytes].as_chunks::<2>().0.iter();
    let sum: u32 = words.map(|word| u32::from(u16::from_be_bytes(*word))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    frame[24..26].copy_from_slice(&(!(folded as u16)).to_be_bytes());
}

/// A line of one sender hears that one only, past the kernel as by a socket.
#[test]
fn a_line_of_one_sender_hears_no_other() {
    cabled(1, |_, beside| {
        beside.within(|there| there.ip("address add 10.78.1.3/24 dev far0"));
        let one = Ipv4Addr::new(10, 78, 1, 2);
        let lines = [LineSettings { source: Some(one), ..on(A, "near0") }, on(B, "near0")];
        let mut port = prepared(lines, XdpSettings::default()).expect("it may");
        attach(&mut port);
        let mut other = frame_to(A, b"another's");
        other[26..30].copy_from_slice(&[10, 78, 1, 3]);
        checked(&mut other, 20);
        let wire = far_wire(beside, "far0");
        assert!(wire.send(&other) && wire.send(&frame_to(A, b"ours")));
        assert_eq!(eventually("ours", || next(&mut port)).1, b"ours");
        never("another's", || next(&mut port));
    });
}

/// Frames that pass the program and lie about their lengths, at rate: counters move, what is good
/// between them comes, and every frame of the memory stays in use.
#[test]
fn frames_that_contradict_themselves_move_counters_only() {
    cabled(1, |_, beside| {
        let settings = XdpSettings { buffer_bytes: 64 * 2_048, ..XdpSettings::default() };
        let mut port = prepared([on(A, "near0"), on(B, "near0")], settings).expect("it may");
        attach(&mut port);
        let wire = far_wire(beside, "far0");
        let edited = |at: usize, bytes: &[u8]| {
            let mut frame = frame_to(A, b"a payload of some length");
            frame[at..at + bytes.len()].copy_from_slice(bytes);
            frame
        };
        let bad = [
            ("IP says more than there is", edited(16, &[0xff, 0xff])),
            ("IP says less than its header", edited(16, &[0, 19])),
            ("IP has no room for UDP", edited(16, &[0, 27])),
            ("UDP says more than IP", edited(38, &[0, 200])),
            ("UDP says less than its header", edited(38, &[0, 7])),
            ("UDP says nothing", edited(38, &[0, 0])),
            ("it ends after the headers", edited(0, &[])[..42].to_vec()),
        ];
        let (mut malformed, mut random) = (0, fastrand::Rng::with_seed(7));
        // Many times round the 64 frames.
        for number in 0_u32..300 {
            for (what, frame) in &bad {
                assert!(wire.send(frame), "{what}");
                malformed += 1;
            }
            // Anything at all behind the headers that the program reads.
            let mut frame = edited(0, &[]);
            frame[24..26].fill_with(|| random.u8(..));
            frame[34..36].fill_with(|| random.u8(..));
            frame[40..].fill_with(|| random.u8(..));
            assert!(wire.send(&frame));
            assert_eq!(eventually("the odd one", || next(&mut port)).1, frame[42..]);
            assert!(wire.send(&frame_to(B, &number.to_le_bytes())));
            let got = eventually("the good one", || next(&mut port));
            assert_eq!(got, (Line::B, number.to_le_bytes().to_vec()));
            assert_eq!(port.counters().malformed.get(), malformed);
        }
        assert_eq!(port.drop_watch().drops().expect("it is open"), Some(Drops::default()));
    });
}

/// Nobody polls: the kernel counts what it had no room for, and the rest comes.
#[test]
fn what_the_rings_have_no_room_for_is_counted_by_the_kernel() {
    cabled(1, |_, beside| {
        let settings = XdpSettings { buffer_bytes: 64 * 2_048, ..XdpSettings::default() };
        let mut port = prepared([on(A, "near0"), on(B, "near0")], settings).expect("it may");
        attach(&mut port);
        let watch = port.drop_watch();
        assert!(next(&mut port).is_none());
        let mut sender = far_sender(beside, A, "far0");
        for number in 0_u32..500 {
            sender.send(&number.to_le_bytes()).expect("the cable has room");
        }
        let mut received = 0;
        let dropped = eventually("all of them", || {
            received += u64::from(next(&mut port).is_some());
            let dropped = watch.drops().expect("it is open").expect("it is open").frames();
            (received + dropped == 500).then_some(dropped)
        });
        assert!((400..=436).contains(&dropped), "{dropped} of 500 had no room in 64 frames");
        sender.send(b"after").expect("the cable has room");
        assert_eq!(eventually("the next one", || next(&mut port)).1, b"after");
        let drops = watch.drops().expect("it is open").expect("it is open");
        assert!(drops.no_frame >= dropped, "{drops:?}");
        drop(port);
        assert_eq!(watch.drops().expect("it is closed"), None);
    });
}

/// A frame that is longer than what the shared memory has for one comes all the same, by the
/// ordinary sockets.
#[test]
fn a_frame_that_is_too_long_goes_through_the_kernel() {
    cabled(1, |namespace, beside| {
        namespace.ip("link set near0 mtu 3000");
        beside.within(|there| there.ip("link set far0 mtu 3000"));
        let mut port = attached(GENERIC);
        let watch = port.drop_watch();
        let mut sender = far_sender(beside, A, "far0");
        // Headers are 42 bytes, a frame has room for 1,792.
        let lens = [1_472, 1_750, 1_751, 2_000];
        for len in lens {
            sender.send(&vec![len as u8; len]).expect("the cable has room");
        }
        let mut came = lens.map(|_| {
            let (line, payload) = eventually("all of them", || next(&mut port));
            assert!(payload.iter().all(|byte| *byte == payload.len() as u8));
            (line, payload.len())
        });
        came.sort_unstable_by_key(|(_, len)| *len);
        assert_eq!(came, lens.map(|len| (Line::A, len)));
        assert_eq!(port.counters().by_socket.get(), 2);
        assert_eq!(watch.drops().expect("it is open"), Some(Drops::default()));
    });
}

/// A mode that the interface does not have, said or refused as configured.
#[test]
fn a_mode_that_is_not_there_is_said_or_refused() {
    beside(|_, _| {
        let lines = || [on(A, "lo"), on(B, "lo")];
        let mut port = prepared(lines(), XdpSettings::default()).expect("it may");
        attach(&mut port);
        assert_eq!(port.modes().collect::<Vec<_>>(), [Mode::Generic]);
        let said: Vec<_> = port.warnings().map(ToString::to_string).collect();
        let is_said = |text: &String| text.contains("lo takes no XDP program in native mode");
        assert!(said.iter().any(is_said), "{said:?}");
        drop(port);
        let native = XdpSettings { mode: NATIVE, ..XdpSettings::default() };
        let mut port = prepared(lines(), native).expect("it may");
        let refused = port.attach().expect_err("loopback has no such mode");
        assert!(matches!(refused, XdpError::Attach { mode: Mode::Native, .. }), "{refused}");
        let advice = |refused: &XdpError| {
            let text = refused.to_string();
            assert!(text.contains("port = \"socket\""), "{text}");
            text.contains("xdp_mode = \"generic\"")
        };
        assert!(advice(&refused), "{refused}");
        let source = std::io::Error::from_raw_os_error(libc::EOPNOTSUPP);
        let generic = XdpError::Attach { interface: "lo".into(), mode: Mode::Generic, source };
        assert!(!advice(&generic), "it was just refused: {generic}");
    });
    cabled(1, |_, _| {
        let port = attached(ModeChoice::Best);
        assert_eq!(port.modes().collect::<Vec<_>>(), [Mode::Native]);
        let said: Vec<_> = port.warnings().cloned().collect();
        assert!(matches!(said[..], [XdpWarning::Copied { .. }]), "{said:?}");
    });
}

#[test]
fn an_interface_that_has_a_program_is_refused_and_free_afterwards() {
    cabled(1, |_, _| {
        let first = attached(NATIVE);
        let lines = [on(A, "near0"), on(B, "near0")];
        let mut second = prepared(lines, XdpSettings::default()).expect("it may");
        let refused = second.attach().expect_err("there is one already");
        assert!(matches!(refused, XdpError::Occupied { .. }), "{refused}");
        assert!(refused.to_string().contains("near0"), "{refused}");
        drop(first);
        // The kernel gives queues back some time after they were closed.
        attach(&mut second);
    });
}

/// The cold side hears what the port lends, and the port does not wait for it.
#[test]
fn copies_are_made_of_what_others_cannot_hear() {
    cabled(1, |_, beside| {
        let mut port = attached(NATIVE);
        let mut copies = port.take_copies().expect("it takes frames before the kernel does");
        let [mut a, mut b] = [A, B].map(|group| far_sender(beside, group, "far0"));
        let own = JoinedSocket::open(&on(A, "near0"), &ReceiveSettings::default()).unwrap();
        let mut buffer = [0; 2_048];
        for number in 0_u32..20_000 {
            let (sender, line) =
                if number % 2 == 0 { (&mut a, Line::A) } else { (&mut b, Line::B) };
            let payload = number.to_le_bytes().repeat(1 + number as usize % 300);
            sender.send(&payload).expect("the cable has room");
            assert!(copies.receive(&mut buffer).is_none(), "it was not released yet");
            eventually("a datagram", || next(&mut port));
            let (on_line, len) = copies.receive(&mut buffer).expect("a copy");
            assert!(on_line == line && buffer[..len] == payload, "number {number}");
        }
        assert!(own.receive(&mut buffer).is_err(), "a socket of its own hears nothing");
        for _ in 0..4_000 {
            a.send(&[7; 1_400]).expect("the cable has room");
            eventually("a datagram", || next(&mut port));
        }
        let waiting = std::iter::from_fn(|| copies.receive(&mut buffer)).count() as u64;
        assert_eq!(waiting + port.counters().uncopied.get(), 4_000);
        assert!(port.counters().uncopied.get() > 500, "4 MiB hold fewer");
    });
}

/// Down, nothing comes and nothing breaks; up, it goes on.
#[test]
fn an_interface_that_goes_down_and_up_goes_on() {
    cabled(1, |namespace, beside| {
        for mode in [NATIVE, GENERIC] {
            let mut port = attached(mode);
            let mut sender = far_sender(beside, A, "far0");
            sender.send(b"before").expect("room");
            assert_eq!(eventually("the first", || next(&mut port)).1, b"before");
            namespace.ip("link set near0 down");
            let _ = sender.send(b"lost");
            never("a cable that is cut", || next(&mut port));
            namespace.ip("link set near0 up");
            let after = eventually("the next", || {
                let _ = sender.send(b"after");
                next(&mut port)
            });
            assert_eq!(after.1, b"after", "{mode:?}");
            assert_eq!(port.counters().by_socket.get(), 0);
        }
        let mut port = attached(NATIVE);
        namespace.ip("link delete near0");
        never("an interface that is gone", || next(&mut port));
    });
}
