//! The cheapest way to meet all needs: a network of holders and routes, each route with a price by
//! amount, a fee for being used at all, and a most.
//!
//! As much as possible of what is needed is met first, then as cheaply as possible. Fees make it
//! hard in general, so routes are decided one by one (branch and bound). Bound: the same network
//! with each fee spread over the most that its route can carry, which a cheapest flow of successive
//! shortest paths solves exactly. If the search is cut off, `gap` says how far from the best the
//! answer can be.

/// Amounts are whole units; prices are in units of 1e-9 of a unit of amount.
const E9: i128 = 1_000_000_000;
/// Networks that are looked at before the search is cut off.
const MOST_NODES: usize = 20_000;

/// A way from one holder to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arc {
    /// From which node.
    pub from: usize,
    /// To which.
    pub to: usize,
    /// Most that goes.
    pub most: i64,
    /// What using it costs.
    pub fee: i64,
    /// What each unit costs, units of 1e-9.
    pub price_e9: i64,
}

/// What has to go where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// What each node can give.
    pub gives: Vec<i64>,
    /// What each node needs.
    pub needs: Vec<i64>,
    /// The ways.
    pub arcs: Vec<Arc>,
}

/// How it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// By arc.
    pub amounts: Vec<i64>,
    /// What of the needs nothing reaches.
    pub unmet: i64,
    /// What it costs, units of 1e-9.
    pub cost_e9: i128,
    /// The best can be cheaper by so much at most, units of 1e-9; 0 if this is the best.
    pub gap_e9: i128,
}

/// What is decided of a route.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Free,
    Paid,
    Closed,
}

/// What a set of decisions can cost at least, and a flow that keeps them.
struct Relaxed {
    unmet: i64,
    least_e9: i128,
    amounts: Vec<i64>,
}

impl Network {
    /// The cheapest flow.
    #[must_use]
    pub fn solve(&self) -> Flow {
        let mut best: Option<Flow> = None;
        let mut open = vec![vec![Use::Free; self.arcs.len()]];
        let mut looked = 0;
        let mut left_out: Option<i128> = None;
        while let Some(uses) = open.pop() {
            let relaxed = self.relax(&uses);
            let found = best.as_ref().map(|best| (best.unmet, best.cost_e9));
            if found.is_some_and(|found| found <= (relaxed.unmet, relaxed.least_e9)) {
                continue;
            }
            looked += 1;
            let cost_e9 = self.cost_e9(&relaxed.amounts);
            if found.is_none_or(|found| (relaxed.unmet, cost_e9) < found) {
                let (unmet, amounts) = (relaxed.unmet, relaxed.amounts.clone());
                best = Some(Flow { amounts, unmet, cost_e9, gap_e9: 0 });
            }
            if looked >= MOST_NODES {
                // Nothing below this set is looked at: its bound is what may have been missed.
                let least = left_out.map_or(relaxed.least_e9, |least| least.min(relaxed.least_e9));
                left_out = Some(least);
                continue;
            }
            // The route whose fee is taken for least of what it is.
            let hidden = |at: usize| {
                let carried = i128::from(relaxed.amounts[at]);
                let arc = &self.arcs[at];
                i128::from(arc.fee) * E9 - self.spread_e9(arc) * carried
            };
            let undecided = (0..uses.len())
                .filter(|at| uses[*at] == Use::Free && relaxed.amounts[*at] > 0)
                .max_by_key(|at| hidden(*at))
                .filter(|at| hidden(*at) > 0);
            if let Some(at) = undecided {
                for choice in [Use::Closed, Use::Paid] {
                    let mut next = uses.clone();
                    next[at] = choice;
                    open.push(next);
                }
            }
        }
        let mut flow = best.unwrap_or_default();
        flow.gap_e9 = left_out.map_or(0, |least| (flow.cost_e9 - least).max(0));
        flow
    }

