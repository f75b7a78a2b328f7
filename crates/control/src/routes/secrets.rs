//! Secret routes: each user's own, by the kernel's word; a value is read here and never written.

use axum::extract::State;

use super::{Answer, Asker, Uah, uid};
use crate::extract::{Json, Query};
use hauki_contract::api::secret::{SecretInfo, SecretList, SecretPut, SecretQuery, SecretRemoved};

pub(super) async fn list(State(core): Uah, asker: Asker) -> Answer<SecretList> {
    Ok(Json(core.secrets(uid(&asker)).await?))
}

pub(super) async fn set(State(core): Uah, asker: Asker, Json(put): Json<SecretPut>) -> Answer<SecretInfo> {
    let (carried, owner) = (core.clone(), uid(&asker));
    Ok(Json(core.carry_out(async move { carried.set_secret(owner, put).await }).await?))
}

pub(super) async fn remove(
    State(core): Uah,
    asker: Asker,
    Query(query): Query<SecretQuery>,
) -> Answer<SecretRemoved> {
    let (carried, owner) = (core.clone(), uid(&asker));
    Ok(Json(core.carry_out(async move { carried.remove_secret(owner, query.name).await }).await?))
}
