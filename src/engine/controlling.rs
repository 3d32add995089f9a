//! The operators' channel of a running engine: what `control` has decided becomes inputs of the
//! desk, and what the record shows of them becomes the answer.
//!
//! Two ends. The clerk has a thread of its own, away from the hot cores: it serves the socket and
//! decides. The operators' desk is on the thread that follows the journal and writes the control
//! ring: it tells the desk what was signed and by whom (`Instruction`), then what follows from it,
//! both at once, and waits until the record shows what came of it. What was refused is recorded
//! too, so many in a second; more than that is counted.
//!
//! A stop of the whole desk also keeps the engine from arming itself, in this run and the next.

mod clerk;
mod standing;

pub use clerk::{Clerk, ControlError, Controlling, socket_path};

use super::follower::{Follower, Heard};
use super::inputs;
use super::limits::PriceBands;
use super::resyncing::ResyncDesk;
use super::telling::Telling;
use crate::config::Configuration;
use crate::control::judge::{Denied, Granted};
use crate::control::limit::Limited;
use crate::control::reply::{Answer, Changed, Outcome};
use crate::control::scope::Named;
use crate::control::verb::Verb;
use crate::hex;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};
use xmc_hotpath::desk::Desk;
use xmc_hotpath::message::{
    AlertKind, Command, Control, Denial, Detail, Instruction, SafeState, Scope, SpreadIndex,
};
use xmc_hotpath::record::frame::OwnedEvent;
use xmc_hotpath::ring::Sender;

/// How long the record is waited for.
const PATIENCE: Duration = Duration::from_secs(3);
/// After which time it is not waited for any more before a limit is changed.
const FORGOTTEN: Duration = Duration::from_secs(60);
/// Refusals that are recorded at once, and then one in each `REFUSAL_EVERY`.
const REFUSALS: u32 = 8;
const REFUSAL_EVERY: Duration = Duration::from_secs(1);

/// What a run begins with: what operators have stopped comes before all that is `carried`, so that
/// nothing is done before it. `telling` listens to them from now on; the clerk needs a thread.
pub(super) fn begin(
    control: Option<Controlling>,
    config: &Configuration,
    telling: &mut Telling,
    carried: Vec<Control>,
) -> (Option<Clerk>, Vec<Control>) {
    let kept = control.iter().flat_map(|control| control.kept(&inputs::controls(config).0));
    let carried: Vec<_> = kept.chain(carried).collect();
    telling.carry(&carried);
    let clerk = control.map(|control| {
        let (clerk, operators) = control.split();
        telling.listen(operators);
        clerk
    });
    (clerk, carried)
}

/// Somebody has asked, and waits for the bytes of the answer.
#[derive(Debug)]
enum Asked {
    /// How things stand.
    Status(Back),
    /// Something that is not taken.
    Denied(Box<Denied>, Back),
    /// Something that is.
    Granted(Box<Granted>, Back),
}

/// The way back to who asked. It never blocks: there is room for the one answer.
type Back = SyncSender<Vec<u8>>;

/// The state that the clerk decides by: a few milliseconds old, or the HALT that it has just
/// ordered itself.
#[derive(Debug)]
struct LastState(AtomicU8);

impl LastState {
    // Nothing hangs on the order in which this is seen beside other memory.
    fn get(&self) -> SafeState {
        SafeState::from_code(self.0.load(Ordering::Relaxed)).unwrap_or(SafeState::Halt)
    }

    fn set(&self, state: SafeState) {
        self.0.store(state.code(), Ordering::Relaxed);
    }
}

/// A command on its way through the record.
#[derive(Debug)]
struct Waiting {
    granted: Box<Granted>,
    /// What the desk is told; `None`: nothing but who has said it.
    control: Option<Control>,
    /// The record shows who has ordered it.
    is_recorded: bool,
    /// `None` once it was answered that the record does not show it yet.
    back: Option<Back>,
    since: Instant,
}

/// The end of the channel beside the desk.
#[derive(Debug)]
pub(super) struct OperatorsDesk {
    asked: Receiver<Asked>,
    pending: VecDeque<(Asked, Instant)>,
    waiting: Vec<Waiting>,
    standing: standing::Standing,
    state: Arc<LastState>,
    is_held: bool,
    /// The run ends: nothing is allowed any more.
    is_ending: bool,
    /// Requests that were not taken.
    refused: u64,
    refusals: Refusals,
    run: u16,
}

/// Which refusals are recorded: a few at once, then one in a while.
#[derive(Debug)]
struct Refusals {
    left: u32,
    since: Instant,
    untold: u32,
}

