//! What goes wrong on purpose, as the files of venues say it.

use super::sample;
use cross_market_connect::config::venue::{CmeVenue, ShfeVenue, cme_text, shfe_text};
use cross_market_connect::config::{Invalid, Rule};
use cross_market_connect::venue::cme::simulated::{
    Happening, LineFaults, OrderFault, OrderRate, OrderTrouble, Silence, Spot,
};
use std::path::Path;
use std::time::Duration;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::Span;

/// The sample's text with `more` behind it.
fn text(name: &str, more: &str) -> String {
    std::fs::read_to_string(sample(name)).expect("the sample") + more
}

fn cme(more: &str) -> Result<CmeVenue, Invalid> {
    cme_text(Path::new("venue.toml"), &text("venue_cme.toml", more))
}

fn shfe(more: &str) -> Result<ShfeVenue, Invalid> {
    shfe_text(Path::new("venue.toml"), &text("venue_shfe.toml", more))
}

/// The keys that a sample has in comments, without the signs of comment.
fn written_out(name: &str) -> String {
    let text = std::fs::read_to_string(sample(name)).expect("the sample");
    let (before, faults) = text.split_once("# [faults]").expect("faults are shown");
    let lines = faults.lines().filter(|line| !line.contains("And what happens"));
    let lines = lines.map(|line| line.trim_start_matches("# "));
    format!("{before}[faults]{}", lines.collect::<Vec<_>>().join("\n"))
}

#[test]
fn what_the_samples_show_is_read() {
    let venue = cme_text(Path::new("venue.toml"), &written_out("venue_cme.toml"));
    let venue = venue.unwrap_or_else(|invalid| panic!("{invalid}"));
    let faults = &venue.faults;
    assert_eq!((faults.seed, faults.lost_together_per_mille), (1, 2));
    assert_eq!(faults.recovery_lost_per_mille, 50);
    let [a, b] = faults.lines;
    assert_eq!(
        a,
        LineFaults { lost_per_mille: 10, duplicated_per_mille: 5, ..LineFaults::default() }
    );
    assert_eq!((b.swapped_per_mille, b.swap_depth, b.delay), (20, 3, Span(200_000)));
    assert_eq!((faults.lost[0].line, faults.lost[0].numbers.clone()), (None, 5_000..=5_009));
    let ms = |ms: u64| Span(ms * 1_000_000);
    assert_eq!(
        faults.plan,
        [
            (ms(30_000), Happening::Silence(Silence::Frozen)),
            (ms(32_000), Happening::Silence(Silence::Off)),
            (ms(60_000), Happening::Failover),
        ]
    );
    let dropped = OrderFault { spot: Spot::Report, nth: 3, what: OrderTrouble::Drop };
    assert_eq!(venue.order_faults.once, [dropped]);
    let [restart] = &venue.restarts[..] else { panic!("{:?}", venue.restarts) };
    assert_eq!(
        (restart.after, restart.down),
        (Duration::from_secs(90), Duration::from_millis(1_500))
    );

    let venue = shfe_text(Path::new("venue.toml"), &written_out("venue_shfe.toml"));
    let venue = venue.unwrap_or_else(|invalid| panic!("{invalid}"));
    assert_eq!((venue.most_resent, venue.kept_packets), (Some(100), Some(1_000)));
    assert_eq!((venue.faults.plan.len(), venue.restarts.len()), (3, 1));
    let venue = cme("").unwrap_or_else(|invalid| panic!("{invalid}"));
    assert_eq!(venue.faults, Default::default());
}

