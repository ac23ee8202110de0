//! Ends a server and removes its folder when the test process is gone.
//!
//! A parent-death signal would not do: it follows the *thread* that forked, and each test has a thread of its own; and
//! it leaves the folder. So a shell waits on a pipe whose other end only this process holds: the kernel closes it
//! however the process ends.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
};

/// The last line tells which process group to kill (empty: none); at the end of the pipe the folder goes.
const SCRIPT: &str = r#"
group=
while read -r line; do group=$line; done
if [ -n "$group" ]; then kill -KILL -- "-$group"; fi
for _ in 1 2 3 4 5; do rm -rf -- "$1" && break; done
"#;

/// See the module: watches over one folder and at most one process group.
pub struct Guardian {
    shell: Child,
}

impl Guardian {
    /// Watches over `folder` from now on.
    ///
    /// # Errors
    /// The shell cannot be started.
    pub fn of(folder: &Path) -> std::io::Result<Self> {
        let shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "guardian"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Its own group: an interrupt from the terminal must not end the guardian before its ward.
            .process_group(0)
            .spawn()?;
        Ok(Self { shell })
    }

    /// Names the process group to kill; `None` once it has ended, so that a reused number is never killed.
    ///
    /// # Errors
    /// The shell has gone.
    pub fn watch(&mut self, group: Option<u32>) -> std::io::Result<()> {
        let line = group.map(|g| g.to_string()).unwrap_or_default();
        match self.shell.stdin.as_mut() {
            Some(pipe) => writeln!(pipe, "{line}"),
            None => Ok(()),
        }
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // Nobody can be told in a destructor; the shell ends by itself once the pipe is closed.
        let _ = self.shell.wait();
    }
}
