//! A leg that rests (挂单): `rests = true` below a leg, and how far its order may stand from the
//! price that the others allow. What the desk makes of it is `hotpath::desk::work`.

use xmc_hotpath::risk::FIRE_RATE_MAX;

use super::error::{Problem, Rule};
use super::section::{Section, Written};
use super::spread::Leg;
use super::value::{boolean, whole};

/// How a leg rests. Distances are in price steps of its instrument.
#[derive(Clone, Debug)]
pub struct Rest {
    /// By how much its order may stand better for the market than the level allows.
    pub slop_ticks: u32,
    /// By how much more than one step it may stand behind the price that it could have.
    pub lag_ticks: u32,
    /// By how much it improves the best price of its side.
    pub improve_ticks: u32,
    /// By how much it is behind that price at most.
    pub behind_ticks: u32,
    /// Orders of the spread in `moves_within_ms`; more wait.
    pub max_moves: u16,
    /// The sliding window.
    pub moves_within_ms: u32,
    /// Where it is asked for.
    pub place: super::Place,
}

const KEYS: [&str; 6] =
    ["slop_ticks", "lag_ticks", "improve_ticks", "behind_ticks", "max_moves", "moves_within_ms"];

/// The keys of a leg that rests; `None` if it does not.
pub(super) fn rest(section: &Section<'_>) -> Option<Rest> {
    let rests: Option<Written<bool>> = section.optional("rests", boolean);
    let place = rests.as_ref().filter(|rests| rests.value).map(|rests| rests.place.clone());
    let ticks = |key, most: u32, otherwise| {
        section.optional(key, whole(0..=most)).map_or(otherwise, |ticks| ticks.value)
    };
    let rest = Rest {
        slop_ticks: ticks("slop_ticks", 1_000, 0),
        lag_ticks: ticks("lag_ticks", 1_000, 1),
        improve_ticks: ticks("improve_ticks", 1_000, 1),
        behind_ticks: ticks("behind_ticks", 1_000, 5),
        max_moves: section
            .optional("max_moves", whole(1..=FIRE_RATE_MAX))
            .map_or(10, |most| most.value),
        // An hour is longer than any level stands.
        moves_within_ms: section
            .optional("moves_within_ms", whole(1..=3_600_000))
            .map_or(10_000, |window| window.value),
        place: place.clone().unwrap_or_else(|| section.place().clone()),
    };
    if place.is_none()
        && let Some(key) = KEYS.iter().find(|key| section.has(key))
    {
        section.fail(
            Problem::new(
                Rule::Rests,
                format!("{} does not rest, and says by `{key}` how it does", section.title()),
                section.place().clone(),
                "this leg",
            )
            .help("write rests = true beside it, or remove the key"),
        );
    }
    place.map(|_| rest)
}

/// One leg rests at most, it is traded, another one follows it, and what is left over is repaired.
pub(super) fn check(section: &Section<'_>, legs: &[Leg], is_repaired: bool) {
    let mut resting = legs.iter().filter_map(|leg| Some((leg, leg.rest.as_ref()?)));
    let Some((leg, rest)) = resting.next() else {
        return;
    };
    let title = section.title();
    let fail = |what: String, help: &str| {
        let problem = Problem::new(Rule::Rests, what, rest.place.clone(), "rests");
        section.fail(problem.help(help));
    };
    if let Some((_, second)) = resting.next() {
        let problem = Problem::new(
            Rule::Rests,
            format!("two legs of {title} rest"),
            second.place.clone(),
            "again here",
        );
        section.fail(problem.also(&rest.place, "a leg that rests already"));
    }
    if !leg.is_traded {
        fail(
            format!("a leg of {title} rests that only prices"),
            "it sends no order: remove trade = false, or let another leg rest",
        );
    }
    if legs.iter().filter(|leg| leg.is_traded).count() < 2 {
        fail(
            format!("no leg of {title} follows the one that rests"),
            "at least two legs have to be traded",
        );
    }
    if !is_repaired {
        fail(
            format!("a leg of {title} rests, and nothing says what follows if another is missed"),
            "write repair_tries and repair_within_ms",
        );
    }
}
