//! `xmc frame`: lines in, lines out, and what is told of those that are wrong.

use crate::shared;
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};

/// What the command prints and says, and its exit code.
fn xmc(args: &[&str], input: &str) -> (String, String, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
    let piped = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = piped.stderr(Stdio::piped()).spawn().expect("xmc runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    let text = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    // A command that was given all it needs does not read.
    let _ = writer.join().expect("the writer ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[test]
fn golden_lines_go_through_both_ways() {
    let Some(golden) = shared::text("vectors/ilink3_golden.jsonl") else { return };
    let (hex, told, code) = xmc(&["frame", "encode", "ilink3"], &golden);
    assert_eq!((hex.lines().count(), code), (34, Some(0)), "{told}");
    let (json, _, code) = xmc(&["frame", "decode", "ilink3"], &hex);
    assert_eq!(code, Some(0));
    for (line, wanted) in json.lines().zip(golden.lines()) {
        let [line, wanted]: [Value; 2] = [line, wanted].map(|l| serde_json::from_str(l).unwrap());
        assert_eq!(line["fields"], wanted["fields"]);
    }
    // All in one stream, as they come over a connection.
    let stream: String = hex.split_whitespace().collect();
    let (json, _, code) = xmc(&["frame", "decode", "ilink3", &stream], "");
    assert_eq!((json.lines().count(), code), (34, Some(0)));
    let spoilt = golden.replace("\"session\":\"DEF\"", "\"session\":\"DEG\"");
    let (hex, told, code) = xmc(&["frame", "encode", "ilink3"], &spoilt);
    assert_eq!((hex.lines().count(), code), (34, Some(1)));
    assert!(told.contains("line 1: its \"hex\" differs from byte"), "{told}");
}

/// Versions 5 to 7 end before fields that were appended later: what is there is told, and the
/// session still refuses them.
#[test]
fn older_versions_are_told_as_far_as_they_go() {
    // EstablishmentAck504 of 38 bytes, without EnvironmentIndicator.
    let frame = |version: u16| {
        let mut bytes = vec![50, 0, 0xfe, 0xca, 38, 0, 0xf8, 1, 8, 0];
        bytes.extend(version.to_le_bytes());
        bytes.extend(7_000_u64.to_le_bytes());
        bytes.extend([0; 30]);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    for version in [5, 6, 7, 8] {
        let (json, told, code) = xmc(&["frame", "decode", "ilink3", &frame(version)], "");
        assert_eq!(code, Some(0), "{told}");
        let told: Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(told["schema_version"], version);
        assert_eq!(told["fields"]["uUID"], 7_000, "{json}");
        assert!(told["fields"].get("environmentIndicator").is_none(), "{json}");
    }
    let (json, _, code) = xmc(&["frame", "decode", "ilink3", &frame(4)], "");
    assert!(code == Some(1) && json.contains("older than 5"), "{json}");
    let bytes = [50, 0, 0xfe, 0xca, 38, 0, 0xf8, 1, 8, 0, 7, 0];
    let session = xmc_hotpath::venue::cme::ilink3::decode::frame(&[&bytes[..], &[0; 38]].concat())
        .map(|found| found.is_some());
    assert_eq!(session, Err(xmc_hotpath::venue::cme::ilink3::decode::FrameError::Version(7)));
}

#[test]
fn feeds_are_told() {
    let Some(vectors) = shared::text("vectors/smdp_v2.txt") else { return };
    let mirp = vectors.lines().find_map(|line| {
        line.split_whitespace().find(|word| word.starts_with("0101d80001000000e903"))
    });
    let (json, _, code) = xmc(&["frame", "decode", "smdp", mirp.expect("the datagram")], "");
    let told: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&told["topic_id"], &told["packet_no"]), (&1001.into(), &1.into()), "{code:?}");
    assert_eq!(told["fields"][1]["kind"], "UpperLimit");
    assert_eq!(told["fields"][1]["offset_ticks"], 144);
    // A heartbeat of CME: header, then message 12 without a body.
    let heartbeat = "07000000 0807060504030201 0a00 0000 0c00 0100 0900";
    let (json, told, code) = xmc(&["frame", "decode", "mdp3", heartbeat], "");
    assert_eq!(code, Some(0), "{told}");
    let told: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&told["seq_no"], &told["messages"][0]["template"]), (&7.into(), &12.into()));
}

#[test]
fn what_is_no_frame_is_told_in_its_place() {
    let (json, _, code) = xmc(&["frame", "decode", "ilink3"], "zz\n{\"a\":1}\n0c00feca\n");
    assert_eq!(code, Some(1));
    let errors: Vec<Value> = json.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    for (told, wanted) in errors.iter().zip(["hexadecimal", "no \"hex\"", "12 bytes and 4"]) {
        assert!(told["error"].as_str().is_some_and(|text| text.contains(wanted)), "{told}");
    }
    assert_eq!(errors.len(), 3);
    let (_, told, code) = xmc(&["frame", "list", "ilink3", "999"], "");
    assert_eq!(code, Some(3), "{told}");
    let (text, _, code) = xmc(&["frame", "list", "ilink3", "NewOrderSingle"], "");
    assert!(code == Some(0) && text.contains("  0    8  price (44)"), "{text}");
}
