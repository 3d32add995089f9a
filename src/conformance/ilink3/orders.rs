//! Orders on a session that stands: refused, filled, taken back, cancelled unasked.

use crate::conformance::book::Fate;
use crate::conformance::case::{Outcome, must, same};
use crate::conformance::ground::{Ground, Market};
use crate::conformance::rig::{Options, Rig};
use crate::sim::exchange::{Phase, SelfMatch};
use crate::venue::cme::ilink3::refused;
use crate::venue::cme::simulated::{
    Amendment, KnownParties, MessageLimit, OrderRules, OrderTrouble, Spot,
};
use xmc_hotpath::message::{OrderEventKind, SessionState, Side, TimeInForce};
use xmc_hotpath::time::Span;

pub fn too_many_messages(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        let orders = MessageLimit { refused_above: 3, ended_above: 6 };
        let rules = OrderRules { orders, ..OrderRules::default() };
        rig.rules("three messages in three seconds are taken, six are borne", rules)?;
        for _ in 0..5 {
            rig.lift(Side::Buy, 1)?;
        }
        rig.agree()?;
        same("orders refused", &rig.book.count(OrderEventKind::Rejected), &2)?;
        for _ in 0..3 {
            rig.lift(Side::Buy, 1)?;
        }
        let figures = rig.until_stopped()?;
        same("why it was lost", &figures.last_lost, &Some("terminated"))?;
        same("messages that were too many", &rig.counted()?.throttled, &4)
    })
}

pub fn the_cancels_of_a_lost_connection(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        let cancel_after = Span(400_000_000);
        let rules = OrderRules { cancel_after, ..OrderRules::default() };
        rig.rules("orders of a lost connection are cancelled 400 ms later", rules)?;
        let resting = [rig.rest()?, rig.rest()?, rig.rest()?, rig.rest()?];
        resting.iter().try_for_each(|id| rig.until_fate(*id, Fate::Working))?;
        rig.cut()?;
        rig.until_resumed(1)?;
        resting.iter().try_for_each(|id| rig.until_fate(*id, Fate::Over))?;
        same("cancels heard", &rig.book.count(OrderEventKind::Cancelled), &4)?;
        rig.agree()
    })
}

/// The connection is lost while a cancel of ours is under way: the exchange's comes first, ours
/// finds nothing, or never arrives. Whatever it is, the order ends once.
pub fn a_cancel_that_meets_the_exchanges_own(ground: &Ground<'_>) -> Outcome {
    [0, 30_000_000].into_iter().try_for_each(|ns| {
        ground.with(|rig| {
            let rules = OrderRules { cancel_after: Span(ns), ..OrderRules::default() };
            rig.rules("orders of a lost connection are cancelled at once, or soon", rules)?;
            let resting = [rig.rest()?, rig.rest()?, rig.rest()?];
            resting.iter().try_for_each(|id| rig.until_fate(*id, Fate::Working))?;
            rig.fault(&[(Spot::Request, 2, OrderTrouble::Drop)])?;
            resting.iter().try_for_each(|id| rig.cancel(*id))?;
            rig.until_resumed(1)?;
            resting.iter().try_for_each(|id| rig.until_fate(*id, Fate::Over))?;
            same("cancels heard", &rig.book.count(OrderEventKind::Cancelled), &3)?;
            rig.agree()
        })
    })
}

pub fn an_order_that_is_filled_while_it_is_cancelled(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        for _ in 0..10 {
            let id = rig.lift(Side::Buy, 1)?;
            rig.cancel(id)?;
            rig.agree()?;
            same("the order", &rig.fate(id), &Fate::Over)?;
        }
        let refused = rig.book.count(OrderEventKind::CancelRejected);
        must(refused > 0, "no cancel came too late")?;
        must(rig.book.count(OrderEventKind::Filled) > 0, "nothing was filled")
    })
}

