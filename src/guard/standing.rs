//! How a desk stands by its files: its fence, announced maintenance, the last run that was given.

use super::Places;
use super::window::Announced;
use crate::engine::lease::{self, Fence, LeaseError};

/// How a desk stands.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Its fence.
    pub fence: Option<Fence>,
    /// Maintenance.
    pub announced: Announced,
    /// The last run of the desk, whatever it records to; `None`: its lease cannot be read.
    pub epoch: Option<u16>,
}

impl Standing {
    /// Reads it.
    ///
    /// # Errors
    /// The fence cannot be looked at.
    pub fn read(places: &Places) -> Result<Self, LeaseError> {
        Ok(Self {
            fence: Fence::of(&places.leases, places.identity)?,
            announced: Announced::read(&places.guard),
            epoch: lease::last_epoch(&places.leases, places.identity).ok(),
        })
    }
}
