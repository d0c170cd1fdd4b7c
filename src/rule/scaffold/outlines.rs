//! What does each kind of rule look like at first?
//!
//! `$NAME` is the rule, `$FIRST` and `$SECOND` the event types that it takes, and `$OTHER` one that it
//! does not.

/// One kind of rule.
pub(super) struct Outline {
    pub kind: &'static str,
    pub event_type: &'static str,
    /// The event type of the second rule that it takes, if it takes two.
    pub second: Option<&'static str>,
    /// The lines under `correlation`; none for a detection.
    pub correlation: &'static str,
    /// What its alert says.
    pub message: &'static str,
    pub tests: &'static str,
}

const COUNTED: &str = "{title}: {count} events for {key} within {span}";
const IMPORT: &str = "system.import.complete";

/// Every kind of rule.
pub(super) const OUTLINES: &[Outline] = &[
    Outline {
        kind: "detection",
        event_type: "user.session.start",
        second: None,
        correlation: "",
        message: "{title}: {user} from {ip} ({country})",
        tests: "  - name: the event alerts
    events:
      - {at: 0s, eventType: $FIRST}
    expect:
      - {rule: $NAME, at: 0s, key: ana@example.com}
  - name: another event does not
    events:
      - {at: 0s, eventType: $OTHER}
    expect: []
",
    },
    Outline {
        kind: "event_count",
        event_type: "user.session.start",
        second: None,
        correlation: "  rules: [$NAME-first]
  group-by: [actor.alternateId]
  timespan: 10m
  condition: {gte: 5}
",
        message: COUNTED,
        tests: "  - name: five events in four minutes
    events:
      - {at: 0s, repeat: 5, every: 1m, eventType: $FIRST}
    expect:
      - {rule: $NAME, at: 4m, key: ana@example.com, count: 5}
  - name: four events are not enough
    events:
      - {at: 0s, repeat: 4, every: 1m, eventType: $FIRST}
    expect: []
",
    },
    Outline {
        kind: "value_count",
        event_type: "user.session.start",
        second: None,
        correlation: "  rules: [$NAME-first]
  group-by: [actor.alternateId]
  timespan: 1h
  condition: {field: client.ipAddress, gte: 3}
",
        message: "{title}: {distinct} addresses for {key} within {span}",
        tests: "  - name: three addresses within the hour
    events:
      - {at: 0s, eventType: $FIRST, client.ipAddress: 203.0.113.1}
      - {at: 10m, eventType: $FIRST, client.ipAddress: 203.0.113.2}
      - {at: 20m, eventType: $FIRST, client.ipAddress: 203.0.113.3}
    expect:
      - {rule: $NAME, at: 20m, key: ana@example.com}
  - name: two addresses, however often
    events:
      - {at: 0s, repeat: 3, every: 1m, eventType: $FIRST, client.ipAddress: 203.0.113.1}
      - {at: 10m, repeat: 3, every: 1m, eventType: $FIRST, client.ipAddress: 203.0.113.2}
    expect: []
",
    },
    Outline {
        kind: "value_sum",
        event_type: IMPORT,
        second: None,
        correlation: "  rules: [$NAME-first]
  group-by: [actor.alternateId]
  timespan: 1d
  condition: {field: debugContext.debugData.deletedObjects, gte: 100}
",
        message: COUNTED,
        tests: "  - name: a hundred objects in two imports
    events:
      - {at: 0s, eventType: $FIRST, debugContext.debugData.deletedObjects: 60}
      - {at: 1h, eventType: $FIRST, debugContext.debugData.deletedObjects: 40}
    expect:
      - {rule: $NAME, at: 1h, key: ana@example.com}
  - name: one object too few
    events:
      - {at: 0s, eventType: $FIRST, debugContext.debugData.deletedObjects: 60}
      - {at: 1h, eventType: $FIRST, debugContext.debugData.deletedObjects: 39}
    expect: []
",
    },
    Outline {
        kind: "value_avg",
        event_type: IMPORT,
        second: None,
        correlation: "  rules: [$NAME-first]
  group-by: [actor.alternateId]
  timespan: 1d
  condition: {field: debugContext.debugData.deletedObjects, gte: 50}
",
        message: COUNTED,
        tests: "  - name: fifty objects in the mean
    events:
      - {at: 0s, eventType: $FIRST, debugContext.debugData.deletedObjects: 10}
      - {at: 1h, eventType: $FIRST, debugContext.debugData.deletedObjects: 90}
    expect:
      - {rule: $NAME, at: 1h, key: ana@example.com}
  - name: almost fifty objects in the mean
    events:
      - {at: 0s, eventType: $FIRST, debugContext.debugData.deletedObjects: 10}
      - {at: 1h, eventType: $FIRST, debugContext.debugData.deletedObjects: 89}
    expect: []
",
    },
    Outline {
        kind: "value_median",
        event_type: IMPORT,
        second: None,
        correlation: "  rules: [$NAME-first]
  group-by: [actor.alternateId]
  timespan: 1d
  condition: {field: debugContext.debugData.deletedObjects, gte: 50}
",
        message: COUNTED,
        tests: "  - name: most imports delete fifty objects and more
    events:
      - {at: 0s, eventType: $FIRST, debugContext.debugData.deletedObjects: 0}
      - {at: 1h, eventType: $FIRST, debugContext.debugData.deletedObjects: 50}
      - {at: 2h, eventType: $FIRST, debugContext.debugData.deletedObjects: 60}
    expect:
      - {rule: $NAME, at: 2h, key: ana@example.com}
  - name: one large import among small ones
    events:
      - {at: 0s, eventType: $FIRST, debugContext.debugData.deletedObjects: 0}
      - {at: 1h, eventType: $FIRST, debugContext.debugData.deletedObjects: 10}
      - {at: 2h, eventType: $FIRST, debugContext.debugData.deletedObjects: 900}
    expect: []
",
    },
    Outline {
        kind: "value_percentile",
        event_type: IMPORT,
        second: None,
        correlation: "  rules: [$NAME-first]
  group-by: [actor.alternateId]
  timespan: 1d
  condition: {field: debugContext.debugData.deletedObjects, percentile: 90, gte: 50}
",
        message: COUNTED,
        tests: "  - name: a tenth of the imports delete fifty objects and more
    events:
      - {at: 0s, eventType: $FIRST, debugContext.debugData.deletedObjects: 0}
      - {at: 1h, eventType: $FIRST, debugContext.debugData.deletedObjects: 60}
    expect:
      - {rule: $NAME, at: 1h, key: ana@example.com}
  - name: none of them deletes so many
    events:
      - {at: 0s, eventType: $FIRST, debugContext.debugData.deletedObjects: 0}
      - {at: 1h, eventType: $FIRST, debugContext.debugData.deletedObjects: 49}
    expect: []
",
    },
    Outline {
        kind: "temporal",
        event_type: "user.session.start",
        second: Some("user.session.access_admin_app"),
        correlation: "  rules: [$NAME-first, $NAME-second]
  group-by: [actor.alternateId]
  timespan: 15m
",
        message: COUNTED,
        tests: "  - name: both within a quarter of an hour, in any order
    events:
      - {at: 0s, eventType: $SECOND}
      - {at: 5m, eventType: $FIRST}
    expect:
      - {rule: $NAME, at: 5m, key: ana@example.com}
  - name: both, but too far apart
    events:
      - {at: 0s, eventType: $FIRST}
      - {at: 15m, eventType: $SECOND}
    expect: []
",
    },
    Outline {
        kind: "temporal_ordered",
        event_type: "user.session.start",
        second: Some("user.session.access_admin_app"),
        correlation: "  rules: [$NAME-first, $NAME-second]
  group-by: [actor.alternateId]
  timespan: 15m
",
        message: COUNTED,
        tests: "  - name: the one, then the other
    events:
      - {at: 0s, eventType: $FIRST}
      - {at: 5m, eventType: $SECOND}
    expect:
      - {rule: $NAME, at: 5m, key: ana@example.com}
  - name: the other way round
    events:
      - {at: 0s, eventType: $SECOND}
      - {at: 5m, eventType: $FIRST}
    expect: []
",
    },
    Outline {
        kind: "sequence",
        event_type: "user.session.start",
        second: Some("user.session.access_admin_app"),
        correlation: "  steps:
    - {rule: $NAME-first, min: 3}
    - {rule: $NAME-second}
  group-by: [actor.alternateId]
  within: 1h
",
        message: COUNTED,
        tests: "  - name: three times the one, then the other
    events:
      - {at: 0s, repeat: 3, every: 1m, eventType: $FIRST}
      - {at: 10m, eventType: $SECOND}
    expect:
      - {rule: $NAME, at: 10m, key: ana@example.com}
  - name: twice before and once after
    events:
      - {at: 0s, repeat: 2, every: 1m, eventType: $FIRST}
      - {at: 10m, eventType: $SECOND}
      - {at: 20m, eventType: $FIRST}
    expect: []
",
    },
    Outline {
        kind: "absence",
        event_type: "user.session.start",
        second: Some("user.session.access_admin_app"),
        correlation: "  trigger: $NAME-first
  absent: $NAME-second
  group-by: [actor.alternateId]
  within: 1h
",
        message: "{title}: {key}",
        tests: "  - name: the one, and not the other
    events:
      - {at: 0s, eventType: $FIRST}
      - {at: 2h, eventType: $SECOND}
    expect:
      - {rule: $NAME, key: ana@example.com}
  - name: the one, and the other within the hour
    events:
      - {at: 0s, eventType: $FIRST}
      - {at: 50m, eventType: $SECOND}
      - {at: 2h, eventType: $OTHER}
    expect: []
",
    },
    Outline {
        kind: "new_value",
        event_type: "user.session.start",
        second: None,
        correlation: "  rules: [$NAME-first]
  group-by: [actor.alternateId]
  field: client.ipAddress
  learning: 14d
  forget: 60d
",
        message: "{title}: {key} from {ip} ({country})",
        tests: "  - name: an address that was never seen in two weeks
    events:
      - {at: 0s, eventType: $FIRST, client.ipAddress: 203.0.113.1}
      - {at: 15d, eventType: $FIRST, client.ipAddress: 203.0.113.2}
    expect:
      - {rule: $NAME, at: 15d}
  - name: a known address, and a new one while still learning
    events:
      - {at: 0s, eventType: $FIRST, client.ipAddress: 203.0.113.1}
      - {at: 13d, eventType: $FIRST, client.ipAddress: 203.0.113.2}
      - {at: 15d, eventType: $FIRST, client.ipAddress: 203.0.113.1}
    expect: []
",
    },
    Outline {
        kind: "aggregate",
        event_type: "user.session.start",
        second: None,
        correlation: "  rules: [$NAME-first]
  group-by: [actor.alternateId]
  timespan: 1h
  values:
    events: count
    addresses: distinct(client.ipAddress)
  condition: events >= 5 and addresses >= 2
",
        message: COUNTED,
        tests: "  - name: five events from two addresses
    events:
      - {at: 0s, repeat: 4, every: 1m, eventType: $FIRST, client.ipAddress: 203.0.113.1}
      - {at: 10m, eventType: $FIRST, client.ipAddress: 203.0.113.2}
    expect:
      - {rule: $NAME, at: 10m, key: ana@example.com}
  - name: five events from one address
    events:
      - {at: 0s, repeat: 5, every: 1m, eventType: $FIRST, client.ipAddress: 203.0.113.1}
    expect: []
",
    },
    Outline {
        kind: "baseline",
        event_type: "user.session.start",
        second: None,
        correlation: "  rules: [$NAME-first]
  group-by: [actor.alternateId]
  metric: count
  bucket: 1d
  history: 30d
  deviations: 3
  floor: 5
  min_history: 7d
",
        message: COUNTED,
        tests: "  - name: five in one day after ten days with one
    events:
      - {at: 0s, repeat: 10, every: 1d, eventType: $FIRST}
      - {at: 10d, repeat: 5, every: 1m, eventType: $FIRST}
    expect:
      - {rule: $NAME, at: 10d4m, key: ana@example.com}
  - name: five in one day as on every day before
    events:
      - {at: 0s, repeat: 5, every: 1m, eventType: $FIRST}
      - {at: 1d, repeat: 5, every: 1m, eventType: $FIRST}
      - {at: 2d, repeat: 5, every: 1m, eventType: $FIRST}
      - {at: 3d, repeat: 5, every: 1m, eventType: $FIRST}
      - {at: 4d, repeat: 5, every: 1m, eventType: $FIRST}
      - {at: 5d, repeat: 5, every: 1m, eventType: $FIRST}
      - {at: 6d, repeat: 5, every: 1m, eventType: $FIRST}
      - {at: 7d, repeat: 5, every: 1m, eventType: $FIRST}
    expect: []
",
    },
    Outline {
        kind: "risk_score",
        event_type: "user.session.start",
        second: Some("user.session.access_admin_app"),
        correlation: "  rules: [$NAME-first, $NAME-second]
  group-by: [actor.alternateId]
  timespan: 1d
  threshold: 10
",
        message: COUNTED,
        tests: "  - name: both within the day
    events:
      - {at: 0s, eventType: $FIRST}
      - {at: 5h, eventType: $SECOND}
    expect:
      - {rule: $NAME-first, at: 0s, key: ana@example.com}
      - {rule: $NAME-second, at: 5h, key: ana@example.com}
      - {rule: $NAME, at: 5h, key: ana@example.com}
  - name: one of them alone
    events:
      - {at: 0s, eventType: $FIRST}
    expect:
      - {rule: $NAME-first, at: 0s, key: ana@example.com}
  - name: neither of them
    events:
      - {at: 0s, eventType: $OTHER}
    expect: []
",
    },
];
