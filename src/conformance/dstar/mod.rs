//! Esunny DSTAR: the cases O1 to O32, as far as a counter has anything of the kind.

use super::case::Case;

/// All of them.
pub const CASES: &[Case] = &[];
