//! An AWS that answers as a test says: refusals, errors, silence, and answers that are cut off or make no sense.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Url;

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// How many came before.
    pub(crate) number: usize,
    /// The method and the path.
    pub(crate) line: String,
    /// The operation: from the header of JSON services, or the form of query services; otherwise empty.
    pub(crate) operation: String,
    /// What came after the headers.
    pub(crate) body: String,
}

/// What is answered.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// A status and a body.
    Http(u16, String),
    /// Nothing, and the connection stays open.
    Silence,
    /// Nothing, and the connection is closed.
    Close,
    /// A body that ends before it should.
    CutOff(String),
    /// A body that stops before it should, and the connection stays open.
    HalfOpen(String),
    /// No HTTP at all.
    Noise,
}

impl Answer {
    pub(crate) fn json(status: u16, body: impl Into<String>) -> Self {
        Self::Http(status, body.into())
    }

    /// An error of a JSON service.
    pub(crate) fn error(status: u16, code: &str) -> Self {
        Self::Http(
            status,
            format!(r#"{{"__type":"com.amazonaws#{code}","message":"scripted"}}"#),
        )
    }

    /// An error of a query or an XML service.
    pub(crate) fn xml_error(status: u16, code: &str) -> Self {
        let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>scripted</Message></Error>");
        Self::Http(
            status,
            format!("<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>"),
        )
    }
}

type Script = dyn Fn(&Request) -> Answer + Send + Sync;

/// The server. Ends with the test.
pub(crate) struct Scripted {
    port: u16,
    asked: Arc<Mutex<Vec<Request>>>,
    over: Arc<AtomicBool>,
}

impl Scripted {
    pub(crate) fn new(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asked, over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let script: Arc<Script> = Arc::new(script);
        let (book, ended) = (Arc::clone(&asked), Arc::clone(&over));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    break;
                }
                let (script, book, ended) = (Arc::clone(&script), Arc::clone(&book), Arc::clone(&ended));
                // Whoever breaks off in the middle has tested just that.
                std::thread::spawn(move || stream.and_then(|stream| serve(stream, &*script, &book, &ended)));
            }
        });
        Self { port, asked, over }
    }

    /// Always the same answer.
    pub(crate) fn always(answer: Answer) -> Self {
        Self::new(move |_| answer.clone())
    }

    /// Where it is.
    pub(crate) fn url(&self) -> Url {
        format!("http://127.0.0.1:{}/", self.port).parse().unwrap()
    }

    /// Everything that was asked, in its order.
    pub(crate) fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }

    /// How often an operation was asked for.
    pub(crate) fn count(&self, operation: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|request| request.operation == operation).count()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
    }
}

fn serve(stream: TcpStream, script: &Script, book: &Mutex<Vec<Request>>, over: &AtomicBool) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    let Some(mut request) = read(&mut reader)? else {
        return Ok(());
    };
    {
        let mut book = book.lock().unwrap();
        request.number = book.len();
        book.push(request.clone());
    }
    match script(&request) {
        Answer::Http(status, body) => {
            write!(
                stream,
                "HTTP/1.1 {status} Scripted\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\
                 ETag: \"1\"\r\nConnection: close\r\n\r\n{body}",
                body.len()
            )
        }
        Answer::CutOff(body) => begin(&mut stream, &body),
        Answer::HalfOpen(body) => {
            begin(&mut stream, &body)?;
            stay_silent(over)
        }
        Answer::Noise => stream.write_all(b"220 smtp.example.com ESMTP\r\n\r\n"),
        Answer::Close => Ok(()),
        Answer::Silence => stay_silent(over),
    }
}

/// An answer that promises more than its body holds.
fn begin(stream: &mut TcpStream, body: &str) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\
         ETag: \"1\"\r\nConnection: close\r\n\r\n{body}",
        body.len() + 100
    )
}

/// Until the test is over.
fn stay_silent(over: &AtomicBool) -> std::io::Result<()> {
    while !over.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn read(reader: &mut impl BufRead) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let (mut length, mut operation) = (0, String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "x-amz-target" => operation = value.rsplit('.').next().unwrap_or_default().trim().to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    if let Some(action) = body.strip_prefix("Action=") {
        operation = action.split('&').next().unwrap_or_default().to_owned();
    }
    Ok(Some(Request {
        number: 0,
        line: line.trim_end().to_owned(),
        operation,
        body,
    }))
}
