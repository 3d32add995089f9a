//! The stream: whole, cut anywhere, with any bit turned, with blocks longer and shorter than ours.

use super::golden;
use super::{every_message, schema};
use crate::venue::cme::ilink3::golden::Golden;
use xmc_hotpath::venue::cme::ilink3::decode::{
    self, Frame, FrameError, MAX_FRAME_LEN, Report, Request,
};
use xmc_hotpath::venue::cme::ilink3::layout::{
    Block, BusinessReject, Cancel, CancelRejected, Establish, EstablishmentAck,
    EstablishmentReject, Framed, MassAction, MassActionReport, Message, Negotiate,
    NegotiationReject, NegotiationResponse, NewOrder, NotApplied, OrderCancelled, OrderEliminated,
    OrderModified, OrderNew, OrderRejected, OrderStatus, PartyDetailsAck, PartyDetailsRequest,
    PendingCancel, PendingReplace, Replace, ReplaceRejected, Retransmission, RetransmitReject,
    RetransmitRequest, Sequence, StatusRequest, Terminate, TradeOutright, TradeSpread,
    TradeSpreadLeg,
};
use xmc_hotpath::venue::cme::sbe::SbeError;

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

/// Every prefix waits for more; a frame that says it is shorter than its block is refused.
#[test]
fn every_truncation_waits_or_is_refused() {
    let Some(all) = golden::load() else { return };
    for golden in &all {
        for len in 0..golden.bytes.len() {
            let cut = &golden.bytes[..len];
            assert_eq!(decode::frame(cut), Ok(None), "{} cut to {len}", golden.name);
            if len < 4 {
                continue;
            }
            let mut claimed = cut.to_vec();
            claimed[..2].copy_from_slice(&(len as u16).to_le_bytes());
            let block_len = u16::from_le_bytes([golden.bytes[4], golden.bytes[5]]);
            let found = decode::frame(&claimed).map(|whole| whole.is_some());
            let expected = match len {
                0..12 => Err(FrameError::Length(len as u16)),
                _ if len < 12 + usize::from(block_len) => Err(FrameError::BlockLen(block_len)),
                _ => Ok(true),
            };
            assert_eq!(found, expected, "{} claims {len}", golden.name);
        }
    }
}

/// A turned bit is refused for the right reason, waited out, or read as it stands.
#[test]
fn every_single_bit_flip_is_refused_or_read() {
    let Some(all) = golden::load() else { return };
    for golden in &all {
        for bit in 0..golden.bytes.len() * 8 {
            let mut bytes = golden.bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            flipped_is_refused_or_read(golden, &bytes, bit / 8);
        }
    }
}

fn flipped_is_refused_or_read(golden: &Golden, bytes: &[u8], at: usize) {
    let short = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let framed = decode::frame(bytes);
    match (at, framed) {
        (0..2, Err(error)) => {
            assert!(matches!(error, FrameError::Length(_) | FrameError::BlockLen(_)))
        }
        (0..2, Ok(_)) => assert!(usize::from(short(0)) >= 12),
        (2..4, found) => assert_eq!(found, Err(FrameError::Encoding(short(2)))),
        (8..10, found) => assert_eq!(found, Err(FrameError::Schema(short(8)))),
        (10..12, Err(error)) => assert_eq!(error, FrameError::Version(short(10))),
        (4..6, Err(error)) => assert_eq!(error, FrameError::BlockLen(short(4))),
        (_, found) => {
            let (frame, rest) = found.expect("is framed").expect("is complete");
            assert_eq!((frame.body, rest.len()), (&bytes[12..], 0), "{}", golden.name);
        }
    }
    let Ok(Some((frame, _))) = framed else { return };
    read_everything(&frame);
    if let Some(block) = blocks_of(&frame) {
        assert_eq!(block, bytes[12..12 + block.len()], "{}", golden.name);
    }
}

/// Reads all that can be read of a frame, so that nothing in there can panic.
fn read_everything(frame: &Frame<'_>) {
    let read = (decode::report(frame), decode::request(frame));
    if let (Ok(Some(report)), _) = read {
        let _ = report.stamp();
        let news = report.news();
        let _ = news.map(|news| news.cl_ord_id.order());
        if let Report::Trade(trade) = report
            && let Ok((parts, events)) = trade.groups()
        {
            assert!(parts.count() < 256 && events.count() < 256);
        }
    }
}

