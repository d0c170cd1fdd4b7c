//! What goes on when the rules are replaced, and what begins anew?
//!
//! Sessions, users, the ids of events and time go on. So do the windows of every correlation and the
//! alerts of every detection that mean the same as before, by their digests; options, texts, lists
//! and exceptions are no part of the meaning. What means something else begins empty.

use std::sync::Arc;

use super::route::Routes;
use super::{Shard, reading};
use crate::config::Config;
use crate::correlate::Adopted;
use crate::rule::RuleSet;
use crate::source::Reader;

impl Shard {
    /// Replaces the rules between two steps. Windows go on if the new rules were compiled onto the
    /// table of the old ones ([`crate::rule::load_onto`]).
    pub fn set_rules(&mut self, config: &Config, rules: Arc<RuleSet>) -> Adopted {
        self.reader = Reader::new(Arc::clone(&rules.table), reading(config));
        self.observer.set_table(Arc::clone(&rules.table));
        self.context.set_table(Arc::clone(&rules.table));
        let adopted = self.correlator.adopt(Arc::clone(&rules), &self.placement.share(&config.limits));
        self.memo = rules.memo();
        self.routes = Routes::new(&rules, self.placement);
        self.levels.resize(self.routes.levels());
        self.correlator.set_levels(self.routes.levels(), |rule| self.routes.level(rule));
        self.journal.set_rules(&rules);
        self.rules = rules;
        adopted
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::config::Duration;
    use crate::enrich::GeoIp;
    use crate::model::{Activity, Alert, FieldTable, Input, Position, RawRecord};
    use crate::rule::{Sources, compile, compile_onto};

    const START_MS: i64 = 1_767_607_200_000;
    const DENIED: &str = "user.mfa.okta_verify.deny_push";
    const SIGNED_IN: &str = "user.session.start";

    const THREE: &str = "type: event_count\nrules: denied\ngroup-by: [actor.alternateId]\ntimespan: 60s\n\
        condition: {gte: 3}";

    fn id(name: &str) -> uuid::Uuid {
        uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes())
    }

    fn detection(name: &str, selection: &str, more: &str) -> String {
        format!(
            "title: T\nid: {}\nname: {name}\nlogsource: {{product: okta, service: okta}}\n{more}\n\
             detection: {{sel: {{{selection}}}, condition: sel}}\n",
            id(name)
        )
    }

    fn correlation(name: &str, lines: &str, more: &str) -> String {
        let lines: String = lines.lines().map(|line| format!("  {line}\n")).collect();
        format!("title: T\nid: {}\nname: {name}\n{more}\ncorrelation:\n{lines}", id(name))
    }

    fn denied() -> String {
        detection("denied", &format!("eventType: {DENIED}"), "")
    }

    fn three(more: &str) -> String {
        correlation("three", THREE, more)
    }

    fn set(documents: &[String], table: &FieldTable) -> Arc<RuleSet> {
        let text = documents.join("---\n");
        match compile_onto(&Sources::of([("rules.yml", text.as_str())]), table) {
            Ok(rules) => Arc::new(rules),
            Err(found) => panic!("{found:#?}"),
        }
    }

    struct Running {
        config: Config,
        shard: Shard,
    }

    impl Running {
        fn new(documents: &[String]) -> Self {
            let mut config = Config::default();
            config.time.allowed_lateness = Duration::secs(30);
            let rules = set(documents, &FieldTable::default());
            let shard = Shard::new(&config, rules, Arc::new(GeoIp::default()));
            Self { config, shard }
        }

        fn reload(&mut self, documents: &[String]) -> (usize, usize) {
            let rules = set(documents, &self.shard.rules.table);
            let adopted = self.shard.set_rules(&self.config, rules);
            (adopted.kept, adopted.anew)
        }

        fn event(&mut self, kind: &str, second: i64) -> Vec<Alert> {
            self.event_with(kind, second, Value::Null)
        }

