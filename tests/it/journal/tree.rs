//! The Merkle tree, against the published vectors of RFC 6962's form, a tree that is computed by
//! the RFC's own recursion, and the checks as RFC 9162 writes them down.

use cross_market_connect::journal::tree::{
    Gathering, Growth, ProofError, Tree, check_consistency, check_inclusion, leaf_hash,
    leaf_hashes, node_hash,
};
use proptest::prelude::*;

type Hash = [u8; 32];

/// The eight leaves of the Certificate Transparency project's reference tree.
const LEAVES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];

/// The roots over the first 0 to 8 of them.
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// Published proofs: (leaf, size, hashes).
const INCLUSIONS: [(u64, u64, &[&str]); 4] = [
    (
        0,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        &[
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        &[
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
];

/// Published proofs: (old size, size, hashes).
const CONSISTENCIES: [(u64, u64, &[&str]); 5] = [
    (1, 1, &[]),
    (
        1,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        &[
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
    (
        6,
        7,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
];

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal"))
        .collect()
}

fn hash(text: &str) -> Hash {
    unhex(text).try_into().expect("a hash has 32 bytes")
}

fn reference_leaves() -> Vec<Hash> {
    LEAVES.iter().map(|leaf| leaf_hash(&unhex(leaf))).collect()
}

/// `MTH` of RFC 6962, section 2.1, as it stands there.
fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => hash(ROOTS[0]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(k(leaves.len()));
            node_hash(&mth(left), &mth(right))
        }
    }
}

/// The largest power of two smaller than `n`.
fn k(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

/// `PATH(m, D[n])` of RFC 6962, section 2.1.1.
fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return vec![];
    }
    let k = k(leaves.len());
    let (left, right) = leaves.split_at(k);
    if m < k {
        [path(m, left), vec![mth(right)]].concat()
    } else {
        [path(m - k, right), vec![mth(left)]].concat()
    }
}

/// `SUBPROOF(m, D[n], b)` of RFC 6962, section 2.1.2.
fn subproof(m: usize, leaves: &[Hash], is_old_root: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if is_old_root { vec![] } else { vec![mth(leaves)] };
    }
    let k = k(leaves.len());
    let (left, right) = leaves.split_at(k);
    if m <= k {
        [subproof(m, left, is_old_root), vec![mth(right)]].concat()
    } else {
        [subproof(m - k, right, false), vec![mth(left)]].concat()
    }
}

/// Section 2.1.3.2 of RFC 9162, step by step.
fn rfc_9162_includes(leaf: Hash, index: u64, size: u64, root: Hash, proof: &[Hash]) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last, mut r) = (index, size - 1, leaf);
    for p in proof {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            r = node_hash(p, &r);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            r = node_hash(&r, p);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    last == 0 && r == root
}

/// Section 2.1.4.2 of RFC 9162, step by step, for 0 < old < size.
fn rfc_9162_extends(old: u64, old_root: Hash, size: u64, root: Hash, proof: &[Hash]) -> bool {
    let mut path = proof.to_vec();
    if old.is_power_of_two() {
        path.insert(0, old_root);
    }
    let Some((&first, rest)) = path.split_first() else { return false };
    let (mut node, mut last) = (old - 1, size - 1);
    while node & 1 == 1 {
        (node, last) = (node >> 1, last >> 1);
    }
    let (mut fr, mut sr) = (first, first);
    for c in rest {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            (fr, sr) = (node_hash(c, &fr), node_hash(c, &sr));
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            sr = node_hash(&sr, c);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    last == 0 && fr == old_root && sr == root
}

fn tree(leaves: &[Hash]) -> Tree {
    let mut tree = Tree::new();
    leaves.iter().for_each(|leaf| tree.push(*leaf));
    tree
}

fn gathered(gathering: Option<Gathering>, leaves: &[Hash]) -> Vec<Hash> {
    let mut gathering = gathering.expect("the sizes fit");
    leaves.iter().for_each(|leaf| gathering.push(*leaf));
    gathering.proof().expect("all leaves went by")
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|at| leaf_hash(&at.to_le_bytes())).collect()
}

#[test]
fn the_published_roots_come_out() {
    let leaves = reference_leaves();
    for (size, root) in ROOTS.iter().enumerate() {
        assert_eq!(tree(&leaves[..size]).root(), hash(root), "size {size}");
    }
}

