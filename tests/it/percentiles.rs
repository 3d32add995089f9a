//! Files of latencies: what is written is what the format says, read by a second reader that is
//! written here, and what is read is what was recorded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cross_market_connect::percentiles::{self, Curve, NotOne, hgrm, hlog};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::time::{Duration, SystemTime};

use crate::journal::scratch::Scratch;

fn recorded(seed: u64, count: usize) -> (Histogram<u64>, Vec<u64>) {
    let mut draw = fastrand::Rng::with_seed(seed);
    let mut histogram = Histogram::new_with_bounds(1, 10_000_000_000, 3).expect("valid bounds");
    let mut values: Vec<u64> = (0..count)
        .map(|_| match draw.u8(..100) {
            0 => draw.u64(10_000..5_000_000),
            _ => draw.u64(600..900),
        })
        .collect();
    for value in &values {
        histogram.record(*value).expect("within bounds");
    }
    values.sort_unstable();
    (histogram, values)
}

/// Numbers of seven bits each, the sign in the lowest: V2's way to write counts.
fn zigzag(bytes: &mut &[u8]) -> Option<i64> {
    let (mut value, mut shift) = (0u64, 0);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        // The ninth byte has eight bits.
        if shift == 56 {
            value |= u64::from(*byte) << shift;
            break;
        }
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
        shift += 7;
    }
    Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
}

/// A reader of one packed histogram after HdrHistogram's description of V2: slot to count.
fn unpacked(text: &str) -> BTreeMap<usize, u64> {
    let bytes = STANDARD.decode(text).expect("base64");
    let word = |bytes: &[u8], at: usize| {
        u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
    };
    assert_eq!(word(&bytes, 0), 0x1c84_9314, "deflated V2");
    assert_eq!(word(&bytes, 4) as usize, bytes.len() - 8);
    let mut plain = Vec::new();
    flate2::read::ZlibDecoder::new(&bytes[8..]).read_to_end(&mut plain).expect("zlib");
    assert_eq!(word(&plain, 0), 0x1c84_9313, "V2");
    assert_eq!(word(&plain, 4) as usize, plain.len() - 40);
    assert_eq!(word(&plain, 12), 3, "digits");
    let mut rest = &plain[40..];
    let (mut slot, mut counts) = (0usize, BTreeMap::new());
    while let Some(number) = zigzag(&mut rest) {
        match u64::try_from(number) {
            Ok(count) => {
                counts.insert(slot, count);
                slot += 1;
            }
            // So many slots with nothing.
            Err(_) => slot += usize::try_from(-number).expect("a length"),
        }
    }
    counts.retain(|_, count| *count > 0);
    counts
}

/// The slot of a value with three digits: 2,048 slots to the first power, 1,024 for each after it.
fn slot(value: u64) -> usize {
    let power = (64 - (value | 2_047).leading_zeros()) as usize - 11;
    let within = usize::try_from(value >> power).expect("below 2,048");
    (power + 1) * 1_024 + within - 1_024
}

#[test]
fn a_log_is_what_the_format_says() {
    let (histogram, values) = recorded(7, 20_000);
    let start = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_000_000_250);
    let log = hlog::write(&histogram, start, Duration::from_millis(1_500)).expect("it is packed");
    let text = String::from_utf8(log).expect("UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "#[Histogram log format version 1.3]");
    assert_eq!(lines[1], "#[StartTime: 1795000000.250 (seconds since epoch)]");
    let legend = lines.iter().position(|line| line.starts_with("\"StartTimestamp\""));
    let fields: Vec<&str> = lines[legend.expect("a legend") + 1].split(',').collect();
    assert_eq!(&fields[..2], ["0.000", "1.500"]);
    let most = *values.last().expect("values") as f64 / 1e6;
    let said: f64 = fields[2].parse().expect("a number");
    assert!((said / most - 1.0).abs() < 0.001, "{said} of {most}");
    let mut counts = BTreeMap::new();
    for value in &values {
        *counts.entry(slot(*value)).or_insert(0) += 1;
    }
    assert_eq!(unpacked(fields[3]), counts);
}

#[test]
fn intervals_are_added() {
    let [(first, _), (second, _)] = [recorded(1, 5_000), recorded(2, 7_000)];
    let line = |histogram: &Histogram<u64>| {
        let log = hlog::write(histogram, SystemTime::UNIX_EPOCH, Duration::from_secs(1));
        String::from_utf8(log.expect("it is packed")).expect("UTF-8")
    };
    let more = line(&second);
    let text = line(&first) + more.lines().last().expect("a line") + "\n";
    let mut sum = first.clone();
    sum.add(&second).expect("the same bounds");
    assert_eq!(hlog::read(&text).expect("a log"), sum);
}

