//! The market that a score is taken on: two venues that quote the same thing, drawn from a seed
//! before anybody trades in it.
//!
//! Both venues follow one price that wanders, each with noise of its own. Now and then one of them
//! jumps away, and the spread between them stands open for a life time that is drawn from an
//! exponential distribution; it closes because the other venue follows, or because the first one
//! comes back, either as often. Others take lots all the while, and what is open the most. What the
//! books come to is written down as a list of changes, so two desks meet the same market, and so
//! what there was to be had is known without either of them (`opportunities`).
//!
//! It is no model of any real market: figures of it say how two ways to trade compare in it, and
//! nothing about money.

use serde::Serialize;
use xmc_hotpath::message::{Depth, QUOTE_LEVELS};
use xmc_hotpath::time::MonoNs;

use crate::sim::agenda::Agenda;

/// The price step, and 1 in units of which a book counts.
pub const TICK_E9: i64 = 10_000_000;

/// How far a jump leads, in ticks, at least and at most.
pub const JUMP_TICKS: [i64; 2] = [6, 12];

/// From the end of one open spread to the next, on average: exponential.
pub const REST_MS: u64 = 2_000;

/// From one quote of a venue to its next, on average: exponential.
pub const REQUOTE_MS: u64 = 25;

/// From one take of others at a venue to the next while a spread stands open, on average:
/// exponential. At other times three of ten are left.
pub const TAKE_MS: u64 = 60;

/// Lots of a price level, at least and at most.
pub const LEVEL_LOTS: [u32; 2] = [2, 9];

/// What the price is at the start, in ticks.
const PRICE_TICKS: i64 = 7_000;

/// An opportunity that is gone for less than this is the same one: a taker emptied a level and
/// somebody filled it.
const REJOINS_NS: u64 = 100_000_000;

const MS: u64 = 1_000_000;

/// What can be chosen of the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MarketTerms {
    /// How long it trades, in seconds.
    pub seconds: u64,
    /// The mean of the distribution of the life time of an open spread, in milliseconds.
    pub life_ms: u64,
}

/// One side of a book, best price first: ticks and lots.
pub type Levels = Vec<(i64, u32)>;

/// What a venue shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    /// Buyers.
    pub bids: Levels,
    /// Sellers.
    pub asks: Levels,
}

/// A change of a venue's book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// When.
    pub at: MonoNs,
    /// 0 at home, 1 abroad.
    pub venue: usize,
    /// The book from then on, but for what a desk takes from it.
    pub book: Book,
}

/// A market: all that its venues will show, whoever looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// Changes, in order of time.
    pub moves: Vec<Move>,
    /// From when until when a venue's jump stood open, of those that came to their end.
    pub jumps: Vec<[MonoNs; 2]>,
    /// When it closes.
    pub until: MonoNs,
}

/// The spread of one unit, one lot at home against one abroad, stood at a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opportunity {
    /// The spread was to be bought: home against abroad.
    pub is_buy: bool,
    /// From when.
    pub from: MonoNs,
    /// Until when.
    pub until: MonoNs,
}

/// What the generator is going to do.
#[derive(Clone, Copy, Debug)]
enum Act {
    Requote(usize),
    Take(usize),
    Jump,
    Close { from: MonoNs, venue: usize, ticks: i64, is_followed: bool },
}

struct Drawn {
    rng: fastrand::Rng,
    agenda: Agenda<Act>,
    common: i64,
    /// Of each venue: what a jump has added, its noise, and its book.
    jumped: [i64; 2],
    noise: [i64; 2],
    books: [Book; 2],
    /// The jump that stands open.
    open: Option<(usize, i64)>,
    path: Path,
}

impl Path {
    /// The market of a seed, which opens at `from`.
    #[must_use]
    pub fn draw(seed: u64, terms: &MarketTerms, from: MonoNs) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let until = MonoNs(from.0 + terms.seconds * 1_000 * MS);
        let mut drawn = Drawn {
            agenda: Agenda::new(rng.u64(..)),
            rng,
            common: PRICE_TICKS,
            jumped: [0; 2],
            noise: [0; 2],
            books: [Book::default(), Book::default()],
            open: None,
            path: Self { moves: Vec::new(), jumps: Vec::new(), until },
        };
        for venue in 0..2 {
            drawn.quote(from, venue);
            drawn.plan(from, REQUOTE_MS, Act::Requote(venue));
            drawn.plan(from, TAKE_MS, Act::Take(venue));
        }
        drawn.plan(from, REST_MS, Act::Jump);
        while let Some((at, act)) = drawn.agenda.pop().filter(|(at, _)| *at < until) {
            drawn.act(at, act, terms);
        }
        drawn.path
    }

    /// What there is to be had in it: the times in which the spread of one lot, at crossing prices
    /// (对价), is at `buy_ticks` or below, or at `sell_ticks` or above.
    #[must_use]
    pub fn opportunities(&self, buy_ticks: i64, sell_ticks: i64) -> Vec<Opportunity> {
        let mut books = [&Book::default(), &Book::default()].map(Clone::clone);
        let mut all = Vec::new();
        // The one that stands open in each direction, and where it stands among all.
        let mut open: [Option<MonoNs>; 2] = [None, None];
        for Move { at, venue, book } in &self.moves {
            books[*venue] = book.clone();
            let [home, abroad] = &books;
            let best = |levels: &Levels| levels.first().map(|(ticks, _)| *ticks);
            let between = |home: &Levels, abroad: &Levels| Some(best(home)? - best(abroad)?);
            let is_met = [
                between(&home.asks, &abroad.bids).is_some_and(|value| value <= buy_ticks),
                between(&home.bids, &abroad.asks).is_some_and(|value| value >= sell_ticks),
            ];
            for (since, (is_met, is_buy)) in
                open.iter_mut().zip(is_met.into_iter().zip([true, false]))
            {
                match (*since, is_met) {
                    (None, true) => *since = Some(*at),
                    (Some(from), false) => {
                        *since = None;
                        all.push(Opportunity { is_buy, from, until: *at });
                    }
                    _ => {}
                }
            }
        }
        for (since, is_buy) in open.into_iter().zip([true, false]) {
            all.extend(since.map(|from| Opportunity { is_buy, from, until: self.until }));
        }
        joined(all)
    }
}

