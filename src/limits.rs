//! Where does each thing that could grow stop growing?
//!
//! Every bound stands here with its unit, what happens at it, and the metric that shows it. Those
//! that a site may need to move are settings of `[limits]` in the configuration, with these
//! values as defaults.
//!
//! Where keys have to go, the one that *stands lowest* goes first: what only strangers made, then what only
//! users made who never got in, then what users made that failed but got in before, then the rest; of each,
//! what was seen once. [`crate::state::Order`] does that for all tables.

mod habit;

pub use habit::*;

/// Bytes of one record; a larger one is a dead letter (`dead_letters_total{reason="too_large"}`).
pub const RECORD_BYTES: usize = 4 * 1024 * 1024;

/// Bytes one record may unpack to in all; more is a dead letter (`too_large`).
pub const UNPACKED_BYTES: usize = 16 * 1024 * 1024;

/// Envelopes within envelopes; deeper is a dead letter (`too_deep`).
pub const ENVELOPE_DEPTH: usize = 6;

/// Events of one record; the rest is a dead letter (`too_large`).
pub const EVENTS_PER_RECORD: usize = 10_000;

/// Nesting of JSON that is followed; deeper is a dead letter (`not_json`).
pub const JSON_DEPTH: usize = 64;

/// Fields all rules together may read; more is an error at load.
pub const FIELDS: usize = 4_096;

/// Bytes of the path of a field; no longer one can be read.
pub const FIELD_PATH_BYTES: usize = 512;

/// Elements of one array that are read into a field; the rest is ignored.
pub const ARRAY_ELEMENTS: usize = 256;

/// Bytes of one value that a rule reads; the rest is cut at a character boundary.
pub const VALUE_BYTES: usize = 16 * 1024;

/// Bytes of one event's values that rules with keywords search; the rest, in the order of the event's
/// JSON, is not searched.
pub const KEYWORD_BYTES: usize = 256 * 1024;

/// What the shortest value counts of [`KEYWORD_BYTES`], so that their number is bounded too.
pub const KEYWORD_VALUE_BYTES: usize = 16;

/// Rule files of one run; more is an error at load.
pub const RULE_FILES: usize = 10_000;

/// Folders within folders that are searched for rule files; deeper is an error at load.
pub const RULE_FOLDERS: usize = 16;

/// Bytes of one rule file; a larger one is an error at load.
pub const RULE_FILE_BYTES: usize = 1024 * 1024;

/// Lists of one run; more is an error at load.
pub const LISTS: usize = 1_000;

/// Bytes of all lists together; more is an error at load.
pub const LIST_BYTES: usize = 64 * 1024 * 1024;

/// Values of one list, and texts one use of lists may stand for; more is an error at load.
pub const LIST_VALUES: usize = 1_000_000;

/// Values of one use of lists with wildcards between their characters, each of which is tried alone;
/// more is an error at load.
pub const LIST_WILDCARDS: usize = 1_000;

/// Bytes of all values of one use of lists that are searched for inside a text; more is an error at
/// load.
pub const LIST_SEARCHED_BYTES: usize = 4 * 1024 * 1024;

/// Mistakes told of in one load; the rest is only counted.
pub const RULE_MISTAKES: usize = 1_000;

/// Mistakes of one load that come with a guess at what was meant; the rest goes without.
pub const RULE_GUESSES: usize = 100;

/// Bytes of what one mistake says; the rest is cut.
pub const RULE_MESSAGE_BYTES: usize = 1_024;

/// Bytes of a line that is shown with the mistake in it; of a longer one, only the place is told.
pub const RULE_LINE_BYTES: usize = 4_096;

/// Nodes of one rule file, after aliases; more is an error at load.
pub const RULE_NODES: usize = 100_000;

/// Bytes of all texts of one rule file, after aliases; more is an error at load.
pub const RULE_TEXT_BYTES: usize = 4 * 1024 * 1024;

/// Documents of one rule file; more is an error at load.
pub const RULE_DOCUMENTS: usize = 1_000;

/// Bytes of one key in a rule file; longer is an error at load.
pub const RULE_KEY_BYTES: usize = 1_024;

/// Nesting of one rule document and of one condition; deeper is an error at load.
pub const RULE_DEPTH: usize = 64;

/// Bytes of a rule's name; longer is an error at load.
pub const RULE_NAME_BYTES: usize = 128;

/// Characters of a rule's title, Sigma's own bound; more is an error at load.
pub const RULE_TITLE_CHARS: usize = 256;

/// Bytes of a rule's texts besides what it matches and its tests, all together: they are in each
/// of its alerts. More is an error at load.
pub const RULE_PROSE_BYTES: usize = 128 * 1024;

/// Rules that a correlation names in one place; more is an error at load.
pub const CORRELATION_RULES: usize = 1_000;

