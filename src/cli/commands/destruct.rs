//! `hauki destruct`: phase 5. Legal in every phase, and no error for what is gone already.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, IsTerminal as _};
use std::time::Duration;

use clap::Args;
use clap_complete::{ArgValueCandidates, ArgValueCompleter};

use super::summon::parse_label;
use crate::api::ErrorCode;
use crate::api::teardown::{DestructQuery, DestructRequest, Ended, NodeReaped, ReapRequest};
use crate::api::vault::VaultQuery;
use crate::cli::context::{Ctx, Limit};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::input::Item;
use crate::cli::kinds::TeardownRecord;
use crate::cli::record::Record;
use crate::cli::{batch, complete, connect, input};
use crate::client::Exit;
use crate::model::id::{NodeName, VaultId};
use crate::model::receipt::Receipt;
use crate::model::units::parse_duration;
use hauki_contract::system::dirs;

const AFTER: &str = "\
The receipt tells why it died and, checked against the kernel, that nothing of it is left. What is
dead already answers with its tombstone and exit 0; --must-exist makes an unknown vault exit 3.

What is ordered is carried out to the end by the control plane, also if this command is killed or
nobody reads what it prints.

--reap ends what fits every rule that is given, on all nodes at once. --idle spares what somebody
calls or is connected to, what a heartbeat keeps, until its lease ends, and tickets that may still be
used; --older-than asks for nothing but the age, and ends what is in use as well. It is meant for
cron: silent unless it reaped, one record for each vault, errors always, exit 75 if another reaper
runs. A node that cannot be asked is an error of that node only: exit 6 if others could.

Examples:
  hauki destruct t.json
  hauki destruct vlt_01J… --grace 2s             let dest() run for so long
  hauki ls -o id | hauki destruct -
  hauki destruct --all --yes
  hauki destruct --reap --idle 30m -q            from cron: what nobody uses any more";

/// End vaults and show what was reclaimed
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct DestructArgs {
    /// Vault ids, files of records, or - for standard input
    #[arg(value_name = "VAULT", add = ArgValueCompleter::new(complete::items), conflicts_with_all = ["reap", "all"])]
    items: Vec<String>,
    /// How long the worker's dest() may run; it is killed at once without
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    grace: Option<u64>,
    /// An unknown vault is an error
    #[arg(long)]
    must_exist: bool,
    /// Tell what would die
    #[arg(long)]
    dry_run: bool,
    /// Every vault there is; asks first
    #[arg(long, conflicts_with = "reap")]
    all: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Every vault that fits these rules
    #[arg(long)]
    reap: bool,
    /// Forged so long ago
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    older_than: Option<u64>,
    /// That nobody has used or kept alive for so long
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    idle: Option<u64>,
    /// Of this worker
    #[arg(long, value_name = "NAME")]
    worker: Option<String>,
    /// On this node
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(complete::nodes))]
    node: Option<NodeName>,
    /// With this label; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_label)]
    label: Vec<(String, String)>,
}

impl DestructArgs {
    fn has_rule(&self) -> bool {
        self.older_than.is_some()
            || self.idle.is_some()
            || self.node.is_some()
            || self.worker.is_some()
            || !self.label.is_empty()
    }
}

fn receipt(receipt: &Receipt, changed: bool) -> Record {
    Record::new(&TeardownRecord::Receipt { receipt: receipt.clone(), changed })
}

pub(crate) fn run(ctx: &Ctx, args: &DestructArgs) -> Result<Exit, CliError> {
    if args.reap {
        return reap(ctx, args);
    }
    if args.has_rule() {
        return Err(
            CliError::usage("a rule was given without --reap").hint("--reap ends what fits every rule")
        );
    }
    ctx.block_on(Limit::Usual, async {
        let items =
            if args.all { everything(ctx, args).await? } else { input::read(ctx, &args.items).await? };
        let told = order(ctx, args, &items).await?;
        let jobs = ctx.globals.jobs.unwrap_or(8);
        batch::run(ctx, items, jobs, async |item: Item| Ok(vec![one(ctx, args, &item, &told).await?])).await
    })
}

async fn everything(ctx: &Ctx, args: &DestructArgs) -> Result<Vec<Item>, CliError> {
    let list = ctx.endpoint().await?.vaults(&VaultQuery::default()).await?;
    let count = list.vaults.len();
    if count > 0 && !args.yes && !args.dry_run {
        ask(ctx, &format!("destruct all {count} vaults?")).await?;
    }
    Ok(list.vaults.iter().map(|vault| Item::of_id(vault.id.as_str())).collect())
}

/// Asks only where somebody can answer.
async fn ask(ctx: &Ctx, question: &str) -> Result<(), CliError> {
    if ctx.globals.no_input || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(
            CliError::usage(format!("{question} Nobody is there to answer")).hint("--yes does not ask")
        );
    }
    ctx.say(&format!("{question} [y/N] "));
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer).map(|_| answer);
        let _ = sender.send(read);
    });
    let answer = receiver.await.ok().and_then(Result::ok).unwrap_or_default();
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(CliError::new(ErrorKind::new("declined", Exit::Failure), "nothing was destructed"))
}

/// What the control plane says of each vault.
type Told = BTreeMap<VaultId, Ended>;

fn grace_ms(args: &DestructArgs) -> u32 {
    args.grace.map_or(0, |ms| u32::try_from(ms).unwrap_or(u32::MAX))
}

