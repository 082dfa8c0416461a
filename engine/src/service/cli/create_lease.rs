//! `create-lease`: the lease item of a new platform, made once, by hand or by the provisioner. A sidecar never does it.

use std::process::ExitCode;

use clap::Args;
use understudy_policies::source::Style;

use super::run;
use crate::aws::Side;
use crate::aws::connect::Connections;
use crate::aws::lease::NotCreated;
use crate::aws::names::Names;
use crate::core::ids::Region;
use crate::service::given::Given;
use crate::service::{observability, policy_file};

#[derive(Debug, Args)]
#[command(after_help = super::EXIT_CODES)]
pub(super) struct CreateLeaseArguments {
    /// The policy file.
    #[arg(long, value_name = "FILE")]
    policy: Given,
    /// The platform file: where everything is.
    #[arg(long, value_name = "FILE")]
    platform: Given,
    /// Where every AWS service is, instead of AWS: an emulator.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<reqwest::Url>,
}

pub(super) fn create_lease(arguments: &CreateLeaseArguments) -> ExitCode {
    let (names, endpoint) = match names(arguments) {
        Ok(found) => found,
        Err(wrong) => {
            eprint!("{wrong}");
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(because) => {
            eprintln!("error: the process cannot be set up: {because}");
            return ExitCode::from(3);
        }
    };
    let rest = match observability::start_log(observability::Format::Human, "info") {
        Ok(rest) => rest,
        Err(wrong) => {
            eprintln!("error: {wrong}");
            return ExitCode::from(3);
        }
    };
    let created = runtime.block_on(async {
        let connections = Connections::load(names.region(Region::Home), endpoint.as_ref()).await;
        Side::new(Region::Home, names, connections).lease().create_first().await
    });
    drop(rest);
    match created {
        Ok(record) => {
            eprintln!("the home region holds the lease in epoch {}", record.epoch);
            ExitCode::SUCCESS
        }
        Err(why @ NotCreated::Exists) => {
            eprintln!("error: {why}");
            ExitCode::from(1)
        }
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::from(3)
        }
    }
}

fn names(arguments: &CreateLeaseArguments) -> Result<(Names, Option<reqwest::Url>), String> {
    let policy = policy_file::read(&arguments.policy, Style::for_stderr())?;
    let platform = run::platform(&arguments.platform)?;
    let Some(aws) = &platform.aws else {
        return Err(
            "error: the platform file has no section `[aws]`, so there is no lease table to write\n".to_owned(),
        );
    };
    let endpoint = arguments.endpoint_url.clone().or_else(|| aws.endpoint.clone());
    Ok((Names::new(&policy, &platform, aws), endpoint))
}
