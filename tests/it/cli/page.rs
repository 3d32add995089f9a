//! `xmc run --web`: commands that the page writes and hands over, and receipts that it searches, on
//! a running engine.

use super::control::Stand;
use super::run::Engine;
use super::{report_of, text_of};
use crate::monitor::web::chromium::Browser;
use crate::monitor::web::client::{Answer, request, send};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
const SERVED: [&str; 4] = ["--lang", "en", "--web", "127.0.0.1:0"];

/// The address that an engine prints on standard error; the rest of what it says stays there.
fn url_of(engine: &mut Engine) -> String {
    let stderr = engine.0.stderr.as_mut().expect("it is piped");
    let mut text = Vec::new();
    loop {
        let mut byte = [0];
        assert_eq!(stderr.read(&mut byte).expect("it speaks"), 1, "it ended without an address");
        text.extend(byte);
        let line = String::from_utf8_lossy(&text);
        let url = line.lines().find_map(|line| line.strip_prefix("Screen: "));
        if let Some(url) = url.filter(|_| line.ends_with('\n')) {
            return url.to_owned();
        }
    }
}

/// A browser's session without a browser.
struct Session {
    address: SocketAddr,
    token: String,
    cookie: String,
    mark: String,
}

impl Session {
    fn new(url: &str) -> Self {
        let (address, token) = url["http://".len()..].split_once("/?token=").expect("a token");
        let address: SocketAddr = address.parse().expect("an address");
        let asked = request("GET", &format!("/?token={token}"), "");
        let page = send(address, asked.as_bytes()).expect("the page");
        let cookie = page.header("set-cookie").expect("a session").split(';').next();
        let cookie = cookie.expect("a name and a value").to_owned();
        assert!(!cookie.contains(token), "the session is not the token");
        let mut session = Self { address, token: token.to_owned(), cookie, mark: String::new() };
        let standing = session.get("/api/control").json();
        session.mark = standing["mark"].as_str().expect("a mark").to_owned();
        session
    }

    fn fields(&self, more: &[(&str, &str)]) -> String {
        let own = [("Cookie", self.cookie.as_str()), ("X-Xmc-Mark", self.mark.as_str())];
        let of = |name: &str| more.iter().rev().find(|(known, _)| *known == name);
        let own = own.iter().filter(|(name, _)| of(name).is_none());
        own.chain(more).map(|(name, value)| format!("{name}: {value}\r\n")).collect()
    }

    fn get(&self, path: &str) -> Answer {
        let asked = request("GET", path, &self.fields(&[]));
        send(self.address, asked.as_bytes()).expect("an answer")
    }

    fn post(&self, body: &str, more: &[(&str, &str)]) -> Answer {
        let fields = format!("{}Content-Length: {}\r\n", self.fields(more), body.len());
        let asked = request("POST", "/api/command", &fields) + body;
        send(self.address, asked.as_bytes()).expect("an answer")
    }

