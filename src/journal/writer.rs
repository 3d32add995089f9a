//! The journal writer: drains the record ring into hash-chained blocks.
//!
//! A plain value with a `poll`, so that a thread, another process or the simulator can drive it. It
//! takes what is in the ring, writes it as one block, makes it safe as the policy says, and only
//! then gives the room back. Where it starts, after whatever crash, it finds out from the journal
//! itself: what the ring still holds and the journal has is dropped by sequence number.
//!
//! After an error of the disk it is done: nothing more goes through that descriptor, because what
//! the kernel still has of it is not known, and asking again does not tell. The ring still holds
//! all that was not made safe, for whoever comes next.
//!
//! Not here: copies on a second disk, signatures, compression, removal of old segments.

use xmc_hotpath::message::DeskIdentity;
use xmc_hotpath::record::frame;
use xmc_hotpath::record::ring::{Consumer, Corrupt};
use xmc_hotpath::stage::Work;
use xmc_hotpath::time::{MonoNs, Span, UnixNs};
use xmc_hotpath::wire::{U32Le, U64Le};

use super::disk::{Append, Disk};
use super::options::{JournalError, Options};
use super::recover::{self, Place, Start};
use super::segment::{
    BLOCK_MAGIC, BLOCK_OVERHEAD, BlockHeader, HEADER_LEN, KIND_RECORDS, KIND_SEAL, Left, Previous,
    SEAL_LEN, Seal, SealReason, SegmentHeader, SyncPolicy, block_hash,
};

/// The two clocks at the moment of a poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// For intervals.
    pub mono: MonoNs,
    /// For stamps; 0 if not known.
    pub utc: UnixNs,
}

/// Records that are neither in the journal nor in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The last record before; `None` if the run's start is missing.
    pub after: Option<Place>,
    /// The first record behind.
    pub before: Place,
}

/// What a writer has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Records written.
    pub records: u64,
    /// Records of the ring that the journal had already.
    pub dropped: u64,
    /// Blocks written.
    pub blocks: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Syncs.
    pub syncs: u64,
    /// The first hole in what came from the ring: only a loss of power can make one.
    pub gap: Option<Gap>,
}

/// A segment that is being written.
#[derive(Debug)]
struct Open<S> {
    segment: S,
    blocks: u64,
    records: u64,
}

/// Records taken from the ring, at the front of the writer's buffer.
#[derive(Clone, Copy, Debug, Default)]
struct Batch {
    len: usize,
    count: u32,
    first_seq_no: u64,
    last_seq_no: u64,
}

/// Drains a ring into a journal.
#[derive(Debug)]
pub struct JournalWriter<'a, D: Disk> {
    disk: D,
    consumer: Consumer<'a>,
    identity: DeskIdentity,
    options: Options,
    open: Option<Open<D::Segment>>,
    /// The segment being written, or the last one: its number, and its length and hash so far.
    end: Previous,
    last: Option<Place>,
    is_stopped: bool,
    is_synced: bool,
    synced: MonoNs,
    waiting_since: Option<MonoNs>,
    /// What was read from the ring.
    records: Vec<u8>,
    /// The block that is written: header, payload, hash.
    block: Vec<u8>,
    figures: Figures,
}

impl<'a, D: Disk> JournalWriter<'a, D> {
    /// Goes on with the journal on `disk` from the ring that `consumer` reads, which holds the run
    /// `identity`. A segment that a dead process left open stays as it is; a new one follows it.
    ///
    /// # Errors
    /// `Damaged` if the last segment is, in a way that no crash explains; else see `JournalError`.
    pub fn start(
        disk: D,
        consumer: Consumer<'a>,
        identity: DeskIdentity,
        options: Options,
    ) -> Result<(Self, Start), JournalError> {
        options.check()?;
        let (end, start) = recover::find_end(&disk, identity)?;
        let writer = Self {
            disk,
            consumer,
            identity,
            options,
            open: None,
            end,
            last: start.last,
            is_stopped: false,
            is_synced: true,
            synced: MonoNs(0),
            waiting_since: None,
            records: vec![0; options.block_bytes],
            block: Vec::with_capacity(BLOCK_OVERHEAD + options.block_bytes.max(size_of::<Seal>())),
            figures: Figures::default(),
        };
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
        self.last
    }

    /// Writes at most one block, if it is time for one.
    ///
    /// # Errors
    /// See `JournalError`. After an error every poll returns `Stopped`.
    pub fn poll(&mut self, now: Moment) -> Result<Work, JournalError> {
        if self.is_stopped {
            return Err(JournalError::Stopped);
        }
        let worked = self.step(now);
        self.is_stopped = worked.is_err();
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
        let mut drained = Ok(());
        while drained.is_ok() && self.consumer.pending_bytes() > 0 {
            drained = self.write_records(now);
        }
        // What was before the damage of a ring is sealed all the same.
        if matches!(drained, Ok(()) | Err(JournalError::Ring(_))) {
            self.seal(reason, now)?;
        }
        drained?;
        self.consumer.release(self.consumer.position());
        Ok(self.figures)
    }

    fn step(&mut self, now: Moment) -> Result<Work, JournalError> {
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
        self.write_records(now)?;
        self.sync_if_due(now)?;
        Ok(Work::Busy)
    }

    /// Takes one block's worth from the ring and writes what of it is new.
    fn write_records(&mut self, now: Moment) -> Result<(), JournalError> {
        let read = self
            .consumer
            .read(&mut self.records)
            .map_err(|Corrupt| JournalError::Ring("what is next in it is no record"))?;
        let batch = self.take_new(read)?;
        if batch.count == 0 {
            return Ok(());
        }
        self.make_room(batch.len, now)?;
        let records = std::mem::take(&mut self.records);
        let written = self.write(KIND_RECORDS, batch, &records[..batch.len]);
        self.records = records;
        written?;
        if let Some(open) = &mut self.open {
            open.blocks += 1;
            open.records += u64::from(batch.count);
        }
        self.figures.blocks += 1;
        self.figures.records += u64::from(batch.count);
        if self.is_synced {
            self.is_synced = false;
            self.synced = now.mono;
        }
        Ok(())
    }

