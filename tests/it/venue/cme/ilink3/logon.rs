//! The logon of a client: signatures against known ones, steps against written answers.

use crate::shared;
use cross_market_connect::venue::cme::ilink3::frame_of;
use cross_market_connect::venue::cme::ilink3::logon::{
    Credentials, Logon, LogonError, Step, System, Wish,
};
use cross_market_connect::venue::cme::ilink3::signature::{
    EstablishText, KeyError, NegotiateText, SecretKey,
};
use serde_json::Value;
use xmc_hotpath::time::{Span, UnixNs};
use xmc_hotpath::venue::cme::ilink3::decode;
use xmc_hotpath::venue::cme::ilink3::layout::{
    Block, Establish, EstablishmentAck, EstablishmentReject, Message, NEWEST_VERSION, Negotiate,
    NegotiationReject, NegotiationResponse, Terminate,
};
use xmc_hotpath::venue::cme::ilink3::session::{Handover, Missed};
use xmc_hotpath::wire::{U16Le, U32Le, U64Le};

/// 32 bytes of 1.
const KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Signatures that other programs made, over texts that our own fields make.
#[test]
fn signatures_are_those_of_other_programs() {
    let Some(text) = shared::text("vectors/ilink3_hmac.json") else { return };
    let vectors: Vec<Value> = serde_json::from_str(&text).expect("vectors are JSON");
    assert_eq!(vectors.len(), 4);
    for vector in vectors {
        let key = SecretKey::from_base64url(vector["secret_base64url"].as_str().unwrap()).unwrap();
        let canonical = vector["canonical"].as_str().unwrap();
        let signature = key.sign(&rewritten(canonical));
        assert_eq!(hex(&signature), vector["hmac_sha256_hex"].as_str().unwrap());
        assert!(key.verifies(canonical, &signature));
        let mut wrong = signature;
        wrong[31] ^= 1;
        assert!(!key.verifies(canonical, &wrong));
    }
}

/// The text taken apart into fields and made again.
fn rewritten(canonical: &str) -> String {
    let parts: Vec<_> = canonical.split('\n').collect();
    let (request_ns, uuid) = (parts[0].parse().unwrap(), parts[1].parse().unwrap());
    let negotiate = NegotiateText { request_ns, uuid, session: parts[2], firm: parts[3] };
    if parts.len() == 4 {
        return negotiate.to_string();
    }
    EstablishText {
        negotiate,
        system_name: parts[4],
        system_version: parts[5],
        system_vendor: parts[6],
        next_seq_no: parts[7].parse().unwrap(),
        keep_alive_ms: parts[8].parse().unwrap(),
    }
    .to_string()
}

