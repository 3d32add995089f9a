//! The first pass: what belongs to one decision.

use super::lead::{Scene, lead};
use super::{Action, Block, Led, NoStory, OrderStory, Story, Told};
use crate::audit::scan::{At, Deadline, Decoding, Entry, Scanned, scan};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use xmc_hotpath::message::{
    Alert, Command, Decision, Detail, Ending, Follow, FollowStep, Gate, Instruction, Internal,
    OrderAction, OrderCommand, OrderId, Repair, RepairWay, Ruling, SpreadIndex, StateChange,
};
use xmc_hotpath::record::frame::{Body, Kind, OwnedEvent, OwnedInput, Start};

/// Whose story is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Of the decision that sent this order.
    Order(OrderId),
    /// Of the last decision on this input; if it sent orders, of the fire whose orders they are.
    Input {
        /// The run.
        run: u16,
        /// The input's sequence number.
        seq_no: u64,
    },
}

impl Wanted {
    /// The run that it happened in.
    #[must_use]
    pub const fn run(self) -> u16 {
        match self {
            Self::Order(id) => id.run(),
            Self::Input { run, .. } => run,
        }
    }
}

/// What the first pass finds.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub start: Option<Start>,
    /// The input that it was decided on.
    pub seq_no: Option<u64>,
    pub spread: Option<SpreadIndex>,
    pub decision: Option<Told<Decision>>,
    pub orders: Vec<OrderStory>,
    pub follows: Vec<Told<Follow>>,
    pub repairs: Vec<Told<Repair>>,
    pub internals: Vec<Told<Internal>>,
    /// Spreads of which lots met inside in the input that is wanted, before it decided.
    pub met_before: Vec<SpreadIndex>,
    pub rulings: Vec<Told<Ruling>>,
    pub ending: Option<Told<Ending>>,
    pub alerts: Vec<Told<Alert>>,
    pub states: Vec<Told<StateChange>>,
    pub actions: Vec<Told<Action>>,
    /// The last thing that operators have signed.
    signed: Option<Instruction>,
    hashes: HashMap<(u64, u64), Block>,
}

impl Found {
    fn note(&mut self, entry: &Entry<'_>) {
        let At { segment, block, .. } = entry.at;
        let block = self.hashes.entry((segment, block)).or_insert(Block {
            segment,
            offset: block,
            hash: *entry.hash,
            records: 0,
        });
        block.records += 1;
    }

    fn order_mut(&mut self, id: OrderId) -> Option<&mut OrderStory> {
        self.orders.iter_mut().find(|order| order.sent.what.order_id == id)
    }

    fn is_ours(&self, id: OrderId) -> bool {
        id != OrderId::NONE && self.orders.iter().any(|order| order.sent.what.order_id == id)
    }
}

/// Tells the story that is wanted from the journal at `path`.
///
/// # Errors
/// See `NoStory`.
pub fn gather(path: &Path, wanted: Wanted) -> Result<Story, NoStory> {
    gather_within(path, wanted, &mut Deadline::default())
}

/// The same, read no longer than until `deadline`.
///
/// # Errors
/// `TooLong` if that was not enough; else as `gather`.
pub fn gather_within(
    path: &Path,
    wanted: Wanted,
    deadline: &mut Deadline,
) -> Result<Story, NoStory> {
    let mut pass = Pass {
        wanted,
        fires: HashMap::new(),
        instead: None,
        is_over: false,
        decoding: Decoding::default(),
        found: Found::default(),
        group: Group::default(),
    };
    let scanned = scan(path, |entry| {
        deadline.check()?;
        pass.take(&entry)
    })?;
    if deadline.is_over() {
        return Err(NoStory::TooLong);
    }
    if let Some(first) = pass.instead {
        return gather_within(path, Wanted::Order(first), deadline);
    }
    let found = pass.found;
    let (Some(seq_no), Some(spread)) = (found.seq_no, found.spread) else {
        return Err(none(wanted, &scanned));
    };
    let start = found.start.ok_or(NoStory::NoStart(wanted.run()))?;
    let until = found.ending.map_or(seq_no, |ending| ending.place.0);
    let scene = lead(path, &start, spread, seq_no, until, deadline)?;
    Ok(tell(start, found, scene, scanned))
}

