//! What of a record of `balance` met inside, and what each pair holds by it: added up from the
//! receipts, and from nothing else of the engine.

use crate::audit::labels::Runs;
use crate::audit::query::{Filter, Position, Receipt, Row, search};
use crate::cli::CliError;
use crate::config::{Configuration, InstrumentIndex};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::path::Path;
use xmc_hotpath::message::{
    Detail, Gate, Internal, InternalSide, OrderEventKind, Side, SpreadIndex,
};
use xmc_hotpath::record::frame::{Body, Kind, OwnedEvent};

/// Terms of margin: a sample's.
const TERMS: &str = include_str!("../../../config/demo_capital.toml");
const ONE_E9: i128 = 1_000_000_000;

/// What a lot of copper at home binds by the sample's terms, as a part of its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    part: Decimal,
}

impl Terms {
    /// Those of `cu` in `config/demo_capital.toml`: the exchange's part and the broker's.
    pub fn sample() -> Result<Self, CliError> {
        let strange = || CliError::could_not_run("the sample's terms have no margin of cu");
        let terms: toml::Table = TERMS.parse().map_err(CliError::could_not_run)?;
        let contracts = terms.get("contract").and_then(toml::Value::as_array);
        let of = |row: &&toml::Value| row.get("name").and_then(toml::Value::as_str) == Some("cu");
        let row = contracts.and_then(|rows| rows.iter().find(of)).ok_or_else(strange)?;
        let margin = row.get("margin").and_then(|rows| rows.get(0)).ok_or_else(strange)?;
        let part = |key: &str| {
            let text = margin.get(key).and_then(toml::Value::as_str);
            text.and_then(|text| text.parse::<Decimal>().ok()).ok_or_else(strange)
        };
        Ok(Self { part: part("long")? + part("broker")? })
    }

    pub fn percent(&self) -> Decimal {
        (self.part * Decimal::from(100)).normalize()
    }

    /// Of a value in money of 1e-9; the part has four places at most.
    fn of(&self, value_e9: i128) -> i128 {
        let parts = (self.part * Decimal::from(10_000)).trunc();
        let parts = i128::try_from(parts).unwrap_or(0);
        value_e9 * parts / 10_000
    }
}

/// The name of a pair.
pub(super) fn name(config: &Configuration, spread: SpreadIndex) -> &str {
    config.spreads.get(spread.0 as usize).map_or("?", |row| &row.name.value)
}

/// One of both pairs that have met.
#[derive(Clone, Debug)]
pub(super) struct MetSide {
    pub told: InternalSide,
    /// Lots that met.
    lots: u32,
    /// Where it was decided to fire: `run:input`.
    pub fired: Option<String>,
    /// Lots of the instrument that the venue filled for this fire afterwards, on its side.
    pub went_out: u32,
    /// The same on the other side: what was met was traded back, where that was cheaper.
    pub taken_back: u32,
}

impl MetSide {
    /// Lots that it still needed.
    pub fn left(&self) -> u32 {
        self.told.needed_lots.saturating_sub(self.lots)
    }

    /// Whether what was left went out, or all that had met was traded back; no lot of it twice.
    pub fn is_settled(&self) -> bool {
        let settled = (self.went_out, self.taken_back);
        settled == (self.left(), 0) || settled == (0, self.lots)
    }

    /// Whether both are of one pair.
    pub fn is_of(&self, other: &Self) -> bool {
        self.told.spread == other.told.spread
    }
}

/// What met inside.
#[derive(Clone, Debug)]
pub(super) struct Met {
    pub told: Internal,
    pub row: Row,
    position: Position,
    buy: MetSide,
    sell: MetSide,
}

/// What that has saved.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    pub currency: String,
    /// Fees of both orders.
    pub fees_e9: i128,
    /// Margin of the lots that would have been opened.
    pub margin_e9: i128,
    pub opens_lots: u32,
    /// What buying at the ask and selling at the bid would have cost the account.
    pub crossing_e9: i128,
}

impl Met {
    /// The one that bought, and the one that sold.
    pub fn sides(&self) -> [&MetSide; 2] {
        [&self.buy, &self.sell]
    }

    /// `run:input:index`.
    pub fn place(&self) -> &str {
        &self.row.place
    }

    pub fn instrument(&self) -> InstrumentIndex {
        self.told.instrument.0 as usize
    }

