//! What does a process cost, and how is it started and ended?

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Ticks of a second in `/proc/PID/stat`: `USER_HZ`, the same on every Linux of x86-64 and arm64.
const TICKS: f64 = 100.0;

/// A process under measurement; dropped, it is killed.
pub struct Process {
    child: Child,
    out: PathBuf,
}

impl Process {
    /// Starts it; what it prints goes to `out`.
    pub fn start(command: &mut Command, out: &Path) -> Self {
        let file = std::fs::File::create(out).unwrap();
        let child = command
            .stdin(Stdio::piped())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Self { child, out: out.to_owned() }
    }

    /// What it printed.
    pub fn printed(&self) -> String {
        std::fs::read_to_string(&self.out).unwrap_or_default()
    }

    /// Ends the bench when the process has ended.
    pub fn must_run(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("the process ended: {status}\n{}", self.printed());
        }
    }

    /// Seconds of CPU it has used so far.
    pub fn cpu_s(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The name in brackets may hold spaces; what follows it does not.
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks: f64 = fields[11..13].iter().map(|field| field.parse::<f64>().unwrap()).sum();
        ticks / TICKS
    }

    /// Megabytes of it in memory.
    pub fn resident_mb(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }

    /// SIGTERM, and until it has ended.
    pub fn terminate(mut self) {
        let told = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap();
        assert!(told.success());
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
