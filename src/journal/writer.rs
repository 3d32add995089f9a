//! The journal writer: drains the record ring into hash-chained blocks.
//!
//! A plain value with a `poll`, so that a thread, another process or the simulator can drive it. It
//! takes what is in the ring, writes it as blocks, makes a group of them safe as the policy says
//! while it hashes the next, and only then gives the room in the ring back. Where it starts, after
//! whatever crash, it finds out from the journal itself: what the ring still holds and the journal
//! has is dropped by sequence number.
//!
//! After an error of the disk nothing more goes through that descriptor, because what the kernel
//! still has of it is not known, and asking again does not tell. The ring still holds all that was
//! not made safe: it is written again in the disk's next directory, or, if there is none, the
//! writer is done and whoever comes next has it.
//!
//! Not here: signatures (`audit`), compression and removal of old segments (`keep`).

use xmc_hotpath::message::DeskIdentity;
use xmc_hotpath::record::frame;
use xmc_hotpath::record::ring::{Consumer, Corrupt, Position};
use xmc_hotpath::stage::Work;
use xmc_hotpath::time::{MonoNs, Span};
use xmc_hotpath::wire::{U32Le, U64Le};

use super::disk::{Append, Disk};
pub use super::figures::{Durable, Figures, Gap, Moment, Window};
use super::options::{JournalError, Options};
use super::reader::records;
use super::recover::{self, Place, Start};
use super::segment::{
    BLOCK_MAGIC, BLOCK_OVERHEAD, BlockHeader, HEADER_LEN, Hash, KIND_PEAKS, KIND_RECORDS,
    KIND_SEAL, Left, MAX_FRONT, Previous, SEAL_LEN, Seal, SealReason, SegmentHeader, SyncPolicy,
    block_hash,
};
use super::tree::{Tree, leaf_hashes};

/// Blocks that one poll writes at most, before it looks at what time it is.
const BLOCKS_PER_POLL: u32 = 16;

/// A segment that is being written.
#[derive(Debug)]
struct Open<S> {
    segment: S,
    blocks: u64,
    records: u64,
}

/// Where the journal ends: as written, or as far as it is safe.
#[derive(Clone, Debug)]
struct Point {
    /// The segment being written, or the last one: its number, and its length and hash so far.
    end: Previous,
    last: Option<Place>,
    tree: Tree,
    root: Hash,
    /// Where in the ring what is behind it starts.
    position: Position,
}

/// Records taken from the ring, at the front of the writer's buffer.
#[derive(Clone, Copy, Debug, Default)]
struct Batch {
    len: usize,
    count: u32,
    first_seq_no: u64,
    last_seq_no: u64,
    last: Option<Place>,
}

/// Drains a ring into a journal.
#[derive(Debug)]
pub struct JournalWriter<'a, D: Disk> {
    disk: D,
    consumer: Consumer<'a>,
    identity: DeskIdentity,
    options: Options,
    open: Option<Open<D::Segment>>,
    /// A segment of this writer has no seal yet, though it may not be open any more.
    has_unsealed: bool,
    /// Records that were in the journal before.
    found_records: u64,
    written: Point,
    /// What is safe; the ring holds all that is behind it.
    safe: Point,
    /// What will be safe when the sync that is under way ends.
    syncing: Option<Syncing>,
    is_stopped: bool,
    /// When the first of the records that no sync was started for was seen in the ring.
    unsafe_since: Option<MonoNs>,
    /// When the first record of the next block was seen in the ring.
    waiting_since: Option<MonoNs>,
    /// Since when what is safe now was not, until a poll says what time it is.
    made_safe: Option<MonoNs>,
    /// What was read from the ring.
    records: Vec<u8>,
    /// The leaves of a block's records.
    leaves: Vec<Hash>,
    /// The block that is written: header, payload, hash.
    block: Vec<u8>,
    figures: Figures,
}

/// A sync that is under way.
#[derive(Debug)]
struct Syncing {
    until: Point,
    /// When the first record that it makes safe was seen.
    since: MonoNs,
}

