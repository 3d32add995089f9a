//! The requests of a session: their numbers, which of them the counter has answered, and when to
//! ask for those that it has not.
//!
//! A datagram can be lost, and nobody says so. When one has not been answered for a while, the
//! counter is asked over TCP for the last number that it has taken, not more often than its limit
//! allows. What is found missing is told; it is never sent again.
//!
//! A session begins by asking at once, whatever has been sent: the answer comes behind all that the
//! counter repeats. What an earlier session has sent and nobody has answered by then is told as
//! missing, never as certain: nothing is known of what a counter forgets that is started again.

use super::layout::ReqIdMode;
use crate::gateway::CannotEncode;
use crate::message::{OrderAction, OrderId};
use crate::time::{MonoNs, Span};

/// Requests that are remembered.
const KEPT: usize = 1_024;
const KEPT_U32: u32 = 1_024;

/// When the counter is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long a request may be unanswered.
    pub ask_after: Span,
    /// Shortest time between two questions: the counter limits them.
    pub ask_interval: Span,
}

/// A request that was sent.
#[derive(Clone, Copy, Debug)]
struct Request {
    number: u32,
    order_id: OrderId,
    action: OrderAction,
    is_answered: bool,
}

impl Request {
    const NONE: Self =
        Self { number: 0, order_id: OrderId::NONE, action: OrderAction::New, is_answered: true };
}

/// A request that the counter has not taken, as far as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The order that it was about.
    pub order_id: OrderId,
    /// What it asked for.
    pub action: OrderAction,
    /// It cannot be taken any more. Otherwise its datagram may still be on the way.
    pub is_certain: bool,
}

/// The requests of a session.
#[derive(Debug)]
pub struct Requests {
    kept: [Request; KEPT],
    mode: ReqIdMode,
    pace: Pace,
    /// The number of the next request.
    next: u32,
    /// No request below it waits for an answer.
    oldest: u32,
    /// The newest request when it was first seen that some wait, and when that was.
    watched: Option<(u32, MonoNs)>,
    /// The newest request that a question covers, while its answer is to come.
    asked: Option<u32>,
    last_asked: Option<MonoNs>,
    /// The newest request of the sessions before, while this one has no answer to its first
    /// question.
    opening: Option<u32>,
    /// The counter waits for a number that was lost, and refuses all others.
    is_stuck: bool,
}

impl Requests {
    /// Requests numbered from `next`, which is at least 1.
    #[must_use]
    pub const fn new(mode: ReqIdMode, next: u32, pace: Pace) -> Self {
        Self {
            kept: [Request::NONE; KEPT],
            mode,
            pace,
            next,
            oldest: next,
            watched: None,
            asked: None,
            last_asked: None,
            opening: Some(next.wrapping_sub(1)),
            is_stuck: false,
        }
    }

    /// Another session begins, and the counter had taken all below `next` that it will take of the
    /// ones before.
    ///
    /// UNPROVEN: that it takes nothing any more from the socket of an earlier session. If it does,
    /// an order that was told as missing is accepted late.
    pub fn begin(&mut self, next: u32) {
        self.opening = Some(self.next.wrapping_sub(1));
        (self.asked, self.watched, self.is_stuck) = (None, None, false);
        if self.mode != ReqIdMode::Consecutive {
            self.next = self.next.max(next);
        }
    }

    /// The session has no answer yet to its first question.
    #[inline(always)]
    #[must_use]
    pub const fn is_opening(&self) -> bool {
        self.opening.is_some()
    }

    /// An answer is awaited.
    #[must_use]
    pub const fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// Whether the next request has its number.
    ///
    /// # Errors
    /// `Unfilled`: the counter wants exactly one, and has not said yet which.
    #[inline(always)]
    pub fn check(&self) -> Result<(), CannotEncode> {
        let is_open = self.mode == ReqIdMode::Consecutive && self.opening.is_some();
        if is_open { Err(CannotEncode::Unfilled) } else { Ok(()) }
    }

    /// The number of the next request.
    #[inline(always)]
    #[must_use]
    pub const fn next(&self) -> u32 {
        self.next
    }

    /// The counter waits for a number that was lost.
    #[must_use]
    pub const fn is_stuck(&self) -> bool {
        self.is_stuck
    }

    /// The next request has left.
    #[inline]
    pub fn sent(&mut self, order_id: OrderId, action: OrderAction) {
        let number = self.next;
        if let Some(slot) = self.slot(number) {
            *slot = Request { number, order_id, action, is_answered: false };
        }
        self.next = number.wrapping_add(1);
        if self.opening.is_none() {
            self.forget();
        }
    }

