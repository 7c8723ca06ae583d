//! The files of a new plugin's folder.

use crate::cli::plugin::folder::{Kind, Language};

/// A file of the repository.
macro_rules! embed {
    ($($part:literal),+) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../", $($part),+))
    };
}

/// The same files of each language or kind, as pairs of their path in the new folder and their text.
macro_rules! embed_all {
    ($from:literal, $to:literal, [$($file:literal),* $(,)?]) => {
        &[$((concat!($to, $file), embed!($from, $file))),*]
    };
}

const SDK: &[(&str, &str)] = embed_all!(
    "plugins/sdk/",
    "sdk/",
    [
        "Cargo.toml",
        "src/lib.rs",
        "src/categorize.rs",
        "src/codes.rs",
        "src/export.rs",
        "src/failure.rs",
        "src/guest/mod.rs",
        "src/guest/categorize.rs",
        "src/guest/export.rs",
        "src/guest/retry.rs",
        "src/log.rs",
        "src/retry.rs",
        "src/settings.rs",
        "src/testing/mod.rs",
        "src/testing/attempt.rs",
        "src/testing/batch.rs",
        "src/testing/failure.rs",
    ]
);

/// The contracts as the SDK reads them: a folder for each package.
const WIT: &[(&str, &str)] = embed_all!(
    "wit/",
    "wit/",
    [
        "categorize/categorize.wit",
        "core/core.wit",
        "export/export.wit",
        "host/host.wit",
        "retry/retry.wit",
    ]
);

/// The packages that every contract stands on, as tools read them that take one folder for a
/// package and find the others in `deps`.
const DEPS: &[(&str, &str)] = embed_all!("wit/", "wit/deps/", ["core/core.wit", "host/host.wit"]);

const RUST: &[(&str, &str)] = &[
    ("Cargo.toml", embed!("plugins/templates/rust/Cargo.toml")),
    ("Cargo.lock", embed!("plugins/templates/rust/Cargo.lock")),
    (".gitignore", embed!("plugins/templates/rust/gitignore")),
    ("README.md", embed!("plugins/templates/rust/README.md")),
];
const JS: &[(&str, &str)] = &[
    ("package.json", embed!("plugins/templates/js/package.json")),
    ("build.mjs", embed!("plugins/templates/js/build.mjs")),
    ("sluice.js", embed!("plugins/templates/js/sluice.js")),
    (".gitignore", embed!("plugins/templates/js/gitignore")),
    ("README.md", embed!("plugins/templates/js/README.md")),
];
const PYTHON: &[(&str, &str)] = &[
    (
        "requirements.txt",
        embed!("plugins/templates/python/requirements.txt"),
    ),
    ("sluice.py", embed!("plugins/templates/python/sluice.py")),
    (".gitignore", embed!("plugins/templates/python/gitignore")),
    ("README.md", embed!("plugins/templates/python/README.md")),
];

/// The files of one kind.
macro_rules! of_kind {
    ($kind:literal) => {
        Files {
            rust: embed!("plugins/templates/rust/", $kind, ".rs"),
            js: embed!("plugins/templates/js/", $kind, ".js"),
            python: embed!("plugins/templates/python/", $kind, ".py"),
            sidecar: embed!("plugins/templates/common/", $kind, ".toml"),
            cases: embed!("plugins/templates/common/", $kind, ".cases.toml"),
            wit: embed!("wit/", $kind, "/", $kind, ".wit"),
        }
    };
}

struct Files {
    rust: &'static str,
    js: &'static str,
    python: &'static str,
    sidecar: &'static str,
    cases: &'static str,
    wit: &'static str,
}

impl Kind {
    const fn files(self) -> Files {
        match self {
            Self::Retry => of_kind!("retry"),
            Self::Categorize => of_kind!("categorize"),
            Self::Export => of_kind!("export"),
        }
    }

    /// The world that a component of this kind has.
    pub(in crate::cli::plugin) const fn world(self) -> &'static str {
        match self {
            Self::Retry => "retry-policy",
            Self::Categorize => "categorize-policy",
            Self::Export => "export-policy",
        }
    }
}

/// Every file of a new folder, by its path in it.
pub(super) fn of(name: &str, kind: Kind, language: Language) -> Vec<(String, String)> {
    let fill = |text: &str| {
        text.replace("{{name}}", name)
            .replace("{{crate}}", &name.replace('-', "_"))
            .replace("{{kind}}", &kind.to_string())
            .replace("{{language}}", &language.to_string())
            .replace("{{world}}", kind.world())
    };
    let own = kind.files();
    let manifest = embed!("plugins/templates/common/plugin.toml");
    let mut sidecar = fill(own.sidecar);
    if language != Language::Rust {
        sidecar.push_str(embed!("plugins/templates/common/reuse.toml"));
    }
    let mut files = vec![
        ("plugin.toml".to_owned(), fill(manifest)),
        (format!("{name}.toml"), sidecar),
        ("cases.toml".to_owned(), fill(own.cases)),
    ];
    let mut add = |all: &[(&str, &str)], change: &dyn Fn(&str) -> String| {
        files.extend(all.iter().map(|&(path, text)| (path.into(), change(text))));
    };
    let as_it_is = |text: &str| text.to_owned();
    match language {
        Language::Rust => {
            add(RUST, &fill);
            add(&[("src/lib.rs", own.rust)], &fill);
            // In the repository the contracts lie two folders above the SDK, here beside it.
            add(SDK, &|text| text.replace("../../wit/", "../wit/"));
            add(WIT, &as_it_is);
        }
        Language::Js => {
            add(JS, &fill);
            add(&[("policy.js", own.js)], &fill);
            add(&[("wit/policy.wit", own.wit)], &as_it_is);
            add(DEPS, &as_it_is);
        }
        Language::Python => {
            add(PYTHON, &fill);
            add(&[("policy.py", own.python)], &fill);
            add(&[("wit/policy.wit", own.wit)], &as_it_is);
            add(DEPS, &as_it_is);
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use clap::ValueEnum as _;

    use super::*;

    fn walk(dir: &Path, files: &mut BTreeSet<String>, prefix: &str) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{prefix}{}", path.file_name().unwrap().to_string_lossy());
            if path.is_dir() {
                walk(&path, files, &format!("{name}/"));
            } else {
                files.insert(name);
            }
        }
    }

    /// Breaks when a file is added to the SDK and forgotten here: new plugins would not build.
    #[test]
    fn the_whole_sdk_is_embedded() {
        let mut there = BTreeSet::new();
        let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/sdk");
        walk(&sdk, &mut there, "sdk/");
        let embedded = SDK.iter().map(|(path, _)| (*path).to_owned());
        assert_eq!(there, embedded.collect());
    }

    /// Breaks when a template has a placeholder that nothing fills, or a path leads out.
    #[test]
    fn nothing_is_left_open() {
        for kind in Kind::value_variants() {
            for language in Language::value_variants() {
                let files = of("my-policy", *kind, *language);
                let paths: BTreeSet<_> = files.iter().map(|(path, _)| path).collect();
                assert_eq!(paths.len(), files.len(), "a file twice");
                for (path, text) in &files {
                    assert!(!path.contains("..") && !path.starts_with('/'), "{path}");
                    for open in ["{{name", "{{kind", "{{language", "{{world", "{{crate"] {
                        assert!(!text.contains(open), "{path} has {open}");
                    }
                    assert!(!text.contains("../../wit"), "{path}");
                }
            }
        }
    }
}