/// One order for all that are named: the core carries it out to the end, whether or not we live to print what
/// became of it. Empty where only tickets are given and no control plane is there.
async fn order(ctx: &Ctx, args: &DestructArgs, items: &[Item]) -> Result<Told, CliError> {
    let vaults: Vec<VaultId> = items.iter().filter_map(|item| item.vault().ok()).collect();
    // A ticket's control plane may be elsewhere; its node is in the ticket.
    let only_tickets = items.iter().all(|item| item.is_ticket() || item.vault().is_err());
    let endpoint = match only_tickets {
        _ if vaults.is_empty() => None,
        true => ctx.endpoint_if_live().await,
        false => Some(ctx.endpoint().await?),
    };
    let Some(endpoint) = endpoint else { return Ok(Told::new()) };
    let order = DestructRequest { vaults, grace_ms: grace_ms(args), dry_run: args.dry_run };
    match endpoint.destruct_many(&order).await {
        Ok(told) => Ok(told.ended.into_iter().map(|ended| (ended.vault.clone(), ended)).collect()),
        Err(_) if only_tickets => Ok(Told::new()),
        Err(error) => Err(error.into()),
    }
}

async fn one(ctx: &Ctx, args: &DestructArgs, item: &Item, told: &Told) -> Result<Record, CliError> {
    let vault = item.vault()?;
    let unknown = match told.get(&vault) {
        Some(Ended { error: None, receipt, changed, .. }) => {
            return Ok(torn(&vault, receipt.as_ref(), *changed, args.dry_run));
        }
        Some(Ended { error: Some(error), .. }) => {
            if error.code != ErrorCode::NotFound && !item.is_ticket() {
                return Err(error.clone().into());
            }
            Some(CliError::from(error.clone()))
        }
        None => None,
    };
    if item.is_ticket() && !args.dry_run {
        let ticket = item.ticket()?;
        if let Ok(ghost) = connect::ghost(ctx, &ticket, false).await {
            let grace = Duration::from_millis(grace_ms(args).into());
            return match ghost.destruct(grace).await {
                Ok(done) => Ok(receipt(&done, true)),
                Err(error) => Err(connect::explain(ctx, &vault, error).await),
            };
        }
        // Its port is closed, so it is dead or dying; a control plane that remembers may know more.
        if unknown.is_none() {
            let query = DestructQuery { grace_ms: grace_ms(args), dry_run: false };
            match ctx.endpoint().await?.destruct(&vault, &query).await {
                Ok(answer) => return Ok(torn(&vault, answer.receipt.as_ref(), answer.changed, false)),
                Err(error) if error.is(ErrorCode::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    match unknown {
        Some(error) if args.must_exist || error.kind.exit != Exit::NotFound => Err(error),
        None if args.must_exist => {
            Err(CliError::new(ErrorKind::new("not_found", Exit::NotFound), format!("no vault {vault}")))
        }
        _ => Ok(Record::new(&TeardownRecord::Nothing { vault, changed: false, dry_run: None })),
    }
}

fn torn(vault: &VaultId, found: Option<&Receipt>, changed: bool, dry_run: bool) -> Record {
    match found {
        Some(found) => receipt(found, changed),
        None => {
            Record::new(&TeardownRecord::Nothing { vault: vault.clone(), changed, dry_run: Some(dry_run) })
        }
    }
}

fn reap(ctx: &Ctx, args: &DestructArgs) -> Result<Exit, CliError> {
    let request = ReapRequest {
        older_than_ms: args.older_than,
        idle_ms: args.idle,
        node: args.node.clone(),
        worker: args.worker.clone(),
        labels: args.label.iter().cloned().collect(),
        dry_run: args.dry_run,
        owner: None,
    };
    if !args.has_rule() {
        return Err(CliError::usage("--reap needs a rule").hint(
            "--idle TIME, --older-than TIME, --worker NAME, --node NAME or --label KEY=VALUE; --all ends everything",
        ));
    }
    let state = ctx.settings.state_dir();
    let path = state.join("reap.lock");
    let opened = dirs::make(&state, 0o711).and_then(|()| dirs::private_file(&path));
    // It is a courtesy: who has no home, as many a service, reaps without it, and the core orders what comes at once.
    let mut lock = opened.ok().map(fd_lock::RwLock::new);
    let _held = lock.as_mut().map(fd_lock::RwLock::try_write).transpose().map_err(|_| {
        CliError::new(
            ErrorKind::new("locked", Exit::Temporary),
            format!("another reaper holds {}", path.display()),
        )
    })?;
    ctx.block_on(Limit::Usual, async {
        // Where no daemon runs there is no vault: cron must not start one to find that out.
        if !ctx.is_there().await? {
            return Ok(Exit::Ok);
        }
        let reaped = ctx.endpoint().await?.reap(&request).await?;
        for vault in &reaped.reaped {
            ctx.out.record(match &vault.receipt {
                Some(found) => receipt(found, true),
                None => torn(&vault.vault, None, false, vault.dry_run),
            })?;
        }
        let mut exits: Vec<_> = reaped.reaped.iter().map(|_| Exit::Ok).collect();
        for NodeReaped { node, reaped: count, left, error } in reaped.nodes {
            let Some(error) = error else {
                // Also where it had nothing: some of the command succeeded.
                exits.push(Exit::Ok);
                if count > 0 {
                    ctx.remark(&format!("{node}: {count} reaped\n"));
                }
                continue;
            };
            ctx.remark(&format!("{node}: {count} reaped, {left} left\n"));
            let error = CliError::from(error);
            exits.push(error.kind.exit);
            ctx.item_failed(&error, node.as_str())?;
        }
        Ok(Exit::merge(exits))
    })
}
