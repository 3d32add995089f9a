//! Signed notes and keys, against what other implementations published and what OpenSSL says.

use crate::journal::scratch::Scratch;
use cross_market_connect::audit::checkpoint::{Checkpoint, CheckpointError};
use cross_market_connect::audit::evidence::{Evidence, Trust};
use cross_market_connect::audit::note::{
    KeyError, Note, NoteError, Purpose, SignerKey, VerifierKey,
};
use cross_market_connect::audit::prove::Proof;
use cross_market_connect::audit::witness::Request;
use proptest::prelude::*;
use std::fs;
use std::process::Command;

/// From the documentation of Go's `golang.org/x/mod/sumdb/note`, where the format comes from.
const GO_PUBLIC: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_PRIVATE: &str =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const GO_TEXT: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n";
const GO_SIGNATURE: &str = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuG\
    UgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

/// The key of the Go checksum database, as every Go tool has it.
const SUM_KEY: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
/// What it signed: the example of C2SP's `tlog-checkpoint`, under the origin that it really had.
const SUM_CHECKPOINT: &str = "go.sum database tree\n20852163\n\
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
    \u{2014} sum.golang.org Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGz\
    Gku9nTo+zyWE+xeMcTOAYQ8=\n";

fn public(text: &str) -> VerifierKey {
    VerifierKey::parse(text).expect("a key")
}

#[test]
fn the_note_of_the_format_s_own_documentation_is_signed_to_the_byte() {
    let key = SignerKey::parse(GO_PRIVATE).unwrap();
    assert_eq!(key.reveal(), GO_PRIVATE);
    assert_eq!(key.verifier().to_string(), GO_PUBLIC);
    let note = Note { text: GO_TEXT.to_owned(), signatures: vec![key.sign(GO_TEXT, 0)] };
    assert_eq!(note.to_string(), format!("{GO_TEXT}\n{GO_SIGNATURE}"));
    let read = Note::parse(&note.to_string()).unwrap();
    assert_eq!(read, note);
    let keys = [public(GO_PUBLIC)];
    assert_eq!(read.signed_by(&keys).unwrap().len(), 1);
}

#[test]
fn a_published_checkpoint_of_another_log_is_read_and_its_signature_holds() {
    let note = Note::parse(SUM_CHECKPOINT).unwrap();
    let keys = [public(SUM_KEY)];
    let by = note.signed_by(&keys).unwrap();
    assert_eq!((by[0].key.name(), by[0].key.id()), ("sum.golang.org", 0x033d_e0ae));
    let checkpoint = Checkpoint::parse(&note.text).unwrap();
    assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("go.sum database tree", 20_852_163));
    assert_eq!(checkpoint.to_string(), note.text);
    // One record more, and the signature is not its.
    let other = Note { text: note.text.replace("20852163", "20852164"), ..note };
    assert!(matches!(other.signed_by(&keys), Err(NoteError::Forged { key_id: 0x033d_e0ae, .. })));
}

/// The public key as OpenSSL reads it: the fixed front of an Ed25519 `SubjectPublicKeyInfo`.
fn der(key: &VerifierKey) -> Vec<u8> {
    let front = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00];
    [&front[..], &key.bytes()[..]].concat()
}

#[test]
fn openssl_finds_our_signatures_right_and_changed_texts_wrong() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("SKIPPED: no openssl on this machine");
        return;
    }
    let scratch = Scratch::new("openssl");
    let key = SignerKey::new("example.com/desk", Purpose::Log, &[7; 32]).unwrap();
    let checkpoint = Checkpoint { origin: "example.com/desk".to_owned(), size: 12, root: [3; 32] };
    let note = checkpoint.sign(&[&key]);
    let witness = SignerKey::new("example.com/witness", Purpose::Witness, &[8; 32]).unwrap();
    let cosigned = witness.sign(&note.text, 1_700_000_000);
    let message = format!("cosignature/v1\ntime 1700000000\n{}", note.text);
    for (key, text, signature, is_right) in [
        (&key, note.text.as_str(), note.signatures[0].bytes(), true),
        (&key, "another text\n", note.signatures[0].bytes(), false),
        (&witness, message.as_str(), &cosigned.bytes()[8..], true),
        (&witness, note.text.as_str(), &cosigned.bytes()[8..], false),
    ] {
        fs::write(scratch.path("key.der"), der(&key.verifier())).unwrap();
        fs::write(scratch.path("text"), text).unwrap();
        fs::write(scratch.path("signature"), signature).unwrap();
        let output = Command::new("openssl")
            .args(["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin", "-inkey"])
            .arg(scratch.path("key.der"))
            .arg("-in")
            .arg(scratch.path("text"))
            .arg("-sigfile")
            .arg(scratch.path("signature"))
            .output()
            .unwrap();
        assert_eq!(output.status.success(), is_right, "{output:?}");
    }
}

