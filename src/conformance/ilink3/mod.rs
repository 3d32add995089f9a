//! CME iLink 3: the cases O1 to O32.
//!
//! What a client has to do is CME's: the pages of its client systems wiki are named by their
//! numbers. What is not written there, or was read in a copy only, is UNPROVEN and says so.

mod alone;
mod early;
mod late;
mod logons;
mod orders;
mod parties;
mod sequences;

use super::case::{Case, Needs, Outcome, Scenario};
use super::ground::Ground;

/// A scenario.
const fn on(
    needs: Needs,
    name: &'static str,
    looks_at: &'static str,
    run: fn(&Ground<'_>) -> Outcome,
) -> Scenario {
    Scenario { name, looks_at, needs, run }
}

/// All of them, by number.
pub const CASES: &[Case] = &{
    let mut all = [early::CASES[0]; 32];
    let mut place = 0;
    while place < 16 {
        all[place] = early::CASES[place];
        all[place + 16] = late::CASES[place];
        place += 1;
    }
    all
};
