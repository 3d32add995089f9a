//! What an interface says of itself through `ioctl(2)`: driver, queues, link address. The files
//! below `/sys/class/net` are those of the network namespace that mounted them, so they are not
//! asked.
//!
//! Layouts and numbers: `linux/ethtool.h`, `linux/sockios.h`.

use std::io;
use std::mem::zeroed;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

const SIOCETHTOOL: libc::c_ulong = 0x8946;
const ETHTOOL_GDRVINFO: u32 = 0x03;
const ETHTOOL_GCHANNELS: u32 = 0x3c;

/// `struct ethtool_drvinfo`; only its second field is read.
#[derive(Clone, Copy)]
#[repr(C)]
struct DriverInformation {
    command: u32,
    driver: [u8; 32],
    rest: [u8; 160],
}
const _: () = assert!(size_of::<DriverInformation>() == 196);

/// `struct ethtool_channels`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Channels {
    command: u32,
    max: [u32; 4],
    receive: u32,
    transmit: u32,
    other: u32,
    combined: u32,
}

/// The driver's name.
pub fn driver(interface: &str) -> io::Result<String> {
    let mut asked =
        DriverInformation { command: ETHTOOL_GDRVINFO, driver: [0; 32], rest: [0; 160] };
    ask(interface, &mut asked)?;
    let name = asked.driver.split(|byte| *byte == 0).next().unwrap_or_default();
    Ok(String::from_utf8_lossy(name).into_owned())
}

/// How many receive queues it has.
pub fn receive_queues(interface: &str) -> io::Result<u32> {
    let mut asked = Channels { command: ETHTOOL_GCHANNELS, ..Channels::default() };
    ask(interface, &mut asked)?;
    Ok((asked.receive + asked.combined).max(1))
}

/// Its link address.
#[expect(unsafe_code, reason = "a link address is asked for by a system call")]
pub fn link_address(interface: &str) -> io::Result<[u8; 6]> {
    let mut request = named(interface)?;
    call(libc::SIOCGIFHWADDR, &mut request)?;
    // SAFETY: the call has filled this field of the union, and any bytes are a `sockaddr`.
    let address = unsafe { request.ifr_ifru.ifru_hwaddr };
    let mut bytes = [0; 6];
    for (to, from) in bytes.iter_mut().zip(address.sa_data) {
        *to = from.cast_unsigned();
    }
    Ok(bytes)
}

/// Asks the interface's driver; `T` begins with its command and is as long as that has it.
fn ask<T>(interface: &str, asked: &mut T) -> io::Result<()> {
    let mut request = named(interface)?;
    request.ifr_ifru.ifru_data = std::ptr::from_mut(asked).cast();
    call(SIOCETHTOOL, &mut request)
}

#[expect(unsafe_code, reason = "a structure of the C library is made of zeros")]
fn named(interface: &str) -> io::Result<libc::ifreq> {
    // SAFETY: it is made of integers and unions of them; zeros are values of all.
    let mut request: libc::ifreq = unsafe { zeroed() };
    if interface.len() >= request.ifr_name.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes()) {
        *to = from.cast_signed();
    }
    Ok(request)
}

#[expect(unsafe_code, reason = "an interface is asked by a system call")]
fn call(what: libc::c_ulong, request: &mut libc::ifreq) -> io::Result<()> {
    // Any socket of the namespace will do.
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    // SAFETY: the request is live, and if it points to more, that is live as well and as long as
    // its command says.
    let done = unsafe { libc::ioctl(socket.as_raw_fd(), what as _, std::ptr::from_mut(request)) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
