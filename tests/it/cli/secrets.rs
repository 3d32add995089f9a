//! The secrets of an engine (the key of an order session, the passwords of a counter and of a query
//! service) are found nowhere but in their files: not in what the engine prints, not in what it
//! writes, not in a core image of it.

use super::run::{CREDENTIALS, Engine, files, sample};
use crate::journal::scratch::Scratch;
use cross_market_connect::hex;
use cross_market_connect::venue::cme::ilink3::signature::SecretKey;
use cross_market_connect::venue::shfe::simulated::QueryUser;
use cross_market_connect::venue::shfe::simulated::shell::ShfeShell;
use cross_market_connect::venue::simulated::Venues;
use memchr::memmem;
use serde_json::Value;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// A key that stands in no program, as it is given out: 32 bytes in base64url. And its bytes.
fn key() -> (String, Vec<u8>) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut rng = fastrand::Rng::new();
    let sextets: Vec<u8> =
        (0..43).map(|place| if place < 42 { rng.u8(..64) } else { rng.u8(..16) << 2 }).collect();
    let text = sextets.iter().map(|six| char::from(DIGITS[usize::from(*six)])).collect();
    let mut bits = sextets.iter().flat_map(|six| (0..6).rev().map(move |bit| six >> bit & 1));
    let byte = |_| bits.by_ref().take(8).fold(0, |byte, bit| byte << 1 | bit);
    (text, (0..32).map(byte).collect())
}

/// A password that stands in no program, of so many characters.
fn password(len: usize) -> String {
    let mut rng = fastrand::Rng::new();
    (0..len).map(|_| rng.alphanumeric()).collect()
}

/// What must not be found: the key as text, its bytes, and those in hexadecimal digits.
fn needles(text: &str, bytes: &[u8]) -> [Vec<u8>; 3] {
    [text.as_bytes().to_vec(), bytes.to_vec(), hex::show(bytes).into_bytes()]
}

/// Whether a part of the key is there: sixteen bytes of it are as bad as all.
fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    let mut parts = needle.windows(16).step_by(16);
    parts.any(|part| memmem::find(haystack, part).is_some())
}

/// Every file below a directory.
fn all_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("it is a directory") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() { all_files(&path, found) } else { found.push(path) }
    }
}

/// What a core image of a process would hold, region by region: all that it can read, whatever the
/// filter of core images says. `None` if this user may not look.
fn image(process: u32) -> Option<Vec<(String, Vec<u8>)>> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).ok()?;
    let memory = File::open(format!("/proc/{process}/mem")).ok()?;
    let mut image = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, rights) = (words.next()?, words.next()?);
        let name = words.nth(3).unwrap_or("").to_owned();
        let (begin, end) = range.split_once('-')?;
        let [begin, end] = [begin, end].map(|at| u64::from_str_radix(at, 16).expect("an address"));
        let mut bytes = vec![0; usize::try_from(end - begin).expect("it is in memory")];
        // Pages of the kernel's own cannot be read, nor those behind the end of a file.
        if rights.starts_with('r') && memory.read_exact_at(&mut bytes, begin).is_ok() {
            image.push((format!("{range} {name}"), bytes));
        }
    }
    Some(image)
}

