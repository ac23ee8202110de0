//! S3-compatible object stores (KS3, MinIO, Ceph, …): one listing of the bucket, signed by Signature Version 4.

mod signature;

use crate::fields::{TLS, TLS_CA, failed, secret, text};
use async_trait::async_trait;
use chrono::Utc;
use millrace_connector::{
    ConnectivityFailure as Failure, ConnectivityReport, DataSourceKind, FieldSpec, FieldType, KindGroup, KindSpec, Properties, Reached,
    Unreachable,
};
use millrace_dial::{
    Dialer, TlsMode, TlsSettings,
    http::{HttpRequest, Url, parse_url, send},
    printable,
};
use signature::Signer;
use std::time::{Duration, Instant};

static SPEC: KindSpec = KindSpec {
    kind: "s3",
    title: "KS3 / S3-compatible object store",
    group: KindGroup::SemiStructured,
    description: "Objects in a bucket: KS3, S3, MinIO, Ceph and others. The test lists one object of the bucket.",
    fields: &[
        FieldSpec::new(
            "endpoint",
            "Endpoint",
            FieldType::Url,
            "Address of the service, without the bucket: `https://ks3-cn-beijing.ksyuncs.com`",
        )
        .required(),
        FieldSpec::new("region", "Region", FieldType::Text, "Region that signatures name").or("us-east-1"),
        FieldSpec::new("bucket", "Bucket", FieldType::Text, "The bucket that objects are in").required(),
        FieldSpec::new("prefix", "Prefix", FieldType::Text, "Beginning of the names of objects"),
        FieldSpec::new("access_key_id", "Access key id", FieldType::Text, "Name of the key that requests are signed with").required(),
        FieldSpec::new("secret_access_key", "Secret access key", FieldType::Text, "The key that requests are signed with")
            .required()
            .secret(),
        FieldSpec::new("path_style", "Path style", FieldType::Boolean, "Whether the bucket is in the path instead of the host name")
            .or("true"),
        TLS.or("verify"),
        TLS_CA,
    ],
    free_prefixes: &[],
    can_sample: false,
};

/// The kind `s3`.
pub(crate) struct S3 {
    dialer: Dialer,
}

impl S3 {
    pub(crate) fn new(dialer: Dialer) -> Self {
        Self { dialer }
    }

    async fn reach(&self, properties: &Properties, until: Instant) -> Result<Reached, Unreachable> {
        let bucket = text(&SPEC, properties, "bucket");
        let url = self.listing(properties, bucket)?;
        let signer = Signer {
            access_key_id: text(&SPEC, properties, "access_key_id"),
            secret_access_key: secret(properties, "secret_access_key"),
            region: text(&SPEC, properties, "region"),
        };
        let headers = signer.headers(&url, Utc::now());
        let request = HttpRequest { headers, ..HttpRequest::get(url) };
        let answer = send(&self.dialer, request, &TlsSettings::of(properties, TlsMode::Verify), until).await?;
        let place = &answer.place;
        let body = String::from_utf8_lossy(&answer.body);
        if answer.status.is_success() && body.contains("<ListBucketResult") {
            let server = answer.header("server").map(printable).unwrap_or_default();
            let region = answer.header("x-amz-bucket-region").map_or_else(|| signer.region.to_owned(), printable);
            let message = format!("object store at {place}, bucket `{bucket}`");
            return Ok(Reached::new(message).with("server", server).with("bucket", bucket).with("region", region));
        }
        let code = element(&body, "Code").map(printable).unwrap_or_default();
        Err(match (answer.status.as_u16(), code.as_str()) {
            (_, "NoSuchBucket") => {
                failed(Failure::Missing, format!("{place}: there is no bucket `{bucket}`; make it or check the name and the endpoint"))
            }
            (_, "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "ExpiredToken") | (401, _) => failed(
                Failure::Credentials,
                format!("{place}: the key was refused ({code}); check `access_key_id`, `secret_access_key` and `region`"),
            ),
            (_, "AuthorizationHeaderMalformed" | "PermanentRedirect" | "IllegalLocationConstraintException") | (301 | 307 | 400, "") => {
                failed(
                    Failure::Configuration,
                    format!("{place}: the bucket `{bucket}` is in another region; check `region` and `endpoint`"),
                )
            }
            (_, "RequestTimeTooSkewed") => {
                failed(Failure::Protocol, format!("{place}: the clocks differ by more than 15 minutes; set the server's"))
            }
            (403, _) => {
                failed(Failure::Credentials, format!("{place}: the key may not list bucket `{bucket}`; give it the permission to list"))
            }
            (404, _) => {
                failed(Failure::Missing, format!("{place}: bucket `{bucket}` was not found; check `bucket`, `endpoint` and `path_style`"))
            }
            (status, _) => {
                failed(Failure::Protocol, format!("{place}: status {status}, which is not an object store's answer; check `endpoint`"))
            }
        })
    }

    /// The address that lists one object.
    fn listing(&self, properties: &Properties, bucket: &str) -> Result<Url, Unreachable> {
        let configuration = |message: String| failed(Failure::Configuration, message);
        let mut url = parse_url(text(&SPEC, properties, "endpoint")).map_err(|e| configuration(format!("`endpoint` {e}")))?;
        let is_bucket = bucket.len() <= 255 && bucket.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if !is_bucket || matches!(bucket, "." | "..") {
            return Err(configuration(format!("`bucket` is `{}`, which is no name of a bucket", printable(bucket))));
        }
        if text(&SPEC, properties, "path_style") == "true" {
            let base = url.path().trim_end_matches('/').to_owned();
            url.set_path(&format!("{base}/{bucket}"));
        } else {
            let host = format!("{bucket}.{}", url.host_str().unwrap_or_default());
            url.set_host(Some(&host)).map_err(|_| configuration(format!("`{host}` is no host name; set `path_style` to `true`")))?;
            url.set_path("/");
        }
        // In the order that signatures want.
        url.query_pairs_mut().clear().append_pair("list-type", "2").append_pair("max-keys", "1");
        let prefix = text(&SPEC, properties, "prefix");
        if !prefix.is_empty() {
            let query = format!("{}&prefix={}", url.query().unwrap_or_default(), signature::encoded(prefix));
            url.set_query(Some(&query));
        }
        Ok(url)
    }
}

/// The text of the first element of this name.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once("</").map(|(text, _)| text)
}

#[async_trait]
impl DataSourceKind for S3 {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    async fn test(&self, properties: &Properties, deadline: Duration) -> ConnectivityReport {
        ConnectivityReport::measure(self.reach(properties, Instant::now() + deadline), deadline).await
    }
}