    /// Looks through the records that were read, and moves those that are new to the front.
    fn take_new(&mut self, read: usize) -> Result<Batch, JournalError> {
        let mut batch = Batch::default();
        let mut at = 0;
        while at < read {
            let (header, _, _) = frame::split(&self.records[at..read])
                .map_err(|_| JournalError::Ring("a record in it does not read as one"))?;
            let len = usize::from(header.len);
            let place = (header.seq_no, header.index);
            if (header.site, header.desk) != (self.identity.site, self.identity.desk) {
                return Err(JournalError::Ring("a record in it is another desk's"));
            }
            if self.last.is_some_and(|last| place <= last) {
                self.figures.dropped += 1;
            } else {
                if self.figures.gap.is_none() && !follows(self.last, place) {
                    self.figures.gap = Some(Gap { after: self.last, before: place });
                }
                self.records.copy_within(at..at + len, batch.len);
                if batch.count == 0 {
                    batch.first_seq_no = header.seq_no;
                }
                batch.last_seq_no = header.seq_no;
                batch.len += len;
                batch.count += 1;
                self.last = Some(place);
            }
            at += len;
        }
        Ok(batch)
    }

    /// Sees to it that a segment is open and has room for a block and its seal.
    fn make_room(&mut self, payload_len: usize, now: Moment) -> Result<(), JournalError> {
        let allocated = self.options.segment_bytes;
        let needed = (BLOCK_OVERHEAD + payload_len + SEAL_LEN) as u64;
        if self.open.is_some() && self.end.bytes + needed <= allocated {
            return Ok(());
        }
        self.seal(SealReason::Full, now)?;
        let header =
            SegmentHeader::new(self.identity, self.options.sync, allocated, now.utc.0, self.end);
        let number = header.number.get();
        let segment = self
            .disk
            .create(number, bytemuck::bytes_of(&header), allocated)
            .map_err(|source| JournalError::Disk { action: "create", number, source })?;
        self.open = Some(Open { segment, blocks: 0, records: 0 });
        let bytes = HEADER_LEN as u64;
        self.end = Previous { left: Left::Open, number, bytes, hash: header.hash };
        Ok(())
    }

    /// Writes one block to the open segment.
    fn write(&mut self, kind: u8, batch: Batch, payload: &[u8]) -> Result<(), JournalError> {
        let header = BlockHeader {
            magic: BLOCK_MAGIC,
            kind,
            unused: [0; 3],
            payload_bytes: U32Le::new(payload.len() as u32),
            record_count: U32Le::new(batch.count),
            first_seq_no: U64Le::new(batch.first_seq_no),
            last_seq_no: U64Le::new(batch.last_seq_no),
            previous_hash: self.end.hash,
        };
        let hash = block_hash(&header, payload);
        self.block.clear();
        self.block.extend_from_slice(bytemuck::bytes_of(&header));
        self.block.extend_from_slice(payload);
        self.block.extend_from_slice(&hash);
        let number = self.end.number;
        let open = self.open.as_mut().ok_or(JournalError::Stopped)?;
        open.segment
            .write_at(&self.block, self.end.bytes)
            .map_err(|source| JournalError::Disk { action: "write to", number, source })?;
        self.end.bytes += self.block.len() as u64;
        self.end.hash = hash;
        self.figures.bytes += self.block.len() as u64;
        Ok(())
    }

    /// Makes what was written safe if the policy asks for it now, and gives its room back.
    fn sync_if_due(&mut self, now: Moment) -> Result<Work, JournalError> {
        let is_due = !self.is_synced
            && match self.options.sync {
                SyncPolicy::EveryBlock => true,
                SyncPolicy::IntervalMs(ms) => {
                    now.mono.since(self.synced) >= Span(u64::from(ms) * 1_000_000)
                }
                SyncPolicy::Never => false,
            };
        if let (true, Some(open)) = (is_due, &mut self.open) {
            let number = self.end.number;
            open.segment.sync().map_err(|source| JournalError::Disk {
                action: "sync",
                number,
                source,
            })?;
            self.figures.syncs += 1;
            self.is_synced = true;
        }
        // All that was read has been written: `write_records` keeps nothing back.
        if self.is_synced || self.options.sync == SyncPolicy::Never {
            self.consumer.release(self.consumer.position());
        }
        Ok(if is_due { Work::Busy } else { Work::Idle })
    }

    /// Seals the open segment, if there is one.
    fn seal(&mut self, reason: SealReason, now: Moment) -> Result<(), JournalError> {
        let Some(open) = &self.open else {
            return Ok(());
        };
        let seal = Seal {
            blocks: U64Le::new(open.blocks),
            records: U64Le::new(open.records),
            bytes: U64Le::new(self.end.bytes + SEAL_LEN as u64),
            sealed_utc: U64Le::new(now.utc.0),
            reason: reason as u8,
            unused: [0; 7],
        };
        self.write(KIND_SEAL, Batch::default(), bytemuck::bytes_of(&seal))?;
        self.end.left = Left::Sealed;
        if let Some(mut open) = self.open.take() {
            let number = self.end.number;
            open.segment.close_at(self.end.bytes).map_err(|source| JournalError::Disk {
                action: "seal",
                number,
                source,
            })?;
        }
        self.figures.syncs += 1;
        self.is_synced = true;
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
