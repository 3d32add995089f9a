//! Statements that are dropped as files.

use super::{NOON, statement, wanted};
use crate::journal::scratch::Scratch;
use cross_market_connect::resync::source::file::FileSource;
use cross_market_connect::resync::source::{Source, Told};
use cross_market_connect::resync::statement::{Statement, StatementError};
use std::fs;
use std::path::Path;
use xmc_hotpath::time::UnixNs;

fn poll(source: &mut FileSource) -> Vec<Told> {
    let mut told = Vec::new();
    source.poll(UnixNs(NOON + 1_000_000_000), &mut told);
    told
}

/// As a program should: under another name, then renamed.
fn drop_at(path: &Path, statement: &Statement) {
    let unfinished = path.with_extension("part");
    fs::write(&unfinished, serde_json::to_vec(statement).expect("plain")).expect("ours");
    fs::rename(unfinished, path).expect("ours");
}

#[test]
fn a_file_that_is_replaced_is_read_once_each_time() {
    let scratch = Scratch::new("resync_file");
    fs::create_dir_all(scratch.path("")).expect("a directory");
    let path = scratch.path("broker.json");
    let mut source = FileSource::new(path.clone(), wanted());
    assert!(matches!(poll(&mut source)[..], [Told::Broken(_)]), "nothing is there");
    assert_eq!(poll(&mut source), [], "and that is told once");
    for sequence in [3, 4] {
        let one = statement(sequence, NOON);
        drop_at(&path, &one);
        let told = poll(&mut source);
        assert_eq!(told.last(), Some(&Told::Statement(Box::new(one))), "{told:?}");
        assert_eq!(poll(&mut source), [], "it has not changed");
    }
    drop_at(&path, &statement(2, NOON));
    let back = StatementError::Back { found: 2, last: 4 };
    assert_eq!(poll(&mut source), [Told::Refused(back)], "numbers only grow");
    fs::write(&path, b"{\"schema\":\"xmc.st").expect("ours");
    assert!(matches!(poll(&mut source)[..], [Told::Refused(StatementError::Form(_))]), "cut");
}

#[test]
fn of_a_directory_the_last_whole_file_counts() {
    let scratch = Scratch::new("resync_directory");
    let directory = scratch.path("drops");
    fs::create_dir_all(&directory).expect("a directory");
    let mut source = FileSource::new(directory.clone(), wanted());
    assert_eq!(poll(&mut source), [], "it is empty");
    drop_at(&directory.join("0001.json"), &statement(1, NOON));
    fs::write(directory.join("0009.json.tmp"), b"half").expect("ours");
    assert!(matches!(&poll(&mut source)[..], [Told::Statement(one)] if one.sequence == 1));
    drop_at(&directory.join("0002.json"), &statement(2, NOON));
    assert!(matches!(&poll(&mut source)[..], [Told::Statement(one)] if one.sequence == 2));
}
