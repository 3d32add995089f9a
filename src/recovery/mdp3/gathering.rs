//! What came so far, and whether it is enough.

use super::super::tail::Kept;
use super::super::tail::{Noted, Tail};
use super::super::terms::{Comparison, Difference, Wanted};
use super::seed::{Book, Depths, Level, Start};
use std::collections::BTreeMap;
use xmc_hotpath::book::{BookSide, Family, IMPLIED_LEVELS, OUTRIGHT_LEVELS};
use xmc_hotpath::feed::SeqNo;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::UnixNs;
use xmc_hotpath::venue::cme::mdp3::decode::{
    self, DecodeError, Message, Packet, PriceScale, Snapshot,
};
use xmc_hotpath::venue::cme::mdp3::layout::{
    DefinitionAction, DefinitionHead, EntryKind, FeedTypeEntry, I32_NULL, Mantissa, SnapshotEntry,
    U8_NULL, U32_NULL,
};
use xmc_hotpath::venue::cme::mdp3::{day, feed};
use xmc_hotpath::wire;

/// What is not there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// No definition of any instrument.
    AllDefinitions,
    /// Definitions of what is wanted; more are to come.
    Definitions {
        /// Which.
        instruments: Vec<String>,
        /// Definitions that came.
        have: usize,
        /// Definitions of one loop.
        of: u32,
    },
    /// The venue has defined all that it has, and what is wanted is not among it.
    Unknown(Vec<String>),
    /// The venue's terms are not those of the configuration.
    Differing(Vec<Difference>),
    /// No snapshot of any instrument.
    AllSnapshots,
    /// No packet of the incremental lines, and the snapshots do not say that there is none.
    AllPackets,
    /// Snapshots that the lines go on from.
    Snapshots {
        /// Of which instruments.
        instruments: Vec<String>,
        /// Snapshots that came and could not be read.
        refused: u64,
    },
}

impl Missing {
    /// Whether waiting longer changes nothing.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Unknown(_) | Self::Differing(_))
    }
}

/// What a definition says of an instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Terms {
    symbol: String,
    tick_e9: Option<i64>,
    display_factor_e9: Option<i64>,
    depths: Depths,
    family: Family,
}

/// A snapshot, and whether a later loop told the same.
#[derive(Clone, Debug)]
struct Told {
    book: Book,
    sent_ns: u64,
    is_repeated: bool,
}

/// Packets of the lines that are kept for a start; some 20 MB.
const MOST_KEPT: usize = 1 << 14;

/// What came so far.
#[derive(Clone, Debug)]
pub struct Gathering {
    wanted: Vec<Wanted>,
    terms: BTreeMap<i32, Terms>,
    /// Definitions in one loop, once told.
    defined: Option<u32>,
    told: BTreeMap<i32, Told>,
    /// Snapshots in one loop, once told.
    report_count: Option<u32>,
    tail: Tail,
    /// The last channel reset: snapshots from before it are void.
    reset: Option<SeqNo>,
    refused: u64,
    /// Packets of the incremental lines, in the order in which they came.
    kept: Vec<Kept>,
}

impl Gathering {
    /// Nothing yet of what is wanted.
    #[must_use]
    pub fn new(wanted: Vec<Wanted>) -> Self {
        Self {
            wanted,
            terms: BTreeMap::new(),
            defined: None,
            told: BTreeMap::new(),
            report_count: None,
            tail: Tail::default(),
            reset: None,
            refused: 0,
            kept: Vec::new(),
        }
    }

    /// Begins again with what instruments are known: older snapshots and packets say nothing of
    /// what was lost since.
    pub fn begin(&mut self) {
        self.forget();
        self.tail = Tail::default();
        self.refused = 0;
    }

    /// Whether a definition of what is wanted is not there yet.
    #[must_use]
    pub fn lacks_terms(&self) -> bool {
        self.wanted.iter().any(|wanted| !self.terms.contains_key(&wanted.security_id))
    }

    /// Takes a packet of an incremental line and keeps it for the start.
    pub fn keep(&mut self, line: Line, payload: &[u8]) {
        self.on_incremental(payload);
        if self.kept.len() >= MOST_KEPT {
            // No snapshot for so long: what comes goes on from a newer one.
            self.begin();
        }
        if let Ok(packet) = decode::packet(payload) {
            let seq_no = SeqNo(packet.seq_no());
            self.kept.push(Kept { line, seq_no, payload: payload.to_vec() });
        }
    }

    /// Takes a packet of either incremental line.
    pub fn on_incremental(&mut self, payload: &[u8]) {
        let Ok(packet) = decode::packet(payload) else { return };
        let seq_no = SeqNo(packet.seq_no());
        if self.tail.note(seq_no) == Noted::Anew {
            self.forget();
        }
        let mut messages = packet.messages();
        if messages.any(|message| matches!(message.decode(), Ok(Message::Reset(_)))) {
            let known = self.reset.map_or(0, |reset| reset.0);
            self.reset = Some(SeqNo(seq_no.0.max(known)));
            self.told.retain(|_, told| told.book.last.0 >= seq_no.0);
        }
    }