pub fn an_order_that_is_changed_and_cancelled(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        let id = rig.rest()?;
        rig.until_fate(id, Fate::Working)?;
        let price_e9 = rig.book.orders[&id].command.price_e9 - rig.tick_e9()?;
        rig.replace(id, price_e9)?;
        rig.until("the change", |rig| rig.book.count(OrderEventKind::Replaced) == 1)?;
        rig.agree()?;
        rig.cancel(id)?;
        rig.until_fate(id, Fate::Over)?;
        rig.replace(id, price_e9)?;
        rig.until("a refusal", |rig| rig.book.count(OrderEventKind::ReplaceRejected) == 1)?;
        rig.agree()
    })
}

pub fn an_order_in_parts(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        let (ask, tick) = (rig.best(Side::Sell)?, rig.tick_e9()?);
        let id = rig.send(Side::Buy, ask + 20 * tick, 60, TimeInForce::FillAndKill)?;
        rig.until_fate(id, Fate::Over)?;
        rig.agree()?;
        let fills = rig.book.count(OrderEventKind::Filled);
        must(fills > 1, format_args!("{fills} executions, expected several"))?;
        let whole = rig.send(Side::Buy, ask, 10_000, TimeInForce::FillOrKill)?;
        rig.until_fate(whole, Fate::Over)?;
        rig.agree()?;
        same("lots of an order that is filled whole or not", &rig.book.orders[&whole].filled, &0)
    })
}

/// Takes back or corrects the last fill, and has it said again; what the desk is told.
fn amended(rig: &mut Rig<'_>, what: Amendment, kind: OrderEventKind) -> Outcome {
    let id = rig.lift(Side::Buy, 2)?;
    rig.until_fate(id, Fate::Over)?;
    rig.agree()?;
    let fill = rig.book.events.iter().rev().find(|event| event.kind == OrderEventKind::Filled);
    let fill =
        *fill.ok_or_else(|| crate::conformance::Failure::not_provoked("nothing was filled"))?;
    let before = rig.book.count(kind);
    // Said once, heard twice: the first time it is lost on the way and is asked for.
    rig.fault(&[(Spot::Report, 1, OrderTrouble::Lost)])?;
    rig.script(&format!("the exchange amends the last fill: {what:?}"), |venue| {
        venue.with(move |shell, now| shell.venue_mut().amend_last_fill(now, what));
    })?;
    rig.lift(Side::Buy, 1)?;
    rig.until("word of it", |rig| rig.book.count(kind) == before + 1)?;
    let told = rig.book.events.iter().rev().find(|event| event.kind == kind);
    let told = told.map(|event| (event.order_id.0, event.qty_lots, event.side));
    same("order, lots and side of it", &told, &Some((id, fill.qty_lots, Side::Buy)))?;
    rig.agree()
}

pub fn a_fill_that_is_taken_back(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        amended(rig, Amendment::Cancelled, OrderEventKind::Busted)?;
        let busted: u32 = rig.book.orders.values().map(|row| row.busted).sum();
        must(busted > 0, "the order store still counts the fill")
    })
}

pub fn a_fill_that_is_corrected(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        let by_e9 = rig.tick_e9()?;
        amended(rig, Amendment::Corrected { by_e9 }, OrderEventKind::Corrected)?;
        let fills = rig.book.events.iter().rev();
        let mut of = fills.filter(|event| event.kind == OrderEventKind::Corrected);
        let corrected = of.next().map(|event| event.price_e9);
        let filled = rig.book.events.iter().rev().filter(|event| {
            event.kind == OrderEventKind::Filled
                && corrected.is_some_and(|price| event.price_e9 + by_e9 == price)
        });
        must(filled.count() > 0, "the new price is not the fill's, a tick higher")
    })
}

/// Why an order is gone that nobody has cancelled: tag 378, by CME's page of 534.
const UNASKED: [(u8, &str); 6] = [
    (104, "the exchange's credit controls"),
    (105, "an operator of the exchange"),
    (106, "the kill switch or the risk management interface"),
    (110, "the end of the contract"),
    (100, "a connection that was lost"),
    (111, "the exchange's system"),
];

