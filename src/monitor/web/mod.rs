//! The screen in a browser: the same `View` and the same words as the terminal, served by the
//! engine itself, to look at and nothing else.
//!
//! One thread of its own with one small runtime serves everybody; whoever draws hands it a moment
//! (`Web::show`), which replaces the one before and never waits. A viewer is sent the newest moment
//! that there is when it can take one: a slow one sees fewer of them, and holds up nobody.
//!
//! What the page can do is look. By default nothing leads from it back to the engine: moments come
//! through a channel that goes one way, and receipts are read from the journal's files. If somebody
//! has said so (`Behind::channel`), it also writes commands as text, and takes signed ones, which
//! go to the control socket as those of `xmc control send` do: the page has no key and no right, so
//! a stolen address shows figures and moves nothing.
//!
//! It is asked for a token (in the address that is printed once), because positions are nobody
//! else's business; for a Host that is a number or this machine, so that no name of a stranger
//! leads here (DNS rebinding); and by default it is reached from this machine alone. It loads
//! nothing from elsewhere: fonts are the system's, the chart is drawn by uPlot 1.6.32, which lies
//! beside the page with its licence.
//!
//! Not here: TLS. Whoever looks from another machine goes through `ssh -L` or a proxy that has it.

mod access;
mod behind;
mod capital;
mod catalogue;
mod command;
mod history;
mod moment;
mod page;
mod pair;
mod receipts;
mod serve;
mod told;
mod words;

pub use access::Token;
pub use behind::{Behind, Channel, NoReceipts, Receipts};
pub use moment::{Asked, Moment};
pub use serve::{CONNECTIONS, VIEWERS};

use super::view::View;
use super::words::Lang;
use history::History;
use serve::Shared;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use tokio::sync::{oneshot, watch};

/// Where it is served, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The address; port 0 is any free one.
    pub address: SocketAddr,
    /// Somebody has said that other machines may reach it.
    pub is_open_to_others: bool,
    /// The language that the page begins with.
    pub lang: Lang,
}

/// Why the screen is not served.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// Other machines would reach it, and nobody said that they may.
    #[error(
        "{0} is reached from other machines, and figures and token would go there in the clear: \
         serve it on 127.0.0.1 and look through `ssh -L`, or say --web-open as well"
    )]
    Open(SocketAddr),
    /// The address cannot be had.
    #[error("cannot serve the screen on {address}: {source}; take another port, or 0 for any")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Signed commands are to be taken, and there is nobody to give them to.
    #[error(
        "--web-control hands signed commands to the engine, and its configuration has no \
         [control]: write one with an [[operator]], or leave --web-control out to look only"
    )]
    NoControl,
    /// There is no thread, no runtime or no random number for it.
    #[error("cannot serve the screen: {0}")]
    System(#[from] io::Error),
}

/// The screen while it is served; it ends when this goes.
#[derive(Debug)]
pub struct Web {
    address: SocketAddr,
    token: Token,
    newest: watch::Sender<Option<Arc<Moment>>>,
    shown: u64,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Web {
    /// Serves from now on. `begin` is done first by the thread that serves.
    ///
    /// # Errors
    /// See `WebError`.
    pub fn open(place: Place, begin: impl FnOnce() + Send + 'static) -> Result<Self, WebError> {
        Self::open_with(place, Behind::default(), begin)
    }

    /// The same, with what may be asked besides moments.
    ///
    /// # Errors
    /// See `WebError`.
    pub fn open_with(
        place: Place,
        behind: Behind,
        begin: impl FnOnce() + Send + 'static,
    ) -> Result<Self, WebError> {
        let Place { address, is_open_to_others, .. } = place;
        if !address.ip().is_loopback() && !is_open_to_others {
            return Err(WebError::Open(address));
        }
        let bind = |source| WebError::Bind { address, source };
        let listener = TcpListener::bind(address).map_err(bind)?;
        listener.set_nonblocking(true).map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let token = Token::new()?;
        let (newest, seen) = watch::channel(None);
        let history = Arc::new(Mutex::new(History::default()));
        let place = Place { address, ..place };
        let shared = Shared::new(token.clone(), place, behind, seen, history);
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().max_blocking_threads(behind::THREADS).build()?;
        let (stop, stopped) = oneshot::channel();
        let serve = move || {
            begin();
            runtime.block_on(serve::serve(listener, shared, stopped));
            // A question that is still being answered holds up no end of the engine.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("xmc-web".to_owned()).spawn(serve)?;
        Ok(Self { address, token, newest, shown: 0, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it is served.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address to look at, with the token.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/?token={}", self.address, self.token.reveal())
    }

    /// Puts a moment in the place of the one before. It never waits for a viewer.
    pub fn show(&mut self, view: View) {
        self.newest.send_replace(Some(Arc::new(Moment::new(self.shown, view))));
        self.shown += 1;
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ends at once; viewers are cut off and see how old their moment grows.
            let _ = thread.join();
        }
    }
}
