//! Damaged packets: whatever happens to the bytes, the answer is a typed error or a clean decode.

use super::encode::{SENT_NS, change, everything, order};
use cross_market_connect::venue::cme::mdp3::{EventMark, Generation, PacketBuilder};
use proptest::prelude::*;
use xmc_hotpath::venue::cme::mdp3::decode::{self, DecodeError, Message, PriceScale};
use xmc_hotpath::venue::cme::mdp3::layout::{EntryKind, Mantissa};

/// Reads all there is to read; the number of entries of all groups.
fn read_all(bytes: &[u8]) -> Result<usize, DecodeError> {
    let mut count = 0;
    for framed in decode::packet(bytes)?.messages() {
        let message = framed.decode()?;
        count += message.entry_views().count();
        count += match &message {
            Message::Book(book) => book.orders()?.count(),
            Message::Trade(trade) => trade.orders()?.count(),
            Message::Future(future) => {
                let groups = future.groups()?;
                groups.events.count()
                    + groups.feed_types.count()
                    + groups.attributes.count()
                    + groups.lot_types.count()
            }
            Message::Option(option) => option.groups()?.underlyings.count(),
            Message::Spread(spread) => spread.groups()?.legs.count(),
            Message::QuoteRequest(request) => request.entries.count(),
            _ => 0,
        };
    }
    Ok(count)
}

/// Where the messages of a packet end, read off the sizes alone.
fn boundaries(bytes: &[u8]) -> Vec<usize> {
    let (mut at, mut ends) = (12, vec![]);
    while at < bytes.len() {
        at += usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
        ends.push(at);
    }
    ends
}

/// A cut is refused everywhere but between two messages, where nothing shows it.
#[test]
fn every_truncation_is_refused_unless_between_messages() {
    for generation in [Generation::V6, Generation::V13] {
        let bytes = everything(generation);
        let ends = boundaries(&bytes);
        assert_eq!(ends.last(), Some(&bytes.len()));
        for cut in 0..bytes.len() {
            let result = decode::packet(&bytes[..cut]);
            let expected = match cut {
                12 => Err(DecodeError::NoMessage),
                _ if ends.contains(&cut) => Ok(()),
                _ => Err(DecodeError::Truncated),
            };
            assert_eq!(result.map(drop), expected, "cut at {cut}");
        }
    }
}

/// A message cut inside with its size mended is refused in its groups, not silently shortened.
#[test]
fn a_message_that_ends_inside_its_group_is_refused() {
    let bytes = everything(Generation::V13);
    let end = boundaries(&bytes)[0];
    for cut in 12 + 10..end {
        let mut short = bytes[..cut].to_vec();
        let size = u16::try_from(cut - 12).unwrap();
        short[12..14].copy_from_slice(&size.to_le_bytes());
        assert_eq!(read_all(&short), Err(DecodeError::Truncated), "cut at {cut}");
    }
}

/// Every single flipped bit gives an error or a decode whose entries the packet has room for.
#[test]
fn every_flipped_bit_is_an_error_or_a_clean_decode() {
    let (mut refused, mut read) = (0, 0);
    for generation in [Generation::V6, Generation::V13] {
        let bytes = everything(generation);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match read_all(&flipped) {
                Ok(count) => {
                    assert!(count <= flipped.len(), "bit {bit}: {count} entries");
                    read += 1;
                }
                Err(_) => refused += 1,
            }
        }
    }
    println!("{refused} flips refused, {read} read");
    assert!(refused > 100 && read > 1_000);
}

