//! A desk that only writes records: what the tests of the journal put into rings.

use xmc_hotpath::message::{Alert, AlertKind, StreamId};
use xmc_hotpath::message::{
    Credits, DeskId, DeskIdentity, Detail, Event, Input, InstrumentIndex, OrderCommand, OrderId,
    Quote, SiteId, SpreadIndex,
};
use xmc_hotpath::record::frame::{Image, Images, LOGIC_VERSION, MAX_LEN, Start, Writer};
use xmc_hotpath::record::ring::{Producer, RingFull};
use xmc_hotpath::time::{MonoNs, UnixNs};

/// Run 1 of the desk of these tests.
pub const FIRST: DeskIdentity = DeskIdentity { site: SiteId(1), desk: DeskId(2), run: 1 };

/// Instruments that it quotes.
const INSTRUMENTS: u32 = 3;

/// Writes records that a real desk could have written.
pub struct Desk {
    writer: Writer,
    images: Vec<Image>,
    /// Sequence number of the last input.
    pub seq_no: u64,
    random: fastrand::Rng,
}

impl Desk {
    /// A desk whose quotes depend on `seed`.
    pub fn new(identity: DeskIdentity, seed: u64) -> Self {
        Self {
            writer: Writer { identity },
            images: vec![Image::EMPTY; INSTRUMENTS as usize],
            seq_no: 0,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// The start of its run.
    pub fn start(&self) -> Vec<u8> {
        let start = Start {
            identity: self.writer.identity,
            logic_version: LOGIC_VERSION,
            now: MonoNs(1),
            utc: UnixNs(1_700_000_000_000_000_000),
            config_digest: [7; 32],
            arenas: [INSTRUMENTS, 1, 8],
        };
        let mut buffer = [0; MAX_LEN];
        let len = self.writer.start(&start, &mut buffer).unwrap();
        buffer[..len].to_vec()
    }

    /// The next input, its orders and its details: every tenth is a fire of two legs. The first
    /// part is published before the orders are sent, the second part after.
    pub fn next(&mut self) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        self.seq_no += 1;
        let mut quote = Quote {
            instrument: InstrumentIndex(self.random.u32(0..INSTRUMENTS)),
            received: MonoNs(self.seq_no * 1_000),
            ..Quote::EMPTY
        };
        for side in [&mut quote.bids, &mut quote.asks] {
            for (price_e9, lots) in side.price_e9.iter_mut().zip(&mut side.lots) {
                (*price_e9, *lots) = (self.random.i64(100..110), self.random.u32(1..4));
                side.count += 1;
            }
        }
        let input = Input {
            now: MonoNs(self.seq_no * 1_000 + 50),
            credits: Credits::FULL,
            event: Event::Quote { quote: &quote, more: false },
        };
        let mut buffer = [0; MAX_LEN];
        let len = self
            .writer
            .input(self.seq_no, &input, &mut Images::new(&mut self.images), &mut buffer)
            .unwrap();
        let mut before = vec![buffer[..len].to_vec()];
        let mut after = Vec::new();
        if self.seq_no.is_multiple_of(10) {
            for leg in 0..2 {
                let len =
                    self.writer.order(self.seq_no, 1 + leg, &self.order(leg), &mut buffer).unwrap();
                before.push(buffer[..len].to_vec());
            }
            let alert = Detail::Alert(Alert {
                kind: AlertKind::FeedGap,
                spread: SpreadIndex::ALL,
                order_id: OrderId::NONE,
                stream: StreamId(1),
                value: 1,
            });
            let len = self.writer.detail(self.seq_no, 3, &alert, &mut buffer).unwrap();
            after.push(buffer[..len].to_vec());
        }
        (before, after)
    }

    /// All records of the start and `inputs` inputs.
    pub fn records(&mut self, inputs: usize) -> Vec<Vec<u8>> {
        let mut records = vec![self.start()];
        for _ in 0..inputs {
            let (before, after) = self.next();
            records.extend(before);
            records.extend(after);
        }
        records
    }

    fn order(&self, leg: u16) -> OrderCommand {
        use xmc_hotpath::message::{
            AccountId, GatewayIndex, HedgeFlag, OrderAction, PositionEffect, ProjectId, Side,
            StrategyId, TimeInForce,
        };
        OrderCommand {
            action: OrderAction::New,
            order_id: OrderId::new(self.writer.identity, self.seq_no as u32, leg.into()),
            venue_order_id: 0,
            instrument: InstrumentIndex(leg.into()),
            security_id: 1,
            gateway: GatewayIndex(0),
            side: if leg == 0 { Side::Buy } else { Side::Sell },
            time_in_force: TimeInForce::FillAndKill,
            effect: PositionEffect::Net,
            hedge: HedgeFlag::Arbitrage,
            price_e9: 105,
            qty_lots: 1,
            spread: SpreadIndex(0),
            leg: leg as u8,
            strategy: StrategyId(1),
            account: AccountId(1),
            project: ProjectId(1),
            caused: MonoNs(self.seq_no * 1_000),
            orders_left: 1 - leg as u8,
        }
    }
}

/// Stages and publishes `records` as one batch.
pub fn publish(producer: &mut Producer<'_>, records: &[Vec<u8>]) -> Result<(), RingFull> {
    for record in records {
        if let Err(full) = producer.stage(record) {
            producer.rollback();
            return Err(full);
        }
    }
    producer.publish();
    Ok(())
}
