//! What the resync sees of the record while it is followed: the desk's book, sessions, and who else
//! has stopped which pair.

use crate::resync::book::Book;
use std::collections::BTreeSet;
use xmc_hotpath::desk::{Desk, SpreadState};
use xmc_hotpath::message::{
    AlertKind, ClockScale, Command, CommandKind, DeskIdentity, Detail, GatewayIndex,
    InstrumentIndex, RuleAction, Scope, SessionState,
};
use xmc_hotpath::record::frame::{Body, OwnedEvent};

/// What was seen.
#[derive(Debug)]
pub(in crate::engine) struct Eye {
    pub book: Book,
    sessions: Vec<(GatewayIndex, SessionState)>,
    /// Commands of the engine itself about one spread: its row and the command's number.
    commands: Vec<(u32, u64)>,
    /// Rows of spreads that an operator or a breaker has stopped.
    taken: BTreeSet<u32>,
}

impl Eye {
    /// Of a run of `identity` that begins at `scale`.
    pub fn new(identity: DeskIdentity, scale: ClockScale) -> Self {
        let book = Book::new(identity, scale);
        Self { book, sessions: Vec::new(), commands: Vec::new(), taken: BTreeSet::new() }
    }

    /// Takes one record, after `desk` has followed it.
    pub fn take(&mut self, seq_no: u64, body: &Body, desk: &Desk<'_>) {
        self.book.take(seq_no, body, desk);
        match body {
            Body::Input(input) => match &input.event {
                OwnedEvent::Session(update) => self.sessions.push((update.gateway, update.state)),
                OwnedEvent::Command(command) => self.command(command, desk),
                _ => {}
            },
            // One that trips while the pair is closed would have closed it, as far as anybody can
            // tell.
            Body::Detail(Detail::Alert(alert)) if is_breaker(alert.kind) => {
                let spread = desk.spreads().get(alert.spread.0 as usize);
                if spread.is_some_and(|spread| spread.state == SpreadState::Reducing) {
                    self.taken.insert(alert.spread.0);
                }
            }
            Body::Detail(Detail::Ruling(ruling)) if ruling.action == RuleAction::CloseOnly => {
                self.taken.insert(ruling.spread.0);
            }
            _ => {}
        }
    }

    fn command(&mut self, command: &Command, desk: &Desk<'_>) {
        if command.operator == 0 {
            if let Scope::Spread(spread) = command.scope {
                self.commands.push((spread.0, command.command_id));
            }
            return;
        }
        let gateway_of = |instrument: InstrumentIndex| {
            let row = desk.instruments().get(instrument.0 as usize)?;
            row.spec.as_ref().map(|spec| spec.gateway)
        };
        for (spread, row) in desk.spreads().iter().zip(0_u32..) {
            let spec = spread.spec.as_ref();
            if !spec.is_some_and(|spec| command.scope.holds(spec, gateway_of)) {
                continue;
            }
            match command.kind {
                // Of the desk, and not of pairs.
                CommandKind::NoNew | CommandKind::Kill if command.scope == Scope::All => {}
                CommandKind::NoNew | CommandKind::Disable | CommandKind::Kill => {
                    self.taken.insert(row);
                }
                // One that closes only is not enabled among others: that takes its own name.
                CommandKind::Enable if spread.state == SpreadState::Enabled => {
                    self.taken.remove(&row);
                }
                _ => {}
            }
        }
    }

    pub fn take_sessions(&mut self) -> Vec<(GatewayIndex, SessionState)> {
        std::mem::take(&mut self.sessions)
    }

    pub fn take_commands(&mut self) -> Vec<(u32, u64)> {
        std::mem::take(&mut self.commands)
    }

    /// Whether somebody else has stopped the spread in that row.
    pub fn is_taken(&self, row: u32) -> bool {
        self.taken.contains(&row)
    }
}

/// What others have to do with pairs.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Others<'o> {
    /// The shadow shows all that the desk was told.
    pub is_caught_up: bool,
    /// Whether a row of the spread table has to stay closed for the sake of money.
    pub holds: &'o dyn Fn(usize) -> bool,
}

const fn is_breaker(kind: AlertKind) -> bool {
    matches!(
        kind,
        AlertKind::SlippageBreaker
            | AlertKind::LatencyBreaker
            | AlertKind::RejectBreaker
            | AlertKind::FillBreaker
    )
}
