//! `replay`: one timeline of a campaign in full.

use understudy_policies::Policy;
use understudy_policies::source::nearest;
use understudy_simulations::campaign::{Replay, View};
use understudy_simulations::render;

use super::input::Refusal;
use super::source::Drawn;
use super::{Answer, ReplayArguments, output, shrink};

pub(super) fn replay(arguments: &ReplayArguments) -> Result<Answer, Refusal> {
    let drawn = Drawn::new(&arguments.drawn)?;
    let focus = arguments.focus.as_deref();
    if let Some(name) = focus {
        known_witness(name, &drawn.policy)?;
    }
    let timeline = drawn.source.timeline(arguments.seed, &drawn.policy);
    if arguments.shrink {
        return shrink::shrink(arguments, &drawn, &timeline);
    }
    let view = View {
        until: arguments.until,
        focus,
    };
    let replay = Replay::new(&timeline, &drawn.source, &drawn.policy, view);
    if arguments.json {
        output::print_json(&replay)?;
    } else {
        output::print(&render::replay(&replay, &timeline.scenario, output::look()))?;
    }
    Ok(if replay.right && replay.report.verdict.right {
        Answer::Fine
    } else {
        Answer::No
    })
}

fn known_witness(name: &str, policy: &Policy) -> Result<(), Refusal> {
    let names = || policy.witnesses.iter().map(|witness| witness.name.as_str());
    if names().any(|known| known == name) {
        return Ok(());
    }
    let hint = nearest(name, names()).map_or_else(
        || format!("it has {}", names().collect::<Vec<_>>().join(", ")),
        |near| format!("did you mean `{near}`?"),
    );
    Err(Refusal::UnknownWitness {
        name: name.to_owned(),
        policy: policy.name.clone(),
        hint,
    })
}
