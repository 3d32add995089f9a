//! Wire integers against the bytes that they stand for, and records taken from short bytes.

use proptest::prelude::*;
use xmc_hotpath::wire::{
    self, I16Le, I32Le, I64Le, Truncated, U16Be, U16Le, U32Be, U32Le, U64Be, U64Le,
};

macro_rules! holds {
    ($type:ident, $value:expr, $bytes:expr) => {{
        let (value, bytes) = ($value, $bytes);
        let wire = $type::new(value);
        prop_assert_eq!(bytemuck::bytes_of(&wire), bytes);
        prop_assert_eq!(*wire::take::<$type>(bytes).unwrap().0, wire);
        prop_assert_eq!(wire.get(), value);
        prop_assert_eq!(format!("{wire:?}"), format!("{value:?}"));
    }};
}

proptest! {
    /// The bytes of each integer, written out by shifting.
    #[test]
    fn integers_are_their_bytes(value in any::<u64>()) {
        let little: Vec<u8> = (0..8).map(|at| (value >> (8 * at)) as u8).collect();
        let big: Vec<u8> = little.iter().rev().copied().collect();
        holds!(U64Le, value, &little[..]);
        holds!(I64Le, value as i64, &little[..]);
        holds!(U32Le, value as u32, &little[..4]);
        holds!(I32Le, value as i32, &little[..4]);
        holds!(U16Le, value as u16, &little[..2]);
        holds!(I16Le, value as i16, &little[..2]);
        holds!(U64Be, value, &big[..]);
        holds!(U32Be, value as u32, &big[4..]);
        holds!(U16Be, value as u16, &big[6..]);
    }

    /// A record is taken from the front at any address, or not at all; no byte is lost or shared.
    #[test]
    fn records_are_taken_whole_or_not(
        bytes in prop::collection::vec(any::<u8>(), 0..24),
        skip in 0_usize..8,
    ) {
        let bytes = &bytes[skip.min(bytes.len())..];
        match wire::take::<[U32Le; 3]>(bytes) {
            Ok((record, rest)) => {
                prop_assert_eq!(bytemuck::bytes_of(record), &bytes[..12]);
                prop_assert_eq!(rest, &bytes[12..]);
                prop_assert!(std::ptr::eq(bytemuck::bytes_of(record).as_ptr(), bytes.as_ptr()));
            }
            Err(Truncated) => prop_assert!(bytes.len() < 12),
        }
    }

    #[test]
    fn text_ends_at_the_first_nul(field in prop::collection::vec(0_u8..4, 0..12)) {
        let len = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
        prop_assert_eq!(wire::text(&field), &field[..len]);
    }
}
