//! The kinds of resources: type, name, tags, and what each hands out.

use super::model::{Expr, Handle};

/// How a kind takes its tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tags {
    /// Not at all.
    None,
    /// `[{Key, Value}]`
    List,
    /// The same, and its name is a tag as well, because it has no other.
    Named,
    /// `[{key, value}]`
    LowerCase,
    /// `{key: value}`
    Map,
}

/// A kind of resource.
pub trait Kind {
    /// CloudFormation's name for it.
    const TYPE: &'static str;
    /// The property that holds its name, if it has one.
    const NAME: Option<&'static str>;
    /// How it is tagged.
    const TAGS: Tags;
    /// The property that holds its tags.
    const TAG_KEY: &'static str;
}

/// Only file systems have a word of their own for it.
const fn tag_key(kind: &str) -> &'static str {
    match kind.as_bytes() {
        b"AWS::EFS::FileSystem" => "FileSystemTags",
        b"AWS::EFS::AccessPoint" => "AccessPointTags",
        _ => "Tags",
    }
}

macro_rules! kinds {
    ($($kind:ident = $type:literal, $name:expr, $tags:ident { $($method:ident: $attribute:literal),* };)+) => {
        $(
            #[doc = concat!("`", $type, "`")]
            #[derive(Debug, Clone, Copy)]
            pub struct $kind;

            impl Kind for $kind {
                const TYPE: &'static str = $type;
                const NAME: Option<&'static str> = $name;
                const TAGS: Tags = Tags::$tags;
                const TAG_KEY: &'static str = tag_key($type);
            }

            impl Handle<$kind> {
                $(
                    #[doc = concat!("Its attribute `", $attribute, "`.")]
                    #[must_use]
                    pub fn $method(&self) -> Expr {
                        self.attribute($attribute)
                    }
                )*
            }
        )+

        /// Every type, with how it is tagged.
        pub const ALL: &[(&str, Tags, &str)] = &[$(($type, Tags::$tags, tag_key($type))),+];
    };
}

kinds! {
    Vpc = "AWS::EC2::VPC", None, Named {};
    Subnet = "AWS::EC2::Subnet", None, Named {};
    RouteTable = "AWS::EC2::RouteTable", None, Named {};
    RouteTableAssociation = "AWS::EC2::SubnetRouteTableAssociation", None, None {};
    Route = "AWS::EC2::Route", None, None {};
    InternetGateway = "AWS::EC2::InternetGateway", None, Named {};
    GatewayAttachment = "AWS::EC2::VPCGatewayAttachment", None, None {};
    ElasticIp = "AWS::EC2::EIP", None, Named { allocation: "AllocationId" };
    NatGateway = "AWS::EC2::NatGateway", None, Named {};
    VpcEndpoint = "AWS::EC2::VPCEndpoint", None, Named {};
    SecurityGroup = "AWS::EC2::SecurityGroup", Some("GroupName"), Named { group_id: "GroupId" };
    FlowLog = "AWS::EC2::FlowLog", None, Named {};

    Key = "AWS::KMS::Key", None, List { arn: "Arn" };
    KeyAlias = "AWS::KMS::Alias", Some("AliasName"), None {};

    DatabaseSubnets = "AWS::RDS::DBSubnetGroup", Some("DBSubnetGroupName"), List {};
    ClusterParameters = "AWS::RDS::DBClusterParameterGroup", Some("DBClusterParameterGroupName"), List {};
    InstanceParameters = "AWS::RDS::DBParameterGroup", Some("DBParameterGroupName"), List {};

    Bucket = "AWS::S3::Bucket", Some("BucketName"), List { arn: "Arn" };
    BucketPolicy = "AWS::S3::BucketPolicy", None, None {};

    Queue = "AWS::SQS::Queue", Some("QueueName"), List { arn: "Arn" };
    QueuePolicy = "AWS::SQS::QueuePolicy", None, None {};
    Topic = "AWS::SNS::Topic", Some("TopicName"), List {};
    TopicPolicy = "AWS::SNS::TopicPolicy", None, None {};
    Subscription = "AWS::SNS::Subscription", None, None {};

    Role = "AWS::IAM::Role", Some("RoleName"), List { arn: "Arn" };
    ManagedPolicy = "AWS::IAM::ManagedPolicy", Some("ManagedPolicyName"), None {};

    LogGroup = "AWS::Logs::LogGroup", Some("LogGroupName"), List { arn: "Arn" };

    Function = "AWS::Lambda::Function", Some("FunctionName"), List { arn: "Arn" };
    Permission = "AWS::Lambda::Permission", None, None {};
    EventSource = "AWS::Lambda::EventSourceMapping", None, List {};

    Certificate = "AWS::CertificateManager::Certificate", None, Named {};

    RestApi = "AWS::ApiGateway::RestApi", Some("Name"), List { root: "RootResourceId" };
    ApiResource = "AWS::ApiGateway::Resource", None, None {};
    ApiMethod = "AWS::ApiGateway::Method", None, None {};
    ApiModel = "AWS::ApiGateway::Model", None, None {};
    ApiValidator = "AWS::ApiGateway::RequestValidator", Some("Name"), None {};
    ApiDeployment = "AWS::ApiGateway::Deployment", None, None {};
    ApiClientCertificate = "AWS::ApiGateway::ClientCertificate", None, Named {};
    ApiStage = "AWS::ApiGateway::Stage", None, List {};
    ApiDomain = "AWS::ApiGateway::DomainName", Some("DomainName"), List { target: "RegionalDomainName", target_zone: "RegionalHostedZoneId" };
    ApiMapping = "AWS::ApiGateway::BasePathMapping", None, None {};
    WebAcl = "AWS::WAFv2::WebACL", Some("Name"), List { arn: "Arn" };
    WebAclAssociation = "AWS::WAFv2::WebACLAssociation", None, None {};
    WebAclLogging = "AWS::WAFv2::LoggingConfiguration", None, None {};

    Machine = "AWS::StepFunctions::StateMachine", Some("StateMachineName"), List { arn: "Arn" };

    Alarm = "AWS::CloudWatch::Alarm", Some("AlarmName"), List { arn: "Arn" };
    CompositeAlarm = "AWS::CloudWatch::CompositeAlarm", Some("AlarmName"), List { arn: "Arn" };
    Dashboard = "AWS::CloudWatch::Dashboard", Some("DashboardName"), None {};
    Rule = "AWS::Events::Rule", Some("Name"), None { arn: "Arn" };
    ScheduleGroup = "AWS::Scheduler::ScheduleGroup", Some("Name"), List {};
    Schedule = "AWS::Scheduler::Schedule", Some("Name"), None {};

    Parameter = "AWS::SSM::Parameter", Some("Name"), Map {};

    EcsCluster = "AWS::ECS::Cluster", Some("ClusterName"), List { arn: "Arn" };
    EcsTask = "AWS::ECS::TaskDefinition", Some("Family"), List {};
    EcsService = "AWS::ECS::Service", Some("ServiceName"), List {};
    SidecarZone = "AWS::ServiceDiscovery::PrivateDnsNamespace", Some("Name"), List { zone: "HostedZoneId" };
    SidecarHost = "AWS::ServiceDiscovery::Service", Some("Name"), List { arn: "Arn" };
    FileSystem = "AWS::EFS::FileSystem", None, Named { arn: "Arn" };
    FileSystemTarget = "AWS::EFS::MountTarget", None, None {};
    FileSystemAccess = "AWS::EFS::AccessPoint", None, Named { arn: "Arn" };
}
