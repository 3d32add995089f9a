//! What exchanges and supervisors count of a desk, counted from its record: orders and cancels,
//! orders for each trade, trades with oneself, positions, fees of orders.
//!
//! `meters` count by exchange, contract and account group, in the trading day of the exchange's
//! calendar (`day`); `judge` compares them with configured thresholds and forecasts when one is met
//! at the present rate; `follow` reads a record while it is written, `watch` has it judged for
//! alerts. Thresholds come from
//! `[compliance]`, each with its source and date: none is built in. Definitions are this program's
//! own; what an exchange counts exactly, and how, is UNPROVEN until a threshold says otherwise.
//!
//! Deliberately absent: holding orders back. The limits of the desk do that. Called by `xmc
//! compliance` and by the engine's alerts.

pub mod day;
pub mod follow;
pub mod judge;
pub mod meters;
pub mod watch;
