//! How long does an alert wait when shards move?

use std::time::Duration;

use crate::process::Process;
use crate::support::{broker, topic, wait_for};
use crate::{PARTITIONS, Site, latency, metrics, of};

const SECONDS: usize = 30;
/// When something happens, and when it is undone.
const FIRST: Duration = Duration::from_secs(10);
const THEN: Duration = Duration::from_secs(12);

/// What happens in the middle of the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// A further instance comes, and goes in order.
    Scale,
    /// One of two instances is killed, and another comes at once under another name.
    Kill,
    /// One of two instances is killed, and comes back at once under its name, a static member.
    KillStatic,
}

impl Move {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Scale, Self::Kill, Self::KillStatic];

    /// What it is called in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scale => "a third instance comes and goes",
            Self::Kill => "kill -9 of one of two, another comes at once",
            Self::KillStatic => "kill -9 of one of two, it is back at once, static",
        }
    }
}

/// Waits of alerts around a move: those of half of them, of nearly all, and the longest.
pub fn measure(site: &Site, what: Move) -> [f64; 3] {
    let name = format!("moves-{}", what as u8);
    let input = format!("{name}-events");
    topic::create(&site.brokers, &input, PARTITIONS, 1);
    let start = |instance: &str| {
        let port = broker::any_port();
        let config = site.config_of(&name, &input, instance, port);
        let process = site.start(&config);
        wait_until_ready(port);
        process
    };
    let (first, second) = (start("one"), start("two"));
    let waits = std::thread::scope(|scope| {
        let moving = scope.spawn(|| happen(what, second, &start));
        let waits = latency::measure(&site.brokers, &input, &format!("{name}-alerts"), SECONDS);
        moving.join().unwrap().into_iter().for_each(Process::terminate);
        waits
    });
    first.terminate();
    [0.5, 0.99, 1.0].map(|quantile| of(&waits, quantile))
}

/// Does it, and gives the processes that are left.
fn happen(what: Move, second: Process, start: &impl Fn(&str) -> Process) -> Vec<Process> {
    std::thread::sleep(FIRST);
    match what {
        Move::Scale => {
            let third = start("three");
            std::thread::sleep(THEN);
            third.terminate();
            vec![second]
        }
        Move::Kill => {
            drop(second);
            vec![start("three")]
        }
        Move::KillStatic => {
            drop(second);
            vec![start("two")]
        }
    }
}

fn wait_until_ready(port: u16) {
    wait_for("the program to be ready", Duration::from_secs(120), || {
        (metrics::page(port, "/readyz").0 == 200).then_some(())
    });
}
