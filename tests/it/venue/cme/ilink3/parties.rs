//! Party details on the wire, and a session that registers them while other messages come.

use cross_market_connect::venue::cme::ilink3::logon::LogonError;
use cross_market_connect::venue::cme::ilink3::parties::{
    ClearingAccount, OrderSource, PartyDetails, Registration, SelfMatchCancels,
};
use cross_market_connect::venue::cme::ilink3::{Refusal, ReportWriter, frame_of, plain};
use serde_json::json;
use xmc_hotpath::time::{Span, UnixNs};
use xmc_hotpath::venue::cme::ilink3::decode::{self, Request};
use xmc_hotpath::venue::cme::ilink3::layout::{
    Block, Message, NEWEST_VERSION, PartyDetailsAck, PartyDetailsRequest, Terminate,
};
use xmc_hotpath::venue::cme::ilink3::session::{Handover, Missed};
use xmc_hotpath::wire::{U16Le, U32Le, U64Le};

const UUID: u64 = 7_000;
const ID: u64 = 41;

fn details() -> PartyDetails {
    PartyDetails {
        executing_firm: "560".into(),
        customer_account: "77001".into(),
        operator: "desk-1".into(),
        customer_type: 4,
        clearing_account: ClearingAccount::Customer,
        order_source: Some(OrderSource::Client),
        self_match: Some((9, SelfMatchCancels::Newest)),
    }
}

/// A new session in which the exchange has used `next_report_no - 1` numbers.
fn handover(next_report_no: u32) -> Handover {
    Handover {
        uuid: UUID,
        next_seq_no: 1,
        next_report_no,
        keep_alive: Span(1),
        missed: [Missed::NONE; 2],
    }
}

#[test]
fn a_definition_says_what_the_configuration_has() {
    let bytes = details().definition(ID, 3, UnixNs(77));
    let (told, rest) = plain::read(&bytes).expect("it is a message");
    let told = serde_json::to_value(&told).unwrap();
    assert!(rest.is_empty());
    assert_eq!(told["name"], "PartyDetailsDefinitionRequest518");
    let fields = &told["fields"];
    for (key, value) in [
        ("partyDetailsListReqID", json!(41)),
        ("sendingTimeEpoch", json!(77)),
        ("listUpdateAction", json!("Add:65")),
        ("seqNum", json!(3)),
        ("selfMatchPreventionID", json!(9)),
        ("selfMatchPreventionInstruction", json!("CancelNewest:78")),
        ("custOrderCapacity", json!("Allother:4")),
        ("clearingAccountType", json!("Customer:0")),
        ("custOrderHandlingInst", json!("ClientElectronic:89")),
        ("executor", json!(-1)),
        ("noPartyDetails.count", json!(3)),
        ("noTrdRegPublications.count", json!(0)),
    ] {
        assert_eq!(fields[key], value, "{key} in {fields}");
    }
    let parties = fields["noPartyDetails"].as_array().expect("three of them");
    let said: Vec<_> =
        parties.iter().map(|one| (&one["partyDetailID"], &one["partyDetailRole"])).collect();
    assert_eq!(
        said,
        [
            (&json!("560"), &json!("ExecutingFirm:1")),
            (&json!("77001"), &json!("CustomerAccount:24")),
            (&json!("desk-1"), &json!("Operator:118")),
        ]
    );
}

/// What is left out is absent, not zero.
#[test]
fn a_definition_without_self_match_has_none() {
    let few = PartyDetails { self_match: None, order_source: None, ..details() };
    let bytes = few.definition(ID, 1, UnixNs(1));
    let (frame, _) = decode::frame(&bytes).unwrap().unwrap();
    let (block, _) = frame.block::<PartyDetailsRequest>().unwrap();
    assert_eq!((block.smp_id.get(), block.smp_instruction, block.handling), (u64::MAX, 0, 0));
}

/// The exchange's answer to what `details` sent.
fn ack(writer: &mut ReportWriter) -> Vec<u8> {
    let sent = details().definition(ID, 1, UnixNs(77));
    let (frame, _) = decode::frame(&sent).unwrap().unwrap();
    let Ok(Some(Request::Parties(block, groups))) = decode::request(&frame) else {
        panic!("it is a definition")
    };
    let ack = writer.parties_registered(block, 78);
    writer.parties_frame(&ack, groups)
}