        fn event_with(&mut self, kind: &str, second: i64, debug: Value) -> Vec<Alert> {
            let published = crate::text::rfc3339(START_MS + second * 1_000).unwrap();
            let event = json!({
                "uuid": id(&format!("{kind} {second}")).to_string(),
                "published": published,
                "eventType": kind,
                "actor": { "id": "00u1", "type": "User", "alternateId": "ana@example.com" },
                "outcome": { "result": "SUCCESS" },
                "debugContext": { "debugData": debug },
            });
            let position = Position { topic: "okta-events".into(), offset: second, ..Position::default() };
            let payload = event.to_string().into_bytes();
            self.shard
                .step(vec![Input::Record(RawRecord { position, payload, ..RawRecord::default() })])
                .alerts
        }
    }

    #[test]
    fn windows_go_on_when_other_rules_come_and_options_change() {
        let mut running = Running::new(&[denied(), three("")]);
        running.event(DENIED, 0);
        running.event(DENIED, 1);
        let other = detection("a-new-one", "debugContext.debugData.url: x", "");
        let told = three("level: critical\noktawatch: {message: \"{count} denials\"}");
        assert_eq!(running.reload(&[other, denied(), told]), (1, 0));
        let alerts = running.event(DENIED, 2);
        assert_eq!((alerts.len(), alerts[0].count), (1, 3));
        assert_eq!(alerts[0].sentence, "3 denials");
    }

    #[test]
    fn an_alert_goes_on_under_its_id() {
        let single = |more: &str| detection("signed-in", &format!("eventType: {SIGNED_IN}"), more);
        let options = "oktawatch: {suppress: 1h, update_every: 1m}";
        let mut running = Running::new(&[denied(), three(options), single(options)]);
        let raised: Vec<Alert> = [(DENIED, 0), (DENIED, 1), (DENIED, 2), (SIGNED_IN, 3)]
            .into_iter()
            .flat_map(|(kind, second)| running.event(kind, second))
            .collect();
        let other = detection("a-new-one", "debugContext.debugData.url: x", "");
        running.reload(&[other, denied(), three(options), single(options)]);
        let told: Vec<Alert> = [(DENIED, 50), (SIGNED_IN, 63), (DENIED, 64), (DENIED, 65)]
            .into_iter()
            .flat_map(|(kind, second)| running.event(kind, second))
            .collect();
        let ids =
            |alerts: &[Alert]| alerts.iter().map(|alert| alert.id).collect::<std::collections::BTreeSet<_>>();
        assert_eq!((raised.len(), ids(&raised)), (2, ids(&told)));
        assert!(told.iter().all(|alert| alert.activity == Activity::Update));
    }

    #[test]
    fn what_means_something_else_begins_anew() {
        let mut running = Running::new(&[denied(), three("")]);
        running.event(DENIED, 0);
        running.event(DENIED, 1);
        let longer = correlation("three", &THREE.replace("60s", "61s"), "");
        assert_eq!(running.reload(&[denied(), longer]), (0, 1));
        assert_eq!(running.event(DENIED, 2).len(), 0);
        let below = detection("denied", &format!("eventType: {DENIED}, outcome.result: SUCCESS"), "");
        let mut running = Running::new(&[denied(), three("")]);
        assert_eq!(running.reload(&[below, three("")]), (0, 1), "a rule that it takes means something else");
    }

    #[test]
    fn rules_taken_in_another_order_are_not_mistaken_for_each_other() {
        let signed_in = detection("signed-in", &format!("eventType: {SIGNED_IN}"), "");
        let both = |rules: &str| {
            let lines =
                format!("type: temporal\nrules: [{rules}]\ngroup-by: [actor.alternateId]\ntimespan: 60s");
            [denied(), signed_in.clone(), correlation("both", &lines, "")]
        };
        let mut running = Running::new(&both("denied, signed-in"));
        running.event(DENIED, 0);
        assert_eq!(running.reload(&both("signed-in, denied")), (0, 1));
        assert_eq!(running.event(DENIED, 1).len(), 0, "the denial before is not taken for a sign-in");
        assert_eq!(running.event(SIGNED_IN, 2).len(), 1);
    }

