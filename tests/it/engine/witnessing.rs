//! Signing a journal while it is written: with witnesses that are slow, away, behind, or right to
//! refuse.

use crate::journal::desk::{Desk, FIRST, publish};
use crate::journal::scratch::Scratch;
use crate::journal::write::at;
use cross_market_connect::audit::evidence::Evidence;
use cross_market_connect::audit::key;
use cross_market_connect::audit::note::{Purpose, VerifierKey};
use cross_market_connect::audit::verify_against;
use cross_market_connect::audit::witness::keep::Kept;
use cross_market_connect::audit::witness::serve::Server;
use cross_market_connect::config::{Checkpoints, SecretSource, Witness, WitnessPlace};
use cross_market_connect::engine::witnessing::{Figures, Witnessing, evidence};
use cross_market_connect::journal::disk::{self, Directory};
use cross_market_connect::journal::segment::ChainHash;
use cross_market_connect::journal::shm::{RingFile, RingReader};
use cross_market_connect::journal::{
    Durable, JournalWriter, Options, SealReason, SyncPolicy, recover,
};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use xmc_hotpath::message::DeskIdentity;
use xmc_hotpath::time::Span;

const ORIGIN: &str = "example.com/site1/desk2";
const PATIENCE: Duration = Duration::from_secs(5);
const OPTIONS: Options = Options {
    segment_bytes: 1 << 18,
    block_bytes: 1 << 12,
    linger: Span(0),
    sync: SyncPolicy::EveryBlock,
    chain_hash: ChainHash::Sha256,
};

/// A directory with a key; journal and witness lie below it.
struct Bench {
    scratch: Scratch,
}

impl Bench {
    fn new(name: &str) -> Self {
        let scratch = Scratch::new(name);
        let made = key::generate(ORIGIN, Purpose::Log).unwrap();
        key::write(&scratch.path("log.key"), &made).unwrap();
        Self { scratch }
    }

    fn journal(&self) -> std::path::PathBuf {
        self.scratch.path("journal")
    }

    fn config(&self, places: Vec<WitnessPlace>) -> Checkpoints {
        let witness = |(place, name): (_, &str)| Witness { name: name.to_owned(), place };
        Checkpoints {
            key: SecretSource::File(self.scratch.path("log.key")),
            old_key: None,
            interval_ms: 100,
            every_records: 1_000_000,
            witnesses: places.into_iter().zip(["one", "two"]).map(witness).collect(),
        }
    }

    fn directory(&self) -> WitnessPlace {
        WitnessPlace::Directory(self.scratch.path("witness"))
    }

    /// Writes a run of the journal and has it signed, `polls` times and at the end.
    fn run(&self, config: &Checkpoints, identity: DeskIdentity, polls: u64) -> Figures {
        let first = disk::list(&self.journal()).map_or(1, |list| list.last().map_or(1, |n| n + 1));
        let mut witnessing = Witnessing::open(config, &self.journal()).unwrap().from_segment(first);
        let durable = write(&self.journal(), identity, polls, |durable| {
            let began = Instant::now();
            witnessing.poll(durable);
            assert!(began.elapsed() < Duration::from_secs(1), "nobody is waited for");
        });
        witnessing.finish(&durable, PATIENCE);
        witnessing.figures()
    }

    fn verify(&self, config: &Checkpoints) -> cross_market_connect::audit::Report {
        let evidence: Option<Evidence> = evidence(config, &self.journal()).unwrap();
        verify_against(&self.journal(), Some(&evidence.expect("a witness has something"))).unwrap()
    }
}

/// A run of `polls` polls with ten inputs each.
fn write(
    journal: &Path,
    identity: DeskIdentity,
    polls: u64,
    mut look: impl FnMut(&Durable),
) -> Durable {
    let ring_path = journal.with_extension(format!("ring{}", identity.run));
    let _ = fs::remove_file(&ring_path);
    let mut ring = RingFile::open(&ring_path, 1 << 20, identity).unwrap();
    let mut reader = RingReader::attach(&ring_path).unwrap();
    let directory = Directory::open(journal).unwrap();
    let (mut writer, _) =
        JournalWriter::start(directory, reader.consumer().unwrap(), identity, OPTIONS).unwrap();
    let mut producer = ring.producer().unwrap();
    let mut desk = Desk::new(identity, identity.run.into());
    publish(&mut producer, &[desk.start()]).unwrap();
    for poll in 1..=polls {
        for _ in 0..10 {
            let (before, after) = desk.next();
            publish(&mut producer, &before).unwrap();
            publish(&mut producer, &after).unwrap();
        }
        writer.poll(at(poll)).unwrap();
        look(&writer.figures().durable);
    }
    writer.finish(SealReason::Stopped, at(polls + 1)).unwrap().durable
}

