//! Sets of cores in the two ways in which the kernel writes them: lists and masks.
//!
//! Lists are `0-3,5`; masks are hexadecimal in groups of 32 bits, `ff,ffffffff`. Source:
//! `Documentation/core-api/printk-formats.rst`, bitmaps.

use std::collections::BTreeSet;

pub use crate::topology::host::{list, of_list};

/// Cores by their numbers.
pub type Cores = BTreeSet<u16>;

/// Reads a mask; `None` if it is none.
#[must_use]
pub fn of_mask(text: &str) -> Option<Cores> {
    let digits: Vec<char> = text.trim().chars().filter(|c| *c != ',').collect();
    if digits.is_empty() {
        return None;
    }
    let mut cores = Cores::new();
    for (digit, first) in digits.iter().rev().zip((0_u16..).step_by(4)) {
        let bits = digit.to_digit(16)?;
        cores.extend((0..4).filter(|bit| bits >> bit & 1 == 1).map(|bit| first + bit));
    }
    Some(cores)
}

/// Writes a mask as the kernel reads it: a comma after each 32 bits.
#[must_use]
pub fn mask(cores: &Cores) -> String {
    let last = cores.last().copied().unwrap_or(0);
    let words = (0..=last / 32).rev().map(|word| {
        let in_word = cores.iter().filter(|core| *core / 32 == word);
        in_word.fold(0_u32, |bits, core| bits | 1 << (core % 32))
    });
    let words: Vec<String> = words.map(|word| format!("{word:08x}")).collect();
    let mask = words.join(",");
    let short = mask.trim_start_matches(['0', ',']);
    if short.is_empty() { "0".to_owned() } else { short.to_owned() }
}

/// A set as a sentence has it.
#[must_use]
pub fn said(cores: &Cores) -> String {
    match cores.len() {
        0 => "no core".to_owned(),
        1 => format!("core {}", list(cores)),
        _ => format!("cores {}", list(cores)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(cores: &[u16]) -> Cores {
        cores.iter().copied().collect()
    }

    #[test]
    fn masks_are_read_and_written() {
        for (text, cores) in [
            ("0", set(&[])),
            ("3", set(&[0, 1])),
            ("fffc", (2..16).collect()),
            ("1,00000000", set(&[32])),
            ("80000000,00000001", set(&[0, 63])),
        ] {
            assert_eq!(of_mask(text), Some(cores.clone()), "{text}");
            assert_eq!(mask(&cores), text);
        }
        assert_eq!(of_mask("00000000,0000000f"), Some((0..4).collect()));
        assert_eq!((of_mask(""), of_mask("x")), (None, None));
    }
}
