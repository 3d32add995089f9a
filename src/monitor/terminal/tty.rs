//! The terminal itself: taken over to draw on, and given back as it was, whatever happens.

use crate::aside::{Aside, Behind};
use crate::interrupt;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::{cursor, execute, terminal};
use ratatui::layout::Rect;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

/// A screen is open: a panic gives the terminal back. Also keeps two from being open at once.
static IS_OPEN: AtomicBool = AtomicBool::new(false);

/// How long a terminal that is given back is waited for, should it take nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// How far the writing of the open screen is behind.
static BEHIND: Mutex<Option<Behind>> = Mutex::new(None);

type Output = BufWriter<Aside>;

/// A terminal that was taken over.
#[derive(Debug)]
pub struct Tty {
    terminal: Terminal<CrosstermBackend<Output>>,
    behind: Behind,
    /// Where keys come from.
    keys: File,
}

impl Tty {
    /// Takes it over.
    ///
    /// # Errors
    /// What the terminal says. Nothing is left changed then.
    pub fn open() -> io::Result<Self> {
        if IS_OPEN.swap(true, Ordering::AcqRel) {
            return Err(io::Error::other("a screen is open already: there is one terminal"));
        }
        let opened = open_terminal();
        if opened.is_err() {
            give_back();
        }
        opened
    }

    /// Has `draw` write all of the screen, if the terminal has taken what was drawn before: one
    /// that was stopped holds up nobody.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn draw(&mut self, draw: impl FnOnce(Rect, &mut Buffer)) -> io::Result<()> {
        if self.behind.bytes() > 0 {
            return self.behind.check();
        }
        self.terminal.draw(|frame| {
            let area = frame.area();
            draw(area, frame.buffer_mut());
        })?;
        Ok(())
    }

    /// Takes the keys that were pressed, waiting at most `patience` for the first; what is none of
    /// those that end it goes to `press`. Whether the operator wants to end it, and whether there
    /// is anything to be drawn anew.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn keys(
        &mut self,
        patience: Duration,
        mut press: impl FnMut(KeyCode),
    ) -> io::Result<(bool, bool)> {
        let mut has_changed = false;
        let mut patience = patience;
        while !interrupt::is_asked() {
            // The library would ask a terminal that is gone for ever.
            match self.waits(patience)? {
                Keys::Gone => return Ok((true, has_changed)),
                Keys::None if patience > Duration::ZERO => break,
                Keys::None | Keys::Some => {}
            }
            patience = Duration::ZERO;
            if !event::poll(Duration::ZERO)? {
                break;
            }
            match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => {
                    if is_end(key) {
                        return Ok((true, has_changed));
                    }
                    press(key.code);
                    has_changed = true;
                }
                Event::Resize(..) => has_changed = true,
                _ => {}
            }
        }
        Ok((interrupt::is_asked(), has_changed))
    }

    /// Waits at most `patience` for keys.
    fn waits(&self, patience: Duration) -> io::Result<Keys> {
        let mut keys = [PollFd::new(&self.keys, PollFlags::IN)];
        let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
        match poll(&mut keys, Some(&patience)) {
            Ok(0) => Ok(Keys::None),
            Ok(_) => {
                let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
                Ok(if keys[0].revents().intersects(gone) { Keys::Gone } else { Keys::Some })
            }
            // A signal: of the terminal's size, perhaps.
            Err(Errno::INTR) => Ok(Keys::Some),
            Err(error) => Err(error.into()),
        }
    }
}

/// What there is of keys.
enum Keys {
    /// None came in time.
    None,
    /// Some, or the size has changed.
    Some,
    /// None will come any more: the terminal is gone.
    Gone,
}

fn is_end(key: KeyEvent) -> bool {
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') => is_control,
        KeyCode::Char('q' | 'Q') => true,
        _ => false,
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        give_back();
    }
}

fn open_terminal() -> io::Result<Tty> {
    interrupt::watch();
    give_back_on_panic();
    terminal::enable_raw_mode()?;
    let mut output = output()?;
    execute!(output, terminal::EnterAlternateScreen, cursor::Hide)?;
    let aside = Aside::new("xmc-screen", output)?;
    let behind = aside.behind();
    *BEHIND.lock().unwrap_or_else(PoisonError::into_inner) = Some(behind.clone());
    let terminal = Terminal::new(CrosstermBackend::new(BufWriter::new(aside)))?;
    Ok(Tty { terminal, behind, keys: input()? })
}

/// Where keys come from: what the library reads.
fn input() -> io::Result<File> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Ok(File::from(stdin.as_fd().try_clone_to_owned()?));
    }
    File::open("/dev/tty")
}

/// The terminal behind stdout, without its lock.
fn output() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// Once for the process: a panic of any thread first gives the terminal back, so that its message
/// is seen. In release builds the process ends right after.
fn give_back_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let next = Arc::new(std::panic::take_hook());
        std::panic::set_hook(Box::new(move |told| {
            give_back();
            next(told);
        }));
    });
}

/// Makes the terminal what it was. Does nothing if no screen is open, and nothing can be done
/// about an error here.
fn give_back() {
    if !IS_OPEN.swap(false, Ordering::AcqRel) {
        return;
    }
    // What is drawn after it was given back would stay there.
    if let Some(behind) = BEHIND.lock().unwrap_or_else(PoisonError::into_inner).take() {
        let _ = behind.settle(PATIENCE);
    }
    let _ = terminal::disable_raw_mode();
    if let Ok(mut output) = output() {
        let _ = execute!(output, terminal::LeaveAlternateScreen, cursor::Show);
    }
}