fn run_number(run: u16) -> DeskIdentity {
    DeskIdentity { run, ..FIRST }
}

/// The sizes that a witness kept, in its order.
fn sizes(path: &Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let at = |(at, line): (usize, &&str)| (*line == ORIGIN).then(|| lines[at + 1].parse().unwrap());
    lines.iter().enumerate().filter_map(at).collect()
}

#[test]
fn a_file_elsewhere_has_the_whole_journal_run_after_run() {
    let bench = Bench::new("witnessing");
    let config = bench.config(vec![bench.directory()]);
    for run in 1..=3 {
        let figures = bench.run(&config, run_number(run), 40);
        assert_eq!((figures.fault, figures.records), (None, u64::from(run) * 521));
        let witness = &figures.witnesses[0];
        assert_eq!((witness.records, witness.failures), (u64::from(run) * 521, 0), "run {run}");
        assert_eq!(witness.trouble, None);
    }
    let kept = sizes(&bench.scratch.path("witness/example.com-site1-desk2.checkpoints"));
    assert!(kept.is_sorted() && kept.last() == Some(&1_563), "{kept:?}");
    let report = bench.verify(&config);
    assert_eq!(report.finding, None);
    let witnessed = report.witness.unwrap();
    assert_eq!((witnessed.records, witnessed.unwitnessed_records), (1_563, 0));
    assert_eq!(witnessed.matched, witnessed.checkpoints);
}

#[test]
fn nothing_is_signed_that_a_loss_of_power_could_take() {
    let bench = Bench::new("witnessing");
    let config = bench.config(vec![bench.directory()]);
    let mut witnessing = Witnessing::open(&config, &bench.journal()).unwrap();
    let mut middle = Durable::default();
    let end = write(&bench.journal(), FIRST, 40, |durable| {
        if middle.tree_size == 0 && durable.tree_size > 100 {
            middle = *durable;
        }
    });
    assert!(middle.tree_size < end.tree_size);
    // A word that ends within a block: what is read goes beyond it, and is not signed.
    let within = Durable { tree_size: middle.tree_size - 1, ..middle };
    witnessing.finish(&within, PATIENCE);
    assert_eq!(witnessing.figures().witnesses[0].kept, 0);
    // All of it is in the files, and only half of it is known to be safe.
    witnessing.finish(&middle, PATIENCE);
    assert_eq!(witnessing.figures().witnesses[0].records, middle.tree_size);
    witnessing.finish(&end, PATIENCE);
    assert_eq!(witnessing.figures().witnesses[0].records, end.tree_size);
}