impl Refusals {
    fn may_tell(&mut self) -> bool {
        while self.left < REFUSALS && self.since.elapsed() >= REFUSAL_EVERY {
            self.left += 1;
            self.since += REFUSAL_EVERY;
        }
        if self.left == 0 {
            return false;
        }
        if self.left == REFUSALS {
            self.since = Instant::now();
        }
        self.left -= 1;
        true
    }
}

impl OperatorsDesk {
    /// The engine may not arm itself.
    pub fn is_held(&self) -> bool {
        self.is_held
    }

    /// Nothing that was ordered is on its way.
    pub fn is_quiet(&self) -> bool {
        self.waiting.is_empty() && self.pending.is_empty()
    }

    /// The run ends: what stops is still taken, what allows more is not.
    pub fn end(&mut self) {
        self.is_ending = true;
    }

    /// Takes what has come in, and answers what the record shows.
    pub fn poll(
        &mut self,
        follower: &mut Follower<'_>,
        bands: &mut PriceBands,
        mut resync: Option<&mut ResyncDesk>,
        control: &mut Sender<Control>,
    ) {
        let heard = follower.take_heard();
        let (desk, now) = (follower.shadow.desk(), follower.shadow.now());
        self.hear(&heard, desk);
        self.state.set(desk.state());
        self.pending.extend(self.asked.try_iter().map(|asked| (asked, Instant::now())));
        for (asked, since) in std::mem::take(&mut self.pending) {
            match asked {
                Asked::Status(back) => {
                    let status = self.standing.status(desk, now, self.is_held, self.refused);
                    send(&back, &status);
                }
                Asked::Denied(denied, back) => self.deny(*denied, &back, desk, control),
                Asked::Granted(granted, back) => {
                    let ends = (&mut *bands, resync.as_deref_mut(), &mut *control);
                    if let Some(again) = self.grant(granted, back, since, desk, ends) {
                        self.pending.push_back((again, since));
                    }
                }
            }
        }
    }

    /// Tells the desk what was granted; what has to wait comes back.
    fn grant(
        &mut self,
        granted: Box<Granted>,
        back: Back,
        since: Instant,
        desk: &Desk<'_>,
        (bands, resync, control): Ends<'_>,
    ) -> Option<Asked> {
        // A limit is told with all that stands beside it, so that must have been seen. It alone
        // waits: a stop does not.
        let is_limit = granted.text.verb == Verb::Limit;
        if is_limit && !self.waiting.is_empty() && since.elapsed() < PATIENCE {
            return Some(Asked::Granted(granted, back));
        }
        match (granted.text.verb, granted.scope) {
            (Verb::Kill | Verb::NoNew, Scope::All) => self.is_held = true,
            (Verb::Arm, _) => self.is_held = false,
            _ => {}
        }
        let effect = if is_limit && !self.waiting.is_empty() {
            let why = "the record does not show yet what was ordered before, and a limit is told \
                       with all that stands beside it: look at `xmc control status`, and write it \
                       anew";
            Err((Denial::Busy, why.to_owned()))
        } else if self.is_ending && granted.text.needs_two() {
            Err((Denial::State, "this run is ending: give it to the next one".to_owned()))
        } else if granted.text.alert.is_some() {
            // The clerk has left word for the alerts' thread: the desk is told who said it.
            Ok(None)
        } else if let Some(id) = &granted.text.difference {
            explained(id, &granted, resync.as_deref()).map(|()| None)
        } else {
            self.effect(&granted, desk, bands).map(Some)
        };
        let told = match effect {
            Ok(told) => told,
            Err((denial, why)) => {
                let instruction = Instruction { denial, inputs: 0, ..granted.instruction };
                self.deny(Denied { instruction, why }, &back, desk, control);
                return None;
            }
        };
        let instruction = Instruction {
            untold: std::mem::take(&mut self.refusals.untold),
            inputs: u8::from(told.is_some()),
            ..granted.instruction
        };
        let all: Vec<_> =
            [Some(Control::Instruction(instruction)), told].into_iter().flatten().collect();
        if control.push_all(&all).is_err() {
            self.refusals.untold = instruction.untold;
            // What stops is told as soon as there is room, however long that takes.
            if since.elapsed() < PATIENCE || granted.text.verb.only_stops() {
                return Some(Asked::Granted(granted, back));
            }
            let why = "the desk does not read what it is told: use the venues' own kill switches, \
                       then stop the engine";
            let instruction = Instruction { denial: Denial::Busy, inputs: 0, ..instruction };
            self.deny(Denied { instruction, why: why.to_owned() }, &back, desk, control);
            return None;
        }
        if let (Some(change), Scope::Instrument(row)) = (&granted.text.change, granted.scope) {
            let figure = change.to.figure;
            bands.relimit(row, |spec| match Limited::Instrument(spec).with(change.field, figure) {
                Some(Limited::Instrument(spec)) => spec,
                _ => spec,
            });
        }
        if let (Some(id), Some(resync)) = (&granted.text.difference, resync) {
            let by = [instruction.operator, instruction.second];
            let by = by.into_iter().filter(|id| *id != 0).collect();
            resync.explain(id, by, hex::show(&instruction.digest));
        }
        let (back, since) = (Some(back), Instant::now());
        self.waiting.push(Waiting { granted, control: told, is_recorded: false, back, since });
        None
    }

