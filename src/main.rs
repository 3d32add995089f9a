//! The command `xmc`.

fn main() -> std::process::ExitCode {
    cross_market_connect::cli::run()
}
