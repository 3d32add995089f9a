//! A week of order sessions ends while the engine runs, and the next one begins: see `markets`.

use super::markets::{Floor, after, sessions, traded};
use cross_market_connect::engine::live::Sight;
use std::sync::atomic::Ordering;
use xmc_hotpath::message::SessionState;

/// The exchange's session, in the configuration.
const EXCHANGE: u16 = 21;

#[test]
fn an_engine_ends_its_week_and_trades_in_the_next() {
    let turn = |is_pause| {
        move |floor: &mut Floor, _: &Sight<'_, '_>| {
            floor.is_pause.store(is_pause, Ordering::Release)
        }
    };
    let seen = traded(
        "week_over",
        21,
        1_500,
        vec![
            after(1_000, turn(true)),
            // Every live order is over by then, however busy the machine.
            after(15_000, |floor, sight| {
                let figures = sessions(sight, "cme");
                let said = (figures.lost, figures.last_lost, figures.weeks, figures.resumed);
                assert_eq!(said, (1, Some("week_over"), 1, 0), "{figures:?}");
                assert_eq!(sessions(sight, "shfe").lost, 0, "a counter has no week");
                floor.cme().begin_week();
            }),
            after(500, turn(false)),
            after(5_000, |_, sight| {
                let figures = sessions(sight, "cme");
                assert_eq!((figures.resumed, figures.unasked), (1, 0), "{figures:?}");
                assert_eq!((figures.failed, figures.is_stopped), (0, false), "{figures:?}");
            }),
        ],
    );
    let told = seen.sessions.iter().filter(|(stream, _)| *stream == EXCHANGE);
    let told: Vec<_> = told.map(|(_, state)| *state).collect();
    use SessionState::{Down, Gapped, Up};
    assert_eq!(told, [Up, Gapped, Down, Up], "first nothing new, then no session");
    assert_eq!(seen.unknown, 0, "what lived was waited for: {seen:?}");
    let late: u32 = seen.fires.iter().skip(8).sum();
    assert!(late > 0, "nothing was fired in the next week: {seen:?}");
}
