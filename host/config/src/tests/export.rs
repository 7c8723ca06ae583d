use super::{load, wrong};
use crate::changes::keys;

const BOTH: &str = "[export.targets.otlp]\nurl = 'https://c.example:4318/v1/metrics?key=hush'\n\
    headers = { Authorization = 'Bearer hush' }\nca_file = '/ca.pem'\n\
    [export.targets.statsd]\nudp = 'localhost:8125'\n";

#[test]
fn targets_are_read_and_their_secrets_are_not_shown() {
    let config = load(BOTH).unwrap_or_else(|e| panic!("{e}"));
    let otlp = &config.export.targets["otlp"];
    assert_eq!(otlp.headers["Authorization"].expose(), "Bearer hush");
    assert_eq!(otlp.timeout.as_secs(), 10);
    assert_eq!(
        config.export.targets["statsd"].udp.as_deref(),
        Some("localhost:8125")
    );
    let shown = keys(&config);
    let shown = serde_json::to_string(&shown).unwrap();
    assert!(!shown.contains("hush"), "{shown}");
    // And a change of one is seen all the same.
    let other = load(&BOTH.replace("Bearer hush", "Bearer else")).unwrap_or_else(|e| panic!("{e}"));
    let (changed, restart) = crate::changes::changes(&config, &other);
    assert_eq!(changed, ["export.targets.otlp.headers.Authorization"]);
    assert_eq!(restart, [""; 0]);
}

#[test]
fn a_target_that_cannot_be_is_refused_with_its_key() {
    for (text, key, says) in [
        (
            "[export.targets.a]",
            "export.targets.a",
            "either url or udp",
        ),
        (
            "[export.targets.a]\nurl = 'http://x/'\nudp = 'x:1'",
            "export.targets.a",
            "either url or udp",
        ),
        (
            "[export.targets.a]\nurl = 'ftp://x/'",
            "export.targets.a.url",
            "http:// or https://",
        ),
        (
            "[export.targets.a]\nurl = 'http://me:hush@x/'",
            "export.targets.a.url",
            "Authorization",
        ),
        (
            "[export.targets.a]\nudp = '8125'",
            "export.targets.a.udp",
            "127.0.0.1:8125",
        ),
        (
            "[export.targets.a]\nudp = 'x:1'\nheaders = { a = 'b' }",
            "export.targets.a",
            "go with url",
        ),
        (
            "[export.targets.a]\nurl = 'http://x/'\nheaders = { a = \"hush\\nhush\" }",
            "export.targets.a.headers.a",
            "no header",
        ),
        (
            "[export.targets.'a b']\nudp = 'x:1'",
            "export.targets",
            "letters, digits",
        ),
        (
            "[export.targets.a]\nudp = 'x:1'\ntimeout = '1ms'",
            "export.targets.a.timeout",
            "between 100ms and 5m",
        ),
    ] {
        let error = wrong(text);
        assert_eq!(error.key.as_deref(), Some(key), "{text}");
        assert!(error.message.contains(says), "{}", error.message);
        assert!(!error.to_string().contains("hush"), "{error}");
    }
}
