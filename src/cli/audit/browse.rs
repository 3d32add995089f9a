//! The record as the screen for browsers searches it: the filters of `xmc audit query`, the page of
//! `xmc audit show`, each read for a few seconds at most.
//!
//! The journal itself is read, not the index: its file has one writer at a time, and it would write
//! to the disk that the record goes to.

use super::query::What;
use super::show::{sections, wanted};
use crate::audit::labels::{Labels, Runs};
use crate::audit::query::{Filter, Row, search_within};
use crate::audit::scan::Deadline;
use crate::audit::story::{NoStory, gather_within};
use crate::cli::report::Utc;
use crate::monitor::Lang;
use crate::monitor::web::{NoReceipts, Receipts};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;
use xmc_hotpath::record::frame::{Body, Kind};

/// Receipts of one answer, at most: the newest.
const MOST: usize = 200;

/// The record in a directory.
#[derive(Debug)]
pub struct Browsed {
    directory: PathBuf,
    /// What the running engine calls things.
    labels: Labels,
}

impl Browsed {
    /// Of an engine with that configuration, which records to `directory`.
    pub fn new(directory: &Path, labels: Labels) -> Self {
        Self { directory: directory.to_owned(), labels }
    }

    fn read(
        &self,
        filter: &Filter,
        deadline: &mut Deadline,
    ) -> Result<Value, Box<dyn std::error::Error>> {
        let mut runs = Runs::new(&self.directory);
        let mut rows: VecDeque<Row> = VecDeque::new();
        let mut found = 0_u64;
        // Starts are looked at on the way: they say what the numbers of a run are called.
        let kinds = match filter.kinds.as_slice() {
            [] => Vec::new(),
            kinds => [kinds, &[Kind::Start]].concat(),
        };
        let wide = Filter { kinds: kinds.clone(), ..Filter::default() };
        let (scanned, until) = search_within(&self.directory, &wide, deadline, |receipt| {
            if let Body::Start(_) = receipt.body {
                runs.learn(receipt);
            }
            if filter.takes(receipt) {
                found += 1;
                rows.push_back(receipt.row(runs.of(receipt.position.run)));
                if rows.len() > MOST {
                    rows.pop_front();
                }
            }
            ControlFlow::Continue(())
        })?;
        let utc = |ns: u64| (ns != 0).then(|| Utc(ns).to_string());
        let rows = rows.iter().rev().map(|row| {
            json!({
                "place": row.place, "utc": utc(row.utc_ns), "kind": row.kind, "order": row.order,
                "fill": row.fill, "pair": row.pair, "product": row.product, "gate": row.gate,
                "side": row.side, "lots": row.lots,
                "price": row.price_e9.map(crate::config::decimal::show_e9), "what": row.what,
            })
        });
        Ok(json!({
            "schema": "xmc.web.receipts", "version": 1, "receipts": rows.collect::<Vec<_>>(),
            "found": found, "most": MOST, "records": scanned.records,
            "stopped_early": deadline.is_over(), "read_until": utc(until.0),
            "damage": scanned.damage.map(|(file, damage)| {
                format!("{}: {damage}", file.file_name().unwrap_or_default().display())
            }),
        }))
    }
}

impl Receipts for Browsed {
    fn find(&self, asked: &[(String, String)], until: Instant) -> Result<Value, NoReceipts> {
        let mut what = What::default();
        for (key, value) in asked {
            what.set(key, value.trim()).map_err(NoReceipts::Question)?;
        }
        let filter = what.filter(&self.labels);
        let filter = filter.map_err(|error| NoReceipts::Question(error.to_string()))?;
        if filter.needs_scan() {
            let why = "quotes, ticks and clock readings are too many for a page: `xmc audit query`";
            return Err(NoReceipts::Question(why.to_owned()));
        }
        let mut deadline = Deadline::at(until);
        let read = self.read(&filter, &mut deadline);
        read.map_err(|error| NoReceipts::Record(error.to_string()))
    }

    fn story(&self, order: &str, lang: Lang, until: Instant) -> Result<String, NoReceipts> {
        let wanted = wanted(order.trim()).map_err(NoReceipts::Question)?;
        let begun = Instant::now();
        let story = gather_within(&self.directory, wanted, &mut Deadline::at(until));
        let story = story.map_err(|error| match error {
            NoStory::TooLong => NoReceipts::TooLong(begun.elapsed()),
            _ => NoReceipts::Record(error.to_string()),
        })?;
        let failed = |error: &dyn std::fmt::Display| NoReceipts::Record(error.to_string());
        let labels = Labels::find(&self.directory, &story.start.config_digest);
        let labels = labels.map_err(|error| failed(&error))?;
        let mut page = Vec::new();
        let written = sections::write(&story, &labels, lang, &self.directory, &mut page);
        written.map_err(|error| failed(&error))?;
        String::from_utf8(page).map_err(|error| failed(&error))
    }
}
