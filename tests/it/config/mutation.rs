//! Fault 47, and the days/0 that ruined HanMag: a slip in any single setting is refused, or is on
//! the list of harmless ones with what still stands between it and a loss.

use super::terms::live_text;
use super::{base, load};
use std::collections::{BTreeMap, BTreeSet};

/// One `key = value` of the sample, wherever it stands.
struct Setting {
    /// `spread.max_units`, `feed.line_a.port`: section and key.
    name: String,
    /// Byte range of the key.
    key: std::ops::Range<usize>,
    /// Byte range of the value.
    value: std::ops::Range<usize>,
    /// Byte range of the whole, with its line end or comma.
    whole: std::ops::Range<usize>,
}

/// Every setting of a text that has one per line or in an inline table.
fn settings(text: &str) -> Vec<Setting> {
    let mut settings = Vec::new();
    let (mut section, mut offset) = (String::new(), 0);
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_end();
        if trimmed.starts_with('[') {
            section = trimmed.trim_matches(['[', ']']).to_owned();
        } else if !trimmed.starts_with('#')
            && let Some((key, value)) = trimmed.split_once(" = ")
        {
            let start = offset + key.len() + 3;
            settings.push(Setting {
                name: format!("{section}.{key}"),
                key: offset..offset + key.len(),
                value: start..start + value.len(),
                whole: offset..offset + line.len(),
            });
            inner(&format!("{section}.{key}"), value, start, &mut settings);
        }
        offset += line.len();
    }
    settings
}

/// The settings of an inline table such as `{ group = "224.0.31.64", port = 14340 }`.
fn inner(name: &str, value: &str, start: usize, settings: &mut Vec<Setting>) {
    let Some(inside) = value.strip_prefix("{ ").and_then(|rest| rest.strip_suffix(" }")) else {
        return;
    };
    let mut offset = start + 2;
    for part in inside.split(", ") {
        let (key, value) = part.split_once(" = ").expect("key = value");
        let value_start = offset + key.len() + 3;
        let is_last = value_start + value.len() == start + 2 + inside.len();
        let whole = if is_last {
            // The comma before it goes as well.
            offset - 2..offset + part.len()
        } else {
            offset..offset + part.len() + 2
        };
        settings.push(Setting {
            name: format!("{name}.{key}"),
            key: offset..offset + key.len(),
            value: value_start..value_start + value.len(),
            whole,
        });
        offset += part.len() + 2;
    }
}

/// What a value may turn into by a slip: the slip's name and the value.
fn slips(value: &str) -> Vec<(&'static str, String)> {
    let number = value.replace('_', "");
    let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let is_decimal = quoted.is_some_and(|text| text.parse::<f64>().is_ok());
    let mut slips = Vec::new();
    let mut slip = |name, value: String| slips.push((name, value));
    if let Ok(whole) = number.parse::<i64>() {
        slip("zero", "0".to_owned());
        slip("negative", (-whole).to_string());
        slip("times 10", format!("{whole}0"));
        slip("times 100", format!("{whole}00"));
        slip("times 10^6", format!("{whole}000000"));
        slip("text", format!("\"{whole}\""));
        slip("words", "\"many\"".to_owned());
        slip("float", format!("{whole}.5"));
        slip("nan", "nan".to_owned());
        slip("infinite", "inf".to_owned());
        slip("list", format!("[{whole}]"));
        slip("beyond 64 bits", "18446744073709551616".to_owned());
    } else if let (Some(text), true) = (quoted, is_decimal) {
        slip("zero", "\"0\"".to_owned());
        slip("negative", format!("\"{}\"", negated(text)));
        slip("times 10", format!("\"{}\"", shifted(text, 1)));
        slip("times 100", format!("\"{}\"", shifted(text, 2)));
        slip("times 10^6", format!("\"{}\"", shifted(text, 6)));
        slip("float", format!("{:?}", text.parse::<f64>().expect("a decimal")));
        slip("words", "\"many\"".to_owned());
        slip("nan", "\"nan\"".to_owned());
        slip("infinite", "\"inf\"".to_owned());
        slip("exponent", format!("\"{text}e3\""));
        slip("ten decimals", "\"0.0000000001\"".to_owned());
        slip("comma", format!("\"{},5\"", text.split('.').next().unwrap_or(text)));
        slip("beyond 64 bits", "\"18446744073709551616\"".to_owned());
    } else if let Some(text) = quoted {
        slip("empty", "\"\"".to_owned());
        slip("blank", "\" \"".to_owned());
        slip("number", "7".to_owned());
        slip("boolean", "true".to_owned());
        slip("misspelt", format!("\"{}\"", misspelt(text)));
    } else {
        slip("number", "7".to_owned());
        slip("empty list", "[]".to_owned());
    }
    slips
}

fn negated(text: &str) -> String {
    text.strip_prefix('-').map_or_else(|| format!("-{text}"), str::to_owned)
}

/// The decimal with its point some places to the right.
fn shifted(text: &str, places: usize) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let padded = format!("{whole}{fraction:0<places$}");
    let (whole, fraction) = padded.split_at(whole.len() + places);
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

/// A word with its last two letters in the other order, or doubled where that changes nothing.
fn misspelt(word: &str) -> String {
    let mut letters: Vec<_> = word.chars().collect();
    let last = letters.len() - 1;
    if last > 0 && letters[last] != letters[last - 1] {
        letters.swap(last, last - 1);
    } else {
        letters.push(letters[last]);
    }
    letters.into_iter().collect()
}

/// Every mutant of these settings that was accepted, by setting, with the slips that made it.
fn accepted(
    text: &str,
    is_wanted: impl Fn(&str) -> bool,
    least: usize,
) -> BTreeMap<String, BTreeSet<&'static str>> {
    accepted_by(|text| load(text).is_ok(), text, is_wanted, least)
}

