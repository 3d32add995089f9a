//! Generators of every message, with the boundaries of every integer: for whoever tests something
//! that carries them.

use proptest::prelude::*;
use xmc_hotpath::message::*;
use xmc_hotpath::price::{NO_ASK_E9, NO_BID_E9};
use xmc_hotpath::record::frame::{OwnedEvent, OwnedInput, Start};
use xmc_hotpath::time::{MonoNs, Span, UnixNs};

/// A type with a generator of all its values.
pub trait Arbitrary: Sized + std::fmt::Debug {
    /// The generator.
    fn any() -> BoxedStrategy<Self>;
}

macro_rules! integers {
    ($($int:ident)*) => {$(
        impl Arbitrary for $int {
            fn any() -> BoxedStrategy<Self> {
                prop_oneof![
                    4 => any::<$int>(),
                    2 => 0..=5 as $int,
                    1 => Just($int::MAX),
                    1 => Just($int::MIN),
                ]
                .boxed()
            }
        }
    )*};
}

integers! { u8 u16 u32 u64 i32 i64 }

impl Arbitrary for Scope {
    fn any() -> BoxedStrategy<Self> {
        prop_oneof![
            Just(Self::All),
            SpreadIndex::any().prop_map(Self::Spread),
            InstrumentIndex::any().prop_map(Self::Instrument),
            GatewayIndex::any().prop_map(Self::Gateway),
            AccountId::any().prop_map(Self::Account),
            StrategyId::any().prop_map(Self::Strategy),
        ]
        .boxed()
    }
}

impl Arbitrary for bool {
    fn any() -> BoxedStrategy<Self> {
        any::<bool>().boxed()
    }
}

impl<T: Arbitrary + 'static, const N: usize> Arbitrary for [T; N] {
    fn any() -> BoxedStrategy<Self> {
        prop::collection::vec(T::any(), N)
            .prop_map(|items| items.try_into().expect("N of them"))
            .boxed()
    }
}

macro_rules! newtypes {
    ($($name:ident)*) => {$(
        impl Arbitrary for $name {
            fn any() -> BoxedStrategy<Self> {
                Arbitrary::any().prop_map($name).boxed()
            }
        }
    )*};
}

newtypes! {
    SiteId DeskId StreamId GatewayIndex InstrumentIndex SpreadIndex StrategyId AccountId ProjectId
    OrderId MonoNs UnixNs Span
}

macro_rules! codes {
    ($($name:ident)*) => {$(
        impl Arbitrary for $name {
            fn any() -> BoxedStrategy<Self> {
                prop::sample::select($name::ALL).boxed()
            }
        }
    )*};
}

codes! {
    Side TimeInForce PositionEffect HedgeFlag QuoteQuality ChannelState OrderAction OrderEventKind
    SessionState CommandKind Gate Intent AlertKind SafeState OffsetRule CloseFirst FindingKind
    RepairEnd RepairWay FollowStep Obstacle Measure LegsFirst BreakerAction Denial
    RulePoint RuleAction RuleOp RuleStand
}

/// Nested pairs: tuples of strategies end at twelve.
macro_rules! nest {
    ($last:expr) => { $last };
    ($first:expr, $($rest:expr),+) => { ($first, nest!($($rest),+)) };
}

macro_rules! unnest {
    ($last:ident) => { $last };
    ($first:ident, $($rest:ident),+) => { ($first, unnest!($($rest),+)) };
}

macro_rules! anything {
    ($field:ident) => {
        Arbitrary::any()
    };
}

macro_rules! structs {
    ($($name:ident { $($field:ident)* })*) => {$(
        impl Arbitrary for $name {
            fn any() -> BoxedStrategy<Self> {
                nest!($(anything!($field)),*)
                    .prop_map(|structs_unnest!($($field)*)| $name { $($field),* })
                    .boxed()
            }
        }
    )*};
}

macro_rules! structs_unnest {
    ($($field:ident)*) => { unnest!($($field),*) };
}

