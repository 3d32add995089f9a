//! What a snapshot says, checked: the day, the topic, the contracts, their books, and the packet
//! from which the multicast goes on.
//!
//! Contract data comes from here: the codec price and the tick without which no multicast price can
//! be read, and the venue's number of each instrument. A snapshot that contradicts itself is
//! refused whole, because books would be built on it.

use super::contract::{Contract, ContractError, ContractState, bits, code, padded, price, shown};
use super::day::{DayError, TradingDay, moment, told};
use super::layout::{
    ContractField, DepthField, LevelField, NO_CIPHER, OutcomeField, PacketNoField, SnapTimeField,
    StateField, TopicField, TradingDayField,
};
use super::message::{Frame, Message, SnapshotField};
use std::collections::HashMap;
use thiserror::Error;
use xmc_hotpath::book::{OUTRIGHT_LEVELS, Order};
use xmc_hotpath::time::UnixNs;
use xmc_hotpath::venue::shfe::smdp::layout::{CenterChange, LevelSide};
use xmc_hotpath::wire::{I16Le, I32Le};

/// Why a snapshot is not used. Ask for another one.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SnapshotError {
    /// The venue says so.
    #[error("snapshot refused by the venue: error {error_id}, {text}")]
    Refused {
        /// The venue's number of the reason.
        error_id: i32,
        /// The venue's text, GBK bytes escaped.
        text: String,
    },
    /// A part that every snapshot has.
    #[error("snapshot lacks its {part}")]
    Missing {
        /// Which.
        part: &'static str,
    },
    /// A part that a snapshot has once.
    #[error("snapshot has its {part} twice, and they differ")]
    Twice {
        /// Which.
        part: &'static str,
    },
    /// Another topic was asked for.
    #[error("snapshot is of topic {topic}, topic {asked} was asked for")]
    Topic {
        /// The snapshot's.
        topic: i16,
        /// The request's.
        asked: i16,
    },
    /// The multicast of the topic is enciphered.
    #[error("topic is enciphered ('{cipher}'): only plain ones ('0') are read")]
    Cipher {
        /// The letter.
        cipher: char,
    },
    /// A depth that no book here can have.
    #[error("depth of {depth} levels: it must be from 1 to {OUTRIGHT_LEVELS}")]
    Depth {
        /// Levels a side.
        depth: i32,
    },
    /// The day is none.
    #[error(transparent)]
    Day(#[from] DayError),
    /// A field of an instrument that cannot be read.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// Two contracts with one number.
    #[error("instrument {instrument_no} is there twice")]
    Instrument {
        /// The venue's number.
        instrument_no: i32,
    },
    /// A state or a level of no contract.
    #[error("instrument {instrument_no} has a {part} and no contract")]
    Stranger {
        /// The venue's number.
        instrument_no: i32,
        /// What it has.
        part: &'static str,
    },
    /// A level that no book can have: no price, no lots, no side, twice the same or too many.
    #[error("instrument {instrument_no}: {rule}")]
    Level {
        /// The venue's number.
        instrument_no: i32,
        /// The rule that it breaks.
        rule: &'static str,
    },
}

/// The state of a topic, complete through one packet.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Topic.
    pub topic: i16,
    /// Slice.
    pub snap_no: i32,
    /// The last packet that it includes: the multicast goes on with the next one.
    pub packet_no: i32,
    /// The day; a night session belongs to the next one.
    pub trading_day: TradingDay,
    /// Settlement group.
    pub settlement_group: String,
    /// Number of the settlement.
    pub settlement_id: i32,
    /// Levels a side.
    pub depth: u8,
    /// When it was taken.
    pub taken: UnixNs,
    /// Changes of the publishing data centre, as told.
    pub center_changes: Vec<CenterChange>,
    /// The instruments, in the order sent.
    pub instruments: Vec<SnapshotInstrument>,
}

/// One instrument of a snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotInstrument {
    /// What does not change during the day.
    pub contract: Contract,
    /// What has happened, if told.
    pub state: Option<ContractState>,
    /// Buyers, best first.
    pub bids: Vec<SnapshotLevel>,
    /// Sellers, best first.
    pub asks: Vec<SnapshotLevel>,
}

/// A level of a snapshot's book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotLevel {
    /// Price in units of 1e-9.
    pub price_e9: i64,
    /// Lots that rest there.
    pub lots: u32,
}