/// A size below the headers, another schema, an unknown template.
#[test]
fn framing_errors_are_told_apart() {
    let bytes = PacketBuilder::new(Generation::V13, 1, SENT_NS).heartbeat().heartbeat().finish();
    let with = |at: usize, value: u16| {
        let mut changed = bytes.clone();
        changed[at..at + 2].copy_from_slice(&value.to_le_bytes());
        changed
    };
    for size in 0..10 {
        assert_eq!(read_all(&with(22, size)), Err(DecodeError::BadMessageSize), "size {size}");
    }
    assert_eq!(read_all(&with(22, 11)), Err(DecodeError::Truncated));
    assert_eq!(read_all(&with(28, 8)), Err(DecodeError::WrongSchema));
    let unknown = with(16, 999);
    let messages: Vec<_> =
        decode::packet(&unknown).unwrap().messages().map(|m| m.decode().unwrap()).collect();
    let [Message::Skipped { template_id: 999, event: None }, Message::Heartbeat] = messages[..]
    else {
        panic!("{messages:?}");
    };
}

/// The counters' order is the variants' order, without a hole.
#[test]
fn every_error_has_its_counter() {
    for (place, error) in DecodeError::ALL.into_iter().enumerate() {
        assert_eq!(error.index(), place);
    }
}

/// Mantissas of both exponents at the edges of what 1e-9 units can say.
#[test]
fn prices_convert_exactly_or_not_at_all() {
    let e7 = |mantissa| PriceScale::E7.price_e9(Mantissa::new(mantissa));
    let e9 = |mantissa| PriceScale::E9.price_e9(Mantissa::new(mantissa));
    let (top, bottom) = (i64::MAX / 100, i64::MIN / 100);
    assert_eq!(e9(i64::MAX), Ok(None));
    assert_eq!(e7(i64::MAX), Ok(None));
    assert_eq!(e9(i64::MAX - 1), Ok(Some(i64::MAX - 1)));
    assert_eq!(e9(i64::MIN), Ok(Some(i64::MIN)));
    assert_eq!(e7(-97_500_000), Ok(Some(-9_750_000_000)));
    assert_eq!((e7(top), e7(bottom)), (Ok(Some(top * 100)), Ok(Some(bottom * 100))));
    assert_eq!(e7(top + 1), Err(DecodeError::PriceOverflow));
    assert_eq!(e7(bottom - 1), Err(DecodeError::PriceOverflow));
    assert_eq!(e7(i64::MIN), Err(DecodeError::PriceOverflow));
}

/// A packet with one book message of version 13 whose two groups declare what they like.
fn declared(entries: (u16, u8), orders: (u16, u8), present: usize) -> Vec<u8> {
    let mark = EventMark::end(1);
    let mut bytes = PacketBuilder::new(Generation::V13, 1, SENT_NS).book(mark, &[], &[]).finish();
    bytes.truncate(12 + 10 + 11);
    bytes.extend(entries.0.to_le_bytes());
    bytes.push(entries.1);
    bytes.extend(vec![0xa5; usize::from(entries.0) * usize::from(entries.1)]);
    bytes.extend(orders.0.to_le_bytes());
    bytes.extend([0; 5]);
    bytes.push(orders.1);
    bytes.extend(vec![0xa5; present]);
    let size = u16::try_from(bytes.len() - 12).unwrap();
    bytes[12..14].copy_from_slice(&size.to_le_bytes());
    bytes
}

/// What the framing should say, by arithmetic on positions.
fn framing(bytes: &[u8]) -> Result<usize, DecodeError> {
    let mut at = 12;
    let mut count = 0;
    if bytes.len() < at {
        return Err(DecodeError::Truncated);
    }
    while at != bytes.len() {
        let left = bytes.len() - at;
        if left < 10 {
            return Err(DecodeError::Truncated);
        }
        let size = usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
        match size {
            0..10 => return Err(DecodeError::BadMessageSize),
            _ if size > left => return Err(DecodeError::Truncated),
            _ => at += size,
        }
        count += 1;
    }
    if count == 0 { Err(DecodeError::NoMessage) } else { Ok(count) }
}