/// The same for files of another kind.
pub fn accepted_by(
    accepts: impl Fn(&str) -> bool,
    text: &str,
    is_wanted: impl Fn(&str) -> bool,
    least: usize,
) -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut accepted: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut count = 0;
    for setting in settings(text).into_iter().filter(|setting| is_wanted(&setting.name)) {
        let mutant = |range: &std::ops::Range<usize>, with: &str| {
            let mut mutant = text.to_owned();
            mutant.replace_range(range.clone(), with);
            mutant
        };
        let (key, value) = (&text[setting.key.clone()], &text[setting.value.clone()]);
        let mut mutants: Vec<_> = slips(value)
            .into_iter()
            .filter(|(_, with)| with != value)
            .map(|(slip, with)| (slip, mutant(&setting.value, &with)))
            .collect();
        mutants.push(("key misspelt", mutant(&setting.key, &misspelt(key))));
        mutants.push(("key removed", mutant(&setting.whole, "")));
        for (slip, mutant) in mutants {
            count += 1;
            if accepts(&mutant) {
                accepted.entry(setting.name.clone()).or_default().insert(slip);
            }
        }
    }
    eprintln!("{count} single-setting mutants");
    assert!(count > least, "the sample has become too small to mean anything");
    accepted
}

/// What is accepted, and what still stands between it and a loss.
const HARMLESS: &[(&str, &[&str], &str)] = &[
    (
        "defaults.cool_down_ms",
        &["zero", "times 10", "times 100"],
        "no rest, or a longer one: position, rate and fire limits bound the spread either way",
    ),
    (
        "defaults.max_quote_age_ms",
        &["times 10"],
        "older quotes may fire, up to a minute: skew, collar and channel state still hold",
    ),
    ("engine.desk_id", &["times 10", "times 100"], "another number in order ids and records"),
    ("engine.site_id", &["times 10", "times 100"], "another number in order ids and records"),
    ("engine.project", &["misspelt"], "a label: receipts are filed under another word"),
    ("engine.record_directory", &["misspelt"], "the record lies elsewhere, and the plan says so"),
    (
        "feed.line_a.group",
        &["misspelt"],
        "another multicast group: line A is silent, which is seen and alerted",
    ),
    ("feed.line_b.group", &["misspelt"], "likewise for line B"),
    (
        "feed.reorder_ns",
        &["times 10", "times 100"],
        "a gap is declared later; until then nothing of the channel moves on",
    ),
    ("feed.reorder_packets", &["times 10"], "likewise"),
    ("feed.stream_id", &["times 10", "times 100"], "another number in records, still unique"),
    ("gateway.stream_id", &["times 10"], "another number in records, still unique"),
    ("instrument.display_factor", &["times 10", "times 100"], "screens only"),
    ("instrument.quote_unit", &["misspelt"], "a label for people"),
    (
        "instrument.security_id",
        &["times 10", "times 100"],
        "an id that the feed does not carry: no quotes, so no orders",
    ),
    (
        "instrument.tick_size",
        &["times 10"],
        "orders on a coarser grid; collar and pay-up in money stay inside the price band",
    ),
    ("limit.collar_ticks", &["times 10"], "wider, but narrower than the price band, which holds"),
    ("limit.rate_window_ms", &["times 10"], "fewer messages"),
    (
        "logic.ack_timeout_ms",
        &["times 10"],
        "an order without an answer counts as open for 1 s before it is called unknown",
    ),
    ("logic.fire_window_ms", &["times 10", "times 100"], "fewer fires"),
    (
        "spread.buy_close",
        &["key removed", "negative", "zero"],
        "a higher value to close at, or none: the position stays inside max_units",
    ),
    ("spread.buy_open", &["key removed", "times 10", "times 100"], "opens at a lower value only"),
    (
        "spread.leg.pay_up_ticks",
        &["key removed", "times 10", "zero"],
        "orders reach less far, or further and still inside the collar",
    ),
    ("spread.name", &["misspelt"], "a label: reports show another word"),
    (
        "spread.sell_close",
        &["key removed", "times 10", "times 100"],
        "closes at a lower value, or not: the position stays inside max_units",
    ),
    (
        "spread.sell_open",
        &["key removed", "negative", "zero"],
        "a higher value to sell at, or none: fires less",
    ),
    ("spread.strategy", &["misspelt"], "a label: receipts are filed under another word"),
    ("spread.unit", &["misspelt"], "a label for people"),
];

/// What is accepted, as a table of its own makes it.
pub fn listed(
    harmless: &[(&str, &[&'static str], &str)],
) -> BTreeMap<String, BTreeSet<&'static str>> {
    let row = |(setting, slips, _): &(&str, &[&'static str], &str)| {
        ((*setting).to_owned(), slips.iter().copied().collect())
    };
    harmless.iter().map(row).collect()
}

#[test]
fn a_slip_is_refused_or_listed_as_harmless() {
    assert_eq!(accepted(&base(), |_| true, 1_000), listed(HARMLESS));
}

/// What is accepted of terms: no number of them.
const HARMLESS_TERMS: &[(&str, &[&str], &str)] = &[
    ("spread.leg.term.name", &["misspelt"], "a label for people"),
    ("spread.leg.term.name_zh", &["key removed", "misspelt"], "a label for people"),
];

/// Units, tax and currency: a factor that slips is refused, because the money of the legs no longer
/// balances, or a reference is no price.
#[test]
fn a_slip_in_a_term_is_refused() {
    let is_term = |name: &str| name.starts_with("spread.leg.term") || name.ends_with(".reference");
    assert_eq!(accepted(&live_text(), is_term, 200), listed(HARMLESS_TERMS));
}
