//! A second engine beside a sidecar's own, fed with the same: whatever an engine does must follow from its inputs.

use understudy_engine::core::effect::Effect;
use understudy_engine::core::engine::Engine;
use understudy_engine::core::journal::JournalEntry;
use understudy_engine::core::signal::Command;
use understudy_engine::core::time::Now;

use super::engines::Input;

/// The second engine; none: nobody looks, or it did something else already.
#[derive(Debug, Default)]
pub(super) struct Twin {
    engine: Option<Box<Engine>>,
    diverged: bool,
}

impl Twin {
    /// Beside an engine that starts.
    pub(super) fn of(engine: Engine) -> Self {
        Self {
            engine: Some(Box::new(engine)),
            diverged: false,
        }
    }

    /// It is fed as well.
    pub(super) fn feed(&mut self, now: Now, input: &Input) {
        if let Some(engine) = &mut self.engine {
            input.hand_to(engine, now);
        }
    }

    /// An operator asks it as well.
    pub(super) fn command(&mut self, now: Now, command: Command) {
        if let Some(engine) = &mut self.engine {
            // What it answers stands in its journal, which is compared.
            let _ = engine.handle_command(now, command);
        }
    }

    /// The engine wrote this into its journal, or nothing more.
    pub(super) fn writes(&mut self, entry: Option<&JournalEntry>) {
        if let Some(engine) = &mut self.engine
            && engine.poll_journal().as_ref() != entry
        {
            self.diverge();
        }
    }

    /// The engine asked for this effect, or for nothing more.
    pub(super) fn asks(&mut self, effect: Option<&Effect>) {
        if let Some(engine) = &mut self.engine
            && engine.poll_effect().as_ref() != effect
        {
            self.diverge();
        }
    }

    /// The engine's process ends, or the run does.
    pub(super) fn ends(&mut self, now: Now, engine: &Engine) {
        if self
            .engine
            .take()
            .is_some_and(|twin| twin.status(now) != engine.status(now))
        {
            self.diverge();
        }
    }

    /// Whether it has done something else since the last call.
    pub(super) const fn has_diverged(&mut self) -> bool {
        std::mem::replace(&mut self.diverged, false)
    }

    /// What follows from one difference is no news.
    fn diverge(&mut self) {
        self.diverged = true;
        self.engine = None;
    }
}
