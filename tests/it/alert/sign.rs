//! Signatures against vectors that other programs made.
//!
//! Each was computed with Python 3 (`hmac`, `hashlib`, `base64`, `urllib.parse.quote_plus`) and,
//! the first and the last, with `openssl dgst -sha256 -hmac` as well.

use cross_market_connect::alert::sink::sign;

const SECRET: &str = "SECa8f1c0ffee";

/// `quote_plus(b64encode(hmac.new(secret, ts + "\n" + secret, sha256).digest()))`
#[test]
fn dingtalk_signs_timestamp_and_secret_with_the_secret() {
    let sign = sign::dingtalk(SECRET, 1_780_000_000_123);
    assert_eq!(sign, "8O%2BOB3lLze26t16XhlA%2FhKlZbcmnlojyLc6X%2F2n7Lms%3D");
}

/// `b64encode(hmac.new(ts + "\n" + secret, b"", sha256).digest())`
#[test]
fn feishu_signs_nothing_with_timestamp_and_secret() {
    let sign = sign::feishu(SECRET, 1_780_000_000);
    assert_eq!(sign, "Sjp5JUcSJlwNFS4/iPRqUM5LphC5sNKNBU+bmzHszVU=");
}

/// `hmac.new(b"shared secret", b'{"a":1}', sha256).hexdigest()`
#[test]
fn a_webhook_has_the_signature_of_its_whole_body() {
    let sign = sign::webhook("shared secret", b"{\"a\":1}");
    assert_eq!(sign, "0629ad716ebcf6b279485c0c3f0b901121219a0259d1b549b8e105358edd35a0");
}
