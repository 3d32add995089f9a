//! The deterministic simulator: the very desk and stages that production runs, stepped on a virtual
//! clock against simulated venues and a faulty network, with checkers after every event.
//!
//! Everything that happens in a schedule follows from one `u64` seed and a set of faults that may
//! be dropped one by one (`plan`). There are two levels. The desk level (`world`) hands inputs to
//! `Desk::on` directly: it is quick, so it runs by the hundred thousand. The wire level (`wire`)
//! runs the stages over simulated ports, from the bytes of a feed to the bytes of orders.
//! `exhaustive` goes through every short sequence of order news instead of drawing them; `hall`
//! plays famous failures from scripts; `score` compares the desk with itself, leg after leg;
//! `backtest` plays recorded days with venues that take their time.
//! `generator` makes channels of market data as bytes. `exchange` is a market with books, accounts
//! and a crowd, for the simulated venues that are reached over real sockets.
//!
//! What it deliberately does not do: real time, real sockets, threads; disks but for `shelf`, where
//! a long day's rows lie that nobody may ever ask for.
//!
//! Called by the tests, by `xmc sim`, `xmc score` and `xmc backtest`, and in parts (`venue`,
//! `market`) by the latency run.

pub mod agenda;
pub mod backtest;
pub mod checker;
pub mod clock;
pub mod endings;
pub mod exchange;
pub mod exhaustive;
pub mod fault;
pub mod fires;
pub mod generator;
pub mod hall;
pub mod ledger;
pub mod market;
pub mod model;
pub mod network;
pub mod plan;
pub mod record;
pub mod rules;
pub mod score;
pub mod session;
pub mod shelf;
pub mod situation;
pub mod sweep;
pub mod tape;
pub mod venue;
pub mod wire;
pub mod world;
