//! `random_id`s that a caller left out.

use serde_json::{Value, json};
use sluice_tl::Schema;

use crate::object;

fn filled(method: &str, params: Value) -> Value {
    let mut params = object(params);
    let mut last = 0;
    let made = Schema::newest().fill_random_ids(method, &mut params, &mut || {
        last += 1;
        last
    });
    assert_eq!(i64::try_from(made).unwrap(), last);
    params.into()
}

#[test]
fn what_is_missing_is_made() {
    assert_eq!(
        filled(
            "messages.sendMessage",
            json!({"message": "x", "random_id": null})
        ),
        json!({"message": "x", "random_id": "1"})
    );
    assert_eq!(
        filled("phone.requestCall", json!({})),
        json!({"random_id": 1})
    );
    assert_eq!(
        filled("messages.forwardMessages", json!({"id": [7, 8, 9]})),
        json!({"id": [7, 8, 9], "random_id": ["1", "2", "3"]})
    );
    assert_eq!(
        filled(
            "messages.sendMultiMedia",
            json!({"multi_media": [{"message": ""}, {"random_id": 5}, {}]})
        ),
        json!({"multi_media": [{"message": "", "random_id": "1"}, {"random_id": 5}, {"random_id": "2"}]})
    );
    assert_eq!(
        filled(
            "invokeWithoutUpdates",
            json!({"query": {"_": "messages.sendMessage"}})
        ),
        json!({"query": {"_": "messages.sendMessage", "random_id": "1"}})
    );
}

#[test]
fn what_is_there_or_not_ours_to_make_stays() {
    for (method, params) in [
        ("messages.sendMessage", json!({"random_id": "0"})),
        ("messages.viewSponsoredMessage", json!({})),
        ("help.getConfig", json!({})),
        ("no.such", json!({})),
    ] {
        assert_eq!(filled(method, params.clone()), params, "{method}");
    }
}
