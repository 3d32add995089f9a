//! `scripts/netlab`: two markets and an engine apart, for people.

use crate::journal::scratch::Scratch;
use crate::netns;
use serde_json::Value;
use std::process::Command;

#[test]
fn the_laboratory_trades_past_the_kernel_and_leaves_nothing() {
    netns::within(|_| {
        let scratch = Scratch::new("netlab");
        let place = scratch.path("");
        let output = Command::new("scripts/netlab")
            .args(["--seconds", "4", "--json", "--unpinned"])
            .env("XMC_BIN", env!("CARGO_BIN_EXE_xmc"))
            .env("TMPDIR", &place)
            .output()
            .expect("it runs");
        let [out, why] = [output.stdout, output.stderr].map(|of| String::from_utf8(of).unwrap());
        assert_eq!(output.status.code(), Some(0), "{why}");
        let told: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{why}"));
        assert!(told["fires"].as_u64() > Some(0), "{told}");
        assert_eq!(told["journal"]["replays_equal"], true, "{told}");
        let left: Vec<_> = std::fs::read_dir(place).expect("it is there").collect();
        assert!(left.is_empty(), "{left:?}");
        let wrong = Command::new("scripts/netlab").args(["--port", "pigeon"]).output();
        let wrong = wrong.expect("it runs");
        assert_eq!(wrong.status.code(), Some(3), "{wrong:?}");
    });
}