    /// The text of a command of alice, as the page writes it.
    fn prepare(&self, asked: &str) -> String {
        let told = self.get(&format!("/api/prepare?operator=alice&reason=a+test&{asked}")).json();
        told["text"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned()
    }
}

/// What `who` signs, of a text or of what somebody else has signed.
fn sign(stand: &Stand, who: &str, text: &str) -> (i32, String) {
    let (file, key) = (stand.path("from_the_page"), stand.path(&format!("{who}.key")));
    std::fs::write(&file, text).expect("a file for the test");
    let words = ["control", "sign", text_of(&file), "--yes", "--key", text_of(&key)];
    let (code, told) = report_of(&words);
    let signed = std::fs::read_to_string(&file).expect("it is there");
    if code != 0 {
        assert_eq!(signed, text, "a refusal leaves the file as it was");
        return (code, told.to_string());
    }
    (code, signed)
}

/// A text without what differs from second to second.
fn lasting(text: &str) -> String {
    let passing = ["issued: ", "expires: "];
    let lines = text.lines().filter(|line| !passing.iter().any(|front| line.starts_with(front)));
    lines.map(|line| format!("{line}\n")).collect()
}

fn spread_state(stand: &Stand, name: &str) -> String {
    let (_, status) = stand.status();
    let rows = status["spreads"].as_array().expect("a list");
    let row = rows.iter().find(|row| row["name"] == name).expect("it is there");
    row["state"].as_str().expect("a word").to_owned()
}

#[test]
fn only_what_an_operator_has_signed_leaves_the_page_and_once() {
    let stand = Stand::with("page_commands", 51, LOG);
    let more = [&SERVED[..], &["--web-control"]].concat();
    let mut engine = stand.start_with(&more);
    let url = url_of(&mut engine);
    let session = Session::new(&url);
    let refused = |answer: &Answer, status: u16, code: &str| {
        assert_eq!(answer.status, status, "{answer:?}");
        let told = answer.json();
        assert_eq!((&told["schema"], &told["code"]), (&json!("xmc.refusal"), &json!(code)));
    };

    // The page writes what the command line signs.
    let text = session.prepare("command=disable&scope=spread%3Dcu_bc");
    let file = stand.path("by_xmc");
    let words = ["disable", "--scope", "spread=cu_bc", "--out", text_of(&file)];
    assert_eq!(stand.give("alice", &words).0, 0);
    let note = std::fs::read_to_string(&file).expect("it was written");
    let (by_xmc, _) = note.split_once("\n\n").expect("text and signature");
    assert_eq!(lasting(&text), lasting(&format!("{by_xmc}\n")));
    for wrong in
        ["command=disable&scope=nowhere", "command=kil&scope=all", "command=limit&scope=all"]
    {
        let answer = session.get(&format!("/api/prepare?operator=alice&reason=x&{wrong}"));
        refused(&answer, 400, "wrong_question");
    }

    // Nobody has signed it, or somebody else, or another text.
    refused(&session.post(&text, &[]), 400, "not_signed");
    assert_eq!(sign(&stand, "bob", &text).0, 4, "it is alice who gives it");
    let (code, signed) = sign(&stand, "alice", &text);
    assert_eq!(code, 0, "{signed}");
    let forged = session.post(&signed.replace("cu_bc", "cu_hg"), &[]).json();
    assert_eq!((&forged["outcome"], &forged["denial"]), (&json!("refused"), &json!("signature")));

    // Not from the page, or not from its session.
    refused(&session.post(&signed, &[("X-Xmc-Mark", "")]), 403, "csrf");
    refused(&session.post(&signed, &[("X-Xmc-Mark", &"0".repeat(32))]), 403, "csrf");
    refused(&session.post(&signed, &[("Origin", "http://evil.example")]), 403, "origin");
    refused(&session.post(&signed, &[("Sec-Fetch-Site", "cross-site")]), 403, "origin");
    let bearer = format!("Bearer {}", session.token);
    let programs = [("Cookie", "other=1"), ("Authorization", bearer.as_str())];
    refused(&session.post(&signed, &programs), 403, "session");
    let other = Session::new(&url);
    refused(&session.post(&signed, &[("X-Xmc-Mark", &other.mark)]), 403, "csrf");

    // Too long, said or not said, and not text.
    refused(&session.post(&"x".repeat(4_097), &[]), 413, "too_large");
    let endless = format!(
        "POST /api/command HTTP/1.1\r\nHost: 127.0.0.1\r\n{}Transfer-Encoding: chunked\r\n\r\n\
         2710\r\n{}\r\n0\r\n\r\n",
        session.fields(&[]),
        "x".repeat(10_000)
    );
    refused(&send(session.address, endless.as_bytes()).expect("an answer"), 413, "too_large");
    assert_eq!(session.get("/api/command").status, 405);

    // None of that has done anything; the engine has heard of the forged one alone.
    assert_eq!(spread_state(&stand, "cu_bc"), "enabled");
    assert_eq!(stand.status().1["refused"], 1);
    let done = session.post(&signed, &[]).json();
    assert_eq!(done["outcome"], "done", "{done}");
    assert_eq!(spread_state(&stand, "cu_bc"), "disabled");
    let again = session.post(&signed, &[]).json();
    assert_eq!((&again["outcome"], &again["denial"]), (&json!("refused"), &json!("counter")));

    // What allows more is signed by two.
    let text = session.prepare("command=enable&scope=spread%3Dcu_bc");
    let (_, alone) = sign(&stand, "alice", &text);
    assert_eq!(session.post(&alone, &[]).json()["denial"], "second_person");
    let (_, both) = sign(&stand, "bob", &alone);
    assert_eq!(session.post(&both, &[]).json()["outcome"], "done");
    assert_eq!(spread_state(&stand, "cu_bc"), "enabled");

    // A limit goes down by one signature, from the figure that holds.
    let limits = session.get("/api/control").json()["status"]["limits"].clone();
    let rows = limits.as_array().expect("a list");
    let row = |rows: &[Value]| {
        let is_it = |row: &&Value| row["scope"] == "all" && row["field"] == "max_position_lots";
        rows.iter().find(is_it).and_then(|row| row["limit"].as_u64()).expect("a limit")
    };
    let to = row(rows) - 1;
    let asked = format!("command=limit&scope=all&limit=max_position_lots&to={to}");
    let (_, signed) = sign(&stand, "alice", &session.prepare(&asked));
    assert_eq!(session.post(&signed, &[]).json()["outcome"], "done");
    let limits = session.get("/api/control").json()["status"]["limits"].clone();
    assert_eq!(row(limits.as_array().expect("a list")), to);

    // An alert is taken on by name, and not one that does not fire.
    let nothing = "command=acknowledge&scope=all&alert=0123456789abcdef";
    let (_, signed) = sign(&stand, "alice", &session.prepare(nothing));
    assert_eq!(session.post(&signed, &[]).json()["denial"], "scope");
    assert_eq!(stand.give("alice", &["kill"]).0, 0);
    let begun = Instant::now();
    let alert = loop {
        let standing = session.get("/api/control").json();
        let alerts = standing["alerts"].as_array().cloned().unwrap_or_default();
        if let Some(alert) = alerts.iter().find(|alert| alert["acknowledged"].is_null()) {
            break alert["fingerprint"].as_str().expect("digits").to_owned();
        }
        assert!(begun.elapsed() < PATIENCE, "a kill raises an alert: {standing}");
        std::thread::sleep(Duration::from_millis(50));
    };
    let asked = format!("command=acknowledge&scope=all&alert={alert}");
    let (_, signed) = sign(&stand, "alice", &session.prepare(&asked));
    let done = session.post(&signed, &[]).json();
    assert_eq!(done["outcome"], "done", "{done}");
    let taken = || {
        let (_, told) = report_of(&["alert", "list", "--record", text_of(stand.record())]);
        let firing = told["firing"].as_array().cloned().unwrap_or_default();
        firing.iter().any(|one| one["fingerprint"] == alert && one["acknowledged"]["by"] == "alice")
    };
    while !taken() {
        assert!(begun.elapsed() < PATIENCE, "it is taken by alice");
        std::thread::sleep(Duration::from_millis(50));
    }
    stand.end(engine);
    stand.stop();
}

const LOG: &str = "\n[alert]\n\n[[alert.sink]]\nname = \"log\"\nkind = \"log\"\n";

/// Without the flag nothing leads back to the engine, and with it there must be somebody to ask.
#[test]
fn without_the_flag_the_page_only_looks() {
    let stand = Stand::with("page_read_only", 52, "");
    let mut engine = stand.start_with(&SERVED);
    let session = Session::new(&url_of(&mut engine));
    let standing = session.get("/api/control").json();
    assert_eq!((&standing["accepts"], &standing["status"]), (&json!(false), &Value::Null));
    let asked = "operator=alice&reason=x&command=disable&scope=spread%3Dcu_bc";
    for answer in [session.get(&format!("/api/prepare?{asked}")), session.post("anything", &[])] {
        assert_eq!((answer.status, &answer.json()["code"]), (403, &json!("read_only")));
    }
    // Signed by alice for this very engine, and still not taken here.
    let file = stand.path("by_xmc");
    let words = ["disable", "--scope", "spread=cu_bc", "--out", text_of(&file)];
    assert_eq!(stand.give("alice", &words).0, 0);
    let note = std::fs::read_to_string(&file).expect("it was written");
    let answer = session.post(&note, &[]);
    assert_eq!((answer.status, &answer.json()["code"]), (403, &json!("read_only")));
    assert_eq!(spread_state(&stand, "cu_bc"), "enabled");
    assert_eq!(stand.status().1["refused"], 0, "the engine has heard of none of it");
    stand.end(engine);
    stand.stop();
    let mut demo = Command::new(env!("CARGO_BIN_EXE_xmc"));
    demo.args(["demo", "--seconds", "1", "--web", "127.0.0.1:0", "--web-control"]);
    let refused = demo.output().expect("xmc runs");
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(3), "{why}");
    assert!(why.contains("has no [control]"), "{why}");
}