    /// What the desk is told.
    fn effect(
        &self,
        granted: &Granted,
        desk: &Desk<'_>,
        bands: &PriceBands,
    ) -> Result<Control, (Denial, String)> {
        let Granted { text, scope, instruction, .. } = granted;
        if let Some(kind) = text.verb.kind() {
            let (operator, command_id) = (instruction.operator, instruction.counter);
            return Ok(Control::Command(Command { kind, scope: *scope, operator, command_id }));
        }
        if matches!(text.verb, Verb::Lift | Verb::LiftUnconfirmed) {
            let why = "an engine that runs is not fenced: give it with `xmc guard lift`";
            return Err((Denial::State, why.to_owned()));
        }
        let nothing = || {
            let why =
                format!("{} has no such limit: `xmc limits` shows those there are", text.scope);
            (Denial::Value, why)
        };
        let change = text.change.as_ref().ok_or_else(nothing)?;
        let told = match scope {
            Scope::Instrument(row) => bands.told(*row).map(Limited::Instrument),
            _ => None,
        };
        let limited = Limited::of(desk, *scope).ok_or_else(nothing)?;
        let limited = told.unwrap_or(limited);
        let figure = limited.figure(change.field).ok_or_else(nothing)?;
        if figure != change.from.figure {
            let why = format!(
                "{} of {} is {figure} {}, and the command was written for {}: look again, and \
                 write it anew",
                change.field, text.scope, change.from.unit, change.from
            );
            return Err((Denial::Value, why));
        }
        let changed = limited.with(change.field, change.to.figure).ok_or_else(nothing)?;
        Ok(changed.control())
    }

    /// Answers that something is not done, and has it recorded if there were not too many.
    fn deny(
        &mut self,
        denied: Denied,
        back: &Back,
        desk: &Desk<'_>,
        control: &mut Sender<Control>,
    ) {
        self.refused += 1;
        let Denied { instruction, why } = denied;
        let told = Instruction { untold: self.refusals.untold, ..instruction };
        if self.refusals.may_tell() && control.push(Control::Instruction(told)).is_ok() {
            self.refusals.untold = 0;
        } else {
            self.refusals.untold = self.refusals.untold.saturating_add(1);
        }
        let denial = Some(instruction.denial.word().to_owned());
        let answer =
            Answer { denial, why: Some(why), ..self.answer(Outcome::Refused, &instruction, desk) };
        send(back, &answer);
    }

    /// Takes up what the record shows, and answers who waits for it.
    fn hear(&mut self, heard: &[Heard], desk: &Desk<'_>) {
        let mut waiting = std::mem::take(&mut self.waiting);
        for heard in heard {
            if let OwnedEvent::Instruction(found) = &heard.event {
                let digest = found.digest;
                let is_it = |one: &Waiting| one.granted.instruction.digest == digest;
                let Some(place) = waiting.iter().position(is_it) else { continue };
                waiting[place].is_recorded = true;
                if waiting[place].control.is_some() {
                    continue;
                }
                let done = waiting.remove(place);
                if let Some(back) = &done.back {
                    send(back, &self.done(&done, heard, desk));
                }
                continue;
            }
            let is_effect = |one: &Waiting| {
                let told = one.control.as_ref();
                one.is_recorded && told.is_some_and(|told| is_same(told, &heard.event))
            };
            if let Some(place) = waiting.iter().position(is_effect) {
                let done = waiting.remove(place);
                if let Some(back) = &done.back {
                    send(back, &self.done(&done, heard, desk));
                }
            }
        }
        for mut one in waiting {
            let waited = one.since.elapsed();
            if waited >= PATIENCE
                && let Some(back) = one.back.take()
            {
                send(&back, &self.answer(Outcome::Taken, &one.granted.instruction, desk));
            }
            if waited < FORGOTTEN {
                self.waiting.push(one);
            }
        }
    }

