//! Each sink, told over real sockets or as a real program.

use super::receiver::{PATIENCE, Receiver, Request, ok};
use super::{alert, firing};
use crate::journal::scratch::Scratch;
use cross_market_connect::alert::life::{Acknowledged, Alert, Notice, What};
use cross_market_connect::alert::message::{Item, Kind, Message, Origin, Tongue};
use cross_market_connect::alert::rule::{Rule, Severity};
use cross_market_connect::alert::sink::{self, SendError, Sink};
use cross_market_connect::config::{AlertSink, AlertSinkKind, SecretSource};
use cross_market_connect::hex;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SECRET: &str = "SECa8f1c0ffee";
const TOKEN: &str = "tok3n-that-is-secret";

pub fn secret(scratch: &Scratch, name: &str, text: &str) -> SecretSource {
    let path = scratch.path(name);
    let _ = fs::remove_file(&path);
    fs::write(&path, format!("{text}\n")).expect("a file for the test");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).expect("it is ours");
    SecretSource::File(path)
}

pub fn config(name: &str, kind: AlertSinkKind) -> AlertSink {
    AlertSink {
        name: name.to_owned(),
        kind,
        least: Severity::Info,
        after_s: 0,
        group_ms: 0,
        per_minute: 600,
        timeout_ms: 2_000,
        heartbeat_s: 10,
        proxy: None,
    }
}

pub fn open(kind: AlertSinkKind) -> Box<dyn Sink> {
    sink::open(&config("one", kind), Path::new("/nowhere"))
        .unwrap_or_else(|error| panic!("{error}"))
}

fn message(alerts: Vec<(What, Alert)>) -> Message {
    let origin = Origin {
        site: 3,
        desk: 4,
        project: "demo".to_owned(),
        host: "box".to_owned(),
        tongue: Tongue::Both,
    };
    let item = |(place, (what, alert)): (usize, (What, Alert))| {
        let notice = firing("one", alert);
        Item { id: format!("e1-{place}"), notice: Notice { what, ..notice } }
    };
    Message {
        kind: Kind::Alerts,
        at_ns: 1_780_000_010_500_000_000,
        origin,
        items: alerts.into_iter().enumerate().map(item).collect(),
        suppressed: 2,
        dropped: 5,
        firing: Vec::new(),
    }
}

fn two() -> Message {
    let halted = alert(Rule::DeskHalt, Severity::Page, "cu_bc");
    let mut over = alert(Rule::FeedGap, Severity::Warning, "cu_hg");
    over.resolved_ns = Some(1_780_000_009_000_000_000);
    over.acknowledged = Some(Acknowledged { by: "ann".into(), at_ns: 1_780_000_008_000_000_000 });
    message(vec![(What::Firing, halted), (What::Resolved, over)])
}