    /// Nothing that was told goes on: the venue numbers its packets anew, or it was used.
    pub(in crate::recovery) fn forget(&mut self) {
        self.kept.clear();
        self.told.clear();
        self.report_count = None;
        self.reset = None;
    }

    /// Takes a packet of a definition group.
    pub fn on_definitions(&mut self, payload: &[u8]) {
        let Ok(packet) = decode::packet(payload) else { return };
        for message in packet.messages() {
            // A message that cannot be read comes again with the next loop.
            let _ = message.decode().and_then(|message| self.define(&message));
        }
    }

    fn define(&mut self, message: &Message<'_>) -> Result<(), DecodeError> {
        let (head, scale, tick, factor, depths) = match message {
            Message::Future(of) => {
                let root = of.root;
                (root.head, of.scale, root.tick, root.display_factor, of.groups()?.feed_types)
            }
            Message::Spread(of) => {
                let (root, groups) = (of.root, of.groups()?.common);
                (root.head, of.scale, root.tick, root.display_factor, groups.feed_types)
            }
            Message::Option(of) => {
                let (root, groups) = (of.root, of.groups()?.common);
                (root.head, of.scale, root.tick, root.display_factor, groups.feed_types)
            }
            _ => return Ok(()),
        };
        self.note_terms(&head, scale, [tick, factor], depths)
    }

    fn note_terms<'a>(
        &mut self,
        head: &DefinitionHead,
        scale: PriceScale,
        [tick, display_factor]: [Mantissa; 2],
        depths: impl Iterator<Item = &'a FeedTypeEntry>,
    ) -> Result<(), DecodeError> {
        let count = head.report_count.get();
        if count != U32_NULL {
            self.defined = Some(count);
        }
        let security_id = head.security_id.get();
        if DefinitionAction::from_wire(head.update_action) == Some(DefinitionAction::Delete) {
            self.terms.remove(&security_id);
            return Ok(());
        }
        let terms = Terms {
            symbol: String::from_utf8_lossy(wire::text(&head.symbol)).into_owned(),
            tick_e9: scale.price_e9(tick)?,
            display_factor_e9: scale.price_e9(display_factor)?,
            depths: Depths::read(depths),
            family: Family { group: head.security_group, asset: head.asset },
        };
        self.terms.insert(security_id, terms);
        Ok(())
    }

    /// Takes a packet of a snapshot group.
    pub fn on_snapshots(&mut self, payload: &[u8]) {
        let Ok(packet) = decode::packet(payload) else { return };
        for message in packet.messages() {
            match message.decode() {
                Ok(Message::Snapshot(snapshot)) => self.take(&packet, &snapshot),
                Ok(_) => {}
                Err(_) => self.refused += 1,
            }
        }
    }

    fn take(&mut self, packet: &Packet<'_>, snapshot: &Snapshot<'_>) {
        let root = snapshot.root;
        let (security_id, last) = (root.security_id.get(), SeqNo(root.last_seq_no.get()));
        if self.reset.is_some_and(|reset| last.0 < reset.0) {
            return;
        }
        let Some(levels) = levels(snapshot) else {
            self.refused += 1;
            return;
        };
        let book = Book {
            last,
            rpt_seq: root.rpt_seq.get(),
            taken: UnixNs(root.transact_ns.get()),
            status: Some(root.trading_status).filter(|status| *status != U8_NULL),
            levels,
            day: day::told(snapshot),
        };
        let sent_ns = packet.sent_ns();
        let known = self.told.get_mut(&security_id);
        // The other line's copy, or an old one.
        let is_news = |known: &Told| known.book.last.0 <= last.0 && known.sent_ns != sent_ns;
        if !known.as_deref().is_none_or(is_news) {
            return;
        }
        self.report_count = Some(root.report_count.get());
        match known {
            Some(known) if known.book.is_as_of(&book) => known.is_repeated = true,
            _ => {
                self.told.insert(security_id, Told { book, sent_ns, is_repeated: false });
            }
        }
    }

    /// What the feed begins with, or what is missing for it.
    ///
    /// # Errors
    /// See `Missing`.
    pub fn start(&self) -> Result<Start, Missing> {
        self.check_terms()?;
        if self.told.is_empty() {
            return Err(Missing::AllSnapshots);
        }
        let books: BTreeMap<i32, Book> = self
            .told
            .iter()
            .filter(|(_, told)| self.goes_on(told))
            .map(|(security_id, told)| (*security_id, told.book.clone()))
            .collect();
        let untold: Vec<_> =
            self.wanted.iter().filter(|of| !books.contains_key(&of.security_id)).collect();
        // Instruments without an entry this week have no snapshot: their books are empty.
        let is_loop_whole = self
            .report_count
            .and_then(|count| usize::try_from(count).ok())
            .is_some_and(|count| !books.is_empty() && books.len() >= count);
        if !untold.is_empty() && !is_loop_whole {
            if self.tail.newest().is_none() && books.is_empty() {
                return Err(Missing::AllPackets);
            }
            let instruments = untold.iter().map(ToString::to_string).collect();
            return Err(Missing::Snapshots { instruments, refused: self.refused });
        }
        let depths = self.terms.iter().map(|(id, of)| (*id, (of.depths, of.family))).collect();
        Ok(Start::new(self.wanted.clone(), depths, books, self.tail.newest(), &self.kept))
    }

    /// Whether the lines bring everything after a snapshot. On a channel that is quiet they bring
    /// nothing, and the next loop tells the same.
    fn goes_on(&self, told: &Told) -> bool {
        match self.tail.newest() {
            Some(_) => self.tail.goes_on_from(told.book.last),
            None => told.is_repeated,
        }
    }

    fn check_terms(&self) -> Result<(), Missing> {
        if self.terms.is_empty() {
            return Err(Missing::AllDefinitions);
        }
        let mut differences = Vec::new();
        let mut undefined = Vec::new();
        for wanted in &self.wanted {
            match self.terms.get(&wanted.security_id) {
                Some(terms) => differences.extend(compare(wanted, terms)),
                None => match self.id_of(&wanted.symbol) {
                    Some(id) => differences.extend(other_id(wanted, id)),
                    None => undefined.push(wanted.to_string()),
                },
            }
        }
        if !differences.is_empty() {
            return Err(Missing::Differing(differences));
        }
        if undefined.is_empty() {
            return Ok(());
        }
        let (have, of) = (self.terms.len(), self.defined.unwrap_or(u32::MAX));
        if usize::try_from(of).is_ok_and(|of| have >= of) {
            return Err(Missing::Unknown(undefined));
        }
        Err(Missing::Definitions { instruments: undefined, have, of })
    }

    fn id_of(&self, symbol: &str) -> Option<i32> {
        self.terms.iter().find(|(_, terms)| terms.symbol == symbol).map(|(id, _)| *id)
    }
}

