//! How far is it from one place to the other, and how fast would that be?

use std::sync::Arc;

use super::commute::Commutes;
use super::history::{History, Seen};
use crate::durable;
use crate::model::{Event, Geo, Place, Tally, TravelFacts};

/// Mean radius of the Earth in km.
const EARTH_KM: f64 = 6_371.008_8;

/// Accuracy radius in km where a source gives none.
const ACCURACY_KM: f64 = 20.0;

/// What an airliner does: km worth flying, and km/h. They only weigh two ways against each other.
const FLIGHT: (f64, f64) = (500.0, 900.0);

/// Where one user was, and between which places the user goes.
#[derive(Debug, Default)]
pub(super) struct Journeys {
    places: History<Arc<Place>>,
    commutes: Commutes,
}

durable!(Journeys { places, commutes });

impl Journeys {
    /// Judges the ways between this place and its neighbours in event time, then takes it in. Of two
    /// ways, gives the one that is less likely to have been travelled: both its length and its speed
    /// count, so that neither a short hop within seconds nor a long journey in days hides a leap.
    pub fn judge(
        &mut self,
        event: &Event,
        place: &Arc<Place>,
        watermark_ms: i64,
        tally: &mut Tally,
    ) -> Option<TravelFacts> {
        place.geo.as_deref().and_then(point)?;
        let at_ms = event.published_ms;
        let around = self.places.around(at_ms, &event.uuid);
        let mut before = around.before().next().and_then(|other| way(place, at_ms, other));
        let mut after = around.after().next().and_then(|other| way(place, at_ms, other));
        // Nobody stays at the exit of an anonymiser: the way there may say something, the way on does
        // not, and neither is learnt.
        if !place.is_passage() {
            let arrived_ms = around.after().next().map_or(at_ms, |other| other.at_ms);
            self.learn(before.as_mut(), place, at_ms, tally);
            self.learn(after.as_mut(), place, arrived_ms, tally);
            let seen = Seen { at_ms, uuid: event.uuid.clone(), what: Arc::clone(place) };
            self.places.insert(seen, watermark_ms, |_, _| {});
        }
        match (before, after) {
            (Some(before), Some(after)) if weight(&after) > weight(&before) => Some(after),
            (before, after) => before.or(after),
        }
    }

    /// Takes in a way, on the day on which it ended, and says of it whether it was known.
    fn learn(&mut self, way: Option<&mut TravelFacts>, place: &Place, at_ms: i64, tally: &mut Tally) {
        let Some(way) = way else { return };
        let from = way.from.as_deref().and_then(|from| from.geo.as_deref());
        if let (Some(from), Some(to)) = (from, place.geo.as_deref()) {
            way.known = self.commutes.take(from, to, at_ms, tally);
        }
    }
}

/// The way between two sightings; none between two at one address.
fn way(here: &Place, at_ms: i64, other: &Seen<Arc<Place>>) -> Option<TravelFacts> {
    let there = &other.what;
    if here.ip.address == there.ip.address {
        return None;
    }
    let km = distance(here.geo.as_deref()?, there.geo.as_deref()?)?;
    let ms = at_ms.abs_diff(other.at_ms);
    let hours = ms.max(1_000) as f64 / 3_600_000.0;
    Some(TravelFacts {
        km,
        kmh: km / hours,
        seconds: i64::try_from(ms / 1_000).unwrap_or(i64::MAX),
        from: Some(Arc::clone(there)),
        from_uuid: other.uuid.clone(),
        known: false,
    })
}

fn weight(way: &TravelFacts) -> f64 {
    (way.km / FLIGHT.0).min(way.kmh / FLIGHT.1)
}

/// Distance in km less both accuracy radii; none where a place has no coordinates.
fn distance(left: &Geo, right: &Geo) -> Option<f64> {
    let radii = left.accuracy_km.unwrap_or(ACCURACY_KM) + right.accuracy_km.unwrap_or(ACCURACY_KM);
    Some((great_circle(point(left)?, point(right)?) - radii).max(0.0))
}

/// Latitude and longitude, where both are known.
pub(super) fn point(geo: &Geo) -> Option<(f64, f64)> {
    geo.lat.zip(geo.lon)
}

