//! The reports of `xmc capital` as JSON. Money and fractions are decimal texts.

use super::Read;
use crate::capital::book::Side;
use crate::capital::call::Called;
use crate::capital::headroom::Headroom;
use crate::capital::plan::Plan;
use crate::capital::stand::{Stand, utilisation};
use rust_decimal::Decimal;
use serde_json::{Value, json};

fn text(value: Decimal) -> String {
    value.round_dp(6).normalize().to_string()
}

fn optional(value: Option<Decimal>) -> Option<String> {
    value.map(text)
}

fn head(read: &Read) -> Value {
    let rates = read.terms.currencies.iter().zip(&read.book.rates);
    let rates: serde_json::Map<String, Value> =
        rates.map(|(currency, rate)| (currency.name.clone(), json!(text(*rate)))).collect();
    json!({
        "at": read.book.at.to_string(),
        "trading_day": read.book.day.to_string(),
        "is_sample": read.book.is_sample,
        "currency": read.terms.currency,
        "fx": rates,
    })
}

fn with_head(read: &Read, body: Value) -> Value {
    let mut all = head(read);
    if let (Some(all), Value::Object(body)) = (all.as_object_mut(), body) {
        all.extend(body);
    }
    all
}

pub(super) fn show(read: &Read, rows: &[Headroom]) -> Value {
    let account = |stand: &Stand| {
        let own = &read.terms.accounts[stand.account];
        let shock = stand.worst.shock.map(|at| &read.terms.shocks[at].name);
        json!({
            "account": own.name,
            "border": own.border,
            "broker": own.broker,
            "client": own.client,
            "currency": own.currency,
            "equity": text(stand.equity),
            "open_profit": text(stand.open_profit),
            "margin": text(stand.used),
            "frozen": text(stand.frozen),
            "available": text(stand.available),
            "withdrawable": text(stand.withdrawable),
            "utilisation": optional(stand.utilisation),
            "stage": read.stages[stand.account],
            "worst": {
                "shock": shock,
                "equity": text(stand.worst.equity),
                "margin": text(stand.worst.used),
                "utilisation": optional(stand.worst.utilisation()),
            },
        })
    };
    let view = &read.view;
    let everything = view.equity + view.pools;
    let headroom = |row: &Headroom| {
        json!({
            "account": read.terms.accounts[row.account].name,
            "contract": read.terms.contracts[row.contract].name,
            "side": row.side,
            "lots": row.lots,
        })
    };
    with_head(
        read,
        json!({
            "accounts": view.stands.iter().map(account).collect::<Vec<_>>(),
            "all": {
                "equity": text(view.equity),
                "margin": text(view.used),
                "pools": text(view.pools),
                "utilisation": optional(utilisation(view.used, view.equity)),
                "utilisation_with_pools": optional(utilisation(view.used, everything)),
            },
            "headroom": rows.iter().map(headroom).collect::<Vec<_>>(),
        }),
    )
}

pub(super) fn plan(read: &Read, plan: &Plan) -> Value {
    let terms = &read.terms;
    let name = |account: usize| terms.accounts[account].name.clone();
    let needs: Vec<_> = plan
        .needs
        .iter()
        .zip(&plan.unmet)
        .map(|(need, unmet)| {
            json!({
                "account": name(need.account),
                "stage": plan.stages[need.account],
                "amount": text(need.amount),
                "currency": terms.accounts[need.account].currency,
                "is_now": need.is_now,
                "unmet": text(*unmet),
            })
        })
        .collect();
    let choices: Vec<_> = plan
        .choices
        .iter()
        .map(|choice| {
            json!({
                "account": name(plan.needs[choice.need].account),
                "route": terms.routes[choice.route].name,
                "amount": text(choice.amount),
                "cost": text(choice.cost),
                "arrives": choice.times.map(|times| times.arrives.to_string()),
                "is_in_time": choice.is_in_time,
                "approver": terms.routes[choice.route].approver,
            })
        })
        .collect();
    let instructions: Vec<_> = plan
        .instructions
        .iter()
        .map(|row| {
            let route = &terms.routes[row.route];
            json!({
                "kind": if row.is_transfer { "transfer" } else { "top_up" },
                "route": route.name,
                "from": terms.holder_name(route.from),
                "to": terms.holder_name(route.to),
                "amount": text(row.amount),
                "currency": terms.holder_currency(route.from),
                "cost": text(row.cost),
                "leaves": row.times.leaves.to_string(),
                "arrives": row.times.arrives.to_string(),
                "is_late": row.is_late,
                "approver": route.approver,
            })
        })
        .collect();
    let leg = |(account, contract, side, lots): &(usize, usize, Side, u32)| {
        json!({
            "account": name(*account),
            "contract": terms.contracts[*contract].name,
            "side": side,
            "lots": lots,
        })
    };
    let cancels: Vec<_> = plan
        .cancels
        .iter()
        .map(|place| &read.book.orders[*place])
        .map(|order| {
            json!({
                "account": name(order.account),
                "contract": terms.contracts[order.contract].name,
                "lots": order.lots,
                "price": text(order.price),
            })
        })
        .collect();
    let closings: Vec<_> = plan
        .closings
        .iter()
        .map(|row| {
            json!({
                "account": name(row.account),
                "pair": row.pair.map(|at| &terms.pairs[at].name),
                "legs": row.legs.iter().map(leg).collect::<Vec<_>>(),
            })
        })
        .collect();
    with_head(
        read,
        json!({
            "needs": needs,
            "choices": choices,
            "instructions": instructions,
            "cancels": cancels,
            "closings": closings,
            "cost": text(plan.cost),
            "gap": text(plan.gap),
        }),
    )
}

pub(super) fn shock(
    read: &Read,
    moves: &[Decimal],
    table: &[Vec<Option<Decimal>>],
    orders: &[Vec<Called>; 2],
) -> Value {
    let accounts = &read.terms.accounts;
    let rows: Vec<_> = moves
        .iter()
        .zip(table)
        .map(|(by, row)| {
            let used = accounts.iter().zip(row);
            let used: serde_json::Map<String, Value> =
                used.map(|(of, used)| (of.name.clone(), json!(optional(*used)))).collect();
            json!({ "move": text(*by), "utilisation": used })
        })
        .collect();
    let called = |row: &Called| {
        json!({
            "account": accounts[row.account].name,
            "border": accounts[row.account].border,
            "warns_at": optional(row.warns_at),
            "called_at": optional(row.called_at),
            "lacks": text(row.lacks),
            "currency": accounts[row.account].currency,
        })
    };
    let [falling, rising] =
        orders.each_ref().map(|order| order.iter().map(called).collect::<Vec<_>>());
    with_head(read, json!({ "moves": rows, "falling": falling, "rising": rising }))
}
