//! Who is not answered, and with which words.

use super::client::{Answer, connect, get, request, send};
use super::{PATIENCE, PLACE, lively, token, web};
use cross_market_connect::monitor::web::{CONNECTIONS, Place, Web, WebError};
use std::io::{Read, Write};
use std::time::Instant;

fn shown() -> Web {
    let mut web = web();
    web.show(lively());
    web
}

fn ask(web: &Web, request: &str) -> Answer {
    send(web.address(), request.as_bytes()).unwrap_or_else(|| panic!("no answer for {request}"))
}

#[test]
fn without_the_token_there_is_nothing_to_see() {
    let web = shown();
    let token = token(&web);
    let wrong = format!("{}{}", &token[..31], if token.ends_with('0') { '1' } else { '0' });
    let port = web.address().port();
    for path in ["/", "/screen.js", "/api/view", "/api/stream", "/api/history?pair=0", "/api/words"]
    {
        for fields in [
            String::new(),
            format!("Authorization: Bearer {wrong}\r\n"),
            format!("Authorization: Basic {token}\r\n"),
            format!("Cookie: xmc_view_{port}={wrong}\r\n"),
            format!("Cookie: xmc_view_1={token}\r\n"),
        ] {
            let answer = ask(&web, &request("GET", path, &fields));
            assert_eq!(answer.status, 401, "{path} {fields}");
            assert_eq!(answer.json()["schema"], "xmc.refusal");
            assert!(!answer.body.contains("cu_hg") && !answer.body.contains(&token));
        }
    }
    for path in [format!("/?token={wrong}"), "/?token=".to_owned(), "/?token".to_owned()] {
        assert_eq!(ask(&web, &request("GET", &path, "")).status, 401, "{path}");
    }
}

/// The address with the token gives a cookie, and with that all else is seen.
#[test]
fn the_printed_address_lets_a_browser_in() {
    let web = shown();
    let path = web.url().split_once(&web.address().to_string()).expect("its address").1.to_owned();
    let page = ask(&web, &request("GET", &path, ""));
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<title>cross_market_connect</title>"), "{}", page.body);
    let cookie = page.header("set-cookie").expect("a cookie").to_owned();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict; Path=/"), "{cookie}");
    let pair = cookie.split(';').next().expect("a name and a value");
    let fields = format!("Cookie: other=1; {pair}; more=2\r\n");
    for path in ["/screen.js", "/screen.css", "/api/view", "/"] {
        assert_eq!(ask(&web, &request("GET", path, &fields)).status, 200, "{path}");
    }
}

#[test]
fn every_answer_keeps_strangers_out() {
    let web = shown();
    let answers = [
        get(&web, "/"),
        get(&web, "/api/view"),
        get(&web, "/nothing"),
        ask(&web, &request("GET", "/api/view", "")),
        ask(&web, &request("GET", "/healthz", "")),
    ];
    assert_eq!(answers.each_ref().map(|answer| answer.status), [200, 200, 404, 401, 200]);
    for answer in &answers {
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'self'; "), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

/// A stranger's name that leads to this machine is not this machine.
#[test]
fn a_host_that_is_a_name_is_refused() {
    let web = shown();
    let bearer = format!("Authorization: Bearer {}\r\n", token(&web));
    for (host, status) in [
        ("evil.example", 421),
        ("127.0.0.1.evil.example:80", 421),
        ("", 421),
        ("localhost:9", 200),
        ("[::1]:9", 200),
    ] {
        let text = format!("GET /api/view HTTP/1.0\r\nHost: {host}\r\n{bearer}\r\n");
        assert_eq!(ask(&web, &text).status, status, "{host}");
    }
    let text = format!("GET /api/view HTTP/1.0\r\n{bearer}\r\n");
    assert_eq!(ask(&web, &text).status, 421, "no host at all");
}

#[test]
fn there_is_nothing_that_could_be_changed() {
    let web = shown();
    let bearer = format!("Authorization: Bearer {}\r\nContent-Length: 0\r\n", token(&web));
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        for path in ["/", "/api/view", "/api/stream", "/healthz"] {
            let answer = ask(&web, &request(method, path, &bearer));
            assert_eq!(answer.status, 405, "{method} {path}");
        }
    }
}

#[test]
fn requests_that_are_too_large_or_malformed_are_refused_and_it_goes_on() {
    let web = shown();
    let bearer = format!("Authorization: Bearer {}\r\n", token(&web));
    let long = "x".repeat(40_000);
    let many: String = (0..100).map(|at| format!("X-{at}: 1\r\n")).collect();
    let requests = [
        request("GET", &format!("/api/view?find={long}"), &bearer),
        request("GET", "/api/view", &format!("{bearer}X-Long: {long}\r\n")),
        request("GET", "/api/view", &format!("{bearer}{many}")),
        request("GET", "/api/view?pair=minus", &bearer),
        request("GET", "/api/view?pair=-1", &bearer),
        request("GET", "/api/view?pair=99999999999999999999999", &bearer),
        "GET\r\n\r\n".to_owned(),
        "\0\0\0\0\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost\r\n\r\n".to_owned(),
        long,
    ];
    for text in &requests {
        let answer = send(web.address(), text.as_bytes());
        let shown = &text[..text.len().min(60)];
        // What cannot be read at all may be closed on without a word.
        let status = answer.map_or(400, |answer| answer.status);
        assert!((400..500).contains(&status), "{status} for {shown:?}");
        assert_eq!(get(&web, "/api/view").status, 200, "it goes on after {shown:?}");
    }
    // What is only odd is answered.
    for path in ["/api/view?find=%3Cscript%3E", "/api/view?find=%F0%9F%98%80", "/api/view?x=1"] {
        assert_eq!(get(&web, path).status, 200, "{path}");
    }
}

/// Who opens connections and says nothing has them closed, and the others are let in again.
#[test]
fn silent_connections_are_closed() {
    let web = shown();
    let mut silent: Vec<_> = (0..CONNECTIONS).map(|_| connect(web.address())).collect();
    silent[0].write_all(b"GET / HT").expect("half a request");
    let begun = Instant::now();
    for stream in &mut silent {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
    }
    assert!(begun.elapsed() < PATIENCE, "all were closed after {:?}", begun.elapsed());
    assert_eq!(get(&web, "/api/view").status, 200);
}

#[test]
fn other_machines_are_let_in_only_when_somebody_said_so() {
    let anywhere = Place { address: ([0, 0, 0, 0], 0).into(), ..PLACE };
    let refused = Web::open(anywhere, || {}).expect_err("nobody said so");
    assert!(matches!(refused, WebError::Open(_)), "{refused}");
    assert!(refused.to_string().contains("--web-open"), "{refused}");
    let web = Web::open(Place { is_open_to_others: true, ..anywhere }, || {});
    assert!(web.is_ok(), "{web:?}");
    let taken = Web::open(Place { address: web.expect("open").address(), ..PLACE }, || {});
    assert!(matches!(taken, Err(WebError::Open(_) | WebError::Bind { .. })), "{taken:?}");
}
