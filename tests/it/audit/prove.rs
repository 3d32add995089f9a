//! One receipt proved, and the commands around it as an auditor runs them.

use super::witness::{ORIGIN, checkpoint, kept, log_key, records, weigh, witness_key};
use crate::journal::desk::{FIRST, publish};
use crate::journal::scratch::Scratch;
use crate::journal::write::at;
use cross_market_connect::audit::evidence::Trust;
use cross_market_connect::audit::prove::{
    Found, NotProved, Proof, ProveError, Walk, Which, find, prove,
};
use cross_market_connect::journal::disk::Directory;
use cross_market_connect::journal::shm::RingFile;
use cross_market_connect::journal::tree::{ProofError, Tree, leaf_hash};
use cross_market_connect::journal::{Options, recover};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn trust() -> Trust {
    Trust { current: vec![log_key(1).verifier()], ..Trust::default() }
}

fn walk(records: &[Vec<u8>]) -> impl Walk {
    move |visit: &mut dyn FnMut(&[u8])| {
        records.iter().for_each(|record| visit(record));
        Ok(())
    }
}

/// The proof of leaf `index` of the records of seed 1.
fn proof(index: u64) -> Proof {
    let records = records(1);
    let evidence = weigh(&kept(&records, 10, &[&log_key(1)]), &trust());
    let found = find(walk(&records), 0, Which::Leaf(index)).unwrap().unwrap();
    prove(&found, &Tree::new(), walk(&records), &evidence).unwrap()
}

#[test]
fn every_record_is_proved_and_its_proof_reads_as_it_was_written() {
    for (index, record) in records(1).iter().enumerate() {
        let proof = proof(index as u64);
        assert_eq!(&proof.record, record);
        let read = Proof::parse(&proof.to_string()).unwrap();
        assert_eq!(read, proof);
        let proved = read.check(&trust()).unwrap();
        assert_eq!((proved.checkpoint.origin.as_str(), proved.checkpoint.size), (ORIGIN, 48));
        assert_eq!(proved.time_s, None);
    }
}

#[test]
fn what_is_left_of_a_journal_is_proved_without_what_is_gone() {
    let records = records(1);
    let evidence = weigh(&kept(&records, 10, &[&log_key(1)]), &trust());
    let mut before = Tree::new();
    for gone in 0..records.len() {
        for index in gone as u64..records.len() as u64 {
            let left = || walk(&records[gone..]);
            let found = find(left(), gone as u64, Which::Leaf(index)).unwrap().unwrap();
            assert_eq!(prove(&found, &before, left(), &evidence).unwrap(), proof(index));
        }
        assert_eq!(
            find(walk(&records[gone + 1..]), gone as u64 + 1, Which::Leaf(0)).unwrap(),
            None
        );
        before.push(leaf_hash(&records[gone]));
    }
}

#[test]
fn nothing_of_a_proof_can_be_changed() {
    let whole = proof(17);
    let text = whole.to_string();
    for (at, _) in text.char_indices() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        let checked = Proof::parse(&changed).and_then(|proof| proof.check(&trust()));
        assert!(checked.is_err(), "byte {at}: {changed}");
    }
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        let cut = Proof::parse(&text[..end]).and_then(|proof| proof.check(&trust()));
        assert!(cut.is_err(), "{end} bytes");
    }
    let elsewhere = Proof { index: 18, ..whole.clone() };
    assert_eq!(elsewhere.check(&trust()), Err(NotProved::Hashes(ProofError::Root)));
    let another = Proof { record: records(1)[18].clone(), ..whole };
    assert_eq!(another.check(&trust()), Err(NotProved::Hashes(ProofError::Root)));
}

