//! A real Prometheus scrapes a running demonstration and an exporter of another process, evaluates
//! the rules, and is asked every expression of rules and dashboard.

use super::client::get;
use super::demo::Demo;
use super::monitoring::{Asked, folder, metrics, of_dashboard, of_rules};
use super::{has_prometheus, promtool_reads, until};
use crate::journal::scratch::Scratch;
use crate::place::Place;
use serde_json::Value;
use std::fmt::Write;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// A server with the rules and the settings of the sample, a scrape each second.
struct Prometheus {
    child: Child,
    address: SocketAddr,
    scratch: Scratch,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prometheus {
    fn start(targets: &[&str]) -> Self {
        let scratch = Scratch::new("metrics_prometheus");
        let sample = std::fs::read_to_string(folder().join("prometheus.yml")).expect("it is there");
        let targets: Vec<_> = targets.iter().map(|target| format!("{target:?}")).collect();
        let config =
            sample.replace(": 5s", ": 1s").replace("\"127.0.0.1:9480\"", &targets.join(", "));
        assert_eq!(config.matches(": 1s").count(), 2, "{config}");
        assert!(config.contains(&targets.join(", ")), "{config}");
        let file = scratch.path("prometheus.yml");
        std::fs::write(&file, config).expect("a file of its own");
        std::fs::create_dir(scratch.path("rules")).expect("a folder of its own");
        for rules in ["recording.yml", "alerts.yml"] {
            let to = scratch.path("rules").join(rules);
            std::fs::copy(folder().join("rules").join(rules), to).expect("it is copied");
        }
        let address = Place::new().port(0);
        let log = std::fs::File::create(scratch.path("log")).expect("a file of its own");
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", scratch.path("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("prometheus runs");
        Self { child, address, scratch }
    }

    /// What it answers; the reason if it refuses, and `None` while it does not answer at all.
    fn ask(&self, path: &str) -> Option<Result<Value, String>> {
        let answer = get(self.address, path, "")?;
        let told: Value = serde_json::from_str(&answer.body).ok()?;
        Some(match told["status"].as_str() {
            Some("success") => Ok(told["data"].clone()),
            _ => Err(told["error"].to_string()),
        })
    }

    /// The series of an expression now, with their labels.
    fn query(&self, expression: &str) -> Vec<(Value, f64)> {
        let path = format!("/api/v1/query?query={}", escaped(expression));
        let told = self.ask(&path).unwrap_or_else(|| panic!("no answer: {}", self.log()));
        let told = told.unwrap_or_else(|error| panic!("{expression}: {error}"));
        let rows = told["result"].as_array().expect("a vector").iter().map(|row| {
            let value = row["value"][1].as_str().and_then(|value| value.parse().ok());
            (row["metric"].clone(), value.expect("a number"))
        });
        rows.collect()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.scratch.path("log")).unwrap_or_default()
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").expect("text takes it"),
        }
    }
    out
}

/// As a browser fills it in that looks at one engine.
fn filled(expression: &str, instance: &str) -> String {
    expression
        .replace("$job", "xmc")
        .replace("$instance", instance)
        .replace("$__rate_interval", "1m")
}

/// Without the last comparison: what it is about, whether it holds or not.
fn subject(expression: &str) -> String {
    let signs = [" > ", " == "];
    let mut words = expression.trim().to_owned();
    if let Some(place) = signs.iter().filter_map(|sign| words.rfind(sign)).max()
        && words[place + 3..]
            .trim()
            .split(' ')
            .next()
            .is_some_and(|last| last.parse::<f64>().is_ok() && words.trim_end().ends_with(last))
    {
        words.truncate(place);
    }
    words
}

