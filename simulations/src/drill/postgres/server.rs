//! A private PostgreSQL server: its own data folder, a free port of the loopback interface, no socket file, and nothing
//! left behind.
//!
//! PostgreSQL refuses to run as root. Whoever is root runs it as the user `postgres`, or as `nobody`.
//! The tests of the engine's PostgreSQL part use this file as well.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// The superuser of every such server.
pub const USER: &str = "postgres";
/// Its password. The server is reached from this machine alone, and lives for minutes.
pub const PASSWORD: &str = "known-to-this-machine";
/// The database that holds the orders.
pub const DATABASE: &str = "postgres";

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// A port that was free is taken by somebody else now and then.
const ATTEMPTS: u32 = 5;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// No PostgreSQL on this machine.
    #[error("PostgreSQL's server programs are not on this machine; install Debian's package `postgresql`")]
    NotInstalled,
    /// A program failed.
    #[error("{program} failed: {output}")]
    Program {
        /// Which.
        program: String,
        /// The end of what it said.
        output: String,
    },
    /// It did not come up, or did not go down.
    #[error("the PostgreSQL server in {} did not {what} in time; its log says: {log}", folder.display())]
    Late {
        /// Where its log is.
        folder: PathBuf,
        /// What it should have done.
        what: &'static str,
        /// The end of its log.
        log: String,
    },
    /// The machine.
    #[error("a private PostgreSQL server cannot be set up: {0}")]
    Machine(#[from] std::io::Error),
}

/// A folder that is removed with everything in it.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A new one below the machine's temporary folder, for whoever may run PostgreSQL.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(label: &str) -> Result<Self, Trouble> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("understudy-{label}-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path)?;
        let folder = Self(path);
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        Ok(folder)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is reported by nobody and harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How a server is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Sessions are ended, and the standby gets everything.
    Fast,
    /// At once: the next start recovers.
    Immediate,
}

/// One process, told apart from a later one of the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    pid: Pid,
    started: u64,
}

/// A private server. Dropped, it is gone.
#[derive(Debug)]
pub struct Server {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    owner: Option<(u32, u32)>,
    postmaster: Option<Child>,
    watchdog: Option<Child>,
    /// Children of a postmaster that was killed: they end by themselves, sooner or later.
    orphans: Vec<Process>,
}

impl Server {
    /// A new, empty server in a subfolder of `within`, with `more` lines of configuration. It does not run yet.
    ///
    /// # Errors
    /// When PostgreSQL is not installed, or refuses.
    pub fn create(within: &Folder, name: &str, more: &str) -> Result<Self, Trouble> {
        let mut server = Self::place(within, name)?;
        let password = server.folder.with_extension("password");
        server.write_for_owner(&password, &format!("{PASSWORD}\n"))?;
        let mut initdb = server.program("initdb");
        initdb.args([
            "--username",
            USER,
            "--auth",
            "scram-sha-256",
            "--encoding",
            "UTF8",
            "--locale",
            "C",
            "--no-sync",
        ]);
        initdb
            .arg("--pwfile")
            .arg(&password)
            .arg("--pgdata")
            .arg(&server.folder);
        run(initdb)?;
        server.configure(more)?;
        Ok(server)
    }

    /// A streaming standby of a server that runs. It does not run yet.
    ///
    /// # Errors
    /// When the copy cannot be made.
    pub fn follow(within: &Folder, name: &str, writer: &Self) -> Result<Self, Trouble> {
        let mut server = Self::place(within, name)?;
        server.copy(writer)?;
        Ok(server)
    }

    /// Makes this server a fresh standby of a server that runs. Whatever it held is gone.
    ///
    /// # Errors
    /// When the copy cannot be made.
    pub fn rebuild(&mut self, writer: &Self) -> Result<(), Trouble> {
        self.stop(Stop::Immediate)?;
        fs::remove_dir_all(&self.folder)?;
        self.copy(writer)
    }