pub fn a_cancel_that_nobody_asked_for(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        for (code, words) in UNASKED {
            let resting = [rig.rest()?, rig.rest()?];
            resting.iter().try_for_each(|id| rig.until_fate(*id, Fate::Working))?;
            rig.script(&format!("all orders are cancelled by {words} ({code})"), |venue| {
                venue.with(move |shell, now| shell.venue_mut().cancel_unasked(now, code));
            })?;
            resting.iter().try_for_each(|id| rig.until_fate(*id, Fate::Over))?;
            let told = rig.book.events.last().map(|event| (event.kind, event.reason));
            let expected = Some((OrderEventKind::Cancelled, u32::from(code)));
            same("what was told, and why", &told, &expected)?;
            rig.agree()?;
        }
        same("the session", &rig.state(), &Some(SessionState::Up))
    })
}

pub fn an_order_behind_the_kill_switch(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        const KILL_SWITCH: u16 = 102;
        rig.fault(&[(Spot::Request, 1, OrderTrouble::Refused(KILL_SWITCH))])?;
        let id = rig.lift(Side::Buy, 1)?;
        rig.until_fate(id, Fate::Over)?;
        let told = rig.book.events.last().map(|event| (event.kind, event.reason));
        let expected = Some((OrderEventKind::Rejected, u32::from(KILL_SWITCH)));
        same("what was told, and why", &told, &expected)?;
        let meaning = refused::meaning(refused::BUSINESS, KILL_SWITCH);
        must(meaning.words.contains("kill switch"), "the code has other words")?;
        rig.agree()
    })
}

/// Two orders of one account that meet; what becomes of the one that rests and of the one that
/// comes.
fn meet(
    ground: &Ground<'_>,
    rule: SelfMatch,
    look: fn(&mut Rig<'_>, [u64; 2]) -> Outcome,
) -> Outcome {
    let place = ground.open(Market { self_match: Some(rule), is_quiet: true })?;
    place.session(&Options::default(), |rig| {
        rig.until_up()?;
        let price_e9 = rig.open_quiet()?;
        let resting = rig.send(Side::Buy, price_e9, 1, TimeInForce::Day)?;
        rig.until_fate(resting, Fate::Working)?;
        rig.step(&format!("one of the same account meets it; the exchange's rule: {rule:?}"));
        let coming = rig.send(Side::Sell, price_e9, 1, TimeInForce::Day)?;
        rig.until("an answer", |rig| rig.fate(coming) != Fate::Sent)?;
        look(rig, [resting, coming])?;
        rig.agree()
    })
}

/// The reason that came with the end of an order.
fn reason(rig: &Rig<'_>, id: u64) -> Option<(OrderEventKind, u32)> {
    let mut news = rig.book.events.iter().rev().filter(|event| event.order_id.0 == id);
    news.next().map(|event| (event.kind, event.reason))
}

pub fn the_older_of_two_own_orders_is_cancelled(ground: &Ground<'_>) -> Outcome {
    meet(ground, SelfMatch::CancelResting, |rig, [resting, coming]| {
        rig.until_fate(resting, Fate::Over)?;
        let told = reason(rig, resting);
        same("what is told of the older", &told, &Some((OrderEventKind::Cancelled, 103)))?;
        same("the newer", &rig.fate(coming), &Fate::Working)
    })
}

pub fn the_newer_of_two_own_orders_is_cancelled(ground: &Ground<'_>) -> Outcome {
    meet(ground, SelfMatch::CancelIncoming, |rig, [resting, coming]| {
        rig.until_fate(coming, Fate::Over)?;
        let told = reason(rig, coming);
        same("what is told of the newer", &told, &Some((OrderEventKind::Cancelled, 107)))?;
        same("the older", &rig.fate(resting), &Fate::Working)
    })
}

pub fn an_order_that_would_meet_an_own_is_rejected(ground: &Ground<'_>) -> Outcome {
    meet(ground, SelfMatch::RejectIncoming, |rig, [resting, coming]| {
        rig.until_fate(coming, Fate::Over)?;
        let told = reason(rig, coming);
        same("what is told of the newer", &told, &Some((OrderEventKind::Rejected, 7_000)))?;
        same("the older", &rig.fate(resting), &Fate::Working)
    })
}

pub fn an_id_that_is_not_registered(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        const UNKNOWN_ID: u16 = 1;
        let own = rig.config.gateways.iter().find_map(|gateway| gateway.session.as_ref());
        let own = own.map_or(0, |session| session.party_details_id);
        let known =
            |id| OrderRules { parties: KnownParties::These(Some(id)), ..OrderRules::default() };
        let rules = known(own.wrapping_add(1));
        rig.rules("another party details id is registered than the engine's", rules)?;
        let (resting, taking) = (rig.rest()?, rig.lift(Side::Buy, 1)?);
        for id in [resting, taking] {
            rig.until_fate(id, Fate::Over)?;
            let expected = Some((OrderEventKind::Rejected, u32::from(UNKNOWN_ID)));
            same("what is told of the order", &reason(rig, id), &expected)?;
        }
        rig.agree()?;
        rig.rules("the engine's id is registered", known(own))?;
        let id = rig.rest()?;
        rig.until_fate(id, Fate::Working)?;
        // A cancel carries it as well.
        rig.rules("and is not any more", rules)?;
        rig.cancel(id)?;
        rig.until("a refusal", |rig| rig.book.count(OrderEventKind::CancelRejected) == 1)?;
        same("the order", &rig.fate(id), &Fate::Working)?;
        rig.agree()?;
        same("sessions lost", &rig.figures().lost, &0)
    })
}

