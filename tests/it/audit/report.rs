//! A day's figures against a recount by brute force: every record decoded apart, nothing added up
//! on the way, and against the tally that screens show, which is another program.

use super::rig;
use crate::journal::scratch::Scratch;
use cross_market_connect::audit::day::{Part, sheets};
use cross_market_connect::audit::export::{Cell, csv, json_lines, parquet};
use cross_market_connect::audit::index::Index;
use cross_market_connect::monitor::{Setting, Tally};
use cross_market_connect::sim::plan::{Plan, Seed};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xmc_hotpath::message::{
    Detail, Gate, OrderAction, OrderCommand, OrderEventKind, OrderId, Side, SpreadIndex, SpreadSpec,
};
use xmc_hotpath::record::frame::{self, Body, Image, Images, Kind, OwnedEvent, OwnedInput};

/// What is counted from the records one by one.
#[derive(Debug, Default, PartialEq, Eq)]
struct Recount {
    records: BTreeMap<&'static str, u64>,
    refusals: u64,
    orders: u64,
    asked_lots: u64,
    filled_lots: i64,
    better_e9: i128,
    aligned: u64,
    empty: u64,
    broken: u64,
    asked_units: u64,
    done_units: u64,
    longest_tick_to_order: u64,
}

struct Known {
    order: OrderCommand,
    planned_e9: i128,
    fills: BTreeSet<u64>,
    busts: BTreeSet<u64>,
    last_e9: i64,
}

