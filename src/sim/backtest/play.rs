//! A desk on a recorded market, on virtual time: what the market did to it, orders from it to the
//! venues, their news back, and every deadline that it asks for.
//!
//! The desk is told what the source has at the moments that the source has. Between them come its
//! own deadlines and what its orders lead to. Of things of one moment its deadline is first, as in
//! production, then the source, its trades before its books, then the venues. A batch of quotes is
//! never broken.

use xmc_hotpath::desk::{Desk, Outputs};
use xmc_hotpath::message::{
    Credits, DeskIdentity, Event, GatewayIndex, Input, MAX_GATEWAYS, OrderCommand, OrderEvent,
    OrderEventKind, SessionState,
};
use xmc_hotpath::record::frame::{
    Images, LOGIC_VERSION, MAX_LEN, OwnedEvent, OwnedInput, Start, Writer,
};
use xmc_hotpath::time::MonoNs;

use super::account::Account;
use super::counts::Outcome;
use super::money::Money;
use super::sink::{Nowhere, Sink};
use super::source::{ARM, Inputs, Print, Rows, Setup, Source, SourceError, SourceRun};
use super::sweep::Change;
use super::venue::{Told, Venues};
use crate::config::{Backtest, Latency};
use crate::engine::memory::{DeskMemory, DeskSize, images};
use crate::sim::agenda::Agenda;
use crate::sim::network::{Delay, Link};
use crate::sim::record::RecordError;

/// Things that may happen after the source has ended, until nothing is under way.
const MOST_AT_END: u32 = 10_000;

/// How a backtest is played.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// How venues answer.
    pub model: Backtest,
    /// What desk and pairs are, if not as recorded.
    pub setup: Option<Setup>,
    /// Whether commands of the record are left out.
    pub leaves_commands: bool,
    /// Where the second period begins: nanoseconds since the beginning.
    pub split_ns: Option<u64>,
    /// What of the pairs is another way.
    pub changes: Vec<Change>,
    /// What a configuration says of their money; `None`: none is known.
    pub money: Option<Money>,
}

/// Why a backtest ended early.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// The source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The record.
    #[error(transparent)]
    Sink(#[from] RecordError),
    /// Nothing comes to rest.
    #[error(
        "{MOST_AT_END} things happened after the source had ended, and orders are still under way: \
         this is a fault in the program, please report it with the source"
    )]
    Restless,
}

/// How the run number `run` of a backtest begins.
#[must_use]
pub fn start(run: &SourceRun<'_>, terms: &Terms, number: u16) -> Start {
    let recorded = &run.start;
    let identity = DeskIdentity { run: number, ..recorded.identity };
    let (config_digest, arenas) = match &terms.setup {
        Some(setup) => (setup.digest, setup.size.arenas()),
        None => (recorded.config_digest, recorded.arenas),
    };
    Start { identity, logic_version: LOGIC_VERSION, config_digest, arenas, ..*recorded }
}

/// How large the desk is.
#[must_use]
pub fn size(run: &SourceRun<'_>, terms: &Terms) -> DeskSize {
    terms.setup.as_ref().map_or_else(|| DeskSize::of_arenas(run.start.arenas), |setup| setup.size)
}

/// An account of all runs of a source: it has room for the largest desk.
#[must_use]
pub fn account(source: &Source<'_>, terms: &Terms) -> Account {
    let sizes = source.runs.iter().map(|run| size(run, terms));
    let (instruments, pairs) = sizes.fold((0, 0), |(instruments, pairs), size| {
        (instruments.max(size.instruments), pairs.max(size.spreads))
    });
    Account::new(instruments, pairs, terms.money.clone())
}

/// Plays all of it, and keeps no record.
///
/// # Errors
/// See `PlayError`.
pub fn play(source: &Source<'_>, terms: &Terms) -> Result<Outcome, PlayError> {
    play_with(source, terms, |_| Ok(Nowhere), |_, _| Ok(()), &mut |_| {})
}

