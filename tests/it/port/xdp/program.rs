//! The program's verdict on frames, as the kernel runs it (`BPF_PROG_TEST_RUN`).

use super::{A, B, beside, frame_to};
use cross_market_connect::port::xdp::XdpError;
use cross_market_connect::port::xdp::bpf::Redirect;
use cross_market_connect::port::xdp::program::{Filter, MAX_FILTERS};
use cross_market_connect::port::xdp::socket::XdpSocket;
use std::net::{Ipv4Addr, SocketAddrV4};

/// `XDP_PASS` and `XDP_REDIRECT` of `linux/bpf.h`.
const PASS: u32 = 2;
const REDIRECT: u32 = 4;

fn any(target: SocketAddrV4) -> Filter {
    Filter { target, source: None }
}

/// The program as it is used, with a socket for queue 0, on which test frames come.
fn loaded(filters: &[Filter]) -> (Redirect, XdpSocket) {
    let redirect = Redirect::load(&[filters], 1).unwrap_or_else(|error| panic!("{error}"));
    let socket = XdpSocket::open().expect("it may");
    redirect.set(0, &socket).expect("a place");
    (redirect, socket)
}

fn edited(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut frame = frame_to(A, b"a payload of some length");
    frame[at..at + bytes.len()].copy_from_slice(bytes);
    frame
}

/// A frame of so many bytes.
fn long(bytes: usize) -> Vec<u8> {
    let mut frame = frame_to(A, b"its header says less");
    frame.resize(bytes, 7);
    frame
}

/// The frame with a tag between the link addresses and the rest.
fn tagged(kind: [u8; 2]) -> Vec<u8> {
    let mut frame = frame_to(A, b"a payload of some length");
    frame.splice(12..12, [kind[0], kind[1], 0, 100]);
    frame
}

#[test]
fn the_kernel_gets_everything_but_the_datagrams_of_the_lines() {
    beside(|_, _| {
        let (program, _socket) = loaded(&[any(A), any(B)]);
        let other_port = SocketAddrV4::new(*A.ip(), B.port());
        let other_group = SocketAddrV4::new(Ipv4Addr::new(239, 1, 2, 5), A.port());
        let rows = [
            ("line A", frame_to(A, b"x"), REDIRECT),
            ("line B", frame_to(B, b""), REDIRECT),
            ("a full frame", frame_to(A, &[7; 1_472]), REDIRECT),
            ("the longest that there is room for", long(1_792), REDIRECT),
            ("one byte more", long(1_793), PASS),
            ("not to be divided", edited(20, &[0x40, 0]), REDIRECT),
            ("to be divided if need be", edited(20, &[0, 0]), REDIRECT),
            ("the reserved bit", edited(20, &[0x80, 0]), REDIRECT),
            ("A's group, B's port", frame_to(other_port, b"x"), PASS),
            ("another group", frame_to(other_group, b"x"), PASS),
            ("more fragments", edited(20, &[0x20, 0]), PASS),
            ("a later fragment", edited(20, &[0, 1]), PASS),
            ("a much later fragment", edited(20, &[0x1f, 0]), PASS),
            ("TCP", edited(23, &[6]), PASS),
            ("IGMP", edited(23, &[2]), PASS),
            ("IP options", edited(14, &[0x46]), PASS),
            ("a header that is too short", edited(14, &[0x44]), PASS),
            ("IP version 6", edited(14, &[0x65]), PASS),
            ("IPv6 by its type", edited(12, &[0x86, 0xdd]), PASS),
            ("ARP", edited(12, &[0x08, 0x06]), PASS),
            ("a length, not a type", edited(12, &[0, 46]), PASS),
            ("a VLAN tag", tagged([0x81, 0]), PASS),
            ("a service tag", tagged([0x88, 0xa8]), PASS),
        ];
        for (what, frame, verdict) in rows {
            assert_eq!(program.verdict(&frame).expect("it runs"), verdict, "{what}");
        }
    });
}

/// Every length of a frame, from the shortest that the kernel runs programs on: one that ends
/// within the headers is the kernel's.
#[test]
fn frames_that_end_in_their_headers_are_the_kernels() {
    beside(|_, _| {
        let (program, _socket) = loaded(&[any(A)]);
        let whole = frame_to(A, &[7; 30]);
        for len in 14..=whole.len() {
            let verdict = program.verdict(&whole[..len]).expect("it runs");
            assert_eq!(verdict, if len < 42 { PASS } else { REDIRECT }, "{len} bytes");
        }
        assert!(program.verdict(&whole[..13]).is_err(), "the kernel refuses to run it");
    });
}

#[test]
fn a_line_of_one_sender_is_redirected_from_that_one_only() {
    beside(|_, _| {
        let source = Some(Ipv4Addr::new(10, 78, 1, 2));
        let other = Some(Ipv4Addr::new(10, 78, 1, 9));
        for (filters, to_a, to_b) in [
            ([Filter { target: A, source }, any(B)], REDIRECT, REDIRECT),
            ([Filter { target: A, source: other }, any(B)], PASS, REDIRECT),
            ([Filter { target: A, source }, Filter { target: B, source: other }], REDIRECT, PASS),
        ] {
            let (program, _socket) = loaded(&filters);
            assert_eq!(program.verdict(&frame_to(A, b"x")).expect("it runs"), to_a, "{filters:?}");
            assert_eq!(program.verdict(&frame_to(B, b"x")).expect("it runs"), to_b, "{filters:?}");
        }
    });
}

/// As many groups as a program may have: the first and the last are found, and one more is refused.
#[test]
fn a_program_holds_many_groups_and_no_more() {
    beside(|_, _| {
        let target = |number: usize| {
            let [.., high, low] = number.to_be_bytes();
            SocketAddrV4::new(Ipv4Addr::new(239, 7, high, low), 20_000 + number as u16)
        };
        let source = Some(Ipv4Addr::new(10, 78, 1, 2));
        let filters: Vec<_> =
            (0..=MAX_FILTERS).map(|number| Filter { target: target(number), source }).collect();
        let (program, _socket) = loaded(&filters[..MAX_FILTERS]);
        for number in [0, 1, MAX_FILTERS / 2, MAX_FILTERS - 1] {
            let verdict = program.verdict(&frame_to(target(number), b"x")).expect("it runs");
            assert_eq!(verdict, REDIRECT, "group {number}");
        }
        let beyond = program.verdict(&frame_to(target(MAX_FILTERS), b"x")).expect("it runs");
        assert_eq!(beyond, PASS);
        let refused = Redirect::load(&[&filters], 1).expect_err("one too many");
        assert!(matches!(refused, XdpError::TooManyFilters { .. }), "{refused}");
    });
}

#[test]
fn without_groups_or_sockets_all_is_the_kernels() {
    beside(|_, _| {
        let (program, _socket) = loaded(&[]);
        assert_eq!(program.verdict(&frame_to(A, b"x")).expect("it runs"), PASS);
        let lonely = Redirect::load(&[&[any(A)]], 1).expect("it may");
        assert_eq!(lonely.verdict(&frame_to(A, b"x")).expect("it runs"), PASS, "no socket");
    });
}
