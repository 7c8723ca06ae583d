use std::sync::Arc;

use clap::Args;
use hyper::Method;
use serde_json::Value;
use sluice_policy::Policies;

use crate::admin_client::AdminClient;
use crate::cli::table::{cell, table};
use crate::cli::{Place, print};
use crate::{SystemClock, settings};

#[derive(Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    place: Place,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl List {
    pub async fn run(self) -> anyhow::Result<()> {
        let Self { place, json } = self;
        let config = place.load()?;
        let dir = &config.data.dir;
        let socket = dir.join("admin.sock");
        let plugins = if let Some(mut client) = AdminClient::connect(&socket).await? {
            let answer = client.ask(Method::GET, "/api/plugins", None).await?;
            answer.get("plugins").cloned().unwrap_or_default()
        } else {
            // What a gateway would load if it started now.
            let settings = settings::policies(&config, dir, settings::bundled_plugins());
            let clock = Arc::new(SystemClock::default());
            let policies = Policies::open(settings, clock, Box::new(|_| {}))?;
            serde_json::to_value(policies.plugins())?
        };
        if json {
            return print(&format!("{plugins:#}\n"));
        }
        let rows: Vec<Vec<String>> = plugins.as_array().into_iter().flatten().map(row).collect();
        print(&table(
            &[
                "NAME",
                "KIND",
                "ORIGIN",
                "MODE",
                "GENERATION",
                "HASH",
                "CALLS",
                "FAILURES",
                "LAST ERROR",
            ],
            &rows,
        ))
    }
}

fn row(plugin: &Value) -> Vec<String> {
    [
        "name",
        "kind",
        "origin",
        "mode",
        "generation",
        "hash",
        "calls",
        "failures",
        "lastError",
    ]
    .iter()
    .map(|field| {
        let text = cell(plugin, field);
        // Enough of a hash to tell two files apart by eye.
        if *field == "hash" {
            text.chars().take(12).collect()
        } else {
            text
        }
    })
    .collect()
}
