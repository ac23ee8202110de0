//! Log lines of instances: how grave they are and where they come from.

use crate::text_enum::text_enum;

text_enum! {
    /// How grave a log line is.
    LogLevel, "log level", {
        /// For whoever looks for a defect.
        Debug = "debug",
        /// What happens.
        Info = "info",
        /// What somebody should look at.
        Warn = "warn",
        /// What has failed.
        Error = "error",
    }
}

text_enum! {
    /// Who says it.
    LogOrigin, "log origin", {
        /// Tenant code.
        Guest = "guest",
        /// The engine and what drives it.
        Engine = "engine",
    }
}

impl LogLevel {
    /// Its place in the order of gravity, from 0.
    pub const fn rank(self) -> i64 {
        match self {
            Self::Debug => 0,
            Self::Info => 1,
            Self::Warn => 2,
            Self::Error => 3,
        }
    }
}
