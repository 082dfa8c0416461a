//! Where operators ask: one desk per sidecar, in front of its core.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tracing::info;

use super::consent::{Consented, Consents, GOOD_FOR};
use super::history::Recent;
use super::shapes::{CommandAnswer, CommandName, CommandRequest, CommandResult, EntryAnswer, StatusAnswer, WhyAnswer};
use super::view::View;
use super::workflow::steps;
use crate::core::engine::Refusal;
use crate::core::journal::Happening;
use crate::core::machine::StateName;
use crate::core::signal::Command;
use crate::core::status::{Explanation, Rehearsal};
use crate::service::context::Sidecar;
use crate::service::shell::Input;
use crate::words;
use crate::workflow::{FAILBACK, FAILOVER};

/// How long the core may take to answer. It answers within a millisecond, unless the machine is suspended.
const PATIENCE: Duration = Duration::from_secs(5);
/// A name or a reason longer than this is no name and no reason.
const NAME_MAX: usize = 64;
const REASON_MAX: usize = 500;
/// Entries on the status page.
const RECENT_SHOWN: usize = 12;

/// Why nothing was answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The core does not answer.
    #[error("the core does not answer; look at this sidecar's log, and ask another one of the region")]
    Busy,
    /// What was asked for makes no sense.
    #[error("{0}")]
    Wrong(String),
    /// The history cannot be read.
    #[error("the history cannot be read: {0}")]
    NoHistory(String),
}

/// Everything that the status page shows, of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// The sidecar.
    pub status: StatusAnswer,
    /// Its reasons.
    pub why: WhyAnswer,
    /// The last entries of its journal, oldest first.
    pub recent: Vec<EntryAnswer>,
    /// Who has consented to a loss and waits for a second person.
    pub consent: Option<String>,
}

/// One sidecar's desk.
#[derive(Debug)]
pub struct Desk {
    sidecar: Sidecar,
    recent: Arc<Recent>,
    consents: Consents,
}

impl Desk {
    /// A desk in front of a core.
    #[must_use]
    pub fn new(sidecar: Sidecar, recent: Arc<Recent>) -> Self {
        Self {
            sidecar,
            recent,
            consents: Consents::default(),
        }
    }

    /// The sidecar behind it.
    #[must_use]
    pub const fn sidecar(&self) -> &Sidecar {
        &self.sidecar
    }

