//! Every message of every version, as its XML describes it with one zeroed entry in each group.

use crate::venue::cme::sbe_schema::{Block, Message as Template, Schema};
use xmc_hotpath::venue::cme::mdp3::decode::{self, DecodeError, Message, PriceScale};

/// Passed over by decision; the decoder's documentation lists the same.
const PASSED_OVER: &[u16] = &[57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69];

/// Where the root block begins: behind the packet's header, the message's size and its header.
const ROOT_AT: usize = 12 + 2 + 8;

/// How much a block is longer or shorter than the XML says.
#[derive(Clone, Copy, Default)]
struct Stretch {
    root: isize,
    /// Of the entries of the first group.
    entry: isize,
}

/// A packet with the one message; blocks are zero but for `fill`.
fn packet(schema: &Schema, template: &Template, stretch: Stretch, fill: u8) -> Vec<u8> {
    let len = |block: &Block, by: isize| block.len.checked_add_signed(by).expect("stays positive");
    let u16s = |value: usize| u16::try_from(value).unwrap().to_le_bytes();
    let mut body = vec![fill; len(&template.root, stretch.root)];
    let root_len = body.len();
    for (index, group) in template.groups.iter().enumerate() {
        let by = if index == 0 { stretch.entry } else { 0 };
        let mut dimension = vec![0; group.dimension_len];
        dimension[..2].copy_from_slice(&u16s(len(&group.block, by)));
        *dimension.last_mut().unwrap() = 1;
        body.extend(dimension);
        body.extend(vec![fill; len(&group.block, by)]);
    }
    let mut bytes = vec![0; 12];
    for value in [10 + body.len(), root_len, template.id.into(), 1, schema.version.into()] {
        bytes.extend(u16s(value));
    }
    bytes.extend(body);
    bytes
}

/// All (schema, message) pairs of the versions at hand.
fn each_template(mut visit: impl FnMut(&Schema, &Template)) {
    let mut seen = 0;
    for file in ["mdp3_v6.xml", "mdp3_v9.xml", "mdp3_v13.xml"] {
        let Some(schema) = Schema::load(file) else { return };
        schema.messages().iter().for_each(|template| visit(&schema, template));
        seen += schema.messages().len();
    }
    assert!(seen > 70, "only {seen} messages in three versions");
}

/// Decodes the only message, its second group and its definition groups included.
fn decode_all(bytes: &[u8]) -> Result<Message<'_>, DecodeError> {
    let message = decode::packet(bytes)?.messages().next().expect("has one").decode()?;
    match &message {
        Message::Book(book) => drop(book.orders()?),
        Message::Trade(trade) => drop(trade.orders()?),
        Message::Future(future) => drop(future.groups()?),
        Message::Option(option) => drop(option.groups()?),
        Message::Spread(spread) => drop(spread.groups()?),
        _ => {}
    }
    Ok(message)
}

/// Each template is decoded, with its entries, or is on the list of those passed over.
#[test]
fn every_template_is_decoded_or_passed_over_by_name() {
    each_template(|schema, template| {
        let bytes = packet(schema, template, Stretch::default(), 0);
        let message = decode_all(&bytes).unwrap_or_else(|e| panic!("{}: {e:?}", template.name));
        if let Message::Skipped { template_id, event } = message {
            assert!(PASSED_OVER.contains(&template_id), "{} is passed over", template.name);
            assert_eq!(template_id, template.id);
            let of = |name: &str| template.root.fields.iter().find(|field| field.name == name);
            assert_eq!(event.is_some(), of("MatchEventIndicator").is_some(), "{}", template.name);
            // Each field alone, where the XML has it.
            let with = |name: &str| {
                let mut bytes = bytes.clone();
                let field = of(name).expect("it has one");
                bytes[ROOT_AT + field.offset..][..field.size].fill(0x80);
                match decode_all(&bytes) {
                    Ok(Message::Skipped { event: Some(event), .. }) => event,
                    other => panic!("{}: {other:?}", template.name),
                }
            };
            if event.is_some() {
                let marked = with("MatchEventIndicator");
                assert!(marked.match_event.is_end_of_event() && marked.transact_ns == 0);
            }
            if event.is_some() && of("TransactTime").is_some() {
                let timed = with("TransactTime");
                let time = u64::from_le_bytes([0x80; 8]);
                assert_eq!((timed.match_event.0, timed.transact_ns), (0, time));
            }
            return;
        }
        assert!(!PASSED_OVER.contains(&template.id), "{} is decoded", template.name);
        let has_entries = template.groups.iter().any(|group| group.name == "NoMDEntries");
        assert_eq!(message.entry_views().count(), usize::from(has_entries), "{}", template.name);
    });
}

