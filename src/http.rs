//! Who may ask how the service is, and what does it answer?
//!
//! - `/metrics`: Prometheus's text format;
//! - `/healthz`: whether every worker's loop goes round; an unreachable cluster does not matter here,
//!   as a restart would not mend it;
//! - `/readyz`: whether every worker is a member of the group and does its work; `false` while
//!   draining. The body says why not.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::error::Failure;
use crate::telemetry::{Telemetry, Verdict};

/// What the handlers need.
#[derive(Clone)]
struct Served {
    telemetry: Arc<Telemetry>,
    /// The clock of the workers' pulses, ms.
    now_ms: fn() -> i64,
}

/// Takes the address, so that one that is taken is known before anything else begins.
///
/// # Errors
/// An address that is taken, or that is not this host's.
pub fn bind(listen: &str) -> Result<TcpListener, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(format!("cannot listen on {listen}"))
            .detail(error)
            .hint("Set http.listen to a free address and port, or to an empty text for none.")
    };
    let address: SocketAddr = listen.parse().map_err(|error| failed(&error))?;
    let listener = TcpListener::bind(address).map_err(|error| failed(&error))?;
    listener.set_nonblocking(true).map_err(|error| failed(&error))?;
    Ok(listener)
}

/// Answers until the task is dropped.
///
/// # Errors
/// The listener can no longer be used.
pub async fn serve(
    listener: TcpListener,
    telemetry: Arc<Telemetry>,
    now_ms: fn() -> i64,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new("cannot serve http").detail(error);
    let listener = tokio::net::TcpListener::from_std(listener).map_err(failed)?;
    axum::serve(listener, router(telemetry, now_ms)).await.map_err(failed)
}

fn router(telemetry: Arc<Telemetry>, now_ms: fn() -> i64) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(Served { telemetry, now_ms })
}

async fn metrics(State(served): State<Served>) -> Response {
    match served.telemetry.expose() {
        Ok(text) => {
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
        }
        Err(failure) => (StatusCode::INTERNAL_SERVER_ERROR, failure.to_string()).into_response(),
    }
}

async fn healthz(State(served): State<Served>) -> Response {
    answer(&served.telemetry.health().alive((served.now_ms)()))
}

async fn readyz(State(served): State<Served>) -> Response {
    answer(&served.telemetry.health().ready())
}

fn answer(verdict: &Verdict) -> Response {
    let status = if verdict.good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::json!({ "ok": verdict.good, "reasons": verdict.reasons });
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use super::*;
    use crate::telemetry::{Fact, Health, WorkerState};

    fn ask(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    fn served(telemetry: &Arc<Telemetry>) -> SocketAddr {
        let listener = bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let telemetry = Arc::clone(telemetry);
        std::thread::Builder::new()
            .spawn(move || {
                let mut builder = tokio::runtime::Builder::new_current_thread();
                builder.enable_all().build().unwrap().block_on(serve(listener, telemetry, || 0))
            })
            .unwrap();
        address
    }

    #[test]
    fn readiness_says_why_not_and_liveness_does_not_care() {
        let telemetry = Arc::new(Telemetry::new(&[], Arc::new(Health::new(1, 0)), 1).unwrap());
        let address = served(&telemetry);
        let waiting = ask(address, "/readyz");
        assert!(waiting.starts_with("HTTP/1.1 503"), "{waiting}");
        assert!(waiting.ends_with(r#"{"ok":false,"reasons":["worker 0 is starting"]}"#), "{waiting}");
        assert!(ask(address, "/healthz").starts_with("HTTP/1.1 200"));
        let (from, to) = (WorkerState::Joining, WorkerState::Running);
        telemetry.observe(&Fact::WorkerMoved { worker: 0, from, to, why: "" });
        assert!(ask(address, "/readyz").ends_with(r#"{"ok":true,"reasons":[]}"#));
        assert!(ask(address, "/metrics").contains("oktawatch_worker_state"));
        assert!(ask(address, "/nothing").starts_with("HTTP/1.1 404"));
    }

    #[test]
    fn an_address_that_is_taken_is_a_clear_failure() {
        let first = bind("127.0.0.1:0").unwrap();
        let address = first.local_addr().unwrap().to_string();
        let failure = bind(&address).unwrap_err();
        assert!(failure.primary.contains(&address) && failure.hint.is_some());
    }
}
