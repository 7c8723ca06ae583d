//! The configuration is read again while the gateway runs.

use serde_json::json;
use sluice_harness::{Harness, Setup};

/// Breaks when a file with a fault takes effect in part, or a good one not at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_is_refused_and_a_good_one_applied() -> anyhow::Result<()> {
    let bare = Setup {
        accounts: 0,
        ..Setup::default()
    };
    let served = Harness::with(bare).await?.into_process().await?;
    let gateway = &served.process;
    let large = || {
        let body = json!({ "name": "x".repeat(3_000), "kind": "user" });
        gateway.post("/api/accounts", body)
    };
    large().await?.problem(400, "BODY_INVALID")?;
    let file = std::fs::read_to_string(served.file())?;
    let write = |server: &str| {
        let changed = file.replace("[server]\n", &format!("[server]\n{server}\n"));
        let next = served.file().with_extension("next");
        std::fs::write(&next, changed)?;
        std::fs::rename(next, served.file())
    };
    let mut events = gateway.events("types=config").await?;

    write("max_body = \"2KiB\"\nno_such_key = 1")?;
    let refused = events.next().await?;
    assert_eq!(refused["action"], "refused", "{refused:#}");
    let error = refused["error"].as_str().expect("why");
    for part in ["sluice.toml:3", "no_such_key"] {
        assert!(error.contains(part), "{error}");
    }
    large().await?.problem(400, "BODY_INVALID")?;

    write("max_body = \"2KiB\"")?;
    let applied = events.next().await?;
    assert_eq!(applied["action"], "applied", "{applied:#}");
    assert_eq!(applied["changed"], json!(["server.max_body"]));
    assert_eq!(applied["restartNeeded"], json!([]));
    large().await?.problem(413, "BODY_TOO_LARGE")?;
    served.stop().await
}
