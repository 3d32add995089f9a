//! What the cold side tells the desk: contract data, spreads, limits, commands, the clock.

use super::{
    AccountId, Breakers, Carried, CloseFirst, Event, Gate, GatewayIndex, Instruction,
    InstrumentIndex, OffsetRule, Scope, SpreadSpec, StreamId, UserRule,
};
use crate::record::codec::{code, message};
use crate::time::{MonoNs, Span, UnixNs};

message! {
    /// Contract data of one instrument, and its limits. Sent again when anything changes.
    pub struct InstrumentSpec {
        /// Row of the instrument table.
        pub instrument: InstrumentIndex,
        /// The channel that quotes it.
        pub feed: StreamId,
        /// The gateway that trades it.
        pub gateway: GatewayIndex,
        /// Whether it may be traded at all; quotes are used either way (an FX leg only prices).
        pub is_tradable: bool,
        /// The venue's number.
        pub security_id: i32,
        /// Smallest price step.
        pub tick_e9: i64,
        /// Units of the quoted quantity in one lot, times 1e9: value of a lot = price * this.
        pub multiplier_e9: i64,
        /// Largest single order. 0 means that no order passes.
        pub max_order_lots: u32,
        /// Largest value of a single order, in whole units of the quote currency.
        pub max_order_value: i64,
        /// Largest net position, long or short, with everything live or unknown counted as filled.
        pub max_position_lots: u32,
        /// Sanity: no order has a price below. May be negative.
        pub min_price_e9: i64,
        /// Sanity: no order has a price above.
        pub max_price_e9: i64,
        /// How far an order's price may be from the best price on its own side of the book;
        /// `i64::MAX` leaves it to the fraction.
        pub collar_e9: i64,
        /// The same as a fraction of that best price, times 1e9; `i64::MAX` leaves it to
        /// `collar_e9`.
        pub collar_fraction_e9: i64,
        /// Orders of this instrument that may be open at once.
        pub max_open_orders: u16,
        /// Messages about it in `rate_window`. At most `risk::INSTRUMENT_RATE_MAX`.
        pub max_messages: u16,
        /// The sliding window.
        pub rate_window: Span,
        /// What the market asks about the position: whether orders carry a `PositionEffect`, and
        /// how one leg becomes several orders.
        pub offset_rule: OffsetRule,
        /// What is closed first, where the market tells it apart.
        pub close_first: CloseFirst,
    }
}

message! {
    /// What is held in an instrument, as the venue says: sent at the start, after a change of the
    /// trading day and after a resync. Taken only while none of its orders lives; it replaces what
    /// the desk has counted.
    pub struct HeldLots {
        /// Row of the instrument table.
        pub instrument: InstrumentIndex,
        /// Bought today and not sold; all that is bought, where the market nets.
        pub long_today: u32,
        /// Bought before today and not sold.
        pub long_yesterday: u32,
        /// Sold today and not bought; all that is sold, where the market nets.
        pub short_today: u32,
        /// Sold before today and not bought.
        pub short_yesterday: u32,
    }
}

message! {
    /// Limits of one gateway.
    pub struct GatewayLimits {
        /// Which.
        pub gateway: GatewayIndex,
        /// Messages that may be sent in `rate_window`. At most `risk::RATE_MAX`.
        pub max_messages: u16,
        /// The sliding window.
        pub rate_window: Span,
        /// Orders that may be open at once.
        pub max_open_orders: u16,
        /// Whether its protocol has a message that asks how an order stands.
        pub asks_status: bool,
    }
}

message! {
    /// Limits of one account over all its instruments, or with `AccountId::ALL` of the whole desk.
    pub struct AccountLimits {
        /// Whose.
        pub account: AccountId,
        /// Largest single order.
        pub max_order_lots: u32,
        /// Largest sum of the lots held in all legs, whatever their side.
        pub max_position_lots: u32,
        /// Orders that may be open at once.
        pub max_open_orders: u16,
        /// Messages that may be sent in `rate_window`. At most `risk::RATE_MAX`.
        pub max_messages: u16,
        /// The sliding window.
        pub rate_window: Span,
    }
}

impl AccountId {
    /// All accounts of the desk together.
    pub const ALL: Self = Self(u32::MAX);
}

