//! Prometheus Alertmanager, API version 2: `POST /api/v2/alerts`.
//!
//! It forgets what is not posted again, so each heartbeat posts all that fires, beside an alert
//! that always fires (`XMC-A901`): where that ends, a dead man's switch of the receiving side
//! speaks. What is posted ends by itself after four heartbeats; what is over is posted with its
//! end. Source: alertmanager 0.25, `api/v2/openapi.yaml`, `postableAlerts`.

use super::http::Target;
use super::{SendError, Sink};
use crate::alert::life::Alert;
use crate::alert::message::{Kind, Message, Origin, utc};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Heartbeats after which something ends that was not posted again.
const BEATS: u32 = 4;
/// How long something fires that is never posted again.
const UNBEATEN: Duration = Duration::from_secs(300);

/// Posts to an Alertmanager.
#[derive(Debug)]
pub struct Alertmanager {
    target: Target,
    lasts_ns: u64,
}

impl Alertmanager {
    /// Posts to the one at `target`, with a heartbeat every `beat`; zero: none.
    #[must_use]
    pub fn new(target: Target, beat: Duration) -> Self {
        let lasts = if beat.is_zero() { UNBEATEN } else { beat * BEATS };
        Self { target, lasts_ns: u64::try_from(lasts.as_nanos()).unwrap_or(u64::MAX) }
    }
}

impl Sink for Alertmanager {
    fn send(&mut self, message: &Message) -> Result<String, SendError> {
        let ends_ns = message.at_ns.saturating_add(self.lasts_ns);
        let told = message.items.iter().map(|item| &item.notice.alert);
        let all = told.chain(&message.firing);
        let body: Vec<_> = all.map(|alert| postable(alert, &message.origin, ends_ns)).collect();
        let mut headers = vec![("Idempotency-Key", message.key())];
        if message.kind == Kind::Heartbeat {
            headers.clear();
        }
        let body = Value::Array(body).to_string();
        let answer = self.target.post("/api/v2/alerts", &headers, body.as_bytes());
        answer.map(|answer| answer.words())
    }
}

/// An alert as Alertmanager takes it.
fn postable(alert: &Alert, origin: &Origin, ends_ns: u64) -> Value {
    let [en, zh] = alert.code.both();
    let mut labels: Map<String, Value> =
        alert.labels.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    labels.insert("alertname".to_owned(), alert.code.code().into());
    labels.insert("severity".to_owned(), alert.severity.word().into());
    labels.insert("site".to_owned(), origin.site.to_string().into());
    labels.insert("desk".to_owned(), origin.desk.to_string().into());
    labels.insert("project".to_owned(), origin.project.clone().into());
    let mut annotations = json!({
        "summary": en.title,
        "summary_zh": zh.title,
        "description": en.text_of(alert.value, alert.limit),
        "description_zh": zh.text_of(alert.value, alert.limit),
        "next": en.next,
        "next_zh": zh.next,
        "fingerprint": alert.fingerprint,
    });
    if let (Value::Object(all), Some(by)) = (&mut annotations, &alert.acknowledged) {
        all.insert("acknowledged_by".to_owned(), by.by.clone().into());
    }
    json!({
        "labels": labels,
        "annotations": annotations,
        "startsAt": utc(alert.first_ns),
        "endsAt": utc(alert.resolved_ns.unwrap_or(ends_ns)),
    })
}
