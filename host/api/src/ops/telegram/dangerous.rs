//! Methods that can lose an account, hand it to others, or spend its money: one request too many
//! cannot be taken back. A key needs the scope `dangerous` for them.

const DANGEROUS: &[&str] = &[
    // The account ends, or its way in changes.
    "account.deleteAccount",
    "account.setAccountTTL",
    "account.changePhone",
    "account.updatePasswordSettings",
    "account.confirmPasswordEmail",
    "account.cancelPasswordEmail",
    "account.resetPassword",
    "account.declinePasswordReset",
    "auth.recoverPassword",
    // Sessions end, or others get one. The gateway has its own ways for its own session.
    "auth.logOut",
    "auth.resetAuthorizations",
    "account.resetAuthorization",
    "account.resetWebAuthorization",
    "account.resetWebAuthorizations",
    "account.changeAuthorizationSettings",
    "account.setAuthorizationTTL",
    "auth.acceptLoginToken",
    "auth.exportLoginToken",
    "auth.importLoginToken",
    "auth.exportAuthorization",
    "auth.importAuthorization",
    "auth.importBotAuthorization",
    "auth.importWebTokenAuthorization",
    "auth.bindTempAuthKey",
    "auth.dropTempAuthKeys",
    "auth.sendCode",
    "auth.resendCode",
    "auth.cancelCode",
    "auth.signIn",
    "auth.signUp",
    "auth.checkPassword",
    // What belongs to many people ends, or gets another owner.
    "channels.deleteChannel",
    "messages.deleteChat",
    // Money.
    "payments.sendPaymentForm",
    "payments.sendStarsForm",
    "payments.getStarsRevenueWithdrawalUrl",
    "payments.assignAppStoreTransaction",
    "payments.assignPlayMarketTransaction",
    "payments.transferStarGift",
    "payments.convertStarGift",
];

/// Whether a method is one of them.
pub(crate) fn is(method: &str) -> bool {
    DANGEROUS.contains(&method)
}

#[cfg(test)]
mod tests {
    use super::DANGEROUS;

    /// Would break when a new layer renames a method, so that the old name guards nothing.
    #[test]
    fn every_name_is_in_the_schema() {
        let schema = sluice_tl::Schema::newest();
        let gone: Vec<_> = DANGEROUS
            .iter()
            .filter(|name| schema.method(name).is_none())
            .collect();
        assert!(gone.is_empty(), "not in the schema: {gone:?}");
    }
}