/// Distance over the surface between two points of latitude and longitude in degrees (haversine).
pub(super) fn great_circle(left: (f64, f64), right: (f64, f64)) -> f64 {
    let (lat1, lat2) = (left.0.to_radians(), right.0.to_radians());
    let half_lat = ((lat2 - lat1) / 2.0).sin();
    let half_lon = ((right.1 - left.1).to_radians() / 2.0).sin();
    let chord = half_lat * half_lat + lat1.cos() * lat2.cos() * half_lon * half_lon;
    2.0 * EARTH_KM * chord.clamp(0.0, 1.0).sqrt().asin()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_way_on_from_an_anonymiser_is_none() {
        let mut history = Journeys::default();
        let mut exit = Place::clone(&place("198.51.100.9", "RO", 64502, Some((44.43, 26.1))));
        exit.ip.anonymous = true;
        let (home, exit) = (place("203.0.113.7", "PT", 64500, Some((38.72, -9.14))), Arc::new(exit));
        let mut visit = |at_ms, uuid, place: &Arc<Place>| go(&mut history, at_ms, uuid, place);
        assert_eq!(visit(0, "a", &home), None);
        assert!(visit(600_000, "b", &exit).is_some_and(|way| way.km > 2_000.0));
        assert_eq!(visit(1_200_000, "c", &home), None);
    }
    use crate::enrich::testing::{event, permutations, place};
    use crate::limits;

    #[test]
    fn a_way_gone_on_enough_days_is_known_and_one_to_a_relay_never() {
        let relay = place("198.51.100.1", "DE", 13_335, Some(BERLIN));
        for (there, expected) in [(at("198.51.100.1", BERLIN), true), (relay, false)] {
            let (mut journeys, home) = (Journeys::default(), at("203.0.113.1", LISBON));
            let mut known = Vec::new();
            for day in 0..=limits::TRAVEL_PAIR_DAYS {
                let at_ms = i64::try_from(day).unwrap() * 24 * HOUR_MS;
                go(&mut journeys, at_ms, "home", &home);
                known.push(go(&mut journeys, at_ms + 1, "there", &there).unwrap().known);
            }
            assert_eq!(known.pop(), Some(expected));
            assert!(!known.contains(&true));
        }
    }

    const BERLIN: (f64, f64) = (52.52, 13.40);
    const LISBON: (f64, f64) = (38.72, -9.14);
    const NEW_YORK: (f64, f64) = (40.71, -74.01);
    const HOUR_MS: i64 = 3_600_000;

    fn at(address: &str, point: (f64, f64)) -> Arc<Place> {
        place(address, "XX", 1, Some(point))
    }

    fn go(history: &mut Journeys, at_ms: i64, uuid: &str, place: &Arc<Place>) -> Option<TravelFacts> {
        history.judge(&event(at_ms, uuid, &[]), place, i64::MIN, &mut Tally::default())
    }

    #[test]
    fn known_distances() {
        assert!((great_circle(BERLIN, LISBON) - 2313.0).abs() < 10.0);
        assert!((great_circle(BERLIN, NEW_YORK) - 6385.0).abs() < 20.0);
        assert!((great_circle((0.0, 179.9), (0.0, -179.9)) - 22.24).abs() < 0.1, "over the date line");
        assert!((great_circle((90.0, 0.0), (-90.0, 0.0)) - 20015.1).abs() < 0.1);
    }

    #[test]
    fn a_way_is_its_length_less_both_radii_and_the_speed_it_needs() {
        let mut history = Journeys::default();
        assert_eq!(go(&mut history, 0, "a", &at("203.0.113.1", BERLIN)), None);
        let way = go(&mut history, HOUR_MS / 2, "b", &at("203.0.113.2", LISBON)).unwrap();
        assert!((way.km - (great_circle(BERLIN, LISBON) - 40.0)).abs() < 1e-9);
        assert!((way.kmh - 2.0 * way.km).abs() < 1e-9);
        assert_eq!((way.seconds, way.from_uuid.as_str()), (1800, "a"));
        assert_eq!(way.from.unwrap().ip.address, Some("203.0.113.1".parse().unwrap()));
    }

    #[test]
    fn within_one_second_counts_as_one_second() {
        let mut history = Journeys::default();
        go(&mut history, 0, "a", &at("203.0.113.1", BERLIN));
        let way = go(&mut history, 0, "b", &at("203.0.113.2", LISBON)).unwrap();
        assert_eq!(way.seconds, 0);
        assert!((way.kmh - way.km * 3600.0).abs() < 1e-6);
    }

    #[test]
    fn one_address_is_one_place_whatever_its_coordinates_say() {
        let mut history = Journeys::default();
        go(&mut history, 0, "a", &at("203.0.113.1", BERLIN));
        assert_eq!(go(&mut history, 1000, "b", &at("203.0.113.1", LISBON)), None);
    }

    #[test]
    fn a_place_without_coordinates_is_passed_over() {
        let mut history = Journeys::default();
        go(&mut history, 0, "a", &at("203.0.113.1", BERLIN));
        assert_eq!(go(&mut history, 1000, "b", &place("203.0.113.9", "XX", 1, None)), None);
        assert_eq!(go(&mut history, 2000, "c", &at("203.0.113.2", LISBON)).unwrap().from_uuid, "a");
    }

    #[test]
    fn near_places_are_no_way_at_all() {
        let mut history = Journeys::default();
        go(&mut history, 0, "a", &at("203.0.113.1", BERLIN));
        let way = go(&mut history, 1000, "b", &at("203.0.113.2", (52.4, 13.1))).unwrap();
        assert_eq!((way.km, way.kmh), (0.0, 0.0));
    }

    #[test]
    fn of_two_ways_the_less_likely_one_is_given() {
        // A long journey before (days), a leap after (minutes); then a hop after (one second).
        for (after, point, expected) in [(10 * 60_000, BERLIN, "z"), (1_000, (39.2, -8.6), "a")] {
            let mut history = Journeys::default();
            go(&mut history, 0, "a", &at("203.0.113.1", NEW_YORK));
            go(&mut history, 9 * HOUR_MS + after, "z", &at("203.0.113.3", point));
            let way = go(&mut history, 9 * HOUR_MS, "m", &at("203.0.113.2", LISBON)).unwrap();
            assert_eq!(way.from_uuid, expected);
        }
    }

    #[test]
    fn a_leap_is_found_in_whichever_order_the_events_come() {
        // In order of time: at home, at home, a leap, back at home a day later.
        let events = [
            (0, "a", at("203.0.113.1", LISBON)),
            (10 * 60_000, "b", at("203.0.113.1", LISBON)),
            (30 * 60_000, "c", at("198.51.100.1", NEW_YORK)),
            (24 * HOUR_MS, "d", at("203.0.113.1", LISBON)),
        ];
        for order in permutations(events.len()) {
            let mut history = Journeys::default();
            let mut leaps = Vec::new();
            for index in &order {
                let (at_ms, uuid, place) = &events[*index];
                let way =
                    go(&mut history, *at_ms, uuid, place).filter(|way| way.km > 500.0 && way.kmh > 900.0);
                leaps.extend(way.map(|way| (way.from_uuid.to_string(), uuid.to_string())));
            }
            let neighbours = |(x, y): &(String, String)| (x.min(y).as_str(), x.max(y).as_str()) == ("b", "c");
            assert!(leaps.iter().any(neighbours), "{order:?}: {leaps:?}");
            // Before b has come, a and c are neighbours, and the same leap lies between them.
            let same_leap = |(x, y): &(String, String)| x.min(y) <= &"b".to_owned() && x.max(y) == "c";
            assert!(leaps.iter().all(same_leap), "{order:?}: {leaps:?}");
        }
    }

    fn points() -> impl Strategy<Value = (f64, f64)> {
        (-90.0..=90.0, -180.0..=180.0)
    }

    proptest! {
        #[test]
        fn distance_is_a_metric(a in points(), b in points(), c in points()) {
            let (ab, ba) = (great_circle(a, b), great_circle(b, a));
            prop_assert!((ab - ba).abs() < 1e-6);
            prop_assert!(great_circle(a, a) < 1e-6);
            prop_assert!((0.0..=EARTH_KM * std::f64::consts::PI + 1e-6).contains(&ab));
            prop_assert!(ab <= great_circle(a, c) + great_circle(c, b) + 1e-6);
        }

        #[test]
        fn figures_are_finite_and_never_negative(a in points(), b in points(), at_ms in any::<i64>()) {
            let mut history = Journeys::default();
            go(&mut history, 0, "a", &at("203.0.113.1", a));
            if let Some(way) = go(&mut history, at_ms, "b", &at("203.0.113.2", b)) {
                prop_assert!(way.km.is_finite() && way.kmh.is_finite());
                prop_assert!(way.km >= 0.0 && way.kmh >= 0.0 && way.seconds >= 0);
            }
        }
    }
}