/// RFC 4231, cases 2 and 6: a key shorter and one longer than SHA-256's block.
#[test]
fn keys_of_any_length_sign_as_the_rfc_says() {
    // "Jefe" and 131 bytes of 0xaa.
    let short = SecretKey::from_base64url("SmVmZQ==").unwrap();
    assert_eq!(
        hex(&short.sign("what do ya want for nothing?")),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    let long = format!("{}qqo", "qqqq".repeat(43));
    let long = SecretKey::from_base64url(&long).unwrap();
    assert_eq!(
        hex(&long.sign("Test Using Larger Than Block-Size Key - Hash Key First")),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    );
}

#[test]
fn a_text_that_is_no_key_is_refused_and_a_key_is_not_shown() {
    assert_eq!(SecretKey::from_base64url("AQ+B"), Err(KeyError::Character(3)));
    assert_eq!(SecretKey::from_base64url(""), Err(KeyError::Length(0)));
    assert_eq!(SecretKey::from_base64url("AQEBA"), Err(KeyError::Length(5)));
    let key = SecretKey::from_base64url(KEY).unwrap();
    assert_eq!(format!("{key:?}"), "SecretKey(..)");
}

pub fn logon(wish: Wish) -> Logon {
    let credentials = Credentials {
        session: "XM1".into(),
        firm: "XMC".into(),
        access_key_id: "key-1".into(),
        key: SecretKey::from_base64url(KEY).unwrap(),
    };
    let system = System { name: "xmc".into(), version: "0.1".into(), vendor: "xmc".into() };
    Logon::new(credentials, system, wish).unwrap()
}

const WISH: Wish = Wish {
    uuid: 7_000,
    is_negotiated: false,
    next_seq_no: 1,
    keep_alive_ms: 10_000,
    schema_version: NEWEST_VERSION,
};

fn step<M: Message>(logon: &mut Logon, block: &M) -> Result<Step, LogonError> {
    let bytes = frame_of(NEWEST_VERSION, block, &[0, 0]);
    let frame = decode::frame(&bytes).unwrap().unwrap().0;
    logon.on_frame(&frame, UnixNs(2_000))
}

const RESPONSE: NegotiationResponse = NegotiationResponse {
    uuid: U64Le::new(7_000),
    request_ns: U64Le::new(1_000),
    ..NegotiationResponse::BLANK
};

#[test]
fn a_logon_goes_from_negotiation_to_the_handover() {
    let mut logon = logon(WISH);
    let first = logon.start(UnixNs(1_000));
    let (frame, rest) = decode::frame(&first).unwrap().unwrap();
    assert_eq!((frame.template_id, rest.len()), (Negotiate::TEMPLATE_ID, 0));
    let (block, credentials) = frame.block::<Negotiate>().unwrap();
    assert_eq!(credentials, [0, 0]);
    assert_eq!((&block.session, &block.firm), (b"XM1", b"XMC\0\0"));
    let key = SecretKey::from_base64url(KEY).unwrap();
    assert!(key.verifies("1000\n7000\nXM1\nXMC", &block.signature));

    let Ok(Step::Send(second)) = step(&mut logon, &RESPONSE) else { panic!("it goes on") };
    let (frame, _) = decode::frame(&second).unwrap().unwrap();
    let (block, credentials) = frame.block::<Establish>().unwrap();
    assert_eq!((frame.template_id, credentials), (Establish::TEMPLATE_ID, &[0, 0][..]));
    let signed = "2000\n7000\nXM1\nXMC\nxmc\n0.1\nxmc\n1\n10000";
    assert!(key.verifies(signed, &block.signature));

    let ack = EstablishmentAck {
        uuid: U64Le::new(7_000),
        request_ns: U64Le::new(2_000),
        next_seq_no: U32Le::new(41),
        keep_alive_ms: U16Le::new(9_000),
        ..EstablishmentAck::BLANK
    };
    let handover = Handover {
        uuid: 7_000,
        next_seq_no: 1,
        next_report_no: 41,
        keep_alive: Span(9_000_000_000),
        missed: [Missed::NONE; 2],
    };
    assert_eq!(step(&mut logon, &ack).unwrap(), Step::Done(handover));
}

/// `EnvironmentIndicator` ends the answers since version 9 (`sinceVersion` in the XML): a gateway
/// of version 8 sends 32, 68, 38 and 72 bytes.
#[test]
fn answers_of_version_8_are_read() {
    fn older<M: Message>(block: &M, len: usize) -> Vec<u8> {
        let mut bytes = frame_of(8, block, &[]);
        let begin = bytes.len() - size_of::<M>();
        bytes.truncate(begin + len);
        let whole = u16::try_from(bytes.len()).unwrap();
        bytes[..2].copy_from_slice(&whole.to_le_bytes());
        bytes[4..6].copy_from_slice(&u16::try_from(len).unwrap().to_le_bytes());
        bytes
    }
    let take = |logon: &mut Logon, bytes: &[u8]| {
        logon.on_frame(&decode::frame(bytes).unwrap().unwrap().0, UnixNs(2_000))
    };
    let started = || {
        let mut logon = logon(Wish { schema_version: 8, ..WISH });
        logon.start(UnixNs(1_000));
        logon
    };
    let ack = EstablishmentAck {
        uuid: U64Le::new(7_000),
        request_ns: U64Le::new(2_000),
        next_seq_no: U32Le::new(41),
        ..EstablishmentAck::BLANK
    };
    let mut whole = started();
    assert!(matches!(take(&mut whole, &older(&RESPONSE, 32)), Ok(Step::Send(_))));
    let done = take(&mut whole, &older(&ack, 38));
    assert!(matches!(done, Ok(Step::Done(Handover { next_report_no: 41, .. }))), "{done:?}");
    let refused = NegotiationReject { error_code: U16Le::new(3), ..NegotiationReject::BLANK };
    let found = take(&mut started(), &older(&refused, 68));
    assert!(matches!(found, Err(LogonError::Refused { code: 3, what: "negotiation", .. })));
    let mut second = started();
    take(&mut second, &older(&RESPONSE, 32)).unwrap();
    let refused = EstablishmentReject { error_code: U16Le::new(11), ..EstablishmentReject::BLANK };
    let found = take(&mut second, &older(&refused, 72));
    assert!(matches!(found, Err(LogonError::Refused { code: 11, what: "establishment", .. })));
    // A block that lacks more is damage.
    let found = take(&mut started(), &older(&RESPONSE, 31));
    assert!(matches!(found, Err(LogonError::Block { template_id: 501 })), "{found:?}");
}

#[test]
fn a_session_that_exists_is_only_established() {
    let mut logon = logon(Wish { is_negotiated: true, next_seq_no: 55, ..WISH });
    let first = logon.start(UnixNs(1_000));
    let (frame, _) = decode::frame(&first).unwrap().unwrap();
    assert_eq!(frame.template_id, Establish::TEMPLATE_ID);
    assert_eq!(frame.block::<Establish>().unwrap().0.next_seq_no.get(), 55);
}

#[test]
fn every_answer_that_is_not_the_awaited_one_ends_the_logon() {
    let started = || {
        let mut logon = logon(WISH);
        logon.start(UnixNs(1_000));
        logon
    };
    let refused = NegotiationReject { error_code: U16Le::new(3), ..NegotiationReject::BLANK };
    let result = step(&mut started(), &refused);
    assert!(matches!(result, Err(LogonError::Refused { code: 3, what: "negotiation", .. })));
    let early = EstablishmentAck { uuid: U64Le::new(7_000), ..EstablishmentAck::BLANK };
    let result = step(&mut started(), &early);
    assert!(matches!(result, Err(LogonError::Unexpected { template_id: 504, .. })));
    let late = NegotiationResponse { request_ns: U64Le::new(999), ..RESPONSE };
    let result = step(&mut started(), &late);
    assert!(matches!(result, Err(LogonError::NotOurs { uuid: 7_000, request_ns: 999 })));
    let end = Terminate { error_code: U16Le::new(2), ..Terminate::BLANK };
    assert!(matches!(step(&mut started(), &end), Err(LogonError::Terminated { code: 2, .. })));
    let mut second = started();
    step(&mut second, &RESPONSE).unwrap();
    let refused = EstablishmentReject { error_code: U16Le::new(11), ..EstablishmentReject::BLANK };
    let result = step(&mut second, &refused);
    assert!(matches!(result, Err(LogonError::Refused { code: 11, what: "establishment", .. })));
}

#[test]
fn texts_that_do_not_fit_are_refused() {
    let key = || SecretKey::from_base64url(KEY).unwrap();
    let named = |session: &str, firm: &str, version: &str| {
        let credentials = Credentials {
            session: session.into(),
            firm: firm.into(),
            access_key_id: "k".into(),
            key: key(),
        };
        let system = System { name: "n".into(), version: version.into(), vendor: "v".into() };
        Logon::new(credentials, system, WISH)
    };
    assert!(named("ABC", "F", "1").is_ok());
    for (session, firm, version, wrong) in [
        ("AB", "F", "1", "session"),
        ("ABCD", "F", "1", "session"),
        ("ABC", "", "1", "firm"),
        ("ABC", "FIRM66", "1", "firm"),
        ("ABC", "F\u{e9}", "1", "firm"),
        ("ABC", "F", "1.2.3.4.5.6", "system version"),
    ] {
        match named(session, firm, version) {
            Err(LogonError::Text { field, .. }) => assert_eq!(field, wrong),
            other => panic!("{session} {firm} {version}: {other:?}"),
        }
    }
}
