//! Chromium without a window, told what to do over a pipe: the Chrome DevTools Protocol as
//! `--remote-debugging-pipe` speaks it, JSON objects with a zero byte behind each.

use super::PATIENCE;
use crate::journal::scratch::Scratch;
use crate::shared::is_required;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

/// The browser reads what it is told from descriptor 3 and answers on 4. In a container root has
/// no sandbox to put pages into; the page is ours.
const START: &str = "exec chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
                     --no-first-run --user-data-dir=\"$0\" --remote-debugging-pipe about:blank \
                     3<&0 4>&1 >/dev/null 2>&1";

/// A page in a browser.
pub struct Browser {
    child: Child,
    told: ChildStdin,
    heard: Receiver<Value>,
    session: String,
    asked: u64,
    /// What the page has complained about.
    pub complaints: Vec<String>,
    _profile: Scratch,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Browser {
    /// A browser of that size; `None`, said loudly, where there is none.
    pub fn start(name: &str, (width, height): (u32, u32)) -> Option<Self> {
        let is_there =
            Command::new("chromium").arg("--version").output().is_ok_and(|it| it.status.success());
        if !is_there {
            assert!(!is_required("chromium"), "XMC_REQUIRE names chromium, but it does not start");
            eprintln!("SKIPPED for want of chromium: install Debian's package of that name");
            return None;
        }
        let profile = Scratch::new(name);
        let mut command = Command::new("sh");
        command.arg("-c").arg(START).arg(profile.path("profile"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("there is a shell");
        let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
        let (tell, heard) = channel();
        std::thread::spawn(move || {
            loop {
                let mut bytes = Vec::new();
                if out.read_until(0, &mut bytes).unwrap_or(0) == 0 {
                    return;
                }
                bytes.pop();
                let told = serde_json::from_slice(&bytes).expect("the browser speaks JSON");
                if tell.send(told).is_err() {
                    return;
                }
            }
        });
        let told = child.stdin.take().expect("it is piped");
        let mut browser = Self {
            child,
            told,
            heard,
            session: String::new(),
            asked: 0,
            complaints: Vec::new(),
            _profile: profile,
        };
        let target = browser.ask("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.ask("Target.attachToTarget", &attach);
        browser.session = session["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Runtime.enable", "Log.enable", "Page.enable"] {
            browser.ask(domain, &json!({}));
        }
        browser.ask(
            "Emulation.setDeviceMetricsOverride",
            &json!({
                "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
            }),
        );
        Some(browser)
    }

    /// Has it do something, and waits for the answer.
    pub fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.asked += 1;
        let mut asked = json!({ "id": self.asked, "method": method, "params": params });
        if !self.session.is_empty() {
            asked["sessionId"] = json!(self.session);
        }
        let mut bytes = serde_json::to_vec(&asked).expect("it is JSON");
        bytes.push(0);
        self.told.write_all(&bytes).expect("the browser listens");
        self.told.flush().expect("the browser listens");
        loop {
            let told = self.heard.recv_timeout(PATIENCE);
            let told = told.unwrap_or_else(|_| panic!("the browser does not answer {method}"));
            if told["id"] == json!(self.asked) {
                assert!(told["error"].is_null(), "{method}: {told}");
                return told["result"].clone();
            }
            self.note(&told);
        }
    }

    fn note(&mut self, told: &Value) {
        let params = &told["params"];
        let is_bad = match told["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Log.entryAdded") => params["entry"]["level"] == "error",
            Some("Runtime.consoleAPICalled") => params["type"] == "error",
            _ => false,
        };
        if is_bad {
            self.complaints.push(params.to_string());
        }
    }

    /// What an expression comes to in the page.
    pub fn value(&mut self, expression: &str) -> Value {
        let params = json!({
            "expression": expression, "returnByValue": true, "awaitPromise": true,
        });
        let found = self.ask("Runtime.evaluate", &params);
        assert!(found["exceptionDetails"].is_null(), "{expression}: {found}");
        found["result"]["value"].clone()
    }

    /// Waits until an expression is true in the page.
    pub fn wait_for(&mut self, expression: &str) {
        let begun = Instant::now();
        while self.value(expression) != json!(true) {
            if begun.elapsed() > PATIENCE {
                let page = self.value("document.body ? document.body.innerText : ''");
                panic!("never {expression}; complaints {:?}; page {page}", self.complaints);
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// Goes to an address.
    pub fn open(&mut self, url: &str) {
        self.ask("Page.navigate", &json!({ "url": url }));
    }

    /// Presses a key.
    pub fn press(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" && key.len() == 1 { key } else { "" };
            let params = json!({ "type": kind, "key": key, "text": text });
            self.ask("Input.dispatchKeyEvent", &params);
        }
    }
}
