use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use sluice_config::Config;
use sluice_domain::Environment;

use super::{Place, print};
use crate::admin_client::AdminClient;
use crate::{exit, settings};

#[derive(Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    place: Place,
}

/// What a look at one thing came to.
enum Finding {
    /// As it should be.
    Good(String),
    /// It works, but; and how to mend it.
    Warning(String, String),
    /// It does not work; and how to mend it.
    Bad(String, String),
}

use Finding::{Bad, Good, Warning};

/// Open files a gateway of some size needs: one for each connection of callers and of links.
const FILES: u64 = 4096;

impl Doctor {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let mut findings = Vec::new();
        match self.place.load() {
            Ok(config) => {
                findings.push(Good("the configuration is right".to_owned()));
                findings.push(application(&config));
                findings.push(data(&config).await);
                findings.push(listener(&config));
            }
            Err(error) => findings.push(Bad(
                format!("the configuration is wrong: {error}"),
                "mend that line; config/sluice.toml shows every key".to_owned(),
            )),
        }
        findings.push(components());
        findings.push(files());
        findings.push(swap());

        let mut report = String::new();
        let mut bad = false;
        for finding in findings {
            let (mark, what, how) = match finding {
                Good(what) => ("ok  ", what, None),
                Warning(what, how) => ("warn", what, Some(how)),
                Bad(what, how) => {
                    bad = true;
                    ("FAIL", what, Some(how))
                }
            };
            report.extend([mark, "  ", &what, "\n"]);
            if let Some(how) = how {
                report.extend(["      ", &how, "\n"]);
            }
        }
        print(&report)?;
        Ok(if bad {
            exit::FAILED.into()
        } else {
            ExitCode::SUCCESS
        })
    }
}

fn application(config: &Config) -> Finding {
    let telegram = &config.telegram;
    if telegram.environment == Environment::Custom && telegram.custom.dcs.is_empty() {
        return Bad(
            "telegram.environment is custom, and telegram.custom.dcs is empty".to_owned(),
            "name the data centers, or choose production or test".to_owned(),
        );
    }
    match (telegram.api_id, &telegram.api_hash) {
        (Some(id), Some(_)) => Good(format!("signs in as application {id}")),
        _ => Warning(
            "there is no api_id and api_hash: accounts without their own cannot sign in".to_owned(),
            "get them at https://my.telegram.org and set them in [telegram]".to_owned(),
        ),
    }
}

async fn data(config: &Config) -> Finding {
    let dir = &config.data.dir;
    let shown = dir.display();
    if matches!(
        AdminClient::connect(&dir.join("admin.sock")).await,
        Ok(Some(_))
    ) {
        return Good(format!("a gateway runs on {shown} and answers"));
    }
    if !dir.exists() {
        return match nearest(dir) {
            Some(parent) if writable(parent) => {
                Good(format!("{shown} will be made at the first start"))
            }
            _ => Bad(
                format!("{shown} is not there and cannot be made"),
                "make it, owned by the user that runs the gateway".to_owned(),
            ),
        };
    }
    if writable(dir) {
        Good(format!("{shown} can be written to"))
    } else {
        Bad(
            format!("{shown} cannot be written to"),
            "give it to the user that runs the gateway".to_owned(),
        )
    }
}

fn nearest(dir: &Path) -> Option<&Path> {
    dir.ancestors()
        .skip(1)
        .map(|parent| {
            if parent.as_os_str().is_empty() {
                Path::new(".")
            } else {
                parent
            }
        })
        .find(|parent| parent.exists())
}

fn writable(dir: &Path) -> bool {
    tempfile::tempfile_in(dir).is_ok()
}

fn listener(config: &Config) -> Finding {
    let address = config.server.listen;
    match std::net::TcpListener::bind(address) {
        Ok(_) => Good(format!("{address} is free to listen on")),
        Err(error) => Warning(
            format!("{address} cannot be listened on: {error}"),
            "right if the gateway runs; else choose another server.listen".to_owned(),
        ),
    }
}

fn components() -> Finding {
    match settings::bundled_plugins() {
        Some(dir) => Good(format!("the shipped policies are in {}", dir.display())),
        None => Warning(
            "the shipped policies are not beside the executable; the native ones serve".to_owned(),
            "`make components` builds them".to_owned(),
        ),
    }
}

fn files() -> Finding {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let soft = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
    match soft {
        Some(soft) if soft < FILES => Warning(
            format!("{soft} files can be open at once, {FILES} are better"),
            "`ulimit -n 65536`, or LimitNOFILE= in the systemd unit".to_owned(),
        ),
        Some(soft) => Good(format!("{soft} files can be open at once")),
        None => Good("the number of open files is not known to be limited".to_owned()),
    }
}

fn swap() -> Finding {
    // The first line is the head of the table.
    let areas =
        std::fs::read_to_string("/proc/swaps").map_or(0, |swaps| swaps.lines().skip(1).count());
    if areas == 0 {
        Good("no swap is in use".to_owned())
    } else {
        Warning(
            "swap is in use: secrets in memory can reach the disk".to_owned(),
            "switch it off, or encrypt it".to_owned(),
        )
    }
}
