//! What is seen of an engine while it runs, and who looks.

use crate::clock::EngineClock;
use crate::config::Configuration;
use crate::counters::Placed;
use crate::engine::capital;
use crate::engine::clocks::ClockFigures;
use crate::engine::core::hot;
use crate::engine::counters::Counters;
use crate::engine::latency::Figures;
use crate::engine::score::Scoreboard;
use crate::engine::sessions::SessionFigures;
use crate::engine::shadow::Difference;
use crate::engine::witnessing;
use crate::journal;
use crate::journal::probe::Probe;
use crate::topology::Executor;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use xmc_hotpath::desk::Desk;
use xmc_hotpath::record::frame::{Body, Header};
use xmc_hotpath::stage::{CoreCounters, Switch};
use xmc_hotpath::time::MonoNs;

/// Between two housekeepings of a hot core.
const HOUSEKEEPING: Duration = Duration::from_millis(1);

/// Who looks on.
pub trait Watch {
    /// A record of the run, in order, after the shadow has followed it.
    fn record(&mut self, header: &Header, body: &Body, desk: &Desk<'_>);

    /// How often it looks, at most: whoever draws for people needs no more than ten times a second.
    fn every(&self) -> Duration {
        Duration::from_millis(100)
    }

    /// The engine as it is now. `Break` ends the run.
    fn look(&mut self, sight: &Sight<'_, '_>) -> ControlFlow<()>;
}

/// A moment of a running engine.
pub struct Sight<'s, 'd> {
    /// Since the start.
    pub elapsed: Duration,
    /// The engine's clock.
    pub now: MonoNs,
    /// The shadow of the desk, which follows by a few milliseconds.
    pub desk: &'s Desk<'d>,
    /// The first place where the shadow did something else than the record says: a fault in the
    /// program.
    pub difference: Option<&'s Difference>,
    /// What the stages count.
    pub counters: &'s Counters,
    /// The engine's clock beside UTC.
    pub clocks: &'s ClockFigures,
    /// Lines A and B of each feed, hour by hour.
    pub scores: &'s Scoreboard,
    /// From a packet to the last order that followed from it.
    pub latency: Figures,
    /// What the journal has done.
    pub journal: journal::Figures,
    /// What its disk did when the run began, without a journal; `None` if it refused.
    pub disk: Option<Probe>,
    /// What witnesses have of it; `None` if there are none.
    pub witnessed: Option<&'s witnessing::Figures>,
    /// How the money that orders use stands; `None`: nobody watches it.
    pub capital: Option<Arc<capital::Figures>>,
    /// What has become of order sessions that go on.
    pub sessions: &'s [SessionFigures],
    /// Hot cores, in the order of the topology.
    pub cores: &'s [Core],
    /// The run is over; this is the last look.
    pub is_last: bool,
}

/// A hot core and what it does with its time.
#[derive(Debug)]
pub struct Core {
    /// As the kernel numbers it.
    pub core: u16,
    /// Its stages, by name.
    pub stages: Vec<String>,
    /// How it is stopped.
    pub switch: Switch,
    /// What it does with its time.
    pub counters: Placed<CoreCounters>,
}

impl Core {
    /// Every hot core of `config`, by the topology.
    #[must_use]
    pub(super) fn all(
        config: &Configuration,
        clock: &EngineClock,
        counters: &Counters,
    ) -> Vec<Self> {
        let core = |(executor, counters): (&Executor, &Placed<CoreCounters>)| Self {
            core: executor.core.value,
            stages: executor.stages.iter().map(|stage| config.stage_name(stage.value)).collect(),
            switch: Switch {
                housekeeping_ticks: clock.ticks_in(HOUSEKEEPING),
                ..Switch::default()
            },
            counters: counters.clone(),
        };
        hot(config).zip(&counters.cores).map(core).collect()
    }
}
