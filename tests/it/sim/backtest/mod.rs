//! The backtest: a queue by hand, venues by hand and against plain code, a desk on a market, its
//! money against the record's own fills.

mod batch;
mod money;
mod play;
mod queue;
mod reference;
mod sweep;
mod venue;
