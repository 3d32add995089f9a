//! SHA-256 of two messages at once.
//!
//! The processor's instructions for SHA-256 (FIPS 180-4) give a result a few cycles after they
//! begin, and could begin another meanwhile: one message leaves them idle half of the time. Leaves
//! of a tree do not depend on each other, nor do nodes of one level, so two of them go side by
//! side. Where there are no such instructions each goes alone, through the crate that hashes
//! everything else.
//!
//! Called by `tree`. Not here: what is hashed, and in which order.

use sha2::{Digest, Sha256};
use xmc_hotpath::record::frame::MAX_LEN;

use super::segment::Hash;

/// Bytes that the function takes at a time.
const BLOCK: usize = 64;

/// What the function adds to a message: a byte that ends it, and its length in bits.
const ENDING: usize = 1 + size_of::<u64>();

/// The longest message, with its prefix and what is added, in whole blocks.
const PADDED: usize = (1 + MAX_LEN + ENDING).next_multiple_of(BLOCK);

/// Hashes two messages at once. Holds the memory to do so.
#[derive(Clone, Debug)]
pub struct Pairs {
    messages: [Padded; 2],
    has_instructions: bool,
}

impl Pairs {
    /// For this machine.
    #[must_use]
    pub fn of_this_machine() -> Self {
        Self { messages: [Padded::EMPTY; 2], has_instructions: lanes::are_there() }
    }

    /// The hashes of `prefix` and then each of `messages`.
    #[must_use]
    pub fn hashes(&mut self, prefix: u8, messages: [&[u8]; 2]) -> [Hash; 2] {
        if !self.has_instructions || messages.iter().any(|message| message.len() > MAX_LEN) {
            return messages.map(|message| hash(prefix, message));
        }
        for (padded, message) in self.messages.iter_mut().zip(messages) {
            padded.fill(prefix, message);
        }
        lanes::digests(self.messages.each_ref().map(Padded::blocks))
    }
}

/// The hash of `prefix` and then `message`.
#[must_use]
pub fn hash(prefix: u8, message: &[u8]) -> Hash {
    Sha256::new().chain_update([prefix]).chain_update(message).finalize().into()
}

/// A message with what FIPS 180-4, 5.1.1 adds to it, in whole blocks.
#[derive(Clone, Copy, Debug)]
struct Padded {
    bytes: [u8; PADDED],
    blocks: usize,
}

impl Padded {
    const EMPTY: Self = Self { bytes: [0; PADDED], blocks: 0 };

    /// Holds `prefix` and `message`, of at most `MAX_LEN` bytes.
    fn fill(&mut self, prefix: u8, message: &[u8]) {
        let len = 1 + message.len();
        self.blocks = (len + ENDING).div_ceil(BLOCK);
        let end = self.blocks * BLOCK;
        self.bytes[0] = prefix;
        self.bytes[1..len].copy_from_slice(message);
        self.bytes[len] = 0x80;
        self.bytes[len + 1..end - size_of::<u64>()].fill(0);
        self.bytes[end - size_of::<u64>()..end].copy_from_slice(&(8 * len as u64).to_be_bytes());
    }

