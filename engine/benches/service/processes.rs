//! Real processes around the tests' stand-in world, in real time.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::param::clock_ticks_per_second;
use understudy_engine::core::effect::Intent;
use understudy_engine::core::ids::Region;
use understudy_engine::core::machine::StateName;

use crate::engines::Engine;
use crate::figures::Report;
use crate::shell::fsyncs;
use crate::stage::{Cast, Stage};
use crate::world::{Trap, World};

const PATIENCE: Duration = Duration::from_secs(30);
const MIB: f64 = 1_024.0;

/// A standby with a journal of its own, and nobody else.
fn standby() -> (Stage, Engine) {
    let stage = Stage::around(World::new(Region::Home, 1.0), Cast::default());
    let mut arguments = stage.away().arguments().to_vec();
    let at = arguments
        .iter()
        .position(|argument| argument == "--drill-clock")
        .unwrap();
    arguments.drain(at..at + 2);
    let log = stage.world.folder().join("standby.log");
    let engine = Engine::new("away-1", arguments, log, None);
    (stage, engine)
}

fn started(engine: &Engine) {
    engine.start();
    let began = Instant::now();
    while engine.state() != Some(StateName::Steady) {
        assert!(began.elapsed() < PATIENCE, "{}", engine.log());
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn address(engine: &Engine) -> String {
    let arguments = engine.arguments();
    let at = arguments.iter().position(|argument| argument == "--listen").unwrap();
    arguments[at + 1].clone()
}

/// One connection that is kept.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    fn to(address: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
        })
    }

    fn send(&mut self, method: &str, path: &str, body: &str) -> std::io::Result<()> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer 0123456789abcdef0123456789abcdef\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes())
    }

    /// The status of the answer; its body is read and left.
    fn status(&mut self) -> std::io::Result<u16> {
        self.buffer.clear();
        let mut chunk = [0; 4_096];
        loop {
            if let Some(end) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.buffer[..end]).to_lowercase();
                let length = head
                    .split("content-length: ")
                    .nth(1)
                    .and_then(|rest| rest.split('\r').next());
                let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
                if self.buffer.len() >= end + 4 + length {
                    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
                    return status.ok_or_else(|| std::io::ErrorKind::InvalidData.into());
                }
            }
            match self.stream.read(&mut chunk)? {
                0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                read => self.buffer.extend_from_slice(&chunk[..read]),
            }
        }
    }
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// An event that makes the engine look at the database: an effect whose intent is durable first.
fn database_event(number: u64) -> String {
    let now = now();
    format!(
        "{{\"version\":\"0\",\"id\":\"look-{number}\",\"detail-type\":\"RDS DB Cluster Event\",\"source\":\"aws.rds\",\
         \"account\":\"111122223333\",\"time\":\"{now}\",\"region\":\"us-east-2\",\
         \"resources\":[\"arn:aws:rds:us-east-2:111122223333:cluster:understudy-sweep-us-east-2-orders\"],\
         \"detail\":{{\"EventCategories\":[\"global failover\"],\"SourceType\":\"CLUSTER\",\
         \"SourceArn\":\"arn:aws:rds:us-east-2:111122223333:cluster:understudy-sweep-us-east-2-orders\",\"Date\":\"{now}\",\
         \"Message\":\"Global switchover to DB cluster understudy-sweep-us-east-1-orders in Region us-east-1 started.\",\
         \"SourceIdentifier\":\"understudy-sweep-us-east-2-orders\",\"EventID\":\"RDS-EVENT-0181\"}}}}"
    )
}

/// An alarm of the storm. It changes its mind every 20 events of its own.
fn alarm_event(number: u64) -> String {
    const ALARMS: [&str; 3] = ["alarm-lambda-errors", "alarm-api-latency", "alarm-replication-lag"];
    let now = now();
    let alarm = ALARMS[usize::try_from(number % 3).unwrap()];
    let region = ["us-east-1", "us-east-2"][usize::try_from(number / 3 % 2).unwrap()];
    let value = if (number / 120).is_multiple_of(2) {
        "ALARM"
    } else {
        "OK"
    };
    let name = format!("understudy-sweep-{region}-{alarm}");
    format!(
        "{{\"version\":\"0\",\"id\":\"storm-{number}\",\"detail-type\":\"CloudWatch Alarm State Change\",\
         \"source\":\"aws.cloudwatch\",\"account\":\"111122223333\",\"time\":\"{now}\",\"region\":\"{region}\",\
         \"resources\":[\"arn:aws:cloudwatch:{region}:111122223333:alarm:{name}\"],\
         \"detail\":{{\"alarmName\":\"{name}\",\"state\":{{\"reason\":\"Threshold Crossed\",\"timestamp\":\"{now}\",\
         \"value\":\"{value}\"}},\"previousState\":{{\"value\":\"INSUFFICIENT_DATA\"}}}}}}"
    )
}

/// From the last byte of an event that is sent to the request that arrives at the part.
fn looks(stage: &Stage, engine: &Engine, count: u64, pause: Duration) -> Vec<Duration> {
    let mut client = Client::to(&address(engine)).unwrap();
    (0..count)
        .map(|number| {
            let (arrived, arrival) = std::sync::mpsc::channel();
            stage.world.lock().traps.push(Trap {
                matches: Box::new(move |_, effect| {
                    let looks = matches!(effect.intent, Intent::DescribeDatabase);
                    if looks {
                        // The trap matches once, and is gone before the next.
                        let _ = arrived.send(Instant::now());
                    }
                    false
                }),
                applied: true,
                springs: Box::new(|| {}),
            });
            client
                .send("POST", "/events", &format!("[{}]", database_event(number)))
                .unwrap();
            let sent = Instant::now();
            let at = arrival
                .recv_timeout(PATIENCE)
                .expect("the engine looks at the database");
            let status = client.status().unwrap();
            assert_eq!(status, 200, "the event is accepted");
            stage.world.lock().traps.clear();
            std::thread::sleep(pause);
            at.saturating_duration_since(sent)
        })
        .collect()
}

