//! What a running engine shows to other processes besides what its hot cores count.

use super::{JOURNAL_NAP, LiveError, Shared, moment};
use crate::engine::alerting::{Alerting, Around};
use crate::engine::core::place;
use crate::engine::follower::Follower;
use crate::engine::latency::Latencies;
use crate::journal::disk::Directory;
use crate::journal::{self, JournalWriter, SealReason};
use crate::topology::Sched;
use std::sync::atomic::Ordering;
use xmc_hotpath::stage::Work;

impl Shared<'_> {
    /// Shows what the shadow has seen, and what else the cold side knows of the whole.
    pub(super) fn show(&self, follower: &Follower<'_>, latencies: &Latencies) {
        let (engine, latency) = (&self.counters.engine, latencies.figures());
        self.counters.told.tick_to_order.show(latencies);
        engine.followed.set(follower.counts.records);
        engine.fires.set(follower.counts.fires);
        engine.refusals.set(follower.counts.refusals);
        engine.live_orders.set(follower.shadow.desk().orders().live_count() as u64);
        engine.tick_to_order_p50.set(latency.p50);
        engine.tick_to_order_p99.set(latency.p99);
        engine.tick_to_order_max.set(latency.max);
        let snapshots = self.snapshots.figures();
        engine.snapshots.set(snapshots.written);
        engine.snapshot_failures.set(snapshots.failures);
        let witnessed = self.witnessed.figures();
        engine.witnessed_records.set(witnessed.map_or(0, |all| all.witnessed_records()));
    }

    /// Asks the kernel what it has dropped of the feeds.
    pub(super) fn ask_kernel(&self) {
        for (watch, counters) in self.kernel.iter().zip(&self.counters.feed_ports) {
            watch.ask(&counters.kernel);
        }
    }

    /// The thread that tells people outside.
    pub(super) fn alert(&self, alerting: Alerting, first_segment: u64) {
        alerting.run(&Around {
            counters: self.counters,
            clock: self.clock,
            capital: self.capital.as_deref(),
            witnessed: &|| self.witnessed.figures(),
            resync: &|| self.resync.figures(),
            sessions: &|| self.sessions.figures(),
            interfaces: &self.interfaces,
            first_segment,
            is_over: &self.is_journal_done,
            has_ended: &self.has_journal_ended,
            has_failed: &self.has_failed,
        });
    }

    /// The journal's thread: writes until it is told that nothing more comes.
    pub(super) fn write_journal(
        &self,
        mut writer: JournalWriter<'_, Directory>,
        core: Option<u16>,
    ) -> Result<journal::Figures, LiveError> {
        if let Some(core) = core {
            place(core, Sched::Other)?;
        }
        let (counters, thread) = (&self.counters.journal, &self.counters.journal_thread);
        let show = |figures: journal::Figures| {
            counters.show(&figures);
            thread.round(self.clock.ticks());
            *self.journal.lock().expect("nobody panics with it") = figures;
        };
        thread.begin();
        loop {
            let is_done = self.is_journal_done.load(Ordering::Acquire);
            let work = writer.poll(moment(self.clock))?;
            show(writer.figures());
            if is_done {
                let figures = writer.finish(SealReason::Stopped, moment(self.clock))?;
                show(figures);
                return Ok(figures);
            }
            if work != Work::Busy {
                std::thread::sleep(JOURNAL_NAP);
            }
        }
    }
}
