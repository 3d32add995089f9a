//! Sessions that begin, end, and begin again at a gateway that goes wrong on command.

use crate::alert::gauge::{Gauges, Limits};
use crate::alert::signal::Signal;
use crate::conformance::book::Fate;
use crate::conformance::case::{Failure, Outcome, must, same};
use crate::conformance::ground::{Ground, Market};
use crate::conformance::rig::{self, Options};
use crate::engine::logon::LogonError;
use crate::engine::sessions::Attempt;
use crate::secret::Secret;
use crate::venue::cme::ilink3::logon::LogonError as Refusal;
use crate::venue::cme::ilink3::refused::{ESTABLISHMENT, Meaning, NEGOTIATION, Outlook};
use crate::venue::cme::ilink3::signature::SecretKey;
use crate::venue::cme::simulated::shell::SIMULATED_KEY;
use crate::venue::cme::simulated::{OrderRules, OrderTrouble, Spot};
use std::sync::atomic::Ordering;
use xmc_hotpath::message::{SessionState, Side};
use xmc_hotpath::time::Span;

/// A code that is in no list: whatever it means, nobody tries on.
const UNHEARD_OF: Meaning =
    Meaning { code: 99, outlook: Outlook::Fatal, words: "a code that nobody has written down" };

/// What a refusal leads to: another session, or nothing by itself.
fn refused(ground: &Ground<'_>, spot: Spot, meaning: &Meaning) -> Outcome {
    let Meaning { code, outlook, words } = *meaning;
    ground.with(|rig| {
        rig.step(&format!("code {code}: {words}"));
        rig.lift(Side::Buy, 1)?;
        rig.agree()?;
        let mut faults = vec![(spot, 1, OrderTrouble::Refused(code))];
        if spot == Spot::Negotiate {
            // The session is not known any more: another one is negotiated.
            faults.push((Spot::Establish, 1, OrderTrouble::End(2)));
        }
        rig.fault(&faults)?;
        rig.cut()?;
        if outlook == Outlook::Retryable {
            rig.until_resumed(1)?;
            rig.lift(Side::Sell, 1)?;
            return rig.agree();
        }
        let figures = rig.until_stopped()?;
        let error = figures.last_error.unwrap_or_default();
        must(
            error.contains(&format!("code {code}")),
            format_args!("people are not told of code {code}: {error:?}"),
        )?;
        same("the session, as the desk knows it", &rig.state(), &Some(SessionState::Down))
    })
}

pub fn every_negotiation_reject_is_mapped(ground: &Ground<'_>) -> Outcome {
    let all = NEGOTIATION.iter().chain([&UNHEARD_OF]);
    all.into_iter().try_for_each(|meaning| refused(ground, Spot::Negotiate, meaning))
}

pub fn every_establishment_reject_is_mapped(ground: &Ground<'_>) -> Outcome {
    let all = ESTABLISHMENT.iter().chain([&UNHEARD_OF]);
    all.into_iter().try_for_each(|meaning| refused(ground, Spot::Establish, meaning))
}

pub fn a_week_begins(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        rig.lift(Side::Buy, 1)?;
        rig.agree()?;
        let last = rig.book.events.last().map_or(0, |event| event.seq_no);
        must(last > 1, "nothing was heard before the new week")?;
        rig.script("a week of sessions begins", |venue| venue.begin_week())?;
        rig.until_resumed(1)?;
        let before = rig.book.events.len();
        rig.lift(Side::Sell, 1)?;
        rig.agree()?;
        let first = rig.book.events.get(before).map(|event| event.seq_no);
        same("the number of the week's first report", &first, &Some(1))
    })
}

