//! Requests as a counter reads them: the messages of one datagram, each checked, none trusted.

use xmc_hotpath::venue::esunny::dstar::layout::{
    Generation, Header, HeaderV2, MAX_DATAGRAM_LEN, OrderDelete, OrderInsert, UdpAuth, V2,
};
use xmc_hotpath::wire;

/// Orders that one v2 message may hold.
const MAX_FIELD_COUNT: u16 = 21;

/// Longest v2 datagram: a full batch of orders.
const MAX_V2_LEN: usize = size_of::<HeaderV2>()
    + MAX_FIELD_COUNT as usize * size_of::<OrderInsert<<V2 as Generation>::Reference>>();

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<G: Generation> {
    /// Make a socket known.
    Auth(UdpAuth),
    /// Enter an order.
    Insert(OrderInsert<G::Reference>),
    /// Cancel one.
    Delete(OrderDelete<G::Reference, G::Key>),
}

/// Why a datagram, or the rest of it, is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Too long to be one.
    #[error("datagram has {0} bytes: more than any; send fewer messages in one")]
    DatagramLen(usize),
    /// The header is cut off, or of another generation.
    #[error("no header of this generation in the {0} bytes left: send whole messages of one kind")]
    Header(usize),
    /// The header says more than there is.
    #[error("message {code:#06x} says {said} bytes and {left} are left: send it whole")]
    Truncated {
        /// Which message.
        code: u16,
        /// Bytes that its header promises.
        said: usize,
        /// Bytes that are there.
        left: usize,
    },
    /// The body is not as long as that message's is.
    #[error("message {code:#06x} has a body of {len} bytes: not of this generation")]
    BodyLen {
        /// Which message.
        code: u16,
        /// Its length.
        len: u16,
    },
    /// No bodies, or more than a batch may have.
    #[error("message {code:#06x} has {count} bodies: send 1 to 21")]
    BodyCount {
        /// Which message.
        code: u16,
        /// How many.
        count: u16,
    },
    /// A message that this counter does not take. What follows it is read.
    #[error("message {0:#06x} is not taken here: send logons, orders and cancellations")]
    Code(u16),
}

/// Whether a datagram is of the second generation: no v3 code starts like its header.
#[must_use]
pub fn is_v2(datagram: &[u8]) -> bool {
    datagram.starts_with(&[HeaderV2::MAGIC, V2::VERSION])
}

/// Reads a datagram: `each` gets its requests and what is wrong, in order.
pub fn read<G: Generation>(
    datagram: &[u8],
    mut each: impl FnMut(Result<Request<G>, RequestError>),
) {
    let most = if G::VERSION == V2::VERSION { MAX_V2_LEN } else { MAX_DATAGRAM_LEN };
    if datagram.len() > most {
        return each(Err(RequestError::DatagramLen(datagram.len())));
    }
    let mut rest = datagram;
    while !rest.is_empty() {
        match message(rest, &mut each) {
            Ok(after) => rest = after,
            Err(error) => return each(Err(error)),
        }
    }
}

/// Reads one message and gives what follows it.
fn message<'a, G: Generation>(
    bytes: &'a [u8],
    each: &mut impl FnMut(Result<Request<G>, RequestError>),
) -> Result<&'a [u8], RequestError> {
    let no_header = RequestError::Header(bytes.len());
    let (header, rest) = wire::take::<G::Header>(bytes).map_err(|_| no_header)?;
    let (code, count, len) = header.read().ok_or(no_header)?;
    let said = usize::from(count) * usize::from(len);
    let truncated = RequestError::Truncated { code, said, left: rest.len() };
    let (bodies, after) = rest.split_at_checked(said).ok_or(truncated)?;
    if count == 0 || count > MAX_FIELD_COUNT {
        return Err(RequestError::BodyCount { code, count });
    }
    if ![G::UDP_AUTH, G::ORDER_INSERT, G::ORDER_DELETE].contains(&code) {
        each(Err(RequestError::Code(code)));
        return Ok(after);
    }
    let mut left = bodies;
    while !left.is_empty() || len == 0 {
        let (body, more) = left.split_at(usize::from(len));
        each(Ok(one(code, body).ok_or(RequestError::BodyLen { code, len })?));
        left = more;
    }
    Ok(after)
}

/// The body of a message that is taken here, if it is as long as that message's is.
fn one<G: Generation>(code: u16, body: &[u8]) -> Option<Request<G>> {
    if code == G::UDP_AUTH {
        whole(body).map(Request::Auth)
    } else if code == G::ORDER_INSERT {
        whole(body).map(Request::Insert)
    } else {
        whole(body).map(Request::Delete)
    }
}

fn whole<T: bytemuck::AnyBitPattern>(body: &[u8]) -> Option<T> {
    bytemuck::try_pod_read_unaligned(body).ok()
}
