//! Capital over both borders: what every account holds, needs and can still carry, and how money
//! gets there in time.
//!
//! Money is exact (`rust_decimal`); only seeded price paths (`paths`) are floats. Everything is a
//! pure function of the terms (`config::capital`) and a `Book`: no clock is read, nothing is sent,
//! and no bank is known. `margin` is what is asked for, `stand` what that leaves now and at worst,
//! `headroom` how many more lots fit, `level` what a utilisation leads to, `plan` where money comes
//! from, `call` who is called first, `settle` the end of a day, `ledger` what fills make of a book.
//! `transfer` is a bank that is SIMULATED.
//!
//! Not here: gates of the desk (`xmc_hotpath::risk` counts lots; headroom is given in lots for
//! that), and what a venue's own margin program would say of options or cross-product offsets
//! (SPAN): a contract has a margin by side and day and no more. Called by `xmc capital` and by a
//! running engine (`engine::capital`).

pub mod book;
pub mod call;
pub mod flow;
pub mod headroom;
pub mod ledger;
pub mod level;
pub mod margin;
pub mod paths;
pub mod plan;
pub mod route;
pub mod settle;
pub mod stand;
pub mod transfer;

pub use book::{Book, BookError, Refused};
pub use level::{Ladder, Stage};
pub use stand::{Stand, View};