code! {
    /// What an operator, or the engine itself, orders the desk to do.
    pub enum CommandKind {
        /// Let spreads fire.
        Enable = 1 "enable",
        /// Keep spreads from firing.
        Disable = 2 "disable",
        /// Take one spread out of HALT (its residual has been dealt with by hand).
        ClearHalt = 3 "clear_halt",
        /// Stop: no new orders, live ones cancelled. The whole desk is in HALT then; of a smaller
        /// scope every spread is, until each is cleared by its own name.
        Kill = 4 "kill",
        /// Allow the desk to open again, after a restart or `NO_NEW`.
        Arm = 5 "arm",
        /// Open nothing; what is open may be closed. The whole desk is in `NO_NEW` then; of a
        /// smaller scope every spread that may fire closes only, until its own name enables it.
        NoNew = 6 "no_new",
        /// Believe the books of a spread's legs again, although a snapshot of the venue showed
        /// another one (somebody knows why).
        ClearDoubt = 7 "clear_doubt",
        /// Take one spread that holds nothing out of the table: see `desk::remove`.
        Remove = 8 "remove",
    }
}

message! {
    /// A command, already authenticated by the cold side.
    pub struct Command {
        /// What.
        pub kind: CommandKind,
        /// About what.
        pub scope: Scope,
        /// Who: the operator's number in the control file; 0 is the engine itself.
        pub operator: u32,
        /// The command's own number, for the receipt.
        pub command_id: u64,
    }
}

message! {
    /// How this engine's clock stands to UTC: recorded so that monotonic stamps can be dated.
    pub struct ClockScale {
        /// A moment on the engine's clock.
        pub at: MonoNs,
        /// The same moment in UTC.
        pub utc: UnixNs,
        /// Known bound of the error of `utc`, in nanoseconds; `u64::MAX` means not known.
        pub error: Span,
    }
}

message! {
    /// What the desk says in detail of what it does. Orders, the decisions that they follow from,
    /// alerts, states and fires that broke are always told: nobody can leave them out.
    pub struct Detailing {
        /// Refusals that are told: a bit for each gate, at the place of its code.
        pub refusals: u64,
        /// Whether the ends of fires are told that ended in ratio.
        pub endings: bool,
    }
}

impl Default for Detailing {
    fn default() -> Self {
        Self::ALL
    }
}

impl Detailing {
    /// Everything, which a desk begins with.
    pub const ALL: Self = Self { refusals: u64::MAX, endings: true };

    /// The bit of a gate among `refusals`.
    #[must_use]
    pub fn bit(gate: Gate) -> u64 {
        1_u64.wrapping_shl(gate.code().into())
    }

    /// Whether what a gate holds back is told.
    #[must_use]
    pub fn has_refusal(self, gate: Gate) -> bool {
        self.refusals & Self::bit(gate) != 0
    }

    /// What is left out, in the words of the configuration: `endings`, and gates by name.
    pub fn left_out(self) -> impl Iterator<Item = &'static str> {
        let endings = (!self.endings).then_some(Self::ENDINGS);
        let gates = Gate::ALL.iter().filter(move |gate| !self.has_refusal(**gate));
        endings.into_iter().chain(gates.map(|gate| gate.word()))
    }

    /// The word for the ends of fires that ended in ratio.
    pub const ENDINGS: &'static str = "endings";
}

const _: () = {
    let mut rest = Gate::ALL;
    while let [gate, more @ ..] = rest {
        assert!(gate.code() < 64, "a gate has no bit in `Detailing`");
        rest = more;
    }
};

message! {
    /// When an instrument may be traded: the window that is, or the next one, on the desk's own
    /// clock. Told again when it has ended, and when the clock has moved against UTC. An instrument
    /// that is never told any may be traded always.
    pub struct Hours {
        /// Row of the instrument table.
        pub instrument: InstrumentIndex,
        /// Nothing is sent before.
        pub from: MonoNs,
        /// Nothing is opened from then on: the guard time before the end.
        pub opening_until: MonoNs,
        /// Nothing is sent from then on.
        pub until: MonoNs,
    }
}

