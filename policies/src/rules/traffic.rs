//! UP4xx: how clients are moved.

use super::{Group, Rule};
use crate::source::Severity;

rules! {
    Traffic;
    ALIAS_TTL = "UP401" Error ["traffic.record", "traffic.ttl"]: "An alias brings a TTL of 60 s that cannot be changed.",
        why "The TTL of an alias is its target's: 60 s for API Gateway and load balancers. It alone uses up the budget, and \
             `traffic.ttl` has no effect.",
        mend "Set `record = \"cname\"`.";
    RECORD_CHANGE_ONLY = "UP402" Error ["traffic.method"]: "Changing the record is the only way to move traffic.",
        why "A record change needs Route 53's control plane in us-east-1, so it fails exactly when that region is lost \
             (impaired for seven hours on 2021-12-07), and takes up to 60 s.",
        mend "Set `method = \"switch\"`, and `pin-record = true` for the record change as a best-effort branch.";
    ENDPOINT_MOVES = "UP403" Warning ["traffic.trigger"]: "Route 53 may move traffic without the engine.",
        why "With the endpoint check attached to the record, checks that alternate move clients back and forth, as load \
             balancers' checks did for eight hours on 2025-10-20, to a region that may not hold the lease.",
        mend "Set `trigger = \"switch\"`: the endpoint checks stay witnesses.";
    ARC_MISSING = "UP404" Error ["traffic.arc", "traffic.method"]: "The method is `arc`, and no routing controls are named.",
        why "There is nothing to flip.",
        mend "Add `[traffic.arc]` with `cluster`, `primary-control` and `standby-control`.";
    ARC_UNUSED = "UP405" Error ["traffic.arc", "traffic.method"]: "Routing controls are named, and the method does not use them.",
        why "Whoever reads the file will believe that ARC moves traffic.",
        mend "Remove `[traffic.arc]`, or set `method = \"arc\"`.";
    TTL_LONG = "UP406" Warning ["traffic.ttl"]: "The record's TTL is long.",
        why "Clients that resolved the name just before the failover keep the lost region for a whole TTL, and 8.74 % of \
             resolvers stretch it further.",
        mend "Set `ttl` to 5s or 10s.";
    TTL_SHORT = "UP407" Note ["traffic.ttl"]: "A TTL below 5 s gains little.",
        why "Many resolvers and clients hold an answer for some seconds whatever its TTL, and every one of those seconds \
             multiplies the queries.",
        mend "Nothing to mend; 5s is what the shipped policies use.";
    CHECKER_BOUND = "UP408" Error ["bounds.checker-reach", "infrastructure.route53-check.interval", "infrastructure.route53-check.failure-threshold"]: "The checkers cannot see a flipped switch within the declared bound.",
        why "A checker looks once per interval and needs as many failures in a row as its threshold says.",
        mend "Use checks every 10s with a threshold of 1, or declare a longer `checker-reach`.";
    ARC_LATENCY = "UP409" Note ["traffic.method"]: "No latency is published for ARC routing controls.",
        why "The one public run took 121 s in all. The declared bounds are counted as for switches.",
        mend "Measure it in a drill before relying on it.";
    TRIGGER_MISFIT = "UP410" Error ["traffic.trigger", "traffic.method"]: "`switch-and-endpoint` needs the method `switch`.",
        why "The trigger combines the endpoint check with the switches in one calculated check; without switches there is none.",
        mend "Set `trigger = \"switch\"`, or `method = \"switch\"`.";
}
