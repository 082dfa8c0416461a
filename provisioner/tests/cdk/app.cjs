// A platform in two regions, as a team that uses the AWS CDK would write it: the clean pair of the linter's tests.
// Usage: node app.cjs OUT WAY... ; writes a cloud assembly to OUT/WAY for each way, without any call to AWS.
// A way is `plain`, or names `agnostic` (the stacks do not know their region and account) or `metadata` (as the CDK's own
// command line generates them), or both.
const { App, Stack, Duration, NestedStack, RemovalPolicy, Tags, Aws, Fn } = require('aws-cdk-lib');
const apigateway = require('aws-cdk-lib/aws-apigateway');
const acm = require('aws-cdk-lib/aws-certificatemanager');
const cloudwatch = require('aws-cdk-lib/aws-cloudwatch');
const actions = require('aws-cdk-lib/aws-cloudwatch-actions');
const dynamodb = require('aws-cdk-lib/aws-dynamodb');
const ec2 = require('aws-cdk-lib/aws-ec2');
const events = require('aws-cdk-lib/aws-events');
const targets = require('aws-cdk-lib/aws-events-targets');
const iam = require('aws-cdk-lib/aws-iam');
const kms = require('aws-cdk-lib/aws-kms');
const lambda = require('aws-cdk-lib/aws-lambda');
const sources = require('aws-cdk-lib/aws-lambda-event-sources');
const logs = require('aws-cdk-lib/aws-logs');
const rds = require('aws-cdk-lib/aws-rds');
const s3 = require('aws-cdk-lib/aws-s3');
const sns = require('aws-cdk-lib/aws-sns');
const subscriptions = require('aws-cdk-lib/aws-sns-subscriptions');
const sqs = require('aws-cdk-lib/aws-sqs');
const ssm = require('aws-cdk-lib/aws-ssm');
const stepfunctions = require('aws-cdk-lib/aws-stepfunctions');
const tasks = require('aws-cdk-lib/aws-stepfunctions-tasks');

const [, , out, ...ways] = process.argv;
const ACCOUNT = '111122223333';
const SUFFIX = 'dev1';
const regions = { primary: 'us-east-1', standby: 'us-east-2' };
const cidrs = { primary: '10.10.0.0/16', standby: '10.20.0.0/16' };

class Network extends Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    this.vpc = new ec2.Vpc(this, 'Vpc', {
      ipAddresses: ec2.IpAddresses.cidr(cidrs[props.role]),
      availabilityZones: ['a', 'b', 'c'].map((zone) => props.region + zone),
      subnetConfiguration: [{ name: 'private', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 20 }],
      natGateways: 0,
      gatewayEndpoints: { s3: { service: ec2.GatewayVpcEndpointAwsService.S3 } },
    });
    this.vpc.addInterfaceEndpoint('Sqs', { service: ec2.InterfaceVpcEndpointAwsService.SQS });
    this.vpc.addFlowLog('FlowLog', {
      destination: ec2.FlowLogDestination.toCloudWatchLogs(
        new logs.LogGroup(this, 'FlowLogs', { retention: logs.RetentionDays.ONE_YEAR }),
      ),
    });
    const peer = props.role === 'primary' ? 'standby' : 'primary';
    this.vpc.isolatedSubnets.forEach((subnet, index) => {
      new ec2.CfnRoute(this, `Peer${index}`, {
        routeTableId: subnet.routeTable.routeTableId,
        destinationCidrBlock: cidrs[peer],
        vpcPeeringConnectionId: Fn.importValue(`peering-${SUFFIX}`),
      });
    });
    this.database = new ec2.SecurityGroup(this, 'Database', { vpc: this.vpc, allowAllOutbound: false });
    this.database.addIngressRule(ec2.Peer.ipv4(cidrs[props.role]), ec2.Port.tcp(5432));
    this.database.addIngressRule(ec2.Peer.ipv4(cidrs[peer]), ec2.Port.tcp(5432));
  }
}

class Observed extends NestedStack {
  constructor(scope, id, props) {
    super(scope, id);
    this.alarm = new cloudwatch.Alarm(this, 'Errors', {
      alarmName: `orders-errors-${props.region}-${SUFFIX}`,
      metric: props.handler.metricErrors({ period: Duration.minutes(1) }),
      threshold: 5,
      evaluationPeriods: 2,
      treatMissingData: cloudwatch.TreatMissingData.MISSING,
    });
    this.alarm.addAlarmAction(new actions.SnsAction(props.topic));
  }
}

