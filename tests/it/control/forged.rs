//! Fault 50: a hundred thousand commands that are replayed, late, out of order, for somebody else,
//! changed after they were signed, or signed by somebody else. None is taken.

use super::rig::{NOW_S, US, judge, request, signed, text};
use crate::journal::scratch::Scratch;
use crate::sim::{number, say};
use cross_market_connect::control::limit::{Amount, Change, Field};
use cross_market_connect::control::text::Text;
use cross_market_connect::control::verb::Verb;
use std::collections::BTreeMap;
use xmc_hotpath::message::{Denial, DeskId, DeskIdentity, SafeState, SiteId};

const COMMANDS: u64 = 100_000;
/// The last number that alice has used.
const USED: u64 = 1_000;

struct Forger {
    rng: fastrand::Rng,
    /// Commands that were taken, as they were given.
    taken: Vec<String>,
}

impl Forger {
    fn verb(&mut self) -> Verb {
        let verbs = [Verb::Kill, Verb::NoNew, Verb::Disable, Verb::Enable];
        verbs[self.rng.usize(..verbs.len())]
    }

    /// A command that would be taken.
    fn right(&mut self) -> Text {
        let scope = ["all", "spread=calendar"][self.rng.usize(..2)];
        let command = text(USED + self.rng.u64(1..1_000_000), self.verb(), scope);
        if self.rng.u8(..4) > 0 {
            return command;
        }
        let units = |figure| Amount { figure, unit: "units".to_owned() };
        let (from, to) = (units(self.rng.u64(2..9)), units(self.rng.u64(10..19)));
        let change = Some(Change { field: Field::MaxUnits, from, to });
        Text { change, ..text(command.counter, Verb::Limit, "spread=calendar") }
    }

    /// One that is wrong in one way, which has a name.
    fn wrong(&mut self) -> (&'static str, String, u64) {
        let mut now_s = NOW_S + self.rng.u64(..100);
        let both = &["alice", "bob"][..];
        let mut command = self.right();
        let (name, forged) = match self.rng.u8(..20) {
            0 => ("replayed", self.taken[self.rng.usize(..self.taken.len())].clone()),
            1 => {
                command.counter = self.rng.u64(1..=USED);
                ("reordered", request(&command, both))
            }
            2 => {
                now_s = NOW_S + 120 + self.rng.u64(..1_000_000);
                ("expired", request(&command, both))
            }
            3 => {
                let id = self.rng.u8(2..);
                command.audience = match self.rng.u8(..3) {
                    0 => DeskIdentity { site: SiteId(id), ..US },
                    1 => DeskIdentity { desk: DeskId(id), ..US },
                    _ => DeskIdentity { run: u16::from(id) + 6, ..US },
                };
                ("wrongly addressed", request(&command, both))
            }
            4 => {
                let signer = ["carol", "mallory", "bob"][self.rng.usize(..3)];
                ("another signer", request(&command, &[signer, "bob"]))
            }
            5 => {
                command.verb = Verb::Enable;
                command.change = None;
                let by = [&["alice"][..], &["alice", "alice"], &["alice", "carol"]];
                ("one person for two", request(&command, by[self.rng.usize(..3)]))
            }
            6 => {
                // The signatures of one under the text of another.
                let other = request(&self.right(), both);
                let signatures = other.split_once("\n\n").expect("a note").1.to_owned();
                ("another text", format!("{command}\n{signatures}"))
            }
            7 | 8 => ("a line twice", self.line_twice(&command)),
            9 => {
                if let Some(change) = &mut command.change {
                    let units = ["lots", "CNY", "USD", "messages"];
                    change.to.unit = units[self.rng.usize(..units.len())].to_owned();
                    ("wrong unit", request(&command, both))
                } else {
                    command.issued_s = now_s + self.rng.u64(6..1_000_000);
                    command.expires_s = command.issued_s + 60;
                    ("from the future", request(&command, both))
                }
            }
            10 => {
                command.expires_s = command.issued_s + 301 + self.rng.u64(..1_000_000);
                ("valid too long", request(&command, both))
            }
            _ => {
                let by = if command.needs_two() { both } else { &both[..1] };
                ("changed bytes", self.changed(request(&command, by)))
            }
        };
        (name, forged, now_s)
    }

    /// Signed with one of its lines twice, or two of them the other way round.
    fn line_twice(&mut self, command: &Text) -> String {
        let written = command.to_string();
        let mut lines: Vec<_> = written.lines().collect();
        let place = self.rng.usize(..lines.len());
        if self.rng.bool() {
            lines.insert(place, lines[place]);
        } else {
            let other = (place + 1) % lines.len();
            lines.swap(place, other);
        }
        signed(&(lines.join("\n") + "\n"), &["alice", "bob"])
    }

    /// After it was signed.
    fn changed(&mut self, request: String) -> String {
        let mut bytes = request.clone().into_bytes();
        for _ in 0..self.rng.u32(1..4) {
            // A note that has lost all of itself has nothing to change.
            let Some(last) = bytes.len().checked_sub(1) else { break };
            let at = self.rng.usize(..=last);
            match self.rng.u8(..5) {
                0 => bytes[at] = self.rng.u8(..),
                1 => bytes.insert(at, self.rng.u8(..)),
                2 => drop(bytes.remove(at)),
                3 => bytes.truncate(at.max(1)),
                _ => {
                    let digits = b"0123456789";
                    let places: Vec<_> =
                        (0..bytes.len()).filter(|at| bytes[*at].is_ascii_digit()).collect();
                    if !places.is_empty() {
                        bytes[places[self.rng.usize(..places.len())]] =
                            digits[self.rng.usize(..10)];
                    }
                }
            }
        }
        let changed = String::from_utf8_lossy(&bytes).into_owned();
        // What was not changed after all is not given.
        if changed == request { changed + "x" } else { changed }
    }
}

#[test]
fn of_a_hundred_thousand_forged_commands_none_is_taken() {
    let seed = number("XMC_SEED", 1);
    let count = number("XMC_FUZZ", COMMANDS);
    let scratch = Scratch::new("control_forged");
    let mut judge = judge(&scratch);
    let mut forger = Forger { rng: fastrand::Rng::with_seed(seed), taken: Vec::new() };
    for counter in [USED - 2, USED - 1, USED] {
        let request = request(&text(counter, Verb::NoNew, "all"), &["alice"]);
        judge.decide(request.as_bytes(), NOW_S, SafeState::Normal).expect("it is right");
        forger.taken.push(request);
    }
    let mut ways: BTreeMap<&str, u64> = BTreeMap::new();
    let mut denials: BTreeMap<Denial, u64> = BTreeMap::new();
    for _ in 0..count {
        let (way, forged, now_s) = forger.wrong();
        match judge.decide(forged.as_bytes(), now_s, SafeState::Normal) {
            Ok(granted) => panic!("seed {seed}, {way}: taken as {granted:?}\n{forged}"),
            Err(denied) => *denials.entry(denied.instruction.denial).or_default() += 1,
        }
        *ways.entry(way).or_default() += 1;
    }
    say(&format!("control: {count} forged commands from seed {seed}: {ways:?}, {denials:?}"));
    assert_eq!(ways.len(), 12, "{ways:?}");
    // None of it has used up a number: the next one is taken.
    let next = request(&text(USED + 1, Verb::NoNew, "all"), &["alice"]);
    judge.decide(next.as_bytes(), NOW_S, SafeState::Normal).expect("it is right");
}
