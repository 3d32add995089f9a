//! The hall of failures: famous losses played again, each against the real desk with the real
//! checkers, on virtual time.
//!
//! A scene is a script: what the market, the venues and the operator did. It goes wrong at a moment
//! that the script names, and everything that the desk sends from then on is counted. A scene ends,
//! and fails if the desk did what the loss was made of. `table` is what it is played on.
//!
//! What the product does not have is not played, and `LEFT_OUT` says so. Prices, lots and times are
//! the scene's own: it is the mistake that is played, not the day.
//!
//! Called by `xmc sim --scenario` and by the tests.

mod markets;
mod repeats;
mod table;
mod venues;

use std::collections::BTreeMap;

use xmc_hotpath::message::{AlertKind, Gate, SafeState};
use xmc_hotpath::record::frame::Start;

use super::checker::Violation;
use super::world::Watch;
use table::{Setting, Table};

/// One famous failure.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    /// Its name on the command line and in the tests.
    pub name: &'static str,
    /// What happened then.
    pub then: &'static str,
    /// What is done to the desk.
    pub here: &'static str,
    play: fn(&mut Table<'_, '_>) -> Result<(), Violation>,
    setting: fn() -> Setting,
}

/// All of them.
pub const SCENES: &[Scene] = &[
    Scene {
        name: "knight",
        then: "Knight 2012: orders were sent again and again, because what they had done was not \
               counted; 4 million executions in 45 minutes",
        here: "from the first order on the venue trades and nothing of it is told, while the level \
               is met 10,000 times",
        play: repeats::knight,
        setting: Setting::pair,
    },
    Scene {
        name: "everbright",
        then: "光大 2013: the replenishing of 24 missing stocks sent 24 baskets instead; 26,082 \
               orders in 2 seconds",
        here: "147 of 171 lots of one leg are filled; whatever is sent for the other 24 is refused",
        play: repeats::everbright,
        setting: repeats::everbright_setting,
    },
    Scene {
        name: "hanmag",
        then: "HanMag 2013: days/365 was typed as days/0; some 37,000 trades in 143 seconds",
        here: "a pay-up a thousand times too large, then a constant that makes every price a \
               bargain, each for 10,000 quotes",
        play: repeats::hanmag,
        setting: repeats::hanmag_setting,
    },
    Scene {
        name: "citi",
        then: "Citi 2022: a basket of 444 billion dollars for one of 58 million; warnings could be \
               clicked away",
        here: "a clip of 444,000 units where 58 were meant, in a book that is deep enough",
        play: repeats::citi,
        setting: repeats::citi_setting,
    },
    Scene {
        name: "infinium_rate",
        then: "Infinium 2010: 6,767 orders in 3 seconds",
        here: "6,767 quotes in 3 seconds, each of which opens or closes, filled at once",
        play: repeats::infinium_rate,
        setting: repeats::infinium_setting,
    },
    Scene {
        name: "negative_price",
        then: "原油宝 2020: oil settled at -37.63, and systems had a floor at 0",
        here: "one leg of a position falls from 10 to -37.63; it is closed there",
        play: markets::negative_price,
        setting: markets::negative_setting,
    },
    Scene {
        name: "one_market_closes_first",
        then: "原油宝 2020: the domestic market closed at 22:00, the overseas one went on",
        here: "one leg's market closes, the other's quotes go on meeting every level",
        play: markets::one_market_closes_first,
        setting: Setting::pair,
    },
    Scene {
        name: "frozen_feed",
        then: "CME 2025: prices stood still for hours, other markets went on",
        here: "one leg's quotes stop, its channel says that it lives; the other leg runs away",
        play: markets::frozen_feed,
        setting: Setting::pair,
    },
    Scene {
        name: "lunch_break",
        then: "a lunch break: every resting order is cancelled at once, and told many times over",
        here: "three spreads have orders in both markets at 11:30; 1,000 cancels and repeats come \
               back, then 90 minutes of quotes",
        play: markets::lunch_break,
        setting: markets::lunch_setting,
    },
    Scene {
        name: "bust_one_leg",
        then: "LME nickel 2022: a day's trades were cancelled, on one side of the hedge",
        here: "the fill of one leg is taken back: once while the other leg works, once when all \
               was over",
        play: venues::bust_one_leg,
        setting: Setting::pair,
    },
    Scene {
        name: "limit_raise",
        then: "LME nickel 2022: one junior person switched the price bands off",
        here: "the limits of both instruments and of the spread are raised a thousandfold; those \
               of the account and of the desk are not",
        play: venues::limit_raise,
        setting: venues::limit_setting,
    },
    Scene {
        name: "venue_dead_10h",
        then: "CME 2025: no trading for ten hours, with orders on their way",
        here: "one leg is filled, the other's venue dies before it answers, for ten hours; then it \
               is back and says what it did",
        play: venues::venue_dead_10h,
        setting: Setting::pair,
    },
];

/// What is not played, and why.
pub const LEFT_OUT: &[(&str, &str)] = &[
    ("modify_ratchet", "Infinium: the desk never changes an order, it only cancels"),
    (
        "limit_raise_needs_two",
        "LME: the control socket asks for two signatures, before the desk hears of it",
    ),
    ("stale_node", "Knight: builds of several hosts are not compared with each other"),
    ("group_counters", "伊世顿: accounts are counted one by one and all together, not by group"),
    ("burst_curve", "OPRA: a matter of speed, not of decisions; see `xmc latency`"),
];

/// What came of a scene.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// Inputs that the desk took.
    pub inputs: u64,
    /// From the first to the last of them, in seconds of the scene.
    pub lasted_s: u64,
    /// New orders before it went wrong.
    pub sent_before: u64,
    /// New orders from then on.
    pub sent_after: u64,
    /// Their lots.
    pub lots_after: u64,
    /// Cancels and questions from then on.
    pub requests_after: u64,
    /// From then on, the most lots that stood outside the ratio after any event, all legs together.
    pub worst_lots: u64,
    /// What they were worth at the best bids, in whole units of currency.
    pub worst_money: u64,
    /// Decisions from then on, by gate.
    pub gates: BTreeMap<Gate, u64>,
    /// Alerts from then on, by kind.
    pub alerts: BTreeMap<AlertKind, u64>,
    /// The desk at the end; `None` before it.
    pub state: Option<SafeState>,
    /// Each spread at the end.
    pub spreads: Vec<EndedSpread>,
}

/// A spread at the end of a scene.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedSpread {
    /// Its state, in a word.
    pub state: &'static str,
    /// Units held.
    pub units: i32,
    /// Lots beyond them, per leg.
    pub residual_lots: Vec<i64>,
    /// A fire has not ended.
    pub is_firing: bool,
}

/// A scene as it was played.
#[derive(Clone, Debug)]
pub struct Playing {
    /// What came of it; also if it failed, as far as it came.
    pub played: Played,
    /// The first invariant that did not hold, or what the desk should not have done.
    pub failure: Option<Violation>,
    /// How the record of it begins.
    pub start: Start,
    /// The record, as the journal's bytes.
    pub record: Vec<u8>,
}

impl Scene {
    /// The scene of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        SCENES.iter().find(|scene| scene.name == name)
    }

    /// Plays it, and shows `watch` each input of the desk and what followed from it.
    pub fn play(&self, watch: &mut Watch<'_>) -> Playing {
        table::play(&(self.setting)(), self.play, watch)
    }
}