fn compare(wanted: &Wanted, terms: &Terms) -> Vec<Difference> {
    let mut comparison = Comparison::new(wanted);
    comparison.text("symbol", &wanted.symbol, &terms.symbol);
    comparison.e9("tick_size", wanted.tick_e9, terms.tick_e9);
    comparison.e9("display_factor", wanted.display_factor_e9, terms.display_factor_e9);
    comparison.finish()
}

fn other_id(wanted: &Wanted, id: i32) -> Vec<Difference> {
    let mut comparison = Comparison::new(wanted);
    comparison.text("security_id", &wanted.security_id.to_string(), &id.to_string());
    comparison.finish()
}

impl Depths {
    fn read<'a>(entries: impl Iterator<Item = &'a FeedTypeEntry>) -> Self {
        let [outright, implied] = feed::depths(entries);
        Self { outright, implied }
    }
}

/// The levels of a snapshot; `None` if one of them is none.
pub(in crate::recovery) fn levels(snapshot: &Snapshot<'_>) -> Option<Vec<Level>> {
    let mut levels = Vec::new();
    for entry in snapshot.entries {
        let (side, most) = match EntryKind::from_wire(entry.kind) {
            Some(EntryKind::Bid) => (BookSide::Bid, OUTRIGHT_LEVELS),
            Some(EntryKind::Offer) => (BookSide::Ask, OUTRIGHT_LEVELS),
            Some(EntryKind::ImpliedBid) => (BookSide::ImpliedBid, IMPLIED_LEVELS),
            Some(EntryKind::ImpliedOffer) => (BookSide::ImpliedAsk, IMPLIED_LEVELS),
            // Statistics.
            _ => continue,
        };
        levels.push(level(entry, snapshot.scale, side, most)?);
    }
    Some(levels)
}

fn level(entry: &SnapshotEntry, scale: PriceScale, side: BookSide, most: usize) -> Option<Level> {
    let place = u8::try_from(entry.level).ok()?;
    let is_place = (1..=most).contains(&usize::from(place));
    let price_e9 = scale.price_e9(entry.price).ok()??;
    let count = |raw: i32| if raw == I32_NULL { None } else { u32::try_from(raw).ok() };
    let lots = count(entry.size_lots.get()).filter(|lots| *lots > 0)?;
    let orders = count(entry.order_count.get()).unwrap_or(0);
    is_place.then_some(Level { side, place, price_e9, lots, orders })
}
