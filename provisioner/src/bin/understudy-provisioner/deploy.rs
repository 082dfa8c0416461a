//! The commands `plan`, `apply`, `verify`, `drift` and `destroy`.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::{Value, json};
use understudy_provisioner::aws::trouble::TroubleKind;
use understudy_provisioner::aws::{Connections, Trouble};
use understudy_provisioner::deploy::apply::{Options, apply};
use understudy_provisioner::deploy::destroy::destroy;
use understudy_provisioner::deploy::drift::drift;
use understudy_provisioner::deploy::plan::plan;
use understudy_provisioner::deploy::progress::Console;
use understudy_provisioner::deploy::verify::{Age, verify};
use understudy_provisioner::deploy::{World, apply};

use crate::output::{Answer, Failure, eprint_quietly};

/// What all of them take.
#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    /// The environment: the suffix of every name. The deployment file must say the same.
    #[arg(long, value_name = "SUFFIX")]
    env: String,
    /// The policy. Without it, the shipped trading policy.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The deployment file. Without it, the shipped example.
    #[arg(long, value_name = "FILE")]
    deployment: Option<PathBuf>,
    /// Where every AWS service is, if not at AWS. `AWS_ENDPOINT_URL_<SERVICE>` says it for one.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// Who is asked whether the domain is delegated, if not this machine's own resolver.
    #[arg(long, value_name = "ADDRESS:PORT")]
    resolver: Option<SocketAddr>,
    /// Do not make resources of this type, because an emulator lacks it. Only with `--endpoint-url`; `plan` and `verify` list them.
    #[arg(long, value_name = "TYPE")]
    leave_out: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Apply {
    #[command(flatten)]
    common: Common,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Get stacks that are stuck in a rollback out of it: what was never made is deleted and made anew.
    #[arg(long)]
    recover: bool,
    /// After a failover that detached the database: replace the old region's cluster, and keep a final snapshot of it.
    #[arg(long)]
    rebuild_standby: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Destroy {
    #[command(flatten)]
    common: Common,
    /// The environment once more: everything of it goes.
    #[arg(long, value_name = "SUFFIX")]
    confirm: String,
    /// Also what holds data: database, tables, secrets, buckets, keys.
    #[arg(long)]
    delete_data: bool,
}

pub(crate) fn run_plan(common: &Common) -> Result<Answer, Failure> {
    on(common, false, async |world| {
        let plan = plan(&world).await?;
        Ok(Answer {
            text: plan.text(),
            json: json!(plan),
            aside: String::new(),
            code: 0,
        })
    })
}

pub(crate) fn run_apply(arguments: &Apply) -> Result<Answer, Failure> {
    on(&arguments.common, arguments.rebuild_standby, async |world| {
        if !arguments.yes {
            let plan = plan(&world).await?;
            eprint_quietly(&plan.text());
            if plan.changes.is_empty() && plan.held.is_empty() {
                eprint_quietly("what is there is verified all the same\n");
            } else if !agreed().await? {
                return Ok(Answer {
                    text: String::new(),
                    json: json!({ "applied": false }),
                    aside: "nothing was changed\n".to_owned(),
                    code: 1,
                });
            }
        }
        let options = Options {
            recover: arguments.recover,
        };
        let account = apply(&world, options, &Console::default()).await?;
        Ok(applied(&account))
    })
}

fn applied(account: &apply::Account) -> Answer {
    let mut text = format!(
        "{} parts changed, {} were as they should be\n",
        account.changed.len(),
        account.same.len()
    );
    let mut code = 0;
    if let Some(failure) = &account.failure {
        text.push_str(&format!("FAILED at {}: {}\n", failure.node, failure.message));
        text.push_str(&format!("not done: {}\n", account.open.join(", ")));
        text.push_str("What is done stays. Run the same command again to go on; `destroy` takes it back.\n");
        code = code_of(failure.trouble.kind);
    }
    if let Some(verification) = &account.verification {
        text.push_str(&verification.text());
        if !verification.synchronized {
            code = 1;
        }
    }
    Answer {
        text,
        json: json!(account),
        aside: String::new(),
        code,
    }
}

pub(crate) fn run_verify(common: &Common) -> Result<Answer, Failure> {
    on(common, false, async |world| {
        let verification = verify(&world, Age::Settled, &Console::default()).await?;
        Ok(Answer {
            text: verification.text(),
            json: json!(verification),
            aside: String::new(),
            code: u8::from(!verification.synchronized),
        })
    })
}

pub(crate) fn run_drift(common: &Common) -> Result<Answer, Failure> {
    on(common, false, async |world| {
        let drift = drift(&world).await?;
        Ok(Answer {
            text: drift.text(),
            json: json!(drift),
            aside: String::new(),
            code: u8::from(!drift.drifted.is_empty()),
        })
    })
}

pub(crate) fn run_destroy(arguments: &Destroy) -> Result<Answer, Failure> {
    let Destroy {
        common,
        confirm,
        delete_data,
    } = arguments;
    if *confirm != common.env {
        return Err(Failure::Unreadable(format!(
            "`--confirm {confirm}` is not `--env {}`: to destroy an environment, write its suffix twice",
            common.env
        )));
    }
    on(common, false, async |world| {
        let destroyed = destroy(&world, *delete_data, &Console::default()).await?;
        let code = destroyed
            .failure
            .as_ref()
            .map_or(0, |failure| code_of(failure.trouble.kind));
        Ok(Answer {
            text: destroyed.text(),
            json: json!(destroyed),
            aside: String::new(),
            code,
        })
    })
}

/// Reads the files, and runs a command until it is done or interrupted.
fn on<F>(common: &Common, rebuild_standby: bool, run: F) -> Result<Answer, Failure>
where
    F: AsyncFnOnce(World) -> Result<Answer, Trouble>,
{
    let (policy, policy_text) = crate::lint::policy_and_text(common.policy.as_deref())?;
    let deployment = crate::synth::deployment(&common.env, common.deployment.as_deref(), &policy)?;
    if let Some(url) = &common.endpoint_url {
        let fits = reqwest::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !fits {
            return Err(Failure::Unreadable(format!(
                "`--endpoint-url {url}` is no address: write it like `http://127.0.0.1:4570`"
            )));
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|why| Failure::Outside {
        message: format!("cannot start: {why}"),
        details: Value::Null,
        code: 3,
    })?;
    let answer = runtime.block_on(async {
        let types = common.leave_out.iter().cloned().collect();
        let aws = Connections::load(common.endpoint_url.as_deref()).await;
        let mut world = World::new(policy, policy_text, deployment, aws);
        if let Some(why) = world.platform.too_large() {
            return Err(Failure::Unreadable(why));
        }
        world.resolver = common.resolver;
        world.rebuild_standby = rebuild_standby;
        world
            .leave_out(&types)
            .map_err(|wrong| Failure::Unreadable(wrong.to_string()))?;
        if world.shared.aws.is_elsewhere() {
            world.patience.look_every = world.patience.look_every.min(std::time::Duration::from_millis(200));
        }
        tokio::select! {
            answer = run(world) => answer.map_err(Failure::from),
            _ = tokio::signal::ctrl_c() => Err(Failure::Outside {
                message: "interrupted: what is done stays, and the same command goes on from here".to_owned(),
                details: Value::Null,
                code: 130,
            }),
        }
    });
    // Nobody waits for a question that was interrupted.
    runtime.shutdown_background();
    answer
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self::Outside {
            message: trouble.to_string(),
            code: code_of(trouble.kind),
            details: json!(trouble),
        }
    }
}

/// 1: it was looked at, and the answer is no. 3: something outside failed.
const fn code_of(kind: TroubleKind) -> u8 {
    match kind {
        TroubleKind::NotOurs | TroubleKind::Refused | TroubleKind::Unfit => 1,
        TroubleKind::Credentials
        | TroubleKind::Permission
        | TroubleKind::Quota
        | TroubleKind::Unreachable
        | TroubleKind::TooLong
        | TroubleKind::Call => 3,
    }
}

async fn agreed() -> Result<bool, Trouble> {
    if !io::stdin().is_terminal() {
        return Err(Trouble::own(
            TroubleKind::Unfit,
            "nobody can be asked here: look at the plan, and then say `--yes`",
        ));
    }
    eprint_quietly("apply this? [y/N] ");
    // On a thread of its own, so that the question can be interrupted.
    let answer = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).map(|_| answer)
    });
    let answer = answer.await;
    Ok(answer.is_ok_and(|answer| answer.is_ok_and(|answer| matches!(answer.trim(), "y" | "yes"))))
}