    /// What gives numbers their names, now.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View {
            policy: &self.sidecar.context.policy,
            now: self.sidecar.context.clock.now(),
        }
    }

    /// The sidecar as it stands.
    ///
    /// # Errors
    /// When the core does not answer.
    pub async fn status(&self) -> Result<StatusAnswer, NoAnswer> {
        // Only there the guards are part of the status.
        let blocked = self.sidecar.views.status.borrow().state == StateName::Blocked;
        let explanation = if blocked { Some(self.explain().await?) } else { None };
        Ok(self.status_with(explanation.as_ref()))
    }

    fn status_with(&self, explanation: Option<&Explanation>) -> StatusAnswer {
        let status = Arc::clone(&self.sidecar.views.status.borrow());
        let findings = explanation.map_or(&[][..], |explanation| &explanation.now.findings);
        let objections: Vec<_> = findings.iter().filter(|finding| !finding.passed).copied().collect();
        let standing = Arc::clone(&self.sidecar.standing.borrow());
        self.view()
            .status(&status, &objections, self.sidecar.inbox.pressure(), &standing)
    }

    /// Why the engine did what it did, and why it does not do otherwise now.
    ///
    /// # Errors
    /// When the core does not answer.
    pub async fn why(&self) -> Result<WhyAnswer, NoAnswer> {
        let explanation = self.explain().await?;
        Ok(self.view().why(&explanation))
    }

    /// Everything that the status page shows.
    ///
    /// # Errors
    /// When the core does not answer.
    pub async fn scene(&self) -> Result<Scene, NoAnswer> {
        let explanation = self.explain().await?;
        let view = self.view();
        let recent = self.recent.last(RECENT_SHOWN);
        Ok(Scene {
            status: self.status_with(Some(&explanation)),
            why: view.why(&explanation),
            recent: recent.iter().map(|entry| view.entry(entry)).collect(),
            consent: self.consents.waiting(view.now.boot),
        })
    }

    /// The explanation, in the core's own terms.
    ///
    /// # Errors
    /// When the core does not answer.
    pub async fn explain(&self) -> Result<Explanation, NoAnswer> {
        self.ask(Input::Explain).await
    }

    /// Does what an operator asks for, or says what it would do. `signed` is the name of the token that was shown, if
    /// it has one.
    ///
    /// # Errors
    /// When the request makes no sense, or the core does not answer. A refusal is an answer.
    pub async fn command(&self, request: &CommandRequest, signed: Option<&str>) -> Result<CommandAnswer, NoAnswer> {
        let by = author(request, signed)?;
        let command = command(request)?;
        let two = request.accept_loss && self.sidecar.context.policy.gates.two_person_loss;
        let rehearsal = self.ask(|answer| Input::Rehearse(command, answer)).await?;
        if let Some(refusal) = rehearsal.refused {
            let result = if request.dry_run {
                CommandResult::WouldBeRefused
            } else {
                CommandResult::Refused
            };
            if !request.dry_run {
                // Asked all the same: the core writes the refusal down, and may think otherwise by now.
                return self.carry_out(request, command, by, &rehearsal).await;
            }
            return Ok(self.answer(request, result, &rehearsal, &refusal.to_string(), Some(refusal)));
        }
        let does = self.describes(request.command);
        if request.dry_run {
            let second = if two {
                ", once a second person has consented"
            } else {
                ""
            };
            let sentence = format!("{does}{second}. Nothing has been done.");
            return Ok(self.answer(request, CommandResult::WouldBeDone, &rehearsal, &sentence, None));
        }
        if two {
            let Some(by) = &by else {
                return Err(NoAnswer::Wrong(
                    "two people have to consent to this loss: say who you are in `by`".to_owned(),
                ));
            };
            if self.consents.give(by, self.view().now.boot) == Consented::First {
                self.sign(request, command, by, true)?;
                let minutes = GOOD_FOR.as_secs() / 60;
                let sentence = format!(
                    "the consent of {by} is recorded for {minutes} min; nothing happens until somebody else asks for the same"
                );
                return Ok(self.answer(request, CommandResult::ConsentRecorded, &rehearsal, &sentence, None));
            }
        }
        self.carry_out(request, command, by, &rehearsal).await
    }

    async fn carry_out(
        &self,
        request: &CommandRequest,
        command: Command,
        by: Option<String>,
        rehearsal: &Rehearsal,
    ) -> Result<CommandAnswer, NoAnswer> {
        let by = by.unwrap_or_else(|| "an operator".to_owned());
        self.sign(request, command, &by, false)?;
        let answer = match self.ask(|answer| Input::Command(command, answer)).await? {
            Ok(()) => {
                let sentence = format!("{}.", self.describes(request.command));
                self.answer(request, CommandResult::Done, rehearsal, &sentence, None)
            }
            Err(refusal) => {
                let sentence = refusal.to_string();
                self.answer(request, CommandResult::Refused, rehearsal, &sentence, Some(refusal))
            }
        };
        Ok(answer)
    }

    /// Writes down who asks, before it is asked.
    fn sign(&self, request: &CommandRequest, command: Command, by: &str, consent: bool) -> Result<(), NoAnswer> {
        let reason = request.reason.clone();
        info!(
            by,
            reason,
            consent,
            command = words::command(command),
            "an operator asks"
        );
        let note = Happening::Signed {
            by: by.to_owned(),
            command,
            reason,
            consent,
        };
        let taken = self.sidecar.inbox.put(Input::Note(note));
        taken.then_some(()).ok_or(NoAnswer::Busy)
    }

    async fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> Input) -> Result<T, NoAnswer> {
        let (sender, answer) = oneshot::channel();
        if !self.sidecar.inbox.put(question(sender)) {
            return Err(NoAnswer::Busy);
        }
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(NoAnswer::Busy),
        }
    }

    fn answer(
        &self,
        request: &CommandRequest,
        result: CommandResult,
        rehearsal: &Rehearsal,
        sentence: &str,
        refusal: Option<Refusal>,
    ) -> CommandAnswer {
        let view = self.view();
        let guard = match refusal {
            Some(Refusal::Guard(guard)) => Some(words::guard(guard).to_owned()),
            Some(Refusal::WrongState(_)) | None => None,
        };
        let at_once = rehearsal.edges.iter().map(|edge| edge.sentence().to_owned());
        let asked = rehearsal
            .intents
            .iter()
            .filter_map(|intent| words::intent(intent, view.names()));
        CommandAnswer {
            command: request.command,
            result,
            sentence: sentence.to_owned(),
            guard,
            guards: rehearsal.findings.iter().map(|finding| view.guard(finding)).collect(),
            at_once: if refusal.is_none() {
                at_once.chain(asked).collect()
            } else {
                Vec::new()
            },
            // What undoes a workflow belongs to no plan.
            steps: match request.command {
                CommandName::Failover => steps(&FAILOVER)
                    .into_iter()
                    .filter(|step| step.state != StateName::Reverting.name())
                    .collect(),
                CommandName::Failback => steps(&FAILBACK)
                    .into_iter()
                    .filter(|step| step.state != StateName::RollingBack.name())
                    .collect(),
                _ => Vec::new(),
            },
        }
    }

    /// What a command does, at this sidecar.
    fn describes(&self, command: CommandName) -> String {
        let region = self.view().region(self.sidecar.identity.region);
        let other = self.view().region(self.sidecar.identity.region.other());
        let here = format!("sidecar {} of {region}", self.sidecar.identity.sidecar.0);
        match command {
            CommandName::Pause => format!("{here} changes no role until it is resumed; renewals go on"),
            CommandName::Resume => format!("{here} may change roles again"),
            CommandName::Arm => format!("{here} acts on its decisions"),
            CommandName::Disarm => format!("{here} only records its decisions: no failover will happen by it"),
            CommandName::Failover => format!("{region} takes over from {other}"),
            CommandName::Failback => format!("the platform goes home, from {region} to {other}"),
            CommandName::Approve => format!("{here} goes on with what it waits for"),
            CommandName::Acknowledge => {
                format!("{here} looks at lease, writer and switches again, and goes on from where the platform is")
            }
        }
    }
}

