//! The whole state of a desk as bytes, and a desk from such bytes.
//!
//! Everything that `Desk::on` can look at is there, rates and timers included, so that a desk that
//! was restored goes on as the one that was saved would have: the same inputs give the same
//! outputs. Fields are in canonical encoding, so that equal states are equal bytes, and a hash over
//! them says whether two desks stand alike. Of what the bytes stand for only the form is checked:
//! whoever keeps them keeps a hash beside them.
//!
//! Never on the hot core: the cold side saves the shadow of a desk (`engine::shadow`).

use super::{Channel, Desk, Storage};
use crate::message::{ChannelState, DeskIdentity, StreamId, UserRule};
use crate::record::codec::{Decoder, Encoder, Field, fields};

fields! {
    Channel {
        stream: StreamId,
        state: ChannelState,
        epoch: u32,
    }
}

impl<'a> Desk<'a> {
    /// Writes the state. Whose desk it is is not part of it.
    pub fn save(&self, out: &mut Encoder<'_>) {
        let Self {
            identity: _,
            known_run,
            state,
            channels,
            gateways,
            whole,
            accounts,
            table,
            orders,
            timers,
            dirty,
            kill_cursor,
            ask_cursor,
            rest_cursor,
            has_work,
            blocked_repairs,
            is_acting: _,
            recent,
            is_batch_open,
            turn,
            detailing,
            sizing,
            rules,
            clock,
            now,
        } = self;
        known_run.put(out);
        state.put(out);
        channels.put(out);
        gateways.put(out);
        whole.put(out);
        accounts.put(out);
        table.save(out);
        orders.save(out);
        timers.save(out);
        dirty.save(out);
        kill_cursor.put(out);
        ask_cursor.put(out);
        rest_cursor.put(out);
        has_work.put(out);
        blocked_repairs.put(out);
        recent.put(out);
        is_batch_open.put(out);
        turn.put(out);
        detailing.put(out);
        sizing.put(out);
        put_rules(rules, out);
        clock.put(out);
        now.put(out);
    }

    /// The desk of `identity` in the state that `input` begins with; `None` if that is not the
    /// state of a desk with this much storage.
    #[must_use]
    pub fn restore(
        identity: DeskIdentity,
        storage: Storage<'a>,
        input: &mut Decoder<'_>,
    ) -> Option<Self> {
        let mut desk = Self::new(identity, storage);
        desk.known_run = Field::take(input)?;
        desk.state = Field::take(input)?;
        desk.channels = Field::take(input)?;
        // Row by row: all of them together are too much for a stack.
        for gateway in &mut desk.gateways {
            *gateway = Field::take(input)?;
        }
        desk.whole = Field::take(input)?;
        for account in &mut desk.accounts {
            *account = Field::take(input)?;
        }
        desk.table.load(input)?;
        desk.orders.load(input)?;
        desk.timers.load(input)?;
        desk.dirty.load(input)?;
        desk.kill_cursor = Field::take(input)?;
        desk.ask_cursor = Field::take(input)?;
        desk.rest_cursor = Field::take(input)?;
        desk.has_work = Field::take(input)?;
        desk.blocked_repairs = Field::take(input)?;
        desk.recent = Field::take(input)?;
        desk.is_batch_open = Field::take(input)?;
        desk.turn = Field::take(input)?;
        desk.detailing = Field::take(input)?;
        desk.sizing = Field::take(input)?;
        take_rules(desk.rules, input)?;
        desk.clock = Field::take(input)?;
        desk.now = Field::take(input)?;
        Some(desk)
    }
}

/// Writes how many rules there are, then each with its place: most places have none.
fn put_rules(rules: &[Option<UserRule>], out: &mut Encoder<'_>) {
    rules.iter().flatten().count().put(out);
    for (at, rule) in rules.iter().enumerate() {
        if let Some(rule) = rule {
            at.put(out);
            rule.put(out);
        }
    }
}

/// Reads rules into `rules`, in which there are none; their places rise.
fn take_rules(rules: &mut [Option<UserRule>], input: &mut Decoder<'_>) -> Option<()> {
    let mut least = 0;
    for _ in 0..usize::take(input)? {
        let at = usize::take(input)?;
        *rules.get_mut(at).filter(|_| at >= least)? = Some(Field::take(input)?);
        least = at.checked_add(1)?;
    }
    Some(())
}
