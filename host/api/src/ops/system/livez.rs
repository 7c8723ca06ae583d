/// Says that the process answers; nothing more.
pub(crate) async fn handler() -> &'static str {
    "ok\n"
}
