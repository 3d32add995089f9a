//! Whether each key of JSON stands once in its object, at any depth: of two, readers keep the
//! first, the last, or refuse the whole (RFC 8259, 4), so nobody says the same of it.
//!
//! Called by `report`, of what it writes.

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;

/// What is wrong with the JSON of `value`.
pub fn finding(value: &impl Serialize) -> Option<String> {
    let text = serde_json::to_vec(value).map_err(|error| error.to_string());
    let read = text
        .and_then(|text| serde_json::from_slice::<Once>(&text).map_err(|error| error.to_string()));
    read.err()
}

/// JSON of which nothing is kept, but that was read through.
struct Once;

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Keys)
    }
}

struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = Once;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Once, M::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let Once = map.next_value()?;
            if let Some(key) = seen.replace(key) {
                return Err(M::Error::custom(format_args!("the key {key:?} stands twice")));
            }
        }
        Ok(Once)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Once, S::Error> {
        while let Some(Once) = list.next_element()? {}
        Ok(Once)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_str<E>(self, _: &str) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_unit<E>(self) -> Result<Once, E> {
        Ok(Once)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Outer<T> {
        version: u32,
        #[serde(flatten)]
        inner: T,
    }

    #[derive(Serialize)]
    struct Inner {
        name: &'static str,
        version: Option<f64>,
    }

    #[derive(Serialize)]
    struct Plain {
        names: Vec<&'static str>,
        is: (bool, i64, u64, f64, Option<()>),
    }

    #[test]
    fn a_key_that_stands_twice_is_found_at_any_depth() {
        let plain = || Plain { names: vec!["version", "version"], is: (true, -1, 1, 0.5, None) };
        assert_eq!(finding(&Outer { version: 1, inner: plain() }), None);
        assert_eq!(finding(&[plain(), plain()]), None, "objects of a list are each for itself");
        let twice = || Outer { version: 1, inner: Inner { name: "a", version: None } };
        for found in [finding(&twice()), finding(&[twice()]), finding(&(1, [Some(twice())]))] {
            assert!(found.is_some_and(|said| said.contains("\"version\" stands twice")));
        }
    }
}
