//! The desk, driven by hand: one spread of two legs on a small stand.

mod breakers;
mod carried;
mod details;
mod doubt;
mod gates;
mod internal;
mod lead;
mod loss;
mod news;
mod offset;
mod remove;
mod repair;
mod rules;
mod scope;
mod single;
mod slices;
mod snapshot;
pub mod stand;
mod timers;
mod trigger;
mod watermark;
mod work;
