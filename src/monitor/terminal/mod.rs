//! The screen in a terminal: drawn from a `View`, with keys that change what is shown.
//!
//! It gives the terminal back as it was, whatever happens: when it is dropped, when any thread
//! panics, and on `q`, Ctrl-C, SIGINT, SIGTERM and SIGHUP, which all come out of `keys` as the wish
//! to quit. It writes to the terminal itself and not through `std::io::Stdout`, whose lock another
//! thread may hold for good.

mod frame;
mod look;
mod panel;
mod text;

pub use crate::interrupt::{is_asked as is_asked_to_stop, watch as watch_signals};
pub use frame::{SMALLEST, Shown, draw};
pub use look::{Direction, Look};
pub use text::width;

use super::view::View;
use crate::interrupt;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::{cursor, execute, terminal};
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

/// Time between two drawings that the eye takes for live.
pub const FRAME: Duration = Duration::from_millis(125);

/// A screen is open: a panic gives the terminal back. Also keeps two from being open at once.
static IS_OPEN: AtomicBool = AtomicBool::new(false);

type Output = BufWriter<File>;

/// The screen.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Output>>,
    look: Look,
    shown: Shown,
    /// What is drawn while the screen is paused.
    held: Option<View>,
}

/// Whether a screen can be drawn: both ends of this process are a terminal.
#[must_use]
pub fn is_possible() -> bool {
    io::stdout().is_terminal() && io::stdin().is_terminal()
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// What the terminal says. Nothing is left changed then.
    pub fn open(look: Look) -> io::Result<Self> {
        if IS_OPEN.swap(true, Ordering::AcqRel) {
            return Err(io::Error::other("a screen is open already: there is one terminal"));
        }
        let opened = open_terminal();
        if opened.is_err() {
            give_back();
        }
        Ok(Self { terminal: opened?, look, shown: Shown { pair: 0, is_paused: false }, held: None })
    }

    /// Draws a moment; while paused, the one that was drawn last.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn draw(&mut self, view: View) -> io::Result<()> {
        if self.held.is_none() {
            self.shown.pair = view.first_across();
        }
        if !self.shown.is_paused || self.held.is_none() {
            self.held = Some(view);
        }
        self.draw_held()
    }

    /// Takes the keys that were pressed, waiting at most `patience` for the first; says whether
    /// the operator wants to end it.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn wants_to_quit(&mut self, patience: Duration) -> io::Result<bool> {
        let mut has_changed = false;
        let mut patience = patience;
        while !interrupt::is_asked() && event::poll(patience)? {
            patience = Duration::ZERO;
            match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => {
                    if self.press(key) {
                        return Ok(true);
                    }
                    has_changed = true;
                }
                Event::Resize(..) => has_changed = true,
                _ => {}
            }
        }
        if has_changed {
            self.draw_held()?;
        }
        Ok(interrupt::is_asked())
    }

    /// Does what a key asks for; `true` if that is the end.
    fn press(&mut self, key: KeyEvent) -> bool {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if is_control => return true,
            KeyCode::Char('q' | 'Q') => return true,
            KeyCode::Char('l' | 'L') => {
                // Colours follow the language, unless they were chosen.
                let followed = self.look.direction == Direction::of(self.look.lang);
                self.look.lang = self.look.lang.other();
                if followed {
                    self.look.direction = Direction::of(self.look.lang);
                }
            }
            KeyCode::Char('c' | 'C') => self.look.direction = self.look.direction.other(),
            KeyCode::Char(' ') => self.shown.is_paused = !self.shown.is_paused,
            KeyCode::Char(digit @ '1'..='9') => {
                let row = usize::try_from(u32::from(digit) - u32::from('1')).unwrap_or(0);
                let pairs = self.held.as_ref().map_or(0, |view| view.pairs.len());
                if row < pairs {
                    self.shown.pair = row;
                }
            }
            _ => {}
        }
        false
    }

    fn draw_held(&mut self) -> io::Result<()> {
        let Some(view) = &self.held else {
            return Ok(());
        };
        let (shown, look) = (self.shown, self.look);
        self.terminal.draw(|frame| {
            let area = frame.area();
            draw(view, shown, &look, area, frame.buffer_mut());
        })?;
        Ok(())
    }

    /// How it looks now.
    #[must_use]
    pub fn look(&self) -> &Look {
        &self.look
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn open_terminal() -> io::Result<Terminal<CrosstermBackend<Output>>> {
    interrupt::watch();
    give_back_on_panic();
    terminal::enable_raw_mode()?;
    let mut output = output()?;
    execute!(output, terminal::EnterAlternateScreen, cursor::Hide)?;
    Terminal::new(CrosstermBackend::new(output))
}

/// The terminal behind stdout, without its lock.
fn output() -> io::Result<Output> {
    Ok(BufWriter::new(File::from(io::stdout().as_fd().try_clone_to_owned()?)))
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
    let _ = terminal::disable_raw_mode();
    if let Ok(mut output) = output() {
        let _ = execute!(output, terminal::LeaveAlternateScreen, cursor::Show);
    }
}
