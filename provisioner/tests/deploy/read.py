"""What services of an emulator say that the provisioner has no client for: read.py ENDPOINT, one JSON object on standard output."""

import json
import sys

import boto3

ENDPOINT = sys.argv[1]
REGIONS = ("us-east-1", "us-east-2")


def region(name):
    def client(service):
        return boto3.client(
            service,
            region_name=name,
            endpoint_url=ENDPOINT,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    apis, scheduler, kms, iam = client("apigateway"), client("scheduler"), client("kms"), client("iam")
    domains = {}
    for domain in apis.get_domain_names()["items"]:
        mappings = apis.get_base_path_mappings(domainName=domain["domainName"])["items"]
        domains[domain["domainName"]] = {
            "target": domain["regionalDomainName"],
            "tls": domain["securityPolicy"],
            "certificate": domain["regionalCertificateArn"],
            "apis": [mapping["restApiId"] for mapping in mappings],
            "tags": domain["tags"],
        }
    schedules = {}
    for found in scheduler.list_schedules()["Schedules"]:
        schedule = scheduler.get_schedule(Name=found["Name"], GroupName=found["GroupName"])
        schedules[schedule["Name"]] = {
            "every": schedule["ScheduleExpression"],
            "state": schedule["State"],
            "target": schedule["Target"]["Arn"],
        }
    keys = {}
    for alias in kms.list_aliases()["Aliases"]:
        if "TargetKeyId" in alias:
            keys[alias["AliasName"]] = {
                "rotates": kms.get_key_rotation_status(KeyId=alias["TargetKeyId"])["KeyRotationEnabled"],
            }
    roles = {}
    for role in iam.list_roles()["Roles"]:
        trust = role["AssumeRolePolicyDocument"]["Statement"]
        attached = iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
        roles[role["RoleName"]] = {"trust": trust, "policies": [policy["PolicyName"] for policy in attached]}
    groups = client("logs").describe_log_groups()["logGroups"]
    services = client("ecs").list_services(cluster=f"understudy-dev1-{name}-engine")["serviceArns"]
    parameters = client("rds").describe_db_cluster_parameters(
        DBClusterParameterGroupName=f"understudy-dev1-{name}-cluster-parameters", Source="user"
    )["Parameters"]
    return {
        "apis": {api["id"]: {"name": api["name"], "tags": api["tags"]} for api in apis.get_rest_apis()["items"]},
        "domains": domains,
        "schedules": schedules,
        "keys": keys,
        "roles": roles,
        "log_groups": {
            group["logGroupName"]: [group.get("retentionInDays"), "kmsKeyId" in group] for group in groups
        },
        "services": services,
        "cluster_parameters": {one["ParameterName"]: one.get("ParameterValue") for one in parameters},
    }


print(json.dumps({name: region(name) for name in REGIONS}))
