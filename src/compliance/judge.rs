//! Compares meters with thresholds, and forecasts. Pure.

use super::day::minute;
use super::meters::{Meter, Meters, Of, Totals};
use crate::calendar::instant;
use crate::config::{Compliance, Level, OrderFee, Threshold, What};
use jiff::Timestamp;
use serde::Serialize;
use xmc_hotpath::time::UnixNs;

const E9: i128 = 1_000_000_000;
/// The group of figures that are not told apart by account.
pub const ALL_ACCOUNTS: &str = "all";

/// How a figure stands to a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stands {
    /// Below the share that is warned from.
    Below,
    /// Above that share.
    Near,
    /// At the threshold, or above.
    Met,
}

/// When a threshold is met at the present rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Forecast {
    /// It is no count that grows: there is none.
    None,
    /// It is met.
    Met,
    /// Too little was seen to say.
    Unknown,
    /// Not before the close.
    NotBeforeClose,
    /// Then, UTC.
    At {
        /// Nanoseconds since 1970.
        at_ns: i64,
        /// For people.
        at: String,
    },
}

/// A figure beside its threshold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// What is counted.
    pub what: &'static str,
    /// Of what.
    #[serde(flatten)]
    pub of: Of,
    /// The figure, units of 1e-9; `None`: it has none, as messages for each trade of a day without
    /// any.
    pub value_e9: Option<i64>,
    /// The threshold, units of 1e-9.
    pub limit_e9: i64,
    /// The figure in percent of it, rounded down.
    pub percent: i64,
    /// How they stand.
    pub stands: Stands,
    /// When it is met.
    pub forecast: Forecast,
    /// Where the threshold is from.
    pub source: String,
    /// Of which date that is.
    pub as_of: String,
    /// It was checked against that source.
    pub is_proven: bool,
}

/// What a message of a contract costs.
fn fee<'c>(config: &'c Compliance, of: &Of) -> Option<&'c OrderFee> {
    let contract = of.contract.as_deref()?;
    config.fees.iter().find(|fee| fee.is_of(&of.exchange, contract))
}

/// What fees of orders come to, units of 1e-9 of a currency, and that.
#[must_use]
pub fn fees(config: &Compliance, of: &Of, totals: &Totals) -> Option<(i128, String)> {
    let fee = fee(config, of)?;
    let paid = totals.messages().saturating_sub(fee.free_messages);
    Some((i128::from(paid) * i128::from(fee.fee_e9), fee.currency.clone()))
}

/// A figure of a meter, units of 1e-9.
fn value(config: &Compliance, what: What, of: &Of, meter: &Meter) -> Option<i128> {
    let count = |count: u64| Some(i128::from(count) * E9);
    let totals = &meter.totals;
    match what {
        What::OrdersPerDay => count(totals.orders),
        What::CancelsPerDay => count(totals.cancels),
        What::MessagesPerDay => count(totals.messages()),
        What::SelfTradesPerDay => count(totals.self_trades),
        What::OrdersPerSecond => count(meter.most_orders.into()),
        What::CancelsPerSecond => count(meter.most_cancels.into()),
        What::MessagesPerTrade => {
            // Before the first trade it is what it would be with one: no less will come of it.
            let trades = i128::from(totals.filled_orders.max(1));
            (totals.messages() > 0).then(|| i128::from(totals.messages()) * E9 / trades)
        }
        What::OrderFeesPerDay => fees(config, of, totals).map(|(fee, _)| fee),
        What::PositionLots => None,
    }
}

/// What of it grows through the day, if anything does.
fn grows(what: What) -> Option<fn(&Totals) -> u64> {
    match what {
        What::OrdersPerDay => Some(|totals| totals.orders),
        What::CancelsPerDay => Some(|totals| totals.cancels),
        What::MessagesPerDay | What::OrderFeesPerDay => Some(Totals::messages),
        What::SelfTradesPerDay => Some(|totals| totals.self_trades),
        What::OrdersPerSecond
        | What::CancelsPerSecond
        | What::MessagesPerTrade
        | What::PositionLots => None,
    }
}

