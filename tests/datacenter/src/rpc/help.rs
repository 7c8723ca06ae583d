//! `help.*` and `langpack.*`: what clients ask before and around a sign-in.

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::world::EDIT_TIME;

/// Seconds for which answers of this family may be kept.
const KEPT: i64 = 3_600;

fn parameter(key: &str, value: i32) -> Value {
    json!({
        "_": "jsonObjectValue",
        "key": key,
        "value": {"_": "jsonNumber", "value": value},
    })
}

impl Call<'_> {
    pub(super) fn config(&mut self) -> Answer {
        let options = self.dcs.iter().flat_map(|dc| {
            let main = json!({
                "_": "dcOption",
                "id": dc.id,
                "ip_address": dc.address.ip().to_string(),
                "port": dc.address.port(),
                "static": true,
            });
            let media = json!({
                "_": "dcOption",
                "id": dc.id,
                "ip_address": dc.media_address.ip().to_string(),
                "port": dc.media_address.port(),
                "media_only": true,
            });
            [main, media]
        });
        let options: Vec<Value> = options.collect();
        let date = self.world.clock.date();
        Ok(json!({
            "_": "config",
            "date": date,
            "expires": date + KEPT,
            "test_mode": false,
            "this_dc": self.dc,
            "dc_options": options,
            "dc_txt_domain_name": "",
            "chat_size_max": 200,
            "megagroup_size_max": 200_000,
            "forwarded_count_max": 100,
            "online_update_period_ms": 210_000,
            "offline_blur_timeout_ms": 5_000,
            "offline_idle_timeout_ms": 30_000,
            "online_cloud_timeout_ms": 300_000,
            "notify_cloud_delay_ms": 30_000,
            "notify_default_delay_ms": 1_500,
            "push_chat_period_ms": 60_000,
            "push_chat_limit": 2,
            "edit_time_limit": EDIT_TIME,
            "revoke_time_limit": i32::MAX,
            "revoke_pm_time_limit": i32::MAX,
            "rating_e_decay": 2_419_200,
            "stickers_recent_limit": 200,
            "channels_read_media_period": 604_800,
            "call_receive_timeout_ms": 20_000,
            "call_ring_timeout_ms": 90_000,
            "call_connect_timeout_ms": 30_000,
            "call_packet_timeout_ms": 10_000,
            "me_url_prefix": "https://t.me/",
            "caption_length_max": super::messages::LONGEST_CAPTION,
            "message_length_max": super::messages::LONGEST,
            "webfile_dc_id": 1,
        }))
    }

    pub(super) fn nearest_dc(&mut self) -> Answer {
        Ok(json!({
            "_": "nearestDc",
            "country": "ZZ",
            "this_dc": self.dc,
            "nearest_dc": self.dc,
        }))
    }

    pub(super) fn app_config(&mut self) -> Answer {
        if self.params.int("hash") == 1 {
            return Ok(json!({"_": "help.appConfigNotModified"}));
        }
        Ok(json!({
            "_": "help.appConfig",
            "hash": 1,
            "config": {"_": "jsonObject", "value": [
                parameter("upload_max_fileparts_default", 4_000),
                parameter("upload_max_fileparts_premium", 8_000),
            ]},
        }))
    }

    pub(super) fn cdn_config(&mut self) -> Answer {
        Ok(json!({"_": "cdnConfig", "public_keys": []}))
    }

    pub(super) fn invite_text(&mut self) -> Answer {
        Ok(json!({"_": "help.inviteText", "message": "Come and see."}))
    }

    pub(super) fn terms_update(&mut self) -> Answer {
        let expires = self.world.clock.date() + KEPT;
        Ok(json!({"_": "help.termsOfServiceUpdateEmpty", "expires": expires}))
    }

    pub(super) fn app_update(&mut self) -> Answer {
        Ok(json!({"_": "help.noAppUpdate"}))
    }

    pub(super) fn promo_data(&mut self) -> Answer {
        let expires = self.world.clock.date() + KEPT;
        Ok(json!({"_": "help.promoDataEmpty", "expires": expires}))
    }

    pub(super) fn countries(&mut self) -> Answer {
        Ok(json!({"_": "help.countriesList", "countries": [], "hash": 1}))
    }

    pub(super) fn lang_pack(&mut self) -> Answer {
        Ok(json!({
            "_": "langPackDifference",
            "lang_code": self.params.text("lang_code"),
            "from_version": self.params.int("from_version"),
            "version": 1,
            "strings": [],
        }))
    }
}