pub(crate) fn effect(report: &mut Report) {
    let (stage, engine) = standby();
    started(&engine);
    report.times(
        "disk: fdatasync, the process's folder",
        fsyncs(stage.world.folder()),
        None,
    );
    let times = looks(&stage, &engine, 1_000, Duration::from_millis(5));
    report.times(
        "process: event to effect, durable journal",
        times,
        Some(Duration::from_millis(5)),
    );
}

pub(crate) fn start(report: &mut Report) {
    let mut first = Vec::new();
    let mut again = Vec::new();
    for _ in 0..10 {
        let (_stage, engine) = standby();
        first.push(until_ready(&engine));
        engine.kill();
        again.push(until_ready(&engine));
    }
    let target = Some(Duration::from_millis(300));
    report.times("process: start to ready, without a journal yet", first, target);
    report.times("process: start to ready, after a kill", again, target);
}

/// Starts it, and waits until it says that it is ready.
fn until_ready(engine: &Engine) -> Duration {
    let began = Instant::now();
    engine.start();
    let ready = || -> std::io::Result<bool> {
        let mut client = Client::to(&address(engine))?;
        client.send("GET", "/readyz", "")?;
        Ok(client.status()? == 200)
    };
    while !ready().unwrap_or(false) {
        assert!(began.elapsed() < PATIENCE, "{}", engine.log());
        std::thread::sleep(Duration::from_millis(1));
    }
    began.elapsed()
}

pub(crate) fn idle(report: &mut Report, span: Duration) {
    let (_stage, engine) = standby();
    started(&engine);
    std::thread::sleep(Duration::from_secs(3));
    let before = processor(&engine);
    std::thread::sleep(span);
    let used = processor(&engine) - before;
    report.number("process: idle, memory (RSS)", resident(&engine), "MiB", Some(30.0));
    let share = used.as_secs_f64() / span.as_secs_f64() * 100.0;
    report.number("process: idle, processor", share, "% of a core", Some(1.0));
}

pub(crate) fn storm(report: &mut Report, span: Duration) {
    const PER_SECOND: u64 = 10_000;
    const IN_ONE: u64 = 10;
    const CLIENTS: u64 = 16;
    let (stage, engine) = standby();
    started(&engine);
    let over = Arc::new(AtomicBool::new(false));
    let sent = Arc::new(AtomicU64::new(0));
    let most = Arc::new(AtomicU64::new(0));
    let before = processor(&engine);
    let began = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|own| {
            let (over, sent, address) = (Arc::clone(&over), Arc::clone(&sent), address(&engine));
            std::thread::spawn(move || {
                let mut client = Client::to(&address).unwrap();
                let mut round = 0;
                while !over.load(Ordering::Relaxed) {
                    // Each client has its own slots; one that is late does not wait for the next.
                    let slot = (round * CLIENTS + own) * IN_ONE;
                    let due = Duration::from_secs_f64(slot as f64 / PER_SECOND as f64);
                    std::thread::sleep(due.saturating_sub(began.elapsed()));
                    let events: Vec<String> = (slot..slot + IN_ONE).map(alarm_event).collect();
                    client
                        .send("POST", "/events", &format!("[{}]", events.join(",")))
                        .unwrap();
                    assert_eq!(client.status().unwrap(), 200);
                    sent.fetch_add(IN_ONE, Ordering::Relaxed);
                    round += 1;
                }
            })
        })
        .collect();
    let watching = {
        let (over, most, engine) = (Arc::clone(&over), Arc::clone(&most), engine.clone());
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let kib = (resident(&engine) * MIB) as u64;
                most.fetch_max(kib, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(200));
            }
        })
    };
    let mut times = Vec::new();
    while began.elapsed() < span {
        times.extend(looks(&stage, &engine, 10, Duration::from_millis(20)));
    }
    over.store(true, Ordering::Relaxed);
    let lasted = began.elapsed();
    for client in clients {
        client.join().unwrap();
    }
    watching.join().unwrap();
    let used = processor(&engine) - before;
    let rate = sent.load(Ordering::Relaxed) as f64 / lasted.as_secs_f64();
    report.number("storm: events taken", rate, "in a second", None);
    report.times(
        "storm: event to effect meanwhile",
        times,
        Some(Duration::from_millis(20)),
    );
    report.number(
        "storm: memory, most (RSS)",
        most.load(Ordering::Relaxed) as f64 / MIB,
        "MiB",
        Some(64.0),
    );
    let share = used.as_secs_f64() / lasted.as_secs_f64() * 100.0;
    report.number("storm: processor", share, "% of a core", None);
}

/// What it holds in memory, in MiB.
fn resident(engine: &Engine) -> f64 {
    let path = format!("/proc/{}/status", engine.pid().as_raw_nonzero());
    let text = std::fs::read_to_string(path).unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / MIB
}

/// The processor time that it has used.
fn processor(engine: &Engine) -> Duration {
    let path = format!("/proc/{}/stat", engine.pid().as_raw_nonzero());
    let text = std::fs::read_to_string(path).unwrap();
    // The name may hold anything; what follows its bracket does not.
    let fields: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_secs_f64(ticks as f64 / clock_ticks_per_second() as f64)
}
