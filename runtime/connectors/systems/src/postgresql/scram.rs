//! SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding, the client's side.
//!
//! Passwords are taken as they are: normalising them (SASLprep) changes none that is ASCII.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use rand::RngCore;
use sha2::{Digest, Sha256};

/// Rounds that are done for a server at most: its administrator chooses them, and a hostile one could keep us busy.
const ITERATIONS_MAX: u32 = 1_000_000;

pub(super) struct Scram {
    password: String,
    nonce: String,
}

impl Scram {
    pub(super) fn begin(password: &str) -> Self {
        let mut nonce = [0u8; 18];
        rand::rng().fill_bytes(&mut nonce);
        Self { password: password.to_owned(), nonce: STANDARD.encode(nonce) }
    }

    fn bare(&self) -> String {
        format!("n=,r={}", self.nonce)
    }

    /// The first message; PostgreSQL takes the user from the startup message.
    pub(super) fn first(&self) -> String {
        format!("n,,{}", self.bare())
    }

    /// The second message, in answer to the server's challenge; `None` if that is not one.
    pub(super) fn answer(&self, challenge: &str) -> Option<String> {
        let part = |name: &str| challenge.split(',').find_map(|p| p.strip_prefix(name));
        let (nonce, salt, iterations) = (part("r=")?, STANDARD.decode(part("s=")?).ok()?, part("i=")?.parse::<u32>().ok()?);
        if !nonce.starts_with(&self.nonce) || iterations == 0 || iterations > ITERATIONS_MAX {
            return None;
        }
        let salted = pbkdf2(self.password.as_bytes(), &salt, iterations)?;
        let client_key = mac(&salted, b"Client Key")?;
        let without_proof = format!("c=biws,r={nonce}");
        let signed = format!("{},{challenge},{without_proof}", self.bare());
        let signature = mac(&Sha256::digest(client_key), signed.as_bytes())?;
        let proof: Vec<u8> = client_key.iter().zip(signature).map(|(a, b)| a ^ b).collect();
        Some(format!("{without_proof},p={}", STANDARD.encode(proof)))
    }
}

fn mac(key: &[u8], text: &[u8]) -> Option<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(text);
    Some(mac.finalize().into_bytes().into())
}

/// PBKDF2 (RFC 8018) of one block.
fn pbkdf2(password: &[u8], salt: &[u8], iterations: u32) -> Option<[u8; 32]> {
    let keyed = Hmac::<Sha256>::new_from_slice(password).ok()?;
    let round = |text: &[&[u8]]| -> [u8; 32] {
        let mut mac = keyed.clone();
        text.iter().for_each(|t| mac.update(t));
        mac.finalize().into_bytes().into()
    };
    let mut block = round(&[salt, &1u32.to_be_bytes()]);
    let mut result = block;
    for _ in 1..iterations {
        block = round(&[&block]);
        result.iter_mut().zip(block).for_each(|(r, b)| *r ^= b);
    }
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The dialogue of RFC 7677, section 3, whose client names its user.
    #[test]
    fn the_published_dialogue_is_answered_as_published() {
        let salted = pbkdf2(b"pencil", &STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap(), 4096).unwrap();
        let client_key = mac(&salted, b"Client Key").unwrap();
        let signed = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
                      c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let signature = mac(&Sha256::digest(client_key), signed.as_bytes()).unwrap();
        let proof: Vec<u8> = client_key.iter().zip(signature).map(|(a, b)| a ^ b).collect();
        assert_eq!(STANDARD.encode(proof), "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    }

    #[test]
    fn a_challenge_for_somebody_else_is_not_answered() {
        let scram = Scram::begin("pencil");
        assert!(scram.answer(&format!("r={}abc,s=AAAA,i=4096", scram.nonce)).is_some());
        for wrong in ["", "r=other,s=AAAA,i=4096", "r=,s=AAAA,i=4096"] {
            assert!(scram.answer(wrong).is_none(), "{wrong}");
        }
        assert!(scram.answer(&format!("r={},s=AAAA,i=4000000000", scram.nonce)).is_none(), "no endless work");
    }
}