#[test]
fn a_secret_is_found_nowhere_but_in_its_file() {
    let scratch = Scratch::new("secrets");
    let mut config = sample();
    let venues = Venues::open(&config, 31, None).expect("loopback has room");
    venues.address(&mut config);
    let (text, bytes) = key();
    let secret = SecretKey::from_base64url(&text).expect("it is one");
    venues.cme.with(move |shell, _| shell.venue_mut().set_key("XM1", secret)).expect("it runs");
    let [counter, query] = [21, 40].map(password);
    let (account_no, password) = ("88001", counter.clone());
    let user = QueryUser {
        user_id: "asker".to_owned(),
        participant_id: "0001".to_owned(),
        password: query.clone(),
    };
    let set = move |shell: &mut ShfeShell, _| {
        shell.venue_mut().set_password(account_no, &password);
        shell.venue_mut().set_query_users(vec![user]);
    };
    venues.shfe.with(set).expect("it runs");
    let (record, file) = (scratch.path("record"), files(&scratch, &config));
    ask_as_somebody(&scratch.path("demo_market.toml"));
    let secrets = [
        ("demo_counter_password", counter.as_str()),
        ("demo_cme_key", text.as_str()),
        ("demo_query_password", query.as_str()),
    ];
    let mut engine = Engine::with_secrets(&secrets, &file, &record, &["--seconds", "600"]);
    // It has logged on everywhere and trades; its replica asks too.
    let since = Instant::now();
    let messages =
        || venues.cme.with(|shell, _| shell.venue().counters()).expect("it runs").messages;
    let counts = || venues.shfe.counts().expect("it runs");
    while messages() < 4 || counts().fills == 0 || counts().queries.logins < 2 {
        let ended = engine.0.try_wait().expect("it is a child");
        assert!(ended.is_none() && since.elapsed() < PATIENCE, "nothing is traded: {ended:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    let passwords = [counter, query].map(String::into_bytes);
    let needles: Vec<_> = needles(&text, &bytes).into_iter().chain(passwords).collect();
    let process = engine.0.id();
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).expect("it lives");
    let cores = limits.lines().find(|line| line.starts_with("Max core file size"));
    let cores = cores.expect("there is one").split_whitespace().collect::<Vec<_>>();
    assert_eq!(cores[4..6], ["0", "0"], "no core image is written of it");
    match image(process) {
        Some(image) => {
            let size: usize = image.iter().map(|(_, bytes)| bytes.len()).sum();
            assert!(size > 10_000_000 && image.iter().any(|(name, _)| name.contains("[heap]")));
            for (place, bytes) in &image {
                for needle in &needles {
                    assert!(!holds(bytes, needle), "a secret stands in memory at {place}");
                }
            }
            println!("{size} bytes in {} regions searched", image.len());
        }
        None => println!("SKIPPED: this user may not read the memory of another process"),
    }
    // What it prints at its end.
    let interrupted = Command::new("kill").args(["-INT", &process.to_string()]).status();
    assert!(interrupted.expect("kill runs").success());
    let (_, out, why) = engine.rest();
    let told: Value = serde_json::from_str(&out).expect("JSON");
    assert!(told["orders"].as_u64().is_some_and(|orders| orders > 0), "{told}");
    let mut written = Vec::new();
    all_files(&scratch.path(""), &mut written);
    written.retain(|path| !path.starts_with(scratch.path(CREDENTIALS)));
    assert!(written.len() > 4, "the record is there: {written:?}");
    let printed = [("stdout".into(), out.into_bytes()), ("stderr".into(), why.into_bytes())];
    let written = written.into_iter().map(|path| (path.clone(), fs::read(path).expect("a file")));
    for (place, bytes) in printed.into_iter().chain(written) {
        for needle in &needles {
            assert!(!holds(&bytes, needle), "a secret stands in {}", Path::display(&place));
        }
    }
    venues.stop().expect("they ran");
}

/// Gives the domestic feed of a configuration a user and a password.
fn ask_as_somebody(file: &Path) {
    let text = fs::read_to_string(file).expect("it is there");
    let lines = "mdqp_user = \"asker\"\nmdqp_participant = \"0001\"\n\
         mdqp_password_credential = \"demo_query_password\"\nmdqp = ";
    assert_eq!(text.matches("\nmdqp = ").count(), 1);
    fs::write(file, text.replace("mdqp = ", lines)).expect("it is ours");
}

/// The search finds what is there.
#[test]
fn a_key_that_is_there_is_found() {
    let (text, bytes) = key();
    let decoded = SecretKey::from_base64url(&text).expect("it is one");
    let here = hex::show(&bytes);
    let image = image(std::process::id()).expect("one's own memory can be read");
    let found = |needle: &[u8]| image.iter().any(|(_, region)| holds(region, needle));
    for needle in needles(&text, &bytes) {
        assert!(found(&needle));
    }
    // The test keeps them all to the end.
    assert_eq!(here.len(), 64);
    drop(decoded);
}
