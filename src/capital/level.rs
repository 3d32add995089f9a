//! What a utilisation leads to: warning with an instruction, reduce-only, pair off, stop.
//!
//! A level is left only when utilisation has fallen below it by `release`, so that an account at
//! the edge does not warn again and again. When the terms say so, levels fall as volatility rises.

use crate::config::capital::{Capital, Levels};
use rust_decimal::Decimal;
use serde::Serialize;

/// What an account may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Everything.
    #[default]
    Normal,
    /// Everything, and money is called for at once.
    Warn,
    /// Orders that reduce.
    ReduceOnly,
    /// Both legs of pairs are closed together.
    PairOff,
    /// Nothing goes out: people decide.
    Stop,
}

impl Stage {
    /// Every stage, from the lowest.
    pub const ALL: [Self; 5] =
        [Self::Normal, Self::Warn, Self::ReduceOnly, Self::PairOff, Self::Stop];

    /// Its word in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Warn => "warn",
            Self::ReduceOnly => "reduce_only",
            Self::PairOff => "pair_off",
            Self::Stop => "stop",
        }
    }

    /// In English and Chinese.
    #[must_use]
    pub const fn title(self) -> [&'static str; 2] {
        match self {
            Self::Normal => ["normal", "正常"],
            Self::Warn => ["WARNING", "预警"],
            Self::ReduceOnly => ["REDUCE ONLY", "只减仓"],
            Self::PairOff => ["PAIR OFF", "双边减仓"],
            Self::Stop => ["STOP", "停止"],
        }
    }

    /// The utilisation that it begins at.
    fn begins(self, levels: &Levels) -> Decimal {
        match self {
            Self::Normal => Decimal::MIN,
            Self::Warn => levels.warn,
            Self::ReduceOnly => levels.reduce_only,
            Self::PairOff => levels.pair_off,
            Self::Stop => levels.stop,
        }
    }

    fn below(self) -> Self {
        let place = Self::ALL.iter().position(|stage| *stage == self).unwrap_or(0);
        Self::ALL[place.saturating_sub(1)]
    }

    /// The stage of a utilisation without any history; `None` is margin that nothing carries.
    #[must_use]
    pub fn of(levels: &Levels, utilisation: Option<Decimal>) -> Self {
        let Some(utilisation) = utilisation else { return Self::Stop };
        let reached = |stage: &Self| utilisation >= stage.begins(levels);
        Self::ALL.into_iter().rev().find(reached).unwrap_or_default()
    }
}

/// The stage of one account over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ladder {
    stage: Stage,
}

impl Ladder {
    /// Where it is.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Takes a utilisation; up at once, down only past the release.
    pub fn take(&mut self, levels: &Levels, utilisation: Option<Decimal>) -> Stage {
        let reached = Stage::of(levels, utilisation);
        if reached > self.stage {
            self.stage = reached;
        }
        while let Some(utilisation) = utilisation
            && self.stage > reached
            && utilisation < self.stage.begins(levels) - levels.release
        {
            self.stage = self.stage.below();
        }
        self.stage
    }
}

/// The levels at a volatility: lowered by as much as it is above normal, to the tightest.
#[must_use]
pub fn levels(terms: &Capital, volatility: Option<Decimal>) -> Levels {
    let (Some(rule), Some(now)) = (terms.volatility, volatility) else { return terms.levels };
    if now <= rule.normal {
        return terms.levels;
    }
    let factor = (rule.normal / now).max(rule.tightest);
    let Levels { target, warn, reduce_only, pair_off, stop, release, within_minutes } =
        terms.levels;
    Levels {
        target: target * factor,
        warn: warn * factor,
        reduce_only: reduce_only * factor,
        pair_off: pair_off * factor,
        stop: stop * factor,
        release,
        within_minutes,
    }
}
