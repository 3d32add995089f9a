//! Requests as plain data against the second encoder's datagrams.

use super::requests::VECTORS;
use cross_market_connect::hex;
use cross_market_connect::venue::esunny::dstar::plain::{read, write};
use serde_json::{Value, json};

#[test]
fn the_second_encoders_datagrams_are_told_and_written() {
    for line in VECTORS.lines() {
        let vector: Value = serde_json::from_str(line).expect("JSON");
        let bytes = hex::read(vector["hex"].as_str().expect("hex")).expect("digits");
        assert_eq!(write(&vector).as_deref(), Ok(&bytes[..]), "{line}");
        let told = read(&bytes).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!((told.len(), &told[0]["message"]), (1, &vector["message"]), "{line}");
        assert_eq!(write(&told[0]).as_deref(), Ok(&bytes[..]), "{line}");
        for (key, value) in vector["fields"].as_object().expect("fields") {
            let is_same = &told[0]["fields"][key] == value;
            // The letters of closing are fewer than its words, and a double holds 15 digits.
            let may_differ = ["effect", "close_today", "price_e9"].contains(&key.as_str());
            assert!(is_same || may_differ, "{key}: {line}");
        }
    }
}

#[test]
fn several_messages_of_a_datagram_are_told_in_order() {
    let lines: Vec<Value> = VECTORS
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|vector: &Value| vector["version"] == 3)
        .take(3)
        .collect();
    let all: Vec<u8> = lines.iter().flat_map(|one| write(one).expect("sound")).collect();
    let told = read(&all).expect("whole messages");
    let messages: Vec<_> = told.iter().map(|one| one["message"].clone()).collect();
    assert_eq!(messages, lines.iter().map(|one| one["message"].clone()).collect::<Vec<_>>());
    assert!(read(&all[..all.len() - 1]).is_err());
}

#[test]
fn what_cannot_be_written_is_named() {
    let insert = |key: &str, value: Value| {
        let line = VECTORS.lines().find(|line| line.contains("insert")).expect("an order");
        let mut vector: Value = serde_json::from_str(line).expect("JSON");
        vector["fields"][key] = value;
        write(&vector).map_err(|error| error.to_string())
    };
    for (key, value, wanted) in [
        ("side", json!("buyy"), "side is \"buyy\": one of buy, sell"),
        ("qty_lots", json!(-1), "qty_lots is -1, which does not fit"),
        ("qty_lots", json!(null), "qty_lots is missing"),
        ("contract_no", json!("x".repeat(17)), "contract_no has more than 16 bytes"),
        ("effect", json!("close_today"), "no public code is known"),
        ("price", json!(1), "has no \"price\""),
    ] {
        let found = insert(key, value).expect_err("it is wrong");
        assert!(found.contains(wanted), "{found}: {wanted}");
    }
    assert!(write(&json!({ "message": "replace", "fields": {} })).is_err());
}
