//! Where is Kafka?

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// A real broker, started by `deploy/kafka-dev.sh`, that ends with this process however it ends.
pub struct Broker {
    dir: PathBuf,
    port: u16,
}

/// The broker of this process, started by whoever asks first. Tests take turns: some of them stop it.
pub fn turn() -> (&'static Broker, MutexGuard<'static, ()>) {
    static TURN: Mutex<()> = Mutex::new(());
    static BROKER: OnceLock<Broker> = OnceLock::new();
    let guard = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let broker = BROKER.get_or_init(Broker::new);
    broker.start();
    (broker, guard)
}

impl Broker {
    fn new() -> Self {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kafka-{}", std::process::id()));
        let broker = Self { dir, port: free_port() };
        let port = broker.port.to_string();
        broker.script(&["start", "--port", &port, "--while", &std::process::id().to_string()]);
        broker
    }

    /// Starts it again on the data it has; nothing when it runs.
    pub fn start(&self) {
        self.script(&["start"]);
    }

    /// Stops it; its data stays.
    pub fn stop(&self) {
        self.script(&["stop"]);
    }

    /// `host:port` without encryption.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// `host:port` with TLS and SCRAM.
    pub fn secure_address(&self) -> String {
        format!("localhost:{}", self.port + 100)
    }

    /// The certificate that a client must trust.
    pub fn authority(&self) -> PathBuf {
        self.dir.join("certs/ca.pem")
    }

    fn script(&self, arguments: &[&str]) {
        let done = script().args(arguments).env("KAFKA_DEV_DIR", &self.dir).output().unwrap();
        assert!(
            done.status.success(),
            "kafka-dev.sh {arguments:?}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
}

/// `deploy/kafka-dev.sh`
pub fn script() -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kafka-dev.sh"))
}

/// A port that is free together with those 100 and 200 above it.
fn free_port() -> u16 {
    (0..200)
        .filter_map(|_| TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok())
        .map(|address| address.port())
        .filter(|port| *port < 65_000)
        .find(|port| [100, 200].iter().all(|more| TcpListener::bind(("127.0.0.1", port + more)).is_ok()))
        .expect("no free ports")
}

/// Any free port.
pub fn any_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