#[test]
fn what_can_be_said_of_a_line_is_read() {
    let venue = cme("[faults]\nline_a = { cut = true }\nline_b = { corrupted_per_mille = 1, \
                     truncated_per_mille = 2, oversized_per_mille = 3, divergent_per_mille = 994, \
                     keeps_one_sound = true, delay_packets = 7 }\n\
                     [[fault]]\nwhat = \"silent\"\nafter_ms = 5\nfor_ms = 6\n\
                     [[fault]]\nwhat = \"lost\"\nline = \"a\"\nfrom_packet = 7\nto_packet = 7\n");
    let venue = venue.unwrap_or_else(|invalid| panic!("{invalid}"));
    let expected = LineFaults {
        corrupted_per_mille: 1,
        truncated_per_mille: 2,
        oversized_per_mille: 3,
        divergent_per_mille: 994,
        keeps_one_sound: true,
        delay_packets: 7,
        ..LineFaults::NONE
    };
    assert_eq!(venue.faults.lines, [LineFaults::CUT, expected]);
    assert_eq!(venue.faults.plan[0].1, Happening::Silence(Silence::Total));
    assert_eq!(venue.faults.lost[0].line, Some(Line::A));
}

#[test]
fn what_goes_wrong_with_orders_is_read() {
    let venue = cme("[faults]\nseed = 9\n\
                     [[fault]]\nwhat = \"order\"\nat = \"request\"\ndoes = \"refused\"\ncode = 7\n\
                     [[fault]]\nwhat = \"order\"\nat = \"resent\"\nper_mille = 5\n\
                     does = \"renumbered\"\nby = -2\n\
                     [[fault]]\nwhat = \"order\"\nafter_ms = 50\ndoes = \"silence\"\nfor_ms = 3\n");
    let faults = venue.unwrap_or_else(|invalid| panic!("{invalid}")).order_faults;
    assert_eq!(faults.seed, 9);
    let refused = OrderTrouble::Refused(7);
    assert_eq!(faults.once, [OrderFault { spot: Spot::Request, nth: 1, what: refused }]);
    let what = OrderTrouble::Renumbered(-2);
    assert_eq!(faults.rates, [OrderRate { spot: Spot::Resent, per_mille: 5, what }]);
    let silence = OrderTrouble::Silence(Span(3_000_000));
    assert_eq!(faults.plan, [(Span(50_000_000), silence)]);
}

