//! The index finds what a plain look through the records finds, however it came to be.

use super::rig;
use crate::journal::scratch::Scratch;
use cross_market_connect::audit::index::Index;
use cross_market_connect::audit::query::{Filter, Position, Receipt, search};
use cross_market_connect::sim::plan::Seed;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use xmc_hotpath::message::{
    Detail, Gate, InstrumentIndex, OrderId, ProjectId, SpreadIndex, StrategyId,
};
use xmc_hotpath::record::frame::{Body, Image, Images, Kind, OwnedEvent, decode, split};
use xmc_hotpath::time::UnixNs;

fn from_index(index: &Index, filter: &Filter) -> Vec<Receipt> {
    let mut found = Vec::new();
    let searched = index.search(filter, |receipt| {
        found.push(*receipt);
        ControlFlow::Continue(())
    });
    searched.expect("it is an index");
    found
}

fn from_journal(path: &Path, filter: &Filter) -> Vec<Receipt> {
    let mut found = Vec::new();
    let searched = search(path, filter, |receipt| {
        found.push(*receipt);
        ControlFlow::Continue(())
    });
    assert!(searched.expect("it is a journal").damage.is_none());
    found
}

/// Filters that a journal's own receipts suggest, each alone and some together.
fn filters(all: &[Receipt]) -> Vec<Filter> {
    let mut filters = vec![Filter::default()];
    let orders: BTreeSet<OrderId> = all.iter().filter_map(|one| one.facts.order).collect();
    let ids = orders.iter().step_by(orders.len() / 8 + 1);
    filters.extend(ids.map(|id| Filter { order: Some(*id), ..Filter::default() }));
    let fills: BTreeSet<u64> = all.iter().filter_map(|one| one.facts.fill).collect();
    filters.extend(fills.iter().take(4).map(|id| Filter { fill: Some(*id), ..Filter::default() }));
    for spread in (0..3).map(SpreadIndex) {
        filters.push(Filter { spread: Some(spread), ..Filter::default() });
        filters.push(Filter {
            spread: Some(spread),
            kinds: vec![Kind::Order, Kind::Ending],
            ..Filter::default()
        });
    }
    for gate in [Gate::Passed, Gate::InFlight, Gate::QuoteAge] {
        filters.push(Filter { gate: Some(gate), ..Filter::default() });
    }
    let instruments = Some(vec![InstrumentIndex(0), InstrumentIndex(1)]);
    filters.push(Filter { instruments, ..Filter::default() });
    filters.push(Filter { project: Some(ProjectId(1)), ..Filter::default() });
    let [first, last] = [all.len() / 3, all.len() / 2].map(|place| all[place]);
    let (from, to) = (Some(first.utc), Some(UnixNs(last.utc.0 + 1)));
    filters.push(Filter { from, to, ..Filter::default() });
    filters.push(Filter { from, kinds: vec![Kind::OrderEvent], ..Filter::default() });
    filters.push(Filter { after: Some(last.position), ..Filter::default() });
    filters
}

#[test]
fn the_index_finds_what_the_journal_holds() {
    for seed in (1..12).map(Seed::whole) {
        let scratch = Scratch::new("index");
        let path = scratch.path("journal");
        let records = rig::records(seed);
        // It grows with the journal, and is opened anew each time.
        let grown = scratch.path("grown.redb");
        let mut updates = 0;
        rig::write_watched(&path, &records, &mut || {
            let index = Index::open(&grown).expect("the disk has room");
            let updated = index.update(&path).expect("it is a journal");
            assert!(!updated.is_anew);
            updates += usize::from(updated.read > 0);
        });
        assert!(updates > 1, "the journal was written at once");
        let grown = Index::open(&grown).expect("the disk has room");
        let updated = grown.update(&path).expect("it is a journal");
        assert_eq!(updated.records, records.len() as u64);
        let at_once = Index::open(&scratch.path("index.redb")).expect("the disk has room");
        assert_eq!(at_once.update(&path).expect("it is a journal").read, records.len() as u64);
        assert_eq!(at_once.update(&path).expect("nothing has come").read, 0);
        // Against the records one by one: nothing of the program under test but the codec.
        let kinds: Vec<Kind> =
            records.iter().map(|record| split(record).expect("a record").0.kind).collect();
        let all = from_index(&at_once, &Filter::default());
        let rare = |kind: &&Kind| !matches!(kind, Kind::Quote | Kind::Tick | Kind::Clock);
        assert_eq!(all.len(), kinds.iter().filter(rare).count());
        for filter in filters(&all) {
            let expected = from_journal(&path, &filter);
            assert_eq!(from_index(&grown, &filter), expected, "{filter:?}");
            assert_eq!(from_index(&at_once, &filter), expected, "{filter:?}");
            if let [Kind::Order, Kind::Ending] = filter.kinds.as_slice() {
                let plain = all.iter().filter(|one| {
                    matches!(one.kind, Kind::Order | Kind::Ending)
                        && one.facts.spread == filter.spread
                });
                assert_eq!(plain.count(), expected.len());
            }
        }
        let quotes = Filter { kinds: vec![Kind::Quote], ..Filter::default() };
        let count = kinds.iter().filter(|kind| **kind == Kind::Quote).count();
        assert!(quotes.needs_scan());
        assert_eq!(from_journal(&path, &quotes).len(), count);
    }
}

