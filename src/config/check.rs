//! Do the values make sense, one by one and together?

use super::{Config, GeoIp, Layer};

/// OCSF versions whose Detection Finding has every key that alerts use.
pub(super) const OCSF_VERSIONS: &[&str] = &["1.5.0", "1.6.0", "1.7.0", "1.8.0"];

/// Checks what types alone do not say; all problems at once.
pub(super) fn check(config: &Config, layer: impl Fn(&str) -> Layer) -> Vec<String> {
    let mut problems = Vec::new();
    let mut need = |good: bool, key: &str, text: String| {
        if !good {
            problems.push(format!("{key}: {text} ({})", layer(key)));
        }
    };
    need(
        !config.kafka.brokers.trim().is_empty(),
        "kafka.brokers",
        "at least one broker is needed".to_owned(),
    );
    need(!config.kafka.group.trim().is_empty(), "kafka.group", "a consumer group is needed".to_owned());
    need(!config.input.topics.is_empty(), "input.topics", "at least one topic is needed".to_owned());
    need(!config.output.alerts.is_empty(), "output.alerts", "a topic is needed".to_owned());
    need(!config.output.shadow.is_empty(), "output.shadow", "a topic is needed".to_owned());
    need(!config.output.dead_letters.is_empty(), "output.dead_letters", "a topic is needed".to_owned());
    for topic in config.output.topics() {
        need(
            !config.input.topics.contains(topic),
            "input.topics",
            format!("`{topic}` is an output topic as well: alerts would be read back as events"),
        );
    }
    let version = &config.output.ocsf_version;
    need(
        OCSF_VERSIONS.contains(&version.as_str()),
        "output.ocsf_version",
        format!("`{version}` is not one of {}", OCSF_VERSIONS.join(", ")),
    );
    need(
        (1..=256).contains(&config.engine.workers),
        "engine.workers",
        format!("{} is not between 1 and 256", config.engine.workers),
    );
    need(
        config.engine.commit_interval.as_millis() > 0,
        "engine.commit_interval",
        "must be longer than 0".to_owned(),
    );
    need(config.engine.commit_records > 0, "engine.commit_records", "must be more than 0".to_owned());
    need(config.state.partitions > 0, "state.partitions", "must be more than 0".to_owned());
    need(config.state.replication > 0, "state.replication", "must be more than 0".to_owned());
    geoip(&config.geoip, &mut need);
    config.principals.check(&mut need);
    config.keepalive.check(&mut need);
    let listen = &config.http.listen;
    need(
        listen.is_empty() || listen.parse::<std::net::SocketAddr>().is_ok(),
        "http.listen",
        format!("`{listen}` is not an address and port such as 0.0.0.0:9464"),
    );
    let limits = &config.limits;
    for (key, value) in [
        ("limits.keys_per_rule", limits.keys_per_rule),
        ("limits.events_per_key", limits.events_per_key),
        ("limits.sessions", limits.sessions),
        ("limits.users", limits.users),
        ("limits.tokens", limits.tokens),
        ("limits.uuids", limits.uuids),
    ] {
        need(value > 0, key, "must be more than 0".to_owned());
    }
    state(config, need);
    problems
}

/// Ranges are some, and every role is somebody's.
fn geoip(geoip: &GeoIp, mut need: impl FnMut(bool, &str, String)) {
    let sites = geoip.sites.iter().enumerate().map(|(index, site)| ("sites", index, &site.cidr));
    let roles = geoip.roles.iter().enumerate();
    let ranges = roles.clone().filter_map(|(index, role)| Some(("roles", index, role.cidr.as_ref()?)));
    for (list, index, cidr) in sites.chain(ranges) {
        need(
            cidr.parse::<ipnet::IpNet>().is_ok() || cidr.parse::<std::net::IpAddr>().is_ok(),
            &format!("geoip.{list}.{index}.cidr"),
            format!("`{cidr}` is not an address range such as 198.51.100.0/24"),
        );
    }
    for (index, role) in roles {
        need(
            !role.names_nothing(),
            &format!("geoip.roles.{index}.role"),
            "a `cidr`, an `agent` or a `zone` must say whose role it is".to_owned(),
        );
    }
}

/// Topics of state are nothing else's.
fn state(config: &Config, mut need: impl FnMut(bool, &str, String)) {
    let state =
        [("state.repartition", &config.state.repartition), ("state.changelog", &config.state.changelog)];
    for (key, topic) in state {
        need(!topic.is_empty(), key, "a topic is needed".to_owned());
        let others = config.output.topics().chain(&config.input.topics);
        let same = others.chain(state.iter().filter(|(other, _)| *other != key).map(|(_, other)| *other));
        need(
            topic.is_empty() || !same.into_iter().any(|other| other == topic),
            key,
            format!("`{topic}` is another topic of this configuration as well"),
        );
    }
}
