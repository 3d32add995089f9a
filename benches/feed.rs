//! What the feed costs: one book entry, one packet through the whole stage but the port, a digest.
//!
//! Runs over the shared capture (`XMC_SHARED`, by default `../shared`), which it needs. `cargo
//! bench --bench feed` measures; without `--bench` (as the tests run it) each part runs once.

use cross_market_connect::clock::EngineClock;
use cross_market_connect::feed::{FeedCapacity, FeedMemory};
use cross_market_connect::port::capture::Capture;
use cross_market_connect::port::datagram::datagram;
use hdrhistogram::Histogram;
use std::hint::black_box;
use std::path::PathBuf;
use xmc_hotpath::book::{Books, Instrument, Slot, View};
use xmc_hotpath::feed::{ArbiterLimits, ChannelSettings, Feed, FeedCounters, Join, digest};
use xmc_hotpath::message::{InstrumentIndex, StreamId};
use xmc_hotpath::port::{Datagram, Line};
use xmc_hotpath::ring::ends;
use xmc_hotpath::time::{MonoNs, Span};
use xmc_hotpath::venue::cme::mdp3::decode::{self, Message};
use xmc_hotpath::venue::cme::mdp3::feed::{Instruction, Mdp3, instruction};

fn main() {
    let root = std::env::var_os("XMC_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = root.join("captures/cme/mdp3_v6_ch340_20161112.pcapng");
    if !path.is_file() {
        eprintln!("SKIPPED for want of {}", path.display());
        return;
    }
    let rounds = if std::env::args().any(|arg| arg == "--bench") { 200 } else { 1 };
    let clock = EngineClock::start();
    let shots = load(&path);
    println!("{}; clock: {}", fingerprint(), clock.source().word());
    entries(&clock, &shots, rounds);
    packets(&clock, &shots, rounds);
    digests(&clock, &shots, rounds);
}

/// The machine and the commit that the figures are of.
fn fingerprint() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let commit = std::process::Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    let commit = commit.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    format!(
        "{}, {cores} cores, commit {}",
        model.unwrap_or("unknown processor"),
        commit.unwrap_or_else(|_| "unknown".to_owned())
    )
}

fn load(path: &std::path::Path) -> Vec<(Line, Vec<u8>)> {
    let capture = Capture::open(path).expect("the capture opens");
    let shots = capture.frames().map(|frame| {
        let frame = frame.expect("the capture is whole");
        let found = datagram(frame.link, frame.bytes).expect("sound").expect("UDP");
        let is_a = found.target.ip().octets()[2] == 31;
        (if is_a { Line::A } else { Line::B }, found.payload.to_vec())
    });
    shots.collect()
}

/// Lookup and instruction, entry by entry as they come; the mean of each round.
fn entries(clock: &EngineClock, shots: &[(Line, Vec<u8>)], rounds: u32) {
    let mut changes = Vec::new();
    for (_, payload) in shots.iter().filter(|shot| shot.0 == Line::A) {
        for message in decode::packet(payload).expect("sound").messages() {
            let Message::Book(update) = message.decode().expect("sound") else { continue };
            for entry in update.entries {
                let read = instruction(entry, update.scale).expect("in range");
                let Instruction::Level(side, change) = read else { continue };
                changes.push((entry.security_id.get(), entry.rpt_seq.get(), side, change));
            }
        }
    }
    let mut rows = vec![Instrument::EMPTY; 256];
    let mut slots = vec![Slot::FREE; 512];
    let mut books = Books::new(&mut rows, &mut slots).expect("sizes are right");
    for (id, ..) in &changes {
        books.add(*id, None);
    }
    let mut means = Histogram::<u64>::new(3).expect("a valid precision");
    for _ in 0..rounds {
        let before = clock.ticks();
        for (id, rpt_seq, side, change) in &changes {
            let Some(row) = books.find(*id) else { continue };
            let Some(instrument) = books.get_mut(row) else { continue };
            instrument.follow(*rpt_seq);
            let _ = black_box(instrument.apply(*side, change));
        }
        let spent = clock.span(clock.ticks() - before).0;
        means.record(spent * 100 / changes.len() as u64).expect("in range");
    }
    println!(
        "book entry (lookup, sequence, instruction), mean of {} per round: best {:.2} ns, p50 \
         {:.2} ns, max {:.2} ns",
        changes.len(),
        means.min() as f64 / 100.0,
        means.value_at_quantile(0.5) as f64 / 100.0,
        means.max() as f64 / 100.0
    );
}

