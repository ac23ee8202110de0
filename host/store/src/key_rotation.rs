//! Which key seals, and how another one takes over (SRC-3).
//!
//! A rotation makes a new key, stores it sealed with the old one so that all servers of this metadata learn of it, seals
//! everything anew, and then takes the old key out of use. It can stop anywhere and be resumed.
//!
//! Invariants: until everything is sealed anew both keys open; when the rotation has ended, the old key opens nothing that
//! is stored, the new key itself included. Whoever seals holds the active key's row in their transaction
//! ([`Store::hold_key`]), so that nothing is sealed with a key that has been replaced.

use crate::{
    Cause, SecretKey, Store, StoreError,
    audit::done_on_platform,
    capability,
    data_source::{Place, Properties, row_scope},
    identity_provider, row,
    transaction::Transaction,
};
use millrace_domain::{Action, Environment, capability::PluginCapabilities};
use millrace_model::ids::{DataSourceId, PluginId};
use serde_json::json;
use sqlx::{AssertSqlSafe, any::AnyRow};

/// Rows that are sealed anew in one transaction.
const BATCH_ROWS: i64 = 100;
/// A server that was seen within this time must hold the new key before the old one goes.
const SEEN_MAX_MS: i64 = 60_000;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It seals.
    Active,
    /// It opens what is not sealed anew yet.
    Retiring,
    /// It opens nothing any more.
    Retired,
}

impl KeyState {
    /// As a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }
}

/// A key, as far as anybody may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyView {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub state: KeyState,
    /// Made at, in milliseconds since the epoch.
    pub created_at_ms: i64,
    /// Out of use since.
    pub retired_at_ms: Option<i64>,
}

/// How far a rotation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// Id of the new key.
    pub key: String,
    /// Secrets that this call has sealed anew.
    pub resealed: u64,
    /// Whether the old key is out of use.
    pub done: bool,
    /// Servers that must learn of the new key first.
    pub waiting_for: Vec<String>,
}

/// A column's text with every secret sealed with the active key, and how many there are.
type Reseal = fn(&Store, &AnyRow, &str) -> Result<(String, u64), StoreError>;

/// A table with sealed texts. A new one adds its line to [`SEALED`].
struct SealedTable {
    name: &'static str,
    /// Columns that tell its rows apart.
    key: &'static [&'static str],
    /// The column that holds sealed texts.
    column: &'static str,
    reseal: Reseal,
}

const SEALED: &[SealedTable] = &[
    SealedTable { name: "data_sources", key: &["id"], column: "secrets", reseal: reseal_data_source },
    SealedTable { name: "data_source_bindings", key: &["data_source_id", "environment"], column: "secrets", reseal: reseal_binding },
    SealedTable { name: "plugin_capabilities", key: &["plugin_id"], column: "capabilities", reseal: reseal_capabilities },
    SealedTable { name: "identity_providers", key: &["id"], column: "client_secret", reseal: reseal_provider },
    SealedTable { name: "sign_in_flows", key: &["state_hash"], column: "verifier", reseal: reseal_flow },
];

fn reseal_data_source(store: &Store, found: &AnyRow, text: &str) -> Result<(String, u64), StoreError> {
    let id = DataSourceId::new(row::text(found, "id")?);
    store.resealed_properties(&Place { scope: &row_scope(found)?, id: &id, environment: Environment::Test }, text)
}

fn reseal_binding(store: &Store, found: &AnyRow, text: &str) -> Result<(String, u64), StoreError> {
    let id = DataSourceId::new(row::text(found, "data_source_id")?);
    store.resealed_properties(&Place { scope: &row_scope(found)?, id: &id, environment: row::word(found, "environment")? }, text)
}

fn reseal_capabilities(store: &Store, found: &AnyRow, text: &str) -> Result<(String, u64), StoreError> {
    let (scope, plugin) = (row_scope(found)?, PluginId::new(row::text(found, "plugin_id")?));
    let mut capabilities: PluginCapabilities = row::from_json(text, "capabilities")?;
    for (name, value) in &mut capabilities.secrets {
        *value = store.resealed(&capability::place(&scope, &plugin, name), value)?;
    }
    Ok((row::to_json(&capabilities)?, capabilities.secrets.len() as u64))
}

fn reseal_provider(store: &Store, found: &AnyRow, text: &str) -> Result<(String, u64), StoreError> {
    Ok((store.resealed(&identity_provider::place(&row::text(found, "id")?), text)?, 1))
}

