//! The text of percentiles: a line for each step, four columns, remarks at the end.
//!
//! Source: HdrHistogram 2.1, `AbstractHistogram.outputPercentileDistribution`, and its plotter,
//! which reads the first two columns and leaves out lines that begin with `#`.

use super::{Curve, NotOne, Point, STEPS_PER_HALF};
use hdrhistogram::Histogram;
use std::fmt::Write as _;

/// Writes it; values as they are in the histogram.
pub fn write(histogram: &Histogram<u64>) -> String {
    let mut text = format!(
        "{:>12} {:>14} {:>10} {:>14}\n\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    let mut total = 0;
    for step in histogram.iter_quantiles(STEPS_PER_HALF) {
        total += step.count_since_last_iteration();
        let (value, share) = (step.value_iterated_to(), step.quantile_iterated_to());
        let inverse =
            if share < 1.0 { format!("{:14.2}", 1.0 / (1.0 - share)) } else { String::new() };
        // Nothing refuses bytes in memory.
        let _ = writeln!(text, "{value:12.3} {share:2.12} {total:10} {inverse}");
    }
    let _ = writeln!(
        text,
        "#[Mean    = {:12.3}, StdDeviation   = {:12.3}]\n#[Max     = {:12.3}, Total count    = \
         {:12}]",
        histogram.mean(),
        histogram.stdev(),
        super::lossy(histogram.max()),
        histogram.len()
    );
    text
}

/// Reads it.
///
/// # Errors
/// `Line` where a number is missing, is none, or goes back.
pub fn read(text: &str) -> Result<Curve, NotOne> {
    let mut points: Vec<Point> = Vec::new();
    let mut count = 0;
    let lines = (1..).zip(text.lines()).skip(1);
    for (line, text) in lines.filter(|(_, text)| !text.trim().is_empty()) {
        if text.trim_start().starts_with('#') {
            continue;
        }
        let wrong = |why: String| NotOne::Line { line, why };
        // Some tools write commas between the columns.
        let mut columns =
            text.split(|c: char| c.is_whitespace() || c == ',').filter(|column| !column.is_empty());
        let mut number = |name: &str| {
            let column = columns.next().ok_or_else(|| wrong(format!("there is no {name}")))?;
            let parsed = column.parse::<f64>().ok().filter(|number| number.is_finite());
            parsed
                .filter(|number| *number >= 0.0)
                .ok_or_else(|| wrong(format!("`{column}` is no {name}")))
        };
        let (value, share) = (number("value")?, number("percentile")?);
        if share > 1.0 {
            return Err(wrong(format!(
                "a percentile of {share} is more than all: 0 to 1 is meant"
            )));
        }
        count = whole(number("count")?);
        let point = Point { share, value };
        match points.last_mut() {
            Some(last) if share < last.share || value < last.value => {
                return Err(wrong("value and percentile go back".to_owned()));
            }
            Some(last) if share <= last.share => *last = point,
            _ => points.push(point),
        }
    }
    Ok(Curve { points, count })
}

/// A count that was written as a number.
#[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "it is not below zero")]
fn whole(number: f64) -> u64 {
    number as u64
}
