//! iLink 3 against CME's XML and against golden frames of an independent encoder.

mod golden;

use crate::venue::cme::sbe_schema::{Block as Truth, Mapped, Schema};
use golden::Golden;
use xmc_hotpath::venue::cme::ilink3::decode::{self, MAX_FRAME_LEN};
use xmc_hotpath::venue::cme::ilink3::encode::{
    CancelFields, CancelTemplate, NO_MIN_QTY, NewOrderFields, NewOrderTemplate, ReplaceFields,
    ReplaceTemplate,
};
use xmc_hotpath::venue::cme::ilink3::layout::{
    Block, BusinessReject, Cancel, CancelRejected, FillEvent, FillPart, Framed, Message, NewOrder,
    NotApplied, OrderCancelled, OrderEliminated, OrderModified, OrderNew, OrderRejected, Replace,
    ReplaceRejected, Sequence, Side, Terminate, TimeInForce, TradeOutright,
};

/// The schema that the golden frames and the layouts follow.
fn schema() -> Option<Schema> {
    Schema::load("ilink3_v9.xml")
}

/// Calls `$check::<M>($args)` for every message that has a layout.
macro_rules! every_message {
    ($check:ident($($arg:expr),*)) => {
        every_message!(
            $check($($arg),*) Sequence, Terminate, NotApplied, NewOrder, Replace, Cancel,
            BusinessReject, OrderNew, OrderRejected, OrderEliminated, TradeOutright,
            OrderModified, OrderCancelled, CancelRejected, ReplaceRejected
        )
    };
    ($check:ident $args:tt $($message:ident),*) => {
        $(every_message!(@call $check::<$message> $args);)*
    };
    (@call $check:ident::<$message:ident>($($arg:expr),*)) => { $check::<$message>($($arg),*) };
}

/// Every field of every layout is where, what and named as the XML says, and none is missing.
#[test]
fn layouts_are_the_blocks_of_the_exchange() {
    let Some(schema) = schema() else { return };
    every_message!(message_is_in_the_xml(&schema));
    block_is::<FillPart>(schema.block("ExecutionReportTradeOutright525/NoFills"));
    block_is::<FillEvent>(schema.block("ExecutionReportTradeOutright525/NoOrderEvents"));
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
        if field.kind == "Decimal64" {
            null[8] = 127;
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
    if M::TEMPLATE_ID == TradeOutright::TEMPLATE_ID {
        // Two empty groups follow, and their dimensions count in the length.
        assert_eq!(framed[2..], golden.bytes[2..framed.len()], "{}", golden.name);
        assert_eq!(golden.bytes[framed.len()..], [15, 0, 0, 41, 0, 0], "{}", golden.name);
    } else {
        assert_eq!(framed, golden.bytes, "{}", golden.name);
    }
}

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
    let mut body = truth;
    let wrong = NewOrder::BLANK;
    (body.price_e9, body.qty_lots, body.security_id) =
        (wrong.price_e9, wrong.qty_lots, wrong.security_id);
    (body.side, body.seq_no, body.cl_ord_id) = (wrong.side, wrong.seq_no, wrong.cl_ord_id);
    (body.request_id, body.sent_ns, body.tif) = (wrong.request_id, wrong.sent_ns, wrong.tif);
    body.price_e9 = xmc_hotpath::wire::I64Le::new(7);
    body.min_qty_lots = xmc_hotpath::wire::U32Le::new(7);
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
    let mut body = truth;
    let wrong = Replace::BLANK;
    (body.qty_lots, body.security_id) = (wrong.qty_lots, wrong.security_id);
    (body.side, body.seq_no, body.cl_ord_id) = (wrong.side, wrong.seq_no, wrong.cl_ord_id);
    (body.request_id, body.sent_ns) = (wrong.request_id, wrong.sent_ns);
    body.price_e9 = xmc_hotpath::wire::I64Le::new(7);
    body.order_id = xmc_hotpath::wire::U64Le::new(7);
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
    let mut body = truth;
    let wrong = Cancel::BLANK;
    (body.security_id, body.side, body.seq_no) = (wrong.security_id, wrong.side, wrong.seq_no);
    (body.cl_ord_id, body.request_id) = (wrong.cl_ord_id, wrong.request_id);
    body.sent_ns = wrong.sent_ns;
    body.order_id = xmc_hotpath::wire::U64Le::new(7);
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

/// All golden frames on one stream come apart again, each equal to what went in.
#[test]
fn a_stream_of_golden_frames_comes_apart() {
    let Some(all) = golden::load() else { return };
    let stream: Vec<u8> = all.iter().flat_map(|golden| golden.bytes.clone()).collect();
    let mut rest = stream.as_slice();
    for golden in &all {
        let (frame, after) = decode::frame(rest).expect("is framed").expect("is complete");
        assert_eq!(frame.template_id, golden.template_id);
        assert_eq!(frame.body, &golden.bytes[12..]);
        rest = after;
    }
    assert_eq!(decode::frame(rest), Ok(None));
}

/// No message of the XML is longer than what the decoder waits for, its groups full.
#[test]
fn the_longest_message_fits_the_longest_frame() {
    let Some(schema) = schema() else { return };
    let longest = schema
        .messages()
        .iter()
        .map(|message| {
            let groups = message.groups.iter().map(|group| {
                assert_eq!(group.dimension, "groupSize", "one byte of count");
                group.dimension_len + 255 * group.block.len
            });
            12 + message.root.len + groups.sum::<usize>()
        })
        .max();
    assert_eq!(longest, Some(21_413));
    assert!(longest < Some(usize::from(MAX_FRAME_LEN)));
}
