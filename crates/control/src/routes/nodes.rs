//! HTTP routes of the swarm's nodes.

use super::*;
use hauki_contract::api::swarm::{
    NodeAdd, NodeDetail, NodeDrain, NodeOrder, NodeOrdered, NodeRemove, NodeStep, NodeUpgrade,
};
use hauki_contract::api::vault::{NodeInfo, NodeList};
use hauki_contract::model::id::NodeName;

pub(super) async fn list(State(core): Uah) -> Json<NodeList> {
    Json(core.nodes().await)
}

/// How it is entered, and what is found there, is an administrator's to know.
pub(super) async fn show(State(core): Uah, asker: Asker, Id(name): Id<NodeName>) -> Answer<NodeDetail> {
    let detail = core.node(&name).await?;
    Ok(Json(match rights(&asker) {
        Rights::All => detail,
        Rights::Of(_) | Rights::Nothing => NodeDetail { place: None, findings: Vec::new(), ..detail },
    }))
}

pub(super) async fn add(State(core): Uah, Json(order): Json<NodeAdd>) -> Result<Response, ApiRejection> {
    Ok(steps(&core, core.add_node(order)))
}

pub(super) async fn upgrade(
    State(core): Uah,
    Id(name): Id<NodeName>,
    Json(order): Json<NodeUpgrade>,
) -> Result<Response, ApiRejection> {
    Ok(steps(&core, core.upgrade_node(&name, order).await?))
}

/// What an installation tells, as lines; the last one says how it ended.
fn steps(core: &Arc<Core>, mut steps: tokio::sync::mpsc::Receiver<NodeStep>) -> Response {
    lines(core, futures_util::stream::poll_fn(move |context| steps.poll_recv(context)))
}

pub(super) async fn drain(
    State(core): Uah,
    Id(name): Id<NodeName>,
    Json(order): Json<NodeDrain>,
) -> Answer<NodeInfo> {
    let carried = core.clone();
    Ok(Json(core.carry_out(async move { carried.drain_node(&name, &order).await }).await?))
}

pub(super) async fn remove(
    State(core): Uah,
    Id(name): Id<NodeName>,
    Query(order): Query<NodeRemove>,
) -> Answer<NodeInfo> {
    let carried = core.clone();
    Ok(Json(core.carry_out(async move { carried.remove_node(&name, &order).await }).await?))
}

pub(super) async fn order(State(core): Uah, Json(order): Json<NodeOrder>) -> Answer<NodeOrdered> {
    if order.nodes.is_empty() || order.nodes.len() > NodeOrder::MOST {
        return Err(RequestError::Nodes { most: NodeOrder::MOST }.into());
    }
    let carried = core.clone();
    Ok(Json(core.carry_out(async move { Ok(carried.order_nodes(order).await) }).await?))
}
