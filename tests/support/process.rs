//! How is a program started, told to end, and never left behind?

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::wait_for;

/// Sends a signal to a process; false when there is none of that id.
pub fn signal(name: &str, process: u32) -> bool {
    Command::new("kill").arg(format!("-{name}")).arg(process.to_string()).status().unwrap().success()
}

/// A running program; dropped, it is killed.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it; what it prints goes to `log`, after what is there.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let out = File::options().create(true).append(true).open(log).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Self { child, log: log.to_owned() }
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// SIGKILL: it has no chance to do anything.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and how it ended.
    pub fn terminate(mut self, limit: Duration) -> ExitStatus {
        self.signal("TERM");
        wait_for("the process to end after SIGTERM", limit, || self.child.try_wait().unwrap())
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A signal by its name, such as STOP.
    pub fn signal(&self, name: &str) {
        let told = signal(name, self.child.id());
        assert!(told, "the process was gone before it got SIG{name}:\n{}", self.log());
    }

    /// What it printed, the last lines.
    pub fn log(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {} ended so:\n{}", self.log.display(), self.log());
        }
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) && self.child.kill().is_ok() {
            self.child.wait().ok();
        }
    }
}
