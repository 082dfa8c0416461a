//! A sidecar and the observer as ECS would start them: the command and the secrets of the task's definition, the engine's own program, and AWS on
//! an emulator. ECS itself is played: it reads each secret, in the task's region, and puts it into the environment.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use understudy_policies::model::RegionName;
use understudy_provisioner::deploy::World;
use understudy_provisioner::deploy::apply::{Options, apply};

use crate::emulator::Emulator;
use crate::ports::free_port;
use crate::support::{Log, world};

/// The engine's program, beside this test's. `cargo nextest run --workspace` builds it.
fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let folder = own.parent().and_then(|deps| deps.parent()).unwrap();
    let path = folder.join("understudy-engine");
    assert!(
        path.exists(),
        "{} is missing: build the whole workspace",
        path.display()
    );
    path
}

/// The container of a task.
fn container(world: &World, region: &RegionName, [layer, task]: [&str; 2]) -> Value {
    let mut stacks = world.platform.of(region);
    let stack = stacks.find(|stack| stack.name.ends_with(layer)).unwrap();
    stack.template["Resources"][task]["Properties"]["ContainerDefinitions"][0].clone()
}

/// What ECS puts into the environment.
async fn secrets(world: &World, region: &RegionName, container: &Value) -> Vec<(String, String)> {
    let mut given = Vec::new();
    for secret in container["Secrets"].as_array().unwrap() {
        let from = secret["ValueFrom"].as_str().unwrap();
        // arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME[:KEY::]
        let parts: Vec<&str> = from.split(':').collect();
        assert_eq!(parts[3], region.as_str());
        let call = world.shared.aws.secrets(region).get_secret_value();
        let answer = call.secret_id(parts[..7].join(":")).send().await.unwrap();
        let text = answer.secret_string.unwrap();
        let text = match parts.get(7) {
            None => text,
            Some(key) => {
                let value: Value = serde_json::from_str(&text).unwrap();
                value[key].as_str().unwrap().to_owned()
            }
        };
        given.push((secret["Name"].as_str().unwrap().to_owned(), text));
    }
    given
}

/// A process that ends with the test.
struct Sidecar(Child);

impl Drop for Sidecar {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Start {
    environment: Vec<(String, String)>,
    endpoint: String,
}

impl Start {
    fn command(&self, arguments: impl IntoIterator<Item = String>) -> Command {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .env_clear()
            .envs(self.environment.iter().cloned())
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null());
        command
    }

    /// Starts it as the container says, with what is free on this machine in place of what is free in a task. And its log.
    fn container(&self, container: &Value, folder: &Path, listen: SocketAddr) -> (Sidecar, PathBuf) {
        let arguments = container["Command"].as_array().unwrap().iter().map(|argument| {
            let argument = argument.as_str().unwrap();
            match argument.split_once('=') {
                Some(("--journal", _)) => format!("--journal={}", folder.display()),
                Some(("--listen", _)) => format!("--listen={listen}"),
                Some(("--peer-listen", _)) => format!("--peer-listen=127.0.0.1:{}", free_port()),
                _ => argument.to_owned(),
            }
        });
        let log = folder.join("log");
        let mut command = self.command(arguments);
        let child = command
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap());
        (Sidecar(child.spawn().unwrap()), log)
    }

    /// Nothing of what it was given is in its log.
    fn keeps_secrets(&self, log: &Path) {
        let log = std::fs::read_to_string(log).unwrap();
        for (name, value) in &self.environment {
            if !matches!(name.as_str(), "UNDERSTUDY_POLICY" | "UNDERSTUDY_PLATFORM") {
                assert!(!log.contains(value.as_str()), "{name} is in the log");
            }
        }
    }

    /// What the container's health check asks. None: not healthy.
    fn status(&self, listen: SocketAddr) -> Option<Value> {
        self.asked(&["status", "--json"], listen)
    }

    /// What it answers. None: not healthy.
    fn asked(&self, words: &[&str], listen: SocketAddr) -> Option<Value> {
        let address = format!("http://{listen}");
        let words = words.iter().copied().chain(["--address", &address]).map(str::to_owned);
        let output = self.command(words).output().unwrap();
        output
            .status
            .success()
            .then(|| serde_json::from_slice(&output.stdout).unwrap())
    }

    /// The state, once it is one of these.
    fn awaited(&self, listen: SocketAddr, states: &[&str]) -> Value {
        let began = Instant::now();
        loop {
            let status = self.status(listen);
            let state = status.as_ref().and_then(|status| status["state"]["name"].as_str());
            if state.is_some_and(|state| states.contains(&state)) {
                return status.unwrap();
            }
            assert!(
                began.elapsed() < Duration::from_secs(180),
                "{status:?} is none of {states:?}"
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

#[tokio::test]
async fn a_task_starts_from_its_secrets_and_stands_by_once_there_is_a_lease() {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    let account = apply(&world, Options::default(), &Log::default()).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
    let region = &world.regions()[1];
    let container = container(&world, region, ["-engine", "Task1"]);
    let start = Start {
        environment: secrets(&world, region, &container).await,
        endpoint: emulator.url().to_string(),
    };
    let folder = tempfile::tempdir().unwrap();
    let listen = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let (_sidecar, log) = start.container(&container, folder.path(), listen);
    // Without a lease item it is there, and healthy, and says what it waits for.
    let status = start.awaited(listen, &["recovering", "self_fenced"]);
    assert_eq!(status["region"], region.as_str(), "{status}");

    let words = [
        "create-lease",
        "--policy=env:UNDERSTUDY_POLICY",
        "--platform=env:UNDERSTUDY_PLATFORM",
    ];
    let made = start.command(words.map(str::to_owned)).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    // Nobody answers it here, neither a region nor a reference: it judges nobody, and stands by.
    start.awaited(listen, &["steady"]);
    start.keeps_secrets(&log);

    // The observer, from the secrets' replicas in the witness region.
    let witness = &world.shared.witness;
    let container = self::container(&world, witness, ["-observer", "Task"]);
    let start = Start {
        environment: secrets(&world, witness, &container).await,
        endpoint: emulator.url().to_string(),
    };
    let folder = tempfile::tempdir().unwrap();
    let listen = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let (_observer, log) = start.container(&container, folder.path(), listen);
    let began = Instant::now();
    let asks = container["HealthCheck"]["Command"].as_array().unwrap();
    assert_eq!(asks[..2], ["CMD", "understudy-engine"]);
    let asks: Vec<&str> = asks[2..].iter().filter_map(Value::as_str).collect();
    while start.asked(&asks, listen).is_none() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{}",
            std::fs::read_to_string(log).unwrap()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    start.keeps_secrets(&log);
}
