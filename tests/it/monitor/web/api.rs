//! The figures that are told are those of the view of the same moment.

use super::client::get;
use super::{lively, token, web};
use crate::monitor::rig::{Answer, Rig};
use cross_market_connect::monitor::View;
use serde_json::{Value, json};
use std::sync::Arc;
use xmc_hotpath::time::Span;

/// An independent way to write a number: its decimal digits, cut off, no separators.
fn written(value_e9: i128, digits: usize) -> String {
    let all = format!("{:010}", value_e9.unsigned_abs());
    let (whole, part) = all.split_at(all.len() - 9);
    let text = if digits == 0 { whole.to_owned() } else { format!("{whole}.{}", &part[..digits]) };
    let is_zero = text.bytes().all(|c| matches!(c, b'0' | b'.'));
    if value_e9 < 0 && !is_zero { format!("-{text}") } else { text }
}

fn told(view: &View, path: &str) -> Value {
    let mut web = web();
    web.show(view.clone());
    let answer = get(&web, path);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.json()
}

#[test]
fn a_moment_is_that_of_the_view() {
    let view = lively();
    let told = told(&view, "/api/view");
    assert_eq!((&told["schema"], &told["version"]), (&json!("xmc.view"), &json!(1)));
    assert_eq!(told["state"], view.state.word());
    assert_eq!(told["running_ns"], view.running.0);
    assert_eq!(told["totals"], serde_json::to_value(view.totals).expect("it can be told"));
    assert_eq!(told["live_orders"], view.live_orders);
    let latency = view.latency.expect("orders left");
    for (key, ns) in [("p50_ns", latency.p50), ("p99_ns", latency.p99), ("p99_9_ns", latency.p99_9)]
    {
        assert_eq!(told["latency"][key], ns);
    }
    for (row, feed) in view.feeds.iter().enumerate() {
        let line = &told["feeds"][row];
        assert_eq!(line["name"], view.setting.feeds[row].name);
        assert_eq!(line["a"]["firsts"], feed.a.firsts);
        assert_eq!(line["b"]["missing"], feed.b.missing);
        assert_eq!(line["gaps"], feed.gaps);
    }
    for (row, gate) in view.gates.iter().enumerate() {
        assert_eq!(told["gates"][row]["gate"], gate.gate.word());
        assert_eq!(told["gates"][row]["count"], gate.count);
    }
    assert_eq!(told["journal"]["records"], view.journal.expect("one is written").records);
    assert_eq!(told["pairs"]["rows"].as_array().map(Vec::len), Some(view.pairs.len()));
    // The pair that a screen begins with.
    assert_eq!(told["pair"]["row"], view.first_across());
}

#[test]
fn a_pair_is_told_in_full_with_five_levels_and_what_can_be_traded() {
    let view = lively();
    for (row, pair) in view.pairs.iter().enumerate() {
        let setting = &view.setting.spreads[row];
        let told = &told(&view, &format!("/api/view?pair={row}"))["pair"];
        assert_eq!(told["name"], setting.name);
        assert_eq!(told["units"], pair.position_units);
        let value = |value_e9: Option<i64>| match value_e9 {
            Some(value_e9) => json!(written(value_e9.into(), setting.digits)),
            None => Value::Null,
        };
        assert_eq!((&told["buy"], &told["sell"]), (&value(pair.buy_e9), &value(pair.sell_e9)));
        let spec = pair.spec.as_ref().expect("the desk was told");
        assert_eq!(told["levels"]["open_long"], value(Some(spec.buy_open_e9)));
        assert_eq!(told["levels"]["open_short"], value(Some(spec.sell_open_e9)));
        let total = pair.profit.total_e9.map(|total| json!(written(total, 2)));
        assert_eq!(told["total"], total.unwrap_or(Value::Null));
        let shown = setting.shown_legs(&view.setting.instruments);
        assert_eq!(told["legs"].as_array().map(Vec::len), Some(shown.len()));
        let mut most_units = u64::MAX;
        for (told, leg) in told["legs"].as_array().expect("legs").iter().zip(shown) {
            let leg = &pair.legs[leg];
            let instrument = &view.setting.instruments[leg.instrument];
            let price = |price_e9: i64| {
                let shown = i128::from(price_e9) * i128::from(instrument.display_factor_e9);
                written(shown / 1_000_000_000, instrument.digits)
            };
            for (key, levels) in [("bids", &leg.bids), ("asks", &leg.asks)] {
                let all: Vec<_> =
                    levels.iter().map(|level| json!([price(level.price_e9), level.lots])).collect();
                assert_eq!(all.len(), 5);
                assert_eq!(told[key], json!(all), "{}", instrument.name);
            }
            assert_eq!(told["age_ns"], leg.age.expect("it was quoted").0);
            // Nothing was taken since, or the books would hold less.
            let shown: u64 = leg.asks.iter().map(|level| u64::from(level.lots)).sum();
            let buyable = told["buyable_lots"].as_u64().expect("a count");
            assert!(buyable <= shown && buyable + 40 >= shown, "{buyable} of {shown}");
            if leg.ratio_lots != 0 {
                let lots = if leg.ratio_lots > 0 { leg.buyable_lots } else { leg.sellable_lots };
                most_units = most_units.min(lots / u64::from(leg.ratio_lots.unsigned_abs()));
            }
        }
        assert_eq!(told["buyable_units"], most_units);
        let ages = pair.legs.iter().map(|leg| leg.age.expect("quoted").0);
        let skew = ages.clone().max().expect("legs") - ages.min().expect("legs");
        assert_eq!(told["skew_ns"], skew);
    }
}

