//! The tables, as the steps that made them. A step is never changed once it is published; what is needed next is a new one.

/// A step from one version of the schema to the next. `{id}` and `{clustered}` are words of the dialect.
pub(super) static MIGRATIONS: &[&str] = &[FUNCTIONS_AND_CONTENTS, FINDINGS];

/// What there is.
///
/// What an artifact ships is kept once for each digest: `artifact.document` whole (evidence, facts, observations), and what is
/// asked for by name as rows. Names of packages are rows of their own, because a company's functions share them: at 10,000
/// artifacts there are some 800,000 components, and 5,000 names. `dated` is 1 where a verdict depends on the day.
const FUNCTIONS_AND_CONTENTS: &str = "
CREATE TABLE run (
    id {id},
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    part TEXT NOT NULL,
    started TEXT NOT NULL,
    finished TEXT,
    program TEXT NOT NULL,
    summary TEXT NOT NULL
);
CREATE TABLE source (
    id {id},
    name TEXT NOT NULL UNIQUE
);
CREATE TABLE artifact (
    id {id},
    digest TEXT NOT NULL UNIQUE,
    format TEXT NOT NULL,
    kind TEXT NOT NULL,
    size BIGINT NOT NULL,
    dated BIGINT NOT NULL,
    document BYTEA NOT NULL
);
CREATE TABLE function (
    id {id},
    source_id BIGINT NOT NULL REFERENCES source (id),
    name TEXT NOT NULL,
    location TEXT NOT NULL,
    stamp TEXT,
    artifact_id BIGINT REFERENCES artifact (id),
    runtime TEXT,
    memory_mb BIGINT,
    timeout_s BIGINT,
    layers TEXT NOT NULL,
    last_modified TEXT,
    owner TEXT,
    tags TEXT NOT NULL,
    failed TEXT,
    first_run BIGINT NOT NULL,
    gone_run BIGINT,
    UNIQUE (source_id, name)
);
CREATE INDEX function_artifact ON function (artifact_id);
CREATE TABLE deployment (
    function_id BIGINT NOT NULL REFERENCES function (id),
    from_run BIGINT NOT NULL,
    artifact_id BIGINT NOT NULL REFERENCES artifact (id),
    to_run BIGINT,
    PRIMARY KEY (function_id, from_run)
) {clustered};
CREATE INDEX deployment_artifact ON deployment (artifact_id);
CREATE TABLE coordinate (
    id {id},
    ecosystem TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    UNIQUE (ecosystem, name, version)
);
CREATE TABLE component (
    artifact_id BIGINT NOT NULL REFERENCES artifact (id),
    coordinate_id BIGINT NOT NULL REFERENCES coordinate (id),
    proof BIGINT NOT NULL,
    confidence DOUBLE PRECISION NOT NULL,
    direct BIGINT,
    way TEXT,
    PRIMARY KEY (artifact_id, coordinate_id)
) {clustered};
CREATE INDEX component_coordinate ON component (coordinate_id);
CREATE TABLE edge (
    artifact_id BIGINT NOT NULL REFERENCES artifact (id),
    from_id BIGINT NOT NULL,
    to_id BIGINT NOT NULL,
    PRIMARY KEY (artifact_id, from_id, to_id)
) {clustered};
CREATE TABLE gap (
    artifact_id BIGINT NOT NULL REFERENCES artifact (id),
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    stage TEXT NOT NULL,
    location TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (artifact_id, number)
) {clustered};
CREATE TABLE failure (
    run_id BIGINT NOT NULL REFERENCES run (id),
    number BIGINT NOT NULL,
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (run_id, number)
) {clustered};
";

/// What is wrong with it: what is said of a component is kept once (`flaw`), what is true of an artifact now (`verdict`), and
/// since when of each function (`finding`). A finding that comes back after it was fixed has a second row: a second life.
const FINDINGS: &str = "
CREATE TABLE flaw (
    id {id},
    rule TEXT NOT NULL,
    coordinate_id BIGINT NOT NULL,
    advisory TEXT NOT NULL,
    about TEXT NOT NULL,
    score DOUBLE PRECISION,
    aliases TEXT NOT NULL,
    fixed_in TEXT NOT NULL,
    message TEXT NOT NULL,
    exploited TEXT,
    epss DOUBLE PRECISION,
    UNIQUE (rule, coordinate_id, advisory, about)
);
CREATE TABLE verdict (
    artifact_id BIGINT NOT NULL REFERENCES artifact (id),
    flaw_id BIGINT NOT NULL REFERENCES flaw (id),
    level BIGINT NOT NULL,
    severity BIGINT,
    places TEXT NOT NULL,
    PRIMARY KEY (artifact_id, flaw_id)
) {clustered};
CREATE INDEX verdict_flaw ON verdict (flaw_id);
CREATE TABLE finding (
    function_id BIGINT NOT NULL REFERENCES function (id),
    flaw_id BIGINT NOT NULL REFERENCES flaw (id),
    first_run BIGINT NOT NULL,
    last_run BIGINT,
    fixed_run BIGINT,
    level BIGINT NOT NULL,
    severity BIGINT,
    PRIMARY KEY (function_id, flaw_id, first_run)
) {clustered};
CREATE INDEX finding_flaw ON finding (flaw_id);
CREATE TABLE doubt (
    artifact_id BIGINT NOT NULL REFERENCES artifact (id),
    coordinate_id BIGINT NOT NULL REFERENCES coordinate (id),
    location TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (artifact_id, coordinate_id)
) {clustered};
CREATE TABLE judged (
    artifact_id BIGINT PRIMARY KEY REFERENCES artifact (id)
) {clustered};
";
