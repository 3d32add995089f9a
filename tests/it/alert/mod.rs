//! Alerts: the table, their life, the outbox, the sinks, and an engine that tells people.

mod engine;
mod life;
mod outbox;
mod receiver;
mod record;
mod rule;
mod secrets;
mod sign;
mod sink;
mod worker;

use cross_market_connect::alert::life::{Alert, Notice, What};
use cross_market_connect::alert::rule::{Rule, Severity};
use cross_market_connect::alert::signal::{Labels, fingerprint};
use std::collections::BTreeMap;

/// An alert about one spread.
pub fn alert(rule: Rule, severity: Severity, spread: &str) -> Alert {
    let labels: Labels = [("spread".to_owned(), spread.to_owned())].into();
    Alert {
        fingerprint: fingerprint(rule, &labels),
        code: rule,
        severity,
        labels,
        first_ns: 1_780_000_000_123_456_789,
        last_ns: 1_780_000_001_000_000_000,
        count: 3,
        value: 7,
        limit: 0,
        acknowledged: None,
        resolved_ns: None,
        told: BTreeMap::new(),
    }
}

/// That it fires.
pub fn firing(sink: &str, alert: Alert) -> Notice {
    Notice { sink: sink.to_owned(), what: What::Firing, alert }
}
