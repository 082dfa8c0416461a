// What else teams build with the AWS CDK, custom resources and their providers included: nothing to find in it either.
// Usage: node services.cjs OUT WAY... ; as app.cjs.
const cdk = require('aws-cdk-lib');
const gateway = require('aws-cdk-lib/aws-apigatewayv2');
const integrations = require('aws-cdk-lib/aws-apigatewayv2-integrations');
const cloudwatch = require('aws-cdk-lib/aws-cloudwatch');
const dynamodb = require('aws-cdk-lib/aws-dynamodb');
const ec2 = require('aws-cdk-lib/aws-ec2');
const ecs = require('aws-cdk-lib/aws-ecs');
const patterns = require('aws-cdk-lib/aws-ecs-patterns');
const iam = require('aws-cdk-lib/aws-iam');
const kms = require('aws-cdk-lib/aws-kms');
const lambda = require('aws-cdk-lib/aws-lambda');
const rds = require('aws-cdk-lib/aws-rds');
const route53 = require('aws-cdk-lib/aws-route53');
const s3 = require('aws-cdk-lib/aws-s3');
const deployment = require('aws-cdk-lib/aws-s3-deployment');
const notifications = require('aws-cdk-lib/aws-s3-notifications');
const scheduler = require('aws-cdk-lib/aws-scheduler');
const targets = require('aws-cdk-lib/aws-scheduler-targets');
const secrets = require('aws-cdk-lib/aws-secretsmanager');
const sqs = require('aws-cdk-lib/aws-sqs');
const stepfunctions = require('aws-cdk-lib/aws-stepfunctions');
const custom = require('aws-cdk-lib/custom-resources');

const ACCOUNT = '111122223333';