structs! {
    ChannelUpdate { stream state epoch packet_seq_no missing }
    OrderCommand {
        action order_id venue_order_id instrument security_id gateway side time_in_force effect
        hedge price_e9 qty_lots spread leg strategy account project caused orders_left
    }
    OrderEvent {
        kind order_id venue_order_id exec_id stream seq_no side price_e9 qty_lots cum_lots
        leaves_lots reason exchange received
    }
    SessionUpdate { stream gateway state }
    InstrumentSpec {
        instrument feed gateway is_tradable security_id tick_e9 multiplier_e9 max_order_lots
        max_order_value max_position_lots min_price_e9 max_price_e9 collar_e9 collar_fraction_e9
        max_open_orders max_messages rate_window offset_rule close_first
    }
    LegSpec { instrument ratio_lots coefficient_q32 pay_up_e9 min_lean_lots }
    SpreadSpec {
        spread strategy account project is_enabled leg_count legs constant_e9 buy_open_e9
        trigger buy_close_e9 sell_open_e9 sell_close_e9 max_units clip_units hysteresis_e9
        cool_down max_fires fire_window max_quote_age max_quote_skew ack_timeout time_in_force hedge
        repair loss legs_first work
    }
    TriggerSpec {
        measure short_constant_e9 is_after_fees fee_e9 short_fee_e9 fee_q32 open_hold close_hold
    }
    RepairSpec {
        tries then within max_cost_e9 money_q32 fee_e9 fee_q32 inside_legs inside_across
    }
    GatewayLimits { gateway max_messages rate_window max_open_orders asks_status }
    AccountLimits {
        account max_order_lots max_position_lots max_open_orders max_messages rate_window
    }
    CarriedRun { run last_seq_no is_whole }
    CarriedUnits { spread position_units residual_lots is_halted }
    UnknownLots { instrument buy_lots sell_lots }
    AccountLots { account gross_lots }
    CarriedOrder {
        order_id venue_order_id instrument gateway spread leg account is_open side effect price_e9
        qty_lots filled_lots most_cum exec_ids exec_count bust_ids bust_count
    }
    HeldLots { instrument long_today long_yesterday short_today short_yesterday }
    Command { kind scope operator command_id }
    Instruction { operator second counter digest inputs denial untold }
    ClockScale { at utc error }
    Detailing { refusals endings }
    Hours { instrument from opening_until until }
    Finding { kind instrument stream packet_seq_no value opens_nothing }
    Sizing { single_line_q32 }
    LossSpec { max_e9 stress_q32 }
    WorkSpec { leg slop_e9 lag_e9 improve_e9 behind_e9 }
    BreakerRule { most of action }
    Breakers { spread slippage_e9 latency rules }
    RuleStep { op of leg }
    UserRule { spread rule point action cool_down name numbers steps }
    Ruling { spread rule point action intent stand step seen limit }
    Decision {
        spread intent gate leg units value_e9 level_e9 seen limit quote_age repeated rests
    }
    Alert { kind spread order_id stream value }
    StateChange { spread from to by_alert cause }
    Ending { spread intent units asked_lots filled_lots is_aligned done_units took }
    Way { cost_e9 obstacle gate leg }
    Follow {
        spread intent step lead lead_lots units followed_units obstacle gate leg seen limit
    }
    Repair {
        spread intent way attempt is_flattening done_units full_units residual_lots complete unwind
        open_for
    }
    InternalSide { spread intent leg way needed_lots cost_e9 saved_e9 opens_lots }
    Internal { instrument account lots price_e9 bid_e9 ask_e9 buy sell }
    Credits { gateway_slots record_used_pct }
    DeskIdentity { site desk run }
    Start { identity logic_version now utc config_digest arenas }
}

impl Arbitrary for Detail {
    fn any() -> BoxedStrategy<Self> {
        prop_oneof![
            Decision::any().prop_map(Detail::Decision),
            Alert::any().prop_map(Detail::Alert),
            StateChange::any().prop_map(Detail::State),
            Ending::any().prop_map(Detail::Ending),
            Repair::any().prop_map(Detail::Repair),
            Follow::any().prop_map(Detail::Follow),
            Internal::any().prop_map(Detail::Internal),
            Ruling::any().prop_map(Detail::Ruling),
        ]
        .boxed()
    }
}

