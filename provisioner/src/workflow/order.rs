//! Which steps of a state run side by side.

use understudy_engine::workflow::{Step, StepId};

/// Branches, each a list of levels: a level starts when the one before it is done.
///
/// Steps that are connected by an order share a branch. Inside it, a level waits for the whole one before it, which is never
/// earlier than the steps that it has to wait for.
pub(super) fn branches<'a>(steps: &[&'a Step]) -> Vec<Vec<Vec<&'a Step>>> {
    let inside = |id: StepId| steps.iter().position(|step| step.id == id);
    let mut branch_of: Vec<usize> = (0..steps.len()).collect();
    let mut level_of = vec![0; steps.len()];
    // Steps stand after those that they wait for.
    for (index, step) in steps.iter().enumerate() {
        for awaited in step.after.iter().filter_map(|id| inside(*id)) {
            level_of[index] = level_of[index].max(level_of[awaited] + 1);
            let (from, to) = (
                branch_of[index].max(branch_of[awaited]),
                branch_of[index].min(branch_of[awaited]),
            );
            for branch in &mut branch_of {
                if *branch == from {
                    *branch = to;
                }
            }
        }
    }
    let mut all = Vec::new();
    for branch in 0..steps.len() {
        let mut levels: Vec<Vec<&Step>> = Vec::new();
        for (index, step) in steps
            .iter()
            .enumerate()
            .filter(|(index, _)| branch_of[*index] == branch)
        {
            let level: usize = level_of[index];
            levels.resize_with(levels.len().max(level + 1), Vec::new);
            levels[level].push(step);
        }
        if !levels.is_empty() {
            all.push(levels);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use understudy_engine::core::machine::StateName;
    use understudy_engine::workflow::FAILOVER;

    use super::*;

    #[test]
    fn promotion_and_redirection_run_side_by_side_and_in_order() {
        let names = |state: StateName| -> Vec<Vec<Vec<StepId>>> {
            let own: Vec<&Step> = FAILOVER.steps.iter().filter(|step| step.state == state).collect();
            let ids = |level: &Vec<&Step>| level.iter().map(|step| step.id).collect();
            branches(&own)
                .iter()
                .map(|branch| branch.iter().map(ids).collect())
                .collect()
        };
        use StepId::*;
        assert_eq!(
            names(StateName::Claiming),
            [vec![vec![ApproveFailover], vec![WriteClaim]]]
        );
        assert_eq!(
            names(StateName::Moving),
            [
                vec![vec![OpenIntake]],
                vec![vec![PinRecord]],
                vec![
                    vec![PromoteDatabase],
                    vec![WriteServingRow, ReconcileVenues],
                    vec![OpenProcessing]
                ],
            ]
        );
    }
}
