//! UP8xx: regions, mode, guards and gates.

use super::{Group, Rule};
use crate::source::Severity;

rules! {
    Guards;
    DISARMED = "UP801" Warning ["mode"]: "Take-over is disarmed.",
        why "In shadow mode the engine decides and explains, and changes nothing: no lease is renewed and no failover happens.",
        mend "Set `mode = \"armed\"` once the recorded decisions are trusted.";
    NO_ESCAPE = "UP802" Error ["guards.cool-down", "guards.cool-down-escape"]: "The cool-down has no escape.",
        why "A cool-down without one blocks a needed failover: the region that was just moved to may be lost as well.",
        mend "Set `cool-down-escape = true`; it opens only when the whole region is lost and its lease has run out.";
    REGIONS_EQUAL = "UP803" Error ["regions"]: "Two of the three regions are the same.",
        why "What is lost together cannot stand in for each other, nor testify about each other.",
        mend "Name three different regions.";
    APPROVAL = "UP804" Warning ["gates.approve-failover"]: "A failover waits for a person, so the 60 seconds are not kept.",
        why "The promise is counted from the onset of the fault; a person who is paged needs minutes.",
        mend "Set `approve-failover = false`; `mode = \"shadow\"` builds trust without waiting in earnest.";
    NO_FAILOVER = "UP805" Warning ["losses.region.action"]: "The loss of the region does not lead to a failover.",
        why "The policy then promises nothing for the one case that it is there for.",
        mend "Set `losses.region.action = \"fail-over\"`.";
    NO_WAY_HOME = "UP806" Warning ["guards.role-changes-max", "failback.mode"]: "The limit on role changes leaves none for the way home.",
        why "A failover and the failback are two role changes. With a limit of one, an automatic failback asks a human.",
        mend "Set `role-changes-max` to 2 or more.";
    WINDOW_SHORT = "UP807" Error ["guards.role-changes-window", "guards.cool-down"]: "Role changes are forgotten before the cool-down is over.",
        why "A window shorter than the cool-down never holds two, so the limit that stops endless failing over and back \
             does not exist.",
        mend "Set `role-changes-window` to more than `cool-down`.";
    RECONCILE_FIRST = "UP808" Warning ["gates.reconcile-venues"]: "Processing waits until orders are reconciled with the venues.",
        why "Orders are accepted within the budget, but processed only after people have compared them with the venues: \
             minutes to hours.",
        mend "Set `reconcile-venues = false` if order handlers are idempotent by order id; otherwise know it.";
}
