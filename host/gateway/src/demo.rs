//! A data center and a gateway in one process, with accounts that signed in for real.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sluice_accounts::{Accounts, NewAccount};
use sluice_config::{Config, CustomDc};
use sluice_datacenter::{DataCenter, Options};
use sluice_domain::{AccountKind, AccountName, AccountState, Environment, EventFilter, Secret};
use sluice_events::{Hub, ReaderItem};
use sluice_telemetry::LogHandle;

use crate::{Gateway, Start};

/// Rotation needs an authorization older than a day.
const AGE: Duration = Duration::from_hours(48);

/// How long the accounts may take to be seen connected. Key exchanges in an unoptimised build take
/// a second each.
const PATIENCE: Duration = Duration::from_mins(1);

/// Sign-ins at once: each is a key exchange or two, which take a processor to itself.
const SIGN_INS: usize = 8;

/// What a demo is made of.
pub struct DemoOptions {
    /// Where it listens, and everything else that is not about Telegram.
    pub config: Config,
    /// The data directory.
    pub data: PathBuf,
    /// How many accounts sign in.
    pub accounts: usize,
    /// The data center.
    pub datacenter: Options,
    /// Components shipped with the gateway; those beside the executable when left out.
    pub bundled_plugins: Option<PathBuf>,
    /// See [`Start::log`].
    pub log: Option<LogHandle>,
}

impl DemoOptions {
    /// With everything else as it usually is.
    pub fn new(config: Config, data: PathBuf, accounts: usize) -> Self {
        Self {
            config,
            data,
            accounts,
            datacenter: Options::default(),
            bundled_plugins: crate::settings::bundled_plugins(),
            log: None,
        }
    }
}

/// A running demo.
pub struct Demo {
    /// The gateway.
    pub gateway: Gateway,
    /// The Telegram it talks to.
    pub datacenter: DataCenter,
    /// A key with every scope.
    pub admin_key: Secret<String>,
    /// The accounts; the first is the default account.
    pub accounts: Vec<AccountName>,
    /// The gateway's configuration, with the data center as its Telegram.
    pub config: Config,
}

impl Demo {
    /// Starts both and signs the accounts in.
    pub async fn start(options: DemoOptions) -> anyhow::Result<Self> {
        let datacenter = DataCenter::start(options.datacenter.clone()).await?;
        Self::against(datacenter, options).await
    }

    /// Starts the gateway against a data center that runs already, at the addresses that it
    /// announces, and signs the accounts in. When that fails, the data center ends too.
    pub async fn against(datacenter: DataCenter, options: DemoOptions) -> anyhow::Result<Self> {
        match Self::build(&datacenter, options).await {
            Ok((gateway, admin_key, accounts, config)) => Ok(Self {
                gateway,
                datacenter,
                admin_key,
                accounts,
                config,
            }),
            Err(error) => {
                datacenter.shutdown().await;
                Err(error)
            }
        }
    }

    async fn build(
        datacenter: &DataCenter,
        options: DemoOptions,
    ) -> anyhow::Result<(Gateway, Secret<String>, Vec<AccountName>, Config)> {
        let names = (1..=options.accounts)
            .map(name)
            .collect::<Result<Vec<AccountName>, _>>()?;
        let config = configured(options.config, datacenter, options.data, &names);
        let mut start = Start::with(config.clone());
        start.bundled_plugins = options.bundled_plugins;
        start.log = options.log;
        let (gateway, admin_key) = gateway(datacenter, start, &names).await?;
        Ok((gateway, admin_key, names, config))
    }
}

/// A gateway with the accounts signed in.
async fn gateway(
    datacenter: &DataCenter,
    start: Start,
    names: &[AccountName],
) -> anyhow::Result<(Gateway, Secret<String>)> {
    let gateway = Gateway::start(start).await?;
    match populate(&gateway, datacenter, names).await {
        Ok(key) => Ok((gateway, key)),
        Err(error) => {
            gateway.stop().await;
            Err(error)
        }
    }
}