impl<'a, D: Disk> JournalWriter<'a, D> {
    /// Goes on with the journal on `disk` from the ring that `consumer` reads, which holds the run
    /// `identity`. A segment that a dead process left open stays as it is; a new one follows it.
    ///
    /// # Errors
    /// `Damaged` if the last segment is, in a way that no crash explains; else see `JournalError`.
    pub fn start(
        mut disk: D,
        consumer: Consumer<'a>,
        identity: DeskIdentity,
        options: Options,
    ) -> Result<(Self, Start), JournalError> {
        options.check()?;
        let recover::Ending { end, tree, start } = recover::find_end(&mut disk, identity)?;
        let root = tree.root();
        let position = consumer.position();
        let written = Point { end, last: start.last, tree, root, position };
        let mut writer = Self {
            disk,
            consumer,
            identity,
            options,
            open: None,
            has_unsealed: false,
            found_records: written.tree.size(),
            safe: written.clone(),
            written,
            syncing: None,
            is_stopped: false,
            unsafe_since: None,
            waiting_since: None,
            made_safe: None,
            records: vec![0; options.block_bytes],
            leaves: Vec::new(),
            block: Vec::with_capacity(BLOCK_OVERHEAD + options.block_bytes.max(MAX_FRONT)),
            figures: Figures::default(),
        };
        writer.figures.window.stated = options.window();
        writer.publish();
        Ok((writer, start))
    }