proptest! {
    /// Whatever shape the groups declare, the message is refused for the right reason or read
    /// whole. The generator aims at the boundaries: block lengths around 32 and 24, bytes present
    /// around bytes declared.
    #[test]
    fn any_shape_is_refused_or_read_whole(
        entry_len in 28_u16..37,
        entry_count in 0_u8..5,
        order_len in 20_u16..29,
        order_count in 0_u8..5,
        slack in -3_isize..4,
    ) {
        let wanted = usize::from(order_len) * usize::from(order_count);
        let present = wanted.saturating_add_signed(slack);
        let bytes = declared((entry_len, entry_count), (order_len, order_count), present);
        let is_short = (entry_count > 0 && entry_len < 32) || (order_count > 0 && order_len < 24);
        let expected = if is_short {
            Err(DecodeError::BlockTooShort)
        } else if present < wanted {
            Err(DecodeError::Truncated)
        } else {
            Ok(usize::from(entry_count) + usize::from(order_count))
        };
        prop_assert_eq!(read_all(&bytes), expected);
    }

    /// The entries of the hot group: refused or read whole, at the group's own end of the message.
    #[test]
    fn the_first_group_is_refused_or_read_whole(
        block_len in 28_u16..64,
        count in 0_u8..6,
        slack in -3_isize..4,
    ) {
        let wanted = usize::from(block_len) * usize::from(count);
        let present = wanted.saturating_add_signed(slack);
        let mut bytes = declared((block_len, 0), (24, 0), 0);
        bytes.truncate(12 + 10 + 11 + 2);
        bytes.push(count);
        bytes.extend(vec![0xa5; present]);
        let size = u16::try_from(bytes.len() - 12).unwrap();
        bytes[12..14].copy_from_slice(&size.to_le_bytes());
        let expected = if count > 0 && block_len < 32 {
            Err(DecodeError::BlockTooShort)
        } else if present < wanted {
            Err(DecodeError::Truncated)
        } else {
            Ok(usize::from(count))
        };
        let packet = decode::packet(&bytes).unwrap();
        let read = packet.messages().next().unwrap().decode().map(|message| match message {
            Message::Book(book) => {
                let mut entries = book.entries;
                for left in (0..usize::from(count)).rev() {
                    assert!(entries.next().is_some());
                    assert_eq!((entries.len(), entries.is_empty()), (left, left == 0));
                }
                assert!(entries.next().is_none());
                book.entries.count()
            }
            other => panic!("a book, not {other:?}"),
        });
        prop_assert_eq!(read, expected);
    }

    /// Message sizes around the smallest legal one and around what is there.
    #[test]
    fn any_framing_is_refused_whole_or_walked_whole(
        sizes in prop::collection::vec((8_u16..20, -1_isize..2), 0..5),
    ) {
        let mut bytes = vec![0; 12];
        for (size, slack) in sizes {
            let mut message = vec![0; usize::from(size).saturating_add_signed(slack)];
            message[..2].copy_from_slice(&size.to_le_bytes());
            message[6] = 1;
            bytes.extend(message);
        }
        let expected = framing(&bytes);
        let walked = decode::packet(&bytes).map(|packet| packet.messages().count());
        // A slack byte shifts what follows, so a later schema id may be read from elsewhere.
        if walked != Err(DecodeError::WrongSchema) {
            prop_assert_eq!(walked, expected);
        }
    }

    /// Entries built in plain numbers read back, whatever the numbers.
    #[test]
    fn any_book_entry_reads_back(
        prices in prop::collection::vec(any::<i64>(), 1..20),
        is_newer in any::<bool>(),
    ) {
        let generation = if is_newer { Generation::V13 } else { Generation::V6 };
        let entries: Vec<_> =
            prices.iter().map(|&price| change(EntryKind::Offer, 1, price, None)).collect();
        let orders = if is_newer { vec![order(1); prices.len()] } else { vec![] };
        let bytes = PacketBuilder::new(generation, 1, SENT_NS)
            .book(EventMark::end(1), &entries, &orders)
            .finish();
        prop_assert_eq!(read_all(&bytes), Ok(entries.len() + orders.len()));
        let packet = decode::packet(&bytes).unwrap();
        let Ok(Message::Book(book)) = packet.messages().next().unwrap().decode() else {
            panic!("a book")
        };
        let read: Vec<i64> = book.entries.map(|entry| entry.price.get()).collect();
        prop_assert_eq!(read, prices);
    }
}