#[test]
fn a_witness_that_lost_some_or_all_is_caught_up_with_from_the_files() {
    let bench = Bench::new("witnessing");
    let config = bench.config(vec![bench.directory()]);
    bench.run(&config, FIRST, 40);
    let file = bench.scratch.path("witness/example.com-site1-desk2.checkpoints");
    // What it had after the first checkpoint, with a write that was torn.
    let text = fs::read_to_string(&file).unwrap();
    let first = text.find("\n\n\u{2014}").unwrap();
    let first = first + text[first + 2..].find('\n').unwrap() + 3;
    for kept in [Some(format!("{}\n{ORIGIN}\n99", &text[..first])), None] {
        match &kept {
            Some(kept) => fs::write(&file, kept).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        let run = if kept.is_some() { 2 } else { 3 };
        // Sealed segments may have been packed meanwhile.
        for segment in disk::segments(&bench.journal()).unwrap() {
            if !disk::is_packed(&segment.path) {
                disk::pack_file(&segment.path).unwrap();
            }
        }
        let figures = bench.run(&config, run_number(run), 5);
        let witness = &figures.witnesses[0];
        assert_eq!((witness.failures, witness.trouble), (0, None), "{figures:?}");
        assert_eq!(witness.records, figures.records);
        assert_eq!(bench.verify(&config).finding, None);
    }
}

#[test]
fn a_journal_that_was_taken_back_or_changed_is_refused_while_it_is_written() {
    for (seeds_differ, rule) in [(false, "cut_off"), (true, "not_witnessed_so")] {
        let bench = Bench::new("witnessing");
        let config = bench.config(vec![bench.directory()]);
        bench.run(&config, FIRST, 40);
        // The journal as it was before, or another; the witness has seen this one.
        fs::rename(bench.journal(), bench.scratch.path("seen")).unwrap();
        let identity = if seeds_differ { run_number(7) } else { FIRST };
        let polls = if seeds_differ { 60 } else { 10 };
        let figures = bench.run(&config, identity, polls);
        let witness = &figures.witnesses[0];
        assert_eq!((witness.kept, witness.trouble), (0, Some("contradicts")), "{witness:?}");
        assert!(figures.has_trouble());
        assert_eq!(bench.verify(&config).finding.unwrap().rule, rule);
    }
}

#[test]
fn a_longer_journal_with_another_beginning_is_refused() {
    let bench = Bench::new("witnessing");
    let config = bench.config(vec![bench.directory()]);
    bench.run(&config, FIRST, 40);
    fs::rename(bench.journal(), bench.scratch.path("seen")).unwrap();
    let mut witnessing = Witnessing::open(&config, &bench.journal()).unwrap();
    // It is asked when the other one is as long as what it saw, and its proof is at hand.
    let durable = write(&bench.journal(), run_number(7), 60, |_| {});
    assert!(durable.tree_size > 521);
    witnessing.finish(&durable, PATIENCE);
    let witness = &witnessing.figures().witnesses[0];
    assert_eq!((witness.kept, witness.trouble), (0, Some("contradicts")), "{witness:?}");
    assert!(witness.text.as_ref().unwrap().contains("not a continuation"), "{witness:?}");
}

#[test]
fn a_witness_that_hangs_or_is_away_holds_up_neither_the_journal_nor_the_other() {
    let bench = Bench::new("witnessing");
    // It takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let witness = key::generate("example.com/silent", Purpose::Witness).unwrap().verifier();
    let place = |url: &str| WitnessPlace::Http {
        url: url.to_owned(),
        key: Box::new(witness.clone()),
        timeout_ms: 300,
    };
    let config = bench.config(vec![place(&url), bench.directory()]);
    let figures = bench.run(&config, FIRST, 40);
    let [hangs, keeps] = &figures.witnesses[..] else { panic!("two witnesses") };
    assert_eq!((hangs.records, hangs.trouble), (0, Some("unreachable")), "{hangs:?}");
    assert!(hangs.failures > 0);
    assert_eq!((keeps.records, keeps.trouble), (figures.records, None));
    drop(silent);
    let config = bench.config(vec![place(&url), bench.directory()]);
    let figures = bench.run(&config, run_number(2), 5);
    assert_eq!(figures.witnesses[0].trouble, Some("unreachable"));
    assert_eq!(figures.witnesses[1].records, figures.records);
    // A mount that is not there: its place is a file.
    fs::write(bench.scratch.path("no-mount"), "").unwrap();
    let away = WitnessPlace::Directory(bench.scratch.path("no-mount"));
    let config = bench.config(vec![away]);
    let figures = bench.run(&config, run_number(3), 5);
    assert_eq!(figures.witnesses[0].trouble, Some("unreachable"));
}

/// A witness on a socket, until `test` ends.
fn serving(keep: &Path, log: VerifierKey, test: impl FnOnce(&str, VerifierKey)) {
    let own = key::generate("example.com/witness", Purpose::Witness).unwrap();
    let public = own.verifier();
    let kept = Kept::open(keep, Some(own)).unwrap();
    let mut server = Server::bind("127.0.0.1:0".parse().unwrap(), kept, vec![log]).unwrap();
    let url = format!("http://{}/xmc", server.address().unwrap());
    let is_over = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        let over = is_over.clone();
        scope.spawn(move || server.run(|| over.load(Ordering::Relaxed)).unwrap());
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(&url, public)));
        is_over.store(true, Ordering::Relaxed);
        ended.unwrap();
    });
}

fn log_key(bench: &Bench) -> VerifierKey {
    key::public(&bench.scratch.path("log.key.pub").display().to_string(), Purpose::Log).unwrap()
}

#[test]
fn a_witness_over_http_keeps_signs_and_refuses() {
    let bench = Bench::new("witnessing");
    let keep = bench.scratch.path("keep.checkpoints");
    serving(&keep, log_key(&bench), |url, key| {
        let place =
            WitnessPlace::Http { url: url.to_owned(), key: Box::new(key), timeout_ms: 2_000 };
        let config = bench.config(vec![place]);
        for run in 1..=2 {
            let figures = bench.run(&config, run_number(run), 40);
            let witness = &figures.witnesses[0];
            assert_eq!((witness.failures, witness.trouble), (0, None), "{figures:?}");
            assert_eq!(witness.records, figures.records);
        }
        // What it signed is with the journal; what it kept is the same.
        let report = bench.verify(&config);
        assert_eq!(report.finding, None);
        let witnessed = report.witness.unwrap();
        assert_eq!((witnessed.records, witnessed.signed_by.len()), (1_042, 2));
        assert!(witnessed.last_time_s.unwrap() > 1_700_000_000);
        let copy = fs::read_to_string(bench.journal().join("cosigned.checkpoints")).unwrap();
        assert_eq!(copy, fs::read_to_string(&keep).unwrap());
        // A journal that was cut off goes on: found out at the next checkpoint.
        fs::rename(bench.journal(), bench.scratch.path("seen")).unwrap();
        let figures = bench.run(&config, FIRST, 10);
        assert_eq!(figures.witnesses[0].trouble, Some("contradicts"), "{figures:?}");
        let figures = bench.run(&config, run_number(8), 120);
        assert!(figures.records > 1_042);
        assert_eq!(figures.witnesses[0].trouble, Some("contradicts"), "{figures:?}");
    });
}