/// Fields that a correlation groups by; more is an error at load.
pub const GROUP_BY: usize = 16;

/// Fields in one list of a correlation besides its group-by, such as those whose values count
/// together; more is an error at load.
pub const COUNTED_FIELDS: usize = 16;

/// Aliases of a correlation; more is an error at load.
pub const ALIASES: usize = 32;

/// Bytes of one pattern with wildcards; longer is an error at load.
pub const WILDCARD_BYTES: usize = 4_096;

/// Bytes of one regular expression as it is written; longer is an error at load.
pub const REGEX_TEXT_BYTES: usize = 4_096;

/// Groups within groups of a regular expression; deeper is an error at load.
pub const REGEX_DEPTH: u32 = 100;

/// Bytes of one compiled regular expression; larger is an error at load.
pub const REGEX_BYTES: usize = 1024 * 1024;

/// Bytes of a compiled regular expression that counts as a small one.
pub const SMALL_REGEX_BYTES: usize = 64 * 1024;

/// Bytes of all compiled regular expressions together, a small one counted as
/// [`SMALL_REGEX_BYTES`], any other as [`REGEX_BYTES`]; more is an error at load.
pub const REGEXES_BYTES: usize = 256 * 1024 * 1024;

/// Values of one field in one place of a rule; more is an error at load.
pub const RULE_VALUES: usize = 50_000;

/// Values of one field under `all`, each of which is looked for by itself; more is an error at load.
pub const RULE_ALL_VALUES: usize = 1_000;

/// Values of one field that are tried one after the other, as they are regular expressions or have
/// wildcards inside; more is an error at load.
pub const RULE_SLOW_VALUES: usize = 1_000;

/// Values of all rules together, each counted in every way it is written; more is an error at load.
pub const RULE_PATTERNS: usize = 500_000;

/// Bytes of the texts of all rules that are looked for together; the rest are looked for one by one.
pub const JOINT_BYTES: usize = 4 * 1024 * 1024;

/// Texts that one value is encoded to; more is an error at load.
pub const ENCODED_TEXTS: usize = 1_000;

/// Texts that the values of one field in one place are encoded to, all together; more is an error at
/// load.
pub const ENCODED_LIST_TEXTS: usize = 10_000;

/// Dashes that `windash` leaves open in one encoded text; more is an error at load.
pub const ENCODED_DASHES: usize = 3;

/// Dashes that `windash` leaves open in a text up to which every way to write it is looked for; with
/// more, the text is one pattern with wildcards.
pub const SPELLED_DASHES: usize = 2;

/// Correlations of correlations; a longer chain is an error at load.
pub const RULE_CHAIN: usize = 8;

/// Steps of one sequence; more is an error at load.
pub const SEQUENCE_STEPS: usize = 16;

/// Named values of one aggregate; more is an error at load.
pub const AGGREGATE_VALUES: usize = 32;

/// Values, numbers and signs in the condition of one aggregate; more is an error at load.
pub const FORMULA_NODES: usize = 256;

/// The longest window of a correlation; longer is an error at load; ms.
pub const WINDOW_MAX_MS: i64 = 90 * 24 * 3_600_000;

/// Keys of one correlation, and things that the alerts of one detection are about; beyond, the one that
/// stands lowest goes, of those the one least recently touched or whose alerts are over first
/// (`rule_evictions_total`). Alerts of a correlation say that their figures may be too low.
pub const KEYS_PER_RULE: usize = 100_000;

/// Events held for one key of one correlation, and distinct values of one bucket of a `baseline`; beyond,
/// the oldest event goes, a further value is left out (`rule_evictions_total`).
pub const EVENTS_PER_KEY: usize = 10_000;

/// Keys one match makes of arrays in a correlation's group-by; the rest is left out
/// (`rule_evictions_total`).
pub const KEYS_PER_MATCH: usize = 256;

/// Values that `new_value` remembers of one entity; beyond, those seen once go first, then those seen
/// longest ago, a few at a time (`rule_evictions_total`), and alerts say that what was forgotten may look
/// new.
pub const VALUES_PER_ENTITY: usize = 10_000;

/// Values that `new_value` remembers of a tenant whose entities share their memory; beyond, as with
/// [`VALUES_PER_ENTITY`].
pub const VALUES_PER_ORG: usize = 200_000;

/// Rules that a risk score names with their points, the most first; the others are added up.
pub const RISK_PARTS: usize = 10;

/// Buckets of the history of a `baseline`; more is an error at load. Those without events take no room.
pub const BUCKETS_PER_HISTORY: i64 = 10_000;