    fn blocks(&self) -> &[[u8; BLOCK]] {
        &self.bytes.as_chunks().0[..self.blocks]
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod lanes {
    use super::{BLOCK, Hash};

    pub fn are_there() -> bool {
        false
    }

    pub fn digests(_: [&[[u8; BLOCK]]; 2]) -> [Hash; 2] {
        unreachable!("nobody asks where there are no instructions")
    }
}

#[cfg(target_arch = "x86_64")]
mod lanes {
    use super::{BLOCK, Hash};
    use std::arch::x86_64::{
        __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_set_epi32, _mm_set_epi64x,
        _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8,
        _mm_shuffle_epi32,
    };

    /// FIPS 180-4, 5.3.3, in the order that the instructions want: a, b, e, f and c, d, g, h, the
    /// first one the highest.
    const START: [[u32; 4]; 2] = [
        [0x6a09_e667, 0xbb67_ae85, 0x510e_527f, 0x9b05_688c],
        [0x3c6e_f372, 0xa54f_f53a, 0x1f83_d9ab, 0x5be0_cd19],
    ];

    /// FIPS 180-4, 4.2.2.
    const ROUNDS: [[u32; 4]; 16] = [
        [0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5],
        [0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5],
        [0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3],
        [0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174],
        [0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc],
        [0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da],
        [0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7],
        [0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967],
        [0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13],
        [0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85],
        [0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3],
        [0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070],
        [0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5],
        [0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3],
        [0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208],
        [0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2],
    ];

    /// Whether this processor has the instructions.
    pub fn are_there() -> bool {
        is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1")
    }

    /// The hashes of two padded messages. `are_there` must have said so.
    #[expect(unsafe_code, reason = "not every processor has the instructions")]
    pub fn digests(messages: [&[[u8; BLOCK]]; 2]) -> [Hash; 2] {
        debug_assert!(are_there(), "the caller asks first");
        // SAFETY: the function needs nothing but the instructions that it is compiled with, and the
        // only caller has asked `are_there` whether the processor has them.
        unsafe { both(messages) }
    }

    /// What a message has come to: a, b, e, f and c, d, g, h.
    type State = [__m128i; 2];

    #[target_feature(enable = "sha,sse4.1")]
    fn both([first, second]: [&[[u8; BLOCK]]; 2]) -> [Hash; 2] {
        let start = [highest_first(START[0]), highest_first(START[1])];
        let mut states = [start; 2];
        for (one, other) in first.iter().zip(second) {
            take(&mut states, [one, other]);
        }
        let [mut one, mut other] = states.map(|state| [state]);
        let common = first.len().min(second.len());
        for block in first.iter().skip(common) {
            take(&mut one, [block]);
        }
        for block in second.iter().skip(common) {
            take(&mut other, [block]);
        }
        let ([one], [other]) = (one, other);
        [bytes(one), bytes(other)]
    }

    /// Takes one block of each message.
    #[inline]
    #[target_feature(enable = "sha,sse4.1")]
    fn take<const N: usize>(states: &mut [State; N], blocks: [&[u8; BLOCK]; N]) {
        let before = *states;
        let mut words = blocks.map(|block| words(block));
        for (round, constants) in ROUNDS.into_iter().enumerate() {
            let [a, b, c, d] = constants;
            let constants = highest_first([d, c, b, a]);
            for (state, words) in states.iter_mut().zip(&mut words) {
                let [mut w0, w1, w2, w3] = *words;
                if round >= 4 {
                    let sum =
                        _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
                    w0 = _mm_sha256msg2_epu32(sum, w3);
                }
                *words = [w1, w2, w3, w0];
                let [abef, cdgh] = *state;
                let input = _mm_add_epi32(w0, constants);
                let cdgh = _mm_sha256rnds2_epu32(cdgh, abef, input);
                let abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(input, 0x0E));
                *state = [abef, cdgh];
            }
        }
        for (state, before) in states.iter_mut().zip(before) {
            let ([abef, cdgh], [abef_before, cdgh_before]) = (*state, before);
            *state = [_mm_add_epi32(abef, abef_before), _mm_add_epi32(cdgh, cdgh_before)];
        }
    }

    /// The sixteen words of a block.
    #[inline]
    #[target_feature(enable = "sha,sse4.1")]
    fn words(block: &[u8; BLOCK]) -> [__m128i; 4] {
        let swap = _mm_set_epi64x(0x0C0D_0E0F_0809_0A0B, 0x0405_0607_0001_0203);
        let mut words = [swap; 4];
        for (words, bytes) in words.iter_mut().zip(block.as_chunks::<16>().0) {
            let both = u128::from_le_bytes(*bytes);
            let whole = _mm_set_epi64x((both >> 64) as i64, both as i64);
            *words = _mm_shuffle_epi8(whole, swap);
        }
        words
    }

    #[inline]
    #[target_feature(enable = "sha,sse4.1")]
    fn highest_first([a, b, c, d]: [u32; 4]) -> __m128i {
        _mm_set_epi32(a.cast_signed(), b.cast_signed(), c.cast_signed(), d.cast_signed())
    }

    #[inline]
    #[target_feature(enable = "sha,sse4.1")]
    fn bytes([abef, cdgh]: State) -> Hash {
        let words = [
            _mm_extract_epi32(abef, 3),
            _mm_extract_epi32(abef, 2),
            _mm_extract_epi32(cdgh, 3),
            _mm_extract_epi32(cdgh, 2),
            _mm_extract_epi32(abef, 1),
            _mm_extract_epi32(abef, 0),
            _mm_extract_epi32(cdgh, 1),
            _mm_extract_epi32(cdgh, 0),
        ];
        let mut hash = [0; 32];
        for (bytes, word) in hash.as_chunks_mut().0.iter_mut().zip(words) {
            *bytes = word.to_be_bytes();
        }
        hash
    }
}
