//! Findings: what is wrong, made where it is found.

use super::against::Difference;
use super::records::Wrong;
use super::verify::Finding;
use crate::journal::Place;
use crate::journal::reader::{self, Damage};
use crate::journal::segment::{HEADER_LEN, Hash};
use std::path::Path;

/// Where the verifier is: the segment's file and bytes, and the last good record.
pub(super) struct At<'a> {
    pub file: &'a Path,
    pub bytes: &'a [u8],
    pub last: Option<Place>,
}

impl At<'_> {
    pub fn finding(&self, offset: u64, rule: &'static str, text: String) -> Box<Finding> {
        Box::new(Finding {
            file: self.file.to_owned(),
            offset,
            seq_no: self.last.map(|(seq_no, _)| seq_no),
            rule,
            text,
            written_hash: None,
            expected_hash: None,
            whole_blocks_after: 0,
        })
    }

    pub fn damage(&self, damage: Damage) -> Box<Finding> {
        let Damage { offset, fault } = damage;
        let mut finding = self.finding(offset, fault.word(), fault.to_string());
        if let Some((written, expected)) = fault.hashes() {
            finding.written_hash = Some(hex(&written));
            finding.expected_hash = Some(hex(&expected));
        }
        if offset < HEADER_LEN as u64 {
            return finding;
        }
        finding.whole_blocks_after = reader::whole_blocks_after(self.bytes, offset);
        if fault.may_be_torn() && finding.whole_blocks_after == 0 && self.is_open_length() {
            finding.rule = "torn_tail";
            finding.text = format!(
                "the last write is torn ({fault}): what is before it is whole; the record ring \
                 of the engine may have the rest"
            );
        }
        finding
    }

    /// Whether the file is as long as an open segment must be: only then can it have been torn.
    fn is_open_length(&self) -> bool {
        reader::header(self.bytes)
            .is_ok_and(|header| header.allocated_bytes.get() == self.bytes.len() as u64)
    }

    pub fn differs(&self, offset: u64, found: Difference) -> Box<Finding> {
        self.finding(offset, found.rule, found.text)
    }

    pub fn wrong(&self, offset: u64, seq_no: Option<u64>, wrong: Wrong) -> Box<Finding> {
        let mut finding = self.finding(offset, wrong.word(), wrong.to_string());
        finding.seq_no = seq_no.or(finding.seq_no);
        finding
    }
}

/// In hexadecimal.
pub(super) fn hex(hash: &Hash) -> String {
    crate::hex::show(hash)
}