    #[test]
    fn what_waits_to_be_decided_goes_on_waiting() {
        let few = |more: &str| {
            let lines = "type: event_count\nrules: denied\ngroup-by: [actor.alternateId]\ntimespan: 60s\n\
                         condition: {lte: 2}";
            correlation("few", lines, more)
        };
        let mut running = Running::new(&[denied(), few("")]);
        running.event(DENIED, 0);
        assert_eq!(running.reload(&[denied(), few("level: low")]), (1, 0));
        let alerts = running.event(SIGNED_IN, 200);
        assert_eq!(alerts.len(), 1);
    }

    #[test]
    fn fields_that_are_read_anew_are_absent_from_events_that_are_held() {
        let chain = |field: &str| {
            let lines = format!(
                "type: temporal\nrules: [three, signed-in]\ngroup-by: [who]\ntimespan: 300s\n\
                 aliases: {{who: {{three: actor.alternateId, signed-in: {field}}}}}"
            );
            let signed_in = detection("signed-in", &format!("eventType: {SIGNED_IN}"), "");
            [denied(), three(""), signed_in, correlation("chain", &lines, "")]
        };
        let mut running = Running::new(&[denied(), three("")]);
        let before = running.shard.rules.table.len();
        running.event(DENIED, 0);
        running.event(DENIED, 1);
        assert_eq!(running.reload(&chain("debugContext.debugData.url")), (1, 1));
        assert_eq!(running.shard.rules.table.len(), before + 1);
        assert_eq!(running.event(DENIED, 2).len(), 0, "it only feeds the chain now");
        let alerts = running.event_with(SIGNED_IN, 3, json!({ "url": "ANA@example.com" }));
        assert_eq!(alerts.len(), 1);
    }

    #[test]
    fn a_table_that_does_not_go_on_from_the_old_one_begins_all_windows_anew() {
        let reads = |field: &str| detection("reads", &format!("debugContext.debugData.{field}: x"), "");
        let mut running = Running::new(&[denied(), three(""), reads("url")]);
        running.event(DENIED, 0);
        running.event(DENIED, 1);
        let text = [denied(), three(""), reads("origin")].join("---\n");
        let afresh = Arc::new(compile(&Sources::of([("rules.yml", text.as_str())])).unwrap());
        let adopted = running.shard.set_rules(&running.config, afresh);
        assert_eq!((adopted.kept, adopted.anew), (0, 1));
        assert_eq!(running.event(DENIED, 2).len(), 0);
    }

    #[test]
    fn a_list_that_changes_keeps_windows_and_judges_what_comes() {
        let listed =
            detection("denied", &format!("eventType: {DENIED}, actor.alternateId|expand: '%vip%'"), "");
        let documents = [listed, three("")].join("---\n");
        let with = |list: &str, table: &FieldTable| {
            let sources = Sources::of([("rules.yml", documents.as_str())]).with_lists([("vip.txt", list)]);
            Arc::new(compile_onto(&sources, table).unwrap())
        };
        let mut running = Running::new(&[denied()]);
        let config = running.config.clone();
        let take = |running: &mut Running, list: &str| {
            let rules = with(list, &running.shard.rules.table);
            running.shard.set_rules(&config, rules)
        };
        take(&mut running, "ana@example.com");
        running.event(DENIED, 0);
        running.event(DENIED, 1);
        assert_eq!(take(&mut running, "ben@example.com").kept, 1);
        assert_eq!(running.event(DENIED, 2).len(), 0);
        assert_eq!(take(&mut running, "ana@example.com\nben@example.com").kept, 1);
        let alerts = running.event(DENIED, 3);
        assert_eq!((alerts.len(), alerts[0].rule.lists[0].entries), (1, 2));
    }
}
