//! Command context: what every verb is given, settings, output, progress, and the control plane when it is asked for.
//!
//! Everything is made when it is first needed, so that `hauki --help` does not set up a runtime and
//! `hauki config show` does not start a daemon.

use std::cell::{Cell, OnceCell};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::time::Duration;

use anstream::ColorChoice;
use serde_json::json;
use tokio::runtime::Runtime;

use super::args::Globals;
use super::color;
use super::error::{CliError, ErrorKind};
use super::output::{self, FORMATS, Format, Output, Style};
use super::progress::{self, MODES, Progress};
use super::{bounded_read, sanitize, signals, ticket_files};
use crate::client::autostart::{self, Plan};
use crate::client::compiler::Toolchain;
use crate::client::config::Settings;
use crate::client::endpoint::{Authority, EndpointOptions};
use crate::client::retry::Retry;
use crate::client::{Address, ControlPlane, Exit};
use crate::model::secret::Secret;
use crate::model::trace::TraceContext;
use hauki_contract::seam;
use hauki_contract::strict;
use hauki_contract::system::export::{self, Exporter, Target};
use hauki_contract::system::{logging, paths, trace};

/// Of a token or a bundle of certificates.
const MOST_PEM: usize = 4 * 1024 * 1024;

pub(crate) struct Ctx {
    pub(crate) globals: Globals,
    pub(crate) settings: Settings,
    pub(crate) out: Output,
    pub(crate) progress: Box<dyn Progress>,
    /// The status of a command that ran under ours, which we end with.
    pub(crate) status: Cell<Option<u8>>,
    /// Looks at sources before they are sent: two children at most for all of a command.
    pub(crate) toolchain: tokio::sync::Mutex<Toolchain>,
    /// Of all that this command asks for.
    pub(crate) trace: TraceContext,
    color: ColorChoice,
    /// Errors are JSON objects on standard error.
    machine: bool,
    runtime: OnceCell<Runtime>,
    endpoint: tokio::sync::OnceCell<ControlPlane>,
}

impl Drop for Ctx {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A thread that waits for a daemon's start must not hold up the end.
            runtime.shutdown_background();
        }
    }
}

/// What ends a command from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// `--timeout`, or its default.
    Usual,
    /// Only a `--timeout` that somebody set: streams last.
    OnlyIfSet,
    /// The verb looks after signals itself, and has no limit unless one is set.
    OwnSignals,
}

/// The runtime and its listeners for signals take some, and panic where there are none.
fn spare_descriptors() -> std::io::Result<()> {
    const WANTED: usize = 16;
    let taken: Result<Vec<_>, _> =
        (0..WANTED).map(|_| rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC)).collect();
    Ok(taken.map(drop)?)
}

/// From now on this process tells what it spends its time on.
fn traced(target: &str) -> Result<(), CliError> {
    let target = Target::read(target).map_err(|error| CliError::usage(format!("--trace: {error}")))?;
    let exporter =
        Exporter::start(target, "hauki").map_err(|error| CliError::io("start the export", &error))?;
    logging::start_spans();
    export::begin(exporter);
    Ok(())
}

impl Ctx {
    pub(crate) fn new(globals: Globals) -> Result<Self, CliError> {
        let settings =
            Settings::load(&globals.flags(), |name| std::env::var_os(name), globals.config.as_deref())?;
        let color = settings.choice("color", "auto, always, never", color::parse)?;
        let format = settings.choice("output", FORMATS, Format::parse)?;
        let machine = matches!(settings.get("output"), Some("json" | "jsonl"));
        let (quiet, verbose) = (globals.quiet > 0, globals.verbose > 0);
        let progress =
            settings.choice("progress", MODES, |mode| progress::choose(mode, color, quiet, verbose))?;
        let style = Style {
            format,
            color,
            columns: globals.columns.clone(),
            header: !globals.no_header,
            reveal: globals.reveal,
            mute: globals.quiet > 1,
            width: output::width(),
        };
        let out = Output::new(style);
        let (status, toolchain, runtime, endpoint) = Default::default();
        globals.trace.as_deref().map(traced).transpose()?;
        let trace = trace::fresh(false);
        Ok(Self {
            globals,
            settings,
            out,
            progress,
            status,
            toolchain,
            trace,
            color,
            machine,
            runtime,
            endpoint,
        })
    }

    /// Runs to the end, or to Ctrl-C, SIGTERM or `--timeout`. Dropping the work cancels its requests,
    /// and the server undoes what they had begun.
    pub(crate) fn block_on<T>(
        &self,
        limit: Limit,
        work: impl Future<Output = Result<T, CliError>>,
    ) -> Result<T, CliError> {
        let mut result = None;
        self.run(limit, pin!(async { result = Some(work.await) }))?;
        result.expect("the work has ended")
    }

