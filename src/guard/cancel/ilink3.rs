//! iLink 3: 529 in the guard's own session on behalf of the engine's, or in the engine's session.
//!
//! Without a session of its own the guard negotiates one as the engine would after a restart in the
//! week, under a new UUID: legal because the engine is dead, and written into the engine's book of
//! sessions before anything is sent, so that its next run asks for what the venue has said here.
//! What CME's cancel on disconnect has done before is not done again: then nothing is live.

use super::{Canceller, Confirmed};
use crate::engine::logon;
use crate::engine::sessions::{Attempt, SessionBook};
use crate::guard::disk::BOUND;
use crate::venue::cme::ilink3::mass::{self, MassAnswer, Wanted};
use crate::venue::cme::ilink3::{parties, resume};
use std::time::Instant;
use xmc_hotpath::port::StreamPort;
use xmc_hotpath::time::UnixNs;
use xmc_hotpath::venue::cme::ilink3::session::Handover;

fn utc() -> UnixNs {
    UnixNs(crate::alert::message::now_ns())
}

pub(super) fn cancel(of: &Canceller<'_>, tries: u32) -> Result<Confirmed, String> {
    let configured = &of.config.gateways[of.row];
    let engine = configured.session.as_ref().ok_or("it has no session")?;
    let name = &configured.name.value;
    let secret = (of.secrets)(of.row, of.own)?;
    let identity = of.own.unwrap_or(engine);
    let mut gateway = configured.clone();
    gateway.session = Some(identity.clone());
    let book = of.own.is_none().then(|| SessionBook::new(of.record, name));
    // A disk that does not answer keeps nobody from cancelling: nothing of before is asked for.
    let read = |book: SessionBook| of.disks.reads.ask(move || book.read());
    let known = book.clone().and_then(read).unwrap_or_else(|| Ok(Vec::new()));
    let known = known.map_err(|error| error.to_string())?;
    // As the engine does: the other address every other time.
    let is_backup = tries % 2 == 1 && configured.backup.is_some();
    let attempt = Attempt { known: &known, is_later: true, is_backup, ..Attempt::FIRST };
    let entered = logon::log_on_again(&gateway, &secret, &attempt, utc, of.answer);
    let entered = entered.map_err(|error| error.to_string())?;
    let (mut port, mut handover) = (entered.entry.port, entered.entry.handover);
    if let Some(book) = book {
        // A book that cannot be written costs the next run news of cancels; orders cost more.
        let begun = resume::begun(&handover);
        let written = of.disks.files.hand(move || book.write(&begun));
        let _ = written.until(Instant::now() + BOUND);
    }
    let behalf = of.own.map(|_| format!("{}{}", engine.session, engine.firm));
    let wanted = Wanted { identity, on_behalf_of: behalf.as_deref(), security_id: None };
    let orders = ask(of, &mut port, &mut handover, &wanted)?;
    // The answer is here: whether the goodbye is answered changes nothing.
    let _ = parties::leave(&mut port, &handover, utc(), of.answer);
    let by = match behalf {
        Some(behalf) => format!("own session {} on behalf of {behalf}", identity.session),
        None => format!("session {} of the engine, taken over", identity.session),
    };
    Ok(Confirmed { orders, by })
}

/// All at once, or instrument by instrument if that is refused.
fn ask<P: StreamPort>(
    of: &Canceller<'_>,
    port: &mut P,
    handover: &mut Handover,
    wanted: &Wanted<'_>,
) -> Result<u32, String> {
    let mut one = |wanted: &Wanted<'_>| {
        mass::cancel(port, handover, wanted, utc(), of.answer).map_err(|error| error.to_string())
    };
    if let MassAnswer::Cancelled(orders) = one(wanted)? {
        return Ok(orders);
    }
    let traded = of.config.instruments.iter().filter(|row| row.gateway == Some(of.row));
    let traded: Vec<_> = traded.collect();
    if traded.is_empty() {
        return Err("it is refused for everything, and no instrument is known there".to_owned());
    }
    let mut orders = 0;
    for row in traded {
        let of_one = Wanted { security_id: Some(row.security_id.value), ..*wanted };
        match one(&of_one)? {
            MassAnswer::Cancelled(more) => orders += more,
            MassAnswer::Refused { code, reason } => {
                return Err(format!("{}: {}", row.name.value, refused(code, &reason)));
            }
        }
    }
    Ok(orders)
}

fn refused(code: u16, reason: &str) -> String {
    format!(
        "the mass cancel was refused with code {code} {reason}: see that the session is registered \
         to cancel on behalf of the engine's, or leave [[guard.session]] out"
    )
}
