//! kill -9 in the middle of `xmc replay`: every order that left is in the record.
//!
//! The program under test is the binary as it is shipped. It replays the shared capture over and
//! over with a spread that fires on almost every quote, and tells a witness, a file outside the
//! record, of each order that left through the port. Then it is killed, while it starts or while
//! orders are in flight, and the record is finished as the next start does it. `XMC_KILLS` sets how
//! many are killed, `XMC_SEED` which times are chosen.

#[path = "it/firing.rs"]
mod firing;
#[path = "it/shared.rs"]
#[expect(dead_code, reason = "the integration tests need more of it")]
mod shared;

use cross_market_connect::audit;
use cross_market_connect::config::{self, Configuration};
use cross_market_connect::engine::memory::DeskSize;
use cross_market_connect::engine::recording::{Recording, Segments};
use cross_market_connect::engine::replay;
use cross_market_connect::journal::shm::RingReader;
use cross_market_connect::journal::{JournalWriter, Moment, Options, Recovered, SealReason};
use std::collections::HashMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use xmc_hotpath::message::{OrderAction, OrderCommand, Side};
use xmc_hotpath::record::frame::{self, Body, Images, Kind, LOGIC_VERSION, Start};
use xmc_hotpath::time::{MonoNs, UnixNs};
use xmc_hotpath::venue::cme::ilink3::decode::{self, Request};

/// How many are killed when nobody says, and the time after which no further one is.
const KILLS: u64 = 100;
const ENOUGH: Duration = Duration::from_secs(40);

