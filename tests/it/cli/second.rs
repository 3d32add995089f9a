//! A second engine of the same desk, as another process: refused while the first lives, let in when
//! that was killed, and never with an id that the first has used.

use super::run::{Engine, files, sample};
use crate::journal::scratch::Scratch;
use cross_market_connect::engine::recording::Segments;
use cross_market_connect::venue::simulated::Venues;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};
use xmc_hotpath::message::OrderId;
use xmc_hotpath::record::frame::{self, Body, Images, Kind};

const PATIENCE: Duration = Duration::from_secs(60);

/// Ids of all orders that a record has.
fn orders(record: &Path) -> BTreeSet<OrderId> {
    let mut ids = BTreeSet::new();
    let segments = Segments::open(record).expect("it is there");
    for payload in segments.payloads() {
        let mut rest = payload;
        while !rest.is_empty() {
            let (header, body, behind) = frame::split(rest).expect("it is a record");
            if header.kind == Kind::Order {
                let mut nobody = [];
                let order = frame::decode(header, body, &mut Images::new(&mut nobody));
                let Ok(Body::Order(order)) = order else { panic!("it is an order: {order:?}") };
                ids.insert(order.order_id);
            }
            rest = behind;
        }
    }
    ids
}

#[test]
fn a_second_engine_is_refused_until_the_first_is_dead_and_repeats_no_id() {
    let scratch = Scratch::new("second_engine");
    let mut config = sample();
    let venues = Venues::open(&config, 41, None).expect("loopback has room");
    venues.address(&mut config);
    let file = files(&scratch, &config);
    let leases = scratch.path("leases");
    let text = std::fs::read_to_string(&file).expect("it is there");
    let line = format!("desk_id = 1\nlease_directory = \"{}\"", leases.display());
    assert!(text.contains("desk_id = 1\n"));
    std::fs::write(&file, text.replace("desk_id = 1", &line)).expect("it is ours");
    let records = ["first", "second"].map(|name| scratch.path(name));
    let mut first = Engine::start(&file, &records[0], &[]);
    let trades = |what: &str, more: u64, engine: &mut Engine| {
        let since = Instant::now();
        let fills = || venues.shfe.counts().expect("it runs").fills;
        let before = fills();
        while fills() < before + more {
            let ended = engine.0.try_wait().expect("it is a child");
            assert!(ended.is_none() && since.elapsed() < PATIENCE, "{what}: {ended:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    trades("the first", 10, &mut first);
    // On the same journal and on another one.
    for record in &records {
        let (code, out, why) = Engine::start(&file, record, &["--seconds", "5"]).rest();
        assert!(code.is_some_and(|code| code != 0), "{out}{why}");
        let told = format!("{out}{why}");
        let process = format!("process {}", first.0.id());
        assert!(told.contains(&process) && told.contains("Stop that one first"), "{told}");
    }
    assert!(!records[1].exists(), "it has made nothing");
    trades("the first, undisturbed", 2, &mut first);
    // kill -9: its lease is nobody's.
    drop(first);
    let mut second = Engine::start(&file, &records[1], &[]);
    trades("the second", 4, &mut second);
    drop(second);
    // And the first record goes on, above both.
    let told = Engine::start(&file, &records[0], &["--seconds", "3"]).end();
    assert_eq!(told["journal"]["is_whole"], true, "{told}");
    let [first, second] = [&records[0], &records[1]].map(|record| orders(record));
    let runs = |ids: &BTreeSet<OrderId>| ids.iter().map(|id| id.run()).collect::<BTreeSet<_>>();
    assert!(first.len() > 5 && second.len() > 1, "{} and {}", first.len(), second.len());
    assert!(first.is_disjoint(&second), "an id was used twice");
    assert_eq!(runs(&second), BTreeSet::from([2]));
    assert!(runs(&first).is_subset(&BTreeSet::from([1, 3])), "{:?}", runs(&first));
    venues.stop().expect("they ran");
}
