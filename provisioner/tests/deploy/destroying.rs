//! Destroying: in which order, and what becomes of what holds data.

use std::path::Path;
use std::process::Command;

use understudy_provisioner::deploy::World;
use understudy_provisioner::deploy::apply::{Options, apply};
use understudy_provisioner::deploy::destroy::destroy;

use crate::emulator::Emulator;
use crate::platform::{REGIONS, create_lease, platform};
use crate::support::{Log, region};

/// The file systems of a region, which the provisioner has no client for.
fn file_systems(emulator: &Emulator, of: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = "import boto3, sys\n\
        efs = boto3.client('efs', region_name=sys.argv[2], endpoint_url=sys.argv[1], aws_access_key_id='test', \
        aws_secret_access_key='test')\n\
        print(' '.join(one['FileSystemId'] for one in efs.describe_file_systems()['FileSystems']))";
    let output = Command::new(folder.join("../target/emulators/venv/bin/python"))
        .args(["-c", program, emulator.url().as_str(), of])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    said.split_whitespace().map(str::to_owned).collect()
}

/// What is in the engine's stack of a region.
async fn engine_stack(world: &World, of: &str) -> Vec<String> {
    let client = world.shared.aws.cloudformation(&region(of));
    let name = format!("understudy-dev1-{of}-engine");
    let found = client.list_stack_resources().stack_name(name).send().await.unwrap();
    let resources = found.stack_resource_summaries().iter();
    let there = resources.filter(|one| {
        one.resource_status()
            .is_none_or(|status| status.as_str() != "DELETE_COMPLETE")
    });
    there.filter_map(|one| one.logical_resource_id.clone()).collect()
}

/// Nobody may act on what goes silent: not an engine, not a machine, not what starts one.
#[tokio::test]
async fn what_could_move_the_platform_goes_before_what_it_would_move() {
    let (_emulator, world) = platform().await;
    create_lease(&world).await;
    let log = Log::default();
    let destroyed = destroy(&world, true, &log).await.unwrap();
    assert!(destroyed.failure.is_none(), "{}", destroyed.text());
    let steps = log.steps();
    let first = |of: &str| {
        let found = steps.iter().position(|step| step.starts_with(of));
        found.unwrap_or_else(|| panic!("{of} in {steps:#?}"))
    };
    let last = |layer: &str, region: &str| {
        let of = format!("understudy-dev1-{region}-{layer}: DELETE_COMPLETE");
        let found = steps.iter().rposition(|step| step.starts_with(&of));
        found.unwrap_or_else(|| panic!("{of} in {steps:#?}"))
    };
    for region in REGIONS {
        assert!(first("forwarding: ") < last("signals", region));
        for other in REGIONS {
            // What starts a machine goes before the sidecars fall silent, and these before the machines.
            assert!(last("signals", region) < last("engine", other), "{region}, {other}");
            assert!(last("engine", region) < last("workflows", other), "{region}, {other}");
        }
        assert!(last("workflows", region) < first("records: "));
    }
    // A sidecar that ends releases its lease: the one that would take it over ends before.
    assert!(last("engine", "us-east-2") < last("engine", "us-east-1"));
    assert!(first("records: ") < first("database: ") && first("database: ") < first("tables: "));
}

#[tokio::test]
async fn journals_are_kept_with_their_stack_and_deleted_with_the_data() {
    let (emulator, world) = platform().await;
    let before = REGIONS.map(|of| file_systems(&emulator, of));
    assert!(before.iter().all(|all| all.len() == 1), "{before:?}");
    for _ in 0..2 {
        let destroyed = destroy(&world, false, &Log::default()).await.unwrap();
        assert!(destroyed.failure.is_none(), "{}", destroyed.text());
        for of in REGIONS {
            let journals = format!("Journals (AWS::EFS::FileSystem) of the stack understudy-dev1-{of}-engine");
            assert!(
                destroyed.kept.iter().any(|kept| kept.what == journals),
                "{}",
                destroyed.text()
            );
            assert_eq!(
                engine_stack(&world, of).await,
                ["Journals"],
                "no sidecar, no mount target"
            );
        }
        assert_eq!(REGIONS.map(|of| file_systems(&emulator, of)), before);
    }
    // Applied again, the same journals are used.
    let account = apply(&world, Options::default(), &Log::default()).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
    assert_eq!(REGIONS.map(|of| file_systems(&emulator, of)), before);
    assert!(engine_stack(&world, "us-east-1").await.len() > 10);
    // From where only the journals are left, nothing is made anew on the way out.
    destroy(&world, false, &Log::default()).await.unwrap();
    let log = Log::default();
    let destroyed = destroy(&world, true, &log).await.unwrap();
    assert!(destroyed.failure.is_none(), "{}", destroyed.text());
    let made = log
        .steps()
        .into_iter()
        .filter(|step| step.contains("CREATE_"))
        .collect::<Vec<_>>();
    assert_eq!(made, Vec::<String>::new());
    for of in REGIONS {
        assert_eq!(file_systems(&emulator, of), Vec::<String>::new(), "in {of}");
    }
}
