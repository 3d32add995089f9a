//! `[internal]`: which needs of spreads out of ratio meet inside before a market does
//! (`desk::internal`). Without it none do.
//!
//! Accounts never meet each other: that is the wall (信息隔离). Spreads of two strategies do only
//! with `across_strategies`.

use super::access::Refused;
use super::error::{Problem, Report, Rule};
use super::names::Registry;
use super::section::{Section, Written};
use super::spread::Spread;
use super::value::{boolean, name};

/// What may meet inside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Internal {
    /// Accounts whose spreads may meet those of the same account.
    pub accounts: Vec<String>,
    /// Of which instruments, by their places.
    pub instruments: Vec<usize>,
    /// Whether spreads of two strategies may.
    pub across_strategies: bool,
}

impl Internal {
    /// Whether a leg of a spread may.
    #[must_use]
    pub fn has(&self, spread: &Spread, leg: usize) -> bool {
        let leg = spread.legs.get(leg).filter(|leg| leg.is_traded);
        spread.repair.is_some()
            && self.accounts.contains(&spread.account.value)
            && leg.is_some_and(|leg| self.instruments.contains(&leg.instrument.value))
    }

    /// Whether two spreads could meet in an instrument.
    fn joins(&self, one: &Spread, other: &Spread, instrument: usize) -> bool {
        let trades = |spread: &Spread| {
            (0..spread.legs.len())
                .any(|leg| self.has(spread, leg) && spread.legs[leg].instrument.value == instrument)
        };
        one.name.value != other.name.value
            && one.account.value == other.account.value
            && (self.across_strategies || one.strategy == other.strategy)
            && trades(one)
            && trades(other)
    }
}

/// Reads the section, if there is one.
pub(super) fn internal(
    section: Option<Section<'_>>,
    names: &Registry,
    spreads: &[Option<Spread>],
    report: &Report,
) -> Result<Option<Internal>, Refused> {
    let Some(section) = section else { return Ok(None) };
    let title = section.place().clone();
    let accounts = section.list("accounts", name);
    let instruments = section.list("instruments", name);
    let across = section.optional("across_strategies", boolean);
    let Some((accounts, instruments, across)) = section.finish((accounts, instruments, across))
    else {
        return Err(Refused);
    };
    let mut internal = Internal {
        accounts: accounts.iter().map(|account| account.value.clone()).collect(),
        instruments: Vec::new(),
        across_strategies: across.is_some_and(|across| across.value),
    };
    let spreads: Vec<&Spread> = spreads.iter().flatten().collect();
    let mut problems = Vec::new();
    for (at, account) in accounts.iter().enumerate() {
        let is_known = spreads.iter().any(|spread| spread.account.value == account.value);
        let is_twice = accounts[..at].iter().any(|other| other.value == account.value);
        if !is_known || is_twice {
            problems.push(of_account(account, is_twice));
        }
    }
    for (at, written) in instruments.iter().enumerate() {
        let is_twice = instruments[..at].iter().any(|other| other.value == written.value);
        match names.instruments.position(&written.value).filter(|_| !is_twice) {
            Some(place) => internal.instruments.push(place),
            None => problems.push(of_instrument(written, is_twice)),
        }
    }
    let is_empty = accounts.is_empty() || instruments.is_empty();
    if is_empty {
        let message = "[internal] names no accounts or no instruments: nothing may meet".to_owned();
        problems.push(
            Problem::new(Rule::InternalPairs, message, title, "this section")
                .help("write accounts = [..] and instruments = [..], or leave the section out"),
        );
    }
    for (place, written) in internal.instruments.iter().zip(&instruments) {
        if !problems.is_empty() {
            break;
        }
        let meets = |(at, one): (usize, &&Spread)| {
            spreads[at + 1..].iter().any(|other| internal.joins(one, other, *place))
        };
        if !spreads.iter().enumerate().any(meets) {
            problems.push(nobody(written));
            break;
        }
    }
    if problems.is_empty() {
        return Ok(Some(internal));
    }
    problems.into_iter().for_each(|problem| report.add(problem));
    Err(Refused)
}

fn of_account(account: &Written<String>, is_twice: bool) -> Problem {
    let (what, label) = if is_twice {
        ("is named twice", "again")
    } else {
        ("is the account of no spread", "of nobody")
    };
    let message = format!("account \"{}\" {what}", account.value);
    Problem::new(Rule::InternalAccounts, message, account.place.clone(), label)
        .help("name each account of [[spread]] whose needs may meet once")
}

fn of_instrument(written: &Written<String>, is_twice: bool) -> Problem {
    let (what, label) = if is_twice {
        ("is named twice", "again")
    } else {
        ("is no [[instrument]]", "not defined")
    };
    let message = format!("\"{}\" {what}", written.value);
    Problem::new(Rule::InternalInstruments, message, written.place.clone(), label)
        .help("name each [[instrument]] once in which needs may meet")
}

fn nobody(written: &Written<String>) -> Problem {
    let message = format!("no two spreads could meet in \"{}\"", written.value);
    Problem::new(Rule::InternalPairs, message, written.place.clone(), "nobody meets here").help(
        "two spreads of one account listed, and of one strategy unless across_strategies = true, \
         trade it and have a [spread.repair] each: or take it out",
    )
}
