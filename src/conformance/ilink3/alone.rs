//! What an engine can bring about by itself, at any gateway: it logs on, is silent, breaks its own
//! line, leaves; and, if that is allowed, sends one order that rests.

use crate::conformance::book::Fate;
use crate::conformance::case::{Failure, Outcome, must, same};
use crate::conformance::ground::{Ground, Market};
use crate::conformance::rig::Options;
use crate::venue::cme::ilink3::resume::Known;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use xmc_hotpath::message::{OrderEventKind, SessionState};

/// Numbers of orders that no earlier run of a day had: milliseconds since 1970.
fn fresh() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(0)
}

fn options() -> Options {
    Options { keep_alive_ms: None, numbers_after: fresh(), ..Options::default() }
}

pub fn a_session_is_negotiated_and_established(ground: &Ground<'_>) -> Outcome {
    ground.rig(&options(), |rig| {
        rig.until_up()?;
        let known = rig.leave()?;
        let next = known.last().map(|one: &Known| one.next_report_no);
        must(next.is_some_and(|next| next >= 1), "the exchange's numbers are not known")
    })
}

pub fn a_second_session_of_the_week_follows_the_first(ground: &Ground<'_>) -> Outcome {
    let place = ground.open(Market::default())?;
    let known = place.session(&options(), |rig| {
        rig.until_up()?;
        rig.leave()
    })?;
    let first = known.last().map(|one| one.uuid);
    let options = Options { known, ..options() };
    place.session(&options, |rig| {
        rig.until_up()?;
        let known = rig.leave()?;
        let second = known.last().map(|one| one.uuid);
        must(second > first, format_args!("uuid {second:?} after {first:?}"))
    })
}

pub fn a_line_that_breaks_here(ground: &Ground<'_>) -> Outcome {
    ground.rig(&options(), |rig| {
        rig.until_up()?;
        for round in 1..=2 {
            rig.hang_up();
            rig.until_resumed(round)?;
            same("why it was lost", &rig.figures().last_lost, &Some("closed"))?;
        }
        Ok(())
    })
}

pub fn a_quiet_session_is_kept(ground: &Ground<'_>) -> Outcome {
    ground.rig(&options(), |rig| {
        rig.until_up()?;
        let session = rig.config.gateways.iter().find_map(|gateway| gateway.session.as_ref());
        let ms = session.map_or(0, |session| u64::from(session.keep_alive_ms));
        rig.step(&format!("nobody has anything to say for two intervals of {ms} ms"));
        rig.follow(2 * ms + ms / 2)?;
        let seen = (rig.figures().lost, rig.state());
        same("sessions lost, and the session", &seen, &(0, Some(SessionState::Up)))
    })
}

pub fn an_engine_that_leaves_is_answered(ground: &Ground<'_>) -> Outcome {
    ground.rig(&options(), |rig| {
        rig.until_up()?;
        rig.leave()?;
        let figures = rig.figures();
        same("why it ended", &figures.last_lost, &Some("logged_out"))?;
        same("sessions after it", &figures.resumed, &0)
    })
}

pub fn an_order_rests_and_is_cancelled(ground: &Ground<'_>) -> Outcome {
    ground.rig(&options(), |rig| {
        rig.until_up()?;
        let id = rig.rest()?;
        rig.until_fate(id, Fate::Working)?;
        rig.cancel(id)?;
        rig.until_fate(id, Fate::Over)?;
        rig.agree()?;
        rig.step("and once more: there is nothing left to cancel");
        rig.cancel(id)?;
        rig.until("a refusal", |rig| rig.book.count(OrderEventKind::CancelRejected) == 1)?;
        rig.agree()
    })
}

pub fn the_cancel_of_a_line_that_breaks_here(ground: &Ground<'_>) -> Outcome {
    ground.rig(&options(), |rig| {
        rig.until_up()?;
        let id = rig.rest()?;
        rig.until_fate(id, Fate::Working)?;
        rig.hang_up();
        rig.until_resumed(1)?;
        rig.until_fate(id, Fate::Over)?;
        same("cancels heard", &rig.book.count(OrderEventKind::Cancelled), &1)?;
        rig.agree()
    })
}

/// What the last session told is forgotten on purpose, and asked for.
pub fn reports_of_the_last_session_are_sent_again(ground: &Ground<'_>) -> Outcome {
    let place = ground.open(Market::default())?;
    let first = options();
    let known = place.session(&first, |rig| {
        rig.until_up()?;
        let id = rig.rest()?;
        rig.until_fate(id, Fate::Working)?;
        rig.cancel(id)?;
        rig.until_fate(id, Fate::Over)?;
        rig.agree()?;
        rig.leave()
    })?;
    let last = known.last().copied();
    let last = last.ok_or_else(|| Failure::Wrong("nothing is known of the session".to_owned()))?;
    let heard = last.next_report_no.saturating_sub(1);
    must(heard >= 2, format_args!("the exchange has numbered {heard} messages, expected 2"))?;
    place.tape.step(format!("the engine has forgotten messages 1 to {heard} of the last session"));
    let forgotten = Known { next_report_no: 1, last: heard, ..last };
    let options = Options { known: vec![forgotten], numbers_after: fresh(), ..first };
    place.session(&options, |rig| {
        rig.until_up()?;
        let told = u32::try_from(rig.book.events.len()).unwrap_or(u32::MAX);
        must(told >= heard, format_args!("{told} of {heard} messages were told again"))?;
        must(rig.book.states.contains(&SessionState::Gapped), "the desk was not told of the gap")
    })
}
