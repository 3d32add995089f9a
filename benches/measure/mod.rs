//! How all benches measure and what they print.
//!
//! A figure is a closure that runs one batch and returns a value that depends on all of its work.
//! Batches are timed with the engine's own clock; what lands in the histogram is the batch's mean
//! per item, so the tail of a figure of many items per batch is that of batches, not of items.
//! Small work is batched because reading the clock costs about 9 ns. The first batches are folded
//! into a digest: a change that alters it has changed what is computed, not how fast.
//!
//! With `--bench` (what `cargo bench` passes) a figure runs for a while; without it (`cargo test`)
//! or with `--test` it runs a few batches. `--count FIGURE` runs a fixed number of batches of one
//! figure and nothing else, for `scripts/instructions`. `--minima` prints each figure's quickest
//! batch beside the quickest run of a loop that never changes, for `xmc bench`: of all that can be
//! timed on a machine that does other things as well, that ratio varies least.

use core_affinity::CoreId;
use cross_market_connect::clock::EngineClock;
use hdrhistogram::Histogram;
use std::hint::black_box;
use std::process::Command;
use std::time::Duration;

/// Batches that make the digest, and that `--count` runs.
const COUNTED_BATCHES: u64 = 16;
/// How long a figure is measured.
const FULL: Duration = Duration::from_millis(600);
/// Short runs: nothing is claimed of them.
const TINY: Duration = Duration::from_millis(2);
/// How long the quickest batch of a figure is looked for.
const SEARCH: Duration = Duration::from_millis(40);
/// Batches that are timed together, between two runs of the loop that never changes: one may have a
/// single item, and clocks tick as seldom as each 10 ns.
const BETWEEN: u32 = 8;
/// Steps of the loop that never changes, each of which needs the one before: some microseconds.
const REFERENCE_STEPS: u64 = 4_096;
/// Histograms count in hundredths of a nanosecond.
const FINENESS: u64 = 100;

enum Mode {
    Full,
    Tiny,
    Count(String),
    Minima,
}

/// One bench program.
pub struct Bench {
    clock: EngineClock,
    mode: Mode,
    /// Those that this program may use; it is pinned to the last.
    cores: Vec<CoreId>,
}

/// Times the part of a batch that counts.
pub struct Stopwatch<'a> {
    clock: &'a EngineClock,
    ticks: u64,
}

impl Stopwatch<'_> {
    /// Runs `work` on the clock.
    #[inline(always)]
    pub fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let start = self.clock.ticks();
        let done = black_box(work());
        self.ticks += self.clock.ticks().wrapping_sub(start);
        done
    }
}

impl Bench {
    /// Reads the arguments, pins the thread, and prints where this runs.
    pub fn start(name: &str) -> Self {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
        let counted = arguments.iter().position(|argument| argument == "--count");
        let mode = match counted.and_then(|at| arguments.get(at + 1)) {
            Some(figure) => Mode::Count(figure.clone()),
            None if has("--minima") => Mode::Minima,
            None if has("--bench") && !has("--test") => Mode::Full,
            None => Mode::Tiny,
        };
        let cores = core_affinity::get_core_ids().unwrap_or_default();
        if matches!(mode, Mode::Full | Mode::Tiny) {
            println!("# {name}: {}", fingerprint());
            if !cores.last().is_some_and(|core| core_affinity::set_for_current(*core)) {
                println!("# not pinned to a core");
            }
        }
        Self { clock: EngineClock::start(), mode, cores }
    }

    /// Says something about the figures that follow.
    pub fn note(&self, text: &str) {
        if matches!(self.mode, Mode::Full | Mode::Tiny) {
            println!("# {text}");
        }
    }

    /// Whether figures run long enough to mean something.
    pub fn is_full(&self) -> bool {
        matches!(self.mode, Mode::Full)
    }

    /// The core that this thread is pinned to, and another one, if there is one and figures are
    /// wanted.
    pub fn two_cores(&self) -> Option<(CoreId, CoreId)> {
        match self.cores.as_slice() {
            [other, .., own] if matches!(self.mode, Mode::Full | Mode::Tiny) => {
                Some((*own, *other))
            }
            _ => None,
        }
    }

    /// The other core, with this thread on its own; `None`, and why, if nothing can be measured.
    pub fn core_apart(&self) -> Option<CoreId> {
        let Some((own, other)) = self.two_cores() else {
            self.note("one core: nothing across cores is measured");
            return None;
        };
        if !core_affinity::set_for_current(own) {
            self.note("threads cannot be pinned: nothing across cores is measured");
            return None;
        }
        Some(other)
    }

    /// The clock that measures.
    pub fn clock(&self) -> &EngineClock {
        &self.clock
    }

    /// Measures batches of `items`, timed whole.
    pub fn figure(&mut self, name: &str, items: u64, mut batch: impl FnMut() -> u64) {
        self.parts(name, |watch| (items, watch.time(&mut batch)));
    }

