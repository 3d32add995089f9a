//! The backtest: a queue by hand, venues by hand and against plain code, and a desk on a market.

mod play;
mod queue;
mod reference;
mod sweep;
mod venue;
