//! MDQP messages that are damaged: a typed error or a clean decode, and never a panic.

use super::vectors::{self, MIRP};
use cross_market_connect::venue::shfe::smdp::message::{Frame, MdqpError, Message, first_len};

#[test]
fn every_truncation_is_refused() {
    let Some(vectors) = vectors::all() else { return };
    for (name, bytes) in vectors.iter().filter(|(name, _)| *name != MIRP) {
        for cut in 0..bytes.len() {
            let short = &bytes[..cut];
            assert_eq!(first_len(short), Ok(None), "{name} cut at {cut}");
            assert!(Frame::decode(short).is_err(), "{name} cut at {cut}");
        }
    }
}

/// With the length mended, a message that lost whole fields may be sound, and nothing else is.
#[test]
fn a_cut_message_with_its_length_mended_is_sound_between_fields_only() {
    let Some(vectors) = vectors::all() else { return };
    let mut sound = 0;
    for (name, bytes) in vectors.iter().filter(|(name, _)| *name != MIRP) {
        for cut in 8..bytes.len() {
            let mut short = bytes[..cut].to_vec();
            short[2..4].copy_from_slice(&u16::try_from(cut - 8).unwrap().to_le_bytes());
            match Frame::decode(&short) {
                Ok(frame) => {
                    assert_eq!(frame.encode(), short, "{name} cut at {cut}");
                    sound += 1;
                }
                Err(MdqpError::Truncated { .. } | MdqpError::Missing { .. }) => {}
                Err(other) => panic!("{name} cut at {cut}: {other}"),
            }
        }
    }
    // The snapshot has 15 fields and may lose them all; a login may lose its session, a logout its
    // user, the missed packets all of them.
    assert_eq!(sound, 15 + 1 + 1 + 1);
}

#[test]
fn every_flipped_bit_is_refused_or_read_as_what_it_says() {
    let Some(vectors) = vectors::all() else { return };
    let (mut refused, mut read) = (0, 0);
    for (name, bytes) in vectors.iter().filter(|(name, _)| *name != MIRP) {
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match Frame::decode(&flipped) {
                Ok(frame) if frame.unknown_fields == 0 => {
                    let mut again = frame.encode();
                    // Bits of the flag that mean nothing are not kept.
                    again[0] = flipped[0];
                    assert_eq!(again, flipped, "{name} bit {bit}");
                    read += 1;
                }
                Ok(_) => read += 1,
                Err(_) => refused += 1,
            }
        }
    }
    println!("{refused} flips refused, {read} read");
    assert!(refused > 500 && read > 5_000);
}

#[test]
fn errors_are_told_apart() {
    let Some(vectors) = vectors::all() else { return };
    let login = &vectors["LoginRequest"];
    let with = |at: usize, value: u8| {
        let mut changed = login.clone();
        changed[at] = value;
        Frame::decode(&changed).map(drop)
    };
    assert_eq!(with(0, 0x02), Err(MdqpError::Version { version: 2 }));
    assert_eq!(with(1, 0x77), Err(MdqpError::Type { type_id: 0x77 }));
    assert_eq!(with(2, 0x9A), Err(MdqpError::Truncated { type_id: 0x11 }));
    assert_eq!(with(8, 0x09), Err(MdqpError::Missing { type_id: 0x11, id: 2 }));
    let mut twice = Frame::decode(&vectors["LogoutRequest"]).unwrap().encode();
    twice.extend_from_within(8..);
    twice[2] = 62;
    assert_eq!(Frame::decode(&twice), Err(MdqpError::Twice { type_id: 0x13, id: 4 }));
    let mut short = vectors["IncrRequest"].clone();
    short.truncate(21);
    short[2] = 13;
    short[10] = 9;
    let expected = MdqpError::FieldSize { id: 0x0201, size: 9, expected: 10 };
    assert_eq!(Frame::decode(&short), Err(expected));
    assert_eq!(first_len(&[0x02]), Err(MdqpError::Version { version: 2 }));
    let message = MdqpError::Missing { type_id: 0x32, id: 0x1004 }.to_string();
    assert_eq!(message, "message of type 0x32 lacks field 0x1004");
}

/// A field of an id that is not known is passed over by its size, and counted.
#[test]
fn unknown_fields_are_passed_over() {
    let Some(vectors) = vectors::all() else { return };
    for name in ["LogoutRequest", "SnapshotResponse", "IncrResponse"] {
        let known = Frame::decode(&vectors[name]).unwrap();
        let mut bytes = vectors[name].clone();
        bytes.extend_from_slice(&[0xEE, 0x7F, 3, 0, 1, 2, 3]);
        let length = u16::try_from(bytes.len() - 8).unwrap();
        bytes[2..4].copy_from_slice(&length.to_le_bytes());
        let frame = Frame::decode(&bytes).unwrap();
        assert_eq!((frame.message, frame.unknown_fields), (known.message, 1), "{name}");
    }
}

/// A stream falls into the messages that were put into it, wherever it is cut on the way.
#[test]
fn a_stream_falls_into_its_messages() {
    let Some(vectors) = vectors::all() else { return };
    let sent: Vec<_> = vectors.iter().filter(|(name, _)| *name != MIRP).map(|(_, v)| v).collect();
    let mut stream: Vec<u8> = sent.iter().flat_map(|bytes| bytes.iter().copied()).collect();
    stream.extend(Frame::new(0, Message::Heartbeat).encode());
    let mut rest = &stream[..];
    let mut found = Vec::new();
    while let Some(len) = first_len(rest).unwrap() {
        let (message, after) = rest.split_at(len);
        found.push(message);
        rest = after;
    }
    assert!(rest.is_empty());
    assert_eq!(found.len(), sent.len() + 1);
    assert!(found.iter().zip(&sent).all(|(found, sent)| found == sent));
    assert_eq!(found[sent.len()], [1, 0, 0, 0, 0, 0, 0, 0]);
}
