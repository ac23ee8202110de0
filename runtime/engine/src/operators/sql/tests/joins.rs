//! Queries over two tables that between them keep every kind of state of operators with two inputs.

use millrace_sql::plan::ChangelogMode;

const INSERTS: [ChangelogMode; 2] = [ChangelogMode::INSERT_ONLY; 2];
const UPDATES: [ChangelogMode; 2] = [ChangelogMode::ALL; 2];

/// Name, query, how `t` and `u` change.
pub(super) const JOINS: &[(&str, &str, [ChangelogMode; 2])] = &[
    ("join-inner", "SELECT t.k, t.i, t.a, u.n, u.r FROM t JOIN u ON t.k = u.k AND t.i <= u.i", INSERTS),
    ("join-inner-updating", "SELECT t.k, t.i, t.a, u.n, u.r FROM t JOIN u ON t.k = u.k", UPDATES),
    ("join-left-updating", "SELECT t.k, t.i, t.r, u.n, u.d FROM t LEFT JOIN u ON t.k = u.k AND t.n <= u.n", UPDATES),
    (
        "join-full-of-keys",
        "SELECT x.k, b, c, y.k AS other, m FROM (SELECT k, b, COUNT(*) AS c FROM t GROUP BY k, b) AS x FULL JOIN (SELECT k, MAX(i) AS m FROM u GROUP BY k) AS y ON x.k = y.k",
        INSERTS,
    ),
    (
        "join-right-upserts",
        "SELECT t.k, t.m, u.k AS other, u.a FROM t RIGHT JOIN u ON t.k = u.k",
        [ChangelogMode::INSERT_ONLY, ChangelogMode::UPSERT],
    ),
    ("join-semi", "SELECT k, i, a FROM t WHERE k IN (SELECT k FROM u)", UPDATES),
    ("join-anti", "SELECT k, i, r FROM t WHERE NOT EXISTS (SELECT * FROM u WHERE u.k = t.k AND u.i > t.i)", UPDATES),
    (
        "join-time-to-live",
        "SET 'table.exec.state.ttl' = '1 h';\nSELECT t.k, t.i, u.k AS other, u.n FROM t FULL JOIN u ON t.k = u.k AND t.b = u.b",
        UPDATES,
    ),
    (
        "join-keys-of-all-types",
        "SELECT t.k, u.a FROM t JOIN u ON t.k = u.k AND t.i = u.i AND t.n = u.n AND t.d = u.d AND t.m = u.m AND t.b = u.b AND t.y = u.y",
        UPDATES,
    ),
    ("join-without-key", "SELECT t.k, u.i, u.a FROM t JOIN u ON t.i < u.i", INSERTS),
    (
        "join-windows",
        "SELECT l.k, l.a, r.n, l.window_end FROM (SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND))) AS l \
         FULL JOIN (SELECT * FROM TABLE(TUMBLE(TABLE u, DESCRIPTOR(ts), INTERVAL '10' SECOND))) AS r \
         ON l.k = r.k AND l.window_start = r.window_start AND l.window_end = r.window_end",
        INSERTS,
    ),
    (
        "join-interval",
        "SELECT t.k, t.a, u.r, u.ts FROM t JOIN u ON t.k = u.k AND t.ts BETWEEN u.ts - INTERVAL '20' SECOND AND u.ts + INTERVAL '5' SECOND",
        INSERTS,
    ),
    (
        "join-interval-full",
        "SELECT t.k, t.m, u.i, u.y FROM t FULL JOIN u ON t.k = u.k AND t.i <= u.i AND t.ts BETWEEN u.ts AND u.ts + INTERVAL '1' HOUR",
        INSERTS,
    ),
    (
        "join-versions",
        "SELECT t.k, t.i, t.a, u.n, u.r FROM t LEFT JOIN u FOR SYSTEM_TIME AS OF t.ts ON t.k = u.k",
        [ChangelogMode::INSERT_ONLY, ChangelogMode::UPSERT],
    ),
    (
        "join-versions-time-to-live",
        "SET 'table.exec.state.ttl' = '1 h';\nSELECT t.k, t.d, u.y FROM t JOIN u FOR SYSTEM_TIME AS OF t.ts ON t.k = u.k AND t.i <= u.i",
        [ChangelogMode::INSERT_ONLY, ChangelogMode::UPSERT],
    ),
];