class Services extends cdk.Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    const here = props.env.region;
    const there = here === 'us-east-1' ? 'us-east-2' : 'us-east-1';
    const vpc = new ec2.Vpc(this, 'Vpc', {
      ipAddresses: ec2.IpAddresses.cidr(props.cidr),
      availabilityZones: ['a', 'b'].map((zone) => here + zone),
    });
    new patterns.ApplicationLoadBalancedFargateService(this, 'Service', {
      cluster: new ecs.Cluster(this, 'Cluster', { vpc }),
      memoryLimitMiB: 512,
      desiredCount: 2,
      taskImageOptions: { image: ecs.ContainerImage.fromRegistry('nginx'), environment: { REGION: here } },
    });
    const database = new rds.DatabaseCluster(this, 'Database', {
      engine: rds.DatabaseClusterEngine.auroraPostgres({ version: rds.AuroraPostgresEngineVersion.VER_16_6 }),
      writer: rds.ClusterInstance.provisioned('Writer', {
        instanceType: ec2.InstanceType.of(ec2.InstanceClass.R6G, ec2.InstanceSize.LARGE),
      }),
      readers: [rds.ClusterInstance.serverlessV2('Reader')],
      vpc,
      storageEncryptionKey: new kms.Key(this, 'DatabaseKey'),
      credentials: rds.Credentials.fromPassword('orders', cdk.SecretValue.secretsManager('database')),
    });
    const cluster = database.node.defaultChild;
    cluster.globalClusterIdentifier = 'orders';
    if (props.standby) {
      cluster.addPropertyDeletionOverride('MasterUsername');
      cluster.addPropertyDeletionOverride('MasterUserPassword');
    } else {
      new secrets.Secret(this, 'Secret', { replicaRegions: [{ region: there }] });
    }
    const bucket = new s3.Bucket(this, 'Assets', {
      autoDeleteObjects: true,
      removalPolicy: cdk.RemovalPolicy.DESTROY,
      enforceSSL: true,
      serverAccessLogsPrefix: 'access',
      lifecycleRules: [{ expiration: cdk.Duration.days(30) }],
    });
    const handler = new lambda.Function(this, 'Handler', {
      runtime: lambda.Runtime.PYTHON_3_13,
      handler: 'index.handle',
      code: lambda.Code.fromInline('def handle(event, context): pass'),
      environment: { BUCKET: bucket.bucketName, HOST: database.clusterEndpoint.hostname },
    });
    bucket.addEventNotification(s3.EventType.OBJECT_CREATED, new notifications.LambdaDestination(handler));
    bucket.grantReadWrite(handler);
    const alias = handler.addAlias('live', { provisionedConcurrentExecutions: 2 });
    const api = new gateway.HttpApi(this, 'Api', {
      defaultIntegration: new integrations.HttpLambdaIntegration('Proxy', alias),
    });
    new cloudwatch.Dashboard(this, 'Dashboard', {
      dashboardName: `orders-${here}`,
      widgets: [[new cloudwatch.GraphWidget({
        left: [handler.metricErrors(), new cloudwatch.Metric({ namespace: 'Orders', metricName: 'Beat', region: there })],
      })]],
    });
    new stepfunctions.StateMachine(this, 'Machine', {
      definitionBody: stepfunctions.DefinitionBody.fromChainable(
        new stepfunctions.Parallel(this, 'Both')
          .branch(new stepfunctions.Wait(this, 'Wait', { time: stepfunctions.WaitTime.duration(cdk.Duration.seconds(3)) }))
          .branch(new stepfunctions.Pass(this, 'Pass')),
      ),
    });
    new scheduler.Schedule(this, 'Hourly', {
      schedule: scheduler.ScheduleExpression.rate(cdk.Duration.hours(1)),
      target: new targets.LambdaInvoke(handler, {}),
    });
    new custom.AwsCustomResource(this, 'Custom', {
      onCreate: { service: 'S3', action: 'listBuckets', physicalResourceId: custom.PhysicalResourceId.of('list') },
      policy: custom.AwsCustomResourcePolicy.fromSdkCalls({ resources: ['*'] }),
    });
    new deployment.BucketDeployment(this, 'Deployment', {
      sources: [deployment.Source.data('hello.txt', 'hello')],
      destinationBucket: bucket,
    });
    new route53.CfnHealthCheck(this, 'Check', {
      healthCheckConfig: {
        type: 'HTTPS_STR_MATCH',
        searchString: 'ok',
        requestInterval: 10,
        failureThreshold: 1,
        enableSni: true,
        fullyQualifiedDomainName: `${api.apiId}.execute-api.${here}.amazonaws.com`,
        resourcePath: '/health',
      },
    });
    new sqs.Queue(this, 'Queue', { encryption: sqs.QueueEncryption.SQS_MANAGED });
    const role = new iam.Role(this, 'Across', {
      roleName: `across-${here}`,
      assumedBy: new iam.ArnPrincipal(`arn:aws:iam::${ACCOUNT}:role/across-${there}`),
    });
    role.addToPolicy(new iam.PolicyStatement({
      actions: ['sqs:SendMessage'],
      resources: [`arn:aws:sqs:${there}:${ACCOUNT}:orders`],
    }));
    role.addToPolicy(new iam.PolicyStatement({
      actions: ['kms:Decrypt'],
      resources: ['us-east-1', 'us-east-2'].map((region) => `arn:aws:kms:${region}:${ACCOUNT}:key/1`),
    }));
    new dynamodb.Table(this, 'Cache', { partitionKey: { name: 'id', type: dynamodb.AttributeType.STRING } });
    new cdk.CfnOutput(this, 'Bucket', { value: bucket.bucketName, exportName: `assets-${id}` });
  }
}

const [, , out, ...ways] = process.argv;
for (const way of ways) {
  const metadata = way.includes('metadata');
  const app = new cdk.App({
    outdir: `${out}/${way}`,
    analyticsReporting: false,
    context: { 'aws:cdk:enable-path-metadata': metadata, 'aws:cdk:enable-asset-metadata': metadata },
  });
  const env = (region) => ({ account: ACCOUNT, region });
  new Services(app, 'PrimaryServices', { env: env('us-east-1'), cidr: '10.0.0.0/16' });
  new Services(app, 'StandbyServices', { env: env('us-east-2'), cidr: '10.1.0.0/16', standby: true });
  app.synth();
}
