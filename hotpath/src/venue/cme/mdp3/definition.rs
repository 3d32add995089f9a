//! Instrument definitions: the root block and, when asked for, the groups behind it.
//!
//! Called by the cold side, which builds its instrument table from them; the feed stage passes
//! them over.

use super::decode::{DecodeError, PriceScale};
use super::layout::{
    AttributeEntry, DefinitionDate, DefinitionGuid, EventEntry, FeedTypeEntry, FutureDefinition,
    LegEntry, LotTypeEntry, OptionDefinition, RelatedEntry, SpreadDefinition, SpreadExtra,
    U16_NULL, U64_NULL, UnderlyingEntry,
};
use crate::venue::cme::sbe::Entries;
use crate::wire;
use bytemuck::AnyBitPattern;

/// A definition: its root block; what a newer version appended to it and the groups are read on
/// demand.
#[derive(Clone, Copy, Debug)]
pub struct Definition<'a, T> {
    /// The root block.
    pub root: &'a T,
    /// Exponent of all prices.
    pub scale: PriceScale,
    version: u16,
    extra: &'a [u8],
    groups: &'a [u8],
}

impl<'a, T> Definition<'a, T> {
    pub(super) const fn new(
        root: &'a T,
        extra: &'a [u8],
        groups: &'a [u8],
        scale: PriceScale,
        version: u16,
    ) -> Self {
        Self { root, scale, version, extra, groups }
    }

    /// The four groups that every definition has, and what follows them.
    fn common(&self) -> Result<(FutureGroups<'a>, &'a [u8]), DecodeError> {
        let (events, rest) = Entries::read(self.groups)?;
        let (feed_types, rest) = Entries::read(rest)?;
        let (attributes, rest) = Entries::read(rest)?;
        let (lot_types, rest) = Entries::read(rest)?;
        Ok((FutureGroups { events, feed_types, attributes, lot_types }, rest))
    }

    /// Tag 5796 `TradingReferenceDate`, days since 1970-01-01: of the reference price. Since
    /// version 6.
    #[must_use]
    pub fn reference_date(&self) -> Option<u16> {
        let (date, _) = wire::take::<DefinitionDate>(self.extra).ok()?;
        Some(date.reference_date.get()).filter(|&days| days != U16_NULL)
    }

    /// What version 10 appended, behind what version 6 did.
    fn appended<E: AnyBitPattern>(&self) -> Option<&'a E> {
        let (_, rest) = wire::take::<DefinitionDate>(self.extra).ok()?;
        wire::take(rest).ok().map(|(appended, _)| appended)
    }

    fn guid_of(&self) -> Option<u64> {
        let guid = self.appended::<DefinitionGuid>()?.guid.get();
        Some(guid).filter(|&guid| guid != U64_NULL)
    }
}

/// The groups of a future's definition, and the first groups of the others'.
#[derive(Clone, Copy, Debug)]
pub struct FutureGroups<'a> {
    /// Activation and last trade time.
    pub events: Entries<'a, EventEntry>,
    /// Real and implied book, with their depths.
    pub feed_types: Entries<'a, FeedTypeEntry>,
    /// What the instrument is eligible for.
    pub attributes: Entries<'a, AttributeEntry>,
    /// Lot sizes.
    pub lot_types: Entries<'a, LotTypeEntry>,
}

/// The groups of a spread's definition.
#[derive(Clone, Copy, Debug)]
pub struct SpreadGroups<'a> {
    /// What every definition has.
    pub common: FutureGroups<'a>,
    /// The legs.
    pub legs: Entries<'a, LegEntry>,
}

/// The groups of an option's definition.
#[derive(Clone, Copy, Debug)]
pub struct OptionGroups<'a> {
    /// What every definition has.
    pub common: FutureGroups<'a>,
    /// The underlying.
    pub underlyings: Entries<'a, UnderlyingEntry>,
    /// Related instruments, since version 7.
    pub related: Entries<'a, RelatedEntry>,
}

impl<'a> Definition<'a, FutureDefinition> {
    /// Tag 37513, since version 10.
    pub fn guid(&self) -> Option<u64> {
        self.guid_of()
    }

    /// The groups.
    ///
    /// # Errors
    /// `Truncated`, `BlockTooShort`.
    pub fn groups(&self) -> Result<FutureGroups<'a>, DecodeError> {
        Ok(self.common()?.0)
    }
}

impl<'a> Definition<'a, OptionDefinition> {
    /// Tag 37513, since version 10.
    pub fn guid(&self) -> Option<u64> {
        self.guid_of()
    }

    /// The groups.
    ///
    /// # Errors
    /// `Truncated`, `BlockTooShort`.
    pub fn groups(&self) -> Result<OptionGroups<'a>, DecodeError> {
        let (common, rest) = self.common()?;
        let (underlyings, rest) = Entries::read(rest)?;
        let related = if self.version < 7 { Entries::EMPTY } else { Entries::read(rest)?.0 };
        Ok(OptionGroups { common, underlyings, related })
    }
}

impl<'a> Definition<'a, SpreadDefinition> {
    /// What version 10 appended to the root block; `None` from an older sender.
    pub fn extra(&self) -> Option<&'a SpreadExtra> {
        self.appended()
    }

    /// The groups.
    ///
    /// # Errors
    /// `Truncated`, `BlockTooShort`.
    pub fn groups(&self) -> Result<SpreadGroups<'a>, DecodeError> {
        let (common, rest) = self.common()?;
        let (legs, _) = Entries::read(rest)?;
        Ok(SpreadGroups { common, legs })
    }
}
