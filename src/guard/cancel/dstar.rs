//! The SIMULATED DSTAR counter: logged on to as the engine does, which puts out whoever was logged
//! on before, then each order is cancelled that the counter tells of (`dstar::sweep`).

use super::{Canceller, Confirmed, Until};
use crate::engine::{logon, sockets};
use crate::venue::esunny::dstar::sweep::Sweep;
use std::time::{Duration, Instant};
use xmc_hotpath::port::{SendError, StreamPort, TxPort};

/// Bytes that are read at once.
const READ_BYTES: usize = 1 << 16;
/// Between two reads when nothing has come.
const NAP: Duration = Duration::from_micros(200);
/// Until the question for the last request is asked again. UNPROVEN how often a counter answers.
const ASK_AGAIN: Duration = Duration::from_millis(120);

pub(super) fn cancel(of: &Canceller<'_>, until: Until<'_>) -> Result<Confirmed, String> {
    let gateway = &of.config.gateways[of.row];
    let account = gateway.counter.as_ref().ok_or("it has no account")?;
    let secret = (of.secrets)(of.row, None)?;
    let mut port = sockets::gateway_port(gateway, of.answer).map_err(|error| error.to_string())?;
    let granted = logon::grant(of.config, of.row, &secret, 0, &mut port, of.answer);
    let granted = granted.map_err(|error| error.to_string())?;
    let mut sweep = Sweep::new(&granted.account, granted.next_client_req_id);
    let (mut bytes, mut heard) = (Vec::new(), Instant::now());
    // What lives once the day is told: answers alone are no progress, fewer orders are.
    let mut least = None;
    let lost = |error: SendError| format!("the counter's connection was lost ({error:?})");
    loop {
        let have = bytes.len();
        bytes.resize(have + READ_BYTES, 0);
        let read = port.read(&mut bytes[have..]).map_err(lost)?;
        bytes.truncate(have + read);
        let taken = sweep.read(&bytes).map_err(|error| error.to_string())?;
        bytes.drain(..taken);
        if let Some(orders) = sweep.done() {
            let by = format!("account {}, logged on anew", account.account_no);
            return Ok(Confirmed { orders, by });
        }
        let now = Instant::now();
        if let Some(question) = sweep.question(now, ASK_AGAIN) {
            send(|| port.send_on_stream(&question)).map_err(lost)?;
        }
        for datagram in sweep.cancellations(now) {
            // What is lost is sent again.
            send(|| port.send(&datagram)).map_err(lost)?;
        }
        let live = sweep.is_told().then(|| sweep.live());
        let is_progress = match (live, least) {
            (None, _) => read > 0,
            (Some(live), Some(least)) => live < least,
            (Some(_), None) => true,
        };
        if is_progress {
            (heard, least) = (now, live);
        }
        if until.is_past() {
            return Err(format!("{} orders live", sweep.live()));
        } else if now.duration_since(heard) > of.answer {
            let (live, ms) = (sweep.live(), of.answer.as_millis());
            // A new logon may bring what this one lacks: the right number for the next request.
            return Err(format!("nothing has come of it for {ms} ms; {live} orders live"));
        } else if read == 0 {
            std::thread::sleep(NAP);
        }
    }
}

/// Sends, or leaves it when there is no room: it is asked again.
fn send(mut send: impl FnMut() -> Result<(), SendError>) -> Result<(), SendError> {
    match send() {
        Ok(()) | Err(SendError::Busy) => Ok(()),
        Err(error) => Err(error),
    }
}