    /// Measures batches that say how many items they had, and time only a part of themselves.
    pub fn parts(&mut self, name: &str, mut batch: impl FnMut(&mut Stopwatch<'_>) -> (u64, u64)) {
        let mut watch = Stopwatch { clock: &self.clock, ticks: 0 };
        if let Mode::Count(wanted) = &self.mode {
            if wanted == name {
                let digest = Digest::of((0..COUNTED_BATCHES).map(|_| batch(&mut watch)));
                println!("{name} items {} digest {:016x}", digest.items, digest.value);
            }
            return;
        }
        // They warm everything up as well.
        let digest = Digest::of((0..COUNTED_BATCHES).map(|_| batch(&mut watch)));
        if matches!(self.mode, Mode::Minima) {
            self.minimum(name, &digest, &mut batch);
            return;
        }
        let budget = self.clock.ticks_in(if self.is_full() { FULL } else { TINY });
        let mut histogram = histogram();
        let start = self.clock.ticks();
        while self.clock.ticks().wrapping_sub(start) < budget {
            watch.ticks = 0;
            let (items, result) = batch(&mut watch);
            black_box(result);
            let span_ns = self.clock.span(watch.ticks).0;
            histogram.saturating_record(span_ns * FINENESS / items.max(1));
        }
        self.print(name, &histogram, Some(&digest));
    }

    /// Prints `minimum|FIGURE|..|..|DIGEST`: picoseconds per item of the quickest batches, and
    /// picoseconds of the quickest run of the loop that never changes.
    fn minimum(
        &self,
        name: &str,
        digest: &Digest,
        batch: &mut impl FnMut(&mut Stopwatch<'_>) -> (u64, u64),
    ) {
        let mut watch = Stopwatch { clock: &self.clock, ticks: 0 };
        let (mut quickest, mut reference) = (u64::MAX, u64::MAX);
        let picoseconds = |ticks| self.clock.span(ticks).0.saturating_mul(1_000);
        let budget = self.clock.ticks_in(SEARCH);
        let start = self.clock.ticks();
        while self.clock.ticks().wrapping_sub(start) < budget {
            watch.ticks = 0;
            black_box(watch.time(|| never_changes(black_box(1))));
            reference = reference.min(picoseconds(watch.ticks));
            watch.ticks = 0;
            let mut all = 0;
            for _ in 0..BETWEEN {
                let (items, result) = batch(&mut watch);
                black_box(result);
                all += items;
            }
            quickest = quickest.min(picoseconds(watch.ticks) / all.max(1));
        }
        println!("minimum|{name}|{quickest}|{reference}|{:016x}", digest.value);
    }

    /// Prints a histogram that was filled elsewhere, in nanoseconds.
    pub fn spans(&self, name: &str, spans_ns: impl IntoIterator<Item = u64>) {
        let mut histogram = histogram();
        spans_ns.into_iter().for_each(|span| histogram.saturating_record(span * FINENESS));
        self.print(name, &histogram, None);
    }

    fn print(&self, name: &str, histogram: &Histogram<u64>, digest: Option<&Digest>) {
        if !matches!(self.mode, Mode::Full | Mode::Tiny) {
            return;
        }
        let at = |value: u64| {
            let hundredths = value % FINENESS;
            format!("{}.{hundredths:02}", value / FINENESS)
        };
        let digest =
            digest.map_or(String::new(), |digest| format!(" digest {:016x}", digest.value));
        let caveat = if self.is_full() { "" } else { " (tiny run: no figure)" };
        println!(
            "{name:<28} ns p50 {:>9} p99 {:>9} p99.9 {:>9} max {:>11} of {:>7}{digest}{caveat}",
            at(histogram.value_at_quantile(0.5)),
            at(histogram.value_at_quantile(0.99)),
            at(histogram.value_at_quantile(0.999)),
            at(histogram.max()),
            histogram.len(),
        );
    }
}

/// A chain of multiplications: what the core itself takes, whatever we change.
#[inline(never)]
fn never_changes(seed: u64) -> u64 {
    (0..REFERENCE_STEPS).fold(seed, |value, step| {
        black_box(value).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(step)
    })
}

fn histogram() -> Histogram<u64> {
    // Up to ten seconds, three digits.
    Histogram::new_with_bounds(1, 10_000_000_000 * FINENESS, 3).expect("the bounds are valid")
}

/// What the first batches computed.
struct Digest {
    items: u64,
    value: u64,
}

impl Digest {
    fn of(batches: impl Iterator<Item = (u64, u64)>) -> Self {
        let mut digest = Self { items: 0, value: FNV_OFFSET };
        for (items, result) in batches {
            digest.items += items;
            digest.value = fold(digest.value, result);
        }
        digest
    }
}

/// FNV-1a's start and prime, 64 bit.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// Takes `value` into a digest: order matters.
#[inline(always)]
pub fn fold(digest: u64, value: u64) -> u64 {
    (digest ^ value).wrapping_mul(FNV_PRIME)
}

/// Takes a number of any sign into a digest.
#[inline(always)]
pub fn fold_signed(digest: u64, value: i64) -> u64 {
    fold(digest, value.cast_unsigned())
}

/// The machine and the commit.
fn fingerprint() -> String {
    let read = |path: &str| std::fs::read_to_string(path).map(|text| text.trim().to_owned());
    let cpu = read("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?.to_owned();
        line.split_once(':').map(|(_, model)| model.trim().to_owned())
    });
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let unknown = || "unknown".to_owned();
    let governor = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
    format!(
        "{}, {cores} cores, kernel {}, governor {}, load {}, commit {}",
        cpu.unwrap_or_else(unknown),
        read("/proc/sys/kernel/osrelease").unwrap_or_else(|_| unknown()),
        read(governor).unwrap_or_else(|_| unknown()),
        read("/proc/loadavg").unwrap_or_else(|_| unknown()),
        commit().unwrap_or_else(unknown),
    )
}

/// The commit, with a plus if there is something uncommitted.
fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let is_changed = git(&["status", "--porcelain"]).is_some_and(|text| !text.is_empty());
    Some(if is_changed { format!("{commit}+") } else { commit })
}