/// Those of a direction that are hardly apart are one.
fn joined(mut all: Vec<Opportunity>) -> Vec<Opportunity> {
    all.sort_by_key(|one| (one.is_buy, one.from));
    let mut joined: Vec<Opportunity> = Vec::with_capacity(all.len());
    for one in all {
        match joined.last_mut() {
            Some(last)
                if last.is_buy == one.is_buy && one.from.since(last.until).0 < REJOINS_NS =>
            {
                last.until = one.until;
            }
            _ => joined.push(one),
        }
    }
    joined.sort_by_key(|one| (one.from, one.is_buy));
    joined
}

impl Drawn {
    /// Plans `act` for a time after `now` that is drawn from an exponential distribution.
    fn plan(&mut self, now: MonoNs, mean_ms: u64, act: Act) {
        let share = -(1.0 - self.rng.f64()).ln();
        // At most some 40 means: the generator has 53 bits.
        let ns = (share * (mean_ms * MS) as f64) as u64;
        self.agenda.push(MonoNs(now.0 + ns), act);
    }

    fn act(&mut self, now: MonoNs, act: Act, terms: &MarketTerms) {
        match act {
            Act::Requote(venue) => {
                if self.rng.u8(..4) == 0 {
                    self.common += self.rng.i64(-1..=1);
                }
                // Drawn back to nothing.
                let pull =
                    if self.noise[venue].abs() > 1 { -self.noise[venue].signum() } else { 0 };
                self.noise[venue] += self.rng.i64(-1..=1) + pull;
                self.quote(now, venue);
                self.plan(now, REQUOTE_MS, act);
            }
            Act::Take(venue) => {
                self.take(now, venue);
                self.plan(now, TAKE_MS, act);
            }
            Act::Jump => {
                let venue = self.rng.usize(..2);
                let up = if self.rng.bool() { 1 } else { -1 };
                let ticks = up * self.rng.i64(JUMP_TICKS[0]..=JUMP_TICKS[1]);
                self.jumped[venue] += ticks;
                self.open = Some((venue, ticks));
                self.quote(now, venue);
                let is_followed = self.rng.bool();
                self.plan(now, terms.life_ms, Act::Close { from: now, venue, ticks, is_followed });
            }
            Act::Close { from, venue, ticks, is_followed } => {
                self.path.jumps.push([from, now]);
                let moves = if is_followed { 1 - venue } else { venue };
                self.jumped[moves] += if is_followed { ticks } else { -ticks };
                self.open = None;
                self.quote(now, moves);
                self.plan(now, REST_MS, Act::Jump);
            }
        }
    }

    /// A venue quotes anew: levels around its price, those that stay with what is left of them.
    fn quote(&mut self, now: MonoNs, venue: usize) {
        let bid = self.common + self.jumped[venue] + self.noise[venue];
        let ask = bid + self.rng.i64(1..=2);
        let book = &mut self.books[venue];
        book.bids = levels(&mut self.rng, &book.bids, bid, -1);
        book.asks = levels(&mut self.rng, &book.asks, ask, 1);
        self.moved(now, venue);
    }

    /// Others take lots: where a spread stands open, on the side that closes it.
    fn take(&mut self, now: MonoNs, venue: usize) {
        if self.open.is_none() && self.rng.u8(..10) >= 3 {
            return;
        }
        let takes_asks = match self.open {
            // The venue that stands too high is sold to, the other one is bought from.
            Some((jumped, ticks)) => (ticks > 0) != (jumped == venue),
            None => self.rng.bool(),
        };
        let mut lots = self.rng.u32(1..=4);
        let book = &mut self.books[venue];
        let side = if takes_asks { &mut book.asks } else { &mut book.bids };
        for (_, shown) in side.iter_mut() {
            let taken = lots.min(*shown);
            *shown -= taken;
            lots -= taken;
        }
        side.retain(|(_, shown)| *shown > 0);
        self.moved(now, venue);
    }

    fn moved(&mut self, at: MonoNs, venue: usize) {
        self.path.moves.push(Move { at, venue, book: self.books[venue].clone() });
    }
}

fn levels(rng: &mut fastrand::Rng, before: &Levels, best: i64, step: i64) -> Levels {
    let level = |number: i64| {
        let ticks = best + step * number;
        // Lots are added and cancelled, and no level grows or shrinks by that in the long run.
        let known = before.iter().find(|(known, _)| *known == ticks);
        let stays = rng.u8(..4) > 0;
        let lots = match known {
            Some((_, left)) if stays => *left,
            _ => rng.u32(LEVEL_LOTS[0]..=LEVEL_LOTS[1]),
        };
        (ticks, lots)
    };
    (0..).take(QUOTE_LEVELS).map(level).collect()
}

/// One side as a quote shows it: the first levels.
#[must_use]
pub fn depth(levels: impl Iterator<Item = (i64, u32)>, empty: Depth) -> Depth {
    let mut depth = empty;
    for ((ticks, lots), (price, shown)) in
        levels.zip(depth.price_e9.iter_mut().zip(&mut depth.lots))
    {
        (*price, *shown) = (ticks * TICK_E9, lots);
        depth.count += 1;
    }
    depth
}
