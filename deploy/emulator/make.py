"""Makes in an emulator what the provisioner makes in AWS, as far as a sidecar needs it: make.py ENDPOINT."""

import sys

import boto3

ENDPOINT = sys.argv[1]
PREFIX = "understudy-dev1"
REGIONS = ("us-east-1", "us-east-2")
WITNESS = "us-west-2"
# The only version that the emulator takes.
AURORA = {"Engine": "aurora-postgresql", "EngineVersion": "16.11"}


def client(service, region):
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=ENDPOINT,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def table(name, region, *replicas):
    dynamodb = client("dynamodb", region)
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    for replica in replicas:
        dynamodb.update_table(TableName=name, ReplicaUpdates=[{"Create": {"RegionName": replica}}])


def cluster(region, **more):
    rds = client("rds", region)
    name = f"{PREFIX}-{region}-database"
    made = rds.create_db_cluster(DBClusterIdentifier=name, **AURORA, **more)
    rds.create_db_instance(
        DBInstanceIdentifier=f"{name}-1",
        DBClusterIdentifier=name,
        Engine=AURORA["Engine"],
        DBInstanceClass="db.r6g.large",
    )
    return made["DBCluster"]["DBClusterArn"]


table(f"{PREFIX}-lease", REGIONS[0], REGIONS[1])
table(f"{PREFIX}-switches", REGIONS[1])
for region in REGIONS:
    table(f"{PREFIX}-order-path", region)
    for queue in ("events", "dead-letters"):
        client("sqs", region).create_queue(QueueName=f"{PREFIX}-{region}-{queue}")
    client("sns", region).create_topic(Name=f"{PREFIX}-{region}-operators")
client("s3", WITNESS).create_bucket(
    Bucket=f"{PREFIX}-switch-b-000000000000",
    CreateBucketConfiguration={"LocationConstraint": WITNESS},
)
source = cluster(REGIONS[0], MasterUsername="orders", MasterUserPassword="not-a-secret-1")
client("rds", REGIONS[0]).create_global_cluster(
    GlobalClusterIdentifier=f"{PREFIX}-global", SourceDBClusterIdentifier=source
)
cluster(REGIONS[1], GlobalClusterIdentifier=f"{PREFIX}-global")
