//! What goes wrong with a simulated venue on purpose: `[faults]` and each `[[fault]]` of its file.
//!
//! `[faults]` holds rates, which hit packets by a seed; a `[[fault]]` is one thing that happens at
//! a packet or a moment. What cannot happen, or would never show, is refused: a test that tests
//! nothing is worse than none.

use super::super::error::{Problem, Report, Rule};
use super::super::section::{Document, Section};
use super::super::value::{boolean, whole, word};
use super::super::{all, at_most, each};
use super::order_faults::{self, OrderEvent};
use crate::venue::cme::simulated::OrderFaults;
use crate::venue::cme::simulated::{FeedFaults, Happening, LineFaults, LostPackets, Silence};
use std::time::Duration;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::Span;

/// Things that happen at a packet or a moment, at most.
const MOST_FAULTS: usize = 64;
/// The latest moment, and the longest time: a day.
pub(super) const DAY_MS: u64 = 86_400_000;
/// The longest silence: what a venue has not told it has to remember.
const LONGEST_SILENCE_MS: u64 = 600_000;
/// The longest delay of a line: a minute, or so many packets.
const LONGEST_DELAY_US: u64 = 60_000_000;
const MOST_PACKETS_BEHIND: u32 = 10_000;

/// When a venue ends as by a kill, and comes back to the same addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restart {
    /// How long after the start.
    pub after: Duration,
    /// How long it is not there.
    pub down: Duration,
}

/// All that goes wrong.
#[derive(Clone, Debug, Default)]
pub(super) struct Wrong {
    pub feed: FeedFaults,
    pub orders: OrderFaults,
    pub restarts: Vec<Restart>,
    pub most_resent: Option<u16>,
    pub kept_packets: Option<u32>,
}

/// Reads both kinds of sections. `failover` is how this venue's failover is called.
pub(super) fn read(
    document: &mut Document<'_>,
    venue: Option<&Section<'_>>,
    failover: &'static str,
    report: &Report,
) -> Option<Wrong> {
    let is_asked = failover == CENTER_CHANGE;
    let rates = document.take_single("faults");
    let rates = rates.map_or(Some(Wrong::default()), |section| self::rates(section, is_asked));
    let sections = document.take_repeated("fault");
    at_most(MOST_FAULTS, "faults", &sections, "venue", report);
    let has_store = venue.is_none_or(|venue| venue.has("store"));
    let events = all(each(sections, |section| event(section, failover, has_store)));
    let (mut wrong, events) = (rates?, events?);
    for event in events {
        match event {
            Event::Lost(packets) => wrong.feed.lost.push(packets),
            Event::Happens(plan) => wrong.feed.plan.extend(plan),
            Event::Restart(restart) => wrong.restarts.push(restart),
            Event::Order(OrderEvent::Once(fault)) => wrong.orders.once.push(fault),
            Event::Order(OrderEvent::Rate(rate)) => wrong.orders.rates.push(rate),
            Event::Order(OrderEvent::Planned(at, what)) => wrong.orders.plan.push((at, what)),
        }
    }
    wrong.restarts.sort_by_key(|restart| restart.after);
    Some(wrong)
}

fn per_mille(section: &Section<'_>, key: &'static str) -> u32 {
    section.optional(key, whole(0..=1_000)).map_or(0, |rate| rate.value)
}

/// Says what cannot be, where its section stands.
pub(super) fn refuse(section: &Section<'_>, message: String, label: &str, help: &str) {
    let place = section.place().clone();
    section.fail(Problem::new(Rule::Faults, message, place, label).help(help));
}

fn rates(section: Section<'_>, is_asked: bool) -> Option<Wrong> {
    let lines = ["line_a", "line_b"].map(|key| {
        section.table(key).map_or(Some(LineFaults::NONE), |table| {
            let read = line(table);
            if read.is_none() {
                section.spoil();
            }
            read
        })
    });
    let feed = FeedFaults {
        seed: section.optional("seed", whole(0..=i64::MAX)).map_or(0, |of| of.value.unsigned_abs()),
        lines: lines.map(Option::unwrap_or_default),
        lost_together_per_mille: per_mille(&section, "lost_together_per_mille"),
        // A topic has no groups to recover from: it is asked, and has limits to what it answers.
        recovery_lost_per_mille: match is_asked {
            false => per_mille(&section, "recovery_lost_per_mille"),
            true => 0,
        },
        ..FeedFaults::default()
    };
    let (mut most_resent, mut kept_packets) = (None, None);
    if is_asked {
        most_resent = section.optional("most_resent", whole(0..=4_096)).map(|most| most.value);
        kept_packets =
            section.optional("kept_packets", whole(1..=1_000_000)).map(|kept| kept.value);
    }
    let orders = OrderFaults { seed: feed.seed, ..OrderFaults::default() };
    section.finish(Wrong { feed, orders, restarts: Vec::new(), most_resent, kept_packets })
}

