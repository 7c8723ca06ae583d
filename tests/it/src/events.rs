//! What happens at Telegram reaches every reader once and in order. How streams are opened, fed and
//! ended is in `streams`.

use serde_json::Value;
use sluice_harness::Harness;

/// Breaks when a reader that comes and goes misses an update or gets one twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_resumes_sees_every_update_once_and_in_order() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    let accounts = gateway.datacenter.accounts();
    let (demo, other) = (accounts[0].id, accounts[1].id);
    let is_message = |event: &Value| event["update"]["message"]["message"].is_string();
    let mut after = "0".to_owned();
    let mut read = Vec::new();
    for round in 0..5 {
        for number in 0..8 {
            let text = format!("{}", round * 8 + number);
            gateway.datacenter.send_text(other, demo, &text)?;
        }
        let mut events = gateway
            .events(&format!("types=update&account=demo&after={after}"))
            .await?;
        // It goes away in the middle, and not where a batch ends.
        let wanted = (round + 1) * 8 - if round == 4 { 0 } else { 3 };
        while read.len() < wanted {
            let event = events.until(is_message).await?;
            after = event["id"].as_str().expect("an id").to_owned();
            read.push(event["update"]["message"]["message"].clone());
        }
        drop(events);
    }
    let expected: Vec<_> = (0..40)
        .map(|number| Value::from(number.to_string()))
        .collect();
    assert_eq!(read, expected);
    gateway.stop().await;
    Ok(())
}
