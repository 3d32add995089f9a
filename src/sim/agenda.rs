//! What is going to happen, in order of time: the simulator's scheduler.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use xmc_hotpath::time::MonoNs;

/// Things that happen at moments. Things of the same moment come in an order that the seed decides,
/// so that no test comes to rely on one.
#[derive(Debug)]
pub struct Agenda<T> {
    heap: BinaryHeap<Entry<T>>,
    ties: fastrand::Rng,
    pushed: u64,
}

#[derive(Debug)]
struct Entry<T> {
    at: MonoNs,
    tie: u32,
    /// Makes the order total.
    number: u64,
    what: T,
}

impl<T> Agenda<T> {
    /// Nothing planned; `seed` decides ties.
    pub fn new(seed: u64) -> Self {
        Self { heap: BinaryHeap::new(), ties: fastrand::Rng::with_seed(seed), pushed: 0 }
    }

    /// Plans `what` for the moment `at`.
    pub fn push(&mut self, at: MonoNs, what: T) {
        let (tie, number) = (self.ties.u32(..), self.pushed);
        self.pushed += 1;
        self.heap.push(Entry { at, tie, number, what });
    }

    /// The moment of what comes next; `NEVER` if nothing is planned.
    pub fn next_at(&self) -> MonoNs {
        self.heap.peek().map_or(MonoNs::NEVER, |entry| entry.at)
    }

    /// Takes what comes next.
    pub fn pop(&mut self) -> Option<(MonoNs, T)> {
        self.heap.pop().map(|entry| (entry.at, entry.what))
    }

    /// Takes what comes next if that is not after `now`.
    pub fn pop_due(&mut self, now: MonoNs) -> Option<T> {
        (self.next_at() <= now).then(|| self.pop()).flatten().map(|(_, what)| what)
    }

    /// How much is planned.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing is planned.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

impl<T> Entry<T> {
    fn key(&self) -> (MonoNs, u32, u64) {
        (self.at, self.tie, self.number)
    }
}

impl<T> Ord for Entry<T> {
    /// The earliest is the greatest: `BinaryHeap` gives that first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Entry<T> {}
