//! Orders and what became of them, row by row, with the fields that EU venues ask for under RTS 24
//! (Delegated Regulation 2017/580) and its codes, as far as a record can know them.
//!
//! What it cannot know is left empty and named so: the legal entity identifier of the member, the
//! national identifiers of persons. Re-read the regulation in force before a sheet is handed in.
//!
//! What is confirmed, and by what. The codes (events, validity, side, order type, capacity, passive
//! or aggressive) are those of ISO 20022 `auth.113.001.01`, the message in which venues give these
//! very data to an authority: its code sets `OrderEventType1Code`, `ValidityPeriodType1Code`,
//! `Side6Code`, `OrderType3Code`, `RegulatoryTradingCapacity1Code`, `PassiveOrAgressiveType1Code`,
//! with their meanings. It has a place for each field here but `venue_date_and_time`; `order_id`
//! and `venue_order_id` are one there, `price_notation` is a choice of kinds of price, and a
//! financial instrument is named by its ISIN, here by its name in the configuration.
//!
//! UNPROVEN, because the annex itself was not at hand: the wording of the titles, the numbers of
//! the fields in table 2 (none is given here for that reason), their formats and lengths, `MONE`,
//! and three uses of events that the regulation knows for orders only: a fill that is taken back
//! is written as `CAMO`, one that is corrected as `CHMO`, and every end that a venue tells as
//! `EXPI`, because it does not say whether our cancel (`CAME`) or the validity brought it about.
//! `title` says so on the sheet.

use crate::audit::export::{Cell, Column, Sheet, column};
use crate::audit::facts::Memory;
use crate::audit::labels::Labels;
use crate::audit::query::{Position, Receipt};
use crate::cli::report::Utc;
use xmc_hotpath::message::{
    OrderAction, OrderCommand, OrderEvent, OrderEventKind, Side, TimeInForce,
};
use xmc_hotpath::record::frame::{Body, OwnedEvent};

/// The columns.
const COLUMNS: [Column; 26] = [
    column("date_and_time", "date and time", "日期时间"),
    column("sequence_number", "sequence number", "序号"),
    column("member_lei", "identification of the member (to be filled in)", "会员标识 (待填)"),
    column("client_code", "client identification code", "客户代码"),
    column("investment_decision", "investment decision within firm", "投资决策"),
    column("execution_within_firm", "execution within firm", "执行决策"),
    column("trading_capacity", "trading capacity", "交易身份"),
    column("segment_mic", "segment MIC code", "市场代码"),
    column("instrument", "financial instrument", "合约"),
    column("order_id", "order identification code", "报单编号"),
    column("venue_order_id", "order identification code of the venue", "交易所报单编号"),
    column("event", "new order, modification, cancellation, rejection, execution", "事件"),
    column("order_type", "order type", "报单类型"),
    column("validity_period", "validity period", "有效期"),
    column("buy_sell", "buy-sell indicator", "买卖"),
    column("limit_price", "limit price", "限价"),
    column("price_currency", "price currency", "币种"),
    column("price_notation", "price notation", "报价方式"),
    column("initial_quantity", "initial quantity", "原始数量"),
    column("remaining_quantity", "remaining quantity", "剩余数量"),
    column("traded_quantity", "traded quantity", "成交数量"),
    column("transaction_price", "transaction price", "成交价"),
    column("passive_or_aggressive", "passive or aggressive", "主动被动"),
    column("strategy_linked_order_id", "strategy linked order identification", "策略关联编号"),
    column("trading_venue_transaction_id", "trading venue transaction identification", "成交编号"),
    column("venue_date_and_time", "date and time of the venue", "交易所时间"),
];

/// A sheet of these rows.
#[must_use]
pub fn sheet(rows: Vec<Vec<Cell>>) -> Sheet {
    Sheet {
        name: "rts24",
        title: [
            "Orders with the fields of RTS 24 (codes as in ISO 20022 auth.113; titles, formats, \
             MONE and the events of busts, corrections and ends UNPROVEN)",
            "报单明细 (RTS 24 字段; 代码依据 ISO 20022 auth.113; 标题, 格式, MONE 及撤销成交、\
             更正、终止事件代码未经核实 UNPROVEN)",
        ],
        columns: COLUMNS.to_vec(),
        rows,
    }
}

