//! AF_XDP: its rings in plain memory, its program on frames, and its ports over pairs of virtual
//! interfaces.

mod ring;
