//! What a palette shows of versions of plugins and functions (EXT-7): icon, form of the parameters, documentation.
//!
//! Invariant: icon and documentation lie with the tenant's other contents, so that they are kept once, counted, and gone with
//! the last version that has them.

use crate::{Content, Store, StoreError, blob::NewUse, row, transaction::Transaction};
use millrace_domain::{
    icon::IconFormat,
    presentation::{GivenPresentation, Part, summary},
};
use millrace_model::ids::TenantId;
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;

/// Columns of a presentation beside those of a version, under the alias `s`.
macro_rules! presentation_columns {
    () => {
        "s.icon_hash AS icon_hash, s.icon_format AS icon_format, s.parameters AS parameters, \
         s.documentation_hash AS documentation_hash, COALESCE(s.summary, '') AS summary"
    };
}
pub(crate) use presentation_columns;

/// What is shown of a version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Presentation {
    /// Its icon.
    pub icon: Option<KeptIcon>,
    /// JSON Schema of its parameters, as it was written.
    pub parameters: Option<String>,
    /// SHA-256 of its documentation, in hex.
    pub documentation_hash: Option<String>,
    /// The first paragraph of the documentation, or nothing.
    pub summary: String,
}

/// An icon among the tenant's contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptIcon {
    /// SHA-256 of its bytes, in hex.
    pub content_hash: String,
    /// Its format.
    pub format: IconFormat,
}

impl Presentation {
    /// The presentation that `given` makes of this one.
    pub(crate) fn with(&self, given: &GivenPresentation) -> Self {
        let icon = match &given.icon {
            Part::Kept => self.icon.clone(),
            Part::Gone => None,
            Part::Given(icon) => Some(KeptIcon { content_hash: hash(&icon.bytes), format: icon.format }),
        };
        let parameters = match &given.parameters {
            Part::Kept => self.parameters.clone(),
            Part::Gone => None,
            Part::Given(text) => Some(text.clone()),
        };
        let (documentation_hash, summary) = match &given.documentation {
            Part::Kept => (self.documentation_hash.clone(), self.summary.clone()),
            Part::Gone => (None, String::new()),
            Part::Given(text) => (Some(hash(text.as_bytes())), summary(text)),
        };
        Self { icon, parameters, documentation_hash, summary }
    }

    fn hashes(&self) -> impl Iterator<Item = &String> {
        self.icon.iter().map(|icon| &icon.content_hash).chain(&self.documentation_hash)
    }
}

impl Store {
    /// Keeps what is shown of a version; `user` is that version.
    pub(crate) async fn put_presentation(
        &self,
        tx: &mut Transaction,
        user: &NewUse<'_>,
        presentation: &Presentation,
        given: &GivenPresentation,
    ) -> Result<(), StoreError> {
        if *presentation == Presentation::default() {
            return Ok(());
        }
        let mut contents = Vec::new();
        if let Part::Given(icon) = &given.icon {
            contents.push(icon.bytes.as_slice());
        }
        if let Part::Given(text) = &given.documentation {
            contents.push(text.as_bytes());
        }
        for mut bytes in contents {
            let content = Content { hash: hash(bytes), size_bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX), bytes: &mut bytes };
            self.put_content(tx, (user.tenant, user.project), content).await?;
        }
        sqlx::query(
            "INSERT INTO presentations (version_id, tenant_id, icon_hash, icon_format, parameters, documentation_hash, summary) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(user.id)
        .bind(user.tenant.as_str())
        .bind(presentation.icon.as_ref().map(|icon| icon.content_hash.clone()))
        .bind(presentation.icon.as_ref().map(|icon| icon.format.as_str().to_owned()))
        .bind(presentation.parameters.clone())
        .bind(presentation.documentation_hash.clone())
        .bind(presentation.summary.as_str())
        .execute(&mut **tx)
        .await?;
        for content_hash in presentation.hashes() {
            self.note_use(tx, user, content_hash).await?;
        }
        Ok(())
    }

    /// What is shown of a version that this presentation is of: the bytes of its icon.
    ///
    /// # Errors
    /// It has none, or the database fails.
    pub async fn icon(&self, tenant: &TenantId, presentation: &Presentation) -> Result<(KeptIcon, Vec<u8>), StoreError> {
        let icon = presentation.icon.clone().ok_or_else(|| StoreError::not_found("icon", "of this version"))?;
        let bytes = self.component(tenant, &icon.content_hash).await?;
        Ok((icon, bytes))
    }

    /// The documentation of a version.
    ///
    /// # Errors
    /// It has none, or the database fails.
    pub async fn documentation(&self, tenant: &TenantId, presentation: &Presentation) -> Result<String, StoreError> {
        let hash = presentation.documentation_hash.as_ref();
        let hash = hash.ok_or_else(|| StoreError::not_found("documentation", "of this version"))?;
        let bytes = self.component(tenant, hash).await?;
        String::from_utf8(bytes).map_err(|_| StoreError::Corrupt(format!("documentation {hash} is no text")))
    }
}

/// Removes what is shown of versions that go; answers its contents.
pub(crate) async fn remove_presentations(tx: &mut Transaction, tenant: &TenantId, versions: &[String]) -> Result<Vec<String>, StoreError> {
    let mut contents = Vec::new();
    for version in versions {
        let removed =
            sqlx::query("DELETE FROM presentations WHERE tenant_id = $1 AND version_id = $2 RETURNING icon_hash, documentation_hash")
                .bind(tenant.as_str())
                .bind(version.as_str())
                .fetch_optional(&mut **tx)
                .await?;
        if let Some(removed) = removed {
            contents.extend(row::text_or_none(&removed, "icon_hash")?);
            contents.extend(row::text_or_none(&removed, "documentation_hash")?);
        }
    }
    Ok(contents)
}

/// The presentation in a row that has [`presentation_columns`].
pub(crate) fn presentation(found: &AnyRow) -> Result<Presentation, StoreError> {
    let icon = match row::text_or_none(found, "icon_hash")? {
        Some(content_hash) => Some(KeptIcon { content_hash, format: row::word(found, "icon_format")? }),
        None => None,
    };
    Ok(Presentation {
        icon,
        parameters: row::text_or_none(found, "parameters")?,
        documentation_hash: row::text_or_none(found, "documentation_hash")?,
        summary: row::text(found, "summary")?,
    })
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
