//! Failures that campaigns found, made small, and mended since: none of them may come back.

use std::fs;
use std::path::Path;

use understudy_policies::shipped::Shipped;
use understudy_policies::source::Source;
use understudy_simulations::render;
use understudy_simulations::run::run;
use understudy_simulations::scenario::read;

#[test]
fn no_failure_that_was_mended_comes_back() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let mut run_files = 0;
    for entry in fs::read_dir(&folder).expect("the folder is part of the repository") {
        let path = entry.expect("it can be listed").path();
        let source = Source::read(&path).unwrap_or_else(|error| panic!("{error}"));
        let scenario = read(&source).unwrap_or_else(|wrong| panic!("{wrong}"));
        let policy = Shipped::find(&scenario.policy)
            .and_then(|shipped| shipped.policy().ok())
            .expect("shipped");
        // Without its seed it would be another timeline, and most of these only fail with one.
        let seed = scenario
            .seed
            .unwrap_or_else(|| panic!("{} names no seed", path.display()));
        let report = run(&scenario, &policy, seed);
        assert!(render::is_right(&report), "{}: {:#?}", path.display(), report.verdict);
        run_files += 1;
    }
    assert!(run_files > 0, "nothing was run");
}
