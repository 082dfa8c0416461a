//! As much of HTTP/1.1 as the Runtime API needs: one request per connection, and its response.

use std::io::{self, BufRead, ErrorKind, Read as _};

/// The status line and the headers together, in bytes. Lambda's own take a few hundred, and at most 3,583 more with a
/// client's context.
const HEAD_BYTES_MAX: u64 = 64 * 1024;
/// A line between chunks, in bytes.
const LINE_BYTES_MAX: u64 = 1024;
/// The body, in bytes. An event has at most 6 MB.
const BODY_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    /// Its status.
    pub(crate) status: u16,
    /// Its body.
    body: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl Response {
    /// A header's value. Upper and lower case of names are the same.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        let found = all.find(|(is, _)| is.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The first characters of its body, for a message.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(200).collect()
    }

    /// Whether a header's last word is this one.
    fn ends_with(&self, name: &str, word: &str) -> bool {
        let last = self.header(name).and_then(|value| value.rsplit(',').next());
        last.is_some_and(|last| last.trim().eq_ignore_ascii_case(word))
    }
}

/// The text of a request. The connection ends with its response.
pub(crate) fn request(method: &str, path: &str, host: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        text.push_str("Content-Type: application/json\r\n");
    }
    // A GET has no body, and need not say so.
    if method != "GET" {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text + "\r\n" + body
}

/// Reads a response whole.
///
/// # Errors
/// What reading says; `InvalidData` for what is no response, `UnexpectedEof` for one that breaks off.
pub(crate) fn read(from: &mut impl BufRead) -> io::Result<Response> {
    let mut response = read_head(from)?;
    let length = response.header("Content-Length").map(str::parse::<u64>);
    // Chunks count, whatever the length says.
    if response.ends_with("Transfer-Encoding", "chunked") {
        read_chunks(from, &mut response.body)?;
    } else if let Some(length) = length {
        let length = length.map_err(|_| malformed("a length that is no number"))?;
        read_exactly(from, length, &mut response.body)?;
    } else {
        // It ends with its connection.
        from.take(BODY_BYTES_MAX + 1).read_to_end(&mut response.body)?;
        if response.body.len() as u64 > BODY_BYTES_MAX {
            return Err(malformed("a body that is too long"));
        }
    }
    Ok(response)
}

fn read_head(from: &mut impl BufRead) -> io::Result<Response> {
    let mut left = HEAD_BYTES_MAX;
    let first = read_line(from, &mut left)?;
    let mut words = first.split(' ');
    let version = words.next().unwrap_or_default();
    let status = words.next().and_then(|status| status.parse().ok());
    let status = status.filter(|_| version.starts_with("HTTP/1."));
    let status = status.ok_or_else(|| malformed("no status of HTTP/1"))?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(from, &mut left)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| malformed("a header without a colon"))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    Ok(Response {
        status,
        body: Vec::new(),
        headers,
    })
}

fn read_chunks(from: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let line = read_line(from, &mut { LINE_BYTES_MAX })?;
        // Behind a semicolon there may be more, which nobody has ever used.
        let digits = line.split(';').next().unwrap_or_default().trim();
        let length = u64::from_str_radix(digits, 16).map_err(|_| malformed("a chunk without a length"))?;
        if length == 0 {
            break;
        }
        read_exactly(from, length, body)?;
        if !read_line(from, &mut { LINE_BYTES_MAX })?.is_empty() {
            return Err(malformed("a chunk that is longer than it says"));
        }
    }
    // What may follow the last chunk: more headers.
    let mut left = HEAD_BYTES_MAX;
    while !read_line(from, &mut left)?.is_empty() {}
    Ok(())
}

/// Reads so many more bytes into a body.
fn read_exactly(from: &mut impl BufRead, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
    if length > BODY_BYTES_MAX - body.len() as u64 {
        return Err(malformed("a body that is too long"));
    }
    let found = from.take(length).read_to_end(body)?;
    if (found as u64) < length {
        return Err(broken_off());
    }
    Ok(())
}

/// Reads a line, without its end, and counts it. Only so many bytes are left.
fn read_line(from: &mut impl BufRead, left: &mut u64) -> io::Result<String> {
    let mut line = Vec::new();
    let found = from.take(*left).read_until(b'\n', &mut line)?;
    *left -= found as u64;
    if line.pop() != Some(b'\n') {
        return Err(if *left == 0 {
            malformed("a line that is too long")
        } else {
            broken_off()
        });
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map_err(|_| malformed("a line that is no text"))
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("the response has {what}"))
}

