//! What is answered: the receipts, stories and days of the command line, as JSON.

use super::super::query::{What, place};
use super::super::report::hours_of;
use super::super::show::{json, wanted};
use super::super::time::day;
use super::request::Request;
use crate::audit::day::sheets;
use crate::audit::export::json_lines;
use crate::audit::index::Index;
use crate::audit::labels::{Labels, Runs};
use crate::audit::query::{Filter, Position};
use crate::audit::story::gather;
use crate::secret::{Secret, is_same};
use serde_json::{Map, Value, json};
use std::ops::ControlFlow;
use std::path::PathBuf;
use xmc_hotpath::record::frame::Kind;

/// Receipts of one answer, at most.
const MOST: usize = 1_000;

/// Where answers come from.
pub struct Answers {
    /// The journal.
    pub path: PathBuf,
    /// Its index.
    pub index: Index,
    /// Who knows it may ask.
    pub token: Secret,
}

type Answered = Result<Value, (u16, String)>;

fn wrong(why: impl ToString) -> (u16, String) {
    (400, why.to_string())
}

fn failed(why: impl ToString) -> (u16, String) {
    (500, why.to_string())
}

/// What a status is called.
pub const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        431 => "Request Header Fields Too Large",
        _ => "Internal Server Error",
    }
}

/// An answer that says what is wrong.
pub fn error(status: u16, why: &str) -> Vec<u8> {
    let body = json!({ "schema": "xmc.audit.error", "version": 1, "status": status, "why": why });
    serde_json::to_vec(&body).unwrap_or_default()
}

impl Answers {
    /// The status and body of an answer.
    pub fn answer(&self, request: &Request) -> (u16, Vec<u8>) {
        let is_known = request
            .token
            .as_ref()
            .is_some_and(|token| is_same(token.as_bytes(), self.token.reveal().as_bytes()));
        if !is_known {
            return (401, error(401, "send the token: Authorization: Bearer TOKEN"));
        }
        let parts: Vec<&str> = request.path.iter().map(String::as_str).collect();
        let answered = self.update().and_then(|()| match parts.as_slice() {
            ["v1", "journal"] => self.journal(),
            ["v1", "receipts"] => self.receipts(&request.query),
            ["v1", "orders", id] => self.order(id),
            ["v1", "days", day] => self.day(day, &request.query),
            _ => Err((404, "there are /v1/journal, receipts, orders/ID and days/DAY".to_owned())),
        });
        match answered {
            Ok(value) => (200, serde_json::to_vec(&value).unwrap_or_default()),
            Err((status, why)) => (status, error(status, &why)),
        }
    }

    fn update(&self) -> Result<(), (u16, String)> {
        let updated = self.index.update(&self.path).map_err(failed)?;
        match updated.damage {
            None => Ok(()),
            Some((file, damage)) => Err(failed(format!("{}: {damage}", file.display()))),
        }
    }

    fn runs(&self) -> Result<Runs, (u16, String)> {
        let mut runs = Runs::new(&self.path);
        let starts = Filter { kinds: vec![Kind::Start], ..Filter::default() };
        let learned = self.index.search(&starts, |receipt| {
            runs.learn(receipt);
            ControlFlow::Continue(())
        });
        learned.map_err(failed).map(|()| runs)
    }

    fn journal(&self) -> Answered {
        let records = self.index.records().map_err(failed)?;
        Ok(json!({ "schema": "xmc.audit.journal", "version": 1, "records": records }))
    }

    fn receipts(&self, query: &[(String, String)]) -> Answered {
        let runs = self.runs()?;
        let mut what = What::default();
        let (mut after, mut limit) = (None, 100);
        for (key, value) in query {
            match key.as_str() {
                "after" => after = Some(place(value).map_err(wrong)?),
                "limit" => limit = value.parse().map_err(wrong)?,
                _ => what.set(key, value).map_err(wrong)?,
            }
        }
        let mut filter = what.filter(runs.newest()).map_err(wrong)?;
        if filter.needs_scan() {
            return Err(wrong("quotes, ticks and clock readings are not in the index"));
        }
        filter.after = after;
        let limit = limit.clamp(1, MOST);
        let mut rows = Vec::new();
        let (mut last, mut next) = (None, None);
        let searched = self.index.search(&filter, |receipt| {
            if rows.len() >= limit {
                next = last;
                return ControlFlow::Break(());
            }
            last = Some(receipt.position);
            rows.push(receipt.row(runs.of(receipt.position.run)));
            ControlFlow::Continue(())
        });
        searched.map_err(failed)?;
        let next = next.map(|Position { run, input, index }| format!("{run}:{input}:{index}"));
        Ok(json!({
            "schema": "xmc.audit.receipts", "version": 1, "receipts": rows, "next_after": next,
        }))
    }

    fn order(&self, id: &str) -> Answered {
        let wanted = wanted(id).map_err(wrong)?;
        let story = gather(&self.path, wanted).map_err(|error| (404, error.to_string()))?;
        let labels = Labels::find(&self.path, &story.start.config_digest).map_err(failed)?;
        Ok(json::story(&story, &labels))
    }

    fn day(&self, text: &str, query: &[(String, String)]) -> Answered {
        let wanted = day(text).map_err(wrong)?;
        let mut zone = 0;
        for (key, value) in query {
            match key.as_str() {
                "zone" => zone = value.parse().map_err(wrong)?,
                _ => return Err(wrong(format!("there is no {key:?} of a day"))),
            }
        }
        if !(-12..=14).contains(&zone) {
            return Err(wrong("zone: hours from -12 to 14"));
        }
        let range = hours_of(wanted, zone);
        let hours = self.index.hours(range.clone()).map_err(failed)?;
        let hours = hours.into_iter().map(|(hour, part)| (hour - range.start, part)).collect();
        let mut body = Map::new();
        body.insert("schema".to_owned(), json!("xmc.audit.day"));
        body.insert("version".to_owned(), json!(1));
        body.insert("day".to_owned(), json!(text));
        for sheet in sheets::sheets(&hours) {
            let rows = sheet.rows.iter().map(|row| {
                let cells = sheet.columns.iter().zip(row);
                cells
                    .map(|(column, cell)| (column.key.to_owned(), json_lines::value(cell)))
                    .collect::<Map<_, _>>()
            });
            body.insert(sheet.name.to_owned(), rows.collect());
        }
        Ok(Value::Object(body))
    }
}
