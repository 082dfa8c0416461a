//! The command `synth`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use serde_json::Value;
use understudy_engine::decode::Environment;
use understudy_policies::Policy;
use understudy_policies::source::{Diagnostics, Source, Style};
use understudy_provisioner::deployment::Deployment;
use understudy_provisioner::lint::output::human;
use understudy_provisioner::templates::output::File;
use understudy_provisioner::templates::{package, synthesize};

use crate::output::{Answer, Failure};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The environment suffix, which every name carries.
    #[arg(long, value_name = "SUFFIX")]
    env: String,
    /// The folder to write into. It is made if it is not there; files of an earlier run are replaced or removed.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The policy. Without it, the shipped trading policy.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The deployment file. Without it, the shipped example, with this suffix.
    #[arg(long, value_name = "FILE")]
    deployment: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let policy = crate::lint::policy(arguments.policy.as_deref())?;
    let deployment = deployment(&arguments.env, arguments.deployment.as_deref(), &policy)?;
    let platform = synthesize(&policy, &deployment);
    if let Some(why) = platform.too_large() {
        return Err(Failure::Unreadable(why));
    }
    let files = platform.files(&deployment);
    let earlier = earlier(&arguments.out, &files)?;
    let report = thread::scope(|scope| {
        // The linter does not wait for the disk. It stays here, because a thread of its own would have to fetch all of its
        // memory page by page.
        let written = scope.spawn(|| write(&arguments.out, &files, &earlier));
        let report = platform.lint_files(&files, &policy, &deployment);
        written.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        report.map_err(|malformed| Failure::Unreadable(malformed.to_string()))
    })?;
    let mut text = String::new();
    for stack in &platform.stacks {
        let _ = writeln!(text, "{:>4}  {}", stack.resources(), stack.name);
    }
    let (stacks, out) = (platform.stacks.len(), arguments.out.display());
    let _ = writeln!(
        text,
        "{:>4}  resources in {stacks} stacks, in {out}",
        platform.resources()
    );
    let mut json = platform.manifest(&deployment);
    json["findings"] = report.findings.len().into();
    if !report.findings.is_empty() {
        text.push_str(&human(&report));
    }
    // The process ends with this: the system takes back at once what would be given back piece by piece.
    std::mem::forget((platform, files));
    Ok(Answer {
        text,
        json,
        aside: report.notes.iter().map(|note| format!("note: {note}\n")).collect(),
        code: u8::from(!report.findings.is_empty()),
    })
}

/// Reads the deployment file, or takes the shipped example. Whatever does so needs the functions' package as well.
pub(crate) fn deployment(environment: &str, file: Option<&Path>, policy: &Policy) -> Result<Deployment, Failure> {
    package::functions().map_err(|missing| Failure::Unreadable(missing.to_string()))?;
    let environment =
        Environment::new(environment).map_err(|wrong| Failure::Unreadable(format!("`--env`: {wrong}")))?;
    let read = match file {
        None => Deployment::example(policy, &environment),
        Some(file) => {
            let source = Source::read(file).map_err(|error| Failure::Unreadable(error.to_string()))?;
            Deployment::read(&source, policy, Some(&environment))
        }
    };
    read.map_err(|wrong| Failure::Unreadable(described(&wrong)))
}

fn described(wrong: &Diagnostics) -> String {
    format!(
        "the deployment file is refused\n{}",
        wrong.render(Style::for_stderr()).trim_end()
    )
}

/// What the name of every stack begins with, and so that of its template.
const NAMES_BEGIN: &str = "understudy-";

/// Writes the files, and removes what an earlier run has written and this one has not. The manifest comes last, and goes
/// first: where there is none, a run did not come to its end.
fn write(out: &Path, files: &[File], earlier: &[PathBuf]) -> Result<(), Failure> {
    let unwritable = |path: &Path| {
        let name = path.display().to_string();
        move |source| Failure::Unwritable { name, source }
    };
    for path in earlier {
        fs::remove_file(path).map_err(unwritable(path))?;
    }
    for file in files {
        let path = out.join(&file.name);
        let folder = path.parent().unwrap_or(out);
        fs::create_dir_all(folder).map_err(unwritable(folder))?;
        fs::write(&path, &file.bytes).map_err(unwritable(&path))?;
    }
    Ok(())
}

/// What an earlier run has left in the folder, and this one will not write over.
///
/// # Errors
/// When it is no folder, or holds a template of somebody else: that one would look as if it belonged to ours.
fn earlier(out: &Path, files: &[File]) -> Result<Vec<PathBuf>, Failure> {
    if out.exists() && !out.is_dir() {
        let message = format!("`--out {}` is a file: name a folder", out.display());
        return Err(Failure::Unreadable(message));
    }
    let in_folder = |folder: &Path, end: &str| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries
            .map(|entry| entry.path())
            .filter(|path| path.to_string_lossy().ends_with(end))
            .collect();
        paths.sort();
        paths
    };
    let templates = in_folder(out, ".template.json");
    let machines = in_folder(&out.join("machines"), ".asl.json");
    let manifest = out.join("manifest.json");
    let is_foreign = |path: &&PathBuf| {
        !path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(NAMES_BEGIN))
    };
    let foreign_manifest = (manifest.is_file() && !is_manifest(&manifest)).then_some(&manifest);
    if let Some(foreign) = templates.iter().find(is_foreign).or(foreign_manifest) {
        let message = format!(
            "`{}` is none of ours, and would look as if it were: name another folder with `--out`, or move it away",
            foreign.display()
        );
        return Err(Failure::Unreadable(message));
    }
    let written: BTreeSet<PathBuf> = files.iter().map(|file| out.join(&file.name)).collect();
    let mut earlier: Vec<PathBuf> = Vec::new();
    earlier.extend(manifest.is_file().then_some(manifest));
    let stale = templates.into_iter().chain(machines);
    earlier.extend(stale.filter(|path| !written.contains(path)));
    Ok(earlier)
}

/// Whether a manifest is one of ours: other tools write files of that name as well.
fn is_manifest(path: &Path) -> bool {
    let content: Option<Value> = fs::read(path)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    content.is_some_and(|content| content["environment"].is_string() && content["stacks"].is_array())
}
