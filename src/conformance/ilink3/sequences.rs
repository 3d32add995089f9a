//! Numbers: what is missing on either side, and what is not ours.

use crate::conformance::book::Fate;
use crate::conformance::case::{Failure, Outcome, must, same};
use crate::conformance::ground::Ground;
use crate::conformance::rig::{Options, PATIENCE};
use crate::venue::cme::simulated::shell as cme;
use crate::venue::cme::simulated::{OrderFaults, OrderRate, OrderRules, OrderTrouble, Spot};
use crate::venue::simulated::ACCOUNT;
use std::time::Instant;
use xmc_hotpath::message::{OrderEventKind, SessionState, Side, TimeInForce};
use xmc_hotpath::time::Span;

/// Reports that are not said, the first ones from now on.
fn lost(count: u64) -> Vec<(Spot, u64, OrderTrouble)> {
    (1..=count).map(|nth| (Spot::Report, nth, OrderTrouble::Lost)).collect()
}

pub fn a_message_of_another_session(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        rig.fault(&[(Spot::Report, 1, OrderTrouble::Stranger)])?;
        rig.lift(Side::Buy, 1)?;
        rig.until_resumed(1)?;
        same("why it was lost", &rig.figures().last_lost, &Some("stranger"))?;
        rig.agree()
    })
}

pub fn a_number_that_was_used_before(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        rig.lift(Side::Buy, 1)?;
        rig.agree()?;
        rig.fault(&[(Spot::Report, 1, OrderTrouble::Renumbered(-1))])?;
        rig.lift(Side::Buy, 1)?;
        let figures = rig.until_stopped()?;
        let seen = (figures.last_lost, figures.resumed);
        same("why it was lost, and sessions after it", &seen, &(Some("seq_no"), 0))
    })
}

pub fn bytes_that_are_no_message(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        rig.fault(&[(Spot::Report, 2, OrderTrouble::Garbage)])?;
        rig.lift(Side::Buy, 1)?;
        rig.lift(Side::Buy, 1)?;
        rig.until_resumed(1)?;
        same("why it was lost", &rig.figures().last_lost, &Some("framing"))?;
        rig.agree()
    })
}

pub fn orders_that_never_arrived(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        rig.fault(&[
            (Spot::Request, 2, OrderTrouble::Lost),
            (Spot::Request, 3, OrderTrouble::Lost),
        ])?;
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.push(rig.lift(Side::Buy, 1)?);
        }
        rig.agree()?;
        let fates = ids.iter().map(|id| rig.fate(*id)).collect::<Vec<_>>();
        let expected = [Fate::Over, Fate::NotSent, Fate::NotSent, Fate::Over, Fate::Over];
        same("fates of the five orders", &fates, &expected.to_vec())?;
        // And nothing of it was sent again.
        same("messages that the gateway took", &rig.counted()?.messages, &3)
    })
}

pub fn an_end_in_order(ground: &Ground<'_>) -> Outcome {
    [0, 20].into_iter().try_for_each(|code| {
        ground.with(|rig| {
            rig.fault(&[(Spot::Report, 1, OrderTrouble::End(code))])?;
            rig.lift(Side::Buy, 1)?;
            rig.until_resumed(1)?;
            rig.agree()
        })
    })
}

pub fn a_session_that_falls_silent(ground: &Ground<'_>) -> Outcome {
    let options = Options { keep_alive_ms: Some(1_000), ..Options::default() };
    ground.rig(&options, |rig| {
        rig.until_up()?;
        rig.fault(&[(Spot::Report, 1, OrderTrouble::Silence(Span(3_500_000_000)))])?;
        for _ in 0..5 {
            rig.lift(Side::Buy, 1)?;
        }
        rig.until("the end of a silent session", |rig| rig.figures().lost > 0)?;
        rig.until_resumed(1)?;
        rig.agree()
    })
}

