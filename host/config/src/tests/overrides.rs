use std::path::Path;

use sluice_domain::Environment;

use crate::load::load_text;
use crate::{Config, ConfigError, Overrides};

fn vars(vars: &[(&str, &str)]) -> Overrides {
    let owned = vars
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()));
    Overrides::from_vars(owned)
}

fn load(text: &str, overrides: &Overrides) -> Result<Config, ConfigError> {
    load_text(Some(Path::new("s.toml")), text, overrides)
}

fn good(text: &str, overrides: &Overrides) -> Config {
    load(text, overrides).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn flags_stand_above_the_environment_and_that_above_the_file() {
    let text = "[server]\nlisten = \"127.0.0.1:1\"\nadmin_listen = \"127.0.0.1:2\"\n\
                max_connections = 7\n";
    let overrides = vars(&[
        ("SLUICE_SERVER__LISTEN", "127.0.0.1:3"),
        ("SLUICE_SERVER__ADMIN_LISTEN", "127.0.0.1:4"),
        ("SLUICE_SERVER__MAX_CONNECTIONS", ""),
        ("SLUICE_CONFIG", "ignored"),
        ("PATH", "ignored"),
    ])
    .set("server.listen", "127.0.0.1:5", "--listen");
    let server = good(text, &overrides).server;
    assert_eq!(server.listen.port(), 5);
    assert_eq!(server.admin_listen.port(), 4);
    assert_eq!(server.max_connections, 7);
}

#[test]
fn a_value_is_taken_as_what_the_key_wants() {
    let config = good(
        "",
        &vars(&[
            ("SLUICE_TELEGRAM__API_ID", "12345"),
            // All digits, and yet text.
            (
                "SLUICE_TELEGRAM__API_HASH",
                "00000000000000000000000000000001",
            ),
            ("SLUICE_TELEGRAM__ENVIRONMENT", "custom"),
            (
                "SLUICE_TELEGRAM__CUSTOM__DCS",
                "[{ id = 2, address = \"127.0.0.1:99\" }]",
            ),
            (
                "SLUICE_TELEGRAM__CUSTOM__PUBLIC_KEYS",
                "['-----BEGIN RSA PUBLIC KEY-----']",
            ),
            ("SLUICE_ADMIN__METRICS_OPEN", "true"),
            ("SLUICE_DATA__DIR", "/var/lib/sluice"),
            ("SLUICE_CALLS__MAX_WAIT", "1h"),
        ]),
    );
    assert_eq!(config.telegram.api_id, Some(12345));
    let hash = config.telegram.api_hash.unwrap();
    assert_eq!(hash.expose(), "00000000000000000000000000000001");
    assert_eq!(config.telegram.environment, Environment::Custom);
    assert_eq!(config.telegram.custom.dcs[0].address.port(), 99);
    assert!(config.admin.metrics_open);
    assert_eq!(config.data.dir, Path::new("/var/lib/sluice"));
    assert_eq!(config.calls.max_wait.as_secs(), 3600);
}

#[test]
fn an_error_names_the_variable_or_the_flag() {
    let said = |overrides: &Overrides| match load("[log]\nlevel = \"info\"\n", overrides) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("taken"),
    };
    assert_eq!(
        said(&vars(&[("SLUICE_SERVER__LISTEN", "nowhere")])),
        "SLUICE_SERVER__LISTEN: server.listen: expected an IP address and a port like \"127.0.0.1:8080\" or \"[::]:8080\""
    );
    assert_eq!(
        said(&vars(&[("SLUICE_PROBE__INTERVAL", "1ms")])),
        "SLUICE_PROBE__INTERVAL: probe.interval: is between 1s and 10m"
    );
    let level = said(&Overrides::new().set("log.level", "a=b=c", "--log"));
    assert!(
        level.starts_with("--log: log.level: not a log level: "),
        "{level}"
    );
    let unknown = said(&vars(&[("SLUICE_SERVER__LSTEN", "1")]));
    assert!(unknown.starts_with("SLUICE_SERVER__LSTEN: server.lsten: unknown field"));
    let deep = said(&vars(&[("SLUICE_LOG__LEVEL__X", "1")]));
    assert_eq!(
        deep,
        "SLUICE_LOG__LEVEL__X: log.level.x: level is not a section"
    );
    for secret in ["planted", "['planted']", "{planted = 1}"] {
        let secret = said(&vars(&[("SLUICE_TELEGRAM__API_ID", secret)]));
        assert!(!secret.contains("planted"), "{secret}");
    }
}
