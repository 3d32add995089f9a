//! The packets read by a second, plain decoder that knows nothing but the venue's XML.

use super::{MS, moment, published, settings};
use crate::venue::cme::sbe_schema::{Block, Schema};
use cross_market_connect::venue::cme::simulated::{Group, Venue};
use std::collections::{BTreeMap, BTreeSet};
use xmc_hotpath::port::Line;

/// Values by the exchange's names; characters and texts as their first code.
type Values = BTreeMap<String, i128>;

/// A message: its number, its root block, its groups by name.
pub struct Plain {
    pub id: u16,
    pub root: Values,
    pub groups: BTreeMap<String, Vec<Values>>,
}

/// Reads a packet: its number, its time, its messages.
pub fn packet(schema: &Schema, bytes: &[u8]) -> (u32, u64, Vec<Plain>) {
    let seq_no = u32::from_le_bytes(bytes[..4].try_into().unwrap());
    let sent_ns = u64::from_le_bytes(bytes[4..12].try_into().unwrap());
    let (mut at, mut messages) = (12, Vec::new());
    while at < bytes.len() {
        let size = usize::from(short(bytes, at));
        messages.push(message(schema, &bytes[at + 2..at + size]));
        at += size;
    }
    assert_eq!(at, bytes.len(), "messages fill the packet");
    (seq_no, sent_ns, messages)
}

/// Reads a message from its SBE header on.
pub fn message(schema: &Schema, bytes: &[u8]) -> Plain {
    let [block_len, id, schema_id, version] = [0, 2, 4, 6].map(|at| short(bytes, at));
    assert_eq!((schema_id, version), (schema.id, schema.version));
    let known = schema.messages().iter().find(|known| known.id == id);
    let known = known.unwrap_or_else(|| panic!("{schema} has no message {id}"));
    assert_eq!(usize::from(block_len), known.root.len, "block of {}", known.name);
    let mut at = 8 + known.root.len;
    let root = values(&known.root, &bytes[8..at]);
    let mut groups = BTreeMap::new();
    for group in &known.groups {
        let entry_len = usize::from(short(bytes, at));
        assert_eq!(entry_len, group.block.len, "entries of {}/{}", known.name, group.name);
        let count = usize::from(bytes[at + group.dimension_len - 1]);
        at += group.dimension_len;
        let entries = bytes[at..at + count * entry_len].chunks(entry_len);
        groups.insert(group.name.clone(), entries.map(|e| values(&group.block, e)).collect());
        at += count * entry_len;
    }
    for _ in &known.data {
        at += 2 + usize::from(short(bytes, at));
    }
    assert_eq!(at, bytes.len(), "{} fills its message", known.name);
    Plain { id, root, groups }
}

fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn values(block: &Block, bytes: &[u8]) -> Values {
    let value = |field: &crate::venue::cme::sbe_schema::Field| {
        let size = match field.primitive.as_str() {
            "char" | "uint8" | "int8" => 1,
            "uint16" | "int16" => 2,
            "uint32" | "int32" => 4,
            _ => 8,
        };
        let mut wide = [0; 16];
        wide[..size].copy_from_slice(&bytes[field.offset..field.offset + size]);
        let unsigned = i128::from_le_bytes(wide);
        let is_signed = field.primitive.starts_with("int");
        let value = match is_signed && unsigned >> (size * 8 - 1) & 1 == 1 {
            true => unsigned - (1 << (size * 8)),
            false => unsigned,
        };
        (field.name.clone(), value)
    };
    block.fields.iter().map(value).collect()
}

