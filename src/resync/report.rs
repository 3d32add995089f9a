//! What is written of each cycle, and of what happens between them: a JSON object a line.

use super::confirm::Difference;
use super::cycle::{Cause, Outcome, Verdict};
use super::read::{Alone, Held, Off};
use super::statement::{Exact, Moment};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

/// Rows of a list that are written; how many there are is always said.
const MOST_ROWS: usize = 100;

/// A word of what came of a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// The same on both sides.
    Agree,
    /// The same once all that was on its way had come.
    Settled,
    /// Different in both readings.
    Differ,
    /// No statement came.
    Old,
}

impl Word {
    /// That of an outcome.
    #[must_use]
    pub const fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Agree => Self::Agree,
            Outcome::Settled => Self::Settled,
            Outcome::Differ(_) => Self::Differ,
            Outcome::Old => Self::Old,
        }
    }
}

/// Money in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct MoneyRow {
    currency: String,
    venue: Exact,
    desk: Exact,
    is_certain: bool,
}

/// A cycle, for the log.
#[must_use]
pub fn of_cycle(source: &str, run: u16, verdict: &Verdict, at: Moment) -> Value {
    let Verdict { cycle, cause, begun, outcome, reading, .. } = verdict;
    let cause: Cause = *cause;
    let found: &[Difference] = match outcome {
        Outcome::Differ(found) => found,
        Outcome::Agree | Outcome::Settled | Outcome::Old => &[],
    };
    let mut line = json!({
        "is": "cycle", "source": source, "run": run, "cycle": cycle, "cause": cause,
        "begun": Moment(*begun), "at": at, "outcome": Word::of(outcome),
        "differences": found,
    });
    if let Some(reading) = reading {
        let some = |rows: &[Off]| rows.iter().take(MOST_ROWS).cloned().collect::<Vec<_>>();
        let alone: Option<Vec<Alone>> =
            reading.alone.as_ref().map(|rows| rows.iter().take(MOST_ROWS).cloned().collect());
        let positions: &Option<Vec<Held>> = &reading.positions;
        let money = reading.money.as_ref().map(|rows| {
            let row = |cash: &super::read::Cash| MoneyRow {
                currency: cash.currency.clone(),
                venue: Exact::of_e9(cash.venue_e9),
                desk: Exact::of_e9(cash.desk_e9),
                is_certain: cash.is_certain,
            };
            rows.iter().map(row).collect::<Vec<_>>()
        });
        line["compared"] = json!({
            "statement": reading.sequence, "as_of": Moment(reading.as_of),
            "input": reading.seq_no, "positions": positions,
            "fills": reading.has_fills, "orders_with_fills": reading.orders,
            "fills_apart": reading.off.len(), "fills_apart_rows": some(&reading.off),
            "orders_alone": alone, "money": money,
        });
    }
    line
}

/// Something else that happened.
#[must_use]
pub fn of_event(what: &str, source: Option<&str>, run: u16, at: Moment, text: &str) -> Value {
    json!({ "is": what, "source": source, "run": run, "at": at, "text": text })
}

/// Appends lines to the log beside the record in `directory`.
///
/// # Errors
/// Whatever the file system says.
pub fn append(directory: &Path, lines: &[Value]) -> io::Result<()> {
    let path = super::path(directory, super::LOG);
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let mut text = String::new();
    for line in lines {
        text.push_str(&line.to_string());
        text.push('\n');
    }
    file.write_all(text.as_bytes())?;
    file.sync_data()
}

/// The lines of a log; one that was cut is left out.
#[must_use]
pub fn lines(text: &str) -> Vec<Value> {
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}
