//! The state of a desk that has been told the configuration, and nothing else yet: its hash, and
//! whether a desk that is restored from it stands alike.
//!
//! Two hosts with the same hash begin with the same desk.

use crate::config::Configuration;
use crate::engine::inputs;
use crate::engine::memory::{DeskMemory, DeskSize};
use crate::hex;
use crate::journal::snapshot::state_hash;
use crate::sim::tape;
use xmc_hotpath::desk::{Desk, Outputs};
use xmc_hotpath::message::{Credits, DeskId, DeskIdentity, Input, SiteId};
use xmc_hotpath::record::codec::Decoder;
use xmc_hotpath::time::MonoNs;

/// What there is to say of it.
#[derive(Clone, Debug)]
pub struct State {
    /// SHA-256 of the saved state, in hexadecimal.
    pub hash: String,
    /// Its length.
    pub bytes: usize,
    /// A desk restored from it saves the same bytes.
    pub is_restored: bool,
}

impl State {
    /// The state after the inputs of `configuration`.
    #[must_use]
    pub fn of(configuration: &Configuration) -> Self {
        // Whose desk it is is no part of the state.
        let identity = DeskIdentity { site: SiteId(0), desk: DeskId(0), run: 0 };
        let size = DeskSize::new(configuration.instruments.len(), configuration.spreads.len());
        let (mut memory, mut other) = (DeskMemory::new(size), DeskMemory::new(size));
        let mut desk = Desk::new(identity, memory.lend());
        let mut outputs = Outputs::new();
        let (controls, _) = inputs::controls(configuration);
        for control in &controls {
            let event = control.as_event();
            desk.on(&Input { now: MonoNs(0), credits: Credits::FULL, event }, &mut outputs);
        }
        let saved = tape::state(&desk);
        let restored = Desk::restore(identity, other.lend(), &mut Decoder::new(&saved));
        let is_restored = restored.is_some_and(|restored| tape::state(&restored) == saved);
        Self { hash: hex::show(&state_hash(&saved)), bytes: saved.len(), is_restored }
    }
}