/// Any other numbered message.
fn other(writer: &mut ReportWriter) -> Vec<u8> {
    refused(writer, 99)
}

fn refused(writer: &mut ReportWriter, ref_seq_no: u32) -> Vec<u8> {
    let refusal =
        Refusal { ref_seq_no, ref_msg_type: "CX", reason: 111, text: "too many", sent_ns: 1 };
    let block = writer.business_reject(&refusal);
    writer.frame(&block)
}

fn hear(registration: &mut Registration, bytes: &[u8]) -> Result<bool, LogonError> {
    let (frame, rest) = decode::frame(bytes).unwrap().unwrap();
    assert!(rest.is_empty());
    registration.on_frame(&frame)
}

#[test]
fn a_registration_takes_a_number_of_each_side() {
    let (handover, mut writer) = (handover(1), ReportWriter::new(UUID, NEWEST_VERSION, 1));
    let mut registration = Registration::new(ID, &handover);
    let beat = writer.frame(&writer.sequence(true));
    assert!(!hear(&mut registration, &beat).unwrap());
    assert!(hear(&mut registration, &ack(&mut writer)).unwrap());
    let expected = Handover { next_seq_no: 2, next_report_no: 2, ..handover };
    assert_eq!(registration.onto(&handover), (expected, 0));
}

/// What came before the answer, and what should have, is asked for by the stage.
#[test]
fn messages_before_the_answer_are_missed() {
    let (handover, mut writer) = (handover(3), ReportWriter::new(UUID, NEWEST_VERSION, 3));
    let mut registration = Registration::new(ID, &handover);
    assert!(!hear(&mut registration, &other(&mut writer)).unwrap());
    let _lost = other(&mut writer);
    assert!(hear(&mut registration, &ack(&mut writer)).unwrap());
    let own = Missed { uuid: 0, from: 3, count: 2 };
    let after = Handover { next_seq_no: 2, next_report_no: 6, ..handover };
    let missed = |missed| Handover { missed, ..after };
    assert_eq!(registration.onto(&handover), (missed([own, Missed::NONE]), 0));

    let earlier = |uuid| Missed { uuid, from: 1, count: 1 };
    let known = Missed { uuid: 0, from: 1, count: 2 };
    for (before, expected, dropped) in [
        ([known, earlier(5)], [Missed { count: 4, ..known }, earlier(5)], 0),
        ([earlier(5), Missed::NONE], [own, earlier(5)], 0),
        ([earlier(6), earlier(5)], [own, earlier(6)], 1),
    ] {
        let told = registration.onto(&Handover { missed: before, ..handover });
        assert_eq!(told, (missed(expected), dropped), "{before:?}");
    }
}

#[test]
fn a_refusal_says_what_to_do() {
    let (handover, mut writer) = (handover(1), ReportWriter::new(UUID, NEWEST_VERSION, 1));
    let mut registration = Registration::new(ID, &handover);
    let error = hear(&mut registration, &refused(&mut writer, 1)).unwrap_err();
    assert!(matches!(error, LogonError::Parties { id: ID, code: 111, .. }), "{error:?}");
    let said = error.to_string();
    for words in ["41", "too many sets of party details", "too many", "`parties`"] {
        assert!(said.contains(words), "{said:?} lacks {words:?}");
    }

    let unaccepted = PartyDetailsAck {
        seq_no: U32Le::new(2),
        uuid: U64Le::new(UUID),
        party_details_id: U64Le::new(ID),
        request_status: 2,
        ..PartyDetailsAck::BLANK
    };
    let bytes = frame_of(NEWEST_VERSION, &unaccepted, &[22, 0, 0, 2, 0, 0]);
    let error = hear(&mut registration, &bytes).unwrap_err();
    assert!(matches!(error, LogonError::PartiesStatus { id: ID, status: (2, 0) }), "{error:?}");

    let end = Terminate { error_code: U16Le::new(9), ..Terminate::BLANK };
    let error = hear(&mut registration, &frame_of(NEWEST_VERSION, &end, &[])).unwrap_err();
    assert!(matches!(error, LogonError::Terminated { code: 9, .. }), "{error:?}");
    assert_eq!(PartyDetailsAck::TEMPLATE_ID, 519);
}
