//! Exposure: each row of the rule table, and random books against a recount.

use super::{Big, book_of, edited, number, sample};
use cross_market_connect::config::Rational;
use cross_market_connect::hedge::book::{Book, load_text};
use cross_market_connect::hedge::exposure::{self, Key};
use cross_market_connect::hedge::{HedgeError, Month};
use fastrand::Rng;
use std::path::Path;

/// The sample's market and clients without anything owned, held or wanted.
pub fn market() -> String {
    let text = sample("hedge_demo.toml");
    let mut kept = String::new();
    let mut is_kept = true;
    for line in text.lines() {
        if line.starts_with('[') {
            let dropped = ["[[position]]", "[[future]]", "[[option]]", "[[policy", "[policy"];
            is_kept = !dropped.iter().any(|head| line.starts_with(head));
        }
        if is_kept {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept.replace("min_position = \"150\"", "min_position = \"0.000001\"")
}

/// A position of copper of the fabricator.
fn copper(kind: &str, pricing: &str, more: &str) -> String {
    format!(
        "{}\n[[position]]\nname = \"p\"\nclient = \"fabricator\"\nproduct = \"copper\"\n\
         kind = \"{kind}\"\nquantity = \"100\"\nunit = \"t\"\npricing = \"{pricing}\"\n\
         currency = \"CNY\"\nmonth = \"2026-09\"\n{more}\n",
        market()
    )
}

const PRICE: &str = "price = \"88000\"\nprice_unit = \"t\"";
const FLOAT: &str = "contract = \"HGU6\"\nbasis = \"0.05\"";
const PART: &str = "priced = \"30\"\nprice = \"39.5\"\nprice_unit = \"lb\"";

fn row(book: &Book) -> exposure::Row {
    let all = exposure::of(book).expect("an exposure");
    exposure::total(&all, 0, 0).expect("a sum")
}

#[test]
fn every_kind_moves_as_the_table_says() {
    let both = format!("{FLOAT}\n{PART}");
    for (kind, pricing, more, moves, open) in [
        ("stock", "fixed", PRICE, Some("100"), "0"),
        ("stock", "floating", FLOAT, Some("0"), "100"),
        ("stock", "floating", &both, Some("30"), "70"),
        ("stock", "unpriced", "", Some("0"), "100"),
        ("bought", "fixed", PRICE, Some("100"), "0"),
        ("bought", "floating", FLOAT, Some("0"), "100"),
        ("bought", "floating", &both, Some("30"), "70"),
        ("bought", "unpriced", "", Some("0"), "100"),
        ("bought", "unpriced", PART, Some("30"), "70"),
        ("sold", "fixed", PRICE, Some("-100"), "0"),
        ("sold", "floating", FLOAT, Some("0"), "-100"),
        ("sold", "floating", &both, Some("-30"), "-70"),
        ("sold", "unpriced", "", Some("0"), "-100"),
        ("need", "fixed", PRICE, None, ""),
        ("need", "floating", FLOAT, None, ""),
        ("need", "unpriced", "", Some("-100"), "0"),
        ("need", "unpriced", PART, None, ""),
        ("output", "fixed", PRICE, None, ""),
        ("output", "floating", FLOAT, None, ""),
        ("output", "unpriced", "", Some("100"), "0"),
    ] {
        let read = load_text(Path::new("hedge.toml"), &copper(kind, pricing, more));
        match (read, moves) {
            (Ok(book), Some(moves)) => {
                let row = row(&book);
                assert_eq!(row.physical, number(moves), "{kind} {pricing} {more}");
                assert_eq!(row.open, number(open), "{kind} {pricing} {more}");
            }
            (Err(invalid), None) => assert!(invalid.to_string().contains("XMC-C152"), "{invalid}"),
            (read, _) => panic!("{kind} {pricing} {more}: {}", read.is_ok()),
        }
    }
}

#[test]
fn a_need_is_closed_by_what_is_bought_at_a_price_and_by_nothing_else() {
    let need = copper("need", "unpriced", "");
    let bought = |pricing: &str, more: &str| {
        let text = copper("bought", pricing, more);
        text[market().len()..].replace("name = \"p\"", "name = \"q\"")
    };
    let fixed = book_of(&(need.clone() + &bought("fixed", PRICE)));
    assert_eq!(row(&fixed).physical, Rational::ZERO);
    let floating = book_of(&(need + &bought("floating", FLOAT)));
    assert_eq!(row(&floating).physical, number("-100"));
}

#[test]
fn a_delivery_over_two_months_is_shared_by_days() {
    let days = "from = 2026-08-20\nuntil = 2026-09-10";
    let days = format!("{days}\nprice");
    let text = edited(&copper("bought", "fixed", PRICE), &[("month = \"2026-09\"\nprice", &days)]);
    let all = exposure::of(&book_of(&text)).expect("an exposure");
    let of = |month: &str| {
        let month = Month::parse(month).expect("a month");
        all[&Key { client: 0, product: 0, month }].physical
    };
    assert!(Big::of(100 * 12, 22).is(of("2026-08")) && Big::of(100 * 10, 22).is(of("2026-09")));
}

#[test]
fn lots_count_by_their_size_and_flag() {
    let lots = |contract: &str, account: &str, side: &str, flag: &str| {
        format!(
            "\n[[future]]\nclient = \"fabricator\"\naccount = \"fabricator_{account}\"\n\
             contract = \"{contract}\"\nside = \"{side}\"\nlots = 7\nflag = \"{flag}\"\n"
        )
    };
    let text = market()
        + &lots("cu2609", "home", "short", "hedge")
        + &lots("HGU6", "abroad", "long", "hedge")
        + &lots("cu2609", "home", "long", "speculate");
    let row = row(&book_of(&text));
    let pounds = Big::of(7 * 25_000, 1).times(&Big::parse("0.00045359237"));
    assert!(pounds.minus(&Big::of(35, 1)).is(row.futures), "{row:?}");
    assert_eq!((row.speculative, row.physical), (number("35"), Rational::ZERO));
}

/// Kilograms in one unit, written otherwise than in the program.
fn kilograms(unit: &str) -> Big {
    match unit {
        "t" => Big::parse("1000"),
        "kg" => Big::parse("1"),
        "lb" => Big::parse("0.45359237"),
        "oz" => Big::parse("0.0311034768"),
        "g" => Big::parse("0.001"),
        other => panic!("{other}"),
    }
}

/// A random position as text, and what of it moves in tonnes.
fn random(rng: &mut Rng, at: usize, client: &str) -> (String, Big) {
    let units = ["t", "kg", "lb", "oz", "g"];
    let unit = units[rng.usize(0..units.len())];
    let quantity = format!("{}.{:03}", rng.u32(10..2_000), rng.u32(0..1_000));
    let part = |rng: &mut Rng| format!("0.{:04}", rng.u32(5_000..10_000));
    let (purity, yields) = (part(rng), part(rng));
    let kind = ["stock", "bought", "sold", "need", "output"][rng.usize(0..5)];
    let is_planned = kind == "need" || kind == "output";
    let pricing =
        if is_planned { "unpriced" } else { ["fixed", "floating", "unpriced"][rng.usize(0..3)] };
    let priced = (!is_planned && pricing != "fixed" && rng.bool())
        .then(|| format!("0.{:03}", rng.u32(1..1_000)));
    let mut more = String::new();
    if pricing == "floating" {
        more.push_str("contract = \"HGU6\"\nbasis = \"-0.0125\"\n");
    }
    if let Some(priced) = &priced {
        more.push_str(&format!("priced = \"{priced}\"\n"));
    }
    if pricing == "fixed" || priced.is_some() {
        more.push_str("price = \"4.9875\"\nprice_unit = \"lb\"\n");
    }
    let text = format!(
        "\n[[position]]\nname = \"p{at}\"\nclient = \"{client}\"\nproduct = \"copper\"\n\
         kind = \"{kind}\"\nquantity = \"{quantity}\"\nunit = \"{unit}\"\npurity = \"{purity}\"\n\
         yield = \"{yields}\"\npricing = \"{pricing}\"\n{more}currency = \"USD\"\n\
         month = \"2026-{:02}\"\n",
        rng.u32(8..=12)
    );
    let moves = match (pricing, &priced, is_planned) {
        ("fixed", ..) | (_, _, true) => Big::parse(&quantity),
        (_, Some(priced), _) => Big::parse(priced),
        _ => Big::zero(),
    };
    let sign = if kind == "sold" || kind == "need" { -1 } else { 1 };
    let tonnes = kilograms(unit).over(&kilograms("t")).times(&Big::of(sign, 1));
    let pure = Big::parse(&purity).times(&Big::parse(&yields));
    (text, moves.times(&tonnes).times(&pure))
}

#[test]
fn random_books_are_what_a_recount_says_and_clients_add_up() {
    let limit = "\n[[client.limit]]\nproduct = \"copper\"\nunit = \"t\"\nmax_lots = 9\n\
                 max_unhedged = \"1000\"\nmax_position = \"5000\"\nmin_position = \"0.000001\"\n";
    let crude = "[[client.limit]]\nproduct = \"crude\"";
    let both = format!("{}\n\n{crude}", limit.trim());
    let market = edited(&market(), &[(crude, &both)]);
    let mut rng = Rng::with_seed(76);
    for _ in 0..300 {
        let (mut text, mut sums) = (market.clone(), [Big::zero(), Big::zero()]);
        for at in 0..rng.usize(1..8) {
            let client = rng.usize(0..2);
            let (position, moves) = random(&mut rng, at, ["fabricator", "importer"][client]);
            text.push_str(&position);
            sums[client] = sums[client].plus(&moves);
        }
        let book = book_of(&text);
        let all = exposure::of(&book).expect("an exposure");
        let mut whole = Rational::ZERO;
        for (client, sum) in sums.iter().enumerate() {
            let total = exposure::total(&all, client, 0).expect("a sum").physical;
            assert!(sum.is(total), "{text}");
            let own = exposure::of(&book.of_client(client)).expect("an exposure");
            assert_eq!(exposure::total(&own, 0, 0).expect("a sum").physical, total);
            whole = whole.plus(total).expect("a sum");
        }
        assert!(sums[0].plus(&sums[1]).is(whole));
    }
}

/// Numbers beyond what can be held end in a refusal that says so.
#[test]
fn what_cannot_be_held_exactly_is_refused() {
    let mut rng = Rng::with_seed(9);
    let mut book = book_of(&copper("stock", "fixed", PRICE));
    let odd = |rng: &mut Rng| Rational::new(1, (i128::from(rng.u64(..)) << 40) | 1).expect("odd");
    book.positions[0].priced = odd(&mut rng);
    let twin = |of: Rational| {
        let mut twin = book.positions[0].clone();
        twin.priced = of;
        twin
    };
    let more: Vec<_> = (0..3).map(|_| twin(odd(&mut rng))).collect();
    book.positions.extend(more);
    assert!(matches!(exposure::of(&book), Err(HedgeError::TooFine(_))));
}
