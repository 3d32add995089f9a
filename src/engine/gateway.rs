//! One gateway of the configuration as a stage: which protocol it speaks is decided here, once.

use super::memory::DeskSize;
use super::wire::WireError;
use crate::config::{self, Configuration, GatewayProtocol};
use crate::counters::table::MEMORY_BYTES;
use crate::counters::{Owner, OwnerKind, Placed, Placer};
use crate::venue::esunny::dstar::logon::Granted;
use rtrb::RingBuffer;
use xmc_hotpath::counter::{Counter, Recorder};
use xmc_hotpath::gateway::{self as stage, GatewayCounters, GatewayStage, OrderSession, Reentry};
use xmc_hotpath::message::{
    DeskIdentity, GatewayIndex, GatewayNews, InstrumentIndex, OffsetRule, OrderCommand, StreamId,
};
use xmc_hotpath::port::StreamPort;
use xmc_hotpath::ring::{self, Receiver, Sender};
use xmc_hotpath::stage::{Stage, Work};
use xmc_hotpath::time::{Clock, Span};
use xmc_hotpath::venue::cme::ilink3::encode::SessionIdentity;
use xmc_hotpath::venue::cme::ilink3::layout::NEWEST_VERSION;
use xmc_hotpath::venue::cme::ilink3::session::{self as ilink3, Handover, Left, Session};
use xmc_hotpath::venue::esunny::dstar::encode::{Account, Contract, InsertTemplate};
use xmc_hotpath::venue::esunny::dstar::layout::{Generation, V3};
use xmc_hotpath::venue::esunny::dstar::requests::Pace;
use xmc_hotpath::venue::esunny::dstar::session::{
    self as dstar, DstarSession, Identity, OrderRow, SERIALS_KEPT, Storage,
};
use xmc_hotpath::venue::esunny::dstar::simulated_counter::SimulatedCounter;

/// Bytes received and not yet read: two of the longest messages, and then some.
const INBOX_BYTES: usize = 1 << 16;

/// Where the cold side left an order session.
#[derive(Debug, Default)]
pub enum GatewayStart {
    /// There is no logon: orders trade on paper, within this process.
    #[default]
    Paper,
    /// An iLink 3 session that is established.
    Ilink3(Handover),
    /// A counter that knows our account and socket.
    Dstar(Granted),
}

/// Where a session that has ended leaves its numbers, and the next one comes in.
#[derive(Debug)]
pub enum Door<G> {
    /// CME iLink 3.
    Ilink3(stage::Door<G, Handover, Left>),
    /// Esunny DSTAR.
    Dstar {
        /// The door.
        door: stage::Door<G, dstar::Handover, dstar::Left>,
        /// `ContractIndex` and `ContractNo` of what the first session of the run could trade:
        /// those that come after name contracts alike.
        contracts: Vec<(u32, String)>,
    },
}

/// The stage of a gateway, and its door.
type Staged<'m, G, C, L> = (AnyGateway<'m, G, C, L>, Option<Door<G>>);

/// The two sides of a door.
fn door<P, H, L>() -> (Reentry<P, H, L>, stage::Door<P, H, L>) {
    let (left_in, left) = ring::ends(RingBuffer::new(1));
    let (entries, entries_out) = ring::ends(RingBuffer::new(1));
    let (spent_in, spent) = ring::ends(RingBuffer::new(1));
    // Both things that can be asked of one session.
    let (leave, leave_out) = ring::ends(RingBuffer::new(2));
    let inside = Reentry { left: left_in, entries: entries_out, spent: spent_in, leave: leave_out };
    (inside, stage::Door { left, entries, spent, leave })
}

/// A session at an Esunny counter. The vendor's library frames replies in a way that is not public,
/// so the stream is the simulated one.
type Dstar<'m> = DstarSession<'m, V3, SimulatedCounter>;

/// The stage of a gateway.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a handful of them, made once and never moved")]
pub enum AnyGateway<'m, G, C, L> {
    /// CME iLink 3; paper speaks it too.
    Ilink3(GatewayStage<'m, Session<'m>, G, C, L>),
    /// Esunny DSTAR, version 3.
    Dstar(GatewayStage<'m, Dstar<'m>, G, C, L>),
}

