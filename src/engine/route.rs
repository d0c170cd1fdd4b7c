//! Which shard judges what, and how many rounds after the event?
//!
//! An event goes to the shard of its actor. A correlation whose group-by holds the actor's login has
//! the keys of that login there, so that most matches stay where they are. Any other key lives in the
//! shard that its digest names, and what matches is sent there. What is sent comes later than the
//! event did: a correlation to which anything is sent sees the time of the shards that send, and its
//! level is one above theirs.

use xxhash_rust::xxh3::xxh3_128;

use crate::config;
use crate::correlate::{Key, passes};
use crate::enrich::login_key;
use crate::model::{Cargo, Entity, EntityKind, FieldId, Notice, Parcel, RuleIndex, core};
use crate::rule::{Body, Correlation, GroupSource, Rule, RuleSet, Scope, Test};

/// One shard among all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Its number, from 0.
    pub shard: u32,
    /// How many there are.
    pub shards: u32,
}

impl Placement {
    /// The only shard there is.
    pub const ALONE: Self = Self { shard: 0, shards: 1 };

    /// The shard in which a digest's key lives.
    pub fn of(self, digest: u128) -> u32 {
        u32::try_from(digest % u128::from(self.shards.max(1))).unwrap_or_default()
    }

    /// The shard of whoever acts, by [`crate::enrich::actor_key`].
    pub fn of_actor(self, actor: &str) -> u32 {
        self.of(xxh3_128(actor.as_bytes()))
    }

    /// A notice on its way to the shard of the user it is for.
    pub(super) fn told(self, notice: Notice) -> Parcel {
        let org = notice.org.as_deref().unwrap_or_default();
        let to = self.of_actor(&login_key(org, &notice.login));
        Parcel { to, cargo: Cargo::Notice(Box::new(notice)) }
    }

    /// What of the bounds of all shards together is this one's. Keys spread evenly, so that the parts
    /// fill at about the same time.
    pub fn share(self, all: &config::Limits) -> config::Limits {
        let part = |bound: usize| bound.div_ceil(self.shards.max(1) as usize);
        config::Limits {
            keys_per_rule: part(all.keys_per_rule),
            events_per_key: all.events_per_key,
            sessions: part(all.sessions),
            users: part(all.users),
            uuids: part(all.uuids),
        }
    }

    /// There is another shard.
    pub fn has_others(self) -> bool {
        self.shards > 1
    }
}

/// Where each rule of a set is judged.
#[derive(Debug, Default)]
pub(super) struct Routes {
    rules: Vec<Route>,
    levels: usize,
}

#[derive(Clone, Debug, Default)]
struct Route {
    /// Which of its group-by fields is the actor's login, in the matches of every branch.
    login: Option<usize>,
    /// For each branch, whether its matches are where they are taken.
    stays: Vec<bool>,
    /// How many times its matches have been sent on at most.
    level: usize,
    /// For each branch, the fields of its events that are read when it is taken, or above it.
    sent: Vec<Vec<FieldId>>,
}

impl Routes {
    /// The routes of a set. Where there is one shard only, nothing leaves it.
    pub(super) fn new(rules: &RuleSet, placement: Placement) -> Self {
        let mut routes = Self { rules: vec![Route::default(); rules.rules.len()], levels: 1 };
        if !placement.has_others() {
            return routes;
        }
        let passes = passes(rules);
        // Rules come after those they take.
        for index in &rules.order {
            let Some(Body::Correlation(correlation)) = rules.get(*index).map(|rule| &rule.body) else {
                continue;
            };
            let mut route = routes.of_correlation(rules, correlation);
            let passed = passes.get(index.0 as usize).cloned().unwrap_or_default();
            route.sent = sent(rules, *index, correlation.rules.len(), &passed);
            routes.levels = routes.levels.max(route.level + 1);
            if let Some(place) = routes.rules.get_mut(index.0 as usize) {
                *place = route;
            }
        }
        routes
    }

    /// How many levels there are.
    pub(super) fn levels(&self) -> usize {
        self.levels.max(1)
    }

    /// The level of a rule.
    pub(super) fn level(&self, rule: RuleIndex) -> usize {
        self.get(rule).map_or(0, |route| route.level)
    }

