//! Ports: capture files and the datagrams in their frames.

mod capture;
mod datagram;
mod line;
