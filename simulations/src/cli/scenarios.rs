//! `scenarios`: what can be replayed.

use understudy_simulations::render;
use understudy_simulations::scenario::Catalogue;

use super::input::{self, Refusal};
use super::{Answer, ScenariosArguments, output};

pub(super) fn scenarios(arguments: &ScenariosArguments) -> Result<Answer, Refusal> {
    let scenarios = input::scenarios()?;
    if arguments.json {
        output::print_json(&Catalogue::new(&scenarios))?;
    } else {
        output::print(&render::scenarios(&scenarios, output::look()))?;
    }
    Ok(Answer::Fine)
}