#[test]
fn what_cannot_be_is_refused_alone() {
    let many = "[[fault]]\nwhat = \"channel_reset\"\nafter_ms = 1\n".repeat(65);
    let cases: &[(&str, Rule)] = &[
        ("[faults]\nlost_per_mille = 1\n", Rule::UnknownKey),
        ("[faults]\nmost_resent = 1\n", Rule::UnknownKey),
        ("[faults]\nlost_together_per_mille = 1001\n", Rule::OutOfBounds),
        ("[faults]\nseed = -1\n", Rule::OutOfBounds),
        ("[faults]\nline_a = 7\n", Rule::WrongType),
        ("[faults]\nline_a = { lost = 7 }\n", Rule::UnknownKey),
        ("[faults]\nline_a = { lost_per_mille = -1 }\n", Rule::OutOfBounds),
        ("[faults]\nline_a = { lost_per_mille = 0.5 }\n", Rule::WrongType),
        ("[faults]\nline_a = { cut = 1 }\n", Rule::WrongType),
        ("[faults]\nline_a = { swapped_per_mille = 1, swap_depth = 0 }\n", Rule::OutOfBounds),
        ("[faults]\nline_a = { delay_us = 60000001 }\n", Rule::OutOfBounds),
        ("[faults]\nline_a = { delay_packets = 10001 }\n", Rule::OutOfBounds),
        ("[faults]\nline_a = { lost_per_mille = 1000 }\n", Rule::Faults),
        ("[faults]\nline_a = { cut = true, lost_per_mille = 1 }\n", Rule::Faults),
        ("[faults]\nline_a = { swap_depth = 2 }\n", Rule::Faults),
        ("[faults]\nline_a = { keeps_one_sound = true }\n", Rule::Faults),
        (
            "[faults]\nline_a = { corrupted_per_mille = 501, truncated_per_mille = 500 }\n",
            Rule::Faults,
        ),
        ("[[faults]]\nseed = 1\n", Rule::WrongType),
        ("[[fault]]\nafter_ms = 1\n", Rule::MissingKey),
        ("[[fault]]\nwhat = \"fire\"\n", Rule::UnknownWord),
        ("[[fault]]\nwhat = \"center_change\"\nafter_ms = 1\n", Rule::UnknownWord),
        ("[[fault]]\nwhat = \"channel_reset\"\n", Rule::MissingKey),
        ("[[fault]]\nwhat = \"channel_reset\"\nafter_ms = 0\n", Rule::OutOfBounds),
        ("[[fault]]\nwhat = \"channel_reset\"\nafter_ms = 86400001\n", Rule::OutOfBounds),
        ("[[fault]]\nwhat = \"channel_reset\"\nafter_ms = 1\nfor_ms = 1\n", Rule::UnknownKey),
        ("[[fault]]\nwhat = \"frozen\"\nafter_ms = 1\nfor_ms = 600001\n", Rule::OutOfBounds),
        ("[[fault]]\nwhat = \"silent\"\nafter_ms = 1\n", Rule::MissingKey),
        (
            "[[fault]]\nwhat = \"lost\"\nline = \"both\"\nfrom_packet = 9\nto_packet = 8\n",
            Rule::Faults,
        ),
        (
            "[[fault]]\nwhat = \"lost\"\nline = \"c\"\nfrom_packet = 1\nto_packet = 8\n",
            Rule::UnknownWord,
        ),
        ("[[fault]]\nwhat = \"order\"\ndoes = \"drop\"\n", Rule::MissingKey),
        ("[[fault]]\nwhat = \"order\"\nat = \"moon\"\ndoes = \"drop\"\n", Rule::UnknownWord),
        ("[[fault]]\nwhat = \"order\"\nat = \"report\"\ndoes = \"torn\"\n", Rule::MissingKey),
        (
            "[[fault]]\nwhat = \"order\"\nat = \"report\"\ndoes = \"drop\"\ncode = 1\n",
            Rule::UnknownKey,
        ),
        (
            "[[fault]]\nwhat = \"order\"\nat = \"report\"\ndoes = \"refused\"\ncode = 1\n",
            Rule::Faults,
        ),
        (
            "[[fault]]\nwhat = \"order\"\nat = \"report\"\ndoes = \"drop\"\nnth = 1\n\
             per_mille = 1\n",
            Rule::Faults,
        ),
        (&many, Rule::TooMany),
    ];
    for (more, rule) in cases {
        let invalid = cme(more).err().unwrap_or_else(|| panic!("{more} is sound"));
        let rules: Vec<_> = invalid.problems.iter().map(|problem| problem.rule).collect();
        assert_eq!(rules, [*rule], "{more}:\n{invalid}");
        assert!(!invalid.render(false).is_empty());
    }
    for (more, rule) in [
        ("[faults]\nrecovery_lost_per_mille = 1\n", Rule::UnknownKey),
        ("[faults]\nmost_resent = 4097\n", Rule::OutOfBounds),
        ("[faults]\nkept_packets = 0\n", Rule::OutOfBounds),
        ("[[fault]]\nwhat = \"channel_reset\"\nafter_ms = 1\n", Rule::UnknownWord),
    ] {
        let invalid = shfe(more).err().unwrap_or_else(|| panic!("{more} is sound"));
        assert_eq!(invalid.problems[0].rule, rule, "{more}:\n{invalid}");
    }
    let restart = "[[fault]]\nwhat = \"restart\"\nafter_ms = 1\nfor_ms = 1\n";
    assert_eq!(cme(restart).expect("it has a store").restarts.len(), 1);
    let forgetful = text("venue_cme.toml", restart).replace("store = ", "# store = ");
    let invalid = cme_text(Path::new("venue.toml"), &forgetful).expect_err("it forgets");
    assert_eq!(invalid.problems[0].rule, Rule::Faults, "{invalid}");
}
