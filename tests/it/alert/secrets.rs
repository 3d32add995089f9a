//! Addresses of sinks hold tokens, and what signs is a secret: neither is found in anything that an
//! engine writes or prints, in what its sinks are told, or in what `xmc` says of it.

use super::engine::{PATIENCE, SECRET, Stand, TOKEN, items};
use super::receiver::{Receiver, ok};
use crate::cli::run::{CREDENTIALS, Engine};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

const ALERTS: &str = "
[alert]

[[alert.rule]]
code = \"XMC-A120\"
limit = 1

[[alert.sink]]
name = \"log\"
kind = \"log\"

[[alert.sink]]
name = \"hook\"
kind = \"webhook\"
url_file = \"FILE(hook)\"
secret_file = \"FILE(secret)\"

[[alert.sink]]
name = \"ding\"
kind = \"dingtalk\"
url_file = \"FILE(ding)\"
secret_file = \"FILE(secret)\"
group_ms = 0

[[alert.sink]]
name = \"we\"
kind = \"wecom\"
url_file = \"FILE(we)\"
group_ms = 0

[[alert.sink]]
name = \"gone\"
kind = \"feishu\"
url_file = \"FILE(gone)\"
timeout_ms = 500
group_ms = 0
";

fn all_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("it is a directory") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() { all_files(&path, found) } else { found.push(path) }
    }
}

fn holds(bytes: &[u8]) -> Option<&'static str> {
    [TOKEN, SECRET]
        .into_iter()
        .find(|needle| bytes.windows(needle.len()).any(|window| window == needle.as_bytes()))
}

#[test]
fn no_token_and_no_secret_is_found_anywhere_but_in_its_file() {
    let hook = Receiver::new(ok(""));
    // It refuses, and says the token back.
    let refusal = format!("{{\"errcode\":310000,\"errmsg\":\"token {TOKEN} is not known\"}}");
    let ding = Receiver::new(ok(&refusal));
    let we = Receiver::new(Some(("403 X", format!("who is {TOKEN}?"))));
    let urls = [
        ("hook", hook.url(&format!("/{TOKEN}"))),
        ("ding", ding.url(&format!("/robot/send?access_token={TOKEN}"))),
        ("we", we.url(&format!("/cgi-bin/webhook/send?key={TOKEN}"))),
        ("gone", format!("http://127.0.0.1:9/hook/{TOKEN}")),
        ("secret", SECRET.to_owned()),
    ];
    let urls: Vec<_> = urls.iter().map(|(name, url)| (*name, url.as_str())).collect();
    let stand = Stand::new("alert_secrets", 44, ALERTS, &urls);
    let mut engine = Engine::start(&stand.file, &stand.record, &[]);
    let list = stand.until("three of them fail", |list| {
        let sinks = list["sinks"].as_array().cloned().unwrap_or_default();
        sinks.iter().filter(|sink| sink["is_failing"] == true).count() == 3
    });
    let whys = list["sinks"].to_string();
    assert!(whys.contains("310000") && whys.contains("status 403") && whys.contains("***"));
    hook.wait_until(|requests| !items(requests).is_empty());
    let file = stand.file.to_str().expect("UTF-8");
    let record = stand.record.to_str().expect("UTF-8");
    let mut printed = Vec::new();
    for words in [
        &["alert", "list", "--record", record][..],
        &["alert", "list", "--json", "--record", record],
        &["alert", "test", "--config", file, "--record", record],
        &["alert", "test", "--json", "--config", file, "--record", record],
        &["plan", file, "--elsewhere"],
        &["plan", file, "--elsewhere", "--json"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_xmc")).args(words).output().expect("runs");
        assert!(!output.stdout.is_empty(), "{words:?}");
        printed.push((words.join(" "), [output.stdout, output.stderr].concat()));
    }
    let pid = engine.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
    let since = Instant::now();
    let (_, out, why) = engine.rest();
    assert!(since.elapsed() < PATIENCE, "sinks that fail do not keep it");
    printed.push(("the engine".to_owned(), format!("{out}{why}").into_bytes()));
    for receiver in [&hook, &ding, &we] {
        for request in receiver.requests() {
            printed.push(("a message".to_owned(), request.body));
        }
    }
    let mut files = Vec::new();
    all_files(&stand.scratch.path(""), &mut files);
    let own: Vec<_> = urls.iter().map(|(name, _)| stand.scratch.path(name)).collect();
    files.retain(|path| !path.starts_with(stand.scratch.path(CREDENTIALS)) && !own.contains(path));
    assert!(files.iter().any(|path| path.ends_with("outbox.log")), "{files:?}");
    for path in files {
        printed.push((path.display().to_string(), fs::read(&path).expect("a file")));
    }
    for (place, bytes) in printed {
        assert_eq!(holds(&bytes), None, "{place}");
    }
    stand.venues.stop().expect("they ran");
}

#[test]
fn a_secret_that_is_written_into_the_configuration_is_refused_and_not_shown() {
    use crate::config::{edited, load};
    for (key, kind) in [
        ("url", "webhook"),
        ("token", "dingtalk"),
        ("access_token", "dingtalk"),
        ("key", "wecom"),
        ("secret", "feishu"),
    ] {
        let rest = if key == "secret" { "url_file = \"u\"\n" } else { "" };
        let text = format!(
            "[alert]\n[[alert.sink]]\nname = \"a\"\nkind = \"{kind}\"\n{rest}{key} = \"{TOKEN}\"\n\
             \n[logic]"
        );
        let invalid = load(&edited(&[("[logic]", &text)])).expect_err("it is refused");
        let shown = format!("{invalid}{}", invalid.render(false));
        assert!(shown.contains("is a secret") && !shown.contains(TOKEN), "{key}: {shown}");
    }
}
