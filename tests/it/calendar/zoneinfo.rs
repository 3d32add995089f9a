//! The time zones of the calendars against those of another program.

use super::at;
use cross_market_connect::calendar::Shelf;
use jiff::Timestamp;
use std::process::Command;

/// Every hour of two years in every zone, where the offset has changed.
const SCRIPT: &str = r#"
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo
for name in sys.argv[1:]:
    zone, last = ZoneInfo(name), None
    at = datetime(2026, 1, 1, tzinfo=timezone.utc)
    while at < datetime(2028, 1, 1, tzinfo=timezone.utc):
        seconds = int(at.astimezone(zone).utcoffset().total_seconds())
        if seconds != last:
            print(name, int(at.timestamp()), seconds)
            last = seconds
        at += timedelta(hours=1)
"#;

/// Says loudly that there is no second program to compare with.
fn skipped(why: &str) {
    assert!(
        !crate::shared::is_required("python3"),
        "XMC_REQUIRE names python3, and zoneinfo does not run: {why}"
    );
    eprintln!("SKIPPED for want of python3 with zoneinfo and time zones: {why}");
}

#[test]
fn offsets_change_when_python_says_so() {
    let shelf = Shelf::shipped().expect("calendars");
    let zones = shelf.calendars().iter().map(|kept| kept.calendar.zone.clone());
    let mut zones: Vec<_> = zones.collect();
    zones.sort_by_key(|zone| zone.iana_name().map(str::to_owned));
    zones.dedup_by_key(|zone| zone.iana_name().map(str::to_owned));
    assert_eq!(zones.len(), 5, "the zones of the calendars");
    let names = zones.iter().filter_map(|zone| zone.iana_name());
    let output = match Command::new("python3").arg("-c").arg(SCRIPT).args(names).output() {
        Ok(output) if output.status.success() => output,
        Ok(output) => return skipped(&String::from_utf8_lossy(&output.stderr)),
        Err(error) => return skipped(&error.to_string()),
    };
    let mut ours = String::new();
    for zone in &zones {
        let name = zone.iana_name().expect("a name");
        let mut last = None;
        let mut second = at("2026-01-01T00:00:00Z").as_second();
        while second < at("2028-01-01T00:00:00Z").as_second() {
            let instant = Timestamp::from_second(second).expect("in range");
            let offset = zone.to_offset(instant).seconds();
            if last != Some(offset) {
                ours.push_str(&format!("{name} {second} {offset}\n"));
                last = Some(offset);
            }
            second += 3_600;
        }
    }
    assert_eq!(String::from_utf8_lossy(&output.stdout), ours);
    // Two zones with four changes in two years, and the beginning of each of the five.
    assert_eq!(ours.lines().count(), 5 + 2 * 4);
}
