//! Prints the page on the state machine, as it stands in `docs/state-machine.md`.

use understudy_engine::core::machine::{explore, page};

fn main() {
    print!("{}", page(&explore()));
}
