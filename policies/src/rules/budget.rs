//! UP1xx: the 60 seconds.

use super::{Group, Rule};
use crate::source::Severity;

rules! {
    Budget;
    PHASE_OVERRUN = "UP101" Error ["budget.phases"]: "A phase cannot keep its allotment inside the declared bounds.",
        why "The ledger judges every failover by these allotments; one that the declared bounds already break would be \
             blamed on the next outage.",
        mend "Shorten what dominates the phase, or give the phase more of the budget.";
    BUDGET_OVERRUN = "UP102" Error ["budget.total", "bounds"]: "The worst case inside the declared bounds is longer than the budget.",
        why "The promise holds for every timeline inside the bounds, from the onset of the fault: orders accepted again, \
             and orders processed again.",
        mend "Shorten what dominates (see `understudy-policy budget`), or promise more time.";
    ALLOTMENTS_OVERRUN = "UP103" Error ["budget.phases", "budget.total"]: "The allotments of a path add up to more than the budget.",
        why "Phases of one path follow each other; only promotion and redirection run at the same time.",
        mend "Take time from a phase of this path that does not need it.";
    P99_OVER = "UP104" Note ["budget.total"]: "The modelled 99th percentile, without any bound, is above the budget.",
        why "The bounds are declarations about the world. AWS publishes no distribution for Aurora's promotion; with the \
             figures assumed here, some promotions break the bound.",
        mend "Nothing to mend: know it. `understudy-policy budget` prints the share of promotions inside the bound.";
    OVER_SIXTY = "UP105" Warning ["budget.total"]: "The promise is longer than the 60 seconds that the platform must keep.",
        why "R12: orders accepted and orders processed again within 60 seconds of the onset.",
        mend "Set `budget.total` to 60s, and shorten the phases until they fit.";
    PROMOTION_UNLIKELY = "UP106" Warning ["bounds.promotion", "database.method"]: "Most modelled promotions take longer than the declared bound.",
        why "A bound that is broken more often than kept promises nothing. Aurora managed failover: assumed median 35 s, \
             p99 110 s; detach: 25 s and 55 s.",
        mend "Declare a longer bound and take the time from other phases, or use the quicker method.";
    BOUND_OPTIMISTIC = "UP107" Warning ["bounds"]: "A declared bound is shorter than the modelled median.",
        why "The promise is proved inside the bounds only; half of the modelled timelines would fall outside this one.",
        mend "Declare a bound that the modelled figure keeps at p99; the figures are in `docs/figures.md`.";
    DEADLINE_SHORT = "UP108" Error ["deadlines"]: "A state's deadline is shorter than the phase that happens in it.",
        why "At its deadline a state takes its deadline edge, so a failover that is inside its budget would be broken off.",
        mend "Make the deadline longer than the phase's allotment.";
    SUSPICIOUS_SHORT = "UP109" Error ["deadlines.suspicious", "losses", "quorum.flap-dwell"]: "`suspicious` ends before the longest wait for a loss is over.",
        why "At the deadline of `suspicious` the engine records why it held and watches on: a loss with a longer wait \
             would never be acted upon.",
        mend "Make the deadline longer than the dwell and the longest wait together.";
    LOSS_OUTSIDE = "UP110" Note ["losses"]: "A class of loss is waited for, and so is outside the budget.",
        why "The wait comes on top of the quorum's dwell. For a database loss it gives Aurora's own in-region failover \
             (up to 30 s, measured 10-16 s) the time to mend it without a loss of commits.",
        mend "Nothing to mend if it is meant: the 60 seconds are promised for the loss of the region.";
}
