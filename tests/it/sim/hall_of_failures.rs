//! Famous failures, played again: each ends, the desk stops by itself or is stopped, and what it
//! sent after the fault is counted here.

use std::path::PathBuf;

use cross_market_connect::sim::hall::{LEFT_OUT, Played, SCENES, Scene};
use cross_market_connect::sim::record::{self, RecordError};
use cross_market_connect::{audit, engine};
use xmc_hotpath::message::{AlertKind, Gate};

fn play(name: &str) -> Played {
    let scene = Scene::named(name).expect("there is such a scene");
    let playing = scene.play(&mut |_, _| {});
    if let Some(failure) = playing.failure {
        panic!("{name}: {failure}\n{:#?}", playing.played);
    }
    playing.played
}

/// The state of the first spread, its units, and what lies beyond them.
fn ending(played: &Played) -> (&'static str, i32, &[i64]) {
    let spread = &played.spreads[0];
    assert!(!spread.is_firing, "{spread:?}");
    (spread.state, spread.units, &spread.residual_lots)
}

#[test]
fn knight() {
    let played = play("knight");
    // The two orders of the parent, whatever is asked for afterwards.
    assert_eq!((played.sent_after, played.lots_after), (2, 2));
    assert_eq!(ending(&played), ("halted", 1, &[0, 0][..]));
    assert!(played.gates.contains_key(&Gate::InFlight) && played.inputs > 20_000);
}

#[test]
fn everbright() {
    let played = play("everbright");
    assert_eq!((played.sent_after, played.lots_after), (6, 6 * 24));
    assert_eq!((ending(&played), played.worst_lots), (("halted", 147, &[24, 0][..]), 24));
}

#[test]
fn hanmag() {
    let played = play("hanmag");
    assert_eq!((played.sent_after, played.worst_lots), (10, 1));
    assert_eq!(ending(&played).0, "halted");
    for gate in [Gate::Collar, Gate::FireRate] {
        assert!(played.gates.contains_key(&gate), "{gate:?}");
    }
}

#[test]
fn citi() {
    let played = play("citi");
    assert_eq!((played.sent_after, played.worst_money), (0, 0));
    assert_eq!(ending(&played), ("enabled", 0, &[0, 0][..]));
}

#[test]
fn infinium_rate() {
    let played = play("infinium_rate");
    assert!((1..=84).contains(&played.sent_after), "{} orders", played.sent_after);
    assert_eq!(ending(&played).2, [0, 0]);
}

#[test]
fn negative_price() {
    let played = play("negative_price");
    assert_eq!((played.sent_before, played.sent_after), (2, 2));
    assert_eq!(ending(&played), ("enabled", 0, &[0, 0][..]));
}

#[test]
fn one_market_closes_first() {
    let played = play("one_market_closes_first");
    // One unit is closed before the end.
    assert_eq!((played.sent_after, ending(&played)), (2, ("enabled", 2, &[0, 0][..])));
}

#[test]
fn frozen_feed() {
    let played = play("frozen_feed");
    assert_eq!((played.sent_before, played.sent_after), (0, 0));
}

#[test]
fn lunch_break() {
    let played = play("lunch_break");
    // Three spreads, two orders each, when the afternoon has begun.
    assert_eq!((played.sent_before, played.sent_after, played.requests_after), (6, 6, 0));
    let is_whole = played.spreads.iter().all(|spread| spread.residual_lots == [0, 0]);
    assert!(is_whole && played.spreads.len() == 3, "{:?}", played.spreads);
}

#[test]
fn bust_one_leg() {
    let played = play("bust_one_leg");
    // Two fires, and one order that mends the first.
    assert_eq!((played.sent_after, played.worst_lots), (5, 1));
    assert_eq!(ending(&played), ("halted", 2, &[0, 1][..]));
    assert_eq!(played.alerts.get(&AlertKind::FillBusted), Some(&2));
}

#[test]
fn limit_raise() {
    let played = play("limit_raise");
    assert!(played.lots_after <= 40, "{} lots", played.lots_after);
    assert!(played.gates.contains_key(&Gate::AccountPosition));
}

#[test]
fn venue_dead_10h() {
    let played = play("venue_dead_10h");
    assert_eq!((played.sent_after, played.requests_after), (0, 1));
    assert_eq!(ending(&played), ("halted", 1, &[0, 0][..]));
    assert_eq!(played.lasted_s, 36_000);
}

#[test]
fn what_is_not_played_says_why() {
    for (name, why) in LEFT_OUT {
        assert!(Scene::named(name).is_none() && !why.is_empty(), "{name}");
    }
}

#[test]
fn a_scene_plays_the_same_each_time() {
    for scene in SCENES {
        let [one, other] = [(), ()].map(|()| scene.play(&mut |_, _| {}));
        assert_eq!((one.played, one.record), (other.played, other.record), "{}", scene.name);
    }
}

/// A directory of one test, gone with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("xmc-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_record_of_a_scene_is_a_journal_that_replays_equal() {
    let scratch = Scratch::new("hall");
    let playing = Scene::named("everbright").expect("it is there").play(&mut |_, _| {});
    record::write(&scratch.0, &playing.start, &playing.record).expect("an empty directory");
    let audited = audit::verify(&scratch.0).expect("a journal");
    assert_eq!(audited.finding, None);
    let segments = engine::recording::Segments::open(&scratch.0).expect("segments");
    let replayed = engine::replay::verify(segments.payloads(), &[]).expect("of this logic");
    assert!(replayed.is_equal(), "{replayed:?}");
    assert_eq!(replayed.inputs, playing.played.inputs);
    let again = record::write(&scratch.0, &playing.start, &playing.record);
    assert!(matches!(again, Err(RecordError::Taken)), "{again:?}");
}
