//! Effect of hedges: an example by hand, identities on random trades, and files that are refused.

use super::{Big, book_of, edited, number, sample};
use cross_market_connect::config::Rational;
use cross_market_connect::hedge::book::Book;
use cross_market_connect::hedge::effect::{self, Effect, Of, Trade, trades};
use cross_market_connect::hedge::regression::RegressionError;
use cross_market_connect::hedge::series::Series;
use fastrand::Rng;

const HEAD: &str = "date,client,account,contract,side,lots,price,expected,fee,why\n";

fn fabricator() -> Book {
    book_of(&sample("hedge_demo.toml")).of_client(0)
}

fn series(text: &str) -> Series {
    Series::of_text("prices.csv", text).expect("a series")
}

fn effect_of(book: &Book, prices: &Series, text: &str) -> Effect {
    let trades = trades("trades.csv", &format!("{HEAD}{text}")).expect("trades");
    effect::of(book, prices, &trades).expect("an effect").remove(0)
}

#[test]
fn a_week_by_hand() {
    let prices = series(
        "date,copper,cu2609,HGU6,USD\n2026-07-06,88000,88100,5,7.1\n\
         2026-07-07,87000,87200,4.9,7.0\n2026-07-08,87500,87600,4.95,7.2\n",
    );
    let text = "2026-07-06,fabricator,fabricator_home,cu2609,sell,100,88080,88100,2202,hedge\n\
                2026-07-07,fabricator,fabricator_abroad,HGU6,sell,2,4.89,4.9,5,roll\n";
    let found = effect_of(&fabricator(), &prices, text);
    // 727.184 t that fell by 500.
    assert_eq!(found.unhedged, number("-363592"));
    // 500 t sold at 88,080 and worth 87,600; 50,000 lb sold at 4.89, marked at 4.9 with 7.0 and at
    // 4.95 with 7.2.
    assert_eq!(
        found.futures,
        number("240000")
            .minus(number("3500"))
            .and_then(|sum| { sum.minus(number("18000")) })
            .expect("a sum")
    );
    assert_eq!(found.fees, number("2237"));
    assert_eq!(found.slippage, number("10000").plus(number("3500")).expect("a sum"));
    assert_eq!(found.rolls, number("3535"));
    assert_eq!(found.basis, number("-145092"));
    assert_eq!(found.hedged, number("-147329"));
    assert!(Big::of(218_500, 363_592).is(found.offset.expect("an offset")));
    assert_eq!(found.line, Err(RegressionError::TooFew { count: 2, least: 10 }));
}

#[test]
fn what_was_sold_before_the_period_is_a_position_that_it_begins_with() {
    let prices = series("date,copper,cu2609\n2026-07-07,87000,87200\n2026-07-08,87500,87600\n");
    let text = "2026-07-06,fabricator,fabricator_home,cu2609,sell,100,88080,88100,2202,hedge\n";
    let found = effect_of(&fabricator(), &prices, text);
    assert_eq!(found.futures, number("-200000"));
    assert_eq!((found.fees, found.slippage, found.trades), (Rational::ZERO, Rational::ZERO, 0));
}

#[test]
fn a_hedge_that_mirrors_the_goods_is_perfect() {
    let mut text = "date,copper,cu2609\n".to_owned();
    let mut day: jiff::civil::Date = "2026-06-01".parse().expect("a day");
    for at in 0..20_i32 {
        let price = 88_000 + (at * at * 37) % 400;
        text.push_str(&format!("{day},{price},{}\n", price + 150));
        day = day.tomorrow().expect("a day");
    }
    let mut book = fabricator();
    book.positions.truncate(1);
    (book.positions[0].quantity, book.positions[0].priced) = (number("500"), number("500"));
    let sold = "2026-06-01,fabricator,fabricator_home,cu2609,sell,100,88150,88150,0,hedge\n";
    let found = effect_of(&book, &series(&text), sold);
    assert_eq!(found.offset, Some(Rational::ONE));
    assert_eq!((found.basis, found.hedged), (Rational::ZERO, Rational::ZERO));
    let line = found.line.expect("a line");
    assert!((line.slope + 1.0).abs() < 1e-12 && line.r_squared > 1.0 - 1e-12, "{line:?}");
}

#[test]
fn a_product_that_was_closed_and_a_currency_have_rows() {
    let mut book = fabricator();
    book.positions.retain(|row| row.currency == "USD");
    book.futures.clear();
    let prices = series(
        "date,sc2609,CUSU6,USD,CNH,copper\n2026-07-06,500,7.1,7.12,1,88000\n\
         2026-07-07,510,7.05,7.06,1.01,88000\n",
    );
    let text = "2026-07-06,fabricator,fabricator_home,sc2609,buy,3,501,500,60,hedge\n\
                2026-07-06,fabricator,fabricator_abroad,CUSU6,buy,22,7.1,7.1,176,hedge\n\
                2026-07-07,fabricator,fabricator_home,sc2609,sell,3,509,510,60,hedge\n";
    let trades = trades("trades.csv", &format!("{HEAD}{text}")).expect("trades");
    let all = effect::of(&book, &prices, &trades).expect("effects");
    let of: Vec<_> = all.iter().map(|row| row.of.clone()).collect();
    assert_eq!(of, [Of::Product(0), Of::Product(1), Of::Currency("USD".to_owned())]);
    // 3,000 bbl bought at 501 and sold at 509; nothing of it is held any more, and its own price is
    // not in the file.
    let crude = &all[1];
    assert_eq!((crude.futures, crude.fees), (number("24000"), number("120")));
    assert_eq!((crude.physical, crude.unhedged), (Rational::ZERO, Rational::ZERO));
    assert_eq!((crude.offset, crude.trades), (None, 2));
    // 2,200,000 dollars at 7.10 that were worth 7.05 yuan offshore, of 1.01 each; the bill of
    // 200 t at 5.02 a pound became cheaper by 0.06 a dollar.
    let dollars = &all[2];
    assert_eq!(dollars.futures, number("-111100"));
    let bill = Big::parse("200").over(&Big::parse("0.00045359237")).times(&Big::parse("5.02"));
    assert!(Big::zero().minus(&bill).is(dollars.physical));
    assert!(bill.times(&Big::parse("0.06")).is(dollars.unhedged));
    assert_eq!(dollars.fees, number("176"));
}