#[test]
fn a_proof_counts_for_those_who_trust_its_keys() {
    let mut proof = proof(3);
    let other = Trust { current: vec![log_key(2).verifier()], ..Trust::default() };
    assert!(matches!(proof.check(&other), Err(NotProved::Note(_))));
    let retired = Trust { retired: trust().current, ..Trust::default() };
    assert!(proof.check(&retired).is_ok());
    let witnessed = Trust { witnesses: vec![witness_key(5).verifier()], ..trust() };
    assert_eq!(proof.check(&witnessed), Err(NotProved::NoWitness));
    proof.note.signatures.push(witness_key(5).sign(&proof.note.text, 77));
    assert_eq!(proof.check(&witnessed).unwrap().time_s, Some(77));
}

#[test]
fn what_cannot_be_proved_says_why() {
    let records = records(1);
    let evidence = weigh(&kept(&records[..20], 10, &[&log_key(1)]), &trust());
    let late = find(walk(&records), 0, Which::Leaf(20)).unwrap().unwrap();
    let error = prove(&late, &Tree::new(), walk(&records), &evidence).unwrap_err();
    assert!(matches!(error, ProveError::NotWitnessed { index: 20, size: 20 }), "{error}");
    let mut changed = records.clone();
    changed[4][20] ^= 1;
    let found = Found { index: 7, record: records[7].clone() };
    let error = prove(&found, &Tree::new(), walk(&changed), &evidence).unwrap_err();
    assert!(matches!(error, ProveError::Differs(ProofError::Root)), "{error}");
    for (text, which) in [
        ("#7", Some(Which::Leaf(7))),
        ("12", Some(Which::Place { run: None, seq_no: 12, index: 0 })),
        ("12.3", Some(Which::Place { run: None, seq_no: 12, index: 3 })),
        ("2:12.3", Some(Which::Place { run: Some(2), seq_no: 12, index: 3 })),
        ("", None),
        ("#-1", None),
        ("1.2.3", None),
        ("a:1", None),
        ("1:1.70000", None),
    ] {
        assert_eq!(text.parse().ok(), which, "{text}");
    }
    let by_place = |which: &str| find(walk(&records), 0, which.parse().unwrap()).unwrap();
    assert_eq!(by_place("10.1").unwrap().record, records[11]);
    assert_eq!(by_place("1:10.1").unwrap().index, 11);
    assert_eq!(by_place("2:10.1"), None);
    assert_eq!(by_place("10.9"), None);
}

fn xmc(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xmc")).arg("audit").args(args).output().expect("xmc runs")
}

