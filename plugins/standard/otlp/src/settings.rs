use sluice_standard_settings::{one_of, unknown};

/// Whether a counter is told since the start, or since the batch before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Temporality {
    /// Since the start.
    #[default]
    Cumulative,
    /// Since the batch before. What is lost on the way is lost.
    Delta,
}

/// What an operator can change about the exporter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Name of the target for metrics, in the configuration.
    pub target: String,
    /// Name of the target for logs. Without it in the configuration no logs are sent.
    pub logs_target: String,
    /// How counters are told.
    pub temporality: Temporality,
    /// `service.name` of the resource.
    pub service_name: String,
    /// Further attributes of the resource.
    pub resource: Vec<(String, String)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            target: "otlp".into(),
            logs_target: "otlp-logs".into(),
            temporality: Temporality::default(),
            service_name: "sluice".into(),
            resource: Vec::new(),
        }
    }
}

const NAMES: [&str; 5] = [
    "target",
    "logs_target",
    "temporality",
    "service_name",
    "resource",
];

impl Settings {
    /// Reads settings; what is left out keeps its default. The error names the setting and what
    /// would be right.
    ///
    /// ```
    /// let pairs = [("resource", "deployment.environment.name=prod,host.name=a")];
    /// let settings = sluice_standard_otlp::Settings::read(pairs).unwrap();
    /// assert_eq!(settings.resource[1], ("host.name".into(), "a".into()));
    /// ```
    pub fn read<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, String> {
        let temporalities = [
            ("cumulative", Temporality::Cumulative),
            ("delta", Temporality::Delta),
        ];
        let mut settings = Self::default();
        for (name, value) in pairs {
            match name {
                "target" => settings.target = filled(name, value)?,
                "logs_target" => settings.logs_target = filled(name, value)?,
                "temporality" => settings.temporality = one_of(name, value, &temporalities)?,
                "service_name" => settings.service_name = filled(name, value)?,
                "resource" => settings.resource = resource(value)?,
                _ => return Err(unknown(name, &NAMES)),
            }
        }
        Ok(settings)
    }
}

fn filled(name: &str, value: &str) -> Result<String, String> {
    match value.trim() {
        "" => Err(format!("{name} is empty")),
        text => Ok(text.to_owned()),
    }
}

/// `name=value,name=value`, as OpenTelemetry's own `OTEL_RESOURCE_ATTRIBUTES` has it.
fn resource(text: &str) -> Result<Vec<(String, String)>, String> {
    let pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
    pairs
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                Ok((name.trim().to_owned(), value.trim().to_owned()))
            }
            _ => Err("resource is a list of name=value with commas between".to_owned()),
        })
        .collect()
}
