//! The log of intervals: a line for each, with its histogram packed into it.
//!
//! Source: HdrHistogram 2.1, `HistogramLogWriter` and `HistogramLogReader`, log format 1.3; packed
//! as V2, deflated, base64. The crate `hdrhistogram` does the packing.

use super::NotOne;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{
    IntervalLogIterator, IntervalLogWriterBuilder, LogEntry, LogIteratorError,
};
use hdrhistogram::serialization::{Deserializer, V2DeflateSerializer};
use std::time::{Duration, SystemTime};

/// What stands above the columns; readers want it.
const LEGEND: &str = "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\
                      \"Interval_Compressed_Histogram\"\n";

/// Writes a log of one interval, which began at `start` and went on for `length`. The third column
/// is the interval's largest value, in milliseconds of a histogram in nanoseconds, as readers show.
///
/// # Errors
/// A histogram that cannot be packed.
pub fn write(
    histogram: &Histogram<u64>,
    start: SystemTime,
    length: Duration,
) -> Result<Vec<u8>, String> {
    let mut text = b"#[Histogram log format version 1.3]\n".to_vec();
    let mut packing = V2DeflateSerializer::new();
    let mut builder = IntervalLogWriterBuilder::new();
    builder.with_start_time(start).with_max_value_divisor(1_000_000.0);
    let said = |why: &dyn std::fmt::Display| format!("a histogram cannot be packed: {why}");
    let mut heads = Vec::new();
    drop(builder.begin_log_with(&mut heads, &mut packing).map_err(|why| said(&why))?);
    text.extend_from_slice(&heads);
    text.extend_from_slice(LEGEND.as_bytes());
    let mut line = Vec::new();
    let mut bare = IntervalLogWriterBuilder::new();
    bare.with_max_value_divisor(1_000_000.0);
    let mut log = bare.begin_log_with(&mut line, &mut packing).map_err(|why| said(&why))?;
    log.write_histogram(histogram, Duration::ZERO, length, None).map_err(|why| said(&why))?;
    // Without the remark that stands above already.
    let begins = line.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    text.extend_from_slice(line.get(begins..).unwrap_or_default());
    Ok(text)
}

/// All intervals of a log together.
///
/// # Errors
/// `Line` where it is no log, or a histogram cannot be unpacked; `Empty` without an interval.
pub fn read(text: &str) -> Result<Histogram<u64>, NotOne> {
    let line_at = |offset: usize| {
        let before = text.as_bytes().get(..offset).unwrap_or_default();
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    };
    let mut unpacking = Deserializer::new();
    let mut sum: Option<Histogram<u64>> = None;
    for entry in IntervalLogIterator::new(text.as_bytes()) {
        let interval = match entry {
            Ok(LogEntry::Interval(interval)) => interval,
            Ok(_) => continue,
            Err(LogIteratorError::ParseError { offset }) => {
                let why = "it is no line of a log of intervals".to_owned();
                return Err(NotOne::Line { line: line_at(offset), why });
            }
        };
        let packed = interval.encoded_histogram();
        // The text is part of the file's: where it begins is where its line is.
        let offset = (packed.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        let wrong = |why: String| NotOne::Line { line: line_at(offset), why };
        let bytes = STANDARD.decode(packed);
        let bytes = bytes.map_err(|why| wrong(format!("its histogram is not base64: {why}")))?;
        let one: Histogram<u64> = unpacking
            .deserialize(&mut bytes.as_slice())
            .map_err(|why| wrong(format!("its histogram cannot be unpacked: {why}")))?;
        match &mut sum {
            Some(sum) => {
                sum.auto(true);
                sum.add(&one).map_err(|why| wrong(format!("it cannot be added: {why}")))?;
            }
            None => sum = Some(one),
        }
    }
    sum.ok_or(NotOne::Empty)
}
