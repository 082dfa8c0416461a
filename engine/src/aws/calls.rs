//! Every call that is made, and the permission that it needs.
//!
//! The list is what the policies under `deploy/iam` are written from. It is also enforced: a call that is not on it is
//! refused here, before it is sent, so no test that makes it can pass until its permission has been thought of.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::verdict;

/// One call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// The service, as the SDK names it.
    pub service: &'static str,
    /// The operation, as the SDK names it.
    pub operation: &'static str,
    /// The permission. Usually the operation's own name.
    pub action: &'static str,
}

const fn call(service: &'static str, operation: &'static str, action: &'static str) -> Call {
    Call {
        service,
        operation,
        action,
    }
}

/// Every call.
pub const ALL: &[Call] = &[
    call("CloudWatch", "DescribeAlarms", "cloudwatch:DescribeAlarms"),
    call("CloudWatch", "GetMetricData", "cloudwatch:GetMetricData"),
    call("CloudWatch", "PutMetricData", "cloudwatch:PutMetricData"),
    call("DynamoDB", "GetItem", "dynamodb:GetItem"),
    call("DynamoDB", "PutItem", "dynamodb:PutItem"),
    call("DynamoDB", "UpdateItem", "dynamodb:UpdateItem"),
    call("EventBridge", "PutEvents", "events:PutEvents"),
    call("RDS", "CreateGlobalCluster", "rds:CreateGlobalCluster"),
    call("RDS", "DescribeDBClusterSnapshots", "rds:DescribeDBClusterSnapshots"),
    call("RDS", "DescribeDBClusters", "rds:DescribeDBClusters"),
    call("RDS", "DescribeGlobalClusters", "rds:DescribeGlobalClusters"),
    call("RDS", "FailoverGlobalCluster", "rds:FailoverGlobalCluster"),
    call("RDS", "RemoveFromGlobalCluster", "rds:RemoveFromGlobalCluster"),
    call("RDS", "SwitchoverGlobalCluster", "rds:SwitchoverGlobalCluster"),
    call(
        "Route 53",
        "ChangeResourceRecordSets",
        "route53:ChangeResourceRecordSets",
    ),
    call("Route 53", "ListResourceRecordSets", "route53:ListResourceRecordSets"),
    call(
        "Route53 Recovery Cluster",
        "GetRoutingControlState",
        "route53-recovery-cluster:GetRoutingControlState",
    ),
    call(
        "Route53 Recovery Cluster",
        "UpdateRoutingControlStates",
        "route53-recovery-cluster:UpdateRoutingControlStates",
    ),
    call("S3", "GetObject", "s3:GetObject"),
    call("S3", "PutObject", "s3:PutObject"),
    call("SFN", "ListExecutions", "states:ListExecutions"),
    call("SNS", "Publish", "sns:Publish"),
    call("SQS", "DeleteMessageBatch", "sqs:DeleteMessage"),
    call("SQS", "GetQueueUrl", "sqs:GetQueueUrl"),
    call("SQS", "ReceiveMessage", "sqs:ReceiveMessage"),
    call("SQS", "SendMessage", "sqs:SendMessage"),
];

/// A call that nobody has thought of a permission for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{service} {operation} is not on the list in `aws/calls.rs`; add it there, and to the policies under deploy/iam"
)]
struct NotOnTheList {
    service: String,
    operation: String,
}

/// Stands before every call.
#[derive(Debug, Clone, Copy)]
pub(super) struct OnTheList;

impl Intercept for OnTheList {
    fn name(&self) -> &'static str {
        "OnTheList"
    }

    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (service, operation) = config
            .load::<Metadata>()
            .map_or(("", ""), |called| (called.service(), called.name()));
        let listed = ALL
            .iter()
            .any(|call| call.service == service && call.operation == operation);
        if listed {
            return Ok(());
        }
        Err(NotOnTheList {
            service: service.to_owned(),
            operation: operation.to_owned(),
        }
        .into())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.output_or_error().is_some_and(|result| result.is_ok()) {
            verdict::credentials_are_good();
        }
        Ok(())
    }
}
