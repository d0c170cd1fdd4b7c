//! How do arguments become a command, and its result an exit code?
//!
//! One file per command; this is the only place that prints and exits.

mod args;
mod check;
mod config;
mod demo;
mod exit;
mod fields;
mod finding;
mod graph;
mod new;
mod output;
mod replay;
mod rules;
mod run;
mod schema;
mod test;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Command, ConfigCommand};
pub use exit::Exit;

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let arguments = match args::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let outcome = match &arguments.command {
        Command::Run(arguments) => run::run(arguments),
        Command::Demo(arguments) => demo::run(arguments),
        Command::Replay(arguments) => replay::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Test(arguments) => test::run(arguments),
        Command::Fields(arguments) => fields::run(arguments),
        Command::New(arguments) => new::run(arguments),
        Command::Schema(arguments) => schema::run(arguments),
        Command::Graph(arguments) => graph::run(arguments),
        Command::Config(ConfigCommand::Show(arguments)) => config::show(arguments),
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