#[test]
fn an_answer_that_another_key_signed_is_none() {
    let bench = Bench::new("witnessing");
    serving(&bench.scratch.path("keep.checkpoints"), log_key(&bench), |url, _| {
        let other = key::generate("example.com/witness", Purpose::Witness).unwrap().verifier();
        let place =
            WitnessPlace::Http { url: url.to_owned(), key: Box::new(other), timeout_ms: 2_000 };
        let figures = bench.run(&bench.config(vec![place]), FIRST, 5);
        assert_eq!(figures.witnesses[0].trouble, Some("answers_wrongly"), "{figures:?}");
    });
}

/// Status and body of the answer to `request`, sent as it is.
fn raw(url: &str, request: &str) -> (u16, String) {
    use std::io::Write;
    let address = url.trim_start_matches("http://").trim_end_matches("/xmc");
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split("\r\n\r\n").nth(1).unwrap().to_owned())
}

#[test]
fn the_witness_answers_as_its_protocol_says() {
    use cross_market_connect::audit::checkpoint::Checkpoint;
    use cross_market_connect::audit::note::SignerKey;
    use cross_market_connect::audit::witness::Request;
    use cross_market_connect::journal::tree::{Gathering, Tree, leaf_hash};
    let bench = Bench::new("witnessing");
    let log = SignerKey::new(ORIGIN, Purpose::Log, &[1; 32]).unwrap();
    let leaves: Vec<_> = (0..20_u8).map(|at| leaf_hash(&[at])).collect();
    let request = |key: &SignerKey, origin: &str, old_size: u64, size: u64, salt: u8| {
        let mut tree = Tree::new();
        let mut gathering = Gathering::consistency(old_size.min(size), size).unwrap();
        for leaf in &leaves[..size as usize] {
            let mut leaf = *leaf;
            leaf[0] ^= salt;
            tree.push(leaf);
            gathering.push(leaf);
        }
        let checkpoint = Checkpoint { origin: origin.to_owned(), size, root: tree.root() };
        let note = checkpoint.sign(&[key]);
        let proof = gathering.proof().unwrap();
        let body = Request { old_size, proof, note, checkpoint }.to_string();
        assert_eq!(Request::parse(&body).unwrap().to_string(), body);
        body
    };
    let post = |url: &str, body: &str| {
        let head = format!("POST /xmc/add-checkpoint HTTP/1.1\r\nContent-Length: {}", body.len());
        raw(url, &format!("{head}\r\n\r\n{body}"))
    };
    let other = SignerKey::new(ORIGIN, Purpose::Log, &[2; 32]).unwrap();
    serving(&bench.scratch.path("keep.checkpoints"), log.verifier(), |url, _| {
        let send = |old, size, salt| post(url, &request(&log, ORIGIN, old, size, salt));
        assert_eq!(send(3, 5, 0), (409, "0\n".to_owned()), "it has seen none");
        let (status, signed) = send(0, 5, 0);
        assert!(status == 200 && signed.starts_with("\u{2014} example.com/witness "), "{signed}");
        assert_eq!(send(5, 12, 0).0, 200);
        assert_eq!(send(12, 12, 0).0, 200, "the same again");
        assert_eq!(send(5, 13, 0), (409, "12\n".to_owned()));
        assert_eq!(send(13, 12, 0).0, 400, "the old size is the larger one");
        assert_eq!(send(12, 12, 1).0, 409, "as many records, another root");
        assert_eq!(send(12, 14, 1).0, 422, "it does not follow");
        assert_eq!(send(12, 14, 0).0, 200);
        assert_eq!(post(url, &request(&other, ORIGIN, 14, 15, 0)).0, 403);
        assert_eq!(post(url, &request(&log, "example.com/other", 14, 15, 0)).0, 404);
        assert_eq!(post(url, "old 1\n").0, 400);
        assert_eq!(raw(url, "GET /xmc/add-checkpoint HTTP/1.1\r\n\r\n").0, 405);
        assert_eq!(raw(url, "POST /else HTTP/1.1\r\n\r\n").0, 404);
        assert_eq!(raw(url, "POST /add-checkpoint HTTP/1.1\r\n\r\n").0, 411);
        let large = "POST /add-checkpoint HTTP/1.1\r\nContent-Length: 70000\r\n\r\n";
        assert_eq!(raw(url, large).0, 413);
        assert_eq!(send(14, 20, 0).0, 200, "and goes on");
    });
}

