//! Are alerts of single-event rules held together, though what they are about is in another shard than the event?

use std::sync::Arc;

use oktawatch::config::Config;
use oktawatch::engine::{Intake, Placement, Shard};
use oktawatch::enrich::GeoIp;
use oktawatch::model::{Alert, Cargo, Effects, Input, Position, RawRecord};
use serde_json::json;

use super::events::{START_MS, topic};
use super::story::compile;

const SHARDS: u32 = 2;

/// What reads the input, and two shards.
struct Two {
    intake: Intake,
    shards: Vec<Shard>,
    events: i64,
}

impl Two {
    fn new(entity: &str) -> Self {
        let text = format!(
            "title: Signed in\nid: 00000000-0000-4000-8000-000000000301\nname: signed-in\n\
             logsource: {{product: okta, service: okta}}\n\
             detection: {{selection: {{eventType: user.session.start}}, condition: selection}}\n\
             oktawatch: {{suppress: 3s, entity: {entity}}}\n"
        );
        let (config, rules, geoip) = (Config::default(), compile(&text, None), Arc::new(GeoIp::default()));
        let shard = |shard| {
            let placement = Placement { shard, shards: SHARDS };
            Shard::placed(&config, Arc::clone(&rules), Arc::clone(&geoip), placement)
        };
        let intake = Intake::new(&config, &rules, Arc::clone(&geoip), SHARDS);
        Self { intake, shards: (0..SHARDS).map(shard).collect(), events: 0 }
    }

    /// An event, taken by the shard of its actor; which that is, and what follows.
    fn event(&mut self, user: Option<&str>, address: u8, second: i64) -> (u32, Effects) {
        self.events += 1;
        let published = jiff::Timestamp::from_millisecond(START_MS + second * 1_000).unwrap();
        let event = json!({
            "uuid": uuid::Uuid::from_u128(self.events.unsigned_abs().into()).to_string(),
            "published": published.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
            "eventType": "user.session.start",
            "actor": { "id": null, "type": "User", "alternateId": user },
            "client": { "ipAddress": format!("203.0.113.{address}") },
        });
        let position = Position { topic: topic(), partition: 0, offset: self.events, index: 0 };
        let payload = event.to_string().into_bytes();
        let mut read =
            self.intake.step(vec![Input::Record(RawRecord { position, payload, ..RawRecord::default() })]);
        let parcel = read.parcels.pop().unwrap();
        (parcel.to, self.tell(parcel.to, parcel.cargo))
    }

    fn tell(&mut self, shard: u32, cargo: Cargo) -> Effects {
        self.shards[shard as usize].step(vec![Input::Parcel(cargo)])
    }

    /// Sends on what a step led to; gives the alerts in the end.
    fn deliver(&mut self, effects: Effects) -> Vec<Alert> {
        let mut alerts = effects.alerts;
        for parcel in effects.parcels {
            alerts.extend(self.tell(parcel.to, parcel.cargo).alerts);
        }
        alerts
    }
}

#[test]
fn events_of_nobody_are_about_the_same_wherever_they_come_from() {
    let mut two = Two::new("actor");
    let (mut shards, mut alerts) = ([false; 2], 0);
    for address in 0..20 {
        let (shard, found) = two.event(None, address, 0);
        shards[shard as usize] = true;
        alerts += two.deliver(found).len();
    }
    assert_eq!((shards, alerts), ([true; 2], 1));
}

#[test]
fn an_alert_is_known_for_as_long_as_matches_may_be_on_their_way() {
    let mut two = Two::new("ip");
    let users: Vec<String> = (0..20).map(|user| format!("user{user}@example.com")).collect();
    // The address lives in one shard, where its alert is raised; an event of the other is on its way there.
    let (_, first) = two.event(Some(&users[0]), 1, 0);
    assert_eq!(two.deliver(first).len(), 1);
    let mut sent = users.iter().map(|user| two.event(Some(user), 1, 1).1);
    let under_way = sent.find(|found| !found.parcels.is_empty()).unwrap();
    let home = under_way.parcels[0].to;
    let highest_ms = Some(START_MS + 3_600_000);
    let time = Cargo::Read { topic: topic(), partition: 0, highest_ms, idle: false, next: i64::MAX };
    assert!(two.tell(home, time).alerts.is_empty());
    assert!(two.deliver(under_way).is_empty());
}
