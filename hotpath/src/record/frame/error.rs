//! What bytes can be that are no record.

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// They end before the record does.
    Truncated,
    /// The length field is below a header or above `MAX_LEN`.
    BadLength,
    /// The kind byte stands for nothing known.
    UnknownKind,
    /// Written by another version of the encoding.
    UnknownVersion,
    /// An input or a start with an index, an output without one, or a sequence number that its
    /// kind cannot have: 0 is for the start alone.
    BadPlace,
    /// The body does not decode as its kind, or is not how this encoding writes that value.
    BadBody,
    /// A quote that says what changed since one that was not read: start at a full image.
    NoImage,
}
