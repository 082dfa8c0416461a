//! `drill`: the live version of a scenario.

use std::fs;
use std::io::{self, IsTerminal, stderr};
use std::path::{Path, PathBuf};

use understudy_simulations::drill::report::{DrillReport, Repeated};
use understudy_simulations::drill::{self, Drill, Failure, Scene, Speed, Stop};
use understudy_simulations::render::{self, Look};
use understudy_simulations::report::Kind;
use understudy_simulations::report_html;

use super::input::{self, Refusal};
use super::{Answer, DrillArguments, SEED, output};

pub(super) fn drill(arguments: &DrillArguments) -> Result<Answer, Refusal> {
    if arguments.postgres {
        return super::drill_postgres::drill(arguments);
    }
    let scenario = input::scenario(&arguments.scenario)?;
    let (policy, text) = input::policy_and_text(arguments.policy.as_deref(), &scenario.policy)?;
    drill::check(&scenario).map_err(|unplayable| Refusal::Drill(unplayable.into()))?;
    let program = std::env::current_exe().map_err(|error| Refusal::Drill(error.into()))?;
    let drill = Drill {
        scenario: &scenario,
        policy: &policy,
        policy_text: &text,
        seed: arguments.seed.or(scenario.seed).unwrap_or(SEED),
        speed: arguments.speed,
        program,
    };
    let place = Place::try_out(&arguments.report)?;
    let stop = stop_on_interrupt()?;
    let mut reports = Vec::new();
    for turn in 1..=arguments.repeat {
        let mut view = View::new(&scenario.name);
        if arguments.repeat > 1 {
            output::tell(&format!("drill {turn} of {}\n", arguments.repeat));
        }
        match drill::run(&drill, &stop, &mut |scene| view.show(scene)) {
            Ok(report) => reports.push(report),
            Err(Failure::Interrupted) => break,
            Err(failure) => return Err(Refusal::Drill(failure)),
        }
    }
    let interrupted = reports.len() < usize::from(arguments.repeat);
    let right = reports.iter().all(|report| report.right);
    tell(arguments, &reports, place)?;
    Ok(if interrupted {
        Answer::Interrupted
    } else if right {
        Answer::Fine
    } else {
        Answer::No
    })
}

/// The answer: one drill in full, or what several add up to, and the last of them as a page.
fn tell(arguments: &DrillArguments, reports: &[DrillReport], place: Place<'_>) -> Result<(), Refusal> {
    let Some(last) = reports.last() else { return Ok(()) };
    let path = place.write(&report_html::page(last))?;
    if arguments.repeat == 1 {
        if arguments.json {
            output::print_json(last)?;
        } else {
            output::print(&render::drill(last, output::look()))?;
        }
    } else {
        let repeated = Repeated::new(reports);
        if arguments.json {
            output::print_json(&repeated)?;
        } else {
            output::print(&render::repeated(&repeated, output::look()))?;
        }
    }
    output::tell(&format!("report: {}\n", path.display()));
    Ok(())
}

/// Where the report will be. Looked at before anything runs: whoever waits for minutes wants to know that it can be
/// written.
struct Place<'a> {
    path: &'a Path,
    /// It was made by this drill, and holds nothing yet.
    empty: bool,
}

impl<'a> Place<'a> {
    fn try_out(path: &'a Path) -> Result<Self, Refusal> {
        let empty = !path.exists();
        let opened = fs::OpenOptions::new().append(true).create(true).open(path);
        opened.map_err(|error| Self::unwritable(path, error))?;
        Ok(Self { path, empty })
    }

    fn write(mut self, text: &str) -> Result<PathBuf, Refusal> {
        fs::write(self.path, text).map_err(|error| Self::unwritable(self.path, error))?;
        self.empty = false;
        Ok(fs::canonicalize(self.path).unwrap_or_else(|_| self.path.to_owned()))
    }

    fn unwritable(path: &Path, error: io::Error) -> Refusal {
        Refusal::Unwritable {
            path: path.display().to_string(),
            error,
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.empty {
            // There is nothing in it, and whoever reads it would think that there ought to be.
            drop(fs::remove_file(self.path));
        }
    }
}

/// The first Ctrl-C ends the drill and everything that it has started.
pub(super) fn stop_on_interrupt() -> Result<Stop, Refusal> {
    let stop = Stop::new();
    let asked = stop.clone();
    ctrlc::set_handler(move || asked.stop()).map_err(|error| Refusal::Signals(error.to_string()))?;
    Ok(stop)
}

/// What is shown on standard error while a drill runs: one frame over the other on a terminal, a log elsewhere.
struct View {
    title: String,
    terminal: bool,
    /// How many lines the last frame has.
    drawn: usize,
    begun: bool,
}

impl View {
    fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            terminal: stderr().is_terminal(),
            drawn: 0,
            begun: false,
        }
    }

    fn show(&mut self, scene: &Scene) {
        if self.terminal {
            self.draw(scene);
        } else {
            self.log(scene);
        }
    }

    fn draw(&mut self, scene: &Scene) {
        let (width, height) = terminal_size::terminal_size_of(stderr())
            .map_or((Look::PLAIN.width, 24), |(width, height)| {
                (usize::from(width.0), usize::from(height.0))
            });
        let look = Look {
            width,
            fancy: output::colourful(),
        };
        let frame = render::scene(&self.title, scene, look, height.saturating_sub(1));
        // Back to the first line of the last frame, and nothing of it is left.
        let back = if self.drawn > 0 {
            format!("\x1b[{}A", self.drawn)
        } else {
            String::new()
        };
        output::tell(&format!("{back}\r\x1b[J{frame}"));
        self.drawn = frame.lines().count();
    }

    fn log(&mut self, scene: &Scene) {
        if !self.begun {
            self.begun = true;
            for sidecar in &scene.sidecars {
                output::tell(&format!("{}: {}\n", sidecar.who, sidecar.page));
            }
            output::tell("everything starts and settles before the onset\n");
        }
        for news in &scene.news {
            let settling =
                news.at_seconds < 0.0 && matches!(news.kind, Kind::Witness | Kind::Assessment | Kind::Effect);
            if !settling {
                output::tell(&format!("{:>10.3}  {}: {}\n", news.at_seconds, news.who, news.text));
            }
        }
    }
}

/// A speed as the command line has it.
pub(super) fn speed(text: &str) -> Result<Speed, String> {
    if text == "auto" {
        return Ok(Speed::Adaptive);
    }
    match text.parse::<f64>() {
        Ok(speed) if (1.0..=Speed::MAX).contains(&speed) => Ok(Speed::Fixed(speed)),
        _ => Err(format!(
            "a drill runs at 1 to {} times the speed of life, or `auto`",
            Speed::MAX
        )),
    }
}
