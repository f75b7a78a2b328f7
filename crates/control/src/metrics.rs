//! Metrics: counters for `/metrics`, in the OpenMetrics text format.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use super::ledger::{LedgerError, Records, VAULT, VaultRecord};
use super::nodes::NodeSlots;
use hauki_contract::model::death::Cause;
use hauki_contract::model::open_word::OpenWord;
use hauki_contract::model::phase::Phase;

type Labels = Vec<(&'static str, String)>;

#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    #[error(transparent)]
    Records(#[from] LedgerError),
    #[error("write the metrics")]
    Write(#[from] std::fmt::Error),
}

pub(crate) struct Metrics {
    registry: Registry,
    vaults: Family<Labels, Gauge>,
    deaths: Family<Labels, Counter<u64, AtomicU64>>,
    requests: Family<Labels, Counter<u64, AtomicU64>>,
    forge_seconds: Family<Labels, Histogram>,
    warm_vaults: Family<Labels, Gauge>,
    distrusted: Family<Labels, Gauge>,
    aside: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("hauki");
        let vaults = Family::default();
        let deaths = Family::default();
        let requests = Family::default();
        let forge_seconds = Family::new_with_constructor(forge_buckets as fn() -> Histogram);
        let warm_vaults = Family::default();
        let distrusted = Family::default();
        let aside = Gauge::default();
        registry.register("vaults", "Living vaults by phase, as recorded", vaults.clone());
        registry.register("deaths", "Deaths of vaults by cause", deaths.clone());
        registry.register("requests", "Requests by path, method and status", requests.clone());
        registry.register(
            "forge_seconds",
            "From the order to the loaded worker, on the node, from a blank vault (warm) or not (cold)",
            forge_seconds.clone(),
        );
        registry.register(
            "warm_vaults",
            "Blank vaults that wait for a worker, by node, as last heard",
            warm_vaults.clone(),
        );
        registry.register(
            "distrusted",
            "Words of nodes that contradicted their orders and were refused, by node",
            distrusted.clone(),
        );
        registry.register("records_aside", "Damaged records of the store that were set aside", aside.clone());
        Self { registry, vaults, deaths, requests, forge_seconds, warm_vaults, distrusted, aside }
    }
}

impl Metrics {
    pub(crate) fn forged(&self, micros: u64, warm: bool) {
        let start = if warm { "warm" } else { "cold" };
        self.forge_seconds.get_or_create(&vec![("start", start.into())]).observe(micros as f64 / 1e6);
    }

    /// Of a later version's causes there is one series.
    pub(crate) fn died(&self, cause: OpenWord<Cause>) {
        let cause = cause.known().map_or_else(|| "other".to_owned(), |cause| word(&cause));
        self.deaths.get_or_create(&vec![("cause", cause)]).inc();
    }

    pub(crate) fn answered(&self, method: &str, path: &str, status: u16) {
        let labels =
            vec![("method", method.to_owned()), ("path", path.to_owned()), ("status", status.to_string())];
        self.requests.get_or_create(&labels).inc();
    }
}

/// From 0.1 ms to 13 s.
fn forge_buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.0001, 2.0, 18))
}

/// The word that the API uses for it.
fn word(cause: &Cause) -> String {
    match serde_json::to_value(cause) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(_) | Err(_) => String::new(),
    }
}

impl Metrics {
    /// With the gauges as the records and the nodes' last words have them now.
    pub(crate) async fn text(&self, records: &Records, slots: &NodeSlots) -> Result<String, MetricsError> {
        let living = records.all::<VaultRecord>(VAULT).await?;
        for phase in Phase::ALL.into_iter().filter(|phase| phase.is_alive()) {
            let count = living.iter().filter(|found| found.value.vault().phase == phase).count();
            let gauge = self.vaults.get_or_create(&vec![("phase", phase.as_str().to_owned())]);
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        for slot in slots.values() {
            let count = slot.last_status().map_or(0, |word| word.warm_vaults);
            self.warm_vaults.get_or_create(&vec![("node", slot.name.to_string())]).set(count.into());
            let refused = i64::try_from(slot.api.refused()).unwrap_or(i64::MAX);
            self.distrusted.get_or_create(&vec![("node", slot.name.to_string())]).set(refused);
        }
        let aside = records.aside().count();
        self.aside.set(i64::try_from(aside).unwrap_or(i64::MAX));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