pub fn a_week_ends_as_planned(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        rig.lift(Side::Buy, 1)?;
        rig.agree()?;
        let resting = rig.rest()?;
        rig.until_fate(resting, Fate::Working)?;
        rig.step("the week is over");
        rig.is_pause.store(true, Ordering::Release);
        rig.until("word of it", |rig| rig.state() == Some(SessionState::Gapped))?;
        let late = rig.rest()?;
        rig.until_fate(late, Fate::NotSent)?;
        rig.follow(300)?;
        same("sessions that ended while an order rests", &rig.figures().lost, &0)?;
        rig.cancel(resting)?;
        rig.until("the end of the week", |rig| rig.figures().weeks == 1)?;
        same("sessions that ended", &rig.figures().lost, &1)?;
        same("the order that rested", &rig.fate(resting), &Fate::Over)?;
        let figures = rig.figures();
        let said = (figures.last_lost, figures.last_error);
        same("what is said of it", &said, &(Some("week_over"), None))?;
        same("goodbyes", &rig.counted()?.goodbyes, &1)?;
        rig.script("a week of sessions begins", |venue| venue.begin_week())?;
        rig.follow(300)?;
        same("sessions in the pause", &rig.figures().resumed, &0)?;
        let before = rig.book.events.len();
        rig.step("the next week begins");
        rig.is_pause.store(false, Ordering::Release);
        rig.until_resumed(1)?;
        rig.lift(Side::Sell, 1)?;
        rig.agree()?;
        let first = rig.book.events.get(before).map(|event| event.seq_no);
        same("the number of the week's first report", &first, &Some(1))
    })
}

/// The exchange may be first.
pub fn a_session_that_ends_in_the_pause(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        let resting = rig.rest()?;
        rig.until_fate(resting, Fate::Working)?;
        rig.is_pause.store(true, Ordering::Release);
        rig.until("word of it", |rig| rig.state() == Some(SessionState::Gapped))?;
        rig.script("a week of sessions begins", |venue| venue.begin_week())?;
        rig.until("the end of the session", |rig| rig.figures().lost == 1)?;
        rig.follow(300)?;
        same("logons in the pause", &rig.figures().failed, &0)?;
        rig.is_pause.store(false, Ordering::Release);
        rig.until_resumed(1)?;
        same("weeks", &rig.figures().weeks, &1)
    })
}

/// Nobody can tell what became of an order: the next week is not kept waiting for it.
pub fn an_order_that_outlives_its_week(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        let resting = rig.rest()?;
        rig.until_fate(resting, Fate::Working)?;
        rig.is_pause.store(true, Ordering::Release);
        rig.until("word of it", |rig| rig.state() == Some(SessionState::Gapped))?;
        rig.step("the next week begins, and the order still rests");
        rig.is_pause.store(false, Ordering::Release);
        rig.until_resumed(1)?;
        let error = rig.figures().last_error.unwrap_or_default();
        must(error.contains("ask the venue"), format_args!("people are told {error:?}"))?;
        rig.lift(Side::Buy, 1)?;
        Ok(())
    })
}

pub fn an_establish_without_an_answer(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        rig.fault(&[(Spot::Establish, 1, OrderTrouble::Lost)])?;
        rig.cut()?;
        rig.until_resumed(1)?;
        must(rig.figures().failed >= 1, "the unanswered logon did not count as failed")?;
        rig.lift(Side::Buy, 1)?;
        rig.agree()
    })
}

pub fn a_reject_that_a_terminate_follows(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        rig.fault(&[
            (Spot::Establish, 1, OrderTrouble::Refused(1)),
            (Spot::Establish, 2, OrderTrouble::End(3)),
        ])?;
        rig.cut()?;
        rig.until_resumed(1)?;
        rig.lift(Side::Buy, 1)?;
        rig.agree()
    })
}

/// The numbers of the exchange went on: it is one session.
fn went_on(rig: &rig::Rig<'_>) -> Outcome {
    let numbers: Vec<_> = rig.book.events.iter().map(|event| event.seq_no).collect();
    let is_rising = numbers.windows(2).all(|pair| pair[0] < pair[1]);
    must(is_rising, format_args!("numbers do not go on: {numbers:?}"))
}

