//! One row of a decoding: a message, or an entry of group 268 in it.

use crate::cli::inspect::packets::PacketMessage;
use xmc_hotpath::venue::cme::mdp3::view::EntryView;

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// In digits.
    Number,
    /// As one letter.
    Letter,
}

/// The fields that are compared, as `xmc inspect` calls them.
pub const FIELDS: [(&str, Written); 15] = [
    ("frame", Written::Number),
    ("template", Written::Number),
    ("version", Written::Number),
    ("size_bytes", Written::Number),
    ("security_id", Written::Number),
    ("rpt_seq", Written::Number),
    ("px_mantissa", Written::Number),
    ("px_exp", Written::Number),
    ("size", Written::Number),
    ("n_orders", Written::Number),
    ("level", Written::Number),
    ("update_action", Written::Number),
    ("entry_type", Written::Letter),
    ("aggressor", Written::Number),
    ("settl_flag", Written::Number),
];

/// The values of a row, by the place of their field; `None`: the row has no such field.
pub type Values = [Option<i64>; FIELDS.len()];

/// Where a row stands in its packet: first the message, then its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The message, from 0.
    pub message: u32,
    /// The entry, from 0; `None`: the message as a whole.
    pub entry: Option<u32>,
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where it stands.
    pub key: Key,
    /// What it says.
    pub values: Values,
}

/// A value as `xmc inspect` writes it.
pub fn shown(field: usize, value: i64) -> String {
    let letter = || u32::try_from(value).ok().and_then(char::from_u32);
    match FIELDS.get(field) {
        Some((_, Written::Letter)) => letter().map_or_else(|| value.to_string(), String::from),
        _ => value.to_string(),
    }
}

/// The rows of a message: itself if wanted, then its entries.
pub fn rows<'m>(
    frame: u64,
    message: &'m PacketMessage<'_>,
    with_message: bool,
) -> impl Iterator<Item = Row> + 'm {
    let index = u32::try_from(message.index).unwrap_or(u32::MAX);
    let (template, version) = (i64::from(message.template_id), i64::from(message.version));
    let mut whole = [None; FIELDS.len()];
    whole[1] = Some(template);
    whole[2] = Some(version);
    whole[3] = Some(i64::from(message.size_bytes));
    let whole = Row { key: Key { message: index, entry: None }, values: whole };
    let entries = message.decoded.entry_views().zip(0_u32..).map(move |(view, entry)| Row {
        key: Key { message: index, entry: Some(entry) },
        values: values(frame, template, &view),
    });
    with_message.then_some(whole).into_iter().chain(entries)
}

fn values(frame: u64, template: i64, view: &EntryView) -> Values {
    let wide = |value: Option<u8>| value.map(i64::from);
    [
        i64::try_from(frame).ok(),
        Some(template),
        None,
        None,
        view.security_id.map(i64::from),
        view.rpt_seq.map(i64::from),
        view.price_mantissa,
        view.price_exponent.map(i64::from),
        view.size_lots.map(i64::from),
        view.order_count.map(i64::from),
        wide(view.level),
        wide(view.action),
        wide(view.kind),
        wide(view.aggressor),
        wide(view.open_close_settle),
    ]
}
