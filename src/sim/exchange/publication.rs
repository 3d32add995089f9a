//! What the public is told of books and figures, and what it was told last.

use super::engine::Engine;
use super::event::{Event, Sink, Slice};
use super::figures::Figures;
use super::order::ListingIndex;
use super::rules::{Publish, Rules};
use super::shown::{Level, Shown};
use xmc_hotpath::time::{MonoNs, Span};

/// What the public was last told of an instrument.
#[derive(Clone, Debug, Default)]
struct Told {
    shown: Shown,
    figures: Figures,
    /// The book may differ from it.
    is_dirty: bool,
}

/// The publishing side of an exchange.
#[derive(Clone, Debug)]
pub(super) struct Publication {
    publish: Publish,
    depth: usize,
    told: Vec<Told>,
    next_slice: u64,
}

impl Publication {
    /// Nothing was told yet of `count` instruments; the first slice is not before `start`.
    pub fn new(rules: &Rules, count: usize, start: MonoNs) -> Self {
        let next_slice = match rules.publish {
            Publish::Events => 0,
            Publish::Slices(Span(0)) => panic!("time passes between two slices"),
            Publish::Slices(every) => start.0.div_ceil(every.0),
        };
        let (publish, depth) = (rules.publish, usize::from(rules.depth));
        Self { publish, depth, told: vec![Told::default(); count], next_slice }
    }

    /// The book and the figures as they were last told.
    pub fn told(&self, listing: ListingIndex) -> Option<(&Shown, &Figures)> {
        let told = self.told.get(usize::from(listing.0))?;
        Some((&told.shown, &told.figures))
    }

    /// A book may have changed.
    pub fn touch(&mut self, listing: ListingIndex) {
        self.told[usize::from(listing.0)].is_dirty = true;
    }

    /// The number of the next slice; 0 where events are told.
    pub fn next_slice(&self) -> u64 {
        self.next_slice
    }

    /// When the next slice is due; `NEVER` where events are told.
    pub fn slice_at(&self) -> MonoNs {
        match self.publish {
            Publish::Events => MonoNs::NEVER,
            Publish::Slices(every) => MonoNs(self.next_slice * every.0),
        }
    }

    /// Tells what an event did to books, where each event is told.
    pub fn end_event(
        &mut self,
        now: MonoNs,
        engines: &[Engine],
        figures: &[Figures],
        sink: &mut impl Sink,
    ) {
        if self.publish == Publish::Events {
            for (index, (engine, figures)) in (0..).zip(engines.iter().zip(figures)) {
                let levels = self.catch_up(ListingIndex(index), engine, figures);
                levels.into_iter().for_each(|level| sink.take(now, &Event::Level(level)));
            }
        }
        sink.take(now, &Event::EndOfEvent);
    }

    /// Tells what has changed since the last slice.
    pub fn slice(
        &mut self,
        now: MonoNs,
        engines: &[Engine],
        figures: &[Figures],
        sink: &mut impl Sink,
    ) {
        let number = self.next_slice;
        self.next_slice += 1;
        for (index, (engine, figures)) in (0..).zip(engines.iter().zip(figures)) {
            let listing = ListingIndex(index);
            let before = self.told[usize::from(index)].figures;
            let levels = self.catch_up(listing, engine, figures);
            if !levels.is_empty() || before != *figures {
                let slice = Slice { number, listing, levels, before, after: *figures };
                sink.take(now, &Event::Slice(slice));
            }
        }
        sink.take(now, &Event::EndOfSlice { number });
    }

    /// Makes what was told what is there.
    fn catch_up(
        &mut self,
        listing: ListingIndex,
        engine: &Engine,
        figures: &Figures,
    ) -> Vec<Level> {
        let told = &mut self.told[usize::from(listing.0)];
        let mut levels = Vec::new();
        if std::mem::take(&mut told.is_dirty) {
            told.shown.become_next(engine.shown(), self.depth, listing, &mut levels);
        }
        told.figures = *figures;
        levels
    }
}