#[test]
fn a_witness_in_a_process_of_its_own_keeps_what_the_auditor_needs() {
    let bench = Bench::new("witnessing");
    let path = |name: &str| bench.scratch.path(name).display().to_string();
    let xmc = |args: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_xmc")).arg("audit").args(args).output().unwrap()
    };
    let made = xmc(&["keygen", &path("own.key"), "--name", "example.com/w", "--witness"]);
    assert!(made.status.success(), "{made:?}");
    let public = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let (log, keep) = (path("log.key.pub"), path("keep.checkpoints"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_xmc"))
        .args(["audit", "witness", "--listen", "127.0.0.1:0", "--own-key", &path("own.key")])
        .args(["--log", &log, "--keep", &keep])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = [lines.next().unwrap().unwrap(), lines.next().unwrap().unwrap()];
    assert_eq!(said[1], public);
    let url = said[0].split(' ').next().unwrap();
    let key = Box::new(VerifierKey::parse(&public).unwrap());
    let place = WitnessPlace::Http { url: url.to_owned(), key, timeout_ms: 2_000 };
    let figures = bench.run(&bench.config(vec![place]), FIRST, 20);
    assert_eq!(figures.witnesses[0].records, figures.records, "{figures:?}");
    let ended = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(ended.success() && child.wait().unwrap().success(), "it ends when it is asked to");

    let journal = path("journal");
    let args = ["--witness", &keep, "--key", &log, "--witness-key", &public];
    let verified = xmc(&[&["verify", &journal], &args[..]].concat());
    let text = String::from_utf8(verified.stdout).unwrap();
    assert_eq!(verified.status.code(), Some(0), "{text}");
    assert!(text.contains("a witness last signed at "), "{text}");
    // The witness goes on with what it has.
    let kept = Kept::open(&bench.scratch.path("keep.checkpoints"), None).unwrap();
    assert_eq!(kept.last(ORIGIN).unwrap().size, figures.records);
}

#[test]
fn an_engine_that_is_killed_goes_on_with_its_witness() {
    let bench = Bench::new("witnessing");
    let config = bench.config(vec![bench.directory()]);
    let ring_path = bench.scratch.path("killed.ring");
    let mut witnessing = Witnessing::open(&config, &bench.journal()).unwrap();
    {
        let mut ring = RingFile::open(&ring_path, 1 << 20, FIRST).unwrap();
        let mut reader = RingReader::attach(&ring_path).unwrap();
        let directory = Directory::open(&bench.journal()).unwrap();
        let consumer = reader.consumer().unwrap();
        let (mut writer, _) = JournalWriter::start(directory, consumer, FIRST, OPTIONS).unwrap();
        let mut producer = ring.producer().unwrap();
        let mut desk = Desk::new(FIRST, 1);
        publish(&mut producer, &[desk.start()]).unwrap();
        for poll in 1..=200 {
            let (before, after) = desk.next();
            publish(&mut producer, &before).unwrap();
            publish(&mut producer, &after).unwrap();
            // The last ones are in the ring alone.
            if poll < 150 {
                writer.poll(at(poll)).unwrap();
                witnessing.poll(&writer.figures().durable);
            }
        }
        witnessing.finish(&writer.figures().durable, PATIENCE);
    }
    let seen = witnessing.figures().witnesses[0].records;
    assert!(seen > 50, "{seen}");
    let ring = RingFile::open(&ring_path, 1 << 20, FIRST).unwrap();
    let directory = Directory::open(&bench.journal()).unwrap();
    let recovered = recover(directory, &ring, OPTIONS, at(300)).unwrap();
    assert!(recovered.figures.records > 0);
    drop(witnessing);
    let figures = bench.run(&config, run_number(2), 10);
    let witness = &figures.witnesses[0];
    assert_eq!((witness.records, witness.trouble), (figures.records, None), "{witness:?}");
    let report = bench.verify(&config);
    assert_eq!(report.finding, None);
    assert_eq!(report.witness.unwrap().unwitnessed_records, 0);
}
