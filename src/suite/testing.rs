//! What do the tests of this folder run?

use std::sync::Arc;

use super::Suite;
use crate::config::Config;
use crate::enrich::GeoIp;
use crate::rule::{Sources, compile};

/// A correlation and the detection it takes, up to where its tests stand.
pub(super) const PUSHES: &str = "\
title: Push denied
id: 11111111-1111-4111-8111-111111111111
name: push-denied
status: test
level: low
logsource: {product: okta, service: okta}
detection:
  selection: {eventType: user.mfa.okta_verify.deny_push}
  condition: selection
---
title: Three pushes denied
id: 22222222-2222-4222-8222-222222222222
name: three-denied
level: high
correlation:
  type: event_count
  rules: [push-denied]
  group-by: [actor.alternateId]
  timespan: 10m
  condition: {gte: 3}
tests:
";

/// The rules and tests of one file, `denials.yml`.
pub(super) fn suite(text: &str) -> Suite {
    let sources = Sources::of([("denials.yml", text)]);
    let rules = match compile(&sources) {
        Ok(rules) => Arc::new(rules),
        Err(diagnostics) => panic!("{diagnostics:#?}"),
    };
    Suite::new(rules, &sources, Config::default(), Arc::new(GeoIp::default()))
}
