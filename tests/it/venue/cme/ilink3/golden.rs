//! Golden frames: field values and the bytes that an independent encoder made of them.

use std::collections::BTreeSet;

use crate::shared;
use crate::venue::cme::sbe_schema::{Field as Truth, Group, Schema};
use serde_json::{Map, Value};
use xmc_hotpath::venue::cme::ilink3::layout::{Field, Message};

/// One frame whose bytes are known.
pub struct Golden {
    pub template_id: u16,
    pub name: String,
    fields: Map<String, Value>,
    pub bytes: Vec<u8>,
}

/// All golden frames; `None` (said loudly) without the shared test data.
pub fn load() -> Option<Vec<Golden>> {
    let text = shared::text("vectors/ilink3_golden.jsonl")?;
    let all: Vec<Golden> = text.lines().map(Golden::parse).collect();
    assert_eq!(all.len(), 34, "golden frames");
    Some(all)
}

/// The golden frame of message `M`.
pub fn of<M: Message>(all: &[Golden]) -> &Golden {
    all.iter().find(|each| each.template_id == M::TEMPLATE_ID).expect("every message has one")
}

impl Golden {
    fn parse(line: &str) -> Self {
        let json: Value = serde_json::from_str(line).expect("a golden line is JSON");
        let hex = json["hex"].as_str().expect("hex is text");
        let bytes: Vec<u8> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex digits"))
            .collect();
        assert_eq!(Some(bytes.len() as u64), json["length"].as_u64());
        Self {
            template_id: json["template"].as_u64().unwrap().try_into().unwrap(),
            name: json["name"].as_str().unwrap().to_owned(),
            fields: json["fields"].as_object().expect("fields is an object").clone(),
            bytes,
        }
    }

    /// The block that the field values describe, written through the layout `M`.
    ///
    /// Every value must find its field and every field its value; `NoFills.count` and its like
    /// belong to groups and must be zero.
    pub fn block<M: Message>(&self, schema: &Schema) -> M {
        let message = schema.message(&self.name).expect("is in the schema");
        let mut unused: BTreeSet<&str> = self.fields.keys().map(String::as_str).collect();
        let mut block = M::BLANK;
        for field in M::FIELDS {
            let (key, value) = self.value(field);
            unused.remove(key.as_str());
            let wire = encode(message.root.field(field.name), value);
            bytemuck::bytes_of_mut(&mut block)[field.offset..field.offset + field.len]
                .copy_from_slice(&wire);
        }
        // Data of variable length follows the block.
        unused.remove("credentials");
        for key in unused {
            assert!(key.ends_with(".count"), "{}: {key} has no field", self.name);
            assert_eq!(self.fields[key].as_u64(), Some(0), "{}: {key}", self.name);
        }
        block
    }

    /// The dimensions of the groups behind the block: all of them are empty.
    pub fn empty_groups(&self, schema: &Schema) -> Vec<u8> {
        let groups = &schema.message(&self.name).expect("is in the schema").groups;
        let dimension = |group: &Group| {
            let [low, high] = u16::try_from(group.block.len).expect("a block").to_le_bytes();
            [low, high, 0]
        };
        groups.iter().flat_map(dimension).collect()
    }

    /// The data behind the block of a logon message.
    pub fn credentials(&self) -> Option<&str> {
        self.fields.get("credentials").and_then(Value::as_str)
    }

    /// The whole number under `key`, as the golden file has it.
    pub fn number(&self, key: &str) -> i64 {
        self.fields[key].as_i64().unwrap_or_else(|| panic!("{}: {key}", self.name))
    }

    /// The text under `key`; an enumeration reads `Name:number`.
    pub fn text(&self, key: &str) -> &str {
        self.fields[key].as_str().unwrap_or_else(|| panic!("{}: {key}", self.name))
    }

    fn value(&self, field: &Field) -> (String, &Value) {
        let mut name = field.name.to_owned();
        name[..1].make_ascii_lowercase();
        [name.clone(), format!("{name}.mantissa")]
            .into_iter()
            .find_map(|key| self.fields.get(&key).map(|value| (key, value)))
            .unwrap_or_else(|| panic!("{}: no value for {}", self.name, field.name))
    }
}

/// A golden value as the bytes that the schema prescribes.
fn encode(truth: &Truth, value: &Value) -> Vec<u8> {
    let mut wire = match value {
        Value::Number(number) => {
            let number = number.as_i64().map(i128::from).or(number.as_u64().map(i128::from));
            number.expect("an integer").to_le_bytes().to_vec()
        }
        Value::String(text) if truth.primitive == "char" && truth.count > 1 => {
            text.as_bytes().to_vec()
        }
        Value::String(text) => vec![enumeration(text)],
        other => panic!("{}: {other}", truth.name),
    };
    // A number is cut to its mantissa. The bytes beyond (the exponent of a decimal that is absent)
    // are zero in the golden frames; text is padded with NULs.
    if value.is_number() {
        wire.truncate(width(&truth.primitive));
    }
    assert!(wire.len() <= truth.size, "{} does not fit: {value}", truth.name);
    wire.resize(truth.size, 0);
    wire
}

fn width(primitive: &str) -> usize {
    match primitive.trim_start_matches(|c: char| c.is_ascii_alphabetic()) {
        "" => 1,
        bits => bits.parse::<usize>().unwrap() / 8,
    }
}

/// `Name:number` of an enumeration, or `name|name` of the set `ExecInst`.
fn enumeration(text: &str) -> u8 {
    const CHOICES: [&str; 8] =
        ["aON", "oB", "nH", "reserved1", "reserved2", "reserved3", "reserved4", "reserved5"];
    if let Some((_, number)) = text.split_once(':') {
        return number.parse().expect("the number of an enumeration");
    }
    text.split('|')
        .map(|choice| {
            let bit = CHOICES.iter().position(|each| *each == choice);
            1 << bit.unwrap_or_else(|| panic!("no choice {choice}"))
        })
        .sum()
}
