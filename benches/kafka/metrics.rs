//! What does the program say of itself on `/metrics`?

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Status and body of a page; status 0 when nobody answers.
pub fn page(port: u16, path: &str) -> (u16, String) {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return (0, String::new()) };
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let asked = write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    if asked.is_err() || stream.read_to_string(&mut answer).is_err() {
        return (0, answer);
    }
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, body.to_owned())
}

/// The sum of a metric over all its labels.
pub fn sum(body: &str, name: &str) -> f64 {
    samples(body, name).map(|(_, value)| value).sum()
}

/// A quantile of a histogram over all workers, in seconds: within its bucket, evenly spread.
pub fn quantile(body: &str, name: &str, quantile: f64) -> f64 {
    let mut bounds: Vec<(f64, f64)> = Vec::new();
    for (labels, value) in samples(body, &format!("{name}_bucket")) {
        let bound = labels.split("le=\"").nth(1).unwrap().split('"').next().unwrap();
        let bound: f64 = bound.replace("+Inf", "inf").parse().unwrap();
        match bounds.iter_mut().find(|(known, _)| *known == bound) {
            Some((_, count)) => *count += value,
            None => bounds.push((bound, value)),
        }
    }
    let wanted = quantile * bounds.last().map_or(0.0, |(_, count)| *count);
    let mut before = (0.0, 0.0);
    for (bound, count) in bounds {
        if count >= wanted && bound.is_finite() {
            return before.0 + (bound - before.0) * (wanted - before.1) / (count - before.1).max(1.0);
        }
        before = (bound, count);
    }
    before.0
}

fn samples<'a>(body: &'a str, name: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
    body.lines().filter_map(move |line| {
        let rest = line.strip_prefix(name)?;
        let (labels, value) = rest.rsplit_once(' ')?;
        (labels.is_empty() || labels.starts_with(['{', ','])).then_some((labels, value.parse().ok()?))
    })
}
