//! The example for Kubernetes.

use serde_json::{Value, json};

use crate::command::{assert_listens_on_loopback, assert_runs, assert_takes, value};
use crate::{read, yaml};

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap().iter();
    list.map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn of_kind<'a>(documents: &'a [Value], kind: &str) -> &'a Value {
    let mut found = documents.iter().filter(|document| document["kind"] == kind);
    let one = found.next().unwrap_or_else(|| panic!("there is no {kind}"));
    assert!(found.next().is_none(), "one {kind} is enough");
    one
}

#[test]
fn kubernetes_passes_what_the_engine_takes_and_keeps_it_small() {
    let documents = yaml::documents(&read("deploy/kubernetes/sidecar.yaml"));
    let set = &of_kind(&documents, "StatefulSet")["spec"];
    let pod = &set["template"]["spec"];
    assert_eq!(pod["containers"].as_array().unwrap().len(), 1);
    let container = &pod["containers"][0];

    // Kubernetes puts variables in before the engine sees them; each must be there.
    let mut arguments = texts(&container["args"]);
    for variable in container["env"].as_array().unwrap() {
        let reference = format!("$({})", variable["name"].as_str().unwrap());
        for argument in &mut arguments {
            *argument = argument.replace(&reference, "1");
        }
        assert_eq!(variable.get("value"), None, "values come by reference: {variable}");
    }
    assert!(
        !arguments.iter().any(|argument| argument.contains("$(")),
        "{arguments:?}"
    );
    assert_runs(&arguments);
    assert_listens_on_loopback(&arguments);
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        let command = texts(&container[probe]["exec"]["command"]);
        assert_eq!(command[0], "understudy-engine", "{probe}");
        let arguments: Vec<&str> = command[1..].iter().map(String::as_str).collect();
        assert_takes(&arguments);
    }

    let security = &pod["securityContext"];
    assert_eq!(security["runAsNonRoot"], true);
    assert_ne!(security["runAsUser"], 0);
    assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault");
    let own = &container["securityContext"];
    assert_eq!(own["readOnlyRootFilesystem"], true);
    assert_eq!(own["allowPrivilegeEscalation"], false);
    assert_eq!(own["capabilities"], json!({"drop": ["ALL"]}));
    assert_eq!(pod["automountServiceAccountToken"], false);

    // Only peers come in from outside.
    let peers = value(&arguments, "--peer-listen").unwrap();
    let port: u16 = peers.rsplit(':').next().unwrap().parse().unwrap();
    assert_eq!(container["ports"], json!([{"name": "peers", "containerPort": port}]));
    let policy = &of_kind(&documents, "NetworkPolicy")["spec"];
    assert_eq!(policy["ingress"][0]["ports"], json!([{"port": port}]));
    assert_eq!(policy["ingress"].as_array().unwrap().len(), 1);

    // The journal outlives the pod; what the arguments name is mounted; nothing else can be written.
    let mounts = container["volumeMounts"].as_array().unwrap();
    let mounted = |option: &str| {
        let path = value(&arguments, option).unwrap();
        let mut mounts = mounts.iter();
        mounts
            .find(|mount| path.starts_with(mount["mountPath"].as_str().unwrap()))
            .unwrap_or_else(|| panic!("{path} is mounted nowhere"))
    };
    for option in ["--policy", "--platform", "--token-file", "--peer-token-file"] {
        assert_eq!(mounted(option)["readOnly"], true, "{option}");
    }
    let journal = &mounted("--journal")["name"];
    assert_eq!(journal, &set["volumeClaimTemplates"][0]["metadata"]["name"]);
    let tokens = &mounted("--token-file")["name"];
    let mut volumes = pod["volumes"].as_array().unwrap().iter();
    let secret = volumes.find(|volume| &volume["name"] == tokens).unwrap();
    assert!(secret["secret"]["secretName"].is_string(), "{secret}");
    assert!(
        documents.iter().all(|document| document["kind"] != "Secret"),
        "no secret stands in the file"
    );
}
