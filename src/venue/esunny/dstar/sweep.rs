//! Cancels every live order of an account at the SIMULATED counter, by what its stream tells.
//!
//! Sans-IO. Whoever logs on anew and has read nothing is told the counter's whole day; the answer
//! to the question for the last request comes behind the replies to all that was taken before. From
//! then on what lives is known, and each order is cancelled by the counter's own name for it until
//! a notice says that it is over. To cancel twice does no harm. UNPROVEN: all that
//! `simulated_counter` makes up (logon, stream, notices), so also that a real counter repeats its
//! day to a second logon; that it takes a cancellation before the exchange has the order.
//!
//! Called by `guard::cancel`, over the connection of `engine::logon::grant`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use xmc_hotpath::venue::esunny::dstar::decode::{self, Reply, ReplyKind};
use xmc_hotpath::venue::esunny::dstar::encode::{Account, DeleteTemplate};
use xmc_hotpath::venue::esunny::dstar::layout::{Generation, Key, OrderState, V3};
use xmc_hotpath::venue::esunny::dstar::simulated_counter::{
    self, FrameError, Framed, Kind, Question,
};

/// Between two cancellations of one order.
const AGAIN: Duration = Duration::from_millis(100);

type Reference = <V3 as Generation>::Reference;
type Name = <V3 as Generation>::Key;

/// Why it cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SweepError {
    /// The bytes are not of the simulated framing.
    #[error("what the counter sends is not the simulated framing ({0:?}): is it the simulator?")]
    Framing(FrameError),
    /// A message has another length.
    #[error("a {0:?} of the counter has not its length: is it the simulator of this version?")]
    Length(ReplyKind),
    /// It takes no datagrams of ours.
    #[error("the counter refuses our datagrams with error {0}: look at the account's rights")]
    Auth(i32),
}

#[derive(Clone, Copy, Debug)]
struct Live {
    reference: Reference,
    name: Name,
    asked: Option<Instant>,
}

/// A sweep under way.
#[derive(Debug)]
pub struct Sweep {
    account_index: u16,
    template: DeleteTemplate<V3>,
    next_client_req_id: u32,
    live: BTreeMap<u64, Live>,
    /// Our datagrams are taken.
    is_known: bool,
    /// The whole day was told.
    is_told: bool,
    asked: Option<Instant>,
    /// Orders that a cancellation was sent for.
    cancelled: u32,
}

impl Sweep {
    /// For an account that is logged on, whose next request has that number.
    #[must_use]
    pub fn new(account: &Account, next_client_req_id: u32) -> Self {
        Self {
            account_index: account.index,
            template: DeleteTemplate::new(account),
            next_client_req_id,
            live: BTreeMap::new(),
            is_known: false,
            is_told: false,
            asked: None,
            cancelled: 0,
        }
    }

    /// Nothing lives any more; the orders that were cancelled for it. `None`: not yet.
    #[must_use]
    pub fn done(&self) -> Option<u32> {
        (self.is_told && self.live.is_empty()).then_some(self.cancelled)
    }

    /// Orders that are known to live.
    #[must_use]
    pub fn live(&self) -> usize {
        self.live.len()
    }

    /// Reads what has come; how many bytes of it are whole messages.
    ///
    /// # Errors
    /// See `SweepError`.
    pub fn read(&mut self, bytes: &[u8]) -> Result<usize, SweepError> {
        let mut rest = bytes;
        while let Some((frame, after)) =
            simulated_counter::frame(rest).map_err(SweepError::Framing)?
        {
            rest = after;
            let kind = match Kind::from_wire(frame.kind) {
                Some(Kind::UdpAuth) => ReplyKind::UdpAuth,
                Some(Kind::Insert) => ReplyKind::Insert,
                Some(Kind::Notice) => ReplyKind::Notice,
                Some(Kind::LastRequest) => ReplyKind::LastRequest,
                // A fill says nothing that its notice does not; the others belong to a logon.
                _ => continue,
            };
            let reply = decode::reply::<V3>(kind, frame.body);
            self.take(reply.map_err(|bad| SweepError::Length(bad.kind))?)?;
        }
        Ok(bytes.len() - rest.len())
    }

    fn take(&mut self, reply: Reply<'_, V3>) -> Result<(), SweepError> {
        match reply {
            Reply::UdpAuth(auth) => {
                if auth.error.get() != 0 {
                    return Err(SweepError::Auth(auth.error.get()));
                }
                self.is_known = true;
            }
            Reply::Insert(insert) if insert.error.get() == 0 => {
                self.stands(insert.reference, insert.key, OrderState::Received);
            }
            Reply::Notice(notice) => {
                // A state that is not known is one that may live.
                let state = OrderState::from_wire(notice.state).unwrap_or(OrderState::Suspended);
                self.stands(notice.reference, notice.key, state);
            }
            Reply::LastRequest(number) => {
                self.is_told = true;
                self.next_client_req_id = self.next_client_req_id.max(number.saturating_add(1));
            }
            Reply::Insert(_) | Reply::Match(_) => {}
        }
        Ok(())
    }

    fn stands(&mut self, reference: Reference, name: Name, state: OrderState) {
        let is_over = matches!(
            state,
            OrderState::Filled
                | OrderState::Failed
                | OrderState::CancelOk
                | OrderState::Cancelled
                | OrderState::RemainderCancelled
                | OrderState::Deleted
        );
        if is_over {
            self.live.remove(&name.number());
        } else {
            let order = self.live.entry(name.number());
            let live = order.or_insert(Live { reference, name, asked: None });
            (live.reference, live.name) = (reference, name);
        }
    }

    /// The counter has told its whole day.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.is_told
    }

    /// What is to be asked on the stream now: the question for the last request, each `every`
    /// until it is answered.
    pub fn question(&mut self, now: Instant, every: Duration) -> Option<Vec<u8>> {
        let is_due = self.asked.is_none_or(|asked| now.duration_since(asked) >= every);
        if self.is_told || !is_due {
            return None;
        }
        self.asked = Some(now);
        let question = Framed::new(Kind::Question, Question::new(self.account_index));
        Some(bytemuck::bytes_of(&question).to_vec())
    }

    /// The datagrams that are due: cancellations of all that lives, once all was told.
    pub fn cancellations(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        if !(self.is_known && self.is_told) {
            return out;
        }
        for live in self.live.values_mut() {
            if live.asked.is_some_and(|asked| now.duration_since(asked) < AGAIN) {
                continue;
            }
            self.cancelled += u32::from(live.asked.is_none());
            live.asked = Some(now);
            let number = self.next_client_req_id;
            self.next_client_req_id = number.saturating_add(1);
            out.push(self.template.patch(number, live.reference, live.name).to_vec());
        }
        out
    }
}
