//! Clients who really place orders: each resolves the public name, keeps the answer for as long as its resolver does, and
//! sends its orders where that leads. What they find is what the two figures are measured by.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::mpsc::Sender;
use std::time::Duration;

use reqwest::StatusCode;
use understudy_engine::core::ids::Region;
use understudy_engine::core::time::Timestamp;
use understudy_engine::service::clock::Clock;

use super::{Incoming, Speed};
use crate::scenario::Place;
use crate::world::clients::is_most;
use crate::world::outside::Measured;

/// After this long a client gives an order up, and tries again with its next. The same as the simulator's.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);
/// The time between two orders of one client, unless time runs so fast that the machine could not follow.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);
/// Between two orders of one client lies at least this much real time: while something is measured, and while time runs
/// so fast that nothing is.
const REAL_INTERVAL_MIN: Duration = Duration::from_millis(80);
const REAL_INTERVAL_MIN_FAST: Duration = Duration::from_millis(500);
/// How often a client that waits looks whether time has slowed down, in real time.
const STEP_REAL: Duration = Duration::from_millis(100);
/// Orders are no longer processed when nobody was told so for this much longer than its next order was due.
const QUIET: Duration = Duration::from_millis(1_500);
/// The same in real time: while time runs fast, the machine itself is late by more.
const QUIET_REAL: Duration = Duration::from_millis(150);

/// What became of one attempt to place an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) client: usize,
    pub(crate) number: u64,
    /// Where it went.
    pub(crate) region: Option<Region>,
    pub(crate) found: Found,
    /// Its client tries again within this.
    pub(crate) next_within: Duration,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nobody took the order.
    Refused,
    /// It was accepted, and will be processed.
    Accepted,
    /// It was accepted and processed.
    Processed,
}

/// One client.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) number: usize,
    pub(crate) stage: SocketAddr,
    pub(crate) clock: Clock,
    pub(crate) http: reqwest::Client,
    pub(crate) tell: Sender<Incoming>,
    /// How long its resolver keeps an answer.
    pub(crate) keeps: Duration,
    /// When it begins.
    pub(crate) begins: Timestamp,
}

impl Client {
    /// Places orders until nobody listens any more.
    pub(crate) async fn trade(self) {
        let mut resolved: Option<(Region, Timestamp)> = None;
        let mut number = 0;
        let mut last = self.begins;
        self.clock.sleep(last.since(self.clock.boot())).await;
        loop {
            let now = self.clock.boot();
            if resolved.is_none_or(|(_, until)| until <= now)
                && let Some(region) = self.resolve().await
            {
                resolved = Some((region, now.after(self.keeps)));
            }
            let region = resolved.map(|(region, _)| region);
            let found = match region {
                Some(region) => self.order(region, number).await,
                None => Found::Refused,
            };
            let attempt = Attempt {
                client: self.number,
                number,
                region,
                found,
                next_within: self.interval(),
            };
            if self.tell.send(Incoming::Attempt(attempt)).is_err() {
                return;
            }
            // An order that nobody took is sent again, under the same number.
            number += u64::from(found != Found::Refused);
            last = self.next(last).await;
        }
    }

    /// Waits until the next order is due, on the client's own grid, and returns when that was. Time may slow down
    /// meanwhile: then it is due earlier.
    async fn next(&self, last: Timestamp) -> Timestamp {
        loop {
            let interval = self.interval();
            let now = self.clock.boot();
            let due = last.after(interval);
            if due <= now {
                // Whoever is late does not catch up.
                return if now.since(due) < interval { due } else { now };
            }
            let step = INTERVAL.max(STEP_REAL.mul_f64(self.speed()));
            self.clock.sleep(due.since(now).min(step)).await;
        }
    }

    fn interval(&self) -> Duration {
        interval_at(self.speed())
    }

    fn speed(&self) -> f64 {
        INTERVAL.as_secs_f64() / self.clock.real_span(INTERVAL).as_secs_f64()
    }

    async fn resolve(&self) -> Option<Region> {
        let asked = async {
            let url = format!("http://{}/name/{}", self.stage, self.number);
            let answer = self.http.get(url).send().await.ok()?;
            let answer: serde_json::Value = answer.json().await.ok()?;
            let name = answer.get("region")?.as_str()?;
            Region::BOTH
                .into_iter()
                .find(|region| Place::from(*region).name() == name)
        };
        self.clock.timeout(PATIENCE, asked).await.flatten()
    }

    async fn order(&self, region: Region, number: u64) -> Found {
        let url = format!(
            "http://{}/orders/{}/{}",
            self.stage,
            Place::from(region).name(),
            self.number
        );
        let placed = self.http.post(url).body(number.to_string()).send();
        match self.clock.timeout(PATIENCE, placed).await {
            Some(Ok(answer)) if answer.status() == StatusCode::CREATED => Found::Processed,
            Some(Ok(answer)) if answer.status() == StatusCode::ACCEPTED => Found::Accepted,
            _ => Found::Refused,
        }
    }
}

