//! `xmc demo` with metrics, and `xmc metrics` beside it, as processes of their own.

use super::{PATIENCE, until};
use crate::journal::scratch::Scratch;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;

/// A process that says where its metrics are.
pub struct Serving {
    pub child: Child,
    pub url: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Serving {
    pub fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xmc"));
        command.current_dir(env!("CARGO_MANIFEST_DIR")).args(args);
        let mut child = command
            .env("LC_ALL", "C.UTF-8")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("xmc runs");
        let out = child.stdout.take().expect("it is piped");
        let (tell, told) = channel();
        // It is read to its end, so that nobody waits for a reader.
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if let Some(url) = line.strip_prefix("Metrics: ") {
                    let _ = tell.send(url.to_owned());
                }
            }
        });
        let mut serving = Self { child, url: String::new() };
        serving.url = told.recv_timeout(PATIENCE).expect("it says where its metrics are");
        serving
    }
}

/// A demonstration, with its record.
pub struct Demo {
    pub engine: Serving,
    pub record: PathBuf,
    _scratch: Scratch,
}

impl Demo {
    /// One that has fired.
    pub fn start(name: &str) -> Self {
        let scratch = Scratch::new(name);
        let record = scratch.path("record");
        let path = record.to_str().expect("it is text");
        let args = ["demo", "--plain", "--lang", "en", "--seconds", "60", "--record", path];
        let args: Vec<_> = args.into_iter().chain(["--metrics", "127.0.0.1:0"]).collect();
        let engine = Serving::start(&args);
        let demo = Self { engine, record, _scratch: scratch };
        until("the demonstration fires", || {
            let seen = super::client::scrape(&demo.engine.url);
            seen.value("xmc_engine_fires_total").filter(|fires| *fires >= 10.0)
        });
        demo
    }

    /// An exporter of its record, in another process.
    pub fn exporter(&self) -> Serving {
        let record = self.record.to_str().expect("it is text");
        Serving::start(&["metrics", record, "--listen", "127.0.0.1:0"])
    }
}