pub fn a_lost_connection_comes_back(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        for round in 1..=3 {
            rig.lift(Side::Buy, 1)?;
            rig.agree()?;
            rig.cut()?;
            rig.until_resumed(round)?;
            same("why it was lost", &rig.figures().last_lost, &Some("closed"))?;
        }
        rig.lift(Side::Sell, 2)?;
        rig.agree()?;
        went_on(rig)
    })
}

pub fn signs_of_life_keep_a_quiet_session(ground: &Ground<'_>) -> Outcome {
    let options = Options { keep_alive_ms: Some(1_500), ..Options::default() };
    ground.rig(&options, |rig| {
        rig.until_up()?;
        rig.step("nobody has anything to say for four intervals");
        rig.follow(6_000)?;
        same("sessions lost", &rig.figures().lost, &0)?;
        rig.lift(Side::Buy, 1)?;
        rig.agree()
    })
}

pub fn two_silent_intervals_end_a_session(ground: &Ground<'_>) -> Outcome {
    let options = Options { keep_alive_ms: Some(1_000), ..Options::default() };
    ground.rig(&options, |rig| {
        rig.until_up()?;
        rig.fault(&[(Spot::Report, 1, OrderTrouble::Silence(Span(4_000_000_000)))])?;
        rig.lift(Side::Buy, 1)?;
        rig.until("the end of a silent session", |rig| rig.figures().lost == 1)?;
        rig.until_resumed(1)?;
        rig.agree()
    })
}

pub fn an_end_that_no_logon_mends(ground: &Ground<'_>) -> Outcome {
    [8, 9, 18, 77].into_iter().try_for_each(|code| {
        ground.with(|rig| {
            rig.fault(&[(Spot::Report, 1, OrderTrouble::End(code))])?;
            rig.lift(Side::Buy, 1)?;
            let figures = rig.until_stopped()?;
            same("why it was lost", &figures.last_lost, &Some("terminated"))?;
            same("sessions after it", &figures.resumed, &0)
        })
    })
}

pub fn the_backup_address_goes_on(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        rig.lift(Side::Buy, 1)?;
        rig.agree()?;
        rig.step("nobody listens at the primary address any more");
        rig.is_primary_dead.store(true, Ordering::Relaxed);
        rig.cut()?;
        rig.until_resumed(1)?;
        must(rig.figures().failed >= 1, "the primary was not tried first")?;
        rig.lift(Side::Buy, 1)?;
        rig.agree()?;
        went_on(rig)
    })
}

pub fn a_second_connection_is_refused(ground: &Ground<'_>) -> Outcome {
    let place = ground.open(Market::default())?;
    place.session(&Options::default(), |rig| {
        rig.until_up()?;
        rig.step("a second engine logs on with the same session");
        let secret = place.secret().map_err(Failure::not_provoked)?;
        match rig::attempt(&place, &secret, &Attempt::FIRST) {
            Err(error @ LogonError::Ilink3 { .. }) => {
                let said = error.to_string();
                must(said.contains("code 4"), format_args!("the second was told {said:?}"))?;
            }
            Err(error) => return Err(Failure::not_provoked(error)),
            Ok(_) => return Err(Failure::Wrong("two connections stand".to_owned())),
        }
        rig.lift(Side::Buy, 1)?;
        rig.agree()?;
        same("sessions lost", &rig.figures().lost, &0)
    })
}