/// Event time after which a quiet entity begins anew, to be learnt like one that was never seen; ms.
/// No habit and no memory of a rule reaches further back: a longer one is an error at load.
pub const ENTITY_QUIET_MS: i64 = 365 * 24 * 3_600_000;

/// Alerts of one key that further windows may still belong to; beyond, the earliest is forgotten
/// (`rule_evictions_total`), and a late window near it raises an alert of its own.
pub const EPISODES_PER_KEY: usize = 64;

/// Evidence held for one key of one correlation: the first few and the latest are kept.
pub const EVIDENCE_PER_KEY: usize = 64;

/// Events an alert shows unless its rule says otherwise.
pub const EVIDENCE_PER_ALERT: usize = 20;

/// Okta sessions held; beyond, the one that stands lowest goes, of those the least recently active
/// (`state_evictions_total{table="sessions"}`).
pub const SESSIONS: usize = 500_000;

/// Users held; beyond, the one that stands lowest goes, of those the least recently active
/// (`state_evictions_total{table="users"}`).
pub const USERS: usize = 500_000;

/// API tokens held; beyond, the one that stands lowest goes, of those the least recently active
/// (`state_evictions_total{table="tokens"}`).
pub const TOKENS: usize = 50_000;

/// Addresses, autonomous systems and refused addresses remembered of one API token, each; beyond, the one
/// least recently seen goes (`state_evictions_total{table="token_sources"}`).
pub const SOURCES_PER_TOKEN: usize = 32;

/// Programs remembered that use one API token; beyond, as with [`SOURCES_PER_TOKEN`].
pub const CLIENTS_PER_TOKEN: usize = 8;

/// Bytes of the id of an API token; a longer one is none.
pub const TOKEN_ID_BYTES: usize = 128;

/// Bytes kept of each text that the log says of an API token; the rest is cut.
pub const TOKEN_TEXT_BYTES: usize = 256;

/// Event time after which a quiet API token is forgotten, with whoever made it: the next event begins it
/// anew; ms. Integrations that run once a quarter are not quiet for longer.
pub const TOKEN_QUIET_MS: i64 = 365 * 24 * 3_600_000;

/// Administrators' roles remembered of one user, and read from one event; beyond, the one goes that was given or
/// taken longest ago. Okta has a dozen of its own. Not counted.
pub const ROLES_PER_USER: usize = 24;

/// Ends of all of a user's sessions that are remembered; beyond, the oldest goes: it ended what is mostly
/// forgotten. Not counted.
pub const ENDINGS_PER_USER: usize = 8;

/// Applications counted of one session; more are not.
pub const APPS_PER_SESSION: usize = 64;

/// Addresses of a chain of proxies; a longer one is not believed at all.
pub const IP_CHAIN: usize = 16;

/// Pairs of places that one user is known to go between; beyond, the one longest not gone between goes
/// (`state_evictions_total{table="user_commutes"}`).
pub const TRAVEL_PAIRS_PER_USER: usize = 16;

/// Days on which a user must have gone between two places until `enriched.travel.known` says so.
pub const TRAVEL_PAIR_DAYS: usize = 5;

/// Event time after which a pair of places that was not gone between is learnt anew; ms.
pub const TRAVEL_PAIR_QUIET_MS: i64 = 60 * 24 * 3_600_000;

/// Event ids remembered for deduplication; beyond, the oldest goes
/// (`state_evictions_total{table="uuids"}`).
pub const UUIDS: usize = 5_000_000;

/// Event ids of one record of a shard's state, 16 bytes each; more make another, as brokers take no
/// record of more than 1 MB by default.
pub const IDS_PER_CHANGE: usize = 32_768;

/// Distinct addresses whose location is kept ready; beyond, those not asked for lately are looked
/// up again.
pub const GEOIP_CACHE: usize = 65_536;

/// Bytes of text for which an event's fields are used again; those of a larger event are freed.
pub const ROOM_BYTES: usize = 64 * 1024;

/// Milliseconds a worker's loop may be silent before `/healthz` says that it is dead. Longer than
/// the longest chain of calls to the cluster between two rounds, each of which has its own timeout.
pub const WORKER_SILENCE_MS: i64 = 120_000;

/// Milliseconds within which a repeated log line of one kind is counted instead of written
/// (`log_lines_suppressed_total`).
pub const LOG_REPEAT_MS: i64 = 10_000;

/// Bytes, as compressed, that a consumer fetches of one partition at a time; one record may have more.
pub const FETCH_PARTITION_BYTES: usize = 128 * 1024;

/// KiB that a consumer fetches ahead for all of its partitions; beyond, it stops fetching.
pub const FETCH_AHEAD_KBYTES: usize = 32 * 1024;

/// Inputs that a member takes to their end before it looks at the next: as much as caches hold.
pub const STEP_INPUTS: usize = 400;