impl Snapshot {
    /// Reads the fields of a snapshot that was asked for `asked`.
    ///
    /// # Errors
    /// See `SnapshotError`.
    pub fn gather(asked: i16, fields: &[SnapshotField]) -> Result<Self, SnapshotError> {
        let head = Head::gather(fields)?;
        let topic = head.topic.topic_id.get();
        if topic != asked {
            return Err(SnapshotError::Topic { topic, asked });
        }
        let cipher = head.depth.cipher;
        if cipher != NO_CIPHER {
            return Err(SnapshotError::Cipher { cipher: char::from(cipher) });
        }
        let depth = head.depth.market_data_depth.get();
        let levels = u8::try_from(depth)
            .ok()
            .filter(|levels| (1..=OUTRIGHT_LEVELS).contains(&usize::from(*levels)))
            .ok_or(SnapshotError::Depth { depth })?;
        Ok(Self {
            topic,
            snap_no: head.topic.snap_no.get(),
            packet_no: head.packet_no,
            trading_day: TradingDay::read(&head.trading_day.trading_day)?,
            settlement_group: code(&head.trading_day.settlement_group)?,
            settlement_id: head.trading_day.settlement_id.get(),
            depth: levels,
            taken: moment(
                &head.taken.snap_date,
                &head.taken.snap_time,
                head.taken.snap_millis.get(),
            )?,
            center_changes: head.center_changes,
            instruments: Roll::gather(levels, fields)?.instruments,
        })
    }

    /// The change of the data centre that holds at the snapshot's packet, if one is told.
    ///
    /// UNPROVEN: that the list holds past changes with the packet from which each holds. In the
    /// vector both lie beyond the snapshot's own packet, so none of them holds there.
    pub fn center_change_no(&self) -> Option<i8> {
        let past = self.center_changes.iter().filter(|c| c.packet_no.get() <= self.packet_no);
        past.max_by_key(|change| change.packet_no.get()).map(|change| change.change_no)
    }

    /// The messages that answer a request with it: as many as it takes, the last one marked so.
    ///
    /// # Panics
    /// If a text does not fit its field.
    pub fn frames(&self, request_id: i32) -> Vec<Frame> {
        let mut fields = self.head_fields();
        let mut frames = Vec::new();
        for instruments in self.instruments.chunks(INSTRUMENTS_A_FRAME) {
            fields.extend(instruments.iter().flat_map(SnapshotInstrument::fields));
            let message = Message::SnapshotResponse(std::mem::take(&mut fields));
            frames.push(Frame::new(request_id, message));
        }
        if frames.is_empty() {
            frames.push(Frame::new(request_id, Message::SnapshotResponse(fields)));
        }
        frames.last_mut().expect("there is at least one").is_last = true;
        frames
    }

    fn head_fields(&self) -> Vec<SnapshotField> {
        let (snap_date, snap_time, millis) = told(self.taken);
        let mut fields: Vec<_> =
            self.center_changes.iter().map(|c| SnapshotField::CenterChange(*c)).collect();
        fields.extend([
            SnapshotField::TradingDay(TradingDayField {
                trading_day: self.trading_day.text(),
                settlement_group: padded(&self.settlement_group),
                settlement_id: I32Le::new(self.settlement_id),
            }),
            SnapshotField::Topic(TopicField {
                topic_id: I16Le::new(self.topic),
                snap_no: I32Le::new(self.snap_no),
            }),
            SnapshotField::Depth(DepthField {
                market_data_depth: I32Le::new(i32::from(self.depth)),
                cipher: NO_CIPHER,
                key: [0; 16],
                iv: [0; 16],
            }),
            SnapshotField::SnapTime(SnapTimeField {
                snap_date,
                snap_time,
                snap_millis: I32Le::new(millis),
            }),
            SnapshotField::PacketNo(PacketNoField { packet_no: I32Le::new(self.packet_no) }),
        ]);
        fields
    }
}

/// An instrument has at most 700 bytes: its contract, its state and twenty levels. A message has at
/// most 65,535.
const INSTRUMENTS_A_FRAME: usize = 64;

impl SnapshotInstrument {
    fn fields(&self) -> Vec<SnapshotField> {
        let level = |side: LevelSide, level: &SnapshotLevel| {
            SnapshotField::Level(LevelField {
                instrument_no: I32Le::new(self.contract.instrument_no),
                side: side.letter(),
                price: bits(Some(level.price_e9)),
                volume: I32Le::new(i32::try_from(level.lots).unwrap_or(i32::MAX)),
            })
        };
        let mut fields = vec![SnapshotField::Contract(self.contract.write())];
        fields.extend(self.state.as_ref().map(|state| SnapshotField::State(state.write())));
        fields.extend(self.bids.iter().map(|bid| level(LevelSide::Bid, bid)));
        fields.extend(self.asks.iter().map(|ask| level(LevelSide::Ask, ask)));
        fields
    }
}

/// The parts that a snapshot has once.
struct Head {
    trading_day: TradingDayField,
    topic: TopicField,
    depth: DepthField,
    taken: SnapTimeField,
    packet_no: i32,
    center_changes: Vec<CenterChange>,
}