/// Every figure that has a threshold, as it stands at `now`.
#[must_use]
pub fn judge(config: &Compliance, meters: &Meters, now: UnixNs) -> Vec<Judged> {
    let mut all = Vec::new();
    for threshold in &config.thresholds {
        if threshold.what == What::PositionLots {
            let of_desk = meters.positions().iter().map(|((exchange, contract), lots)| {
                let (exchange, contract) = (exchange.clone(), Some(contract.clone()));
                (Of { exchange, contract, group: ALL_ACCOUNTS.to_owned() }, *lots)
            });
            let of_groups = meters.of_groups().map(|(of, lots)| (of.clone(), lots));
            for (of, lots) in of_desk.chain(of_groups) {
                if is_meant(threshold, &of) {
                    let value = Some(i128::from(lots.unsigned_abs()) * E9);
                    all.push(judged(config, threshold, of, value, Forecast::None));
                }
            }
            continue;
        }
        for (of, meter) in meters.rows().filter(|(of, _)| is_meant(threshold, of)) {
            // A day that has closed counts for nothing any more.
            let is_over = meter.day.as_ref().is_none_or(|day| day.close < instant(now));
            let empty = Meter::default();
            let meter = if is_over { &empty } else { meter };
            let value = value(config, threshold.what, of, meter);
            let left = value.and_then(|value| left(config, threshold, of, meter, value));
            let forecast = forecast(threshold, meter, left, now);
            all.push(judged(config, threshold, of.clone(), value, forecast));
        }
    }
    all
}

fn is_meant(threshold: &Threshold, of: &Of) -> bool {
    let level = if of.contract.is_some() { Level::Contract } else { Level::Exchange };
    threshold.level == level
        && threshold.venue.as_ref().is_none_or(|venue| *venue == of.exchange)
        && threshold.contract.as_ref().is_none_or(|one| Some(one) == of.contract.as_ref())
}

/// How many more of what is counted meet the threshold, in 1e-9; of fees: how many more messages,
/// those that are still free among them.
fn left(
    config: &Compliance,
    threshold: &Threshold,
    of: &Of,
    meter: &Meter,
    value: i128,
) -> Option<i128> {
    if threshold.what != What::OrderFeesPerDay {
        return Some(i128::from(threshold.limit_e9) - value);
    }
    let fee = fee(config, of)?;
    let (limit_e9, each_e9) = (i128::from(threshold.limit_e9), i128::from(fee.fee_e9));
    let paid = (limit_e9 + each_e9 - 1).checked_div(each_e9)?;
    let messages = i128::from(fee.free_messages) + paid;
    Some((messages - i128::from(meter.totals.messages())) * E9)
}

fn judged(
    config: &Compliance,
    threshold: &Threshold,
    of: Of,
    value: Option<i128>,
    forecast: Forecast,
) -> Judged {
    let limit = i128::from(threshold.limit_e9);
    let percent = value.map_or(0, |value| value * 100 / limit);
    let stands = match percent {
        100.. => Stands::Met,
        percent if percent >= i128::from(config.warn_percent) => Stands::Near,
        _ => Stands::Below,
    };
    Judged {
        what: threshold.what.word(),
        of,
        value_e9: value.map(|value| i64::try_from(value).unwrap_or(i64::MAX)),
        limit_e9: threshold.limit_e9,
        percent: i64::try_from(percent).unwrap_or(i64::MAX),
        stands,
        forecast,
        source: threshold.source.clone(),
        as_of: threshold.as_of.clone(),
        is_proven: threshold.is_proven,
    }
}

/// When what is left has come, at the rate of the last minutes of trading and in the hours that the
/// day still trades.
fn forecast(threshold: &Threshold, meter: &Meter, left: Option<i128>, now: UnixNs) -> Forecast {
    let (Some(of), Some(left)) = (grows(threshold.what), left) else { return Forecast::None };
    if left <= 0 {
        return Forecast::Met;
    }
    let Some(day) = &meter.day else { return Forecast::NotBeforeClose };
    let Some((grown, ns)) = meter.grown(now, of) else { return Forecast::Unknown };
    let wait_ns = (left * i128::from(ns)).checked_div(i128::from(grown) * E9);
    let at = wait_ns.and_then(|wait_ns| day.after(now, u64::try_from(wait_ns).ok()?));
    match at.map(instant).filter(|at| *at < day.close) {
        Some(at) => Forecast::At { at_ns: ns_of(at), at: minute(at) },
        None => Forecast::NotBeforeClose,
    }
}

fn ns_of(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX)
}
