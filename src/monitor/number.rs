//! Numbers as people read them: separators, signs, units. Exact integers in, text out.

use xmc_hotpath::time::Span;

/// `value` counted in units of 1e-9, with `digits` behind the point and the rest cut off towards
/// zero; thousands are separated: `-1,234.50`.
#[must_use]
pub fn e9(value: i128, digits: usize) -> String {
    let digits = digits.min(9);
    let cut = 10_u128.pow(9 - u32::try_from(digits).unwrap_or(9));
    let scaled = value.unsigned_abs() / cut;
    let one = 10_u128.pow(u32::try_from(digits).unwrap_or(0));
    let sign = if value < 0 && scaled > 0 { "-" } else { "" };
    let whole = grouped(scaled / one);
    if digits == 0 {
        return format!("{sign}{whole}");
    }
    format!("{sign}{whole}.{:0digits$}", scaled % one)
}

/// Like `e9`, with a sign before what is above zero.
#[must_use]
pub fn signed_e9(value: i128, digits: usize) -> String {
    let text = e9(value, digits);
    let is_zero = text.bytes().all(|c| matches!(c, b'0' | b'.' | b','));
    if value > 0 && !is_zero { format!("+{text}") } else { text }
}

/// A count with separators.
#[must_use]
pub fn count(value: u64) -> String {
    grouped(value.into())
}

/// A count with separators, and a sign if it is below zero.
#[must_use]
pub fn figure(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(value.unsigned_abs().into()))
}

/// A count with separators and a sign: `+3`, `0`, `-12`.
#[must_use]
pub fn signed(value: i64) -> String {
    let sign = match value {
        ..0 => "-",
        0 => "",
        1.. => "+",
    };
    format!("{sign}{}", grouped(value.unsigned_abs().into()))
}

/// A length of time in three or four digits and the unit that fits: `850 ns`, `12.3 us`, `1.25 s`.
#[must_use]
pub fn span(span: Span) -> String {
    let ns = span.0;
    let part = |unit: u64| {
        let (whole, rest) = (ns / unit, ns % unit);
        match whole {
            0..10 => format!("{whole}.{:02}", rest * 100 / unit),
            10..100 => format!("{whole}.{}", rest * 10 / unit),
            _ => grouped(whole.into()),
        }
    };
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{} us", part(1_000)),
        1_000_000..1_000_000_000 => format!("{} ms", part(1_000_000)),
        _ => format!("{} s", part(1_000_000_000)),
    }
}

/// A number of bytes: `512 B`, `3.4 MB`.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    let part = |unit: u64, name: &str| {
        format!("{}.{} {name}", grouped((bytes / unit).into()), bytes % unit * 10 / unit)
    };
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => part(1_000, "kB"),
        1_000_000..1_000_000_000 => part(1_000_000, "MB"),
        _ => part(1_000_000_000, "GB"),
    }
}

/// Minutes, seconds and tenths since the start: `02:05.3`.
#[must_use]
pub fn clock(since: Span) -> String {
    let tenths = since.0 / 100_000_000;
    format!("{:02}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

/// `part` of `whole` in percent, rounded to a digit behind the point; nothing of nothing is 0.
#[must_use]
pub fn percent(part: u64, whole: u64) -> String {
    let whole = u128::from(whole.max(1));
    let tenths = (u128::from(part) * 1_000 + whole / 2) / whole;
    format!("{}.{}%", tenths / 10, tenths % 10)
}

fn grouped(value: u128) -> String {
    let digits = value.to_string();
    let first = digits.len() % 3;
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && place % 3 == first {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_cut_towards_zero_and_grouped() {
        for (value, digits, plain, with_sign) in [
            (0, 2, "0.00", "0.00"),
            (78_210_000_000_000, 0, "78,210", "+78,210"),
            (-1_234_567_891_000_000, 2, "-1,234,567.89", "-1,234,567.89"),
            (999_999_999, 2, "0.99", "+0.99"),
            (-1, 2, "0.00", "0.00"),
            (1, 9, "0.000000001", "+0.000000001"),
            (100_000_000_000, 1, "100.0", "+100.0"),
        ] {
            assert_eq!(e9(value, digits), plain);
            assert_eq!(signed_e9(value, digits), with_sign);
        }
        assert_eq!([count(0), count(999), count(1_000)], ["0", "999", "1,000"]);
        assert_eq!([signed(5), signed(0), signed(-12_000)], ["+5", "0", "-12,000"]);
    }

    #[test]
    fn spans_have_the_unit_that_fits() {
        for (ns, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 us"),
            (12_345, "12.3 us"),
            (999_999, "999 us"),
            (1_050_000, "1.05 ms"),
            (59_000_000_000, "59.0 s"),
            (1_234_000_000_000, "1,234 s"),
        ] {
            assert_eq!(span(Span(ns)), text);
        }
        assert_eq!(clock(Span(125_399_999_999)), "02:05.3");
        assert_eq!(bytes(3_456_789), "3.4 MB");
        assert_eq!([percent(1, 3), percent(2, 3)], ["33.3%", "66.7%"]);
        assert_eq!(percent(0, 0), "0.0%");
    }
}
