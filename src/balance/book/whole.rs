//! The rules that hold between rows of a book.

use super::read::Places;
use super::{Book, PriceKind};
use crate::config::Place;
use crate::config::error::Rule;
use crate::config::section::Section;
use crate::hedge::book::fail;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(head: &Section<'_>, book: &Book, places: &Places) {
    is_once(head, book, places);
    is_held(head, book, places);
    is_target_or_need(head, book, places);
    has_room(head, book, places);
    has_policy(head, book, places);
}

/// Fails at every place whose key was there before.
fn once<K: Ord>(head: &Section<'_>, keys: impl Iterator<Item = K>, places: &[Place], what: &str) {
    let mut known = BTreeSet::new();
    for (key, place) in keys.zip(places) {
        if !known.insert(key) {
            fail(head, Rule::BalanceTwice, place, format!("{what} is written twice"));
        }
    }
}

fn is_once(head: &Section<'_>, book: &Book, places: &Places) {
    let inventories = book.inventories.iter().map(|row| (row.strategy, row.account, row.contract));
    let what = "what a strategy holds of a contract in an account";
    once(head, inventories, &places.inventories, what);
    let product = |contract: usize| book.contracts[contract].of.product;
    let targets = book.targets.iter().map(|row| (row.strategy, row.account, product(row.contract)));
    once(head, targets, &places.targets, "a strategy's target for a product in an account");
    let capacities = book.capacities.iter().map(|row| (row.account, row.product));
    once(head, capacities, &places.capacities, "an account's capacity for a product");
    let policies = book.policies.iter().map(|row| row.product);
    once(head, policies, &places.policies, "a product's policy");
    let between = book.bases.iter().map(|row| {
        let [one, other] = row.between;
        (one.min(other), one.max(other))
    });
    once(head, between, &places.bases, "what the basis between two contracts moves");
    for (policy, place) in book.policies.iter().zip(&places.policies) {
        let fair = policy.fair.iter().map(|row| row.contract);
        let all = vec![place.clone(); policy.fair.len()];
        once(head, fair, &all, "a contract's fair basis");
    }
}

/// Needs close no more than their strategy holds there, all of them together.
fn is_held(head: &Section<'_>, book: &Book, places: &Places) {
    let mut held: BTreeMap<_, i64> = BTreeMap::new();
    for row in &book.inventories {
        held.insert((row.strategy, row.account, row.contract), row.lots);
    }
    for (need, place) in book.needs.iter().zip(&places.needs).filter(|(need, _)| !need.opens) {
        let left = held.entry((need.strategy, need.account, need.contract)).or_default();
        let before = *left;
        *left += need.lots;
        if before.signum() * need.lots.signum() != -1 || need.lots.abs() > before.abs() {
            let message = format!(
                "need \"{}\" closes {} lots of {}, and its strategy has {} left to close there",
                need.name,
                need.lots.abs(),
                book.contracts[need.contract].of.name,
                if before.signum() == -need.lots.signum() { before.abs() } else { 0 }
            );
            fail(head, Rule::BalanceClosing, place, message);
        }
    }
}

fn is_target_or_need(head: &Section<'_>, book: &Book, places: &Places) {
    let product = |contract: usize| book.contracts[contract].of.product;
    let targets: BTreeSet<_> =
        book.targets.iter().map(|row| (row.strategy, row.account, product(row.contract))).collect();
    for (need, place) in book.needs.iter().zip(&places.needs) {
        if targets.contains(&(need.strategy, need.account, product(need.contract))) {
            let message = format!("need \"{}\" is of what a target restores as well", need.name);
            fail(head, Rule::BalanceTarget, place, message);
        }
    }
}

fn has_room(head: &Section<'_>, book: &Book, places: &Places) {
    let capacities: BTreeMap<_, _> =
        book.capacities.iter().map(|row| ((row.account, row.product), row.max_lots)).collect();
    let rows = book.inventories.iter().map(|row| (row.account, row.contract));
    let rows = rows.zip(&places.inventories);
    let needs = book.needs.iter().map(|row| (row.account, row.contract)).zip(&places.needs);
    let targets = book.targets.iter().map(|row| (row.account, row.contract));
    let targets = targets.zip(&places.targets);
    let mut missing = BTreeSet::new();
    for ((account, contract), place) in rows.chain(needs).chain(targets) {
        let product = book.contracts[contract].of.product;
        let key = (account, product);
        let named = [&book.accounts[account].name, &book.products[product].name];
        if !capacities.contains_key(&key) && missing.insert(key) {
            let message = format!(
                "nothing says how many lots of {} the account {} may hold: write [[capacity]]",
                named[1], named[0]
            );
            fail(head, Rule::BalanceCapacity, place, message);
        }
    }
    for (row, place) in book.capacities.iter().zip(&places.capacities) {
        let gross = book.gross(row.account, row.product);
        if gross > row.max_lots {
            let message = format!(
                "{} holds {gross} lots of {}, and may hold {}",
                book.accounts[row.account].name, book.products[row.product].name, row.max_lots
            );
            fail(head, Rule::BalanceCapacity, place, message);
        }
    }
}

/// What is wanted has a policy, and a fair price where the policy is that.
fn has_policy(head: &Section<'_>, book: &Book, places: &Places) {
    let needs = book.needs.iter().map(|row| row.contract).zip(&places.needs);
    let targets = book.targets.iter().map(|row| row.contract).zip(&places.targets);
    let mut told = BTreeSet::new();
    for (contract, place) in needs.chain(targets) {
        let of = &book.contracts[contract].of;
        let Some(policy) = book.policy(contract) else {
            if told.insert((of.product, usize::MAX)) {
                let product = &book.products[of.product].name;
                let message = format!("{product} is wanted, and no [[policy]] says its price");
                fail(head, Rule::BalancePolicy, place, message);
            }
            continue;
        };
        // An anchor is priced by its own middle.
        let is_fair = |row: &super::Fair| row.contract == contract || row.anchor == contract;
        let is_priced = policy.price != PriceKind::FairBasis || policy.fair.iter().any(is_fair);
        if !is_priced && told.insert((of.product, contract)) {
            let message = format!("{} is wanted, and has no [[policy.fair]]", of.name);
            fail(head, Rule::BalancePolicy, place, message);
        }
    }
}
