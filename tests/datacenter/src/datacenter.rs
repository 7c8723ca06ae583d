use std::time::Duration;

use crate::{
    AccountInfo, AuthorizationInfo, DcInfo, JournalEntry, JournalFilter, NewAccount, Options, Rule,
    RuleId, RuleView, StartError, WorldError, keys,
};

/// A running Telegram. Cheap to clone; everything ends when [`DataCenter::shutdown`] is called.
#[derive(Clone)]
pub struct DataCenter {}

impl DataCenter {
    /// Opens all ports, of the data centers and of the control API.
    pub async fn start(_options: Options) -> Result<Self, StartError> {
        todo!()
    }

    /// The data centers and their addresses, which stay the same over stop and start.
    pub fn dcs(&self) -> Vec<DcInfo> {
        todo!()
    }

    /// The RSA key that clients need (PKCS#1 PEM).
    pub fn public_key_pem(&self) -> &'static str {
        keys::PUBLIC_PEM
    }

    /// Where the control API is, e.g. `http://127.0.0.1:40123`.
    pub fn control_url(&self) -> String {
        todo!()
    }

    /// Its bearer key.
    pub fn control_key(&self) -> &str {
        todo!()
    }

    /// Makes a user or a bot.
    pub fn create_account(&self, _new: NewAccount) -> Result<AccountInfo, WorldError> {
        todo!()
    }

    /// Every user and bot.
    pub fn accounts(&self) -> Vec<AccountInfo> {
        todo!()
    }

    /// The account `from` writes to `to`: a user id, or a basic group's id with a minus sign.
    /// Returns the message's id in the sender's numbering.
    pub fn send_text(&self, _from: i64, _to: i64, _text: &str) -> Result<i32, WorldError> {
        todo!()
    }

    /// Makes a basic group and returns its id (positive).
    pub fn create_chat(&self, _by: i64, _with: &[i64], _title: &str) -> Result<i64, WorldError> {
        todo!()
    }

    /// A new auth key, already authorised for the account on its home data center, for clients
    /// whose server keys are constants.
    pub fn issue_auth_key(&self, _account: i64) -> Result<[u8; 256], WorldError> {
        todo!()
    }

    /// Where the account is signed in.
    pub fn authorizations(&self, _account: i64) -> Vec<AuthorizationInfo> {
        todo!()
    }

    /// Makes every authorization of the account (of everybody, if `None`) so much older.
    pub fn age_authorizations(&self, _account: Option<i64>, _by: Duration) {
        todo!()
    }

    /// Forgets an auth key on all data centers: the next packet under it is answered by the transport error -404.
    /// `auth_key_id` as in the journal. Says whether there was one.
    pub fn forget_key(&self, _auth_key_id: &str) -> bool {
        todo!()
    }

    /// Adds a fault.
    pub fn add_rule(&self, _rule: Rule) -> RuleId {
        todo!()
    }

    /// The faults and how often they acted.
    pub fn rules(&self) -> Vec<RuleView> {
        todo!()
    }

    /// Removes a fault.
    pub fn remove_rule(&self, _id: RuleId) -> bool {
        todo!()
    }

    /// Removes all faults.
    pub fn clear_rules(&self) {
        todo!()
    }

    /// What the server saw.
    pub fn journal(&self, _filter: &JournalFilter) -> Vec<JournalEntry> {
        todo!()
    }

    /// Waits until the journal has an answered call that fits, and returns the first one.
    pub async fn seen(&self, _filter: &JournalFilter) -> JournalEntry {
        todo!()
    }

    /// Moves the world's clock forward.
    pub fn advance_clock(&self, _by: Duration) {
        todo!()
    }

    /// Closes every open connection (of one data center, or of all); the ports stay open.
    pub fn cut_connections(&self, _dc: Option<i32>) {
        todo!()
    }

    /// Closes one data center's ports and connections. The world stays.
    pub async fn stop_dc(&self, _dc: i32) -> Result<(), StartError> {
        todo!()
    }

    /// Opens them again, on the same ports.
    pub async fn start_dc(&self, _dc: i32) -> Result<(), StartError> {
        todo!()
    }

    /// Stops all data centers; the control API and the world stay.
    pub async fn stop(&self) {
        todo!()
    }

    /// Starts all data centers again, on the same ports.
    pub async fn restart(&self) -> Result<(), StartError> {
        todo!()
    }

    /// Ends everything and waits for every task.
    pub async fn shutdown(&self) {
        todo!()
    }
}
