//! The planner's network against every whole flow there is.

use cross_market_connect::capital::flow::{Arc, Network};
use fastrand::Rng;

/// Unmet need and cost of the best of all whole flows.
fn brute(network: &Network) -> (i64, i128) {
    let mut amounts = vec![0; network.arcs.len()];
    let mut best = (i64::MAX, i128::MAX);
    loop {
        if let Some(unmet) = unmet(network, &amounts) {
            best = best.min((unmet, network.cost_e9(&amounts)));
        }
        let Some(at) = (0..amounts.len()).find(|at| amounts[*at] < network.arcs[*at].most) else {
            return best;
        };
        amounts[at] += 1;
        amounts[..at].fill(0);
    }
}

/// What a flow leaves unmet; `None` if somebody gives what they do not have.
fn unmet(network: &Network, amounts: &[i64]) -> Option<i64> {
    let mut balance = network.gives.clone();
    for (arc, amount) in network.arcs.iter().zip(amounts) {
        balance[arc.from] -= amount;
        balance[arc.to] += amount;
    }
    let mut unmet = 0;
    for ((balance, give), need) in balance.iter().zip(&network.gives).zip(&network.needs) {
        // Balance is what the node has in the end; what it gave and did not get is missing.
        if *balance < 0 {
            return None;
        }
        unmet += (need - (balance - give).max(0)).max(0);
    }
    Some(unmet)
}

fn random(rng: &mut Rng) -> Network {
    let nodes = rng.usize(2..=5);
    let mut network = Network { gives: vec![0; nodes], needs: vec![0; nodes], arcs: Vec::new() };
    for node in 0..nodes {
        match rng.u8(0..3) {
            0 => network.gives[node] = rng.i64(1..=6),
            1 => network.needs[node] = rng.i64(1..=5),
            _ => {}
        }
    }
    for _ in 0..rng.usize(1..=6) {
        let (from, to) = (rng.usize(0..nodes), rng.usize(0..nodes));
        if from != to {
            let (most, fee) = (rng.i64(1..=4), rng.i64(0..=9));
            network.arcs.push(Arc { from, to, most, fee, price_e9: rng.i64(0..3_000_000_000) });
        }
    }
    network
}

#[test]
fn a_plan_is_as_cheap_as_the_best_of_all() {
    let mut rng = Rng::with_seed(3);
    let mut interesting = 0;
    for number in 0..1_500 {
        let network = random(&mut rng);
        let (unmet_best, cost_best) = brute(&network);
        let found = network.solve();
        assert_eq!(unmet(&network, &found.amounts), Some(found.unmet), "{number}: {network:?}");
        assert_eq!(found.cost_e9, network.cost_e9(&found.amounts));
        assert_eq!(found.unmet, unmet_best, "{number}: {network:?}");
        assert!(found.cost_e9 * 100 <= cost_best * 102, "{number}: {found:?} {network:?}");
        assert_eq!((found.cost_e9, found.gap_e9), (cost_best, 0), "{number}: {network:?}");
        interesting += usize::from(cost_best > 0);
    }
    assert!(interesting > 300, "{interesting} networks cost anything");
}

#[test]
fn nothing_needed_costs_nothing() {
    let found = Network::default().solve();
    assert_eq!((found.unmet, found.cost_e9), (0, 0));
}

/// A larger network is solved, or says how far from the best it can be.
#[test]
fn a_larger_network_says_how_good_its_answer_is() {
    let mut rng = Rng::with_seed(5);
    for _ in 0..3 {
        let mut network = Network { gives: vec![0; 12], needs: vec![0; 12], arcs: Vec::new() };
        for node in 0..6 {
            network.gives[node] = rng.i64(500_000..2_000_000);
            network.needs[6 + node] = rng.i64(100_000..700_000);
        }
        for from in 0..6 {
            for to in 6..12 {
                let (most, fee) = (rng.i64(200_000..900_000), rng.i64(0..3_000));
                let price_e9 = rng.i64(0..2_000_000);
                network.arcs.push(Arc { from, to, most, fee, price_e9 });
            }
        }
        let found = network.solve();
        assert_eq!(unmet(&network, &found.amounts), Some(found.unmet));
        assert!(found.gap_e9 * 50 <= found.cost_e9, "{} of {}", found.gap_e9, found.cost_e9);
    }
}
