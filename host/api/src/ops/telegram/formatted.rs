//! Marked-up text as Telegram wants it: plain text and entities whose offsets count UTF-16 units.

use std::panic::{AssertUnwindSafe, catch_unwind};

use grammers_client::parsers::{parse_html_message, parse_markdown_message};
use grammers_client::tl::{Serializable as _, enums::MessageEntity};
use serde_json::{Value, json};
use sluice_tl::Schema;

/// Plain text and its entities, as in TL.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Formatted {
    pub text: String,
    pub entities: Vec<Value>,
}

/// Not text of this mark-up.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// Reads HTML.
pub(super) fn html(text: &str) -> Result<Formatted, Unreadable> {
    let mut formatted = Formatted::default();
    formatted.push(text, parse_html_message)?;
    Ok(formatted)
}

/// Reads Markdown, a line at a time: in a message line breaks and the marks of lists are meant as
/// they stand, while CommonMark would join the lines. A fenced block of code is read as a whole.
pub(super) fn markdown(text: &str) -> Result<Formatted, Unreadable> {
    let mut formatted = Formatted::default();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.trim_start().starts_with("```") {
            let mut block = line.to_owned();
            for inner in lines.by_ref() {
                block.push('\n');
                block.push_str(inner);
                if inner.trim_end() == "```" {
                    break;
                }
            }
            formatted.push(&block, parse_markdown_message)?;
        } else {
            let rest = line.get(lead(line)..).unwrap_or_default();
            let lead = line.strip_suffix(rest).unwrap_or_default();
            formatted.text.push_str(lead);
            formatted.push(rest, parse_markdown_message)?;
        }
        if lines.peek().is_some() {
            formatted.text.push('\n');
        }
    }
    Ok(formatted)
}

/// How much of a line's beginning CommonMark would take as indentation or the mark of a list.
fn lead(line: &str) -> usize {
    let indent = line.len() - line.trim_start().len();
    let rest = line.trim_start();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let after = rest.get(digits..).unwrap_or_default();
    let mark = if digits == 0 && (rest.starts_with(['-', '*', '+'])) && after.get(1..2) == Some(" ")
    {
        2
    } else if digits > 0 && (after.starts_with(". ") || after.starts_with(") ")) {
        digits + 2
    } else {
        0
    };
    indent + mark
}

impl Formatted {
    /// Appends what a parser makes of `text`.
    fn push(
        &mut self,
        text: &str,
        parse: fn(&str) -> (String, Vec<MessageEntity>),
    ) -> Result<(), Unreadable> {
        // The parsers panic on some text (a mention whose id is no number).
        let (plain, entities) =
            catch_unwind(AssertUnwindSafe(|| parse(text))).map_err(|_| Unreadable)?;
        let shift = units(&self.text);
        let length = units(&plain);
        self.text.push_str(&plain);
        for entity in entities {
            let mut entity = Schema::newest()
                .decode_boxed("MessageEntity", &entity.to_bytes())
                .map_err(|_| Unreadable)?;
            let number = |entity: &Value, field| entity.get(field).and_then(Value::as_u64);
            let offset = number(&entity, "offset").unwrap_or(0);
            // The line break at the end of a block is not part of the text any more.
            let fits = length.saturating_sub(offset);
            let wanted = number(&entity, "length").unwrap_or(0).min(fits);
            if wanted == 0 {
                continue;
            }
            if let Some(fields) = entity.as_object_mut() {
                fields.insert("offset".into(), json!(offset + shift));
                fields.insert("length".into(), json!(wanted));
                // What is sent names the user as an InputUser; the id stands for one.
                if fields.get("_") == Some(&json!("messageEntityMentionName")) {
                    fields.insert("_".into(), json!("inputMessageEntityMentionName"));
                }
            }
            self.entities.push(entity);
        }
        Ok(())
    }
}

fn units(text: &str) -> u64 {
    text.chars().map(|c| c.len_utf16() as u64).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Unreadable, html, markdown};

    #[test]
    fn lines_lists_and_offsets_survive_markdown() {
        let read = markdown("😀 **bold**\n- one `x`\n\n2. two\nlast").unwrap();
        assert_eq!(read.text, "😀 bold\n- one x\n\n2. two\nlast");
        assert_eq!(
            read.entities,
            [
                json!({"_": "messageEntityBold", "offset": 3, "length": 4}),
                json!({"_": "messageEntityCode", "offset": 14, "length": 1}),
            ]
        );
    }

    #[test]
    fn a_fenced_block_is_one_entity() {
        let read = markdown("see\n```rust\nlet a = 1;\nlet b = 2;\n```").unwrap();
        assert_eq!(read.text, "see\nlet a = 1;\nlet b = 2;");
        assert_eq!(
            read.entities,
            [json!({"_": "messageEntityPre", "offset": 4, "length": 21, "language": "rust"})]
        );
    }

    #[test]
    fn html_is_read_and_nonsense_is_refused() {
        let read = html("a <b>c</b> <a href=\"tg://user?id=5\">d</a>").unwrap();
        assert_eq!(read.text, "a c d");
        assert_eq!(read.entities[1]["_"], "inputMessageEntityMentionName");
        assert_eq!(markdown("[x](tg://user?id=abc)"), Err(Unreadable));
    }
}
