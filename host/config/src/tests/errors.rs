use super::{load, wrong};

/// Place and words of the error.
fn said(text: &str) -> String {
    wrong(text).to_string()
}

#[test]
fn an_error_names_file_line_column_and_key() {
    for (text, expected) in [
        (
            "[server]\nlisten = 8080\n",
            "s.toml:2:10: server.listen: expected a string, found integer",
        ),
        (
            "[server]\nlisten = \"localhost\"\n",
            "s.toml:2:10: server.listen: expected an IP address and a port like \"127.0.0.1:8080\" or \"[::]:8080\"",
        ),
        (
            "[calls]\n\n  max_wait = \"ten\"\n",
            "s.toml:3:14: calls.max_wait: expected a duration like \"30s\", \"1h30m\" or \"7d\"",
        ),
        (
            "[server]\nmax_body = \"1MB\"\n",
            "s.toml:2:12: server.max_body: expected a size like \"512KiB\", \"64MiB\" or \"1GiB\"",
        ),
        (
            "[telegram]\nenvironment = \"prod\"\n",
            "s.toml:2:15: telegram.environment: expected one of `production`, `test`, `custom`",
        ),
        (
            "[telegram]\ndefault_account = \"Größe\"\n",
            "s.toml:2:19: telegram.default_account: an account's name is 1 to 32 of a-z, 0-9 and \
             '-', and does not begin with '-'",
        ),
        // What the types do not say.
        (
            "[calls]\ndefault_timeout = \"6m\"\n",
            "s.toml:2:19: calls.default_timeout: is between 100ms and 5m",
        ),
        // The value that breaks the rule stands elsewhere, so the section is named.
        (
            "[calls]\nmax_timeout = \"10s\"\n",
            "s.toml:1:2: calls.default_timeout: is between 100ms and 10s",
        ),
        (
            "[telegram]\napi_id = 5\n",
            "s.toml:2:10: telegram.api_id: needs telegram.api_hash beside it",
        ),
        (
            "[telegram.custom]\ndcs = [{ id = 2, address = \"127.0.0.1:1\" },\n\
             { id = 2, address = \"127.0.0.1:2\" }]\n",
            "s.toml:3:8: telegram.custom.dcs.1.id: data center 2 is there twice",
        ),
        (
            "[telegram]\nenvironment = \"custom\"\n",
            "s.toml:1:2: telegram.custom.dcs: environment = \"custom\" needs at least one",
        ),
    ] {
        assert_eq!(said(text), expected);
    }
    let level = said("log.level = \"a=b=c\"\n");
    assert!(
        level.starts_with("s.toml:1:13: log.level: not a log level: "),
        "{level}"
    );
}

#[test]
fn unknown_keys_are_errors_that_name_the_known_ones() {
    let error = wrong("[server]\nlisten = \"127.0.0.1:1\"\nlsten = 1\n");
    assert_eq!((error.line, error.column), (Some(3), Some(1)));
    assert_eq!(error.key.as_deref(), Some("server.lsten"));
    assert!(
        error
            .message
            .contains("unknown field `lsten`, expected one of `listen`")
    );
    let error = wrong("\n[sever]\n");
    assert_eq!((error.line, error.key.as_deref()), (Some(2), Some("sever")));
    let error = wrong("[telegram.custom]\ndcs = [{ id = 1, adress = \"127.0.0.1:1\" }]\n");
    assert_eq!(error.key.as_deref(), Some("telegram.custom.dcs.0.adress"));
    assert_eq!((error.line, error.column), (Some(2), Some(18)));
}

#[test]
fn broken_toml_is_an_error_with_its_place() {
    let error = wrong("[server]\nlisten = \"127.0.0.1:1\n[log]\n");
    assert_eq!(error.line, Some(2));
    assert_eq!(wrong("[server\n").line, Some(1));
    let error = wrong("[log]\nlevel = \"info\"\nlevel = \"warn\"\n");
    assert_eq!(error.line, Some(3));
    assert!(load("\u{feff}[log]\r\nlevel = \"warn\"\r\n").is_ok());
}

#[test]
fn a_key_file_that_is_not_there_is_named_by_its_key() {
    let text = "[telegram.custom]\npublic_keys = [\n  \"/no/such.pem\",\n]\n";
    let error = wrong(text);
    assert_eq!(error.key.as_deref(), Some("telegram.custom.public_keys.0"));
    assert_eq!((error.line, error.column), (Some(3), Some(3)));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("k.pem");
    let pem = "-----BEGIN RSA PUBLIC KEY-----\nMA==\n-----END RSA PUBLIC KEY-----\n";
    std::fs::write(&file, pem).unwrap();
    let config = load(&text.replace("/no/such.pem", file.to_str().unwrap()));
    let config = config.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(config.telegram.custom.public_keys, [pem]);
}

#[test]
fn no_secret_is_shown_wherever_it_was_put() {
    let secret = "c0ffee5ec4e7c0ffee5ec4e7c0ffee00";
    for line in [
        "api_id = 'c0ffee5ec4e7c0ffee5ec4e7c0ffee00'",
        "api_hash = 'c0ffee5ec4e7c0ffee5ec4e7c0ffee00'",
        "api_hash = ['c0ffee5ec4e7c0ffee5ec4e7c0ffee00']",
        "api_hash = { c0ffee5ec4e7c0ffee5ec4e7c0ffee00 = 1 }",
        "environment = 'c0ffee5ec4e7c0ffee5ec4e7c0ffee00'",
        "default_account = 'PLANTED c0ffee5ec4e7c0ffee5ec4e7c0ffee00'",
        "custom = 'c0ffee5ec4e7c0ffee5ec4e7c0ffee00'",
        "api_hash = 'c0ffee5ec4e7c0ffee5ec4e7c0ffee00",
        "api_hash = c0ffee5ec4e7c0ffee5ec4e7c0ffee00",
        "api_hash = \"c0ffee5ec4e7c0ffee5ec4e7c0ffee00\\q\"",
        "api_hash = 'c0ffee5ec4e7c0ffee5ec4e7c0ffee00' 'c0ffee5ec4e7c0ffee5ec4e7c0ffee00'",
    ] {
        let error = wrong(&format!("[telegram]\n{line}\n"));
        assert!(!error.to_string().contains(secret), "{line}: {error}");
        assert!(!format!("{error:?}").contains(secret), "{line}: {error:?}");
    }
    let text = format!("[telegram]\napi_id = 1\napi_hash = '{secret}'\n");
    let config = load(&text).unwrap_or_else(|e| panic!("{e}"));
    let shown = serde_json::to_string(&config).unwrap();
    assert!(
        shown.contains("(secret ") && !shown.contains(secret),
        "{shown}"
    );
}
