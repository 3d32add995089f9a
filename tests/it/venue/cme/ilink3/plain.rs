//! Frames as plain data against the golden frames and the exchange's XML, and against whatever
//! bytes and values there are.

use super::schema;
use crate::shared;
use cross_market_connect::hex;
use cross_market_connect::venue::cme::ilink3::plain::{
    EXEC_INST, ReadError, SPECS, Spec, Table, WriteError, key, read, words, write,
};
use roxmltree::{Document, Node};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

fn golden() -> Option<Vec<Value>> {
    let text = shared::text("vectors/ilink3_golden.jsonl")?;
    Some(text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect())
}

fn fields_of(bytes: &[u8]) -> Map<String, Value> {
    let (plain, rest) = read(bytes).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((rest, plain.unread_bytes), (&[][..], 0), "{plain:?}");
    plain.fields.0.into_iter().collect()
}

#[test]
fn golden_frames_are_told_as_their_fields_and_written_from_them() {
    let Some(golden) = golden() else { return };
    for line in &golden {
        let bytes = hex::read(line["hex"].as_str().expect("hex")).expect("digits");
        let (plain, _) = read(&bytes).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(json!(plain.template), line["template"]);
        assert_eq!(json!(plain.name), line["name"]);
        assert_eq!(json!(plain.length), line["length"]);
        assert_eq!(Value::Object(fields_of(&bytes)), line["fields"], "{}", plain.name);
        let written = write(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(written, bytes, "{}", plain.name);
    }
    assert_eq!(golden.len(), 34);
}

#[test]
fn fields_that_hold_their_null_may_be_left_out() {
    let Some(golden) = golden() else { return };
    let nulls = [json!(255), json!(65_535), json!(u32::MAX), json!(i32::MAX), json!(-1)];
    let (mut left_out, mut exponents) = (0, 0);
    for mut line in golden {
        let bytes = hex::read(line["hex"].as_str().expect("hex")).expect("digits");
        let fields = line["fields"].as_object_mut().expect("fields");
        let before = fields.len();
        fields.retain(|key, value| {
            let is_count = key.ends_with(".count");
            let is_price = key.ends_with(".mantissa") && *value == json!(i64::MAX);
            let is_decimal = key.ends_with(".mantissa") && *value == json!(i32::MAX);
            !(nulls.contains(value) || is_price || is_decimal || is_count || *value == json!(""))
        });
        left_out += before - fields.len();
        let written = write(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(written.len(), bytes.len());
        // The other encoder leaves the exponent of an absent decimal 0; its null is 127.
        for (written, golden) in written.iter().zip(&bytes) {
            assert!(written == golden || (*written, *golden) == (127, 0), "{line}");
            exponents += u32::from(written != golden);
        }
    }
    assert!(left_out > 100, "{left_out}");
    assert_eq!(exponents, 8, "decimals of 525 and 527");
}

/// Every message, group and field of version 9 that is laid out, in number, length and name.
#[test]
fn messages_are_those_of_the_exchange() {
    let Some(schema) = schema() else { return };
    for spec in SPECS.iter() {
        let truth = schema.message(spec.name).unwrap_or_else(|| panic!("{}", spec.name));
        assert_eq!(truth.id, spec.template_id);
        let same = |table: &Table, truth: &crate::venue::cme::sbe_schema::Block| {
            assert_eq!(table.blank.len(), truth.len, "{}", spec.name);
            let ours: Vec<_> =
                table.fields.iter().map(|f| (f.name, u32::from(f.tag), f.offset, f.len)).collect();
            let theirs: Vec<_> = truth
                .fields
                .iter()
                .map(|field| (field.name.as_str(), field.tag, field.offset, field.size))
                .collect();
            assert_eq!(ours, theirs, "{}", spec.name);
        };
        same(&spec.root, &truth.root);
        let groups: Vec<_> = spec.groups.iter().map(|(name, _)| *name).collect();
        let theirs: Vec<_> = truth.groups.iter().map(|group| group.name.as_str()).collect();
        assert_eq!(groups, theirs, "{}", spec.name);
        for ((_, table), group) in spec.groups.iter().zip(&truth.groups) {
            same(table, &group.block);
            assert_eq!((group.dimension.as_str(), group.dimension_len), ("groupSize", 3));
        }
        // What cannot be absent is asked for, and nothing else.
        let missing = write(&json!({ "template": spec.template_id, "fields": {} }));
        let needed = truth.root.fields.iter().filter(|field| {
            let is_text = field.primitive == "char" && field.count > 1;
            field.null.is_none() && !is_text && field.name != "ExecInst"
        });
        let keys: Vec<_> = needed.map(|field| key(&field.name)).collect();
        assert_eq!(missing, Err(WriteError::Missing { message: spec.name, keys }));
        let data: Vec<_> = spec.data.into_iter().collect();
        assert_eq!(data, truth.data, "{}", spec.name);
        assert_eq!(Spec::named(spec.name).map(|found| found.template_id), Some(truth.id));
    }
}

fn name<'a>(node: &Node<'a, '_>) -> &'a str {
    node.attribute("name").unwrap_or_default()
}

/// Every word of every code of every message that is laid out, and no other.
#[test]
fn words_are_those_of_the_exchange() {
    let Some(xml) = shared::text("schemas/cme/ilink3_v9.xml") else { return };
    let document = Document::parse(&xml).expect("XML");
    let is = |wanted: &'static str| move |node: &Node<'_, '_>| node.tag_name().name() == wanted;
    let codes = |node: Node<'_, '_>| -> Vec<(u16, String)> {
        let is_char = ["CHAR", "charNULL"].contains(&node.attribute("encodingType").expect("is"));
        let value = |value: Node<'_, '_>| {
            let text = value.text().expect("a value").trim();
            let code = if is_char { text.as_bytes()[0].into() } else { text.parse().expect("one") };
            (code, name(&value).to_owned())
        };
        node.children().filter(is("validValue")).map(value).collect()
    };
    let enums: BTreeMap<_, _> =
        document.descendants().filter(is("enum")).map(|node| (name(&node), codes(node))).collect();
    let mut compared = 0;
    for message in document.descendants().filter(is("message")) {
        let template: u16 = message.attribute("id").expect("an id").parse().expect("a number");
        if Spec::find(template).is_none() {
            continue;
        }
        for field in message.descendants().filter(is("field")) {
            let kind = field.attribute("type").expect("a type");
            let ours = words(template, name(&field)).unwrap_or_default();
            let ours: Vec<_> =
                ours.iter().map(|(code, word)| (*code, (*word).to_owned())).collect();
            let theirs = enums.get(kind).cloned().unwrap_or_default();
            let is_constant = field.attribute("presence") == Some("constant")
                || (theirs.is_empty() && !ours.is_empty() && constant(&document, kind));
            if !is_constant {
                assert_eq!(ours, theirs, "{template} {}", name(&field));
                compared += usize::from(!theirs.is_empty());
            }
        }
    }
    assert!(compared > 200, "{compared}");
    let set = document.descendants().find(|node| is("set")(node) && name(node) == "ExecInst");
    let set = set.expect("the set").children().filter(is("choice")).map(|choice| {
        let mut word = name(&choice).to_owned();
        word[..1].make_ascii_lowercase();
        word
    });
    assert_eq!(set.collect::<Vec<_>>(), EXEC_INST);
}

/// Whether a type has one value that is not sent.
fn constant(document: &Document<'_>, kind: &str) -> bool {
    document
        .descendants()
        .any(|node| name(&node) == kind && node.attribute("presence") == Some("constant"))
}

/// Blocks of random bytes, with groups and data, told and written again.
#[test]
fn whatever_is_told_is_written_back() {
    let mut rng = fastrand::Rng::with_seed(3);
    let mut fill = |table: &Table| -> Vec<u8> {
        let mut block: Vec<u8> = (0..table.blank.len()).map(|_| rng.u8(..)).collect();
        for field in &table.fields {
            // Some text as it is, some of it with its padding.
            if field.len > 1 && rng.bool() && field.kind.starts_with('[') {
                let text = &mut block[field.offset..field.offset + field.len];
                let used = rng.usize(..=text.len());
                text.fill(0);
                text[..used].fill_with(|| rng.u8(b' '..=b'~'));
            }
        }
        block
    };
    for round in 0..200 {
        for spec in SPECS.iter() {
            let small = |len: usize| u16::try_from(len).expect("short").to_le_bytes();
            let mut body = fill(&spec.root);
            for (_, table) in &spec.groups {
                let count = round % 4;
                body.extend(small(table.blank.len()));
                body.push(count);
                (0..count).for_each(|_| body.extend(fill(table)));
            }
            if spec.data.is_some() {
                body.extend([3, 0, 0xFF, b'a', 0]);
            }
            let mut frame = small(body.len() + 12).to_vec();
            frame.extend([0xFE, 0xCA]);
            frame.extend(small(spec.root.blank.len()));
            frame.extend(spec.template_id.to_le_bytes());
            frame.extend([8, 0, 9, 0]);
            frame.extend(&body);
            let fields = fields_of(&frame);
            let again = write(&json!({ "name": spec.name, "fields": fields }));
            let again = again.unwrap_or_else(|error| panic!("{error}: {fields:?}"));
            assert_eq!(again, frame, "{}: {fields:?}", spec.name);
        }
    }
}

#[test]
fn entries_of_groups_may_be_given_flat() {
    let Some(golden) = golden() else { return };
    let line = golden.iter().find(|line| line["template"] == 525).expect("a fill");
    let fills = [3, 4].map(
        |qty| json!({ "fillPx": "77.25", "fillQty": qty, "fillExecID": "A", "fillYieldType": 1 }),
    );
    let with = |more: &[(String, Value)]| {
        let mut line = line.clone();
        line["fields"]["noFills.count"] = json!(2);
        for (key, value) in more {
            line["fields"][key] = value.clone();
        }
        line.as_object_mut().expect("an object").remove("hex");
        write(&line)
    };
    let nested = with(&[("noFills".to_owned(), json!(fills))]).expect("it is sound");
    assert_eq!(fields_of(&nested)["noFills"][1]["fillPx.mantissa"], 77_250_000_000_i64);
    for (before, after) in [("[", "]."), (".", ".")] {
        let flat = fills.iter().zip(0..2).rev().flat_map(|(fill, place)| {
            let one = |(key, value): (&String, &Value)| {
                (format!("noFills{before}{place}{after}{key}"), value.clone())
            };
            fill.as_object().expect("an object").iter().map(one).collect::<Vec<_>>()
        });
        assert_eq!(with(&flat.collect::<Vec<_>>()), Ok(nested.clone()));
    }
}

#[test]
fn what_cannot_be_written_is_named() {
    let order = |change: fn(&mut Map<String, Value>)| {
        let mut fields = json!({
            "price": 77.25, "orderQty": 3, "securityID": 7, "side": "Buy", "seqNum": 1,
            "senderID": "me", "clOrdID": "1", "partyDetailsListReqID": 5, "orderRequestID": 9,
            "sendingTimeEpoch": 11, "location": "US,IL", "ordType": "Limit:50",
            "manualOrderIndicator": 0,
        });
        change(fields.as_object_mut().expect("an object"));
        write(&json!({ "template": 514, "fields": fields }))
    };
    let whole = order(|_| {}).expect("everything needed is there");
    assert_eq!(fields_of(&whole)["price.mantissa"], 77_250_000_000_i64);
    assert_eq!(fields_of(&whole)["timeInForce"], 255);
    let told = |change| order(change).expect_err("it is wrong").to_string();
    for (found, wanted) in [
        (told(|f| drop(f.remove("side"))), "needs side"),
        (
            told(|f| drop(f.insert("side".into(), json!("Bye")))),
            "side has no \"Bye\": it is one of",
        ),
        (told(|f| drop(f.insert("side".into(), json!("Buy:2")))), "side has no \"Buy:2\""),
        (told(|f| drop(f.insert("side".into(), json!(256)))), "side is 256, which does not fit"),
        (told(|f| drop(f.insert("sidd".into(), json!(1)))), "has no \"sidd\""),
        (told(|f| drop(f.insert("clOrdID".into(), json!("x".repeat(21))))), "21 bytes, and 20 fit"),
        (told(|f| drop(f.insert("price".into(), json!("1.0000000001")))), "at most nine decimals"),
        (told(|f| drop(f.insert("price.mantissa".into(), json!(1)))), "given twice"),
        (told(|f| drop(f.insert("orderQty".into(), json!(-1)))), "orderQty is a number"),
    ] {
        assert!(found.contains(wanted), "{found}: {wanted}");
    }
    for (json, wanted) in [
        (json!(7), "neither is there"),
        (json!({ "template": 999, "fields": {} }), "no message 999"),
        (json!({ "template": 514, "name": "Sequence506", "fields": {} }), "not Sequence506"),
        (json!({ "template": 506 }), "\"fields\" is missing"),
    ] {
        let found = write(&json).expect_err("it is wrong").to_string();
        assert!(found.contains(wanted), "{found}: {wanted}");
    }
    let missing = write(&json!({ "name": "Sequence", "fields": {} }));
    let keys = ["uUID", "nextSeqNo", "keepAliveIntervalLapsed"].map(str::to_owned).to_vec();
    assert_eq!(missing, Err(WriteError::Missing { message: "Sequence506", keys }));
}

/// A block of an older version ends before what is new, a newer one has more behind it.
#[test]
fn older_and_newer_blocks_are_told() {
    let Some(golden) = golden() else { return };
    let line = golden.iter().find(|line| line["template"] == 504).expect("an acknowledgement");
    let bytes = hex::read(line["hex"].as_str().expect("hex")).expect("digits");
    let resized = |by: i8| {
        let mut frame = bytes.clone();
        let len = frame.len().checked_add_signed(by.into()).expect("long enough");
        frame.resize(len, 0xAB);
        frame[0] = frame[0].wrapping_add_signed(by);
        frame[4] = frame[4].wrapping_add_signed(by);
        frame[10] = if by < 0 { 8 } else { 10 };
        frame
    };
    let (older, newer) = (resized(-1), resized(2));
    let (plain, _) = read(&older).expect("version 8");
    let keys: Vec<_> = plain.fields.0.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!((keys.last(), plain.unread_bytes), (Some(&"splitMsg"), 0));
    let (plain, _) = read(&newer).expect("version 10");
    assert_eq!((plain.schema_version, plain.unread_bytes), (10, 2));
    assert_eq!(plain.fields.0.len(), keys.len() + 1);
    let short = read(&bytes[..20]).expect_err("it is cut off");
    assert_eq!(short, ReadError::Short { said: bytes.len(), there: 20 });
}

#[test]
fn any_bytes_are_told_or_refused() {
    let Some(golden) = golden() else { return };
    let mut rng = fastrand::Rng::with_seed(8);
    let samples = golden.iter().map(|line| hex::read(line["hex"].as_str().unwrap()).unwrap());
    let samples = samples.collect::<Vec<_>>();
    let mut told = 0;
    for _ in 0..20_000 {
        let mut bytes = samples[rng.usize(..samples.len())].clone();
        for _ in 0..rng.u8(1..3) {
            let at = rng.usize(..bytes.len());
            bytes[at] = rng.u8(..);
        }
        if rng.u8(..4) == 0 {
            bytes.truncate(rng.usize(..=bytes.len()));
        }
        told += u32::from(read(&bytes).is_ok());
    }
    assert!(told > 1_000, "{told}");
    assert_eq!(key("HMACSignature"), "hMACSignature");
}
