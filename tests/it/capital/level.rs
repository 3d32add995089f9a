//! Stages: up at once, down past the release, and lower when markets move more.

use super::{decimal, edited};
use cross_market_connect::capital::level::levels;
use cross_market_connect::capital::{Ladder, Stage};

#[test]
fn a_stage_is_left_only_past_its_release() {
    let levels = edited(&[]).levels;
    let mut ladder = Ladder::default();
    for (utilisation, stage) in [
        ("0.79", Stage::Normal),
        ("0.80", Stage::Warn),
        ("0.79", Stage::Warn),
        ("0.751", Stage::Warn),
        ("0.749", Stage::Normal),
        ("0.96", Stage::PairOff),
        ("0.91", Stage::PairOff),
        ("0.89", Stage::ReduceOnly),
        ("0.86", Stage::ReduceOnly),
        ("0.84", Stage::Warn),
        ("1.2", Stage::Stop),
        ("0.1", Stage::Normal),
    ] {
        assert_eq!(ladder.take(&levels, Some(decimal(utilisation))), stage, "{utilisation}");
    }
    assert_eq!(ladder.take(&levels, None), Stage::Stop, "margin that nothing carries");
    assert_eq!(ladder.take(&levels, None), Stage::Stop);
}

#[test]
fn levels_fall_as_volatility_rises_and_not_below_the_tightest() {
    let terms = edited(&[]);
    let warn = |volatility: Option<&str>| levels(&terms, volatility.map(decimal)).warn;
    assert_eq!(warn(None), decimal("0.80"));
    assert_eq!(warn(Some("0.1")), decimal("0.80"), "calm markets raise nothing");
    assert_eq!(warn(Some("0.25")), decimal("0.80"));
    assert_eq!(warn(Some("0.28")).round_dp(4), decimal("0.7143"));
    assert_eq!(warn(Some("2")), decimal("0.68"));
    let text = super::terms_text().replace("normal = \"0.25\"\ntightest = \"0.85\"", "");
    let terms = super::terms_of(&text.replace("[volatility]", ""));
    assert_eq!(levels(&terms, Some(decimal("2"))), terms.levels, "not configured");
}

/// The default of the levels that people expect: a warning at 80 %.
#[test]
fn a_warning_is_at_eighty_percent_if_nothing_is_written() {
    let text = super::terms_text();
    let lines = text.lines().filter(|line| !line.starts_with("warn = "));
    let terms = super::terms_of(&lines.collect::<Vec<_>>().join("\n"));
    assert_eq!(terms.levels.warn, decimal("0.80"));
}
