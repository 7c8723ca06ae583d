use std::fmt::Write as _;

use anyhow::Context as _;
use clap::Args;
use hyper::Method;
use serde_json::Value;

use super::change::path;
use crate::admin_client::AdminClient;
use crate::cli::table::{cell, table};
use crate::cli::{Place, print};

#[derive(Args)]
pub(in crate::cli) struct Diff {
    #[command(flatten)]
    place: Place,
    /// The plugin's name.
    name: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Diff {
    pub async fn run(self) -> anyhow::Result<()> {
        let Self { place, name, json } = self;
        let config = place.load()?;
        let mut client = AdminClient::connect(&config.data.dir.join("admin.sock"))
            .await?
            .context("no gateway runs here; only a running one compares")?;
        let diff = client.ask(Method::GET, &path(&name, "diff")?, None).await?;
        if json {
            return print(&format!("{diff:#}\n"));
        }
        print(&told(&diff)?)
    }
}

fn told(diff: &Value) -> anyhow::Result<String> {
    let comparison = diff.get("comparison").unwrap_or(&Value::Null);
    let mut text = String::new();
    writeln!(
        text,
        "{} ({}, generation {}) since {}: {} questions, {} traps, {} deadlines, {} memory denials, {} clamps",
        cell(diff, "name"),
        cell(diff, "mode"),
        cell(diff, "generation"),
        cell(diff, "since"),
        cell(diff, "calls"),
        cell(diff, "traps"),
        cell(diff, "deadlines"),
        cell(diff, "denials"),
        cell(diff, "clamps"),
    )?;
    writeln!(
        text,
        "compared {}: {} the same, {} different; abstained {}, skipped {}",
        cell(comparison, "compared"),
        cell(comparison, "same"),
        cell(comparison, "different"),
        cell(comparison, "abstained"),
        cell(comparison, "skipped"),
    )?;
    for group in comparison
        .get("groups")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        writeln!(text, "  {}", cell(group, "text"))?;
    }
    if let Some(accounts) = diff.get("accounts").filter(|accounts| !accounts.is_null()) {
        let fields = ["calls", "failures", "retries", "giveUps", "parks"];
        let row = |arm: &str| {
            let view = accounts.get(arm).unwrap_or(&Value::Null);
            let cells = fields.iter().map(|field| cell(view, field));
            [arm.to_owned()]
                .into_iter()
                .chain(cells)
                .collect::<Vec<_>>()
        };
        let heads = [
            "ACCOUNTS", "CALLS", "FAILURES", "RETRIES", "GIVE-UPS", "PARKS",
        ];
        text.push_str(&table(&heads, &[row("canary"), row("rest")]));
    }
    Ok(text)
}
