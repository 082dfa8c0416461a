//! The state machines: there, valid, and run dry.
//!
//! A dry run reads the lease as a failover would, and ends before it changes anything. Its name tells the engine that it only
//! looks, so a failover that is needed meanwhile does not wait for it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_sfn::types::ExecutionStatus;
use tokio::time::Instant;
use understudy_engine::decode::DRY_RUN;

use super::{Look, Verdict};
use crate::aws::Trouble;
use crate::aws::trouble::failed;
use crate::templates::Machine;

/// A dry run takes a second, as a rule. A lease that cannot be read is tried for longer.
const DRY_RUN_MAX: Duration = Duration::from_secs(60);
/// Between two looks at it.
const LOOK_EVERY: Duration = Duration::from_millis(200);

impl Look<'_> {
    /// R6.1, R6.2: both machines of both regions are there, active, valid, and can read what they begin with.
    pub(super) async fn at_machines(&mut self) {
        let leased = match self.world.situation().await {
            Ok(situation) => situation.epoch.is_some(),
            Err(trouble) => return self.untold("R6.1", "the machines can be looked at", "", &trouble),
        };
        let machines = self.world.platform.machines.clone();
        let looks = machines.iter().map(async |machine| {
            let ready = self.ready(machine).await;
            let ran = match leased {
                true => Some(self.dry_run(machine).await),
                false => None,
            };
            (ready, ran)
        });
        let found = futures_util::future::join_all(looks).await;
        for (machine, (ready, ran)) in machines.iter().zip(found) {
            let requirement = match machine.way {
                understudy_engine::core::lease::RoleChangeKind::Failover => "R6.1",
                understudy_engine::core::lease::RoleChangeKind::Failback => "R6.2",
            };
            let way = format!("{:?}", machine.way).to_lowercase();
            let what = format!("the {way} machine is ready");
            match ready {
                Ok((verdict, says)) => self.point(requirement, what, &machine.region, verdict, says),
                Err(trouble) => self.untold(requirement, &what, &machine.region, &trouble),
            }
            let what = format!("the {way} machine runs dry");
            match ran {
                None => {
                    let says = "there is no lease item to read yet: `understudy-engine create-lease` makes it";
                    self.point(requirement, what, &machine.region, Verdict::Unknown, says);
                }
                Some(Ok((verdict, says))) => self.point(requirement, what, &machine.region, verdict, says),
                Some(Err(trouble)) => self.untold(requirement, &what, &machine.region, &trouble),
            }
        }
    }

    fn machine_arn(&self, machine: &Machine) -> String {
        let names = &self.world.names;
        let name = names.machine(&machine.region, machine.way);
        names.arn("states", Some(&machine.region), &format!("stateMachine:{name}"))
    }

    async fn ready(&self, machine: &Machine) -> Result<(Verdict, String), Trouble> {
        let region = &machine.region;
        let client = self.world.shared.aws.sfn(region);
        let call = client
            .describe_state_machine()
            .state_machine_arn(self.machine_arn(machine));
        let answer = call
            .send()
            .await
            .map_err(failed("states:DescribeStateMachine", region))?;
        let active = answer.status().map_or("in an unknown state", |status| status.as_str());
        if active != "ACTIVE" {
            return Ok((Verdict::No, format!("it is {active}")));
        }
        let call = client
            .validate_state_machine_definition()
            .definition(answer.definition());
        Ok(match call.send().await {
            Ok(said) if said.result().as_str() == "OK" => {
                (Verdict::Yes, "active, and its definition is valid".to_owned())
            }
            Ok(said) => {
                let first = said.diagnostics().first().map(|found| found.message().to_owned());
                (
                    Verdict::No,
                    first.unwrap_or_else(|| "its definition is not valid".to_owned()),
                )
            }
            Err(failure) => {
                let trouble = failed("states:ValidateStateMachineDefinition", region)(failure);
                (Verdict::Unknown, format!("active; {trouble}"))
            }
        })
    }

    async fn dry_run(&self, machine: &Machine) -> Result<(Verdict, String), Trouble> {
        let region = &machine.region;
        let client = self.world.shared.aws.sfn(region);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("{DRY_RUN}{}", now.as_millis());
        let call = client
            .start_execution()
            .state_machine_arn(self.machine_arn(machine))
            .name(&name)
            .input(r#"{"dryRun":true}"#);
        let started = call.send().await.map_err(failed("states:StartExecution", region))?;
        let began = Instant::now();
        while began.elapsed() < DRY_RUN_MAX {
            let call = client.describe_execution().execution_arn(started.execution_arn());
            let seen = call.send().await.map_err(failed("states:DescribeExecution", region))?;
            match seen.status() {
                ExecutionStatus::Running => tokio::time::sleep(LOOK_EVERY).await,
                ExecutionStatus::Succeeded => {
                    return Ok((Verdict::Yes, "it reads the lease, and changed nothing".to_owned()));
                }
                other => {
                    let why = [seen.error(), seen.cause()]
                        .into_iter()
                        .flatten()
                        .collect::<Vec<_>>()
                        .join(": ");
                    return Ok((Verdict::No, format!("{name} is {other}: {why}")));
                }
            }
        }
        Ok((
            Verdict::No,
            format!("{name} has not ended after {} s", DRY_RUN_MAX.as_secs()),
        ))
    }
}
