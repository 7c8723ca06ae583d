//! Rules about key exchanges.

use std::time::{Duration, Instant};

use serde_json::json;
use sluice_datacenter::{Action, Corruption, Match, Rule};
use sluice_mtproto::{exchange::ExchangeError, transport::Kind};

use crate::client::{Client, join, start};

/// Fails if a client that checks what it must is not given the very thing to refuse.
#[tokio::test]
async fn every_corruption_is_refused_for_its_reason() {
    let dc = start().await;
    let cases = [
        (Corruption::Fingerprint, ExchangeError::UnknownKey),
        (Corruption::PrimePq, ExchangeError::Factors),
        (Corruption::Nonce, ExchangeError::Nonce),
        // It is found before the hash is known to be right.
        (Corruption::ServerNonce, ExchangeError::Hash),
        (Corruption::NewNonceHash, ExchangeError::Hash),
        (Corruption::CompositePrime, ExchangeError::Group),
        (Corruption::UnsafePrime, ExchangeError::Group),
        (Corruption::Generator, ExchangeError::Group),
        (Corruption::PublicOne, ExchangeError::Range),
        (Corruption::PublicMinusOne, ExchangeError::Range),
    ];
    for (corruption, reason) in cases {
        let matches = Match {
            dc: Some(1),
            ..Match::default()
        };
        let action = Action::Corrupt(corruption);
        let rule = dc.add_rule(Rule { matches, action });
        let address = dc.dcs()[0].address;
        let made = Client::try_join(address, dc.public_key_pem(), Kind::Abridged).await;
        assert_eq!(made.err(), Some(reason), "{corruption:?}");
        dc.remove_rule(rule);
    }
    join(&dc).await.ok("help.getConfig", json!({})).await;
    dc.shutdown().await;
}

/// Fails if a step of the exchange is not delayed.
#[tokio::test]
async fn an_exchange_takes_its_time() {
    let dc = start().await;
    dc.add_rule(Rule {
        matches: Match::default(),
        action: Action::SlowExchange(60),
    });
    let before = Instant::now();
    join(&dc).await.ok("help.getConfig", json!({})).await;
    assert!(
        before.elapsed() >= Duration::from_millis(180),
        "three answers"
    );
    dc.shutdown().await;
}
