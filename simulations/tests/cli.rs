//! The command line as a person meets it: help, lists, and what is said when something is wrong.

#[test]
fn every_command_answers_as_written_down() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}