class Platform extends Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    const { role, network } = props;
    const peerRole = role === 'primary' ? 'standby' : 'primary';
    const here = props.agnostic ? Aws.REGION : regions[role];
    const there = regions[peerRole];
    const account = props.agnostic ? Aws.ACCOUNT_ID : ACCOUNT;

    const key = new kms.Key(this, 'Key', { enableKeyRotation: true });
    const letters = new sqs.Queue(this, 'Letters', { encryptionMasterKey: key, enforceSSL: true });
    const orders = new sqs.Queue(this, 'Orders', {
      queueName: `orders-${here}-${SUFFIX}`,
      encryptionMasterKey: key,
      enforceSSL: true,
      visibilityTimeout: Duration.seconds(180),
      deadLetterQueue: { queue: letters, maxReceiveCount: 5 },
    });

    const bucket = new s3.CfnBucket(this, 'Config', {
      bucketName: `config-${account}-${here}-${SUFFIX}`,
      versioningConfiguration: { status: 'Enabled' },
      bucketEncryption: {
        serverSideEncryptionConfiguration: [{ serverSideEncryptionByDefault: { sseAlgorithm: 'aws:kms', kmsMasterKeyId: key.keyArn } }],
      },
      lifecycleConfiguration: { rules: [{ status: 'Enabled', noncurrentVersionExpiration: { noncurrentDays: 90 } }] },
      publicAccessBlockConfiguration: { blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true },
      replicationConfiguration: {
        role: new iam.Role(this, 'Replication', { assumedBy: new iam.ServicePrincipal('s3.amazonaws.com') }).roleArn,
        rules: [{
          status: 'Enabled',
          priority: 1,
          filter: { prefix: '' },
          deleteMarkerReplication: { status: 'Enabled' },
          sourceSelectionCriteria: { sseKmsEncryptedObjects: { status: 'Enabled' } },
          destination: {
            bucket: `arn:aws:s3:::config-${account}-${there}-${SUFFIX}`,
            encryptionConfiguration: { replicaKmsKeyId: `arn:aws:kms:${there}:${account}:alias/config-${SUFFIX}` },
          },
        }],
      },
    });
    bucket.applyRemovalPolicy(RemovalPolicy.RETAIN);

    const handler = new lambda.Function(this, 'Handler', {
      functionName: `orders-${here}-${SUFFIX}`,
      runtime: lambda.Runtime.NODEJS_22_X,
      architecture: lambda.Architecture.ARM_64,
      handler: 'index.handler',
      code: lambda.Code.fromAsset(`${__dirname}/handler`),
      memorySize: 512,
      timeout: Duration.seconds(30),
      reservedConcurrentExecutions: 50,
      vpc: network.vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
      environment: {
        ORDERS_QUEUE: orders.queueUrl,
        CONFIG_BUCKET: bucket.ref,
        PEER_REGION: there,
        PRIMARY_REGION: regions.primary,
        LOG_LEVEL: 'info',
      },
      logGroup: new logs.LogGroup(this, 'HandlerLogs', { retention: logs.RetentionDays.ONE_YEAR }),
    });
    handler.addEventSource(new sources.SqsEventSource(orders, { batchSize: 10, reportBatchItemFailures: true }));
    handler.addToRolePolicy(new iam.PolicyStatement({
      actions: ['dynamodb:GetItem', 'dynamodb:PutItem'],
      resources: [`arn:aws:dynamodb:${here}:${account}:table/sessions-${SUFFIX}`],
    }));

    const api = new apigateway.RestApi(this, 'Api', {
      restApiName: `orders-${SUFFIX}`,
      endpointTypes: [apigateway.EndpointType.REGIONAL],
      deployOptions: { stageName: 'v1', throttlingRateLimit: 1000, throttlingBurstLimit: 500 },
      cloudWatchRole: false,
    });
    api.root.addResource('health').addMethod('GET', new apigateway.LambdaIntegration(handler));
    const place = api.root.addResource('orders').addMethod('POST', new apigateway.LambdaIntegration(handler), {
      authorizationType: apigateway.AuthorizationType.IAM,
    });
    if (role === 'standby') {
      place.node.defaultChild.addMetadata('Understudy', {
        Suppress: [{ Code: 'UL434', Reason: 'clients sign with SigV4a, for both regions' }],
      });
    }
    for (const [name, host] of [['Shared', 'orders.example.com'], ['Own', `orders-${regions[role]}.example.com`]]) {
      const domain = new apigateway.DomainName(this, name, {
        domainName: host,
        endpointType: apigateway.EndpointType.REGIONAL,
        securityPolicy: apigateway.SecurityPolicy.TLS_1_2,
        certificate: acm.Certificate.fromCertificateArn(this, `${name}Certificate`, `arn:aws:acm:${here}:${account}:certificate/${role}-${name}`),
      });
      domain.addBasePathMapping(api, { stage: api.deploymentStage });
    }

    const topic = new sns.Topic(this, 'Operators', { masterKey: key });
    topic.addSubscription(new subscriptions.EmailSubscription('operators@example.com'));
    topic.addSubscription(new subscriptions.SqsSubscription(orders));
    new Observed(this, 'Observed', { handler, topic, region: here });
    new cloudwatch.Alarm(this, 'Latency', {
      alarmName: `orders-latency-${here}-${SUFFIX}`,
      metric: api.metricLatency({ statistic: 'p99', period: Duration.minutes(1) }),
      threshold: 800,
      evaluationPeriods: 3,
    }).addAlarmAction(new actions.SnsAction(topic));

    const rule = new events.Rule(this, 'Forward', {
      ruleName: `forward-${SUFFIX}`,
      eventPattern: { source: ['aws.cloudwatch', 'aws.rds'], region: [regions[role]] },
    });
    rule.addTarget(new targets.EventBus(events.EventBus.fromEventBusArn(this, 'Bus', `arn:aws:events:${there}:${account}:event-bus/default`), {
      deadLetterQueue: letters,
    }));
    new events.Rule(this, 'Hourly', {
      schedule: events.Schedule.rate(Duration.hours(1)),
      targets: [new targets.LambdaFunction(handler)],
    });

    new stepfunctions.StateMachine(this, 'Failover', {
      stateMachineName: `failover-${here}-${SUFFIX}`,
      definitionBody: stepfunctions.DefinitionBody.fromChainable(
        new tasks.LambdaInvoke(this, 'Look', { lambdaFunction: handler }).next(
          new tasks.CallAwsService(this, 'Promote', {
            service: 'rds',
            action: 'failoverGlobalCluster',
            parameters: {
              GlobalClusterIdentifier: `orders-${SUFFIX}`,
              TargetDbClusterIdentifier: `arn:aws:rds:${here}:${account}:cluster:orders-${here}-${SUFFIX}`,
              AllowDataLoss: true,
            },
            iamResources: ['*'],
          }),
        ),
      ),
    });

    const parameters = new rds.CfnDBClusterParameterGroup(this, 'Parameters', {
      description: 'orders', family: 'aurora-postgresql16', parameters: { 'rds.force_ssl': '1' },
    });
    const subnets = new rds.CfnDBSubnetGroup(this, 'Subnets', {
      dbSubnetGroupDescription: 'orders', subnetIds: network.vpc.isolatedSubnets.map((subnet) => subnet.subnetId),
    });
    const cluster = new rds.CfnDBCluster(this, 'Database', {
      dbClusterIdentifier: `orders-${here}-${SUFFIX}`,
      engine: 'aurora-postgresql',
      engineVersion: '16.11',
      globalClusterIdentifier: `orders-${SUFFIX}`,
      storageEncrypted: true,
      kmsKeyId: key.keyArn,
      backupRetentionPeriod: 35,
      deletionProtection: true,
      dbClusterParameterGroupName: parameters.ref,
      dbSubnetGroupName: subnets.ref,
      vpcSecurityGroupIds: [network.database.securityGroupId],
      ...(role === 'primary' ? { masterUsername: 'orders', masterUserPassword: `{{resolve:secretsmanager:orders-${SUFFIX}:SecretString:password}}` } : {}),
    });
    new rds.CfnDBInstance(this, 'Instance', {
      dbClusterIdentifier: cluster.ref, dbInstanceClass: 'db.r6g.large', engine: 'aurora-postgresql', dbSubnetGroupName: subnets.ref,
    });
    if (role === 'primary' && props.agnostic) {
      // TableV2 needs to know its region to have replicas.
      const recovery = { pointInTimeRecoveryEnabled: true };
      new dynamodb.CfnGlobalTable(this, 'Sessions', {
        tableName: `sessions-${SUFFIX}`,
        billingMode: 'PAY_PER_REQUEST',
        attributeDefinitions: [{ attributeName: 'id', attributeType: 'S' }],
        keySchema: [{ attributeName: 'id', keyType: 'HASH' }],
        streamSpecification: { streamViewType: 'NEW_AND_OLD_IMAGES' },
        replicas: [here, there].map((region) => ({ region, pointInTimeRecoverySpecification: recovery })),
      });
    } else if (role === 'primary') {
      new dynamodb.TableV2(this, 'Sessions', {
        tableName: `sessions-${SUFFIX}`,
        partitionKey: { name: 'id', type: dynamodb.AttributeType.STRING },
        pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
        replicas: [{ region: regions.standby }],
      });
    }
    new ssm.StringParameter(this, 'Peer', { parameterName: `/orders/${SUFFIX}/peer`, stringValue: there });
    Tags.of(this).add('platform', 'orders');
    Tags.of(this).add('environment', SUFFIX);
  }
}

for (const way of ways) {
  const agnostic = way.includes('agnostic');
  const metadata = way.includes('metadata');
  const app = new App({
    outdir: `${out}/${way}`,
    analyticsReporting: false,
    context: { 'aws:cdk:enable-path-metadata': metadata, 'aws:cdk:enable-asset-metadata': metadata },
  });
  for (const role of ['primary', 'standby']) {
    const name = role === 'primary' ? 'Primary' : 'Standby';
    const env = agnostic ? {} : { env: { account: ACCOUNT, region: regions[role] } };
    const network = new Network(app, `${name}Network`, { ...env, role, region: regions[role] });
    new Platform(app, `${name}Platform`, { ...env, role, network, agnostic });
  }
  app.synth();
}
