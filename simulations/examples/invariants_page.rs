//! Writes `docs/invariants.md`.

fn main() {
    print!("{}", understudy_simulations::seeded::page());
}