pub fn a_new_session_asks_the_last_one(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        let mut faults = lost(2);
        faults.push((Spot::Report, 3, OrderTrouble::Drop));
        faults.push((Spot::Establish, 1, OrderTrouble::End(2)));
        rig.fault(&faults)?;
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(rig.lift(Side::Buy, 1)?);
        }
        rig.until_resumed(1)?;
        // What was sent when the connection was lost may be nowhere, and no session tells of it.
        let unknown = rig.agree_but_unknown()?;
        must(unknown <= 1, format_args!("nobody can tell of {unknown} orders"))?;
        same("fates of the first two", &[0, 1].map(|row| rig.fate(ids[row])), &[Fate::Over; 2])?;
        let resent = rig.counted()?.resent;
        must(resent >= 3, format_args!("{resent} messages were sent again, expected 3 or more"))
    })
}

pub fn missing_reports_are_asked_for(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        rig.fault(&lost(1))?;
        let first = rig.lift(Side::Buy, 1)?;
        rig.lift(Side::Buy, 1)?;
        rig.agree()?;
        same("the first order", &rig.fate(first), &Fate::Over)?;
        let is_told = rig.book.states.contains(&SessionState::Gapped);
        must(is_told, "the desk was not told of the gap")?;
        let seen = (rig.figures().lost, rig.counted()?.resent);
        same("sessions lost, and messages sent again", &seen, &(0, 1))
    })
}

pub fn what_is_missing_in_a_retransmission(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        let mut faults = lost(4);
        faults.push((Spot::Resent, 2, OrderTrouble::Lost));
        rig.fault(&faults)?;
        for _ in 0..4 {
            rig.lift(Side::Buy, 1)?;
        }
        rig.agree()?;
        same("sessions lost", &rig.figures().lost, &0)
    })
}

pub fn live_messages_come_between(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        let (resent_at_once, resend_pause) = (1, Span(20_000_000));
        let rules = OrderRules { resent_at_once, resend_pause, ..OrderRules::default() };
        rig.rules("the gateway sends one message again every 20 ms", rules)?;
        rig.fault(&lost(6))?;
        for _ in 0..4 {
            rig.lift(Side::Buy, 1)?;
        }
        for _ in 0..20 {
            rig.follow(5)?;
            rig.lift(Side::Sell, 1)?;
        }
        rig.agree()?;
        same("sessions lost", &rig.figures().lost, &0)
    })
}

pub fn a_sequence_that_is_ahead(ground: &Ground<'_>) -> Outcome {
    let options = Options { keep_alive_ms: Some(1_500), ..Options::default() };
    ground.rig(&options, |rig| {
        rig.until_up()?;
        // Accepted and filled: nothing with a number comes after them.
        rig.fault(&lost(2))?;
        let id = rig.lift(Side::Buy, 1)?;
        rig.until_fate(id, Fate::Over)?;
        rig.agree()?;
        let is_told = rig.book.states.contains(&SessionState::Gapped);
        must(is_told, "the desk was not told of the gap")?;
        let seen = (rig.figures().lost, rig.counted()?.resent);
        same("sessions lost, and messages sent again", &seen, &(0, 2))
    })
}

pub fn a_refused_retransmission(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        let mut faults = lost(1);
        faults.push((Spot::RetransmitRequest, 1, OrderTrouble::Refused(3)));
        faults.push((Spot::RetransmitRequest, 2, OrderTrouble::Refused(3)));
        rig.fault(&faults)?;
        rig.lift(Side::Buy, 1)?;
        rig.lift(Side::Buy, 1)?;
        rig.agree()?;
        same("sessions lost", &rig.figures().lost, &0)
    })?;
    // What the exchange will never say again stays missing; the session lives.
    ground.with(|rig| {
        let mut faults = lost(1);
        faults.push((Spot::RetransmitRequest, 1, OrderTrouble::Refused(0)));
        rig.fault(&faults)?;
        rig.lift(Side::Buy, 1)?;
        let second = rig.lift(Side::Buy, 1)?;
        rig.until_fate(second, Fate::Over)?;
        rig.follow(1_000)?;
        let seen = (rig.state(), rig.figures().lost);
        same("the session, and sessions lost", &seen, &(Some(SessionState::Gapped), 0))
    })
}

