//! Cut-offs: what comes too late leaves on the next day on which the route is open.

use super::edited;
use cross_market_connect::capital::route::times;

#[test]
fn money_leaves_when_the_route_is_open() {
    let terms = edited(&[]);
    let route = |name: &str| {
        terms.routes.iter().find(|route| route.name == name).unwrap_or_else(|| panic!("{name}"))
    };
    for (name, now, leaves, arrives) in [
        // 09:00 to 15:30 in Shanghai, a quarter of an hour.
        ("to_metals_home", "2026-07-15T06:00:00Z", "2026-07-15T06:00:00Z", "2026-07-15T06:15:00Z"),
        ("to_metals_home", "2026-07-15T07:29:59Z", "2026-07-15T07:29:59Z", "2026-07-15T07:44:59Z"),
        ("to_metals_home", "2026-07-15T07:30:00Z", "2026-07-16T01:00:00Z", "2026-07-16T01:15:00Z"),
        ("to_metals_home", "2026-07-15T00:00:00Z", "2026-07-15T01:00:00Z", "2026-07-15T01:15:00Z"),
        // Friday evening waits for Monday, the last of September for the holidays to be over.
        ("to_metals_home", "2026-07-17T09:00:00Z", "2026-07-20T01:00:00Z", "2026-07-20T01:15:00Z"),
        ("to_metals_home", "2026-09-30T08:00:00Z", "2026-10-08T01:00:00Z", "2026-10-08T01:15:00Z"),
        // 08:00 in New York is 12:00 UTC in summer and 13:00 in winter.
        (
            "to_metals_abroad",
            "2026-07-15T06:00:00Z",
            "2026-07-15T12:00:00Z",
            "2026-07-15T14:00:00Z",
        ),
        (
            "to_metals_abroad",
            "2026-12-15T06:00:00Z",
            "2026-12-15T13:00:00Z",
            "2026-12-15T15:00:00Z",
        ),
    ] {
        let found = times(route(name), now.parse().expect("an instant")).expect("it opens");
        let told = (found.leaves.to_string(), found.arrives.to_string());
        assert_eq!(told, (leaves.to_owned(), arrives.to_owned()), "{name} {now}");
    }
}
