//! Do rules and lists that change take effect while the program runs, and only good ones?

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::an_hour_ago;
use crate::support::alert;
use crate::support::broker;
use crate::support::events::{Happening, Okta};
use crate::support::service::{Service, Site};
use crate::support::topic::{Message, Record};
use crate::support::wait_for;

/// Time for a look at the files, another to see that nothing moves, and the load.
const NOTICED: Duration = Duration::from_secs(30);
const DENIED: &str = "user.mfa.okta_verify.deny_push";

/// A folder as Kubernetes mounts a ConfigMap: every file is a link into a folder that one link names,
/// and that link is swapped.
struct Mounted {
    folder: PathBuf,
    versions: u32,
}

impl Mounted {
    fn new(folder: PathBuf, files: &[(&str, String)]) -> Self {
        fs::create_dir_all(&folder).unwrap();
        let mut mounted = Self { folder, versions: 0 };
        mounted.swap(files);
        mounted
    }

    fn swap(&mut self, files: &[(&str, String)]) {
        self.versions += 1;
        let version = format!("..version_{}", self.versions);
        fs::create_dir(self.folder.join(&version)).unwrap();
        for (name, text) in files {
            fs::write(self.folder.join(&version).join(name), text).unwrap();
        }
        symlink(&version, self.folder.join("..data_tmp")).unwrap();
        fs::rename(self.folder.join("..data_tmp"), self.folder.join("..data")).unwrap();
        for (name, _) in files {
            let link = self.folder.join(name);
            if link.symlink_metadata().is_err() {
                symlink(Path::new("..data").join(name), link).unwrap();
            }
        }
    }
}

fn id(name: &str) -> uuid::Uuid {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes())
}

fn detection(name: &str, selection: &str, more: &str) -> String {
    format!(
        "title: {name}\nid: {}\nname: {name}\nlogsource: {{product: okta, service: okta}}\n{more}\n\
         detection: {{selection: {{{selection}}}, condition: selection}}\n",
        id(name)
    )
}

/// Denied pushes of people on a list, and a correlation of three.
fn denials() -> String {
    let selection = format!("eventType: {DENIED}, actor.alternateId|expand: '%watched%'");
    let below = detection("watched-denial", &selection, "");
    format!(
        "{below}---\ntitle: three\nid: {}\nname: watched-denials\nlevel: high\ncorrelation:\n  type: event_count\n  \
         rules: [watched-denial]\n  group-by: [actor.alternateId]\n  timespan: 2h\n  condition: {{gte: 3}}\n",
        id("watched-denials")
    )
}

fn token(mode: &str) -> String {
    detection("token", "eventType: system.api_token.create", &format!("oktawatch: {{mode: {mode}}}"))
}

/// Events of one tenant, each a minute after the one before.
struct Story<'s> {
    site: &'s Site<'s>,
    okta: Okta,
    at_ms: i64,
}

impl Story<'_> {
    fn happens(&mut self, kind: &str, actor: &str) {
        self.at_ms += 60_000;
        let (ip, result) = ("203.0.113.7", "SUCCESS");
        let event = self.okta.event(&Happening { kind, actor, ip, at_ms: self.at_ms, result });
        self.site.produce([&Record { partition: 0, payload: event.to_string().into_bytes() }]);
        self.site.wait_until_read();
    }
}

fn series(service: &Service, name: &str) -> BTreeMap<String, f64> {
    let page = service.get("/metrics").1;
    let of_name = page.lines().filter_map(|line| line.strip_prefix(name)?.rsplit_once(' '));
    of_name.filter_map(|(labels, value)| Some((labels.to_owned(), value.parse().ok()?))).collect()
}

fn reloads(service: &Service, outcome: &str) -> f64 {
    let all = series(service, "oktawatch_rules_reloads_total");
    all.get(&format!("{{outcome=\"{outcome}\"}}")).copied().unwrap_or_default()
}

fn wait_for_reload(service: &Service, outcome: &str, number: f64) {
    wait_for(&format!("reload {number} to be {outcome}"), NOTICED, || {
        (reloads(service, outcome) >= number).then_some(())
    });
    assert_eq!(reloads(service, outcome), number, "{}", service.log());
}

