//! What an earlier run left: held units are closed, unknown lots count against every limit, and
//! what was halted waits.

use super::stand::Stand;
use xmc_hotpath::message::{
    AccountId, AccountLots, AlertKind, Carried, CarriedRun, CarriedUnits, CommandKind, Event, Gate,
    HeldLots, InstrumentIndex, MAX_LEGS, SpreadIndex, UnknownLots,
};

fn units(spread: u32, position_units: i32, is_halted: bool) -> Event<'static> {
    let residual_lots = [0; MAX_LEGS];
    let spread = SpreadIndex(spread);
    Event::Carried(Carried::Units(CarriedUnits {
        spread,
        position_units,
        residual_lots,
        is_halted,
    }))
}

fn unknown(row: u32, buy_lots: u32, sell_lots: u32) -> Event<'static> {
    let instrument = InstrumentIndex(row);
    Event::Carried(Carried::Unknown(UnknownLots { instrument, buy_lots, sell_lots }))
}

fn gross(account: AccountId, gross_lots: i64) -> Event<'static> {
    Event::Carried(Carried::Account(AccountLots { account, gross_lots }))
}

fn held(row: u32, long_today: u32, short_today: u32) -> Event<'static> {
    let instrument = InstrumentIndex(row);
    Event::Held(HeldLots {
        instrument,
        long_today,
        long_yesterday: 0,
        short_today,
        short_yesterday: 0,
    })
}

fn run(is_whole: bool) -> Event<'static> {
    Event::Carried(Carried::Run(CarriedRun { run: 6, last_seq_no: 77, is_whole }))
}

#[test]
fn units_of_an_earlier_run_are_closed_like_own_ones() {
    let mut stand = Stand::new();
    for event in [held(0, 2, 0), held(1, 0, 2), units(0, 2, false), run(true)] {
        stand.tell(event);
        assert_eq!(stand.alerts(), []);
    }
    assert_eq!((stand.exposure(0), stand.exposure(1)), ((2, 0, 0), (-2, 0, 0)));
    assert_eq!(stand.desk().spreads()[0].position_units, 2);
    // The spread is worth far more than it takes to close.
    stand.quote(0, 150, 151, 5);
    stand.quote(1, 100, 101, 5);
    let orders = stand.orders();
    let sides: Vec<_> = orders.iter().map(|order| (order.leg, order.qty_lots)).collect();
    assert_eq!(sides.len(), 2, "{:?}", stand.decision());
}

#[test]
fn unknown_lots_stay_reserved_until_less_is_told() {
    let mut stand = Stand::new();
    stand.tell(unknown(0, 3, 1));
    assert_eq!(stand.exposure(0), (0, 3, 1));
    stand.tell(unknown(0, 3, 0));
    assert_eq!(stand.exposure(0), (0, 3, 0));
    // As many as the position limit has: nothing that buys passes.
    let limit = stand.desk().instruments()[0].spec.expect("it is known").max_position_lots;
    stand.tell(unknown(0, limit, 0));
    stand.quote(1, 100, 101, 5);
    stand.quote(0, 99, 100, 5);
    let decision = stand.decision().expect("it triggers");
    assert_eq!((decision.gate, stand.orders().len()), (Gate::Position, 0));
    stand.tell(unknown(0, 0, 0));
    assert_eq!(stand.exposure(0), (0, 0, 0));
    stand.quote(1, 100, 101, 4);
    assert_eq!(stand.orders().len(), 2, "{:?}", stand.decision());
}

#[test]
fn what_was_halted_waits_for_a_command() {
    let mut stand = Stand::new();
    stand.tell(units(0, 0, true));
    assert_eq!(stand.alerts(), [AlertKind::CarriedHalt]);
    stand.quote(1, 100, 101, 5);
    stand.quote(0, 99, 100, 5);
    assert_eq!(stand.decision().map(|decision| decision.gate), Some(Gate::Halted));
    stand.command(CommandKind::ClearHalt);
    stand.command(CommandKind::Enable);
    stand.quote(1, 100, 101, 4);
    assert_eq!(stand.orders().len(), 2, "{:?}", stand.decision());
}

#[test]
fn a_record_that_is_cut_short_is_said() {
    let mut stand = Stand::new();
    stand.tell(run(true));
    assert_eq!(stand.alerts(), []);
    stand.tell(run(false));
    assert_eq!(stand.alerts(), [AlertKind::RecordGap]);
}

#[test]
fn an_account_goes_on_with_what_it_used() {
    let mut stand = Stand::new();
    for account in [AccountId::ALL, AccountId(1)] {
        stand.tell(gross(account, 12));
        assert_eq!(stand.alerts(), []);
    }
    let lots: Vec<_> = stand.desk().account_lots().map(|lots| lots.gross_lots).collect();
    assert_eq!(lots, [12, 12]);
}

#[test]
fn what_has_no_row_is_refused_aloud() {
    let mut stand = Stand::new();
    for event in [units(7, 1, false), unknown(9, 1, 1), gross(AccountId(55), 1)] {
        stand.tell(event);
        assert_eq!(stand.alerts(), [AlertKind::BadInput]);
    }
    // While a fire is under way its units cannot be told.
    stand.open(4);
    stand.tell(units(0, 1, false));
    assert_eq!(stand.alerts(), [AlertKind::BadInput]);
}
