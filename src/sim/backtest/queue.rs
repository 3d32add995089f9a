//! Where a resting order stands at its price, as far as a book by price levels tells.
//!
//! An order joins behind the lots that are shown at its price. It comes forward by trades at that
//! price, where the source has trades, and by lots that leave the price otherwise, of which a share
//! stood before it (`QueueRule`). It trades when nothing stands before it and lots still go, or
//! when the market trades through its price. Who really stood where is in no book by levels: this
//! is an estimate. `last` is the careful one: nothing that leaves without a trade stood before the
//! order, but that no more can than are shown; trades at its price bring it forward all the same.

use crate::config::QueueRule;

/// An order's place at its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Lots before it; `None` while its price lies beyond the levels that are shown.
    pub ahead: Option<u32>,
    /// Lots that traded at the price since the book was last shown.
    traded: u32,
}

impl Place {
    /// Joins behind the `shown` lots of its price; `None`: the book does not reach that far.
    #[must_use]
    pub const fn join(shown: Option<u32>) -> Self {
        Self { ahead: shown, traded: 0 }
    }

    /// `lots` trade at the price: how many of them are this order's, which has `open` left.
    pub fn trade(&mut self, lots: u32, open: u32) -> u32 {
        self.traded = self.traded.saturating_add(lots);
        let Some(ahead) = &mut self.ahead else { return 0 };
        let before = lots.min(*ahead);
        *ahead -= before;
        (lots - before).min(open)
    }

    /// The book shows `now` lots at the price where it showed `then`: how many lots of this order,
    /// which has `open` left, went as well. `None` for a price beyond the levels shown.
    ///
    /// Where trades are told (`has_trades`), or none can be because a better price stands, lots
    /// that go were cancelled, and only come out of the queue; else they are taken for traded once
    /// nothing stands before them.
    pub fn show(
        &mut self,
        then: Option<u32>,
        now: Option<u32>,
        open: u32,
        rule: QueueRule,
        has_trades: bool,
    ) -> u32 {
        let traded = std::mem::take(&mut self.traded);
        let Some(now) = now else { return 0 };
        let Some(ahead) = self.ahead else {
            self.ahead = Some(now);
            return 0;
        };
        let stood = then.map_or(now, |then| then.saturating_sub(traded));
        let gone = stood.saturating_sub(now);
        let before = match rule {
            QueueRule::Proportional if stood > 0 => {
                // Rounded down: what is not sure stays before the order.
                let share = u64::from(gone) * u64::from(ahead.min(stood)) / u64::from(stood);
                u32::try_from(share).unwrap_or(u32::MAX)
            }
            QueueRule::Proportional | QueueRule::Last => 0,
        };
        // No more can stand before it than are there.
        let left = ahead.saturating_sub(before).min(now);
        self.ahead = Some(left);
        let is_first = left == 0 && ahead.saturating_sub(before) == 0;
        match rule {
            QueueRule::Proportional if is_first && !has_trades => (gone - before).min(open),
            QueueRule::Proportional | QueueRule::Last => 0,
        }
    }
}