fn text(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A journal in a directory with the records of `seed`.
fn journal(scratch: &Scratch, name: &str, seed: u64) -> String {
    let ring_path = scratch.path(&format!("{name}.ring"));
    let mut ring = RingFile::open(&ring_path, 1 << 16, FIRST).unwrap();
    publish(&mut ring.producer().unwrap(), &records(seed)).unwrap();
    drop(ring);
    let ring = RingFile::open(&ring_path, 1 << 16, FIRST).unwrap();
    let directory = scratch.path(name);
    recover(Directory::open(&directory).unwrap(), &ring, Options::default(), at(5)).unwrap();
    directory.display().to_string()
}

#[test]
fn an_auditor_needs_the_files_and_one_command() {
    let scratch = Scratch::new("prove");
    let path = |name: &str| scratch.path(name).display().to_string();
    let (key, witness, proof) = (path("log.key"), path("witness.checkpoints"), path("proof"));
    let made = text(&xmc(&["keygen", &key, "--name", ORIGIN]), 0);
    let public = fs::read_to_string(path("log.key.pub")).unwrap();
    assert_eq!(made, public);
    let again = xmc(&["keygen", &key, "--name", ORIGIN]);
    assert_eq!(again.status.code(), Some(2), "a key is never written over");
    assert_eq!(xmc(&["keygen", &path("other"), "--name", "a b"]).status.code(), Some(3));

    let source = cross_market_connect::config::SecretSource::File(key.clone().into());
    let signer = cross_market_connect::audit::key::read(
        &source,
        cross_market_connect::audit::note::Purpose::Log,
    )
    .unwrap();
    fs::write(&witness, kept(&records(1), 10, &[&signer])).unwrap();
    let directory = journal(&scratch, "journal", 1);
    let public = public.trim();
    let plain = text(&xmc(&["verify", &directory]), 0);
    assert!(plain.contains("not witnessed: "), "{plain}");
    let seen = text(&xmc(&["verify", &directory, "--witness", &witness, "--key", public]), 0);
    assert!(seen.contains("witnessed: 5 of 5 checkpoints agree, the largest has 48"), "{seen}");

    let args = ["--journal", &directory, "--witness", &witness, "--key", &format!("{key}.pub")];
    let printed = text(&xmc(&[&["prove", "10.1"], &args[..]].concat()), 0);
    let told = text(&xmc(&[&["--json", "prove", "10.1"], &args[..]].concat()), 0);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (&told["schema"], &told["proof"]),
        (&"xmc.audit.prove".into(), &printed.clone().into())
    );
    let words = [&["--json", "prove", "#11", "--out", &proof], &args[..]].concat();
    let told: serde_json::Value = serde_json::from_str(&text(&xmc(&words), 0)).unwrap();
    assert_eq!((&told["out"], told["proof"].is_null()), (&proof.clone().into(), true));
    assert_eq!(fs::read_to_string(&proof).unwrap(), printed);
    let stored = xmc(&[&["prove", "#11", "--out", &proof], &args[..]].concat());
    assert_eq!(stored.status.code(), Some(0));
    assert_eq!(fs::read_to_string(&proof).unwrap(), printed);
    let checked = text(&xmc(&["check-proof", &proof, "--key", public]), 0);
    assert!(checked.contains("proved: record #11 of 48 of example.com/site1/desk2"), "{checked}");
    assert!(checked.contains("record 10.1: order"), "{checked}");
    let json = text(&xmc(&["--json", "check-proof", &proof, "--key", public]), 0);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["is_proved"], &json["size"]), (&true.into(), &48.into()));

    fs::write(&proof, printed.replace("index 11", "index 12")).unwrap();
    let checked = text(&xmc(&["check-proof", &proof, "--key", public]), 1);
    assert!(checked.starts_with("NOT PROVED: "), "{checked}");
    // Another day in the journal's place.
    let forged = journal(&scratch, "forged", 2);
    let found = text(&xmc(&["verify", &forged, "--witness", &witness, "--key", public]), 1);
    assert!(found.contains("not_witnessed_so: records 0 to 9 are not"), "{found}");
    let args = ["--journal", &forged, "--witness", &witness, "--key", public];
    assert_eq!(xmc(&[&["prove", "10.1"], &args[..]].concat()).status.code(), Some(1));
    // What the command needs and does not have.
    let usage = xmc(&["verify", &directory, "--witness", &witness]);
    assert_eq!(usage.status.code(), Some(3));
    let nowhere = xmc(&["verify", &directory, "--witness", &path("none"), "--key", public]);
    assert_eq!(nowhere.status.code(), Some(2));
    let witness_key = witness_key(5).verifier().to_string();
    let wrong = xmc(&["verify", &directory, "--witness", &witness, "--key", &witness_key]);
    assert_eq!(wrong.status.code(), Some(3));
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    use cross_market_connect::audit::key;
    use cross_market_connect::audit::note::Purpose;
    use cross_market_connect::config::SecretSource;
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new("key");
    let path = scratch.path("log.key");
    let made = key::generate(ORIGIN, Purpose::Log).unwrap();
    key::write(&path, &made).unwrap();
    let read = |path: &Path| key::read(&SecretSource::File(path.to_owned()), Purpose::Log);
    assert_eq!(read(&path).unwrap().verifier(), made.verifier());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = read(&path).unwrap_err().to_string();
    assert!(error.contains("is open to others (mode 640)"), "{error}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let wanted = key::read(&SecretSource::File(path.clone()), Purpose::Witness).unwrap_err();
    assert!(wanted.to_string().contains("the key of a log, and that of a witness is needed"));
    assert!(checkpoint(&records(1)).size > 0);
}
