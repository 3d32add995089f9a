//! The terminal is given back as it was, however the screen ends: tried in a terminal that the
//! program `script` makes, with this test binary as the process that draws.

use super::rig::Rig;
use crate::shared::is_required;
use cross_market_connect::monitor::Lang;
use cross_market_connect::monitor::terminal::{Direction, Look, Screen};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use xmc_hotpath::time::Span;

/// Tells the process that draws what to do, and where to say that it does.
const WHAT: &str = "XMC_SCREEN_WHAT";
const WHERE: &str = "XMC_SCREEN_WHERE";
const PATIENCE: Duration = Duration::from_secs(60);

const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";
const SHOW_CURSOR: &str = "\x1b[?25h";

/// The process that draws, if it was started as that.
#[test]
fn drawer() {
    let (Ok(what), Ok(folder)) = (std::env::var(WHAT), std::env::var(WHERE)) else {
        return;
    };
    let mut rig = Rig::new(7);
    rig.run(Span(1_000_000_000));
    let look =
        Look { lang: Lang::Zh, is_ascii: true, direction: Direction::RedUp, has_colour: true };
    let mut screen = Screen::open(look).expect("a terminal");
    screen.draw(rig.view()).expect("a terminal");
    let draft = PathBuf::from(&folder).join("draft");
    std::fs::write(&draft, std::process::id().to_string()).expect("a folder");
    std::fs::rename(draft, PathBuf::from(folder).join("pid")).expect("a folder");
    assert_ne!(what, "panic", "on purpose");
    let start = Instant::now();
    while !screen.wants_to_quit(Duration::from_millis(20)).expect("a terminal") {
        assert!(start.elapsed() < PATIENCE, "nobody ended it");
    }
}

/// Runs the drawer in a terminal: the program that made it, the drawer's folder and its number.
fn started(what: &str) -> Option<(Child, PathBuf, String)> {
    let folder = std::env::temp_dir().join(format!("xmc-screen-{}-{what}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let program = std::env::current_exe().expect("this program");
    let module = module_path!().split_once("::").expect("a module of this crate").1;
    let line = format!(
        "stty cols 100 rows 30; stty -g > before; {} --exact {module}::drawer --nocapture; stty -g \
         > after",
        program.display()
    );
    let spawned = Command::new("script")
        .args(["-q", "-e", "-c", &line, "/dev/null"])
        .current_dir(&folder)
        .env(WHAT, what)
        .env(WHERE, &folder)
        .env("TERM", "xterm-256color")
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let script = match spawned {
        Err(error) if error.kind() == ErrorKind::NotFound && !is_required("script") => {
            eprintln!("SKIPPED for want of the program `script` (bsdutils)");
            return None;
        }
        spawned => spawned.expect("script runs"),
    };
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < PATIENCE, "nothing was drawn");
        match std::fs::read_to_string(folder.join("pid")) {
            Ok(pid) => return Some((script, folder, pid)),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Runs the drawer, has it ended by `act`, and gives all that it wrote.
fn drawn(what: &str, act: impl FnOnce(&mut Child, &str)) -> Option<String> {
    let (mut script, folder, pid) = started(what)?;
    act(&mut script, &pid);
    let output = script.wait_with_output().expect("it ends");
    let [before, after] = ["before", "after"]
        .map(|name| std::fs::read_to_string(folder.join(name)).expect("stty said it"));
    assert_eq!(before, after, "{what}: the terminal works as before");
    std::fs::remove_dir_all(folder).expect("its own folder");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What was written on the screen, and what behind it.
fn parts<'o>(what: &str, output: &'o str) -> (&'o str, &'o str) {
    let (_, inside) = output.split_once(ENTER).unwrap_or_else(|| panic!("{what}: {output}"));
    let (screen, behind) = inside.split_once(LEAVE).unwrap_or_else(|| panic!("{what}: {output}"));
    // Between two wide characters the cursor is moved, so words are not found whole.
    assert!(screen.contains('模') && screen.contains("cu_hg"), "{what}: {screen}");
    assert!(behind.contains(SHOW_CURSOR), "{what}: {behind}");
    assert!(!behind.contains(ENTER) && !behind.contains(LEAVE), "{what}: once is enough");
    (screen, behind)
}

#[test]
fn keys_end_it() {
    for (what, key) in [("q", b"q"), ("control_c", b"\x03")] {
        let output = drawn(what, |script, _| {
            let keys = script.stdin.as_mut().expect("it is piped");
            keys.write_all(key).and_then(|()| keys.flush()).expect("script reads");
        });
        let Some(output) = output else { return };
        let (_, behind) = parts(what, &output);
        assert!(behind.contains("1 passed"), "{what}: {behind}");
    }
}

#[test]
fn signals_end_it_in_order() {
    for signal in ["TERM", "INT", "HUP"] {
        let output = drawn(signal, |_, pid| {
            let sent = Command::new("kill").args([&format!("-{signal}"), pid]).status();
            assert!(sent.expect("kill is a program").success());
        });
        let Some(output) = output else { return };
        let (_, behind) = parts(signal, &output);
        assert!(behind.contains("1 passed"), "{signal}: {behind}");
    }
}

/// The message of a panic is seen, because the screen is gone by then.
#[test]
fn a_panic_is_told_where_it_can_be_read() {
    let Some(output) = drawn("panic", |_, _| {}) else { return };
    let (screen, behind) = parts("panic", &output);
    assert!(behind.contains("on purpose") && !screen.contains("on purpose"), "{output}");
}

/// A terminal that goes takes its screen along: nothing is left that asks it for keys for ever.
#[test]
fn a_screen_whose_terminal_is_gone_ends() {
    let Some((mut script, folder, pid)) = started("gone") else { return };
    script.kill().expect("it runs");
    script.wait().expect("it was killed");
    let start = Instant::now();
    while Path::new("/proc").join(pid.trim()).exists() {
        assert!(start.elapsed() < PATIENCE, "it goes on without a terminal");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::fs::remove_dir_all(folder).expect("its own folder");
}
