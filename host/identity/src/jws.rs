//! Signed tokens (JWS, RFC 7515) and the keys that sign them (JWK, RFC 7517), as far as OpenID Connect needs them.
//!
//! Invariant: only signatures by public keys count, never `none` and never a shared secret; a key is used with algorithms of
//! its own kind only, whatever the token's header says. The cryptography is ring's.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Largest token that is looked at.
const TOKEN_BYTES_MAX: usize = 64 << 10;

/// A provider's keys.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct KeySet {
    keys: Vec<Key>,
}

/// A public key; what it holds depends on its kind.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Key {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// Why a token does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unverified {
    /// No key of the set fits; the provider may have new ones.
    UnknownKey,
    /// Anything else.
    Wrong(&'static str),
}

/// The claims of a token whose signature is by one of `keys`.
pub(crate) fn verify(token: &str, keys: &KeySet) -> Result<Map<String, Value>, Unverified> {
    let wrong = |what| Unverified::Wrong(what);
    if token.len() > TOKEN_BYTES_MAX {
        return Err(wrong("it is too long"));
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(wrong("it is no signed token"))?;
    let (header, claims) = signed.split_once('.').ok_or(wrong("it is no signed token"))?;
    let header: Header = serde_json::from_slice(&decoded(header)?).map_err(|_| wrong("its header cannot be read"))?;
    if header.crit.is_some() {
        return Err(wrong("its header demands what is not known here"));
    }
    let kind = kind_of(&header.alg).ok_or(wrong("its algorithm is not believed"))?;
    let signature = decoded(signature)?;
    let usable: Vec<&Key> = keys.keys.iter().filter(|key| key.fits(kind, &header)).collect();
    let key = match (usable.as_slice(), &header.kid) {
        ([key], None) | ([key, ..], Some(_)) => key,
        ([], _) => return Err(Unverified::UnknownKey),
        (_, None) => return Err(wrong("it does not say with which of several keys it is signed")),
    };
    if !key.verifies(&header.alg, signed.as_bytes(), &signature) {
        return Err(wrong("its signature is wrong"));
    }
    match serde_json::from_slice(&decoded(claims)?) {
        Ok(Value::Object(claims)) => Ok(claims),
        Ok(_) | Err(_) => Err(wrong("its claims cannot be read")),
    }
}

/// Kind of key and curve that an algorithm is for; none for those that are not believed.
fn kind_of(algorithm: &str) -> Option<(&'static str, Option<&'static str>)> {
    Some(match algorithm {
        "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => ("RSA", None),
        "ES256" => ("EC", Some("P-256")),
        "ES384" => ("EC", Some("P-384")),
        "EdDSA" => ("OKP", Some("Ed25519")),
        _ => return None,
    })
}

impl Key {
    fn fits(&self, (kty, curve): (&str, Option<&str>), header: &Header) -> bool {
        self.kty == kty
            && (curve.is_none() || self.crv.as_deref() == curve)
            && self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.alg.as_ref().is_none_or(|alg| *alg == header.alg)
            && (header.kid.is_none() || self.kid == header.kid)
    }

    fn verifies(&self, algorithm: &str, signed: &[u8], signature: &[u8]) -> bool {
        let part = |text: &Option<String>| text.as_deref().and_then(|text| decoded(text).ok());
        let rsa = |parameters| match (part(&self.n), part(&self.e)) {
            (Some(n), Some(e)) => RsaPublicKeyComponents { n, e }.verify(parameters, signed, signature).is_ok(),
            (None, _) | (_, None) => false,
        };
        let curve = |algorithm: &'static dyn signature::VerificationAlgorithm, key: Option<Vec<u8>>| {
            key.is_some_and(|key| UnparsedPublicKey::new(algorithm, key).verify(signed, signature).is_ok())
        };
        // An uncompressed point: 4, x, y.
        let point = || Some([&[4u8][..], &part(&self.x)?, &part(&self.y)?].concat());
        match algorithm {
            "RS256" => rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
            "RS384" => rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
            "RS512" => rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
            "PS256" => rsa(&signature::RSA_PSS_2048_8192_SHA256),
            "PS384" => rsa(&signature::RSA_PSS_2048_8192_SHA384),
            "PS512" => rsa(&signature::RSA_PSS_2048_8192_SHA512),
            "ES256" => curve(&signature::ECDSA_P256_SHA256_FIXED, point()),
            "ES384" => curve(&signature::ECDSA_P384_SHA384_FIXED, point()),
            "EdDSA" => curve(&signature::ED25519, part(&self.x)),
            _ => false,
        }
    }
}

fn decoded(text: &str) -> Result<Vec<u8>, Unverified> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Unverified::Wrong("it is not encoded as tokens are"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
    };
    use serde_json::json;

    /// A token and the set with its key.
    fn signed(header: &Value, claims: &Value) -> (String, Value) {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        let text = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let body = format!("{}.{}", text(header), text(claims));
        let signature = pair.sign(&random, body.as_bytes()).unwrap();
        let point = pair.public_key().as_ref();
        let part = |range| URL_SAFE_NO_PAD.encode(&point[range]);
        let key = json!({"kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig", "x": part(1..33), "y": part(33..65)});
        (format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref())), json!({"keys": [key]}))
    }

    fn set(keys: &Value) -> KeySet {
        serde_json::from_value(keys.clone()).unwrap()
    }

    #[test]
    fn only_the_published_key_counts() {
        let (token, keys) = signed(&json!({"alg": "ES256", "kid": "k1"}), &json!({"sub": "ann"}));
        assert_eq!(verify(&token, &set(&keys)).unwrap()["sub"], "ann");
        let (other, other_keys) = signed(&json!({"alg": "ES256", "kid": "k1"}), &json!({"sub": "bob"}));
        assert_eq!(verify(&other, &set(&keys)), Err(Unverified::Wrong("its signature is wrong")));
        let mut renamed = other_keys;
        renamed["keys"][0]["kid"] = json!("k2");
        assert_eq!(verify(&other, &set(&renamed)), Err(Unverified::UnknownKey));
        let mut parts: Vec<&str> = token.split('.').collect();
        let forged = URL_SAFE_NO_PAD.encode(r#"{"sub":"root"}"#);
        parts[1] = &forged;
        assert_eq!(verify(&parts.join("."), &set(&keys)), Err(Unverified::Wrong("its signature is wrong")));
    }

    #[test]
    fn headers_choose_no_weaker_way() {
        for alg in ["none", "None", "HS256", "ES512", ""] {
            let (token, keys) = signed(&json!({"alg": alg}), &json!({"sub": "ann"}));
            assert_eq!(verify(&token, &set(&keys)), Err(Unverified::Wrong("its algorithm is not believed")), "{alg}");
        }
        let (token, keys) = signed(&json!({"alg": "RS256"}), &json!({"sub": "ann"}));
        assert_eq!(verify(&token, &set(&keys)), Err(Unverified::UnknownKey), "a key of another kind is not tried");
        let (token, keys) = signed(&json!({"alg": "ES256", "crit": ["b64"]}), &json!({"sub": "ann"}));
        assert!(verify(&token, &set(&keys)).is_err());
        for broken in ["", ".", "..", "a.b.c", "a.b"] {
            assert!(verify(broken, &set(&keys)).is_err(), "{broken}");
        }
    }
}