/// The row of a receipt; `None` of what is no order and no news of one.
#[must_use]
pub fn row(receipt: &Receipt, memory: &Memory, labels: &Labels) -> Option<Vec<Cell>> {
    match &receipt.body {
        Body::Order(order) => {
            let event = match order.action {
                OrderAction::New => "NEWO",
                OrderAction::Cancel => "CAME",
                OrderAction::Replace => "REME",
                OrderAction::Status => return None,
            };
            Some(cells(receipt, order, event, None, labels))
        }
        Body::Input(input) => {
            let OwnedEvent::Order(event) = &input.event else { return None };
            let known = memory.order(event.order_id)?;
            let code = match event.kind {
                OrderEventKind::Filled if event.leaves_lots > 0 => "PARF",
                OrderEventKind::Filled => "FILL",
                OrderEventKind::Cancelled => "EXPI",
                OrderEventKind::Rejected | OrderEventKind::NotSent => "REMO",
                OrderEventKind::Busted => "CAMO",
                OrderEventKind::Corrected => "CHMO",
                OrderEventKind::Accepted
                | OrderEventKind::CancelRejected
                | OrderEventKind::CancelNotSent
                | OrderEventKind::Replaced
                | OrderEventKind::ReplaceRejected
                | OrderEventKind::Unknown => return None,
            };
            Some(cells(receipt, &known.sent, code, Some(event), labels))
        }
        Body::Detail(_) | Body::Start(_) => None,
    }
}

fn cells(
    receipt: &Receipt,
    order: &OrderCommand,
    code: &str,
    event: Option<&OrderEvent>,
    labels: &Labels,
) -> Vec<Cell> {
    let text = |text: &str| Cell::Text(text.to_owned());
    let date = |ns: u64| if ns == 0 { Cell::None } else { Cell::Text(Utc(ns).to_string()) };
    let Position { run, input, index } = receipt.position;
    let is_fill = event
        .is_some_and(|event| matches!(event.kind, OrderEventKind::Filled | OrderEventKind::Busted));
    let fill = event.filter(|_| is_fill);
    let venue_order_id = event.map_or(order.venue_order_id, |event| event.venue_order_id);
    let some = |number: u64| if number == 0 { Cell::None } else { Cell::Text(number.to_string()) };
    let configuration = labels.configuration.as_ref();
    let row = order.instrument.0 as usize;
    let instrument = configuration.and_then(|of| of.instruments.get(row));
    let mic = configuration.zip(instrument).map(|(of, row)| of.venues[row.venue].mic.clone());
    let validity = match order.time_in_force {
        TimeInForce::FillAndKill => "IOCV",
        TimeInForce::FillOrKill => "FOKV",
        TimeInForce::Day => "DAVY",
    };
    let remaining = event.map_or(i64::from(order.qty_lots), |event| i64::from(event.leaves_lots));
    let aggressive = if order.time_in_force == TimeInForce::Day { "" } else { "AGRE" };
    vec![
        date(receipt.utc.0),
        Cell::Text(format!("{run}:{input}:{index}")),
        Cell::None,
        Cell::Text(labels.account(order.account)),
        Cell::Text(labels.strategy(order.strategy)),
        Cell::Text(labels.project(order.project)),
        text("DEAL"),
        mic.map_or(Cell::None, Cell::Text),
        Cell::Text(labels.instrument(order.instrument)),
        Cell::Text(format!("{:#018x}", order.order_id.0)),
        some(venue_order_id),
        text(code),
        text("LMTO"),
        text(validity),
        text(if order.side == Side::Buy { "BUYI" } else { "SELL" }),
        Cell::E9(order.price_e9.into()),
        Cell::Text(labels.currency(order.instrument)),
        text("MONE"),
        Cell::Int(order.qty_lots.into()),
        Cell::Int(remaining),
        fill.map_or(Cell::None, |event| Cell::Int(event.qty_lots.into())),
        fill.map_or(Cell::None, |event| Cell::E9(event.price_e9.into())),
        if aggressive.is_empty() { Cell::None } else { text(aggressive) },
        Cell::Text(labels.spread(order.spread)),
        event.map_or(Cell::None, |event| some(event.exec_id)),
        event.map_or(Cell::None, |event| date(event.exchange.0)),
    ]
}
