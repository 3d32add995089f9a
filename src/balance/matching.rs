//! Which opposite needs meet inside.
//!
//! Needs of one cell (a contract within a group that may net) meet; needs of two cells never do.
//! What is best, in this order:
//!
//! 1. most lots are matched: in every cell the smaller side, all of it;
//! 2. of those, the urgency served is the largest: the sum of lots times urgency;
//! 3. of those, most is saved: fees are the same for every lot of a contract, and a lot that would
//!    open a position saves its margin where one that would close keeps it bound, so opening lots
//!    come first;
//! 4. then the name, which is unique: the same needs in another order give the same matches.
//!
//! The smaller side is served whole and the larger one from the top of that order, which is the
//! optimum, since within a cell any buyer can meet any seller. Who meets whom changes none of the
//! first three, so those of one account meet first: they need no entry between accounts.
//!
//! Whole numbers only, n log n. It knows no price and no money. Called by `plan`, and measured by
//! `xmc balance measure`.

use std::cmp::Reverse;

/// A need as matching sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need<'n> {
    /// Its name, which no other need has.
    pub name: &'n str,
    /// What it may meet: a contract within a group.
    pub cell: u32,
    /// In which account.
    pub account: u32,
    /// Buys, or sells.
    pub buys: bool,
    /// How many lots; above 0.
    pub lots: i64,
    /// Thousandths.
    pub urgency: u16,
    /// Opens a position, or closes one.
    pub opens: bool,
}

/// Lots of two needs that meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// The need that buys, by its place.
    pub buy: usize,
    /// The one that sells.
    pub sell: usize,
    /// How many; above 0.
    pub lots: i64,
}

/// Lots of one need that are still to be paired.
type Part = (usize, i64);

/// The matches of all cells; needs without lots match nothing.
#[must_use]
pub fn of(needs: &[Need<'_>]) -> Vec<Match> {
    let order = |at: &usize| {
        let need = &needs[*at];
        (need.cell, !need.buys, Reverse(need.urgency), !need.opens)
    };
    let mut sorted: Vec<usize> = (0..needs.len()).filter(|at| needs[*at].lots > 0).collect();
    sorted.sort_unstable_by(|one, other| {
        order(one).cmp(&order(other)).then_with(|| needs[*one].name.cmp(needs[*other].name))
    });
    let mut matches = Vec::with_capacity(needs.len());
    for cell in sorted.chunk_by(|one, other| needs[*one].cell == needs[*other].cell) {
        let (buys, sells) = cell.split_at(cell.partition_point(|at| needs[*at].buys));
        let sum = |side: &[usize]| side.iter().map(|at| needs[*at].lots).sum::<i64>();
        let lots = sum(buys).min(sum(sells));
        let (buys, sells) = (served(needs, buys, lots), served(needs, sells, lots));
        within_accounts(needs, buys, sells, &mut matches);
    }
    matches
}

/// The first so many lots of a side.
fn served(needs: &[Need<'_>], side: &[usize], mut lots: i64) -> Vec<Part> {
    let mut parts = Vec::with_capacity(side.len());
    for at in side {
        let taken = needs[*at].lots.min(lots);
        if taken == 0 {
            break;
        }
        parts.push((*at, taken));
        lots -= taken;
    }
    parts
}

/// Pairs lots of one account with each other, then the rest.
fn within_accounts(
    needs: &[Need<'_>],
    buys: Vec<Part>,
    sells: Vec<Part>,
    matches: &mut Vec<Match>,
) {
    let account = |part: &Part| needs[part.0].account;
    let place = |part: &Part| part.0;
    let by_account = |parts: &[Part]| {
        let mut sorted = parts.to_vec();
        // Stable: those of one account keep their order.
        sorted.sort_by_key(account);
        sorted
    };
    let (mut own_buys, mut own_sells) = (by_account(&buys), by_account(&sells));
    let (mut buy, mut sell) = (0, 0);
    while buy < own_buys.len() && sell < own_sells.len() {
        match account(&own_buys[buy]).cmp(&account(&own_sells[sell])) {
            std::cmp::Ordering::Less => buy += 1,
            std::cmp::Ordering::Greater => sell += 1,
            std::cmp::Ordering::Equal => {
                pair(&mut own_buys[buy], &mut own_sells[sell], matches);
                buy += usize::from(own_buys[buy].1 == 0);
                sell += usize::from(own_sells[sell].1 == 0);
            }
        }
    }
    // What is left of each, in the order of the whole side again.
    let rest = |side: Vec<Part>, mut own: Vec<Part>| {
        own.sort_unstable_by_key(place);
        let left = |part: Part| {
            let at = own.binary_search_by_key(&part.0, place).ok()?;
            (own[at].1 > 0).then_some(own[at])
        };
        side.into_iter().filter_map(left).collect::<Vec<_>>()
    };
    let (mut buys, mut sells) = (rest(buys, own_buys), rest(sells, own_sells));
    let (mut buy, mut sell) = (0, 0);
    while buy < buys.len() && sell < sells.len() {
        pair(&mut buys[buy], &mut sells[sell], matches);
        buy += usize::from(buys[buy].1 == 0);
        sell += usize::from(sells[sell].1 == 0);
    }
}

fn pair(buy: &mut Part, sell: &mut Part, matches: &mut Vec<Match>) {
    let lots = buy.1.min(sell.1);
    buy.1 -= lots;
    sell.1 -= lots;
    matches.push(Match { buy: buy.0, sell: sell.0, lots });
}