    /// What amounts cost, fees and all.
    #[must_use]
    pub fn cost_e9(&self, amounts: &[i64]) -> i128 {
        let used = self.arcs.iter().zip(amounts).filter(|(_, amount)| **amount > 0);
        used.map(|(arc, amount)| {
            i128::from(arc.fee) * E9 + i128::from(arc.price_e9) * i128::from(*amount)
        })
        .sum()
    }

    /// The fee of a route by unit, if it carries all that it can: never more than it is.
    fn spread_e9(&self, arc: &Arc) -> i128 {
        let wanted: i64 = self.needs.iter().fold(0, |sum, need| sum.saturating_add(*need));
        i128::from(arc.fee) * E9 / i128::from(arc.most.min(wanted).max(1))
    }

    /// The cheapest flow when fees that are not decided are paid by the unit.
    fn relax(&self, uses: &[Use]) -> Relaxed {
        let price = |at: usize| {
            let arc = &self.arcs[at];
            let fee = if uses[at] == Use::Free { self.spread_e9(arc) } else { 0 };
            i128::from(arc.price_e9) + fee
        };
        let mut amounts = vec![0_i64; self.arcs.len()];
        let (mut gives, mut needs) = (self.gives.clone(), self.needs.clone());
        while let Some((path, start, end)) = self.path(uses, (&amounts, &gives, &needs), &price) {
            let room = |step: &Step| match *step {
                Step::Along(at) => self.arcs[at].most - amounts[at],
                Step::Back(at) => amounts[at],
            };
            let amount = path.iter().map(room).fold(gives[start].min(needs[end]), i64::min);
            for step in path {
                match step {
                    Step::Along(at) => amounts[at] += amount,
                    Step::Back(at) => amounts[at] -= amount,
                }
            }
            gives[start] -= amount;
            needs[end] -= amount;
        }
        let flowing: i128 =
            amounts.iter().enumerate().map(|(at, amount)| price(at) * i128::from(*amount)).sum();
        let paid = (0..uses.len()).filter(|at| uses[*at] == Use::Paid);
        let fees: i128 = paid.map(|at| i128::from(self.arcs[at].fee) * E9).sum();
        Relaxed { unmet: needs.iter().sum(), least_e9: flowing + fees, amounts }
    }

    /// The cheapest path from a node that can give to one that needs (Bellman and Ford).
    fn path(
        &self,
        uses: &[Use],
        (amounts, gives, needs): (&[i64], &[i64], &[i64]),
        price: &impl Fn(usize) -> i128,
    ) -> Option<(Vec<Step>, usize, usize)> {
        let mut known: Vec<Option<i128>> =
            gives.iter().map(|give| (*give > 0).then_some(0)).collect();
        let mut by: Vec<Option<Step>> = vec![None; known.len()];
        for _ in 0..known.len() {
            let mut is_changed = false;
            for (at, arc) in self.arcs.iter().enumerate().filter(|(at, _)| uses[*at] != Use::Closed)
            {
                let steps = [
                    (amounts[at] < arc.most, arc.from, arc.to, price(at), Step::Along(at)),
                    (amounts[at] > 0, arc.to, arc.from, -price(at), Step::Back(at)),
                ];
                for (_, from, to, costs, step) in steps.into_iter().filter(|step| step.0) {
                    let Some(so_far) = known[from] else { continue };
                    if known[to].is_none_or(|known| so_far + costs < known) {
                        known[to] = Some(so_far + costs);
                        by[to] = Some(step);
                        is_changed = true;
                    }
                }
            }
            if !is_changed {
                break;
            }
        }
        let reached = (0..needs.len()).filter(|at| needs[*at] > 0 && known[*at].is_some());
        let end = reached.min_by_key(|at| known[*at])?;
        let (mut path, mut at) = (Vec::new(), end);
        while let Some(step) = by[at] {
            path.push(step);
            at = match step {
                Step::Along(arc) => self.arcs[arc].from,
                Step::Back(arc) => self.arcs[arc].to,
            };
            // A path visits no node twice; more steps than nodes would be a circle.
            if path.len() > known.len() {
                return None;
            }
        }
        Some((path, at, end))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Along(usize),
    Back(usize),
}