    /// Whether no price on a tick is nearer to the middle, by plain search.
    pub fn is_at_the_middle(&self, config: &Configuration) -> bool {
        let Internal { price_e9, bid_e9, ask_e9, .. } = self.told;
        let tick_e9 = config.instruments[self.instrument()].tick_e9;
        let off = |price: i64| (2 * i128::from(price) - i128::from(bid_e9 + ask_e9)).abs();
        let is_nearest = [-1, 1].iter().all(|by| off(price_e9 + by * tick_e9) >= off(price_e9));
        (bid_e9..=ask_e9).contains(&price_e9) && price_e9 % tick_e9 == 0 && is_nearest
    }

    pub fn sums(&self, config: &Configuration, terms: &Terms) -> Sums {
        let contract = &config.instruments[self.instrument()];
        let worth = |lots: u32, price_e9: i64| {
            i128::from(price_e9) * i128::from(contract.multiplier_e9) / ONE_E9 * i128::from(lots)
        };
        let opens_lots = self.buy.told.opens_lots + self.sell.told.opens_lots;
        Sums {
            currency: contract.currency.clone(),
            fees_e9: self.sides().iter().map(|side| i128::from(side.told.saved_e9)).sum(),
            margin_e9: terms.of(worth(opens_lots, self.told.price_e9)),
            opens_lots,
            crossing_e9: worth(self.told.lots, self.told.ask_e9 - self.told.bid_e9),
        }
    }

    pub fn json(&self, config: &Configuration, sums: &Sums, directory: &Path) -> Value {
        let side = |side: &MetSide| {
            json!({
                "pair": name(config, side.told.spread), "way": side.told.way.word(),
                "needed_lots": side.told.needed_lots, "left_lots": side.left(),
                "went_out_lots": side.went_out, "taken_back_lots": side.taken_back,
                "fee_saved_e9": side.told.saved_e9,
                "opens_lots": side.told.opens_lots, "fired": side.fired,
            })
        };
        let at = directory.display();
        let shown = self.sides().map(|side| {
            let of = name(config, side.told.spread);
            format!("xmc audit query {at} --kind internal --pair {of}")
        });
        json!({
            "place": self.place(), "instrument": config.instruments[self.instrument()].name.value,
            "lots": self.told.lots, "price_e9": self.told.price_e9, "bid_e9": self.told.bid_e9,
            "ask_e9": self.told.ask_e9, "buy": side(&self.buy), "sell": side(&self.sell),
            "currency": sums.currency, "fees_saved_e9": fitting(sums.fees_e9),
            "margin_saved_e9": fitting(sums.margin_e9), "opens_lots": sums.opens_lots,
            "crossing_saved_e9": fitting(sums.crossing_e9), "commands": shown,
        })
    }
}

/// A number of JSON; `null` beyond 64 bits.
fn fitting(value_e9: i128) -> Option<i64> {
    i64::try_from(value_e9).ok()
}

/// What a pair holds of one leg.
#[derive(Clone, Debug)]
pub(super) struct Leg {
    pub instrument: InstrumentIndex,
    ratio: i64,
    /// Lots bought less lots sold at venues.
    pub outside: i64,
    /// The same of other pairs.
    pub inside: i64,
}

/// What a pair holds.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub name: String,
    pub legs: Vec<Leg>,
}

impl Pair {
    fn leg(&mut self, instrument: usize) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.instrument == instrument)
    }

    pub fn lots_of(&self, instrument: InstrumentIndex) -> i64 {
        let legs = self.legs.iter().filter(|leg| leg.instrument == instrument);
        legs.map(|leg| leg.outside + leg.inside).sum()
    }

    /// Whether each leg has the lots of as many units.
    pub fn is_in_ratio(&self) -> bool {
        let held = |leg: &Leg| leg.outside + leg.inside;
        self.legs.iter().all(|leg| {
            held(leg) % leg.ratio == 0
                && self.legs.iter().all(|other| held(leg) * other.ratio == held(other) * leg.ratio)
        })
    }

    pub fn json(&self) -> Value {
        let row = |leg: &Leg| {
            let Leg { instrument, outside, inside, .. } = leg;
            json!({ "row": instrument, "outside": outside, "inside": inside })
        };
        let legs: Vec<Value> = self.legs.iter().map(row).collect();
        json!({ "pair": self.name, "legs": legs, "is_in_ratio": self.is_in_ratio() })
    }
}

