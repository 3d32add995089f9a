//! A client's connection: what it has sent, and what it is to be told.
//!
//! Whoever logs on is told what it has not seen before it is told anything else. That may be a long
//! day, so it is handed out in helpings: the shell takes the next when the last was read.

use super::{Counter, LinkId};

/// Old replies that are handed out at once: some 100 KiB.
const HELPING: usize = 1_024;

/// The bytes of one connection.
#[derive(Debug, Default)]
pub(super) struct Link {
    pub inbox: Vec<u8>,
    pub outbox: Vec<u8>,
    pub account: Option<usize>,
    /// Of what its account was told, the place of what it is to be told next; `None` if it has been
    /// told all.
    pub next_told: Option<usize>,
    /// What comes behind that.
    pub behind: Vec<u8>,
    pub is_over: bool,
}

impl Link {
    /// Something that is said once.
    pub fn say(&mut self, reply: &[u8]) {
        let queue = if self.next_told.is_some() { &mut self.behind } else { &mut self.outbox };
        queue.extend_from_slice(reply);
    }

    /// Something that its account was told, and will be told again.
    pub fn tell(&mut self, reply: &[u8]) {
        if self.next_told.is_none() {
            self.outbox.extend_from_slice(reply);
        }
    }
}

impl Counter {
    /// What is to be sent to a client since the last call, or the next helping of what it has not
    /// seen; `None` if the connection is to be ended (what it has been told before is lost with
    /// it).
    pub fn take_replies(&mut self, link: LinkId) -> Option<Vec<u8>> {
        let link = self.links.get_mut(&link)?;
        if link.is_over {
            return None;
        }
        let mut out = std::mem::take(&mut link.outbox);
        if let Some((next, place)) = link.next_told.zip(link.account) {
            let told = &self.accounts[place].told;
            told.since(next).take(HELPING).for_each(|reply| out.extend_from_slice(&reply.0));
            let next = next.saturating_add(HELPING);
            link.next_told = (next < told.len()).then_some(next);
            if link.next_told.is_none() {
                out.append(&mut link.behind);
            }
        }
        Some(out)
    }

    /// Whether a client has still to be told of what was before: another helping waits.
    #[must_use]
    pub fn is_behind(&self, link: LinkId) -> bool {
        self.links.get(&link).is_some_and(|link| link.next_told.is_some())
    }

    /// Replies and orders that lie in memory, of all accounts together.
    #[must_use]
    pub fn rows_in_memory(&self) -> usize {
        let rows = |account: &super::Account| account.told.in_memory() + account.orders.in_memory();
        self.accounts.iter().map(rows).sum()
    }
}