    /// What it has done.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.figures
    }

    /// The last record that is in the journal.
    #[must_use]
    pub fn last(&self) -> Option<Place> {
        self.written.last
    }

    /// Writes at most one group of blocks, if it is time for one. After an error of the disk it
    /// goes on in the disk's next directory, if there is one, with all that was not safe.
    ///
    /// # Errors
    /// See `JournalError`. After an error every poll returns `Stopped`.
    pub fn poll(&mut self, now: Moment) -> Result<Work, JournalError> {
        if self.is_stopped {
            return Err(JournalError::Stopped);
        }
        if let Some(since) = self.made_safe.take() {
            self.figures.window.note(now.mono.since(since));
        }
        let worked = self.step(now).or_else(|error| self.fail_over(error, now));
        self.is_stopped = worked.is_err();
        self.figures.is_low = self.disk.is_low();
        worked
    }

    /// Writes what the ring holds, seals the segment and ends.
    ///
    /// # Errors
    /// As for `poll`.
    pub fn finish(mut self, reason: SealReason, now: Moment) -> Result<Figures, JournalError> {
        if self.is_stopped {
            return Err(JournalError::Stopped);
        }
        loop {
            match self.drain(reason, now) {
                Ok(()) => return Ok(self.figures),
                Err(error) => self.fail_over(error, now)?,
            };
        }
    }

    fn drain(&mut self, reason: SealReason, now: Moment) -> Result<(), JournalError> {
        let mut drained = Ok(());
        while drained.is_ok() && self.consumer.pending_bytes() > 0 {
            drained = self.write_records(now.mono, now);
            if self.options.sync == SyncPolicy::EveryBlock {
                self.sync_if_due(now)?;
            }
        }
        // What was before the damage of a ring is sealed all the same.
        if matches!(drained, Ok(()) | Err(JournalError::Ring(_))) {
            self.seal(reason, now)?;
        }
        drained
    }

    fn step(&mut self, now: Moment) -> Result<Work, JournalError> {
        self.look_at_sync()?;
        for _ in 0..BLOCKS_PER_POLL {
            let pending = self.consumer.pending_bytes();
            if pending == 0 {
                self.waiting_since = None;
                return self.sync_if_due(now);
            }
            let since = *self.waiting_since.get_or_insert(now.mono);
            let is_full = pending >= self.options.block_bytes as u64;
            if !is_full && now.mono.since(since) < self.options.linger {
                return self.sync_if_due(now);
            }
            self.waiting_since = None;
            self.write_records(since, now)?;
            if self.options.sync == SyncPolicy::EveryBlock || !is_full {
                break;
            }
        }
        if self.written.end.bytes >= self.options.segment_bytes / 2 {
            self.disk.prepare(self.options.segment_bytes);
        }
        self.sync_if_due(now)?;
        Ok(Work::Busy)
    }

    /// Goes on elsewhere after an error of the disk. What was not safe is still in the ring.
    fn fail_over(&mut self, error: JournalError, now: Moment) -> Result<Work, JournalError> {
        if !matches!(error, JournalError::Disk { .. }) || !self.disk.fail_over() {
            return Err(error);
        }
        // Nothing more is asked of that descriptor: what the kernel still has of it is not known.
        self.open = None;
        let since = self.syncing.take().map(|syncing| syncing.since).or(self.unsafe_since.take());
        self.waiting_since = since.or(self.waiting_since).or(Some(now.mono));
        self.made_safe = None;
        self.written = self.safe.clone();
        if self.has_unsealed {
            self.written.end.left = Left::Failed;
        }
        self.safe.end = self.written.end;
        self.consumer.rewind();
        self.figures.failures += 1;
        Ok(Work::Busy)
    }

    /// Takes one block's worth from the ring, where it was seen at `since`, and writes what of it
    /// is new.
    fn write_records(&mut self, since: MonoNs, now: Moment) -> Result<(), JournalError> {
        let read = self
            .consumer
            .read(&mut self.records)
            .map_err(|Corrupt| JournalError::Ring("what is next in it is no record"))?;
        let batch = self.take_new(read)?;
        if batch.count == 0 {
            self.written.position = self.consumer.position();
            return Ok(());
        }
        self.make_room(batch.len, now)?;
        // After that: a segment that was full has been sealed, and what was before is safe.
        self.unsafe_since.get_or_insert(since);
        let records = std::mem::take(&mut self.records);
        let payload = &records[..batch.len];
        self.grow_tree(payload);
        let written = self.write(KIND_RECORDS, batch, payload);
        self.records = records;
        written?;
        if let Some(open) = &mut self.open {
            open.blocks += 1;
            open.records += u64::from(batch.count);
        }
        self.figures.blocks += 1;
        self.figures.records = self.written.tree.size() - self.found_records;
        self.written.last = batch.last;
        self.written.position = self.consumer.position();
        Ok(())
    }

    fn grow_tree(&mut self, payload: &[u8]) {
        self.leaves.clear();
        leaf_hashes(records(payload), &mut self.leaves);
        self.written.tree.extend(&self.leaves);
        self.written.root = self.written.tree.root();
    }

    /// Looks through the records that were read, and moves those that are new to the front.
    fn take_new(&mut self, read: usize) -> Result<Batch, JournalError> {
        let mut batch = Batch { last: self.written.last, ..Batch::default() };
        let mut at = 0;
        while at < read {
            let (header, _, _) = frame::split(&self.records[at..read])
                .map_err(|_| JournalError::Ring("a record in it does not read as one"))?;
            let len = usize::from(header.len);
            let place = (header.seq_no, header.index);
            if (header.site, header.desk) != (self.identity.site, self.identity.desk) {
                return Err(JournalError::Ring("a record in it is another desk's"));
            }
            if batch.last.is_some_and(|last| place <= last) {
                self.figures.dropped += 1;
            } else {
                if self.figures.gap.is_none() && !follows(batch.last, place) {
                    self.figures.gap = Some(Gap { after: batch.last, before: place });
                }
                self.records.copy_within(at..at + len, batch.len);
                if batch.count == 0 {
                    batch.first_seq_no = header.seq_no;
                }
                batch.last_seq_no = header.seq_no;
                batch.len += len;
                batch.count += 1;
                batch.last = Some(place);
            }
            at += len;
        }
        Ok(batch)
    }

    /// Sees to it that a segment is open and has room for a block and its seal.
    fn make_room(&mut self, payload_len: usize, now: Moment) -> Result<(), JournalError> {
        let allocated = self.options.segment_bytes;
        let needed = (BLOCK_OVERHEAD + payload_len + SEAL_LEN) as u64;
        if self.open.is_some() && self.written.end.bytes + needed <= allocated {
            return Ok(());
        }
        if self.open.is_some() {
            self.seal(SealReason::Full, now)?;
        }
        self.open_segment(now)
    }

    /// Makes the next segment: its header and the tree's peaks, whole and safe.
    fn open_segment(&mut self, now: Moment) -> Result<(), JournalError> {
        let allocated = self.options.segment_bytes;
        let policies = (self.options.sync, self.options.chain_hash);
        let Point { end, tree, .. } = &self.written;
        let header = SegmentHeader::new(self.identity, policies, allocated, now.utc.0, *end, tree);
        let number = header.number.get();
        let before = self.written.end;
        let bytes = HEADER_LEN as u64;
        self.written.end = Previous { left: Left::Open, number, bytes, hash: header.hash };
        let peaks = self.written.tree.peaks().as_flattened().to_vec();
        let hash = self.make_block(KIND_PEAKS, Batch::default(), &peaks);
        let front = [bytemuck::bytes_of(&header), &self.block].concat();
        let segment = match self.disk.create(number, &front, allocated) {
            Ok(segment) => segment,
            Err(source) => {
                self.written.end = before;
                return Err(JournalError::Disk { action: "create", number, source });
            }
        };
        self.written.end.hash = hash;
        self.written.end.bytes = front.len() as u64;
        self.open = Some(Open { segment, blocks: 0, records: 0 });
        self.has_unsealed = true;
        // Its front is safe: if the disk fails now, this is the segment that failed.
        self.safe.end = self.written.end;
        self.figures.bytes += front.len() as u64;
        Ok(())
    }

    /// Writes one block to the open segment.
    fn write(&mut self, kind: u8, batch: Batch, payload: &[u8]) -> Result<(), JournalError> {
        let hash = self.make_block(kind, batch, payload);
        let Previous { number, bytes, .. } = self.written.end;
        let open = self.open.as_mut().ok_or(JournalError::Stopped)?;
        open.segment.write_at(&self.block, bytes).map_err(|source| JournalError::Disk {
            action: "write to",
            number,
            source,
        })?;
        self.written.end.bytes += self.block.len() as u64;
        self.written.end.hash = hash;
        self.figures.bytes += self.block.len() as u64;
        Ok(())
    }

    /// Makes the block that comes next, and says its hash.
    fn make_block(&mut self, kind: u8, batch: Batch, payload: &[u8]) -> Hash {
        let mut header = BlockHeader {
            magic: BLOCK_MAGIC,
            kind,
            unused: [0; 3],
            payload_bytes: U32Le::new(payload.len() as u32),
            record_count: U32Le::new(batch.count),
            first_seq_no: U64Le::new(batch.first_seq_no),
            last_seq_no: U64Le::new(batch.last_seq_no),
            previous_hash: self.written.end.hash,
            tree_root: self.written.root,
            tree_size: U64Le::new(self.written.tree.size()),
            durable_size: U64Le::new(self.safe.tree.size()),
            checksum: U32Le::new(0),
            unused_too: [0; 4],
        };
        header.checksum = U32Le::new(header.computed_checksum(payload));
        let hash = block_hash(self.options.chain_hash, &header, payload);
        self.block.clear();
        self.block.extend_from_slice(bytemuck::bytes_of(&header));
        self.block.extend_from_slice(payload);
        self.block.extend_from_slice(&hash);
        hash
    }

    /// Makes what was written safe if the policy asks for it now.
    fn sync_if_due(&mut self, now: Moment) -> Result<Work, JournalError> {
        if self.syncing.is_some() {
            return Ok(Work::Idle);
        }
        // Of `Never` nobody was promised anything: the room in the ring is given back at once. And
        // what the ring held may all have been in the journal.
        if self.options.sync == SyncPolicy::Never || self.written.end == self.safe.end {
            self.unsafe_since = None;
            if self.written.position != self.safe.position {
                self.safe_until(self.written.clone());
            }
            return Ok(Work::Idle);
        }
        let Some(since) = self.unsafe_since else {
            return Ok(Work::Idle);
        };
        let is_due = match self.options.sync {
            SyncPolicy::IntervalMs(ms) => now.mono.since(since) >= Span(u64::from(ms) * 1_000_000),
            SyncPolicy::EveryBlock | SyncPolicy::Never => true,
        };
        let Some(open) = self.open.as_mut().filter(|_| is_due) else {
            return Ok(Work::Idle);
        };
        let number = self.written.end.number;
        // Of each block only the next may be unsafe: nothing is written while this one is synced.
        let begun = if self.options.sync == SyncPolicy::EveryBlock {
            open.segment.sync().map(|()| true)
        } else {
            open.segment.begin_sync()
        };
        let is_done =
            begun.map_err(|source| JournalError::Disk { action: "sync", number, source })?;
        self.unsafe_since = None;
        let syncing = Syncing { until: self.written.clone(), since };
        if is_done {
            self.end_sync(syncing);
        } else {
            self.syncing = Some(syncing);
        }
        Ok(Work::Busy)
    }

    /// Sees whether the sync that is under way has ended.
    fn look_at_sync(&mut self) -> Result<(), JournalError> {
        let number = self.written.end.number;
        if let (Some(syncing), Some(open)) = (self.syncing.take(), &mut self.open) {
            match open.segment.is_synced() {
                Ok(true) => self.end_sync(syncing),
                Ok(false) => self.syncing = Some(syncing),
                Err(source) => return Err(JournalError::Disk { action: "sync", number, source }),
            }
        }
        Ok(())
    }

    fn end_sync(&mut self, syncing: Syncing) {
        self.figures.syncs += 1;
        self.made_safe.get_or_insert(syncing.since);
        self.safe_until(syncing.until);
    }

    /// Everything up to `until` is safe: its room in the ring is given back.
    fn safe_until(&mut self, until: Point) {
        self.consumer.release(until.position);
        self.safe = until;
        self.publish();
    }

    fn publish(&mut self) {
        let Point { end, last, tree, root, .. } = &self.safe;
        self.figures.durable = Durable {
            segment: end.number,
            bytes: end.bytes,
            hash: end.hash,
            tree_size: tree.size(),
            root: *root,
            last: *last,
        };
    }

    /// Seals the open segment, if there is one.
    fn seal(&mut self, reason: SealReason, now: Moment) -> Result<(), JournalError> {
        if self.open.is_none() && self.has_unsealed {
            // The segment whose disk failed ends where the next one says.
            self.open_segment(now)?;
        }
        let Some(open) = &self.open else {
            self.safe_until(self.written.clone());
            return Ok(());
        };
        let seal = Seal {
            blocks: U64Le::new(open.blocks),
            records: U64Le::new(open.records),
            bytes: U64Le::new(self.written.end.bytes + SEAL_LEN as u64),
            sealed_utc: U64Le::new(now.utc.0),
            reason: reason as u8,
            unused: [0; 7],
        };
        self.write(KIND_SEAL, Batch::default(), bytemuck::bytes_of(&seal))?;
        if let Some(mut open) = self.open.take() {
            let number = self.written.end.number;
            open.segment.close_at(self.written.end.bytes).map_err(|source| JournalError::Disk {
                action: "seal",
                number,
                source,
            })?;
        }
        self.written.end.left = Left::Sealed;
        self.has_unsealed = false;
        let since = self.syncing.take().map(|syncing| syncing.since).or(self.unsafe_since);
        self.unsafe_since = None;
        self.end_sync(Syncing { until: self.written.clone(), since: since.unwrap_or(now.mono) });
        Ok(())
    }
}

/// Whether `place` is the one after `last`.
fn follows(last: Option<Place>, place: Place) -> bool {
    match last {
        None => place == (0, 0),
        Some((seq_no, index)) => {
            place == (seq_no, index.wrapping_add(1)) || place == (seq_no.wrapping_add(1), 0)
        }
    }
}
