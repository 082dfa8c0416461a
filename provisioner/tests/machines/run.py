"""Runs rendered state machines in an emulator: run.py ENDPOINT MACHINES SCENARIO, one JSON object on standard output.

MACHINES has the definitions as `synth` writes them. The function `steps` is played by one that records what it is asked, and fails
or hangs at the steps at which a scenario wants it to; the lease item and the home region's sidecar are played by this script: the
machines are what is looked at.
"""

import io
import json
import pathlib
import sys
import threading
import time
import zipfile

import boto3

ENDPOINT, MACHINES, SCENARIO = sys.argv[1:]
PREFIX = "understudy-dev1"
HOME, AWAY = "us-east-1", "us-east-2"
CLUSTERS = {
    region: f"arn:aws:rds:{region}:000000000000:cluster:{PREFIX}-{region}-database"
    for region in (HOME, AWAY)
}
CHECK = "11111111-1111-1111-1111-111111111111"
ROLE = "arn:aws:iam::000000000000:role/any"
# What `steps` does at a step: a number of times "not yet", or "hang". Everything else succeeds at once.
ORDERS = pathlib.Path(MACHINES, "orders.json")
ASKED = pathlib.Path(MACHINES, "asked")
STEPS = f"""
import json, pathlib, time
def handler(event, context):
    step = event['step']
    with open({str(ASKED)!r}, 'a') as asked:
        asked.write(step + '\\n')
    order = json.loads(pathlib.Path({str(ORDERS)!r}).read_text()).get(step, 0)
    if order == 'hang':
        time.sleep(20)
    elif order:
        times = pathlib.Path({str(ASKED)!r}).read_text().split().count(step)
        if times <= order:
            raise RuntimeError('not yet')
    return {{'done': step}}
"""
FOREVER = 1000000


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


def start(region, way, given=None):
    machine = f"arn:aws:states:{region}:000000000000:stateMachine:{PREFIX}-{region}-{way}"
    client_of = client("stepfunctions", region)
    return client_of.start_execution(stateMachineArn=machine, input=json.dumps(given or {}))["executionArn"]


def seen(region, started):
    stepfunctions = client("stepfunctions", region)
    execution = stepfunctions.describe_execution(executionArn=started)
    history, more = [], {}
    while True:
        page = stepfunctions.get_execution_history(executionArn=started, maxResults=1000, **more)
        history += page["events"]
        if not page.get("nextToken"):
            break
        more = {"nextToken": page["nextToken"]}
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
        "asked": ASKED.read_text().split() if ASKED.exists() else [],
    }


def until(wanted, seconds_max=180):
    ends = time.monotonic() + seconds_max
    while time.monotonic() < ends:
        if wanted():
            return
        time.sleep(0.1)
    raise TimeoutError(f"not within {seconds_max} s: {wanted.__doc__ or wanted}")


def ended(region, started):
    return lambda: client("stepfunctions", region).describe_execution(executionArn=started)["status"] != "RUNNING"


def run(region, way, given=None):
    started = start(region, way, given)
    until(ended(region, started))
    return seen(region, started)


def order(**steps):
    ORDERS.write_text(json.dumps({step.replace("_", "-"): order for step, order in steps.items()}))


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


class Renewed:
    """While the home region renews."""

    def __enter__(self):
        self.stop = threading.Event()
        self.sidecar = threading.Thread(target=renewing, args=(self.stop,))
        self.sidecar.start()

    def __exit__(self, *_):
        self.stop.set()
        self.sidecar.join()


def both_ways():
    answers = {
        "dry_run": run(AWAY, "failover", {"dryRun": True}),
        "refused": run(HOME, "failover"),
        "failover": run(AWAY, "failover"),
        "again": run(AWAY, "failover"),
    }
    with Renewed():
        answers["failback"] = run(AWAY, "failback")
    return answers


def by_detach():
    return {"failover": run(AWAY, "failover")}


def global_clusters():
    found = client("rds", HOME).describe_global_clusters()["GlobalClusters"]
    return {
        cluster["GlobalClusterIdentifier"]: {
            member["DBClusterArn"].split(":")[3]: member["IsWriter"] for member in cluster["GlobalClusterMembers"]
        }
        for cluster in found
    }


def somebody_elses(number):
    """Global clusters of somebody else, of which one has a pair of its own."""
    for index in range(number):
        client("rds", HOME).create_global_cluster(
            GlobalClusterIdentifier=f"theirs-{index}", Engine="aurora-postgresql", EngineVersion="16.11"
        )
    for region in (HOME, AWAY):
        client("rds", region).create_db_cluster(
            DBClusterIdentifier=f"theirs-{region}",
            Engine="aurora-postgresql",
            EngineVersion="16.11",
            GlobalClusterIdentifier="theirs-0",
            **({"MasterUsername": "theirs", "MasterUserPassword": "not-a-secret-2"} if region == HOME else {}),
        )