fn digest(service: &Service) -> String {
    let all: Vec<String> = series(service, "oktawatch_rules_info").into_keys().collect();
    assert_eq!(all.len(), 1, "one digest is told, that of the rules that run");
    all[0].clone()
}

fn rules(messages: &[Message]) -> Vec<String> {
    messages.iter().map(|message| alert::found(&message.payload).rule).collect()
}

#[test]
#[ignore = "needs a real broker"]
fn rules_and_lists_that_change_are_taken_up_and_bad_ones_are_refused_without_a_restart() {
    let (broker, _turn) = broker::turn();
    let mut site = Site::new(broker, "reload", 1);
    let folder = site.file("detections");
    let mut rules_folder = Mounted::new(folder.join("own"), &[("denials.yml", denials())]);
    let mut lists = Mounted::new(folder.join("lists"), &[("watched.txt", "ana@example.com\n".to_owned())]);
    site.rules = vec![folder.join("own")];
    let service = site.run("one");
    let mut story = Story { site: &site, okta: Okta::new("reload", 71), at_ms: an_hour_ago() };
    let first = digest(&service);
    story.happens(DENIED, "ana@example.com");
    story.happens(DENIED, "ana@example.com");
    story.happens(DENIED, "ben@example.com");

    rules_folder.swap(&[("denials.yml", denials()), ("another.yml", token("active"))]);
    wait_for_reload(&service, "loaded", 1.0);
    let second = digest(&service);
    assert_ne!(second, first);
    story.happens("system.api_token.create", "ana@example.com");
    story.happens(DENIED, "ana@example.com");
    let mut found = rules(&site.committed(&site.alerts()));
    found.sort();
    assert_eq!(found, ["token", "watched-denials"], "the window went on");

    rules_folder.swap(&[("denials.yml", denials()), ("another.yml", "title: [".to_owned())]);
    wait_for_reload(&service, "failed", 1.0);
    assert_eq!((digest(&service), service.get("/readyz").0), (second.clone(), 200));
    assert!(service.log().contains("another.yml:1:"), "{}", service.log());
    story.happens("system.api_token.create", "ben@example.com");
    assert_eq!(rules(&site.committed(&site.alerts())).len(), 3, "the good rules run on");

    lists.swap(&[("watched.txt", "ana@example.com\nben@example.com\n".to_owned())]);
    rules_folder.swap(&[("denials.yml", denials()), ("another.yml", token("shadow"))]);
    wait_for_reload(&service, "loaded", 2.0);
    assert_eq!(digest(&service), second, "neither a list nor a mode is part of the meaning");
    for _ in 0..3 {
        story.happens(DENIED, "ben@example.com");
    }
    let alerts = site.committed(&site.alerts());
    let of_ben = alerts
        .iter()
        .find(|alert| alert.key == "ben@example.com" && alert.headers["rule"] == "watched-denials");
    let of_ben: Value = serde_json::from_slice(&of_ben.unwrap().payload).unwrap();
    assert_eq!((alerts.len(), &of_ben["unmapped"]["list_digests"][0]["entries"]), (4, &Value::from(2)));

    story.happens("system.api_token.create", "ana@example.com");
    let shadow = site.committed(&site.shadow());
    assert_eq!(rules(&shadow), ["token"]);
    assert_eq!((shadow[0].headers["mode"].as_str(), shadow[0].headers["rule"].as_str()), ("shadow", "token"));
    assert_eq!(site.committed(&site.alerts()).len(), 4, "nobody is called");

    rules_folder.swap(&[("denials.yml", denials()), ("another.yml", token("off"))]);
    wait_for_reload(&service, "loaded", 3.0);
    story.happens("system.api_token.create", "ana@example.com");
    assert_eq!((site.committed(&site.alerts()).len(), site.committed(&site.shadow()).len()), (4, 1));
    let counted = series(&service, "oktawatch_alerts_total{");
    let of_token: f64 =
        counted.iter().filter(|(labels, _)| labels.contains("\"token\"")).map(|(_, n)| n).sum();
    assert_eq!(of_token, 3.0, "two to the alerts, one to the shadow: {counted:?}");
    assert!(service.terminate().success());
}
