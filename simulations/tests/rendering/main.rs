//! How a run looks to the person who reads it.

mod made_up;

use understudy_simulations::render::{self, Look};
use understudy_simulations::report::Report;

const NARROW: Look = Look {
    width: 60,
    fancy: false,
};
const WIDE: Look = Look {
    width: 140,
    fancy: false,
};
const FANCY: Look = Look { width: 80, fancy: true };

#[test]
fn a_failover_on_80_columns() {
    insta::assert_snapshot!(render::run(&made_up::failover(), Look::PLAIN));
}

#[test]
fn a_failover_on_a_wide_terminal_shows_the_wall_clock() {
    insta::assert_snapshot!(render::run(&made_up::failover(), WIDE));
}

#[test]
fn a_failover_in_colours() {
    insta::assert_snapshot!(render::run(&made_up::failover(), FANCY).replace('\x1b', "ESC"));
}

#[test]
fn an_overrun_names_its_phase_and_what_was_outside_its_bound() {
    insta::assert_snapshot!(render::run(&made_up::failover_over_budget(), Look::PLAIN));
}

#[test]
fn flapping_is_folded_and_its_refusals_are_explained_once() {
    insta::assert_snapshot!(render::run(&made_up::hold(), Look::PLAIN));
}

#[test]
fn a_broken_invariant_makes_a_run_wrong() {
    insta::assert_snapshot!(render::run(&made_up::split_brain(), NARROW));
}

#[test]
fn many_runs_are_a_table() {
    insta::assert_snapshot!(render::table(&reports(), Look::PLAIN));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in [60, 72, 80, 100, 140] {
        let look = Look { width, fancy: false };
        for report in reports() {
            for line in render::run(&report, look).lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }
}

#[test]
fn plain_text_has_no_escapes_and_is_ascii() {
    for report in reports() {
        assert!(render::run(&report, Look::PLAIN).is_ascii());
    }
}

fn reports() -> [Report; 4] {
    [
        made_up::failover(),
        made_up::failover_over_budget(),
        made_up::hold(),
        made_up::split_brain(),
    ]
}