    /// What is not remembered any more is found out by its order's deadline.
    #[inline(always)]
    fn forget(&mut self) {
        self.oldest = self.oldest.max(self.next.saturating_sub(KEPT_U32));
    }

    /// The counter has answered request `number`, which was about that order; `false` if no such
    /// request waits.
    #[inline]
    pub fn answered(&mut self, number: u32, order_id: OrderId) -> bool {
        match self.slot(number) {
            Some(slot) if slot.number == number && slot.order_id == order_id => {
                !core::mem::replace(&mut slot.is_answered, true)
            }
            _ => false,
        }
    }

    /// The counter has refused request `number` when the greatest that it had taken was `max`. Says
    /// whether that shows, for the first time, that it waits for one that was lost.
    #[inline]
    pub fn refused(&mut self, number: u32, max: u32) -> bool {
        let has_gap = self.mode == ReqIdMode::Consecutive && max.wrapping_add(1) < number;
        has_gap && !core::mem::replace(&mut self.is_stuck, true)
    }

    /// Whether the counter is to be asked now for the last number that it has taken.
    pub fn is_question_due(&mut self, now: MonoNs) -> bool {
        let interval = self.pace.ask_interval;
        let is_early = self.last_asked.is_some_and(|asked| now.since(asked) < interval);
        if self.opening.is_some() {
            return !is_early;
        }
        self.skip_answered();
        if self.oldest == self.next {
            self.watched = None;
            return false;
        }
        let newest = self.next.wrapping_sub(1);
        let (_, since) = match self.watched {
            Some((covered, since)) if self.oldest <= covered => (covered, since),
            Some(_) | None => *self.watched.insert((newest, now)),
        };
        now.since(since) >= self.pace.ask_after && !is_early
    }

    /// The question has left. It covers what had been sent when the session or the watch began.
    pub fn asked(&mut self, now: MonoNs) {
        self.asked = self.opening.or(self.watched.map(|(covered, _)| covered));
        self.last_asked = Some(now);
    }

    /// The counter has answered: the greatest number that it has taken is `max`. Gives the lost
    /// requests one by one, each once; `None` when there are no more.
    ///
    /// UNPROVEN: that the replies to what the counter has taken come before this answer.
    pub fn lost(&mut self, max: u32) -> Option<Lost> {
        let covered = self.asked?;
        while self.oldest <= covered {
            let number = self.oldest;
            self.oldest = number.wrapping_add(1);
            let mode = self.mode;
            let waiting = self
                .slot(number)
                .filter(|request| request.number == number && !request.is_answered);
            let Some(request) = waiting else {
                continue;
            };
            let (order_id, action) = (request.order_id, request.action);
            if let Some(is_certain) = is_lost(mode, action, number, max) {
                request.is_answered = true;
                let is_certain = is_certain && self.opening.is_none();
                return Some(Lost { order_id, action, is_certain });
            }
        }
        self.settle(covered, max);
        None
    }

    /// All that a question covered has been told. If nothing was sent since, and the counter waits
    /// for a number that was lost, the next request gets that number; the first of a session gets
    /// whatever number it waits for.
    fn settle(&mut self, covered: u32, max: u32) {
        let is_first = self.opening.take().is_some();
        self.asked = None;
        self.watched = None;
        let is_all = covered.wrapping_add(1) == self.next;
        let wanted = max.wrapping_add(1);
        let is_other = wanted < self.next || is_first;
        if self.mode == ReqIdMode::Consecutive && is_all && is_other {
            self.next = wanted;
            self.oldest = wanted;
        }
        self.forget();
        if is_all {
            self.is_stuck = false;
        }
    }

    fn skip_answered(&mut self) {
        while self.oldest < self.next {
            let number = self.oldest;
            let is_waiting =
                self.slot(number).is_some_and(|slot| slot.number == number && !slot.is_answered);
            if is_waiting {
                return;
            }
            self.oldest = number.wrapping_add(1);
        }
    }

    #[inline(always)]
    fn slot(&mut self, number: u32) -> Option<&mut Request> {
        self.kept.get_mut(usize::try_from(number % KEPT_U32).ok()?)
    }
}

/// Whether a request without an answer is lost, and for certain, when the greatest number that the
/// counter has taken is `max`; `None` if that does not say so. A cancellation is not answered by
/// number, so only one above `max` is known to be missing.
const fn is_lost(mode: ReqIdMode, action: OrderAction, number: u32, max: u32) -> Option<bool> {
    match (mode, action) {
        // The counter has passed it by, and will refuse it.
        (ReqIdMode::Increasing, OrderAction::New) if number < max => Some(true),
        (_, OrderAction::New) => Some(false),
        _ if number > max => Some(false),
        _ => None,
    }
}
