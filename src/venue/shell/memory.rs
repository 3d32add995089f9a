//! What a venue must not forget: its clients' fills, what its counter has told of orders, and how
//! far its feed may have numbered.
//!
//! All of it is written down before anybody is told, so a venue that was killed comes back with
//! every fill that somebody knows of, and with numbers that nobody has seen. Without a file it
//! forgets.

use super::super::store::{FillStore, Kept, StoreError};
use crate::sim::exchange::Booked;
use crate::venue::esunny::dstar::counter::Told;
use std::path::Path;
use xmc_hotpath::time::UnixNs;

/// Numbers that are reserved at a time: minutes of a busy feed for one line of the file.
const RESERVED_AT_ONCE: u64 = 65_536;

/// The file, if there is one.
#[derive(Debug)]
pub struct Memory {
    store: Option<FillStore>,
    reserved_to: u64,
}

impl Memory {
    /// Opens or begins the file of a venue; see `FillStore::open`.
    ///
    /// # Errors
    /// See `StoreError`.
    pub fn open(
        path: Option<&Path>,
        venue: &str,
        symbols: Vec<String>,
        utc_origin: UnixNs,
    ) -> Result<(Self, Kept), StoreError> {
        let Some(path) = path else {
            return Ok((Self { store: None, reserved_to: 0 }, Kept::nothing(utc_origin)));
        };
        let (store, kept) = FillStore::open(path, venue, symbols, utc_origin)?;
        Ok((Self { store: Some(store), reserved_to: kept.reserved_to }, kept))
    }

    /// Writes fills down.
    ///
    /// # Errors
    /// Then nobody may be told of them.
    pub fn keep(&mut self, fills: &[Booked]) -> Result<(), StoreError> {
        self.keep_told(fills, &[])
    }

    /// Writes fills and replies about orders down.
    ///
    /// # Errors
    /// Then nobody may be told of them.
    pub fn keep_told(&mut self, fills: &[Booked], told: &[Told]) -> Result<(), StoreError> {
        match &mut self.store {
            Some(store) if !(fills.is_empty() && told.is_empty()) => store.append(fills, told),
            _ => Ok(()),
        }
    }

    /// The feed has used numbers up to this one, and nobody was told yet.
    ///
    /// # Errors
    /// Then nobody may be.
    pub fn number(&mut self, last: u64) -> Result<(), StoreError> {
        if last <= self.reserved_to {
            return Ok(());
        }
        let to = last.saturating_add(RESERVED_AT_ONCE);
        if let Some(store) = &mut self.store {
            store.reserve_to(to)?;
        }
        self.reserved_to = to;
        Ok(())
    }
}
