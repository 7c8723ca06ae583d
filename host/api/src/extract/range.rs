use core::ops::Range;

use http::{HeaderMap, header};

/// What of a resource is asked for (RFC 9110, section 14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Nothing that there is.
    Nothing,
    /// What the caller has is current.
    Unchanged,
}

/// Reads `Range`, `If-Range` and `If-None-Match`. Several ranges at once, other units and what cannot
/// be read are ignored, as the RFC allows: then all of it is sent.
pub fn wanted(headers: &HeaderMap, etag: &str, size: u64) -> Wanted {
    let value = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(known) = value(header::IF_NONE_MATCH)
        && known.split(',').any(|known| {
            let known = known.trim();
            known == "*" || known.trim_start_matches("W/") == etag
        })
    {
        return Wanted::Unchanged;
    }
    if value(header::IF_RANGE).is_some_and(|known| known != etag) {
        return Wanted::Whole;
    }
    let asked = value(header::RANGE).and_then(|range| range.trim().strip_prefix("bytes="));
    match asked.and_then(|asked| one(asked.trim(), size)) {
        None => Wanted::Whole,
        Some(range) if range.is_empty() => Wanted::Nothing,
        Some(range) => Wanted::Part(range),
    }
}

/// `first-last`, `first-` or `-count`. None if it is none of these.
fn one(asked: &str, size: u64) -> Option<Range<u64>> {
    let (first, last) = asked.split_once('-')?;
    let number = |text: &str| -> Option<u64> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        // A number beyond 64 bits is beyond every end too.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    if first.is_empty() {
        let count = number(last)?;
        return Some(size.saturating_sub(count)..size);
    }
    let first = number(first)?;
    let end = if last.is_empty() {
        size
    } else {
        let last = number(last)?;
        if last < first {
            return None;
        }
        last.saturating_add(1).min(size)
    };
    Some(first.min(end)..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&'static str, &str)]) -> Wanted {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        wanted(&headers, "\"7-100\"", 100)
    }

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        let range = |text| asked(&[("range", text)]);
        assert_eq!(range("bytes=0-0"), Wanted::Part(0..1));
        assert_eq!(range("bytes=10-19"), Wanted::Part(10..20));
        assert_eq!(range("bytes=90-"), Wanted::Part(90..100));
        assert_eq!(range("bytes=90-1000"), Wanted::Part(90..100));
        assert_eq!(range("bytes=-10"), Wanted::Part(90..100));
        assert_eq!(range("bytes=-1000"), Wanted::Part(0..100));
        assert_eq!(range("bytes=100-"), Wanted::Nothing);
        assert_eq!(range("bytes=-0"), Wanted::Nothing);
        assert_eq!(range("bytes=99999999999999999999999-"), Wanted::Nothing);
        for ignored in [
            "bytes=5-4",
            "bytes=a-b",
            "lines=1-2",
            "bytes=0-1,5-6",
            "bytes=",
            "5",
        ] {
            assert_eq!(range(ignored), Wanted::Whole, "{ignored}");
        }
    }

    #[test]
    fn conditions_come_before_ranges() {
        let with = |name, value| asked(&[("range", "bytes=0-9"), (name, value)]);
        assert_eq!(with("if-none-match", "\"7-100\""), Wanted::Unchanged);
        assert_eq!(
            with("if-none-match", "\"1\", W/\"7-100\""),
            Wanted::Unchanged
        );
        assert_eq!(with("if-none-match", "*"), Wanted::Unchanged);
        assert_eq!(with("if-none-match", "\"8-100\""), Wanted::Part(0..10));
        assert_eq!(with("if-range", "\"7-100\""), Wanted::Part(0..10));
        assert_eq!(with("if-range", "\"8-100\""), Wanted::Whole);
    }
}
