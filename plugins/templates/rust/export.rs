//! Serves the measurements as plain lines, `name{label=value} value`, at a path of the admin
//! listener.

use std::fmt::Write as _;

use sluice_plugin::export::{Batch, Delivery};
use sluice_plugin::{Exporter, Settings};

struct Policy {
    /// Where the lines are served.
    path: String,
    /// Only names that begin so.
    prefix: String,
}

impl Exporter for Policy {
    fn configure(settings: &mut Settings) -> Result<Self, String> {
        Ok(Self {
            path: settings.text("path", "/{{name}}.txt")?,
            prefix: settings.text("prefix", "")?,
        })
    }

    fn export(&self, batch: &Batch) -> Vec<Delivery> {
        let mut body = String::new();
        let wanted = batch.samples.iter();
        for sample in wanted.filter(|sample| sample.name.starts_with(&self.prefix)) {
            body.push_str(&sample.name);
            if !sample.labels.is_empty() {
                let pairs = sample.labels.iter();
                let pairs: Vec<_> = pairs.map(|(name, value)| format!("{name}={value}")).collect();
                // Writing to a text cannot fail.
                let _ = write!(body, "{{{}}}", pairs.join(","));
            }
            let _ = writeln!(body, " {}", sample.value);
        }
        vec![Delivery::Serve {
            path: self.path.clone(),
            content_type: "text/plain; charset=utf-8".into(),
            body,
        }]
    }
}

sluice_plugin::export!(Policy: Exporter);

#[cfg(test)]
mod tests {
    use sluice_plugin::testing::{self, sample};

    use super::*;

    #[test]
    fn samples_become_lines() {
        let policy: Policy = testing::exporter([("prefix", "sluice_calls")]).unwrap();
        let batch = testing::batch([
            sample("sluice_calls_total", 3.0).counter().label("account", "demo"),
            sample("sluice_up", 1.0),
        ]);
        let [Delivery::Serve { path, body, .. }] = &policy.export(&batch)[..] else {
            panic!("one text is served");
        };
        assert_eq!(path, "/{{name}}.txt");
        assert_eq!(body, "sluice_calls_total{account=demo} 3\n");
    }
}
