//! The documentation stays true: links lead somewhere, no requirement is without a row, the layout is the required one.

use std::fs;
use std::path::{Path, PathBuf};

/// How many requirements each of R1 to R12 has.
const REQUIREMENTS: [u32; 12] = [3, 4, 4, 3, 4, 3, 2, 1, 5, 4, 5, 2];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate is inside the workspace")
        .to_path_buf()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The Markdown files of the workspace's root and of `docs/`, in order.
fn pages() -> Vec<PathBuf> {
    fn collect(folder: &Path, deep: bool, pages: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() && deep {
                collect(&path, deep, pages);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    let mut pages = Vec::new();
    collect(&root(), false, &mut pages);
    collect(&root().join("docs"), true, &mut pages);
    pages.sort();
    pages
}

/// The targets of a page's inline links, code blocks and code spans left out.
fn links(text: &str) -> Vec<String> {
    let mut in_block = false;
    let mut links = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        }
        if in_block {
            continue;
        }
        let prose: String = line.split('`').step_by(2).collect();
        links.extend(
            prose
                .split("](")
                .skip(1)
                .filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())),
        );
    }
    links
}

/// The anchors that a renderer gives to a page's headings.
fn anchors(text: &str) -> Vec<String> {
    let slug = |heading: &str| {
        heading
            .trim()
            .to_lowercase()
            .chars()
            .filter_map(|c| match c {
                ' ' => Some('-'),
                c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
                _ => None,
            })
            .collect()
    };
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| slug(line.trim_start_matches('#')))
        .collect()
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading() {
    let mut dangling = Vec::new();
    for page in pages() {
        let text = read(&page);
        for link in links(&text).iter().filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                page.clone()
            } else {
                page.parent().unwrap_or(&page).join(file)
            };
            let found = target.exists()
                && (anchor.is_empty() || anchors(&read(&target)).iter().any(|heading| heading == anchor));
            if !found {
                dangling.push(format!(
                    "{}: {link}",
                    page.strip_prefix(root()).unwrap_or(&page).display()
                ));
            }
        }
    }
    assert!(dangling.is_empty(), "links that lead nowhere:\n{}", dangling.join("\n"));
}

#[test]
fn every_requirement_has_exactly_one_row() {
    let text = read(&root().join("docs/requirements.md"));
    for (group, count) in (1..).zip(REQUIREMENTS) {
        for number in 1..=count {
            let row = format!("| R{group}.{number} |");
            assert_eq!(
                text.lines().filter(|line| line.starts_with(&row)).count(),
                1,
                "rows that start with {row}"
            );
        }
    }
    let rows = text.lines().filter(|line| line.starts_with("| R")).count();
    assert_eq!(
        rows,
        REQUIREMENTS.iter().sum::<u32>() as usize,
        "rows of all requirements"
    );
}

/// A row of the table of requirements: what is required, the code, the test.
fn rows() -> Vec<[String; 4]> {
    let text = read(&root().join("docs/requirements.md"));
    let rows = text.lines().filter(|line| line.starts_with("| R"));
    rows.map(|line| {
        let cells: Vec<String> = line
            .trim_matches('|')
            .split(" | ")
            .map(|cell| cell.trim().to_owned())
            .collect();
        cells.try_into().unwrap_or_else(|_| panic!("not four cells: {line}"))
    })
    .collect()
}

/// What a cell's links lead to: files, or every file below a folder.
fn linked(cell: &str) -> Vec<PathBuf> {
    fn below(path: &Path, files: &mut Vec<PathBuf>) {
        if path.is_dir() {
            for entry in fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())) {
                below(&entry.expect("the folder can be read").path(), files);
            }
        } else {
            files.push(path.to_path_buf());
        }
    }
    let mut files = Vec::new();
    for target in cell.split("](").skip(1).filter_map(|rest| rest.split_once(')')) {
        below(&root().join("docs").join(target.0), &mut files);
    }
    files
}

