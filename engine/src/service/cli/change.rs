//! The commands that change something. They say what they will do and ask, or take `--yes`.

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use clap::Args;

use super::client::{Answer, Reach, Unanswered, client, wait};
use super::text;
use crate::service::given::Given;
use crate::service::operators::shapes::{CommandAnswer, CommandName, CommandRequest, CommandResult};
use crate::service::secret::Tokens;

#[derive(Debug, Args)]
#[command(after_help = super::EXIT_CODES)]
pub(super) struct Change {
    #[command(flatten)]
    reach: Reach,
    /// The file with your token.
    #[arg(long, value_name = "FILE")]
    token_file: Given,
    /// Only says what it would do, and which guards object.
    #[arg(long)]
    dry_run: bool,
    /// Does not ask. Needed where nobody can be asked.
    #[arg(long)]
    yes: bool,
    /// Who you are, for the journal. Your login if left out.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Why, for the journal.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = super::EXIT_CODES)]
pub(super) struct Failover {
    #[command(flatten)]
    pub(super) change: Change,
    /// Accepts a loss above the policy's bound. Where the policy wants two people, the first of them consents with
    /// this, and the second one carries it out with the same.
    #[arg(long)]
    pub(super) accept_loss: bool,
}

pub(super) fn make(change: &Change, command: CommandName, accept_loss: bool) -> ExitCode {
    let request = CommandRequest {
        command,
        dry_run: change.dry_run,
        accept_loss,
        by: change.by.clone().or_else(login),
        reason: change.reason.clone(),
    };
    match try_make(change, &request) {
        Ok(code) => code,
        Err(unanswered) => unanswered.tell(change.reach.json),
    }
}

fn try_make(change: &Change, request: &CommandRequest) -> Result<ExitCode, Unanswered> {
    let asks = !change.yes && !change.dry_run;
    if asks && !std::io::stdin().is_terminal() {
        return Err(Unanswered::Wrong(
            "this changes the platform, and nobody is there to be asked: add `--yes`, or `--dry-run` to see what it would do"
                .to_owned(),
        ));
    }
    let tokens = Tokens::read(&change.token_file).map_err(|wrong| Unanswered::Wrong(wrong.to_string()))?;
    wait(async {
        let client = client()?;
        if asks {
            let rehearsed = CommandRequest {
                dry_run: true,
                ..request.clone()
            };
            let answer = send(&client, change, &tokens, &rehearsed).await?;
            let would = result(&answer)?;
            if would.result == CommandResult::WouldBeRefused {
                change.reach.show(answer, text::command)?;
                return Ok(ExitCode::from(1));
            }
            // Standard output is for the answer.
            eprint!("{}", text::command(&would));
            if !agreed().await? {
                eprintln!("Nothing was done.");
                return Ok(ExitCode::from(1));
            }
        }
        let answer = send(&client, change, &tokens, request).await?;
        let code = match result(&answer)?.result {
            CommandResult::Done | CommandResult::WouldBeDone | CommandResult::ConsentRecorded => ExitCode::SUCCESS,
            CommandResult::Refused | CommandResult::WouldBeRefused => ExitCode::from(1),
        };
        change.reach.show(answer, text::command)?;
        Ok(code)
    })
}

async fn send(
    client: &reqwest::Client,
    change: &Change,
    tokens: &Tokens,
    request: &CommandRequest,
) -> Result<Answer, Unanswered> {
    let token = tokens.first().map_or("", |token| token.expose());
    let post = client
        .post(change.reach.at("v1/commands")?)
        .bearer_auth(token)
        .json(request);
    change.reach.send(post).await
}

fn result(answer: &Answer) -> Result<CommandAnswer, Unanswered> {
    serde_json::from_value(answer.object.clone()).map_err(|error| {
        let status = answer.status;
        Unanswered::Outside(format!(
            "the sidecar's answer (status {status}) is not that of a command: {error}"
        ))
    })
}

/// Asks at the terminal.
async fn agreed() -> Result<bool, Unanswered> {
    eprint!("Do it? [y/N] ");
    // A terminal that does not take this does not answer either.
    let _ = std::io::stderr().flush();
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    match line.await {
        Ok(Ok(line)) => Ok(matches!(line.trim(), "y" | "Y" | "yes" | "Yes")),
        Ok(Err(_)) | Err(_) => Err(Unanswered::Interrupted),
    }
}

#[expect(clippy::disallowed_methods, reason = "who sits at the terminal is no configuration")]
fn login() -> Option<String> {
    let name = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"));
    name.ok().filter(|name| !name.is_empty())
}