#[test]
fn the_published_proofs_come_out_and_hold() {
    let leaves = reference_leaves();
    for (index, size, hashes) in INCLUSIONS {
        let of = &leaves[..size as usize];
        let proof = gathered(Gathering::inclusion(index, size), of);
        assert_eq!(proof, hashes.iter().map(|text| hash(text)).collect::<Vec<_>>());
        let leaf = leaves[index as usize];
        assert_eq!(check_inclusion(&leaf, index, size, &mth(of), &proof), Ok(()));
    }
    for (old, size, hashes) in CONSISTENCIES {
        let of = &leaves[..size as usize];
        let proof = gathered(Gathering::consistency(old, size), of);
        assert_eq!(proof, hashes.iter().map(|text| hash(text)).collect::<Vec<_>>());
        let old_root = mth(&leaves[..old as usize]);
        assert_eq!(check_consistency(old, &old_root, size, &mth(of), &proof), Ok(()));
    }
}

#[test]
fn every_proof_of_every_small_tree_is_the_recursions_and_holds() {
    let leaves = leaves(40);
    for size in 1..=leaves.len() {
        let of = &leaves[..size];
        let (root, n) = (mth(of), size as u64);
        assert_eq!(tree(of).root(), root);
        for index in 0..size {
            let proof = gathered(Gathering::inclusion(index as u64, n), of);
            assert_eq!(proof, path(index, of), "leaf {index} of {size}");
            let leaf = of[index];
            assert_eq!(check_inclusion(&leaf, index as u64, n, &root, &proof), Ok(()));
            assert!(rfc_9162_includes(leaf, index as u64, n, root, &proof));
        }
        for old in 1..=size {
            let proof = gathered(Gathering::consistency(old as u64, n), of);
            assert_eq!(proof, subproof(old, of, true), "{old} to {size}");
            let (old_root, m) = (mth(&of[..old]), old as u64);
            assert_eq!(check_consistency(m, &old_root, n, &root, &proof), Ok(()));
            assert!(old == size || rfc_9162_extends(m, old_root, n, root, &proof));
        }
    }
}

#[test]
fn a_growing_tree_has_its_consistency_proof_at_hand() {
    let leaves = leaves(70);
    for old in 0..=leaves.len() {
        let mut growth = Growth::since(tree(&leaves[..old]));
        for size in old..=leaves.len() {
            let proof = growth.proof();
            let whole = gathered(Gathering::consistency(old as u64, size as u64), &leaves[..size]);
            assert_eq!(proof, whole, "{old} to {size}");
            assert_eq!(growth.tree().root(), mth(&leaves[..size]));
            if let Some(leaf) = leaves.get(size) {
                growth.push(*leaf);
            }
        }
    }
}

#[test]
fn proofs_are_gathered_from_what_is_left_of_a_journal() {
    let leaves = leaves(40);
    let size = leaves.len() as u64;
    for gone in 0..leaves.len() {
        let before = tree(&leaves[..gone]);
        for index in gone..leaves.len() {
            let gathering = Gathering::inclusion(index as u64, size).unwrap();
            let gathering = gathering.starting_with(&before);
            assert_eq!(gathered(gathering, &leaves[gone..]), path(index, &leaves));
        }
        for old in gone.max(1)..=leaves.len() {
            let gathering = Gathering::consistency(old as u64, size).unwrap();
            let gathering = gathering.starting_with(&before);
            assert_eq!(gathered(gathering, &leaves[gone..]), subproof(old, &leaves, true));
        }
        // Of a leaf that is gone there may be no proof any more, and never a wrong one.
        for index in 0..gone {
            let gathering = Gathering::inclusion(index as u64, size).unwrap();
            let Some(mut gathering) = gathering.starting_with(&before) else { continue };
            leaves[gone..].iter().for_each(|leaf| gathering.push(*leaf));
            if let Some(proof) = gathering.proof() {
                assert_eq!(proof, path(index, &leaves), "leaf {index}, {gone} gone");
            }
        }
    }
}