pub fn a_key_is_changed(ground: &Ground<'_>) -> Outcome {
    const NEXT: &str = "dGhlLW5leHQta2V5LW9mLXRoZS1zZXNzaW9u";
    ground.with(|rig| {
        rig.lift(Side::Buy, 1)?;
        rig.agree()?;
        let key = SecretKey::from_base64url(NEXT).map_err(Failure::not_provoked)?;
        let session = session_name(rig)?;
        rig.script("the exchange has the next key", |venue| {
            venue.with(move |shell, _| shell.venue_mut().set_key(&session, key));
        })?;
        *rig.key.lock().expect("nobody panics with it") = Secret::new(NEXT);
        rig.cut()?;
        rig.until_resumed(1)?;
        rig.lift(Side::Sell, 1)?;
        rig.agree()?;
        // A wrong one is refused, once: who tries on is shut out.
        rig.step("the engine has the old key again");
        *rig.key.lock().expect("nobody panics with it") = Secret::new(SIMULATED_KEY);
        rig.cut()?;
        let figures = rig.until_stopped()?;
        same("logons that failed", &figures.failed, &1)?;
        let error = figures.last_error.unwrap_or_default();
        must(error.contains("code 0"), format_args!("people are told {error:?}"))?;
        must(!error.contains(SIMULATED_KEY), "the key stands in what people are told")?;
        rig.follow(300)?;
        same("logons that failed in the end", &rig.figures().failed, &1)
    })
}

pub fn a_key_that_is_about_to_expire(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        let mut gauges = Gauges::new(Limits::default(), Vec::new(), Vec::new());
        let mut told = |rig: &rig::Rig<'_>| {
            let mut signals = Vec::new();
            gauges.keys(&[rig.figures()], 0, &mut signals);
            let days = |signal: &Signal| match signal {
                Signal::Raise(raised) => Some(raised.value),
                Signal::Clear { .. } => None,
            };
            signals.iter().map(days).collect::<Vec<_>>()
        };
        same("what is said of the first key", &rig.figures().key_expires_days, &None)?;
        same("what is told of it", &told(rig), &vec![])?;
        for (days, expected, resumed) in [(3, vec![Some(3)], 1), (365, vec![None], 2)] {
            let rules = OrderRules { key_expires_days: Some(days), ..OrderRules::default() };
            rig.rules(&format!("the key expires in {days} days"), rules)?;
            rig.cut()?;
            rig.until_resumed(resumed)?;
            same("days that the key is good for", &rig.figures().key_expires_days, &Some(days))?;
            same("what is told of it", &told(rig), &expected)?;
        }
        rig.agree()
    })
}

fn session_name(rig: &rig::Rig<'_>) -> Outcome<String> {
    let gateway = rig.config.gateways.iter().find_map(|gateway| gateway.session.as_ref());
    let session = gateway.map(|session| session.session.clone());
    session.ok_or_else(|| Failure::not_provoked("no gateway has a session"))
}

pub fn a_wrong_key_is_refused(ground: &Ground<'_>) -> Outcome {
    const WRONG: &str = "YS1rZXktdGhhdC1ub2JvZHktaGFzLWdpdmVuLW91dA";
    let place = ground.open(Market::default())?;
    place.tape.step("the engine logs on once, with a key that is not the session's");
    refusal(rig::attempt(&place, &Secret::new(WRONG), &Attempt::FIRST), 0)
}

pub fn an_interval_that_cannot_be_kept_is_refused(ground: &Ground<'_>) -> Outcome {
    let mut place = ground.open(Market::default())?;
    let session = place.config.gateways[place.row].session.as_mut();
    session.ok_or_else(|| Failure::not_provoked("no gateway has a session"))?.keep_alive_ms = 0;
    place.tape.step("the engine asks for an interval of 0 ms");
    let secret = place.secret().map_err(Failure::not_provoked)?;
    refusal(rig::attempt(&place, &secret, &Attempt::FIRST), 11)
}

fn refusal<T>(said: Result<T, LogonError>, expected: u16) -> Outcome {
    match said {
        Err(LogonError::Ilink3 { source: Refusal::Refused { code, .. }, .. }) => {
            same("the code of the refusal", &code, &expected)
        }
        Err(LogonError::Ilink3 { source, .. }) => {
            Err(Failure::Wrong(format!("it was not refused but: {source}")))
        }
        Err(error) => Err(Failure::not_provoked(error)),
        Ok(_) => Err(Failure::not_provoked("the gateway takes it")),
    }
}
