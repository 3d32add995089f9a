//! What is kept of an applied packet to compare the other line's copy with.
//!
//! Not a cryptographic hash: it finds faults, not forgers. A change inside any one aligned word of
//! eight bytes is found for certain, because every step is a bijection in the word and in what came
//! before; any other change escapes with a chance of about 2^-64.

/// Odd, so that multiplying by it is a bijection: 2^64 divided by the golden ratio.
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

#[inline(always)]
const fn mix(state: u64, word: u64) -> u64 {
    let product = (state ^ word).wrapping_mul(FACTOR);
    product ^ (product >> 32)
}

/// The digest of `bytes`. Four lanes, so that the multiplications overlap.
#[inline]
#[must_use]
pub fn digest(bytes: &[u8]) -> u64 {
    let mut lanes = [1_u64, 2, 3, 4];
    let (blocks, tail) = bytes.as_chunks::<32>();
    for block in blocks {
        let (words, _) = block.as_chunks::<8>();
        take(&mut lanes, words);
    }
    let (words, rest) = tail.as_chunks::<8>();
    take(&mut lanes, words);
    let mut last = [0_u8; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    lanes.iter().fold(mix(len, u64::from_le_bytes(last)), |state, lane| mix(state, *lane))
}

#[inline(always)]
fn take(lanes: &mut [u64; 4], words: &[[u8; 8]]) {
    for (lane, word) in lanes.iter_mut().zip(words) {
        *lane = mix(*lane, u64::from_le_bytes(*word));
    }
}
