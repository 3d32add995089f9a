//! Logons at a counter, and orders of the account that is logged on.

use crate::conformance::book::Fate;
use crate::conformance::case::{Failure, Outcome, must, same};
use crate::conformance::ground::{Ground, Market};
use crate::conformance::rig::{self, Options};
use crate::engine::logon::LogonError;
use crate::secret::Secret;
use crate::sim::exchange::Phase;
use crate::venue::esunny::dstar::logon::LogonError as Refusal;
use xmc_hotpath::message::{OrderEventKind, SessionState, Side, TimeInForce};

pub fn an_account_is_logged_on(ground: &Ground<'_>) -> Outcome {
    ground.with(|_| Ok(()))
}

pub fn a_wrong_password_is_refused(ground: &Ground<'_>) -> Outcome {
    let place = ground.open(Market::default())?;
    place.tape.step("the engine logs on once, with a password that is not the account's");
    match rig::grant(&place, &Secret::new("not-the-password")) {
        Err(LogonError::Dstar { source: Refusal::Refused(code), .. }) => {
            must(code != 0, "it was refused without a code")
        }
        Err(LogonError::Dstar { source, .. }) => {
            Err(Failure::Wrong(format!("it was not refused but: {source}")))
        }
        Err(error) => Err(Failure::not_provoked(error)),
        Ok(_) => Err(Failure::not_provoked("the counter takes it")),
    }
}

pub fn a_lost_connection_is_told(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        rig.hang_up();
        rig.until("word of it", |rig| rig.state() == Some(SessionState::Down))?;
        let id = rig.rest()?;
        rig.until_fate(id, Fate::NotSent)
    })
}

pub fn another_logon_is_told_again(ground: &Ground<'_>) -> Outcome {
    let place = ground.open(Market::default())?;
    let before = place.session(&Options::default(), |rig| {
        rig.until_up()?;
        let id = rig.rest()?;
        rig.until_fate(id, Fate::Working)?;
        rig.hang_up();
        rig.until("word of it", |rig| rig.state() == Some(SessionState::Down))?;
        Ok(id)
    })?;
    let options = Options { numbers_after: 1_000, ..Options::default() };
    place.session(&options, |rig| {
        rig.until_up()?;
        rig.until("news of the order", |rig| {
            let mut news = rig.book.events.iter();
            news.any(|event| event.order_id.0 == before)
        })
    })
}

pub fn a_request_that_is_lost(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        let before = rig.rest()?;
        rig.until_fate(before, Fate::Working)?;
        rig.lose(1);
        let lost = rig.rest()?;
        rig.until_fate(lost, Fate::Unknown)?;
        let after = rig.rest()?;
        rig.until_fate(after, Fate::Working)?;
        for id in [before, after] {
            rig.cancel(id)?;
            rig.until_fate(id, Fate::Over)?;
        }
        let unknown = rig.agree_but_unknown()?;
        same("orders of which nobody can tell", &unknown, &1)?;
        // Sent once, it was lost; sent again, it would be in the book by now.
        same("the lost order", &rig.fate(lost), &Fate::Unknown)
    })
}

pub fn an_order_rests_and_is_cancelled(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        let id = rig.rest()?;
        rig.until_fate(id, Fate::Working)?;
        rig.cancel(id)?;
        rig.until_fate(id, Fate::Over)?;
        rig.agree()?;
        // A cancel that fails is told as the order's state, unchanged, with an error.
        let before = rig.book.events.len();
        rig.cancel(id)?;
        rig.until("an answer to the second cancel", |rig| rig.book.events.len() > before)?;
        same("the order", &rig.fate(id), &Fate::Over)?;
        rig.agree()
    })
}

pub fn an_order_in_parts(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        let (ask, tick) = (rig.best(Side::Sell)?, rig.tick_e9()?);
        let id = rig.send(Side::Buy, ask + 30 * tick, 500, TimeInForce::FillAndKill)?;
        rig.until_fate(id, Fate::Over)?;
        rig.agree()?;
        let fills = rig.book.count(OrderEventKind::Filled);
        must(fills > 1, format_args!("{fills} executions, expected several"))
    })
}

pub fn an_order_that_would_meet_an_own_is_rejected(ground: &Ground<'_>) -> Outcome {
    let place = ground.open(Market { is_quiet: true, ..Market::default() })?;
    place.session(&Options::default(), |rig| {
        rig.until_up()?;
        let price_e9 = rig.open_quiet()?;
        let resting = rig.send(Side::Buy, price_e9, 1, TimeInForce::Day)?;
        rig.until_fate(resting, Fate::Working)?;
        rig.step("one of the same account would meet it");
        let coming = rig.send(Side::Sell, price_e9, 1, TimeInForce::Day)?;
        rig.until_fate(coming, Fate::Over)?;
        same("refusals", &rig.book.count(OrderEventKind::Rejected), &1)?;
        same("the older", &rig.fate(resting), &Fate::Working)?;
        rig.agree()
    })
}

pub fn orders_outside_the_open_market(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        let (bid, listing) = (rig.best(Side::Buy)?, rig.listing()?);
        for phase in [Phase::Halted, Phase::Closed] {
            rig.step(&format!("the market is {phase:?}"));
            rig.shfe()?.set_phase(Some(listing), phase);
            let before = rig.book.count(OrderEventKind::Rejected);
            let id = rig.send(Side::Buy, bid, 1, TimeInForce::Day)?;
            rig.until_fate(id, Fate::Over)?;
            same("refusals", &rig.book.count(OrderEventKind::Rejected), &(before + 1))?;
        }
        rig.step("the market is open");
        rig.shfe()?.set_phase(Some(listing), Phase::Open);
        let id = rig.rest()?;
        rig.until_fate(id, Fate::Working)?;
        rig.agree()
    })
}

pub fn the_ledger_says_what_the_news_said(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        let mut resting = Vec::new();
        for round in 0..30 {
            rig.lift(Side::Buy, 1 + round % 4)?;
            if round % 5 == 0 {
                resting.push(rig.rest()?);
            }
            if round % 7 == 6 {
                let id = resting.swap_remove(0);
                rig.until("the order in the book", |rig| rig.fate(id) != Fate::Sent)?;
                rig.cancel(id)?;
            }
            rig.follow(20)?;
        }
        rig.agree()?;
        let fills = rig.book.count(OrderEventKind::Filled);
        must(fills > 10, format_args!("{fills} executions, expected more than 10"))
    })
}