fn reseal_flow(store: &Store, found: &AnyRow, text: &str) -> Result<(String, u64), StoreError> {
    Ok((store.resealed(&identity_provider::place(&row::text(found, "provider_id")?), text)?, 1))
}

impl Store {
    /// Opens a secret, learning of a new key if there is one.
    pub(crate) async fn open_secret(&self, place: &str, sealed: &str) -> Result<String, StoreError> {
        match self.key.open(place, sealed) {
            Err(StoreError::Undecryptable(_)) => {
                self.learn().await?;
                self.key.open(place, sealed)
            }
            opened => opened,
        }
    }

    /// Makes sure that what is sealed in this transaction is sealed with the active key: a rotation waits for its end.
    pub(crate) async fn hold_key(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        for _ in 0..2 {
            let held = sqlx::query("UPDATE secret_keys SET holds = holds + 1 WHERE id = $1 AND state = 'active'")
                .bind(self.key.active_id())
                .execute(&mut **tx)
                .await?;
            if held.rows_affected() == 1 {
                return Ok(());
            }
            let active = sqlx::query("SELECT * FROM secret_keys WHERE state = 'active'").fetch_optional(&mut **tx).await?;
            self.take_over(active.as_ref())?;
        }
        let own = self.key.active_id();
        Err(StoreError::UnknownKey { active: own.clone(), own })
    }

