//! What do users' machines send by themselves?

use serde::{Deserialize, Serialize};

use super::Duration;

/// The shortest period, ms: clusters of events lie closer.
const LEAST_MS: i64 = 60_000;

/// Percent below which an interval is nearer to its own period than to half or twice of it.
const TOLERANCE_PERCENT: u32 = 34;

/// `[keepalive]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keepalive {
    /// User agents of programs that check a password by themselves and do nothing else, in which `*` stands
    /// for anything; upper and lower case are the same.
    pub agents: Vec<String>,
    /// How often they do, until the machine's own period is known.
    pub period: Duration,
    /// A constant period no shorter than this makes keep-alives of any program's sign-ins …
    pub shortest: Duration,
    /// … and no longer than this.
    pub longest: Duration,
    /// How far an interval may be from the period, in percent of it.
    pub tolerance_percent: u32,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            agents: vec!["*Jamf*Connect*".to_owned()],
            period: Duration::secs(15 * 60),
            shortest: Duration::secs(60),
            longest: Duration::secs(6 * 3600),
            tolerance_percent: 20,
        }
    }
}

impl Keepalive {
    /// Periods are in order, and no interval is of two periods.
    pub(super) fn check(&self, mut need: impl FnMut(bool, &str, String)) {
        let Self { period, shortest, longest, tolerance_percent, .. } = self;
        for (key, least) in [("keepalive.shortest", shortest), ("keepalive.period", period)] {
            need(least.as_millis() >= LEAST_MS, key, "must be 1m or longer".to_owned());
        }
        let in_order = shortest.as_millis() <= longest.as_millis();
        need(in_order, "keepalive.longest", "must not be shorter than `shortest`".to_owned());
        need(
            *tolerance_percent < TOLERANCE_PERCENT,
            "keepalive.tolerance_percent",
            format!("{tolerance_percent} is not below {TOLERANCE_PERCENT}"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(keepalive: &Keepalive) -> Vec<String> {
        let mut problems = Vec::new();
        keepalive.check(|good, key, _| {
            if !good {
                problems.push(key.to_owned());
            }
        });
        problems
    }

    #[test]
    fn periods_are_in_order_and_intervals_of_one_period() {
        assert!(problems(&Keepalive::default()).is_empty());
        let short = Duration::secs(59);
        let short = Keepalive { shortest: short, period: short, longest: short, ..Keepalive::default() };
        assert_eq!(problems(&short), ["keepalive.shortest", "keepalive.period"]);
        let odd = Keepalive { longest: Duration::secs(59), tolerance_percent: 34, ..Keepalive::default() };
        assert_eq!(problems(&odd), ["keepalive.longest", "keepalive.tolerance_percent"]);
    }
}
