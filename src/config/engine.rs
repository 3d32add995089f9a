//! `[engine]`, `[logic]` and `[defaults]`: who this engine is, and how its desk behaves.

use super::error::{Problem, Rule};
use super::section::{Section, Written};
use super::spread::TimeInForce;
use super::value::{Complaint, decimal_e9, line, name, power_of_two, whole, word};
use std::path::PathBuf;
use xmc_hotpath::message::{Detailing, Gate};
use xmc_hotpath::record::frame::Kind;
use xmc_hotpath::record::{WORST_INPUT_LEN, ring};
use xmc_hotpath::risk::FIRE_RATE_MAX;

/// Whether orders can reach a market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Simulated venues only.
    #[default]
    Paper,
    /// Real venues. The file alone never suffices.
    Live,
}

/// Who this engine is and where it records.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    /// Paper or live.
    pub mode: Mode,
    /// The site, unique among sites that exchange records; 1 ..= 255, part of every order id.
    pub site_id: u8,
    /// The desk, unique within its site; 1 ..= 255, part of every order id.
    pub desk_id: u8,
    /// The project that receipts are filed under, unless a spread names another.
    pub project: String,
    /// Where the record is written; relative to the working directory of the process.
    pub record_directory: PathBuf,
    /// Where it goes on when the disk of the first refuses; it should be another disk.
    pub record_second: Option<PathBuf>,
    /// Where engines of one site and desk find each other; `None`: where they record.
    pub lease_directory: Option<PathBuf>,
    /// Size of the shared-memory record ring; a power of two.
    pub record_ring_bytes: u64,
    /// Time between two snapshots of the desk: a start after a crash follows at most what came
    /// since the last one.
    pub record_snapshot_ms: u32,
    /// Nothing is opened while no record has been made safe for so long though some wait for it.
    pub record_late_ms: u32,
    /// What the desk tells in detail.
    pub record_details: Detailing,
    /// Nothing is opened so shortly before a leg's market shuts, and nothing sent while it is shut;
    /// `None`: whatever the hour, which only simulated venues allow.
    pub guard_minutes: Option<u16>,
    /// Nothing is opened with an instrument of which the venue's snapshot shows another book.
    pub differences_stop: bool,
    /// A clock that moves by more at once was set.
    pub clock_step_us: u32,
    /// Nothing is opened after a clock was set.
    pub clock_steps_stop: bool,
}

/// When the desk takes an order for lost, and when it stops itself.
#[derive(Clone, Debug, Default)]
pub struct Logic {
    /// An order without an answer for this long is unknown.
    pub ack_timeout_ms: u32,
    /// Fires of one spread in `fire_window_ms` before it is disabled until a person enables it.
    pub fires_per_window: u16,
    /// The window of `fires_per_window`.
    pub fire_window_ms: u32,
    /// How much of a spread's largest fire is opened while a leg's channel has one line only, in
    /// percent.
    pub single_line_clip_percent: u8,
}

/// What a spread inherits when it does not say otherwise.
#[derive(Clone, Debug, Default)]
pub(crate) struct Defaults {
    pub cool_down_ms: Option<Written<u32>>,
    pub hysteresis_e9: Option<Written<i64>>,
    pub max_quote_age_ms: Option<Written<u32>>,
    pub max_quote_skew_ms: Option<Written<u32>>,
    pub time_in_force: Option<Written<TimeInForce>>,
}

/// A quarter of the record ring is kept for fills, cancels and repairs: all that one input can
/// cause must fit there.
const MIN_RING_BYTES: u64 = 1 << 18;
const _: () = assert!(WORST_INPUT_LEN as u64 <= MIN_RING_BYTES / 4);

/// What is recorded in it is followed in less time than a session takes to log on.
const RECORD_SNAPSHOT_MS: u32 = 10_000;

/// Twenty-five groups: a disk that takes this long is not busy but ill.
const RECORD_LATE_MS: u32 = 250;

/// A quarter of an hour at peak.
const MAX_RING_BYTES: u64 = ring::MAX_CAPACITY * 8;

const MODES: &[(&str, Mode)] = &[("paper", Mode::Paper), ("live", Mode::Live)];

const MARKET_HOURS: &[(&str, bool)] = &[("calendar", true), ("always", false)];

/// As far as a clock may be from UTC where high-frequency trading is supervised (EU 2017/574).
const CLOCK_STEP_US: u32 = 100;

/// What follows from a finding: nothing is opened, or a person is told and no more.
const ANSWERS: &[(&str, bool)] = &[("no_new", true), ("alert", false)];

