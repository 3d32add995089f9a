//! Sheets as Parquet, read by DuckDB: an engine that shares no code with the writer.
//!
//! Optional: it needs `python3` with the package `duckdb` (`pip install duckdb`, and `PYTHONPATH`
//! if it lies elsewhere), and says so when there is none.

use super::rig;
use crate::journal::scratch::Scratch;
use crate::shared::is_required;
use cross_market_connect::audit::day::sheets;
use cross_market_connect::audit::export::{Cell, Sheet, parquet};
use cross_market_connect::audit::index::Index;
use cross_market_connect::sim::plan::Seed;
use serde::Deserialize;
use std::path::Path;
use std::process::Command;

/// Prints the columns and rows of each query as JSON, every value as text.
const SCRIPT: &str = "
import decimal, duckdb, json, sys
def text(value):
    return f'{value:f}' if isinstance(value, decimal.Decimal) else str(value)
for query in sys.argv[1:]:
    found = duckdb.sql(query)
    rows = [[value if value is None else text(value) for value in row] for row in found.fetchall()]
    print(json.dumps({'columns': found.columns, 'rows': rows}))
";

#[derive(Deserialize)]
struct Found {
    columns: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
}

/// What DuckDB answers, or `None` if there is none.
fn ask(queries: &[String]) -> Option<Vec<Found>> {
    let is_there = Command::new("python3").args(["-c", "import duckdb"]).output();
    if !is_there.is_ok_and(|output| output.status.success()) {
        assert!(
            !is_required("duckdb"),
            "XMC_REQUIRE names duckdb, but python3 has no such package"
        );
        eprintln!("SKIPPED for want of DuckDB: pip install duckdb");
        return None;
    }
    let output = Command::new("python3").args(["-c", SCRIPT]).args(queries).output();
    let output = output.expect("python3 was there");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "DuckDB refuses: {errors}");
    let objects = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
    Some(objects.collect::<Result<_, _>>().expect("the script prints objects"))
}

fn write(sheet: &Sheet, directory: &Path) -> String {
    let path = directory.join(format!("{}.parquet", sheet.name));
    let file = std::fs::File::create(&path).expect("the disk has room");
    parquet::write(sheet, file).expect("the disk has room");
    path.display().to_string()
}

#[test]
fn duckdb_reads_every_cell_that_was_written() {
    let scratch = Scratch::new("duckdb");
    let path = rig::journal(Seed::whole(3), &scratch);
    let index = Index::open(&scratch.path("index.redb")).expect("the disk has room");
    index.update(&path).expect("it is a journal");
    let hours = index.hours(0..u32::MAX).expect("it is an index");
    let sheets = sheets::sheets(&hours);
    let directory = scratch.path("dt=2026-11-21/site=7");
    std::fs::create_dir_all(&directory).expect("the disk has room");
    let query = |sheet: &Sheet| {
        let file = write(sheet, &directory);
        format!("select * from read_parquet('{file}', hive_partitioning = true)")
    };
    let mut queries: Vec<String> = sheets.iter().map(query).collect();
    queries.push(format!(
        "select sum(fires) from read_parquet('{}/**/pairs.parquet', hive_partitioning = true) \
         where dt = '2026-11-21' and site = 7",
        scratch.path("").display()
    ));
    let Some(mut found) = ask(&queries) else { return };
    let sum = found.pop().expect("one answer for each query");
    assert_eq!(found.len(), sheets.len());
    for (found, sheet) in found.iter().zip(&sheets) {
        check(found, sheet);
    }
    let pairs = sheets.iter().find(|sheet| sheet.name == "pairs").expect("it is a sheet");
    let fires = pairs.columns.iter().position(|column| column.key == "fires").expect("a column");
    let fires = pairs.rows.iter().map(|row| match row[fires] {
        Cell::Int(fires) => fires,
        _ => 0,
    });
    assert_eq!(sum.rows, [[Some(fires.sum::<i64>().to_string())]], "by day and site");
}

fn check(found: &Found, sheet: &Sheet) {
    let name = sheet.name;
    let keys: Vec<_> = sheet.columns.iter().map(|column| column.key).collect();
    let (columns, partition) = found.columns.split_at(keys.len());
    assert_eq!(columns, keys, "{name}");
    assert_eq!(partition, ["dt", "site"], "{name}");
    assert_eq!(found.rows.len(), sheet.rows.len(), "{name}");
    for (found, row) in found.rows.iter().zip(&sheet.rows) {
        for ((cell, found), key) in row.iter().zip(found).zip(&keys) {
            let is_same = match (cell, found) {
                (Cell::None, None) => true,
                // Of nothing, so there is none.
                (Cell::Ratio(..) | Cell::Times(..), None) => cell.plain().is_empty(),
                (Cell::None, Some(_)) | (_, None) => false,
                (Cell::E9(value) | Cell::Fixed(value, _), Some(found)) => {
                    let sign = if *value < 0 { "-" } else { "" };
                    let (whole, parts) = (value.unsigned_abs(), 1_000_000_000);
                    let exact = format!("{sign}{}.{:09}", whole / parts, whole % parts);
                    *found == exact || *found == cell.plain()
                }
                (Cell::Ratio(..) | Cell::Times(..), Some(found)) => {
                    found.parse::<f64>().ok() == cell.plain().parse().ok()
                }
                (Cell::Int(_) | Cell::Ns(_) | Cell::Text(_), Some(found)) => *found == cell.plain(),
            };
            assert!(is_same, "{name} {key}: DuckDB has {found:?}, written was {cell:?}");
        }
    }
}
