use std::sync::Arc;

use clap::Subcommand;
use hyper::Method;
use serde_json::{Value, json};
use sluice_config::Config;
use sluice_domain::{Clock, Random, SessionStore as _};

use super::table::{cell, table};
use super::{Place, print};
use crate::admin_client::AdminClient;
use crate::opened::Opened;
use crate::{SystemClock, SystemRandom};

#[derive(Subcommand)]
pub(super) enum Account {
    /// List the accounts.
    List {
        #[command(flatten)]
        place: Place,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

impl Account {
    pub async fn run(self) -> anyhow::Result<()> {
        let Self::List { place, json } = self;
        let config = place.load()?;
        let socket = config.data.dir.join("admin.sock");
        let accounts = if let Some(mut client) = AdminClient::connect(&socket).await? {
            let answer = client.ask(Method::GET, "/api/accounts", None).await?;
            answer.get("accounts").cloned().unwrap_or_default()
        } else {
            stored(&config)?
        };
        if json {
            return print(&format!("{accounts:#}\n"));
        }
        let rows: Vec<Vec<String>> = accounts
            .as_array()
            .into_iter()
            .flatten()
            .map(|account| {
                [
                    "name",
                    "kind",
                    "state",
                    "connected",
                    "userId",
                    "stateReason",
                ]
                .iter()
                .map(|field| cell(account, field))
                .collect()
            })
            .collect();
        print(&table(
            &["NAME", "KIND", "STATE", "CONNECTED", "USER", "REASON"],
            &rows,
        ))
    }
}

/// The accounts as the store has them. No gateway runs, so nothing is connected whatever the store
/// remembers.
fn stored(config: &Config) -> anyhow::Result<Value> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let opened = Opened::open(config, &clock, &random)?;
    let accounts = opened.store.accounts()?.into_iter().map(|account| {
        json!({
            "name": account.name, "kind": account.kind, "state": account.state,
            "stateReason": account.state_reason, "connected": false,
            "userId": account.user_id.map(|id| id.to_string()),
            "createdAt": account.created_at,
        })
    });
    Ok(Value::Array(accounts.collect()))
}