/// Everything the venue says in two seconds, by the XML alone: numbers without gaps, events that
/// end, and snapshots that are the exchange's books.
#[test]
fn packets_are_those_of_the_xml() {
    let Some(schema) = Schema::load("mdp3_v13.xml") else { return };
    let mut venue = Venue::new(settings(3));
    let (mut next, mut rpt_seqs) = (1, BTreeMap::new());
    let (mut seen, mut loops) = (BTreeMap::<u16, u32>::new(), BTreeMap::new());
    for at in 0..2_000 {
        venue.poll(moment(at * MS));
        while let Some(sent) = venue.take_datagram() {
            let (seq_no, _, messages) = packet(&schema, &sent.bytes);
            for message in &messages {
                *seen.entry(message.id).or_default() += 1;
            }
            match sent.group {
                Group::Incremental(Line::A) => {
                    assert_eq!(seq_no, next);
                    next += 1;
                    messages.iter().for_each(|message| follow(message, &mut rpt_seqs));
                }
                Group::Snapshots(Line::A) => {
                    check_loop(&mut loops, "snapshots", seq_no, messages.len());
                    messages
                        .iter()
                        .for_each(|message| check_snapshot(&venue, message, next, &rpt_seqs));
                }
                Group::Definitions(Line::A) => {
                    check_loop(&mut loops, "definitions", seq_no, messages.len());
                    for message in &messages {
                        assert_eq!(message.root["TotNumReports"], 4);
                        assert_eq!(message.root["DisplayFactor"], 1_000_000_000);
                        assert_eq!(message.groups["NoMDFeedTypes"][0]["MarketDepth"], 10);
                    }
                }
                Group::Incremental(Line::B)
                | Group::Snapshots(Line::B)
                | Group::Definitions(Line::B) => {}
            }
        }
    }
    println!("messages by template: {seen:?}");
    let templates: BTreeSet<_> = seen.keys().copied().collect();
    assert_eq!(templates, BTreeSet::from([4, 30, 37, 46, 48, 49, 50, 51, 52, 54]));
}

/// Every numbered entry of the channel, in order: each instrument counts from 1.
fn follow(message: &Plain, rpt_seqs: &mut BTreeMap<i128, i128>) {
    if message.id == 4 {
        assert_eq!(message.groups["NoMDEntries"].len(), 1);
        rpt_seqs.clear();
        return;
    }
    if message.id == 48 {
        let orders: i128 = message.groups["NoMDEntries"].iter().map(|e| e["NumberOfOrders"]).sum();
        let named = message.groups["NoOrderIDEntries"].len();
        assert_eq!(orders, i128::try_from(named).unwrap(), "each order of a trade is named");
    }
    for entry in message.groups.get("NoMDEntries").into_iter().flatten() {
        let last = rpt_seqs.entry(entry["SecurityID"]).or_insert(0);
        assert_eq!(entry["RptSeq"], *last + 1);
        *last += 1;
    }
}

/// Loops count from 1 without a gap, and end when they have said all.
fn check_loop(
    loops: &mut BTreeMap<&'static str, u32>,
    which: &'static str,
    seq_no: u32,
    messages: usize,
) {
    let last = loops.entry(which).or_insert(0);
    assert!(seq_no == 1 || seq_no == *last + 1, "{which} {seq_no} after {last}");
    assert!(messages > 0);
    *last = seq_no;
}

fn check_snapshot(venue: &Venue, message: &Plain, next: u32, rpt_seqs: &BTreeMap<i128, i128>) {
    assert_eq!(message.root["LastMsgSeqNumProcessed"], i128::from(next - 1));
    let id = message.root["SecurityID"];
    assert_eq!(message.root["RptSeq"], rpt_seqs[&id]);
    assert_eq!(message.root["TotNumReports"], i128::try_from(rpt_seqs.len()).unwrap());
    let index = usize::try_from(id - 5_001).unwrap();
    for (kind, truth) in [b'0', b'1'].into_iter().zip(published(venue, index)) {
        let shown: Vec<_> = message.groups["NoMDEntries"]
            .iter()
            .filter(|entry| entry["MDEntryType"] == i128::from(kind))
            .map(|entry| (entry["MDEntryPx"], entry["MDEntrySize"], entry["NumberOfOrders"]))
            .collect();
        let truth = truth.iter().map(|(price, lots, orders)| {
            (i128::from(*price), i128::from(*lots), i128::from(*orders))
        });
        assert_eq!(shown, truth.collect::<Vec<_>>(), "snapshot of {id}");
    }
}