impl<G: StreamPort, C: Clock, L: Recorder> AnyGateway<'_, G, C, L> {
    /// Its port, to be looked at.
    #[must_use]
    pub fn port(&self) -> &G {
        match self {
            Self::Ilink3(stage) => stage.port(),
            Self::Dstar(stage) => stage.port(),
        }
    }

    /// Its port, for whoever owns both sides (the simulator).
    pub fn port_mut(&mut self) -> &mut G {
        match self {
            Self::Ilink3(stage) => stage.port_mut(),
            Self::Dstar(stage) => stage.port_mut(),
        }
    }

    /// Its recorder of tick-to-order times, to be looked at.
    #[must_use]
    pub fn latency(&self) -> &L {
        match self {
            Self::Ilink3(stage) => stage.latency(),
            Self::Dstar(stage) => stage.latency(),
        }
    }

    /// The recorder, to be emptied.
    pub fn latency_mut(&mut self) -> &mut L {
        match self {
            Self::Ilink3(stage) => stage.latency_mut(),
            Self::Dstar(stage) => stage.latency_mut(),
        }
    }

    /// Ends its session in order. It is polled on until `is_over`, or one waits no longer.
    pub fn log_out(&mut self) {
        match self {
            Self::Ilink3(stage) => stage.log_out(),
            Self::Dstar(stage) => stage.log_out(),
        }
    }

    /// Whether its session has ended and everything that came of it is read.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match self {
            Self::Ilink3(stage) => stage.is_over(),
            Self::Dstar(stage) => stage.is_over(),
        }
    }
}

impl<G: StreamPort, C: Clock, L: Recorder> Stage for AnyGateway<'_, G, C, L> {
    #[inline]
    fn poll(&mut self) -> Work {
        match self {
            Self::Ilink3(stage) => stage.poll(),
            Self::Dstar(stage) => stage.poll(),
        }
    }

    fn housekeeping(&mut self) {
        match self {
            Self::Ilink3(stage) => stage.housekeeping(),
            Self::Dstar(stage) => stage.housekeeping(),
        }
    }
}

/// What a session counts, by its protocol.
#[derive(Debug)]
pub enum SessionCounters {
    /// CME iLink 3; paper speaks it too.
    Ilink3(Placed<ilink3::SessionCounters>),
    /// Esunny DSTAR.
    Dstar(Placed<dstar::SessionCounters>),
}

impl SessionCounters {
    pub(crate) fn new(gateway: &config::Gateway) -> Self {
        Self::place(gateway, &Owner::new(OwnerKind::Session, ""), &mut Placer::alone(MEMORY_BYTES))
    }

    pub(super) fn place(gateway: &config::Gateway, owner: &Owner, placer: &mut Placer) -> Self {
        match gateway.protocol {
            GatewayProtocol::Paper | GatewayProtocol::CmeIlink3 => {
                Self::Ilink3(placer.place(owner))
            }
            GatewayProtocol::EsunnyDstar => Self::Dstar(placer.place(owner)),
        }
    }

    /// Messages of the venue that could not be read.
    #[must_use]
    pub fn unreadable(&self) -> u64 {
        match self {
            Self::Ilink3(counters) => counters.unreadable.get(),
            Self::Dstar(counters) => counters.unreadable.get(),
        }
    }

    /// Reports of orders that are not ours.
    #[must_use]
    pub fn foreign(&self) -> u64 {
        match self {
            Self::Ilink3(counters) => counters.foreign.get(),
            Self::Dstar(counters) => counters.foreign.get(),
        }
    }
}

/// What the stage of one gateway works in.
#[derive(Debug)]
pub(crate) struct Memory {
    inbox: Vec<u8>,
    /// Empty where the protocol needs none of it.
    inserts: Vec<Option<InsertTemplate<V3>>>,
    orders: Vec<OrderRow<<V3 as Generation>::Key>>,
    serials: Box<[u64; SERIALS_KEPT]>,
}

impl Memory {
    pub fn new(gateway: &config::Gateway, size: DeskSize) -> Self {
        let (instruments, orders) = match gateway.protocol {
            GatewayProtocol::Paper | GatewayProtocol::CmeIlink3 => (0, 0),
            GatewayProtocol::EsunnyDstar => (size.instruments, size.orders),
        };
        Self {
            inbox: vec![0; INBOX_BYTES],
            inserts: vec![None; instruments],
            orders: vec![OrderRow::FREE; orders],
            serials: Box::new([0; SERIALS_KEPT]),
        }
    }
}

/// What joins a gateway's stage to everything else.
pub(crate) struct Ends<'m, G, C, L> {
    pub port: G,
    pub clock: C,
    pub latency: L,
    pub commands: Receiver<OrderCommand>,
    pub news: Sender<GatewayNews>,
    pub utc_origin: &'m Counter,
    pub counters: &'m GatewayCounters,
}

