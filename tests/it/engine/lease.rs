//! The lease of a desk: who has it is alone, whoever dies gives it up, and no epoch comes twice.

use crate::journal::scratch::Scratch;
use cross_market_connect::engine::lease::{self, Fence, Lease, LeaseError};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use xmc_hotpath::message::{DeskId, DeskIdentity, OrderId, SiteId};

const DESK: DeskIdentity = DeskIdentity { site: SiteId(3), desk: DeskId(2), run: 1 };

fn taken(directory: &Path) -> Lease {
    Lease::take(directory, DESK).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(directory: &Path) -> String {
    match Lease::take(directory, DESK).expect_err("somebody has it") {
        error @ LeaseError::Held { .. } => error.to_string(),
        error => panic!("{error}"),
    }
}

#[test]
fn a_desk_that_is_traded_is_refused_with_whom_to_stop() {
    let scratch = Scratch::new("lease");
    let directory = scratch.path("leases");
    let mut first = taken(&directory);
    let early = refused(&directory);
    assert!(early.contains("site 3 desk 2") && early.contains("just starting"), "{early}");
    let identity = first.begin(None, Path::new("/somewhere/record")).expect("there is room");
    assert_eq!(identity, DESK);
    let error = refused(&directory);
    let process = format!("process {}", std::process::id());
    assert!(error.contains(&process) && error.contains("/somewhere/record"), "{error}");
    assert!(error.contains("Stop that one first") && error.contains("kill it"), "{error}");
    // Another desk has a lease of its own.
    let other = DeskIdentity { desk: DeskId(9), ..DESK };
    assert_eq!(Lease::take(&directory, other).unwrap().begin(None, &directory).unwrap().run, 1);
    drop(first);
    assert_eq!(taken(&directory).begin(None, &directory).unwrap().run, 2, "it goes on");
}

/// What the journal knows counts, and what another record of the desk has used.
#[test]
fn an_epoch_is_above_all_that_lease_and_journal_know() {
    let scratch = Scratch::new("lease_epochs");
    let directory = scratch.path("leases");
    let begin = |last| taken(&directory).begin(last, &directory).map(|identity| identity.run);
    assert_eq!(begin(Some(40)).unwrap(), 41);
    assert_eq!(begin(Some(7)).unwrap(), 42);
    assert_eq!(begin(None).unwrap(), 43);
    let spent = begin(Some(u16::MAX)).expect_err("no epoch is left").to_string();
    assert!(spent.contains("another desk_id"), "{spent}");
    assert_eq!(begin(None).unwrap(), 44, "nothing was used up");
}

#[test]
fn a_lease_that_cannot_be_read_gives_no_epoch() {
    let scratch = Scratch::new("lease_damaged");
    let directory = scratch.path("leases");
    taken(&directory).begin(None, &directory).unwrap();
    let file = directory.join("site_3_desk_2.lease");
    let whole = fs::read(&file).expect("it is there");
    for len in 0..whole.len() {
        fs::write(&file, &whole[..len]).expect("it is ours");
        let error = Lease::take(&directory, DESK).expect_err("it is cut").to_string();
        assert!(error.contains("is no lease") && error.contains("{\"epoch\":N}"), "{error}");
    }
    fs::write(&file, "{\"epoch\":17}").expect("it is ours");
    assert_eq!(taken(&directory).begin(None, &directory).unwrap().run, 18);
}

/// Many who try at the same moment, again and again: one has it at a time, and no two have ever had
/// the same epoch, so no two orders the same id.
#[test]
fn of_many_who_start_at_once_one_trades() {
    const STARTS: usize = 400;
    let scratch = Scratch::new("lease_race");
    let directory = scratch.path("leases");
    let (holders, refusals) = (AtomicU32::new(0), AtomicU32::new(0));
    let epochs = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while epochs.lock().unwrap().len() < STARTS {
                    let Ok(mut lease) = Lease::take(&directory, DESK) else {
                        refusals.fetch_add(1, Ordering::Relaxed);
                        continue;
                    };
                    assert_eq!(holders.fetch_add(1, Ordering::AcqRel), 0, "two have it");
                    epochs.lock().unwrap().push(lease.begin(None, &directory).unwrap());
                    assert_eq!(holders.fetch_sub(1, Ordering::AcqRel), 1, "two have it");
                    drop(lease);
                }
            });
        }
    });
    let epochs = epochs.into_inner().unwrap();
    assert!(epochs.windows(2).all(|pair| pair[0].run < pair[1].run), "they grow");
    let ends = [(0, 1), (OrderId::TURNS - 1, OrderId::SLOTS - 1)];
    let ids = epochs.iter().flat_map(|one| ends.map(|(turn, slot)| OrderId::new(*one, turn, slot)));
    let ids: Vec<_> = ids.collect();
    assert!(
        ids.is_sorted_by(|before, after| before < after),
        "every id of a run is above the last"
    );
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    println!("{} starts, {} refusals", epochs.len(), refusals.into_inner());
}

/// A fence keeps everybody out until it is lifted, uses up no epoch, and is another desk's not.
#[test]
fn a_fenced_desk_lets_no_engine_in_until_it_is_lifted() {
    let scratch = Scratch::new("lease_fence");
    let directory = scratch.path("leases");
    let fence = Fence { run: 4, process: 77, at_ns: 1_795_000_000_000_000_000, why: "why".into() };
    fence.put(&directory, DESK).expect("there is room");
    for _ in 0..3 {
        let error = Lease::take(&directory, DESK).expect_err("it is fenced");
        assert!(matches!(error, LeaseError::Fenced { site: 3, desk: 2, .. }), "{error}");
        let told = error.to_string();
        assert!(told.contains("run 4, process 77: why; at 2026-"), "{told}");
        assert!(told.contains("xmc guard lift"), "{told}");
    }
    assert!(!lease::is_held(&directory, DESK).expect("it can be asked"), "nobody is in");
    let other = DeskIdentity { desk: DeskId(9), ..DESK };
    drop(Lease::take(&directory, other).expect("another desk's fence is not ours"));
    assert_eq!(Fence::of(&directory, DESK).expect("it reads"), Some(fence));
    Fence::lift(&directory, DESK).expect("it is there");
    let mut lease = taken(&directory);
    assert!(lease::is_held(&directory, DESK).expect("it can be asked"), "we are in");
    assert_eq!(lease.begin(None, &directory).unwrap().run, 1, "no epoch was used up");
}

/// A fence that comes after an engine has looked, and before anybody could see it, is found.
#[test]
fn an_engine_looks_at_the_fence_again_once_it_can_be_seen() {
    let scratch = Scratch::new("lease_fence_again");
    let directory = scratch.path("leases");
    let lease = taken(&directory);
    lease.confirm().expect("there is no fence");
    let fence = Fence { run: 4, process: 77, at_ns: 1, why: "why".into() };
    fence.put(&directory, DESK).expect("there is room");
    let error = lease.confirm().expect_err("it is fenced");
    assert!(matches!(error, LeaseError::Fenced { site: 3, desk: 2, .. }), "{error}");
}

/// Whoever cannot read a fence does not take it for none.
#[test]
fn a_fence_that_is_damaged_still_keeps_everybody_out() {
    let scratch = Scratch::new("lease_fence_damaged");
    let directory = scratch.path("leases");
    drop(taken(&directory));
    for bytes in [&b""[..], b"{", b"\xff\xff"] {
        fs::write(Fence::path(&directory, DESK), bytes).expect("it is ours");
        let error = Lease::take(&directory, DESK).expect_err("it is fenced").to_string();
        assert!(error.contains("cannot be read"), "{error}");
    }
}