code! {
    /// What the cold side can find.
    pub enum FindingKind {
        /// A snapshot of the venue shows another book than its changes have made.
        BookDiffers = 1 "book_differs",
        /// A clock was set: UTC against the engine's own, or a venue's against UTC.
        ClockStep = 2 "clock_step",
        /// UTC and the engine's own clock do not go at one rate.
        ClockDrift = 3 "clock_drift",
        /// An instrument has stopped moving in the middle of its session, while the other leg goes
        /// on.
        Frozen = 4 "frozen",
        /// A frozen instrument moves again.
        Moves = 5 "moves",
    }
}

message! {
    /// What the cold side has found: told to a person as an alert, and acted on if it is to be.
    pub struct Finding {
        /// What.
        pub kind: FindingKind,
        /// Row of the instrument table, or `InstrumentIndex::NONE`.
        pub instrument: InstrumentIndex,
        /// The channel, or `StreamId::NONE`.
        pub stream: StreamId,
        /// Of a book, the last packet that is in the venue's snapshot.
        pub packet_seq_no: u32,
        /// Of an instrument the venue's number, of clocks nanoseconds.
        pub value: i64,
        /// Nothing is opened from now on: with this instrument, or at all if it is of none.
        pub opens_nothing: bool,
    }
}

message! {
    /// How much is opened while a leg's channel has one line only.
    pub struct Sizing {
        /// The part of a spread's largest fire, times 2^32 and less 1; never less than one unit.
        pub single_line_q32: u32,
    }
}

impl Sizing {
    /// As much as with two lines, which a desk begins with.
    pub const WHOLE: Self = Self { single_line_q32: u32::MAX };

    /// The largest fire of a spread whose largest fire is `clip_units` with two lines.
    #[inline]
    #[must_use]
    pub fn clip_units(self, clip_units: u32) -> u32 {
        let part = u64::from(self.single_line_q32).wrapping_add(1);
        let units = u64::from(clip_units).wrapping_mul(part) >> 32;
        u32::try_from(units).unwrap_or(clip_units).max(1)
    }
}

/// What the cold side tells the desk, through its control ring.
#[expect(clippy::large_enum_variant, reason = "told at the start and by hand, and copied once")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Contract data and limits.
    Instrument(InstrumentSpec),
    /// A spread added or changed.
    Spread(SpreadSpec),
    /// Limits of a gateway.
    Gateway(GatewayLimits),
    /// Limits of an account, or of the whole desk.
    Account(AccountLimits),
    /// What is held in an instrument.
    Held(HeldLots),
    /// What an earlier run left.
    Carried(Carried),
    /// What operators have asked for: in front of what it brings about.
    Instruction(Instruction),
    /// An operator's command.
    Command(Command),
    /// What is told in detail.
    Detailing(Detailing),
    /// When an instrument may be traded.
    Hours(Hours),
    /// What was found.
    Finding(Finding),
    /// How much is opened while a channel has one line only.
    Sizing(Sizing),
    /// The breakers of a spread.
    Breakers(Breakers),
    /// A rule of a spread.
    Rule(UserRule),
    /// The clock against UTC.
    Clock(ClockScale),
}

impl Control {
    /// The event that the desk sees.
    #[inline]
    #[must_use]
    pub const fn as_event(&self) -> Event<'_> {
        match self {
            Self::Instrument(spec) => Event::Instrument(spec),
            Self::Spread(spec) => Event::Spread(spec),
            Self::Gateway(limits) => Event::Gateway(*limits),
            Self::Account(limits) => Event::Account(*limits),
            Self::Held(held) => Event::Held(*held),
            Self::Carried(carried) => carried.as_event(),
            Self::Instruction(instruction) => Event::Instruction(*instruction),
            Self::Command(command) => Event::Command(*command),
            Self::Detailing(detailing) => Event::Detailing(*detailing),
            Self::Hours(hours) => Event::Hours(*hours),
            Self::Finding(finding) => Event::Finding(*finding),
            Self::Sizing(sizing) => Event::Sizing(*sizing),
            Self::Breakers(breakers) => Event::Breakers(*breakers),
            Self::Rule(rule) => Event::Rule(rule),
            Self::Clock(scale) => Event::Clock(*scale),
        }
    }
}
