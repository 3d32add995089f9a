//! Calendars against hours reckoned in another way.

mod bad;
mod clock;
mod desk;
mod hand;
mod pair;
mod sweep;
mod table;
mod week;
mod zoneinfo;

use cross_market_connect::calendar::{Calendar, Kept, Shelf, of_text};
use jiff::Timestamp;
use std::path::Path;

/// The calendars that are shipped.
fn shelf() -> Shelf {
    Shelf::shipped().expect("the shipped calendars keep every rule")
}

/// The text of a shipped calendar.
fn shipped_text(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/calendars").join(file);
    std::fs::read_to_string(path).expect("a calendar")
}

/// The same calendar to the end of 2027, as if that year had no holidays.
fn two_years(file: &str) -> Kept {
    let text = shipped_text(file).replace("valid_until = 2026-12-31", "valid_until = 2027-12-31");
    Kept::new(read(&text))
}

fn read(text: &str) -> Calendar {
    of_text(Path::new("calendar.toml"), text).unwrap_or_else(|invalid| panic!("{invalid}"))
}

/// An instant by ISO 8601.
fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}
