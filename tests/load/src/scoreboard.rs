//! The kept rows of the scoreboard, and the document made of them.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::proc::{machine, said};

/// Between these two lines of the document stand the tables.
const BEGIN: &str = "<!-- rows: written by `make scoreboard` -->";
const END: &str = "<!-- end of rows -->";

/// The parts, and within them the rows, in the order in which they are shown. A row is found by the
/// beginning of its words; others follow by name.
const ORDER: &[(&str, &[&str])] = &[
    (
        "Telegram side",
        &[
            "TCP cut",
            "a data center that accepts and is silent",
            "data center down",
            "bad_server_salt",
            "foreign session id",
            "gzip bomb",
            "key exchange",
            "AUTH_KEY_UNREGISTERED",
            "FLOOD_WAIT",
            "PHONE/USER/NETWORK",
            "updates:",
            "burst",
            "1,000 idle accounts",
            "calls on one main link",
            "the same on one link",
            "the same spread",
            "bytes on",
        ],
    ),
    ("State", &[]),
    ("Plugins", &[]),
    ("HTTP side", &[]),
];

/// A row as tests write it, and as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    part: String,
    fault: String,
    goal: String,
    figure: String,
    n: u64,
    met: bool,
    /// Where and when it was measured; filled in when the row is taken in.
    #[serde(default)]
    commit: String,
    #[serde(default)]
    date: String,
    #[serde(default)]
    machine: String,
}

/// Takes the new rows in and writes the tables.
pub fn write(rows: &Path, kept: &Path, document: &Path) -> Result<()> {
    let mut all = read(kept)?;
    let new = read(rows)?;
    let (commit, date) = (
        said("git", &["rev-parse", "--short", "HEAD"]),
        said("date", &["-u", "+%F"]),
    );
    let machine = machine();
    let count = new.len();
    for row in new {
        let row = Kept {
            commit: commit.clone(),
            date: date.clone(),
            machine: machine.clone(),
            ..row
        };
        take(&mut all, row);
    }
    sort(&mut all);
    let lines: Result<Vec<String>, _> = all.iter().map(serde_json::to_string).collect();
    std::fs::write(kept, lines?.join("\n") + "\n")?;
    let text = std::fs::read_to_string(document)?;
    std::fs::write(document, replaced(&text, &tables(&all))?)?;
    eprintln!("{count} rows taken in, {} in all", all.len());
    let missed = all.iter().filter(|row| !row.met);
    for row in missed {
        eprintln!("not met: {}: {}", row.fault, row.figure);
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<Kept>> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text?,
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
        .collect()
}

/// The newest measurement of a row is the one that counts.
fn take(all: &mut Vec<Kept>, row: Kept) {
    let same = |old: &&mut Kept| (&old.part, &old.fault) == (&row.part, &row.fault);
    match all.iter_mut().find(same) {
        Some(old) => *old = row,
        None => all.push(row),
    }
}

fn sort(all: &mut [Kept]) {
    all.sort_by_cached_key(|row| {
        let part = ORDER.iter().position(|(part, _)| *part == row.part);
        let rows = part.and_then(|at| ORDER.get(at)).map_or(&[][..], |p| p.1);
        let place = rows.iter().position(|words| row.fault.starts_with(words));
        let last = usize::MAX;
        (
            part.unwrap_or(last),
            row.part.clone(),
            place.unwrap_or(last),
            row.fault.clone(),
        )
    });
}

fn tables(all: &[Kept]) -> String {
    let mut text = String::new();
    let mut part = None;
    for row in all {
        if part != Some(&row.part) {
            part = Some(&row.part);
            let _ = write!(
                text,
                "\n## {}\n\n| Fault | Goal | Figure | n | Met | Commit, date |\n|---|---|---|---|---|---|\n",
                row.part
            );
        }
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {}, {} |",
            cell(&row.fault),
            cell(&row.goal),
            cell(&row.figure),
            row.n,
            if row.met { "yes" } else { "**no**" },
            row.commit,
            row.date
        );
    }
    let mut machines: Vec<&str> = Vec::new();
    for row in all {
        if !machines.contains(&row.machine.as_str()) {
            machines.push(&row.machine);
        }
    }
    let _ = writeln!(text, "\nMeasured on: {}.", machines.join("; "));
    text
}

/// What a table's cell may hold.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn replaced(document: &str, tables: &str) -> Result<String> {
    let (before, rest) = document
        .split_once(BEGIN)
        .with_context(|| format!("the document has no line {BEGIN}"))?;
    let (_, after) = rest
        .split_once(END)
        .with_context(|| format!("the document has no line {END}"))?;
    ensure!(!after.contains(BEGIN), "the document has two tables");
    Ok(format!("{before}{BEGIN}\n{tables}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::{BEGIN, END, Kept, replaced, sort, tables, take};

    fn row(part: &str, fault: &str, figure: &str) -> Kept {
        Kept {
            part: part.into(),
            fault: fault.into(),
            goal: "0 | 1".into(),
            figure: figure.into(),
            n: 5,
            met: figure != "bad",
            commit: "abc".into(),
            date: "2026-01-01".into(),
            machine: "here".into(),
        }
    }

    /// Fails if a row is shown twice, in another order, or breaks the table.
    #[test]
    fn the_newest_of_each_row_in_order() {
        let mut all = Vec::new();
        for (part, fault, figure) in [
            ("HTTP side", "x", "1"),
            ("Telegram side", "unheard of", "bad"),
            ("Telegram side", "gzip bomb 1 MB -> 1 GB", "old"),
            ("Telegram side", "TCP cut at a random byte", "2"),
            ("Telegram side", "gzip bomb 1 MB -> 1 GB", "new"),
        ] {
            take(&mut all, row(part, fault, figure));
        }
        sort(&mut all);
        let text = tables(&all);
        let faults: Vec<&str> = all.iter().map(|row| row.fault.as_str()).collect();
        assert_eq!(
            faults,
            [
                "TCP cut at a random byte",
                "gzip bomb 1 MB -> 1 GB",
                "unheard of",
                "x"
            ]
        );
        assert!(
            text.contains("| gzip bomb 1 MB -> 1 GB | 0 \\| 1 | new | 5 | yes | abc, 2026-01-01 |")
        );
        assert!(text.contains("| bad | 5 | **no** |"));
        assert_eq!(text.matches("## Telegram side").count(), 1);
    }

    /// Fails if anything outside of the markers is touched, or a document without them is written.
    #[test]
    fn only_what_is_between_the_markers() {
        let document = format!("# Figures\n{BEGIN}\nold\n{END}\n\n## By hand\n");
        let new = replaced(&document, "new").unwrap();
        assert_eq!(
            new,
            format!("# Figures\n{BEGIN}\nnew\n{END}\n\n## By hand\n")
        );
        assert!(replaced("# Figures\n", "new").is_err());
    }
}
