//! `hauki doctor`: what is there, what is missing, and what mends it.
//!
//! A running daemon is asked for what its sandbox driver found. Where none runs, `haukid findings`
//! is asked for the same list, so that looking does not start anything. The runner of scripts and the compiler are tried.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use tokio::process::Command;

use crate::cli::context::{Ctx, Limit};
use crate::cli::error::CliError;
use crate::cli::record::Record;
use crate::client::compiler::{SourceOrder, ToolchainError};
use crate::client::runner::{CheckError, ChildProgram};
use crate::client::script::ScriptFailure;
use crate::client::{Exit, autostart};
use crate::model::check::{Check, CheckLevel};
use crate::rpc::compile::Purpose;
use hauki_contract::strict::{DocumentLimits, tolerant_reader};

const AFTER: &str = "\
Exit 78 if something is missing without which vaults cannot be made.

Example:
  hauki doctor";

/// Check this machine and say what mends what is missing
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct DoctorArgs {}

pub(crate) fn run(ctx: &Ctx, _: &DoctorArgs) -> Result<Exit, CliError> {
    ctx.out.list();
    let checks = ctx.block_on(Limit::Usual, async { Ok(checks(ctx).await) })?;
    for check in &checks {
        ctx.out.record(Record::new(check))?;
    }
    let failed = checks.iter().any(|check| check.level == CheckLevel::Fail);
    Ok(if failed { Exit::Config } else { Exit::Ok })
}

async fn checks(ctx: &Ctx) -> Vec<Check> {
    let mut checks = Vec::new();
    match ctx.endpoint_if_live().await {
        Some(endpoint) => match endpoint.health().await {
            Ok(health) => {
                let what = format!(
                    "haukid {} runs as {} (pid {}), {} vaults",
                    health.version, health.role, health.pid, health.vaults
                );
                checks.extend(health.findings);
                checks.push(Check::ok(what));
                checks.extend(apart(ctx, health.pid));
                if health.version != env!("CARGO_PKG_VERSION") {
                    let what =
                        format!("hauki is {}, haukid is {}", env!("CARGO_PKG_VERSION"), health.version);
                    checks.push(Check::warn(what, "restart haukid"));
                }
            }
            Err(error) => {
                let error = CliError::from(error);
                checks.push(Check::fail(error.message, "look at haukid.log"));
            }
        },
        None => checks.extend(without_daemon(ctx).await),
    }
    checks.push(runner(ctx).await);
    checks.push(compiler(ctx).await);
    let files: Vec<_> = ctx.settings.files.iter().map(|path| path.display().to_string()).collect();
    let what = if files.is_empty() { "none, the defaults apply".to_owned() } else { files.join(", ") };
    checks.push(Check::ok(format!("configuration: {what}")));
    checks
}

/// Where a call from here cannot arrive, although the daemon answers: a file leads into every network namespace, and a port into
/// one.
fn apart(ctx: &Ctx, pid: u32) -> Option<Check> {
    if ctx.settings.get("endpoint").is_some_and(|endpoint| !endpoint.starts_with("unix:")) {
        return None;
    }
    let of = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/net")).ok();
    let is_apart = of("self")? != of(&pid.to_string())?;
    let what =
        format!("haukid (pid {pid}) is in another network namespace, so its tickets lead nowhere from here");
    let hint =
        format!("nsenter --net=/proc/{pid}/ns/net hauki ..., or end haukid and let it start from here");
    is_apart.then(|| Check::fail(what, hint))
}

/// What reads scripts and sources is tried with the least of them.
async fn runner(ctx: &Ctx) -> Check {
    let program = ChildProgram::Runner.name();
    match ctx.toolchain.lock().await.checker.check("function f() {}", "doctor.js").await {
        Ok(()) => Check::ok(format!("{program} has locked itself down and reads sources")),
        Err(CheckError::Runner(error)) => {
            let hint = error.hint().map(str::to_owned);
            Check::failed(CliError::from(ScriptFailure::from(error)).message, hint)
        }
        Err(error) => Check::failed(format!("{program} cannot read a source: {error}"), None),
    }
}

/// Without it there is ES5, so that it is missing is no failure.
async fn compiler(ctx: &Ctx) -> Check {
    let program = ChildProgram::Compiler.name();
    let (source, file, purpose) = ("export const f = (a: number) => a;", "doctor.ts", Purpose::Worker);
    let order = SourceOrder { source, file, language: None, purpose, path: None, always: true, fetch: false };
    match ctx.toolchain.lock().await.prepare(order).await {
        Ok(_) => Check::ok(format!("{program} has locked itself down and compiles TypeScript")),
        Err(ToolchainError::Uncompiled { source, .. }) => {
            let hint = source.hint().unwrap_or("make install");
            Check::warn(format!("{program} is not installed: workers and scripts are ES5"), hint)
        }
        Err(error) => {
            let error = ScriptFailure::from(error);
            Check::failed(error.message.clone(), error.more.hint.clone())
        }
    }
}

async fn without_daemon(ctx: &Ctx) -> Vec<Check> {
    if let Some(endpoint) = ctx.settings.get("endpoint") {
        let what = format!("{endpoint} does not answer");
        return vec![Check::fail(what, "check --endpoint, HAUKI_ENDPOINT and the daemon there")];
    }
    let program =
        std::env::var_os("HAUKI_HAUKID").map_or_else(|| autostart::find().ok(), |path| Some(path.into()));
    let Some(program) = program else {
        return vec![Check::fail("haukid is not installed", "make install")];
    };
    let mut checks = findings(&program).await;
    checks.push(match autostart::is_live(&ctx.settings.socket()) {
        Err(error) => {
            let error = CliError::from(error);
            Check::failed(error.message.clone(), error.hints().first().cloned())
        }
        Ok(_) if !rustix::process::geteuid().is_root() => Check::warn(
            "haukid not running, and only root can start it",
            "sudo hauki …, or --endpoint for a control plane elsewhere",
        ),
        Ok(_) => Check::ok("haukid not running; it starts by itself"),
    });
    checks
}

async fn findings(program: &Path) -> Vec<Check> {
    let asked = Command::new(program).arg("findings").kill_on_drop(true).output();
    let shown: PathBuf = program.into();
    match tokio::time::timeout(Duration::from_secs(10), asked).await {
        Ok(Ok(output)) => {
            match tolerant_reader::from_slice::<Vec<Check>>(&output.stdout, DocumentLimits::MESSAGE) {
                Ok(checks) => checks,
                Err(_) => {
                    let words = String::from_utf8_lossy(&output.stderr);
                    let words = words.lines().next().unwrap_or("it said nothing").to_owned();
                    // The dynamic linker says this before haukid can say anything.
                    let hint = words.contains("liblxc").then(|| "apt-get install liblxc1".to_owned());
                    vec![Check::failed(format!("{} cannot look around: {words}", shown.display()), hint)]
                }
            }
        }
        Ok(Err(error)) => vec![Check::failed(format!("{}: {error}", shown.display()), None)],
        Err(_) => vec![Check::failed(format!("{} did not answer", shown.display()), None)],
    }
}
