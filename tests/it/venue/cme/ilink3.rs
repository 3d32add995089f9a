//! iLink 3 against CME's XML and against golden frames of an independent encoder.

pub mod golden;
mod logon;
mod parties;
pub mod peer;
mod plain;
mod recovery;
mod refused;
mod reports;
mod requests;
mod resume;
mod schedules;
mod session;
mod states;
mod stream;

use crate::venue::cme::sbe_schema::{Block as Truth, Mapped, Schema};
use golden::Golden;
use xmc_hotpath::venue::cme::ilink3::layout::{
    AddendumEvent, AddendumLeg, AffectedOrder, Block, BusinessReject, Cancel, CancelRejected,
    Establish, EstablishmentAck, EstablishmentReject, FillEvent, FillPart, Framed,
    LegAddendumEvent, MassAction, MassActionReport, MassStatusRequest, Message, Negotiate,
    NegotiationReject, NegotiationResponse, NewOrder, NotApplied, OrderCancelled, OrderEliminated,
    OrderModified, OrderNew, OrderRejected, OrderStatus, PartyDetail, PartyDetailsAck,
    PartyDetailsRequest, PendingCancel, PendingReplace, Publication, Replace, ReplaceRejected,
    Retransmission, RetransmitReject, RetransmitRequest, Sequence, SpreadAddendum, SpreadFillEvent,
    SpreadFillLeg, SpreadLegAddendum, StatusRequest, Terminate, TradeAddendum, TradeOutright,
    TradeSpread, TradeSpreadLeg,
};

/// The schema that the golden frames and the layouts follow.
fn schema() -> Option<Schema> {
    Schema::load("ilink3_v9.xml")
}

/// Calls `$check::<M>($args)` for every message that has a layout and a golden frame.
macro_rules! every_message {
    ($check:ident($($arg:expr),*)) => {
        every_message!(
            $check($($arg),*) Sequence, Terminate, NotApplied, NewOrder, Replace, Cancel,
            BusinessReject, OrderNew, OrderRejected, OrderEliminated, TradeOutright,
            OrderModified, OrderCancelled, CancelRejected, ReplaceRejected, Negotiate,
            NegotiationResponse, NegotiationReject, Establish, EstablishmentAck,
            EstablishmentReject, RetransmitRequest, Retransmission, RetransmitReject,
            PartyDetailsRequest, PartyDetailsAck, TradeSpread, TradeSpreadLeg, MassAction,
            MassActionReport, StatusRequest, OrderStatus, PendingCancel, PendingReplace
        )
    };
    ($check:ident $args:tt $($message:ident),*) => {
        $(every_message!(@call $check::<$message> $args);)*
    };
    (@call $check:ident::<$message:ident>($($arg:expr),*)) => { $check::<$message>($($arg),*) };
}
pub(crate) use every_message;

/// Every field of every layout is where, what and named as the XML says, and none is missing.
#[test]
fn layouts_are_the_blocks_of_the_exchange() {
    let Some(schema) = schema() else { return };
    every_message!(message_is_in_the_xml(&schema));
    message_is_in_the_xml::<MassStatusRequest>(&schema);
    let before_9 = |name: &str| of_version_8(schema.block(name));
    block_is::<TradeAddendum>(&before_9("ExecutionReportTradeAddendumOutright548"));
    block_is::<SpreadAddendum>(&before_9("ExecutionReportTradeAddendumSpread549"));
    block_is::<SpreadLegAddendum>(&before_9("ExecutionReportTradeAddendumSpreadLeg550"));
    for message in ["TradeOutright525", "TradeSpread526", "TradeSpreadLeg527"] {
        block_is::<FillPart>(schema.block(&format!("ExecutionReport{message}/NoFills")));
    }
    for (message, id) in [("Outright", 548), ("Spread", 549), ("SpreadLeg", 550)] {
        let name = format!("ExecutionReportTradeAddendum{message}{id}/NoFills");
        block_is::<FillPart>(schema.block(&name));
    }
    block_is::<FillEvent>(schema.block("ExecutionReportTradeOutright525/NoOrderEvents"));
    block_is::<FillEvent>(schema.block("ExecutionReportTradeSpreadLeg527/NoOrderEvents"));
    block_is::<SpreadFillLeg>(schema.block("ExecutionReportTradeSpread526/NoLegs"));
    block_is::<SpreadFillEvent>(schema.block("ExecutionReportTradeSpread526/NoOrderEvents"));
    block_is::<AddendumLeg>(schema.block("ExecutionReportTradeAddendumSpread549/NoLegs"));
    block_is::<AddendumEvent>(schema.block("ExecutionReportTradeAddendumSpread549/NoOrderEvents"));
    for message in ["Outright548", "SpreadLeg550"] {
        let name = format!("ExecutionReportTradeAddendum{message}/NoOrderEvents");
        block_is::<LegAddendumEvent>(schema.block(&name));
    }
    for message in ["PartyDetailsDefinitionRequest518", "PartyDetailsDefinitionRequestAck519"] {
        block_is::<PartyDetail>(schema.block(&format!("{message}/NoPartyDetails")));
        block_is::<Publication>(schema.block(&format!("{message}/NoTrdRegPublications")));
    }
    block_is::<AffectedOrder>(schema.block("OrderMassActionReport562/NoAffectedOrders"));
}

