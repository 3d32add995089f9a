//! Templates: golden requests, any values at all, and identities that must be refused.

use super::golden::{self, Golden};
use super::schema;
use crate::venue::cme::sbe_schema::Schema;
use proptest::prelude::*;
use xmc_hotpath::venue::cme::ilink3::decode::{self, Request};
use xmc_hotpath::venue::cme::ilink3::encode::{
    CancelFields, CancelTemplate, IdentityField, NO_MIN_QTY, NewOrderFields, NewOrderTemplate,
    ReplaceFields, ReplaceTemplate, SessionIdentity, TemplateError,
};
use xmc_hotpath::venue::cme::ilink3::layout::{
    AUTOMATED, Block, Cancel, ClOrdId, Framed, NULL_I64, NULL_U8, NULL_U16, NULL_U32, NewOrder,
    NotOurOrder, ORD_TYPE_LIMIT, Replace, Side, TimeInForce,
};
use xmc_hotpath::wire::{I32Le, I64Le, U32Le, U64Le, text};

/// The templates, patched, give the golden requests byte for byte.
///
/// A template starts with what a golden frame holds in the constant fields and with wrong values
/// in all that an order changes, so a field that patching forgets shows.
#[test]
fn patched_templates_give_golden_bytes() {
    let (Some(schema), Some(all)) = (schema(), golden::load()) else { return };
    new_order_is_golden(&schema, golden::of::<NewOrder>(&all));
    replace_is_golden(&schema, golden::of::<Replace>(&all));
    cancel_is_golden(&schema, golden::of::<Cancel>(&all));
}

fn new_order_is_golden(schema: &Schema, golden: &Golden) {
    let truth = golden.block::<NewOrder>(schema);
    let body = NewOrder {
        price_e9: I64Le::new(7),
        qty_lots: U32Le::new(7),
        security_id: I32Le::new(7),
        side: 0,
        seq_no: U32Le::new(7),
        cl_ord_id: ClOrdId::of_order(7),
        request_id: U64Le::new(7),
        sent_ns: U64Le::new(7),
        min_qty_lots: U32Le::new(7),
        tif: 99,
        ..truth
    };
    let mut template = NewOrderTemplate::from_body(schema.version, body).unwrap();
    let order = NewOrderFields {
        price_e9: truth.price_e9.get(),
        qty_lots: truth.qty_lots.get(),
        security_id: truth.security_id.get(),
        side: Side::from_wire(truth.side).unwrap(),
        tif: TimeInForce::from_wire(truth.tif).unwrap(),
        min_qty_lots: NO_MIN_QTY,
        cl_ord_id: truth.cl_ord_id,
        request_id: truth.request_id.get(),
    };
    assert_eq!(template.patch(&order, truth.seq_no.get(), truth.sent_ns.get()), golden.bytes);
}

fn replace_is_golden(schema: &Schema, golden: &Golden) {
    let truth = golden.block::<Replace>(schema);
    let body = Replace {
        price_e9: I64Le::new(7),
        qty_lots: U32Le::new(7),
        security_id: I32Le::new(7),
        side: 0,
        seq_no: U32Le::new(7),
        cl_ord_id: ClOrdId::of_order(7),
        order_id: U64Le::new(7),
        request_id: U64Le::new(7),
        sent_ns: U64Le::new(7),
        ..truth
    };
    let mut template = ReplaceTemplate::from_body(schema.version, body).unwrap();
    let change = ReplaceFields {
        order_id: truth.order_id.get(),
        price_e9: truth.price_e9.get(),
        qty_lots: truth.qty_lots.get(),
        security_id: truth.security_id.get(),
        side: Side::from_wire(truth.side).unwrap(),
        cl_ord_id: truth.cl_ord_id,
        request_id: truth.request_id.get(),
    };
    assert_eq!(template.patch(&change, truth.seq_no.get(), truth.sent_ns.get()), golden.bytes);
}

fn cancel_is_golden(schema: &Schema, golden: &Golden) {
    let truth = golden.block::<Cancel>(schema);
    let body = Cancel {
        order_id: U64Le::new(7),
        seq_no: U32Le::new(7),
        cl_ord_id: ClOrdId::of_order(7),
        request_id: U64Le::new(7),
        sent_ns: U64Le::new(7),
        security_id: I32Le::new(7),
        side: 0,
        ..truth
    };
    let mut template = CancelTemplate::from_body(schema.version, body).unwrap();
    let cancel = CancelFields {
        order_id: truth.order_id.get(),
        security_id: truth.security_id.get(),
        side: Side::from_wire(truth.side).unwrap(),
        cl_ord_id: truth.cl_ord_id,
        request_id: truth.request_id.get(),
    };
    assert_eq!(template.patch(&cancel, truth.seq_no.get(), truth.sent_ns.get()), golden.bytes);
}