/// Plays all of it: `begin` makes the sink of each run, `finish` ends it; `done` is told now and
/// then how many more inputs of the source were read.
///
/// # Errors
/// See `PlayError`.
pub fn play_with<S: Sink>(
    source: &Source<'_>,
    terms: &Terms,
    mut begin: impl FnMut(&Start) -> Result<S, RecordError>,
    mut finish: impl FnMut(S, MonoNs) -> Result<(), RecordError>,
    done: &mut dyn FnMut(u64),
) -> Result<Outcome, PlayError> {
    let mut account = account(source, terms);
    let (mut events, mut passed_ns) = (0, 0_u64);
    let mut end = MonoNs(0);
    for (run, number) in source.runs.iter().zip(1..) {
        let start = start(run, terms, number);
        let sink = begin(&start)?;
        let first = run.first();
        let known_utc = start.utc.0 > 0;
        let base_ns = passed_ns.wrapping_sub(first.0);
        let utc_ns = start.utc.0.wrapping_sub(start.now.0).wrapping_sub(base_ns);
        account.begin(base_ns, if known_utc { utc_ns } else { 0 }, first);
        let size = size(run, terms);
        let mut memory = DeskMemory::new(size);
        let (mut read, mut written) = (images(run.images()), images(size.instruments));
        let rows = Rows::of(run, terms.setup.as_ref(), !terms.leaves_commands)?;
        let mut world = World::new(run, rows, source, terms, &start, sink, account);
        world.split_at = terms
            .split_ns
            .and_then(|split| split.checked_sub(passed_ns))
            .map(|left| MonoNs(first.0.saturating_add(left)));
        world.writes = Some(Images::new(&mut written));
        let mut desk = Desk::new(start.identity, memory.lend());
        let mut inputs = run.inputs(Images::new(&mut read));
        world.run(&mut desk, &mut inputs, done)?;
        end = world.now;
        events += world.events;
        passed_ns += run.lasted_ns();
        let World { sink, account: back, .. } = world;
        account = back;
        account.finish(end);
        finish(sink, end)?;
    }
    let first = source.runs.first().map(|run| run.start);
    let mut outcome = account.end(end, events);
    outcome.begins_utc_ns = first.map_or(0, |start| start.utc.0);
    Ok(outcome)
}

/// Something that is under way.
enum Happening {
    Arrives(Box<OrderCommand>),
    Report(GatewayIndex, Box<OrderEvent>),
}

struct World<'w, S> {
    terms: &'w Terms,
    rows: Rows,
    prints: &'w [Print],
    run: &'w SourceRun<'w>,
    venues: Venues,
    agenda: Agenda<Happening>,
    up: [Link; MAX_GATEWAYS],
    down: [Link; MAX_GATEWAYS],
    /// News that waits for a session to be up again.
    held: Vec<(GatewayIndex, OrderEvent)>,
    rng: fastrand::Rng,
    outputs: Outputs,
    told: Told,
    account: Account,
    sink: S,
    writer: Writer,
    writes: Option<Images<'w>>,
    buffer: [u8; MAX_LEN],
    seq_no: u64,
    now: MonoNs,
    events: u64,
    split_at: Option<MonoNs>,
    is_armed: bool,
}

fn link(latency: Latency) -> Link {
    let ns = |us: u32| u64::from(us) * 1_000;
    Link::ordered(Delay { least_ns: ns(latency.least_us), spread_ns: ns(latency.spread_us) })
}

/// A quote of a batch, the last of it if the batch is over.
fn ended(event: OwnedEvent, is_over: bool) -> OwnedEvent {
    match event {
        OwnedEvent::Quote { quote, more } => OwnedEvent::Quote { quote, more: more && !is_over },
        event => event,
    }
}

/// Inputs between two words of how far it is.
const DONE_STEP: u64 = 1 << 16;

impl<'w, S: Sink> World<'w, S> {
    fn new(
        run: &'w SourceRun<'w>,
        rows: Rows,
        source: &'w Source<'w>,
        terms: &'w Terms,
        start: &Start,
        sink: S,
        account: Account,
    ) -> Self {
        let model = &terms.model;
        // By the number that was recorded: a run alone is played as it is among all of them.
        let seed = model.seed ^ (u64::from(run.start.identity.run) << 48);
        let mut rng = fastrand::Rng::with_seed(seed);
        let size = size(run, terms);
        let utc_ns = start.utc.0.wrapping_sub(start.now.0);
        let venue = |row: usize| model.venue(row);
        let venues = Venues::new(size.instruments, model.queue, source.has_trades, venue, utc_ns);
        Self {
            terms,
            rows,
            prints: &source.prints,
            run,
            venues,
            agenda: Agenda::new(rng.u64(..)),
            up: std::array::from_fn(|row| link(model.venue(row).order)),
            down: std::array::from_fn(|row| link(model.venue(row).report)),
            held: Vec::new(),
            rng,
            outputs: Outputs::new(),
            told: Vec::new(),
            account,
            sink,
            writer: Writer { identity: start.identity },
            writes: None,
            buffer: [0; MAX_LEN],
            seq_no: 0,
            now: run.first(),
            events: 0,
            split_at: None,
            is_armed: !terms.leaves_commands,
        }
    }