fn none(wanted: Wanted, scanned: &Scanned) -> NoStory {
    match wanted {
        Wanted::Order(id) => NoStory::NoOrder { id, records: scanned.records },
        Wanted::Input { run, seq_no } => NoStory::NoDecision { run, seq_no },
    }
}

fn tell(start: Start, mut found: Found, scene: Scene, scanned: Scanned) -> Story {
    let decided = found.decision.map(|told| told.what);
    let led = match scene.verdict(decided, !found.orders.is_empty()) {
        Led::Differs(_) if found.spread.is_some_and(|own| found.met_before.contains(&own)) => {
            Led::MetBefore
        }
        led => led,
    };
    for block in scene.blocks {
        let known = found.hashes.entry((block.segment, block.offset));
        known.or_insert(Block { records: 0, ..block }).records += block.records;
    }
    let mut blocks: Vec<_> = found.hashes.into_values().collect();
    blocks.sort_by_key(|block| (block.segment, block.offset));
    Story {
        start,
        scale: scene.scale,
        cause: scene.cause,
        decision: found.decision,
        spec: scene.spec,
        position_units: scene.position_units,
        legs: scene.legs,
        trigger: scene.trigger,
        readings: scene.readings,
        led,
        orders: found.orders,
        follows: found.follows,
        repairs: found.repairs,
        internals: found.internals,
        rulings: found.rulings,
        rules: scene.rules,
        ending: found.ending,
        books_at_end: scene.books_at_end,
        alerts: found.alerts,
        states: found.states,
        actions: found.actions,
        blocks,
        damage: scanned.damage,
    }
}

/// Orders of the input that is read, until it is known whether they are wanted.
#[derive(Debug, Default)]
struct Group {
    seq_no: u64,
    orders: Vec<Told<OrderCommand>>,
    blocks: Vec<(At, Block)>,
}

struct Pass {
    wanted: Wanted,
    /// The first order of the last fire of each spread.
    fires: HashMap<u32, OrderId>,
    /// The story is that of this order.
    instead: Option<OrderId>,
    /// Another fire of its spread has begun: its end is not in the record.
    is_over: bool,
    decoding: Decoding,
    found: Found,
    group: Group,
}

impl Pass {
    fn take(&mut self, entry: &Entry<'_>) -> ControlFlow<()> {
        let header = entry.header;
        self.decoding.read_moment(header, entry.body);
        if header.kind.is_input() {
            self.group = Group { seq_no: header.seq_no, ..Group::default() };
        }
        if !Decoding::is_rare(header.kind) {
            return ControlFlow::Continue(());
        }
        // Only the wanted run's records are looked into.
        if header.kind != Kind::Start
            && self.decoding.start.is_some_and(|start| start.identity.run != self.wanted.run())
        {
            return ControlFlow::Continue(());
        }
        let Some(body) = self.decoding.read(header, entry.body) else {
            return ControlFlow::Continue(());
        };
        match body {
            Body::Start(start) => {
                if self.found.seq_no.is_some() {
                    return ControlFlow::Break(());
                }
                if start.identity.run == self.wanted.run() {
                    self.found.start = Some(start);
                }
            }
            Body::Order(order) => self.order(entry, order),
            Body::Detail(detail) => {
                self.detail(entry, detail);
                if self.instead.is_some() {
                    return ControlFlow::Break(());
                }
            }
            Body::Input(OwnedInput { event: OwnedEvent::Order(event), .. }) => {
                let told = self.told(entry, event);
                if self.found.is_ours(event.order_id) {
                    self.found.note(entry);
                    if let Some(order) = self.found.order_mut(event.order_id) {
                        order.news.push(told);
                    }
                }
            }
            Body::Input(OwnedInput { event: OwnedEvent::Instruction(signed), .. }) => {
                self.found.signed = Some(signed);
            }
            Body::Input(OwnedInput { event: OwnedEvent::Command(command), .. }) => {
                self.command(entry, command);
            }
            Body::Input(_) => {}
        }
        ControlFlow::Continue(())
    }

