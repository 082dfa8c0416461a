//! Finding the global cluster that this region's database cluster is in.
//!
//! After a detach and a rebuild that is another one than at first, and in an account there may be more of them, of other people.
//! RDS finds none by its members: the only filter of `DescribeGlobalClusters` is `region`
//! (<https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeGlobalClusters.html>, read on 2026-11-30). So all of them
//! are read, page by page, and looked at one after the other. Whichever has this region's cluster as a member is it, if its name is
//! one of ours; if none has, nothing is moved.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Place;
use super::asl::{catch, choice, retry, task};
use super::database::{LOOK, belongs};

/// Global clusters in one answer: the fewest that RDS lets one ask for, so that an execution carries little.
const PAGE: u64 = 20;

/// The identifier of the one that was found.
pub(super) const FOUND: &str = "$.global.id";

/// Where a search leads.
pub(super) struct Search<'a> {
    /// The step that searches.
    pub name: &'a str,
    /// Its next state, if one was found.
    pub found: &'a str,
    /// Its next state, if there is none, or RDS does not say.
    pub lost: &'a str,
}

impl Search<'_> {
    /// Where it begins.
    pub(super) fn entry(&self) -> String {
        format!("{}_find", self.name)
    }

    /// Puts its states.
    pub(super) fn put(&self, place: &Place<'_>, all: &mut Map<String, Value>) {
        let state = |part: &str| format!("{}_{part}", self.name);
        let [page, first, more, take, ours, other] = ["page", "first", "more", "take", "ours", "other"].map(&state);
        let mut read = |id: String, parameters: &Value| {
            let mut read = task("aws-sdk:rds:describeGlobalClusters", parameters, LOOK);
            read["ResultPath"] = "$.page".into();
            read["Next"] = first.clone().into();
            read["Retry"] = json!([retry(Duration::from_secs(1), 5)]);
            read["Catch"] = json!([catch(self.lost, "$.failure")]);
            all.insert(id, read);
        };
        read(self.entry(), &json!({"MaxRecords": PAGE}));
        read(page.clone(), &json!({"MaxRecords": PAGE, "Marker.$": "$.page.Marker"}));
        let at = |index: Value| {
            let mut parameters = json!({"count.$": "States.ArrayLength($.page.GlobalClusters)"});
            let field = if index.is_string() { "index.$" } else { "index" };
            parameters[field] = index;
            json!({"Type": "Pass", "Parameters": parameters, "ResultPath": "$.at", "Next": more})
        };
        all.insert(first, at(0.into()));
        let next_page = json!({"And": [
            {"Variable": "$.page.Marker", "IsPresent": true}, {"Variable": "$.page.Marker", "IsString": true},
        ]});
        let next_one = json!({"Variable": "$.at.index", "NumericLessThanPath": "$.at.count"});
        all.insert(
            more.clone(),
            choice(&[(next_one, &take), (next_page, &page)], self.lost),
        );
        // In the form in which a look at it alone answers.
        let one = "States.Array(States.ArrayGetItem($.page.GlobalClusters, $.at.index))";
        all.insert(
            take,
            json!({"Type": "Pass", "Parameters": {"GlobalClusters.$": one}, "ResultPath": "$.looked", "Next": ours}),
        );
        let known = state("known");
        let is_ours = json!({"And": [belongs(&place.cluster_arn(place.region)), named(place)]});
        all.insert(ours, choice(&[(is_ours, &known)], &other));
        all.insert(other, at("States.MathAdd($.at.index, 1)".into()));
        all.insert(
            known,
            json!({
                "Type": "Pass", "Parameters": {"id.$": "$.looked.GlobalClusters[0].GlobalClusterIdentifier"},
                "ResultPath": "$.global", "Next": self.found,
            }),
        );
    }
}

/// Its name is one that provisioner and engine give: what the machine may touch.
fn named(place: &Place<'_>) -> Value {
    let id = "$.looked.GlobalClusters[0].GlobalClusterIdentifier";
    let global = place.names.global_cluster();
    json!({"Or": [
        {"Variable": id, "StringEquals": global},
        {"Variable": id, "StringMatches": format!("{global}-*")},
    ]})
}
