//! DSTAR: requests against a second encoder's bytes, replies cut and turned, the session's news.

mod requests;