#[test]
fn keys_that_are_none_are_refused_by_reason_and_never_shown() {
    for (text, expected) in [
        ("", KeyError::Form),
        ("name+c74f20a3", KeyError::Form),
        ("name+c74f20a+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Form),
        ("+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Name(String::new())),
        (
            "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            KeyError::Id { name: "PeterNeumann".to_owned(), said: 0xc74f_20a4, found: 0xc74f_20a3 },
        ),
        ("name+00000000+Ag==", KeyError::Type { name: "name".to_owned(), code: 2 }),
        ("name+00000000+AQ==", KeyError::Bytes("name".to_owned())),
        // The neutral element: with it as a key anything is signed.
        (
            "name+00000000+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            KeyError::Bytes("name".to_owned()),
        ),
    ] {
        assert_eq!(VerifierKey::parse(text), Err(expected), "{text}");
    }
    let secret = GO_PRIVATE.split('+').next_back().unwrap();
    let key = SignerKey::parse(GO_PRIVATE).unwrap();
    assert!(!format!("{key:?}").contains(secret));
    let wrong = GO_PRIVATE.replace("c74f20a3", "c74f20a4");
    let error = SignerKey::parse(&wrong).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(secret));
}

#[test]
fn texts_that_are_no_checkpoint_are_refused_by_reason() {
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    for text in ["", "a\n1\n", "a\n\n1\n", &format!("a\n1\n{root}"), &format!("\n1\n{root}\n")] {
        assert_eq!(Checkpoint::parse(text), Err(CheckpointError::Lines), "{text:?}");
    }
    for size in ["01", "+1", "-1", "1 ", "18446744073709551616"] {
        let found = Checkpoint::parse(&format!("a\n{size}\n{root}\n"));
        assert_eq!(found, Err(CheckpointError::Size(size.to_owned())));
    }
    for root in ["AAAA", &root.replace("2I=", "2J="), &root[..43]] {
        let found = Checkpoint::parse(&format!("a\n1\n{root}\n"));
        assert_eq!(found, Err(CheckpointError::Root(root.to_owned())));
    }
    assert!(Checkpoint::parse(&format!("a\n1\n{root}\nmore\n")).is_ok());
}

proptest! {
    /// No byte of a signed note can be changed: the form breaks, or a trusted signature is missing
    /// or wrong.
    #[test]
    fn a_changed_note_is_never_signed(
        size in any::<u64>(), root in any::<[u8; 32]>(), at in any::<prop::sample::Index>(),
        bit in 0_u8..7,
    ) {
        let key = SignerKey::new("example.com/desk", Purpose::Log, &[9; 32]).unwrap();
        let note = Checkpoint { origin: "example.com/desk".to_owned(), size, root }.sign(&[&key]);
        let keys = [key.verifier()];
        prop_assert!(note.signed_by(&keys).is_ok());
        let mut bytes = note.to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
        if let Ok(changed) = Note::parse(&text) {
            prop_assert!(changed.signed_by(&keys).is_err(), "{}", text);
        }
    }

    /// Requests to a witness, proofs, and what a witness kept: anything is refused or read, and
    /// nothing panics.
    #[test]
    fn any_text_is_no_request_proof_or_evidence_that_counts(
        text in "(old|index|extra|c2sp.org/tlog-proof@v1|[a-c \n\u{2014}+/=0-9A-F]){0,60}",
        cut in any::<prop::sample::Index>(),
    ) {
        let _ = Request::parse(&text);
        prop_assert!(Proof::parse(&text).is_err());
        let proof = format!("c2sp.org/tlog-proof@v1\nextra AAAA\nindex 1\n\n{SUM_CHECKPOINT}");
        let cut = (0..=cut.index(proof.len())).rev().find(|at| proof.is_char_boundary(*at));
        let _ = Proof::parse(&format!("{}{text}", &proof[..cut.unwrap_or(0)]));
        let key = SignerKey::new("a", Purpose::Log, &[9; 32]).unwrap();
        let trust = Trust { current: vec![key.verifier()], ..Trust::default() };
        let evidence = Evidence::of_text(&text, &trust);
        prop_assert!(evidence.seen.is_empty() && evidence.flaw.is_some());
    }

    /// Whatever is read as a note is one: it never panics, and prints as what was read.
    #[test]
    fn any_text_is_refused_or_read_whole(text in "[a-c \n\u{2014}+/=0-9A-F]{0,80}") {
        if let Ok(note) = Note::parse(&text) {
            prop_assert_eq!(note.to_string(), text);
        }
    }
}
