//! HTTP routes of the durable queue of summons.

use super::*;
use hauki_contract::api::spool::{
    SpoolEntry, SpoolList, SpoolOrder, SpoolOrdered, SpoolQuery, SpoolRequest, SpoolWait, Spooled,
};
use hauki_contract::model::id::SpoolId;

pub(super) async fn list(
    State(core): Uah,
    asker: Asker,
    Query(query): Query<SpoolQuery>,
) -> Answer<SpoolList> {
    Ok(Json(core.spool_list_of(rights(&asker), query).await?))
}

pub(crate) async fn put(
    State(core): Uah,
    asker: Asker,
    Json(mut request): Json<SpoolRequest>,
) -> Answer<SpoolEntry> {
    rights(&asker).mark(&mut request.key);
    core.own_summons_of(rights(&asker), &request.as_provision()).await?;
    let owner = asker.map_or_else(|| "nobody".to_owned(), |Extension(peer)| format!("uid {}", peer.uid));
    Ok(Json(core.spool_put(request, owner).await?))
}

pub(super) async fn show(
    State(core): Uah,
    asker: Asker,
    Id(id): Id<SpoolId>,
    Query(wait): Query<SpoolWait>,
) -> Answer<Spooled> {
    core.own_spooled(rights(&asker), &id).await?;
    Ok(Json(core.spool_show(&id, wait).await?))
}

pub(super) async fn remove(State(core): Uah, asker: Asker, Id(id): Id<SpoolId>) -> Answer<SpoolEntry> {
    core.own_spooled(rights(&asker), &id).await?;
    let carried = core.clone();
    Ok(Json(core.carry_out(async move { carried.spool_remove(&id).await }).await?))
}

pub(super) async fn retry(State(core): Uah, asker: Asker, Id(id): Id<SpoolId>) -> Answer<SpoolEntry> {
    core.own_spooled(rights(&asker), &id).await?;
    let carried = core.clone();
    Ok(Json(core.carry_out(async move { carried.spool_retry(&id).await }).await?))
}

pub(super) async fn order(
    State(core): Uah,
    asker: Asker,
    Json(order): Json<SpoolOrder>,
) -> Answer<SpoolOrdered> {
    let (carried, rights) = (core.clone(), rights(&asker));
    Ok(Json(core.carry_out(async move { carried.spool_order(rights, order).await }).await?))
}
