"""The catalogue's tables (architecture.md section 5, reliability.md sections 2.2 and 2.6).

Times are seconds since the epoch (``_utc_s``) or camera seconds within a session (``_s``). JSON columns hold canonical
JSON. A migration that was released is never edited: its digest is recorded in every catalogue.
"""

from __future__ import annotations

from storage.migrations import Migration
from storage.schema_audit import CHAIN
from storage.schema_cameras import CAMERAS
from storage.schema_erasure import ERASURE
from storage.schema_jobs import MESSAGE_FORMS
from storage.schema_keys import KEYS
from storage.schema_labels import SECOND_LABELS
from storage.schema_lanes import LANES
from storage.schema_people import PEOPLE
from storage.schema_policy import POLICIES
from storage.schema_qualification import QUALIFICATIONS, SHADOW, SHIFT_CHECKS
from storage.schema_shadow_run import SHADOW_RUN
from storage.schema_verdicts import TRUSTED_TIMES

_PEOPLE = (
    """
    CREATE TABLE subjects (
        id TEXT PRIMARY KEY CHECK (id <> ''),
        pseudonym TEXT NOT NULL,
        collection TEXT NOT NULL DEFAULT '',
        state TEXT NOT NULL DEFAULT 'active',
        notes TEXT NOT NULL DEFAULT '',
        created_utc_s REAL NOT NULL,
        UNIQUE (collection, pseudonym)
    ) STRICT
    """,
    """
    CREATE TABLE consents (
        id TEXT PRIMARY KEY,
        subject TEXT NOT NULL REFERENCES subjects (id),
        basis TEXT NOT NULL CHECK (basis IN ('explicit_consent', 'law', 'contract', 'published')),
        purposes TEXT NOT NULL,
        reference TEXT NOT NULL DEFAULT '',
        notice_version_sha256 TEXT NOT NULL DEFAULT '',
        signed_utc_s REAL,
        signer_method TEXT NOT NULL DEFAULT '',
        language TEXT NOT NULL DEFAULT '',
        term_end_utc_s REAL,
        withdrawn_utc_s REAL,
        withdrawn_by TEXT NOT NULL DEFAULT '',
        guardian TEXT NOT NULL DEFAULT '',
        collection_site TEXT NOT NULL DEFAULT '',
        operator TEXT NOT NULL DEFAULT '',
        created_utc_s REAL NOT NULL
    ) STRICT
    """,
    "CREATE INDEX consents_subject ON consents (subject)",
    # One data key per subject, wrapped by the site key: the rows come with encryption, payloads name their codec.
    """
    CREATE TABLE keys (
        id TEXT PRIMARY KEY,
        subject TEXT REFERENCES subjects (id),
        algorithm TEXT NOT NULL,
        wrapped BLOB,
        created_utc_s REAL NOT NULL,
        destroyed_utc_s REAL
    ) STRICT
    """,
)