    /// The answer to what the record shows.
    fn done(&self, one: &Waiting, heard: &Heard, desk: &Desk<'_>) -> Answer {
        let mut answer = self.answer(Outcome::Done, &one.granted.instruction, desk);
        answer.input = Some(heard.seq_no);
        answer.why.clone_from(&one.granted.unkept);
        for detail in &heard.details {
            match detail {
                Detail::State(change) => answer.changes.push(Changed {
                    spread: (change.spread != SpreadIndex::ALL)
                        .then(|| self.standing.spread(change.spread)),
                    from: change.from.word().to_owned(),
                    to: change.to.word().to_owned(),
                }),
                Detail::Alert(alert)
                    if matches!(alert.kind, AlertKind::BadInput | AlertKind::RemoveRefused) =>
                {
                    answer.outcome = Outcome::Refused;
                    answer.denial = Some(Denial::State.word().to_owned());
                    answer.why = Some(not_done(&one.granted.text.verb, &one.granted.text.scope));
                }
                _ => {}
            }
        }
        answer
    }

    fn answer(&self, outcome: Outcome, instruction: &Instruction, desk: &Desk<'_>) -> Answer {
        Answer {
            outcome,
            denial: None,
            why: None,
            state: desk.state().word().to_owned(),
            changes: Vec::new(),
            live_orders: desk.orders().live_count(),
            positions: self.standing.positions(desk),
            run: self.run,
            input: None,
            digest: hex::show(&instruction.digest),
        }
    }

    fn new(
        asked: Receiver<Asked>,
        standing: standing::Standing,
        state: Arc<LastState>,
        is_held: bool,
        run: u16,
    ) -> Self {
        let refusals = Refusals { left: REFUSALS, since: Instant::now(), untold: 0 };
        Self {
            asked,
            pending: VecDeque::new(),
            is_ending: false,
            waiting: Vec::new(),
            standing,
            state,
            is_held,
            refused: 0,
            refusals,
            run,
        }
    }
}

/// Where what is granted goes.
type Ends<'e> = (&'e mut PriceBands, Option<&'e mut ResyncDesk>, &'e mut Sender<Control>);

/// Whether there is a difference to explain.
fn explained(
    id: &str,
    granted: &Granted,
    resync: Option<&ResyncDesk>,
) -> Result<(), (Denial, String)> {
    let scope = granted.text.scope.to_string();
    if resync.is_some_and(|resync| resync.is_open(id, &scope)) {
        return Ok(());
    }
    let why = format!("no difference {id} about {scope} is open: look at `xmc resync show`");
    Err((Denial::Scope, why))
}

/// Why the desk has not done what it was told, and what to do.
fn not_done(verb: &Verb, scope: &Named) -> String {
    let what = match verb {
        Verb::ClearHalt => {
            "it is not halted, or orders of its last fire are not accounted for: look at \
             `xmc control status`, and settle them with the venue first"
        }
        Verb::Enable => {
            "it is halted, or there is no such spread: clear it first with `xmc clear-halt`"
        }
        Verb::Disable | Verb::NoNew => "it is halted, which is more: it sends nothing",
        Verb::ClearDoubt => "no book of its legs is in doubt",
        Verb::Remove => "it holds something, has orders, or is halted: `xmc control status` says",
        Verb::Kill => {
            "there is no spread of that: nothing was stopped. `xmc kill --scope all` stops \
                       everything"
        }
        Verb::Arm => "the desk is in HALT: start the engine again, and arm that run",
        Verb::Lift | Verb::LiftUnconfirmed => "the desk of an engine that runs is not fenced",
        Verb::Explain | Verb::Acknowledge => "it is only recorded",
        Verb::Limit => "it does not take that figure beside its other limits",
    };
    format!("the desk has recorded {verb} about {scope} and not done it: {what}")
}

/// Whether an input is what the desk was told.
fn is_same(told: &Control, heard: &OwnedEvent) -> bool {
    match (told, heard) {
        (Control::Command(told), OwnedEvent::Command(heard)) => told == heard,
        (Control::Instrument(told), OwnedEvent::Instrument(heard)) => told == heard,
        (Control::Spread(told), OwnedEvent::Spread(heard)) => told == heard,
        (Control::Gateway(told), OwnedEvent::Gateway(heard)) => told == heard,
        (Control::Account(told), OwnedEvent::Account(heard)) => told == heard,
        _ => false,
    }
}

/// Sends an answer; who has gone does not get it.
fn send(back: &Back, answer: &impl Serialize) {
    let mut bytes = serde_json::to_vec(answer).unwrap_or_default();
    bytes.push(b'\n');
    let _ = back.try_send(bytes);
}