/// The stage of gateway `row`, of `desk`'s, and the door through which its next session comes if
/// its protocol goes on with sessions.
pub(crate) fn stage<'m, G: StreamPort, C: Clock, L: Recorder>(
    config: &Configuration,
    (row, desk): (GatewayIndex, DeskIdentity),
    memory: &'m mut Memory,
    counters: &'m SessionCounters,
    start: &GatewayStart,
    ends: Ends<'m, G, C, L>,
) -> Result<Staged<'m, G, C, L>, WireError> {
    let configured = &config.gateways[usize::from(row.0)];
    let name = || configured.name.value.clone();
    let wrong = || WireError::GatewayStart { name: name(), protocol: configured.protocol.word() };
    let stream = StreamId(configured.stream_id.value);
    let Memory { inbox, inserts, orders, serials } = memory;
    match (counters, start) {
        (SessionCounters::Ilink3(counters), GatewayStart::Paper)
            if configured.protocol == GatewayProtocol::Paper =>
        {
            let session = Session::new(row, stream, &PAPER, 1, counters);
            let session = session.map_err(|source| WireError::Identity { name: name(), source })?;
            Ok((AnyGateway::Ilink3(staged(session, row, stream, inbox, ends)), None))
        }
        (SessionCounters::Ilink3(counters), GatewayStart::Ilink3(handover)) => {
            let session = configured.session.as_ref().ok_or_else(wrong)?;
            let identity = SessionIdentity {
                sender_id: &session.sender_id,
                location: &session.location,
                party_details_id: session.party_details_id,
                schema_version: NEWEST_VERSION,
            };
            let session = Session::take_over(row, stream, &identity, handover, counters);
            let session = session.map_err(|source| WireError::Identity { name: name(), source })?;
            let (inside, outside) = door();
            let stage = staged(session, row, stream, inbox, ends).with_reentry(inside);
            Ok((AnyGateway::Ilink3(stage), Some(Door::Ilink3(outside))))
        }
        (SessionCounters::Dstar(counters), GatewayStart::Dstar(granted)) => {
            let account = configured.counter.as_ref().ok_or_else(wrong)?;
            let identity = Identity {
                gateway: row,
                stream,
                desk,
                account: Account { close_today: account.close_today_code, ..granted.account },
                req_id_mode: account.request_ids,
                next_client_req_id: granted.next_client_req_id,
                pace: Pace {
                    ask_after: milliseconds(account.ask_after_ms),
                    ask_interval: milliseconds(account.ask_interval_ms),
                },
            };
            let storage = Storage { inserts, orders, serials };
            let session = DstarSession::new(SimulatedCounter::new(), identity, storage, counters);
            let mut session =
                session.map_err(|source| WireError::Counter { name: name(), source })?;
            trade(config, row, granted, &mut session)?;
            let (inside, door) = door();
            let stage = staged(session, row, stream, inbox, ends).with_reentry(inside);
            let contracts = granted.contracts.clone();
            Ok((AnyGateway::Dstar(stage), Some(Door::Dstar { door, contracts })))
        }
        _ => Err(wrong()),
    }
}

fn milliseconds(ms: u32) -> Span {
    Span(u64::from(ms) * 1_000_000)
}

/// Who trades on paper: the paper exchange asks nobody's name.
const PAPER: SessionIdentity<'static> = SessionIdentity {
    sender_id: "PAPER",
    location: "PAPER",
    party_details_id: 0,
    schema_version: NEWEST_VERSION,
};

fn staged<'m, S: OrderSession, G: StreamPort, C: Clock, L: Recorder>(
    session: S,
    row: GatewayIndex,
    stream: StreamId,
    inbox: &'m mut [u8],
    ends: Ends<'m, G, C, L>,
) -> GatewayStage<'m, S, G, C, L> {
    let Ends { port, clock, latency, commands, news, utc_origin, counters } = ends;
    GatewayStage::new(
        session, port, clock, latency, row, stream, commands, news, inbox, utc_origin, counters,
    )
}

/// Makes what the configuration trades through gateway `row` tradable at its counter.
fn trade(
    config: &Configuration,
    row: GatewayIndex,
    granted: &Granted,
    session: &mut Dstar<'_>,
) -> Result<(), WireError> {
    let gateway = usize::from(row.0);
    for (instrument, place) in config.instruments.iter().zip(0..) {
        if instrument.gateway != Some(gateway) {
            continue;
        }
        let name = || instrument.name.value.clone();
        let mut contracts = granted.contracts.iter();
        let Some((index, number)) = contracts.find(|(_, number)| *number == instrument.symbol)
        else {
            return Err(WireError::NoContract {
                instrument: name(),
                symbol: instrument.symbol.clone(),
                gateway: config.gateways[gateway].name.value.clone(),
            });
        };
        let needs_close_today = instrument.offset_rule == OffsetRule::CloseToday;
        let contract = Contract { index: *index, number, needs_close_today };
        session
            .trade(InstrumentIndex(place), &contract)
            .map_err(|source| WireError::Contract { instrument: name(), source })?;
    }
    Ok(())
}
