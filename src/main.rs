//! The command `xmc`.

use cross_market_connect::allocation::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> std::process::ExitCode {
    cross_market_connect::cli::run()
}