/// Orders and repairs come in the order in which they happened, and say what they were.
#[test]
fn what_happened_is_told_the_newest_first() {
    let mut rig = Rig::new(7);
    rig.run(Span(3_000_000_000));
    rig.planned.push_back(Answer::Break);
    rig.run(Span(4_000_000_000));
    let view = rig.view();
    let told = told(&view, "/api/view");
    let all = told["happenings"].as_array().expect("a list");
    let numbers: Vec<_> = all.iter().map(|row| row["number"].as_u64().expect("one")).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] == pair[1] + 1), "{numbers:?}");
    let count = |what: &str| all.iter().filter(|row| row["what"] == what).count();
    assert!(count("fired") > 0 && count("ordered") > 0 && count("filled") > 0);
    let fired = all.iter().find(|row| row["what"] == "fired").expect("one");
    let name = &view.setting.spreads[fired["pair"].as_u64().expect("a row") as usize].name;
    assert_eq!(fired["pair_name"], *name);
    assert_eq!(fired["gate"], "passed");
    let decisions = told["decisions"].as_array().expect("a list");
    assert!(decisions.iter().any(|row| row["what"] == "held_back"));
    // The leg without the other is told with its lots, and how long it has been so.
    let broken = view.pairs.iter().position(|pair| pair.is_exposed()).expect("one is broken");
    assert_eq!(told["pairs"]["exposed"], 1);
    assert_eq!(told["pairs"]["rows"][broken]["exposed"], true);
    assert!(told["pairs"]["rows"][broken]["unhedged_ns"].as_u64() > Some(0));
}

#[test]
fn of_ten_thousand_pairs_a_moment_tells_a_page() {
    let mut view = lively();
    let mut setting = (*view.setting).clone();
    let (pair, spread) = (view.pairs[1].clone(), setting.spreads[1].clone());
    view.pairs = vec![pair; 10_000];
    setting.spreads = vec![spread; 10_000];
    for (row, spread) in setting.spreads.iter_mut().enumerate() {
        spread.name = format!("pair_{row:05}");
    }
    view.setting = Arc::new(setting);
    let mut web = web();
    web.show(view);
    let rows = |told: &Value| -> Vec<String> {
        let rows = told["pairs"]["rows"].as_array().expect("a list");
        rows.iter().map(|row| row["name"].as_str().expect("a name").to_owned()).collect()
    };
    let answer = get(&web, "/api/view?pair=9999");
    assert!(answer.body.len() < 200_000, "{} bytes", answer.body.len());
    let told = answer.json();
    assert_eq!(
        (&told["pairs"]["total"], &told["pairs"]["found"]),
        (&json!(10_000), &json!(10_000))
    );
    assert_eq!(told["pair"]["name"], "pair_09999");
    assert_eq!(rows(&told).len(), 100);
    let last = get(&web, "/api/view?from=9950").json();
    assert_eq!(rows(&last).len(), 50);
    assert_eq!(rows(&last)[0], "pair_09950");
    let found = get(&web, "/api/view?find=PAIR_0123").json();
    assert_eq!(found["pairs"]["found"], 10);
    assert_eq!(rows(&found)[9], "pair_01239");
    assert_eq!(get(&web, "/api/view?find=nothing").json()["pairs"]["found"], 0);
    // Rows that are not there are none.
    assert_eq!(rows(&get(&web, "/api/view?from=999999&pair=999999").json()).len(), 0);
}

#[test]
fn the_past_of_a_pair_has_its_values_and_what_fired() {
    let mut rig = Rig::new(7);
    let mut web = web();
    let mut past = Value::Null;
    for _ in 0..20 {
        rig.run(Span(600_000_000));
        web.show(rig.view());
        let shown = rig.view().running.0;
        super::client::wait_until("the past is kept", || {
            past = get(&web, "/api/history?pair=1").json();
            let last = past["past"]["points"].as_array().and_then(|points| points.last());
            let last = last.and_then(|point| point[0].as_f64()).unwrap_or(0.0);
            (last - shown as f64 / 1e9).abs() < 1e-6
        });
    }
    let points = past["past"]["points"].as_array().expect("points");
    assert_eq!(points.len(), 20);
    assert!(points.windows(2).all(|pair| pair[0][0].as_f64() < pair[1][0].as_f64()));
    let marks = past["past"]["marks"].as_array().expect("marks");
    assert!(!marks.is_empty() && marks.iter().all(|mark| mark["value"].is_f64()), "{past}");
    assert_eq!(get(&web, "/api/history?pair=77").json()["past"]["points"], json!([]));
}

#[test]
fn healthz_says_how_old_the_moment_is_and_needs_no_token() {
    let mut web = web();
    let ask = |web: &cross_market_connect::monitor::web::Web| {
        let request = super::client::request("GET", "/healthz", "");
        super::client::send(web.address(), request.as_bytes()).expect("an answer")
    };
    assert_eq!(ask(&web).status, 503, "nothing was shown yet");
    assert_eq!(get(&web, "/api/view").status, 503);
    let view = lively();
    super::client::wait_until("it is live", || {
        web.show(view.clone());
        ask(&web).status == 200
    });
    super::client::wait_until("it is stale a second later", || ask(&web).status == 503);
    let told = ask(&web).json();
    assert!(told["moment_age_ms"].as_u64() >= Some(1_000) && told["is_live"] == false, "{told}");
    assert!(!ask(&web).body.contains(&token(&web)));
}
