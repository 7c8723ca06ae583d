/// The limit on new connections that all accounts behind one address share.
#[derive(Debug, Default)]
pub struct ConnectGate {}
