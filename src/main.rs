//! Which command was asked for?

use std::process::ExitCode;

/// A quarter of the time went into the allocator of the C library.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    oktawatch::cli::main()
}
