//! The desk, driven by hand: one spread of two legs on a small stand.

mod gates;
mod news;
mod stand;
mod timers;
