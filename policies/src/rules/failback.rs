//! UP6xx: coming home, and the trading calendar.

use super::{Group, Rule};
use crate::source::Severity;

rules! {
    Failback;
    DURING_TRADING = "UP601" Warning ["failback.during-trading"]: "The platform may come home while the market trades.",
        why "A planned move drains orders and moves every client again: an outage, if a short one, that nothing forces \
             into the session.",
        mend "Set `during-trading = false`.";
    UNPROTECTED = "UP602" Error ["failback.while-unprotected"]: "The platform may come home without a promotable standby.",
        why "If the way home fails half-way there is no way back.",
        mend "Set `while-unprotected = false`.";
    SOAK_SHORT = "UP603" Warning ["failback.soak", "failback.mode"]: "The home region is trusted too soon.",
        why "Recovery is often the second outage: on 2025-10-20 connections were normal at 172 minutes, a false all-clear, \
             and the end came at 872.",
        mend "Set `soak` to an hour or more for an automatic failback.";
    HEALTH_IGNORED = "UP604" Warning ["failback.wait-for-health-event", "failback.mode"]: "The engine may go home while AWS still reports an event there.",
        why "Long incidents come in phases; the provider's open event is late at the start and right at the end.",
        mend "Set `wait-for-health-event = true`.";
    HEALTH_UNSEEN = "UP605" Error ["failback.wait-for-health-event", "witness.kind"]: "The way home waits for AWS Health, and no witness reads it.",
        why "The engine would believe that there is never an event.",
        mend "Add a witness of kind `aws-health`.";
    SOAK_IN_COOL_DOWN = "UP606" Warning ["failback.soak", "guards.cool-down"]: "The soak is over before the cool-down is.",
        why "The cool-down would hold the failback that the soak has allowed, and the explanation would name a guard \
             nobody had in mind.",
        mend "Set `soak` to at least `guards.cool-down`.";
    NEVER_OPENS = "UP607" Error ["guards.trading.opens", "guards.trading.closes"]: "The trading session ends before it begins.",
        why "The engine would believe that the market never trades, and come home in the middle of the session.",
        mend "Set `opens` before `closes`; a session that spans midnight is written with `closes = \"24:00\"`.";
    TIME_ZONE = "UP608" Error ["guards.trading.time-zone"]: "The time zone is not known.",
        why "Without it, when the market trades cannot be known.",
        mend "Write an IANA name such as `America/New_York`.";
    HOLIDAY = "UP609" Error ["guards.trading.holidays"]: "A holiday is not a date.",
        why "A date that cannot be read would be a trading day in silence.",
        mend "Write `YYYY-MM-DD`, a day that exists.";
    LISTED_TWICE = "UP610" Warning ["guards.trading.days", "guards.trading.holidays"]: "A day is listed twice.",
        why "One of the two was likely meant to be another day.",
        mend "Correct or remove one of them.";
    NEVER_CLOSES = "UP611" Error ["guards.trading", "failback.during-trading"]: "The market never closes, so the platform never comes home.",
        why "Coming home waits for the end of the session, and there is none.",
        mend "Shorten the session, or set `failback.mode = \"manual\"` and `during-trading = true`.";
}
