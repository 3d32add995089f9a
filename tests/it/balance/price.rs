//! Prices of matches: on the tick, inside the market, favouring nobody; quotes that are refused.

use super::{book_of, contract, edited, number, quotes_of, sample, text};
use cross_market_connect::balance::book::{Fair, PriceKind};
use cross_market_connect::balance::price::{self, NoPrice, on_tick};
use cross_market_connect::balance::quote;
use cross_market_connect::config::Rational;

#[test]
fn halves_go_to_the_even_tick_and_the_rest_to_the_nearest() {
    let (mut up, mut down) = (0, 0);
    // In eighths of a tick of 10, below zero as well.
    for eighths in -400_i128..=400 {
        let price = Rational::new(eighths * 10, 8).expect("a price");
        let tick = number("10");
        let found = on_tick(price, tick).expect("held").floor();
        let candidates = [eighths.div_euclid(8), eighths.div_euclid(8) + 1];
        let distance = |ticks: i128| (ticks * 8 - eighths).abs();
        let expected = match distance(candidates[0]).cmp(&distance(candidates[1])) {
            std::cmp::Ordering::Less => candidates[0],
            std::cmp::Ordering::Greater => candidates[1],
            std::cmp::Ordering::Equal => {
                let even = candidates.into_iter().find(|ticks| ticks % 2 == 0).expect("one is");
                if even == candidates[1] {
                    up += 1
                } else {
                    down += 1
                }
                even
            }
        };
        assert_eq!(found, expected * 10, "{eighths}/8");
    }
    assert_eq!((up, down), (50, 50), "neither side is favoured");
}

/// The sample with another policy.
fn with(price: &str) -> String {
    edited(&text(), &[("price = \"mid\"", &format!("price = \"{price}\""))])
}

#[test]
fn each_policy_says_its_price() {
    let priced = |text: &str| {
        let book = book_of(text);
        let place = contract(&book, "cu2609");
        price::of(&book, &quotes_of(&book), place).expect("reckoned").expect("a price")
    };
    // 88,490 and 88,520: the middle is half a tick, and 8,850 ticks are the even ones.
    let mid = priced(&text());
    assert_eq!((mid.by, mid.said, mid.price), {
        (PriceKind::Mid, number("88505"), number("88500"))
    });
    let last = priced(&with("last"));
    assert_eq!((last.price, last.is_held), (number("88500"), false));
    // The average lies below the bid: nobody sells for less than the market pays.
    let vwap = priced(&with("vwap"));
    assert_eq!((vwap.said, vwap.price), (number("88463.2"), number("88490")));
    assert!(vwap.is_held);
}

#[test]
fn a_fair_basis_follows_its_anchor_through_unit_and_currency() {
    let mut book = book_of(&text());
    let [own, anchor] = ["cu2609", "HGU6"].map(|name| contract(&book, name));
    book.policies[0].price = PriceKind::FairBasis;
    book.policies[0].fair = vec![Fair { contract: own, anchor, basis: number("10230") }];
    let quotes = quotes_of(&book);
    let found = price::of(&book, &quotes, own).expect("reckoned").expect("a price");
    // 5 USD a pound at 7.1, and 1,000 / 0.45359237 pounds in a tonne.
    let pounds = Rational::new(100_000_000_000, 45_359_237).expect("a number");
    let expected = number("35.5").times(pounds).and_then(|price| price.plus(number("10230")));
    assert_eq!(Some(found.said), expected);
    assert_eq!((found.by, found.anchor), (PriceKind::FairBasis, Some(anchor)));
    assert_eq!(found.price, number("88490"), "{:?} on the tick", found.said.show(3));
    // The anchor's own is its middle.
    let found = price::of(&book, &quotes, anchor).expect("reckoned").expect("a price");
    assert_eq!((found.by, found.price), (PriceKind::Mid, number("5")));
}

#[test]
fn quotes_that_are_old_or_absent_price_nothing() {
    let book = book_of(&text());
    let place = contract(&book, "cu2609");
    let why = |quotes: &str| {
        let quotes = quote::of_text("quotes.csv", quotes, &book).expect("quotes");
        price::of(&book, &quotes, place).expect("reckoned").expect_err("no price")
    };
    let head = "contract,time,bid,ask,last,vwap\n";
    assert_eq!(why(head), NoPrice::NoQuote(place));
    let at = |time: &str| format!("{head}cu2609,2026-07-15T{time}+08:00,88490,88520,88500,\n");
    assert_eq!(why(&at("09:58:59.999")), NoPrice::Old(place));
    assert_eq!(why(&at("10:00:00.001")), NoPrice::Later(place));
    let last = book_of(&with("last"));
    let untraded = format!("{head}cu2609,2026-07-15T10:00:00+08:00,88490,88520,,\n");
    let quotes = quote::of_text("quotes.csv", &untraded, &last).expect("quotes");
    let found = price::of(&last, &quotes, place).expect("reckoned");
    assert_eq!(found.expect_err("no price"), NoPrice::NoTrade);
}

#[test]
fn hostile_quotes_are_refused_with_their_line() {
    let book = book_of(&text());
    let good = sample("balance_demo_quotes.csv");
    assert!(quote::of_text("q.csv", &good, &book).is_ok());
    for (find, replace, line, why) in [
        ("contract,time", "time,contract", 1, "the first line is"),
        ("88490,88520", "88520,88490", 2, "the ask of cu2609 is below its bid"),
        ("88490", "88495", 2, "not on the tick"),
        ("88490", "8849", 2, "far from 88500"),
        ("88490", "885000", 2, "far from 88500"),
        ("88490", "nan", 2, "nan"),
        ("88490", "-88490", 2, "far from"),
        ("88490", "8.849e4", 2, "8.849e4"),
        ("88490", "99999999999999999999999999999999", 2, "99999"),
        ("88490", "", 2, "\"\""),
        ("cu2610", "cu2609", 3, "has a line already"),
        ("cu2610", "cu2611", 3, "no contract \"cu2611\""),
        ("T09:59:57+08:00", "T09:59:57", 3, "no time with its offset"),
        (",88418.6", "", 3, "5 cells for 6 columns"),
        (",4.9982", ",4.9982,1", 4, "7 cells for 6 columns"),
    ] {
        let bad = edited(&good, &[(find, replace)]);
        let told = quote::of_text("q.csv", &bad, &book).expect_err(replace).to_string();
        let place = format!("q.csv:{line}: XMC-C178: ");
        assert!(told.starts_with(&place) && told.contains(why), "{replace}: {told}");
    }
    let empty = quote::of_text("q.csv", "", &book).expect_err("empty").to_string();
    assert!(empty.starts_with("q.csv:1: XMC-C178"), "{empty}");
}
