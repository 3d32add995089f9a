//! The background of the simulated markets: participants who quote and trade around fair prices
//! that are the same for all venues of one seed.
//!
//! `world` says what products are worth, `product` which products there are, `quoter` how one
//! instrument is quoted. Here is when: quotes follow the fair price at once where events are told,
//! and shortly before each slice where slices are told, since there everybody acts on the same
//! picture; so a picture holds until the next one is due. Halts and one-sided books come by
//! schedule.
//!
//! Not here: reactions to our orders beyond refilling what they took.

mod product;
mod quoter;
mod world;

pub use product::{Product, Root, Temper};
pub use world::World;

use super::event::Phase;
use super::order::{ListingIndex, Request};
use super::rules::{Listing, Publish, Rules};
use super::{Exchange, Settings as ExchangeSettings};
use crate::sim::agenda::Agenda;
use crate::sim::network::Delay;
use quoter::Quoter;
use xmc_hotpath::message::Side;
use xmc_hotpath::time::{MonoNs, Span};

/// How an instrument is quoted, and how lively.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Levels on each side.
    pub levels: u8,
    /// Lots of a level when it is made: least and most. It is filled up when it has fewer.
    pub lots: (u32, u32),
    /// Ticks between the best bid and the best ask.
    pub width_ticks: i64,
    /// From a move of the fair price to the quotes that follow it, where events are told.
    pub reaction: Delay,
    /// How long before a slice quotes follow the fair price, where slices are told.
    pub lead: Delay,
    /// From one look at the levels, filling up what was taken, to the next.
    pub tend: Delay,
    /// From one change of a single level to the next.
    pub stir: Delay,
    /// From one take to the next.
    pub hit: Delay,
    /// Lots of a take, at most.
    pub hit_lots: u32,
}

impl Style {
    /// Deep levels, moved at each slice.
    #[must_use]
    pub fn shfe() -> Self {
        Self {
            levels: 6,
            lots: (40, 120),
            width_ticks: 1,
            reaction: Delay { least_ns: 0, spread_ns: 0 },
            lead: Delay { least_ns: 100_000, spread_ns: 200_000 },
            tend: Delay { least_ns: 10_000_000, spread_ns: 20_000_000 },
            stir: Delay { least_ns: 10_000_000, spread_ns: 60_000_000 },
            hit: Delay { least_ns: 20_000_000, spread_ns: 400_000_000 },
            hit_lots: 6,
        }
    }

    /// Thinner levels, moved as soon as the fair price moves.
    #[must_use]
    pub fn cme() -> Self {
        Self {
            levels: 12,
            lots: (15, 60),
            reaction: Delay { least_ns: 50_000, spread_ns: 1_500_000 },
            tend: Delay { least_ns: 2_000_000, spread_ns: 6_000_000 },
            stir: Delay { least_ns: 1_000_000, spread_ns: 12_000_000 },
            hit: Delay { least_ns: 10_000_000, spread_ns: 200_000_000 },
            hit_lots: 4,
            ..Self::shfe()
        }
    }
}

/// What an interruption does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The instrument is halted.
    Halt,
    /// Nobody quotes on this side.
    OneSided(Side),
}

/// Something that comes again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interruption {
    /// What.
    pub trouble: Trouble,
    /// To which instrument.
    pub listing: ListingIndex,
    /// When for the first time.
    pub first: MonoNs,
    /// From one beginning to the next.
    pub every: Span,
    /// How long.
    pub lasts: Span,
}

/// The background of one exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The products of the exchange's instruments, by `ListingIndex`.
    pub products: Vec<(Product, Style)>,
    /// How they move, instead of their own tempers; all venues of a world must say the same.
    pub tempers: Vec<(Product, Temper)>,
    /// The seed of the world: the same for all venues whose prices hang together.
    pub world_seed: u64,
    /// What comes by schedule.
    pub interruptions: Vec<Interruption>,
}

impl Settings {
    /// Products quoted in one style, undisturbed.
    #[must_use]
    pub fn new(world_seed: u64, products: &[Product], style: Style) -> Self {
        let products = products.iter().map(|product| (*product, style)).collect();
        Self { products, tempers: Vec::new(), world_seed, interruptions: Vec::new() }
    }
}

impl ExchangeSettings {
    /// The domestic market: copper on SHFE and INE, gold on SHFE, oil on INE; contracts named by
    /// `month`.
    #[must_use]
    pub fn shfe(world_seed: u64, month: &str) -> Self {
        let products = [Product::Cu, Product::Bc, Product::Au, Product::Sc];
        Self::quoted(Rules::shfe(), Settings::new(world_seed, &products, Style::shfe()), month)
    }

