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
mod tty;

pub use crate::interrupt::{is_asked as is_asked_to_stop, watch as watch_signals};
pub use frame::{SMALLEST, Shown, draw};
pub use look::{Direction, Look};
pub use text::{Text, width};
pub use tty::Tty;

use super::view::View;
use ratatui::crossterm::event::KeyCode;
use std::io::{self, IsTerminal};
use std::time::Duration;

/// Time between two drawings that the eye takes for live.
pub const FRAME: Duration = Duration::from_millis(125);

/// The screen.
#[derive(Debug)]
pub struct Screen {
    tty: Tty,
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
        let shown = Shown { pair: 0, is_paused: false };
        Ok(Self { tty: Tty::open()?, look, shown, held: None })
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
        let Self { tty, look, shown, held } = self;
        let pairs = held.as_ref().map_or(0, |view| view.pairs.len());
        let (is_end, has_changed) = tty.keys(patience, |key| press(key, pairs, look, shown))?;
        if has_changed && !is_end {
            self.draw_held()?;
        }
        Ok(is_end)
    }

    fn draw_held(&mut self) -> io::Result<()> {
        let Some(view) = &self.held else {
            return Ok(());
        };
        let (shown, look) = (self.shown, self.look);
        self.tty.draw(|area, buffer| draw(view, shown, &look, area, buffer))
    }

    /// How it looks now.
    #[must_use]
    pub fn look(&self) -> &Look {
        &self.look
    }
}

/// Does what a key asks for on a screen of so many `pairs`.
fn press(key: KeyCode, pairs: usize, look: &mut Look, shown: &mut Shown) {
    match key {
        KeyCode::Char('l' | 'L') => {
            // Colours follow the language, unless they were chosen.
            let followed = look.direction == Direction::of(look.lang);
            look.lang = look.lang.other();
            if followed {
                look.direction = Direction::of(look.lang);
            }
        }
        KeyCode::Char('c' | 'C') => look.direction = look.direction.other(),
        KeyCode::Char(' ') => shown.is_paused = !shown.is_paused,
        KeyCode::Char(digit @ '1'..='9') => {
            let row = usize::try_from(u32::from(digit) - u32::from('1')).unwrap_or(0);
            if row < pairs {
                shown.pair = row;
            }
        }
        _ => {}
    }
}