fn line(section: Section<'_>) -> Option<LineFaults> {
    let depth = section.optional("swap_depth", whole(1..=1_000));
    let micros = section.optional("delay_us", whole(0..=LONGEST_DELAY_US));
    let behind = section.optional("delay_packets", whole(0..=MOST_PACKETS_BEHIND));
    let flag = |key| section.optional(key, boolean).is_some_and(|flag| flag.value);
    let faults = LineFaults {
        is_cut: flag("cut"),
        lost_per_mille: per_mille(&section, "lost_per_mille"),
        duplicated_per_mille: per_mille(&section, "duplicated_per_mille"),
        swapped_per_mille: per_mille(&section, "swapped_per_mille"),
        swap_depth: depth.as_ref().map_or(0, |depth| depth.value),
        corrupted_per_mille: per_mille(&section, "corrupted_per_mille"),
        truncated_per_mille: per_mille(&section, "truncated_per_mille"),
        oversized_per_mille: per_mille(&section, "oversized_per_mille"),
        divergent_per_mille: per_mille(&section, "divergent_per_mille"),
        keeps_one_sound: flag("keeps_one_sound"),
        delay_packets: behind.map_or(0, |behind| behind.value),
        delay: Span(micros.map_or(0, |micros| micros.value) * 1_000),
    };
    check(&section, &faults);
    section.finish(faults)
}

/// Refuses what would never show.
fn check(section: &Section<'_>, faults: &LineFaults) {
    let title = section.title();
    if section.is_broken() {
        return;
    }
    let damaged = [
        faults.corrupted_per_mille,
        faults.truncated_per_mille,
        faults.oversized_per_mille,
        faults.divergent_per_mille,
    ];
    let damaged: u32 = damaged.iter().sum();
    if faults.is_cut && *faults != LineFaults::CUT {
        refuse(
            section,
            format!("{title} is cut, and more goes wrong on it"),
            "nothing arrives to which it could happen",
            "cut the line, or write what goes wrong on it",
        );
    } else if faults.lost_per_mille == 1_000 {
        refuse(
            section,
            format!("{title} loses 1000 packets in 1000"),
            "that is a line that is cut",
            "write `cut = true`",
        );
    } else if damaged > 1_000 {
        refuse(
            section,
            format!("{title} damages {damaged} packets in 1000"),
            "a packet is damaged in one way",
            "let the rates of damage add up to 1000 or less",
        );
    } else if faults.swap_depth > 0 && faults.swapped_per_mille == 0 {
        refuse(
            section,
            format!("{title} has `swap_depth` {}, and swaps none", faults.swap_depth),
            "it would never show",
            "write `swapped_per_mille` too",
        );
    } else if faults.keeps_one_sound && damaged == 0 {
        refuse(
            section,
            format!("{title} has `keeps_one_sound`, and damages none"),
            "it would never show",
            "write a rate of damage too",
        );
    }
}

/// What a `[[fault]]` does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum What {
    #[default]
    Lost,
    Frozen,
    Silent,
    Failover,
    Restart,
    Order,
}

const CENTER_CHANGE: &str = "center_change";

#[derive(Clone, Copy, Default)]
struct Which(Option<Line>);

const LINES: &[(&str, Which)] =
    &[("a", Which(Some(Line::A))), ("b", Which(Some(Line::B))), ("both", Which(None))];

/// One thing that goes wrong.
enum Event {
    Lost(LostPackets),
    Happens(Vec<(Span, Happening)>),
    Restart(Restart),
    Order(OrderEvent),
}

fn event(section: Section<'_>, failover: &'static str, has_store: bool) -> Option<Event> {
    let words = [
        ("lost", What::Lost),
        ("frozen", What::Frozen),
        ("silent", What::Silent),
        (failover, What::Failover),
        ("restart", What::Restart),
        ("order", What::Order),
    ];
    // A counter's sessions have no such numbers.
    let count = if failover == CENTER_CHANGE { words.len() - 1 } else { words.len() };
    let what = section.required("what", word(&words[..count])).value;
    if section.is_broken() {
        return None;
    }
    let event = match what {
        What::Lost => lost(&section),
        What::Frozen => silence(&section, Silence::Frozen),
        What::Silent => silence(&section, Silence::Total),
        What::Failover => Event::Happens(vec![(millis(&section).1, Happening::Failover)]),
        What::Restart => restart(&section, has_store),
        What::Order => {
            let read = order_faults::read(&section);
            return section.finish(read).flatten().map(Event::Order);
        }
    };
    section.finish(event)
}

/// How long after the start, in milliseconds and as a span.
fn millis(section: &Section<'_>) -> (u64, Span) {
    let after = section.required("after_ms", whole(1..=DAY_MS)).value;
    (after, Span(after * 1_000_000))
}

fn lost(section: &Section<'_>) -> Event {
    let line = section.required("line", word(LINES)).value.0;
    let numbers = whole(1..=u64::from(u32::MAX));
    let from = section.required("from_packet", &numbers).value;
    let to = section.required("to_packet", &numbers).value;
    if to < from && !section.is_broken() {
        refuse(
            section,
            format!("packets {from} to {to} of {} are none", section.title()),
            "the last is before the first",
            "write the smaller number as `from_packet`",
        );
    }
    Event::Lost(LostPackets { line, numbers: from..=to })
}

fn silence(section: &Section<'_>, silence: Silence) -> Event {
    let (_, after) = millis(section);
    let lasts = section.required("for_ms", whole(1..=LONGEST_SILENCE_MS)).value;
    let over = Span(after.0 + lasts * 1_000_000);
    let plan = [(after, silence), (over, Silence::Off)];
    Event::Happens(plan.map(|(at, silence)| (at, Happening::Silence(silence))).to_vec())
}

fn restart(section: &Section<'_>, has_store: bool) -> Event {
    let (after, _) = millis(section);
    let down = section.required("for_ms", whole(1..=DAY_MS)).value;
    if !has_store {
        refuse(
            section,
            format!("{} restarts a venue that forgets everything", section.title()),
            "it would number its packets from 1 again, within the same day",
            "write `store` in [venue]",
        );
    }
    let [after, down] = [after, down].map(Duration::from_millis);
    Event::Restart(Restart { after, down })
}
