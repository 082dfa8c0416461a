//! What the world commands: processes, events for them, operators, answers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use understudy_engine::core::effect::Outcome;
use understudy_engine::core::signal::{Command, Signal};
use understudy_policies::Policy;

use super::fleet::Fleet;
use super::{Incoming, events};
use crate::world::outside::Processes;

/// How long a sidecar may take to answer an event or a command, in real time.
const PATIENCE: Duration = Duration::from_secs(5);

/// Everything that the world commands.
pub(crate) struct Crew {
    pub(crate) fleet: Fleet,
    /// How often each process was started.
    starts: BTreeMap<usize, u32>,
    /// Who waits for which effect.
    waiting: BTreeMap<u32, oneshot::Sender<Outcome>>,
    events: u64,
    pub(crate) runtime: Handle,
    pub(crate) client: reqwest::Client,
    pub(crate) token: String,
    pub(crate) policy: Policy,
    pub(crate) tell: Sender<Incoming>,
}

impl Crew {
    pub(crate) fn new(
        fleet: Fleet,
        runtime: Handle,
        client: reqwest::Client,
        token: String,
        policy: &Policy,
        tell: Sender<Incoming>,
    ) -> Self {
        Self {
            fleet,
            starts: BTreeMap::new(),
            waiting: BTreeMap::new(),
            events: 0,
            runtime,
            client,
            token,
            policy: policy.clone(),
            tell,
        }
    }

    /// Somebody waits for an effect.
    pub(crate) fn waits(&mut self, effect: u32, reply: oneshot::Sender<Outcome>) {
        self.waiting.insert(effect, reply);
    }

    /// Whether this is the latest start of a process.
    pub(crate) fn is_current(&self, process: usize, start: u32) -> bool {
        self.starts.get(&process) == Some(&start)
    }

    fn start(&mut self, process: usize) {
        let start = self.starts.entry(process).or_insert(0);
        *start += 1;
        if let Err(error) = self.fleet.start(process, *start) {
            self.trouble(format!("a process of the engine cannot be started: {error}"));
        }
    }

    fn post(&self, slot: usize, path: &str, body: String) {
        let Some(member) = self.fleet.members().get(slot) else {
            return;
        };
        let request = self
            .client
            .post(format!("http://{}{path}", member.operators))
            .bearer_auth(&self.token)
            .header("content-type", "application/json")
            .timeout(PATIENCE)
            .body(body);
        let (tell, what) = (self.tell.clone(), format!("{}, POST {path}", member.seat.name()));
        drop(self.runtime.spawn(async move {
            let refused = match request.send().await {
                // A command that is refused is answered, too, and stands in the engine's journal.
                Ok(answer) if answer.status().is_success() || answer.status() == StatusCode::CONFLICT => return,
                Ok(answer) => answer.status().to_string(),
                // It may have been killed meanwhile: that is what drills are for.
                Err(_) => return,
            };
            // The drill may be over.
            let _ = tell.send(Incoming::Trouble(format!("{what}: {refused}")));
        }));
    }

    fn trouble(&self, what: String) {
        // The drill may be over.
        let _ = self.tell.send(Incoming::Trouble(what));
    }
}

/// A command by the name that the engine's API has for it.
const fn name_of(command: Command) -> &'static str {
    match command {
        Command::Pause => "pause",
        Command::Resume => "resume",
        Command::Arm => "arm",
        Command::Disarm => "disarm",
        Command::FailOver { .. } => "failover",
        Command::FailBack => "failback",
        Command::Approve => "approve",
        Command::Acknowledge => "acknowledge",
        Command::ShutDown => "shut-down",
    }
}

/// The crew, as the world has it.
#[derive(Clone)]
pub(crate) struct Hands(pub(crate) Rc<RefCell<Crew>>);

impl Processes for Hands {
    fn start(&mut self, process: usize) {
        self.0.borrow_mut().start(process);
    }

    fn stop(&mut self, process: usize) {
        self.0.borrow_mut().fleet.stop(process);
    }

    fn pause(&mut self, process: usize) {
        self.0.borrow_mut().fleet.pause(process);
    }

    fn resume(&mut self, process: usize) {
        self.0.borrow_mut().fleet.resume(process);
    }

    fn hear(&mut self, slot: usize, signal: Signal) {
        let mut crew = self.0.borrow_mut();
        crew.events += 1;
        if let Some(event) = events::envelope(&crew.policy, &signal, crew.events) {
            crew.post(slot, "/events", event.to_string());
        }
    }

    fn ask(&mut self, slot: usize, command: Command) {
        let mut crew = self.0.borrow_mut();
        match command {
            Command::ShutDown => crew.fleet.ask_to_end(slot),
            other => {
                let body = json!({
                    "command": name_of(other),
                    "accept_loss": matches!(command, Command::FailOver { accept_loss: true }),
                    "reason": "a drill",
                });
                crew.post(slot, "/v1/commands", body.to_string());
            }
        }
    }

    fn settled(&mut self, effect: u32, outcome: Option<Outcome>) {
        let reply = self.0.borrow_mut().waiting.remove(&effect);
        // Whoever waited may have gone. What nobody will hear of is never answered.
        if let (Some(reply), Some(outcome)) = (reply, outcome.filter(|outcome| *outcome != Outcome::TimedOut)) {
            let _ = reply.send(outcome);
        }
    }
}
