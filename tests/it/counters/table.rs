//! Every counter has a sentence and a place of its own, and what is counted is seen at once.

use super::{configuration, identity, scratch, shown, value};
use cross_market_connect::clock::EngineClock;
use cross_market_connect::counters::{Attached, EngineState, Owner, OwnerKind, Placed, Row};
use cross_market_connect::engine::counters::Counters;
use cross_market_connect::port::udp::MulticastCounters;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use xmc_hotpath::message::{ChannelState, SafeState, SessionState};
use xmc_hotpath::port::Line;

#[test]
fn every_counter_has_a_name_a_unit_and_a_sentence() {
    let (_scratch, record) = scratch("counters_table");
    let _counters = shown(&record, 1);
    let attached = Attached::open(&record).expect("it was just made");
    let table = attached.table();
    assert!(table.rows.len() > 500, "{}", table.rows.len());
    let (mut names, mut places) = (BTreeSet::new(), BTreeSet::new());
    for row in &table.rows {
        let name = table.id(row);
        assert!(names.insert(name.clone()), "{name} is there twice");
        assert!(places.insert(row.offset), "{name} lies where another does");
        let is_sentence = row.about.len() > 5
            && !row.about.starts_with(|first: char| first.is_lowercase() || first == ' ')
            && row.about.ends_with('.')
            && !row.about.contains("  ");
        assert!(is_sentence, "{name}: {:?}", row.about);
        assert!(!row.unit.is_empty(), "{name}");
    }
    let owners: BTreeSet<_> = table.owners.iter().map(Owner::id).collect();
    assert_eq!(owners.len(), table.owners.len(), "{owners:?}");
}

/// Who writes a counter: the core of a stage, or a thread of the cold side.
fn writer(owner: &Owner, row: &Row) -> String {
    let name = |of: &str| format!("{of} {}", owner.name);
    match owner.kind {
        OwnerKind::Ring => match owner.name.strip_prefix("orders ") {
            Some(gateway) => format!("gateway {gateway}"),
            None => "desk".to_owned(),
        },
        OwnerKind::Feed if row.name.starts_with("told.") => "cold side".to_owned(),
        OwnerKind::Port if row.name.starts_with("kernel.") => "cold side".to_owned(),
        // A port and a session are the hot core's whose stage has them.
        OwnerKind::Port => owner.name.clone(),
        OwnerKind::Session => name("gateway"),
        OwnerKind::Engine => "cold side".to_owned(),
        OwnerKind::Thread if owner.name == "main" => "cold side".to_owned(),
        OwnerKind::Journal => "thread journal".to_owned(),
        OwnerKind::Replica => "thread recovery".to_owned(),
        OwnerKind::Pair | OwnerKind::Latency => "cold side".to_owned(),
        OwnerKind::Alert => "thread alerts".to_owned(),
        kind => name(kind.word()).trim_end().to_owned(),
    }
}

#[test]
fn no_two_writers_share_a_line() {
    let (_scratch, record) = scratch("counters_lines");
    let _counters = shown(&record, 1);
    let attached = Attached::open(&record).expect("it was just made");
    let table = attached.table();
    let mut lines: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for row in &table.rows {
        let writer = writer(&table.owners[row.owner], row);
        lines.entry(row.offset / 128).or_default().insert(writer);
    }
    let writers: BTreeSet<_> = lines.values().flatten().collect();
    assert!(writers.len() >= 9, "{writers:?}");
    for (line, writers) in &lines {
        assert_eq!(writers.len(), 1, "line {line}: {writers:?}");
    }
}

#[test]
fn what_is_counted_is_seen_from_outside_at_once() {
    let (_scratch, record) = scratch("counters_seen");
    let counters = shown(&record, 3);
    let attached = Attached::open(&record).expect("it was just made");
    assert_eq!(attached.run().identity, identity(3));
    assert_eq!(attached.run().pid, std::process::id());
    assert_eq!(attached.engine(), EngineState::Running);
    counters.feeds[1].line(Line::B).packets.add(7);
    counters.feeds[0].state.set(u64::from(ChannelState::Stale.code()));
    counters.gateways[1].commands.high_water.set(5);
    counters.desk.feeds[1].quotes.depth.set(9);
    counters.desk.news[0].capacity.set(1_024);
    counters.cores[0].busy.set(11);
    counters.replicas[0].audit.books.add(2);
    counters.replicas[1].feed.line(Line::A).gaps.add(3);
    counters.replicas[1].limits.changes.add(4);
    counters.feed_ports[0].kernel.lines[1].overflow.set(6);
    counters.gateway_ports[1].stream.torn.add(8);
    counters.journal.window_worst.set(10);
    for (name, expected) in [
        ("feed.cme.lines.b.packets", 7),
        ("feed.cme.lines.a.packets", 0),
        ("feed.shfe.state", 5),
        ("ring.orders_cme.high_water", 5),
        ("ring.quotes_cme.depth", 9),
        ("ring.news_shfe.capacity", 1_024),
        ("core.1.busy", 11),
        ("replica.shfe.audit.books", 2),
        ("replica.cme.feed.lines.a.gaps", 3),
        ("replica.cme.limits.changes", 4),
        ("port.feed_shfe.kernel.lines.b.overflow", 6),
        ("port.gateway_cme.torn", 8),
        ("journal.window_worst", 10),
    ] {
        assert_eq!(value(&attached, name), expected, "{name}");
    }
    counters.end(xmc_hotpath::time::UnixNs(77));
    assert_eq!(attached.engine(), EngineState::Ended(xmc_hotpath::time::UnixNs(77)));
}