def rebuild(number):
    """As the engine does after a detach: a new global cluster around the writer, and the old cluster made anew in it."""
    old = f"{PREFIX}-global" if number == 2 else f"{PREFIX}-global-{number - 1}"
    new = f"{PREFIX}-global-{number}"
    name = f"{PREFIX}-{HOME}-database"
    home = client("rds", HOME)
    home.remove_from_global_cluster(GlobalClusterIdentifier=old, DbClusterIdentifier=CLUSTERS[HOME])
    home.delete_db_instance(DBInstanceIdentifier=f"{name}-1", SkipFinalSnapshot=True)
    home.delete_db_cluster(DBClusterIdentifier=name, SkipFinalSnapshot=True)
    client("rds", AWAY).create_global_cluster(GlobalClusterIdentifier=new, SourceDBClusterIdentifier=CLUSTERS[AWAY])
    engine = {"Engine": "aurora-postgresql", "EngineVersion": "16.11"}
    home.create_db_cluster(DBClusterIdentifier=name, GlobalClusterIdentifier=new, **engine)
    home.create_db_instance(
        DBInstanceIdentifier=f"{name}-1", DBClusterIdentifier=name, Engine=engine["Engine"], DBInstanceClass="db.r6g.large"
    )


def again_after_a_detach():
    somebody_elses(25)
    answers = {"failover": run(AWAY, "failover")}
    rebuild(2)
    answers["rebuilt"] = global_clusters()
    with Renewed():
        answers["failback"] = run(AWAY, "failback")
    answers["home"] = global_clusters()
    answers["second"] = run(AWAY, "failover")
    answers["away"] = global_clusters()
    # Somebody gives the lease back by hand, and forgets the rebuild.
    client("dynamodb", HOME).update_item(
        TableName=f"{PREFIX}-lease",
        Key={"id": {"S": "lease"}},
        UpdateExpression="SET holder = :home, protected = :yes",
        ExpressionAttributeValues={":home": {"S": "home"}, ":yes": {"BOOL": True}},
    )
    answers["alone"] = run(AWAY, "failover")
    answers["left"] = global_clusters()
    return answers


def in_a_pair_of_another_name():
    """The region's cluster is in a pair whose name none of us gives."""
    away = client("rds", AWAY)
    away.remove_from_global_cluster(GlobalClusterIdentifier=f"{PREFIX}-global", DbClusterIdentifier=CLUSTERS[AWAY])
    away.create_global_cluster(GlobalClusterIdentifier="by-hand", SourceDBClusterIdentifier=CLUSTERS[AWAY])
    return {"failover": run(AWAY, "failover"), "left": global_clusters()}


def lost_switches():
    """Switch A says no, and switch B does not answer, until both can be written again."""
    order(engage_switch_a=FOREVER, engage_switch_b="hang")
    started = start(AWAY, "failover")

    def complete():
        """the failover is complete, whatever the switches do"""
        lease = item("lease", HOME, "lease")
        return lease["epoch"] == "2" and "role_change" not in lease

    began = time.monotonic()
    until(complete, 60)
    answers = {"complete": seen(AWAY, started), "seconds": time.monotonic() - began}
    order()
    until(ended(AWAY, started))
    answers["end"] = seen(AWAY, started)
    return answers


def given_up():
    queue = client("sqs", AWAY).create_queue(QueueName="told")["QueueUrl"]
    topic = f"arn:aws:sns:{AWAY}:000000000000:{PREFIX}-{AWAY}-operators"
    client("sns", AWAY).subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{AWAY}:000000000000:told")
    order(engage_switch_a=FOREVER)
    answers = {"failover": run(AWAY, "failover")}
    messages = client("sqs", AWAY).receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    answers["told"] = "\n".join(message["Body"] for message in messages)
    return answers


def not_yet():
    order(write_serving_row=3, verify_write=2, await_region=5, reconcile_database=1)
    return {"failover": run(AWAY, "failover")}


def never():
    order(verify_routing=FOREVER)
    answers = {"failover": run(AWAY, "failover")}
    # As if it had been mended by hand; and then nobody renews at home.
    order()
    rebuild(2)
    client("dynamodb", HOME).update_item(
        TableName=f"{PREFIX}-lease",
        Key={"id": {"S": "lease"}},
        UpdateExpression="SET protected = :yes REMOVE role_change, role_change_step",
        ExpressionAttributeValues={":yes": {"BOOL": True}},
    )
    answers["failback"] = run(AWAY, "failback")
    return answers


SCENARIOS = [
    both_ways,
    by_detach,
    again_after_a_detach,
    in_a_pair_of_another_name,
    lost_switches,
    given_up,
    not_yet,
    never,
]
prepare()
order()
print(json.dumps(next(scenario for scenario in SCENARIOS if scenario.__name__ == SCENARIO)()))
