//! Step Functions executions of the failover and failback machines.

use super::arn::Arn;
use super::decoded::{Content, Ignored};
use super::detail::Detail;
use super::document::Envelope;
use super::naming::DRY_RUN;
use super::rejection::{Excerpt, Reason};
use crate::core::signal::{ExecutionStatus, Notice};

/// Reads a `Step Functions Execution Status Change`.
pub(super) fn event(envelope: &Envelope<'_>, detail: Detail<'_>) -> Result<Content, Reason> {
    let machine = detail.machine_arn.required("detail.stateMachineArn")?;
    let machine = Arn::parse(&machine, "detail.stateMachineArn")?;
    let status = status(&detail.status.required("detail.status")?)?;
    let observed = envelope.sent()?;
    let region = envelope.serving_region()?;
    let failover = match envelope.directory.own(machine.name(), region) {
        Some("failover") => true,
        Some("failback") => false,
        _ => return Ok(Content::Ignored(Ignored::OtherResource)),
    };
    let name = detail.name.optional("detail.name")?;
    if name.is_some_and(|name| name.starts_with(DRY_RUN)) {
        return Ok(Content::Ignored(Ignored::OtherResource));
    }
    Ok(Content::Notice {
        notice: Notice::Execution {
            region,
            failover,
            status,
        },
        observed,
    })
}

fn status(status: &str) -> Result<ExecutionStatus, Reason> {
    match status {
        "RUNNING" => Ok(ExecutionStatus::Running),
        "SUCCEEDED" => Ok(ExecutionStatus::Succeeded),
        "FAILED" => Ok(ExecutionStatus::Failed),
        "TIMED_OUT" => Ok(ExecutionStatus::TimedOut),
        "ABORTED" => Ok(ExecutionStatus::Aborted),
        other => Err(Reason::UnknownValue {
            path: "detail.status",
            value: Excerpt::of(other),
            expected: "`RUNNING`, `SUCCEEDED`, `FAILED`, `TIMED_OUT` or `ABORTED`",
        }),
    }
}