pub fn orders_outside_the_open_market(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        let (bid, tick, listing) = (rig.best(Side::Buy)?, rig.tick_e9()?, rig.listing()?);
        for phase in [Phase::Halted, Phase::Closed] {
            rig.script(&format!("the market is {phase:?}"), |venue| {
                venue.set_phase(Some(listing), phase);
            })?;
            let before = rig.book.count(OrderEventKind::Rejected);
            let id = rig.send(Side::Buy, bid, 1, TimeInForce::Day)?;
            rig.until_fate(id, Fate::Over)?;
            same("refusals", &rig.book.count(OrderEventKind::Rejected), &(before + 1))?;
        }
        rig.script("the market is open", |venue| venue.set_phase(Some(listing), Phase::Open))?;
        let id = rig.send(Side::Buy, bid - 20 * tick, 1, TimeInForce::Day)?;
        rig.until_fate(id, Fate::Working)?;
        rig.agree()
    })
}

pub fn the_ledger_says_what_the_news_said(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        let mut resting = Vec::new();
        for round in 0..60 {
            let side = if round % 3 == 0 { Side::Sell } else { Side::Buy };
            rig.lift(side, 1 + round % 4)?;
            if round % 5 == 0 {
                resting.push(rig.rest()?);
            }
            if round % 7 == 6 {
                let id = resting.swap_remove(0);
                rig.until("the order in the book", |rig| rig.fate(id) != Fate::Sent)?;
                rig.cancel(id)?;
            }
            rig.follow(2)?;
        }
        rig.agree()?;
        same("what the session was", &rig.book.states, &vec![SessionState::Up])?;
        let fills = rig.book.count(OrderEventKind::Filled);
        must(fills > 10, format_args!("{fills} executions, expected more than 10"))
    })
}

/// Over two lost connections, and with reports that come twice.
pub fn the_ledger_says_so_after_lost_connections(ground: &Ground<'_>) -> Outcome {
    ground.with(|rig| {
        for round in 1..=2 {
            rig.fault(&[
                (Spot::Report, 2, OrderTrouble::Lost),
                (Spot::Report, 5, OrderTrouble::Lost),
            ])?;
            for lots in 1..=4 {
                rig.lift(if round == 1 { Side::Buy } else { Side::Sell }, lots)?;
            }
            rig.rest()?;
            rig.follow(20)?;
            rig.cut()?;
            rig.until_resumed(round)?;
            let unknown = rig.agree_but_unknown()?;
            must(unknown == 0, format_args!("nobody can tell of {unknown} orders"))?;
        }
        let fills = rig.book.count(OrderEventKind::Filled);
        must(fills >= 8, format_args!("{fills} executions, expected 8 or more"))
    })
}
