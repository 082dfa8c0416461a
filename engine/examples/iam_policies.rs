//! Writes the IAM policies of a platform: `cargo run --release -p understudy-engine --example iam_policies -- PLATFORM
//! POLICY DIR`.

use std::error::Error;
use std::path::Path;

use understudy_engine::aws::names::Names;
use understudy_engine::aws::permissions::{Role, document};
use understudy_engine::service::platform;
use understudy_policies::policy::parse;
use understudy_policies::source::Source;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [platform, policy, folder] = &arguments[..] else {
        return Err("usage: iam_policies PLATFORM POLICY DIR".into());
    };
    let policy = parse(policy, &std::fs::read_to_string(policy)?)?;
    let platform = platform::read(&Source::read(Path::new(platform))?)?;
    let aws = platform
        .aws
        .as_ref()
        .ok_or("the platform file has no section `[aws]`")?;
    let names = Names::new(&policy, &platform, aws);
    for (role, name) in Role::ALL {
        let mut text = serde_json::to_string_pretty(&document(role, &names, &policy))?;
        text.push('\n');
        std::fs::write(Path::new(folder).join(format!("{name}.json")), text)?;
    }
    Ok(())
}
