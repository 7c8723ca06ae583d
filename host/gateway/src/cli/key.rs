use std::sync::Arc;

use clap::Subcommand;
use hyper::Method;
use serde_json::{Value, json};
use sluice_domain::{AccountName, Clock, Random, UnixMillis};
use sluice_store::NewApiKey;

use super::table::{cell, table};
use super::{Place, print};
use crate::admin_client::AdminClient;
use crate::exit::Usage;
use crate::opened::Opened;
use crate::{SystemClock, SystemRandom};

#[derive(Subcommand)]
pub(super) enum Key {
    /// Make a key; it is printed this once.
    Create {
        #[command(flatten)]
        place: Place,
        /// What it is for.
        #[arg(long)]
        name: String,
        /// What it may do: read, call, admin, dangerous. None includes another.
        #[arg(long, value_delimiter = ',', default_value = "read,call",
              value_parser = ["read", "call", "admin", "dangerous"])]
        scopes: Vec<String>,
        /// Accounts it is limited to.
        #[arg(long, value_delimiter = ',')]
        accounts: Vec<AccountName>,
        /// Methods it is limited to, like `messages.*`.
        #[arg(long, value_delimiter = ',')]
        methods: Vec<String>,
        /// How many days it is good for.
        #[arg(long, value_name = "DAYS")]
        expires_in_days: Option<u32>,
    },
    /// List the keys.
    List {
        #[command(flatten)]
        place: Place,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key.
    Revoke {
        #[command(flatten)]
        place: Place,
        /// Its id: what stands between its underscores.
        id: String,
    },
}

impl Key {
    pub async fn run(self) -> anyhow::Result<()> {
        let place = match &self {
            Self::Create { place, .. } | Self::List { place, .. } | Self::Revoke { place, .. } => {
                place.clone()
            }
        };
        let config = place.load()?;
        let socket = config.data.dir.join("admin.sock");
        if let Some(client) = AdminClient::connect(&socket).await? {
            return self.ask(client).await;
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let opened = Opened::open(&config, &clock, &random)?;
        self.work(&opened)
    }

    /// Through a running gateway.
    async fn ask(self, mut client: AdminClient) -> anyhow::Result<()> {
        match self {
            Self::Create {
                name,
                scopes,
                accounts,
                methods,
                expires_in_days,
                ..
            } => {
                let body = json!({
                    "name": name,
                    "scopes": scopes,
                    "accounts": accounts,
                    "methods": methods,
                    "expiresAt": expires_in_days.map(expiry),
                });
                let answer = client.ask(Method::POST, "/api/keys", Some(&body)).await?;
                print(&format!("{}\n", cell(&answer, "key")))
            }
            Self::List { json, .. } => {
                let answer = client.ask(Method::GET, "/api/keys", None).await?;
                let keys = answer.get("keys").cloned().unwrap_or_default();
                show(&keys, json)
            }
            Self::Revoke { id, .. } => {
                check_id(&id)?;
                let path = format!("/api/keys/{id}");
                client.ask(Method::DELETE, &path, None).await?;
                print("revoked\n")
            }
        }
    }

    /// On the store itself.
    fn work(self, opened: &Opened) -> anyhow::Result<()> {
        match self {
            Self::Create {
                name,
                scopes,
                accounts,
                methods,
                expires_in_days,
                ..
            } => {
                let (_, token) = opened.keys.create(NewApiKey {
                    name,
                    scopes,
                    accounts,
                    methods,
                    expires_at: expires_in_days.map(expiry),
                })?;
                print(&format!("{}\n", token.expose()))
            }
            Self::List { json, .. } => {
                let keys = opened.keys.list();
                let keys: Vec<Value> = keys
                    .iter()
                    .map(|key| {
                        json!({
                            "id": key.id, "name": key.name, "scopes": key.scopes,
                            "accounts": key.accounts, "methods": key.methods,
                            "createdAt": key.created_at, "expiresAt": key.expires_at,
                            "revokedAt": key.revoked_at,
                        })
                    })
                    .collect();
                show(&Value::Array(keys), json)
            }
            Self::Revoke { id, .. } => {
                check_id(&id)?;
                opened.keys.revoke(&id)?;
                print("revoked\n")
            }
        }
    }
}

fn check_id(id: &str) -> Result<(), Usage> {
    if !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        Ok(())
    } else {
        Err(Usage("a key's id has letters and digits only".to_owned()))
    }
}

fn expiry(days: u32) -> UnixMillis {
    SystemClock::default()
        .now()
        .plus(u64::from(days) * 24 * 3600 * 1000)
}

fn show(keys: &Value, json: bool) -> anyhow::Result<()> {
    if json {
        return print(&format!("{keys:#}\n"));
    }
    let rows: Vec<Vec<String>> = keys
        .as_array()
        .into_iter()
        .flatten()
        .map(|key| {
            [
                "id",
                "name",
                "scopes",
                "accounts",
                "methods",
                "expiresAt",
                "revokedAt",
            ]
            .iter()
            .map(|field| cell(key, field))
            .collect()
        })
        .collect();
    print(&table(
        &[
            "ID", "NAME", "SCOPES", "ACCOUNTS", "METHODS", "EXPIRES", "REVOKED",
        ],
        &rows,
    ))
}