fn recount(records: &[Vec<u8>], tally: &mut Tally) -> Recount {
    let mut rows = vec![Image::EMPTY; 64];
    let mut count = Recount::default();
    let mut orders: BTreeMap<OrderId, Known> = BTreeMap::new();
    let mut spreads: BTreeMap<SpreadIndex, SpreadSpec> = BTreeMap::new();
    let mut held_back: BTreeMap<SpreadIndex, bool> = BTreeMap::new();
    let mut now = 0;
    for record in records {
        let (header, body, _) = frame::split(record).expect("a record");
        let body = frame::decode(header, body, &mut Images::new(&mut rows)).expect("it decodes");
        tally.take(&body);
        *count.records.entry(header.kind.word()).or_default() += 1;
        match body {
            Body::Order(order) if order.action == OrderAction::New => {
                count.orders += 1;
                count.asked_lots += u64::from(order.qty_lots);
                count.longest_tick_to_order = count.longest_tick_to_order.max(now - order.caused.0);
                let leg = spreads[&order.spread].legs[usize::from(order.leg)];
                let pay_up = i128::from(leg.pay_up_e9);
                let price = i128::from(order.price_e9);
                let is_buy = order.side == Side::Buy;
                let planned_e9 = if is_buy { price - pay_up } else { price + pay_up };
                let (fills, busts) = (BTreeSet::new(), BTreeSet::new());
                let known = Known { order, planned_e9, fills, busts, last_e9: 0 };
                orders.insert(order.order_id, known);
            }
            Body::Detail(Detail::Decision(decision)) => {
                let is_refusal = decision.gate != Gate::Passed;
                // What was repeated is the refusal before, of the same pair.
                if held_back.insert(decision.spread, is_refusal) == Some(true) {
                    count.refusals += u64::from(decision.repeated);
                }
                count.refusals += u64::from(is_refusal);
            }
            Body::Detail(Detail::Ending(ending)) => {
                match (ending.is_aligned, ending.done_units) {
                    (true, 0) => count.empty += 1,
                    (true, _) => count.aligned += 1,
                    (false, _) => count.broken += 1,
                }
                count.asked_units += u64::from(ending.units);
                count.done_units += u64::from(ending.done_units);
            }
            Body::Input(OwnedInput { now: at, event, .. }) => {
                now = at.0;
                match event {
                    OwnedEvent::Spread(spec) => {
                        spreads.insert(spec.spread, spec);
                    }
                    OwnedEvent::Order(event) => {
                        let Some(known) = orders.get_mut(&event.order_id) else { continue };
                        let sign: i128 = match event.kind {
                            OrderEventKind::Filled if known.fills.insert(event.exec_id) => 1,
                            OrderEventKind::Busted if known.busts.insert(event.exec_id) => -1,
                            _ => continue,
                        };
                        // A fill's price may be nought; a bust of no price is at the last fill's.
                        let is_priced = sign > 0 || event.price_e9 != 0;
                        let price = if is_priced { event.price_e9 } else { known.last_e9 };
                        known.last_e9 = if sign > 0 { price } else { known.last_e9 };
                        let lots = i128::from(event.qty_lots) * sign;
                        count.filled_lots += i64::try_from(lots).expect("a few lots");
                        let better = (known.planned_e9 - i128::from(price)) * lots;
                        let is_buy = known.order.side == Side::Buy;
                        count.better_e9 += if is_buy { better } else { -better };
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    count
}

/// No names: the tally counts all the same.
fn nameless() -> Setting {
    let (instruments, spreads, rates) = (Vec::new(), Vec::new(), Vec::new());
    Setting { instruments, spreads, feeds: Vec::new(), gateways: Vec::new(), rates }
}

fn whole(index: &Index) -> Part {
    let mut whole = Part::default();
    for part in index.hours(0..u32::MAX).expect("it is an index").values() {
        whole.merge(part);
    }
    whole
}

#[test]
fn the_figures_of_a_day_are_those_of_a_recount() {
    let (mut orders, mut broken, mut busts) = (0, 0, 0);
    for seed in (1..100).map(Seed::whole) {
        let scratch = Scratch::new("report");
        let path = scratch.path("journal");
        let records = rig::records(seed);
        let mut tally = Tally::new(Arc::new(nameless()));
        let expected = recount(&records, &mut tally);
        // Added up while the journal grows, each time with an index that was just opened.
        let file = scratch.path("index.redb");
        rig::write_watched(&path, &records, &mut || {
            let index = Index::open(&file).expect("the disk has room");
            index.update(&path).expect("it is a journal");
        });
        let index = Index::open(&file).expect("the disk has room");
        index.update(&path).expect("it is a journal");
        let part = whole(&index);
        let at_once = Index::open(&scratch.path("at_once.redb")).expect("the disk has room");
        at_once.update(&path).expect("it is a journal");
        assert_eq!(whole(&at_once), part, "seed {}", seed.seed);
        check(&part, &expected, &tally);
        orders += expected.orders;
        broken += expected.broken;
        busts += part.sum(|row| row.busts);
    }
    assert!(orders > 150 && broken > 1 && busts > 1, "{orders} {broken} {busts}");
}

fn check(part: &Part, expected: &Recount, tally: &Tally) {
    let legs = || part.spreads.values().flat_map(|row| row.legs.values());
    let found = Recount {
        records: expected
            .records
            .keys()
            .map(|kind| (*kind, part.records.get(*kind).copied().unwrap_or(0)))
            .collect(),
        refusals: part.sum_of_spreads(|row| row.refusals),
        orders: part.sum(|row| row.orders),
        asked_lots: legs().map(|leg| leg.asked_lots).sum(),
        filled_lots: legs().map(|leg| leg.filled_lots).sum(),
        better_e9: legs().map(|leg| leg.better_e9).sum(),
        aligned: part.sum_of_spreads(|row| row.aligned),
        empty: part.sum_of_spreads(|row| row.empty),
        broken: part.sum_of_spreads(|row| row.broken),
        asked_units: part.sum_of_spreads(|row| row.asked_units),
        done_units: part.sum_of_spreads(|row| row.done_units),
        longest_tick_to_order: part.tick_to_order.max_ns,
    };
    assert_eq!(&found, expected);
    assert_eq!(part.records.values().sum::<u64>(), expected.records.values().sum::<u64>());
    let of_account = part.programme.values().flat_map(|rows| rows.values());
    assert_eq!(of_account.map(|row| row.orders).sum::<u64>(), expected.orders);
    let totals = tally.totals();
    let figures = [
        ("fires", part.sum_of_spreads(|row| row.fires), totals.fires),
        ("decisions", part.sum_of_spreads(|row| row.decisions), totals.decisions),
        ("fills", part.sum(|row| row.fills), totals.fills),
        ("busts", part.sum(|row| row.busts), totals.busts),
        ("rejects", part.sum(|row| row.rejects), totals.rejects),
        ("not sent", part.sum(|row| row.not_sent), totals.not_sent),
        ("cancelled", part.sum(|row| row.cancelled), totals.cancelled),
        ("cancels", part.sum(|row| row.cancels), totals.cancel_requests),
        ("unknown", part.unknown, totals.unknown),
        ("strangers", part.strangers, totals.strangers),
        ("alerts", part.alerts.values().sum(), totals.alerts),
        ("quotes", part.sum(|row| row.quotes), totals.quotes),
        ("gates", part.gates.values().sum(), expected.refusals),
    ];
    for (what, found, expected) in figures {
        assert_eq!(found, expected, "{what}");
    }
}

/// A figure that needs what was left out is not given, and the report says what that was.
#[test]
fn what_the_record_leaves_out_is_said() {
    let cell = |part: &Part, key: &str| {
        let sheets = sheets::sheets(&BTreeMap::from([(0, part.clone())]));
        let row = |row: &&Vec<Cell>| row[0] == Cell::Text(key.to_owned());
        sheets[0].rows.iter().find(row).expect("a figure of the summary")[3].clone()
    };
    let (mut with_gates, mut with_endings) = (0, 0);
    for seed in (1..600).map(Seed::whole).filter(|seed| Plan::draw(*seed).leaves_out) {
        let records = rig::records(seed);
        let mut expected = BTreeSet::new();
        for record in &records {
            let (header, body, _) = frame::split(record).expect("a record");
            if header.kind != Kind::Detailing {
                continue;
            }
            let Ok(Body::Input(input)) = frame::decode(header, body, &mut Images::new(&mut []))
            else {
                panic!("a detailing is an input");
            };
            let OwnedEvent::Detailing(detailing) = input.event else { panic!("of its kind") };
            expected.extend(detailing.left_out());
        }
        let scratch = Scratch::new("left_out");
        let path = scratch.path("journal");
        rig::write_watched(&path, &records, &mut || {});
        let index = Index::open(&scratch.path("index.redb")).expect("the disk has room");
        index.update(&path).expect("it is a journal");
        let part = whole(&index);
        assert!(part.left_out.iter().map(String::as_str).eq(expected.iter().copied()), "{seed:?}");
        let gates = expected.iter().any(|word| *word != "endings");
        let endings = expected.contains("endings");
        assert_eq!(cell(&part, "capture") == Cell::None, gates, "{seed:?}");
        assert_eq!(cell(&part, "triggers") == Cell::None, gates, "{seed:?}");
        assert_eq!(cell(&part, "success") == Cell::None, endings, "{seed:?}");
        assert_eq!(cell(&part, "left_out") == Cell::None, expected.is_empty(), "{seed:?}");
        with_gates += u32::from(gates);
        with_endings += u32::from(endings);
    }
    assert!(with_gates > 3 && with_endings > 1, "{with_gates} {with_endings}");
}

/// Every form holds the same cells.
#[test]
fn every_form_holds_every_row() {
    let scratch = Scratch::new("forms");
    let path = rig::journal(Seed::whole(3), &scratch);
    let index = Index::open(&scratch.path("index.redb")).expect("the disk has room");
    index.update(&path).expect("it is a journal");
    let hours = index.hours(0..u32::MAX).expect("it is an index");
    for sheet in sheets::sheets(&hours) {
        assert!(sheet.rows.iter().all(|row| row.len() == sheet.columns.len()), "{}", sheet.name);
        let mut text = Vec::new();
        csv::write(&sheet, true, &mut text).expect("memory has room");
        let lines = String::from_utf8(text).expect("it is text");
        assert_eq!(lines.matches("\r\n").count(), sheet.rows.len() + 1);
        let mut text = Vec::new();
        json_lines::write(&sheet, &mut text).expect("memory has room");
        let objects = serde_json::Deserializer::from_slice(&text).into_iter();
        let objects: Vec<serde_json::Value> =
            objects.collect::<Result<_, _>>().expect("each line is an object");
        assert_eq!(objects.len(), sheet.rows.len());
        for (object, row) in objects.iter().zip(&sheet.rows) {
            for (column, cell) in sheet.columns.iter().zip(row) {
                if let Cell::Int(value) = cell {
                    assert_eq!(object[column.key], *value, "{} {}", sheet.name, column.key);
                }
            }
        }
        read_back(&sheet);
        let none = sheet.clone().select(&["nothing".to_owned()]);
        assert!(none.expect_err("no such column").to_string().contains(sheet.columns[0].key));
    }
}

/// A sheet through Parquet and back with the library's own reader.
fn read_back(sheet: &cross_market_connect::audit::export::Sheet) {
    use ::parquet::file::reader::{FileReader, SerializedFileReader};
    use ::parquet::record::Field;
    let mut file = Vec::new();
    parquet::write(sheet, &mut file).expect("memory has room");
    let reader = SerializedFileReader::new(bytes_of(file)).expect("it is a file of that format");
    let rows: Vec<_> = reader.get_row_iter(None).expect("it has rows").collect();
    assert_eq!(rows.len(), sheet.rows.len(), "{}", sheet.name);
    for (found, row) in rows.into_iter().zip(&sheet.rows) {
        let found: BTreeMap<String, Field> =
            found.expect("a row").into_columns().into_iter().collect();
        for (column, cell) in sheet.columns.iter().zip(row) {
            let is_mixed = sheet.name == "summary";
            if let (Cell::Int(value), false) = (cell, is_mixed) {
                assert_eq!(found[column.key], Field::Long(*value), "{} {}", sheet.name, column.key);
            }
            if let Cell::Text(text) = cell {
                assert_eq!(
                    found[column.key],
                    Field::Str(text.clone()),
                    "{} {}",
                    sheet.name,
                    column.key
                );
            }
        }
    }
}

fn bytes_of(file: Vec<u8>) -> std::fs::File {
    use std::io::{Seek, Write};
    let path = Scratch::new("parquet");
    let mut file_on_disk = std::fs::File::options()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .open(path.path("file"))
        .expect("the disk has room");
    file_on_disk.write_all(&file).expect("the disk has room");
    file_on_disk.rewind().expect("it is a file");
    file_on_disk
}