/// The bytes of the block that a frame was read as.
fn blocks_of(frame: &Frame<'_>) -> Option<Vec<u8>> {
    let report = decode::report(frame).ok().flatten().and_then(|report| {
        Some(match report {
            Report::Sequence(block) => bytemuck::bytes_of(block).to_vec(),
            Report::Terminate(block) => bytemuck::bytes_of(block).to_vec(),
            Report::Retransmission(block) => bytemuck::bytes_of(block).to_vec(),
            Report::RetransmitReject(block) => bytemuck::bytes_of(block).to_vec(),
            Report::NotApplied(block) => bytemuck::bytes_of(block).to_vec(),
            Report::MassAction(block) => bytemuck::bytes_of(block).to_vec(),
            Report::BusinessReject(block) => bytemuck::bytes_of(block).to_vec(),
            Report::New(block) => bytemuck::bytes_of(block).to_vec(),
            Report::Rejected(block) => bytemuck::bytes_of(block).to_vec(),
            Report::Eliminated(block) => bytemuck::bytes_of(block).to_vec(),
            Report::Trade(trade) => bytemuck::bytes_of(trade.block).to_vec(),
            Report::Addendum(block) => bytemuck::bytes_of(block).to_vec(),
            Report::Modified(block) => bytemuck::bytes_of(block).to_vec(),
            Report::Status(block) => bytemuck::bytes_of(block).to_vec(),
            Report::Cancelled(block) => bytemuck::bytes_of(block).to_vec(),
            Report::CancelRejected(block) => bytemuck::bytes_of(block).to_vec(),
            Report::ReplaceRejected(block) => bytemuck::bytes_of(block).to_vec(),
            Report::SpreadTrade(block) => bytemuck::bytes_of(block).to_vec(),
            Report::SpreadAddendum(block) => bytemuck::bytes_of(block).to_vec(),
            Report::Passed(_) => return None,
        })
    });
    report.or_else(|| {
        decode::request(frame).ok().flatten().map(|request| match request {
            Request::Sequence(block) => bytemuck::bytes_of(block).to_vec(),
            Request::Terminate(block) => bytemuck::bytes_of(block).to_vec(),
            Request::New(block) => bytemuck::bytes_of(block).to_vec(),
            Request::Replace(block) => bytemuck::bytes_of(block).to_vec(),
            Request::Cancel(block) => bytemuck::bytes_of(block).to_vec(),
            Request::Status(block) => bytemuck::bytes_of(block).to_vec(),
            Request::Parties(block, _) => bytemuck::bytes_of(block).to_vec(),
            Request::MassAction(block) => bytemuck::bytes_of(block).to_vec(),
            Request::MassStatus(block) => bytemuck::bytes_of(block).to_vec(),
        })
    })
}

/// Every message that has a layout is read as that layout, whole.
#[test]
fn golden_frames_are_read_as_their_messages() {
    let (Some(schema), Some(all)) = (schema(), golden::load()) else { return };
    for golden in &all {
        let frame = decode::frame(&golden.bytes).unwrap().unwrap().0;
        let block = blocks_of(&frame);
        let known = matches!(
            golden.template_id,
            506 | 507 | 509 | 510 | 513..=516 | 518 | 521..=526 | 529 | 531..=536 | 562
        );
        assert_eq!(block.is_some(), known, "{}", golden.name);
        let block_len = usize::from(frame.block_len);
        assert!(block.is_none_or(|block| block == golden.bytes[12..12 + block_len]));
    }
    every_message!(block_holds_the_values(&schema, &all));
}

fn block_holds_the_values<M: Message + PartialEq + std::fmt::Debug>(
    schema: &crate::venue::cme::sbe_schema::Schema,
    all: &[Golden],
) {
    let golden = golden::of::<M>(all);
    let frame = decode::frame(&golden.bytes).unwrap().unwrap().0;
    assert_eq!(*frame.block::<M>().unwrap().0, golden.block::<M>(schema));
}

