//! What an engine counts, for Prometheus: its file of counters, read from outside and written as
//! text of version 0.0.4 or as `OpenMetrics` 1.0.
//!
//! There is one source, `counters.shm`, whoever serves it: `xmc run --metrics` in a thread of its
//! own, or `xmc metrics` in another process, which touches no engine and tells of a dead one too.
//! `name` says what a counter is called there, `family` gathers what belongs together, `text`
//! writes it, `source` looks at the file, `serve` answers. Names follow from the table of counters
//! by rule, so a new counter is exported without a word here.
//!
//! Not here: what is to be alarmed by whom, which is `alert`; `config/monitoring` has rules and a
//! dashboard for those who go by Prometheus.
//!
//! Sources: prometheus.io "Exposition formats" and "Metric and label naming"; OpenMetrics 1.0.0.

mod family;
mod name;
mod serve;
mod source;
mod text;

pub use family::{Family, Sample, catalogue};
pub use name::Type;
pub use serve::{CONNECTIONS, Exporter, MetricsError, Place};
pub use source::Source;
pub use text::Format;
