//! Where a table or database is: designed, tested, in production (TOP-1 to TOP-4).

use crate::text_enum::text_enum;

text_enum! {
    /// A state of metadata, and what instances see of it.
    Environment, "environment", {
        /// Being made; usable by test instances of its own project.
        Design = "design",
        /// Approved for tests.
        Test = "test",
        /// Approved for production.
        Production = "production",
    }
}

impl Environment {
    /// The environment that must have a thing before this one can.
    pub const fn before(self) -> Option<Self> {
        match self {
            Self::Design => None,
            Self::Test => Some(Self::Design),
            Self::Production => Some(Self::Test),
        }
    }
}
