//! Money and fractions as people read them.

use rust_decimal::{Decimal, RoundingStrategy};

/// Money to the whole unit, with its thousands apart: `1,234,567`.
pub fn money(value: Decimal) -> String {
    let text = value.round().normalize().abs().to_string();
    let mut grouped = String::new();
    for (at, digit) in text.chars().enumerate() {
        if at > 0 && (text.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let is_negative = value.round() < Decimal::ZERO;
    if is_negative { format!("-{grouped}") } else { grouped }
}

/// A fraction in percent: `81.3 %`; what nothing carries is `no equity`.
pub fn percent(value: Option<Decimal>) -> String {
    match value {
        Some(value) => format!("{} %", tenths(value * Decimal::ONE_HUNDRED)),
        None => "no equity".to_owned(),
    }
}

/// The same with its sign: `+5.0 %`.
pub fn moved(value: Decimal) -> String {
    let sign = if value < Decimal::ZERO { "" } else { "+" };
    format!("{sign}{} %", tenths(value * Decimal::ONE_HUNDRED))
}

/// To one place, the nearest: `Display` cuts the others off.
fn tenths(value: Decimal) -> String {
    format!("{:.1}", value.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_people_read_them() {
        let shown = ["0", "999", "1000", "-1234567.6", "-0.2"]
            .map(|text| money(text.parse().unwrap_or_default()));
        assert_eq!(shown, ["0", "999", "1,000", "-1,234,568", "0"]);
        assert_eq!(percent(Some(Decimal::new(8126, 4))), "81.3 %");
        assert_eq!(percent(Some(Decimal::new(-8125, 4))), "-81.3 %");
        assert_eq!((percent(None).as_str(), moved(Decimal::new(5, 2)).as_str()), {
            ("no equity", "+5.0 %")
        });
    }
}