_SESSIONS = (
    """
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL DEFAULT '',
        purpose TEXT NOT NULL,
        mode TEXT NOT NULL CHECK (mode IN ('frames', 'decisions')),
        source_kind TEXT NOT NULL,
        state TEXT NOT NULL,
        subject TEXT REFERENCES subjects (id),
        consent TEXT REFERENCES consents (id),
        basis TEXT NOT NULL CHECK (basis IN ('decisions_only', 'no_person', 'consent')),
        key TEXT REFERENCES keys (id),
        device TEXT NOT NULL DEFAULT '{}',
        settings TEXT NOT NULL DEFAULT '{}',
        profiles TEXT NOT NULL DEFAULT '{}',
        calibration_sha256 TEXT NOT NULL DEFAULT '',
        created_utc_s REAL NOT NULL,
        closed_utc_s REAL,
        camera_s REAL NOT NULL DEFAULT 0,
        recorded INTEGER NOT NULL DEFAULT 0,
        dropped_capture INTEGER NOT NULL DEFAULT 0,
        dropped_recorder INTEGER NOT NULL DEFAULT 0,
        skew_ms TEXT NOT NULL DEFAULT '{}',
        problem TEXT NOT NULL DEFAULT '',
        CHECK (mode = 'decisions' OR basis <> 'decisions_only'),
        CHECK (basis <> 'consent' OR (consent IS NOT NULL AND subject IS NOT NULL)),
        CHECK (basis <> 'no_person' OR source_kind <> 'live')
    ) STRICT
    """,
    "CREATE INDEX sessions_created ON sessions (created_utc_s, id)",
    "CREATE INDEX sessions_name ON sessions (name, id)",
    "CREATE INDEX sessions_recorded ON sessions (recorded, id)",
    "CREATE INDEX sessions_subject ON sessions (subject, created_utc_s, id)",
    "CREATE INDEX sessions_purpose ON sessions (purpose, created_utc_s, id)",
    "CREATE INDEX sessions_source_kind ON sessions (source_kind, created_utc_s, id)",
    "CREATE INDEX sessions_state ON sessions (state, created_utc_s, id)",
    """
    CREATE TABLE artefacts (
        id TEXT PRIMARY KEY,
        species TEXT NOT NULL CHECK (species <> ''),
        name TEXT NOT NULL,
        maker TEXT NOT NULL DEFAULT '',
        photo TEXT NOT NULL DEFAULT '',
        notes TEXT NOT NULL DEFAULT '',
        created_utc_s REAL NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE presentations (
        id TEXT PRIMARY KEY,
        session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        name TEXT NOT NULL DEFAULT '',
        subject TEXT REFERENCES subjects (id),
        species TEXT,
        artefact TEXT REFERENCES artefacts (id),
        condition TEXT NOT NULL DEFAULT '',
        label_source TEXT NOT NULL DEFAULT '',
        split TEXT NOT NULL DEFAULT '',
        state TEXT NOT NULL CHECK (state IN ('open', 'closed', 'cut_off', 'discarded')),
        first_set INTEGER NOT NULL DEFAULT 0,
        last_set INTEGER NOT NULL DEFAULT 0,
        start_s REAL NOT NULL DEFAULT 0,
        end_s REAL,
        created_utc_s REAL NOT NULL,
        UNIQUE (session, number)
    ) STRICT
    """,
    "CREATE INDEX presentations_subject ON presentations (subject)",
    "CREATE INDEX presentations_state ON presentations (state) WHERE state = 'open'",
)

_VERDICTS = (
    """
    CREATE TABLE verdicts (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        committed_utc_s REAL NOT NULL,
        session TEXT REFERENCES sessions (id),
        presentation TEXT REFERENCES presentations (id),
        source_kind TEXT NOT NULL,
        t_s REAL NOT NULL,
        outcome TEXT NOT NULL,
        reason TEXT NOT NULL,
        mask TEXT NOT NULL,
        score REAL,
        threshold REAL,
        rule TEXT NOT NULL,
        model TEXT NOT NULL,
        duration_ms REAL NOT NULL,
        trace TEXT NOT NULL,
        operator_outcome TEXT NOT NULL DEFAULT '',
        operator_reason TEXT NOT NULL DEFAULT '',
        operator TEXT NOT NULL DEFAULT '',
        operator_utc_s REAL
    ) STRICT
    """,
    "CREATE INDEX verdicts_session ON verdicts (session, id)",
    "CREATE INDEX verdicts_presentation ON verdicts (presentation)",
    "CREATE INDEX verdicts_outcome ON verdicts (outcome, id)",
    "CREATE INDEX verdicts_source_kind ON verdicts (source_kind, id)",
    "CREATE INDEX verdicts_score ON verdicts (score, id)",
    "CREATE INDEX verdicts_session_score ON verdicts (session, score, id)",
    "CREATE INDEX verdicts_outcome_score ON verdicts (outcome, score, id)",
    "CREATE INDEX verdicts_source_kind_score ON verdicts (source_kind, score, id)",
    "CREATE INDEX verdicts_model ON verdicts (model, id)",
)

