//! How do arguments become a command, and its result an exit code?
//!
//! One file per command; this is the only place that prints and exits.

mod args;
mod config;
mod exit;
mod fields;
mod output;

use std::process::ExitCode;

use clap::Parser as _;

pub use exit::Exit;

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let arguments = match args::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let outcome = match arguments.command {
        args::Command::Fields(fields) => fields::run(&fields),
        args::Command::Config(args::ConfigCommand::Show(show)) => config::show(&show),
        _ => Ok(Exit::Good),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err((failure, exit)) => {
            output::failure(&failure);
            exit.into()
        }
    }
}

/// `--help` and `--version` are answers, everything else clap finds is bad usage.
fn usage(error: &clap::Error) -> ExitCode {
    // A closed pipe (`oktawatch --help | head -1`) is no failure of ours.
    drop(error.print());
    if error.use_stderr() { Exit::Usage.into() } else { Exit::Good.into() }
}
