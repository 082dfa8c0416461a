//! Something between the provisioner and an emulator that answers some calls itself.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// What is done with a call that the emulator never hears of.
pub(crate) enum Instead {
    /// The connection ends.
    Nothing,
    /// This JSON is the answer.
    Json(String),
    /// This XML is the answer.
    Xml(String),
}

/// Passes every call on to `upstream` for which the rule has nothing instead. Answers with its own address.
pub(crate) fn proxy(upstream: &str, rule: impl Fn(&str) -> Option<Instead> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let upstream = upstream.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let rule = Arc::new(rule);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (rule, upstream) = (Arc::clone(&rule), upstream.clone());
            std::thread::spawn(move || {
                // A client that went away needs no answer.
                drop(pass(client.unwrap(), &upstream, &*rule));
            });
        }
    });
    format!("http://{address}")
}

fn pass(mut client: TcpStream, upstream: &str, rule: &dyn Fn(&str) -> Option<Instead>) -> std::io::Result<()> {
    let Some((head, body)) = request(&mut client)? else {
        return Ok(());
    };
    match rule(&format!("{head}{}", String::from_utf8_lossy(&body))) {
        Some(Instead::Nothing) => Ok(()),
        Some(Instead::Json(body)) => answer(&mut client, "application/x-amz-json-1.1", &body),
        Some(Instead::Xml(body)) => answer(&mut client, "text/xml", &body),
        None => {
            let mut server = TcpStream::connect(upstream)?;
            // One call per connection: so each is seen.
            server.write_all(head.replacen("\r\n", "\r\nConnection: close\r\n", 1).as_bytes())?;
            server.write_all(&body)?;
            let mut answer = Vec::new();
            server.read_to_end(&mut answer)?;
            client.write_all(&answer)
        }
    }
}

fn answer(client: &mut TcpStream, kind: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    write!(
        client,
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// One request: its head, and its body.
fn request(client: &mut TcpStream) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16384];
    loop {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let lines = head.lines().map(str::to_lowercase);
            let length = lines
                .filter_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
                .next()
                .unwrap_or(0);
            if bytes.len() >= end + length {
                return Ok(Some((head, bytes.split_off(end))));
            }
        }
        let read = client.read(&mut buffer)?;
        if read == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&buffer[..read]);
    }
}