    fn told<T>(&self, entry: &Entry<'_>, what: T) -> Told<T> {
        let place = (entry.header.seq_no, entry.header.index);
        Told { at: entry.at, place, now: self.decoding.now, what }
    }

    /// What operators order while the fire lives belongs to it.
    fn command(&mut self, entry: &Entry<'_>, command: Command) {
        let begun = self.found.seq_no.is_some_and(|begun| entry.header.seq_no >= begun);
        if command.operator == 0 || !begun || self.found.ending.is_some() {
            return;
        }
        let number = (command.operator, command.command_id);
        let is_its = |signed: &Instruction| (signed.operator, signed.counter) == number;
        let second = self.found.signed.filter(is_its).map_or(0, |signed| signed.second);
        self.found.note(entry);
        self.found.actions.push(self.told(entry, Action { command, second }));
    }

    fn order(&mut self, entry: &Entry<'_>, order: OrderCommand) {
        let told = self.told(entry, order);
        if order.action != OrderAction::New {
            if self.found.is_ours(order.order_id) {
                self.found.note(entry);
                if let Some(known) = self.found.order_mut(order.order_id) {
                    known.later.push(told);
                }
            }
            return;
        }
        if self.found.seq_no == Some(entry.header.seq_no) {
            self.found.note(entry);
            self.found.orders.push(OrderStory { sent: told, later: Vec::new(), news: Vec::new() });
            return;
        }
        let At { segment, block, .. } = entry.at;
        let block = Block { segment, offset: block, hash: *entry.hash, records: 1 };
        self.group.orders.push(told);
        self.group.blocks.push((entry.at, block));
        let is_wanted = match self.wanted {
            Wanted::Order(id) => order.order_id == id,
            Wanted::Input { seq_no, .. } => entry.header.seq_no == seq_no,
        };
        if is_wanted && self.found.seq_no.is_none() {
            self.begin(order.spread);
        }
    }

    /// Whether it tells of the fire that the spread had before the one that is wanted, which the
    /// same input has decided on: what met inside has ended it.
    fn is_of_fire_before(&mut self, detail: &Detail, seq_no: u64) -> bool {
        let is_same_input = match self.wanted {
            Wanted::Order(_) => self.found.seq_no == Some(seq_no),
            Wanted::Input { seq_no: wanted, .. } => wanted == seq_no,
        };
        if !is_same_input || self.found.decision.is_some() {
            return false;
        }
        match detail {
            Detail::Internal(internal) => {
                self.found.met_before.extend([internal.buy.spread, internal.sell.spread]);
                true
            }
            Detail::Ending(ending) => self.found.met_before.contains(&ending.spread),
            _ => false,
        }
    }

    /// The orders of this input are wanted.
    fn begin(&mut self, spread: SpreadIndex) {
        self.found.seq_no = Some(self.group.seq_no);
        self.found.spread = Some(spread);
        self.adopt(spread);
    }

    /// The orders of the input that is read, of `spread`, belong to the story.
    fn adopt(&mut self, spread: SpreadIndex) {
        for sent in self.group.orders.drain(..).filter(|order| order.what.spread == spread) {
            self.found.orders.push(OrderStory { sent, later: Vec::new(), news: Vec::new() });
        }
        for (_, block) in self.group.blocks.drain(..) {
            let known = self.found.hashes.entry((block.segment, block.offset));
            known.or_insert(Block { records: 0, ..block }).records += 1;
        }
    }

