//! What operators ask of a plugin: further, out, back, and how it compares.

use std::io;

use sluice_domain::EventBody;

use crate::archive::replace;
use crate::registry::event;
use crate::scan::{plain, sidecar};
use crate::{CanaryView, DiffView, Mode, Origin, PluginView, Policies, rewrite};

/// Why a plugin is not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// No plugin has this name.
    #[error("no plugin has this name")]
    Missing,
    /// It is as asked for already, or there is nothing further.
    #[error("{0}")]
    Out(String),
    /// Its files cannot serve like that.
    #[error("{0}")]
    Refused(String),
    /// The sidecar cannot be written.
    #[error("writing {name}.toml: {source}")]
    Unwritten {
        /// The plugin's name.
        name: String,
        /// Why.
        source: io::Error,
    },
}

impl Policies {
    /// Lets a plugin reach further: out of the shadow to a share of the accounts, from there to
    /// all; or straight to a mode. Written into its sidecar, so that a restart changes nothing. A
    /// file that was rolled back is judged anew. Blocks for as long as admission takes.
    pub fn promote(&self, name: &str, to: Option<Mode>) -> Result<PluginView, ChangeError> {
        let now = self.mode(name)?;
        let to = match (to, now) {
            (Some(to), _) => to,
            (None, Mode::Shadow) => Mode::CANARY,
            (None, Mode::Canary(_)) => Mode::Live,
            (None, Mode::Live) => {
                return Err(ChangeError::Out(
                    "it is live, there is nothing further".into(),
                ));
            }
            (None, Mode::Off) => {
                return Err(ChangeError::Out(
                    "it is off: say to which mode, shadow, canary(10) or live".into(),
                ));
            }
        };
        self.set_mode(name, to, "promoted")
    }

    /// Takes a plugin out: its mode is off from now on. Blocks for as long as admission takes.
    pub fn abort(&self, name: &str) -> Result<PluginView, ChangeError> {
        self.mode(name)?;
        self.set_mode(name, Mode::Off, "aborted")
    }

    /// Takes back the generation that serves under a name. The one before it serves again; where
    /// there is none, the shipped or native policy does. The file stays and is not let in again
    /// until it changes or is promoted. Blocks for as long as admission takes.
    pub fn roll_back(&self, name: &str) -> Result<PluginView, ChangeError> {
        let done = self.change(|registry, ground, outcome| {
            registry.look(ground, outcome);
            registry.roll_back(ground, name, outcome)
        });
        if done {
            self.view(name)
        } else {
            self.view(name)?;
            Err(ChangeError::Out("nothing of it serves".into()))
        }
    }

    /// How a plugin in shadow or as a canary compares with what is in force. None when no plugin
    /// has this name.
    pub fn diff(&self, name: &str) -> Option<DiffView> {
        let table = self.table.load();
        let plugin = table.plugin(name)?;
        let counts = plugin.tally.counts();
        let mode = plugin.sidecar.mode;
        Some(DiffView {
            name: plugin.name.to_string(),
            kind: plugin.body.kind(),
            mode,
            canary_percent: mode.percent(),
            generation: plugin.generation,
            hash: plugin.hash.to_string(),
            since: plugin.loaded_at,
            calls: counts.calls,
            traps: counts.traps,
            deadlines: counts.deadlines,
            denials: counts.denials,
            clamps: counts.clamps,
            time: plugin.tally.times.view(),
            comparison: plugin.diff.view(),
            accounts: mode.percent().map(|_| CanaryView {
                canary: plugin.arms.canary.view(),
                rest: plugin.arms.rest.view(),
            }),
        })
    }

    /// The plugin of a name.
    fn view(&self, name: &str) -> Result<PluginView, ChangeError> {
        let mut views = self.plugins().into_iter();
        views
            .find(|view| view.name == name)
            .ok_or(ChangeError::Missing)
    }

    /// The mode that the files of a name ask for.
    fn mode(&self, name: &str) -> Result<Mode, ChangeError> {
        let view = self.view(name)?;
        if view.origin == Origin::Native {
            return Err(ChangeError::Out("it is part of the gateway".into()));
        }
        let text = self.sidecar_text(name)?;
        let sidecar = crate::sidecar::Sidecar::parse(&text);
        sidecar
            .map(|sidecar| sidecar.mode)
            .map_err(|why| ChangeError::Refused(format!("{name}.toml: {why}")))
    }

    fn sidecar_text(&self, name: &str) -> Result<String, ChangeError> {
        if !plain(name) {
            return Err(ChangeError::Missing);
        }
        let mut dirs = vec![self.settings.dir.as_path()];
        let origin = self.registry.lock().origin(name);
        if origin == Some(Origin::Bundled) {
            dirs.extend(self.settings.bundled.as_deref());
        }
        sidecar(&dirs, name).map_err(|why| ChangeError::Refused(format!("{name}.toml: {why}")))
    }

    fn set_mode(&self, name: &str, mode: Mode, action: &str) -> Result<PluginView, ChangeError> {
        let refused = |why| ChangeError::Refused(format!("{name}.toml: {why}"));
        let text = self.sidecar_text(name)?;
        let priority = self.priority(name, mode);
        let text = rewrite::with_mode(&text, mode, priority).map_err(refused)?;
        let path = self.settings.dir.join(format!("{name}.toml"));
        replace(&path, text.as_bytes()).map_err(|source| ChangeError::Unwritten {
            name: name.to_owned(),
            source,
        })?;
        self.change(|registry, ground, outcome| {
            if mode != Mode::Off {
                registry.pardon(ground.archive, name);
            }
            registry.look(ground, outcome);
        });
        let view = self.view(name)?;
        if view.mode != mode {
            let why = view.last_error;
            return Err(ChangeError::Refused(
                why.unwrap_or_else(|| "its files are changing".into()),
            ));
        }
        (self.on_event)(self.told(name, action));
        Ok(view)
    }

    fn told(&self, name: &str, action: &str) -> EventBody {
        let table = self.table.load();
        event(name, action, table.plugin(name).map(AsRef::as_ref), None)
    }

    /// The priority that a plugin needs to be asked before a live one that it was compared with;
    /// none when its own does. With equal priorities the name would decide.
    fn priority(&self, name: &str, mode: Mode) -> Option<i32> {
        let table = self.table.load();
        let plugin = table.plugin(name).filter(|_| mode == Mode::Live)?;
        let own = plugin.priority();
        let before = table.chain(plugin.body.kind()).iter().any(|other| {
            other.sidecar.mode.serves() && other.priority() == own && *other.name < *plugin.name
        });
        before.then_some(own.saturating_add(1))
    }
}
