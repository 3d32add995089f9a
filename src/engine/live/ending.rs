//! How a run ends: nothing is opened any more, and what is live is waited for.

use super::{BETWEEN_READS, LiveError, Shared, Watch};
use crate::engine::snapshotting::Following;
use crate::engine::telling::Telling;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use xmc_hotpath::desk::Desk;
use xmc_hotpath::message::{Command, CommandKind, Control, GatewayIndex, Scope, SessionState};
use xmc_hotpath::ring::Sender;

/// How long live orders are waited for when the run ends.
const PATIENCE: Duration = Duration::from_secs(3);
/// Numbers of the commands by which the engine ends a run.
pub(crate) const ENDING_COMMANDS: [u64; 2] = [FIRST_COMMAND, LAST_COMMAND];
/// The number of the engine's command that begins the end.
const FIRST_COMMAND: u64 = 2;
/// The number of the engine's own last command.
const LAST_COMMAND: u64 = 3;

impl Shared<'_> {
    /// Opens nothing any more and waits for what is live; how many orders stay so.
    pub(super) fn wind_down(
        &self,
        following: &mut Following<'_, '_>,
        control: &mut Sender<Control>,
        telling: &mut Telling,
        watch: &mut dyn Watch,
    ) -> Result<usize, LiveError> {
        self.counters.engine.is_ending.set(1);
        telling.end_operators();
        // Nothing is opened, and then nothing is fired at all: what is live now is all there is.
        let kinds = [(CommandKind::NoNew, FIRST_COMMAND), (CommandKind::Disable, LAST_COMMAND)];
        for (kind, command_id) in kinds {
            control.push(command(kind, command_id)).map_err(|_| LiveError::Control)?;
        }
        let until = Instant::now() + PATIENCE;
        loop {
            let follower = following.read(watch)?;
            // Whatever lives can still be cancelled by a kill.
            telling.on_operators(follower, control);
            self.counters.main_thread.round(self.clock.ticks());
            let live = follower.shadow.desk().orders().live_count();
            // The shadow is behind: before it has seen the command, it may not have seen orders.
            let is_quiet = live == 0 && follower.command_id == LAST_COMMAND;
            let has_failed = self.has_failed.load(Ordering::Relaxed);
            if is_quiet || has_failed || Instant::now() >= until {
                return Ok(live);
            }
            std::thread::sleep(BETWEEN_READS);
        }
    }
}

/// Whether nothing lives at a gateway and nothing can come: what the record says up to where the
/// desk knew that its session was about to end is all that there is.
pub(super) fn is_settled(desk: &Desk<'_>, gateway: GatewayIndex) -> bool {
    desk.session(gateway) != SessionState::Up && desk.orders().live_at(gateway) == 0
}

/// A command of the engine itself, about all spreads.
pub(super) fn command(kind: CommandKind, command_id: u64) -> Control {
    Control::Command(Command { kind, scope: Scope::All, operator: 0, command_id })
}
