//! Files that are cut, changed, of another build or of another run are refused with what to do, and
//! a file that is replaced while somebody reads it is read whole.

use super::{identity, scratch, shown, value};
use cross_market_connect::counters::file::{MAGIC, NAME};
use cross_market_connect::counters::{Attached, ReadError};
use cross_market_connect::journal::shm::RingFile;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of the header.
const HEADER: usize = 128;

/// Bytes before the table, as word 3 of the header says.
fn table_at(whole: &[u8]) -> usize {
    let word = whole[24..32].try_into().expect("eight bytes");
    usize::try_from(u64::from_le_bytes(word)).expect("a length")
}

fn refused(path: &Path) -> ReadError {
    Attached::open_file(path).expect_err("it is damaged")
}

#[test]
fn every_cut_is_told_with_how_much_is_missing() {
    let (_scratch, record) = scratch("counters_cut");
    let _counters = shown(&record, 1);
    let whole = std::fs::read(record.join(NAME)).expect("it is there");
    let cut = record.join("cut");
    // All around the ends of its parts; between them every length is the same case.
    let near = |at: usize| at.saturating_sub(300)..(at + 300).min(whole.len());
    let between = (0..whole.len()).step_by(4_999);
    let lengths = near(0).chain(near(table_at(&whole))).chain(near(whole.len())).chain(between);
    for len in lengths {
        std::fs::write(&cut, &whole[..len]).expect("the directory can be written");
        match refused(&cut) {
            ReadError::Truncated { found, wanted, .. } => {
                assert_eq!(found, len as u64);
                assert!(wanted > found && wanted <= whole.len() as u64, "{len}: {wanted}");
            }
            other => panic!("{len}: {other}"),
        }
    }
    std::fs::write(&cut, [&whole[..], b"x"].concat()).expect("the directory can be written");
    assert!(matches!(refused(&cut), ReadError::Damaged { .. }));
}

#[test]
fn every_flipped_bit_outside_of_the_counters_is_found() {
    let (_scratch, record) = scratch("counters_flip");
    let _counters = shown(&record, 1);
    let whole = std::fs::read(record.join(NAME)).expect("it is there");
    let path = record.join("flipped");
    let bits = (0..HEADER * 8).chain((table_at(&whole) * 8..whole.len() * 8).step_by(30_011));
    for bit in bits {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &bytes).expect("the directory can be written");
        let error = refused(&path);
        let is_right = match bit / 64 {
            0 => matches!(error, ReadError::NotCounters { .. }),
            1 => matches!(error, ReadError::Version { .. }),
            _ => matches!(error, ReadError::Damaged { .. }),
        };
        assert!(is_right, "bit {bit}: {error}");
    }
}

#[test]
fn what_is_no_file_of_counters_is_refused_with_what_to_do() {
    let (_scratch, record) = scratch("counters_wrong");
    let none = Attached::open(&record).expect_err("nothing is there");
    assert!(none.to_string().contains("name the directory where an engine keeps"), "{none}");
    std::fs::create_dir(record.join(NAME)).expect("the directory can be written");
    assert!(matches!(Attached::open(&record), Err(ReadError::NotCounters { .. })));
    std::fs::remove_dir(record.join(NAME)).expect("it is ours");
    let other = record.join("other");
    for bytes in [&b"not counters at all"[..], b"x", &[0; 4_096]] {
        std::fs::write(&other, bytes).expect("the directory can be written");
        assert!(matches!(refused(&other), ReadError::NotCounters { .. }));
    }
    // A header of a later build.
    let mut later = [0; 256];
    later[..8].copy_from_slice(&MAGIC.to_le_bytes());
    later[8] = 9;
    std::fs::write(&other, later).expect("the directory can be written");
    match refused(&other) {
        error @ ReadError::Version { found: 9, .. } => {
            assert!(error.to_string().contains("with the xmc that runs the engine"), "{error}");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn counters_of_another_run_than_the_ring_are_refused() {
    let (_scratch, record) = scratch("counters_other");
    let _counters = shown(&record, 1);
    let ring = record.join("record.ring");
    let mut file = RingFile::open(&ring, 1 << 20, identity(1)).expect("a new ring");
    assert!(Attached::open(&record).is_ok(), "both are of run 1");
    file.renew(identity(2)).expect("it is empty");
    match Attached::open(&record) {
        Err(error @ ReadError::OtherRun { found: 1, wanted: 2, .. }) => {
            assert!(error.to_string().contains("just starting"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_that_is_replaced_while_it_is_read_is_read_whole() {
    let (_scratch, record) = scratch("counters_replaced");
    let first = shown(&record, 1);
    first.desk.inputs.add(41);
    let attached = Attached::open(&record).expect("it was just made");
    assert!(!attached.is_replaced());
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut opened = 0;
            while !is_over.load(Ordering::Acquire) {
                let attached = Attached::open(&record).unwrap_or_else(|error| panic!("{error}"));
                let run = u64::from(attached.run().identity.run);
                // Its engine has counted before it put the file into place, or has not yet.
                let inputs = value(&attached, "desk.inputs");
                assert!(inputs == 0 || inputs == run || inputs == 41, "{run}: {inputs}");
                opened += 1;
            }
            opened
        });
        for run in 2..12 {
            let counters = shown(&record, run);
            counters.desk.inputs.add(run.into());
        }
        is_over.store(true, Ordering::Release);
        assert!(reading.join().expect("every open gave a whole file") > 3);
    });
    assert!(attached.is_replaced(), "another run has begun");
    // Whoever had the first run open still has it.
    first.desk.inputs.add(1);
    assert_eq!(value(&attached, "desk.inputs"), 42);
    std::fs::remove_file(record.join(NAME)).expect("it is ours");
    assert!(attached.is_replaced(), "the file is gone");
}