#[test]
fn random_trades_earn_what_their_prices_say() {
    let prices = Series::of_text("p", &sample("hedge_demo_prices.csv")).expect("prices");
    let book = fabricator();
    let (spot, future) =
        (prices.place("copper").expect("there"), prices.place("cu2609").expect("there"));
    let (first, last) = (&prices.rows[0], prices.rows.last().expect("a row"));
    let big = |value: Rational| Big::of(value.parts().0, value.parts().1);
    let mut rng = Rng::with_seed(33);
    for _ in 0..300 {
        let mut days: Vec<usize> =
            (0..rng.usize(0..12)).map(|_| rng.usize(0..prices.rows.len())).collect();
        days.sort_unstable();
        let (mut futures, mut fees, mut slippage) = (Big::zero(), Big::zero(), Big::zero());
        let mut trades = Vec::new();
        for day in days {
            let (date, row) = &prices.rows[day];
            let lots = rng.i64(1..90) * if rng.bool() { 1 } else { -1 };
            let expected = row[future];
            let price = expected.plus(Rational::whole(rng.i64(-50..50))).expect("a price");
            let fee = Rational::whole(rng.i64(0..5_000));
            let size = Big::of(i128::from(lots) * 5, 1);
            futures = futures.plus(&big(last.1[future]).minus(&big(price)).times(&size));
            slippage = slippage.plus(&big(price).minus(&big(expected)).times(&size));
            fees = fees.plus(&big(fee));
            let name = str::to_owned;
            let (client, account) = (name("fabricator"), name("fabricator_home"));
            let contract = name("cu2609");
            let date = *date;
            trades.push(Trade {
                date,
                client,
                account,
                contract,
                lots,
                price,
                expected,
                fee,
                is_roll: false,
            });
        }
        let found = effect::of(&book, &prices, &trades).expect("an effect").remove(0);
        assert!(futures.is(found.futures) && fees.is(found.fees) && slippage.is(found.slippage));
        let goods = big(last.1[spot]).minus(&big(first.1[spot])).times(&Big::parse("727.184"));
        assert!(goods.is(found.unhedged));
        assert!(goods.plus(&futures).is(found.basis));
        assert!(goods.plus(&futures).minus(&fees).is(found.hedged));
    }
}

#[test]
fn trades_that_are_not_right_are_refused_with_their_line() {
    let good = "2026-07-06,fabricator,fabricator_home,cu2609,sell,100,88080,88100,2202,hedge\n";
    for (find, replace, told) in [
        ("2026-07-06", "2026-7-6", "trades.csv:2: \"2026-7-6\" is no day"),
        ("sell", "short", "trades.csv:2: \"short\" is not buy or sell"),
        (",100,", ",0,", "trades.csv:2: \"0\" is no number of lots"),
        (",100,", ",-100,", "trades.csv:2: \"-100\" is no number of lots"),
        (",100,", ",1e2,", "trades.csv:2: \"1e2\" is no number of lots"),
        (",88080,", ",NaN,", "trades.csv:2: \"NaN\""),
        (",2202,", ",-2202,", "trades.csv:2: a fee is below zero"),
        ("hedge", "hegde", "trades.csv:2: \"hegde\" is not hedge or roll"),
        (",hedge", "", "trades.csv:2: 9 cells"),
    ] {
        let text = format!("{HEAD}{}", edited(good, &[(find, replace)]));
        let error = trades("trades.csv", &text).expect_err(replace).to_string();
        assert!(error.contains(told), "{error}");
    }
    let late = format!("{HEAD}{good}{}", good.replace("07-06", "07-05"));
    assert!(
        trades("t", &late).expect_err("late").to_string().contains("t:3: 2026-07-05 is before")
    );
    assert!(trades("t", good).expect_err("no head").to_string().contains("the first line is"));
    let prices = series("date,copper,cu2609\n2026-07-06,87000,87200\n2026-07-08,87500,87600\n");
    for (find, replace, told) in [
        ("cu2609", "cu2709", "no contract is called \"cu2709\""),
        ("fabricator_home", "importer_home", "has no account \"importer_home\""),
        ("cu2609", "HGU6", "no column"),
        ("2026-07-06", "2026-07-09", "is after the last price"),
    ] {
        let text = format!("{HEAD}{}", edited(good, &[(find, replace)]));
        let read = trades("t", &text).expect("trades");
        let error = effect::of(&fabricator(), &prices, &read).expect_err(replace).to_string();
        assert!(error.contains(told), "{error}");
    }
}
