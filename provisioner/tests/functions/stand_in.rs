//! A stand-in for Lambda's Runtime API, on a free port of the loopback interface. It writes down what it is asked.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// A request comes at once, or never.
const REQUEST_MAX: Duration = Duration::from_secs(30);

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// By name, in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|why| panic!("{}: {why}", self.body))
    }
}

/// What it says, byte for byte.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers {
    /// To who asks for the next invocation, one after the other. Then it says nothing, and keeps the connection.
    pub(crate) to_next: VecDeque<String>,
    /// To what is said of an invocation, by its name. To others, that it is well.
    pub(crate) to_answers: BTreeMap<String, String>,
}

impl Answers {
    pub(crate) fn of(to_next: impl IntoIterator<Item = String>) -> Self {
        Self {
            to_next: to_next.into_iter().collect(),
            to_answers: BTreeMap::new(),
        }
    }
}

/// It runs until the test's process ends.
#[derive(Debug)]
pub(crate) struct StandIn {
    address: SocketAddr,
    requests: Receiver<Request>,
    broken_off: Arc<AtomicUsize>,
}

impl StandIn {
    pub(crate) fn start(mut answers: Answers) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = mpsc::channel();
        let broken_off = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&broken_off);
        thread::spawn(move || {
            // Connections that are neither answered nor ended.
            let mut kept = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read(&stream);
                let answer = if request.path.ends_with("/invocation/next") {
                    answers.to_next.pop_front()
                } else {
                    let named = answers.to_answers.iter();
                    let mut named = named.filter(|(id, _)| request.path.contains(&format!("/{id}/")));
                    let answer = named.next().map(|(_, answer)| answer.clone());
                    Some(answer.unwrap_or_else(|| "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n".to_owned()))
                };
                // Nobody may listen any more.
                drop(sender.send(request));
                let Some(answer) = answer else {
                    kept.push(stream);
                    continue;
                };
                if stream.write_all(answer.as_bytes()).is_err() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Self {
            address,
            requests,
            broken_off,
        }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// The next request.
    pub(crate) fn request(&self) -> Request {
        self.requests.recv_timeout(REQUEST_MAX).expect("nothing is asked")
    }

    /// What else was asked by now.
    pub(crate) fn requests_left(&self) -> Vec<Request> {
        self.requests.try_iter().collect()
    }

    /// How many answers were not taken.
    pub(crate) fn broken_off(&self) -> usize {
        self.broken_off.load(Ordering::Relaxed)
    }
}

fn read(stream: &TcpStream) -> Request {
    let mut lines = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        line.strip_suffix("\r\n").expect("lines end as HTTP's do").to_owned()
    };
    let first = line();
    let words: Vec<&str> = first.split(' ').collect();
    let [method, path, "HTTP/1.1"] = words[..] else {
        panic!("{first}");
    };
    let mut headers = BTreeMap::new();
    loop {
        let line = line();
        let Some((name, value)) = line.split_once(": ") else {
            assert_eq!(line, "");
            break;
        };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    assert!(headers.contains_key("host"), "{headers:?}");
    assert_eq!(headers["connection"], "close");
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    lines.read_exact(&mut body).unwrap();
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        headers,
        body: String::from_utf8(body).unwrap(),
    }
}