/// The columns that a view shows as present are those that this version of the template has.
#[test]
fn a_view_has_the_columns_of_the_template() {
    each_template(|schema, template| {
        let bytes = packet(schema, template, Stretch::default(), 0);
        let message = decode_all(&bytes).expect("decodes");
        let Some(view) = message.entry_views().next() else { return };
        let group = &template.groups[0].block;
        let has = |name: &str| {
            group.fields.iter().any(|field| field.name == name)
                || group.constants.iter().any(|constant| constant.name == name)
        };
        let in_root = |name| template.root.fields.iter().any(|field| field.name == name);
        for (name, shown) in
            [("SecurityID", view.security_id.is_some()), ("RptSeq", view.rpt_seq.is_some())]
        {
            assert_eq!(shown, has(name) || in_root(name), "{schema} {} {name}", template.name);
        }
        for (name, shown) in [
            ("MDEntryPx", view.price_mantissa.is_some()),
            ("MDEntryPx", view.price_exponent.is_some()),
            ("NumberOfOrders", view.order_count.is_some()),
            ("MDPriceLevel", view.level.is_some()),
            ("MDUpdateAction", view.action.is_some()),
            ("MDEntryType", view.kind.is_some()),
            ("AggressorSide", view.aggressor.is_some()),
            ("OpenCloseSettlFlag", view.open_close_settle.is_some()),
        ] {
            assert_eq!(shown, has(name), "{schema} {} {name}", template.name);
        }
        let has_size = has("MDEntrySize") || has("MDDisplayQty");
        assert_eq!(view.size_lots.is_some(), has_size, "{schema} {} size", template.name);
        for constant in &group.constants {
            let shown = match constant.name.as_str() {
                "MDEntryType" => view.kind.map(|kind| char::from(kind).to_string()),
                "MDUpdateAction" => view.action.map(|action| action.to_string()),
                other => panic!("constant {other}"),
            };
            assert_eq!(shown.as_deref(), Some(constant.value.as_str()), "{}", template.name);
        }
    });
}

/// The exponent that goes with a template is the one of its price types.
#[test]
fn price_exponents_are_the_xmls() {
    each_template(|schema, template| {
        let blocks =
            std::iter::once(&template.root).chain(template.groups.iter().map(|g| &g.block));
        let exponents: Vec<i8> = blocks
            .flat_map(|block| &block.fields)
            .filter(|field| field.primitive == "int64")
            .filter_map(|field| field.exponent)
            .collect();
        let bytes = packet(schema, template, Stretch::default(), 0);
        let scale: PriceScale = match decode_all(&bytes).expect("decodes") {
            Message::Book(m) => m.scale,
            Message::Trade(m) => m.scale,
            Message::SingleTrade(m) => m.scale,
            Message::SessionStatistics(m) => m.scale,
            Message::DailyStatistics(m) => m.scale,
            Message::Limits(m) => m.scale,
            Message::OrderBook(m) => m.scale,
            Message::Snapshot(m) => m.scale,
            Message::OrderSnapshot(m) => m.scale,
            Message::Future(m) => m.scale,
            Message::Option(m) => m.scale,
            Message::Spread(m) => m.scale,
            Message::Skipped { .. } => return,
            Message::Volume(_)
            | Message::Reset(_)
            | Message::Heartbeat
            | Message::Logon(_)
            | Message::Logout(_)
            | Message::Status(_)
            | Message::QuoteRequest(_) => {
                assert!(exponents.is_empty(), "{} has a price", template.name);
                return;
            }
        };
        assert!(!exponents.is_empty(), "{} has a price", template.name);
        for exponent in exponents {
            assert_eq!(exponent, scale.exponent(), "{schema} {}", template.name);
        }
    });
}