    /// Whether the matches of a branch are taken in the shard that has them.
    pub(super) fn stays(&self, consumer: RuleIndex, branch: usize) -> bool {
        self.get(consumer).and_then(|route| route.stays.get(branch)).copied().unwrap_or_default()
    }

    /// The fields that go with a match of a branch.
    pub(super) fn sent(&self, consumer: RuleIndex, branch: usize) -> &[FieldId] {
        self.get(consumer).and_then(|route| route.sent.get(branch)).map_or(&[], Vec::as_slice)
    }

    /// The shard in which a key of a correlation lives.
    pub(super) fn shard(&self, placement: Placement, consumer: RuleIndex, org: &str, key: &Key) -> u32 {
        let login = self.get(consumer).and_then(|route| route.login);
        match login.and_then(|place| key.values.get(place)) {
            Some(login) => placement.of_actor(&login_key(org, login)),
            None => placement.of(key.hash),
        }
    }

    fn of_correlation(&self, rules: &RuleSet, correlation: &Correlation) -> Route {
        let is_login = |place: &usize| {
            let mut branches = (0..correlation.rules.len()).map(|branch| source(correlation, *place, branch));
            branches.all(|source| source.is_some_and(|(rule, source)| self.is_login(rules, rule, source)))
        };
        // What the whole tenant knows is held by the tenant.
        let is_of_org = matches!(&correlation.test, Test::NewValue(test) if test.scope == Scope::Org);
        let login = (0..correlation.group_by.len()).find(is_login).filter(|_| !is_of_org);
        let stays: Vec<bool> = (0..correlation.rules.len())
            .map(|branch| {
                let source = login.and_then(|place| source(correlation, place, branch));
                source.is_some_and(|(rule, source)| self.is_here(rules, rule, source))
            })
            .collect();
        let below = correlation.rules.iter().zip(&stays);
        let level = below.map(|(rule, stays)| self.level(*rule) + usize::from(!stays)).max();
        Route { login, stays, level: level.unwrap_or_default(), sent: Vec::new() }
    }

    /// Whether a value of a rule's match is a login.
    fn is_login(&self, rules: &RuleSet, rule: RuleIndex, source: &GroupSource) -> bool {
        match source {
            GroupSource::Field(field) => *field == LOGIN,
            GroupSource::Group(name) => self.login_of(rules, rule).is_some_and(|login| login == name),
        }
    }

    /// Whether a rule's match is in the shard of the login it holds: an event is in its actor's.
    fn is_here(&self, rules: &RuleSet, rule: RuleIndex, source: &GroupSource) -> bool {
        match (source, rules.get(rule).map(|rule| &rule.body)) {
            (GroupSource::Field(field), Some(Body::Detection(_))) => *field == LOGIN,
            (GroupSource::Group(name), _) => self.login_of(rules, rule).is_some_and(|login| login == name),
            _ => false,
        }
    }

    /// The name of the group-by field that is the actor's login.
    fn login_of<'r>(&self, rules: &'r RuleSet, rule: RuleIndex) -> Option<&'r str> {
        let Body::Correlation(correlation) = &rules.get(rule)?.body else { return None };
        let group = correlation.group_by.get(self.get(rule)?.login?)?;
        (!group.hidden).then_some(group.name.as_str())
    }

    fn get(&self, rule: RuleIndex) -> Option<&Route> {
        self.rules.get(rule.0 as usize)
    }
}

/// Where a group-by field stands in the matches of a branch.
fn source(correlation: &Correlation, place: usize, branch: usize) -> Option<(RuleIndex, &GroupSource)> {
    let rule = correlation.rules.get(branch)?;
    Some((*rule, correlation.group_by.get(place)?.source.get(branch)?))
}

fn sent(rules: &RuleSet, consumer: RuleIndex, branches: usize, passed: &[FieldId]) -> Vec<Vec<FieldId>> {
    let of_branch = |branch| {
        let read = rules.get(consumer).map(|rule| rule.reads(branch)).unwrap_or_default();
        let mut fields: Vec<FieldId> = read.into_iter().chain(passed.iter().copied()).collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    };
    (0..branches).map(of_branch).collect()
}