pub fn what_was_said_to_nobody(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        rig.fault(&lost(3))?;
        let first = rig.lift(Side::Buy, 1)?;
        rig.follow(50)?;
        rig.cut()?;
        rig.until("another session", |rig| rig.figures().resumed >= 1)?;
        rig.agree()?;
        same("the order", &rig.fate(first), &Fate::Over)
    })
}

pub fn a_connection_that_is_lost_within_a_message(ground: &Ground<'_>) -> Outcome {
    [0, 1, 11, 30, 200].into_iter().try_for_each(|bytes| {
        ground.with(|rig| {
            rig.fault(&[(Spot::Report, 2, OrderTrouble::Torn(bytes))])?;
            for _ in 0..3 {
                rig.lift(Side::Buy, 1)?;
            }
            rig.until_resumed(1)?;
            rig.agree()
        })
    })
}

pub fn what_happened_before_the_weeks_first_logon(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        let cancel_after = Span(300_000_000);
        let rules = OrderRules { cancel_after, ..OrderRules::default() };
        rig.rules("orders of a lost connection are cancelled 300 ms later", rules)?;
        let resting = rig.rest()?;
        rig.until_fate(resting, Fate::Working)?;
        // Nobody logs on before the order is cancelled, in a week that has no session yet.
        let faults: Vec<_> =
            (1..=4).map(|nth| (Spot::Establish, nth, OrderTrouble::Drop)).collect();
        rig.fault(&faults)?;
        rig.cut()?;
        rig.script("a week of sessions begins", |venue| venue.begin_week())?;
        rig.until_resumed(1)?;
        rig.until_fate(resting, Fate::Over)?;
        rig.agree()
    })
}

/// The order rests where the crowd sells; nobody logs on before the exchange has filled it.
pub fn what_was_filled_before_the_weeks_first_logon(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        let cancel_after = Span(20_000_000_000);
        let rules = OrderRules { cancel_after, ..OrderRules::default() };
        rig.rules("orders of a lost connection live on for 20 s", rules)?;
        let rate = OrderRate { spot: Spot::Establish, per_mille: 1_000, what: OrderTrouble::Drop };
        let nobody = OrderFaults { rates: vec![rate], ..OrderFaults::default() };
        let price = rig.best(Side::Buy)?;
        rig.script("nobody gets in", |venue| venue.set_order_faults(nobody))?;
        let resting = rig.send(Side::Buy, price, 1, TimeInForce::Day)?;
        rig.until_fate(resting, Fate::Working)?;
        rig.cut()?;
        rig.script("a week of sessions begins", |venue| venue.begin_week())?;
        let since = Instant::now();
        let lives = |running: &cme::Running| {
            running.with(|shell, _| shell.exchange().orders_of(ACCOUNT).count()).unwrap_or(0) > 0
        };
        while lives(rig.cme()?) {
            if since.elapsed() > PATIENCE {
                return Err(Failure::not_provoked("nobody sold to the order that rests"));
            }
            rig.poll()?;
        }
        same("fills that were heard of", &rig.book.count(OrderEventKind::Filled), &0)?;
        rig.script("who comes gets in", |venue| venue.set_order_faults(OrderFaults::default()))?;
        rig.until_resumed(1)?;
        rig.until_fate(resting, Fate::Over)?;
        rig.agree()?;
        same("fills that were heard of", &rig.book.count(OrderEventKind::Filled), &1)
    })
}

pub fn messages_in_pieces_are_read_whole(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        rig.fault(&[(Spot::Report, 1, OrderTrouble::Split(7))])?;
        for _ in 0..5 {
            rig.lift(Side::Buy, 1)?;
        }
        rig.agree()?;
        same("sessions lost", &rig.figures().lost, &0)
    })
}
