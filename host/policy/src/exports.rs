//! Measurements on their way out: every exporter is asked, what they want served is kept.

use std::collections::HashMap;
use std::sync::Arc;

use sluice_domain::{Batch, Delivery};

use crate::golden::check_path;
use crate::shadow::Question;
use crate::{Kind, Policies, Served};

impl Policies {
    /// Hands a batch, with what plugins did beside, to every exporter and keeps what they want served. Takes as long as the
    /// exporters do, bounded by their deadline each: not for a thread that serves calls.
    pub fn export(&self, batch: &Batch) {
        let batch = &self.with_figures(batch);
        let mut served = HashMap::new();
        for plugin in &self.table.load().export {
            if !plugin.asked(None, || self.clock.monotonic()) {
                continue;
            }
            if let Ok(deliveries) = self.put(plugin, || plugin.body.export(batch)) {
                for delivery in deliveries {
                    self.note(
                        &plugin.tally,
                        deliver(delivery, &mut served).err().as_deref(),
                    );
                }
            }
        }
        // No plugin can be the reason that nothing is to be scraped.
        if !served.contains_key(sluice_standard_prometheus::PATH) {
            self.native.export.called();
            for delivery in sluice_standard_prometheus::export(batch) {
                self.note(
                    &self.native.export,
                    deliver(delivery, &mut served).err().as_deref(),
                );
            }
        }
        let served = Arc::new(served);
        self.served.store(served.clone());
        self.cast(Kind::Export, || Question::Batch {
            batch: batch.clone(),
            served,
        });
    }

    /// What exporters serve at a path of the admin listener since the newest batch.
    pub fn served(&self, path: &str) -> Option<Arc<Served>> {
        self.served.load().get(path).cloned()
    }
}

/// Keeps what is to be served; the exporter that is asked first keeps a path.
fn deliver(delivery: Delivery, served: &mut HashMap<String, Arc<Served>>) -> Result<(), String> {
    match delivery {
        Delivery::Serve {
            path,
            content_type,
            body,
        } => {
            check_path(&path)?;
            if !content_type.bytes().all(|b| (b' '..=b'~').contains(&b)) {
                return Err(format!("serves {path} with a media type that is no header"));
            }
            if served.contains_key(&path) {
                return Err(format!("serves {path}, which another exporter serves"));
            }
            served.insert(
                path,
                Arc::new(Served {
                    content_type,
                    body: body.into(),
                }),
            );
            Ok(())
        }
        Delivery::Http { target, .. } | Delivery::Datagram { target, .. } => Err(format!(
            "sends to {:?}, which the configuration does not name",
            target.chars().take(64).collect::<String>()
        )),
    }
}
