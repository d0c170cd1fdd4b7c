//! Is what only time can tell told while nothing comes, and once?

use std::time::Duration;

use crate::an_hour_ago;
use crate::support::alert;
use crate::support::broker;
use crate::support::events::{Happening, Okta};
use crate::support::service::Site;
use crate::support::topic::Record;
use crate::support::wait_for;

const RULES: &str = "
title: Factor removed
id: 6f0d7c56-1c6e-4a57-9a43-0d3c5a4f6b21
name: factor-off
logsource: {product: okta, service: okta}
detection: {selection: {eventType: user.mfa.factor.deactivate}, condition: selection}
---
title: Factor enrolled
id: 6f0d7c56-1c6e-4a57-9a43-0d3c5a4f6b22
name: factor-on
logsource: {product: okta, service: okta}
detection: {selection: {eventType: user.mfa.factor.activate}, condition: selection}
---
title: Factor removed and none enrolled
id: 6f0d7c56-1c6e-4a57-9a43-0d3c5a4f6b23
name: no-factor-after
correlation:
  type: absence
  trigger: factor-off
  absent: factor-on
  within: 10m
  group-by: [actor.alternateId]
";

fn record(okta: &mut Okta, kind: &str, actor: &str, at_ms: i64) -> Record {
    let event = okta.event(&Happening { kind, actor, ip: "203.0.113.7", at_ms, result: "SUCCESS" });
    Record { partition: 0, payload: event.to_string().into_bytes() }
}

#[test]
#[ignore = "needs a real broker"]
fn an_absence_comes_due_while_the_topic_is_quiet() {
    let (broker, _turn) = broker::turn();
    let mut site = Site::new(broker, "absence", 2);
    site.settings = "[time]\nidle_timeout = \"1s\"".to_owned();
    site.rules = vec![site.file("rules.yml")];
    std::fs::write(site.file("rules.yml"), RULES).unwrap();
    let mut okta = Okta::new("acme", 5);
    let start_ms = an_hour_ago();
    let records = [
        record(&mut okta, "user.mfa.factor.deactivate", "ana@example.com", start_ms),
        record(&mut okta, "user.mfa.factor.deactivate", "ben@example.com", start_ms),
        record(&mut okta, "user.mfa.factor.activate", "ben@example.com", start_ms + 60_000),
    ];
    site.produce(&records);
    let service = site.run("one");
    let alerts = wait_for("the absence to come due", Duration::from_secs(120), || {
        let alerts = site.committed(&site.alerts());
        (!alerts.is_empty()).then_some(alerts)
    });
    assert_eq!(alerts.len(), 1);
    let found = alert::found(&alerts[0].payload);
    assert_eq!(found.rule, "no-factor-after");
    assert_eq!(alerts[0].key, "ana@example.com");

    // What it was told by time alone is committed with the positions: a restart does not tell it again.
    assert!(service.terminate().success());
    let service = site.run("two");
    site.wait_until_read();
    assert!(service.terminate().success());
    assert_eq!(site.committed(&site.alerts()).len(), 1);
}