pub(crate) fn engine(section: Section<'_>) -> Option<Engine> {
    let mode = section.required("mode", word(MODES));
    if mode.value == Mode::Live {
        section.fail(
            Problem::new(
                Rule::Live,
                "mode = \"live\" is refused: live trading is not part of this build",
                mode.place.clone(),
                "real orders",
            )
            .help("write mode = \"paper\"; live needs the file, the command line and a host check"),
        );
    }
    let engine = Engine {
        mode: mode.value,
        site_id: section.required("site_id", whole(1..=u8::MAX)).value,
        desk_id: section.required("desk_id", whole(1..=u8::MAX)).value,
        project: section.required("project", name).value,
        record_directory: section.required("record_directory", line(4096)).value.into(),
        record_ring_bytes: section
            .required("record_ring_bytes", power_of_two(MIN_RING_BYTES..=MAX_RING_BYTES))
            .value,
        record_second: section
            .optional("record_second_directory", line(4096))
            .map(|path| path.value.into()),
        lease_directory: section
            .optional("lease_directory", line(4096))
            .map(|path| path.value.into()),
        record_snapshot_ms: section
            .optional("record_snapshot_ms", whole(100..=3_600_000))
            .map_or(RECORD_SNAPSHOT_MS, |every| every.value),
        record_late_ms: section
            .optional("record_late_ms", whole(20..=60_000))
            .map_or(RECORD_LATE_MS, |late| late.value),
        record_details: details(&section),
        guard_minutes: guard_minutes(&section, mode.value),
        differences_stop: section
            .optional("audit_difference", word(ANSWERS))
            .is_none_or(|answer| answer.value),
        clock_step_us: section
            .optional("clock_step_us", whole(10..=1_000_000))
            .map_or(CLOCK_STEP_US, |step| step.value),
        clock_steps_stop: section
            .optional("clock_step", word(ANSWERS))
            .is_some_and(|answer| answer.value),
    };
    section.finish(engine)
}

/// Minutes of guard time if nothing is written: longer than the domestic auction and short beside
/// the shortest session, of an hour.
const GUARD_MINUTES: u16 = 10;

/// Whether market hours are kept: a live engine always does.
fn guard_minutes(section: &Section<'_>, mode: Mode) -> Option<u16> {
    let is_kept = section.optional("market_hours", word(MARKET_HOURS));
    let guard = section.optional("guard_minutes", whole(0..=120));
    let is_kept = is_kept.map_or(mode == Mode::Live, |kept| kept.value) || mode == Mode::Live;
    is_kept.then(|| guard.map_or(GUARD_MINUTES, |guard| guard.value))
}

/// What `record_leaves_out` of `[engine]` leaves of the details.
fn details(section: &Section<'_>) -> Detailing {
    const KEY: &str = "record_leaves_out";
    let left_out = if section.has(KEY) { section.list(KEY, left_out) } else { Vec::new() };
    left_out.into_iter().fold(Detailing::ALL, |all, out| Detailing {
        refusals: all.refusals & out.value.refusals,
        endings: all.endings & out.value.endings,
    })
}

/// One word of what is left out, as what it leaves.
fn left_out(value: &Value<'_>) -> Read<Detailing> {
    let all = Detailing::ALL;
    let refusal = |gate: Gate| (gate.word(), Detailing { refusals: !Detailing::bit(gate), ..all });
    let gates = Gate::ALL.iter().copied().filter(|gate| *gate != Gate::Passed).map(refusal);
    let words: Vec<_> = [
        (Detailing::ENDINGS, Detailing { endings: false, ..all }),
        ("refusals", Detailing { refusals: Detailing::bit(Gate::Passed), ..all }),
    ]
    .into_iter()
    .chain(gates)
    .collect();
    // A gate may bear the name of a kind.
    let needed = Kind::ALL.iter().map(|kind| kind.word()).chain([Gate::Passed.word()]);
    let is_needed = |text: &str| {
        needed.clone().any(|word| word == text) && words.iter().all(|(word, _)| *word != text)
    };
    match value.as_str().filter(|text| is_needed(text)) {
        Some(text) => Err(Complaint::new(
            Rule::AlwaysRecorded,
            format!("names {text:?}, which an order depends on or a person must see"),
            "always recorded",
        )
        .help("\"endings\", \"refusals\" or the names of gates can be left out, nothing else")),
        None => word(&words)(value),
    }
}

pub(crate) fn logic(section: Section<'_>) -> Option<Logic> {
    let logic = Logic {
        // Venues answer within milliseconds, and until then the spread is neither on nor off.
        ack_timeout_ms: section.required("ack_timeout_ms", whole(1..=5_000)).value,
        fires_per_window: section.required("fires_per_window", whole(1..=FIRE_RATE_MAX)).value,
        fire_window_ms: section.required("fire_window_ms", whole(1..=3_600_000)).value,
        single_line_clip_percent: section
            .optional("single_line_clip_percent", whole(1..=100))
            .map_or(100, |percent| percent.value),
    };
    section.finish(logic)
}

pub(crate) fn defaults(section: Section<'_>) -> Option<Defaults> {
    let defaults = Defaults {
        cool_down_ms: section.optional("cool_down_ms", cool_down_ms),
        hysteresis_e9: section.optional("hysteresis", hysteresis_e9),
        max_quote_age_ms: section.optional("max_quote_age_ms", quote_ms),
        max_quote_skew_ms: section.optional("max_quote_skew_ms", quote_ms),
        time_in_force: section.optional("time_in_force", word(TimeInForce::WORDS)),
    };
    section.finish(defaults)
}

type Value<'v> = toml::de::DeValue<'v>;
type Read<T> = Result<T, super::value::Complaint>;

/// Up to an hour; none is legal, since position, rate and fire limits still bound the spread.
pub(crate) fn cool_down_ms(value: &Value<'_>) -> Read<u32> {
    whole(0..=3_600_000)(value)
}

/// In the spread's unit.
pub(crate) fn hysteresis_e9(value: &Value<'_>) -> Read<i64> {
    decimal_e9("0", "1000000")(value)
}

/// A quote older than a minute is not a quote.
pub(crate) fn quote_ms(value: &Value<'_>) -> Read<u32> {
    whole(1..=60_000)(value)
}