/// The texts in backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// What a cell names beside its links, and none of the files that it links to has.
fn missing(cell: &str) -> Vec<String> {
    let files = linked(cell);
    let sources = || {
        files
            .iter()
            .filter(|file| file.extension().is_some_and(|is| is == "rs"))
    };
    let is_missing = |name: &&str| {
        let word = name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.".contains(c));
        if let Some(file) = name.strip_suffix(".rs").filter(|_| word) {
            return !files
                .iter()
                .any(|path| path.file_stem().is_some_and(|stem| stem == file));
        }
        let function = word && name.contains('_') && !name.contains('.');
        function && !sources().any(|file| read(file).contains(&format!("fn {name}(")))
    };
    quoted(cell).filter(is_missing).map(str::to_owned).collect()
}

#[test]
fn every_requirement_leads_to_its_code_and_to_a_test_that_is_there() {
    let mut wrong = Vec::new();
    for [number, _, code, test] in rows() {
        let mut say = |what: String| wrong.push(format!("{number}: {what}"));
        for (column, cell) in [("code", &code), ("test", &test)] {
            if linked(cell).is_empty() {
                say(format!("its {column} leads nowhere"));
            }
            for name in missing(cell) {
                say(format!("its {column} names `{name}`, which is not there"));
            }
        }
        // The provisioner's: each names the function that shows it.
        let group: u32 = number[1..]
            .split('.')
            .next()
            .unwrap_or_default()
            .parse()
            .expect("a number");
        let names_function = quoted(&test).any(|name| name.contains('_') && !name.ends_with(".rs"));
        if group <= 10 && !names_function {
            say("it names no test function".to_owned());
        }
    }
    assert!(wrong.is_empty(), "docs/requirements.md:\n{}", wrong.join("\n"));
}

/// What can be wrong with a deployment, as docs/deploying-the-platform.md lists it: each with what is told, the way out, and a
/// test.
#[test]
fn everything_that_can_be_wrong_with_a_deployment_has_its_test() {
    let page = read(&root().join("docs/deploying-the-platform.md"));
    let rows: Vec<&str> = page
        .lines()
        .skip_while(|line| !line.starts_with("| What | What you are told | Way out | Test |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    assert!(rows.len() >= 14, "{rows:?}");
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, _, _, test] = cells[..] else {
            panic!("not four cells: {row}")
        };
        assert!(!linked(test).is_empty(), "{row}");
        assert!(quoted(test).any(|name| name.contains('_')), "{row}");
        assert_eq!(missing(test), Vec::<String>::new(), "{row}");
    }
}

#[test]
fn a_row_that_names_what_is_not_there_is_found() {
    let cell = "[`docs.rs`](../tests/tests/docs.rs): `rows`, `no_such_test`, `missing`; `campaigns.rs`, `docs.rs`; `cargo test`";
    assert_eq!(missing(cell), ["no_such_test", "campaigns.rs"]);
    assert!(linked("nothing, `docs.rs`").is_empty());
}

#[test]
fn every_decision_record_is_in_the_index_and_has_its_parts() {
    let folder = root().join("docs/decisions");
    let index = read(&folder.join("README.md"));
    for page in pages()
        .iter()
        .filter(|page| page.starts_with(&folder) && !page.ends_with("README.md"))
    {
        let name = page.file_name().expect("a page has a name").to_string_lossy();
        assert!(
            index.contains(&format!("({name})")),
            "{name} is missing in docs/decisions/README.md"
        );
        let text = read(page);
        for part in ["## Context", "## Decision", "## Consequences"] {
            assert!(text.contains(part), "{name} lacks the part {part}");
        }
    }
}

#[test]
fn readme_names_the_test_command_that_ci_calls() {
    assert!(read(&root().join("README.md")).contains("scripts/test"));
    assert!(read(&root().join(".ci/run")).contains("exec scripts/test"));
}

#[test]
fn workspace_has_the_required_folders() {
    let manifest = read(&root().join("Cargo.toml"));
    for member in ["engine", "provisioner", "policies", "simulations", "tests"] {
        assert!(root().join(member).join("Cargo.toml").is_file(), "{member} is missing");
        assert!(
            manifest.contains(&format!("\"{member}\"")),
            "{member} is no member of the workspace"
        );
    }
}
