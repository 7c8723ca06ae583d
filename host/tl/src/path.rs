use std::fmt::Write as _;

/// Where in a body a walk is; written out as a JSON pointer (RFC 6901) only when needed.
#[derive(Debug, Default)]
pub(crate) struct Path<'a>(Vec<Segment<'a>>);

#[derive(Debug)]
enum Segment<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    pub fn key(&mut self, key: &'a str) {
        self.0.push(Segment::Key(key));
    }

    pub fn index(&mut self, index: usize) {
        self.0.push(Segment::Index(index));
    }

    pub fn up(&mut self) {
        self.0.pop();
    }

    pub fn pointer(&self) -> String {
        let mut pointer = String::new();
        for segment in &self.0 {
            pointer.push('/');
            match segment {
                Segment::Key(key) => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
                Segment::Index(index) => {
                    let _ = write!(pointer, "{index}");
                }
            }
        }
        pointer
    }
}
