//! The engine's clock: ticks of the CPU's counter as nanoseconds since the start, and their UTC.
//!
//! `quanta` reads the counter; the scale is our own, because its calibration was found to be off by
//! up to 15 parts per million and to differ from start to start. Where the counter is not invariant
//! (it may stop or change its rate) `quanta` reads the system's monotonic clock instead; then
//! `EngineClock::source` says so, and live trading is to be refused by the host check.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use xmc_hotpath::message::ClockScale;
use xmc_hotpath::time::{Clock, MonoNs, Span, TickScale, UnixNs};

/// How long ticks are counted against the system's clock at start.
const CALIBRATION: Duration = Duration::from_millis(20);

/// Brackets tried for one anchor; the narrowest is taken.
const ANCHOR_TRIES: usize = 16;

/// What the ticks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The invariant time-stamp counter: one rate, never stops, the same on all cores.
    InvariantTsc,
    /// The system's monotonic clock: right, but slower to read.
    System,
}

impl Source {
    /// Its name in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::InvariantTsc => "invariant TSC",
            Self::System => "system monotonic clock (no invariant TSC)",
        }
    }
}

/// The clock that every stage reads. Cheap to clone; all clones agree.
#[derive(Clone, Debug)]
pub struct EngineClock {
    ticks: quanta::Clock,
    scale: TickScale,
    source: Source,
}

impl EngineClock {
    /// Counts ticks for 20 ms and starts the engine's time at zero.
    #[must_use]
    pub fn start() -> Self {
        let ticks = quanta::Clock::new();
        let source = if is_invariant() { Source::InvariantTsc } else { Source::System };
        let first = anchor(&ticks, Instant::now);
        std::thread::sleep(CALIBRATION);
        let last = anchor(&ticks, Instant::now);
        let elapsed_ns = last.at.duration_since(first.at).as_nanos();
        let elapsed_ticks = u128::from(last.ticks.wrapping_sub(first.ticks)).max(1);
        let ns_per_tick_q32 = u64::try_from((elapsed_ns << 32) / elapsed_ticks)
            .expect("a tick is shorter than four seconds");
        let scale = TickScale { origin_ticks: ticks.raw(), ns_per_tick_q32 };
        Self { ticks, scale, source }
    }

    /// What ticks are in nanoseconds of this clock.
    #[must_use]
    pub const fn scale(&self) -> TickScale {
        self.scale
    }

    /// The counter now, for measuring intervals.
    #[inline(always)]
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.ticks.raw()
    }

    /// The time that `ticks` take.
    #[must_use]
    pub fn span(&self, ticks: u64) -> Span {
        let scale = TickScale { origin_ticks: 0, ..self.scale };
        Span(scale.at(ticks).0)
    }

    /// Ticks in `span`, rounded down.
    #[must_use]
    pub fn ticks_in(&self, span: Duration) -> u64 {
        let ticks = (span.as_nanos() << 32) / u128::from(self.scale.ns_per_tick_q32.max(1));
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }

    /// The same of a span of the engine.
    #[must_use]
    pub fn ticks_of(&self, span: Span) -> u64 {
        self.ticks_in(Duration::from_nanos(span.0))
    }

    /// What the ticks are.
    #[must_use]
    pub fn source(&self) -> Source {
        self.source
    }

    /// How this clock stands to UTC now. The error covers the reading only: how far the host's
    /// clock is from UTC is the time daemon's to say.
    #[must_use]
    pub fn utc(&self) -> ClockScale {
        let anchor = anchor(&self.ticks, SystemTime::now);
        let since = anchor.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        ClockScale {
            at: self.scale.at(anchor.ticks),
            utc: UnixNs(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)),
            error: self.span(anchor.width),
        }
    }
}

impl Clock for EngineClock {
    #[inline(always)]
    fn now(&self) -> MonoNs {
        self.scale.at(self.ticks.raw())
    }
}

/// A moment of another clock and the tick in the middle of reading it.
struct Anchor<T> {
    at: T,
    ticks: u64,
    width: u64,
}

/// Reads another clock between two ticks; of several tries the one with the least between them.
fn anchor<T>(ticks: &quanta::Clock, read: impl Fn() -> T) -> Anchor<T> {
    let tried = (0..ANCHOR_TRIES).map(|_| {
        let before = ticks.raw();
        let at = read();
        let width = ticks.raw().wrapping_sub(before);
        Anchor { at, ticks: before.wrapping_add(width / 2), width }
    });
    tried.min_by_key(|anchor| anchor.width).expect("at least one try")
}

/// Whether the CPU says that its counter keeps one rate and never stops.
#[cfg(target_arch = "x86_64")]
fn is_invariant() -> bool {
    use core::arch::x86_64::__cpuid;
    /// CPUID leaf `0x8000_0007`, EDX bit 8 (AMD APM 3, E.4.6; Intel SDM 2, CPUID).
    const ADVANCED_POWER: u32 = 0x8000_0007;
    __cpuid(0x8000_0000).eax >= ADVANCED_POWER && __cpuid(ADVANCED_POWER).edx & (1 << 8) != 0
}

/// On other processors the counter that `quanta` reads is the architecture's own.
#[cfg(not(target_arch = "x86_64"))]
fn is_invariant() -> bool {
    cfg!(target_arch = "aarch64")
}
