//! A JSON reader that keeps places. serde_json does the strings; it has no positions for the rest.

use super::{DEPTH_MAX, Fault, Kind, Raw, map};

pub(super) fn parse(text: &str) -> Result<Raw, Fault> {
    let mut reader = Reader {
        text,
        at: 0,
        line: 1,
        counted: (0, 0),
    };
    let value = reader.value(0)?;
    reader.blank();
    if reader.at < text.len() {
        return Err(reader.fault("something comes after the end of the template: remove it"));
    }
    Ok(value)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    /// Up to where the current line's letters are counted, and how many these are. A template may be one long line.
    counted: (usize, usize),
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn place(&mut self) -> (usize, usize) {
        let (from, letters) = self.counted;
        let letters = letters + self.text[from..self.at].chars().count();
        self.counted = (self.at, letters);
        (self.line, letters + 1)
    }

    fn fault(&mut self, message: impl Into<String>) -> Fault {
        Fault::new(self.place(), message)
    }

    fn blank(&mut self) {
        while let Some(byte @ (b' ' | b'\t' | b'\r' | b'\n')) = self.peek() {
            self.at += 1;
            if byte == b'\n' {
                self.line += 1;
                self.counted = (self.at, 0);
            }
        }
    }

    fn expect(&mut self, byte: u8, what: &str) -> Result<(), Fault> {
        self.blank();
        if self.peek() != Some(byte) {
            return Err(self.fault(format!("expected {what} here")));
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<Raw, Fault> {
        self.blank();
        let start = self.place();
        if depth > DEPTH_MAX {
            return Err(self.fault("the template is nested too deeply"));
        }
        match self.peek() {
            Some(b'{') => self.map(start, depth),
            Some(b'[') => self.list(start, depth),
            Some(b'"') => Ok(Raw::new(start, Kind::Scalar(self.string()?))),
            _ => self.word(start),
        }
    }

    fn map(&mut self, start: (usize, usize), depth: usize) -> Result<Raw, Fault> {
        self.at += 1;
        let mut entries = Vec::new();
        self.blank();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return map(start, entries);
        }
        loop {
            self.blank();
            let at = self.place();
            if self.peek() != Some(b'"') {
                return Err(self.fault("expected a key in double quotes here"));
            }
            let key = self.string()?;
            self.expect(b':', "`:`")?;
            entries.push((key, at, self.value(depth + 1)?));
            self.blank();
            if self.peek() == Some(b',') {
                self.at += 1;
            } else {
                self.expect(b'}', "`,` or `}`")?;
                return map(start, entries);
            }
        }
    }

    fn list(&mut self, start: (usize, usize), depth: usize) -> Result<Raw, Fault> {
        self.at += 1;
        let mut items = Vec::new();
        self.blank();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Raw::new(start, Kind::List(items)));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.blank();
            if self.peek() == Some(b',') {
                self.at += 1;
            } else {
                self.expect(b']', "`,` or `]`")?;
                return Ok(Raw::new(start, Kind::List(items)));
            }
        }
    }

    fn string(&mut self) -> Result<String, Fault> {
        let bytes = self.text.as_bytes();
        let mut end = self.at + 1;
        let mut plain = true;
        loop {
            match bytes.get(end) {
                None | Some(b'\n') => return Err(self.fault("this text is not closed: add `\"`")),
                Some(b'"') => break,
                Some(b'\\') => {
                    plain = false;
                    end += 2;
                }
                Some(byte) => {
                    plain &= *byte >= b' ';
                    end += 1;
                }
            }
        }
        if plain {
            let text = self.text[self.at + 1..end].to_owned();
            self.at = end + 1;
            return Ok(text);
        }
        let text = serde_json::from_str(&self.text[self.at..=end])
            .map_err(|error| self.fault(format!("this text cannot be read: {error}")))?;
        self.at = end + 1;
        Ok(text)
    }

    /// A number, a truth value, or null.
    fn word(&mut self, start: (usize, usize)) -> Result<Raw, Fault> {
        let rest = &self.text[self.at..];
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'))
            .unwrap_or(rest.len());
        let word = &rest[..end];
        let kind = match word {
            "null" => Kind::Null,
            "true" | "false" => Kind::Scalar(word.to_owned()),
            number if serde_json::from_str::<serde_json::Number>(number).is_ok() => Kind::Scalar(number.to_owned()),
            _ => return Err(self.fault("expected a value here")),
        };
        self.at += end;
        Ok(Raw::new(start, kind))
    }
}