/// Puts a value where a person would type it.
fn put(browser: &mut Browser, id: &str, value: &str) {
    let value = serde_json::to_string(value).expect("it is text");
    browser.value(&format!(
        "(() => {{ const one = document.getElementById('{id}'); one.value = {value};
         one.dispatchEvent(new Event('input')); one.dispatchEvent(new Event('change')); }})()"
    ));
}

fn click(browser: &mut Browser, id: &str) {
    browser.value(&format!("document.getElementById('{id}').click()"));
}

/// A picture of the page, where `XMC_PICTURES` names a directory for them.
fn picture(browser: &mut Browser, name: &str) {
    let Some(directory) = std::env::var_os("XMC_PICTURES") else { return };
    let told = browser.ask("Page.captureScreenshot", &json!({ "format": "png" }));
    let bytes = told["data"].as_str().expect("a picture");
    let path = PathBuf::from(directory).join(format!("{name}.png"));
    let mut decode = Command::new("base64");
    decode.arg("-d").stdin(Stdio::piped()).stdout(File::create(path).expect("it is there"));
    let mut decode = decode.spawn().expect("base64 is there");
    let mut stdin = decode.stdin.take().expect("it is piped");
    stdin.write_all(bytes.as_bytes()).expect("it reads");
    drop(stdin);
    assert!(decode.wait().expect("it ends").success());
}

