//! Snapshots as files: what is not whole is refused, and old ones go.

use super::scratch::Scratch;
use cross_market_connect::journal::snapshot::{
    Snapshot, SnapshotError, list, of_bytes, read, remove_before, since, write,
};
use xmc_hotpath::message::{DeskId, DeskIdentity, SiteId};
use xmc_hotpath::record::frame::LOGIC_VERSION;

fn snapshot(segment: u64, last_seq_no: u64) -> Snapshot {
    Snapshot {
        identity: DeskIdentity { site: SiteId(2), desk: DeskId(3), run: 4 },
        logic_version: LOGIC_VERSION,
        last_seq_no,
        segment,
        tree_size: 1_000 + last_seq_no,
        tree_root: [0x5a; 32],
        start: (0..120).collect(),
        state: (0..3_000_u32).flat_map(|word| (word / 7).to_le_bytes()).collect(),
    }
}

#[test]
fn what_was_written_is_read_again() {
    let scratch = Scratch::new("snapshot");
    let directory = scratch.path("");
    assert!(list(&directory).expect("it is there").is_empty());
    let written = snapshot(12, 34_567);
    write(&directory, &written).expect("there is room");
    let found = list(&directory).expect("it is there");
    let [place] = &found[..] else { panic!("{found:?}") };
    assert_eq!((place.segment, place.last_seq_no), (12, 34_567));
    assert_eq!(read(&place.path).expect("it is whole"), written);
    assert!(place.path.ends_with("00000012-00000000034567.xms"), "{place:?}");
}

#[test]
fn every_cut_and_every_flipped_bit_is_refused() {
    let scratch = Scratch::new("snapshot_flips");
    let directory = scratch.path("");
    write(&directory, &snapshot(1, 9)).expect("there is room");
    let path = &list(&directory).expect("it is there")[0].path;
    let mut bytes = std::fs::read(path).expect("it is there");
    assert!(of_bytes(&bytes).is_ok());
    for len in 0..bytes.len() {
        assert!(of_bytes(&bytes[..len]).is_err(), "cut off at {len}");
    }
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(of_bytes(&bytes).is_err(), "bit {bit}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    bytes.push(0);
    assert!(matches!(of_bytes(&bytes), Err(SnapshotError::Hash)));
    assert!(matches!(of_bytes(b"XMCSNAP"), Err(SnapshotError::NotASnapshot)));
    assert!(matches!(of_bytes(&[0; 500]), Err(SnapshotError::NotASnapshot)));
}

#[test]
fn the_newest_stay_and_the_first_of_each_segment() {
    let scratch = Scratch::new("snapshot_kept");
    let directory = scratch.path("");
    std::fs::write(directory.join("another.xms"), "not ours").expect("it is ours");
    for (segment, seq_no) in [(1, 5), (1, 6), (1, 7), (2, 8), (2, 9), (3, 10), (3, 11), (3, 12)] {
        write(&directory, &snapshot(segment, seq_no)).expect("there is room");
    }
    let places = |found: Vec<_>| -> Vec<_> {
        let place = |found: &cross_market_connect::journal::snapshot::SnapshotPath| {
            (found.segment, found.last_seq_no)
        };
        found.iter().map(place).collect()
    };
    let all = places(list(&directory).expect("it is there"));
    assert_eq!(all, [(1, 5), (2, 8), (3, 10), (3, 11), (3, 12)]);
    let late = places(since(&directory, 3).expect("it is there"));
    assert_eq!(late, [(3, 10), (3, 11), (3, 12)]);
    remove_before(&directory, 3).expect("they are ours");
    assert_eq!(places(list(&directory).expect("it is there")), late);
    assert!(directory.join("another.xms").exists(), "not ours to remove");
}
