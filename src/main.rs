//! Which command was asked for?

use std::process::ExitCode;

fn main() -> ExitCode {
    oktawatch::cli::main()
}
