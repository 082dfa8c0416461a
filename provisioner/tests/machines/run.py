"""Runs rendered state machines in an emulator: run.py ENDPOINT MACHINES METHOD, one JSON object on standard output.

MACHINES has the definitions as `synth` writes them. The function `steps` is played by one that records what it is asked, and the
lease item and the home region's sidecar by this script: the machines are what is looked at.
"""

import io
import json
import sys
import threading
import time
import zipfile

import boto3

ENDPOINT, MACHINES, METHOD = sys.argv[1:]
PREFIX = "understudy-dev1"
HOME, AWAY = "us-east-1", "us-east-2"
CLUSTERS = {
    region: f"arn:aws:rds:{region}:000000000000:cluster:{PREFIX}-{region}-database"
    for region in (HOME, AWAY)
}
CHECK = "11111111-1111-1111-1111-111111111111"
ROLE = "arn:aws:iam::000000000000:role/any"
STEPS = "def handler(event, context):\n    return {'done': event['step']}\n"


def client(service, region):
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=ENDPOINT,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def prepare():
    client("dynamodb", HOME).put_item(
        TableName=f"{PREFIX}-lease",
        Item={
            "id": {"S": "lease"},
            "format": {"N": "1"},
            "version": {"N": "1"},
            "epoch": {"N": "1"},
            "holder": {"S": "home"},
            "renewals": {"N": "9"},
            "released": {"BOOL": True},
            "protected": {"BOOL": True},
            "nonce": {"S": "1-1"},
        },
    )
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("steps.py", STEPS)
    for region in (HOME, AWAY):
        client("lambda", region).create_function(
            FunctionName=f"{PREFIX}-{region}-steps",
            Runtime="python3.11",
            Handler="steps.handler",
            Role=ROLE,
            Code={"ZipFile": package.getvalue()},
            Timeout=30,
        )
        for name, value in (("hosted-zone", zone()), ("primary-check", CHECK)):
            client("ssm", region).put_parameter(Name=f"/understudy/dev1/shared/{name}", Value=value, Type="String")
        for way in ("failover", "failback"):
            with open(f"{MACHINES}/{region}-{way}.asl.json", encoding="utf-8") as file:
                client("stepfunctions", region).create_state_machine(
                    name=f"{PREFIX}-{region}-{way}", definition=file.read(), roleArn=ROLE
                )


def zone():
    route53 = client("route53", HOME)
    zones = route53.list_hosted_zones()["HostedZones"]
    if not zones:
        made = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]
        records = [("primary", "PRIMARY", HOME), ("standby", "SECONDARY", AWAY)]
        changes = []
        for identifier, failover, region in records:
            record = {
                "Name": "orders.example.com",
                "Type": "CNAME",
                "TTL": 5,
                "SetIdentifier": identifier,
                "Failover": failover,
                "ResourceRecords": [{"Value": f"to-{region}.orders.example.com"}],
            }
            if failover == "PRIMARY":
                record["HealthCheckId"] = CHECK
            changes.append({"Action": "CREATE", "ResourceRecordSet": record})
        route53.change_resource_record_sets(HostedZoneId=made["Id"], ChangeBatch={"Changes": changes})
        zones = [made]
    return zones[0]["Id"].rsplit("/", 1)[-1]


def records():
    found = client("route53", HOME).list_resource_record_sets(HostedZoneId=zone())["ResourceRecordSets"]
    return {
        record["SetIdentifier"]: [record["ResourceRecords"][0]["Value"], record.get("HealthCheckId")]
        for record in found
        if "SetIdentifier" in record
    }


def writer():
    """The region whose cluster writes, whether or not it was detached."""
    members = {}
    for cluster in client("rds", HOME).describe_global_clusters()["GlobalClusters"]:
        for member in cluster["GlobalClusterMembers"]:
            members[member["DBClusterArn"]] = member["IsWriter"]
    return [region for region, arn in CLUSTERS.items() if members.get(arn, True)]


def item(table, region, key):
    found = client("dynamodb", region).get_item(TableName=f"{PREFIX}-{table}", Key={"id": {"S": key}}, ConsistentRead=True)
    return {name: next(iter(value.values())) for name, value in found.get("Item", {}).items()}


def run(region, way, given=None):
    stepfunctions = client("stepfunctions", region)
    machine = f"arn:aws:states:{region}:000000000000:stateMachine:{PREFIX}-{region}-{way}"
    started = stepfunctions.start_execution(stateMachineArn=machine, input=json.dumps(given or {}))["executionArn"]
    ends = time.monotonic() + 120
    while time.monotonic() < ends:
        execution = stepfunctions.describe_execution(executionArn=started)
        if execution["status"] != "RUNNING":
            break
        time.sleep(0.1)
    history = stepfunctions.get_execution_history(executionArn=started, maxResults=1000)["events"]
    entered = [
        event["stateEnteredEventDetails"]["name"] for event in history if "stateEnteredEventDetails" in event
    ]
    return {
        "status": execution["status"],
        "error": execution.get("error"),
        "cause": execution.get("cause"),
        "entered": entered,
        "writer": writer(),
        "lease": item("lease", HOME, "lease"),
        "order_path": item("order-path", region, "order-path"),
        "records": records(),
    }


def renewing(stop):
    """The home region's sidecar, as far as the lease's counter shows it."""
    dynamodb = client("dynamodb", HOME)
    while not stop.wait(0.3):
        dynamodb.update_item(
            TableName=f"{PREFIX}-lease",
            Key={"id": {"S": "lease"}},
            UpdateExpression="SET renewals = renewals + :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )


prepare()
answers = {
    "dry_run": run(AWAY, "failover", {"dryRun": True}),
    "refused": run(HOME, "failover"),
    "failover": run(AWAY, "failover"),
    "again": run(AWAY, "failover"),
}
stop = threading.Event()
sidecar = threading.Thread(target=renewing, args=(stop,))
sidecar.start()
try:
    # After a detach the old cluster is to be replaced first, which is the engine's business.
    if METHOD == "aurora-managed":
        answers["failback"] = run(AWAY, "failback")
finally:
    stop.set()
    sidecar.join()
print(json.dumps(answers))
