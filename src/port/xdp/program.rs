//! The program that divides the frames of an interface, assembled from what is wanted.
//!
//! `redirect` sends the UDP datagrams of each feed's filters to that feed's socket of the queue on
//! which they came, and everything else to the kernel (`XDP_PASS`): frames that are too short for
//! the headers, with a VLAN tag, with another protocol than IPv4 and UDP, with IP options,
//! fragments, and frames that are longer than what the shared memory has for one. It is a list of
//! comparisons without a loop, so the verifier's work is small and so is the kernel's.
//!
//! Instructions: `linux/bpf.h`, and Linux `Documentation/bpf/standardization/instruction-set.rst`.

use super::umem::MOST_BYTES;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsRawFd, BorrowedFd};

/// What is wanted of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    /// To which address and port.
    pub target: SocketAddrV4,
    /// From whom; `None` for anybody.
    pub source: Option<Ipv4Addr>,
}

/// Filters that one program can have, of all feeds: jumps are 16 bits wide, and this is far below.
pub const MAX_FILTERS: usize = 512;

/// One instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    code: u8,
    /// Target in the lower half, source in the upper one.
    registers: u8,
    offset: i16,
    immediate: i32,
}
const _: () = assert!(size_of::<Instruction>() == 8);

/// `XDP_PASS`.
const PASS: i32 = 2;
/// `BPF_FUNC_redirect_map`.
const REDIRECT_MAP: i32 = 51;
/// `BPF_PSEUDO_MAP_FD`: the immediate is a map's descriptor.
const MAP_FD: u8 = 1;

const LOAD_WORD: u8 = 0x61;
const LOAD_HALF: u8 = 0x69;
const LOAD_BYTE: u8 = 0x71;
const LOAD_IMMEDIATE_64: u8 = 0x18;
const MOVE: u8 = 0xbf;
const MOVE_IMMEDIATE: u8 = 0xb7;
const ADD_IMMEDIATE: u8 = 0x07;
const AND_IMMEDIATE_32: u8 = 0x54;
const ADD: u8 = 0x0f;
const JUMP_IF_GREATER: u8 = 0x2d;
const JUMP_UNLESS_LESS_IMMEDIATE: u8 = 0x35;
const JUMP_IF_NOT_32: u8 = 0x56;
const JUMP_IF_32: u8 = 0x16;
const JUMP: u8 = 0x05;
const CALL: u8 = 0x85;
const EXIT: u8 = 0x95;

/// The context's fields: `struct xdp_md`.
const CONTEXT_DATA: i16 = 0;
const CONTEXT_DATA_END: i16 = 4;
const CONTEXT_QUEUE: i16 = 16;

/// Where the headers have their fields, without VLAN tag and IP options.
const ETHER_TYPE: i16 = 12;
const IP_VERSION: i16 = 14;
const IP_FRAGMENT: i16 = 20;
const IP_PROTOCOL: i16 = 23;
const IP_SOURCE: i16 = 26;
const IP_TARGET: i16 = 30;
const UDP_TARGET: i16 = 36;
const HEADERS_BYTES: i32 = 42;

/// Registers: the frame, the addresses, and what is looked at.
const FRAME: u8 = 2;
const END: u8 = 3;
const FIELD: u8 = 4;
const TARGET: u8 = 5;
const CONTEXT: u8 = 6;
const SOURCE: u8 = 7;
/// The first place of the feed's sockets in the map. What it held before is not needed any more.
const FIRST: u8 = 7;

/// Where a jump goes that is not yet known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    Pass,
    Hit(usize),
    Redirect,
}

/// Instructions under construction.
struct Assembly {
    instructions: Vec<Instruction>,
    jumps: Vec<(usize, Label)>,
}

impl Assembly {
    fn put(&mut self, code: u8, target: u8, source: u8, offset: i16, immediate: i32) {
        let registers = target | source << 4;
        self.instructions.push(Instruction { code, registers, offset, immediate });
    }

    /// A jump to a label.
    fn jump(&mut self, code: u8, target: u8, source: u8, immediate: i32, label: Label) {
        self.jumps.push((self.instructions.len(), label));
        self.put(code, target, source, 0, immediate);
    }

    /// Makes the jumps to a label come here.
    fn land(&mut self, label: Label) {
        let here = self.instructions.len();
        for (at, _) in self.jumps.iter().filter(|(_, to)| *to == label) {
            let distance = i16::try_from(here - at - 1).expect("filters are few");
            self.instructions[*at].offset = distance;
        }
    }
}

/// Bytes of a frame as the register has them that loaded them: in this machine's order.
fn half(network_order: u16) -> i32 {
    i32::from(u16::from_ne_bytes(network_order.to_be_bytes()))
}

fn word(address: Ipv4Addr) -> i32 {
    i32::from_ne_bytes(address.octets())
}

