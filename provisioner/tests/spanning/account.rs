//! API Gateway's role for logs: one for each account and region, whatever environments share them.

use understudy_provisioner::aws::Connections;
use understudy_provisioner::aws::settings::{api_logs_role, set_api_logs_role};
use understudy_provisioner::spanning::Shared;
use understudy_provisioner::spanning::account::Account;

use crate::emulator::Emulator;
use crate::support::{apply, plan, refused, remove, start};

/// The setting of one environment, whose roles are there or not.
fn account(shared: &Shared, environment: &str, ready: bool) -> Account {
    let role = |region: &str| role(environment, region);
    Account {
        shared: shared.clone(),
        roles: [role("us-east-1"), role("us-east-2")],
        ready: [ready; 2],
    }
}

fn role(environment: &str, region: &str) -> String {
    format!("arn:aws:iam::000000000000:role/understudy-{environment}-{region}-api-logs")
}

/// IAM by hand: the provisioner only asks whether a role is there.
async fn iam(emulator: &Emulator, action: &str, arn: &str) {
    let name = arn.rsplit('/').next().unwrap();
    let trust = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D";
    let call = reqwest::Client::new()
        .post(emulator.url())
        .header("content-type", "application/x-www-form-urlencoded")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0",
        )
        .body(format!(
            "Action={action}&Version=2010-05-08&RoleName={name}&AssumeRolePolicyDocument={trust}"
        ));
    let answer = call.send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

async fn roles(aws: &Connections, shared: &Shared) -> Vec<Option<String>> {
    let mut roles = Vec::new();
    for region in &shared.regions {
        roles.push(api_logs_role(aws, region).await.unwrap());
    }
    roles
}

#[tokio::test]
async fn two_environments_share_the_role_for_api_gateways_logs() {
    let (emulator, shared) = start().await;
    let (first, second) = (account(&shared, "dev1", true), account(&shared, "dev2", true));
    for account in [&first, &second] {
        for role in &account.roles {
            iam(&emulator, "CreateRole", role).await;
        }
    }
    let too_early = refused(&account(&shared, "dev1", false)).await;
    assert!(too_early.to_string().contains("apply the stacks first"), "{too_early}");
    assert_eq!(roles(&shared.aws, &shared).await, [None, None]);

    apply(&first).await;
    let set = first.roles.each_ref().map(|role| Some(role.clone()));
    assert_eq!(roles(&shared.aws, &shared).await, set);
    // The other environment takes what is there, and takes nothing away when it goes.
    assert_eq!(apply(&second).await, Vec::<String>::new());
    assert_eq!(remove(&second, true).await, []);
    assert_eq!(roles(&shared.aws, &shared).await, set);

    // The first one goes, and its roles with it: the second sets its own.
    assert_eq!(remove(&first, false).await, []);
    assert_eq!(roles(&shared.aws, &shared).await, [None, None]);
    apply(&second).await;
    assert_eq!(
        roles(&shared.aws, &shared).await,
        second.roles.each_ref().map(|role| Some(role.clone()))
    );
}

#[tokio::test]
async fn a_role_of_somebody_else_will_do_and_one_that_is_gone_will_not() {
    let (emulator, shared) = start().await;
    let ours = account(&shared, "dev1", true);
    for role in &ours.roles {
        iam(&emulator, "CreateRole", role).await;
    }
    let theirs = "arn:aws:iam::000000000000:role/service-role/ApiGatewayLogs";
    iam(&emulator, "CreateRole", theirs).await;
    for region in &shared.regions {
        set_api_logs_role(&shared.aws, region, Some(theirs)).await.unwrap();
    }
    assert_eq!(plan(&ours).await, Vec::<String>::new());
    assert_eq!(remove(&ours, true).await, []);
    assert_eq!(
        roles(&shared.aws, &shared).await,
        [Some(theirs.to_owned()), Some(theirs.to_owned())]
    );
    iam(&emulator, "DeleteRole", theirs).await;
    assert_eq!(
        plan(&ours).await,
        ["us-east-1", "us-east-2"]
            .map(|region| format!("Add role for API Gateway's logs of 000000000000 in {region}: {theirs} is gone"))
    );
    apply(&ours).await;
    // One of another account cannot be looked for, and is taken to be there.
    let foreign = "arn:aws:iam::111111111111:role/logs";
    set_api_logs_role(&shared.aws, &shared.regions[0], Some(foreign))
        .await
        .unwrap();
    assert_eq!(plan(&ours).await, Vec::<String>::new());
}