/// A longer block (a newer schema) decodes to the same; one a byte short of the layout is refused.
#[test]
fn a_longer_block_is_accepted_and_a_shorter_one_refused() {
    each_template(|schema, template| {
        if PASSED_OVER.contains(&template.id) {
            return;
        }
        for stretch in [Stretch { root: 3, entry: 0 }, Stretch { root: 0, entry: 5 }] {
            let bytes = packet(schema, template, stretch, 0);
            let message = decode_all(&bytes).unwrap_or_else(|e| panic!("{}: {e:?}", template.name));
            let exact = packet(schema, template, Stretch::default(), 0);
            let expected = decode_all(&exact).expect("decodes");
            assert!(message.entry_views().eq(expected.entry_views()), "{}", template.name);
        }
        // What versions 6 and 10 appended to the root of a definition may be missing.
        let appended = match (template.id, schema.version) {
            (54 | 55, 10..) => 2 + 8,
            (56, 10..) => 2 + 60,
            (27 | 29 | 41 | 54 | 55 | 56, _) => 2,
            _ => 0,
        };
        if template.root.len > 0 {
            let shorter = |by: isize| packet(schema, template, Stretch { root: -by, entry: 0 }, 0);
            assert!(decode_all(&shorter(appended)).is_ok(), "{}", template.name);
            let refused = decode_all(&shorter(appended + 1)).map(drop);
            assert_eq!(refused, Err(DecodeError::BlockTooShort), "{} root", template.name);
        }
        if !template.groups.is_empty() {
            let bytes = packet(schema, template, Stretch { root: 0, entry: -1 }, 0);
            let refused = decode_all(&bytes).map(drop);
            assert_eq!(refused, Err(DecodeError::BlockTooShort), "{} entry", template.name);
        }
    });
}

/// No content of the blocks is refused or read beyond them: only lengths matter.
#[test]
fn any_content_decodes() {
    each_template(|schema, template| {
        for fill in [0x01, 0x7f, 0x80, 0xff] {
            let bytes = packet(schema, template, Stretch::default(), fill);
            assert!(decode_all(&bytes).is_ok(), "{schema} {} filled with {fill:#x}", template.name);
        }
    });
}

/// The XML marks what version 6 appended with `sinceVersion`: without it a definition of version 5
/// ends, and its groups are where they were.
#[test]
fn definitions_of_version_5_are_read() {
    let Some(v6) = Schema::load("mdp3_v6.xml") else { return };
    let mut seen = 0;
    for template in v6.messages() {
        let since_6: usize =
            template.root.fields.iter().filter(|field| field.since == 6).map(|f| f.size).sum();
        if since_6 == 0 {
            continue;
        }
        seen += 1;
        let older = Stretch { root: -isize::try_from(since_6).unwrap(), entry: 0 };
        for (stretch, date) in [(Stretch::default(), Some(0x4b4b)), (older, None)] {
            let bytes = packet(&v6, template, stretch, 0x4b);
            let message = decode_all(&bytes).unwrap_or_else(|e| panic!("{}: {e:?}", template.name));
            let (found, groups) = match message {
                Message::Future(of) => (of.reference_date(), of.groups().unwrap()),
                Message::Option(of) => (of.reference_date(), of.groups().unwrap().common),
                Message::Spread(of) => (of.reference_date(), of.groups().unwrap().common),
                other => panic!("{} has a field since 6: {other:?}", template.name),
            };
            assert_eq!(found, date, "{}", template.name);
            let depths: Vec<i8> = groups.feed_types.map(|entry| entry.depth).collect();
            assert_eq!(depths, [0x4b], "{}", template.name);
        }
    }
    assert_eq!(seen, 3, "futures, options and spreads");
}

/// What version 10 appended to definitions: absent in version 9, nullable after it.
#[test]
fn appended_definition_fields_are_read_where_they_are() {
    each_template(|schema, template| {
        for (fill, guid) in [(0x01, Some(0x0101_0101_0101_0101)), (0xff, None)] {
            let bytes = packet(schema, template, Stretch::default(), fill);
            let is_new = schema.version >= 10;
            match decode_all(&bytes).expect("decodes") {
                Message::Future(future) => assert_eq!(future.guid(), guid.filter(|_| is_new)),
                Message::Option(option) => assert_eq!(option.guid(), guid.filter(|_| is_new)),
                Message::Spread(spread) => {
                    assert_eq!(spread.extra().map(|extra| extra.full_name[34]).is_some(), is_new);
                }
                _ => {}
            }
        }
    });
}
