//! Bytes of a stream between the port and the session.

/// Bytes received and not yet read.
#[derive(Debug)]
pub(super) struct Inbox<'a> {
    bytes: &'a mut [u8],
    first: usize,
    end: usize,
}

impl<'a> Inbox<'a> {
    pub(super) fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, first: 0, end: 0 }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.first == self.end
    }

    #[inline]
    pub(super) fn waiting(&self) -> &[u8] {
        self.bytes.get(self.first..self.end).unwrap_or(&[])
    }

    /// Where the next bytes go. What is left over from before is moved to the front first.
    #[inline]
    pub(super) fn room(&mut self) -> &mut [u8] {
        if self.first > 0 {
            self.move_to_front();
        }
        self.bytes.get_mut(self.end..).unwrap_or(&mut [])
    }

    fn move_to_front(&mut self) {
        let waiting = self.end.saturating_sub(self.first);
        for place in 0..waiting {
            let from = self.bytes.get(self.first.wrapping_add(place)).copied();
            if let (Some(to), Some(byte)) = (self.bytes.get_mut(place), from) {
                *to = byte;
            }
        }
        self.first = 0;
        self.end = waiting;
    }

    #[inline]
    pub(super) fn filled(&mut self, len: usize) {
        self.end = self.end.saturating_add(len).min(self.bytes.len());
    }

    #[inline]
    pub(super) fn take(&mut self, len: usize) {
        self.first = self.first.saturating_add(len).min(self.end);
    }

    pub(super) fn clear(&mut self) {
        self.first = 0;
        self.end = 0;
    }
}