    fn run(
        &mut self,
        desk: &mut Desk<'_>,
        inputs: &mut Inputs<'_>,
        done: &mut dyn FnMut(u64),
    ) -> Result<(), PlayError> {
        if let Some(setup) = &self.terms.setup {
            for control in &setup.controls {
                self.tell(desk, control.as_event())?;
            }
        }
        let mut read = 0_u64;
        let mut is_batch_open = false;
        // The last quote of a batch that goes on: whether another one follows that the desk is told
        // of is known when the batch is over.
        let mut waits: Option<Box<OwnedInput>> = None;
        while let Some(input) = inputs.read()? {
            read += 1;
            if read.is_multiple_of(DONE_STEP) {
                done(DONE_STEP);
            }
            if !is_batch_open {
                self.until(desk, input.now)?;
            }
            is_batch_open = matches!(input.event, OwnedEvent::Quote { more: true, .. });
            let told = self.rows.told(input.event);
            if let Some(last) = waits.take() {
                if told.is_none() && is_batch_open {
                    waits = Some(last);
                    continue;
                }
                self.tell_input(desk, last.now, ended(last.event, told.is_none()))?;
            }
            let Some(event) = told else { continue };
            if is_batch_open && self.rows.leaves_out() {
                waits = Some(Box::new(OwnedInput { event, ..input }));
            } else {
                self.tell_input(desk, input.now, event)?;
            }
        }
        if let Some(last) = waits {
            self.tell_input(desk, last.now, ended(last.event, true))?;
        }
        done(read % DONE_STEP);
        self.rest(desk)
    }

    /// Something of the source, at its moment.
    #[inline]
    fn tell_input(
        &mut self,
        desk: &mut Desk<'_>,
        now: MonoNs,
        event: OwnedEvent,
    ) -> Result<(), PlayError> {
        self.now = self.now.max(now);
        self.events += 1;
        self.market(desk, event)
    }

    /// Lets everything happen that lies before `until`.
    #[inline]
    fn until(&mut self, desk: &mut Desk<'_>, until: MonoNs) -> Result<(), PlayError> {
        let is_quiet = desk.next_deadline() > until
            && self.agenda.next_at() >= until
            && self.prints.first().is_none_or(|print| print.at > until)
            && self.split_at.is_none_or(|at| at > until);
        if is_quiet { Ok(()) } else { self.happen(desk, until) }
    }

    #[cold]
    fn happen(&mut self, desk: &mut Desk<'_>, until: MonoNs) -> Result<(), PlayError> {
        loop {
            let deadline = desk.next_deadline();
            let next = self.agenda.next_at();
            let print = self.prints.first().map_or(MonoNs::NEVER, |print| print.at);
            let first = deadline.min(next).min(print);
            if let Some(at) = self.split_at
                && at <= until
                && at <= first
            {
                self.split_at = None;
                self.now = self.now.max(at);
                self.account.split(self.now);
                continue;
            }
            if deadline <= until && deadline <= first {
                self.now = self.now.max(deadline);
                self.tell(desk, Event::Tick)?;
            } else if print <= until && print <= first {
                self.print();
            } else if next < until {
                self.step(desk)?;
            } else {
                return Ok(());
            }
        }
    }

    /// After the source: orders get their answers, or their deadlines.
    fn rest(&mut self, desk: &mut Desk<'_>) -> Result<(), PlayError> {
        for _ in 0..MOST_AT_END {
            let (deadline, next) = (desk.next_deadline(), self.agenda.next_at());
            if deadline == MonoNs::NEVER && next == MonoNs::NEVER {
                return Ok(());
            }
            if deadline <= next {
                self.now = self.now.max(deadline);
                self.tell(desk, Event::Tick)?;
            } else {
                self.step(desk)?;
            }
        }
        Err(PlayError::Restless)
    }

    /// What comes next of what is under way.
    fn step(&mut self, desk: &mut Desk<'_>) -> Result<(), PlayError> {
        let Some((at, happening)) = self.agenda.pop() else { return Ok(()) };
        self.now = self.now.max(at);
        match happening {
            Happening::Arrives(command) => {
                let mut told = std::mem::take(&mut self.told);
                self.venues.arrive(self.now, &command, &mut told);
                self.report(told);
                Ok(())
            }
            Happening::Report(gateway, event) => {
                let is_own =
                    matches!(event.kind, OrderEventKind::NotSent | OrderEventKind::CancelNotSent);
                if !is_own && !self.venues.is_up(gateway) {
                    self.held.push((gateway, *event));
                    return Ok(());
                }
                let event = OrderEvent { received: self.now, ..*event };
                self.tell(desk, Event::Order(event))
            }
        }
    }

