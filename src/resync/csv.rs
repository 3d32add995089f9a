//! A statement as lines, for programs that write no JSON: fields separated by commas, no quotes.
//!
//! ```text
//! statement,1,ACCOUNT,VENUE,2026-11-22T07:00:00Z,12
//! parts,positions,orders,fills,money
//! position,HGU6,net,-3
//! position,cu2609,gross,LONG,SHORT,LONG_TODAY,SHORT_TODAY
//! order,OURS,THEIRS,HGU6,buy,2
//! fill,EXECUTION,OURS,THEIRS,HGU6,buy,2,5.0005,2026-11-22T06:59:58Z
//! money,USD,-250025,4.5
//! end,5
//! ```
//!
//! `parts` names what is told, so that a part without lines is told to be empty. Fields that are
//! not known are left empty. The last line has the count of the lines between, so that a file that
//! was cut is known as one.

use super::statement::{
    Exact, Fill, Moment, Money, OpenOrder, Position, SCHEMA, Side, Statement, StatementError,
};

/// Reads a statement in lines.
///
/// # Errors
/// `StatementError::Form`, with the line.
pub fn parse(bytes: &[u8]) -> Result<Statement, StatementError> {
    let text = std::str::from_utf8(bytes).map_err(|_| form(1, "is not UTF-8"))?;
    if !text.ends_with('\n') {
        return Err(StatementError::Form("the last line has no end".to_owned()));
    }
    let mut lines = text.lines().zip(1..);
    let mut statement = first(lines.next())?;
    let (parts, number) = lines.next().ok_or_else(|| form(2, "is missing"))?;
    let mut parts = parts.split(',');
    if parts.next() != Some("parts") {
        return Err(form(number, "must be parts,.."));
    }
    for part in parts {
        match part {
            "positions" => statement.positions = Some(Vec::new()),
            "orders" => statement.orders = Some(Vec::new()),
            "fills" => statement.fills = Some(Vec::new()),
            "money" => statement.money = Some(Vec::new()),
            _ => return Err(form(number, "names a part that there is none of")),
        }
    }
    let mut count = 0_usize;
    while let Some((line, number)) = lines.next() {
        let fields: Vec<_> = line.split(',').collect();
        if let ["end", told] = fields[..] {
            let is_whole = told.parse() == Ok(count) && lines.next().is_none();
            return is_whole.then_some(statement).ok_or_else(|| form(number, "has another count"));
        }
        row(&fields, &mut statement).ok_or_else(|| form(number, "is no line of a told part"))?;
        count += 1;
    }
    Err(StatementError::Form("it has no end".to_owned()))
}

fn form(line: usize, what: &str) -> StatementError {
    StatementError::Form(format!("line {line} {what}"))
}

fn first(line: Option<(&str, usize)>) -> Result<Statement, StatementError> {
    let fields: Vec<_> = line.map(|(line, _)| line.split(',').collect()).unwrap_or_default();
    let ["statement", version, account, venue, as_of, sequence] = fields[..] else {
        return Err(form(1, "must be statement,1,ACCOUNT,VENUE,AS_OF,NUMBER"));
    };
    Ok(Statement {
        schema: SCHEMA.to_owned(),
        version: version.parse().map_err(|_| form(1, "has no version"))?,
        account: account.to_owned(),
        venue: venue.to_owned(),
        as_of: Moment::try_from(as_of.to_owned()).map_err(StatementError::Form)?,
        sequence: sequence.parse().map_err(|_| form(1, "has no number"))?,
        simulated: false,
        positions: None,
        orders: None,
        fills: None,
        money: None,
    })
}

/// A field that may be left empty.
fn maybe<T: std::str::FromStr>(field: &str) -> Option<Option<T>> {
    if field.is_empty() { Some(None) } else { field.parse().ok().map(Some) }
}

fn side(field: &str) -> Option<Side> {
    match field {
        "buy" => Some(Side::Buy),
        "sell" => Some(Side::Sell),
        _ => None,
    }
}

fn exact(field: &str) -> Option<Exact> {
    Exact::try_from(field.to_owned()).ok()
}

fn row(fields: &[&str], statement: &mut Statement) -> Option<()> {
    match *fields {
        ["position", instrument, "net", net] => {
            let (instrument, net) = (instrument.to_owned(), Some(net.parse().ok()?));
            statement.positions.as_mut()?.push(Position { instrument, net, ..Position::default() });
        }
        ["position", instrument, "gross", long, short, long_today, short_today] => {
            statement.positions.as_mut()?.push(Position {
                instrument: instrument.to_owned(),
                net: None,
                long: Some(long.parse().ok()?),
                short: Some(short.parse().ok()?),
                long_today: maybe(long_today)?,
                short_today: maybe(short_today)?,
            });
        }
        ["order", order, venue_order, instrument, of, lots] => {
            statement.orders.as_mut()?.push(OpenOrder {
                order: maybe(order)?,
                venue_order: maybe(venue_order)?,
                instrument: instrument.to_owned(),
                side: side(of)?,
                lots: lots.parse().ok()?,
            });
        }
        ["fill", execution, order, venue_order, instrument, of, lots, price, at] => {
            statement.fills.as_mut()?.push(Fill {
                execution: execution.to_owned(),
                order: maybe(order)?,
                venue_order: maybe(venue_order)?,
                instrument: instrument.to_owned(),
                side: side(of)?,
                lots: lots.parse().ok()?,
                price: exact(price)?,
                at: Moment::try_from(at.to_owned()).ok()?,
            });
        }
        ["money", currency, cash, fees] => statement.money.as_mut()?.push(Money {
            currency: currency.to_owned(),
            cash: exact(cash)?,
            fees: if fees.is_empty() { None } else { Some(exact(fees)?) },
        }),
        _ => return None,
    }
    Some(())
}
