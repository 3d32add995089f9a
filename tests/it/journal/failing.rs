//! A journal's directories on the file system, where a call can be made to fail: that one, and all
//! that come after it to the same directory.

use cross_market_connect::journal::disk::{Append, Directory, Disk, SegmentFile};
use std::cell::RefCell;
use std::io;
use std::rc::Rc;

/// What is counted.
#[derive(Debug, Default)]
pub struct Calls {
    /// Calls so far.
    pub count: u64,
    /// The first that fails.
    pub fails_at: Option<u64>,
    /// The journal has gone on in its second directory, which is well.
    is_over: bool,
}

/// The directories.
#[derive(Debug)]
pub struct Failing {
    inner: Directory,
    calls: Rc<RefCell<Calls>>,
}

impl Failing {
    pub fn new(inner: Directory, fails_at: Option<u64>) -> (Self, Rc<RefCell<Calls>>) {
        let calls = Rc::new(RefCell::new(Calls { fails_at, ..Calls::default() }));
        (Self { inner, calls: Rc::clone(&calls) }, calls)
    }
}

impl Calls {
    /// One call, of a segment in the second directory or not.
    fn call(&mut self, is_second: bool) -> io::Result<()> {
        let has_failed = self.fails_at.is_some_and(|fails_at| self.count >= fails_at);
        self.count += 1;
        if has_failed && !is_second {
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        Ok(())
    }

    pub fn has_failed(&self) -> bool {
        self.fails_at.is_some_and(|fails_at| self.count > fails_at)
    }
}

impl Disk for Failing {
    type Segment = Written;

    fn list(&self) -> io::Result<Vec<u64>> {
        self.inner.list()
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        self.inner.read(number)
    }

    fn create(&mut self, number: u64, front: &[u8], len: u64) -> io::Result<Written> {
        let is_second = self.calls.borrow().is_over;
        let called = self.calls.borrow_mut().call(is_second);
        // What fails may have been done all the same: the name is there.
        let inner = self.inner.create(number, front, len)?;
        called.map(|()| Written { inner, calls: Rc::clone(&self.calls), is_second })
    }

    fn settle(&mut self, number: u64) -> io::Result<()> {
        self.inner.settle(number)
    }

    fn fail_over(&mut self) -> bool {
        self.calls.borrow_mut().is_over = true;
        self.inner.fail_over()
    }
}

/// A segment in them.
#[derive(Debug)]
pub struct Written {
    inner: SegmentFile,
    calls: Rc<RefCell<Calls>>,
    is_second: bool,
}

impl Written {
    fn call(&self) -> io::Result<()> {
        self.calls.borrow_mut().call(self.is_second)
    }
}

impl Append for Written {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let called = self.call();
        // A write that fails may have been done in part.
        let count = if called.is_ok() { bytes.len() } else { bytes.len() / 2 };
        self.inner.write_at(&bytes[..count], offset)?;
        called
    }

    fn sync(&mut self) -> io::Result<()> {
        self.call()?;
        self.inner.sync()
    }

    fn begin_sync(&mut self) -> io::Result<bool> {
        self.call()?;
        self.inner.begin_sync()
    }

    fn is_synced(&mut self) -> io::Result<bool> {
        self.call()?;
        self.inner.is_synced()
    }

    fn close_at(&mut self, len: u64) -> io::Result<()> {
        self.call()?;
        self.inner.close_at(len)
    }
}