/// Each datagram from `on_datagram` to its return: with quotes in the ring and digests kept.
fn packets(clock: &EngineClock, shots: &[(Line, Vec<u8>)], rounds: u32) {
    let overhead = overhead(clock);
    let mut firsts = Histogram::<u64>::new(3).expect("a valid precision");
    let mut copies = Histogram::<u64>::new(3).expect("a valid precision");
    let mut quotes_seen = 0_u64;
    for _ in 0..rounds {
        let counters = FeedCounters::default();
        let mut memory = FeedMemory::new(FeedCapacity {
            instruments: 256,
            quoted: 256,
            held: 64,
            digests: 4096,
        });
        let (sender, mut quotes) = ends(rtrb::RingBuffer::new(1024));
        let (updates, _states) = ends(rtrb::RingBuffer::new(64));
        let (storage, sender) = memory.lend(sender);
        let settings =
            ChannelSettings { stream: StreamId(0), join: Join::AssumeEmpty, view: View::Outright };
        let limits = ArbiterLimits {
            hold_for: Span(u64::MAX),
            line_reorder: 0,
            silent_after: Span(u64::MAX),
            lossy_after: Span(u64::MAX),
            stale_after: Span(u64::MAX),
        };
        let feed =
            Feed::new(Mdp3::new(None), settings, limits, storage, sender, updates, &counters);
        let mut feed = feed.expect("sizes are right");
        for (index, id) in instruments(shots).into_iter().enumerate() {
            let index = InstrumentIndex(u32::try_from(index).expect("few"));
            feed.channel_mut().books_mut().add(id, Some(index)).expect("room");
        }
        for (line, payload) in shots {
            let applied = counters.applied.get();
            let shot = Datagram { payload, received: MonoNs(1), line: *line };
            let before = clock.ticks();
            feed.on_datagram(black_box(&shot));
            let ticks = (clock.ticks() - before).saturating_sub(overhead);
            let is_first = counters.applied.get() > applied;
            let times = if is_first { &mut firsts } else { &mut copies };
            times.record(clock.span(ticks).0.max(1)).expect("in range");
            while quotes.pop().is_some() {
                quotes_seen += 1;
            }
        }
    }
    report("packet applied (quotes sent, digest kept)", &firsts);
    report("copy compared and dropped", &copies);
    println!("quotes: {} per round", quotes_seen / u64::from(rounds));
}

fn digests(clock: &EngineClock, shots: &[(Line, Vec<u8>)], rounds: u32) {
    let bytes: usize = shots.iter().map(|shot| shot.1.len()).sum();
    let mut best = u64::MAX;
    for _ in 0..rounds {
        let before = clock.ticks();
        for (_, payload) in shots {
            black_box(digest(black_box(payload)));
        }
        best = best.min(clock.span(clock.ticks() - before).0);
    }
    println!(
        "digest: best round {:.1} ns per packet of {} bytes on average",
        best as f64 / shots.len() as f64,
        bytes / shots.len()
    );
}

fn instruments(shots: &[(Line, Vec<u8>)]) -> Vec<i32> {
    let mut ids: Vec<i32> = Vec::new();
    for (_, payload) in shots {
        for message in decode::packet(payload).expect("sound").messages() {
            if let Message::Book(update) = message.decode().expect("sound") {
                for entry in update.entries {
                    if !ids.contains(&entry.security_id.get()) {
                        ids.push(entry.security_id.get());
                    }
                }
            }
        }
    }
    ids
}

/// Ticks that reading the clock twice takes: the least of many.
fn overhead(clock: &EngineClock) -> u64 {
    (0..10_000)
        .map(|_| {
            let before = clock.ticks();
            clock.ticks() - before
        })
        .min()
        .unwrap_or(0)
}

fn report(name: &str, times: &Histogram<u64>) {
    let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|q| times.value_at_quantile(q));
    println!(
        "{name}: p50 {p50} p99 {p99} p99.9 {p999} max {} ns over {}",
        times.max(),
        times.len()
    );
}