    /// The next trade of the source.
    fn print(&mut self) {
        let Some((print, rest)) = self.prints.split_first() else { return };
        self.prints = rest;
        self.now = self.now.max(print.at);
        let row = self.run.instrument(print.feed, print.security_id);
        let Some(row) = row.and_then(|row| self.rows.instrument(row)) else { return };
        let mut told = std::mem::take(&mut self.told);
        self.venues.trade(self.now, row, print.price_e9, print.lots, &mut told);
        self.report(told);
    }

    /// Puts what venues say on its way back.
    fn report(&mut self, mut told: Told) {
        for (gateway, event) in told.drain(..) {
            let down = &mut self.down[usize::from(gateway.0)];
            let [at, _] = down.carry(self.now, &mut self.rng);
            let at = at.expect("a link without faults");
            self.agenda.push(at, Happening::Report(gateway, Box::new(event)));
        }
        self.told = told;
    }

    /// Something of the source: what it does to the venues, and to the desk.
    #[inline]
    fn market(&mut self, desk: &mut Desk<'_>, event: OwnedEvent) -> Result<(), PlayError> {
        match event {
            OwnedEvent::Quote { quote, more } => {
                let mut told = std::mem::take(&mut self.told);
                self.venues.quote(self.now, &quote, &mut told);
                if !told.is_empty() {
                    self.report(told);
                }
                if !self.is_armed {
                    self.is_armed = true;
                    self.tell(desk, Event::Command(ARM))?;
                }
                self.tell(desk, Event::Quote { quote: &quote, more })
            }
            event => self.rarely(desk, event),
        }
    }

    #[cold]
    fn rarely(&mut self, desk: &mut Desk<'_>, event: OwnedEvent) -> Result<(), PlayError> {
        if let OwnedEvent::Session(update) = &event {
            let is_up = update.state == SessionState::Up;
            let mut told = std::mem::take(&mut self.told);
            self.venues.session(self.now, update.gateway, update.stream, is_up, &mut told);
            self.report(told);
            if is_up {
                let gateway = update.gateway;
                let held = std::mem::take(&mut self.held);
                let (mine, others) = held.into_iter().partition(|(of, _)| *of == gateway);
                self.held = others;
                self.report(mine);
            }
        }
        let input = OwnedInput { now: self.now, credits: Credits::FULL, event };
        self.tell(desk, input.as_input().event)
    }

    /// Tells the desk something; a pair as the changes have it.
    fn tell(&mut self, desk: &mut Desk<'_>, event: Event<'_>) -> Result<(), PlayError> {
        if let Event::Spread(spec) = event {
            let mut spec = *spec;
            self.terms.changes.iter().for_each(|change| change.apply(&mut spec));
            return self.tell_as_is(desk, Event::Spread(&spec));
        }
        self.tell_as_is(desk, event)
    }

    #[inline]
    fn tell_as_is(&mut self, desk: &mut Desk<'_>, event: Event<'_>) -> Result<(), PlayError> {
        match event {
            Event::Instrument(spec) => self.venues.instrument(spec),
            Event::Hours(hours) => self.venues.hours(&hours),
            _ => {}
        }
        let input = Input { now: self.now, credits: Credits::FULL, event };
        desk.on(&input, &mut self.outputs);
        if S::WRITES {
            self.write(&input)?;
        }
        self.account.take(&input, &self.outputs);
        if self.outputs.order_count() > 0 {
            self.send();
        }
        Ok(())
    }

    #[inline]
    fn write(&mut self, input: &Input<'_>) -> Result<(), PlayError> {
        const FITS: &str = "a record fits into MAX_LEN";
        self.seq_no += 1;
        let Some(images) = &mut self.writes else { return Ok(()) };
        let len = self.writer.input(self.seq_no, input, images, &mut self.buffer).expect(FITS);
        self.sink.add(&self.buffer[..len])?;
        let mut index = 0;
        for order in self.outputs.orders() {
            index += 1;
            let len = self.writer.order(self.seq_no, index, order, &mut self.buffer);
            self.sink.add(&self.buffer[..len.expect(FITS)])?;
        }
        for detail in self.outputs.details() {
            index += 1;
            let len = self.writer.detail(self.seq_no, index, detail, &mut self.buffer);
            self.sink.add(&self.buffer[..len.expect(FITS)])?;
        }
        Ok(self.sink.settle(self.now)?)
    }

    /// Puts what the desk sends on its way.
    #[cold]
    fn send(&mut self) {
        for command in self.outputs.orders() {
            let Some(up) = self.up.get_mut(usize::from(command.gateway.0)) else { continue };
            let [at, _] = up.carry(self.now, &mut self.rng);
            let at = at.expect("a link without faults");
            self.agenda.push(at, Happening::Arrives(Box::new(*command)));
        }
    }
}
