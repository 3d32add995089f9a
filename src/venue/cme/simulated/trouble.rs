//! What goes wrong with order sessions, on purpose: at the n-th message of a kind, at a moment, or
//! at a rate.
//!
//! Rates draw from a seed, each for itself and once for each message, so that none changes what
//! another one hits. What the exchange does is not changed by any of it, except where a client's
//! message is kept from it. `gateway` does what is decided here.

use std::collections::VecDeque;
use xmc_hotpath::time::{MonoNs, Span};

/// Where something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// At a client's Negotiate.
    Negotiate,
    /// At a client's Establish.
    Establish,
    /// At a client's order, change, cancel, question or registration.
    Request,
    /// At a client's RetransmitRequest.
    RetransmitRequest,
    /// At a numbered message to a client.
    Report,
    /// At a numbered message that is sent again.
    Resent,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderTrouble {
    /// The connection is lost; the message is neither heard nor said.
    Drop,
    /// So many bytes of the message are said, then the connection is lost.
    Torn(u16),
    /// The message is neither heard nor said. One that was to be said can be asked for.
    Lost,
    /// The message is said twice.
    Twice,
    /// The message is said with a number that is another one by so much.
    Renumbered(i32),
    /// The message is said as one of another session.
    Stranger,
    /// Bytes that are no message are said before it.
    Garbage,
    /// From now on all is said in pieces of so many bytes.
    Split(u16),
    /// Half-open: for so long nothing is heard and nothing said.
    Silence(Span),
    /// For so long nothing is said: it comes late.
    Late(Span),
    /// The exchange ends the session with this code.
    End(u16),
    /// The message is refused with this code.
    Refused(u16),
}

/// Something that goes wrong once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderFault {
    /// Where.
    pub spot: Spot,
    /// At the how-manieth message there from now on; 1 is the next.
    pub nth: u64,
    /// What.
    pub what: OrderTrouble,
}

/// Something that goes wrong again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRate {
    /// Where.
    pub spot: Spot,
    /// Messages in a thousand.
    pub per_mille: u32,
    /// What.
    pub what: OrderTrouble,
}

/// All that goes wrong with order sessions; the default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderFaults {
    /// What rates hit follows from this.
    pub seed: u64,
    /// At which messages. Of several at one the first happens.
    pub once: Vec<OrderFault>,
    /// How often.
    pub rates: Vec<OrderRate>,
    /// How long from now, to every session that stands then.
    pub plan: Vec<(Span, OrderTrouble)>,
}

/// The faults, while they happen.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    once: Vec<OrderFault>,
    rates: Vec<(OrderRate, fastrand::Rng)>,
    plan: VecDeque<(MonoNs, OrderTrouble)>,
    /// How many have happened.
    pub count: u64,
}

impl Troubles {
    /// These and no others from now on, after `count` that have happened.
    pub fn new(faults: OrderFaults, now: MonoNs, count: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(faults.seed);
        let mut plan: Vec<_> =
            faults.plan.into_iter().map(|(after, what)| (now.after(after), what)).collect();
        plan.sort_by_key(|(at, _)| *at);
        Self {
            once: faults.once,
            rates: faults.rates.into_iter().map(|rate| (rate, rng.fork())).collect(),
            plan: plan.into(),
            count,
        }
    }

    /// When the next one happens by itself.
    pub fn next_at(&self) -> MonoNs {
        self.plan.front().map_or(MonoNs::NEVER, |(at, _)| *at)
    }

    /// What happens to all sessions by `now`.
    pub fn take(&mut self, now: MonoNs) -> Option<OrderTrouble> {
        let (_, what) = self.plan.pop_front_if(|(at, _)| *at <= now)?;
        self.count += 1;
        Some(what)
    }

    /// What goes wrong with the message that is at `spot` now.
    pub fn strike(&mut self, spot: Spot) -> Option<OrderTrouble> {
        let mut struck = None;
        self.once.retain_mut(|fault| {
            if fault.spot == spot {
                fault.nth = fault.nth.saturating_sub(1);
            }
            let is_now = fault.spot == spot && fault.nth == 0;
            if is_now {
                struck = struck.or(Some(fault.what));
            }
            !is_now
        });
        for (rate, rng) in self.rates.iter_mut().filter(|(rate, _)| rate.spot == spot) {
            if rng.u32(..1_000) < rate.per_mille {
                struck = struck.or(Some(rate.what));
            }
        }
        self.count += u64::from(struck.is_some());
        struck
    }
}