/// The program that sends what the filters of each of `feeds` want to that feed's sockets in
/// `map`: first those of the first feed by queue, of which there are `queues`, then those of the
/// next. What comes on another queue is passed on.
#[must_use]
pub fn redirect(feeds: &[&[Filter]], queues: u32, map: BorrowedFd<'_>) -> Vec<Instruction> {
    let mut code = Assembly { instructions: Vec::new(), jumps: Vec::new() };
    let queues = i32::try_from(queues).expect("cards have fewer queues");
    let feeds: Vec<_> =
        feeds.iter().enumerate().filter(|(_, filters)| !filters.is_empty()).collect();
    if !feeds.is_empty() {
        headers(&mut code);
        for (feed, filters) in &feeds {
            for filter in **filters {
                compare(&mut code, filter, Label::Hit(*feed));
            }
        }
        code.jump(JUMP, 0, 0, 0, Label::Pass);
        for (feed, _) in &feeds {
            code.land(Label::Hit(*feed));
            let first = i32::try_from(*feed).expect("feeds are few").saturating_mul(queues);
            code.put(MOVE_IMMEDIATE, FIRST, 0, 0, first);
            code.jump(JUMP, 0, 0, 0, Label::Redirect);
        }
        code.land(Label::Redirect);
        code.put(LOAD_WORD, 2, CONTEXT, CONTEXT_QUEUE, 0);
        // The place behind a feed's last queue is the next feed's.
        code.jump(JUMP_UNLESS_LESS_IMMEDIATE, 2, 0, queues, Label::Pass);
        code.put(ADD, 2, FIRST, 0, 0);
        code.put(LOAD_IMMEDIATE_64, 1, MAP_FD, 0, map.as_raw_fd());
        // The upper half of the immediate.
        code.put(0, 0, 0, 0, 0);
        // What happens if no socket is there.
        code.put(MOVE_IMMEDIATE, 3, 0, 0, PASS);
        code.put(CALL, 0, 0, 0, REDIRECT_MAP);
        code.put(EXIT, 0, 0, 0, 0);
    }
    code.land(Label::Pass);
    code.put(MOVE_IMMEDIATE, 0, 0, 0, PASS);
    code.put(EXIT, 0, 0, 0, 0);
    code.instructions
}

/// Passes on what is no plain UDP datagram, and loads the fields that filters compare.
fn headers(code: &mut Assembly) {
    code.put(MOVE, CONTEXT, 1, 0, 0);
    code.put(LOAD_WORD, FRAME, CONTEXT, CONTEXT_DATA, 0);
    code.put(LOAD_WORD, END, CONTEXT, CONTEXT_DATA_END, 0);
    code.put(MOVE, FIELD, FRAME, 0, 0);
    code.put(ADD_IMMEDIATE, FIELD, 0, 0, HEADERS_BYTES);
    code.jump(JUMP_IF_GREATER, FIELD, END, 0, Label::Pass);
    code.put(ADD_IMMEDIATE, FIELD, 0, 0, MOST_BYTES - HEADERS_BYTES);
    code.jump(JUMP_IF_GREATER, END, FIELD, 0, Label::Pass);
    for (load, at, wanted) in [
        (LOAD_HALF, ETHER_TYPE, half(0x0800)),
        // Version 4, and five words of header: no options.
        (LOAD_BYTE, IP_VERSION, 0x45),
        (LOAD_BYTE, IP_PROTOCOL, 17),
    ] {
        code.put(load, FIELD, FRAME, at, 0);
        code.jump(JUMP_IF_NOT_32, FIELD, 0, wanted, Label::Pass);
    }
    code.put(LOAD_HALF, FIELD, FRAME, IP_FRAGMENT, 0);
    // More fragments, or not at the beginning.
    code.put(AND_IMMEDIATE_32, FIELD, 0, 0, half(0x3fff));
    code.jump(JUMP_IF_NOT_32, FIELD, 0, 0, Label::Pass);
    code.put(LOAD_WORD, TARGET, FRAME, IP_TARGET, 0);
    code.put(LOAD_WORD, SOURCE, FRAME, IP_SOURCE, 0);
    code.put(LOAD_HALF, FIELD, FRAME, UDP_TARGET, 0);
}

fn compare(code: &mut Assembly, filter: &Filter, hit: Label) {
    let port = half(filter.target.port());
    match filter.source {
        None => code.put(JUMP_IF_NOT_32, TARGET, 0, 1, word(*filter.target.ip())),
        Some(source) => {
            code.put(JUMP_IF_NOT_32, TARGET, 0, 2, word(*filter.target.ip()));
            code.put(JUMP_IF_NOT_32, SOURCE, 0, 1, word(source));
        }
    }
    code.jump(JUMP_IF_32, FIELD, 0, port, hit);
}
