//! Cores in the two ways in which the kernel writes them.

use cross_market_connect::host::cores::{Cores, list, mask, of_list, of_mask};
use proptest::prelude::*;

proptest! {
    #[test]
    fn what_is_written_is_read_again(cores in prop::collection::btree_set(0_u16..300, 0..40)) {
        let cores: Cores = cores;
        prop_assert_eq!(of_mask(&mask(&cores)), Some(cores.clone()));
        prop_assert_eq!(of_list(&list(&cores)), Some(cores));
    }
}

#[test]
fn lists_as_the_kernel_has_them() {
    assert_eq!(of_list(""), Some(Cores::new()));
    assert_eq!(of_list("0-3,5\n"), Some([0, 1, 2, 3, 5].into()));
    assert_eq!(of_list("(null)"), None);
    assert_eq!(of_list("1-"), None);
}