async fn populate(
    gateway: &Gateway,
    datacenter: &DataCenter,
    names: &[AccountName],
) -> anyhow::Result<Secret<String>> {
    let accounts = gateway.accounts();
    let sign_ins = names.iter().enumerate().map(|(index, name)| async move {
        let signed_in = sign_in(accounts, datacenter, name, index).await;
        signed_in.with_context(|| format!("signing in {name}"))
    });
    stream::iter(sign_ins)
        .buffer_unordered(SIGN_INS)
        .try_collect::<()>()
        .await?;
    datacenter.age_authorizations(None, AGE);
    // At most twenty connect in a second.
    let patience = PATIENCE + Duration::from_secs(1) * u32::try_from(names.len() / 20)?;
    tokio::time::timeout(patience, connected(gateway.hub(), names))
        .await
        .context("the accounts do not connect")??;
    Ok(gateway.create_admin_key("demo").await?)
}

/// demo, demo-2, demo-3, …
fn name(number: usize) -> Result<AccountName, sluice_domain::BadAccountName> {
    match number {
        1 => "demo".parse(),
        _ => format!("demo-{number}").parse(),
    }
}

/// The configuration with the data center as its Telegram.
fn configured(
    mut config: Config,
    datacenter: &DataCenter,
    data: PathBuf,
    names: &[AccountName],
) -> Config {
    config.telegram.environment = Environment::Custom;
    config.telegram.custom.dcs = datacenter
        .announced()
        .into_iter()
        .map(|dc| CustomDc {
            id: dc.id,
            address: dc.address,
            media_address: Some(dc.media_address),
        })
        .collect();
    config.telegram.custom.public_keys = vec![datacenter.public_key_pem().to_owned()];
    // The data center takes any; a real one is never sent anywhere by a demo.
    config.telegram.api_id = Some(1);
    config.telegram.api_hash = Some(Secret::new("demo".to_owned()));
    if let Some(first) = names.first() {
        config.telegram.default_account = first.clone();
    }
    config.data.dir = data;
    config
}

async fn sign_in(
    accounts: &Accounts,
    datacenter: &DataCenter,
    name: &AccountName,
    index: usize,
) -> anyhow::Result<()> {
    let dcs = datacenter.dcs();
    let dc = dcs
        .get(index.checked_rem(dcs.len()).unwrap_or(0))
        .map_or(1, |dc| dc.id);
    let phone = format!("99966{dc}{:04}", index + 1);
    let known = accounts.view(name).is_ok();
    let mut there = datacenter.accounts().into_iter();
    match there.find(|account| account.phone.as_deref() == Some(phone.as_str())) {
        // Both have kept the sign-in of an earlier run.
        Some(account) if known && !datacenter.authorizations(account.id).is_empty() => {
            return Ok(());
        }
        Some(_) => {}
        None => {
            datacenter.create_account(sluice_datacenter::NewAccount {
                phone: Some(phone.clone()),
                first_name: Some(format!("Demo {}", index + 1)),
                username: Some(name.as_str().replace('-', "_")),
                ..sluice_datacenter::NewAccount::default()
            })?;
        }
    }
    // The data center of an earlier run took its authorizations with it.
    if known {
        accounts.delete(name, true).await?;
    }
    accounts
        .create(NewAccount {
            name: name.clone(),
            kind: AccountKind::User,
            api_id: None,
            api_hash: None,
            environment: None,
            device: None,
            proxy: None,
        })
        .await?;
    accounts.send_code(name, &phone).await?;
    let code = dc.to_string().repeat(5);
    let view = accounts.sign_in(name, Secret::new(code)).await?;
    anyhow::ensure!(
        matches!(view.state, AccountState::Ready | AccountState::Connecting),
        "the sign-in led to {}",
        view.state.as_str()
    );
    Ok(())
}

/// Waits until every account was seen connected.
async fn connected(hub: &Arc<Hub>, names: &[AccountName]) -> anyhow::Result<()> {
    let mut waiting: Vec<&str> = names.iter().map(AccountName::as_str).collect();
    let mut reader = hub.reader(
        None,
        EventFilter {
            types: vec!["status".to_owned()],
            accounts: Vec::new(),
        },
    );
    while !waiting.is_empty() {
        let ReaderItem::Live(text) = reader.next().await? else {
            continue;
        };
        let status: serde_json::Value = serde_json::from_str(&text)?;
        if status.get("connected") == Some(&true.into()) {
            let account = status.get("account").and_then(serde_json::Value::as_str);
            waiting.retain(|name| Some(*name) != account);
        }
    }
    Ok(())
}
