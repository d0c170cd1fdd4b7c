//! How does the service run, from its first line of log to its last commit?

mod reload;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::config::Config;
use crate::enrich::GeoIp;
use crate::error::Failure;
use crate::http;
use crate::kafka::{self, Shared};
use crate::limits;
use crate::rule::RuleSet;
use crate::telemetry::{self, Fact, Health, Telemetry};

/// How often the GeoIP files are looked at. They are looked at rather than watched, as a mounted
/// volume may change by a swapped link.
const GEOIP_LOOK: Duration = Duration::from_secs(10);

/// Runs until it is asked to stop (SIGTERM, SIGINT) and has finished what it began. A second signal
/// ends it at once; what is open then is undone by the cluster.
///
/// # Errors
/// What a person has to mend: an address that is taken, a database that cannot be read, settings
/// that the cluster does not accept, output topics that are missing. A cluster that does not answer
/// is waited for.
pub fn run(config: Config, rules: Arc<RuleSet>) -> Result<(), Failure> {
    telemetry::log::init(&config.log)?;
    let geoip = Arc::new(GeoIp::open(&config.geoip)?);
    let listener = match config.http.listen.as_str() {
        "" => None,
        listen => Some(http::bind(listen)?),
    };
    kafka::properties(&config, kafka::Role::Admin)?;
    let workers = config.engine.workers;
    let health = Arc::new(Health::new(workers, kafka::steady_ms()));
    let telemetry = Arc::new(Telemetry::new(&rules.infos, health, workers)?);
    telemetry.observe(&Fact::Started { version: env!("CARGO_PKG_VERSION"), digest: &rules.digest });
    let shared = Arc::new(Shared::new(config, rules, geoip, telemetry));
    reload::tell_expired(&shared);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new("cannot start the runtime").detail(error))?;
    let result = runtime.block_on(supervise(&shared, listener));
    // A look at files may be under way; it holds nothing that has to be finished.
    runtime.shutdown_background();
    shared.telemetry.observe(&Fact::Stopped);
    result
}

/// Starts everything, waits for a reason to end, and sees to it that it ends.
async fn supervise(shared: &Arc<Shared>, listener: Option<std::net::TcpListener>) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    if let Some(listener) = listener {
        serve(shared, listener);
    }
    watch_geoip(shared);
    reload::watch(shared);
    let mut ended = start_workers(shared)?;
    let first = tokio::select! {
        by = signals.next() => {
            shared.telemetry.observe(&Fact::StopRequested { by });
            None
        }
        result = ended.recv() => result,
    };
    shared.stop();
    let mut outcome = first.unwrap_or(Ok(()));
    let all = async {
        while let Some(result) = ended.recv().await {
            if outcome.is_ok() {
                outcome = result;
            }
        }
    };
    tokio::select! {
        () = all => outcome,
        by = signals.next() => Err(Failure::new(format!("{by} a second time: ended at once"))
            .detail("The open transaction is undone by the cluster; its records are read again.")),
        () = tokio::time::sleep(Duration::from_millis(limits::DRAIN_MS)) => {
            Err(Failure::new("the workers did not finish in time")
                .detail("What was open is undone by the cluster; its records are read again."))
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "http is one of the service's few tasks")]
fn serve(shared: &Arc<Shared>, listener: std::net::TcpListener) {
    if let Ok(address) = listener.local_addr() {
        shared.telemetry.observe(&Fact::Listening { address: &address.to_string() });
    }
    let telemetry = Arc::clone(&shared.telemetry);
    tokio::spawn(async move {
        let served = http::serve(listener, Arc::clone(&telemetry), kafka::steady_ms).await;
        if let Err(failure) = served {
            tracing::error!(error = %failure, "metrics and health are no longer served");
        }
    });
}

/// One named thread each; its result comes through the channel, a panic as a failure.
fn start_workers(shared: &Arc<Shared>) -> Result<mpsc::Receiver<Result<(), Failure>>, Failure> {
    let workers = shared.config.engine.workers;
    let (ends, ended) = mpsc::channel(workers);
    for worker in 0..workers {
        let (shared, ends) = (Arc::clone(shared), ends.clone());
        let work = move || {
            let result = catch_unwind(AssertUnwindSafe(|| kafka::run_worker(shared, worker)));
            let result = result.unwrap_or_else(|_| Err(Failure::new(format!("worker {worker} panicked"))));
            // Nobody listens any more only when the process is ending anyway.
            let _ending = ends.blocking_send(result);
        };
        let thread = thread::Builder::new().name(format!("worker-{worker}")).spawn(work);
        thread.map_err(|error| Failure::new("cannot start a worker thread").detail(error))?;
    }
    Ok(ended)
}

/// The signals that ask the service to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let take = |kind| signal(kind).map_err(|error| Failure::new("cannot take signals").detail(error));
        Ok(Self { terminate: take(SignalKind::terminate())?, interrupt: take(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Reads the GeoIP databases anew when a file has changed; until that works the old ones stay.
#[expect(clippy::disallowed_methods, reason = "the watch is one of the service's few tasks")]
fn watch_geoip(shared: &Arc<Shared>) {
    tell_geoip(shared, false);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(GEOIP_LOOK).await;
            let reader = Arc::clone(&shared);
            let look = move || reader.geoip.load().reload(&reader.config.geoip);
            match tokio::task::spawn_blocking(look).await {
                Ok(Ok(None)) => {}
                Ok(Ok(Some(geoip))) => {
                    shared.geoip.store(Arc::new(geoip));
                    tell_geoip(&shared, true);
                }
                Ok(Err(failure)) => geoip_failed(&shared, &failure.to_string()),
                Err(panic) => geoip_failed(&shared, &panic.to_string()),
            }
        }
    });
}

fn tell_geoip(shared: &Shared, again: bool) {
    let geoip = shared.geoip.load();
    let built: Vec<(&str, u64)> =
        geoip.databases().iter().map(|database| (database.key, database.build_epoch)).collect();
    if again || !built.is_empty() {
        shared.telemetry.observe(&Fact::GeoIpLoaded { again, built: &built });
    }
}

fn geoip_failed(shared: &Shared, error: &str) {
    shared.telemetry.observe(&Fact::GeoIpFailed { error });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_taken_ends_the_service_before_it_begins() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut config = Config::default();
        config.http.listen = taken.local_addr().unwrap().to_string();
        let failure = run(config, Arc::default()).unwrap_err();
        assert!(failure.primary.starts_with("cannot listen on"), "{failure}");
    }
}
