//! The layer `engine`.

use std::collections::BTreeSet;

use crate::{made, texts};

#[test]
fn the_engine_has_two_sidecars_each_with_a_journal_of_its_own() {
    let made = made();
    for region in made.regions() {
        let services = made.of(region, "AWS::ECS::Service");
        assert_eq!(services.len(), 2);
        let subnets: BTreeSet<String> = services
            .iter()
            .map(|(_, service)| {
                service["Properties"]["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"].to_string()
            })
            .collect();
        assert_eq!(subnets.len(), 2, "in different zones");
        let tasks = made.of(region, "AWS::ECS::TaskDefinition");
        let numbers: BTreeSet<String> = tasks
            .iter()
            .map(|(_, task)| task["Properties"]["ContainerDefinitions"][1]["Command"][2].to_string())
            .collect();
        assert_eq!(
            numbers,
            ["\"--sidecar=1\"".to_owned(), "\"--sidecar=2\"".to_owned()].into()
        );
        for (id, task) in tasks {
            let mut all = Vec::new();
            texts(&task, &mut all);
            assert!(!all.iter().any(|text| text.contains("{region}")), "{id}");
        }
    }
}