/// Words of codes stand in the order of the codes.
#[test]
fn states_are_told_by_their_own_words() {
    let (_scratch, record) = scratch("counters_words");
    let _counters = shown(&record, 1);
    let attached = Attached::open(&record).expect("it was just made");
    let table = attached.table();
    let unit = |name: &str| {
        let row = table.rows.iter().find(|row| table.id(row) == name).expect("it is there");
        row.unit.clone()
    };
    let channel: Vec<_> = ChannelState::ALL.iter().map(|state| state.word()).collect();
    let session: Vec<_> = SessionState::ALL.iter().map(|state| state.word()).collect();
    let desk: Vec<_> = SafeState::ALL.iter().map(|state| state.word()).collect();
    assert_eq!(unit("feed.shfe.state"), channel.join("|"));
    assert_eq!(unit("gateway.cme.state"), session.join("|"));
    assert_eq!(unit("desk.state"), desk.join("|"));
}

#[test]
fn what_a_port_had_counted_before_goes_with_it() {
    let (_scratch, record) = scratch("counters_moved");
    let counters = shown(&record, 1);
    let attached = Attached::open(&record).expect("it was just made");
    let before = Placed::<MulticastCounters>::default();
    before.line(Line::B).oversize.add(3);
    let after = before.moved_to(&counters.feed_ports[1].sockets);
    after.line(Line::B).oversize.add(1);
    assert_eq!(value(&attached, "port.feed_cme.lines.b.oversize"), 4);
    assert_eq!(value(&attached, "port.feed_cme.lines.a.oversize"), 0);
}

/// Counters of runs that nobody looks at are zero and do not share anything.
#[test]
fn counters_of_two_runs_are_apart() {
    let config = configuration();
    let [one, other] = [Counters::new(&config), Counters::new(&config)];
    one.desk.inputs.add(5);
    assert_eq!((one.desk.inputs.get(), other.desk.inputs.get()), (5, 0));
    let (_scratch, record) = scratch("counters_missing");
    let clock = EngineClock::start();
    let nowhere = record.join("not-there");
    let refused = Counters::shown(&config, false, &nowhere, identity(1), &clock);
    let refused = refused.expect_err("there is no such directory").to_string();
    assert!(refused.contains("correct the directory"), "{refused}");
}

/// Files with counters of simulated venues, and one whose `Counter` is a broker's.
const OTHERS: [&str; 3] =
    ["src/port/tcp.rs", "src/port/pair.rs", "src/venue/shfe/simulated/mod.rs"];

/// A counter that no `counters!` declares would have no row: there is none.
#[test]
fn no_counter_is_declared_without_a_row() {
    let mut found = Vec::new();
    let mut declared = 0;
    for path in ["hotpath/src", "src"].map(Path::new).into_iter().flat_map(sources) {
        let text = std::fs::read_to_string(&path).expect("it is there");
        let mut inside = false;
        for line in text.lines() {
            inside |= line.contains("counters! {");
            let said = line.trim();
            let is_field = said.contains(": Counter,")
                || said.contains(": Counter =>")
                || said.contains(": [Counter;");
            if is_field && !said.starts_with("//") {
                declared += usize::from(inside);
                let is_other = OTHERS.iter().any(|other| path.ends_with(other));
                if !inside && !is_other {
                    found.push(format!("{}: {said}", path.display()));
                }
            }
            inside &= line != "}";
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    assert!(declared > 100, "{declared}");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder of the tree");
    let paths = entries.map(|entry| entry.expect("it has a name").path());
    let of = |path: PathBuf| match path.is_dir() {
        true => sources(&path),
        false => vec![path],
    };
    let paths = paths.flat_map(of);
    paths.filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
}