/// How long a child lives: from its start when it is to die young, else from its first order.
const YOUNG_US: u64 = 60_000;
const BUSY_US: u64 = 60_000;
/// A child that has sent nothing for so long never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// A directory that goes when the test ends, however it ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(number: u64) -> Self {
        let name = format!("xmc-kill-replay-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // Process ids come again: what is there was left by one that was killed.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).expect("the directory for temporary files can be written");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A child that does not outlive a test that fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What all children share.
struct Bench {
    capture: PathBuf,
    config_path: PathBuf,
    config: Configuration,
}

impl Bench {
    fn start(&self, record: &Path, witness: &Path, pps: Option<u32>) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
        command.arg("replay").arg(&self.capture).arg("--config").arg(&self.config_path);
        command.arg("--record").arg(record).arg("--witness").arg(witness);
        command.args(["--loop", "1000"]);
        if let Some(pps) = pps {
            command.arg("--pps").arg(pps.to_string());
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        Running(command.spawn().expect("xmc runs"))
    }
}

/// When a child dies.
#[derive(Clone, Copy, Debug)]
enum Death {
    /// So long after it was started.
    Young(Duration),
    /// So long after its first order.
    Busy(Duration),
}

impl Death {
    fn choose(random: &mut fastrand::Rng) -> Self {
        if random.u8(..4) == 0 {
            Self::Young(Duration::from_micros(random.u64(..YOUNG_US)))
        } else {
            Self::Busy(Duration::from_micros(random.u64(..BUSY_US)))
        }
    }
}

/// Lets the child live its time, and kills it.
fn kill(mut child: Running, witness: &Path, death: Death) {
    let begun = Instant::now();
    let life = match death {
        Death::Young(life) => life,
        Death::Busy(life) => {
            let has_sent = || fs::metadata(witness).is_ok_and(|file| file.len() > 0);
            while !has_sent() && begun.elapsed() < PATIENCE {
                std::thread::sleep(Duration::from_micros(200));
            }
            life
        }
    };
    std::thread::sleep(life);
    child.0.kill().expect("it can be killed");
    let status = child.0.wait().expect("it ends");
    let mut said = String::new();
    if let Some(mut stderr) = child.0.stderr.take() {
        std::io::Read::read_to_string(&mut stderr, &mut said).expect("text");
    }
    assert_eq!(status.signal(), Some(9), "it ended by itself: {status}: {said}");
}

/// Longer than any frame of an order.
const MAX_ORDER_LEN: usize = 256;

/// What of an order can be compared: action, instrument, side, price, quantity.
type Order = (OrderAction, i32, Side, i64, u32);

/// The orders that a witness saw, by id. The last frame may be cut off.
fn witnessed(path: &Path) -> Vec<(u64, Order)> {
    let bytes = fs::read(path).unwrap_or_default();
    let (mut rest, mut orders) = (&bytes[..], Vec::new());
    while let Some((frame, after)) = decode::frame(rest).expect("the witness holds whole frames") {
        let Ok(Some(Request::New(order))) = decode::request(&frame) else {
            panic!("every order of this spread is a new one: {frame:?}");
        };
        let side = match order.side {
            1 => Side::Buy,
            2 => Side::Sell,
            other => panic!("no side {other}"),
        };
        let (price_e9, qty_lots) = (order.price_e9.get(), order.qty_lots.get());
        let id = order.cl_ord_id.order().expect("an id of ours");
        let security_id = order.security_id.get();
        orders.push((id, (OrderAction::New, security_id, side, price_e9, qty_lots)));
        rest = after;
    }
    assert!(rest.len() < MAX_ORDER_LEN, "only the last frame can be cut off");
    orders
}

/// The orders of a record by run and id.
fn recorded(segments: &Segments) -> HashMap<(u16, u64), Order> {
    let (mut orders, mut run) = (HashMap::new(), 0);
    for payload in segments.payloads() {
        let mut rest = payload;
        while !rest.is_empty() {
            let (header, body, after) = frame::split(rest).expect("whole records");
            rest = after;
            if !matches!(header.kind, Kind::Start | Kind::Order) {
                continue;
            }
            let decoded = frame::decode(header, body, &mut Images::new(&mut []));
            match decoded.expect("it needs no image") {
                Body::Start(start) => run = start.identity.run,
                Body::Order(order) => {
                    let before = orders.insert((run, order.order_id.0), seen(&order));
                    assert_eq!(before, None, "run {run}: id {:x} twice", order.order_id.0);
                }
                Body::Input(_) | Body::Detail(_) => {}
            }
        }
    }
    orders
}

fn seen(order: &OrderCommand) -> Order {
    (order.action, order.security_id, order.side, order.price_e9, order.qty_lots)
}

/// The run that an order's id names.
fn run_of(id: u64) -> u16 {
    u16::try_from(id >> 32 & 0xFFFF).expect("16 bits")
}

/// What was counted over all kills.
#[derive(Debug, Default)]
struct Counts {
    kills: u64,
    with_orders: u64,
    witnessed: u64,
    runs: u64,
    recovered: u64,
    from_ring: u64,
    unwritten: u64,
    notes: u64,
}

/// What the next start does: it finishes the record that was left, and its own begins.
fn restart(bench: &Bench, record: &Path) -> Option<Recovered> {
    let now = Moment::default();
    let opened = Recording::open(record, &bench.config, now);
    let mut recording = opened.expect("whatever was killed, the next start can go on");
    let config = &bench.config;
    let start = Start {
        identity: recording.identity,
        logic_version: LOGIC_VERSION,
        now: MonoNs(0),
        utc: UnixNs(0),
        config_digest: config.sources.digest(),
        arenas: DeskSize::new(config.instruments.len(), config.spreads.len()).arenas(),
    };
    let mut buffer = [0; frame::MAX_LEN];
    let len = frame::Writer { identity: recording.identity }.start(&start, &mut buffer);
    let mut ring = recording.ring.producer().expect("the ring is new");
    ring.stage(&buffer[..len.expect("a start fits")]).expect("the ring is empty");
    ring.publish();
    let mut reader = RingReader::attach(recording.ring.path()).expect("nobody else reads it");
    let consumer = reader.consumer().expect("the ring is new");
    let (writer, _) =
        JournalWriter::start(recording.directory, consumer, recording.identity, Options::default())
            .expect("the journal can be gone on with");
    writer.finish(SealReason::Stopped, now).expect("the disk has room");
    recording.recovered
}

/// Holds a record against the witnesses of those killed, after a restart.
fn check(bench: &Bench, record: &Path, witnesses: &[PathBuf], counts: &mut Counts) {
    let recovered = restart(bench, record);
    counts.recovered += recovered.map_or(0, |found| found.figures.records);
    counts.from_ring += u64::from(recovered.is_some_and(|found| found.figures.records > 0));
    let witnessed: Vec<_> = witnesses.iter().map(|path| witnessed(path)).collect();
    counts.with_orders += witnessed.iter().filter(|orders| !orders.is_empty()).count() as u64;
    let witnessed: Vec<_> = witnessed.into_iter().flatten().collect();
    counts.witnessed += witnessed.len() as u64;
    let segments = Segments::open(record).expect("the restart wrote one");
    let report = audit::verify(record).expect("there are segments");
    assert_eq!(report.finding, None);
    counts.runs += report.runs.len() as u64;
    counts.notes += report.notes.len() as u64;
    let recorded = recorded(&segments);
    for (id, order) in &witnessed {
        let found = recorded.get(&(run_of(*id), *id));
        assert_eq!(found, Some(order), "order {id:x} left; this is what the record has of it");
    }
    let replayed = replay::verify(segments.payloads(), &[]).expect("it can be replayed");
    assert_eq!(replayed.difference, None);
    assert_eq!(replayed.orders, recorded.len() as u64);
    counts.unwritten += replayed.unwritten;
}

#[test]
fn every_order_that_left_is_in_the_record() {
    let Some(capture) = shared::data("captures/cme/mdp3_v6_ch340_20161112.pcapng") else {
        return;
    };
    let told: Option<u64> =
        std::env::var("XMC_KILLS").ok().map(|count| count.parse().expect("a count"));
    let seed = std::env::var("XMC_SEED")
        .map_or_else(|_| fastrand::u64(..), |seed| seed.parse().expect("a seed"));
    println!("XMC_KILLS={} XMC_SEED={seed}", told.unwrap_or(KILLS));
    let mut random = fastrand::Rng::with_seed(seed);
    let begun = Instant::now();
    let scratch = Scratch::new(0);
    let config_path = scratch.0.join("firing.toml");
    fs::write(&config_path, firing::text()).expect("the configuration is written");
    let config = config::load(&config_path).expect("a sound configuration");
    let bench = Bench { capture, config_path, config };

    let mut counts = Counts::default();
    let wanted = told.unwrap_or(KILLS);
    while counts.kills < wanted && (told.is_some() || begun.elapsed() < ENOUGH) {
        let here = Scratch::new(1 + counts.kills);
        let record = here.0.join("record");
        // The second and third in one directory finish what the one before left, or die over it.
        let mut witnesses = Vec::new();
        for number in 0..random.u64(1..=3).min(wanted - counts.kills) {
            let witness = here.0.join(format!("witness.{number}"));
            let pps = random.bool().then(|| random.u32(2_000..200_000));
            let death = Death::choose(&mut random);
            kill(bench.start(&record, &witness, pps), &witness, death);
            witnesses.push(witness);
            counts.kills += 1;
        }
        check(&bench, &record, &witnesses, &mut counts);
    }
    let Counts { kills, with_orders, witnessed, runs, recovered, from_ring, unwritten, notes } =
        counts;
    println!(
        "{kills} kills (seed {seed}): {with_orders} with orders in flight; {witnessed} orders \
         left, 0 lost; {runs} runs, {from_ring} finished here with {recovered} records from the \
         ring, {unwritten} details unwritten, {notes} notes of the audit; {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    assert!(with_orders > 0, "some child lived long enough to send");
}
