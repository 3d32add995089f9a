//! In sample and out of sample: apart, in that order, on data whose lineage is there.

use super::rig::{Rig, evidence};
use cross_market_connect::governance::entry::{Evidence, What};
use cross_market_connect::governance::lineage;
use std::process::Command;

fn refused(edit: impl Fn(&mut Evidence), times: [u64; 4]) -> Option<&'static str> {
    let rig = Rig::new("govern_evidence");
    let proposal = rig.propose("pat", 0, &rig.config(&[])).expect("it is proposed");
    let digest = rig.read().fold.cases()[0].proposal.configuration.clone();
    let mut evidence = evidence(proposal, &digest, times);
    edit(&mut evidence);
    rig.say("pat", 1, What::Evidence(evidence)).err().map(|refusal| refusal.rule())
}

/// By brute force over small times: what may be is in order, without a second in both.
#[test]
fn samples_are_apart_and_in_order() {
    let nothing = |_: &mut Evidence| {};
    let points = [60, 61, 62];
    let mut seen = Vec::new();
    for in_from in points {
        for in_until in points {
            for out_from in points {
                for out_until in points {
                    let is_whole = in_from < in_until && out_from < out_until;
                    let seconds = |from, until| (from..until).collect::<Vec<u64>>();
                    let chosen = seconds(in_from, in_until);
                    let tried = seconds(out_from, out_until);
                    let wanted = if !is_whole {
                        Some("no_time")
                    } else if chosen.iter().any(|second| tried.contains(second)) {
                        Some("overlap")
                    } else if tried.last() < chosen.first() {
                        Some("before_sample")
                    } else {
                        None
                    };
                    let times = [in_from, in_until, out_from, out_until];
                    assert_eq!(refused(nothing, times), wanted, "{times:?}");
                    seen.push(wanted);
                }
            }
        }
    }
    for wanted in [None, Some("no_time"), Some("overlap"), Some("before_sample")] {
        assert!(seen.contains(&wanted), "{wanted:?} was never met");
    }
}

#[test]
fn data_have_a_lineage_that_covers_them() {
    let times = [100, 200, 200, 300];
    assert_eq!(refused(|_| {}, times), None);
    assert_eq!(refused(|one| one.lineage.clear(), times), Some("no_lineage"));
    let elsewhere = |one: &mut Evidence| one.out_of_sample.source = "ef".repeat(32);
    assert_eq!(refused(elsewhere, times), Some("no_lineage"));
    assert_eq!(refused(|_| {}, [49, 200, 200, 300]), Some("outside_data"));
    assert_eq!(refused(|_| {}, [100, 200, 200, 1001]), Some("outside_data"));
    assert_eq!(refused(|_| {}, [0, 200, 200, 300]), Some("no_time"));
}

/// The digest of data is what `sha256sum` says, and of a journal that of its list.
#[test]
fn data_are_digested_as_sha256sum_does() {
    let rig = Rig::new("govern_data");
    let journal = rig.scratch.path("journal");
    std::fs::create_dir(&journal).expect("a directory");
    let long = vec![7_u8; 200_000];
    for (name, bytes) in [("00000001.xmj", &b"one"[..]), ("00000002.xmj", &long[..])] {
        std::fs::write(journal.join(name), bytes).expect("a file");
    }
    std::fs::write(journal.join("latency.hgrm"), "no segment").expect("a file");
    let script = "sha256sum 00000001.xmj 00000002.xmj > list && sha256sum < list && cat list";
    let mut shell = Command::new("sh");
    let said = shell.args(["-c", script]).current_dir(&journal).output().expect("sh runs");
    let said = String::from_utf8(said.stdout).expect("text");
    let mut lines = said.lines().map(|line| line.split(' ').next().expect("a digest"));
    let (digest, files) = lineage::digest(&journal).expect("it reads");
    assert_eq!(Some(digest.as_str()), lines.next());
    assert_eq!(
        files.iter().map(|file| &*file.sha256).collect::<Vec<_>>(),
        lines.collect::<Vec<_>>()
    );
    assert_eq!(files.iter().map(|file| file.bytes).collect::<Vec<_>>(), [3, 200_000]);
    let (one, _) = lineage::digest(&journal.join("00000001.xmj")).expect("it reads");
    assert_eq!(one, files[0].sha256);
    assert!(lineage::digest(&rig.scratch.path("nowhere")).is_err());
}