/// A pair, its strategy and its project.
type Known = (SpreadIndex, (StrategyId, ProjectId));
/// Where a match is written, and both its pairs.
type Met = ((u64, u16), [Known; 2]);

/// What meets inside is about two pairs, and found by each of them, its strategy and its project.
#[test]
fn what_met_inside_is_found_by_either_pair() {
    let mut rows = vec![Image::EMPTY; 64];
    let mut journals = 0;
    for seed in (1..).map(Seed::whole) {
        let records = rig::records(seed);
        if !records.iter().any(|record| split(record).expect("a record").0.kind == Kind::Internal) {
            continue;
        }
        let scratch = Scratch::new("inside_index");
        let path = scratch.path("journal");
        rig::write(&path, &records);
        let index = Index::open(&scratch.path("index.redb")).expect("the disk has room");
        index.update(&path).expect("it is a journal");
        // Both pairs, strategies and projects of each match, by the codec alone.
        let (mut specs, mut met) = (BTreeMap::new(), Vec::new());
        for record in &records {
            let (header, body, _) = split(record).expect("a record");
            match decode(header, body, &mut Images::new(&mut rows)).expect("it decodes") {
                Body::Input(input) => {
                    if let OwnedEvent::Spread(spec) = input.event {
                        specs.insert(spec.spread, (spec.strategy, spec.project));
                    }
                }
                Body::Detail(Detail::Internal(told)) => {
                    let place = (header.seq_no, header.index);
                    let pairs = [told.buy.spread, told.sell.spread];
                    met.push((place, pairs.map(|pair| (pair, specs[&pair]))));
                }
                _ => {}
            }
        }
        let kinds = || vec![Kind::Internal];
        let check = |filter: &Filter, expected: Vec<(u64, u16)>| {
            for found in [from_index(&index, filter), from_journal(&path, filter)] {
                let found: Vec<_> =
                    found.iter().map(|one| (one.position.input, one.position.index)).collect();
                assert_eq!(found, expected, "{seed:?} {filter:?}");
            }
        };
        let of = |is_it: &dyn Fn(&Known) -> bool| {
            let rows = met.iter().filter(|(_, pairs): &&Met| pairs.iter().any(is_it));
            rows.map(|(place, _)| *place).collect::<Vec<_>>()
        };
        for (spread, (strategy, project)) in &specs {
            let filter = Filter { spread: Some(*spread), kinds: kinds(), ..Filter::default() };
            check(&filter, of(&|pair| pair.0 == *spread));
            // Without a kind the index looks at the pair's own rows.
            let all = Filter { kinds: Vec::new(), ..filter };
            let inside =
                |found: Vec<Receipt>| found.iter().filter(|one| one.kind == Kind::Internal).count();
            let count = of(&|pair| pair.0 == *spread).len();
            assert_eq!(inside(from_index(&index, &all)), count, "{seed:?} {spread:?}");
            let filter = Filter { strategy: Some(*strategy), kinds: kinds(), ..Filter::default() };
            check(&filter, of(&|pair| pair.1.0 == *strategy));
            let filter = Filter { project: Some(*project), kinds: kinds(), ..Filter::default() };
            check(&filter, of(&|pair| pair.1.1 == *project));
        }
        journals += 1;
        if journals == 3 {
            break;
        }
    }
}

/// Another journal in the place of the one that it knew: everything is read anew.
#[test]
fn an_index_of_another_journal_is_made_anew() {
    let scratch = Scratch::new("index_anew");
    let [one, other] = [1, 2].map(|seed| rig::records(Seed::whole(seed)));
    let path = scratch.path("journal");
    rig::write(&path, &one);
    let file = scratch.path("index.redb");
    let index = Index::open(&file).expect("the disk has room");
    assert!(!index.update(&path).expect("it is a journal").is_anew);
    fs::remove_dir_all(&path).expect("it is ours");
    rig::write(&path, &other);
    let updated = index.update(&path).expect("it is a journal");
    assert!(updated.is_anew);
    assert_eq!(updated.records, other.len() as u64);
    let all = Filter::default();
    assert_eq!(from_index(&index, &all), from_journal(&path, &all));
}

#[test]
fn places_are_in_the_order_of_the_record() {
    let mut places = Vec::new();
    for run in [1, 2, u16::MAX] {
        for input in [0, 1, u64::MAX] {
            for index in [0, 1, u16::MAX] {
                places.push(Position { run, input, index });
            }
        }
    }
    assert!(places.is_sorted());
    assert!(places.iter().map(|place| place.key()).is_sorted());
    assert!(places.iter().all(|place| Position::of_key(place.key()) == *place));
}
