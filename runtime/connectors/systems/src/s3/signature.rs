//! AWS Signature Version 4 for requests without a body
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html>).

use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use millrace_dial::http::{Position, Url};
use sha2::{Digest, Sha256};

/// SHA-256 of nothing.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

pub(super) struct Signer<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) secret_access_key: &'a str,
    pub(super) region: &'a str,
}

impl Signer<'_> {
    /// Header fields that sign a GET of `url`, whose query is sorted and encoded already.
    pub(super) fn headers(&self, url: &Url, now: DateTime<Utc>) -> Vec<(String, String)> {
        let (time, day) = (now.format("%Y%m%dT%H%M%SZ").to_string(), now.format("%Y%m%d").to_string());
        let host = &url[Position::BeforeHost..Position::AfterPort];
        let signed = "host;x-amz-content-sha256;x-amz-date";
        let query = url.query().unwrap_or_default();
        let request =
            format!("GET\n{}\n{query}\nhost:{host}\nx-amz-content-sha256:{EMPTY}\nx-amz-date:{time}\n\n{signed}\n{EMPTY}", url.path());
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex::encode(Sha256::digest(request)));
        let mut key = format!("AWS4{}", self.secret_access_key).into_bytes();
        for part in [day.as_str(), self.region, "s3", "aws4_request"] {
            key = mac(&key, part);
        }
        let signature = hex::encode(mac(&key, &text));
        let credential = format!("{}/{scope}", self.access_key_id);
        let authorization = format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed}, Signature={signature}");
        [("x-amz-date", time), ("x-amz-content-sha256", EMPTY.to_owned()), ("authorization", authorization)]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Percent-encodes all but the unreserved characters of RFC 3986, as signatures want it.
pub(super) fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~') {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example "GET Bucket (List Objects)" of the S3 API reference.
    #[test]
    fn the_published_example_is_signed_as_published() {
        let signer = Signer {
            access_key_id: "AKIAIOSFODNN7EXAMPLE",
            secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            region: "us-east-1",
        };
        let url = Url::parse("https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J").unwrap();
        let headers = signer.headers(&url, DateTime::from_timestamp(1_369_353_600, 0).unwrap());
        let authorization = &headers.iter().find(|(name, _)| name == "authorization").unwrap().1;
        assert!(authorization.ends_with("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"), "{authorization}");
    }

    #[test]
    fn encoding_leaves_the_unreserved_characters() {
        assert_eq!(encoded("a/b c~ü"), "a%2Fb%20c~%C3%BC");
    }
}
