//! How do changed rules and lists come into the running service?
//!
//! They are looked at every few seconds, loaded and checked beside the workers, and taken up by each
//! worker between two transactions. A set that is not good is refused; the one in use goes on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::kafka::{self, Shared};
use crate::rule::{self, Diagnostic, Look, RuleSet, Severity};
use crate::telemetry::Fact;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Every so often files are read though nothing seems to have changed: not every file system tells.
const LOOKS_UNTIL_READ: u32 = 30;

/// Mistakes that a line of the log names; `check` shows all.
const MISTAKES_TOLD: usize = 3;

/// What has been seen of the files.
#[derive(Clone, Copy, Debug)]
struct Watch {
    /// The contents that were last loaded, or refused.
    tried: u128,
    seen: Option<Look>,
    looks: u32,
}

/// Looks at the files as long as the service runs, unless the configuration says not to.
#[expect(clippy::disallowed_methods, reason = "the watch is one of the service's few tasks")]
pub(super) fn watch(shared: &Arc<Shared>) {
    if !shared.config.rules.reload {
        return;
    }
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let mut watch = Watch { tried: shared.rules.load().contents, seen: None, looks: 0 };
        loop {
            tokio::time::sleep(LOOK).await;
            let own = Arc::clone(&shared);
            let looked = tokio::task::spawn_blocking(move || {
                let mut watch = watch;
                watch.round(&own);
                watch
            });
            match looked.await {
                Ok(after) => watch = after,
                Err(panic) => refuse(&shared, 1, &panic.to_string()),
            }
        }
    });
}

/// Warns of exceptions that take nothing out any more.
pub(super) fn tell_expired(shared: &Shared) {
    for (rule, exception) in shared.rules.load().expired(kafka::wall_ms()) {
        let until = exception.until.to_string();
        let fact = Fact::ExceptionExpired { rule: &rule.info.name, until: &until, owner: &exception.owner };
        shared.telemetry.observe(&fact);
    }
}

impl Watch {
    fn round(&mut self, shared: &Shared) {
        if let Some(contents) = self.look(&shared.config.rules.paths) {
            self.tried = load(shared).unwrap_or(contents);
        }
    }

    /// The contents, if they are other ones than were last tried and nothing moves any more: files that
    /// are written one after the other are not a set yet.
    fn look(&mut self, paths: &[PathBuf]) -> Option<u128> {
        self.looks = self.looks.wrapping_add(1);
        let now = match self.seen {
            Some(seen) if !self.looks.is_multiple_of(LOOKS_UNTIL_READ) => seen.again(paths),
            _ => Look::at(paths),
        };
        let settled = self.seen == Some(now);
        self.seen = Some(now);
        (settled && now.contents() != self.tried).then(|| now.contents())
    }
}

/// Loads what is there and gives what it was made of; `None` if it was refused.
fn load(shared: &Shared) -> Option<u128> {
    let before = shared.rules.load_full();
    let paths = &shared.config.rules.paths;
    let rules = match rule::load_onto(paths, &before.table) {
        Ok(rules) => rules,
        Err(mistakes) => {
            let errors = mistakes.iter().filter(|found| found.severity == Severity::Error);
            let told: Vec<String> = errors.clone().take(MISTAKES_TOLD).map(line).collect();
            refuse(shared, errors.count(), &told.join("; "));
            return None;
        }
    };
    if rules.rules.is_empty() && !before.rules.is_empty() {
        refuse(shared, 1, "no rule is left under the rule paths");
        return None;
    }
    let contents = rules.contents;
    accept(shared, &before, Arc::new(rules));
    Some(contents)
}

fn accept(shared: &Shared, before: &RuleSet, rules: Arc<RuleSet>) {
    let digests = |set: &RuleSet| -> BTreeMap<String, String> {
        set.infos.iter().map(|info| (info.id.clone(), info.digest.clone())).collect()
    };
    let (old, new) = (digests(before), digests(&rules));
    let added = new.keys().filter(|id| !old.contains_key(*id)).count();
    let removed = old.keys().filter(|id| !new.contains_key(*id)).count();
    let changed = new.iter().filter(|(id, digest)| old.get(*id).is_some_and(|old| old != *digest)).count();
    shared.set_rules(Arc::clone(&rules));
    let (digest, rules) = (rules.digest.as_str(), rules.rules.len());
    shared.telemetry.observe(&Fact::RulesLoaded { digest, rules, added, changed, removed });
    tell_expired(shared);
}

