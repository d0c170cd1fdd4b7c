//! What does each sample of `tests/envelopes/` give?

use oktawatch::model::DeadLetterReason;

/// A sample with what it gives: file, envelope, events, tenant, lossy
pub type Good = (&'static str, &'static str, usize, Option<&'static str>, bool);

/// Samples that give events.
pub const GOOD: &[Good] = &[
    ("00-raw.json", "raw", 1, None, false),
    ("01-json-array.json", "json_array", 3, None, false),
    ("01-json-list-items.json", "json_list", 2, None, false),
    ("01-json-list-results.json", "json_list", 2, None, false),
    ("01-json-list-value.json", "json_list", 2, None, false),
    ("01-json-list-logs.json", "json_list", 2, None, false),
    ("02-ndjson.json", "ndjson", 3, None, false),
    ("02-concatenated.json", "ndjson", 2, None, false),
    ("03-vector-okta.json", "vector_okta", 1, None, false),
    ("04-vector-text.json", "vector_text", 1, None, false),
    ("05-elastic-agent.json", "elastic_agent", 3, Some("acme"), false),
    ("06-ecs-original.json", "ecs_original", 1, None, false),
    ("07-ecs-mapped.json", "ecs_mapped", 1, None, true),
    ("08-splunk-hec.json", "splunk_hec", 1, Some("acme"), false),
    ("08-splunk-hec-text.json", "splunk_hec", 1, Some("acme"), false),
    ("08-splunk-hec-batch.json", "ndjson", 2, Some("acme"), false),
    ("09-logstash.json", "logstash", 1, None, false),
    ("09-logstash-target.json", "logstash", 1, None, false),
    ("09-logstash-text.json", "logstash", 2, None, false),
    ("10-fluent-bit.json", "fluent_bit", 1, None, false),
    ("10-fluent-bit-merged.json", "fluent_bit", 1, None, false),
    ("11-fluentd.json", "fluentd", 1, None, false),
    ("11-fluentd-text.json", "fluentd", 1, None, false),
    ("12-cribl.json", "cribl", 1, None, false),
    ("12-cribl-parsed.json", "cribl", 1, None, false),
    ("13-eventbridge.json", "eventbridge", 1, Some("acme"), false),
    ("14-sqs-records.json", "aws_records", 2, Some("acme"), false),
    ("14-sns.json", "aws_sns", 1, Some("acme"), false),
    ("14-lambda-sns.json", "aws_records", 1, Some("acme"), false),
    ("14-kinesis.json", "aws_records", 1, Some("acme"), false),
    ("15-event-hook.json", "okta_event_hook", 2, Some("acme"), false),
    ("16-cloudevents.json", "cloudevents", 1, Some("acme"), false),
    ("16-cloudevents-base64.json", "cloudevents", 1, None, false),
    ("17-syslog-5424.txt", "syslog", 1, Some("acme"), false),
    ("17-syslog-3164.txt", "syslog", 2, None, false),
    ("18-rsyslog.json", "syslog_json", 1, None, false),
    ("18-syslog-ng.json", "syslog_json", 1, None, false),
    ("19-grafana-collector.json", "grafana_collector", 1, None, false),
    ("20-loki.json", "loki", 2, None, false),
    ("21-panther.json", "panther", 1, None, false),
    ("22-sentinel-v1.json", "azure_records", 1, None, true),
    ("22-sentinel-v2.json", "azure_records", 2, None, true),
    ("23-pubsub-pull.json", "pubsub", 1, Some("acme"), false),
    ("23-pubsub-push.json", "pubsub", 1, None, false),
    ("24-kafka-connect.json", "kafka_connect", 1, None, false),
    ("24-kafka-connect-object.json", "kafka_connect", 1, None, false),
    ("25-gelf.json", "gelf", 1, Some("acme"), false),
    ("26-datadog-attributes.json", "datadog", 1, None, true),
    ("26-datadog-message.json", "datadog", 1, None, false),
    ("26-wazuh.json", "wazuh", 1, None, false),
    ("27-matano.json", "ecs_mapped", 1, None, true),
    ("27-nxlog.json", "nxlog", 1, None, false),
];

/// Samples that give a dead letter: file, reason, word of its detail.
pub const BAD: &[(&str, DeadLetterReason, &str)] = &[
    ("09-logstash-error.json", DeadLetterReason::CollectorError, "429"),
    ("23-secops-udm.json", DeadLetterReason::OtherSchema, "UDM"),
    ("29-ocsf.json", DeadLetterReason::OtherSchema, "OCSF"),
    ("30-auth0.json", DeadLetterReason::OtherSchema, "Auth0"),
    ("30-auth0-stream.json", DeadLetterReason::OtherSchema, "Auth0"),
];
