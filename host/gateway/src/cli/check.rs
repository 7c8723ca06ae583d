use clap::Args;

use super::{Place, print};

#[derive(Args)]
pub(super) struct Check {
    #[command(flatten)]
    place: Place,
}

impl Check {
    pub fn run(&self) -> anyhow::Result<()> {
        self.place.load()?;
        print("the configuration is right\n")
    }
}
