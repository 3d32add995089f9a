//! Where each fault was tried: the desk's safe state, and how far its fires were.

use std::collections::BTreeMap;
use std::io::{self, Write};

use xmc_hotpath::message::SafeState;

use crate::sim::fault::{Fault, Hits};
use crate::sim::situation::{Legs, Situation};

/// Hits by fault, state and legs; what was never hit is left out.
pub type Cells = BTreeMap<&'static str, BTreeMap<&'static str, BTreeMap<&'static str, u64>>>;

/// What a release asks of each cell that can be reached.
const OFTEN: u64 = 1_000;

/// The cells of `hits`, for a report in JSON.
pub fn cells(hits: &Hits) -> Cells {
    let mut cells = Cells::new();
    for fault in Fault::ALL {
        for situation in Situation::all() {
            let count = hits.at(*fault, situation);
            if count > 0 {
                let states = cells.entry(fault.word()).or_default();
                let legs = states.entry(situation.state.word()).or_default();
                legs.insert(situation.legs.word(), count);
            }
        }
    }
    cells
}

/// A table to read: hits by state, by legs, and how many cells of how many were hit.
pub fn write(out: &mut impl Write, hits: &Hits) -> io::Result<()> {
    // A state that no input of these schedules leads to has no cells that could be hit.
    let is_reached = |state: &&SafeState| sum(hits, |at| at.state == **state) > 0;
    let states: Vec<_> = SafeState::ALL.iter().filter(is_reached).collect();
    write!(out, "{:<20}", "fault")?;
    for word in states.iter().map(|state| state.word()).chain(Legs::ALL.map(Legs::word)) {
        write!(out, " {word:>11}")?;
    }
    writeln!(out, " {:>7} {:>9}", "cells", "least")?;
    let (mut all_hit, mut all_often) = (0, 0);
    for fault in Fault::ALL {
        write!(out, "{:<20}", fault.word())?;
        let of = |is_in: &dyn Fn(Situation) -> bool| -> u64 {
            Situation::all().filter(|at| is_in(*at)).map(|at| hits.at(*fault, at)).sum()
        };
        for state in &states {
            write!(out, " {:>11}", of(&|at| at.state == **state))?;
        }
        for legs in Legs::ALL {
            write!(out, " {:>11}", of(&|at| at.legs == legs))?;
        }
        let all = Situation::all().filter(|at| states.contains(&&at.state));
        let counts: Vec<_> = all.map(|at| hits.at(*fault, at)).collect();
        let hit = counts.iter().filter(|count| **count > 0).count();
        all_hit += hit;
        all_often += counts.iter().filter(|count| **count >= OFTEN).count();
        let least = counts.iter().min().copied().unwrap_or(0);
        writeln!(out, " {:>7} {least:>9}", format!("{hit}/{}", counts.len()))?;
    }
    let all = Fault::ALL.len() * states.len() * Legs::ALL.len();
    writeln!(out, "cells     {all_hit} of {all} struck, {all_often} of them {OFTEN} times and more")
}

fn sum(hits: &Hits, is_in: impl Fn(Situation) -> bool) -> u64 {
    let inside = Situation::all().filter(|at| is_in(*at));
    inside.map(|at| Fault::ALL.iter().map(|fault| hits.at(*fault, at)).sum::<u64>()).sum()
}