/// Bytes that steps write of what they took in before the keys that changed are written instead, however few
/// inputs these were.
pub const JOURNAL_BYTES: usize = 32 * 1024 * 1024;

/// Of those, bytes of one record about.
pub const JOURNAL_ENTRY_BYTES: usize = 256 * 1024;

/// How full of inputs or bytes the longest journal of a member's shards is when its tables are written, in
/// thousandths: shards that came this far together are done one after the other before the first is full.
pub const JOURNAL_FILLED: usize = 800;

/// The same where little comes in.
pub const JOURNAL_FILLED_EARLY: usize = 100;

/// Milliseconds after which a process takes back state of rules that it does not have.
pub const LEFTOVER_STATE_MS: i64 = 3_600_000;

/// Bytes of one record of the changelog and the repartition topic, which are created with this as
/// their `max.message.bytes`.
pub const STATE_RECORD_BYTES: usize = 16 * 1024 * 1024;

/// Milliseconds a batch is tried while the group takes its generation for an old one; beyond, the worker
/// begins anew (`batches_lost_total`).
pub const OUT_OF_DATE_MS: u64 = 60_000;

/// Threads of one worker that restore shards at a time.
pub const RESTORING_THREADS: usize = 2;

/// Milliseconds any one call to the cluster may take before it counts as failed.
pub const CLUSTER_CALL_MS: u64 = 10_000;

/// Milliseconds between two attempts during an outage, at most; the first waits
/// [`RETRY_FIRST_MS`], each further one twice as long.
pub const RETRY_LAST_MS: u64 = 10_000;

/// Milliseconds before the second attempt of an outage.
pub const RETRY_FIRST_MS: u64 = 100;

/// Milliseconds a worker may take to finish its batch and leave the group once it was asked to
/// stop; beyond, the process ends and the next start finishes what is open.
pub const DRAIN_MS: u64 = 20_000;

/// Bytes of a text that goes into a header of an output record; the rest is cut.
pub const HEADER_BYTES: usize = 1_024;

/// Bytes kept of a dead letter that the broker found too large (`outputs_shrunk_total`).
pub const SHRUNK_DEAD_LETTER_BYTES: usize = 64 * 1024;

/// Events kept in the evidence of an alert that the broker found too large
/// (`outputs_shrunk_total`).
pub const SHRUNK_EVIDENCE: usize = 3;

/// Bytes an alert keeps of one value; the rest is cut at a character boundary and shown as `…`.
pub const EVIDENCE_VALUE_BYTES: usize = 1024;

/// Targets an alert keeps of one event; the rest is only in the event itself.
pub const EVIDENCE_TARGETS: usize = 32;

/// Distinct values a sentence lists; of more, it says how many others there are.
pub const SENTENCE_VALUES: usize = 3;

/// Bytes of the original event in an alert (`output.raw_event`); a longer one is cut at a character
/// boundary, as OCSF's `raw_data` need not be whole.
pub const RAW_EVENT_BYTES: usize = 64 * 1024;

/// Decoded records kept for one GeoIP database; beyond, those not asked for lately are decoded
/// again.
pub const GEOIP_RECORDS: usize = 65_536;

/// Sightings held of one session or one user, to find the neighbours in time of a late event;
/// beyond, the oldest goes. Only those that an event within the allowed lateness can need are held, so
/// that a busy session goes beyond it without losing anything an event in order needs: it is not counted.
pub const SIGHTINGS: usize = 32;

/// Sessions of one user that `enriched.session.concurrent` can count; beyond, the least recently
/// active goes (`state_evictions_total{table="user_sessions"}`).
pub const SESSIONS_PER_USER: usize = 64;

/// Event time after which a quiet session is forgotten: its next event begins it anew; ms.
pub const SESSION_QUIET_MS: i64 = 7 * 24 * 3_600_000;

/// Event time after which a quiet user is forgotten, with the places: the next event begins anew;
/// ms.
pub const USER_QUIET_MS: i64 = 90 * 24 * 3_600_000;

/// Bytes of one value in a sentence; the rest is cut at a character boundary and shown as `…`.
pub const SENTENCE_VALUE_BYTES: usize = 256;

/// Bytes of a rendered alert, below Kafka's usual 1 MiB: beyond, the events between the first, the
/// decisive and the last go (they count as `omitted`), then their targets and read values, then
/// the end of the runbook.
pub const ALERT_BYTES: usize = 900 * 1024;

/// Runs of a failed test, with one number or window of a rule otherwise each time, to find out how
/// near it came; beyond, what was found so far is told.
pub const NEAREST_RUNS: usize = 1_000;

/// Events of a failed test for which it is run again to find out how near it came; of a longer one,
/// only the highest figure is told.
pub const NEAREST_EVENTS: usize = 2_000;
