//! A receiver of HTTP requests, which a test tells what to answer.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

pub const PATIENCE: Duration = Duration::from_secs(30);

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// The value of a key in the query.
    pub fn query(&self, key: &str) -> Option<&str> {
        let (_, query) = self.path.split_once('?')?;
        query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
    }
}

/// What is answered: the status line and more headers, and the body; `None`: nothing, ever.
pub type Answer = Option<(&'static str, String)>;

struct Inner {
    requests: Mutex<Vec<Request>>,
    came: Condvar,
    answer: Mutex<Answer>,
    is_over: AtomicBool,
}

/// It listens until it is dropped.
pub struct Receiver {
    inner: Arc<Inner>,
    pub address: SocketAddr,
}

pub fn ok(body: &str) -> Answer {
    Some(("200 OK", body.to_owned()))
}

impl Receiver {
    pub fn new(answer: Answer) -> Self {
        Self::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), answer)
    }

    pub fn at(address: SocketAddr, answer: Answer) -> Self {
        let listener = TcpListener::bind(address).expect("loopback has room");
        let address = listener.local_addr().expect("it is bound");
        let inner = Arc::new(Inner {
            requests: Mutex::default(),
            came: Condvar::new(),
            answer: Mutex::new(answer),
            is_over: AtomicBool::new(false),
        });
        let shared = Arc::clone(&inner);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&shared);
                let stream = stream.expect("a connection");
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { inner, address }
    }

    pub fn answer(&self, answer: Answer) {
        *self.inner.answer.lock().expect("nobody panics with it") = answer;
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.inner.requests.lock().expect("nobody panics with it").clone()
    }

    /// Waits until so many have come.
    #[track_caller]
    pub fn wait(&self, count: usize) -> Vec<Request> {
        self.wait_until(|requests| requests.len() >= count)
    }

    #[track_caller]
    pub fn wait_until(&self, is_enough: impl Fn(&[Request]) -> bool) -> Vec<Request> {
        let until = Instant::now() + PATIENCE;
        let mut requests = self.inner.requests.lock().expect("nobody panics with it");
        while !is_enough(&requests) {
            let left = until.checked_duration_since(Instant::now());
            let left = left.unwrap_or_else(|| panic!("only {} requests came", requests.len()));
            let waited = self.inner.came.wait_timeout(requests, left);
            requests = waited.expect("nobody panics with it").0;
        }
        requests.clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.inner.is_over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: TcpStream, inner: &Inner) {
    let mut answers = stream.try_clone().expect("a handle");
    let mut requests = BufReader::new(stream);
    while let Some(request) = read(&mut requests) {
        inner.requests.lock().expect("nobody panics with it").push(request);
        inner.came.notify_all();
        let Some((status, body)) = inner.answer.lock().expect("nobody panics with it").clone()
        else {
            // Held open until the other end has enough of it.
            let _ = requests.fill_buf();
            return;
        };
        let length = body.len();
        let text = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}");
        if answers.write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(stream: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut request = Request { path, headers, body: Vec::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().expect("n"));
    request.body = vec![0; length];
    stream.read_exact(&mut request.body).ok()?;
    Some(request)
}