/// The time between two orders of one client, at this speed.
fn interval_at(speed: f64) -> Duration {
    let least = if speed > Speed::AWAKE * 1.01 {
        REAL_INTERVAL_MIN_FAST
    } else {
        REAL_INTERVAL_MIN
    };
    INTERVAL.max(least.mul_f64(speed))
}

/// What all clients found, as it adds up.
#[derive(Debug)]
pub(crate) struct Crowd {
    /// Who sits behind a resolver that stretches TTLs: these first.
    stretching: usize,
    able: Vec<bool>,
    resolved: Vec<Option<Region>>,
    /// When a client was last told that its order is processed, and within what it was to try again.
    processed: Option<(Timestamp, Duration)>,
    pub(crate) placed: u64,
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    /// Orders that clients were told are processed, and those that are accepted.
    acknowledged: BTreeSet<(usize, u64)>,
}

impl Crowd {
    /// Clients that can all place orders, as far as anybody knows.
    pub(crate) fn new(clients: usize, stretching: usize) -> Self {
        Self {
            stretching,
            able: vec![true; clients],
            resolved: vec![None; clients],
            processed: None,
            placed: 0,
            accepted: 0,
            refused: 0,
            acknowledged: BTreeSet::new(),
        }
    }

    /// A client tells what became of an order.
    pub(crate) fn note(&mut self, attempt: &Attempt, now: Timestamp) {
        let ok = attempt.found != Found::Refused;
        if let Some(able) = self.able.get_mut(attempt.client) {
            *able = ok;
            self.resolved[attempt.client] = attempt.region;
        }
        self.placed += 1;
        if ok {
            self.accepted += 1;
            self.acknowledged.insert((attempt.client, attempt.number));
        } else {
            self.refused += 1;
        }
        if attempt.found == Found::Processed {
            self.processed = Some((now, attempt.next_within));
        }
    }

    /// Whether a client was told that an order is accepted.
    pub(crate) fn was_told(&self, client: usize, number: u64) -> bool {
        self.acknowledged.contains(&(client, number))
    }

    /// How many of 100 clients can place orders, those behind resolvers that stretch TTLs apart.
    pub(crate) fn able_percent(&self) -> usize {
        let ordinary = &self.able[self.stretching.min(self.able.len())..];
        let able = ordinary.iter().filter(|able| **able).count();
        able * 100 / ordinary.len().max(1)
    }

    /// What is found now, at this speed.
    pub(crate) fn measured(&self, now: Timestamp, speed: f64) -> Measured {
        let most = |some: usize, all: usize| {
            is_most(
                u32::try_from(some).unwrap_or(u32::MAX),
                u32::try_from(all).unwrap_or(u32::MAX),
            )
        };
        let able = |able: &[bool]| most(able.iter().filter(|able| **able).count(), able.len());
        let (stretching, ordinary) = self.able.split_at(self.stretching.min(self.able.len()));
        let away = self.resolved[stretching.len()..]
            .iter()
            .filter(|region| **region == Some(Region::Away))
            .count();
        Measured {
            processed: self.processed.is_some_and(|(last, within)| {
                now.since(last) < within.max(interval_at(speed)) + QUIET.max(QUIET_REAL.mul_f64(speed))
            }),
            place: able(ordinary),
            stretching: able(stretching),
            redirected: most(away, ordinary.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(client: usize, number: u64, found: Found) -> Attempt {
        Attempt {
            client,
            number,
            region: Some(Region::Away),
            found,
            next_within: INTERVAL,
        }
    }

    const fn at(millis: u64) -> Timestamp {
        Timestamp::from_micros(millis * 1_000)
    }

    #[test]
    fn ninety_five_of_a_hundred_ordinary_clients_are_most() {
        let mut crowd = Crowd::new(22, 2);
        crowd.note(&attempt(0, 0, Found::Refused), at(5_000));
        crowd.note(&attempt(2, 0, Found::Refused), at(5_000));
        let measured = crowd.measured(at(5_000), 1.0);
        assert!(measured.place && !measured.stretching, "{measured:?}");
        crowd.note(&attempt(3, 0, Found::Refused), at(5_000));
        assert!(!crowd.measured(at(5_000), 1.0).place);
        assert_eq!(crowd.able_percent(), 90);
    }

    #[test]
    fn orders_are_processed_as_long_as_somebody_is_told_so() {
        let mut crowd = Crowd::new(1, 0);
        crowd.note(&attempt(0, 0, Found::Processed), at(1_000));
        crowd.note(&attempt(0, 1, Found::Accepted), at(3_000));
        assert!(crowd.measured(at(3_400), 1.0).processed);
        assert!(!crowd.measured(at(3_600), 1.0).processed);
        assert!(crowd.was_told(0, 1) && !crowd.was_told(0, 2));
    }
}