fn refuse(shared: &Shared, errors: usize, error: &str) {
    shared.telemetry.observe(&Fact::RulesFailed { errors, error });
}

/// `rules/one.yml:7:9: no field `evntType``
fn line(found: &Diagnostic) -> String {
    format!("{}:{}:{}: {}", found.at.file.display(), found.at.line, found.at.column, found.message)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::config::Config;
    use crate::telemetry::{Health, Telemetry};

    fn document(name: &str, event_type: &str) -> String {
        let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes());
        format!(
            "title: T\nid: {id}\nname: {name}\nlogsource: {{product: okta, service: okta}}\n\
             detection: {{sel: {{eventType: {event_type}}}, condition: sel}}\n"
        )
    }

    fn shared(folder: &Path) -> Shared {
        let mut config = Config::default();
        config.rules.paths = vec![folder.to_owned()];
        let rules = Arc::new(rule::load(&config.rules.paths).unwrap());
        let telemetry = Telemetry::new(&rules.infos, Arc::new(Health::new(1, 0)), 1).unwrap();
        Shared::new(config, rules, Arc::default(), Arc::new(telemetry))
    }

    fn names(shared: &Shared) -> Vec<String> {
        shared.rules.load().infos.iter().map(|info| info.name.to_string()).collect()
    }

    fn watching(shared: &Shared) -> Watch {
        let mut watch = Watch { tried: shared.rules.load().contents, seen: None, looks: 0 };
        watch.round(shared);
        watch
    }

    fn says(shared: &Shared, line: &str) -> bool {
        shared.telemetry.expose().unwrap().lines().any(|each| each == line)
    }

    #[test]
    fn a_change_is_loaded_once_nothing_moves_any_more() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.yml"), document("a", "x")).unwrap();
        let shared = shared(folder.path());
        let mut watch = watching(&shared);
        watch.round(&shared);
        assert!(says(&shared, r#"oktawatch_rules_reloads_total{outcome="loaded"} 0"#));
        fs::write(folder.path().join("b.yml"), document("b", "y")).unwrap();
        watch.round(&shared);
        assert_eq!(names(&shared), ["a"], "another file may follow");
        watch.round(&shared);
        assert_eq!(names(&shared), ["a", "b"]);
        watch.round(&shared);
        assert!(says(&shared, r#"oktawatch_rules_reloads_total{outcome="loaded"} 1"#));
        let digest = &shared.rules.load().digest;
        assert!(says(&shared, &format!("oktawatch_rules_info{{digest=\"{digest}\"}} 1")));
    }

    #[test]
    fn a_bad_set_is_refused_once_and_the_old_one_stays_until_it_is_mended() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yml");
        fs::write(&file, document("a", "x")).unwrap();
        let shared = shared(folder.path());
        let mut watch = watching(&shared);
        let digest = shared.rules.load().digest.clone();
        fs::write(&file, document("a", "x").replace("eventType", "evntType")).unwrap();
        for _ in 0..4 {
            watch.round(&shared);
        }
        assert_eq!(shared.rules.load().digest, digest);
        assert!(says(&shared, r#"oktawatch_rules_reloads_total{outcome="failed"} 1"#));
        fs::write(&file, document("a", "z")).unwrap();
        watch.round(&shared);
        watch.round(&shared);
        assert_ne!(shared.rules.load().digest, digest);
        assert!(says(&shared, r#"oktawatch_rules_reloads_total{outcome="failed"} 1"#));
    }

    #[test]
    fn a_folder_that_is_suddenly_empty_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yml");
        fs::write(&file, document("a", "x")).unwrap();
        let shared = shared(folder.path());
        let mut watch = watching(&shared);
        fs::remove_file(&file).unwrap();
        watch.round(&shared);
        watch.round(&shared);
        assert_eq!(names(&shared), ["a"]);
        assert!(says(&shared, r#"oktawatch_rules_reloads_total{outcome="failed"} 1"#));
    }

    #[test]
    fn what_changed_before_the_first_look_is_found_by_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.yml"), document("a", "x")).unwrap();
        let shared = shared(folder.path());
        fs::write(folder.path().join("b.yml"), document("b", "y")).unwrap();
        let mut watch = watching(&shared);
        watch.round(&shared);
        assert_eq!(names(&shared), ["a", "b"]);
    }
}
