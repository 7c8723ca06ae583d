//! "Did you mean": the nearest of some names.

/// Names longer than this are not compared: the schema has none, and the work is bounded.
const MAX_LENGTH: usize = 64;

/// The candidate nearest to `name`: the same but for case, underscores or a missing namespace, or
/// within an edit for every three letters, three at most.
pub(crate) fn nearest<'c>(
    name: &str,
    candidates: impl Iterator<Item = &'c str>,
) -> Option<&'c str> {
    if name.len() > MAX_LENGTH {
        return None;
    }
    let wanted = plain(name);
    let allowed = (wanted.len() / 3).min(3);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let have = plain(candidate);
        let distance = if have == wanted || without_namespace(&have) == wanted {
            0
        } else if have.len().abs_diff(wanted.len()) > allowed {
            continue;
        } else {
            edits(&wanted, &have)
        };
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// A name from outside, cut to a length that may be echoed.
pub(crate) fn shown(name: &str) -> String {
    name.chars().take(MAX_LENGTH).collect()
}

fn plain(name: &str) -> Vec<char> {
    name.chars()
        .filter(|c| *c != '_')
        .flat_map(char::to_lowercase)
        .collect()
}

fn without_namespace(name: &[char]) -> &[char] {
    name.rsplit(|c| *c == '.').next().unwrap_or(name)
}

/// Levenshtein's distance, one row at a time.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b) {
            let up = *cell;
            left = (diagonal + usize::from(x != y)).min(up + 1).min(left + 1);
            diagonal = up;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant_and_nothing_else() {
        let names = [
            "peer",
            "access_hash",
            "messages.sendMessage",
            "messages.sendMedia",
        ];
        for (name, meant) in [
            ("accessHash", Some("access_hash")),
            ("Peer", Some("peer")),
            ("sendMessage", Some("messages.sendMessage")),
            ("messages.sendMesage", Some("messages.sendMessage")),
            ("messages.sendMedai", Some("messages.sendMedia")),
            ("per", Some("peer")),
            ("xyz", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, names.into_iter()), meant, "{name}");
        }
    }

    #[test]
    fn distance_is_levenshteins() {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        assert_eq!(edits(&chars("kitten"), &chars("sitting")), 3);
        assert_eq!(edits(&chars(""), &chars("abc")), 3);
        assert_eq!(edits(&chars("abc"), &chars("")), 3);
    }
}
