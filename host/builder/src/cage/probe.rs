//! Tries a level: a program in the cage attempts what it must not be able to do.

use super::{Cage, CageLevel, CageLimits, CagedCommand, ProcessStarter};
use std::process::Stdio;

/// Answers 0 only if nothing that is forbidden worked and what is allowed did. `$1` is a file outside, `$2` the folder.
const ATTEMPTS: &str = r#"
echo inside > "$2/made" || { echo "the own folder cannot be written"; exit 1; }
if [ "$3" = hidden ] && cat "$1" >/dev/null 2>&1; then echo "a file outside can be read"; exit 1; fi
if [ "$3" = hidden ] && { echo x >> "$1"; } 2>/dev/null; then echo "a file outside can be written"; exit 1; fi
if [ -n "$MILLRACE_BUILD_CAGE" ]; then echo "the policy is visible"; exit 1; fi
echo holds
"#;

/// Whether the level holds here.
pub fn holds(cage: &Cage) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let outside = tempfile::tempdir().map_err(text)?;
    let secret = outside.path().join("secret");
    std::fs::write(&secret, "secret").map_err(text)?;
    let folder = tempfile::tempdir().map_err(text)?;
    let limits = CageLimits { wall_ms: 10_000, cpu_s: 5, memory_bytes: 256 << 20, may_start_processes: true, ..CageLimits::default() };
    let hidden = if cage.level == CageLevel::Limits { "visible" } else { "hidden" };
    let mut caged = CagedCommand { limits, ..CagedCommand::new("/bin/sh", folder.path()) }.args(["-c", ATTEMPTS, "probe"]);
    caged = caged.args([secret.as_os_str(), folder.path().as_os_str(), hidden.as_ref()]);
    let mut command = cage.command(&caged).map_err(|error| error.to_string())?;
    let output = command.stdin(Stdio::null()).output().map_err(text)?;
    let said = String::from_utf8_lossy(&output.stdout);
    let unchanged = std::fs::read_to_string(&secret).is_ok_and(|text| text == "secret");
    let made = std::fs::read_to_string(folder.path().join("made")).is_ok_and(|text| text == "inside\n");
    if output.status.success() && said.trim() == "holds" && unchanged && made {
        return Ok(());
    }
    let reason = format!("{} {}", said.trim(), String::from_utf8_lossy(&output.stderr).trim());
    Err(if reason.trim().is_empty() { output.status.to_string() } else { reason.trim().to_owned() })
}