/// One side of a book in its canonical form: absent levels show the side's absent value.
pub fn depth(absent_e9: i64) -> impl Strategy<Value = Depth> {
    // Few values, so that levels often stay as they are from one quote to the next.
    let level =
        (prop_oneof![4 => -3..3_i64, 1 => i64::any()], prop_oneof![4 => 0..3_u32, 1 => u32::any()]);
    prop::collection::vec(level, 0..=QUOTE_LEVELS).prop_map(move |levels| {
        let mut depth = Depth {
            price_e9: [absent_e9; QUOTE_LEVELS],
            lots: [0; QUOTE_LEVELS],
            count: levels.len() as u32,
        };
        for (at, (price_e9, lots)) in levels.into_iter().enumerate() {
            (depth.price_e9[at], depth.lots[at]) = (price_e9, lots);
        }
        depth
    })
}

/// A quote of one of `instruments` instruments.
pub fn quote(instruments: u32) -> impl Strategy<Value = Quote> {
    let stamps = (MonoNs::any(), UnixNs::any(), u32::any(), u32::any(), u32::any());
    let rest = (0..instruments, StreamId::any(), QuoteQuality::any());
    (stamps, rest, depth(NO_BID_E9), depth(NO_ASK_E9)).prop_map(|(stamps, rest, bids, asks)| {
        let (received, exchange, epoch, packet_seq_no, skipped) = stamps;
        let (instrument, stream, quality) = rest;
        let instrument = InstrumentIndex(instrument);
        Quote {
            received,
            exchange,
            instrument,
            epoch,
            packet_seq_no,
            skipped,
            stream,
            quality,
            bids,
            asks,
        }
    })
}

impl Arbitrary for Quote {
    fn any() -> BoxedStrategy<Self> {
        quote(u32::MAX).boxed()
    }
}

impl Arbitrary for Carried {
    fn any() -> BoxedStrategy<Self> {
        prop_oneof![
            CarriedRun::any().prop_map(Carried::Run),
            CarriedUnits::any().prop_map(Carried::Units),
            UnknownLots::any().prop_map(Carried::Unknown),
            AccountLots::any().prop_map(Carried::Account),
            CarriedOrder::any().prop_map(Carried::Order),
        ]
        .boxed()
    }
}

/// An event whose quotes are of one of `instruments` instruments.
pub fn event(instruments: u32) -> impl Strategy<Value = OwnedEvent> {
    let quote = (quote(instruments), bool::any());
    prop_oneof![
        4 => quote.prop_map(|(quote, more)| OwnedEvent::Quote { quote, more }),
        1 => ChannelUpdate::any().prop_map(OwnedEvent::Channel),
        1 => OrderEvent::any().prop_map(OwnedEvent::Order),
        1 => SessionUpdate::any().prop_map(OwnedEvent::Session),
        1 => InstrumentSpec::any().prop_map(OwnedEvent::Instrument),
        1 => SpreadSpec::any().prop_map(OwnedEvent::Spread),
        1 => GatewayLimits::any().prop_map(OwnedEvent::Gateway),
        1 => AccountLimits::any().prop_map(OwnedEvent::Account),
        1 => HeldLots::any().prop_map(OwnedEvent::Held),
        1 => Carried::any().prop_map(OwnedEvent::Carried),
        1 => Instruction::any().prop_map(OwnedEvent::Instruction),
        1 => Command::any().prop_map(OwnedEvent::Command),
        1 => Detailing::any().prop_map(OwnedEvent::Detailing),
        1 => Hours::any().prop_map(OwnedEvent::Hours),
        1 => Finding::any().prop_map(OwnedEvent::Finding),
        1 => Sizing::any().prop_map(OwnedEvent::Sizing),
        1 => Breakers::any().prop_map(OwnedEvent::Breakers),
        1 => UserRule::any().prop_map(OwnedEvent::Rule),
        1 => ClockScale::any().prop_map(OwnedEvent::Clock),
        1 => Just(OwnedEvent::Tick),
    ]
}

/// An input whose quotes are of one of `instruments` instruments.
pub fn input(instruments: u32) -> impl Strategy<Value = OwnedInput> {
    (MonoNs::any(), Credits::any(), event(instruments))
        .prop_map(|(now, credits, event)| OwnedInput { now, credits, event })
}
