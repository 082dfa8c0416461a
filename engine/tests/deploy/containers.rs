//! The image, and the example for ECS.

use serde_json::{Value, json};

use crate::command::{assert_listens_on_loopback, assert_runs, assert_takes, value};
use crate::read;

const BINARY: &str = "understudy-engine";

/// The instructions of a Dockerfile, with their arguments.
fn instructions(text: &str) -> Vec<(String, String)> {
    let text = text.replace("\\\n", " ");
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, rest) = line.split_once(' ').unwrap();
            (name.to_owned(), rest.split_whitespace().collect::<Vec<_>>().join(" "))
        })
        .collect()
}

/// A command in its form as a list.
fn list(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text} is not in the form of a list: {error}"))
}

fn assert_not_root(user: &str) {
    assert!(
        user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 0)),
        "{user} is a user by number, and not root"
    );
}

#[test]
fn the_image_holds_the_engine_alone_and_starts_it() {
    let text = read("deploy/docker/Dockerfile");
    let all = instructions(&text);
    let stages: Vec<usize> = (0..all.len()).filter(|at| all[*at].0 == "FROM").collect();
    assert_eq!(stages.len(), 2);
    let (build, image) = all.split_at(stages[1]);
    let built: Vec<&str> = build
        .iter()
        .filter(|(name, _)| name == "RUN")
        .map(|(_, run)| run.as_str())
        .collect();
    assert_eq!(built.len(), 1);
    assert!(
        built[0].starts_with("cargo build --release --locked -p understudy-engine "),
        "{}",
        built[0]
    );
    // The package has a program of that name, and its default features have what a sidecar needs.
    let manifest = read("engine/Cargo.toml");
    assert!(manifest.contains(&format!("[[bin]]\nname = \"{BINARY}\"\n")));
    assert!(manifest.contains("\ndefault = [\"aws\", \"service\", \"tls\"]\n"));

    let of = |name: &str| {
        let found: Vec<&str> = image
            .iter()
            .filter(|(is, _)| is == name)
            .map(|(_, rest)| rest.as_str())
            .collect();
        found
    };
    assert!(of("RUN").is_empty(), "there is no shell in the image");
    assert_eq!(
        of("COPY")[0],
        format!("--from=build /source/target/release/{BINARY} /usr/local/bin/{BINARY}")
    );
    assert_not_root(of("USER")[0]);
    assert_eq!(list(of("ENTRYPOINT")[0]), [BINARY]);
    let command = list(of("CMD")[0]);
    assert_takes(&command.iter().map(String::as_str).collect::<Vec<_>>());
    let (_, health) = of("HEALTHCHECK")[0].split_once("CMD ").unwrap();
    let health = list(health);
    assert_eq!(health[0], BINARY);
    assert_takes(&health[1..].iter().map(String::as_str).collect::<Vec<_>>());
    // Databases in RDS show certificates of RDS's own authority, AWS's services those of a public one.
    let (_, trusted) = of("COPY")[1].rsplit_once(' ').unwrap();
    assert_eq!(of("ENV"), [format!("SSL_CERT_FILE={trusted}")]);
    assert!(built[0].contains("cat /etc/ssl/certs/ca-certificates.crt /rds.pem >/trusted.pem"));
    assert_eq!(of("VOLUME"), ["/var/lib/understudy"]);
    assert_eq!(of("STOPSIGNAL"), ["SIGTERM"]);
}

#[test]
fn the_image_is_built_from_everything_that_the_workspace_needs() {
    let manifest = read("Cargo.toml");
    let members = manifest
        .lines()
        .find_map(|line| line.strip_prefix("members = "))
        .unwrap();
    let mut needed = list(members);
    needed.extend(["Cargo.toml", "Cargo.lock"].map(str::to_owned));
    needed.sort();
    let ignore = read("deploy/docker/Dockerfile.dockerignore");
    let mut lines = ignore.lines();
    assert_eq!(lines.next(), Some("*"), "everything else stays outside");
    let mut sent: Vec<String> = lines.map(|line| line.strip_prefix('!').unwrap().to_owned()).collect();
    sent.sort();
    assert_eq!(sent, needed);
}

#[test]
fn ecs_passes_what_the_engine_takes_and_keeps_it_small() {
    let task: Value = serde_json::from_str(&read("deploy/ecs/task-definition.json")).unwrap();
    assert_eq!(task["networkMode"], "awsvpc");
    let containers = task["containerDefinitions"].as_array().unwrap();
    assert_eq!(containers.len(), 1);
    let engine = &containers[0];
    assert_not_root(engine["user"].as_str().unwrap());
    assert_eq!(engine["readonlyRootFilesystem"], true);
    assert_eq!(engine["linuxParameters"]["capabilities"], json!({"drop": ["ALL"]}));
    assert_ne!(engine["privileged"], true);
    // What stands there can be read by whoever may look at the task.
    assert!(engine["environment"].is_null());
    let texts = |list: &Value| -> Vec<String> { serde_json::from_value(list.clone()).unwrap() };
    let arguments = texts(&engine["command"]);
    assert_runs(&arguments);
    assert_listens_on_loopback(&arguments);
    let health = texts(&engine["healthCheck"]["command"]);
    assert_eq!(health[..2], ["CMD", BINARY]);
    assert_takes(&health[2..].iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(engine["essential"], true);

    let peers = value(&arguments, "--peer-listen").unwrap();
    let port: u16 = peers.rsplit(':').next().unwrap().parse().unwrap();
    assert_eq!(
        engine["portMappings"],
        json!([{"name": "peers", "containerPort": port, "protocol": "tcp"}])
    );

    // The journal can be written, and outlives the task.
    let journal = value(&arguments, "--journal").unwrap();
    assert_eq!(
        engine["mountPoints"],
        json!([{"sourceVolume": "journal", "containerPath": journal}])
    );
    assert_eq!(task["volumes"].as_array().unwrap().len(), 1);
    assert_eq!(task["volumes"][0]["name"], "journal");
    assert_eq!(
        task["volumes"][0]["efsVolumeConfiguration"]["transitEncryption"],
        "ENABLED"
    );

    // Each variable that an argument names comes out of a secret, which the definition only names.
    let secrets = engine["secrets"].as_array().unwrap();
    let given: Vec<&str> = secrets.iter().map(|secret| secret["name"].as_str().unwrap()).collect();
    for option in ["--policy", "--platform", "--token-file", "--peer-token-file"] {
        let variable = value(&arguments, option).unwrap().strip_prefix("env:").unwrap();
        assert!(given.contains(&variable), "{option} {variable}");
    }
    for secret in secrets {
        let from = secret["valueFrom"].as_str().unwrap();
        assert!(from.starts_with("arn:aws:secretsmanager:"), "{secret}");
    }
}
