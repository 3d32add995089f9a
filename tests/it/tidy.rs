//! The gate for what neither the compiler nor clippy looks at: words, names, lengths, where
//! `unsafe` may stand, and whether the probe holds every hot entry point.
//!
//! A rule is a function from a file to its findings; `planted` shows that each of them finds what
//! it is for. The lists of exceptions below are the only ones, and each entry says why. Reads the
//! tree from the disk, so that files are judged before they are committed.

mod planted;
mod probe;
mod rules;
mod source;

use rules::Excepted;
use source::Source;

/// Files that may hold `unsafe`, and what for. An entry that is not needed any more is a finding.
const UNSAFE: Excepted = &[
    ("hotpath/src/counter.rs", "counters promise that their memory may be shared"),
    ("hotpath/probe/src/entry.rs", "entry points need names that the linker can see"),
    ("hotpath/probe/src/parts.rs", "as `entry.rs`"),
    ("hotpath/probe/src/wall.rs", "a panic handler and an allocator that do not exist"),
    ("src/allocation.rs", "an allocator cannot be written without"),
    ("src/counters/memory.rs", "counters lie in memory that other processes read"),
    ("src/engine/core.rs", "the scheduling class is set by a system call"),
    ("src/engine/recording.rs", "segments are mapped, not read"),
    ("src/host/kernel.rs", "drivers and the clock are asked by system calls"),
    ("src/interrupt.rs", "signals are caught by a system call"),
    ("src/journal/disk.rs", "room on the disk is reserved by a system call"),
    ("src/journal/disk/directory.rs", "what the kernel has of a file is dropped by a system call"),
    ("src/journal/pairs.rs", "hashing uses instructions that not every processor has"),
    ("src/journal/shm.rs", "the record ring lies in memory of another process"),
    ("src/port/capture/mod.rs", "a capture of a day is mapped, not read"),
    ("src/port/interface.rs", "the list of interfaces is the C library's"),
    ("src/port/namespace.rs", "network namespaces are the kernel's, by unshare(2) and setns(2)"),
    ("src/port/xdp/bpf.rs", "programs are loaded by a system call"),
    ("src/port/xdp/ethtool.rs", "an interface is asked by a system call"),
    ("src/port/xdp/queue.rs", "frames lie in memory that the kernel has had"),
    ("src/port/xdp/rings.rs", "rings lie in memory of the kernel"),
    ("src/port/xdp/send.rs", "frames lie in memory that the kernel has had"),
    ("src/port/xdp/socket.rs", "the socket is of a family that no library knows"),
    ("src/port/xdp/umem.rs", "frames lie in memory that is shared with the kernel"),
    ("tests/it/netns.rs", "a network namespace is made by a system call"),
];

/// Files that may be longer than `rules::MAX_LINES`, and why.
const LONG: Excepted = &[];

/// Fails with every finding of `rule` in the whole tree.
fn hold(rule: impl Fn(&Source) -> Vec<String>) {
    let found: Vec<_> = source::tree().iter().flat_map(rule).collect();
    assert!(found.is_empty(), "{} findings:\n{}", found.len(), found.join("\n"));
}

#[test]
fn no_path_of_a_machine_stands_anywhere() {
    hold(rules::machine_paths);
}

#[test]
fn nothing_is_left_for_later() {
    hold(rules::unfinished);
}

#[test]
fn lines_fit_a_hundred_columns() {
    hold(rules::columns);
}

#[test]
fn files_are_of_one_idea() {
    hold(|source| rules::lines(source, LONG));
}

#[test]
fn unsafe_stands_where_it_is_listed_and_nowhere_else() {
    hold(|source| rules::unsafety(source, UNSAFE));
    let tree = source::tree();
    for (path, _) in UNSAFE {
        assert!(tree.iter().any(|source| source.path == *path), "{path} is listed, but not there");
    }
}

#[test]
fn lints_are_expected_with_a_reason_and_never_allowed() {
    hold(rules::lints);
}

#[test]
fn every_module_says_what_it_is() {
    hold(rules::module_docs);
}

#[test]
fn names_say_what_things_are() {
    hold(rules::names);
}

#[test]
fn hot_code_is_ascii() {
    hold(rules::ascii);
}

#[test]
fn comments_are_sentences() {
    hold(rules::comments);
}

#[test]
fn layouts_are_asserted() {
    hold(rules::layouts);
}

#[test]
fn dependencies_come_from_the_public_registry() {
    hold(rules::lock);
}

#[test]
fn files_that_pages_name_are_there() {
    let tree = source::tree();
    let is_there = |named: &str| tree.iter().any(|source| source.path.starts_with(named));
    hold(|source| rules::named_paths(source, is_there));
}

#[test]
fn links_between_pages_lead_somewhere() {
    let tree = source::tree();
    let page = |path: &str| tree.iter().find(|source| source.path == path);
    hold(|source| rules::links(source, |path| page(path).map(|page| rules::headings(&page.text))));
}

#[test]
fn scripts_can_be_run() {
    hold(rules::scripts);
}

#[test]
fn the_probe_holds_every_hot_entry_point() {
    let missing = probe::missing(&source::tree());
    assert!(missing.is_empty(), "not in hotpath/probe/src:\n{}", missing.join("\n"));
}
