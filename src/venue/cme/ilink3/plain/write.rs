//! JSON as a frame.

use super::spec::{Spec, Table};
use super::{key, value};
use serde_json::{Map, Value};
use xmc_hotpath::venue::cme::ilink3::layout::{ENCODING, NEWEST_VERSION, SCHEMA_ID};

/// Why a message cannot be written. The text says what to change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// It is no object with `template` or `name` and `fields`.
    #[error("a message is an object with \"template\" (or \"name\") and \"fields\": {0}")]
    Shape(String),
    /// A message that has no layout here.
    #[error("there is no message {0} here: `xmc frame list ilink3` says which there are")]
    Message(String),
    /// A value that is none of its field.
    #[error("{message}: {field} {why}")]
    Value {
        /// The message.
        message: &'static str,
        /// The field's key.
        field: String,
        /// Why.
        why: String,
    },
    /// Keys that are no fields.
    #[error("{message} has no {}", keys.join(", "))]
    Unknown {
        /// The message.
        message: &'static str,
        /// Those keys.
        keys: Vec<String>,
    },
    /// Fields that every such message has.
    #[error("{message} needs {}", keys.join(", "))]
    Missing {
        /// The message.
        message: &'static str,
        /// Their keys.
        keys: Vec<String>,
    },
}

/// Writes the message that `json` describes, as schema version 9.
///
/// # Errors
/// See `WriteError`.
pub fn write(json: &Value) -> Result<Vec<u8>, WriteError> {
    let spec = spec(json)?;
    let shape = || WriteError::Shape("\"fields\" is missing or is no object".to_owned());
    let mut values = json.get("fields").and_then(Value::as_object).ok_or_else(shape)?.clone();
    let mut writer = Writer { spec, missing: Vec::new() };
    let mut body = writer.block(&spec.root, &mut values, "")?;
    for (name, entries) in &spec.groups {
        body.extend(writer.group(name, entries, &mut values)?);
    }
    if let Some(name) = spec.data {
        body.extend(writer.data(&key(name), &mut values)?);
    }
    let message = spec.name;
    if !values.is_empty() {
        let keys = values.keys().map(|key| format!("{key:?}")).collect();
        return Err(WriteError::Unknown { message, keys });
    }
    if !writer.missing.is_empty() {
        return Err(WriteError::Missing { message, keys: writer.missing });
    }
    Ok(framed(spec, &body))
}

fn spec(json: &Value) -> Result<&'static Spec, WriteError> {
    let by_number = json.get("template").map(|template| {
        let number = template.as_u64().and_then(|number| u16::try_from(number).ok());
        number.and_then(Spec::find).ok_or_else(|| WriteError::Message(template.to_string()))
    });
    let by_name = json.get("name").map(|name| {
        name.as_str().and_then(Spec::named).ok_or_else(|| WriteError::Message(name.to_string()))
    });
    match (by_number.transpose()?, by_name.transpose()?) {
        (Some(number), Some(name)) if number.template_id != name.template_id => {
            Err(WriteError::Shape(format!(
                "template {} is {}, not {}",
                number.template_id, number.name, name.name
            )))
        }
        (Some(spec), _) | (None, Some(spec)) => Ok(spec),
        (None, None) => Err(WriteError::Shape("neither is there".to_owned())),
    }
}

struct Writer {
    spec: &'static Spec,
    /// Keys of fields that cannot be absent and are.
    missing: Vec<String>,
}

impl Writer {
    fn fault(&self, field: String, why: String) -> WriteError {
        WriteError::Value { message: self.spec.name, field, why }
    }

    /// A block of `table`; `within` is put before the keys of what it lacks.
    fn block(
        &mut self,
        table: &Table,
        values: &mut Map<String, Value>,
        within: &str,
    ) -> Result<Vec<u8>, WriteError> {
        let mut block = table.blank.clone();
        for field in &table.fields {
            let out = &mut block[field.offset..field.offset + field.len];
            let is_optional = out.iter().any(|byte| *byte != 0) || !is_number(field.kind);
            let written = value::write(self.spec.template_id, field, values, out);
            let name = || format!("{within}{}", key(field.name));
            let is_there = written.map_err(|why| self.fault(name(), why))?;
            if !is_there && !is_optional && !may_be_zero(self.spec.template_id, field.name) {
                self.missing.push(name());
            }
        }
        Ok(block)
    }

