//! The binary as an operator meets it: exit codes, one line of JSON, the admin socket.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

fn sluice(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluice"));
    command.args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    sluice(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A running `serve`, ended by SIGTERM.
struct Serving(Child);

impl Serving {
    fn on(data: &Path) -> Self {
        let mut child = sluice(&["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .env("SLUICE_SERVER__ADMIN_LISTEN", "127.0.0.1:0")
            .env("SLUICE_LOG__LEVEL", "info")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("serving") {
            line.clear();
            assert_ne!(
                log.read_line(&mut line).unwrap(),
                0,
                "ended before it served"
            );
        }
        // Whoever stops reading stops the process at its next line.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self(child)
    }

    fn terminate(mut self) -> Option<i32> {
        signal(&self.0, "TERM");
        self.0.wait().unwrap().code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args([format!("-{name}"), child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn bad_usage_is_64_and_help_is_0() {
    assert_eq!(run(&["no-such-command"]).status.code(), Some(64));
    assert_eq!(run(&["demo", "--accounts", "0"]).status.code(), Some(64));
    assert_eq!(
        run(&["serve", "--listen", "nowhere"]).status.code(),
        Some(64)
    );
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    insta::assert_snapshot!("help", stdout(&help));
}

#[test]
fn a_wrong_configuration_is_64_with_file_line_and_key() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("sluice.toml");
    let path = file.to_str().unwrap();
    std::fs::write(&file, "[server]\n\nlisten = 5\n").unwrap();
    for command in ["check", "serve"] {
        let output = run(&[command, "--config", path]);
        assert_eq!(output.status.code(), Some(64), "{command}");
        let said = stderr(&output);
        assert!(said.contains(&format!("{path}:3")), "{said}");
        assert!(said.contains("server.listen"), "{said}");
    }
    std::fs::write(&file, "[server]\nlisten = \"127.0.0.1:0\"\n").unwrap();
    assert_eq!(run(&["check", "--config", path]).status.code(), Some(0));
}

#[test]
fn the_second_on_a_data_directory_is_75_and_names_the_first() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let first = Serving::on(&data);
    let second = sluice(&["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(&data)
        .env("SLUICE_SERVER__ADMIN_LISTEN", "127.0.0.1:0")
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(75));
    let said = stderr(&second);
    assert!(said.contains(&first.0.id().to_string()), "{said}");
    assert_eq!(first.terminate(), Some(0));
}

#[test]
fn keys_are_made_with_and_without_a_running_gateway() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let data_text = data.to_str().unwrap();
    let key = |arguments: &[&str]| {
        let output = run(&[&["key"], arguments, &["--data", data_text]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    let listed = || -> Value { serde_json::from_str(&key(&["list", "--json"])).unwrap() };

    let alone = key(&["create", "--name", "alone"]);
    assert!(alone.starts_with("slc_"), "{alone}");
    let serving = Serving::on(&data);
    let mode = std::fs::metadata(data.join("admin.sock")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&mode.permissions());
    assert_eq!(mode & 0o777, 0o600);
    key(&[
        "create",
        "--name",
        "beside",
        "--scopes",
        "read",
        "--expires-in-days",
        "7",
    ]);
    let keys = listed();
    assert_eq!(keys[0]["name"], "alone");
    assert_eq!(keys[1]["name"], "beside");
    assert!(keys[1]["expiresAt"].is_string());
    key(&["revoke", keys[0]["id"].as_str().unwrap()]);
    assert_eq!(serving.terminate(), Some(0));
    assert!(listed()[0]["revokedAt"].is_string());

    let unknown = run(&["key", "revoke", "nothing", "--data", data_text]);
    assert_eq!(unknown.status.code(), Some(1));
}

#[test]
fn lists_answer_without_a_gateway() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().to_str().unwrap();
    let plugins = run(&["plugin", "list", "--json", "--data", data]);
    let plugins: Value = serde_json::from_str(&stdout(&plugins)).unwrap();
    assert!(plugins.as_array().unwrap().len() >= 3, "{plugins:#}");
    let accounts = run(&["account", "list", "--json", "--data", data]);
    let accounts: Value = serde_json::from_str(&stdout(&accounts)).unwrap();
    assert_eq!(accounts, Value::Array(Vec::new()));
}

/// Breaks when a plugin's mode is changed otherwise without a gateway than through one.
#[test]
fn plugins_are_promoted_with_and_without_a_running_gateway() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let data_text = data.to_str().unwrap();
    let plugin =
        |arguments: &[&str]| run(&[&["plugin"], arguments, &["--data", data_text]].concat());
    let told = |arguments: &[&str]| {
        let output = plugin(arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    let off = told(&["abort", "retry"]);
    assert!(
        off.starts_with("retry: generation ") && off.ends_with(" is off\n"),
        "{off}"
    );
    let alone = plugin(&["diff", "retry"]);
    assert_eq!(alone.status.code(), Some(1));
    assert!(
        stderr(&alone).contains("no gateway runs here"),
        "{}",
        stderr(&alone)
    );

    let serving = Serving::on(&data);
    let listed: Value = serde_json::from_str(&told(&["list", "--json"])).unwrap();
    let retry = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "retry");
    assert_eq!(retry.unwrap()["mode"], "off");
    let canary = told(&["promote", "retry", "--to", "canary(25)"]);
    assert!(
        canary.ends_with(" is canary for 25% of the accounts\n"),
        "{canary}"
    );
    let diff = told(&["diff", "retry"]);
    assert!(
        diff.contains("(canary, generation ") && diff.contains("GIVE-UPS"),
        "{diff}"
    );
    let back = told(&["rollback", "retry"]);
    assert!(
        back.starts_with("retry does not serve: was rolled back"),
        "{back}"
    );
    for arguments in [
        &["promote", "nothing"][..],
        &["promote", "../retry"],
        &["rollback", "retry"],
    ] {
        assert_eq!(plugin(arguments).status.code(), Some(1), "{arguments:?}");
    }
    let unknown = plugin(&["promote", "retry", "--to", "everywhere"]);
    assert_eq!(unknown.status.code(), Some(64));
    assert_eq!(serving.terminate(), Some(0));
    let live = told(&["promote", "retry", "--to", "live"]);
    assert!(live.ends_with(" is live\n"), "{live}");
}

#[test]
fn the_demo_says_one_line_and_ends_well() {
    let mut demo = sluice(&["demo", "--accounts", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(demo.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    for field in ["url", "admin_url", "admin_key"] {
        assert!(line[field].is_string(), "{field}: {line:#}");
    }
    assert_eq!(line["accounts"], serde_json::json!(["demo"]));
    let datacenter = &line["datacenter"];
    for field in ["control_url", "control_key", "public_key"] {
        assert!(datacenter[field].is_string(), "{field}: {line:#}");
    }
    let dc = &datacenter["dcs"][0];
    assert!(dc["id"].is_i64() && dc["address"].is_string() && dc["media_address"].is_string());

    signal(&demo, "INT");
    assert_eq!(demo.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[test]
fn the_documents_are_printed() {
    let document = run(&["openapi"]);
    let document: Value = serde_json::from_str(&stdout(&document)).unwrap();
    assert!(document["paths"].is_object());
    assert!(stdout(&run(&["completions", "bash"])).contains("sluice"));
    let doctor = run(&["doctor"]);
    assert!(stdout(&doctor).contains("the configuration is right"));
}
