use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use hyper::Method;
use serde_json::{Value, json};
use sluice_policy::{Mode, Policies};

use crate::admin_client::AdminClient;
use crate::cli::table::cell;
use crate::cli::{Place, print};
use crate::{SystemClock, settings};

/// `abort` and `rollback`.
#[derive(Args)]
pub(in crate::cli) struct Change {
    #[command(flatten)]
    place: Place,
    /// The plugin's name.
    name: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(in crate::cli) struct Promote {
    #[command(flatten)]
    change: Change,
    /// Straight to a mode: shadow, canary, "canary(25)" or live.
    #[arg(long)]
    to: Option<Mode>,
}

impl Promote {
    pub async fn run(self) -> anyhow::Result<()> {
        let to = self.to.map(|mode| mode.to_string());
        self.change.ask("promote", to).await
    }
}

impl Change {
    pub async fn run(self, action: &str) -> anyhow::Result<()> {
        self.ask(action, None).await
    }

    async fn ask(self, action: &str, to: Option<String>) -> anyhow::Result<()> {
        let Self { place, name, json } = self;
        let config = place.load()?;
        let dir = &config.data.dir;
        let socket = dir.join("admin.sock");
        let plugin = if let Some(mut client) = AdminClient::connect(&socket).await? {
            let path = path(&name, action)?;
            let body = to.map(|to| json!({ "to": to }));
            client.ask(Method::POST, &path, body.as_ref()).await?
        } else {
            // The next start finds it so.
            let settings = settings::policies(&config, dir, settings::bundled_plugins());
            let clock = Arc::new(SystemClock::default());
            let policies = Policies::open(settings, clock, Box::new(|_| {}))?;
            let to = to.map(|to| to.parse()).transpose();
            let to = to.map_err(|why: String| anyhow::anyhow!(why))?;
            let changed = match action {
                "promote" => policies.promote(&name, to),
                "abort" => policies.abort(&name),
                _ => policies.roll_back(&name),
            };
            serde_json::to_value(changed?)?
        };
        if json {
            return print(&format!("{plugin:#}\n"));
        }
        print(&format!("{}\n", told(&plugin)))
    }
}

/// The path of an action; a name that would be another path is none.
pub(super) fn path(name: &str, action: &str) -> anyhow::Result<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (!name.is_empty() && name.chars().all(plain))
        .then(|| format!("/api/plugins/{name}/{action}"))
        .context("a plugin's name has letters, digits, '-' and '_'")
}

fn told(plugin: &Value) -> String {
    let text = |field| cell(plugin, field);
    if plugin.get("generation").and_then(Value::as_u64) == Some(0) {
        let why = text("lastError");
        return format!("{} does not serve: {why}", text("name"));
    }
    let share = match plugin.get("canaryPercent").and_then(Value::as_u64) {
        Some(percent) => format!(" for {percent}% of the accounts"),
        None => String::new(),
    };
    let (name, generation, mode) = (text("name"), text("generation"), text("mode"));
    format!("{name}: generation {generation} is {mode}{share}")
}
