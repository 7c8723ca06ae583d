use std::sync::{Arc, OnceLock};

use sluice_domain::Clock;
use sluice_telemetry::Telemetry;

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