#[test]
fn both_kinds_say_what_was_recorded() {
    let scratch = Scratch::new("percentiles_both");
    let (histogram, values) = recorded(3, 50_000);
    let text = percentiles::keep(&histogram, &scratch.path("kept"), Duration::from_secs(2))
        .expect("it is written");
    for path in [text.clone(), text.with_extension("hlog")] {
        let curve = percentiles::read(&path).expect("it is one");
        assert_eq!(curve.count, 50_000);
        for share in [0.5, 0.9, 0.99, 0.999] {
            // A step of the curve is at or above the share, a fifth of a halving further at most.
            let at = curve.at(share).expect("points");
            let rank = |share: f64| (values.len() as f64 * share).ceil() as usize - 1;
            let least = values[rank(share)] as f64;
            let most = values[rank(1.0 - (1.0 - share) * 0.5)] as f64;
            assert!(at >= least * 0.999 && at <= most * 1.001, "{share}: {least} {at} {most}");
        }
        let most = *values.last().expect("values") as f64;
        assert!((curve.most().expect("points") / most - 1.0).abs() < 0.001);
        let points = &curve.points;
        let rise = |pair: &[percentiles::Point]| {
            pair[0].share < pair[1].share && pair[0].value <= pair[1].value
        };
        assert!(points.windows(2).all(rise));
    }
}

/// As HdrHistogram's own tools write it, milliseconds and all.
const OF_OTHERS: &str = "       Value     Percentile TotalCount 1/(1-Percentile)

       0.017 0.000000000000          1           1.00
       0.211 0.500000000000       5012           2.00
       1.305 0.900000000000       9000          10.00
      23.007 0.999000000000       9990        1000.00
      41.023 1.000000000000      10000
#[Mean    =        0.412, StdDeviation   =        1.120]
#[Max     =       41.023, Total count    =        10000]
#[Buckets =           20, SubBuckets     =         2048]
";

#[test]
fn the_text_of_other_programs_is_read() {
    let curve = hgrm::read(OF_OTHERS).expect("it is one").scaled(1e6);
    assert_eq!(curve.count, 10_000);
    assert_eq!(curve.at(0.5), Some(211_000.0));
    assert_eq!(curve.at(0.95), Some(23_007_000.0));
    assert_eq!(curve.most(), Some(41_023_000.0));
}

#[test]
fn what_is_none_is_said_with_its_line() {
    for (from, to, line, said) in [
        ("0.211 0.5", "0.211 x", 4, "`x00000000000` is no percentile"),
        ("0.211 0.5", "NaN 0.5", 4, "`NaN` is no value"),
        ("0.211 0.5", "-1 0.5", 4, "`-1` is no value"),
        ("0.211 0.5", "0.211 1.5", 4, "more than all"),
        ("0.211 0.5", "90.0 0.5", 5, "go back"),
        ("       9000          10.00", "", 5, "there is no count"),
    ] {
        let text = OF_OTHERS.replacen(from, to, 1);
        match hgrm::read(&text) {
            Err(NotOne::Line { line: found, why }) => {
                assert_eq!(found, line, "{why}");
                assert!(why.contains(said), "{why}");
            }
            other => panic!("{to}: {other:?}"),
        }
    }
    let scratch = Scratch::new("percentiles_none");
    let path = scratch.path("file");
    for (text, said) in [
        ("", "neither"),
        ("hello\n", "neither"),
        ("Value Percentile TotalCount\n", "no sample"),
        ("#[Histogram log format version 1.3]\n", "no sample"),
        ("#[Histogram log format version 1.3]\n0.0,1.0,2.0,HISTFAAAAA!!\n", "line 2"),
        ("#[Histogram log format version 1.3]\n0.0,1.0,2.0,SGVsbG8gd29ybGQ=\n", "line 2"),
    ] {
        fs::write(&path, text).expect("the place is ours");
        let why = percentiles::read(&path).expect_err("it is none").to_string();
        assert!(why.contains(said), "{text:?}: {why}");
    }
}

/// Damage is told or changes what is read; it never panics or takes long.
#[test]
fn damaged_logs_are_refused_or_read() {
    let (histogram, _) = recorded(9, 300);
    let log = hlog::write(&histogram, SystemTime::UNIX_EPOCH, Duration::from_secs(1));
    let log = log.expect("it is packed");
    let mut draw = fastrand::Rng::with_seed(11);
    for _ in 0..5_000 {
        let mut bytes = log.clone();
        let at = draw.usize(..bytes.len());
        bytes[at] ^= 1 << draw.u8(..7);
        bytes.truncate(draw.usize(bytes.len() / 2..=bytes.len()));
        let _ = hlog::read(&String::from_utf8_lossy(&bytes)).map(|read| Curve::of(&read));
    }
}
