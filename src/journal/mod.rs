//! To be written in the next steps.