#[test]
fn a_tree_goes_on_from_its_peaks() {
    let leaves = leaves(33);
    for size in 0..leaves.len() {
        let before = tree(&leaves[..size]);
        let mut after = Tree::from_peaks(before.size(), before.peaks()).expect("as many as needed");
        assert_eq!(after, before);
        leaves[size..].iter().for_each(|leaf| after.push(*leaf));
        assert_eq!(after.root(), mth(&leaves));
        assert_eq!(Tree::from_peaks(before.size() * 2 + 1, before.peaks()), None);
    }
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let root = hash(ROOTS[8]);
    let no_leaf = check_inclusion(&root, 8, 8, &root, &[]);
    assert_eq!(no_leaf, Err(ProofError::NoSuchLeaf { index: 8, size: 8 }));
    let too_short = check_inclusion(&root, 3, 8, &root, &[root; 2]);
    assert_eq!(too_short, Err(ProofError::Length { found: 2, needed: 3 }));
    let shrunk = check_consistency(9, &root, 8, &root, &[]);
    assert_eq!(shrunk, Err(ProofError::Shrunk { old_size: 9, size: 8 }));
    let other = check_consistency(8, &hash(ROOTS[7]), 8, &root, &[]);
    assert_eq!(other, Err(ProofError::Root));
    // Sizes near the top of the number range neither overflow nor take long.
    let far = check_inclusion(&root, u64::MAX - 1, u64::MAX, &root, &[root; 63]);
    assert_eq!(far, Err(ProofError::Root));
    let far = check_consistency(u64::MAX - 1, &root, u64::MAX, &root, &[root; 64]);
    assert!(matches!(far, Err(ProofError::OldRoot | ProofError::Length { .. })));
}

proptest! {
    /// Whatever is changed in a proof that holds, it holds no more; and our check says what the
    /// algorithm of RFC 9162 says.
    #[test]
    fn a_changed_proof_never_holds(
        size in 1_usize..200,
        at in any::<prop::sample::Index>(),
        old in any::<prop::sample::Index>(),
        flip in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let leaves = leaves(size);
        let (root, n) = (mth(&leaves), size as u64);
        let index = at.index(size);
        let proof = path(index, &leaves);
        let leaf = leaves[index];
        for (which, _) in proof.iter().enumerate() {
            let mut bad = proof.clone();
            bad[which][flip.index(32)] ^= 1 << bit;
            prop_assert!(check_inclusion(&leaf, index as u64, n, &root, &bad).is_err());
            prop_assert!(!rfc_9162_includes(leaf, index as u64, n, root, &bad));
        }
        let mut other = leaf;
        other[flip.index(32)] ^= 1 << bit;
        prop_assert!(check_inclusion(&other, index as u64, n, &root, &proof).is_err());
        let elsewhere = (index + 1) % size;
        if elsewhere != index {
            let moved = check_inclusion(&leaf, elsewhere as u64, n, &root, &proof);
            prop_assert!(moved.is_err());
        }

        let old = old.index(size) + 1;
        let (old_root, m) = (mth(&leaves[..old]), old as u64);
        let proof = subproof(old, &leaves, true);
        for (which, _) in proof.iter().enumerate() {
            let mut bad = proof.clone();
            bad[which][flip.index(32)] ^= 1 << bit;
            prop_assert!(check_consistency(m, &old_root, n, &root, &bad).is_err());
        }
        let mut rewritten = old_root;
        rewritten[flip.index(32)] ^= 1 << bit;
        prop_assert!(check_consistency(m, &rewritten, n, &root, &proof).is_err());
    }
}

/// Bytes that are not the same twice in a row.
fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + at / 256) as u8).collect()
}

/// Every length on either side of a block's end, beside every other, and beyond what a record has:
/// what is hashed two at a time is what SHA-256 says of each.
#[test]
fn leaves_hashed_two_at_a_time_are_those_hashed_alone() {
    use sha2::{Digest, Sha256};
    let lens = [0, 1, 53, 54, 55, 62, 63, 64, 118, 119, 120, 150, 502, 503, 511, 512, 513, 1_000];
    for first in (0..200).chain(lens) {
        for second in lens {
            for records in [vec![bytes(first), bytes(second)], vec![bytes(second); 3]] {
                let mut leaves = vec![[9; 32]];
                leaf_hashes(records.iter().map(Vec::as_slice), &mut leaves);
                let alone = |record: &Vec<u8>| -> Hash {
                    Sha256::new().chain_update([0]).chain_update(record).finalize().into()
                };
                let expected: Vec<_> = records.iter().map(alone).collect();
                assert_eq!(leaves[1..], expected, "{first} and {second} bytes");
            }
        }
    }
}

proptest! {
    /// Leaves that are added in stretches of any length make the tree that they make one by one.
    #[test]
    fn a_tree_grows_by_many_as_it_does_by_one(
        before in 0_usize..70,
        stretches in prop::collection::vec(0_usize..40, 1..8),
    ) {
        let all = leaves(before + stretches.iter().sum::<usize>());
        let mut grown = tree(&all[..before]);
        let mut size = before;
        for stretch in stretches {
            grown.extend(&all[size..size + stretch]);
            size += stretch;
            prop_assert_eq!(&grown, &tree(&all[..size]));
        }
    }
}