impl Head {
    /// A long snapshot comes in several messages, each of which may say these again.
    fn gather(fields: &[SnapshotField]) -> Result<Self, SnapshotError> {
        let (mut trading_day, mut topic, mut depth) = (None, None, None);
        let (mut taken, mut packet_no, mut center_changes) = (None, None, Vec::new());
        for field in fields {
            match field {
                SnapshotField::Outcome(outcome) => granted(outcome)?,
                SnapshotField::CenterChange(change) if center_changes.contains(change) => {}
                SnapshotField::CenterChange(change) => center_changes.push(*change),
                SnapshotField::TradingDay(record) => once(&mut trading_day, *record, "day")?,
                SnapshotField::Topic(record) => once(&mut topic, *record, "topic")?,
                SnapshotField::Depth(record) => once(&mut depth, *record, "depth")?,
                SnapshotField::SnapTime(record) => once(&mut taken, *record, "time")?,
                SnapshotField::PacketNo(record) => {
                    once(&mut packet_no, record.packet_no.get(), "packet number")?;
                }
                SnapshotField::Contract(_) | SnapshotField::State(_) | SnapshotField::Level(_) => {}
            }
        }
        let missing = |part| SnapshotError::Missing { part };
        Ok(Self {
            trading_day: trading_day.ok_or_else(|| missing("day"))?,
            topic: topic.ok_or_else(|| missing("topic"))?,
            depth: depth.ok_or_else(|| missing("depth"))?,
            taken: taken.ok_or_else(|| missing("time"))?,
            packet_no: packet_no.ok_or_else(|| missing("packet number"))?,
            center_changes,
        })
    }
}

fn once<T: PartialEq>(
    place: &mut Option<T>,
    record: T,
    part: &'static str,
) -> Result<(), SnapshotError> {
    if place.as_ref().is_some_and(|known| *known != record) {
        return Err(SnapshotError::Twice { part });
    }
    *place = Some(record);
    Ok(())
}

fn granted(outcome: &OutcomeField) -> Result<(), SnapshotError> {
    match outcome.error_id.get() {
        0 => Ok(()),
        error_id => Err(SnapshotError::Refused { error_id, text: shown(&outcome.error_message) }),
    }
}

/// The instruments, found by their numbers.
struct Roll {
    depth: u8,
    instruments: Vec<SnapshotInstrument>,
    places: HashMap<i32, usize>,
}

impl Roll {
    fn gather(depth: u8, fields: &[SnapshotField]) -> Result<Self, SnapshotError> {
        let mut roll = Self { depth, instruments: Vec::new(), places: HashMap::new() };
        for field in fields {
            match field {
                SnapshotField::Contract(record) => roll.contract(record)?,
                SnapshotField::State(record) => roll.state(record)?,
                SnapshotField::Level(record) => roll.level(record)?,
                _ => {}
            }
        }
        for instrument in &mut roll.instruments {
            sort(&mut instrument.bids, Order::Falling);
            sort(&mut instrument.asks, Order::Rising);
        }
        Ok(roll)
    }

    fn contract(&mut self, record: &ContractField) -> Result<(), SnapshotError> {
        let contract = Contract::read(record)?;
        let instrument_no = contract.instrument_no;
        if self.places.insert(instrument_no, self.instruments.len()).is_some() {
            return Err(SnapshotError::Instrument { instrument_no });
        }
        let (bids, asks) = (Vec::new(), Vec::new());
        self.instruments.push(SnapshotInstrument { contract, state: None, bids, asks });
        Ok(())
    }

    fn state(&mut self, record: &StateField) -> Result<(), SnapshotError> {
        let state = ContractState::read(record)?;
        let instrument_no = state.instrument_no;
        let place = &mut self.find(instrument_no, "state")?.state;
        if place.is_some() {
            return Err(SnapshotError::Instrument { instrument_no });
        }
        *place = Some(state);
        Ok(())
    }

    fn level(&mut self, record: &LevelField) -> Result<(), SnapshotError> {
        let (depth, instrument_no) = (self.depth, record.instrument_no.get());
        let broken = |rule| SnapshotError::Level { instrument_no, rule };
        let instrument = self.find(instrument_no, "level")?;
        let side = match LevelSide::from_wire(record.side) {
            Some(LevelSide::Bid) => &mut instrument.bids,
            Some(LevelSide::Ask) => &mut instrument.asks,
            None => return Err(broken("the side of a level must be 0 or 1")),
        };
        let price_e9 = price(instrument_no, record.price)?;
        let price_e9 = price_e9.ok_or_else(|| broken("a level must have a price"))?;
        let lots = u32::try_from(record.volume.get()).ok().filter(|lots| *lots > 0);
        let lots = lots.ok_or_else(|| broken("a level must have lots"))?;
        if side.iter().any(|level| level.price_e9 == price_e9) {
            return Err(broken("two levels of one side must not have one price"));
        }
        if side.len() >= usize::from(depth) {
            return Err(broken("a side must not have more levels than the topic"));
        }
        side.push(SnapshotLevel { price_e9, lots });
        Ok(())
    }

    fn find(
        &mut self,
        instrument_no: i32,
        part: &'static str,
    ) -> Result<&mut SnapshotInstrument, SnapshotError> {
        let place = self.places.get(&instrument_no);
        place
            .and_then(|place| self.instruments.get_mut(*place))
            .ok_or(SnapshotError::Stranger { instrument_no, part })
    }
}

fn sort(levels: &mut [SnapshotLevel], order: Order) {
    levels.sort_by_key(|level| match order {
        Order::Falling => -i128::from(level.price_e9),
        Order::Rising => i128::from(level.price_e9),
    });
}
