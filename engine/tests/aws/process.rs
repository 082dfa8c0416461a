//! Real engine processes, started by a test and stopped with it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use reqwest::Url;
use serde_json::Value;
use understudy_engine::service::parts::http::client;

use crate::ports::free_port;

/// What operators and peers show here.
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// One process.
pub(crate) struct Engine {
    child: Child,
    listen: SocketAddr,
    client: reqwest::Client,
    log: PathBuf,
}

/// What the processes of one platform share: their files.
pub(crate) struct Files {
    folder: tempfile::TempDir,
    endpoints: Endpoints,
    key: Key,
    level: &'static str,
}

/// Where AWS is.
enum Endpoints {
    /// All of it, as the command line says.
    All(Url),
    /// As the SDK's own variables say.
    Environment(Vec<(&'static str, Url)>),
}

/// What a process shows to AWS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) id: &'static str,
    pub(crate) secret: &'static str,
}

impl Files {
    pub(crate) fn new(policy: &str, platform: &str, endpoint: &Url) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("policy.toml", policy), ("platform.toml", platform), ("token", TOKEN)] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self {
            folder,
            endpoints: Endpoints::All(endpoint.clone()),
            key: Key {
                id: "test",
                secret: "test",
            },
            level: "info",
        }
    }

    /// With places for single services, as the SDK's own variables name them.
    pub(crate) fn with_endpoints(self, endpoints: &[(&'static str, Url)]) -> Self {
        Self {
            endpoints: Endpoints::Environment(endpoints.to_vec()),
            ..self
        }
    }

    /// With another key, and a log of this level.
    pub(crate) fn with_key(self, key: Key, level: &'static str) -> Self {
        Self { key, level, ..self }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_understudy-engine"));
        command
            .arg(name)
            .args([Path::new("--policy"), &self.path("policy.toml")])
            .args([Path::new("--platform"), &self.path("platform.toml")])
            .env("AWS_ACCESS_KEY_ID", self.key.id)
            .env("AWS_SECRET_ACCESS_KEY", self.key.secret)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        match &self.endpoints {
            Endpoints::All(url) => {
                command.args(["--endpoint-url", url.as_str()]);
            }
            Endpoints::Environment(endpoints) => {
                command.envs(endpoints.iter().map(|(name, url)| (name, url.as_str())));
            }
        }
        command
    }

    /// Makes the lease item, as an operator would. Answers with the exit code.
    pub(crate) fn create_lease(&self) -> Option<i32> {
        self.command("create-lease").status().unwrap().code()
    }

    /// The same, and what it said.
    pub(crate) fn create_lease_and_tell(&self) -> (Option<i32>, String) {
        let output = self.command("create-lease").output().unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    }

    /// Starts one process.
    pub(crate) fn start(&self, region: &str, peers: SocketAddr, observer: bool) -> Engine {
        let listen = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let log = self.path(&format!("{region}.log"));
        let mut command = self.command("run");
        command
            .args(["--region", region])
            .args([Path::new("--journal"), &self.path(region)])
            .args(["--listen", &listen.to_string(), "--peer-listen", &peers.to_string()])
            .args([Path::new("--token-file"), &self.path("token")])
            .args([Path::new("--peer-token-file"), &self.path("token")])
            .args(["--log-level", self.level])
            .stderr(std::fs::File::create(&log).unwrap());
        if observer {
            command.arg("--observer");
        }
        Engine {
            child: command.spawn().unwrap(),
            listen,
            client: client().unwrap(),
            log,
        }
    }
}

impl Engine {
    /// One of the API's answers; null while there is none.
    pub(crate) async fn ask(&self, path: &str) -> Value {
        let url = format!("http://{}/v1/{path}", self.listen);
        match self.client.get(url).bearer_auth(TOKEN).send().await {
            Ok(answer) => answer.json().await.unwrap_or_default(),
            Err(_) => Value::Null,
        }
    }

    /// Sends a command. Answers with what became of it.
    pub(crate) async fn command(&self, name: &str) -> Value {
        let url = format!("http://{}/v1/commands", self.listen);
        let body = serde_json::json!({"command": name, "by": "test"});
        let sent = self.client.post(url).bearer_auth(TOKEN).json(&body).send().await;
        sent.unwrap().json().await.unwrap()
    }

    /// What a witness says about a region.
    pub(crate) async fn verdict(&self, witness: &str, region: &str) -> Option<String> {
        let why = self.ask("why").await;
        let witnesses = why["witnesses"].as_array()?;
        let found = witnesses
            .iter()
            .find(|seen| seen["witness"] == witness && seen["region"] == region)?;
        Some(found["verdict"].as_str()?.to_owned())
    }

    /// The state that the machine is in.
    pub(crate) async fn state(&self) -> String {
        let status = self.ask("status").await;
        status["state"]["name"].as_str().unwrap_or_default().to_owned()
    }

    /// All of its log.
    pub(crate) fn whole_log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The end of its log.
    fn log(&self) -> String {
        let text = self.whole_log();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("---- {}\n{}", self.log.display(), self.log());
        }
        // It may be gone already; then there is nothing to stop.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
