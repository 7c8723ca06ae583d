//! Turns `plugins/data/errors.tsv` into a static table, so that nothing is parsed at run time: a
//! component may be instantiated for every single question.
#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::expect_used,
    reason = "a build script reads its directories from the environment and fails the build by a panic"
)]

use std::fmt::Write as _;
use std::path::PathBuf;

fn main() {
    let data = PathBuf::from(env("CARGO_MANIFEST_DIR")).join("../../data/errors.tsv");
    println!("cargo::rerun-if-changed={}", data.display());
    let text = std::fs::read_to_string(&data).expect("plugins/data/errors.tsv can be read");
    let mut table = String::from("static ROWS: &[Row] = &[\n");
    let mut last = String::new();
    for (index, line) in text.lines().enumerate().skip(1) {
        let at = index + 1;
        let columns: Vec<&str> = line.split('\t').collect();
        let [
            name,
            codes,
            category,
            status,
            retryable,
            number,
            scope,
            severity,
            advice,
        ] = columns[..]
        else {
            panic!("errors.tsv:{at}: {} columns, expected 9", columns.len());
        };
        assert!(
            last.as_str() < name,
            "errors.tsv:{at}: {name} is not in order"
        );
        name.clone_into(&mut last);
        let retryable = match retryable {
            "yes" => true,
            "no" => false,
            other => panic!("errors.tsv:{at}: retryable is {other}"),
        };
        assert!(
            (15..=200).contains(&advice.len()) && advice.ends_with('.'),
            "errors.tsv:{at}: advice is a sentence of 15 to 200 letters"
        );
        writeln!(
            table,
            "Row {{ name: {name:?}, codes: &[{codes}], category: Category::{}, status: {status}, \
             retryable: {retryable}, number: Number::{}, scope: WaitScope::{}, \
             severity: Severity::{}, advice: {advice:?} }},",
            variant(category),
            variant(number),
            variant(scope),
            variant(severity),
        )
        .expect("a String takes all text");
    }
    table.push_str("];\n");
    std::fs::write(PathBuf::from(env("OUT_DIR")).join("rows.rs"), table)
        .expect("the table can be written");
}

fn env(name: &str) -> String {
    std::env::var(name).expect("cargo sets it")
}

/// `not_found` to `NotFound`. A word that is no variant fails the compilation of the table.
fn variant(snake: &str) -> String {
    snake
        .split('_')
        .map(|word| {
            let (head, tail) = word.split_at(word.len().min(1));
            head.to_ascii_uppercase() + tail
        })
        .collect()
}