/// The block as it was before version 9 appended to it.
fn of_version_8(block: &Truth) -> Truth {
    let (old, new): (Vec<_>, Vec<_>) =
        block.fields.iter().cloned().partition(|field| field.since < 9);
    let len = new.iter().map(|field| field.offset).min().unwrap_or(block.len);
    Truth { len, fields: old, constants: block.constants.clone() }
}

fn message_is_in_the_xml<M: Message>(schema: &Schema) {
    let message = schema.messages().iter().find(|each| each.id == M::TEMPLATE_ID);
    block_is::<M>(&message.expect("the template is in the XML").root);
}

fn block_is<B: Block>(truth: &Truth) {
    let mapped: Vec<Mapped> = B::FIELDS
        .iter()
        .map(|each| Mapped {
            name: each.name,
            offset: each.offset,
            size: each.len,
            kind: each.kind,
        })
        .collect();
    let found = truth.differences(size_of::<B>(), &mapped, &[]);
    assert!(found.is_empty(), "{}:\n{found}", std::any::type_name::<B>());
    let blank = B::BLANK;
    for field in B::FIELDS {
        let expected = truth.field(field.name);
        assert_eq!(u32::from(field.tag), expected.tag, "tag of {}", field.name);
        let found = &bytemuck::bytes_of(&blank)[field.offset..field.offset + field.len];
        let mut null = expected.null.unwrap_or(0).to_le_bytes().to_vec();
        null.resize(field.len.max(16), 0);
        match field.kind {
            "Decimal64" => null[8] = 127,
            "Decimal32" => null[4] = 127,
            _ => {}
        }
        assert_eq!(found, &null[..field.len], "blank {}", field.name);
    }
}

/// The field values of every golden frame, written through its layout, give its bytes.
#[test]
fn golden_values_encode_to_golden_bytes() {
    let (Some(schema), Some(all)) = (schema(), golden::load()) else { return };
    every_message!(values_give_bytes(&schema, &all));
}

fn values_give_bytes<M: Message>(schema: &Schema, all: &[Golden]) {
    let golden = golden::of::<M>(all);
    let frame = Framed::new(schema.version, golden.block::<M>(schema));
    let framed = bytemuck::bytes_of(&frame);
    let groups = golden.empty_groups(schema);
    if !groups.is_empty() {
        // Empty groups follow, and their dimensions count in the length.
        assert_eq!(framed[2..], golden.bytes[2..framed.len()], "{}", golden.name);
        assert_eq!(golden.bytes[framed.len()..], groups, "{}", golden.name);
    } else if let Some(credentials) = golden.credentials() {
        assert_eq!(framed[2..], golden.bytes[2..framed.len()], "{}", golden.name);
        let mut tail = u16::try_from(credentials.len()).unwrap().to_le_bytes().to_vec();
        tail.extend(credentials.bytes());
        assert_eq!(golden.bytes[framed.len()..], tail, "{}", golden.name);
    } else {
        assert_eq!(framed, golden.bytes, "{}", golden.name);
    }
}
