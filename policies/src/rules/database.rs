//! UP5xx: how the database is moved, and what may be lost.

use super::{Group, Rule};
use crate::source::Severity;

rules! {
    Database;
    RPO_BLOCKS = "UP501" Warning ["database.global-db-rpo-seconds"]: "`rds.global_db_rpo` with two regions can block commits.",
        why "With a single secondary, Aurora blocks commits on the primary when the standby is lost or lags, and may pause \
             writes after a failover: the loss of the standby becomes an outage of the primary.",
        mend "Remove `global-db-rpo-seconds`; `guards.data-loss.lag-max` bounds the loss instead.";
    RPO_TOO_SMALL = "UP502" Error ["database.global-db-rpo-seconds"]: "`rds.global_db_rpo` is below what Aurora accepts.",
        why "Aurora accepts 20 seconds or more.",
        mend "Remove the key, or set 20 or more.";
    RPO_UNUSED = "UP503" Error ["database.global-db-rpo-seconds", "database.method"]: "`rds.global_db_rpo` means nothing to plain PostgreSQL.",
        why "It is a parameter of Aurora's global database.",
        mend "Remove the key.";
    HEADLESS = "UP504" Error ["database.standby-instance"]: "The standby's cluster has no instance.",
        why "A headless cluster cannot be promoted; making an instance first takes many minutes.",
        mend "Set `standby-instance = true`.";
    MANAGED_SLOW = "UP505" Note ["database.method", "bounds.promotion"]: "Aurora's managed failover has no published time.",
        why "AWS says \"order of minutes\" and, in its labs, \"under a minute\"; one user saw 8 minutes. Assumed: median 35 s, \
             p99 110 s.",
        mend "Nothing to mend if it is meant: it rebuilds the old region by itself, which detach does not.";
    DATABASE_WAIT = "UP506" Warning ["losses.database.wait"]: "A database loss is not given the time to mend itself.",
        why "Aurora's in-region failover takes up to 30 s (measured 10-16 s) and loses nothing; a failover to the other \
             region loses what had not been replicated.",
        mend "Set `losses.database.wait` to 30s or more.";
    REJOIN_SHORT = "UP507" Warning ["deadlines.rejoining", "database.method"]: "The lost region's database cannot be rebuilt in time.",
        why "After a detach a new global cluster must be built; after a managed failover Aurora rebuilds the old region on a \
             new volume. Either takes minutes to hours, after the region is back.",
        mend "Set `deadlines.rejoining` to several hours.";
    LAG_UNKNOWN = "UP508" Warning ["guards.data-loss.lag-unknown"]: "A failover goes on when nobody knows what it loses.",
        why "On 2018-10-21 954 writes of GitHub's busiest cluster had not been replicated. An unknown lag is not a small one.",
        mend "Set `lag-unknown = \"ask\"`.";
    LAG_TIGHT = "UP509" Warning ["guards.data-loss.lag-max"]: "The bound on data loss is below the ordinary replication lag.",
        why "Aurora's global lag is typically just under a second, so many failovers would ask for two people's consent, \
             and the 60 seconds would be over.",
        mend "Set `lag-max` to some seconds.";
}
