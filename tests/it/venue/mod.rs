//! Decoders, encoders and layouts, each against its venue's own documents.

pub mod cme;
pub mod esunny;
mod faults;
mod ledger;
mod shell;
pub mod shfe;
mod store;