    /// At the start: the first server's key becomes the active one; a key that took over meanwhile is learned; a key that
    /// the operator has put in front takes over.
    pub(crate) async fn adopt_keys(&self) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let active = sqlx::query("SELECT * FROM secret_keys WHERE state = 'active'").fetch_optional(&mut *tx).await?;
        let Some(active) = active else {
            sqlx::query(
                "INSERT INTO secret_keys (id, state, wrapped, created_at_ms, holds) VALUES ($1, 'active', '', $2, 0) ON CONFLICT (id) DO NOTHING",
            )
            .bind(self.key.active_id())
            .bind(self.now_ms())
            .execute(&mut *tx)
            .await?;
            return Ok(tx.commit().await?);
        };
        let id = row::text(&active, "id")?;
        if id != self.key.active_id() && self.key.holds(&id) {
            let new = self.key.keys().into_iter().next();
            let new = new.ok_or_else(|| StoreError::Corrupt("there is no key to seal with".into()))?;
            self.replace_active(&mut tx, &id, &new).await?;
            return Ok(tx.commit().await?);
        }
        drop(tx);
        if let Err(error) = self.take_over(Some(&active)) {
            // What is not secret can be looked at all the same; until it has the key it is not ready and runs nothing.
            tracing::error!(%error, "secrets cannot be opened here");
        }
        Ok(())
    }

    /// Learns of a new key, forgets old ones that are out of use, and says which key this server has.
    ///
    /// # Errors
    /// The key is not known here, or the database fails.
    pub async fn refresh_keys(&self, worker: &str) -> Result<(), StoreError> {
        self.learn().await?;
        let retiring = sqlx::query("SELECT id FROM secret_keys WHERE state = 'retiring'").fetch_optional(&self.pool).await?;
        if retiring.is_none() && self.key.forget_former() {
            self.keep()?;
        }
        sqlx::query(
            "INSERT INTO secret_key_holders (worker, key_id, seen_at_ms) VALUES ($1, $2, $3) \
             ON CONFLICT (worker) DO UPDATE SET key_id = excluded.key_id, seen_at_ms = excluded.seen_at_ms",
        )
        .bind(worker)
        .bind(self.key.active_id())
        .bind(self.now_ms())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Makes sure that secrets can be opened and sealed here, learning of a new key if there is one.
    ///
    /// # Errors
    /// [`StoreError::UnknownKey`] if they cannot, or the database fails.
    pub async fn check_key(&self) -> Result<(), StoreError> {
        self.learn().await
    }

    async fn learn(&self) -> Result<(), StoreError> {
        let active = sqlx::query("SELECT * FROM secret_keys WHERE state = 'active'").fetch_optional(&self.pool).await?;
        self.take_over(active.as_ref())
    }

    /// Seals with the key in this row from now on; it may lie there sealed with one that is known here.
    fn take_over(&self, active: Option<&AnyRow>) -> Result<(), StoreError> {
        let Some(active) = active else { return Ok(()) };
        let (id, wrapped) = (row::text(active, "id")?, row::text(active, "wrapped")?);
        if id == self.key.active_id() {
            return Ok(());
        }
        let unknown = |_| StoreError::UnknownKey { active: id.clone(), own: self.key.active_id() };
        let clear = self.key.open(&wrapped_place(&id), &wrapped).map_err(unknown)?;
        let mut bytes = [0u8; 32];
        hex::decode_to_slice(clear, &mut bytes).map_err(|_| StoreError::Corrupt("a key is not 64 hex digits".into()))?;
        self.key.promote(SecretKey::new(&bytes));
        self.keep()
    }

    fn keep(&self) -> Result<(), StoreError> {
        self.keeper.keep(&self.key.keys()).map_err(StoreError::Unreadable)
    }

    /// The keys that there were, the newest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn secret_keys(&self) -> Result<Vec<KeyView>, StoreError> {
        let rows = sqlx::query("SELECT * FROM secret_keys ORDER BY created_at_ms DESC, state, id LIMIT 200").fetch_all(&self.pool).await?;
        rows.iter().map(view).collect()
    }

    /// Goes on with the rotation that is under way, or begins one; does as much as it can without waiting.
    ///
    /// # Errors
    /// The keys are not this server's to change, a secret cannot be opened (nothing is lost: the old key stays), or the
    /// database fails.
    pub async fn rotate_keys(&self, cause: &Cause) -> Result<Rotation, StoreError> {
        let key = self.begin_rotation(cause).await?;
        let mut resealed = 0;
        while let Some(count) = self.reseal_some().await? {
            resealed += count;
        }
        let waiting_for = self.end_rotation(cause, &key).await?;
        Ok(Rotation { key, resealed, done: waiting_for.is_empty(), waiting_for })
    }

    /// Makes a new key active, unless a rotation is under way already; answers the id of the active key.
    pub(crate) async fn begin_rotation(&self, cause: &Cause) -> Result<String, StoreError> {
        let mut tx = self.begin().await?;
        self.hold_key(&mut tx).await?;
        let old = self.key.active_id();
        // One that the operator has begun, with a key of theirs, is carried on too.
        if sqlx::query("SELECT id FROM secret_keys WHERE state = 'retiring'").fetch_optional(&mut *tx).await?.is_some() {
            tx.commit().await?;
            return Ok(old);
        }
        self.keeper.is_writable().map_err(|message| StoreError::Conflict { code: "keys.not_ours", message })?;
        let new = SecretKey::generate();
        self.replace_active(&mut tx, &old, &new).await?;
        let detail = json!({"old": old, "new": new.id()});
        self.audit(&mut tx, cause, done_on_platform(Action::KeyRotate, new.id(), detail)).await?;
        tx.commit().await?;
        let id = new.id().to_owned();
        self.key.promote(new);
        // A crash before this loses nothing: the new key lies in the database, sealed with the old one.
        self.keep()?;
        Ok(id)
    }

    async fn replace_active(&self, tx: &mut Transaction, old: &str, new: &SecretKey) -> Result<(), StoreError> {
        let sealing = self.key.keys().into_iter().find(|k| k.id() == old).ok_or_else(|| unknown_key(old))?;
        let wrapped = sealing.seal(&wrapped_place(new.id()), &hex::encode(new.reveal()))?;
        sqlx::query("UPDATE secret_keys SET state = 'retiring' WHERE state = 'active'").execute(&mut **tx).await?;
        sqlx::query(
            "INSERT INTO secret_keys (id, state, wrapped, created_at_ms, holds) VALUES ($1, 'active', $2, $3, 0) \
             ON CONFLICT (id) DO UPDATE SET state = 'active', wrapped = excluded.wrapped, retired_at_ms = NULL",
        )
        .bind(new.id())
        .bind(wrapped)
        .bind(self.now_ms())
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// Seals some secrets anew; answers how many, or nothing when all are.
    pub(crate) async fn reseal_some(&self) -> Result<Option<u64>, StoreError> {
        for table in SEALED {
            let mut tx = self.begin().await?;
            self.hold_key(&mut tx).await?;
            let rows = self.old_rows(&mut tx, table, BATCH_ROWS).await?;
            let mut count = 0;
            for found in &rows {
                let text = row::text(found, table.column)?;
                let (new, secrets) = (table.reseal)(self, found, &text)?;
                count += secrets;
                let keys: String = (3..).zip(table.key).map(|(n, key)| format!(" AND {key} = ${n}")).collect();
                // Names of tables and columns are constants of this file. Who has changed the row meanwhile has sealed it anew.
                let sql = format!("UPDATE {} SET {} = $1 WHERE {} = $2{keys}", table.name, table.column, table.column);
                let mut query = sqlx::query(AssertSqlSafe(sql)).bind(new).bind(text);
                for key in table.key {
                    query = query.bind(row::text(found, key)?);
                }
                query.execute(&mut *tx).await?;
            }
            tx.commit().await?;
            if !rows.is_empty() {
                return Ok(Some(count));
            }
        }
        Ok(None)
    }

    /// Rows with secrets that are not sealed with the active key.
    async fn old_rows(&self, tx: &mut Transaction, table: &SealedTable, limit: i64) -> Result<Vec<AnyRow>, StoreError> {
        let former: Vec<String> = sqlx::query("SELECT id FROM secret_keys WHERE state <> 'active'")
            .fetch_all(&mut **tx)
            .await?
            .iter()
            .map(|r| row::text(r, "id"))
            .collect::<Result<_, _>>()?;
        // Sealed texts stand alone, or in JSON behind a quotation mark; ids are hex digits.
        let forms = std::iter::once("v1:".to_owned()).chain(former.iter().map(|id| format!("v2:{id}:")));
        let column = table.column;
        let like: Vec<String> = forms.map(|form| format!("{column} LIKE '{form}%' OR {column} LIKE '%\"{form}%'")).collect();
        let sql = format!("SELECT * FROM {} WHERE {} LIMIT {limit}", table.name, like.join(" OR "));
        Ok(sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut **tx).await?)
    }

    /// Takes the old key out of use; answers the servers that do not hold the new one yet, and then changes nothing.
    pub(crate) async fn end_rotation(&self, cause: &Cause, key: &str) -> Result<Vec<String>, StoreError> {
        let mut tx = self.begin().await?;
        self.hold_key(&mut tx).await?;
        let behind = sqlx::query("SELECT worker FROM secret_key_holders WHERE key_id <> $1 AND seen_at_ms > $2 ORDER BY worker LIMIT 100")
            .bind(key)
            .bind(self.now_ms() - SEEN_MAX_MS)
            .fetch_all(&mut *tx)
            .await?;
        if !behind.is_empty() {
            return behind.iter().map(|r| row::text(r, "worker")).collect();
        }
        for table in SEALED {
            if !self.old_rows(&mut tx, table, 1).await?.is_empty() {
                return Err(StoreError::Corrupt(format!("`{}` has secrets that are not sealed anew; rotate again", table.name)));
            }
        }
        let retired = sqlx::query("UPDATE secret_keys SET state = 'retired', wrapped = '', retired_at_ms = $1 WHERE state = 'retiring'")
            .bind(self.now_ms())
            .execute(&mut *tx)
            .await?;
        sqlx::query("UPDATE secret_keys SET wrapped = '' WHERE id = $1").bind(key).execute(&mut *tx).await?;
        if retired.rows_affected() > 0 {
            self.audit(&mut tx, cause, done_on_platform(Action::KeyRotate, key, json!({"done": true}))).await?;
        }
        tx.commit().await?;
        self.key.forget_former();
        self.keep()?;
        Ok(Vec::new())
    }

    fn resealed_properties(&self, place: &Place<'_>, text: &str) -> Result<(String, u64), StoreError> {
        let mut secrets: Properties = row::from_json(text, "secrets")?;
        for (name, value) in &mut secrets {
            *value = self.resealed(&place.of(name), value)?;
        }
        Ok((row::to_json(&secrets)?, secrets.len() as u64))
    }

    fn resealed(&self, place: &str, sealed: &str) -> Result<String, StoreError> {
        self.key.seal(place, &self.key.open(place, sealed)?)
    }
}

/// What a key that is stored sealed is bound to.
fn wrapped_place(id: &str) -> String {
    format!("secret_keys/{id}")
}

fn unknown_key(id: &str) -> StoreError {
    StoreError::Undecryptable(format!("everything (key {id})"))
}

fn view(found: &AnyRow) -> Result<KeyView, StoreError> {
    let state = match row::text(found, "state")?.as_str() {
        "active" => KeyState::Active,
        "retiring" => KeyState::Retiring,
        "retired" => KeyState::Retired,
        other => return Err(StoreError::Corrupt(format!("column state: `{other}`"))),
    };
    Ok(KeyView {
        id: row::text(found, "id")?,
        state,
        created_at_ms: row::integer(found, "created_at_ms")?,
        retired_at_ms: row::integer_or_none(found, "retired_at_ms")?,
    })
}
