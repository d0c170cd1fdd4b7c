//! Where is Kafka?

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// A real broker, or several, started by `deploy/kafka-dev.sh`, that end with this process however it ends.
pub struct Broker {
    dir: PathBuf,
    port: u16,
    nodes: u16,
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
        Self::started(1, &[])
    }

    /// So many brokers, each with one more address for clients that leads over a proxy: see [`Self::behind`].
    pub fn proxied(nodes: u16) -> Self {
        Self::started(nodes, &["--proxied"])
    }

    fn started(nodes: u16, more: &[&str]) -> Self {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kafka-{}", std::process::id()));
        let broker = Self { dir, port: free_port(nodes), nodes };
        let (port, nodes) = (broker.port.to_string(), nodes.to_string());
        let process = std::process::id().to_string();
        broker.script(&[&["start", "--port", &port, "--nodes", &nodes, "--while", &process], more].concat());
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

    /// SIGKILL for one of several.
    pub fn kill(&self, node: u16) {
        self.script(&["kill", &node.to_string()]);
    }

    /// Starts one of several again; nothing when it runs.
    pub fn restart(&self, node: u16) {
        self.script(&["restart", &node.to_string()]);
    }

    /// The process of one of several, while it runs.
    pub fn process(&self, node: u16) -> Option<u32> {
        std::fs::read_to_string(self.dir.join(format!("{node}/pid"))).ok()?.trim().parse().ok()
    }

    /// What one of several has to say.
    pub fn log(&self, node: u16) -> PathBuf {
        self.dir.join(format!("{node}/log"))
    }

    /// `host:port` without encryption, of all brokers.
    pub fn address(&self) -> String {
        self.addresses(0)
    }

    /// Where clients of a proxied cluster begin.
    pub fn proxied_address(&self) -> String {
        self.addresses(400)
    }

    /// The port that a proxied broker sends its clients to, and the one that it listens on for them.
    pub fn behind(&self, node: u16) -> (u16, u16) {
        (self.port + 400 + node, self.port + 300 + node)
    }

    /// Copies of each record that a topic should have.
    pub fn replicas(&self) -> i32 {
        i32::from(self.nodes.min(3))
    }

    fn addresses(&self, above: u16) -> String {
        let all: Vec<String> =
            (0..self.nodes).map(|node| format!("127.0.0.1:{}", self.port + above + node)).collect();
        all.join(",")
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
        let mut script = script();
        if self.nodes > 1 {
            // Several on one machine: small, and soon there again after a kill.
            script.env("KAFKA_DEV_HEAP", "384m").env("KAFKA_DEV_JAVA", "-XX:TieredStopAtLevel=1");
        }
        let done = script.args(arguments).env("KAFKA_DEV_DIR", &self.dir).output().unwrap();
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

/// A port that is free together with all others that so many brokers need. It lies below those that the
/// system gives to connections: a broker that starts again must find its own still free.
fn free_port(nodes: u16) -> u16 {
    let start = std::process::id() % 1_000;
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    (0..1_000)
        .map(|more| 10_000 + 20 * u16::try_from((start + more) % 1_000).unwrap())
        .find(|port| (0..nodes).all(|node| (0..5).all(|kind| free(port + 100 * kind + node))))
        .expect("no free ports")
}

/// Any free port.
pub fn any_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