#[test]
fn a_real_prometheus_scrapes_and_every_expression_has_an_answer() {
    if !has_prometheus() {
        return;
    }
    let mut demo = Demo::start("metrics_demo");
    let exporter = demo.exporter();
    let target = |url: &str| super::client::address(url).to_string();
    let (engine, beside) = (target(&demo.engine.url), target(&exporter.url));
    let prometheus = Prometheus::start(&[&engine, &beside]);
    let count = |expression: &str| match prometheus
        .ask(&format!("/api/v1/query?query={}", escaped(expression)))
    {
        Some(Ok(told)) => told["result"].as_array().map_or(0, Vec::len),
        Some(Err(_)) | None => 0,
    };
    until("both are scraped, some times, and rules are evaluated", || {
        // Rates need some scrapes.
        let scraped = count("count_over_time(xmc_engine_up[1m]) >= 5");
        let recorded = count("instance:xmc_tick_to_order_seconds:p50_5m");
        (scraped == 2 && recorded == 2).then_some(())
    });
    assert_eq!(count("up{job=\"xmc\"} == 1"), 2, "{}", prometheus.log());

    // What each of the two says is what the engine counts, in the format that Prometheus chose.
    let targets = prometheus.ask("/api/v1/targets?state=active").expect("it answers");
    let targets = targets.expect("it is told");
    for target in targets["activeTargets"].as_array().expect("a list") {
        assert_eq!((&target["health"], &target["lastError"]), (&"up".into(), &"".into()));
    }
    let fires = prometheus.query("xmc_engine_fires_total");
    assert!(fires.len() == 2 && fires.iter().all(|(_, fires)| *fires >= 10.0), "{fires:?}");

    let plain = get(super::client::address(&exporter.url), "/metrics", "").expect("it answers");
    promtool_reads(&plain.body);

    // Every panel has something to draw.
    for Asked { place, expression } in of_dashboard() {
        let expression = filled(&expression, &engine);
        let found = prometheus.query(&expression);
        if found.is_empty() {
            let subject = subject(&expression);
            assert_ne!(subject, expression, "{place}: nothing for {expression}");
            assert!(!prometheus.query(&subject).is_empty(), "{place}: nothing for {subject}");
        }
        for (labels, _) in &found {
            let of = labels.get("instance").map_or(engine.as_str(), |of| of.as_str().unwrap_or(""));
            assert_eq!(of, engine, "{place}: {expression}");
        }
    }
    // Every rule is about something that is there; what is recorded is there, and what alarms does
    // so by what it says.
    let rules = of_rules();
    for Asked { place, expression } in &rules {
        prometheus.query(expression);
        for metric in metrics(expression) {
            assert!(!prometheus.query(&metric).is_empty(), "{place}: there is no {metric}");
        }
        if place.contains(':') && !place.contains("missing") {
            assert!(!prometheus.query(place).is_empty(), "{place} is not recorded");
        }
    }
    let told = prometheus.ask("/api/v1/rules").expect("it answers").expect("it is told");
    let groups = told["groups"].as_array().expect("a list");
    let evaluated = groups.iter().flat_map(|group| group["rules"].as_array().expect("a list"));
    let evaluated: Vec<_> = evaluated.collect();
    assert_eq!(evaluated.len(), rules.len());
    for rule in evaluated {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
    let alarmed = |name: &str| {
        let firing = format!("ALERTS{{alertname={name:?},alertstate=\"firing\"}}");
        prometheus.query(&firing).len()
    };
    assert_eq!(alarmed("XmcEngineGone"), 0);

    // Killed: its own address is gone, and the exporter tells that the engine is, and what it left.
    demo.engine.child.kill().expect("it runs");
    demo.engine.child.wait().expect("it ends");
    let own = |name: &str| format!("{name}{{instance={beside:?}}}");
    until("Prometheus sees the engine gone", || {
        let gone = prometheus.query(&format!("{} == 0", own("xmc_engine_up")));
        let down = prometheus.query(&format!("up{{instance={engine:?}}} == 0"));
        (gone.len() == 1 && down.len() == 1 && alarmed("XmcEngineGone") == 1).then_some(())
    });
    assert_eq!(prometheus.query(&own("up"))[0].1.to_bits(), 1.0_f64.to_bits());
    let left = prometheus.query(&own("xmc_engine_fires_total"));
    assert!(left[0].1 >= fires[0].1, "{left:?}");
}

#[test]
fn what_a_comparison_is_about_is_found() {
    for (expression, about) in [
        ("a > 0", "a"),
        ("a == 1", "a"),
        ("rate(a[1m]) / (rate(b[1m]) > 0)", "rate(a[1m]) / (rate(b[1m]) > 0)"),
        ("a + b", "a + b"),
    ] {
        assert_eq!(subject(expression), about);
    }
}