fn command(request: &CommandRequest) -> Result<Command, NoAnswer> {
    if request.accept_loss && request.command != CommandName::Failover {
        return Err(NoAnswer::Wrong(
            "only a failover can accept a loss: leave `accept_loss` out".to_owned(),
        ));
    }
    Ok(match request.command {
        CommandName::Pause => Command::Pause,
        CommandName::Resume => Command::Resume,
        CommandName::Arm => Command::Arm,
        CommandName::Disarm => Command::Disarm,
        CommandName::Failover => Command::FailOver {
            accept_loss: request.accept_loss,
        },
        CommandName::Failback => Command::FailBack,
        CommandName::Approve => Command::Approve,
        CommandName::Acknowledge => Command::Acknowledge,
    })
}

/// Who asks: what their token says, or else what they say.
fn author(request: &CommandRequest, signed: Option<&str>) -> Result<Option<String>, NoAnswer> {
    let wrong = |text: String| Err(NoAnswer::Wrong(text));
    let plain = |text: &str, most: usize| text.chars().count() <= most && !text.chars().any(char::is_control);
    if let Some(reason) = &request.reason
        && !plain(reason, REASON_MAX)
    {
        return wrong(format!("a reason has one line of at most {REASON_MAX} letters"));
    }
    let said = request.by.as_deref().map(str::trim).filter(|said| !said.is_empty());
    match (signed, said) {
        (Some(signed), Some(said)) if signed != said => wrong(format!(
            "the token is that of {signed}: leave `by` out, or give your own token"
        )),
        (Some(signed), _) => Ok(Some(signed.to_owned())),
        (None, Some(said)) if !plain(said, NAME_MAX) => {
            wrong(format!("a name has one line of at most {NAME_MAX} letters"))
        }
        (None, said) => Ok(said.map(str::to_owned)),
    }
}
