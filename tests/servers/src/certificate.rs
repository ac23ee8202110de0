//! A certificate for 127.0.0.1 and `localhost` that vouches for itself, made by the machine's `openssl`.

use crate::{ServerError, cache::run};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const CONFIG: &str = "[req]\ndistinguished_name = name\nx509_extensions = extensions\nprompt = no\n[name]\nCN = localhost\n\
                      [extensions]\nbasicConstraints = critical,CA:FALSE\nsubjectAltName = DNS:localhost,IP:127.0.0.1\n";

pub(crate) struct Certificate {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) pem: String,
}

pub(crate) fn make(server: &'static str, folder: &Path) -> Result<Certificate, ServerError> {
    let (config, certificate, key) = (folder.join("openssl.cnf"), folder.join("certificate.pem"), folder.join("key.pem"));
    let failed = |e: std::io::Error| ServerError { server, message: format!("cannot make a certificate: {e}") };
    fs::write(&config, CONFIG).map_err(failed)?;
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3", "-config"]).arg(&config);
    command.arg("-keyout").arg(&key).arg("-out").arg(&certificate);
    run(server, "make a certificate", &mut command)?;
    let pem = fs::read_to_string(&certificate).map_err(failed)?;
    Ok(Certificate { certificate, key, pem })
}
