//! Price limits of venues as limits of the desk: no wider than the configuration, no wider than the
//! venue, and told once.

use super::live::configuration;
use cross_market_connect::engine::inputs;
use cross_market_connect::engine::limits::PriceBands;
use cross_market_connect::engine::memory::DeskMemory;
use cross_market_connect::engine::wire::{desk_size, identity};
use cross_market_connect::recovery::replica::ReplicaCounters;
use xmc_hotpath::book::PriceLimits;
use xmc_hotpath::desk::{Desk, Outputs};
use xmc_hotpath::message::{Control, Credits, Input, InstrumentIndex, InstrumentSpec};
use xmc_hotpath::time::MonoNs;

#[test]
fn a_desk_has_the_narrower_of_both_and_nothing_where_there_is_none() {
    let config = configuration();
    let mut memory = DeskMemory::new(desk_size(&config));
    let mut desk = Desk::new(identity(&config, 1), memory.lend());
    let mut outputs = Outputs::new();
    let mut tell = |control: &Control, desk: &mut Desk<'_>| {
        let event = control.as_event();
        desk.on(&Input { now: MonoNs(1), credits: Credits::FULL, event }, &mut outputs);
    };
    inputs::controls(&config).0.iter().for_each(|control| tell(control, &mut desk));
    let row = config.spreads[0].legs[1].instrument.value;
    let index = InstrumentIndex(u32::try_from(row).expect("a row"));
    let configured: InstrumentSpec = desk.instruments()[row].spec.expect("it is configured");
    let (min, max) = (configured.min_price_e9, configured.max_price_e9);
    assert!(configured.is_tradable && max - min > 100);

    let replicas: Vec<_> = config.feeds.iter().map(|_| ReplicaCounters::default()).collect();
    let feed = config.instruments[row].feed;
    let mut bands = PriceBands::of(&config);
    assert_eq!(bands.due(replicas.iter()), []);
    let cases = [
        // Low and high limit of the venue; what the desk has then.
        ((Some(min + 10), Some(max - 20)), Some((min + 10, max - 20))),
        ((Some(min - 5), Some(max - 20)), Some((min, max - 20))),
        ((Some(min + 7), None), Some((min + 7, max))),
        ((None, Some(max + 7)), Some((min, max))),
        ((Some(max + 1), Some(max + 100)), None),
        ((Some(min - 100), Some(min - 1)), None),
        ((Some(max), Some(max + 100)), Some((max, max))),
        // Not told: what was told before holds.
        ((None, None), Some((max, max))),
    ];
    for ((low_e9, high_e9), expected) in cases {
        let before = desk.instruments()[row].spec;
        let limits = PriceLimits { high_e9, low_e9, max_variation_e9: None };
        replicas[feed].limits.note(index, limits);
        let due = bands.due(replicas.iter());
        due.iter().for_each(|control| tell(control, &mut desk));
        let spec = desk.instruments()[row].spec.expect("it is configured");
        assert_eq!(due.len(), usize::from(before != Some(spec)), "{limits:?}");
        let (min_price_e9, max_price_e9) = expected.unwrap_or((min, max));
        let is_tradable = expected.is_some();
        let narrowed = InstrumentSpec { min_price_e9, max_price_e9, is_tradable, ..configured };
        assert_eq!(spec, narrowed, "{limits:?}");
        assert_eq!(bands.due(replicas.iter()), [], "nothing is told twice");
    }
}

/// A limit that a person lowered in an earlier run is told at the start, behind the configuration,
/// and stays when the venue then tells a price limit.
#[test]
fn a_limit_that_was_lowered_before_the_start_outlives_a_price_limit() {
    let config = configuration();
    let (told, _) = inputs::controls(&config);
    let row = config.spreads[0].legs[1].instrument.value;
    let index = InstrumentIndex(u32::try_from(row).expect("a row"));
    let mut specs = told.iter().filter_map(|control| match control {
        Control::Instrument(spec) if spec.instrument == index => Some(*spec),
        _ => None,
    });
    let spec = specs.next_back().expect("it is configured");
    let lowered = InstrumentSpec { max_position_lots: spec.max_position_lots - 1, ..spec };
    let mut bands = PriceBands::of(&config);
    bands.carry(&[Control::Instrument(lowered)]);
    assert_eq!(bands.told(index), Some(lowered));
    let replicas: Vec<_> = config.feeds.iter().map(|_| ReplicaCounters::default()).collect();
    let high_e9 = spec.max_price_e9 - 1;
    let limits = PriceLimits { high_e9: Some(high_e9), low_e9: None, max_variation_e9: None };
    replicas[config.instruments[row].feed].limits.note(index, limits);
    let expected = InstrumentSpec { max_price_e9: high_e9, ..lowered };
    assert_eq!(bands.due(replicas.iter()), [Control::Instrument(expected)]);
}
