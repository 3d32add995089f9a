//! The answers over HTTP are those of the command line, for who has the token, and nothing else is
//! answered.

use super::rig;
use crate::journal::scratch::Scratch;
use cross_market_connect::sim::plan::Seed;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

fn xmc(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
    command.arg("audit").args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A server that ends with the test.
struct Server {
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn token(scratch: &Scratch) -> PathBuf {
    let path = scratch.path("token");
    fs::write(&path, "open sesame\n").expect("the disk has room");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("it is text")
}

impl Server {
    fn start(journal: &Path, token: &Path) -> Self {
        let args = ["serve", text(journal), "--listen", "127.0.0.1:0", "--token-file", text(token)];
        let mut child = xmc(&args).spawn().expect("xmc runs");
        let mut line = String::new();
        let out = child.stdout.take().expect("it was asked for");
        BufReader::new(out).read_line(&mut line).expect("it says where it listens");
        let address = line.split('/').nth(2).unwrap_or_default().to_owned();
        assert!(address.starts_with("127.0.0.1:"), "{line}");
        Self { child, address }
    }

    fn send(&self, request: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    fn get(&self, target: &str) -> (u16, Value) {
        let token = "Authorization: Bearer open sesame";
        self.send(&format!("GET {target} HTTP/1.1\r\nHost: here\r\n{token}\r\n\r\n"))
    }
}

#[test]
fn auditors_with_the_token_are_answered_and_nobody_else() {
    let scratch = Scratch::new("serve");
    let path = rig::journal(Seed::whole(3), &scratch);
    let before = fs::read(path.join("00000001.xmj")).expect("its segment");
    let server = Server::start(&path, &token(&scratch));
    let records = rig::records(Seed::whole(3)).len();
    let (status, journal) = server.get("/v1/journal");
    assert_eq!((status, &journal["records"]), (200, &Value::from(records)));
    for (request, status) in [
        ("GET /v1/journal HTTP/1.1\r\n\r\n", 401),
        ("GET /v1/journal HTTP/1.1\r\nAuthorization: Bearer open\r\n\r\n", 401),
        ("GET /v1/journal HTTP/1.1\r\nAuthorization: Bearer open sesame!\r\n\r\n", 401),
        ("POST /v1/journal HTTP/1.1\r\nAuthorization: Bearer open sesame\r\n\r\n", 405),
        ("nonsense\r\n\r\n", 400),
    ] {
        assert_eq!(server.send(request).0, status, "{request}");
    }
    for (target, status) in [
        ("/v1/nothing", 404),
        ("/v1/orders/0x1", 404),
        ("/v1/orders/first", 400),
        ("/v1/receipts?colour=red", 400),
        ("/v1/receipts?kind=quote", 400),
        ("/v1/days/today", 400),
        ("/v1/days/2026-09-01?zone=99", 400),
        ("/../../etc/passwd", 404),
    ] {
        assert_eq!(server.get(target).0, status, "{target}");
    }
    // Page by page it is what the command line says in one.
    let mut pages = Vec::new();
    let mut target = "/v1/receipts?limit=7".to_owned();
    loop {
        let (status, page) = server.get(&target);
        assert_eq!(status, 200);
        pages.extend(page["receipts"].as_array().expect("a list").clone());
        let Some(next) = page["next_after"].as_str() else { break };
        target = format!("/v1/receipts?limit=7&after={next}");
    }
    let args = ["query", text(&path), "--no-index", "--limit", "1000000", "--json"];
    let output = xmc(&args).output().expect("xmc runs");
    let lines = String::from_utf8(output.stdout).expect("it is text");
    let places = |rows: &[Value]| -> Vec<String> {
        rows.iter().map(|row| row["place"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let told: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    assert_eq!(places(&pages), places(&told));
    let unique: BTreeSet<String> = places(&pages).into_iter().collect();
    assert_eq!(unique.len(), pages.len());
    // Nothing was written to the journal.
    assert_eq!(fs::read(path.join("00000001.xmj")).expect("its segment"), before);
}

/// With `--json` what a server says of itself is one object.
#[test]
fn servers_say_where_they_are_as_data() {
    let scratch = Scratch::new("serve_json");
    let path = rig::journal(Seed::whole(1), &scratch);
    let (token, own, keep) =
        (token(&scratch), scratch.path("own.key"), scratch.path("log.checkpoints"));
    let keygen = |path: &Path, more: &[&str]| {
        let args = ["keygen", text(path), "--name", "witness.example/w", "--json"];
        let made = xmc(&[&args, more].concat()).output().expect("xmc runs");
        assert!(made.status.success(), "{made:?}");
    };
    let log = scratch.path("log.key");
    keygen(&own, &["--witness"]);
    keygen(&log, &[]);
    let public = format!("{}.pub", text(&log));
    let serve = ["serve", text(&path), "--listen", "127.0.0.1:0", "--token-file", text(&token)];
    let witness = ["witness", "--listen", "127.0.0.1:0", "--own-key", text(&own), "--log", &public];
    let witness = [&witness[..], &["--keep", text(&keep)]].concat();
    for (args, schema) in [(&serve[..], "xmc.audit.serve"), (&witness, "xmc.audit.witness")] {
        let mut child = xmc(args).arg("--json").spawn().expect("xmc runs");
        let mut line = String::new();
        let out = child.stdout.take().expect("it was asked for");
        BufReader::new(out).read_line(&mut line).expect("it says where it listens");
        let _ = child.kill();
        let _ = child.wait();
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        assert_eq!((&told["schema"], told["version"].as_u64()), (&schema.into(), Some(1)));
        let url = told["url"].as_str().expect("an address");
        assert!(url.starts_with("http://127.0.0.1:"), "{told}");
    }
}

#[test]
fn what_would_not_be_safe_is_refused() {
    let scratch = Scratch::new("serve_refused");
    let path = rig::journal(Seed::whole(1), &scratch);
    let token = token(&scratch);
    let args = ["serve", text(&path), "--listen", "0.0.0.0:0", "--token-file", text(&token)];
    let output = xmc(&args).output().expect("xmc runs");
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    fs::set_permissions(&token, fs::Permissions::from_mode(0o644)).expect("it is ours");
    let args = ["serve", text(&path), "--listen", "127.0.0.1:0", "--token-file", text(&token)];
    let output = xmc(&args).output().expect("xmc runs");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

/// Where the index cannot lie beside the journal, each command says what does without that.
#[test]
fn an_index_that_cannot_be_written_names_the_other_ways() {
    let scratch = Scratch::new("audit_no_index");
    let path = rig::journal(Seed::whole(3), &scratch);
    // As on a disk that is read only, whoever runs this.
    fs::create_dir(path.join("index.redb")).expect("the disk has room");
    let (path, elsewhere) = (text(&path), scratch.path("elsewhere.redb"));
    for (command, without) in [("query", "--no-index"), ("report", "--recount")] {
        let output = xmc(&[command, path]).output().expect("xmc runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("--index FILE") && said.contains(without), "{said}");
        for other in [&[without][..], &["--index", text(&elsewhere)]] {
            let output = xmc(&[&[command, path], other].concat()).output().expect("xmc runs");
            assert_eq!(output.status.code(), Some(0), "{output:?}");
        }
    }
}

/// The commands end as all commands do.
#[test]
fn exit_codes_say_how_it_went() {
    let scratch = Scratch::new("audit_exits");
    let path = rig::journal(Seed::whole(3), &scratch);
    let nowhere = scratch.path("nothing");
    let (path, nowhere) = (text(&path), text(&nowhere));
    for (args, code) in [
        (vec!["query", path], 0),
        (vec!["query", path, "--pair", "no_such"], 3),
        (vec!["query", path, "--kind", "no_such"], 3),
        (vec!["query", nowhere], 2),
        (vec!["report", path, "--format", "html"], 0),
        (vec!["report", path, "--sheet", "pairs", "--columns", "pair,fires"], 0),
        (vec!["report", path, "--sheet", "pairs", "--columns", "colour"], 3),
        (vec!["report", path, "--columns", "pair"], 3),
        (vec!["report", path, "--sheet", "rts24", "--format", "csv", "--recount"], 0),
        (vec!["show", "0x1", path], 2),
        (vec!["show", "first", path], 3),
    ] {
        let output = xmc(&args).output().expect("xmc runs");
        assert_eq!(output.status.code(), Some(code), "{args:?} {output:?}");
    }
    // Damage is told, and what lies before it is answered.
    let segment = Path::new(path).join("00000001.xmj");
    let mut bytes = fs::read(&segment).expect("its segment");
    let place = bytes.len() * 3 / 4;
    bytes[place] ^= 1;
    fs::write(&segment, bytes).expect("it is ours");
    let output = xmc(&["query", path, "--no-index"]).output().expect("xmc runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("DAMAGED"));
}
