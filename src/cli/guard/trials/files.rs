//! The files of a trial: the demonstration's configuration with orders that rest, a guard, and the
//! addresses that the venues have really opened.

use crate::cli::CliError;
use crate::cli::demo::{self, Topology};
use crate::config::{self, Configuration, Endpoint, Recovery};
use crate::venue::cme::simulated::shell::SIMULATED_KEY;
use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddrV4;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The configuration's name in the directory of a trial.
const CONFIG: &str = "trial.toml";
/// Where the credentials of a trial lie, below its directory.
pub const CREDENTIALS: &str = "credentials";

/// What a trial changes: orders stay for the day and are not paid up for, so that some rest until
/// their deadline of five seconds; and a disk that others keep busy stops nothing.
const EDITS: [(&str, &str); 3] = [
    ("time_in_force = \"fak\"", "time_in_force = \"day\""),
    ("ack_timeout_ms = 1_000", "ack_timeout_ms = 5_000"),
    ("desk_id = 1\n", "desk_id = 1\nrecord_late_ms = 20_000\n"),
];

/// The guard of a trial: at CME with a session of its own, at the counter as the engine's account.
const GUARD: &str = r#"
[guard]

[[guard.session]]
gateway = "cme"
session = "XG1"
firm = "XMC"
sender_id = "guard"
location = "HK"
access_key_id = "simulated"
key_credential = "demo_cme_key"
"#;

/// The text before addresses are put in.
pub fn text() -> String {
    let mut text = demo::text(Topology::OneCore);
    for (old, new) in EDITS {
        text = text.replace(old, new);
    }
    let lines = text.lines().map(|line| match line.starts_with("pay_up_ticks = ") {
        true => "pay_up_ticks = 0\n".to_owned(),
        false => format!("{line}\n"),
    });
    lines.collect::<String>() + GUARD
}

/// Reads it.
pub fn configuration(text: &str) -> Result<Configuration, CliError> {
    Ok(config::load_text(Path::new(CONFIG), text)?)
}

/// Writes the configuration as an engine and a guard read it, and the secrets of its gateways,
/// which the simulated venues all know; where it is.
pub fn write(
    directory: &Path,
    text: &str,
    before: &Configuration,
    after: &Configuration,
) -> io::Result<PathBuf> {
    let mut text = text.replace("interface = \"lo\"", "interface = \"127.0.0.1\"");
    for (old, new) in edits(before, after) {
        text = text.replace(&old, &new);
    }
    let credentials = directory.join(CREDENTIALS);
    fs::create_dir_all(&credentials)?;
    for (name, secret) in [("demo_counter_password", "simulated"), ("demo_cme_key", SIMULATED_KEY)]
    {
        let file = credentials.join(name);
        fs::write(&file, format!("{secret}\n"))?;
        fs::set_permissions(&file, Permissions::from_mode(0o400))?;
    }
    let path = directory.join(CONFIG);
    fs::write(&path, text)?;
    Ok(path)
}

/// Every address as it is written, and as it has to be.
fn edits(before: &Configuration, after: &Configuration) -> Vec<(String, String)> {
    let mut edits = Vec::new();
    let mut group = |old: SocketAddrV4, new: SocketAddrV4| {
        let text = |at: SocketAddrV4| format!("group = \"{}\", port = {}", at.ip(), at.port());
        edits.push((text(old), text(new)));
    };
    let mut addresses = Vec::new();
    for (old, new) in before.feeds.iter().zip(&after.feeds) {
        group(old.line_a.group, new.line_a.group);
        group(old.line_b.group, new.line_b.group);
        match (&old.recovery, &new.recovery) {
            (Recovery::Loops(old), Recovery::Loops(new)) => {
                let lines = |loops: &config::RecoveryLoops| {
                    let all = loops.definitions.iter().chain(&loops.snapshots).flatten();
                    all.map(|line| line.group).collect::<Vec<_>>()
                };
                lines(old).into_iter().zip(lines(new)).for_each(|(old, new)| group(old, new));
            }
            (Recovery::Query(old), Recovery::Query(new)) => {
                addresses.push((old.address, new.address));
            }
            _ => {}
        }
    }
    for (old, new) in before.gateways.iter().zip(&after.gateways) {
        match (old.endpoint, new.endpoint) {
            (Some(Endpoint::Stream(old)), Some(Endpoint::Stream(new))) => {
                addresses.push((old, new));
            }
            (
                Some(Endpoint::Pair { requests: old, answers: old_answers }),
                Some(Endpoint::Pair { requests, answers }),
            ) => addresses.extend([(old, requests), (old_answers, answers)]),
            _ => {}
        }
    }
    edits.extend(addresses.into_iter().map(|(old, new)| (old.to_string(), new.to_string())));
    edits
}
