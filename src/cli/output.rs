//! How is something written to the terminal or a pipe?

use std::io::{self, IsTerminal as _, Write};

use crate::error::Failure;

/// Writes a failure to stderr: what failed, why, what to do.
pub fn failure(failure: &Failure) {
    note(&format!("error: {failure}"));
}

/// Writes a line to stderr, for people.
pub fn note(text: &str) {
    // Nothing can be done when stderr is closed.
    drop(writeln!(io::stderr(), "{text}"));
}

/// Whether stdout may be coloured: it is a terminal, and nobody asked for none (<https://no-color.org>).
pub fn colour() -> bool {
    let asked_for_none = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !asked_for_none
}

/// Shows how far something is in the last line of a terminal; nothing where stderr is none.
pub fn progress(text: &str) {
    if io::stderr().is_terminal() {
        // A terminal that went away takes the progress with it, nothing else. `CSI K` clears the line.
        drop(write!(io::stderr(), "\r{text}\u{1b}[K"));
    }
}

/// Collects stdout, so that a table is written in large pieces and a closed pipe ends the command
/// quietly, as it should under `head`.
#[derive(Debug)]
pub struct Out(io::BufWriter<io::Stdout>);

impl Out {
    /// Buffered stdout.
    pub fn new() -> Self {
        Self(io::BufWriter::with_capacity(64 * 1024, io::stdout()))
    }

    /// One line.
    ///
    /// # Errors
    /// Stdout cannot be written.
    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.bytes(text.as_bytes())?;
        self.bytes(b"\n")
    }

    /// Bytes as they are.
    ///
    /// # Errors
    /// Stdout cannot be written.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.0.write_all(bytes).or_else(|error| closed_is_fine(&error))
    }

    /// Writes what is buffered.
    ///
    /// # Errors
    /// Stdout cannot be written.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.0.flush().or_else(|error| closed_is_fine(&error))
    }
}

impl Default for Out {
    fn default() -> Self {
        Self::new()
    }
}

fn closed_is_fine(error: &io::Error) -> Result<(), Failure> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(());
    }
    Err(Failure::new("cannot write to stdout").detail(error))
}
