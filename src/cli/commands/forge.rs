//! `hauki forge`: phase 2, a vault is made and the worker loaded into it.

use std::time::Duration;

use clap::Args;
use clap_complete::{ArgValueCandidates, ArgValueCompleter};

use super::spool::QueueArgs;
use super::summon::parse_label;
use crate::api::ErrorCode;
use crate::api::vault::{NodeScore, Placement, ProvisionRequest};
use crate::cli::context::Ctx;
use crate::cli::error::CliError;
use crate::cli::kinds::Score;
use crate::cli::record::Record;
use crate::cli::{batch, complete, input};
use crate::client::{ClientError, Exit};
use crate::model::id::NodeName;
use crate::model::units::show_micros;
use hauki_contract::system::{clock, random};

const AFTER: &str = "\
A vault that nobody uses dies when its claim lease ends (30 s unless summoned otherwise).

Examples:
  hauki summon scout.js | hauki forge - | hauki ticket - --out t.json
  hauki forge sum_01J… --node-label gpu=yes
  hauki forge sum_01J… --anti-affinity app=scout beside no vault with that label
  hauki forge sum_01J… --spool --wait | hauki ticket - --out t.json
  hauki forge sum_01J… --explain                 show how nodes score, forge nothing";

/// Place a summons on a node and load it into a vault
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct ForgeArgs {
    /// Summons ids, files of records, or - for standard input
    #[arg(value_name = "SUMMONS", add = ArgValueCompleter::new(complete::items))]
    items: Vec<String>,
    #[command(flatten)]
    placement: PlacementArgs,
    #[command(flatten)]
    queue: QueueArgs,
    /// The same as --node-label. With summon and clone --label is the vault's
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_label, hide = true)]
    label: Vec<(String, String)>,
    /// Show how each node scores, and forge nothing
    #[arg(long, conflicts_with = "spool")]
    explain: bool,
    /// Place it and forge nothing
    #[arg(long, conflicts_with = "spool")]
    dry_run: bool,
}

/// What `forge` and `clone` say about nodes.
#[derive(Debug, Args)]
pub(crate) struct PlacementArgs {
    /// Only this node
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(complete::nodes))]
    node: Option<NodeName>,
    /// A label that the node must have; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_label)]
    node_label: Vec<(String, String)>,
    /// Not beside a living vault with this label; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_label)]
    anti_affinity: Vec<(String, String)>,
    /// While no node has room, try again until --timeout
    #[arg(long)]
    pub(crate) wait: bool,
}

impl PlacementArgs {
    pub(crate) fn placement(&self, more: &[(String, String)]) -> Placement {
        let labels = self.node_label.iter().chain(more).cloned().collect();
        Placement {
            node: self.node.clone(),
            labels,
            anti_affinity: self.anti_affinity.iter().cloned().collect(),
        }
    }

    /// Asks, and asks again for room if that is wished. The whole command has a deadline.
    pub(crate) async fn patiently<T>(
        &self,
        ask: impl AsyncFn() -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let mut pause = Duration::from_millis(100);
        loop {
            match ask().await {
                Err(error) if self.wait && error.is(ErrorCode::NoCapacity) => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
                answer => return answer,
            }
        }
    }
}

pub(crate) fn run(ctx: &Ctx, args: &ForgeArgs) -> Result<Exit, CliError> {
    let placement = args.placement.placement(&args.label);
    let base = ctx.globals.idempotency_key.clone().unwrap_or_else(random::idempotency_key);
    ctx.block_on(args.queue.limit(args.placement.wait), async {
        let items = input::read_some(ctx, &args.items).await?;
        batch::run(ctx, items, ctx.globals.jobs(), async |item: input::Item| {
            let summons = item.summons()?;
            if args.queue.spool {
                let (key, wait) = (format!("{base}.{summons}"), args.placement.wait);
                return Ok(vec![args.queue.put(ctx, key, &summons, placement.clone(), wait).await?]);
            }
            let request = ProvisionRequest {
                // One command may forge many: each has a key of its own that is the same next time.
                key: format!("{base}.{summons}"),
                summons,
                placement: placement.clone(),
                dry_run: args.dry_run || args.explain,
            };
            let began = clock::mono();
            let job = format!("forge {}", item.name);
            ctx.progress.begin(&job);
            let endpoint = ctx.endpoint().await?;
            let answer = args.placement.patiently(async || endpoint.provision(&request).await).await;
            if let (true, Err(ClientError::Api(error))) = (args.explain, &answer) {
                scores(&error.explanation).into_iter().try_for_each(|score| ctx.out.record(score))?;
            }
            let vault = answer.map_err(|error| {
                ctx.progress.clear(&job);
                let error = CliError::from(error).with("idempotency_key", request.key.clone());
                if error.kind.code == "no_capacity" && !args.placement.wait {
                    error.hint("--spool queues it durably, --wait tries again; hauki node ls shows the nodes")
                } else {
                    error
                }
            })?;
            if args.explain {
                return Ok(scores(&vault.explanation));
            }
            let record = Record::new(&vault);
            if vault.dry_run {
                return Ok(vec![record]);
            }
            ctx.progress.done(&job, &format!("placed on {}", vault.node));
            ctx.progress.done(&job, &format!("forged {}", show_micros(vault.forged_us)));
            ctx.progress.end(&job, began);
            if !vault.changed {
                return Ok(vec![record]);
            }
            ctx.made(&vault.id);
            Ok(vec![record.made(&vault.id)])
        })
        .await
    })
}

fn scores(explanation: &[NodeScore]) -> Vec<Record> {
    let row = |score: &NodeScore| {
        let fits = score.refused.as_ref().map_or_else(|| "yes".to_owned(), |why| format!("no: {why}"));
        Record::new(&Score { fits, score: score.clone() })
    };
    explanation.iter().map(row).collect()
}
