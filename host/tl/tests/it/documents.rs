//! What the documentation of a method says.

use serde_json::json;
use sluice_tl::Schema;

#[test]
fn a_method_is_described() {
    let described = Schema::newest().describe("users.getUsers").unwrap();
    assert_eq!(
        described,
        json!({
            "name": "users.getUsers",
            "id": "0x0d91a548",
            "layer": 230,
            "params": [{
                "name": "id",
                "type": "Vector<InputUser>",
                "shape": "array of: object, or \"me\", \"@username\", \"+phone\" or a known numeric id",
                "constructors": ["inputUserEmpty", "inputUserSelf", "inputUser", "inputUserFromMessage"],
                "optional": false,
            }],
            "result": {
                "type": "Vector<User>",
                "shape": "array of: object with its constructor in `_`",
                "constructors": ["userEmpty", "user"],
            },
            "example": {"id": [{"_": "inputUserSelf"}]},
        })
    );
}

#[test]
fn shared_flags_and_options_are_told() {
    let described = Schema::newest().describe_type("InputMedia").unwrap();
    let constructors = described["constructors"].as_array().unwrap();
    let poll = constructors
        .iter()
        .find(|row| row["name"] == "inputMediaPoll")
        .unwrap();
    let flags: Vec<_> = poll["params"]
        .as_array()
        .unwrap()
        .iter()
        .map(|param| {
            (
                param["name"].as_str().unwrap(),
                param["optional"] == true,
                param.get("flag"),
            )
        })
        .collect();
    let shared = json!("0.1");
    assert_eq!(flags[0], ("poll", false, None));
    assert!(flags.contains(&("solution", true, Some(&shared))));
    assert!(flags.contains(&("solution_entities", true, Some(&shared))));
}

#[test]
fn every_method_and_type_is_described() {
    let schema = Schema::newest();
    for method in schema.methods() {
        let described = schema.describe(method.name).unwrap();
        assert_eq!(
            described["params"].as_array().unwrap().len(),
            method.visible().count()
        );
    }
    for ty in schema.types() {
        assert!(schema.describe_type(ty).is_some());
    }
    assert!(schema.describe("no.such").is_none());
    assert!(schema.describe_type("No.Such").is_none());
}