/// What `xmc` says, as text.
fn said(words: &[&str], path: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_xmc")).args(words).arg(path).output();
    String::from_utf8(output.expect("xmc runs").stdout).expect("UTF-8")
}

#[test]
fn in_a_browser_a_pair_is_disabled_and_an_order_is_followed_to_its_story() {
    let Some(mut browser) = Browser::start("page_browser", (1_440, 900)) else { return };
    let stand = Stand::with("page_browser_engine", 53, LOG);
    let more = [&SERVED[..], &["--web-control"]].concat();
    let mut engine = stand.start_with(&more);
    browser.open(&url_of(&mut engine));
    browser.wait_for("document.body !== null && document.body.dataset.live === 'true'");
    stand.wait_for_fills(8);
    browser.press("a");
    browser.wait_for("document.querySelector('#actions[open] #command option') !== null");
    put(&mut browser, "operator", "alice");
    put(&mut browser, "command", "disable");
    put(&mut browser, "scope", "spread=cu_bc");
    put(&mut browser, "reason", "the page's test");
    click(&mut browser, "prepare");
    let text = "document.getElementById('text').value";
    browser.wait_for(&format!("{text}.startsWith('xmc-command/v1')"));
    picture(&mut browser, "actions_en");
    let prepared = browser.value(text).as_str().expect("text").to_owned();
    assert!(prepared.contains("scope: spread=cu_bc\nreason: the page's test\n"), "{prepared}");
    let (code, signed) = sign(&stand, "alice", &prepared);
    assert_eq!(code, 0, "{signed}");
    // Words of the refusal, in the language of the page.
    put(&mut browser, "signed", &signed.replace("cu_bc", "cu_hg"));
    click(&mut browser, "give");
    let given = "document.getElementById('given').textContent";
    browser.wait_for(&format!("{given}.includes('REFUSED')"));
    let refused = browser.value(given).to_string();
    assert!(refused.contains("a signature is missing, wrong or twice"), "{refused}");
    put(&mut browser, "signed", &signed);
    click(&mut browser, "give");
    browser.wait_for(&format!("{given}.includes('DONE')"));
    assert_eq!(spread_state(&stand, "cu_bc"), "disabled");
    browser.wait_for("document.querySelector('.row .tag.warn') !== null");
    picture(&mut browser, "done_en");
    click(&mut browser, "shut-actions");

    browser.press("r");
    browser.wait_for("document.querySelector('#receipts[open] #ask-kind option') !== null");
    put(&mut browser, "ask-pair", "cu_hg");
    put(&mut browser, "ask-kind", "order");
    click(&mut browser, "search-record");
    browser.wait_for("document.querySelectorAll('#receipt-rows tbody tr').length > 1");
    picture(&mut browser, "receipts_en");
    let cells = "[...document.querySelectorAll('#receipt-rows tbody tr')].map((row) => \
                 [row.cells[1].textContent, row.cells[2].textContent, row.cells[4].textContent])";
    let rows = browser.value(cells);
    let rows = rows.as_array().expect("a list");
    assert!(rows.iter().all(|row| row[0] == "order" && row[1] == "cu_hg"), "{rows:?}");
    // The oldest of what is shown is whole by now: what the command line says of it is the same.
    let order = rows.last().expect("a row")[2].as_str().expect("an id").to_owned();
    let listed = said(&["audit", "query", "--limit", "5000", "--pair", "cu_hg"], stand.record());
    assert!(listed.contains(&order), "{order} is in the record");
    let at = format!("document.querySelector('button[data-order=\"{order}\"]')");
    browser.value(&format!("{at}.click()"));
    browser.wait_for("document.getElementById('story').hidden === false");
    let page = browser.value("document.getElementById('story-page').textContent");
    picture(&mut browser, "story_en");
    assert_eq!(
        page.as_str().expect("text"),
        said(&["audit", "show", "--lang", "en", &order], stand.record()),
        "the story is that of the command line"
    );
    click(&mut browser, "story-back");

    // The same order by its client order id; and nothing where there is nothing.
    put(&mut browser, "ask-pair", "");
    put(&mut browser, "ask-kind", "");
    put(&mut browser, "ask-client_order", &order[2..].to_uppercase());
    click(&mut browser, "search-record");
    browser
        .wait_for(&format!("{cells}.length > 1 && {cells}.every((row) => row[2] === '{order}')"));
    put(&mut browser, "ask-to", "2001-01-01");
    click(&mut browser, "search-record");
    browser.wait_for("document.getElementById('found').textContent.startsWith('0 found')");
    put(&mut browser, "ask-to", "yesterday");
    click(&mut browser, "search-record");
    let wrong = "document.getElementById('receipts-problem')";
    browser.wait_for(&format!("!{wrong}.hidden && {wrong}.textContent.includes('is no moment')"));
    // The browser itself writes down that an answer was 400; nothing else is complained of.
    browser.complaints.retain(|complaint| !complaint.contains("status of 400"));
    assert_eq!(browser.complaints, Vec::<String>::new());
    stand.end(engine);
    stand.stop();
}