_MODELS = (
    """
    CREATE TABLE models (
        sha256 TEXT PRIMARY KEY CHECK (length(sha256) = 64),
        name TEXT NOT NULL UNIQUE,
        path TEXT NOT NULL,
        origin TEXT NOT NULL CHECK (origin IN ('factory', 'training', 'adaptation', 'foreign')),
        parent TEXT NOT NULL DEFAULT '',
        architecture TEXT NOT NULL DEFAULT '',
        job TEXT NOT NULL DEFAULT '',
        manifest TEXT NOT NULL,
        manifest_sha256 TEXT NOT NULL,
        signature BLOB,
        added_utc_s REAL NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE aliases (
        alias TEXT PRIMARY KEY CHECK (alias IN ('factory', 'champion', 'candidate', 'previous')),
        sha256 TEXT NOT NULL REFERENCES models (sha256),
        since_utc_s REAL NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE deployments (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        utc_s REAL NOT NULL,
        action TEXT NOT NULL CHECK (action IN ('install', 'promote', 'rollback')),
        sha256 TEXT NOT NULL REFERENCES models (sha256),
        replaced TEXT NOT NULL DEFAULT '',
        actor TEXT NOT NULL,
        reason TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE jobs (
        id TEXT PRIMARY KEY,
        number INTEGER NOT NULL UNIQUE,
        state TEXT NOT NULL,
        plan TEXT NOT NULL,
        plan_sha256 TEXT NOT NULL,
        progress REAL NOT NULL DEFAULT 0,
        message TEXT NOT NULL DEFAULT '',
        candidate TEXT NOT NULL DEFAULT '',
        report TEXT NOT NULL DEFAULT '',
        command TEXT NOT NULL DEFAULT '',
        pid INTEGER NOT NULL DEFAULT 0,
        created_utc_s REAL NOT NULL,
        updated_utc_s REAL NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE job_events (
        job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        step INTEGER NOT NULL,
        "values" TEXT NOT NULL,
        PRIMARY KEY (job, step)
    ) STRICT, WITHOUT ROWID
    """,
)

AUDIT_GUARDS = {
    "audit_is_never_changed": """
    CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
    """,
    "audit_is_never_shortened": """
    CREATE TRIGGER audit_is_never_shortened BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
    """,
}
"""The triggers that refuse changes of the audit log, by name."""

_AUDIT = (
    """
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        utc_s REAL NOT NULL,
        actor TEXT NOT NULL,
        action TEXT NOT NULL,
        object_kind TEXT NOT NULL,
        object TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        details TEXT NOT NULL DEFAULT '{}',
        previous_hash BLOB,
        entry_hash BLOB,
        key TEXT REFERENCES keys (id)
    ) STRICT
    """,
    "CREATE INDEX audit_object ON audit (object_kind, object, id)",
    "CREATE INDEX audit_action ON audit (action, id)",
    # ABORT, not ROLLBACK: RAISE(ROLLBACK) ends the savepoints of whoever called (reliability.md section 2.6).
    *AUDIT_GUARDS.values(),
    """
    CREATE TRIGGER factory_is_never_removed BEFORE DELETE ON models WHEN OLD.origin = 'factory'
    BEGIN SELECT RAISE(ABORT, 'the factory model cannot be removed'); END
    """,
)

CATALOGUE: tuple[Migration, ...] = (
    Migration("subjects, sessions, verdicts, models, jobs, audit", _PEOPLE + _SESSIONS + _VERDICTS + _MODELS + _AUDIT),
    SHADOW,
    KEYS,
    ERASURE,
    PEOPLE,
    QUALIFICATIONS,
    CHAIN,
    SHIFT_CHECKS,
    CAMERAS,
    POLICIES,
    TRUSTED_TIMES,
    SHADOW_RUN,
    LANES,
    SECOND_LABELS,
    MESSAGE_FORMS,
)
"""All migrations of the catalogue, in order."""