/// The field whose value names the shard.
const LOGIN: FieldId = core::ACTOR_ALTERNATE_ID;

/// Whether a detection's alerts are held together by something that is not its actor's: they are
/// raised in the shard of what they are about. Events of nobody are all about the same, and yet in
/// several shards, by their addresses.
pub(super) fn is_raised_elsewhere(rule: &Rule, about: &Entity) -> bool {
    rule.info.suppress_ms > 0 && (rule.info.entity != EntityKind::Actor || about.value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{Sources, compile};

    const MANY: Placement = Placement { shard: 0, shards: 97 };

    fn set(correlations: &[(&str, &str)]) -> RuleSet {
        let id = |name: &str| uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes());
        let mut documents: Vec<String> = ["d", "e"]
            .iter()
            .map(|name| {
                format!(
                    "title: T\nid: {}\nname: {name}\nlogsource: {{product: okta, service: okta}}\n\
                     detection: {{sel: {{eventType: {name}}}, condition: sel}}\n",
                    id(name)
                )
            })
            .collect();
        for (name, lines) in correlations {
            let lines: String = lines.lines().map(|line| format!("  {}\n", line.trim())).collect();
            documents.push(format!(
                "title: T\nid: {}\nname: {name}\ncorrelation:\n  type: event_count\n  timespan: 10m\n  \
                 condition: {{gte: 2}}\n{lines}",
                id(name)
            ));
        }
        compile(&Sources::of([("a.yml", documents.join("---\n").as_str())])).unwrap()
    }

    /// For each correlation: whether its first branch stays, and its level.
    fn routed(correlations: &[(&str, &str)]) -> Vec<(bool, usize)> {
        let set = set(correlations);
        let routes = Routes::new(&set, MANY);
        let by_name =
            |name: &str| (0..).map(RuleIndex).find(|index| &*set.get(*index).unwrap().info.name == name);
        let routed = |(name, _): &(&str, &str)| {
            let index = by_name(name).unwrap();
            (routes.stays(index, 0), routes.level(index))
        };
        correlations.iter().map(routed).collect()
    }

    #[test]
    fn what_is_grouped_by_the_actors_login_stays_with_the_actor() {
        let routed = routed(&[
            ("by-login", "rules: d\ngroup-by: [actor.alternateId]"),
            ("by-both", "rules: d\ngroup-by: [client.ipAddress, actor.alternateId]"),
            ("by-id", "rules: d\ngroup-by: [actor.id]"),
            ("by-ip", "rules: d\ngroup-by: [client.ipAddress]"),
            ("of-all", "rules: d"),
        ]);
        assert_eq!(routed, [(true, 0), (true, 0), (false, 1), (false, 1), (false, 1)]);
    }

    #[test]
    fn chains_rise_a_level_where_they_change_the_shard() {
        let routed = routed(&[
            ("by-login", "rules: d\ngroup-by: [actor.alternateId]"),
            ("above", "rules: by-login\ngroup-by: [actor.alternateId]"),
            ("by-ip", "rules: e\ngroup-by: [client.ipAddress, actor.id]"),
            ("ip-above", "rules: by-ip\ngroup-by: [client.ipAddress]"),
            ("all-above", "rules: ip-above"),
        ]);
        assert_eq!(routed, [(true, 0), (true, 0), (false, 1), (false, 2), (false, 3)]);
    }

    #[test]
    fn a_key_of_a_login_lives_with_the_events_of_that_login() {
        let set = set(&[("by-both", "rules: d\ngroup-by: [client.ipAddress, actor.alternateId]")]);
        let routes = Routes::new(&set, MANY);
        let key = Key { hash: 5, values: ["192.0.2.1", "Ana@example.com"].map(Into::into).into() };
        let at = |name: &str| set.rules.iter().position(|rule| &*rule.info.name == name).unwrap();
        let index = |name: &str| RuleIndex(u32::try_from(at(name)).unwrap());
        let shard = routes.shard(MANY, index("by-both"), "acme", &key);
        assert_eq!(shard, MANY.of_actor("acme|login|ana@example.com"));
        assert_eq!(routes.shard(MANY, index("d"), "acme", &key), 5);
    }
}
