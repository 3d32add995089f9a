//! `xmc latency --wire`: what a venue's end measures of an engine over cables.

use super::{alone, report_of};
use crate::netns;
use serde_json::Value;
use std::process::Command;

const WAYS: [&str; 4] =
    ["loopback_socket_tcp", "cable_socket_tcp", "cable_xdp_tcp", "cable_xdp_xdp"];

#[test]
fn every_way_fires_and_the_venue_reads_what_the_record_has() {
    let _alone = alone();
    netns::within(|_| {
        let (code, told) =
            report_of(&["latency", "--wire", "--decisions", "1000", "--rounds", "1"]);
        assert_eq!(code, 0, "{told}");
        assert_eq!(told["not_measured"], Value::Array(Vec::new()), "{told}");
        let ways = told["ways"].as_array().expect("a list");
        let names: Vec<_> = ways.iter().map(|way| way["way"].as_str().expect("a word")).collect();
        assert_eq!(names, WAYS);
        for way in ways {
            whole(way);
        }
    });
}

/// That what one way says of itself goes together.
fn whole(way: &Value) {
    let of = |name: &str, figure: &str| way[name][figure].as_u64().expect("a number");
    assert_eq!(way["frames_equal_record"], true, "{way}");
    assert_eq!((&way["allocations"], &way["torn_fires"]), (&0.into(), &0.into()), "{way}");
    assert_eq!(of("to_first_order_ns", "count"), 1_000, "{way}");
    assert_eq!(of("to_last_order_ns", "count"), 1_000, "{way}");
    // More packets than fires: the copies on line B, and what changes no price.
    assert!(way["packets"].as_u64() > Some(1_000), "{way}");
    for figure in ["p50", "p90", "p99", "max"] {
        assert!(of("to_first_order_ns", figure) <= of("to_last_order_ns", figure), "{way}");
    }
    // The venue's figure has the engine's in it, the way there and the way back.
    assert!(of("in_engine_ns", "p50") < of("to_last_order_ns", "p50"), "{way}");
    // Turns of the loop that are stamped meet fires now and then.
    for step in ["feed", "desk", "gateway"] {
        let of = |figure: &str| way["steps_ns"][step][figure].as_u64().expect("a number");
        assert!((10..=1_000).contains(&of("count")), "{step}: {way}");
        assert!(
            of("p50") > 0 && of("p50") <= way["in_engine_ns"]["max"].as_u64().unwrap(),
            "{way}"
        );
    }
}

/// The root of a user namespace has every capability there and loads no program.
#[test]
fn the_root_of_a_user_namespace_measures_what_it_may() {
    let _alone = alone();
    let output = Command::new("unshare")
        .args(["--map-root-user", "--net", "--", env!("CARGO_BIN_EXE_xmc"), "--json", "latency"])
        .args(["--wire", "--decisions", "1000", "--rounds", "1"])
        .output()
        .expect("unshare runs");
    let why = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{why}");
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let ways = told["ways"].as_array().expect("a list");
    let names: Vec<_> = ways.iter().map(|way| way["way"].as_str().expect("a word")).collect();
    assert_eq!(names, WAYS[..2], "{told}");
    let reason = told["not_measured"][0].as_str().expect("a sentence");
    assert!(reason.contains("AF_XDP is not measured"), "{reason}");
}

#[test]
fn who_may_make_no_namespace_gets_loopback_and_is_told_why() {
    let _alone = alone();
    netns::within(|_| {
        let words = ["--json", "latency", "--wire", "--decisions", "1000", "--rounds", "1"];
        let output = Command::new("setpriv")
            .args(["--bounding-set", "-sys_admin", "--", env!("CARGO_BIN_EXE_xmc")])
            .args(words)
            .output()
            .expect("setpriv runs");
        let why = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{why}");
        let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let ways = told["ways"].as_array().expect("a list");
        assert_eq!(ways.len(), 1, "{told}");
        assert_eq!(ways[0]["way"], WAYS[0]);
        let reason = told["not_measured"][0].as_str().expect("a sentence");
        assert!(reason.contains("network namespace") && reason.contains("root"), "{reason}");
    });
}

#[test]
fn wire_takes_no_topology() {
    for other in [["--topology", "two"], ["--spreads", "2"]] {
        let (code, told) = report_of(&["latency", "--wire", other[0], other[1]]);
        assert_eq!(code, 3, "{told}");
    }
}

/// Cores that nothing can be measured on are refused with those that there are.
#[test]
fn cores_that_this_process_may_not_use_are_refused() {
    for (cores, words) in [
        (&["1023,0"][..], &["may not use core 1023; it may use "][..]),
        (&["1023", "0"], &["may not use core 1023"]),
        (&["1"], &["--cores takes two", "--cores 1,0"]),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_xmc"))
            .args(["latency", "--decisions", "1000", "--cores"])
            .args(cores)
            .output()
            .expect("xmc runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{cores:?}: {said}");
        assert!(words.iter().all(|word| said.contains(word)), "{cores:?}: {said}");
    }
}
