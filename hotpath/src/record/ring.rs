//! The record ring: to be written in the next steps.