    /// The overseas market: copper and gold on COMEX, the yuan on CME, oil on NYMEX; contracts
    /// named by `month`.
    #[must_use]
    pub fn cme(world_seed: u64, month: &str) -> Self {
        let products = [Product::Hg, Product::Gc, Product::Cnh, Product::Cl];
        Self::quoted(Rules::cme(), Settings::new(world_seed, &products, Style::cme()), month)
    }

    /// Lists another month of an instrument's product, quoted as the one is and worth the same.
    ///
    /// # Panics
    /// If there is no such instrument, or no background that quotes it.
    pub fn list_again(&mut self, listing: ListingIndex, month: &str) {
        let flow = self.flow.as_mut().expect("there is a background");
        let (product, style) = flow.products[usize::from(listing.0)];
        flow.products.push((product, style));
        self.listings.push(product.listing(&format!("{}{month}", product.code())));
    }

    fn quoted(rules: Rules, flow: Settings, month: &str) -> Self {
        let listing = |(product, _): &(Product, Style)| -> Listing {
            product.listing(&format!("{}{month}", product.code()))
        };
        let listings = flow.products.iter().map(listing).collect();
        Self { rules, listings, start: MonoNs(0), flow: Some(flow) }
    }
}

/// What the background does next.
#[derive(Clone, Copy, Debug)]
enum Beat {
    Open,
    World,
    /// Looks at the fair price and quotes around it.
    Reprice(usize),
    /// Quotes around what it aims at.
    Tend(usize),
    Stir(usize),
    Hit(usize),
    Begin(usize),
    End(usize),
}

/// What is to be done at the exchange.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    Requests(Vec<Request>),
    /// Of all instruments, or of one.
    Phase(Option<ListingIndex>, Phase),
}

/// The background.
#[derive(Debug)]
pub(super) struct Flow {
    world: World,
    quoters: Vec<Quoter>,
    agenda: Agenda<Beat>,
    interruptions: Vec<Interruption>,
    is_undisturbed: bool,
    publish: Publish,
}

impl Flow {
    /// # Panics
    /// If products and instruments do not match.
    pub fn new(
        settings: &Settings,
        rules: &Rules,
        listings: &[Listing],
        start: MonoNs,
        seed: u64,
    ) -> Self {
        let Settings { products, tempers, world_seed, interruptions } = settings;
        assert_eq!(products.len(), listings.len(), "each instrument has a product");
        let temper = |product: Product| {
            let found = tempers.iter().find(|(other, _)| *other == product);
            found.map_or(product.temper(), |(_, temper)| *temper)
        };
        let mut world = World::with_tempers(*world_seed, temper);
        world.advance_to(start);
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut agenda = Agenda::new(rng.u64(..));
        let mut quoters = Vec::new();
        for (index, ((product, style), listing)) in (0..).zip(products.iter().zip(listings)) {
            assert_eq!(product.tick_e9(), listing.tick_e9, "{} is its product", listing.symbol);
            let rng = fastrand::Rng::with_seed(rng.u64(..));
            quoters.push(Quoter::new(ListingIndex(index), *product, *style, rng));
        }
        agenda.push(start, Beat::Open);
        for place in 0..quoters.len() {
            // After the opening, whatever order the agenda gives to things of one moment.
            let soon = start.after(Span(1));
            [Beat::Reprice(place), Beat::Stir(place), Beat::Hit(place)]
                .into_iter()
                .for_each(|beat| agenda.push(soon, beat));
            agenda.push(soon.after(Span(1)), Beat::Tend(place));
        }
        agenda.push(world.next_at(), Beat::World);
        for (place, interruption) in interruptions.iter().enumerate() {
            agenda.push(interruption.from(start), Beat::Begin(place));
        }
        let interruptions = interruptions.clone();
        let publish = rules.publish;
        Self { world, quoters, agenda, interruptions, is_undisturbed: false, publish }
    }

    /// An instrument's quoter leaves so many ticks between its best prices from now on; `None`: as
    /// many as its style says.
    pub fn set_width(&mut self, listing: ListingIndex, ticks: Option<i64>) {
        let quoter = &mut self.quoters[usize::from(listing.0)];
        quoter.widen(ticks, self.world.fair_e9(quoter.product));
    }

