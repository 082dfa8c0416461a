//! The program as Lambda starts it: unpacked, in an environment of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::package;

/// It ends at once, or never.
const END_MAX: Duration = Duration::from_secs(30);

/// How it is started.
#[derive(Debug)]
pub(crate) struct Bootstrap {
    handler: String,
    without: &'static str,
}

/// It runs, until it is dropped.
#[derive(Debug)]
pub(crate) struct Running(Option<Child>);

impl Bootstrap {
    pub(crate) fn of(handler: &str) -> Self {
        Self {
            handler: handler.to_owned(),
            without: "",
        }
    }

    /// Without one of the variables that Lambda sets.
    pub(crate) fn without(mut self, variable: &'static str) -> Self {
        self.without = variable;
        self
    }

    pub(crate) fn start(&self, api: &str) -> Running {
        // Unpacked once: a file that was just written cannot be started while another test starts one.
        static FOLDER: OnceLock<TempDir> = OnceLock::new();
        let folder = FOLDER.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let (program, mode) = package::unpacked();
            let path = folder.path().join("bootstrap");
            fs::write(&path, program).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            folder
        });
        let mut command = Command::new(folder.path().join("bootstrap"));
        command.env_clear();
        for (name, value) in [("AWS_LAMBDA_RUNTIME_API", api), ("_HANDLER", &self.handler)] {
            if name != self.without {
                command.env(name, value);
            }
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        Running(Some(child.unwrap()))
    }
}

impl Running {
    pub(crate) fn is_running(&mut self) -> bool {
        // What ends it would have done so by then.
        thread::sleep(Duration::from_millis(200));
        self.0.as_mut().unwrap().try_wait().unwrap().is_none()
    }

    /// Waits until it ends by itself. Its code, and what it said.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let began = Instant::now();
        let mut child = self.0.take().unwrap();
        while child.try_wait().unwrap().is_none() {
            if began.elapsed() > END_MAX {
                child.kill().unwrap();
                panic!("it does not end");
            }
            thread::sleep(Duration::from_millis(5));
        }
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }

    /// Ends it. What it said.
    pub(crate) fn stop(mut self) -> String {
        let mut child = self.0.take().unwrap();
        child.kill().unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}
