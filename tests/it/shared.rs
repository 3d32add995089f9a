//! Where the shared test data lies, and what to do when it does not.

use std::path::PathBuf;

/// The path of a file of the shared test data, or `None` (said loudly) when there is none here.
///
/// Looks below `XMC_SHARED`, by default `../shared` beside the project's root. With `data` in the
/// comma-separated list `XMC_REQUIRE` a missing file is a failure instead of a skip.
pub fn data(relative: &str) -> Option<PathBuf> {
    let root = std::env::var_os("XMC_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = root.join(relative);
    if path.is_file() {
        return Some(path);
    }
    assert!(!is_required("data"), "XMC_REQUIRE names data, but {} is not there", path.display());
    eprintln!(
        "SKIPPED for want of {}: set XMC_SHARED to the folder that holds captures, oracle, \
         schemas and vectors",
        path.display()
    );
    None
}

/// Whether the comma-separated list `XMC_REQUIRE` has `what`: then its want is a failure.
pub fn is_required(what: &str) -> bool {
    std::env::var("XMC_REQUIRE").is_ok_and(|list| list.split(',').any(|item| item.trim() == what))
}

/// The text of a file of the shared test data; `None` as for `data`.
pub fn text(relative: &str) -> Option<String> {
    data(relative).map(|path| std::fs::read_to_string(path).expect("shared data is readable"))
}