    /// All that is the same for every command, which is a tenth of them where each has its own.
    fn run(&self, limit: Limit, work: Pin<&mut dyn Future<Output = ()>>) -> Result<(), CliError> {
        if self.runtime.get().is_none() {
            let made = spare_descriptors()
                .and_then(|()| tokio::runtime::Builder::new_current_thread().enable_all().build());
            let _ = self.runtime.set(made.map_err(|error| CliError::io("start the runtime", &error))?);
        }
        let runtime = self.runtime.get().expect("it has been made");
        let time = match limit {
            Limit::Usual => self.settings.duration("timeout")?,
            Limit::OnlyIfSet | Limit::OwnSignals => self.timeout_if_set()?,
        };
        let expiry = async {
            match time {
                Some(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                None => std::future::pending().await,
            }
        };
        let run = async {
            if limit == Limit::OwnSignals {
                return tokio::select! {
                    () = work => Ok(()),
                    () = expiry => Err(self.timed_out(time)),
                };
            }
            let mut endings = signals::endings()?;
            tokio::select! {
                () = work => Ok(()),
                why = signals::first(&mut endings) => Err(signals::stopped(why)),
                () = expiry => Err(self.timed_out(time)),
            }
        };
        runtime.block_on(trace::within(self.trace, async { trace::spanned(seam!("command"), run).await }))
    }

    /// `--timeout` in milliseconds, for what has none by default.
    pub(crate) fn timeout_if_set(&self) -> Result<Option<u64>, CliError> {
        if self.settings.is_default("timeout") { Ok(None) } else { Ok(self.settings.duration("timeout")?) }
    }

    fn timed_out(&self, ms: Option<u64>) -> CliError {
        let shown = crate::model::units::show_millis(ms.unwrap_or(0));
        let error =
            CliError::new(ErrorKind::new("timeout", Exit::Timeout), format!("not done within {shown}"));
        match &self.globals.idempotency_key {
            Some(key) => error
                .with("idempotency_key", key.clone())
                .hint("--timeout sets the limit; the same --idempotency-key finds what was made"),
            None => error.hint("--timeout sets the limit"),
        }
    }

    /// What a file holds that the settings name.
    async fn held(&self, what: &str, key: &'static str) -> Result<Option<(PathBuf, Vec<u8>)>, CliError> {
        let Some(path) = self.settings.get(key).map(PathBuf::from) else { return Ok(None) };
        match bounded_read::read(&path, MOST_PEM).await {
            Ok(bytes) => Ok(Some((path, bytes))),
            Err(error) => {
                let message = format!("failed to read the {what} {}: {error}", path.display());
                Err(CliError::new(ErrorKind::new("config", Exit::Config), message))
            }
        }
    }

    /// One word, which a header can carry.
    fn token(&self, path: &Path, bytes: &[u8]) -> Result<Secret, CliError> {
        if ticket_files::is_shared(path) {
            self.warn(&format!("{} holds a token and others can read it: chmod 600", path.display()));
        }
        let unusable = |why: &str| {
            let message = format!("the token file {} cannot be used: {why}", path.display());
            CliError::new(ErrorKind::new("config", Exit::Config), message)
        };
        let token = strict::text(bytes).map_err(|error| unusable(&error.to_string()))?.trim();
        if token.is_empty() {
            return Err(unusable("it is empty"));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(unusable(
                "a token is one word of visible ASCII letters, without spaces and line breaks",
            ));
        }
        Ok(Secret::new(token.to_owned()))
    }

    async fn options(&self) -> Result<EndpointOptions, CliError> {
        let number = |text: &str| text.parse::<u32>().ok();
        let times = self.settings.choice("retries", "a number", number)?;
        let token = match self.held("token file", "token_file").await? {
            Some((path, bytes)) => Some(self.token(&path, &bytes)?),
            None => None,
        };
        let authority = self.held("certificate authority", "ca_file").await?;
        let time = self.settings.duration("timeout")?.unwrap_or(60_000);
        Ok(EndpointOptions {
            connect_timeout: self.connect_timeout()?,
            request_timeout: Duration::from_millis(time),
            retry: Retry { times, ..Retry::default() },
            token,
            authority: authority.map(|(file, pem)| Authority { file, pem }),
            revive: None,
        })
    }

    pub(crate) fn connect_timeout(&self) -> Result<Duration, CliError> {
        Ok(Duration::from_millis(self.settings.duration("connect_timeout")?.unwrap_or(5_000)))
    }

    pub(crate) fn plan(&self) -> Plan {
        Plan {
            socket: self.settings.socket(),
            state_dir: self.settings.state_dir(),
            program: std::env::var_os("HAUKI_HAUKID").map(Into::into),
            idle_exit: self.settings.get("daemon.idle_exit").unwrap_or("5m").to_owned(),
            config: self
                .globals
                .config
                .clone()
                .or_else(|| std::env::var_os("HAUKI_CONFIG").map(Into::into))
                .map(paths::absolute),
            patience: Duration::from_secs(20),
        }
    }

    /// The control plane; the local one is started if nobody listens.
    pub(crate) async fn endpoint(&self) -> Result<&ControlPlane, CliError> {
        self.endpoint.get_or_try_init(async || self.open(true).await).await
    }

    /// Whether there is a control plane to ask: one that is configured, or a local one that runs.
    pub(crate) async fn is_there(&self) -> Result<bool, CliError> {
        Ok(self.settings.get("endpoint").is_some() || autostart::is_live(&self.plan().socket)?)
    }

    /// The control plane, if it can be had without starting one.
    pub(crate) async fn endpoint_if_live(&self) -> Option<&ControlPlane> {
        self.endpoint.get_or_try_init(async || self.open(false).await).await.ok()
    }

    async fn open(&self, start: bool) -> Result<ControlPlane, CliError> {
        let mut options = self.options().await?;
        let address = match self.settings.get("endpoint") {
            Some(text) => text.parse::<Address>()?,
            None => {
                let plan = self.plan();
                options.revive = Some(plan.clone());
                let address = Address::Unix(plan.socket.clone());
                if !autostart::is_live(&plan.socket)? {
                    if !start {
                        return Err(CliError::new(
                            ErrorKind::new("unreachable", Exit::Temporary),
                            "no daemon runs",
                        ));
                    }
                    // It waits for a lock and for a process: not on the thread that watches signals.
                    let started = tokio::task::spawn_blocking(move || autostart::ensure(&plan)).await;
                    started
                        .map_err(|error| CliError::of(ErrorKind::new("internal", Exit::Bug), &error))??;
                }
                address
            }
        };
        Ok(ControlPlane::new(address, options)?)
    }

    /// Notes what has been made until its record is written.
    pub(crate) fn made(&self, vault: &crate::model::id::VaultId) {
        self.out.ledger.made(vault);
    }

    /// One item of a batch failed: a record where records are read, words where people read.
    pub(crate) fn item_failed(&self, error: &CliError, name: &str) -> Result<(), CliError> {
        if self.out.is_for_people() {
            self.say(&error.text(Some(name)));
            return Ok(());
        }
        self.out.record(super::record::Record::failed(&error.json(Some(name))))
    }

    /// An earlier verb's failure goes on to the reader.
    pub(crate) fn pass_on(&self, value: &serde_json::Value) -> Result<(), CliError> {
        if self.out.is_for_people() {
            self.say(&format!("{}\n", sanitize::json(&value.to_string())));
            return Ok(());
        }
        self.out.record(super::record::Record::failed(value))
    }

    /// Words on standard error. That it is closed is nothing anybody could be told.
    pub(crate) fn say(&self, text: &str) {
        let _ = self.progress.pause(&mut || {
            let _ = color::stderr(self.color).write_all(text.as_bytes());
            Ok(())
        });
    }

    /// What is not as it should be, and works all the same.
    pub(crate) fn warn(&self, text: &str) {
        use color::WARN;
        if !self.machine {
            self.remark(&format!("{WARN}warning:{WARN:#} {}\n", sanitize::line(text)));
        }
    }

    /// Words that `-q` silences.
    pub(crate) fn remark(&self, text: &str) {
        if self.globals.quiet == 0 {
            self.say(text);
        }
    }

    fn passed_over(&self) -> Vec<String> {
        self.endpoint.get().map(ControlPlane::passed_over).unwrap_or_default()
    }

    /// What answers said more than this version knows is not in the records, and that is said once.
    pub(crate) fn tell_passed_over(&self) {
        let names = self.passed_over();
        if names.is_empty() {
            return;
        }
        let told = "the daemon is newer, and what this hauki does not know of its answers is left out: ";
        let message = format!("{told}{}", names.join(", "));
        if self.machine {
            let warning = json!({ "v": 1, "kind": "warning", "code": "newer_daemon", "message": message,
                "members": names });
            self.remark(&format!("{}\n", sanitize::json(&warning.to_string())));
        } else {
            self.warn(&message);
        }
    }

    /// What the command ends with. Whoever reads objects gets one, with what was passed over in it.
    pub(crate) fn failed_at_last(&self, error: CliError) {
        let names = self.passed_over();
        if !self.machine {
            self.tell_passed_over();
            self.failed(&error);
        } else if names.is_empty() {
            self.failed(&error);
        } else {
            self.failed(&error.with("newer_daemon", names));
        }
    }

    pub(crate) fn failed(&self, error: &CliError) {
        if error.is_silent() {
            return;
        }
        if self.machine {
            self.say(&format!("{}\n", sanitize::json(&error.json(None).to_string())));
        } else {
            self.say(&error.text(None));
        }
    }
}