/// HMAC-SHA256 by another program.
fn openssl(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    use std::io::Write;
    let key = format!("hexkey:{}", hex::show(key));
    let mut child = Command::new("openssl")
        .args(["dgst", "-sha256", "-mac", "HMAC", "-macopt", &key, "-binary"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(message).ok()?;
    let output = child.wait_with_output().ok()?;
    output.status.success().then_some(output.stdout)
}

#[track_caller]
fn same_mac(found: &[u8], key: &[u8], message: &[u8]) {
    match openssl(key, message) {
        Some(expected) => assert_eq!(hex::show(found), hex::show(&expected)),
        None => println!("SKIPPED: there is no openssl to compute it with"),
    }
}

fn decoded(base64: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let place = |digit| DIGITS.iter().position(|known| *known == digit).expect("a digit");
    let bits = base64
        .trim_end_matches('=')
        .bytes()
        .flat_map(|digit| (0..6).rev().map(move |bit| place(digit) >> bit & 1));
    let bits: Vec<_> = bits.collect();
    let byte = |bits: &[usize]| bits.iter().fold(0, |byte, bit| byte << 1 | *bit as u8);
    bits.chunks_exact(8).map(byte).collect()
}

fn unescaped(text: &str) -> String {
    text.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=")
}

#[test]
fn a_webhook_gets_the_message_signed_with_its_key() {
    let scratch = Scratch::new("alert_webhook");
    let receiver = Receiver::new(ok(""));
    let url = secret(&scratch, "url", &receiver.url(&format!("/hook/{TOKEN}")));
    let secret = Some(secret(&scratch, "secret", SECRET));
    let mut sink = open(AlertSinkKind::Webhook { url, secret });
    let message = two();
    sink.send(&message).expect("it is taken");
    sink.send(&message).expect("it is taken");
    let requests = receiver.wait(2);
    let request = &requests[0];
    assert_eq!(request.path, format!("/hook/{TOKEN}"));
    let signature = request.header("x-xmc-signature").expect("it is signed");
    same_mac(&hex::read(signature).expect("hexadecimal"), SECRET.as_bytes(), &request.body);
    let keys: Vec<_> = requests.iter().map(|one| one.header("idempotency-key")).collect();
    assert!(keys[0].is_some() && keys[0] == keys[1], "{keys:?}");
    let body = request.json();
    assert_eq!((&body["schema"], &body["version"]), (&json!("xmc.alert"), &json!(1)));
    assert_eq!(body["key"].as_str(), keys[0]);
    assert_eq!(
        (&body["site"], &body["desk"], &body["host"]),
        (&json!(3), &json!(4), &json!("box"))
    );
    assert_eq!((&body["suppressed"], &body["dropped"]), (&json!(2), &json!(5)));
    let [one, other] = [&body["alerts"][0], &body["alerts"][1]];
    assert_eq!((&one["id"], &one["code"]), (&json!("e1-0"), &json!("XMC-A053")));
    assert_eq!((&one["what"], &one["severity"]), (&json!("firing"), &json!("page")));
    assert_eq!(one["labels"], json!({ "spread": "cu_bc" }));
    assert_eq!(one["first"], "2026-05-28T20:26:40.123456789Z");
    assert!(one["text"]["en"].as_str().expect("text").contains("cause 7"));
    assert!(one["text"]["zh"].as_str().expect("text").contains("原因 7"));
    assert_eq!((&one["resolved"], &other["what"]), (&Value::Null, &json!("resolved")));
    assert_eq!(other["acknowledged"]["by"], "ann");
}

#[test]
fn an_alertmanager_is_posted_alerts_that_end_when_they_are_over() {
    let scratch = Scratch::new("alert_manager");
    let receiver = Receiver::new(ok(""));
    let url = secret(&scratch, "url", &receiver.url("/"));
    let mut sink = open(AlertSinkKind::Alertmanager { url });
    sink.send(&two()).expect("it is taken");
    let fires = vec![alert(Rule::DeskHalt, Severity::Page, "cu_bc")];
    let beat = Message::heartbeat("one", two().origin, fires, 1_780_000_020_000_000_000);
    sink.send(&beat).expect("it is taken");
    let requests = receiver.wait(2);
    assert!(requests.iter().all(|request| request.path == "/api/v2/alerts"));
    let body = requests[0].json();
    assert_eq!(body.as_array().map(Vec::len), Some(2));
    let labels = json!({
        "alertname": "XMC-A053", "severity": "page", "site": "3", "desk": "4",
        "project": "demo", "spread": "cu_bc",
    });
    assert_eq!(body[0]["labels"], labels);
    assert_eq!(body[0]["startsAt"], "2026-05-28T20:26:40.123456789Z");
    assert_eq!(body[0]["endsAt"], "2026-05-28T20:27:30.5Z", "four heartbeats of ten seconds");
    assert_eq!(body[1]["endsAt"], "2026-05-28T20:26:49Z", "when it was over");
    assert_eq!(body[0]["annotations"]["summary"], "desk halted");
    assert_eq!(body[1]["annotations"]["acknowledged_by"], "ann");
    let body = requests[1].json();
    let names: Vec<_> = (0..2).map(|place| &body[place]["labels"]["alertname"]).collect();
    assert_eq!(names, ["XMC-A901", "XMC-A053"], "a sign of life, and all that fires");
    assert_eq!(requests[1].json()[1]["labels"], labels, "it is the same alert there");
}

fn robot(kind: &str, url: SecretSource, secret: Option<SecretSource>) -> AlertSinkKind {
    match kind {
        "dingtalk" => AlertSinkKind::Dingtalk { url, secret },
        "feishu" => AlertSinkKind::Feishu { url, secret },
        _ => AlertSinkKind::Wecom { url },
    }
}

fn sent(kind: &str, path: &str, answer: &str, message: &Message) -> Request {
    let scratch = Scratch::new("alert_robot");
    let receiver = Receiver::new(ok(answer));
    let url = secret(&scratch, "url", &receiver.url(path));
    let secret = Some(secret(&scratch, "secret", SECRET));
    let mut sink = open(robot(kind, url, secret));
    sink.send(message).unwrap_or_else(|error| panic!("{kind}: {error}"));
    receiver.wait(1).remove(0)
}

#[test]
fn dingtalk_gets_markdown_and_a_signed_address() {
    let path = format!("/robot/send?access_token={TOKEN}");
    let request = sent("dingtalk", &path, "{\"errcode\":0,\"errmsg\":\"ok\"}", &two());
    assert_eq!(request.query("access_token"), Some(TOKEN));
    let timestamp = request.query("timestamp").expect("it has one");
    assert_eq!(timestamp, "1780000010500", "milliseconds");
    let sign = decoded(&unescaped(request.query("sign").expect("it is signed")));
    same_mac(&sign, SECRET.as_bytes(), format!("{timestamp}\n{SECRET}").as_bytes());
    let body = request.json();
    assert_eq!(body["msgtype"], "markdown");
    let title = body["markdown"]["title"].as_str().expect("a title");
    assert_eq!(title, "[紧急] 席位停止 (+3)");
    let text = body["markdown"]["text"].as_str().expect("a text");
    for part in ["XMC-A053", "席位处于 HALT", "the desk is in HALT", "spread=cu_bc", "已恢复"]
    {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    assert!(text.contains("2 more suppressed") && text.contains("另有 2 条"), "{text}");
    assert!(text.contains("5 dropped"), "{text}");
}

#[test]
fn feishu_gets_a_card_with_the_signature_inside() {
    let path = format!("/open-apis/bot/v2/hook/{TOKEN}");
    let request = sent("feishu", &path, "{\"code\":0,\"msg\":\"success\"}", &two());
    assert_eq!(request.path, path);
    let body = request.json();
    let timestamp = body["timestamp"].as_str().expect("it has one");
    assert_eq!(timestamp, "1780000010", "seconds");
    let sign = decoded(body["sign"].as_str().expect("it is signed"));
    same_mac(&sign, format!("{timestamp}\n{SECRET}").as_bytes(), b"");
    assert_eq!(body["msg_type"], "interactive");
    let text = body["card"]["elements"][0]["content"].as_str().expect("a text");
    assert!(text.contains("XMC-A053"), "{text}");
}

#[test]
fn wecom_gets_markdown_that_is_no_longer_than_it_takes() {
    let many = (0..60).map(|place| {
        let spread = format!("a_spread_of_a_long_name_{place}");
        (What::Firing, alert(Rule::SpreadHalted, Severity::Critical, &spread))
    });
    let message = message(many.collect());
    let path = format!("/cgi-bin/webhook/send?key={TOKEN}");
    let request = sent("wecom", &path, "{\"errcode\":0}", &message);
    assert_eq!(request.query("key"), Some(TOKEN));
    let body = request.json();
    assert_eq!(body["msgtype"], "markdown");
    let text = body["markdown"]["content"].as_str().expect("a text");
    assert!(text.len() <= 4_096 && text.len() > 3_000, "{} bytes", text.len());
    let shown = text.matches("spread=").count() as u64;
    let more = format!("{} more suppressed", 60 - shown + 2);
    assert!(text.contains(&more), "{more} is missing in {text}");
}

#[test]
fn a_refusal_behind_status_200_is_a_failure() {
    let cases = [
        ("dingtalk", "{\"errcode\":310000,\"errmsg\":\"sign not match\"}", "310000", false),
        ("dingtalk", "{\"errcode\":130101,\"errmsg\":\"too fast\"}", "too often", true),
        ("feishu", "{\"code\":19021,\"msg\":\"sign match fail\"}", "19021", false),
        ("feishu", "{\"code\":9499,\"msg\":\"too many\"}", "too often", true),
        ("wecom", "{\"errcode\":93000,\"errmsg\":\"invalid webhook url\"}", "93000", false),
        ("wecom", "{\"errcode\":45009,\"errmsg\":\"freq\"}", "too often", true),
        ("wecom", "<html>a portal</html>", "no code", false),
        ("wecom", "", "no code", false),
    ];
    let scratch = Scratch::new("alert_refusals");
    let receiver = Receiver::new(ok(""));
    for (kind, answer, why, is_rate) in cases {
        receiver.answer(ok(answer));
        let url = secret(&scratch, "url", &receiver.url("/x"));
        let error = open(robot(kind, url, None)).send(&two()).expect_err("it was refused");
        assert!(error.to_string().contains(why), "{kind} {answer}: {error}");
        let after = match error {
            SendError::Later { after, .. } => after,
            SendError::Refused(why) => panic!("a robot may be mended: {why}"),
        };
        assert_eq!(after.is_some(), is_rate, "{kind} {answer}");
    }
}

#[test]
fn a_status_is_for_later_or_for_good_and_a_receiver_may_ask_for_time() {
    let scratch = Scratch::new("alert_status");
    let receiver = Receiver::new(ok(""));
    let url = || secret(&scratch, "url", &receiver.url("/x"));
    let send = |status| {
        receiver.answer(Some((status, "no".to_owned())));
        open(AlertSinkKind::Webhook { url: url(), secret: None }).send(&two())
    };
    for status in ["500 X", "502 X", "401 X", "404 X", "302 Found\r\nLocation: /y"] {
        let error = send(status).expect_err("it was not taken");
        assert!(matches!(error, SendError::Later { after: None, .. }), "{status}: {error:?}");
    }
    for status in ["400 X", "413 X", "422 X"] {
        let error = send(status).expect_err("it was not taken");
        assert!(matches!(error, SendError::Refused(_)), "{status}: {error:?}");
    }
    let error = send("429 X\r\nRetry-After: 7").expect_err("it was not taken");
    let SendError::Later { after, .. } = error else { panic!("{error:?}") };
    assert_eq!(after, Some(Duration::from_secs(7)));
    assert_eq!(receiver.requests().len(), 9, "nothing was followed elsewhere");
}

#[test]
fn what_does_not_answer_is_left_within_its_time() {
    let scratch = Scratch::new("alert_hang");
    let receiver = Receiver::new(None);
    let url = secret(&scratch, "url", &receiver.url("/x"));
    let kind = AlertSinkKind::Webhook { url, secret: None };
    let config = AlertSink { timeout_ms: 300, ..config("one", kind) };
    let mut sink = sink::open(&config, Path::new("/nowhere")).unwrap_or_else(|e| panic!("{e}"));
    let since = Instant::now();
    let error = sink.send(&two()).expect_err("nothing comes");
    assert!(since.elapsed() < PATIENCE / 3, "{:?}", since.elapsed());
    assert!(error.to_string().contains("in time"), "{error}");
}

#[test]
fn an_address_elsewhere_is_over_tls_or_none() {
    let scratch = Scratch::new("alert_address");
    let is_taken = |url: &str| {
        let url = secret(&scratch, "url", url);
        let kind = AlertSinkKind::Webhook { url, secret: None };
        sink::open(&config("one", kind), Path::new("/nowhere")).map(|_| ())
    };
    for url in [
        "https://example.com/x?token=1",
        "http://127.0.0.1:9093",
        "http://10.1.2.3/x",
        "http://192.168.0.9/x",
        "http://localhost:80/x",
        "http://[::1]:80/x",
    ] {
        assert!(is_taken(url).is_ok(), "{url}");
    }
    for url in [
        "http://example.com/secret-part",
        "http://8.8.8.8/secret-part",
        "ftp://example.com/secret-part",
        "https://user:secret-part@example.com/",
        "example.com/secret-part",
        "file:///secret-part",
    ] {
        let error = is_taken(url).expect_err(url).to_string();
        assert!(error.contains("is no address") && !error.contains("secret-part"), "{error}");
    }
}

#[test]
fn a_program_is_given_the_message_and_its_time() {
    let scratch = Scratch::new("alert_command");
    let (script, seen) = (scratch.path("siren"), scratch.path("seen"));
    let text = format!("#!/bin/sh\ncat > {}\necho \"$1\" >> {0}\nexit $2\n", seen.display());
    fs::write(&script, text).expect("a file for the test");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).expect("it is ours");
    let program = script.to_str().expect("UTF-8").to_owned();
    let run = |argv: Vec<String>, timeout_ms| {
        let config = AlertSink { timeout_ms, ..config("one", AlertSinkKind::Command { argv }) };
        let mut sink = sink::open(&config, Path::new("/nowhere")).unwrap_or_else(|e| panic!("{e}"));
        sink.send(&two())
    };
    // No shell looks at it.
    let argv = |code: &str| vec![program.clone(), "$(id); *".to_owned(), code.to_owned()];
    run(argv("0"), 20_000).expect("it has taken it");
    let text = fs::read_to_string(&seen).expect("it ran");
    let mut lines = text.lines();
    let told: Value = serde_json::from_str(lines.next().expect("JSON")).expect("JSON");
    assert_eq!(told, two().json());
    assert_eq!(lines.next(), Some("$(id); *"));
    assert!(run(argv("3"), 20_000).expect_err("it failed").to_string().contains("exit status: 3"));
    let since = Instant::now();
    let sleep = vec!["/bin/sh".to_owned(), "-c".to_owned(), "sleep 60; true".to_owned()];
    let error = run(sleep, 200).expect_err("it takes too long");
    assert!(error.to_string().contains("more than 200 ms"), "{error}");
    assert!(since.elapsed() < PATIENCE, "{:?}", since.elapsed());
    let error = run(vec!["/nowhere/at/all".to_owned()], 200).expect_err("it is not there");
    assert!(error.to_string().contains("cannot run"), "{error}");
}

#[test]
fn the_log_has_a_line_for_each_notice() {
    let scratch = Scratch::new("alert_log");
    let path = scratch.path("alerts.jsonl");
    let mut sink = open(AlertSinkKind::Log { path: Some(path.clone()) });
    sink.send(&two()).expect("it is written");
    // Whoever rotates it moves it away.
    fs::rename(&path, scratch.path("old")).expect("it is ours");
    sink.send(&two()).expect("it is written");
    for path in [path, scratch.path("old")] {
        let text = fs::read_to_string(path).expect("it is there");
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["schema"], "xmc.alert.line");
        assert_eq!((&lines[0]["id"], &lines[1]["id"]), (&json!("e1-0"), &json!("e1-1")));
        assert_eq!(lines[1]["what"], "resolved");
    }
}