    /// No interruption begins any more; those that have begun end as they would have.
    pub fn undisturb(&mut self) {
        self.is_undisturbed = true;
    }

    /// When something is next.
    pub fn next_at(&self) -> MonoNs {
        self.agenda.next_at()
    }

    /// What is next, done as far as it does not concern the exchange.
    pub fn act(&mut self, exchange: &Exchange) -> Option<Deed> {
        let (now, beat) = self.agenda.pop()?;
        match beat {
            Beat::Open => Some(Deed::Phase(None, Phase::Open)),
            Beat::World => {
                self.turn(now);
                None
            }
            Beat::Reprice(place) => {
                let quoter = &mut self.quoters[place];
                quoter.aim_at(self.world.fair_e9(quoter.product));
                if let Publish::Slices(every) = self.publish {
                    let lead = quoter.style.lead.draw(quoter.rng());
                    // The next slice that is far enough away.
                    let slice = (now.0 + lead).div_euclid(every.0) + 1;
                    let next = MonoNs((slice * every.0).saturating_sub(lead));
                    self.agenda.push(next.max(now.after(Span(1))), beat);
                }
                self.requests(place, exchange, Quoter::tend)
            }
            Beat::Tend(place) => {
                self.again(now, beat, place, |style| style.tend, exchange, Quoter::tend)
            }
            Beat::Stir(place) => {
                self.again(now, beat, place, |style| style.stir, exchange, Quoter::stir)
            }
            Beat::Hit(place) => {
                self.again(now, beat, place, |style| style.hit, exchange, Quoter::hit)
            }
            Beat::Begin(_) if self.is_undisturbed => None,
            Beat::Begin(place) => {
                let interruption = self.interruptions[place];
                self.agenda.push(now.after(interruption.lasts), Beat::End(place));
                self.agenda.push(interruption.from(now.after(Span(1))), beat);
                self.interrupt(&interruption, true)
            }
            Beat::End(place) => {
                let interruption = self.interruptions[place];
                self.interrupt(&interruption, false)
            }
        }
    }

    /// The world goes on; where events are told, quotes follow.
    fn turn(&mut self, now: MonoNs) {
        self.world.advance_to(now);
        self.agenda.push(self.world.next_at(), Beat::World);
        if self.publish != Publish::Events {
            return;
        }
        for (place, quoter) in self.quoters.iter_mut().enumerate() {
            if quoter.misses(self.world.fair_e9(quoter.product)) {
                let reaction = quoter.style.reaction.draw(quoter.rng());
                self.agenda.push(now.after(Span(reaction)), Beat::Reprice(place));
            }
        }
    }

    fn again(
        &mut self,
        now: MonoNs,
        beat: Beat,
        place: usize,
        delay: impl Fn(&Style) -> Delay,
        exchange: &Exchange,
        what: impl Fn(&mut Quoter, &Exchange) -> Vec<Request>,
    ) -> Option<Deed> {
        let quoter = &mut self.quoters[place];
        let delay = delay(&quoter.style).draw(quoter.rng());
        self.agenda.push(now.after(Span(delay.max(1))), beat);
        self.requests(place, exchange, what)
    }

    /// What an instrument's participants want, if it can be traded.
    fn requests(
        &mut self,
        place: usize,
        exchange: &Exchange,
        what: impl Fn(&mut Quoter, &Exchange) -> Vec<Request>,
    ) -> Option<Deed> {
        let quoter = &mut self.quoters[place];
        let is_open = exchange.engine(quoter.listing)?.phase() == Phase::Open;
        let requests = if is_open { what(quoter, exchange) } else { Vec::new() };
        (!requests.is_empty()).then_some(Deed::Requests(requests))
    }

    fn interrupt(&mut self, interruption: &Interruption, begins: bool) -> Option<Deed> {
        let listing = interruption.listing;
        match interruption.trouble {
            Trouble::Halt => {
                let phase = if begins { Phase::Halted } else { Phase::Open };
                Some(Deed::Phase(Some(listing), phase))
            }
            Trouble::OneSided(side) => {
                let quoter = self.quoters.get_mut(usize::from(listing.0))?;
                quoter.quote(side.opposite(), true);
                quoter.quote(side, !begins);
                None
            }
        }
    }
}

impl Interruption {
    /// The first beginning that is not before a moment.
    fn from(&self, moment: MonoNs) -> MonoNs {
        let late = moment.since(self.first).0;
        let turns = late.div_ceil(self.every.0.max(1));
        MonoNs(self.first.0 + turns * self.every.0)
    }
}
