//! A journal against what witnesses kept of it: the root over its records, at each size that was
//! signed.
//!
//! Called by `verify` with every block in order. It finds what the journal itself cannot tell:
//! that its end was taken away, or that it was written anew from some record on, hashes included.

use super::evidence::{Evidence, Seen};
use super::prove;
use crate::journal::reader::Block;
use crate::journal::segment::Hash;
use crate::journal::tree::{Tree, leaf_hash};
use serde::Serialize;

/// What comparing with witnesses came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Witnessed {
    /// Checkpoints that count.
    pub checkpoints: u64,
    /// Records of the largest one.
    pub records: u64,
    /// Of the checkpoints those that the journal agrees with.
    pub matched: u64,
    /// Records of the journal behind the last checkpoint that it agrees with: nobody elsewhere has
    /// seen them.
    pub unwitnessed_records: u64,
    /// Keys that signed.
    pub signed_by: Vec<String>,
    /// When a witness last signed one, seconds since 1970; `null` if no witness signs.
    pub last_time_s: Option<u64>,
    /// Notes of other journals, and those without the witness's signature that was asked for.
    pub passed_over: u64,
}

/// A difference between journal and witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// A word for the rule.
    pub rule: &'static str,
    /// In words.
    pub text: String,
}

/// The comparison while blocks go by.
#[derive(Debug)]
pub struct Against<'e> {
    evidence: &'e Evidence,
    next: usize,
    /// The tree at the end of the last block; none before the first.
    tree: Option<Tree>,
    matched: u64,
    /// The largest size that was the same.
    same: u64,
}

impl<'e> Against<'e> {
    /// Compares from the first block on.
    #[must_use]
    pub fn new(evidence: &'e Evidence) -> Self {
        Self { evidence, next: 0, tree: None, matched: 0, same: 0 }
    }

    /// Takes the next block and the tree that ends with its records.
    ///
    /// # Errors
    /// The first difference.
    pub fn block(&mut self, block: &Block<'_>, after: &Tree) -> Result<(), Difference> {
        let start = after.size() - u64::from(block.header.record_count.get());
        let mut tree = self.tree.take().filter(|tree| tree.size() == start).or_else(|| {
            // Checkpoints before a journal that starts later are of records that are gone.
            self.next = self.first_from(start);
            (start == 0).then(Tree::new)
        });
        // Almost always a checkpoint is one of a block's end, whose root is known.
        for (record, size) in prove::split(block.payload).zip(start + 1..) {
            if self.next_size().is_none_or(|next| next >= after.size()) {
                break;
            }
            if let Some(tree) = &mut tree {
                tree.push(leaf_hash(record));
                self.compare(size, &tree.root())?;
            }
        }
        self.compare(after.size(), &after.root())?;
        self.tree = Some(after.clone());
        Ok(())
    }

    /// Compares what was kept of the journal's first `size` records.
    fn compare(&mut self, size: u64, root: &Hash) -> Result<(), Difference> {
        while let Some(seen) = self.next_seen()
            && seen.size <= size
        {
            if seen.size == size {
                if seen.root != *root {
                    return Err(self.rewritten(seen));
                }
                self.matched += 1;
                self.same = size;
            }
            self.next += 1;
        }
        Ok(())
    }

    /// Compares what is left when the journal ends.
    ///
    /// # Errors
    /// That the journal is shorter than it was, or starts behind all that was seen.
    pub fn end(&self) -> Result<(), Difference> {
        if self.matched == 0 && self.next_seen().is_none() {
            let text = "all that witnesses have seen is of records before the first segment: look \
                        at the whole journal, or get what they kept since"
                .to_owned();
            return Err(Difference { rule: "not_compared", text });
        }
        let Some(last) = self.evidence.seen.last().filter(|_| self.next_seen().is_some()) else {
            return Ok(());
        };
        let (had, has) = (last.size, self.size());
        let text = format!(
            "the journal ends after {has} records, and had {had} when it was witnessed ({}): {} \
             were taken off its end",
            self.evidence.place(last),
            had - has
        );
        Err(Difference { rule: "cut_off", text })
    }

    /// What it came to so far.
    #[must_use]
    pub fn witnessed(&self) -> Witnessed {
        let seen = &self.evidence.seen;
        Witnessed {
            checkpoints: seen.len() as u64,
            records: seen.last().map_or(0, |seen| seen.size),
            matched: self.matched,
            unwitnessed_records: self.size().saturating_sub(self.same),
            signed_by: self.evidence.signed_by.iter().cloned().collect(),
            last_time_s: self.evidence.last_time_s,
            passed_over: self.evidence.passed_over,
        }
    }

    fn size(&self) -> u64 {
        self.tree.as_ref().map_or(0, Tree::size)
    }

    fn next_size(&self) -> Option<u64> {
        self.next_seen().map(|seen| seen.size)
    }

    /// The first checkpoint of at least `size` records.
    fn first_from(&self, size: u64) -> usize {
        self.evidence.seen.partition_point(|seen| seen.size < size)
    }

    fn next_seen(&self) -> Option<&'e Seen> {
        self.evidence.seen.get(self.next)
    }

    fn rewritten(&self, seen: &Seen) -> Difference {
        let text = format!(
            "records {} to {} are not those that were witnessed ({}): the journal was written \
             anew, or its records changed, moved or taken out",
            self.same,
            seen.size.saturating_sub(1),
            self.evidence.place(seen)
        );
        Difference { rule: "not_witnessed_so", text }
    }
}
