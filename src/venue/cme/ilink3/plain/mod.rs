//! iLink 3 frames as plain data, both ways: every message that has a layout, its groups and its
//! trailing data, as the JSON of `{"template": 514, "fields": {"side": "Buy:1", ..}}`.
//!
//! For people, tools and tests; nothing that trades goes through it. Field names are the exchange's
//! with a small first letter, a price is `price.mantissa` in units of 1e-9, a code `Word:number`,
//! an absent value the raw null of the wire (-1 of 64 bits). What is written may leave out optional
//! fields and groups. Offsets, nulls and names come from the layouts that the session uses.

mod read;
mod spec;
mod value;
mod words;
mod write;

pub use read::{Plain, ReadError, read};
pub use spec::{SPECS, Spec, Table};
pub use words::{EXEC_INST, Words, words};
pub use write::{WriteError, write};

/// The exchange's name of a field, with a small first letter.
#[must_use]
pub fn key(name: &str) -> String {
    let mut key = name.to_owned();
    if let Some(first) = key.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    key
}
