//! What a person sees of a running engine: figures of the record, one moment of it, and the
//! screens in a terminal and in a browser, and plain lines, that show them in Chinese or English.
//!
//! Nothing here touches a hot core. Whoever drains the record gives every entry to a `Tally` and to
//! a shadow desk, takes a `View` some times a second, and draws it. No figure is computed twice:
//! the screen, the plain lines and the closing summary read the same tally.
//!
//! What it deliberately does not do: command the engine. Keys change what is shown, and end it.

mod count;
pub mod gate;
pub mod number;
pub mod plain;
pub mod ruling;
pub mod setting;
pub mod tally;
pub mod terminal;
pub mod view;
pub mod web;
pub mod words;

pub use plain::Plain;
pub use setting::Setting;
pub use tally::Tally;
pub use view::{Journal, Ring, Sources, View};
pub use words::Lang;
