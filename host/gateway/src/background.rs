use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use sluice_config::Config;
use sluice_domain::Clock;
use sluice_policy::Policies;
use sluice_telemetry::Telemetry;
use tokio_util::sync::CancellationToken;

/// The measurements of the process. There is one recorder in a process; further gateways in it (in
/// tests) share the first one's.
pub(crate) fn telemetry(clock: &Arc<dyn Clock>) -> Arc<Telemetry> {
    static TELEMETRY: OnceLock<Arc<Telemetry>> = OnceLock::new();
    let telemetry = TELEMETRY.get_or_init(|| {
        let telemetry = Telemetry::new(Arc::clone(clock));
        if let Err(error) = telemetry.install() {
            tracing::warn!(%error, "measurements made through `metrics` are not seen");
        }
        telemetry
    });
    Arc::clone(telemetry)
}

/// Exporting may take one part in so many of a core: with many accounts it happens less often.
const SHARE: u32 = 50;

/// Hands the measurements to the exporters, until the gateway stops.
pub(crate) async fn export(
    policies: Arc<Policies>,
    telemetry: Arc<Telemetry>,
    config: Arc<ArcSwap<Config>>,
    closing: CancellationToken,
) {
    let mut took = Duration::ZERO;
    loop {
        let pause = config.load().policy.export_interval;
        tokio::select! {
            () = closing.cancelled() => return,
            () = tokio::time::sleep(pause.max(took * SHARE)) => {}
        }
        let (policies, telemetry) = (Arc::clone(&policies), Arc::clone(&telemetry));
        let began = tokio::time::Instant::now();
        let export = move || policies.export(&telemetry.snapshot());
        if let Err(error) = tokio::task::spawn_blocking(export).await {
            tracing::error!(%error, "exporting failed");
        }
        took = began.elapsed();
    }
}