/// Every numbered message of the exchange is either read or known by its number, and no other is.
#[test]
fn every_numbered_message_counts_in_the_session() {
    let Some(schema) = schema() else { return };
    let mut passed = 0;
    for message in schema.messages() {
        let field = |name: &str| message.root.fields.iter().find(|field| field.name == name);
        // Addenda are read as version 8 has them; their newer fields lie behind.
        let block_len = message.root.len;
        let mut bytes = vec![0; block_len + 64];
        bytes[..12].copy_from_slice(&[7, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
        let block_len = u16::try_from(block_len).expect("short");
        let stamp = |body: &[u8]| {
            let (template_id, version) = (message.id, schema.version);
            let frame = Frame { template_id, version, block_len, body };
            decode::report(&frame)
                .expect("long enough")
                .map(|report| (report.stamp(), matches!(report, Report::Passed(_))))
        };
        let Some(flag) = field("PossRetransFlag") else {
            let numbered = stamp(&bytes).and_then(|(stamp, _)| stamp.seq_no);
            assert_eq!(numbered, None, "{}", message.name);
            continue;
        };
        let offsets = [field("SeqNum"), field("UUID")].map(|field| field.expect("is there").offset);
        assert_eq!(offsets, [0, 4], "{}", message.name);
        for (value, is_retransmitted) in [(0, false), (1, true)] {
            bytes[flag.offset] = value;
            let told = stamp(&bytes);
            let (found, is_passed) = told.unwrap_or_else(|| panic!("{}", message.name));
            assert_eq!((found.seq_no, found.uuid), (Some(7), 9), "{}", message.name);
            assert_eq!(found.is_retransmitted, is_retransmitted, "{}", message.name);
            passed += u32::from(is_passed);
        }
        let (template_id, version, body) = (message.id, schema.version, &bytes[..11]);
        let short = Frame { template_id, version, block_len: 11, body };
        assert_eq!(decode::report(&short), Err(SbeError::BlockTooShort), "{}", message.name);
    }
    assert_eq!(passed, 2 * 11);
}

/// A newer schema appends fields: a longer block is read, a shorter one refused.
#[test]
fn longer_blocks_are_read_and_shorter_ones_refused() {
    let Some(all) = golden::load() else { return };
    for golden in &all {
        let original = decode::frame(&golden.bytes).unwrap().unwrap().0;
        let Some(block) = blocks_of(&original) else { continue };
        let end = 12 + block.len();
        let mut longer = golden.bytes.clone();
        longer.splice(end..end, [0xA5; 3]);
        resize(&mut longer, 3);
        let frame = decode::frame(&longer).unwrap().unwrap().0;
        assert_eq!(blocks_of(&frame), Some(block), "{}", golden.name);
        if let Some(Report::Trade(trade)) = decode::report(&frame).unwrap() {
            let (parts, events) = trade.groups().expect("follow the longer block");
            assert_eq!((parts.len(), events.len()), (0, 0));
        }
        let mut shorter = golden.bytes.clone();
        shorter.remove(end - 1);
        resize(&mut shorter, -1);
        let frame = decode::frame(&shorter).unwrap().unwrap().0;
        let refused = (decode::report(&frame).err(), decode::request(&frame).err());
        let too_short = Some(SbeError::BlockTooShort);
        assert!(refused.0 == too_short || refused.1 == too_short, "{}", golden.name);
    }
}

/// Changes both lengths of a frame by `bytes`.
fn resize(frame: &mut [u8], bytes: i16) {
    for at in [0, 4] {
        let len = u16::from_le_bytes([frame[at], frame[at + 1]]).wrapping_add_signed(bytes);
        frame[at..at + 2].copy_from_slice(&len.to_le_bytes());
    }
}

/// Lengths at the two ends of what is accepted.
#[test]
fn a_length_that_no_message_has_is_refused() {
    for (len, expected) in [
        (0, Err(FrameError::Length(0))),
        (11, Err(FrameError::Length(11))),
        (12, Ok(None)),
        (MAX_FRAME_LEN, Ok(None)),
        (MAX_FRAME_LEN + 1, Err(FrameError::Length(MAX_FRAME_LEN + 1))),
        (u16::MAX, Err(FrameError::Length(u16::MAX))),
    ] {
        let mut bytes = len.to_le_bytes().to_vec();
        bytes.extend([0xFE, 0xCA]);
        assert_eq!(decode::frame(&bytes), expected, "{len}");
    }
}

/// Versions before the oldest are refused whatever their blocks; later ones are read.
#[test]
fn only_older_versions_are_refused() {
    let frame = Framed::new(9, Sequence::BLANK);
    for (version, is_read) in [(0, false), (7, false), (8, true), (9, true), (10, true)] {
        let mut bytes = bytemuck::bytes_of(&frame).to_vec();
        bytes[10..12].copy_from_slice(&u16::to_le_bytes(version));
        let found = decode::frame(&bytes).map(|whole| whole.is_some());
        let expected = if is_read { Ok(true) } else { Err(FrameError::Version(version)) };
        assert_eq!(found, expected, "version {version}");
    }
}