pub const IDENTITY: SessionIdentity<'_> = SessionIdentity {
    sender_id: "XMC-DESK-1",
    location: "US,IL",
    party_details_id: 81,
    schema_version: 9,
};

/// A 20-character field holding `text`.
fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut out = [0; N];
    out[..text.len()].copy_from_slice(text.as_bytes());
    out
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

/// With the wire value that the XML gives it.
fn tif() -> impl Strategy<Value = (TimeInForce, u8)> {
    prop_oneof![
        Just((TimeInForce::Day, 0)),
        Just((TimeInForce::FillAndKill, 3)),
        Just((TimeInForce::FillOrKill, 4)),
    ]
}

prop_compose! {
    fn new_order()(
        price_e9: i64, qty_lots: u32, security_id: i32, side in side(), (tif, _) in tif(),
        min_qty_lots: u32, number: u64, request_id: u64,
    ) -> NewOrderFields {
        let cl_ord_id = ClOrdId::of_order(number);
        NewOrderFields {
            price_e9, qty_lots, security_id, side, tif, min_qty_lots, cl_ord_id, request_id,
        }
    }
}

proptest! {
    /// Whatever a template was patched with before, the frame reads back as this order and as
    /// nothing else: every other field is the session's constant or absent.
    #[test]
    fn a_patched_new_order_reads_back(
        before in new_order(), order in new_order(), seq_no: u32, sent_ns: u64,
    ) {
        let mut template = NewOrderTemplate::new(&IDENTITY).unwrap();
        template.patch(&before, !seq_no, !sent_ns);
        let frame = decode::frame(template.patch(&order, seq_no, sent_ns)).unwrap().unwrap().0;
        prop_assert_eq!((frame.template_id, frame.version, frame.block_len), (514, 9, 132));
        let Some(Request::New(block)) = decode::request(&frame).unwrap() else { panic!() };
        let expected = NewOrder {
            price_e9: I64Le::new(order.price_e9),
            qty_lots: U32Le::new(order.qty_lots),
            security_id: I32Le::new(order.security_id),
            side: if order.side == Side::Buy { 1 } else { 2 },
            seq_no: U32Le::new(seq_no),
            sender_id: padded("XMC-DESK-1"),
            cl_ord_id: order.cl_ord_id,
            party_details_id: U64Le::new(81),
            request_id: U64Le::new(order.request_id),
            sent_ns: U64Le::new(sent_ns),
            stop_e9: NULL_I64,
            location: padded("US,IL"),
            min_qty_lots: U32Le::new(order.min_qty_lots),
            display_lots: NULL_U32,
            expire_date: NULL_U16,
            ord_type: b'2',
            tif: match order.tif {
                TimeInForce::Day => 0,
                TimeInForce::FillAndKill => 3,
                TimeInForce::FillOrKill => 4,
            },
            manual: 0,
            exec_inst: 0,
            execution_mode: 0,
            liquidity_flag: NULL_U8,
            managed_order: NULL_U8,
            short_sale_type: NULL_U8,
            discretion_e9: NULL_I64,
            reservation_e9: NULL_I64,
        };
        prop_assert_eq!(*block, expected);
    }

    /// The same for a change.
    #[test]
    fn a_patched_replace_reads_back(
        order in new_order(), order_id: u64, seq_no: u32, sent_ns: u64,
    ) {
        let NewOrderFields { price_e9, qty_lots, security_id, side, cl_ord_id, request_id, .. } =
            order;
        let change = ReplaceFields {
            order_id, price_e9, qty_lots, security_id, side, cl_ord_id, request_id,
        };
        let mut template = ReplaceTemplate::new(&IDENTITY).unwrap();
        let frame = decode::frame(template.patch(&change, seq_no, sent_ns)).unwrap().unwrap().0;
        let Some(Request::Replace(block)) = decode::request(&frame).unwrap() else { panic!() };
        let expected = Replace {
            price_e9: I64Le::new(price_e9),
            qty_lots: U32Le::new(qty_lots),
            security_id: I32Le::new(security_id),
            side: if side == Side::Buy { 1 } else { 2 },
            seq_no: U32Le::new(seq_no),
            sender_id: padded("XMC-DESK-1"),
            cl_ord_id,
            party_details_id: U64Le::new(81),
            order_id: U64Le::new(order_id),
            request_id: U64Le::new(request_id),
            sent_ns: U64Le::new(sent_ns),
            location: padded("US,IL"),
            ord_type: ORD_TYPE_LIMIT,
            tif: 0,
            manual: AUTOMATED,
            ofm_override: 0,
            ..Replace::BLANK
        };
        prop_assert_eq!(*block, expected);
    }

    /// The same for a cancellation.
    #[test]
    fn a_patched_cancel_reads_back(
        order in new_order(), order_id: u64, seq_no: u32, sent_ns: u64,
    ) {
        let NewOrderFields { security_id, side, cl_ord_id, request_id, .. } = order;
        let cancel = CancelFields { order_id, security_id, side, cl_ord_id, request_id };
        let mut template = CancelTemplate::new(&IDENTITY).unwrap();
        let frame = decode::frame(template.patch(&cancel, seq_no, sent_ns)).unwrap().unwrap().0;
        let Some(Request::Cancel(block)) = decode::request(&frame).unwrap() else { panic!() };
        let expected = Cancel {
            order_id: U64Le::new(order_id),
            party_details_id: U64Le::new(81),
            manual: AUTOMATED,
            seq_no: U32Le::new(seq_no),
            sender_id: padded("XMC-DESK-1"),
            cl_ord_id,
            request_id: U64Le::new(request_id),
            sent_ns: U64Le::new(sent_ns),
            location: padded("US,IL"),
            security_id: I32Le::new(security_id),
            side: if side == Side::Buy { 1 } else { 2 },
            liquidity_flag: NULL_U8,
            ..Cancel::BLANK
        };
        prop_assert_eq!(*block, expected);
    }

    /// The two enumerations of the encoders write and read the XML's values.
    #[test]
    fn time_in_force_is_the_wire_value((tif, value) in tif(), other in 5_u8..) {
        prop_assert_eq!(tif.to_wire(), value);
        prop_assert_eq!(TimeInForce::from_wire(value), Some(tif));
        prop_assert_eq!(TimeInForce::from_wire(other), None);
    }

    /// An order number is sixteen hexadecimal digits, and comes back.
    #[test]
    fn an_order_number_survives_as_text(number: u64) {
        let id = ClOrdId::of_order(number);
        prop_assert_eq!(*id.bytes(), padded(&format!("{number:016X}")));
        prop_assert_eq!(id.order(), Ok(number));
    }

    /// Text is ours exactly if it is the text of some number; the generator stays close to that.
    #[test]
    fn foreign_text_is_not_ours(number: u64, at in 0_usize..20, byte: u8) {
        let mut bytes = *ClOrdId::of_order(number).bytes();
        bytes[at] = byte;
        let expected = std::str::from_utf8(text(&bytes))
            .ok()
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .filter(|number| padded(&format!("{number:016X}")) == bytes)
            .ok_or(NotOurOrder);
        prop_assert_eq!(ClOrdId::of_text(bytes).order(), expected);
    }
}