    /// Starts it, and waits until it takes connections.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start(&mut self) -> Result<(), Trouble> {
        for attempt in 1.. {
            match self.start_once() {
                Err(Trouble::Late { log, .. }) if attempt < ATTEMPTS && log.contains("could not bind") => {
                    self.port = free_port()?;
                    let mut configuration = fs::OpenOptions::new()
                        .append(true)
                        .open(self.folder.join("postgresql.conf"))?;
                    writeln!(configuration, "port = {}", self.port)?;
                }
                result => return result,
            }
        }
        Ok(())
    }

    /// Stops it, whatever state its processes are in.
    ///
    /// # Errors
    /// When it does not go down; then everything of it was killed.
    pub fn stop(&mut self, how: Stop) -> Result<(), Trouble> {
        self.resume();
        let signal = match how {
            Stop::Fast => Signal::INT,
            Stop::Immediate => Signal::QUIT,
        };
        if let Some(pid) = self.postmaster_pid() {
            send(pid, signal);
        }
        let stopped = self.wait_until("stop", |server| {
            Ok(!server.runs()? && server.orphans.iter().all(|orphan| !orphan.lives()))
        });
        if stopped.is_err() {
            self.kill_everything();
        }
        self.call_off_watchdog();
        self.postmaster = None;
        self.orphans.clear();
        stopped
    }

    /// SIGKILL for the postmaster alone. Its children notice, and end.
    pub fn kill_postmaster(&mut self) {
        self.orphans.extend(self.children());
        self.call_off_watchdog();
        if let Some(pid) = self.postmaster_pid() {
            send(pid, Signal::KILL);
        }
        if let Some(mut postmaster) = self.postmaster.take() {
            // It has been killed, so this is immediate.
            let _ = postmaster.wait();
        }
    }

    /// SIGSTOP for the postmaster alone: its backends live on, and nobody new is let in.
    pub fn suspend_postmaster(&self) {
        if let Some(pid) = self.postmaster_pid() {
            send(pid, Signal::STOP);
        }
    }

    /// SIGSTOP for everything.
    pub fn suspend(&self) {
        // The postmaster first: from then on there are no new children.
        self.suspend_postmaster();
        for child in self.children() {
            child.send(Signal::STOP);
        }
    }

    /// SIGCONT for everything.
    pub fn resume(&self) {
        for child in self.children() {
            child.send(Signal::CONT);
        }
        if let Some(pid) = self.postmaster_pid() {
            send(pid, Signal::CONT);
        }
    }

    /// Lets it speak TLS, with this certificate and key.
    ///
    /// # Errors
    /// When it does not come up again.
    pub fn encrypt(&mut self, certificate: &str, key: &str) -> Result<(), Trouble> {
        self.stop(Stop::Fast)?;
        self.write_for_owner(&self.folder.join("server.crt"), certificate)?;
        self.write_for_owner(&self.folder.join("server.key"), key)?;
        self.configure("ssl = on\n")?;
        self.start()
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its address, without the password.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_for(USER)
    }

    /// The same for another user.
    #[must_use]
    pub fn url_for(&self, user: &str) -> String {
        format!("postgresql://{user}@127.0.0.1:{}/{DATABASE}", self.port)
    }

    /// The file that holds the password.
    #[must_use]
    pub fn password_file(&self) -> PathBuf {
        self.folder.with_extension("password")
    }

    /// The data folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn place(within: &Folder, name: &str) -> Result<Self, Trouble> {
        let programs = programs().ok_or(Trouble::NotInstalled)?;
        let root = rustix::process::geteuid().is_root();
        let owner = if root { Some(unprivileged()?) } else { None };
        if let Some((user, group)) = owner {
            chown(within.path(), Some(user), Some(group))?;
        }
        Ok(Self {
            programs,
            folder: within.path().join(name),
            port: free_port()?,
            owner,
            postmaster: None,
            watchdog: None,
            orphans: Vec::new(),
        })
    }

    fn copy(&mut self, writer: &Self) -> Result<(), Trouble> {
        let password = self.password_file();
        self.write_for_owner(&password, &format!("{PASSWORD}\n"))?;
        let mut copy = self.program("pg_basebackup");
        let port = writer.port.to_string();
        copy.args(["--host", "127.0.0.1", "--port", &port, "--username", USER]);
        copy.args([
            "--write-recovery-conf",
            "--checkpoint",
            "fast",
            "--no-sync",
            "--wal-method",
            "stream",
        ]);
        copy.arg("--pgdata").arg(&self.folder);
        run(copy)?;
        self.configure("")
    }

    /// Later lines win over earlier ones, so this also works on a copy of another server's configuration.
    fn configure(&mut self, more: &str) -> Result<(), Trouble> {
        let path = self.folder.join("postgresql.conf");
        let text = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = ''\nmax_connections = 60\n\
             shared_buffers = 16MB\ndynamic_shared_memory_type = mmap\nwal_level = replica\nhot_standby = on\n\
             wal_keep_size = 64MB\ntrack_commit_timestamp = on\nwal_log_hints = on\nautovacuum_naptime = 5s\n{more}",
            self.port
        );
        fs::OpenOptions::new()
            .append(true)
            .open(path)?
            .write_all(text.as_bytes())?;
        Ok(())
    }

    fn start_once(&mut self) -> Result<(), Trouble> {
        let log = fs::File::create(self.log())?;
        let mut postmaster = self.program("postgres");
        postmaster.arg("-D").arg(&self.folder);
        postmaster.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let postmaster = postmaster.spawn()?;
        self.watchdog = Some(watchdog(postmaster.id())?);
        self.postmaster = Some(postmaster);
        let started = self.wait_until("start", |server| {
            if !server.runs()? {
                return Err(server.late("start"));
            }
            let status = fs::read_to_string(server.folder.join("postmaster.pid")).unwrap_or_default();
            let status = status.lines().nth(7).unwrap_or_default().trim();
            Ok(matches!(status, "ready" | "standby"))
        });
        if started.is_err() {
            self.kill_everything();
        }
        started
    }

    /// Before the postmaster's id can become somebody else's.
    fn call_off_watchdog(&mut self) {
        if let Some(mut watchdog) = self.watchdog.take() {
            // It may have ended; it is waited for in any case.
            let _ = watchdog.kill();
            let _ = watchdog.wait();
        }
    }

    fn runs(&mut self) -> Result<bool, Trouble> {
        match &mut self.postmaster {
            Some(postmaster) => Ok(postmaster.try_wait()?.is_none()),
            None => Ok(false),
        }
    }

    fn wait_until(
        &mut self,
        what: &'static str,
        mut done: impl FnMut(&mut Self) -> Result<bool, Trouble>,
    ) -> Result<(), Trouble> {
        for _ in 0..PATIENCE.as_millis() / LOOK_EVERY.as_millis() {
            if done(self)? {
                return Ok(());
            }
            pause(LOOK_EVERY);
        }
        Err(self.late(what))
    }

    fn late(&self, what: &'static str) -> Trouble {
        Trouble::Late {
            folder: self.folder.clone(),
            what,
            log: end_of(&fs::read_to_string(self.log()).unwrap_or_default()),
        }
    }

    fn kill_everything(&mut self) {
        self.orphans.extend(self.children());
        for orphan in &self.orphans {
            orphan.send(Signal::KILL);
        }
        self.kill_postmaster();
        self.orphans.clear();
        self.forget_shared_memory();
    }

    /// A postmaster that was killed leaves a few bytes of System V shared memory. Its next start would remove them.
    fn forget_shared_memory(&self) {
        let status = fs::read_to_string(self.folder.join("postmaster.pid")).unwrap_or_default();
        let id = status.lines().nth(6).and_then(|line| line.split_whitespace().nth(1));
        if let Some(id) = id {
            let mut remove = Command::new("ipcrm");
            remove
                .args(["--shmem-id", id])
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            // Not installed, or gone already.
            let _ = remove.status();
        }
    }

    fn postmaster_pid(&self) -> Option<Pid> {
        let id = self.postmaster.as_ref()?.id();
        Pid::from_raw(i32::try_from(id).ok()?)
    }

    fn children(&self) -> Vec<Process> {
        let Some(parent) = self.postmaster_pid() else {
            return Vec::new();
        };
        let Ok(entries) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        let pids = entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter_map(Pid::from_raw)
            .filter_map(|pid| {
                let (ppid, started) = parent_and_start(pid)?;
                (ppid == parent.as_raw_nonzero().get()).then_some(Process { pid, started })
            })
            .collect()
    }

    fn log(&self) -> PathBuf {
        self.folder.with_extension("log")
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.current_dir("/").env("PGPASSWORD", PASSWORD).env("LC_ALL", "C");
        // The terminal's Ctrl-C is for whoever uses the server, who then stops it in order.
        command.process_group(0);
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }

    fn write_for_owner(&self, path: &Path, text: &str) -> Result<(), Trouble> {
        fs::write(path, text)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        if let Some((user, group)) = self.owner {
            chown(path, Some(user), Some(group))?;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.stop(Stop::Immediate).is_ok() {
            self.forget_shared_memory();
        }
    }
}

