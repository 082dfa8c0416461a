//! UP3xx: the lease.

use super::{Group, Rule};
use crate::source::Severity;

rules! {
    Lease;
    STALL_FENCES = "UP301" Error ["lease.ttl", "lease.margin", "lease.renew-every", "bounds.lease-stall", "bounds.lease-operation"]: "A stall of the lease store would stop the primary.",
        why "After it loses a region, the store may stall (assumed: up to 5 s). The next renewal may begin one interval \
             after the last, wait out the stall, and take as long as one operation. If the holder's lease runs out \
             meanwhile, losing the *standby* stops the *primary*.",
        mend "Make `ttl` less `margin` at least as long as `renew-every`, `bounds.lease-stall` and \
              `bounds.lease-operation` together.";
    MARGIN_DRIFT = "UP302" Error ["lease.margin", "lease.drift-max"]: "The margin does not cover the drift of the clocks.",
        why "The holder stops by its own clock and the taker starts by its own. With a margin below the drift both could \
             serve at once.",
        mend "Set `margin` to more than `drift-max`.";
    MARGIN_COMMIT = "UP303" Warning ["lease.margin", "lease.drift-max", "bounds.database-write"]: "The margin leaves a commit no time to become durable.",
        why "A commit that passes the fence and needs longer than the margin to become durable is the declared residual. \
             A short margin makes it likely.",
        mend "Set `margin` to at least `drift-max` and `bounds.database-write` together.";
    ONE_TIMEOUT_FENCES = "UP304" Error ["lease.operation-timeout", "lease.ttl", "lease.margin", "lease.renew-every"]: "One unanswered renewal ends the lease.",
        why "A renewal without an answer is unknown, not failed: it is settled by reading back, and tried at the other \
             region's endpoint. That needs the time of three operations inside the lease.",
        mend "Make `ttl` less `margin` longer than `renew-every` and three times `operation-timeout`.";
    BOUND_NOT_KEPT = "UP305" Error ["lease.operation-timeout", "bounds.lease-operation"]: "One lease operation may take longer than its declared bound.",
        why "The budget counts on the bound; the engine waits for the time-out.",
        mend "Set `operation-timeout` to at most `bounds.lease-operation`.";
    LEASE_LONG = "UP306" Error ["lease.ttl", "lease.drift-max", "budget.phases.claim"]: "The lease is longer than the claim phase can wait.",
        why "A gray primary renews until it is claimed; from then a whole lease must run out before anybody else may serve.",
        mend "Shorten `ttl`, or give `claim` more of the budget.";
    TABLE_ELSEWHERE = "UP307" Error ["lease.store.region", "regions.standby"]: "The lease table is not in the standby region.",
        why "With the only table in the primary region, the loss of the primary could not be answered at all; in a third \
             one, its loss stops both.",
        mend "Put the table into the standby region, or use a multi-region store.";
    TABLE_SHARED_FATE = "UP308" Note ["lease.store.kind"]: "The loss of the table's region stops the primary as well.",
        why "A single table lives in one region. When that is lost, the holder can neither renew nor ask the other region \
             for a grant, and fences itself.",
        mend "Nothing to mend if it is meant; `kind = \"multi-region\"` survives the loss of any one region.";
    TABLE_GRANTS = "UP309" Warning ["lease.store.kind", "lease.store-lost"]: "Grants cannot help a single-table lease when its region is lost.",
        why "The region that grants is the region that holds the table: both are lost together. What is left is the case \
             of a lost table in a healthy region, where serving on grants hides for how long the fence rests on the peer alone.",
        mend "Set `store-lost = \"fence\"`, or use a multi-region store.";
    GRANT_LONG = "UP310" Error ["lease.grant", "lease.ttl"]: "A grant lasts longer than the lease.",
        why "Who grants promises not to claim before it ends. A longer grant than lease makes the taker wait longer than \
             the budget counts on.",
        mend "Set `grant` to at most `ttl`.";
    GRANT_SHORT = "UP311" Error ["lease.grant", "lease.margin", "lease.renew-every", "lease.operation-timeout"]: "A grant runs out before the next one can be asked for.",
        why "The holder stops a margin before the grant ends, and needs one interval and one operation to get the next.",
        mend "Make `grant` longer than `margin`, `renew-every` and `operation-timeout` together.";
    STRONG_SET = "UP312" Warning ["lease.store.kind", "regions"]: "These regions are not known to form a strongly consistent table.",
        why "Multi-Region strong consistency needs exactly three regions of one set: us-east-1, us-east-2 and us-west-2; or \
             three of eu-west-1, eu-west-2, eu-west-3 and eu-central-1; or three of ap-northeast-1, -2 and -3.",
        mend "Choose three regions of one set; `understudy-provisioner plan` asks AWS itself.";
    FENCE_OUTAGE = "UP313" Note ["lease.store-lost"]: "Losing the lease store in every region stops the platform.",
        why "With `fence` the holder stops when its lease runs out: safe against everything, and an outage for as long as \
             the store is lost.",
        mend "Nothing to mend if it is meant; `serve-on-grants` trades on while the regions see each other.";
    RENEWALS_OVERLAP = "UP314" Warning ["lease.operation-timeout", "lease.renew-every"]: "A renewal may still be unanswered when the next one is due.",
        why "Overlapping renewals conflict with each other, and each conflict costs a read-back.",
        mend "Set `operation-timeout` to at most `renew-every`.";
    OPERATION_OUTLIVES = "UP315" Error ["lease.operation-timeout", "lease.margin"]: "An operation that starts at the last moment ends after the lease.",
        why "An effect may start until a margin before the lease ends. With a time-out longer than the margin it may still \
             happen when the other region already serves: a stale actor wins after a delay.",
        mend "Set `operation-timeout` to at most `margin`.";
}
