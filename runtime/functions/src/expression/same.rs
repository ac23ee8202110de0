//! Whether two expressions are written the same.

use super::Expr;

impl Expr {
    /// Whether two expressions are the same but for where they stand: the same columns, constants and calls. What is not
    /// deterministic counts as the same too.
    pub fn is_same(&self, other: &Self) -> bool {
        let own = match (self, other) {
            (Self::Column { index: a, .. }, Self::Column { index: b, .. }) => a == b,
            (Self::Literal { value: a, typed: s, .. }, Self::Literal { value: b, typed: t, .. }) => s == t && a == b,
            (Self::Call { function: f, .. }, Self::Call { function: g, .. }) => f.name() == g.name(),
            (Self::Cast { target: a, is_try: p, .. }, Self::Cast { target: b, is_try: q, .. }) => a == b && p == q,
            (Self::Case { branches: a, .. }, Self::Case { branches: b, .. }) => a.len() == b.len(),
            (Self::Coalesce { .. }, Self::Coalesce { .. }) | (Self::And(_), Self::And(_)) | (Self::Or(_), Self::Or(_)) => true,
            _ => false,
        };
        let (parts, others) = (self.children(), other.children());
        own && self.typed() == other.typed() && parts.len() == others.len() && parts.iter().zip(others).all(|(a, b)| a.is_same(b))
    }
}
