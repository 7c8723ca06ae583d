/// Values above the file: from the environment, then from flags, the later ones winning.
#[derive(Clone, Default)]
pub struct Overrides {
    pub(crate) values: Vec<Override>,
}

#[derive(Clone)]
pub(crate) struct Override {
    /// `server.listen`
    pub key: String,
    pub text: String,
    /// `SLUICE_SERVER__LISTEN` or `--listen`
    pub origin: String,
}

impl Overrides {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every `SLUICE_SECTION__KEY` of the environment.
    pub fn from_env() -> Self {
        todo!()
    }

    /// Sets a key (`server.listen`) above everything before; `origin` names where the value came
    /// from in errors (`--listen`).
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<String>, origin: &str) -> Self {
        self.values.push(Override {
            key: key.to_owned(),
            text: value.into(),
            origin: origin.to_owned(),
        });
        self
    }
}