    fn detail(&mut self, entry: &Entry<'_>, detail: Detail) {
        let seq_no = entry.header.seq_no;
        if self.is_of_fire_before(&detail, seq_no) {
            return;
        }
        let sent_later = match detail {
            Detail::Repair(repair) if repair.way != RepairWay::Neither => Some(repair.spread),
            Detail::Follow(follow) if follow.step == FollowStep::Followed => Some(follow.spread),
            _ => None,
        };
        if let Some(spread) = sent_later
            && self.found.seq_no == Some(seq_no)
            && self.found.spread == Some(spread)
        {
            // The order that is wanted repairs a fire, or follows its leading leg: the story is
            // that of the fire.
            self.instead = self.fires.get(&spread.0).copied();
            return;
        }
        if let Detail::Decision(decision) = detail
            && decision.gate == Gate::Passed
        {
            let orders = self.group.orders.iter().map(|told| told.what);
            let own = self.found.orders.iter().map(|order| order.sent.what);
            let of_input = |order: &OrderCommand| order.spread == decision.spread;
            self.is_over |= self.found.spread == Some(decision.spread)
                && self.found.seq_no.is_some_and(|begun| begun != seq_no);
            if let Some(order) = orders.chain(own).find(of_input) {
                self.fires.insert(decision.spread.0, order.order_id);
            }
        }
        if let Detail::Decision(decision) = detail {
            let is_wanted = match self.wanted {
                Wanted::Order(_) => {
                    self.found.seq_no == Some(seq_no) && self.found.spread == Some(decision.spread)
                }
                Wanted::Input { seq_no: wanted, .. } => {
                    wanted == seq_no
                        && (self.found.spread.is_none()
                            || self.found.spread == Some(decision.spread))
                }
            };
            if is_wanted {
                self.found.note(entry);
                self.found.seq_no = Some(seq_no);
                self.found.spread = Some(decision.spread);
                self.found.decision = Some(self.told(entry, decision));
            }
            return;
        }
        // What happens while the fire lives belongs to it.
        let is_after = self.found.seq_no.is_some_and(|begun| seq_no >= begun);
        let is_over = self.found.ending.is_some() || self.is_over;
        if !is_after || is_over && !matches!(detail, Detail::Alert(_) | Detail::Ruling(_)) {
            return;
        }
        let spread = self.found.spread;
        if let Some(sent) = sent_later
            && Some(sent) == spread
            && !self.found.orders.is_empty()
        {
            self.adopt(sent);
        }
        match detail {
            Detail::Ending(ending)
                if Some(ending.spread) == spread && !self.found.orders.is_empty() =>
            {
                self.found.note(entry);
                self.found.ending = Some(self.told(entry, ending));
            }
            Detail::Repair(repair)
                if Some(repair.spread) == spread && !self.found.orders.is_empty() =>
            {
                self.found.note(entry);
                self.found.repairs.push(self.told(entry, repair));
            }
            Detail::Follow(follow)
                if Some(follow.spread) == spread && !self.found.orders.is_empty() =>
            {
                self.found.note(entry);
                self.found.follows.push(self.told(entry, follow));
            }
            Detail::Internal(internal)
                if !self.found.orders.is_empty()
                    && [internal.buy.spread, internal.sell.spread].map(Some).contains(&spread) =>
            {
                self.found.note(entry);
                self.found.internals.push(self.told(entry, internal));
            }
            Detail::Ruling(ruling) if self.is_ruled(&ruling, seq_no) => {
                self.found.note(entry);
                self.found.rulings.push(self.told(entry, ruling));
            }
            Detail::Alert(alert) if self.is_about(&alert) => {
                self.found.note(entry);
                self.found.alerts.push(self.told(entry, alert));
            }
            Detail::State(change)
                if Some(change.spread) == spread || change.spread == SpreadIndex::ALL =>
            {
                self.found.note(entry);
                self.found.states.push(self.told(entry, change));
            }
            _ => {}
        }
    }

    /// Whether a ruling is about the story: with the decision, or while the fire lives.
    fn is_ruled(&self, ruling: &Ruling, seq_no: u64) -> bool {
        let lives = !self.found.orders.is_empty() && !self.is_over;
        let ended = self.found.ending.map(|ending| ending.place.0);
        Some(ruling.spread) == self.found.spread
            && (self.found.seq_no == Some(seq_no)
                || lives && ended.is_none_or(|ended| ended == seq_no))
    }

    /// Whether an alert is about the story: its orders at any time, its spread until the end.
    fn is_about(&self, alert: &Alert) -> bool {
        self.found.is_ours(alert.order_id)
            || Some(alert.spread) == self.found.spread
                && self.found.ending.is_none()
                && !self.is_over
            || self.found.ending.is_some_and(|ending| {
                Some(alert.spread) == self.found.spread && ending.now == self.decoding.now
            })
    }
}