/// What stands on every order of the session is refused before the first order if it is wrong.
#[test]
fn a_wrong_identity_builds_no_template() {
    use IdentityField::{Location, SenderId};
    let long = "A".repeat(21);
    let cases = [
        (SessionIdentity { sender_id: "", ..IDENTITY }, TemplateError::Empty(SenderId)),
        (SessionIdentity { location: "", ..IDENTITY }, TemplateError::Empty(Location)),
        (
            SessionIdentity { sender_id: &long, ..IDENTITY },
            TemplateError::TooLong { field: SenderId, len: 21, max: 20 },
        ),
        (
            SessionIdentity { location: "US,ILL", ..IDENTITY },
            TemplateError::TooLong { field: Location, len: 6, max: 5 },
        ),
        (SessionIdentity { sender_id: "DÄSK", ..IDENTITY }, TemplateError::NotPrintable(SenderId)),
        (SessionIdentity { location: "US\0", ..IDENTITY }, TemplateError::NotPrintable(Location)),
        (SessionIdentity { party_details_id: u64::MAX, ..IDENTITY }, TemplateError::NoPartyDetails),
        (SessionIdentity { schema_version: 7, ..IDENTITY }, TemplateError::Version(7)),
        (SessionIdentity { schema_version: 10, ..IDENTITY }, TemplateError::Version(10)),
    ];
    for (identity, expected) in cases {
        assert_eq!(NewOrderTemplate::new(&identity).unwrap_err(), expected);
        assert_eq!(ReplaceTemplate::new(&identity).unwrap_err(), expected);
        assert_eq!(CancelTemplate::new(&identity).unwrap_err(), expected);
    }
    let full = SessionIdentity { sender_id: &long[..20], schema_version: 8, ..IDENTITY };
    assert!(NewOrderTemplate::new(&full).is_ok(), "the longest text and the oldest version");
    assert_eq!(
        TemplateError::TooLong { field: Location, len: 6, max: 5 }.to_string(),
        "location has 6 bytes and at most 5 fit: shorten it"
    );
}

/// A frame is as long as its header says, for every request.
#[test]
fn requests_have_the_lengths_of_the_exchange() {
    assert_eq!(size_of::<Framed<NewOrder>>(), 144);
    assert_eq!(size_of::<Framed<Replace>>(), 145);
    assert_eq!(size_of::<Framed<Cancel>>(), 108);
}