/// What was read.
#[derive(Debug)]
pub(super) struct Read {
    pub matches: Vec<Met>,
    pub pairs: Vec<Pair>,
}

impl Read {
    fn new(config: &Configuration) -> Self {
        let pair = |row: &crate::config::Spread| Pair {
            name: row.name.value.clone(),
            legs: row
                .legs
                .iter()
                .filter(|leg| leg.is_traded)
                .map(|leg| Leg {
                    instrument: leg.instrument.value,
                    ratio: leg.ratio.value.into(),
                    outside: 0,
                    inside: 0,
                })
                .collect(),
        };
        Self { matches: Vec::new(), pairs: config.spreads.iter().map(pair).collect() }
    }

    fn leg(&mut self, spread: SpreadIndex, instrument: u32) -> Option<&mut Leg> {
        self.pairs.get_mut(spread.0 as usize)?.leg(instrument as usize)
    }

    /// A venue has filled lots of a pair, in a fire that was decided at `fired`.
    fn filled(&mut self, receipt: &Receipt, (side, lots): (Side, u32), fired: Option<&String>) {
        let (Some(spread), Some(instrument)) = (receipt.facts.spread, receipt.facts.instrument)
        else {
            return;
        };
        let signed = if side == Side::Buy { i64::from(lots) } else { -i64::from(lots) };
        if let Some(leg) = self.leg(spread, instrument.0) {
            leg.outside += signed;
        }
        for met in self.matches.iter_mut().filter(|met| met.position < receipt.position) {
            let is_it = met.told.instrument == instrument;
            for (own, one) in [(Side::Buy, &mut met.buy), (Side::Sell, &mut met.sell)] {
                let is_its = one.told.spread == spread && one.fired.as_ref() == fired;
                match is_it && is_its {
                    true if own == side => one.went_out += lots,
                    true => one.taken_back += lots,
                    false => {}
                }
            }
        }
    }

    fn met(&mut self, told: &Internal, receipt: &Receipt, runs: &Runs, fired: &[Option<String>]) {
        let lots = i64::from(told.lots);
        for (side, signed) in [(&told.buy, lots), (&told.sell, -lots)] {
            if let Some(leg) = self.leg(side.spread, told.instrument.0) {
                leg.inside += signed;
            }
        }
        let [buy, sell] = [told.buy, told.sell].map(|side| MetSide {
            told: side,
            lots: told.lots,
            fired: fired.get(side.spread.0 as usize).cloned().flatten(),
            went_out: 0,
            taken_back: 0,
        });
        let (position, row) = (receipt.position, receipt.row(runs.of(receipt.position.run)));
        self.matches.push(Met { told: *told, row, position, buy, sell });
    }
}

/// Reads the newest run of a record.
///
/// # Errors
/// `CouldNotRun` if it cannot be read.
pub(super) fn read(directory: &Path, config: &Configuration) -> Result<Read, CliError> {
    let mut runs = Runs::new(directory);
    let mut read = Read::new(config);
    let mut fired: Vec<Option<String>> = vec![None; config.spreads.len()];
    let kinds = vec![Kind::Start, Kind::Decision, Kind::Internal, Kind::OrderEvent];
    let filter = Filter { kinds, ..Filter::default() };
    let scanned = search(directory, &filter, |receipt| {
        match &receipt.body {
            // What an earlier run did is another matter.
            Body::Start(_) => {
                runs.learn(receipt);
                read = Read::new(config);
                fired.fill(None);
            }
            Body::Detail(Detail::Decision(decision)) if decision.gate == Gate::Passed => {
                let Position { run, input, .. } = receipt.position;
                if let Some(slot) = fired.get_mut(decision.spread.0 as usize) {
                    *slot = Some(format!("{run}:{input}"));
                }
            }
            Body::Detail(Detail::Internal(told)) => read.met(told, receipt, &runs, &fired),
            Body::Input(input) => {
                if let OwnedEvent::Order(event) = &input.event
                    && event.kind == OrderEventKind::Filled
                {
                    let spread = receipt.facts.spread.map(|spread| spread.0 as usize);
                    let of = spread.and_then(|row| fired.get(row)).and_then(Option::as_ref);
                    read.filled(receipt, (event.side, event.qty_lots), of);
                }
            }
            Body::Detail(_) | Body::Order(_) => {}
        }
        ControlFlow::Continue(())
    });
    scanned.map_err(CliError::could_not_run)?;
    Ok(read)
}
