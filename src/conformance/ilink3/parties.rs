//! Party details: registered at the logon, before the first order that names them.

use crate::conformance::book::Fate;
use crate::conformance::case::{Failure, Outcome, must, same};
use crate::conformance::ground::{Ground, Market};
use crate::conformance::rig::{self, Options, Rig};
use crate::engine::logon::LogonError;
use crate::engine::sessions::Attempt;
use crate::venue::cme::ilink3::logon::LogonError as Refusal;
use crate::venue::cme::ilink3::parties::{
    ClearingAccount, ID_IN_USE, OrderSource, PartyDetails, SelfMatchCancels,
};
use crate::venue::cme::simulated::{KnownParties, OrderRules, OrderTrouble, Spot};
use xmc_hotpath::message::{OrderEventKind, Side};

const ID: u64 = 41;

/// Only what is registered is known.
fn strict() -> OrderRules {
    OrderRules { parties: KnownParties::These(None), ..OrderRules::default() }
}

fn details() -> PartyDetails {
    PartyDetails {
        executing_firm: "XMC".to_owned(),
        customer_account: "77001".to_owned(),
        operator: "desk-1".to_owned(),
        customer_type: 2,
        clearing_account: ClearingAccount::Firm,
        order_source: Some(OrderSource::AlgoEngine),
        self_match: Some((9, SelfMatchCancels::Newest)),
    }
}

fn options() -> Options {
    Options { parties: Some((ID, details())), ..Options::default() }
}

/// An order that the gateway takes.
fn taken(rig: &mut Rig<'_>, side: Side, lots: u32) -> Outcome {
    let id = rig.lift(side, lots)?;
    rig.until_fate(id, Fate::Over)?;
    same("orders refused", &rig.book.count(OrderEventKind::Rejected), &0)?;
    rig.agree()
}

pub fn parties_are_registered_before_the_first_order(ground: &Ground<'_>) -> Outcome {
    ground.rig(&options(), |rig| {
        rig.until_up()?;
        rig.rules("only what is registered is known", strict())?;
        taken(rig, Side::Buy, 1)?;
        same("messages of ours", &rig.counted()?.messages, &2)?;
        rig.cut()?;
        rig.until_resumed(1)?;
        taken(rig, Side::Buy, 1)?;
        same("messages, none of them a second registration", &rig.counted()?.messages, &3)?;
        rig.script("a week of sessions begins", |venue| venue.begin_week())?;
        rig.until_resumed(2)?;
        taken(rig, Side::Sell, 2)?;
        same("messages, a registration of the new week", &rig.counted()?.messages, &5)
    })
}

/// What a logon is told when its parties are refused.
fn refusal<T>(said: Result<T, LogonError>, expected: u16) -> Outcome {
    let error = match said {
        Err(error) => error,
        Ok(_) => return Err(Failure::Wrong("the gateway takes them".to_owned())),
    };
    let told = error.to_string();
    let LogonError::Ilink3 { source: Refusal::Parties { id, code, .. }, .. } = error else {
        return Err(Failure::Wrong(format!("it was not the parties that were refused: {told}")));
    };
    same("id and code", &(id, code), &(ID, expected))?;
    must(told.contains("`parties`"), format_args!("people are not told what to do: {told}"))
}

pub fn parties_that_are_refused_are_left_to_people(ground: &Ground<'_>) -> Outcome {
    let mut place = ground.open(Market::default())?;
    let secret = place.secret().map_err(Failure::not_provoked)?;
    let session = place.config.gateways[place.row].session.as_mut();
    let session = session.ok_or_else(|| Failure::not_provoked("no gateway has a session"))?;
    (session.party_details_id, session.parties) = (ID, Some(details()));
    rig::attempt(&place, &secret, &Attempt::FIRST)
        .map_err(|error| Failure::Wrong(error.to_string()))?;
    place.tape.step("the same set is registered again, by a session that comes after");
    rig::attempt(&place, &secret, &Attempt::FIRST)
        .map_err(|error| Failure::Wrong(error.to_string()))?;
    place.tape.step("another set is registered under the same id");
    let session = place.config.gateways[place.row].session.as_mut();
    let other = PartyDetails { customer_account: "77002".to_owned(), ..details() };
    session.ok_or_else(|| Failure::not_provoked("it was there"))?.parties = Some(other);
    refusal(rig::attempt(&place, &secret, &Attempt::FIRST), ID_IN_USE)?;
    place.session(&options(), |rig| {
        rig.until_up()?;
        rig.step("a new session finds the id in use: by this run");
        rig.fault(&[
            (Spot::Establish, 1, OrderTrouble::End(2)),
            (Spot::Request, 1, OrderTrouble::Refused(ID_IN_USE)),
        ])?;
        rig.cut()?;
        rig.until_resumed(1)?;
        rig.rules("only what is registered is known", strict())?;
        taken(rig, Side::Buy, 1)?;
        rig.step("a new session's parties are refused for good");
        rig.fault(&[
            (Spot::Establish, 1, OrderTrouble::End(2)),
            (Spot::Request, 1, OrderTrouble::Refused(111)),
        ])?;
        rig.cut()?;
        let told = rig.until_stopped()?.last_error.unwrap_or_default();
        must(told.contains("code 111"), format_args!("people are told {told:?}"))
    })
}
