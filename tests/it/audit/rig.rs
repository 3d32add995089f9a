//! Records of simulated schedules, as journals on the disk: venues that reject, bust, overfill and
//! fall silent, around a real desk.

use crate::journal::scratch::Scratch;
use crate::journal::write::{at, memory};
use cross_market_connect::journal::disk::Directory;
use cross_market_connect::journal::{JournalWriter, Options, SealReason};
use cross_market_connect::sim::plan::{Plan, Seed};
use cross_market_connect::sim::world::{self, IDENTITY};
use std::path::{Path, PathBuf};
use xmc_hotpath::desk::Outputs;
use xmc_hotpath::message::Input;
use xmc_hotpath::record::frame::{Image, Images, LOGIC_VERSION, MAX_LEN, Start, Writer};
use xmc_hotpath::record::ring::{Consumer, Producer};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

/// 2026-09-01T01:00:00Z, which is 9 o'clock in Shanghai.
pub const UTC: UnixNs = UnixNs(1_788_224_400_000_000_000);

/// The start of the run of `seed`.
pub fn start(seed: Seed) -> Start {
    let plan = Plan::draw(seed);
    let rows = |rows: usize| u32::try_from(rows).expect("a schedule is small");
    Start {
        identity: IDENTITY,
        logic_version: LOGIC_VERSION,
        now: MonoNs(1),
        utc: UTC,
        config_digest: [7; 32],
        arenas: [rows(plan.instruments.len()), rows(plan.spreads.len()), rows(plan.orders)],
    }
}

/// Every record of the schedule of `seed`, the start first.
pub fn records(seed: Seed) -> Vec<Vec<u8>> {
    let start = start(seed);
    let writer = Writer { identity: IDENTITY };
    let mut rows = vec![Image::EMPTY; start.arenas[0] as usize];
    let mut buffer = [0; MAX_LEN];
    let len = writer.start(&start, &mut buffer).expect("it fits");
    let mut records = vec![buffer[..len].to_vec()];
    let mut seq_no = 0;
    let outcome = world::run_watched(seed, &mut |input: &Input<'_>, outputs: &Outputs| {
        seq_no += 1;
        let mut index = 0;
        let mut images = Images::new(&mut rows);
        let len = writer.input(seq_no, input, &mut images, &mut buffer).expect("it fits");
        records.push(buffer[..len].to_vec());
        for order in outputs.orders() {
            index += 1;
            let len = writer.order(seq_no, index, order, &mut buffer).expect("it fits");
            records.push(buffer[..len].to_vec());
        }
        for detail in outputs.details() {
            index += 1;
            let len = writer.detail(seq_no, index, detail, &mut buffer).expect("it fits");
            records.push(buffer[..len].to_vec());
        }
    });
    outcome.unwrap_or_else(|violation| panic!("{violation}"));
    records
}

/// A sealed journal of the schedule of `seed`, in a directory of its own.
pub fn journal(seed: Seed, scratch: &Scratch) -> PathBuf {
    let path = scratch.path("journal");
    write(&path, &records(seed));
    path
}

/// Writes `records` of one run to the journal in `path`.
pub fn write(path: &Path, records: &[Vec<u8>]) {
    write_watched(path, records, &mut || {});
}

/// As `write`, and calls `watch` from time to time while the journal grows.
pub fn write_watched(path: &Path, records: &[Vec<u8>], watch: &mut dyn FnMut()) {
    let ring = memory(IDENTITY);
    let mut producer = Producer::attach(&ring).expect("it was formatted");
    let consumer = Consumer::attach(&ring).expect("it was formatted");
    let directory = Directory::open(path).expect("it can be made");
    let options = Options { block_bytes: 1 << 12, linger: Span(0), ..Options::default() };
    let (mut writer, _) =
        JournalWriter::start(directory, consumer, IDENTITY, options).expect("the disk has room");
    for (number, record) in (1..).zip(records) {
        if number % (records.len() / 5 + 1) == 0 {
            writer.poll(at(number as u64)).expect("the disk has room");
            watch();
        }
        while producer.free_bytes(u64::MAX) < 2 * record.len() as u64 + 64 {
            writer.poll(at(1_000_000_000)).expect("the disk has room");
        }
        producer.stage(record).expect("there is room");
        producer.publish();
    }
    writer.finish(SealReason::Stopped, at(2_000_000_000)).expect("the disk has room");
}
