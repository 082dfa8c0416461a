//! What to do for each class of loss, and what can forbid a failover.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::duration::DurationText;

/// What a class of loss leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LossAction {
    /// Fail over once the wait is over and the guards agree.
    FailOver,
    /// Page a human and hold.
    Page,
    /// Hold and record why.
    Hold,
}

/// What to do about one class of loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LossRule {
    /// What it leads to.
    pub action: LossAction,
    /// How long the loss must last beyond the quorum's dwell before anything is done. 0s to 30m.
    #[schemars(with = "DurationText")]
    pub wait: Duration,
}

/// What to do for each class of loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Losses {
    /// Application and database are both lost, or the application is and nothing can be known of the database.
    pub region: LossRule,
    /// The application is lost while the database still takes writes.
    pub application: LossRule,
    /// The database is lost while the application answers. Aurora's own in-region failover usually mends this
    /// within 30 s, so it is given time first.
    pub database: LossRule,
}

/// What to do when a figure that a guard needs is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WhenUnknown {
    /// Hold, and ask a human.
    Ask,
    /// Go on as if it were within its bound.
    Proceed,
}

/// The bound on what a failover may lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct DataLoss {
    /// The largest replication lag, last measured before the first breach, with which the engine fails over by
    /// itself. A larger one needs two people's consent. 0s to 10m.
    #[schemars(with = "DurationText")]
    pub lag_max: Duration,
    /// How old that measurement may be, counted back from the first breach. Older means unknown.
    #[schemars(with = "DurationText")]
    pub lag_age_max: Duration,
    /// What to do when the lag is unknown.
    pub lag_unknown: WhenUnknown,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// The JSON Schema of a time of day.
#[derive(JsonSchema)]
#[schemars(transparent)]
struct ClockText(
    #[schemars(regex(pattern = r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"))]
    #[expect(dead_code, reason = "only its schema is used")]
    String,
);

/// When the market trades. Failing back waits until it does not; failing over never waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct TradingCalendar {
    /// IANA time zone, such as `America/New_York`.
    pub time_zone: String,
    /// Days on which the market trades.
    pub days: Vec<Weekday>,
    /// Start of the session, local time, `HH:MM`; as minutes after midnight.
    #[schemars(rename = "opens", with = "ClockText")]
    pub opens_minute: u16,
    /// End of the session, local time, `HH:MM`; as minutes after midnight. `24:00` is the end of the day.
    #[schemars(rename = "closes", with = "ClockText")]
    pub closes_minute: u16,
    /// Dates without trading, `YYYY-MM-DD`.
    pub holidays: Vec<String>,
}

/// What can forbid a failover that the quorum calls for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Guards {
    /// No second role change within this time after one. 0s to 24h.
    #[schemars(with = "DurationText")]
    pub cool_down: Duration,
    /// Whether the loss of the whole region, with its lease run out, overrides the cool-down. Without it, a
    /// cool-down can block a needed failover.
    pub cool_down_escape: bool,
    /// At most this many role changes within the window; then a human is asked. 1 to 20.
    pub role_changes_max: u32,
    /// The window for counting role changes.
    #[schemars(with = "DurationText")]
    pub role_changes_window: Duration,
    /// The bound on data loss.
    pub data_loss: DataLoss,
    /// When the market trades.
    pub trading: TradingCalendar,
}