    /// A group and its entries: an array of objects, keys like `noFills[0].fillQty`, or nothing.
    fn group(
        &mut self,
        name: &str,
        table: &Table,
        values: &mut Map<String, Value>,
    ) -> Result<Vec<u8>, WriteError> {
        let name = key(name);
        let mut entries = entries(&name, values).map_err(|why| self.fault(name.clone(), why))?;
        let count = values.remove(&format!("{name}.count"));
        if count.is_some_and(|count| count.as_u64() != Some(entries.len() as u64)) {
            let why = format!("has {} entries and another count", entries.len());
            return Err(self.fault(name, why));
        }
        let Ok(count) = u8::try_from(entries.len()) else {
            let why = format!("has {} entries, and 255 fit", entries.len());
            return Err(self.fault(name, why));
        };
        let block_len = u16::try_from(table.blank.len()).expect("a block is short");
        let mut out = block_len.to_le_bytes().to_vec();
        out.push(count);
        for (entry, at) in entries.iter_mut().zip(0..) {
            let within = format!("{name}[{at}].");
            out.extend(self.block(table, entry, &within)?);
            if let Some(unknown) = entry.keys().next() {
                let keys = vec![format!("\"{within}{unknown}\"")];
                return Err(WriteError::Unknown { message: self.spec.name, keys });
            }
        }
        Ok(out)
    }

    fn data(&self, name: &str, values: &mut Map<String, Value>) -> Result<Vec<u8>, WriteError> {
        let text = match values.remove(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text,
            Some(other) => return Err(self.fault(name.to_owned(), format!("is text, not {other}"))),
        };
        let bytes = value::bytes_of_text(&text);
        let len = u16::try_from(bytes.len());
        let len = len.map_err(|_| self.fault(name.to_owned(), "is too long".to_owned()))?;
        let mut out = len.to_le_bytes().to_vec();
        out.extend(bytes);
        Ok(out)
    }
}

/// Numbers cannot be left out where no null is set aside for them; text is NULs then.
fn is_number(kind: &str) -> bool {
    !kind.starts_with('[') && kind != "ClOrdId"
}

/// A set without a member, and codes in ASCII, whose null is NUL.
fn may_be_zero(template_id: u16, name: &str) -> bool {
    match name {
        "OrdType" => ![514, 515].contains(&template_id),
        "ExecInst"
        | "ExecutionMode"
        | "CmtaGiveupCD"
        | "CustOrderHandlingInst"
        | "SelfMatchPreventionInstruction" => true,
        _ => false,
    }
}

/// The entries of a group, taken out of `values`.
fn entries(name: &str, values: &mut Map<String, Value>) -> Result<Vec<Map<String, Value>>, String> {
    let mut entries = match values.remove(name) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(all)) => {
            let entry = |value| match value {
                Value::Object(entry) => Ok(entry),
                other => Err(format!("has entries that are objects, not {other}")),
            };
            all.into_iter().map(entry).collect::<Result<_, _>>()?
        }
        Some(other) => return Err(format!("is an array of objects, not {other}")),
    };
    let place = |given: &str| {
        let rest = given.strip_prefix(name)?;
        let (place, field) = match rest.strip_prefix('[') {
            Some(rest) => rest.split_once("].")?,
            None => rest.strip_prefix('.')?.split_once('.')?,
        };
        Some((place.parse::<u8>().ok()?, field.to_owned()))
    };
    let flat: Vec<_> = values.keys().filter_map(|key| Some((key.clone(), place(key)?))).collect();
    for (given, (place, field)) in flat {
        let place = usize::from(place);
        if entries.len() <= place {
            entries.resize(place + 1, Map::new());
        }
        entries[place].extend(values.remove(&given).map(|value| (field, value)));
    }
    Ok(entries)
}

fn framed(spec: &Spec, body: &[u8]) -> Vec<u8> {
    let small = |len: usize| u16::try_from(len).expect("255 entries of every group fit");
    let header = [
        small(12 + body.len()),
        ENCODING,
        small(spec.root.blank.len()),
        spec.template_id,
        SCHEMA_ID,
        NEWEST_VERSION,
    ];
    let mut frame: Vec<u8> = header.into_iter().flat_map(u16::to_le_bytes).collect();
    frame.extend_from_slice(body);
    frame
}