fn broken_off() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "the response breaks off")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of a response, and how much of the text is left unread.
    fn read_all(text: &str) -> io::Result<(Response, usize)> {
        let mut from = text.as_bytes();
        let response = read(&mut from)?;
        Ok((response, from.len()))
    }

    fn refusal(text: &str) -> (ErrorKind, String) {
        let why = read_all(text).expect_err(text);
        (why.kind(), why.to_string())
    }

    #[test]
    fn a_request_says_how_long_it_is_and_that_it_is_the_only_one() {
        assert_eq!(
            request("GET", "/next", "127.0.0.1:9001", &[], ""),
            "GET /next HTTP/1.1\r\nHost: 127.0.0.1:9001\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(
            request("POST", "/a/error", "h:1", &[("X-Kind", "Late")], "{\"ä\":1}"),
            "POST /a/error HTTP/1.1\r\nHost: h:1\r\nConnection: close\r\nX-Kind: Late\r\n\
             Content-Type: application/json\r\nContent-Length: 8\r\n\r\n{\"ä\":1}"
        );
        assert!(request("POST", "/a", "h:1", &[], "").ends_with("\r\nContent-Length: 0\r\n\r\n"));
    }

    #[test]
    fn a_body_ends_where_its_length_says() {
        let (response, left) = read_all("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbodyMORE").unwrap();
        assert_eq!((response.status, response.text().as_str(), left), (200, "body", 4));
        let (response, left) = read_all("HTTP/1.1 202 Accepted\r\ncontent-length:0\r\n\r\n").unwrap();
        assert_eq!((response.status, response.text().as_str(), left), (202, "", 0));
    }

    #[test]
    fn a_body_in_chunks_ends_with_the_empty_one() {
        let chunks = "HTTP/1.1 200 OK\r\nTRANSFER-ENCODING: gzip, Chunked\r\nContent-Length: 1\r\n\r\n\
                      4\r\nbody\r\nA;name=value\r\n, in parts\r\n0\r\nTrailer: 1\r\n\r\nMORE";
        let (response, left) = read_all(chunks).unwrap();
        assert_eq!((response.text().as_str(), left), ("body, in parts", 4));
    }

    #[test]
    fn a_body_without_a_length_ends_with_its_connection() {
        let (response, _) = read_all("HTTP/1.0 200 OK\nContent-Type: text/plain\n\nall of it\n").unwrap();
        assert_eq!(response.text(), "all of it\n");
    }

    #[test]
    fn names_of_headers_have_no_case_and_their_values_no_blanks_around() {
        let (response, _) =
            read_all("HTTP/1.1 200\r\nlambda-runtime-AWS-request-id: \t a-1 \r\nB:c:d\r\n\r\n").unwrap();
        assert_eq!(response.header("Lambda-Runtime-Aws-Request-Id"), Some("a-1"));
        assert_eq!(response.header("b"), Some("c:d"));
        assert_eq!(response.header("lambda"), None);
    }

    #[test]
    fn what_breaks_off_is_no_response() {
        let whole = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n";
        assert!(read_all(whole).is_ok());
        for end in 0..whole.len() {
            assert_eq!(refusal(&whole[..end]).0, ErrorKind::UnexpectedEof, "{}", &whole[..end]);
        }
        let short = refusal("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbody");
        assert_eq!(short.0, ErrorKind::UnexpectedEof);
    }

    #[test]
    fn what_is_no_http_is_refused() {
        let long = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "a".repeat(70_000));
        for (text, says) in [
            ("SSH-2.0-OpenSSH_9.2\r\n", "no status of HTTP/1"),
            ("HTTP/2 200\r\n\r\n", "no status of HTTP/1"),
            ("HTTP/1.1 fine\r\n\r\n", "no status of HTTP/1"),
            ("HTTP/1.1 200 OK\r\nno header\r\n\r\n", "without a colon"),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                "a length that is no number",
            ),
            ("HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n", "too long"),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nbody\r\n",
                "without a length",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbody\r\n",
                "longer than it says",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
                "too long",
            ),
            (&long, "a line that is too long"),
        ] {
            let (kind, why) = refusal(text);
            assert_eq!(kind, ErrorKind::InvalidData, "{text}");
            assert!(why.contains(says), "{text}: {why}");
        }
    }
}
