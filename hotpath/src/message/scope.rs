//! What a command is about: the whole desk, one spread, or all spreads that have something in
//! common.

use super::{AccountId, GatewayIndex, InstrumentIndex, SpreadIndex, SpreadSpec, StrategyId};
use crate::record::codec::{Decoder, Encoder, Field};

/// Which spreads a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// All, and the desk itself.
    All,
    /// This one.
    Spread(SpreadIndex),
    /// Those with a leg of this instrument, whether it is traded or only prices.
    Instrument(InstrumentIndex),
    /// Those that send orders through this gateway: a venue, or a broker.
    Gateway(GatewayIndex),
    /// Those of this account.
    Account(AccountId),
    /// Those of this strategy.
    Strategy(StrategyId),
}

impl Scope {
    /// Whether a spread is meant by it. `gateway_of` says where orders of an instrument go.
    pub fn holds(
        self,
        spec: &SpreadSpec,
        gateway_of: impl Fn(InstrumentIndex) -> Option<GatewayIndex>,
    ) -> bool {
        let mut legs = spec.legs().iter();
        match self {
            Self::All => true,
            Self::Spread(spread) => spec.spread == spread,
            Self::Instrument(instrument) => legs.any(|leg| leg.instrument == instrument),
            Self::Gateway(gateway) => {
                let mut traded = legs.filter(|leg| leg.ratio_lots != 0);
                traded.any(|leg| gateway_of(leg.instrument) == Some(gateway))
            }
            Self::Account(account) => spec.account == account,
            Self::Strategy(strategy) => spec.strategy == strategy,
        }
    }

    /// The spread that it names; `SpreadIndex::ALL` if it names none.
    #[must_use]
    pub const fn spread(self) -> SpreadIndex {
        match self {
            Self::Spread(spread) => spread,
            Self::All
            | Self::Instrument(_)
            | Self::Gateway(_)
            | Self::Account(_)
            | Self::Strategy(_) => SpreadIndex::ALL,
        }
    }
}

/// A byte that says what, and four that say which; 0 where nothing is named.
impl Field for Scope {
    const LEN: usize = 5;

    fn put(&self, out: &mut Encoder<'_>) {
        let (code, of) = match *self {
            Self::All => (0_u8, 0),
            Self::Spread(SpreadIndex(of)) => (1, of),
            Self::Instrument(InstrumentIndex(of)) => (2, of),
            Self::Gateway(GatewayIndex(of)) => (3, u32::from(of)),
            Self::Account(AccountId(of)) => (4, of),
            Self::Strategy(StrategyId(of)) => (5, of),
        };
        code.put(out);
        of.put(out);
    }

    fn take(input: &mut Decoder<'_>) -> Option<Self> {
        let (code, of) = (u8::take(input)?, u32::take(input)?);
        match (code, of) {
            (0, 0) => Some(Self::All),
            (1, _) => Some(Self::Spread(SpreadIndex(of))),
            (2, _) => Some(Self::Instrument(InstrumentIndex(of))),
            (3, _) => Some(Self::Gateway(GatewayIndex(u8::try_from(of).ok()?))),
            (4, _) => Some(Self::Account(AccountId(of))),
            (5, _) => Some(Self::Strategy(StrategyId(of))),
            _ => None,
        }
    }
}
