//! UP2xx: witnesses and quorum.

use super::{Group, Rule};
use crate::source::Severity;

rules! {
    Evidence;
    QUORUM_UNREACHABLE = "UP201" Error ["quorum.failure-domains", "witness.failure-domain"]: "The quorum can never be reached.",
        why "A quorum counts failure domains, not witnesses. With fewer domains than it asks for there is no failover, \
             whatever is lost.",
        mend "Add a witness in another failure domain that observes the same component, or ask for fewer domains.";
    TARGET_IN_QUORUM = "UP202" Error ["witness.failure-domain", "witness.quorum"]: "A witness that goes down with the observed region counts in the quorum.",
        why "It is silent, or wrong, exactly when it is needed.",
        mend "Set `quorum = false`, or observe from another region.";
    ALARM_IN_QUORUM = "UP203" Error ["witness.kind", "witness.quorum"]: "A CloudWatch alarm counts in the quorum.",
        why "In the outage of 2020-11-25 CloudWatch was without data for hours, and in that of 2023-06-13 EventBridge was \
             801 s late. Alarms are evaluated every 10 s at best, or every minute: too late for the budget.",
        mend "Set `quorum = false`: the alarm still informs and explains.";
    ROUTE53_IN_QUORUM = "UP204" Error ["witness.kind", "witness.quorum"]: "A Route 53 check counts in the quorum.",
        why "The metrics of Route 53 checks exist only in us-east-1, so the witness is blind when that region is lost.",
        mend "Set `quorum = false`, and probe from the witness region instead.";
    PROVIDER_IN_QUORUM = "UP205" Error ["witness.kind", "witness.quorum"]: "AWS Health counts in the quorum.",
        why "Posts came 23, 52 and 120 minutes after the onset. They corroborate; they cannot decide within a minute.",
        mend "Set `quorum = false`; `failback.wait-for-health-event` is what they are good for.";
    DOMAIN_COUNTED_ONCE = "UP206" Note ["witness.failure-domain"]: "Two witnesses of the quorum stand in one failure domain and count once.",
        why "What fails together agrees for the wrong reason.",
        mend "Nothing to mend, unless the second was meant to add a voice: then move it to another domain.";
    MISSING_BREACHED = "UP207" Error ["witness.missing-data"]: "Silence of a witness of the quorum is read as a breach.",
        why "Missing is not breached. In the outage of 2020-11-25 the right decision was to hold while monitoring was \
             silent for hours; total loss of monitoring must never start a failover.",
        mend "Set `missing-data = \"missing\"`.";
    SILENCE_BREACHED = "UP208" Warning ["witness.missing-data"]: "Silence of a witness is read as a breach.",
        why "It does not decide, but every explanation that names it will claim a breach that nobody saw.",
        mend "Set `missing-data = \"missing\"`.";
    MISSING_AFTER_SHORT = "UP209" Error ["witness.missing-after", "witness.interval"]: "A witness is called missing after less than two intervals.",
        why "One late observation would make it missing, and break the quorum's dwell.",
        mend "Set `missing-after` to at least twice `interval`.";
    PROBES_OVERLAP = "UP210" Warning ["witness.timeout", "witness.interval"]: "A witness of the quorum waits longer for an answer than until the next observation.",
        why "Probes then overlap, and a slow answer arrives after a later, quicker one.",
        mend "Set `timeout` to at most `interval`.";
    DUPLICATE_WITNESS = "UP211" Error ["witness.name"]: "Two witnesses have the same name.",
        why "Journals, metrics and explanations tell witnesses apart by their names.",
        mend "Rename one of them.";
    COMPONENT_IN_QUORUM = "UP212" Error ["witness.observes", "witness.quorum"]: "A witness of the quorum observes neither the application nor the database.",
        why "A lost sidecar, a lagging replica or a cut-off observer is not a lost region.",
        mend "Set `quorum = false`.";
    SINGLE_DOMAIN = "UP213" Warning ["quorum.failure-domains"]: "One failure domain alone may call a region lost.",
        why "On 2018-10-21 a partition of 43 seconds, seen from one side, moved GitHub's databases and cost a day.",
        mend "Ask for at least two failure domains.";
    NO_SPARE_DOMAIN = "UP214" Note ["quorum.failure-domains"]: "Every failure domain is needed: there is no spare one.",
        why "If one of the vantage points is lost together with the region, the quorum is not reached and a human is paged.",
        mend "Nothing to mend with two serving regions and one witness region; know it.";
    FLAP_UNSEEN = "UP215" Error ["quorum.flap-window", "quorum.flap-changes", "quorum.flap-dwell"]: "Flapping could never be seen, or would be forgotten at once.",
        why "In the outage of 2025-10-20 health checks alternated for eight hours. A witness can change its mind only \
             after `breach-after` or `clear-after` observations, so a short window never holds enough changes; and a \
             window shorter than the dwell forgets the flapping while it waits.",
        mend "Lengthen `flap-window`, or lower `flap-changes`.";
    FLAP_DWELL_SHORT = "UP216" Error ["quorum.flap-dwell", "quorum.dwell"]: "The dwell while flapping is shorter than the ordinary one.",
        why "Flapping would make a failover easier.",
        mend "Set `flap-dwell` to more than `dwell`.";
    DWELL_BLIND = "UP217" Warning ["quorum.dwell", "witness.interval"]: "The dwell is shorter than the interval of a witness of the quorum.",
        why "Corroboration waits for a healthy answer that contradicts; in so short a time no new answer can come.",
        mend "Set `dwell` to at least the longest interval in the quorum.";
    NO_REFERENCE = "UP218" Warning ["witness.kind"]: "No witness looks at anything outside both regions.",
        why "Without one, the engine cannot tell a lost region from being cut off itself.",
        mend "Add a witness of kind `reference`.";
    NO_LAG = "UP219" Error ["witness.kind", "guards.data-loss.lag-unknown"]: "No witness measures the replication lag.",
        why "The guard on data loss would never know the lag, and ask a human at every failover or lose data unasked.",
        mend "Add a witness of kind `replication-lag`.";
    ONE_STRIKE = "UP220" Warning ["witness.breach-after"]: "One failed observation makes a witness of the quorum call the region breached.",
        why "A single lost packet looks the same. In the outage of 2022-07-28 probes flapped for one to three minutes.",
        mend "Set `breach-after` to 2 or more.";
    KIND_CANNOT_OBSERVE = "UP221" Error ["witness.kind", "witness.observes"]: "A witness of this kind cannot observe that component.",
        why "Its verdicts would be counted for something that it never looked at.",
        mend "Change `observes` to what the kind looks at, or use another kind.";
    KIND_ELSEWHERE = "UP222" Error ["witness.kind", "witness.failure-domain"]: "A witness of this kind does not stand in that failure domain.",
        why "Claiming a domain that it does not stand in makes one voice count as two. The observer in the witness region \
             has no path into the network, so it cannot probe a database directly.",
        mend "Write the domain that fails together with the witness.";
    LAG_STALE = "UP223" Error ["guards.data-loss.lag-age-max", "witness.interval"]: "The replication lag is measured less often than it may be old.",
        why "One late measurement makes the lag unknown, and the failover asks a human or goes on unasked.",
        mend "Set `lag-age-max` to at least twice the interval of the `replication-lag` witness.";
}