impl Process {
    fn lives(self) -> bool {
        parent_and_start(self.pid).is_some_and(|(_, started)| started == self.started)
    }

    fn send(self, signal: Signal) {
        if self.lives() {
            send(self.pid, signal);
        }
    }
}

/// Stops a postmaster when this process is gone, however that came about: its standard input ends then.
fn watchdog(postmaster: u32) -> std::io::Result<Child> {
    Command::new("sh")
        .args([
            "-c",
            "read -r _; kill -CONT \"$0\"; kill -QUIT \"$0\"",
            &postmaster.to_string(),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

/// The parent of a process, and when it was started. None: it is gone, or nothing but its exit code is left.
fn parent_and_start(pid: Pid) -> Option<(i32, u64)> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // The name may hold spaces and parentheses; the fields after the last one are numbers.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    if fields.first() == Some(&"Z") {
        return None;
    }
    Some((fields.get(1)?.parse().ok()?, fields.get(19)?.parse().ok()?))
}

fn send(pid: Pid, signal: Signal) {
    // It may have ended in between.
    let _ = kill_process(pid, signal);
}

fn run(mut command: Command) -> Result<(), Trouble> {
    let program = Path::new(command.get_program())
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let output = end_of(&String::from_utf8_lossy(&output.stderr));
    Err(Trouble::Program { program, output })
}

fn end_of(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

/// Where the server's programs are: with Debian, one folder for each version.
fn programs() -> Option<PathBuf> {
    let of_debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<(u32, PathBuf)> = of_debian
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    folders
        .extend(["/usr/pgsql/bin", "/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"].map(|path| (0, path.into())));
    folders.sort();
    let whole = |folder: &PathBuf| {
        ["initdb", "postgres", "pg_basebackup"]
            .iter()
            .all(|name| folder.join(name).exists())
    };
    folders.into_iter().rev().map(|(_, folder)| folder).find(whole)
}

/// The user and the group that run PostgreSQL for root.
fn unprivileged() -> Result<(u32, u32), Trouble> {
    let users = fs::read_to_string("/etc/passwd")?;
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    ids("postgres").or_else(|| ids("nobody")).ok_or_else(|| {
        std::io::Error::other("root cannot run PostgreSQL, and there is no user `postgres` or `nobody`").into()
    })
}

/// A port that is free now.
///
/// # Errors
/// When none is.
pub fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

#[expect(clippy::disallowed_methods, reason = "a program of the machine is waited for")]
fn pause(span: Duration) {
    std::thread::sleep(span);
}
