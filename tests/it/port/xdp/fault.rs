//! A process that is killed while its program is on an interface, and one that may not put it
//! there.

use super::{A, B, NATIVE, attached, beside, cabled, eventually, far_sender, next, on, prepared};
use crate::netns::give_up;
use cross_market_connect::port::udp::{JoinedSocket, ReceiveSettings};
use cross_market_connect::port::xdp::XdpError;
use cross_market_connect::port::xdp::receive::XdpSettings;
use std::io::Read;
use std::process::{Command, Stdio};
use xmc_hotpath::port::TxPort;

const CHILD: &str = "XMC_XDP_CHILD";

/// The child: this test binary again, in the network namespace of the thread that started it.
/// Without the environment it is a test that does nothing.
#[test]
fn child() {
    if std::env::var(CHILD).is_err() {
        return;
    }
    let mut port = attached(NATIVE);
    // The harness does not use stderr of a test that passes.
    eprintln!("attached");
    loop {
        std::hint::black_box(next(&mut port));
    }
}

/// Whether a program is on the interface.
fn has_program() -> bool {
    let shown = Command::new("ip").args(["link", "show", "near0"]).output().expect("`ip` runs");
    String::from_utf8_lossy(&shown.stdout).contains("prog/xdp")
}

#[test]
fn a_killed_process_leaves_no_program_behind() {
    cabled(1, |_, beside| {
        let mut sender = far_sender(beside, A, "far0");
        let socket = JoinedSocket::open(&on(A, "near0"), &ReceiveSettings::default()).unwrap();
        let mut buffer = [0; 64];
        for _ in 0..3 {
            let mut child = Command::new(std::env::current_exe().expect("it runs"))
                .args(["--exact", "port::xdp::fault::child", "--nocapture"])
                .env(CHILD, "1")
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .expect("it runs again");
            let mut said = [0; 8];
            child.stderr.take().expect("a pipe").read_exact(&mut said).expect("it attaches");
            assert_eq!(&said, b"attached");
            assert!(has_program());
            sender.send(b"taken").expect("the cable has room");
            child.kill().expect("it runs");
            child.wait().expect("it ran");
            eventually("the end of the program", || (!has_program()).then_some(()));
            while socket.receive(&mut buffer).is_ok() {}
            sender.send(b"after").expect("the cable has room");
            let len = eventually("the kernel's datagram", || socket.receive(&mut buffer).ok());
            assert_eq!(&buffer[..len], b"after");
        }
        // The queue is free again, too.
        let mut port = attached(NATIVE);
        sender.send(b"ours").expect("the cable has room");
        assert_eq!(eventually("a datagram", || next(&mut port)).1, b"ours");
    });
}

/// Each capability that is missing is named, with what to do and the next best port.
#[test]
fn a_capability_that_is_missing_is_named() {
    const NET_ADMIN: u8 = 12;
    const NET_RAW: u8 = 13;
    const SYS_ADMIN: u8 = 21;
    const BPF: u8 = 39;
    for (given_up, missing) in [
        (&[NET_RAW][..], "lacks CAP_NET_RAW"),
        (&[BPF, SYS_ADMIN], "lacks CAP_BPF"),
        (&[NET_ADMIN, SYS_ADMIN], "lacks CAP_NET_ADMIN"),
        (&[NET_ADMIN, NET_RAW, BPF, SYS_ADMIN], "lacks CAP_NET_RAW and CAP_NET_ADMIN and CAP_BPF"),
    ] {
        cabled(1, |_, _| {
            give_up(given_up);
            let lines = [on(A, "near0"), on(B, "near0")];
            let refused = prepared(lines, XdpSettings::default()).expect_err("it may not");
            assert!(matches!(refused, XdpError::Capability { .. }), "{refused}");
            let text = refused.to_string();
            let words = [missing, "setcap", "port = \"socket\""];
            assert!(words.iter().all(|word| text.contains(word)), "{text}");
        });
    }
}

/// All capabilities of a user namespace are not those that bpf(2) asks for.
#[test]
fn a_user_namespace_is_told_that_its_capabilities_do_not_count() {
    beside(|_, _| {
        let run = Command::new("unshare")
            .args(["-Urn"])
            .arg(std::env::current_exe().expect("it runs"))
            .args(["--exact", "port::xdp::fault::refused_child", "--nocapture"])
            .env(CHILD, "1")
            .output()
            .expect("`unshare` runs");
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
    });
}

/// The child of a user namespace. Without the environment it is a test that does nothing.
#[test]
fn refused_child() {
    if std::env::var(CHILD).is_err() {
        return;
    }
    let up = Command::new("ip").args(["link", "set", "lo", "up"]).status().expect("`ip` runs");
    assert!(up.success());
    let refused = prepared([on(A, "lo"), on(B, "lo")], XdpSettings::default());
    let text = refused.expect_err("bpf(2) is not for it").to_string();
    assert!(text.contains("user namespace") && text.contains("port = \"socket\""), "{text}");
}
